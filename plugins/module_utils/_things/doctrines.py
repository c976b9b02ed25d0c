# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The doctrines of the role peers (contract §7)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._doorway.folders import Folder
from .._doorway.problem import Problem
from .._doorway.spelling import real
from .._forms.ahead import NOTHING, Ahead
from .._forms.forms import VAULT
from .._host.edits import Edit, apply_in, foresee_in
from .._host.host import Host
from .._host.options import absolute, given_version
from .._host.results import Result
from .._host.roles import NO_MANIFEST, Role, RoleDone, manifest_roles, roles_result
from .templates import parted
from .version import wanted_version

MARKER = re.compile(r"<!-- iapeer-memory doctrine v(.+?) -->")
MARKED = "<!-- iapeer-memory doctrine v"
# What the core puts there before anybody has written a doctrine.
SCAFFOLD = "An empty doctrine launches a bare peer"
DOCTRINE = ".iapeer/IAPEER.md"


class Rendered(NamedTuple):
    """The doctrine of one role: what it is, what it is to be, and why it is not that yet; problem where it failed."""

    role: Role
    edit: Edit
    reason: str = ""
    problem: Problem | None = None

    def done(self) -> RoleDone:
        """What came of it."""
        diff = self.edit.diff() if self.edit.changed else None
        return RoleDone(self.role.role, self.edit.path, self.edit.action, self.reason, diff, self.problem)


def render(template: str, version: str, vault_path: str) -> str:
    """A role's doctrine: the marker line, then the template without its frontmatter, the vault's path filled in."""
    _head, body = parted(template)
    return marker(version) + "\n" + body.lstrip("\n").replace(VAULT, vault_path)


def marker(version: str) -> str:
    """The first line of a doctrine of this version."""
    return f"{MARKED}{version} -->"


def is_somebodys_own(current: str) -> bool:
    """True where a doctrine is neither ours, nor blank, nor the core's scaffold: somebody wrote it by hand."""
    text = current.lstrip("\ufeff \t\r\n")
    return bool(text) and not text.startswith(MARKED) and SCAFFOLD not in text


def drift(current: str | None, wanted: str, version: str) -> str:
    """In what a doctrine is not as wanted: missing, marker, placeholder or text; empty where it is."""
    if current is None:
        return "missing"
    found = MARKER.fullmatch(current.partition("\n")[0])
    if found is None or found[1] != version:
        return f"marker: {'none' if found is None else f'v{found[1]}'}, wanted v{version}"
    if VAULT in current:
        return f"placeholder: {VAULT} is not replaced"
    return "" if current == wanted else "text: differs from its template"


def ensure(host: Host, options: Mapping[str, Any], check: bool, ahead: Ahead = NOTHING) -> Result:
    """Render every role of the manifest, or say what that would change (check).

    options: version (without it what the binary says), vault_path (without it that of config.env). A missing template,
    and a doctrine that somebody wrote by hand, fail that role; the others render. Raises Problem for a version that is
    none, where the binary tells none, and where no vault is known.
    """
    given_version("version", options.get("version"))  # refused even where there is nothing to render
    vault = options.get("vault_path") or host.require_config().vault_path
    absolute("vault_path", vault)
    roles = manifest_roles(host) if ahead.roles is None else ahead.roles
    if roles is None:
        return NO_MANIFEST
    version = wanted_version(host, options, ahead)
    folder = host.paths.templates(host.config.locale)
    pending = {os.path.join(folder, name): text for name, text in ahead.templates.items()}
    done = _without_twins([_plan(host, role, version, vault, pending) for role in roles])
    if not check:
        done = [_apply(host, item) for item in done]
    return roles_result([item.done() for item in done], "written", f"v{version}: ")


def _plan(host: Host, role: Role, version: str, vault: str, pending: Mapping[str, str]) -> Rendered:
    path = os.path.join(role.cwd, DOCTRINE)
    try:
        absolute("peerCwd", role.cwd)
        with Folder(host.files.sandbox, role.cwd) as folder:
            found = folder.read(DOCTRINE)
            before = None if found is None else found.data
            current = None if before is None else before.decode("utf-8", "surrogateescape")
            if current is not None and is_somebodys_own(current):
                raise Problem("somebody's own doctrine (no marker of ours): left as it is", path, "foreign")
            wanted = render(_template(host, role, pending), version, vault)
            edit = Edit(path, before, wanted.encode("utf-8", "surrogateescape"))
            foresee_in(folder, DOCTRINE, edit)
            return Rendered(role, edit, drift(current, wanted, version))
    except Problem as problem:
        return Rendered(role, Edit(path, None, None), problem=problem)


def _template(host: Host, role: Role, pending: Mapping[str, str]) -> str:
    if role.template in pending:
        return pending[role.template]
    found = host.files.read(absolute("template", role.template))
    if found is None:
        raise Problem("missing template", role.template, "missing")
    return found.data.decode("utf-8", "surrogateescape")


def _without_twins(done: list[Rendered]) -> list[Rendered]:
    """The same, where a role whose folder another one has already fails: they would overwrite each other for ever."""
    owners: dict[str, str] = {}
    for index, item in enumerate(done):
        folder = "" if item.problem else real(item.role.cwd)
        if folder in owners:
            done[index] = item._replace(problem=Problem(f"shares its folder with {owners[folder]}", item.role.cwd))
        elif folder:
            owners[folder] = item.role.role
    return done


def _apply(host: Host, item: Rendered) -> Rendered:
    if item.problem or not item.edit.changed:
        return item
    try:
        with host.files.tree(item.role.cwd) as tree:
            apply_in(tree, DOCTRINE, item.edit)
    except Problem as problem:
        return item._replace(problem=problem)
    return item
