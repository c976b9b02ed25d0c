# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The surfaces of a Codex peer: config.toml and hooks.json (contract §5); trust is asked for in trust.py."""

from __future__ import annotations

import json
import re

from .._documents import toml_document
from .._documents.masking import SHOWN
from .._doorway.folders import Folder
from .._doorway.problem import Problem
from .._host.edits import Edit, foresee_in
from .._host.paths import NAME
from .hooks import plan_hooks
from .plan import ABSENT, ALREADY, REMOVED, WRITTEN, Json, PeerFolder, Planned, Settled
from .wanted import Wanted

CONFIG = ".codex/config.toml"
HOOKS = ".codex/hooks.json"
NAMESPACE = ("mcp_servers", NAME)
PLAIN_KEY = re.compile("[A-Za-z0-9_]+")


def plan_codex(folder: PeerFolder, wanted: Wanted, settled: Settled) -> list[Planned]:
    """The wanted surfaces of one peer but trust."""
    plans = []
    if "hooks" in wanted.surfaces:
        plans.append(plan_hooks(folder, "codex", HOOKS, wanted, settled))
    if "mcp" in wanted.surfaces:
        plans.append(plan_config(folder, wanted.toml, settled))
    return plans


def plan_config(folder: PeerFolder, wanted: Json | None, settled: Settled) -> Planned:
    """Our tables in config.toml; wanted None takes out whatever stands in our namespace."""
    planned = Planned("mcp", ABSENT if wanted is None else ALREADY, folder.path(CONFIG))
    try:
        before = folder.data(CONFIG)
        if before is None and wanted is None:
            return planned
        if before is not None and (CONFIG, before) in settled:
            return planned
        current = None if before is None else toml_document.read(before, NAMESPACE)
        if toml_document.meaning(current) == toml_document.meaning(wanted):
            settled.add((CONFIG, before or b""))
            return planned
        after = _changed(folder, before, wanted)
        edit = Edit(folder.path(CONFIG), before, after, shown=(_shown(current), _shown(wanted, every=True)))
        foresee_in(folder, CONFIG, edit)
    except Problem as problem:
        return planned.failed(problem)
    return planned._replace(action=REMOVED if wanted is None else WRITTEN, edits=((CONFIG, edit),))


def _changed(folder: Folder, before: bytes | None, wanted: Json | None) -> bytes | None:
    if wanted is None:
        left = toml_document.remove(before or b"", NAMESPACE)
        return left if left.strip() or folder.is_link(CONFIG) else None
    return toml_document.replace(before, NAMESPACE, _tables(NAMESPACE, wanted))


def _tables(path: tuple[str, ...], table: Json) -> list[toml_document.Table]:
    """A table and its sub-tables as they are written."""
    pairs = [(_key(key), value) for key, value in table.items() if not isinstance(value, dict)]
    below = [(key, value) for key, value in table.items() if isinstance(value, dict)]
    return [(path, pairs), *(item for key, value in below for item in _tables((*path, key), value))]


def _key(key: str) -> str:
    return key if PLAIN_KEY.fullmatch(key) else json.dumps(key, ensure_ascii=False)


def _shown(table: Json | None, path: tuple[str, ...] = NAMESPACE, every: bool = False) -> str:
    """Our tables for a diff; the rest of the file is nobody's business. every: nothing in them is somebody else's."""
    if table is None:
        return ""
    plain = {key: value if every or key in SHOWN else "***" for key, value in table.items()}
    lines = [f"{key} = {_spelled(value)}" for key, value in plain.items() if not isinstance(table[key], dict)]
    below = [_shown(value, (*path, key), every) for key, value in table.items() if isinstance(value, dict)]
    return "\n".join(["\n".join([f"[{'.'.join(path)}]", *lines]) + "\n", *below])


def _spelled(value: str) -> str:
    return value if isinstance(value, toml_document.Raw) else json.dumps(value, ensure_ascii=False)
