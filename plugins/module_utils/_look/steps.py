# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of update, each with the work of its own thing (contract §9). Nothing is computed here."""

from __future__ import annotations

from collections.abc import Mapping

from .._forms.ahead import Ahead
from .._forms.wanted import ensure as learn_forms
from .._host.core import peers_of
from .._host.host import Host
from .._host.results import SKIPPED, Result
from .._surfaces import legacy_plugin, peers
from .._things import (
    binary,
    doctrines,
    fleet_map,
    memoryd,
    provider_files,
    role_descriptions,
    slot,
    templates,
    triggers,
    wake_policy,
)
from .._things.ran_from import runs_from
from .step import Options, Step, given, nothing


def _written(ahead: Ahead, *paths: str) -> Ahead:
    return ahead._replace(written=ahead.written | set(paths))


def _new_slot(ahead: Ahead, result: Result, host: Host) -> Ahead:
    return _written(ahead, host.paths.slot) if result.changed else ahead


def _new_binary(ahead: Ahead, result: Result, host: Host) -> Ahead:
    if not result.changed:
        return ahead
    ahead = ahead._replace(version=result.data.get("version", ""), forms=result.data.get("forms"))
    if result.data.get("needed"):
        return _written(ahead, host.paths.binary)
    return ahead._replace(mended=ahead.mended | {host.paths.binary})


def _new_templates(ahead: Ahead, result: Result, host: Host) -> Ahead:
    return templates.leaves(ahead, result)


def _new_peers(ahead: Ahead, result: Result, host: Host) -> Ahead:
    return ahead._replace(peers=peers_of(result.data["peers"])) if result.changed else ahead


def _new_scripts(ahead: Ahead, result: Result, host: Host) -> Ahead:
    return provider_files.leaves(ahead, result)


def _restart(host: Host, options: Options, check: bool, ahead: Ahead) -> Result:
    """The work on memoryd by the word for when: stale, always or never."""
    when = options.get("restart")
    if when == "never":
        return Result(SKIPPED, "restarts are switched off (never)")
    asked = {} if when == "always" else {"newer_than": runs_from(host), "hung_after": options.get("hung_after")}
    return memoryd.ensure(host, {**asked, "wait": options.get("wait")}, check, ahead)


COMMON = ("forms",)
VERSIONED = (*COMMON, "version")
STEPS: Mapping[str, Step] = {
    "binary": Step(binary.ensure, given("checksum", "src", *COMMON), _new_binary),
    "forms": Step(learn_forms, given(*COMMON), nothing),
    "templates": Step(provider_files.ensure, given("templates", *COMMON, part="templates"), _new_templates),
    "doctrines": Step(doctrines.ensure, given(*VERSIONED), nothing),
    "wake-policy": Step(wake_policy.ensure, given(), nothing),
    "role-descriptions": Step(role_descriptions.ensure, given(*COMMON), nothing),
    "fleet": Step(fleet_map.ensure, given(), _new_peers),
    "surfaces": Step(peers.ensure, given("skills", "lock_timeout", *COMMON, state="present"), nothing),
    "plugin-off": Step(legacy_plugin.ensure, given("claude_bin", "codex_bin", "lock_timeout", method="auto"), nothing),
    "slot": Step(slot.ensure, given(*VERSIONED, state="present", migrate=True), _new_slot),
    "launcher": Step(provider_files.ensure, given(*COMMON, part="launcher"), _new_scripts),
    "triggers": Step(triggers.ensure, given(*COMMON, standard=True, state="present"), nothing),
    "guide": Step(provider_files.ensure, given("templates", *COMMON, part="guide"), nothing),
    "memoryd": Step(_restart, given("restart", "hung_after", "wait"), nothing),
}
