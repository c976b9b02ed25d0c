# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the registry says of the role peers (contract §7)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._doorway.problem import Problem
from .._forms.ahead import NOTHING, Ahead
from .._forms.forms import Forms
from .._forms.wanted import wanted_forms
from .._host.core import core_problem, peer_of, read_registry, row_of
from .._host.host import Host
from .._host.results import Result
from .._host.roles import NO_MANIFEST, Role, RoleDone, manifest_roles, roles_result
from .templates import parted

CREATE_TIMEOUT = 60
LINE = re.compile(r"^description:[ \t]*(.*?)[ \t\r]*$", re.MULTILINE)
UNKNOWN = "the registry does not know it: run the provider's init"

Rows = list[dict[str, Any]]


class Described(NamedTuple):
    """One role: its folder in the registry, the text that it lacks (empty where it lacks none), and why it failed."""

    role: Role
    cwd: str = ""
    text: str = ""
    problem: Problem | None = None

    def done(self) -> RoleDone:
        """What came of it."""
        role, header = self.role.role, f"{self.role.role} in the registry"
        shown = {"before_header": header, "after_header": header, "before": "", "after": f"description: {self.text}\n"}
        action, diff = ("described", shown) if self.text else ("already", None)
        return RoleDone(role, "", action, self.text, diff, self.problem)


def ensure(host: Host, options: Mapping[str, Any], check: bool, ahead: Ahead = NOTHING) -> Result:
    """Have every role of the manifest described in the registry, or say what that would change (check).

    options: forms. What is described stays as it is; the text of another is that of its template. A role that the
    registry does not know fails, the others follow. Raises Problem where manifest or registry cannot be read.
    """
    roles = manifest_roles(host) if ahead.roles is None else ahead.roles
    if roles is None:
        return NO_MANIFEST
    rows = read_registry(host) if roles else []
    forms = wanted_forms(host, options, ahead)
    done = [_plan(rows, role, describe(host, role, forms, ahead)) for role in roles]
    if not check and any(item.text for item in done):
        done = [_create(host, item) for item in done]
        rows = read_registry(host)
        done = [_confirmed(rows, item) for item in done]
    return roles_result([item.done() for item in done], "described")


def describe(host: Host, role: Role, forms: Forms, ahead: Ahead) -> str:
    """What a role is described with: what its template says, else that of the forms, else its name."""
    name = os.path.basename(role.template)
    pending = ahead.templates.get(name)
    try:
        found = None if pending is not None else host.files.read(role.template)
    except Problem:
        found = None
    on_disk = "" if found is None else found.data.decode("utf-8", "replace")
    texts = (_description(text) for text in (pending or on_disk, forms.templates.get(name, "")))
    return next(filter(None, texts), f"iapeer-memory: {role.role}")


def _description(template: str) -> str:
    """The description in the frontmatter of a template; empty where there is none."""
    head, _body = parted(template)
    line = LINE.search(head)
    text = line[1] if line else ""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'" else text


def _is_described(row: Mapping[str, Any]) -> bool:
    text = row.get("description")
    return isinstance(text, str) and bool(text.strip())


def _plan(rows: Rows, role: Role, text: str) -> Described:
    row = row_of(rows, role.role)
    peer = peer_of(row)
    if row is None or peer is None:
        return Described(role, problem=Problem(UNKNOWN, kind="missing"))
    return Described(role, peer.cwd, "" if _is_described(row) else text)


def _create(host: Host, item: Described) -> Described:
    if item.problem is not None or not item.text:
        return item
    args = ["create", item.role.role, "--path", item.cwd, "--description", item.text]
    done = host.egress.run(host.core, args, timeout=CREATE_TIMEOUT)
    return item if done.rc == 0 else item._replace(problem=core_problem(host.core.path, done))


def _confirmed(rows: Rows, item: Described) -> Described:
    """The same, failed where the core said yes and the registry still has no description."""
    if item.problem is not None or _is_described(row_of(rows, item.role.role) or {}):
        return item
    return item._replace(problem=Problem("the core took the description, but its registry does not show it"))
