# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether the user of a peer switched our surfaces off: that is told, and neither a drift nor ours to change."""

from __future__ import annotations

import os
import re

from .._documents import json_document, toml_document
from .._doorway.problem import Problem
from .._host.host import Host
from .._host.paths import NAME
from .claude import SETTINGS
from .codex import CONFIG
from .plan import PeerFolder, Planned

LOCAL = ".claude/settings.local.json"
WORDS = "switched off by its user: {} in {}"
FEATURES = ("features",)
# What there must be in a config that switches hooks, however it spells that; the many trust records have none of it.
SWITCH = re.compile(rb"hooks[\"']?[ \t]*=|\\[uUx]")
ON, OFF = toml_document.Raw("true"), toml_document.Raw("false")


class Switches:
    """What users switched off, read from files that are looked at anyway."""

    def __init__(self, host: Host) -> None:
        self._host = host
        self._everywhere: str | None = None
        self._of_the_user: dict[str, str] | None = None
        self._last: tuple[bytes | None, bool | None] = (None, None)

    def told(self, folder: PeerFolder, runtime: str, plans: list[Planned]) -> list[Planned]:
        """The plans of a peer in one runtime, what is switched off with the words for it."""
        off = self._claude(folder) if runtime == "claude" else self._codex(folder)
        if not off:
            return plans
        return [item if item.detail else item._replace(detail=off.get(item.surface, "")) for item in plans]

    def _claude(self, folder: PeerFolder) -> dict[str, str]:
        """By surface; of the settings files the user's own counts least, and the local one has the last word."""
        if self._of_the_user is None:
            path = os.path.join(self._host.paths.home, SETTINGS)
            self._of_the_user = _switched({}, path, self._own(path))
        off = self._of_the_user
        for name in (SETTINGS, LOCAL):
            off = _switched(off, name, _of_a_peer(folder, name))
        return off

    def _codex(self, folder: PeerFolder) -> dict[str, str]:
        if self._everywhere is None:
            path = os.path.join(self._host.codex_home, "config.toml")
            self._everywhere = path if _hooks(self._own(path)) is False else ""
        data = _of_a_peer(folder, CONFIG)
        if data != self._last[0]:  # most peers have the same one
            self._last = data, _hooks(data)
        here = self._last[1]
        place = CONFIG if here is False else self._everywhere if here is None else ""
        return {"hooks": WORDS.format("features.hooks", place)} if place else {}

    def _own(self, path: str) -> bytes | None:
        """A file that counts for all peers; None where it cannot be read, as it is of no use to its client then."""
        try:
            found = self._host.files.read(path)
        except Problem:
            return None
        return None if found is None else found.data


def _of_a_peer(folder: PeerFolder, name: str) -> bytes | None:
    """A file of one peer; None where it cannot be read, which the surface that it belongs to tells."""
    try:
        return folder.data(name)
    except Problem:
        return None


def _switched(before: dict[str, str], name: str, data: bytes | None) -> dict[str, str]:
    """What is off by surface, once one more settings file has had its say; before: by those that count less."""
    try:
        value = {} if data is None or b"disable" not in data else json_document.load(data)
    except Problem:
        return before
    off = dict(before)
    if value.get("disableAllHooks") is True:
        off["hooks"] = WORDS.format("disableAllHooks", name)
    elif "disableAllHooks" in value:
        off.pop("hooks", None)
    servers = value.get("disabledMcpjsonServers")
    if isinstance(servers, list) and NAME in servers:
        off["mcp"] = WORDS.format("disabledMcpjsonServers", name)
    return off


def _hooks(data: bytes | None) -> bool | None:
    """What a config of Codex says of its hooks; None where it says nothing."""
    if data is None or b"features" not in data or not SWITCH.search(data):
        return None
    try:
        said = (toml_document.read(data, FEATURES) or {}).get("hooks")
    except Problem:
        return None
    return said == ON if said in (ON, OFF) else None
