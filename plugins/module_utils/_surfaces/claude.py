# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The surfaces of a Claude Code peer: settings.json, .mcp.json and the skills (contract §5)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._documents.errors import DocumentError
from .._doorway.folders import Folder
from .._doorway.problem import Problem
from .._host.paths import NAME
from .hooks import MATCHER, our_parts, wanted_entries, with_hooks
from .plan import ABSENT, REMOVED, Json, JsonSurface, Planned, Settled, Wanted, plan_json, plan_texts

SETTINGS = ".claude/settings.json"
MCP = ".mcp.json"
SKILLS = ".claude/skills"
SKILL_PREFIX = f"{NAME}-"


def server_entry(personality: str, port: int) -> Json:
    """Our entry of mcpServers."""
    identity = f"${{PEER_IDENTITY:-claude-{personality}}}"
    return {"type": "http", "url": f"http://127.0.0.1:{port}/mcp", "headers": {"X-IAPeer-Identity": identity}}


def hooks_surface(hooks: str | None) -> JsonSurface:
    """Our hook entries; hooks is the folder of the shims, None takes ours out."""
    wanted = {} if hooks is None else wanted_entries(hooks, MATCHER)
    return JsonSurface("hooks", SETTINGS, lambda value: with_hooks(value, wanted), our_parts, hooks is None, True)


def mcp_surface(personality: str, port: int | None) -> JsonSurface:
    """Our server; port None takes it out."""
    entry = None if port is None else server_entry(personality, port)
    return JsonSurface("mcp", MCP, lambda value: with_server(value, entry), _our_server, port is None)


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


def plan_claude(folder: Folder, personality: str, wanted: Wanted, settled: Settled) -> list[Planned]:
    """The wanted surfaces of one peer."""
    plans = {
        "hooks": lambda: plan_json(folder, hooks_surface(wanted.hooks), settled),
        "mcp": lambda: plan_json(folder, mcp_surface(personality, wanted.port)),
        "skills": lambda: plan_skills(folder, wanted.skills),
    }
    return [plan() for name, plan in plans.items() if name in wanted.surfaces]


def plan_skills(folder: Folder, skills: Mapping[str, str] | None) -> Planned:
    """Our skill folders; None removes every folder in our namespace."""
    path = folder.path(SKILLS)
    if skills is not None:
        texts = {f"{SKILLS}/{name}/SKILL.md": text.encode("utf-8", "surrogateescape") for name, text in skills.items()}
        return plan_texts(folder, "skills", path, texts)
    planned = Planned("skills", ABSENT, path)
    try:
        ours = [f"{SKILLS}/{name}" for name in folder.names(SKILLS) if name.startswith(SKILL_PREFIX)]
        for name in ours:
            folder.refuse_change(name)
    except Problem as problem:
        return planned.failed(problem)
    return planned._replace(action=REMOVED, folders=tuple(ours)) if ours else planned


def _our_server(value: Json) -> Any:
    servers = value.get("mcpServers")
    return servers.get(NAME) if isinstance(servers, dict) else None
