# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role peers of a host and their manifest (contract §7 and §13): who is made, and who is somebody else's."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._doorway.folders import Folder
from .._doorway.problem import Problem
from .._forms.first_day import InitForms
from .._host.config import ROLES
from .._host.core import core_problem, peer_of, peers_of, read_registry, row_of
from .._host.edits import Edit, pretty_json, read_json_object
from .._host.host import Host
from .._host.options import absolute
from .._host.results import FAILED
from .._host.roles import read_manifest
from .doctrines import DOCTRINE, is_somebodys_own
from .role_descriptions import CREATE_TIMEOUT

UNKNOWN_CWD = "(of the peer that the core makes)"
Json = dict[str, Any]


class Crew(NamedTuple):
    """The roles: those whose peers are to be made, the folders of those that are there, and why one is refused."""

    newborn: tuple[str, ...]
    cwds: Mapping[str, str]
    refused: Mapping[str, Problem]

    def records(self) -> list[dict[str, str]]:
        """What of it is to be told, in the order of the roles."""
        made = {role: {"thing": role, "action": "created", "detail": self.cwds.get(role, "")} for role in self.newborn}
        bad = {role: {"thing": role, "action": FAILED, "detail": str(why)} for role, why in self.refused.items()}
        return [record for role in ROLES for record in [bad.get(role) or made.get(role)] if record]

    def diffs(self) -> Iterator[dict[str, str]]:
        """What is shown of it."""
        for role in self.newborn:
            header = f"{role} in the registry"
            yield {"before_header": header, "after_header": header, "before": "", "after": "a new peer\n"}


def plan_crew(host: Host) -> Crew:
    """Who is there and who is not. Raises Problem where the registry cannot be read.

    A role that the manifest has is ours; another peer of that name is, unless somebody wrote it a doctrine by hand.
    """
    rows, manifest = read_registry(host), read_manifest(host)
    newborn, cwds, refused = [], {}, {}
    for role in ROLES:
        row = row_of(rows, role)
        peer = peer_of(row)
        if row is None:
            newborn.append(role)
        elif manifest.cwd_of(role):
            cwds[role] = manifest.cwd_of(role)
        else:
            try:
                cwds[role] = _ours(host, role, peer.cwd if peer else "")
            except Problem as problem:
                refused[role] = problem
    return Crew(tuple(newborn), cwds, refused)


def _ours(host: Host, role: str, cwd: str) -> str:
    """The folder of a peer that can take a role; raises Problem where it cannot."""
    absolute(f"the cwd of {role}", cwd)
    with Folder(host.files.sandbox, cwd) as folder:
        found = folder.read(DOCTRINE)
    if found is not None and is_somebodys_own(found.data.decode("utf-8", "replace")):
        reason = f"somebody's own peer has the name {role} (its doctrine is none of ours): nothing of it is touched"
        raise Problem(reason, os.path.join(cwd, DOCTRINE), "foreign")
    return cwd


def create(host: Host, crew: Crew, init: InitForms) -> Crew:
    """Have the core make the missing peers; one that it does not make, or that its registry does not show, is refused.

    Raises Problem where the registry cannot be read any more.
    """
    refused = dict(crew.refused)
    for role in crew.newborn:
        done = host.egress.run(host.core, init.creates[role], timeout=CREATE_TIMEOUT)
        if done.rc != 0:
            refused[role] = core_problem(host.core.path, done)
    rows = read_registry(host)
    found = {peer.personality: peer.cwd for peer in peers_of(rows)}
    for role in crew.newborn:
        if role not in refused and role not in found:
            refused[role] = Problem("the core took the call, but its registry does not show the peer")
    made = {role: found[role] for role in crew.newborn if role not in refused}
    return Crew(tuple(made), {**crew.cwds, **made}, refused)


def plan_manifest(host: Host, crew: Crew) -> Edit:
    """The manifest with every role that is ours; other entries and keys stay, and so does one that lacks nothing."""
    path = host.paths.roles
    found = host.files.read(path)
    before = None if found is None else found.data
    try:
        value = read_json_object(host.files, path) or {}
    except Problem:
        value = {}
    entries = value.get("roles")
    old = [item for item in entries if isinstance(item, dict)] if isinstance(entries, list) else []
    usable = {str(item.get("role")): item for item in old} if not read_manifest(host).problem else {}
    wanted = {role: _entry(host, role, crew.cwds.get(role, UNKNOWN_CWD)) for role in (*crew.newborn, *crew.cwds)}
    new = [wanted[role] for role in ROLES if role in wanted and (role in crew.newborn or role not in usable)]
    if not new:
        return Edit(path, before, before)
    kept = [item for role, item in usable.items() if role not in {entry["role"] for entry in new}]
    after = pretty_json({**value, "roles": _in_order([*kept, *new])})
    shown = after.decode("utf-8", "replace")
    for role in crew.newborn:
        shown = shown.replace(crew.cwds.get(role, UNKNOWN_CWD), UNKNOWN_CWD)
    return Edit(path, before, after, shown=("" if before is None else before.decode("utf-8", "replace"), shown))


def manifest_entries(edit: Edit, newborn: Sequence[str]) -> list[Json] | None:
    """What a manifest will say of all roles but the newborn, whose folders nobody knows; None where it stays."""
    if not edit.changed or edit.after is None:
        return None
    return [entry for entry in json.loads(edit.after)["roles"] if entry["role"] not in newborn]


def _in_order(entries: list[Json]) -> list[Json]:
    """The roles that we know first, in their own order."""
    ranks = {role: rank for rank, role in enumerate(ROLES)}
    return sorted(entries, key=lambda entry: ranks.get(str(entry.get("role")), len(ranks)))


def _entry(host: Host, role: str, cwd: str) -> dict[str, str]:
    template = os.path.join(host.paths.templates(host.config.locale), f"{role}.md")
    return {"role": role, "peerCwd": cwd, "template": template}
