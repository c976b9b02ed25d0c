# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms that travel with the collection: wanted where nothing could be learned from a provider (contract §12)."""

from __future__ import annotations

from .._host.host import Host
from .._host.paths import NAME
from .content import doctrines_en, doctrines_ru, skills_en, skills_ru
from .forms import BUNDLED, GUIDE, PERSONALITY, VAULT, Forms, Json
from .scripts import VERBS, dream_gate, launcher, shim, shim_path

TEMPLATES = {"en": doctrines_en.TEMPLATES, "ru": doctrines_ru.TEMPLATES}
SKILLS = {"en": skills_en.SKILLS, "ru": skills_ru.SKILLS}
MATCHER = "Write|Edit|MultiEdit|Bash"
PROVISION = ("provision-peer", "--cwd", "{cwd}", "--runtime", "{runtime}", "--personality", "{personality}")
UNPROVISION = ("unprovision-peer", "--cwd", "{cwd}", "--runtime", "{runtime}")
OCCASION = ("--occasion", "{occasion}")
DREAM_TICK = (
    "DREAM_TICK: weekly consolidation. Run `iapeer-memory dream-collect`, have each group of candidates judged by a "
    "subagent, and send one report to index. Nothing found: nothing to do."
)


def bundled(host: Host, why: str) -> Forms:
    """The forms of this host without a provider to ask; why says why."""
    paths, config = host.paths, host.config
    locale = config.locale if config.locale in TEMPLATES else "en"
    url = f"http://127.0.0.1:{config.mcp_port}/mcp"
    return Forms(
        origin=BUNDLED,
        why=why,
        version="",
        shims={f"{NAME}.{verb}.sh": shim(verb).decode() for verb in VERBS.values()},
        hooks={"claude": _entries(paths.hooks, MATCHER), "codex": _entries(paths.hooks, None)},
        mcp={
            "type": "http",
            "url": url,
            "headers": {"X-IAPeer-Identity": f"${{PEER_IDENTITY:-claude-{PERSONALITY}}}"},
        },
        toml={
            "url": url,
            "default_tools_approval_mode": "approve",
            "bearer_token_env_var": "IAPEER_BEARER",
            "env_http_headers": {"X-IAPeer-Identity": "PEER_IDENTITY"},
        },
        skills=SKILLS[locale],
        launcher=launcher(paths.binary).decode("utf-8", "surrogateescape"),
        gate=dream_gate(paths.binary).decode("utf-8", "surrogateescape"),
        templates=TEMPLATES[locale],
        guide=TEMPLATES[locale][GUIDE].replace(VAULT, config.vault_path),
        triggers=_triggers(host),
        slot=_declaration(host),
    )


def _entries(hooks: str, matcher: str | None) -> dict[str, Json]:
    entries: dict[str, Json] = {}
    for event, verb in VERBS.items():
        handler = {"type": "command", "command": shim_path(hooks, verb)}
        entries[event] = {"hooks": [handler]}
    if matcher is not None:
        entries["PostToolUse"] = {"matcher": matcher, **entries["PostToolUse"]}
    return entries


def _triggers(host: Host) -> dict[str, Json]:
    paths, config = host.paths, host.config
    return {
        "watcher": {
            "script": paths.launcher,
            "target": config.event_target or "scriber",
            "id": f"{NAME}-memoryd",
        },
        "dream": {
            "when": config.dream_cron,
            "message": DREAM_TICK,
            "target": "dreamweaver",
            "id": f"{NAME}-dream-tick",
            "check": paths.dream_gate,
        },
    }


def _declaration(host: Host) -> Json:
    command = host.paths.binary
    return {
        "provider": NAME,
        "package": f"@agfpd/{NAME}",
        "heartbeat": host.paths.heartbeat,
        "provision": {"command": command, "args": [*PROVISION, *OCCASION]},
        "unprovision": {"command": command, "args": [*UNPROVISION, *OCCASION]},
    }
