# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Single files by their absolute paths, read and asked about (contract §5 and §11)."""

from __future__ import annotations

import os
import stat

from .folders import DOCUMENT_CAP, Folder, Found, Sum
from .foresight import MAKE_FOLDER, MODE, WRITE
from .handles import explain
from .problem import Problem
from .sandbox import Sandbox
from .spelling import real, spell

MISSING, FOLDER, FILE, LINK, ODD = "missing", "folder", "file", "link", "odd"
KINDS = {stat.S_IFDIR: FOLDER, stat.S_IFREG: FILE, stat.S_IFLNK: LINK}


class Reader:
    """Reads single files by their absolute paths; carries the sandbox's decision.

    Missing is what the system says is missing (ENOENT, ENOTDIR), or what the sandbox hides. Whatever else keeps one
    from looking at a path is a Problem that names it: unseen is not absent.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox

    def read(self, path: str, cap: int = DOCUMENT_CAP) -> Found | None:
        """The regular file at path; None where it or its folder is missing. cap: bytes at most. Raises Problem."""
        if self.sandbox.hides(path):
            return None
        try:
            with Folder(self.sandbox, os.path.dirname(path)) as folder:
                return folder.read(os.path.basename(path), cap)
        except Problem as problem:
            if problem.kind == "missing":
                return None
            raise

    def read_through(self, path: str) -> Found | None:
        """The regular file that path leads to, over links that leave its folder too; None where there is none.

        A link to what is not there is a Problem: its target may be away for a while, which is not to be missing.
        """
        found = self.read(real(path))
        if found is None:
            there = path
            while self.kind_of(there, follow=False) == MISSING and os.path.dirname(there) != there:
                there = os.path.dirname(there)
            if self.kind_of(there, follow=False) == LINK and self.kind_of(there) == MISSING:
                reason = f"the link {there} leads to what is not there (bring that back, or remove the link)"
                raise Problem(reason, path, "unreadable")
        return found

    def checksum(self, path: str) -> Sum | None:
        """The checksum, mode and size of the regular file at path; None where it is missing. Raises Problem."""
        if self.kind_of(os.path.dirname(path)) == MISSING:
            return None
        with Folder(self.sandbox, os.path.dirname(path)) as folder:
            return folder.checksum(os.path.basename(path))

    def kind_of(self, path: str, follow: bool = True) -> str:
        """What is at path: missing, folder, file, link (only where none is followed) or odd (none of these).

        Raises Problem.
        """
        status = self.status(path, follow)
        return MISSING if status is None else KINDS.get(stat.S_IFMT(status.st_mode), ODD)

    def modified(self, path: str) -> float:
        """When the file at path was last written, in seconds since the epoch; 0 where it is missing. Raises Problem."""
        status = self.status(path)
        return 0.0 if status is None else status.st_mtime

    def mode(self, path: str) -> int | None:
        """The permission bits of the file or folder at path; None where it is missing. Raises Problem."""
        status = self.status(path)
        return None if status is None else stat.S_IMODE(status.st_mode)

    def owner(self, path: str) -> int:
        """The uid that the file at path belongs to; our own where it is missing. Raises Problem."""
        status = self.status(path)
        return os.geteuid() if status is None else status.st_uid

    def foresee(self, path: str, change: str = WRITE) -> None:
        """Raise the Problem that a change of path would meet, as Folder.foresee does in the folder that path is in.

        Folders on the way that are missing count as made where the change makes something.
        """
        self.sandbox.check(path)
        folder, name = os.path.split(path)
        missing = False
        while folder and self.kind_of(folder) == MISSING:
            missing = True
            folder, name = os.path.split(folder)
        if missing and change not in (WRITE, MAKE_FOLDER, MODE):
            return
        with Folder(self.sandbox, folder) as found:
            found.foresee(name, MAKE_FOLDER if missing and change == WRITE else change)

    def status(self, path: str, follow: bool = True) -> os.stat_result | None:
        """What the system says of path, links followed or not; None where it is missing. Raises Problem."""
        if self.sandbox.hides(path):
            return None
        try:
            return os.stat(spell(path), follow_symlinks=follow)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise explain(error, path) from error
        except ValueError as error:
            raise Problem(f"no name that a file can have: {error}", path, "irregular") from error
