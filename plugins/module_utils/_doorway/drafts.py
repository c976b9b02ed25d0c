# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the doorway to file changes is made of: drafts beside the place they are for. For files.py alone.

A draft is locked as long as its maker lives. What a killed run leaves behind is known by its name, and by nobody
holding it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator

from .handles import FOLDER, READ, flock, lstat, names_in, opened, walk
from .spelling import spell

CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
TEMPORARY = ".iapeer-memory~"
NO_SUPPORT = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM)  # EPERM: an old container engine's filter


def write_all(handle: int, data: bytes) -> None:
    """Write all of data, however little of it the system takes at a time."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def draft_name(name: str) -> str:
    """A new name beside name that sweep will know again."""
    return f".{name}.{secrets.token_hex(6)}{TEMPORARY}"


@contextlib.contextmanager
def temporary(folder: int, leaf: str) -> Iterator[tuple[int, str]]:
    """A new locked file beside leaf; gone again after any failure."""
    mine = False
    while not mine:
        name = draft_name(leaf)
        handle = os.open(spell(name), CREATE, 0o600, dir_fd=folder)
        try:
            flock(handle, wait=True)
            mine = os.fstat(handle).st_nlink > 0  # else somebody took it for a leftover before it was locked
            if mine:
                yield handle, name
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(spell(name), dir_fd=folder)
            raise
        finally:
            os.close(handle)


def sweep(folder: int, leaf: str) -> None:
    """Remove what a killed run left beside leaf: drafts that nobody holds locked any more."""
    for name in names_in(folder):
        if not (name.startswith(f".{leaf}.") and name.endswith(TEMPORARY)):
            continue
        with contextlib.suppress(OSError), opened(name, READ, folder) as handle:
            if flock(handle):
                remove(folder, name)


def new_folder(parent: int, leaf: str, mode: int) -> None:
    """Make a folder; as root it goes to the owner of the folder it is in."""
    os.mkdir(spell(leaf), mode, dir_fd=parent)
    with opened(leaf, FOLDER, parent) as handle:
        own_like(handle, parent)


def new_folder_of_theirs(parent: int, leaf: str, mode: int) -> None:
    """Make a folder in somebody else's, which takes its name only when it is theirs: root may be killed in between."""
    sweep(parent, leaf)
    draft = draft_name(leaf)
    try:
        new_folder(parent, draft, mode)
        if not rename_noreplace(parent, draft, leaf):
            rename(parent, draft, leaf)
    except BaseException:
        remove(parent, draft)
        raise


def own_like(handle: int, folder: int) -> None:
    """As root, give what is open to the owner and group of the folder it is in; else nothing."""
    owner = os.fstat(folder)
    if os.geteuid() == 0 and os.fstat(handle).st_uid != owner.st_uid:
        os.fchown(handle, owner.st_uid, owner.st_gid)


def remove(parent: int, leaf: str, force: bool = False) -> None:
    """Remove a file, a link, or a folder with all that is in it, however deep; its absence is no error.

    force: also out of folders of ours that may not be written.
    """

    def open_up(name: str, folder: int) -> None:
        os.chmod(spell(name), 0o700, dir_fd=folder)

    status = lstat(leaf, parent)
    with contextlib.suppress(FileNotFoundError):
        if status is not None and stat.S_ISDIR(status.st_mode):
            if force:
                open_up(leaf, parent)
            with opened(leaf, FOLDER, parent) as top:
                for folder, name, found in walk(top, open_up if force else None):
                    _remove_one(folder, name, found)
        if status is not None:
            _remove_one(parent, leaf, status)


def _remove_one(folder: int, name: str, status: os.stat_result) -> None:
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISDIR(status.st_mode):
            os.rmdir(spell(name), dir_fd=folder)
        else:
            os.unlink(spell(name), dir_fd=folder)


def rename(folder: int, old: str, new: str) -> None:
    """Rename in an open folder; whatever has the new name is replaced."""
    os.rename(spell(old), spell(new), src_dir_fd=folder, dst_dir_fd=folder)


def link(source: int, old: str, folder: int, new: str) -> None:
    """Give a file of one open folder a name in another as well; FileExistsError where something has it."""
    try:
        os.link(spell(old), spell(new), src_dir_fd=source, dst_dir_fd=folder, follow_symlinks=False)
    except NotImplementedError:  # macOS may not know how not to follow a link; a draft of ours is none
        os.link(spell(old), spell(new), src_dir_fd=source, dst_dir_fd=folder)


def sync_folder(folder: int) -> None:
    """Have the names in an open folder on disk, where its file system can do that."""
    try:
        os.fsync(folder)
    except OSError as error:
        if error.errno not in (*NO_SUPPORT, errno.EBADF):
            raise


def rename_noreplace(folder: int, old: str, new: str) -> bool:
    """Rename where nothing has the new name; False where the system cannot, FileExistsError where something has."""
    try:
        import ctypes  # not in every build of Python; and slow to import

        libc = ctypes.CDLL(None, use_errno=True)
    except (ImportError, OSError):
        return False
    name, flag = ("renameat2", 1) if hasattr(libc, "renameat2") else ("renameatx_np", 4)
    call = getattr(libc, name, None)
    if call is None:
        return False
    if call(folder, spell(old), folder, spell(new), flag) == 0:
        return True
    number = ctypes.get_errno()
    if number in NO_SUPPORT:
        return False
    raise OSError(number, os.strerror(number))
