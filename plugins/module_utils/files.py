# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one doorway to file changes (contract §5 and §11): nothing else writes, renames or removes.

A file is replaced whole: written beside the old one, on disk before the rename, with the old one's mode, owner and
group. What a killed run leaves behind, a later one recognises by an advisory lock that nobody holds, and removes.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import fcntl
import os
import secrets
import stat
from collections.abc import Iterator

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.folders import (
    FOLDER,
    LINK_ERRNOS,
    READ,
    Folder,
    Reader,
    lstat,
)
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.sandbox import Problem, Sandbox

CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
TEMPORARY = ".iapeer-memory~"
NO_SUPPORT = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)
CAN_ASK_AS_EFFECTIVE = os.access in os.supports_effective_ids


class Files(Reader):
    """The handle that everything takes to reach files; carries the sandbox's decision."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.umask = os.umask(0o022)
        os.umask(self.umask)

    def tree(self, anchor: str, create: bool = False) -> Tree:
        """Open the folder anchor (absolute path); create makes it first where it is missing. Raises Problem."""
        return Tree(self, anchor, create)


class Tree(Folder):
    """An open folder whose files may be changed. Every change refuses what the sandbox refuses."""

    def __init__(self, files: Files, anchor: str, create: bool = False) -> None:
        self._files = files
        real = os.path.realpath(anchor)
        if create and not os.path.isdir(real):
            files.sandbox.check(anchor)
            with Tree(files, os.path.dirname(real), create=True) as above:
                above.make_folder(os.path.basename(real))
        super().__init__(files.sandbox, anchor)

    def write(self, name: str, data: bytes, mode: int | None = None, folder_mode: int = 0o755) -> None:
        """Replace or create a file in one step, data on disk before it takes the name.

        mode: permission bits to set; without it the file's own are kept, and a new one gets 0644 less the umask.
        folder_mode: for folders that have to be made. As root, what is new belongs to the owner of its folder.
        """
        self._sandbox.check(self.path(name))
        with self._explained(name):
            folder, leaf = self._locate(name, folder_mode)
            assert folder is not None
            old = lstat(leaf, folder)
            if old is not None:
                self._require_regular(name, old)
                if not os.access(leaf, os.W_OK, dir_fd=folder, effective_ids=CAN_ASK_AS_EFFECTIVE):
                    raise Problem("not writable", self.path(name), "unreadable")
            _sweep(folder, leaf)
            with _temporary(folder, leaf) as (handle, temporary):
                _write_all(handle, data)
                self._dress(handle, old, mode, folder)
                os.fsync(handle)
                os.rename(temporary, leaf, src_dir_fd=folder, dst_dir_fd=folder)

    def create(self, name: str, data: bytes) -> bool:
        """Write a file that must not be there yet, whole or not at all; False where something has that name."""
        self._sandbox.check(self.path(name))
        with self._explained(name):
            folder, leaf = self._locate(name, 0o755)
            assert folder is not None
            with _temporary(folder, leaf) as (handle, temporary):
                _write_all(handle, data)
                self._dress(handle, None, None, folder)
                os.fsync(handle)
                with contextlib.suppress(FileExistsError):
                    os.link(temporary, leaf, src_dir_fd=folder, dst_dir_fd=folder)
                    return True
                return False

    def replace(self, name: str, before: bytes | None, after: bytes | None, mode: int | None = None) -> None:
        """Turn a file that still is before into after (None: no file), and make sure that it is so.

        Raises Problem where it changed since before was read, and where it did not become after.
        """
        found = self.read(name)
        if (None if found is None else found.data) != before:
            raise Problem("changed by somebody else meanwhile: left as it is, run again", self.path(name))
        if after is None:
            self.remove(name)
        else:
            self.write(name, after, mode)
        found = self.read(name)
        if (None if found is None else found.data) != after:
            raise Problem("did not become what was written: somebody else writes it too", self.path(name))

    def remove(self, name: str) -> None:
        """Remove a file; its absence is no error."""
        self._sandbox.check(self.path(name))
        with self._explained(name), contextlib.suppress(FileNotFoundError):
            folder, leaf = self._locate(name)
            if folder is not None:
                os.unlink(leaf, dir_fd=folder)

    def make_folder(self, name: str, mode: int = 0o755) -> None:
        """Make a folder and what leads to it; its presence is no error. mode: permission bits, less the umask."""
        self._sandbox.check(self.path(name))
        with self._explained(name):
            self._folder(name, mode)

    def set_mode(self, name: str, mode: int) -> None:
        """Set the permission bits of a regular file or a folder."""
        self._sandbox.check(self.path(name))
        with self._explained(name):
            folder, leaf = self._locate(name)
            handle = os.open(leaf, READ, dir_fd=folder)
            try:
                os.fchmod(handle, mode)
            finally:
                os.close(handle)

    def remove_folder(self, name: str) -> None:
        """Remove a folder with all that is in it, following no link; its absence is no error."""
        self._sandbox.check(self.path(name))
        head, _slash, leaf = name.rpartition("/")
        with self._explained(name):
            folder = self._folder(head)
            for key in [key for key in self._handles if key == name or key.startswith(f"{name}/")]:
                os.close(self._handles.pop(key))
            if folder is not None:
                _remove(folder, leaf)

    def claim(self, name: str, leaf: str, data: bytes) -> bool:
        """Make the folder name appear with the file leaf already in it; False where something has that name.

        On a file system that cannot rename without replacing, the file follows the folder.
        """
        self._sandbox.check(self.path(name))
        root = self._handles[""]
        with self._explained(name):
            if lstat(name, root) is not None:
                return False
            _sweep(root, name)
            draft = _draft_name(name)
            self._make_folder(draft, root, 0o755)
            try:
                with Tree(self._files, os.path.join(self._real, draft)) as inside:
                    if not (inside.try_lock() and inside.still_there()):
                        return False
                    inside.write(leaf, data)
                    return _rename_noreplace(root, draft, name) or self._claim_in_two_steps(name, leaf, data)
            except FileExistsError:
                return False
            finally:
                _remove(root, draft)

    def _claim_in_two_steps(self, name: str, leaf: str, data: bytes) -> bool:
        os.mkdir(name, 0o755, dir_fd=self._handles[""])
        with Tree(self._files, os.path.join(self._real, name)) as inside:
            _own_like(inside._handles[""], self._handles[""])
            inside.write(leaf, data)
        return True

    def give_up(self, name: str) -> None:
        """Take the folder name away in one step, then remove it and what is in it."""
        self._sandbox.check(self.path(name))
        root = self._handles[""]
        with self._explained(name):
            gone = _draft_name(name)
            os.rename(name, gone, src_dir_fd=root, dst_dir_fd=root)
            _remove(root, gone)

    def try_lock(self) -> bool:
        """Take the system's advisory lock on this very folder until the tree is closed; False where it is taken."""
        return _flock(self._handles[""])

    def _make_folder(self, leaf: str, parent: int, mode: int) -> None:
        with contextlib.suppress(FileExistsError):
            os.mkdir(leaf, mode, dir_fd=parent)
            handle = os.open(leaf, FOLDER, dir_fd=parent)
            try:
                _own_like(handle, parent)
            finally:
                os.close(handle)

    def _dress(self, handle: int, old: os.stat_result | None, mode: int | None, folder: int) -> None:
        """Give a file that is about to take a name the owner, group and permission bits that it must have."""
        if old is None:
            _own_like(handle, folder)
            os.fchmod(handle, 0o644 & ~self._files.umask if mode is None else mode)
            return
        new = os.fstat(handle)
        if (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
            os.fchown(handle, old.st_uid, old.st_gid)
        os.fchmod(handle, stat.S_IMODE(old.st_mode) if mode is None else mode)


def _flock(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_all(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _draft_name(name: str) -> str:
    return f".{name}.{secrets.token_hex(6)}{TEMPORARY}"


def _locked_draft(folder: int, leaf: str) -> tuple[int, str]:
    while True:
        name = _draft_name(leaf)
        handle = os.open(name, CREATE, 0o600, dir_fd=folder)
        fcntl.flock(handle, fcntl.LOCK_EX)
        if os.fstat(handle).st_nlink:
            return handle, name
        os.close(handle)  # somebody took it for a leftover before it was locked


@contextlib.contextmanager
def _temporary(folder: int, leaf: str) -> Iterator[tuple[int, str]]:
    """A new locked file beside leaf; gone again unless it was renamed."""
    handle, name = _locked_draft(folder, leaf)
    try:
        yield handle, name
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(name, dir_fd=folder)
        raise
    finally:
        os.close(handle)


def _sweep(folder: int, leaf: str) -> None:
    """Remove what a killed run left beside leaf: drafts that nobody holds locked any more."""
    for name in os.listdir(folder):
        if not (name.startswith(f".{leaf}.") and name.endswith(TEMPORARY)):
            continue
        with contextlib.suppress(OSError):
            handle = os.open(name, READ, dir_fd=folder)
            try:
                if _flock(handle):
                    _remove(folder, name)
            finally:
                os.close(handle)


def _own_like(handle: int, folder: int) -> None:
    owner = os.fstat(folder)
    if os.geteuid() == 0 and os.fstat(handle).st_uid != owner.st_uid:
        os.fchown(handle, owner.st_uid, owner.st_gid)


def _remove(parent: int, leaf: str) -> None:
    """Remove a file, a link, or a folder with all that is in it; its absence is no error."""
    try:
        handle = os.open(leaf, FOLDER, dir_fd=parent)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno not in LINK_ERRNOS:
            raise
        with contextlib.suppress(FileNotFoundError):
            os.unlink(leaf, dir_fd=parent)
        return
    try:
        for name in os.listdir(handle):
            _remove(handle, name)
    finally:
        os.close(handle)
    with contextlib.suppress(FileNotFoundError):
        os.rmdir(leaf, dir_fd=parent)


def _rename_noreplace(folder: int, old: str, new: str) -> bool:
    """Rename where nothing has the new name; False where the system cannot, FileExistsError where something has."""
    libc = ctypes.CDLL(None, use_errno=True)
    call, flag = getattr(libc, "renameat2", None), 1
    if call is None:
        call, flag = getattr(libc, "renameatx_np", None), 4
    if call is None:
        return False
    if call(folder, os.fsencode(old), folder, os.fsencode(new), flag) == 0:
        return True
    number = ctypes.get_errno()
    if number in NO_SUPPORT:
        return False
    raise OSError(number, os.strerror(number))
