# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a change would meet, looked at before it is made: in check mode and in a real run alike, in the same words."""

from __future__ import annotations

import contextlib
import os
import stat
import sys
from typing import NamedTuple

from .attributes import is_mounted, lock_of, of_the_system
from .handles import FOLDER, READ, opened, walk
from .problem import Problem
from .spelling import spell

CAN_ASK_AS_EFFECTIVE = os.access in os.supports_effective_ids
KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISLNK, "a link"),
)
CHOWN, FOWNER, SYS_ADMIN = 0, 3, 21  # Linux's numbers of what root may, and an account can be given or denied
WRITE, REMOVE, MODE, MAKE_FOLDER, REMOVE_FOLDER = "write", "remove", "mode", "make_folder", "remove_folder"


class Spot(NamedTuple):
    """Where a name leads: an open folder, the name in it, and what has that name.

    near: False where the folder that is to hold the name is missing too; then folder is the nearest one that is there.
    """

    folder: int
    leaf: str
    status: os.stat_result | None
    near: bool


def foresee(change: str, spot: Spot, path: str) -> None:
    """Raise the Problem that a change at a spot would meet, naming path; nothing where it would go well."""
    folder, leaf, status, near = spot
    if status is None or not near:
        if change == MODE:
            raise Problem("missing", path, "missing")
        if change in (WRITE, MAKE_FOLDER):
            _look_at_folder(folder, path)
            _look_at_heir(folder, path)
    elif change == MODE:
        _look_at_mode(folder, leaf, status, path)
    elif change == MAKE_FOLDER:
        if not stat.S_ISDIR(status.st_mode):
            raise Problem("not a directory", path, "irregular")
    else:
        if change == WRITE or (change == REMOVE and stat.S_ISDIR(status.st_mode)):
            require_regular(status, path)
        if change == WRITE:
            _look_at_owner(folder, leaf, status, path)
        _look_at_folder(folder, path)
        _look_at_entry(folder, leaf, status, path)
        if change == REMOVE_FOLDER and stat.S_ISDIR(status.st_mode):
            with opened(leaf, FOLDER, folder) as top:
                for above, name, found in walk(top):
                    _look_at_folder(above, path)
                    _look_at_entry(above, name, found, path)


def require_regular(status: os.stat_result, path: str) -> None:
    """Raise a Problem where what has the path is no regular file."""
    if not stat.S_ISREG(status.st_mode):
        kind = next((word for test, word in KINDS if test(status.st_mode)), "a device")
        raise Problem(f"{kind} stands where a file belongs", path, "irregular")


def _look_at_folder(folder: int, path: str) -> None:
    """What a new name in an open folder, or the end of one, would meet."""
    if not os.access(".", os.W_OK | os.X_OK, dir_fd=folder, effective_ids=CAN_ASK_AS_EFFECTIVE):
        _require_writable_system(folder, path)
        raise Problem("its folder is not writable: permission denied", path, "unreadable")
    lock = lock_of(folder)
    if lock:
        raise Problem(f"its folder is {lock}: operation not permitted", path, "unreadable")


def _look_at_heir(folder: int, path: str) -> None:
    """What a new file or folder would meet that root gives to the owner of the folder it is in."""
    above = os.fstat(folder)
    if os.geteuid() == 0 and above.st_uid != 0 and not _may(CHOWN, above):
        words = "its folder belongs to another account, and nothing may be given to that: operation not permitted"
        raise Problem(words, path, "unreadable")


def _may(capability: int, status: os.stat_result) -> bool:
    """Whether what root may is ours, and for the owner and group of a status; where nothing tells, root has it all."""
    try:
        with open("/proc/self/status", "rb") as lines:
            ours = next(int(line.split()[1], 16) for line in lines if line.startswith(b"CapEff:"))
        ids = {"uid_map": status.st_uid, "gid_map": status.st_gid}
        return bool(ours >> capability & 1) and all(_is_mapped(name, number) for name, number in ids.items())
    except (OSError, ValueError, StopIteration):
        return os.geteuid() == 0


def _is_mapped(name: str, number: int) -> bool:
    """Whether the user namespace that we are in knows an account or a group."""
    with open(f"/proc/self/{name}", "rb") as lines:
        ranges = [(int(first), int(count)) for first, _outside, count in map(bytes.split, lines)]
    return any(first <= number < first + count for first, count in ranges)


def _require_writable_system(handle: int, path: str) -> None:
    if os.fstatvfs(handle).f_flag & os.ST_RDONLY:
        raise Problem("read-only file system", path)


def _look_at_entry(folder: int, leaf: str, status: os.stat_result, path: str) -> None:
    """What giving a name that is taken to something else, or to nothing, would meet."""
    above = os.fstat(folder)
    foreign = above.st_mode & stat.S_ISVTX and os.geteuid() not in (above.st_uid, status.st_uid)
    if foreign and not _may(FOWNER, status):
        raise Problem("belongs to another account, and so does its folder: operation not permitted", path, "unreadable")
    if not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        return  # what is neither may not even be opened
    with contextlib.suppress(PermissionError), opened(leaf, READ, folder) as handle:
        lock = lock_of(handle)
        if lock:
            raise Problem(f"{lock}: operation not permitted", path, "unreadable")
        if is_mounted(handle, folder):
            raise Problem("mounted there by itself, so not to be replaced: device or resource busy", path)


def _look_at_mode(folder: int, leaf: str, status: os.stat_result, path: str) -> None:
    """What new permission bits of a file or a folder would meet."""
    if not stat.S_ISDIR(status.st_mode):
        require_regular(status, path)
    with opened(leaf, READ, folder) as handle:
        _require_writable_system(handle, path)
        lock = lock_of(handle)
    if lock:
        raise Problem(f"{lock}: operation not permitted", path, "unreadable")
    if os.geteuid() != status.st_uid and not _may(FOWNER, status):
        raise Problem("belongs to another account: operation not permitted", path, "unreadable")


def _look_at_owner(folder: int, leaf: str, status: os.stat_result, path: str) -> None:
    """What a new file would meet that is to get the owner, the group and the attributes of an old one."""
    if not os.access(spell(leaf), os.W_OK, dir_fd=folder, effective_ids=CAN_ASK_AS_EFFECTIVE):
        _require_writable_system(folder, path)
        raise Problem("not writable", path, "unreadable")
    above = os.fstat(folder)
    takes_the_folders = above.st_mode & stat.S_ISGID or sys.platform == "darwin"
    groups = {above.st_gid if takes_the_folders else os.getegid(), os.getegid(), *os.getgroups()}
    foreign = status.st_uid != os.geteuid() or status.st_gid not in groups
    if foreign and not _may(CHOWN, status):
        whose = "account" if status.st_uid != os.geteuid() else "group"
        raise Problem(f"belongs to another {whose}: operation not permitted", path, "unreadable")
    with contextlib.suppress(PermissionError), opened(leaf, READ, folder) as handle:
        name = of_the_system(handle)
        if name and not _may(SYS_ADMIN, status):
            raise Problem(f"its attribute {name} could not be kept: operation not permitted", path)
