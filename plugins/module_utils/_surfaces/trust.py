# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether Codex runs the hooks of a peer: asked of the core, which owns trust (contract §5)."""

from __future__ import annotations

import hashlib
import json
import os
import re
from typing import Any

from .._documents import json_document, toml_document
from .._doorway.egress import Outcome
from .._doorway.problem import Problem
from .._host.host import Host
from .plan import ALREADY, FAILED, SKIPPED, WRITTEN, Json, Planned

VERB = "trust-hooks"
TIMEOUT = 60
HUMP = re.compile(r"(?<!^)(?=[A-Z])")
SECONDS = re.compile(r"[0-9]{1,6}")
DEFAULT = json_document.Number("600")
# Events whose hooks Codex hashes differently: their time limit, the longest one, and those without a matcher.
DEFAULT_SECONDS = dict.fromkeys(("SessionEnd", "Interrupt"), json_document.Number("1"))
LONGEST = dict.fromkeys(DEFAULT_SECONDS, 3)
WITHOUT_MATCHER = ("Interrupt", "PostModelRequest", "PreModelRequest", "Stop", "UserPromptSubmit")
UNTRUSTED = "untrusted: headless Codex skips these hooks silently"

ON = toml_document.Raw("true")

TrustRecords = dict[str, Any]


def read_records(host: Host) -> TrustRecords:
    """The trust records in Codex's own config, by hook key; empty where they cannot be read.

    They only save a process for each peer that is trusted already; whatever they do not settle, the core is asked.
    """
    try:
        found = host.files.read(os.path.join(host.codex_home, "config.toml"))
        return {} if found is None else toml_document.read(found.data, ("hooks", "state")) or {}
    except Problem:
        return {}


def identities(data: bytes) -> dict[str, str] | None:
    """What Codex hashes of every hook in a hooks.json, by the end of its key; None where that is not plain enough."""
    try:
        document = json_document.load(data)
        if set(document) - {"hooks", "description"}:
            return None
        return {
            f"{_snake(event)}:{i}:{j}": _identity(event, entry, handler)
            for event, entries in document["hooks"].items()
            for i, entry in enumerate(entries)
            for j, handler in enumerate(entry["hooks"])
        }
    except (Problem, KeyError, TypeError, AttributeError):
        return None


def is_recorded(records: TrustRecords, path: str, wanted: dict[str, str] | None) -> bool:
    """True where every wanted hook of the file at path (resolved) is recorded as trusted and is switched on."""
    if not wanted:
        return False
    found = [(records.get(f"{path}:{key}"), identity) for key, identity in wanted.items()]
    return all(
        isinstance(record, dict) and record.get("trusted_hash") == identity and record.get("enabled", ON) == ON
        for record, identity in found
    )


def plan_trust(path: str, hooks: Planned, recorded: bool) -> Planned:
    """Plan the trust of the hooks.json at path (resolved), whose own plan is hooks: written unless it is recorded."""
    planned = Planned("trust", ALREADY, path)
    if hooks.action in (FAILED, SKIPPED):
        return planned._replace(action=hooks.action, detail="not asked for: hooks.json is not in place")
    return planned if recorded else planned._replace(action=WRITTEN, detail="not trusted yet")


def ask_trust(host: Host, planned: Planned, hooks_change: bool) -> Planned:
    """What apply_trust would come to, asked without writing; hooks_change: hooks.json is about to change."""
    done = host.egress.run(host.core, [VERB, planned.path, "--check"], timeout=TIMEOUT)
    if done.refused or done.missing:
        return _unanswered(planned, host, done)
    return planned._replace(action=ALREADY, detail="") if done.rc == 0 and not hooks_change else planned


def apply_trust(host: Host, planned: Planned) -> Planned:
    """Have the core trust the hooks; anything but exit code 0 is a failure."""
    done = host.egress.run(host.core, [VERB, planned.path], timeout=TIMEOUT)
    if done.refused or done.missing:
        return _unanswered(planned, host, done)
    if done.rc != 0:
        return planned._replace(action=FAILED, detail=f"{done.complaint}; {UNTRUSTED}")
    first = done.out.strip().split("\n")[0]
    return planned._replace(action=ALREADY if "already" in first.lower() else WRITTEN, detail=first[:200])


def _unanswered(planned: Planned, host: Host, done: Outcome) -> Planned:
    if done.refused:
        return planned._replace(action=SKIPPED, detail=done.err)
    return planned._replace(action=FAILED, detail=f"the core is missing: no {host.core.path}; {UNTRUSTED}")


def _identity(event: str, entry: Json, handler: Json) -> str:
    """What Codex hashes of one plain command hook; raises KeyError or TypeError for any other."""
    if set(entry) - {"hooks", "matcher"} or set(handler) - {"timeout"} != {"type", "command"}:
        raise KeyError(event)
    texts = (handler["command"], entry.get("matcher") or "")
    if handler["type"] != "command" or not all(map(_is_text, texts)):
        raise TypeError(event)
    seconds = handler.get("timeout", DEFAULT_SECONDS.get(event, DEFAULT))
    if not (isinstance(seconds, json_document.Number) and SECONDS.fullmatch(seconds)):
        raise TypeError(event)
    limit = LONGEST.get(event, int(seconds))
    hook = {**handler, "async": False, "timeout": max(1, min(int(seconds), limit))}
    shape: Json = {"event_name": _snake(event), "hooks": [hook]}
    if entry.get("matcher") is not None and event not in WITHOUT_MATCHER:
        shape["matcher"] = entry["matcher"]
    text = json.dumps(shape, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return "sha256:" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _snake(event: str) -> str:
    return HUMP.sub("_", event).lower()


def _is_text(value: Any) -> bool:
    """True for a JSON string; a number is read as a string of another kind."""
    return isinstance(value, str) and not isinstance(value, json_document.Number)
