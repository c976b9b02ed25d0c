# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The surfaces of a Codex peer: config.toml and hooks.json (contract §5); trust is asked for in codex_trust."""

from __future__ import annotations

import json
from typing import Any

from .._documents import toml_document
from .._documents.masking import SHOWN
from .._doorway.folders import Folder
from .._doorway.problem import Problem
from .._host.edits import Edit
from .._host.paths import NAME
from .hooks import our_parts, wanted_entries, with_hooks
from .plan import ABSENT, ALREADY, REMOVED, WRITTEN, JsonSurface, Planned, Settled, Wanted, plan_json

CONFIG = ".codex/config.toml"
HOOKS = ".codex/hooks.json"
NAMESPACE = ("mcp_servers", NAME)
HEADERS = "env_http_headers"
IDENTITY = {"X-IAPeer-Identity": "PEER_IDENTITY"}


def server_values(port: int) -> dict[str, str]:
    """The plain keys of our table."""
    return {
        "url": f"http://127.0.0.1:{port}/mcp",
        "default_tools_approval_mode": "approve",
        "bearer_token_env_var": "IAPEER_BEARER",
    }


def hooks_surface(hooks: str | None) -> JsonSurface:
    """Our hook entries, without a matcher; hooks is the folder of the shims, None takes ours out."""
    wanted = {} if hooks is None else wanted_entries(hooks, None)
    return JsonSurface("hooks", HOOKS, lambda value: with_hooks(value, wanted), our_parts, hooks is None)


def plan_codex(folder: Folder, wanted: Wanted, settled: Settled) -> list[Planned]:
    """The wanted surfaces of one peer but trust."""
    plans = {
        "hooks": lambda: plan_json(folder, hooks_surface(wanted.hooks), settled),
        "mcp": lambda: plan_config(folder, wanted.port, settled),
    }
    return [plan() for name, plan in plans.items() if name in wanted.surfaces]


def plan_config(folder: Folder, port: int | None, settled: Settled) -> Planned:
    """Our two tables in config.toml; port None takes out whatever stands in our namespace."""
    planned = Planned("mcp", ALREADY if port else ABSENT, folder.path(CONFIG))
    try:
        found = folder.read(CONFIG)
        before = None if found is None else found.data
        if before is None and port is None:
            return planned
        if before is not None and (CONFIG, before) in settled:
            return planned
        wanted = None if port is None else {**server_values(port), HEADERS: IDENTITY}
        current = None if before is None else toml_document.read(before, NAMESPACE)
        if current == wanted:
            settled.add((CONFIG, before or b""))
            return planned
        after = _changed(folder, before, port)
        folder.refuse_change(CONFIG)
    except Problem as problem:
        return planned.failed(problem)
    edit = Edit(folder.path(CONFIG), before, after, shown=(_shown(current), _shown(wanted)))
    return planned._replace(action=REMOVED if port is None else WRITTEN, edits=((CONFIG, edit),))


def _changed(folder: Folder, before: bytes | None, port: int | None) -> bytes | None:
    if port is None:
        left = toml_document.remove(before or b"", NAMESPACE)
        return left if left.strip() or folder.is_link(CONFIG) else None
    values = list(server_values(port).items())
    identity = [(json.dumps(key), value) for key, value in IDENTITY.items()]
    return toml_document.replace(before, NAMESPACE, [(NAMESPACE, values), ((*NAMESPACE, HEADERS), identity)])


def _shown(table: dict[str, Any] | None, path: tuple[str, ...] = NAMESPACE) -> str:
    """Our tables for a diff; the rest of the file is nobody's business."""
    if table is None:
        return ""
    plain = {key: value if key in SHOWN else "***" for key, value in table.items() if not isinstance(value, dict)}
    lines = [f"[{'.'.join(path)}]", *(f"{key} = {_spelled(value)}" for key, value in plain.items())]
    below = [_shown(value, (*path, key)) for key, value in table.items() if isinstance(value, dict)]
    return "\n".join(["\n".join(lines) + "\n", *below])


def _spelled(value: str) -> str:
    return value if isinstance(value, toml_document.Raw) else json.dumps(value, ensure_ascii=False)
