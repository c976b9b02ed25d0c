# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first day of a host (contract §13): vault, guide, config.env, role peers and their manifest.

In this order, so that a run that is killed leaves what the next one goes on with: as long as there is no config.env the
day is not over. What is there already is taken as it is.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._doorway.problem import Problem
from .._doorway.spelling import real
from .._forms.ahead import NOTHING, Ahead
from .._forms.first_day import InitForms, learn_init
from .._host.config import parse_config, plan_config
from .._host.edits import Edit, apply, foresee
from .._host.host import Host
from .._host.options import absolute
from .._host.results import FAILED, Result
from .._host.roles import Role
from .binary import brought
from .crew import Crew, create, manifest_entries, plan_crew, plan_manifest
from .guide import foresee_first_guide, plan_first_guide, write_first_guide
from .slot import read_slot
from .vault import VaultPlan, plan_vault

KEY = "IAPEER_MEMORY_"
SECRET_MODE = 0o600  # of a file in which keys of search providers may come to stand


class Day(NamedTuple):
    """A host as its config.env will make it. init: what its provider's init would make, None where nobody has to know.

    config: the text of the config.env that is to be written, None where there is one.
    """

    host: Host
    init: InitForms | None = None
    config: str | None = None


def first_day(host: Host, options: Mapping[str, Any], needed: bool = False) -> Day:
    """The host as it will be. needed: what init would make has to be known in any case.

    options: vault_path, locale, mode, human_name, role_runtime, forms, src and checksum (a binary that is about
    to become the provider's). Raises Problem where nothing says where the
    vault is to be, where config.env cannot be used, and for options that are no answers.
    """
    path = real(host.paths.config_file)  # the operator's file may well be a link into other dotfiles
    if host.files.read(path) is not None:
        host.require_config()
        return Day(host, _learned(host, options) if needed else None)
    vault = options.get("vault_path") or host.config.vault_path
    if not vault:
        raise Problem("no vault: name the folder for the notes in vault_path (iapeer_memory_vault_path)", path)
    vault, init = absolute("vault_path", str(vault)), _learned(host, options)
    text = init.config_env(vault)
    values = {**parse_config(text), **host.overrides, f"{KEY}VAULT_PATH": os.sep}  # the vault may not be there yet
    config = plan_config(values)
    if not config.ok:
        raise Problem(f"{config.problem}, as the environment or the provider's init says: nothing is made", path)
    return Day(host._replace(config=config._replace(vault_path=vault)), init, text)


def _learned(host: Host, options: Mapping[str, Any]) -> InitForms:
    if not options.get("src"):
        return learn_init(host, options)
    with brought(host, options) as (program, _folder):
        return learn_init(host._replace(paths=host.paths._replace(binary=program)), options)


class SetupPlan(NamedTuple):
    """What is to be made; manifest: as far as it can be told before the core has made the peers."""

    day: Day
    vault: VaultPlan
    guide: Edit | None
    config: Edit | None
    crew: Crew
    manifest: Edit

    @property
    def changed(self) -> bool:
        """True where there is anything to do."""
        return bool(self.vault.missing or self.guide or self.config or self.crew.newborn or self.manifest.changed)


def ensure(host: Host, options: Mapping[str, Any], check: bool, ahead: Ahead = NOTHING) -> Result:
    """Make what a host lacks of its first day, or say what that would be (check).

    options: those of first_day, guide (make the host-wide guide), templates (the operator's own), day (the first day
    where it is known). data: results (thing,
    action, detail), newborn (the roles whose peers are made), roles (what the manifest says of the others, None where
    it stays as it is). A peer that has the name of a role and a doctrine of its own fails that role, and is not
    touched. Raises Problem where nothing can be done at all: no vault, no core, a file that cannot be used.
    """
    plan = _plan(host, options, ahead)
    return _result(plan if check else _apply(plan))


def _plan(host: Host, options: Mapping[str, Any], ahead: Ahead) -> SetupPlan:
    crew = plan_crew(host)
    day = options.get("day")
    if day is None or (day.init is None and crew.newborn):
        day = first_day(host, options, needed=bool(crew.newborn))
    host = day.host
    vault, config = VaultPlan(host.config.vault_path), None
    if day.init is not None and day.config is not None:
        vault = plan_vault(host, vault.path, day.init)
        path = real(host.paths.config_file)
        config = Edit(path, None, day.config.encode("utf-8", "surrogateescape"), SECRET_MODE)
    wanted = options.get("guide") is not False and read_slot(host).empty
    guide = plan_first_guide(host, options, ahead) if wanted else None
    plan = SetupPlan(day, vault, guide, config, crew, plan_manifest(host, crew))
    vault.foresee(host)
    if guide is not None:
        foresee_first_guide(host, guide)
    for edit in (config, plan.manifest):
        if edit is not None:
            foresee(host.files, edit)
    return plan


def _apply(plan: SetupPlan) -> SetupPlan:
    """Make it all; the plan with what the core made of the peers."""
    host, crew, made = plan.day.host, plan.crew, False
    try:
        plan.vault.make(host)
        made = bool(plan.vault.missing)
        if plan.guide is not None:
            write_first_guide(host, plan.guide)
            made = True
        if plan.config is not None:
            apply(host.files, plan.config)
            made = True
        if crew.newborn and plan.day.init is not None:
            crew = create(host, crew, plan.day.init)
            made = made or bool(crew.newborn)
        manifest = plan_manifest(host, crew)
        apply(host.files, manifest)
    except Problem as problem:
        problem.changed = made
        raise
    return plan._replace(crew=crew, manifest=manifest)


def _result(plan: SetupPlan) -> Result:
    results = [
        *([_told("vault", "made", plan.vault.path)] if plan.vault.missing else []),
        *([_told("guide", "written", plan.guide.path)] if plan.guide else []),
        *([_told("config.env", "written", plan.config.path)] if plan.config else []),
        *plan.crew.records(),
        *([_told("manifest", "written", plan.manifest.path)] if plan.manifest.changed else []),
    ]
    bad = [item for item in results if item["action"] == FAILED]
    done = [f"{item['thing']} {item['action']}" for item in results if item["action"] != FAILED]
    edits = [edit for edit in (plan.guide, plan.config, plan.manifest) if edit is not None and edit.changed]
    newborn = plan.crew.newborn
    return Result(
        FAILED if bad else "set_up" if done else "already",
        ", ".join(done) or "set up already",
        changed=plan.changed,
        failure="; ".join(f"{item['thing']}: {item['detail']}" for item in bad),
        diff=[*plan.vault.diffs(), *(edit.diff() for edit in edits), *plan.crew.diffs()],
        data={"results": results, "newborn": list(newborn), "roles": manifest_entries(plan.manifest, newborn)},
    )


def _told(thing: str, action: str, detail: str) -> dict[str, str]:
    return {"thing": thing, "action": action, "detail": detail}


def leaves(ahead: Ahead, result: Result) -> Ahead:
    """What a result in check mode leaves for the steps after it."""
    if not result.changed:
        return ahead
    written = [item["detail"] for item in result.data["results"] if item["action"] == "written"]
    found = result.data["roles"]
    roles = None if found is None else tuple(Role(*map(entry.get, ("role", "peerCwd", "template"))) for entry in found)
    return ahead._replace(written=ahead.written.union(written), roles=roles, newborn=tuple(result.data["newborn"]))
