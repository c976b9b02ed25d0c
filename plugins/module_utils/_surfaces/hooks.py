# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The hooks object that Claude Code and Codex share: our entries in, ours out, all else as it is (contract §5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._documents.errors import DocumentError
from .._forms.scripts import is_our_command
from .plan import ABSENT, ALREADY, FAILED, Json, JsonSurface, PeerFolder, Planned, Settled, plan_json
from .wanted import Wanted

Commands = frozenset[str]


def with_hooks(value: Json, wanted: Mapping[str, Json], commands: Commands = frozenset()) -> Json:
    """The document value with exactly one entry of ours for each wanted event; none wanted takes ours out.

    commands: what is ours besides by its very words. An entry that is right stays where it stands, a wrong one is
    replaced there, a new one goes after the foreign ones. Containers that are empty only because ours left are swept.
    Raises DocumentError where hooks is not an object or an event is not a list.
    """
    hooks = value.get("hooks", {})
    if not isinstance(hooks, dict):
        raise DocumentError("not an object", "hooks")
    after: Json = {}
    for event, entries in hooks.items():
        if not isinstance(entries, list):
            raise DocumentError("not a list", f"hooks.{event}")
        kept = _settled(entries, wanted.get(event), commands)
        if kept or not entries:
            after[event] = kept
    after.update((event, [entry]) for event, entry in wanted.items() if event not in hooks)
    if after == hooks:
        return value
    if after:
        return {**value, "hooks": after}
    return {key: item for key, item in value.items() if key != "hooks"}


def _settled(entries: list[Any], wanted: Json | None, commands: Commands) -> list[Any]:
    """The entries of one event, of ours the wanted one alone."""
    foreign = [_without_ours(entry, commands) for entry in entries]
    place = None
    if wanted is not None:
        right = [n for n, entry in enumerate(entries) if entry == wanted]
        place = next(iter(right or [n for n, left in enumerate(foreign) if not left]), len(entries))
    kept: list[Any] = []
    for n, left in enumerate([*foreign, []]):
        kept += [wanted] if n == place else left
    return kept


def _without_ours(entry: Any, commands: Commands) -> list[Any]:
    """An entry less our handlers, in a list that is empty where nothing else was in it."""
    handlers = entry.get("hooks") if isinstance(entry, dict) else None
    if not isinstance(handlers, list):
        return [entry]
    foreign = [item for item in handlers if not _is_ours(item, commands)]
    if len(foreign) == len(handlers):
        return [entry]
    return [{**entry, "hooks": foreign}] if foreign else []


def _is_ours(handler: Any, commands: Commands) -> bool:
    command = handler.get("command") if isinstance(handler, dict) else None
    return is_our_command(command) or (isinstance(command, str) and command in commands)


def our_parts(value: Json, commands: Commands = frozenset()) -> list[Any]:
    """What of a document is ours: handlers, and entries that hold nothing else."""
    hooks = value.get("hooks")
    lists = hooks.values() if isinstance(hooks, dict) else ()
    entries = [entry for entries in lists if isinstance(entries, list) for entry in entries if isinstance(entry, dict)]
    parts: list[Any] = []
    for entry in entries:
        handlers = entry.get("hooks")
        items = handlers if isinstance(handlers, list) else []
        ours = [item for item in items if _is_ours(item, commands)]
        parts.append(entry if ours and len(ours) == len(items) else ours)
    return parts


def plan_hooks(
    folder: PeerFolder, runtime: str, name: str, wanted: Wanted, settled: Settled, base: bytes | None = None
) -> Planned:
    """Our hook entries in the file name of a runtime's peer; failed where a shell could never run them.

    base: what the file is to be apart from them, where that is not what it is.
    """
    if wanted.unusable:
        return Planned("hooks", FAILED, folder.path(name), wanted.unusable)
    if base is None and folder.is_settled(name, settled):
        return Planned("hooks", ALREADY if wanted.present else ABSENT, folder.path(name))
    return plan_json(folder, hooks_surface(runtime, name, wanted), settled, base)


def hooks_surface(runtime: str, name: str, wanted: Wanted) -> JsonSurface:
    """Our hook entries in a file: Claude Code's settings.json stays when nothing is left in it."""
    entries, commands = wanted.hooks.get(runtime, {}), wanted.commands
    return JsonSurface(
        "hooks",
        name,
        lambda value: with_hooks(value, entries, commands),
        lambda value: our_parts(value, commands),
        list(entries.values()),
        not wanted.present,
        runtime == "claude",
    )
