# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hooks object that Claude Code and Codex share: our entries in, ours out, all else as it is (contract §5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._documents.errors import DocumentError
from .._forms.scripts import VERBS, is_our_command, shim_path

MATCHER = "Write|Edit|MultiEdit|Bash"

Json = dict[str, Any]


def wanted_entries(hooks: str, matcher: str | None) -> dict[str, Json]:
    """Our entry for each of our events; hooks is the folder of the shims, matcher goes to PostToolUse where given."""
    entries: dict[str, Json] = {}
    for event, verb in VERBS.items():
        handler = {"type": "command", "command": shim_path(hooks, verb)}
        entries[event] = {"hooks": [handler]}
    if matcher is not None:
        entries["PostToolUse"] = {"matcher": matcher, **entries["PostToolUse"]}
    return entries


def with_hooks(value: Json, wanted: Mapping[str, Json]) -> Json:
    """The document value with exactly our wanted entries, each after the foreign ones; none wanted takes ours out.

    Containers that are empty only because ours left are swept. Raises DocumentError where hooks is not an object or an
    event is not a list.
    """
    hooks = value.get("hooks", {})
    if not isinstance(hooks, dict):
        raise DocumentError("not an object", "hooks")
    after: Json = {}
    for event, entries in hooks.items():
        if not isinstance(entries, list):
            raise DocumentError("not a list", f"hooks.{event}")
        kept = [left for entry in entries for left in _without_ours(entry)]
        kept += [wanted[event]] if event in wanted else []
        if kept or not entries:
            after[event] = kept
    after.update((event, [entry]) for event, entry in wanted.items() if event not in hooks)
    if after == hooks:
        return value
    if after:
        return {**value, "hooks": after}
    return {key: item for key, item in value.items() if key != "hooks"}


def _without_ours(entry: Any) -> list[Any]:
    """An entry less our handlers, in a list that is empty where nothing else was in it."""
    handlers = entry.get("hooks") if isinstance(entry, dict) else None
    if not isinstance(handlers, list):
        return [entry]
    foreign = [item for item in handlers if not (isinstance(item, dict) and is_our_command(item.get("command")))]
    if len(foreign) == len(handlers):
        return [entry]
    return [{**entry, "hooks": foreign}] if foreign else []


def our_parts(value: Json) -> list[Any]:
    """What of a document is ours: handlers, and entries that hold nothing else."""
    hooks = value.get("hooks")
    lists = hooks.values() if isinstance(hooks, dict) else ()
    entries = [entry for entries in lists if isinstance(entries, list) for entry in entries if isinstance(entry, dict)]
    parts: list[Any] = []
    for entry in entries:
        handlers = entry.get("hooks")
        items = [item for item in handlers if isinstance(item, dict)] if isinstance(handlers, list) else []
        ours = [item for item in items if is_our_command(item.get("command"))]
        parts.append(entry if ours and len(ours) == len(handlers or ()) else ours)
    return parts
