# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A change of one file as a plain value: what it is, what it is to be, and how that is shown (check mode and diff)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._documents.json_spans import check_depth
from .._documents.json_values import SURROGATE, plain
from .._documents.masking import SHOWN_CAP, describe
from .._doorway.files import Files, Tree
from .._doorway.folders import Folder
from .._doorway.foresight import MODE, REMOVE, WRITE
from .._doorway.problem import Problem


class Edit(NamedTuple):
    """One file at path: bytes before and after (None: no file); mode: the permission bits it must have, None: any.

    shown: what a diff shows instead of the bytes, where those hold what is not ours or what differs between runs.
    """

    path: str
    before: bytes | None
    after: bytes | None
    mode: int | None = None
    mode_before: int | None = None
    shown: tuple[str, str] | None = None

    @property
    def wrong_mode(self) -> bool:
        """True where the file is there and only its permission bits have to be set."""
        return None not in (self.mode, self.mode_before, self.after) and self.mode != self.mode_before

    @property
    def changed(self) -> bool:
        """True exactly when apply writes."""
        return self.before != self.after or self.wrong_mode

    @property
    def change(self) -> str:
        """What kind of change apply makes, in the doorway's words."""
        if self.before == self.after:
            return MODE
        return REMOVE if self.after is None else WRITE

    @property
    def action(self) -> str:
        """One word: already, written or removed; absent where there is no file and none is wanted."""
        if not self.changed:
            return "absent" if self.after is None else "already"
        return "removed" if self.after is None else "written"

    def diff(self) -> dict[str, str]:
        """What Ansible shows with --diff; of a side that is too large only its size and checksum."""
        before, after = map(_bounded, self.shown or (self.before, self.after))
        suffix = {True: f" (mode {self.mode_before or 0:04o})", False: ""}[self.wrong_mode]
        wanted = {True: f" (mode {self.mode or 0:04o})", False: ""}[self.wrong_mode]
        return {
            "before_header": self.path + suffix,
            "after_header": self.path + wanted,
            "before": before,
            "after": after,
        }


def read_edit(files: Files, path: str, after: bytes | None, mode: int | None = None) -> Edit:
    """The edit that turns what is at path (absolute) into after. Raises Problem where path cannot be read."""
    found = files.read(path)
    if found is None:
        return Edit(path, None, after, mode)
    return Edit(path, found.data, after, mode, found.mode)


def settle(files: Files, edits: Sequence[Edit], check: bool) -> list[Edit]:
    """Make the edits that change anything true, or only see whether that could be done (check); returns these.

    Raises Problem where one is refused or cannot be written: before anything is written wherever that can be foreseen,
    else with those before it written.
    """
    changed = [edit for edit in edits if edit.changed]
    for edit in changed:
        foresee(files, edit)
    for number, edit in enumerate(changed if not check else ()):
        try:
            apply(files, edit)
        except Problem as problem:
            problem.changed = number > 0
            raise
    return changed


def foresee(files: Files, edit: Edit) -> None:
    """Raise the Problem that apply would meet, in its words; nothing where it would go well or change nothing."""
    if edit.changed:
        files.foresee(edit.path, edit.change)


def foresee_in(folder: Folder, name: str, edit: Edit) -> None:
    """Raise the Problem that apply_in would meet, in its words; folder may be one that is only read."""
    if edit.changed:
        folder.foresee(name, edit.change)


def apply(files: Files, edit: Edit) -> None:
    """Make one edit true, anchored at the file's own folder. Raises Problem, with nothing half written."""
    if edit.changed:
        with files.tree(os.path.dirname(edit.path), create=edit.after is not None) as tree:
            apply_in(tree, os.path.basename(edit.path), edit)


def apply_in(tree: Tree, name: str, edit: Edit) -> None:
    """Make one edit true below an open folder; name is relative to it."""
    if edit.before != edit.after:
        tree.replace(name, edit.before, edit.after, edit.mode)
    elif edit.wrong_mode and edit.mode is not None:
        tree.set_mode(name, edit.mode)


def pretty_json(value: Mapping[str, Any]) -> bytes:
    """JSON as the contract writes it: two-space indent, final newline, text left readable."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    return SURROGATE.sub(lambda match: f"\\u{ord(match[0]):04x}", text).encode()


def read_json_object(files: Files, path: str) -> dict[str, Any] | None:
    """The JSON object at path (absolute); None where the file is missing.

    Raises Problem, kind unreadable or malformed, for what is there but cannot be taken as a JSON object.
    """
    found = files.read(path)
    return None if found is None else json_object(found.data, path)


def json_object(data: bytes, path: str) -> dict[str, Any]:
    """The JSON object that the bytes of the file at path are; raises Problem, kind malformed, where they are none."""
    try:
        text = data.decode("utf-8")
        check_depth(text)  # what nests deeper could be read, but not be shown
        value = plain(text)
    except (ValueError, Problem) as error:
        raise Problem(f"not JSON: {error}", path, "malformed") from error
    if not isinstance(value, dict):
        raise Problem("not a JSON object", path, "malformed")
    return value


def _bounded(side: bytes | str | None) -> str:
    data = side.encode("utf-8", "replace") if isinstance(side, str) else side or b""
    if len(data) > SHOWN_CAP:
        return describe(data)
    return side if isinstance(side, str) else data.decode("utf-8", "replace")
