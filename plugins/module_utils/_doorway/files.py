# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one doorway to file changes (contract §5 and §11): nothing else writes, renames or removes.

A file is replaced whole: written beside the old one, on disk before the rename, with the old one's mode, owner and
group. What a killed run leaves behind, a later one recognises by an advisory lock that nobody holds, and removes.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
from collections.abc import Iterable, Iterator

from . import drafts
from .attributes import keep
from .folders import Folder
from .foresight import MAKE_FOLDER, MODE, REMOVE, REMOVE_FOLDER, WRITE, require_regular
from .handles import READ, lstat, opened
from .problem import Problem
from .reader import MISSING, Reader
from .sandbox import Sandbox
from .scratch import scratch
from .spelling import real, spell


class Files(Reader):
    """The handle that everything takes to reach files; carries the sandbox's decision."""

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__(sandbox)
        self.umask = _umask()

    def tree(self, anchor: str, create: bool = False) -> Tree:
        """Open the folder anchor (absolute path); create makes it first where it is missing. Raises Problem."""
        return Tree(self, anchor, create)

    @contextlib.contextmanager
    def scratch(self, *fallbacks: str) -> Iterator[tuple[str, Tree]]:
        """A private folder of this run (its real path, and it opened) from which programs can be run; gone afterwards.

        It lies in a temp dir, or in the first of the fallbacks (absolute paths) where none will do. Raises Problem.
        """
        bases = (*self.sandbox.temporary, *fallbacks)
        with scratch(self.sandbox, bases) as path, self.tree(path) as tree:
            yield path, tree


