# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names in open folders, and what may go wrong with them. For the doorway to files alone."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from typing import Callable

from .problem import Problem
from .spelling import native, spell

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
ANCHOR = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
LINK_ERRNOS = (errno.ELOOP, errno.ENOTDIR, errno.EMLINK)
UNREADABLE_ERRNOS = (errno.EACCES, errno.EPERM)
# What the system answers where a name, or what a link leads to, is not there.
ABSENT_ERRNOS = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
# What a file system answers that has no advisory locks, or none for what is open for reading (a network's).
NO_LOCKS = (errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)

GLANCE_CAP = 64 << 10  # bytes of a file that is read at a glance


class Unclear(Exception):
    """A file that is not to be read at a glance."""


def explain(error: OSError, path: str) -> Problem:
    """The Problem that an error of the system on path amounts to."""
    if error.errno in LINK_ERRNOS:
        return Problem("not a directory", path, "irregular")
    if error.errno == errno.ENOENT:
        return Problem("missing", path, "missing")
    kind = "unreadable" if error.errno in UNREADABLE_ERRNOS else "failed"
    return Problem((error.strerror or str(error)).lower(), path, kind)


def lstat(leaf: str, folder: int) -> os.stat_result | None:
    """The status of a name in an open folder, links not followed; None where it is missing."""
    try:
        return os.stat(spell(leaf), dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def opened(leaf: str, flags: int, folder: int) -> Iterator[int]:
    """A name in an open folder, opened as long as the context lasts."""
    handle = os.open(spell(leaf), flags, dir_fd=folder)
    try:
        yield handle
    finally:
        os.close(handle)


def open_or_none(leaf: str, flags: int, folder: int) -> int | None:
    """A handle on a name in an open folder; None where it is missing."""
    try:
        return os.open(spell(leaf), flags, dir_fd=folder)
    except FileNotFoundError:
        return None


def glance(leaf: str, folder: int) -> bytes | None:
    """The bytes of a small regular file in an open folder; None where it is missing. Raises Unclear for all else."""
    try:
        name = spell(leaf)
        status = os.stat(name, dir_fd=folder, follow_symlinks=False)  # before it is opened: that can set a device going
        if not stat.S_ISREG(status.st_mode) or status.st_size > GLANCE_CAP:
            raise Unclear
        handle = os.open(name, READ, dir_fd=folder)
        try:
            data = os.read(handle, GLANCE_CAP)
        finally:
            os.close(handle)
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise Unclear from error
    if len(data) != status.st_size:  # somebody writes it right now
        raise Unclear
    return data


def names_in(folder: int) -> list[str]:
    """The sorted names in an open folder."""
    return sorted(map(native, os.listdir(folder)))


def folders_in(folder: int) -> list[str]:
    """The sorted names in an open folder of what is seen to be a folder, or a link that leads to one."""
    return [name for name in names_in(folder) if _is_folder(name, folder)]


def _is_folder(leaf: str, folder: int) -> bool:
    try:
        return stat.S_ISDIR(os.stat(spell(leaf), dir_fd=folder).st_mode)
    except OSError as error:
        if error.errno not in ABSENT_ERRNOS:  # unseen is not absent
            raise
        return False


def flock(handle: int, wait: bool = False) -> bool | None:
    """Take the system's advisory lock on what is open; False where it is taken, None where there are no such locks."""
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in NO_LOCKS:
            return None
        raise
    return True


def walk(top: int, prepare: Callable[[str, int], None] | None = None) -> Iterator[tuple[int, str, os.stat_result]]:
    """Everything below an open folder, each as (handle of the folder it is in, name there, status); folders come last.

    Follows no link. Whatever the depth, two handles are open at most. prepare: called with name and folder before a
    folder is opened.
    """
    here = os.dup(top)
    names = names_in(here)
    trail: list[tuple[os.stat_result, list[str], str, os.stat_result]] = []
    try:
        while names or trail:
            if names:
                name = names.pop()
                status = lstat(name, here)
                if status is not None and stat.S_ISDIR(status.st_mode):
                    if prepare is not None:
                        prepare(name, here)
                    trail.append((os.fstat(here), names, name, status))
                    here = _step(here, name)
                    names = names_in(here)
                elif status is not None:
                    yield here, name, status
            else:
                above, names, name, status = trail.pop()
                here = _step(here, "..")
                if not os.path.samestat(os.fstat(here), above):
                    raise OSError(errno.ESTALE, "moved away while it was walked through")
                yield here, name, status
    finally:
        os.close(here)


def _step(here: int, name: str) -> int:
    """From one open folder to another: the first is closed."""
    there = os.open(spell(name), FOLDER, dir_fd=here)
    os.close(here)
    return there
