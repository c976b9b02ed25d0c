# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one doorway to file changes (contract §5 and §11): nothing else writes, renames or removes.

A file is replaced whole: written beside the old one, on disk before the rename, with the old one's mode, owner and
group. What a killed run leaves behind, a later one recognises by an advisory lock that nobody holds, and removes.
"""

from __future__ import annotations

import contextlib
import os
import stat
from collections.abc import Iterator

from . import drafts
from .folders import READ, Folder, Reader, lstat, opened
from .problem import Problem
from .sandbox import Sandbox

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
        if create and not os.path.isdir(anchor):
            files.sandbox.check(anchor)
            real = os.path.realpath(anchor)
            with Tree(files, os.path.dirname(real), create=True) as above:
                above.make_folder(os.path.basename(real))
        super().__init__(files.sandbox, anchor)

    @contextlib.contextmanager
    def _changing(self, name: str) -> Iterator[None]:
        """What every change goes through: the sandbox has the first word, and the system's errors are explained."""
        self._sandbox.check(self.path(name))
        with self._explained(name):
            yield

    def write(self, name: str, data: bytes, mode: int | None = None, folder_mode: int = 0o755) -> None:
        """Replace or create a file in one step, data on disk before it takes the name.

        mode: permission bits to set; without it the file's own are kept, and a new one gets 0644 less the umask.
        folder_mode: for folders that have to be made. As root, what is new belongs to the owner of its folder.
        """
        with self._changing(name):
            folder, leaf = self._made(name, folder_mode)
            old = lstat(leaf, folder)
            if old is not None:
                self._require_regular(name, old)
                if not os.access(leaf, os.W_OK, dir_fd=folder, effective_ids=CAN_ASK_AS_EFFECTIVE):
                    raise Problem("not writable", self.path(name), "unreadable")
            drafts.sweep(folder, leaf)
            with drafts.temporary(folder, leaf) as (handle, draft):
                drafts.write_all(handle, data)
                self._dress(handle, old, mode, folder)
                os.fsync(handle)
                os.rename(draft, leaf, src_dir_fd=folder, dst_dir_fd=folder)

    def create(self, leaf: str, data: bytes, workshop: Tree) -> bool:
        """Write a file of this very folder that must not be there yet, whole or not at all; False where it is.

        workshop: the folder to prepare it in, so that this one keeps its time as long as it does not have the file.
        """
        folder, beside = self._handles[""], workshop._handles[""]
        with self._changing(leaf), drafts.temporary(beside, os.path.basename(self._real)) as (handle, draft):
            drafts.write_all(handle, data)
            self._dress(handle, None, None, folder)
            os.fsync(handle)
            try:
                os.link(draft, leaf, src_dir_fd=beside, dst_dir_fd=folder, follow_symlinks=False)
            except FileExistsError:
                return False
            finally:
                os.unlink(draft, dir_fd=beside)
        return True

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
        with self._changing(name), contextlib.suppress(FileNotFoundError):
            folder, leaf = self._locate(name)
            if folder is not None:
                os.unlink(leaf, dir_fd=folder)

    def make_folder(self, name: str, mode: int = 0o755) -> None:
        """Make a folder and what leads to it; its presence is no error. mode: permission bits, less the umask."""
        with self._changing(name):
            self._folder(name, mode)

    def set_mode(self, name: str, mode: int) -> None:
        """Set the permission bits of a regular file or a folder."""
        with self._changing(name):
            folder, leaf = self._locate(name)
            if folder is None:
                raise Problem("missing", self.path(name), "missing")
            with opened(leaf, READ, folder) as handle:
                status = os.fstat(handle)
                if not stat.S_ISDIR(status.st_mode):
                    self._require_regular(name, status)
                os.fchmod(handle, mode)

    def remove_folder(self, name: str) -> None:
        """Remove a folder with all that is in it, following no link; its absence is no error."""
        head, _slash, leaf = name.rpartition("/")
        with self._changing(name):
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
            os.mkdir(draft, 0o755, dir_fd=root)
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
            os.rename(name, gone, src_dir_fd=root, dst_dir_fd=root)
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
                os.mkdir(leaf, mode, dir_fd=parent)

    def _dress(self, handle: int, old: os.stat_result | None, mode: int | None, folder: int) -> None:
        """Give a file that is about to take a name the owner, group and permission bits that it must have."""
        new = os.fstat(handle)
        if old is None:
            drafts.own_like(handle, folder)
        elif (new.st_uid, new.st_gid) != (old.st_uid, old.st_gid):
            os.fchown(handle, old.st_uid, old.st_gid)
        usual = 0o644 & ~self._files.umask if old is None else stat.S_IMODE(old.st_mode)
        os.fchmod(handle, usual if mode is None else mode)