class Tree(Folder):
    """An open folder whose files may be changed. Every change refuses what the sandbox refuses."""

    def __init__(self, files: Files, anchor: str, create: bool = False) -> None:
        self._files = files
        if create and files.kind_of(anchor) == MISSING:
            files.sandbox.check(anchor)
            place = real(anchor)
            with Tree(files, os.path.dirname(place), create=True) as above:
                above.make_folder(os.path.basename(place))
        super().__init__(files.sandbox, anchor)

    @contextlib.contextmanager
    def _changing(self, name: str, change: str = "") -> Iterator[None]:
        """What every change goes through: the sandbox has the first word, then what can be foreseen (contract §11).

        The system's errors are explained.
        """
        self._sandbox.check(self.path(name))
        if change:
            self.foresee(name, change)
        with self._explained(name):
            yield

    def write(self, name: str, data: bytes, mode: int | None = None, folder_mode: int = 0o755) -> None:
        """Replace or create a file in one step, data on disk before it takes the name.

        mode: permission bits to set; without it the file's own are kept, and a new one gets 0644 less the umask. Owner,
        group, access list and extended attributes are kept too; a hard link is split. folder_mode: for folders that
        have to be made. As root, what is new belongs to the owner of its folder.
        """
        self._put(name, (data,), mode, folder_mode)

    def copy_in(self, name: str, source: str, mode: int | None = None, checksum: str = "") -> None:
        """Write the file at source (absolute path) to name, block by block.

        checksum: the SHA-256 (hexadecimal) that it must have: a Problem that names source where it has another.
        """

        def checked(blocks: Iterable[bytes]) -> Iterator[bytes]:
            digest = hashlib.sha256()
            for block in blocks:
                digest.update(block)
                yield block
            if checksum and digest.hexdigest() != checksum:
                raise Problem("is not the file that was announced", source)

        with Folder(self._sandbox, os.path.dirname(source)) as there:
            self._put(name, checked(there.blocks(os.path.basename(source))), mode, 0o755)

    def _put(self, name: str, blocks: Iterable[bytes], mode: int | None, folder_mode: int) -> None:
        with self._changing(name, WRITE):
            folder, leaf = self._made(name, folder_mode)
            old = lstat(leaf, folder)
            drafts.sweep(folder, leaf)
            with drafts.temporary(folder, leaf) as (handle, draft):
                for block in blocks:
                    drafts.write_all(handle, block)
                self._dress(handle, name, (folder, leaf, old), mode)
                os.fsync(handle)
                drafts.rename(folder, draft, leaf)
            drafts.sync_folder(folder)

    def create(self, leaf: str, data: bytes, workshop: Tree) -> bool:
        """Write a file of this very folder that must not be there yet, whole or not at all; False where it is.

        workshop: the folder to prepare it in, so that this one keeps its time as long as it does not have the file.
        """
        folder, beside = self._handles[""], workshop._handles[""]
        with self._changing(leaf), drafts.temporary(beside, os.path.basename(self._real)) as (handle, draft):
            drafts.write_all(handle, data)
            self._dress(handle, leaf, (folder, leaf, None), None)
            os.fsync(handle)
            try:
                drafts.link(beside, draft, folder, leaf)
            except FileExistsError:
                return False
            finally:
                drafts.remove(beside, draft)
        return True

    def replace(self, name: str, before: bytes | None, after: bytes | None, mode: int | None = None) -> None:
        """Turn a file that still is before into after (None: no file), and make sure that it is so.

        Raises Problem where it changed since before was read, and where it did not become after. Where another one has
        made it after, mode included, that will do.
        """
        found = self.read(name)
        data = None if found is None else found.data
        if data != before:
            if data == after and (found is None or mode in (None, found.mode)):
                return
            raise Problem("changed by somebody else meanwhile: left as it is, run again", self.path(name))
        if after is None:
            self.remove(name)
        else:
            self.write(name, after, mode)
        found = self.read(name)
        if (None if found is None else found.data) != after:
            raise Problem("did not become what was written: somebody else writes it too", self.path(name))

    def remove(self, name: str) -> None:
        """Remove a file; its absence is no error. Of a link only the link goes; one that leaves is refused."""
        head, _slash, leaf = name.rpartition("/")
        with self._changing(name, REMOVE), contextlib.suppress(FileNotFoundError):
            folder = self._folder(head)
            if folder is not None:
                drafts.sweep(folder, leaf)
                os.unlink(spell(leaf), dir_fd=folder)
                drafts.sync_folder(folder)

    def make_folder(self, name: str, mode: int = 0o755) -> None:
        """Make a folder and what leads to it; its presence is no error. mode: permission bits, less the umask."""
        with self._changing(name, MAKE_FOLDER):
            self._folder(name, mode)

    def set_mode(self, name: str, mode: int) -> None:
        """Set the permission bits of a regular file or a folder."""
        with self._changing(name, MODE):
            folder, leaf = self._locate(name)
            if folder is None:
                raise Problem("missing", self.path(name), "missing")
            with opened(leaf, READ, folder) as handle:
                if not stat.S_ISDIR(os.fstat(handle).st_mode):
                    require_regular(os.fstat(handle), self.path(name))
                os.fchmod(handle, mode)

    def remove_folder(self, name: str) -> None:
        """Remove a folder with all that is in it, following no link; its absence is no error."""
        head, _slash, leaf = name.rpartition("/")
        with self._changing(name, REMOVE_FOLDER):
            folder = self._folder(head)
            for key in [key for key in self._handles if key == name or key.startswith(f"{name}/")]:
                os.close(self._handles.pop(key))
            if folder is not None:
                drafts.remove(folder, leaf)

    def claim(self, name: str, leaf: str, data: bytes) -> bool:
        """Make the folder name appear with the file leaf already in it; False where something has that name.

        On a file system that cannot rename without replacing, the file follows the folder.
        """
        root = self._handles[""]
        with self._changing(name):
            if lstat(name, root) is not None:
                return False
            drafts.sweep(root, name)
            draft = drafts.draft_name(name)
            os.mkdir(spell(draft), 0o755, dir_fd=root)
            try:
                with Tree(self._files, os.path.join(self._real, draft)) as inside:
                    drafts.own_like(inside._handles[""], root)
                    if not (inside.try_lock() and inside.still_there()):
                        return False
                    inside.write(leaf, data)
                    return drafts.rename_noreplace(root, draft, name) or self._claim_in_two_steps(name, leaf, data)
            except (FileExistsError, Problem) as error:
                if isinstance(error, Problem) and error.kind != "missing":
                    raise
                return False  # taken, or a rival took the draft for a leftover before it was locked
            finally:
                drafts.remove(root, draft)

    def _claim_in_two_steps(self, name: str, leaf: str, data: bytes) -> bool:
        root = self._handles[""]
        drafts.new_folder(root, name, 0o755)
        try:
            with Tree(self._files, os.path.join(self._real, name)) as inside:
                inside.write(leaf, data)
        except BaseException:
            drafts.remove(root, name)
            raise
        return True

    def give_up(self, name: str) -> None:
        """Take the folder name away in one step, then remove it and what is in it."""
        root = self._handles[""]
        with self._changing(name):
            gone = drafts.draft_name(name)
            drafts.rename(root, name, gone)
            drafts.remove(root, gone)
            drafts.sweep(root, name)

    def _made(self, name: str, mode: int) -> tuple[int, str]:
        """The handle of the folder that holds name, made where it was missing, and the name there."""
        folder, leaf = self._locate(name, mode)
        if folder is None:
            raise Problem("its folder could not be made", self.path(name))
        return folder, leaf

    def _make_folder(self, leaf: str, parent: int, mode: int) -> None:
        with contextlib.suppress(FileExistsError):
            if os.geteuid() == 0 and os.fstat(parent).st_uid != 0:
                drafts.new_folder_of_theirs(parent, leaf, mode)
            else:
                os.mkdir(spell(leaf), mode, dir_fd=parent)

    def _dress(
        self, handle: int, name: str, place: tuple[int, str, os.stat_result | None], mode: int | None
    ) -> None:
        """Give a file what it must have besides its bytes before it takes its place: folder, name there, old status."""
        folder, leaf, old = place
        if old is None:
            drafts.own_like(handle, folder)
            usual = 0o644 & ~self._files.umask
        else:
            if (old.st_uid, old.st_gid) != (os.fstat(handle).st_uid, os.fstat(handle).st_gid):
                os.fchown(handle, old.st_uid, old.st_gid)
            with opened(leaf, READ, folder) as replaced:
                keep(replaced, handle, self.path(name))
            usual = stat.S_IMODE(old.st_mode)
        os.fchmod(handle, usual if mode is None else mode)


def _umask() -> int:
    """Our umask; where the system does not tell it, it is set for a moment, as there is no other way to learn it."""
    with contextlib.suppress(OSError, ValueError, StopIteration), open("/proc/self/status", "rb") as lines:
        return next(int(line.split()[1], 8) for line in lines if line.startswith(b"Umask:"))
    umask = os.umask(0o022)
    os.umask(umask)
    return umask
