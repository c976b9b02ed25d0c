# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look returns of a host where all is well, and changes of it."""

from __future__ import annotations

from typing import Any

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.gates import ORDER, pending

QUIET = {"changed": False, "action": "already", "detail": "in place"}
CHANGED = {"changed": True, "action": "written", "detail": "2 written"}
BAD = {"failed": True, "changed": False, "action": "failed", "msg": "it broke", "detail": "it broke"}
# The same as a task registers it whose failure is a row of the report, not the end of the host.
BROKEN = {**BAD, "failed": False, "failed_when_result": False}
REFUSED = {"changed": False, "skipped": True, "refused": True, "action": "skipped", "detail": "refused by the sandbox"}
LEFT_OUT = {"changed": False, "skipped": True, "skip_reason": "Conditional result was False"}
KILLED = {"changed": False, "failed": False, "failed_when_result": False, "rc": 137, "msg": "MODULE FAILURE"}
TRIGGERS = [{**QUIET, "name": name} for name in ("watcher", "dream", "old-sweep")]
DATA: dict[str, dict[str, Any]] = {
    "surfaces": {"results": [], "skipped_peers": []},
    "doctrines": {"results": [{"role": "index", "action": "already", "target": "/p/IAPEER.md", "detail": ""}]},
    "triggers": {"triggers": TRIGGERS},
}


def look(form: str = "v1_2", steps: dict[str, dict[str, Any]] | None = None, **parts: Any) -> dict[str, Any]:
    """A look at a host where all is well, but for the form of its slot, and for what is given of steps and facts."""
    provider = "other-memory" if form == "foreign" else "iapeer-memory"
    whole: dict[str, Any] = {
        "config": {"ok": True, "problem": "", "vault_path": "/v", "locale": "en", "mode": "lean", "mcp_port": 8766},
        "slot": {"form": form, "provider": provider},
        "fleet": {"readable": True, "count": 2, "problem": ""},
        "memoryd": {
            **{"pid": 7, "running": True, "listening": True, "problem": ""},
            **{"heartbeat_age": 3.4, "watch": "on", "complaint": ""},
        },
        "binary": {"present": True, "version": "1.2.0", "problem": "", "refused": False},
    }
    found = {key: {**part, **parts.pop(key, {})} for key, part in whole.items()}
    told = {name: {**QUIET, **DATA.get(name, {}), **(steps or {}).get(name, {})} for name in ORDER}
    roles = [{"role": "index", "cwd": "/p", "template": "index.md"}]
    head = {"action": "looked", "changed": False, "version": "1.2.0", "roles": roles, "roles_problem": ""}
    return {**head, **found, "steps": told, "pending": pending(told), **parts}
