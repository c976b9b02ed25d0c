# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One surface of one peer as a plan: which files below its folder change, from what to what (contract §5)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from typing import Any, Callable, NamedTuple, Optional

from .._documents import json_document
from .._documents.masking import literals, mask_json
from .._documents.shown import shown
from .._doorway.files import Files, Tree
from .._doorway.folders import Folder, Unclear
from .._doorway.problem import Problem
from .._doorway.reader import FOLDER
from .._doorway.sandbox import Sandbox
from .._host.edits import Edit, apply_in, foresee_in

WRITTEN, ALREADY, REMOVED, ABSENT = "written", "already", "removed", "absent"
FAILED, SKIPPED = "failed", "skipped"
CHANGES = (WRITTEN, REMOVED)
# What stands in a text for bytes that are none.
GARBLED = re.compile("[\ud800-\udfff\ufffd]")

Json = dict[str, Any]
Settled = set[tuple[str, Optional[bytes]]]


class Planned(NamedTuple):
    """What is to be done with one surface. edits are relative to the peer's folder, folders are to be removed whole.

    touched: it failed, and something of it was changed before.
    """

    surface: str
    action: str
    path: str
    detail: str = ""
    edits: tuple[tuple[str, Edit], ...] = ()
    folders: tuple[str, ...] = ()
    touched: bool = False

    def outcome(self) -> dict[str, str]:
        """The record that the module returns."""
        words = {"path": shown(self.path), "detail": shown(self.detail)}
        return {"surface": self.surface, "action": self.action, **words}

    def failed(self, problem: Problem) -> Planned:
        """The same surface, failed or, where the sandbox said no, skipped."""
        detail = problem.reason if problem.path else str(problem)
        return Planned(self.surface, SKIPPED if problem.refused else FAILED, problem.path or self.path, detail)


class PeerFolder(Folder):
    """A peer's folder, open; each of its files is read once."""

    def __init__(self, sandbox: Sandbox, anchor: str) -> None:
        super().__init__(sandbox, anchor)
        self._data: dict[str, bytes | None] = {}
        self._prefix = anchor.rstrip("/") + "/"

    def path(self, name: str) -> str:
        """The full path of a name, as people know it."""
        return self._prefix + name if name else self.anchor

    def data(self, name: str) -> bytes | None:
        """The bytes of a file; None where it is missing. Raises Problem as read does."""
        try:
            return self._data[name]
        except KeyError:
            data = self._data[name] = self._look(name)
            return data

    def is_settled(self, name: str, settled: Settled) -> bool:
        """True where the file is one of those that are known to need nothing."""
        try:
            return (name, self.data(name)) in settled
        except Problem:  # whoever plans it says so
            return False

    def _look(self, name: str) -> bytes | None:
        try:
            return self.glance(name)
        except Unclear:
            found = self.read(name)
            return None if found is None else found.data


def why_unseen(files: Files, cwd: str, problem: Problem) -> Problem | None:
    """Why a folder that was not opened for this problem counts as unseen; None where it is missing.

    That is what the system says there is not. A name that did not come to us as it is may be that of another folder.
    """
    try:
        if files.kind_of(cwd) == FOLDER:
            return problem
    except Problem:
        return problem
    return Problem("its name did not come through as text", cwd, "malformed") if GARBLED.search(cwd) else None


class JsonSurface(NamedTuple):
    """A surface that is one JSON file.

    change: the wanted value of a document. ours: what of a document is ours, for diffs; wanted: what of it we bring.
    removal: whether it takes ours out. keep_file: whether the file stays when nothing is left in it.
    """

    surface: str
    name: str
    change: Callable[[Json], Json]
    ours: Callable[[Json], Any]
    wanted: Any
    removal: bool
    keep_file: bool = False


def plan_json(
    folder: PeerFolder, wanted: JsonSurface, settled: Settled | None = None, base: bytes | None = None
) -> Planned:
    """Plan one JSON file.

    settled remembers documents that need nothing, so that equal ones are not parsed again; not for a surface that
    differs from peer to peer. base: the bytes that are changed and written instead of those of the file.
    """
    path = folder.path(wanted.name)
    planned = Planned(wanted.surface, ABSENT if wanted.removal else ALREADY, path)
    try:
        data = folder.data(wanted.name)
        if base is None and data is not None and settled is not None and (wanted.name, data) in settled:
            return planned
        source = data if base is None else base
        before = {} if source is None else json_document.load(source)
        after = wanted.change(before)
        if base is None and (after is before or after == before):
            if data is not None and settled is not None:
                settled.add((wanted.name, data))
            return planned
        edit = _json_edit(folder, wanted, data, source, before, after)
        foresee_in(folder, wanted.name, edit)
    except Problem as problem:
        return planned.failed(problem)
    return planned._replace(action=REMOVED if wanted.removal else WRITTEN, edits=((wanted.name, edit),))


def _json_edit(
    folder: Folder, wanted: JsonSurface, data: bytes | None, source: bytes | None, before: Json, after: Json
) -> Edit:
    drop = not after and not wanted.keep_file and not folder.is_link(wanted.name)
    text = None if drop else json_document.dump_like(source, after)
    ours = literals(wanted.ours(before), _spelled) | literals(wanted.wanted, _spelled, every=True)
    return Edit(folder.path(wanted.name), data, text, shown=(mask_json(data, ours), mask_json(text, ours)))


def _spelled(value: Any) -> str:
    return str(value) if isinstance(value, json_document.Number) else json.dumps(value, ensure_ascii=False)


def plan_texts(folder: PeerFolder, surface: str, path: str, texts: Mapping[str, bytes]) -> Planned:
    """Plan a surface that is a set of whole files of ours: relative name to wanted bytes."""
    planned = Planned(surface, ALREADY, path)
    edits = []
    try:
        for name, data in texts.items():
            found = folder.data(name)
            if found != data:
                _refuse_link(folder, name)
                edits.append((name, Edit(folder.path(name), found, data)))
                foresee_in(folder, *edits[-1])
    except Problem as problem:
        return planned.failed(problem)
    if not edits:
        return planned
    return planned._replace(action=WRITTEN, detail=f"{len(edits)} of {len(texts)} written", edits=tuple(edits))


def _refuse_link(folder: PeerFolder, name: str) -> None:
    """Raise a Problem where a whole file of ours, or the folder that is its own, is a link to another one.

    A key can be set in a file that is somebody else's; a file that is written as a whole is lost to its owner.
    """
    for place in (os.path.dirname(name), name):
        if folder.is_link(place):
            words = "a link, and what it leads to may be somebody else's: it is not written through; remove the link"
            raise Problem(words, folder.path(place), "irregular")


def apply_planned(tree: Tree, planned: Planned) -> Planned:
    """Make one surface true; returns it as it came out, failed where something stood in the way."""
    done, parts = 0, len(planned.edits) + len(planned.folders)
    try:
        for name, edit in planned.edits:
            apply_in(tree, name, edit)
            done += 1
        for name in planned.folders:
            tree.remove_folder(name)
            done += 1
    except Problem as problem:
        failed = planned.failed(problem)
        return failed._replace(touched=True, detail=f"{failed.detail}; {done} of {parts} done") if done else failed
    return planned
