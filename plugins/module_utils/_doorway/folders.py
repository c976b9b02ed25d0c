# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reading half of the doorway to files: one folder held open, names walked and never left (contract §5 and §11).

Every name is walked component by component from the open folder, without following links blindly: a link may point
anywhere inside the folder and nowhere else, whoever changes it meanwhile.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

from .problem import Problem
from .sandbox import Sandbox

FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
LINK_ERRNOS = (errno.ELOOP, errno.ENOTDIR, errno.EMLINK)
UNREADABLE_ERRNOS = (errno.EACCES, errno.EPERM)
# What a file system answers that has no advisory locks, or none for what is open for reading (a network's).
NO_LOCKS = (errno.EBADF, errno.EINVAL, errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
MAX_LINKS = 16
KINDS = (
    (stat.S_ISDIR, "a directory"),
    (stat.S_ISFIFO, "a FIFO"),
    (stat.S_ISSOCK, "a socket"),
    (stat.S_ISLNK, "a link"),
)
Self = TypeVar("Self", bound="Folder")


class Found(NamedTuple):
    """A regular file as it was read: its bytes and its permission bits."""

    data: bytes
    mode: int


class Folder:
    """An open folder. Names given to its methods are relative, with / between components, and never leave it.

    All methods raise Problem, naming the full path and the reason, for what is not as it should be.
    """

    def __init__(self, sandbox: Sandbox, anchor: str) -> None:
        self.anchor = anchor
        self._sandbox = sandbox
        self._handles: dict[str, int] = {}
        with self._explained(""):
            self._real = os.path.realpath(anchor)
            self._handles[""] = os.open(self._real, FOLDER)

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles.values():
            os.close(handle)
        self._handles.clear()

    def path(self, name: str) -> str:
        """The full path of a name, as people know it."""
        return os.path.join(self.anchor, name) if name else self.anchor

    def read(self, name: str) -> Found | None:
        """A regular file's bytes and mode; None where it is missing or hidden by the sandbox."""
        if self._sandbox.hides(self.path(name)):
            return None
        with self._explained(name):
            folder, leaf = self._locate(name)
            status = None if folder is None else lstat(leaf, folder)
            if folder is None or status is None:
                return None
            self._require_regular(name, status)  # before it is opened too: that alone can set a device going
            with contextlib.suppress(FileNotFoundError), opened(leaf, READ, folder) as handle:
                status = os.fstat(handle)
                self._require_regular(name, status)
                return Found(_read_all(handle, status.st_size), stat.S_IMODE(status.st_mode))
            return None

    def names(self, name: str) -> list[str]:
        """The sorted names in a folder; empty where there is none."""
        if self._sandbox.hides(self.path(name)):
            return []
        with self._explained(name):
            folder = self._folder(name)
            return [] if folder is None else sorted(os.listdir(folder))

    def is_link(self, name: str) -> bool:
        """True where the last component of name is itself a link."""
        head, _slash, leaf = name.rpartition("/")
        with self._explained(name):
            folder = self._folder(head)
            status = None if folder is None else lstat(leaf, folder)
            return status is not None and stat.S_ISLNK(status.st_mode)

    def refuse_change(self, name: str) -> None:
        """Raise the refused Problem that a change of name would meet; nothing where the sandbox lets it pass."""
        self._sandbox.check(self.path(name))

    def status(self) -> os.stat_result:
        """The status of the folder itself."""
        return os.fstat(self._handles[""])

    def still_there(self) -> bool:
        """True while the path of the anchor still leads to the folder that was opened."""
        try:
            return os.path.samestat(os.stat(self._real), self.status())
        except OSError:
            return False

    def try_lock(self) -> bool:
        """Take the system's advisory lock on this very folder until it is closed; False where it is taken.

        True as well on a file system without such locks.
        """
        with self._explained(""):
            return flock(self._handles[""]) is not False

    def lock(self) -> None:
        """The same, waiting for whoever has it: for work that is short, and ends with its process at the latest."""
        with self._explained(""):
            flock(self._handles[""], wait=True)

    @contextlib.contextmanager
    def _explained(self, name: str) -> Iterator[None]:
        """Turn an error of the system into a Problem that names the path; refuse a name that climbs."""
        if ".." in name.split("/"):
            raise Problem("a name with .. in it", self.path(name), "outside")
        try:
            yield
        except OSError as error:
            raise explain(error, self.path(name)) from error
        except ValueError as error:
            raise Problem(f"no name that a file can have: {error}", self.path(name), "irregular") from error

    def _make_folder(self, leaf: str, parent: int, mode: int) -> None:
        raise NotImplementedError("a folder that is only read makes no folders")

    def _locate(self, name: str, mode: int | None = None, links: int = 0) -> tuple[int | None, str]:
        """The handle of the folder that really holds name, and its name there; links are followed inside the anchor.

        mode: make missing folders with these permission bits; None: the handle is None where one is missing.
        """
        head, _slash, leaf = name.rpartition("/")
        folder = self._folder(head, mode, links)
        status = None if folder is None else lstat(leaf, folder)
        if status is not None and stat.S_ISLNK(status.st_mode):
            return self._locate(self._resolve(name, links), mode, links + 1)
        return folder, leaf

    def _folder(self, name: str, mode: int | None = None, links: int = 0) -> int | None:
        known = self._handles.get(name)
        if known is not None:
            return known
        head, _slash, leaf = name.rpartition("/")
        parent = self._folder(head, mode, links)
        if parent is None:
            return None
        try:
            handle = _open_or_none(leaf, FOLDER, parent)
            if handle is None and mode is not None:
                self._make_folder(leaf, parent, mode)
                handle = os.open(leaf, FOLDER, dir_fd=parent)
        except OSError as error:
            status = lstat(leaf, parent)
            if error.errno in LINK_ERRNOS and status is not None and stat.S_ISLNK(status.st_mode):
                return self._folder(self._resolve(name, links), mode, links + 1)
            raise explain(error, self.path(name)) from error
        if handle is not None:
            self._handles[name] = handle
        return handle

    def _resolve(self, name: str, links: int) -> str:
        real = os.path.realpath(os.path.join(self._real, name))
        if not real.startswith(self._real.rstrip("/") + "/"):
            raise Problem(f"a link that leaves {self.anchor}, to {real}", self.path(name), "outside")
        inside = os.path.relpath(real, self._real)
        if links >= MAX_LINKS or inside == name:
            raise Problem("a loop of links", self.path(name), "irregular")
        return inside

    def _require_regular(self, name: str, status: os.stat_result) -> None:
        if not stat.S_ISREG(status.st_mode):
            kind = next((word for test, word in KINDS if test(status.st_mode)), "a device")
            raise Problem(f"{kind} stands where a file belongs", self.path(name), "irregular")


class Reader:
    """Reads single files by their absolute paths; carries the sandbox's decision."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def read(self, path: str) -> Found | None:
        """The regular file at path; None where it or its folder is missing. Raises Problem."""
        if self.sandbox.hides(path):
            return None
        try:
            with Folder(self.sandbox, os.path.dirname(path)) as folder:
                return folder.read(os.path.basename(path))
        except Problem as problem:
            if problem.kind == "missing":
                return None
            raise

    def modified(self, path: str) -> float:
        """When the file at path was last written, in seconds since the epoch; 0 where it is missing."""
        status = self._status(path)
        return 0.0 if status is None else status.st_mtime

    def mode(self, path: str) -> int | None:
        """The permission bits of the file or folder at path; None where it is missing."""
        status = self._status(path)
        return None if status is None else stat.S_IMODE(status.st_mode)

    def owner(self, path: str) -> int:
        """The uid that the file at path belongs to; our own where it is missing."""
        status = self._status(path)
        return os.geteuid() if status is None else status.st_uid

    def _status(self, path: str) -> os.stat_result | None:
        try:
            return None if self.sandbox.hides(path) else os.stat(path)
        except OSError:
            return None


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
        return os.stat(leaf, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return None


@contextlib.contextmanager
def opened(leaf: str, flags: int, folder: int) -> Iterator[int]:
    """A name in an open folder, opened as long as the context lasts."""
    handle = os.open(leaf, flags, dir_fd=folder)
    try:
        yield handle
    finally:
        os.close(handle)


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


def _open_or_none(leaf: str, flags: int, folder: int) -> int | None:
    try:
        return os.open(leaf, flags, dir_fd=folder)
    except FileNotFoundError:
        return None


def _read_all(handle: int, size: int) -> bytes:
    parts = [os.read(handle, size + 1)]
    while parts[-1]:
        parts.append(os.read(handle, 65536))
    return b"".join(parts)
