# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms: what the provider's files, entries and messages on a host are to be (contract §12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Json = dict[str, Any]

# The one hole that is left on a given host: whose entry it is. A NUL stands in no name and no text of ours.
PERSONALITY = "\0personality\0"
LEARNED, BUNDLED = "learned", "bundled"
# What a template has in place of the vault's path, and the one that is no role's.
VAULT = "{{VAULT_PATH}}"
GUIDE = "guide.md"


class Forms(NamedTuple):
    """What is wanted on one host, as its provider writes it there.

    origin: learned or bundled; why: where they are from, in words. version: what the binary says of itself, empty
    where it said nothing. shims: file name to text. hooks: runtime to event to our entry. mcp: our server in .mcp.json,
    with the hole PERSONALITY. toml: our table in config.toml, sub-tables as dicts. skills: name to text. launcher,
    gate: texts. templates: file name to text, with VAULT as it is. guide: the text, empty where the provider has none.
    triggers: watcher and dream, each the whole message. slot: the declaration without version and registeredAt, in the
    order of its keys.
    """

    origin: str
    why: str
    version: str
    shims: Mapping[str, str]
    hooks: Mapping[str, Mapping[str, Json]]
    mcp: Json
    toml: Json
    skills: Mapping[str, str]
    launcher: str
    gate: str
    templates: Mapping[str, str]
    guide: str
    triggers: Mapping[str, Json]
    slot: Json


def place(value: Any, holes: Mapping[str, str]) -> Any:
    """The value with its holes filled, in every string leaf; keys stay, and so does what only reads like a string."""
    if type(value) is str:  # pylint: disable=unidiomatic-typecheck # what only reads like one is none
        for hole, text in holes.items():
            value = value.replace(hole, text)
        return value
    if isinstance(value, dict):
        return {key: place(item, holes) for key, item in value.items()}
    if isinstance(value, list):
        return [place(item, holes) for item in value]
    return value
