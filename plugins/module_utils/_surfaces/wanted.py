# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What every peer of a host is to have: the forms of its provider, ready to be compared (contract §5 and §12)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._documents import json_document, toml_document
from .._documents.shown import shown
from .._forms.forms import LEARNED, PERSONALITY, Forms
from .._forms.scripts import special_letters
from .._host.paths import NAME

SURFACES = ("hooks", "mcp", "skills", "trust")
SKILLS = ".claude/skills"
# The hole for the name as it stands in JSON.
HOLE = json.dumps(PERSONALITY)[1:-1]
PORT = re.compile(r"(\w+://(?:\[[^\]]*\]|[^/:]*))(?::[0-9]+)?")
REMEDY = "such hooks never run. Set IAPEER_MEMORY_CONFIG_FILE to a file below a plain path"

Json = dict[str, Any]


class Wanted(NamedTuple):
    """What is wanted of which surfaces; where ours are to be taken out all of it is empty, and present is False.

    shims: path to bytes. commands: what a hook of ours says on this very host. hooks: runtime to event to entry. mcp:
    our server, with the hole for the name; mcp_text: a whole file of it. toml: our table, values that are no strings as
    Raw. skills: a SKILL.md below the peer's folder to its bytes. unusable: why the hooks could never run, empty where
    they do. all_skills: the installed version has no others.
    """

    surfaces: Sequence[str] = SURFACES
    present: bool = False
    shims: Mapping[str, bytes] = {}
    commands: frozenset[str] = frozenset()
    hooks: Mapping[str, Mapping[str, Json]] = {}
    mcp: Json | None = None
    toml: Json | None = None
    skills: Mapping[str, bytes] = {}
    unusable: str = ""
    mcp_text: str = ""
    all_skills: bool = False

    def mcp_of(self, personality: str) -> bytes:
        """The .mcp.json of a peer that has no other server."""
        name = json.dumps(personality, ensure_ascii=False)[1:-1]
        return self.mcp_text.replace(HOLE, name).encode("utf-8", "surrogatepass")


def from_forms(forms: Forms, folder: str, surfaces: Sequence[str] = SURFACES, port: int | None = None) -> Wanted:
    """What the forms want where the shims stand in folder; port: in place of that of the forms' own addresses."""
    shims = {os.path.join(folder, name): _bytes(text) for name, text in forms.shims.items()}
    mcp = with_port(forms.mcp, port)
    return Wanted(
        surfaces,
        True,
        shims,
        frozenset(shims),
        json_document.plain(forms.hooks),
        mcp,
        with_port(toml_values(forms.toml), port),
        skill_files(forms.skills),
        _unusable(forms.hooks),
        json_document.dump_like(None, {"mcpServers": {NAME: mcp}}).decode(),
        forms.origin == LEARNED,
    )


def without(forms: Forms, folder: str, surfaces: Sequence[str] = SURFACES) -> Wanted:
    """Ours taken out, the hooks that a host with these forms had included."""
    return Wanted(surfaces, commands=frozenset(os.path.join(folder, name) for name in forms.shims))


def skill_files(skills: Mapping[str, str]) -> dict[str, bytes]:
    """Skill names and texts as files below a peer's folder."""
    return {f"{SKILLS}/{name}/SKILL.md": _bytes(text) for name, text in skills.items()}


def with_port(server: Json, port: int | None) -> Json:
    """The server with another port in its url; None leaves it."""
    url = server.get("url")
    if port is None or not isinstance(url, str):
        return server
    return {**server, "url": PORT.sub(rf"\g<1>:{port}", url, count=1)}


def toml_values(value: Any) -> Any:
    """A value as toml_document reads it: strings and tables as they are, every other value in its literal spelling."""
    if isinstance(value, Mapping):
        return {key: toml_values(item) for key, item in value.items()}
    return value if isinstance(value, str) else toml_document.Raw(_literal(value))


def _literal(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return value if isinstance(value, toml_document.Raw) else json.dumps(value, ensure_ascii=False)


def _unusable(hooks: Mapping[str, Mapping[str, Json]]) -> str:
    """Why a client's shell would not run what the entries name; empty where it does."""
    handlers = [item for entries in hooks.values() for entry in entries.values() for item in entry["hooks"]]
    for command in (handler["command"] for handler in handlers):
        letters = special_letters(command)
        if letters:
            return f"a shell reads {shown(repr(letters))} in {shown(command)}: {REMEDY}"
    return ""


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")
