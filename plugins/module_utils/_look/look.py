# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one look: what every step of a playbook would do on a host now, planned on what the ones before it would leave.

Each answer is the check-mode result of the step's own function (contract §9); nothing is computed in a second way.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, cast

from .._doorway.egress import Binary, Egress, Outcome
from .._doorway.problem import Problem
from .._forms.ahead import NOTHING, Ahead
from .._forms.wanted import remembered_version, wanted_forms
from .._host.host import Host
from .._host.options import given_version, require_absolute
from .._host.results import FAILED, SKIPPED, Result, stopped
from .._surfaces.legacy_plugin import CLIENTS
from .._things.memoryd import observe
from .._things.ran_from import runs_from
from .._things.slot import read_slot
from .gates import PLANS, pending
from .info import config_of, in_short, read_host
from .plan import FAIL, OK, Held, status_of
from .step import Step
from .steps import STEPS

if TYPE_CHECKING:
    from .._things.setup import Day

# What a step returns for its own module or for the steps after it, and a look's answer would only be longer by.
BULKY = ("peers", "slot", "forms", "form_before", "count")
# Calls that only ask: one answer is enough for one look, in which nobody acts.
QUESTIONS = (["list", "--json"], ["version"], ["--version"])


def work_of(playbook: str) -> Mapping[str, Step]:
    """The steps of a playbook, by their names.

    What only a host's first and last day need is imported on that day: importing is most of what a look costs a host.
    """
    if playbook == "install":
        from .arrivals import ARRIVALS

        return ARRIVALS
    if playbook == "uninstall":
        from .removals import REMOVALS

        return REMOVALS
    return STEPS


class Remembering:
    """An egress that asks each question once."""

    def __init__(self, egress: Egress) -> None:
        self._egress = egress
        self._answers: dict[tuple[str, ...], Outcome] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._egress, name)

    def run(self, binary: Binary, args: Sequence[str], **options: Any) -> Outcome:
        """The answer; as it was the first time where this is a question.

        One that is asked in a world of its own, a scratch, has an answer of its own.
        """
        if list(args) not in QUESTIONS or options.get("env") is not None or options.get("cwd") is not None:
            return self._egress.run(binary, args, **options)
        key = (binary.path, *args)
        if key not in self._answers:
            self._answers[key] = self._egress.run(binary, args, **options)
        return self._answers[key]


def look(host: Host, options: Mapping[str, Any], check: bool) -> Result:
    """What every step of a playbook would do on this host, and all that is known of it; changes nothing.

    options: playbook (update), those of the steps' modules by their own names, probe, keep (write down for the next
    run what this one has learned; not in check mode). data: what `gather` finds, playbook, version, steps (name to the
    step's result without its bulk), pending (the steps that have something to do). Raises Problem for wrong options.
    """
    require_absolute(options, *CLIENTS)
    playbook = options.get("playbook") or "update"
    plan, work = PLANS[playbook], work_of(playbook)
    host = host._replace(egress=cast(Egress, Remembering(host.egress)))
    today = host
    day = _first_day(host, options) if playbook == "install" else None
    if day is not None:
        host, options = day.host, {**options, "day": day}
    options = {**options, "templates": _own_templates(host, options)}
    keep = bool(options.get("keep")) and not check
    facts = _facts(host, options, keep)
    ahead = NOTHING
    steps: dict[str, dict[str, Any]] = {}
    diffs: list[Mapping[str, str]] = []
    for name in plan.order:
        reason = plan.held(name, facts, {step: status_of(told) for step, told in steps.items()}, False)
        result = _planned(work[name], host, options, ahead) if reason is None else _held_back(reason)
        ahead = work[name].leaves(ahead, result, host)
        if name == "setup" and day is not None and day.config is not None:
            facts = {**facts, "config": _config_after(facts["config"], result, today)}
        steps[name] = _told(result)
        diffs += result.diff
    if keep and status_of(steps.get("memoryd", {})) == OK:
        observe(host, runs_from(host))
    found = {**facts, "playbook": playbook, "steps": steps, "pending": pending(steps, plan)}
    changed = any(told["changed"] for told in steps.values())
    return Result("looked", _detail(found), changed=check and changed, diff=diffs, data=found)


def _first_day(host: Host, options: Mapping[str, Any]) -> Day | None:
    """The first day of a host; None where the step setup will say why there is none."""
    from .._things.setup import first_day

    try:
        return None if read_slot(host).barred else first_day(host, options)
    except Problem:
        return None


def _config_after(foreseen: Mapping[str, Any], setup: Result, today: Host) -> Mapping[str, Any]:
    """The config of a host once it is foretold what setup comes to: a run may count on it, or there will be none."""
    if not setup.failed:
        return {**foreseen, "foreseen": True}
    written = any(item["thing"] == "config.env" for item in setup.data.get("results") or ())
    return foreseen if written else config_of(today)


def _own_templates(host: Host, options: Mapping[str, Any]) -> Any:
    """The operator's templates in the language of this host; None where there are none."""
    given = options.get("templates") or {}
    return given.get(host.config.locale) or given.get("") or None


def _facts(host: Host, options: Mapping[str, Any], keep: bool) -> dict[str, Any]:
    """What is known of the host, with the version that is wanted there; empty where nobody can tell it."""
    asked = options.get("playbook") != "uninstall" and not read_slot(host).barred and host.config.ok
    known = (wanted_forms(host, options, keep=keep).version or remembered_version(host)) if asked else ""
    facts = read_host(host, options, known)
    return {**facts, "version": given_version("version", options.get("version")) or facts["binary"]["version"]}


def _planned(step: Step, host: Host, options: Mapping[str, Any], ahead: Ahead) -> Result:
    try:
        return step.work(host, step.options(options), True, ahead)
    except Problem as problem:
        return stopped(problem)


def _held_back(reason: Held) -> Result:
    failed = reason.status == FAIL
    action = FAILED if failed else SKIPPED
    return Result(action, reason.reason, failure=reason.reason if failed else "", data={"held": True})


def _told(result: Result) -> dict[str, Any]:
    told = result.as_dict(with_diff=False)
    return {key: value for key, value in told.items() if key not in BULKY}


def _detail(found: Mapping[str, Any]) -> str:
    waiting = f"to do: {', '.join(found['pending'])}" if found["pending"] else "nothing to do"
    return f"{in_short(found)}, {found['config']['problem'] or waiting}"
