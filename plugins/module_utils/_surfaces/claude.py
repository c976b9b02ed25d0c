# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The surfaces of a Claude Code peer: settings.json, .mcp.json and the skills (contract §5)."""

from __future__ import annotations

from typing import Any, Callable, Optional

from .._documents import json_document
from .._documents.errors import DocumentError
from .._doorway.foresight import REMOVE_FOLDER
from .._doorway.problem import Problem
from .._forms.forms import PERSONALITY, place
from .._host.paths import NAME
from .hooks import plan_hooks
from .plan import (
    ABSENT,
    ALREADY,
    FAILED,
    REMOVED,
    WRITTEN,
    Json,
    JsonSurface,
    PeerFolder,
    Planned,
    Settled,
    plan_json,
    plan_texts,
)
from .wanted import SKILLS, Wanted

SETTINGS = ".claude/settings.json"
MCP = ".mcp.json"
SKILL_PREFIX = f"{NAME}-"
Base = Callable[[PeerFolder], Optional[bytes]]


def plan_mcp(folder: PeerFolder, personality: str, wanted: Wanted) -> Planned:
    """Our server for the peer of this name; a file that is ours alone is known by its very bytes."""
    if wanted.mcp_text and folder.is_settled(MCP, {(MCP, wanted.mcp_of(personality))}):
        return Planned("mcp", ALREADY, folder.path(MCP))
    return plan_json(folder, mcp_surface(personality, wanted))


def mcp_surface(personality: str, wanted: Wanted) -> JsonSurface:
    """Our server for the peer of this name."""
    filled = None if wanted.mcp is None else place(wanted.mcp, {PERSONALITY: personality})
    entry = None if filled is None else json_document.plain(filled)
    return JsonSurface("mcp", MCP, lambda value: with_server(value, entry), _our_server, entry, entry is None)


def with_server(value: Json, entry: Json | None) -> Json:
    """The document value with our server as wanted; None takes it out and sweeps what is empty only because of that.

    Raises DocumentError where mcpServers is not an object.
    """
    servers = value.get("mcpServers", {})
    if not isinstance(servers, dict):
        raise DocumentError("not an object", "mcpServers")
    if entry is not None:
        return {**value, "mcpServers": {**servers, NAME: entry}}
    if NAME not in servers:
        return value
    left = {key: item for key, item in servers.items() if key != NAME}
    if left:
        return {**value, "mcpServers": left}
    return {key: item for key, item in value.items() if key != "mcpServers"}


def plan_claude(
    folder: PeerFolder, personality: str, wanted: Wanted, settled: Settled, base: Base
) -> list[Planned]:
    """The wanted surfaces of one peer; base: the bytes that the hooks are written into, where not those of the file."""
    plans = []
    if "hooks" in wanted.surfaces:
        hooks = plan_hooks(folder, "claude", SETTINGS, wanted, settled)
        if hooks.edits and (other := base(folder)) is not None:
            hooks = plan_hooks(folder, "claude", SETTINGS, wanted, settled, other)
        plans.append(hooks)
    if "mcp" in wanted.surfaces:
        plans.append(plan_mcp(folder, personality, wanted))
    if "skills" in wanted.surfaces:
        plans.append(plan_skills(folder, wanted))
    return plans


def plan_skills(folder: PeerFolder, wanted: Wanted) -> Planned:
    """Our skill folders; where ours are to go, every folder in our namespace does.

    Where all skills of the installed version are known, those of another one go too.
    """
    path = folder.path(SKILLS)
    planned = Planned("skills", ABSENT, path)
    if wanted.present:
        planned = plan_texts(folder, "skills", path, wanted.skills)
        if planned.action == FAILED or not wanted.all_skills:
            return planned
    try:
        gone = _other_skills(folder, wanted)
        for name in gone:
            folder.foresee(name, REMOVE_FOLDER)
    except Problem as problem:
        return planned.failed(problem)
    if not gone:
        return planned
    if not wanted.present:
        return planned._replace(action=REMOVED, folders=gone)
    detail = ", ".join(filter(None, (planned.detail, f"{len(gone)} of another version removed")))
    return planned._replace(action=WRITTEN, detail=detail, folders=gone)


def _other_skills(folder: PeerFolder, wanted: Wanted) -> tuple[str, ...]:
    """The folders in our namespace that hold no skill that is wanted. Raises Problem."""
    names = [name for name in folder.names(SKILLS) if name.startswith(SKILL_PREFIX)]
    others = {name for name in names if f"{SKILLS}/{name}/SKILL.md" not in wanted.skills}
    if not others:  # as nearly everywhere: no need to look at what they are
        return ()
    return tuple(f"{SKILLS}/{name}" for name in folder.names(SKILLS, folders=True) if name in others)


def _our_server(value: Json) -> Any:
    servers = value.get("mcpServers")
    return servers.get(NAME) if isinstance(servers, dict) else None
