# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest of the role peers (contract §7)."""

from __future__ import annotations

import os
from typing import NamedTuple

from .._doorway.problem import Problem
from .edits import read_json_object
from .host import Host


class Role(NamedTuple):
    """One entry of the manifest: the role, its peer's folder, and the path of its template."""

    role: str
    cwd: str
    template: str


class Manifest(NamedTuple):
    """The roles of the host, or why they cannot be read; kind is missing, unreadable or malformed then."""

    roles: tuple[Role, ...] = ()
    problem: str = ""
    kind: str = ""

    def cwd_of(self, role: str) -> str:
        """The folder of a role's peer; empty where the manifest does not name it."""
        return next((entry.cwd for entry in self.roles if entry.role == role), "")


def read_manifest(host: Host) -> Manifest:
    """The roles manifest. Never fails: without one, nothing is rendered."""
    try:
        value = read_json_object(host.files, host.paths.roles)
    except Problem as problem:
        return Manifest((), problem.reason, problem.kind)
    if value is None:
        return Manifest((), "missing", "missing")
    entries = value.get("roles")
    if not isinstance(entries, list):
        return Manifest((), "has no list of roles", "malformed")
    templates = host.paths.templates(host.config.locale)
    roles = []
    for entry in entries:
        found = entry if isinstance(entry, dict) else {}
        texts = [text for text in map(found.get, ("role", "peerCwd", "template")) if isinstance(text, str) and text]
        if len(texts) != 3:
            return Manifest((), "an entry lacks role, peerCwd or template", "malformed")
        roles.append(Role(texts[0], texts[1], os.path.join(templates, texts[2])))
    return Manifest(tuple(roles))
