# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The manifest of the role peers, and what work on all of them comes to (contract §7)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .._doorway.problem import Problem
from .edits import read_json_object
from .host import Host
from .results import FAILED, SKIPPED, Result

NO_MANIFEST = Result(SKIPPED, "no roles manifest", data={"results": []})


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


def manifest_roles(host: Host) -> tuple[Role, ...] | None:
    """The roles of the manifest; None where there is none. Raises Problem where it cannot be used."""
    manifest = read_manifest(host)
    if manifest.kind == "missing":
        return None
    if manifest.problem:
        raise Problem(manifest.problem, host.paths.roles, manifest.kind)
    return manifest.roles


class RoleDone(NamedTuple):
    """What came of the work on one role. action and detail count where there is no problem; diff where it changes.

    target: the file that the work is on, empty where it is on none.
    """

    role: str
    target: str = ""
    action: str = "already"
    detail: str = ""
    diff: Mapping[str, str] | None = None
    problem: Problem | None = None

    def record(self) -> dict[str, str]:
        """The record that a module returns."""
        problem = self.problem
        return {
            "role": self.role,
            "action": self.action if problem is None else SKIPPED if problem.refused else FAILED,
            **({"target": self.target} if self.target else {}),
            "detail": self.detail if problem is None else str(problem),
        }


def roles_result(done: Sequence[RoleDone], word: str, lead: str = "") -> Result:
    """The result of work on all roles: each is told, a failure of one fails the whole at the end.

    word: the action where anything changed. lead: what the line for people begins with.
    """
    records = [item.record() for item in done]
    shown = [item.diff for item in done if item.diff is not None and item.problem is None]
    bad = [item for item in done if item.problem is not None and not item.problem.refused]
    skipped = any(record["action"] == SKIPPED for record in records)
    return Result(
        FAILED if bad else word if shown else SKIPPED if skipped else "already",
        lead + (", ".join(f"{record['role']} {record['action']}" for record in records) or "no roles"),
        changed=bool(shown),
        failure="; ".join(f"{item.role}: {item.problem}" for item in bad),
        diff=shown,
        data={"results": records},
    )
