# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The reading half of the doorway to files: one folder held open, names walked and never left (contract §5 and §11).

Every name is walked component by component from the open folder, without following links blindly: a link may point
anywhere inside the folder and nowhere else, whoever changes it meanwhile.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterator
from typing import NamedTuple, TypeVar

from .foresight import REMOVE, REMOVE_FOLDER, WRITE, Spot, foresee, require_regular
from .handles import (
    ANCHOR,
    FOLDER,
    LINK_ERRNOS,
    READ,
    Unclear,
    explain,
    flock,
    folders_in,
    glance,
    lstat,
    names_in,
    open_or_none,
    opened,
)
from .problem import Problem
from .sandbox import Sandbox
from .spelling import real, spell

MAX_LINKS = 16
DOCUMENT_CAP = 8 << 20  # bytes of a file that is read whole
BLOCK = 1 << 20
Self = TypeVar("Self", bound="Folder")


class Found(NamedTuple):
    """A regular file as it was read: its bytes and its permission bits."""

    data: bytes
    mode: int


class Sum(NamedTuple):
    """A regular file of any size: its SHA-256 (hexadecimal), its permission bits and its size in bytes."""

    sha256: str
    mode: int
    size: int


class Folder:
    """An open folder. Names given to its methods are relative, with / between components, and never leave it.

    All methods raise Problem, naming the full path and the reason, for what is not as it should be.
    """

    def __init__(self, sandbox: Sandbox, anchor: str) -> None:
        self.anchor = anchor
        self._sandbox = sandbox
        self._handles: dict[str, int] = {}
        self._resolved = ""
        self._linked = False  # whether a link was followed below the anchor
        try:
            self._handles[""] = os.open(spell(anchor), ANCHOR)
        except (OSError, ValueError):
            with self._explained(""):
                raise

    def __enter__(self: Self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for handle in self._handles.values():
            os.close(handle)
        self._handles.clear()

    def path(self, name: str) -> str:
        """The full path of a name, as people know it."""
        return os.path.join(self.anchor, name) if name else self.anchor

    @property
    def _real(self) -> str:
        """The path of the anchor without links in it, resolved when it is first asked for."""
        self._resolved = self._resolved or real(self.anchor)
        return self._resolved

    def glance(self, name: str) -> bytes | None:
        """What read says of a small regular file, its bytes, or None where it is missing; the cheap way to many files.

        Raises Unclear where something stands in the way, or where it is not as simple: read tells what.
        """
        head, _slash, leaf = name.rpartition("/")
        if self._sandbox.armed or ".." in name:
            raise Unclear
        try:
            folder = self._folder(head)
        except (OSError, ValueError, Problem) as error:
            raise Unclear from error
        return None if folder is None else glance(leaf, folder)

    def is_straight(self) -> bool:
        """True where no link was met below the anchor so far, and the anchor itself is none. Raises Problem."""
        with self._explained(""):
            return not self._linked and not stat.S_ISLNK(os.lstat(spell(self.anchor)).st_mode)

    def read(self, name: str, cap: int = DOCUMENT_CAP) -> Found | None:
        """A regular file's bytes and mode; None where it is missing or hidden by the sandbox. cap: bytes at most."""
        with self._reading(name) as handle:
            if handle is None:
                return None
            data = bytearray()
            for block in _blocks(handle):
                data += block
                if len(data) > cap:
                    raise Problem(f"larger than {cap} bytes, the most that is read", self.path(name), "unreadable")
            return Found(bytes(data), stat.S_IMODE(os.fstat(handle).st_mode))

    def checksum(self, name: str) -> Sum | None:
        """What read is for small files, for one of any size: it is read in blocks."""
        with self._reading(name) as handle:
            if handle is None:
                return None
            digest, size = hashlib.sha256(), 0
            for block in _blocks(handle):
                digest.update(block)
                size += len(block)
            return Sum(digest.hexdigest(), stat.S_IMODE(os.fstat(handle).st_mode), size)

    def blocks(self, name: str) -> Iterator[bytes]:
        """The bytes of a regular file that must be there, in blocks."""
        with self._reading(name) as handle:  # pylint: disable=contextmanager-generator-missing-cleanup # it has with
            if handle is None:
                raise Problem("missing", self.path(name), "missing")
            yield from _blocks(handle)

    def tail(self, name: str, most: int) -> bytes:
        """The last bytes of a regular file, at most so many; none where it is missing or hidden by the sandbox."""
        with self._reading(name) as handle:
            if handle is None:
                return b""
            return os.pread(handle, most, max(0, os.fstat(handle).st_size - most))

    @contextlib.contextmanager
    def _reading(self, name: str) -> Iterator[int | None]:
        """A regular file, opened; None where it is missing or hidden by the sandbox."""
        if self._sandbox.hides(self.path(name)):
            yield None
            return
        with self._explained(name), contextlib.ExitStack() as stack:
            folder, leaf = self._locate(name)
            status = None if folder is None else lstat(leaf, folder)
            handle = None
            if folder is not None and status is not None:
                require_regular(status, self.path(name))  # before it is opened too: that alone can set a device going
                with contextlib.suppress(FileNotFoundError):
                    handle = stack.enter_context(opened(leaf, READ, folder))
                    require_regular(os.fstat(handle), self.path(name))
            yield handle

    def names(self, name: str, folders: bool = False) -> list[str]:
        """The sorted names in a folder, or of the folders in it; empty where there is none."""
        if self._sandbox.hides(self.path(name)):
            return []
        with self._explained(name):
            folder = self._folder(name)
            return [] if folder is None else folders_in(folder) if folders else names_in(folder)

    def is_link(self, name: str) -> bool:
        """True where the last component of name is itself a link."""
        head, _slash, leaf = name.rpartition("/")
        with self._explained(name):
            folder = self._folder(head)
            status = None if folder is None else lstat(leaf, folder)
            return status is not None and stat.S_ISLNK(status.st_mode)

    def foresee(self, name: str, change: str = WRITE) -> None:
        """Raise the Problem that a change of name would meet; nothing where it would go well, as far as can be seen.

        change: one of write, remove, mode, make_folder, remove_folder. Every change looks at this first, so that check
        mode, which does nothing else, says the same in the same words.
        """
        self._sandbox.check(self.path(name))
        with self._explained(name):
            spot = self._spot(name, follow=change != REMOVE_FOLDER)
            if change == REMOVE:  # a link that leaves is no file of ours, but of one that stays only the link goes
                spot = self._spot(name, follow=False)
            foresee(change, spot, self.path(name))

    def status(self) -> os.stat_result:
        """The status of the folder itself."""
        return os.fstat(self._handles[""])

    def still_there(self) -> bool:
        """True while the path of the anchor still leads to the folder that was opened."""
        try:
            return os.path.samestat(os.stat(spell(self._real)), self.status())
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

    def _spot(self, name: str, follow: bool, links: int = 0) -> Spot:
        """Where a name leads, through links inside the anchor; follow: through the last component too."""
        head, _slash, leaf = name.rpartition("/")
        folder = self._folder(head, None, links)
        if folder is None:
            return self._spot(head, True, links)._replace(near=False)
        status = lstat(leaf, folder)
        if follow and status is not None and stat.S_ISLNK(status.st_mode):
            return self._spot(self._resolve(name, links), follow, links + 1)
        return Spot(folder, leaf, status, True)

    def _folder(self, name: str, mode: int | None = None, links: int = 0) -> int | None:
        known = self._handles.get(name)
        if known is not None:
            return known
        head, _slash, leaf = name.rpartition("/")
        parent = self._folder(head, mode, links)
        if parent is None:
            return None
        try:
            handle = open_or_none(leaf, FOLDER, parent)
            if handle is None and mode is not None:
                self._make_folder(leaf, parent, mode)
                handle = os.open(spell(leaf), FOLDER, dir_fd=parent)
        except OSError as error:
            status = lstat(leaf, parent)
            if error.errno in LINK_ERRNOS and status is not None and stat.S_ISLNK(status.st_mode):
                return self._folder(self._resolve(name, links), mode, links + 1)
            raise explain(error, self.path(name)) from error
        if handle is not None:
            self._handles[name] = handle
        return handle

    def _resolve(self, name: str, links: int) -> str:
        self._linked = True
        target = real(os.path.join(self._real, name))
        if not target.startswith(self._real.rstrip("/") + "/"):
            raise Problem(f"a link that leaves {self.anchor}, to {target}", self.path(name), "outside")
        inside = os.path.relpath(target, self._real)
        if links >= MAX_LINKS or inside == name:
            raise Problem("a loop of links", self.path(name), "irregular")
        return inside


def _blocks(handle: int) -> Iterator[bytes]:
    while block := os.read(handle, BLOCK):
        yield block
