# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a file has besides its bytes and its permission bits: access lists, attributes, locks of the file system."""

from __future__ import annotations

import errno
import fcntl
import os
import struct

from .problem import Problem

NO_SUPPORT = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)
# They vouch for the very bytes: the system itself takes them away when these change.
OF_THE_BYTES = ("security.capability", "security.ima", "security.evm")
LABELS = ("security.selinux", "security.SMACK64")  # given to a new file by the system itself, as a rule the same
GET_FLAGS = 2 << 30 | struct.calcsize("l") << 16 | ord("f") << 8 | 1  # FS_IOC_GETFLAGS
# Of Linux (by that call), of BSD and macOS (in the status).
LOCKS = (("immutable", 0x10, 0x2 | 0x20000), ("append-only", 0x20, 0x4 | 0x40000))


def keep(old: int, new: int, path: str) -> None:
    """Give an open file the access list and the extended attributes of another one, and nothing else of that kind.

    Raises Problem, naming path and the attribute, where one cannot be kept. A label of the system's own (security.*)
    that the old one has not is the system's business. Where Python knows of no attributes (macOS), nothing is done.
    """
    if not hasattr(os, "listxattr"):
        return
    name = ""
    try:
        had, has = _attributes(old), _attributes(new)
        for name in sorted(has.keys() - had.keys()):
            if not name.startswith("security."):
                os.removexattr(new, name)
        for name in sorted(had):
            if has.get(name) != had[name]:
                os.setxattr(new, name, had[name])
    except OSError as error:
        words = f"its attribute {name}" if name else "its attributes"
        raise Problem(f"{words} could not be kept: {(error.strerror or str(error)).lower()}", path) from error


def of_the_system(handle: int) -> str:
    """The first attribute of an open file that only who administers the system may give to another; else empty."""
    try:
        names = sorted(os.listxattr(handle)) if hasattr(os, "listxattr") else []
    except OSError:
        return ""
    ours = [name for name in names if name.startswith("security.") and name not in OF_THE_BYTES]
    return next((name for name in ours if not name.startswith(LABELS)), "")


def _attributes(handle: int) -> dict[str, bytes]:
    try:
        names = os.listxattr(handle)
    except OSError as error:
        if error.errno in NO_SUPPORT:
            return {}
        raise
    found = {}
    for name in names:
        if name not in OF_THE_BYTES:
            try:
                found[name] = os.getxattr(handle, name)
            except OSError as error:
                if error.errno != errno.ENODATA:  # gone meanwhile
                    raise
    return found


def lock_of(handle: int) -> str:
    """`immutable` or `append-only` where the file system locks what is open, else empty: not even root gets past."""
    flags = getattr(os.fstat(handle), "st_flags", 0)
    for word, _linux, bsd in LOCKS:
        if flags & bsd:
            return word
    try:
        answer = fcntl.ioctl(handle, GET_FLAGS, bytes(struct.calcsize("l")))
    except OSError:  # a file system without such flags
        return ""
    (flags,) = struct.unpack_from("I", answer)
    return next((word for word, linux, _bsd in LOCKS if flags & linux), "")


def is_mounted(handle: int, folder: int) -> bool:
    """True where what is open is mounted in its folder: it cannot be replaced there."""
    mounts = [_mount_of(found) for found in (handle, folder)]
    if None not in mounts:
        return mounts[0] != mounts[1]
    return os.fstat(handle).st_dev != os.fstat(folder).st_dev


def _mount_of(handle: int) -> str | None:
    """The number of the mount that what is open belongs to; None where the system does not tell."""
    try:
        with open(f"/proc/self/fdinfo/{handle}", "rb") as lines:
            found = [line.split()[1] for line in lines if line.startswith(b"mnt_id:")]
    except (OSError, IndexError):
        return None
    return found[0].decode() if found else None
