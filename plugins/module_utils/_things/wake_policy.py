# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the role peers are woken: fresh, every one (contract §7)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._documents.json_document import dump_like, load
from .._doorway.folders import Folder
from .._doorway.problem import Problem
from .._doorway.spelling import real
from .._forms.ahead import NOTHING, Ahead
from .._host.edits import Edit, apply_in, foresee_in
from .._host.host import Host
from .._host.options import absolute
from .._host.paths import PROFILE
from .._host.results import Result
from .._host.roles import NO_MANIFEST, Role, RoleDone, manifest_roles, roles_result

KEY, WANTED = "wake_policy", "ephemeral"


class Woken(NamedTuple):
    """The profile of one role's peer: what it is and what it is to be, or why that failed."""

    role: Role
    edit: Edit
    detail: str = ""
    problem: Problem | None = None

    def done(self) -> RoleDone:
        """What came of it."""
        diff = self.edit.diff() if self.edit.changed else None
        return RoleDone(self.role.role, self.edit.path, self.edit.action, self.detail, diff, self.problem)


def ensure(host: Host, options: Mapping[str, Any], check: bool, ahead: Ahead = NOTHING) -> Result:
    """Have every role of the manifest woken fresh, or say what that would change (check).

    One key of a profile changes, the rest of it stays byte for byte. A profile that is not there or not what it should
    be fails its role; the others follow. Raises Problem where the manifest cannot be read.
    """
    roles = manifest_roles(host) if ahead.roles is None else ahead.roles
    if roles is None:
        return NO_MANIFEST
    in_order: set[str] = set()
    done = []
    for role in roles:
        item = _plan(host, role)
        folder = "" if item.problem else real(role.cwd)
        if folder in in_order:  # of two roles in one folder the first has done it
            item = item._replace(edit=item.edit._replace(before=item.edit.after), detail="")
        elif not check:
            item = _apply(host, item)
        if item.problem is None:
            in_order.add(folder)
        done.append(item.done())
    return roles_result(done, "written", f"{WANTED}: ")


def plan_profile(data: bytes) -> tuple[bytes, str]:
    """A profile with the wanted policy, and how it was; raises a DocumentError for what is no JSON object."""
    profile = load(data)
    found = profile.get(KEY)
    if found == WANTED:
        return data, ""
    was = f"was {found!r}" if isinstance(found, str) else "was no text" if KEY in profile else "was not set"
    return dump_like(data, {**profile, KEY: WANTED}), was


def _plan(host: Host, role: Role) -> Woken:
    path = os.path.join(role.cwd, PROFILE)
    try:
        absolute("peerCwd", role.cwd)
        with Folder(host.files.sandbox, role.cwd) as folder:
            if (found := folder.read(PROFILE)) is None:
                raise Problem("no profile: the core writes it when it creates the peer", path, "missing")
            try:
                wanted, was = plan_profile(found.data)
            except Problem as problem:
                raise Problem(problem.reason, path, problem.kind) from problem
            shown = (f"{KEY}: {was.removeprefix('was ')}\n", f"{KEY}: {WANTED}\n") if was else None
            edit = Edit(path, found.data, wanted, shown=shown)
            foresee_in(folder, PROFILE, edit)
        return Woken(role, edit, was)
    except Problem as problem:
        return Woken(role, Edit(path, None, None), problem=problem)


def _apply(host: Host, item: Woken) -> Woken:
    """Write the profile; core and notifier write it too, so where they just did it is looked at once more."""
    try:
        _write(host, item)
        return item
    except Problem as problem:
        again = _plan(host, item.role)
        if again.problem is not None or again.edit.before == item.edit.before:
            return item._replace(problem=problem)
    try:
        _write(host, again)
    except Problem as problem:
        return item._replace(problem=problem)
    return item


def _write(host: Host, item: Woken) -> None:
    if item.problem is None and item.edit.changed:
        with host.files.tree(item.role.cwd) as tree:
            apply_in(tree, PROFILE, item.edit)
