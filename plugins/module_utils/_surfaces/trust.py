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
from .._doorway.egress import TIMEOUT_RC, Outcome
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
NOT_IN_PLACE = "not asked for: hooks.json is not in place"
UNTRUSTED = "untrusted: headless Codex skips these hooks silently"

# A record of Codex in its own spelling: nothing escaped, one key a line.
HEADER = re.compile(r'\[hooks\.state\."([^"\\]+)"\]')
PAIR = re.compile(r'(trusted_hash|enabled) = (?:"([^"\\]*)"|(true|false))')
ON = toml_document.Raw("true")


class Records:
    """The trust records in Codex's own config, and what Codex would record of a hooks.json; both read once.

    They only save a process for each peer that is trusted already; whatever they do not settle, the core is asked.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._config = b""
        self._plain: dict[str, Any] | None = None
        self._known: dict[str, Any] | None = None
        self._identities: dict[bytes, dict[str, str] | None] = {}

    def trust(self, path: str, data: bytes) -> bool:
        """True where every hook in data, at path (resolved), is recorded as trusted and is switched on."""
        if data not in self._identities:
            self._identities[data] = identities(data)
        wanted = self._identities[data]
        if not wanted:
            return False
        if self._plain is None:
            self._config = _read_config(self._host)
            self._plain = plain_records(self._config)
        if _are_trusted(self._plain, path, wanted):
            return True
        if self._known is None:
            self._known = _all_records(self._config)
        return _are_trusted(self._known, path, wanted)


class Core:
    """The core, which owns trust: asked for one peer after the other, and no more once it did not answer in time."""

    def __init__(self, host: Host, check: bool) -> None:
        self._host, self._check = host, check
        self._silent = ""
        self._presence: Outcome | None = None

    def agrees(self, path: str) -> bool:
        """False where the core denies what the records say of the hooks.json at path: then they are of another kind."""
        done = self._ask(path, "--check")
        return done.rc in (0, TIMEOUT_RC) or done.refused or done.missing

    def settle(self, planned: Planned, hooks: Planned | None) -> Planned:
        """Have the hooks trusted, or (check) ask whether they are; hooks: the plan of their file, as it came out.

        Anything but exit code 0 is a failure, and so is a file that did not get into place.
        """
        if hooks is not None and hooks.action in (FAILED, SKIPPED):
            return planned._replace(action=hooks.action, detail=NOT_IN_PLACE)
        changing = hooks is not None and bool(hooks.edits)
        if self._check and changing:  # what it says of the old file tells nothing, but for whether it is there at all
            self._presence = self._presence or self._ask(planned.path, "--check")
            done = self._presence
        else:
            done = self._ask(planned.path, *(["--check"] if self._check else []))
        if done.refused:
            return planned._replace(action=SKIPPED, detail=done.err)
        if done.missing:
            return planned._replace(
                action=FAILED, detail=f"the core is missing: no {self._host.core.path}; {UNTRUSTED}"
            )
        if self._check:
            return planned._replace(action=ALREADY, detail="") if done.rc == 0 and not changing else planned
        if done.rc != 0:
            return planned._replace(action=FAILED, detail=f"{done.complaint}; {UNTRUSTED}")
        first = done.out.strip().split("\n")[0]
        known = "already" in first.lower()
        return planned._replace(action=ALREADY if known else WRITTEN, detail="" if known else first[:200])

    def _ask(self, path: str, *more: str) -> Outcome:
        if self._silent:
            return Outcome(TIMEOUT_RC, "", f"not asked: {self._silent}")
        done = self._host.egress.run(self._host.core, [VERB, path, *more], timeout=TIMEOUT)
        if done.rc == TIMEOUT_RC:
            self._silent = done.complaint
        return done


def _are_trusted(records: dict[str, Any], path: str, wanted: dict[str, str]) -> bool:
    for key, identity in wanted.items():
        record = records.get(f"{path}:{key}")
        if not isinstance(record, dict) or record.get("trusted_hash") != identity or record.get("enabled", ON) != ON:
            return False
    return True


def _read_config(host: Host) -> bytes:
    """Codex's own config; empty where it cannot be read."""
    try:
        found = host.files.read(os.path.join(host.codex_home, "config.toml"))
        return b"" if found is None else found.data
    except Problem:
        return b""


def _all_records(config: bytes) -> dict[str, Any]:
    """By hook key, however they are spelled; empty where that is no TOML."""
    try:
        return toml_document.read(config, ("hooks", "state")) or {}
    except Problem:
        return {}


def plain_records(config: bytes) -> dict[str, Any]:
    """The records that are spelled as Codex spells them, by hook key: there are many, and TOML takes its time.

    Of a record that has anything else in it nothing is said, and neither is anything where a string may span lines.
    """
    records: dict[str, Any] = {}
    if b'"""' in config or b"'''" in config:
        return records
    table: dict[str, Any] = {}
    for line in config.decode("utf-8", "replace").split("\n"):
        header, pair = HEADER.fullmatch(line), PAIR.fullmatch(line)
        if header:
            table = records[header[1]] = {}
        elif pair:
            table[pair[1]] = toml_document.Raw(pair[3]) if pair[3] else pair[2]
        elif line.startswith("["):
            table = {}
        elif line:
            table["enabled"] = "who knows"
    return records


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
