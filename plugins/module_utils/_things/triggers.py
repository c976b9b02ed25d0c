# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The notifier's triggers: registered by message, believed by the profile of who registered them (contract §7)."""

from __future__ import annotations

import contextlib
import json
import os
import stat
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._doorway.problem import Problem
from .._doorway.reader import FOLDER
from .._forms.ahead import NOTHING, Ahead
from .._forms.wanted import wanted_forms
from .._host.core import core_problem, peer_of, read_registry, row_of
from .._host.edits import read_json_object
from .._host.host import Host
from .._host.options import absolute, seconds
from .._host.paths import PROFILE
from .._host.results import FAILED, SKIPPED, Result
from .._host.roles import read_manifest
from .trigger_plan import (
    FIELDS,
    PRESENT,
    PROGRAMS,
    Trigger,
    TriggerPlan,
    Wanted,
    plan_trigger,
    require_options,
    shown,
    wanted_triggers,
)

RECEIVERS = {"event": "watcher", "time": "timer"}
POLL_SECONDS = 0.1
SEND_TIMEOUT = 60
LIKELY = ("claude", "codex")  # runtimes that a peer of ours can have


class Registrant(NamedTuple):
    """Who owns the triggers: its name, its folder, and its runtime where the registry had to be asked."""

    name: str
    cwd: str
    runtime: str = ""


class Done(NamedTuple):
    """What came of one trigger: the plan, the trigger as the profile has it then, and why it failed.

    missing: the program that it names, where that is not in place on the disk.
    """

    wanted: Wanted
    plan: TriggerPlan
    current: Trigger | None = None
    missing: str = ""
    problem: Problem | None = None

    @property
    def changed(self) -> bool:
        """True where a message was sent, or would be."""
        return self.plan.message is not None and self.problem is None

    def record(self) -> dict[str, Any]:
        """The record that the module returns."""
        refused = self.problem is not None and self.problem.refused
        return {
            "name": self.wanted.name,
            "id": self.wanted.identity,
            "action": self.plan.action if self.problem is None else SKIPPED if refused else FAILED,
            "detail": self.plan.detail if self.problem is None else str(self.problem),
            "changed": self.changed,
            "trigger": self.current or {},
            "missing": self.missing,
        }


def find_registrant(host: Host, name: str, with_runtime: bool) -> Registrant | None:
    """The peer that registers: its folder from the roles manifest, else from the registry; None where it has neither.

    with_runtime asks the registry in any case. Raises Problem where the registry is needed and cannot be had.
    """
    cwd = read_manifest(host).cwd_of(name)
    if cwd and not with_runtime:
        return Registrant(name, absolute(f"the cwd of {name}", cwd))
    row = row_of(read_registry(host), name)
    peer = peer_of(row)
    if row is None or peer is None:
        return None
    default = row.get("default_runtime")
    runtime = default.strip() if isinstance(default, str) else ""
    cwd = absolute(f"the cwd of {name}", cwd or peer.cwd)
    return Registrant(name, cwd, runtime or next(iter(peer.runtimes), ""))


def read_trigger(host: Host, registrant: Registrant, wanted: Wanted) -> Trigger | None:
    """The trigger as the profile has it, matched by role, id and owner; None where it is not there.

    Raises Problem where the profile cannot be read or is not what it should be.
    """
    path = os.path.join(registrant.cwd, PROFILE)
    notifier = (read_json_object(host.files, path) or {}).get("notifier") or {}
    triggers = notifier.get("triggers") or [] if isinstance(notifier, dict) else None
    if not isinstance(triggers, list):
        raise Problem("notifier.triggers is not a list", path, "malformed")
    key = {"role": wanted.kind, "id": wanted.identity, "owner": registrant.name}
    rows = [row for row in triggers if isinstance(row, dict)]
    return next((row for row in rows if all(row.get(name) == value for name, value in key.items())), None)


def _look(host: Host, registrant: Registrant, wanted: Wanted) -> Trigger | None:
    """The same; core and notifier write the profile too, so what cannot be read is read once more a moment later."""
    try:
        return read_trigger(host, registrant, wanted)
    except Problem:
        host.clock.sleep(POLL_SECONDS)
        return read_trigger(host, registrant, wanted)


def ensure(host: Host, options: Mapping[str, Any], check: bool, ahead: Ahead = NOTHING) -> Result:
    """Register or unregister triggers and see them land in the profile, or say what would be sent (check).

    options: state; standard (all triggers of the host, as its forms have them) or one: kind, id, script, target, when,
    check, text; registrant; wait (seconds to see it land); forms. Without a registrant on this host it is skipped.
    Raises Problem where one trigger fails: the core, the profile, a script that is not there and executable, a change
    that the profile does not show in time. Of all triggers each is tried, and the failures are told together.
    """
    wait, name = seconds("wait", options.get("wait") or 0), options.get("registrant") or "index"
    standard = bool(options.get("standard"))
    wanted = [_given(options)] if not standard else []
    if standard:
        wanted = wanted_triggers(host, wanted_forms(host, options, ahead), options["state"])
    registrant = find_registrant(host, name, with_runtime=False)
    if registrant is None:
        return Result(SKIPPED, f"no {name} peer on this host", data={"triggers": []} if standard else {"trigger": {}})
    work = _Work(host, registrant, wait, check, ahead)
    if standard:
        return _all_result([work.attempt(item) for item in wanted])
    return _one_result(work.settle(wanted[0]))


def _given(options: Mapping[str, Any]) -> Wanted:
    """The one trigger that the options describe."""
    kind, state = options["kind"], options["state"]
    identity = str(options.get("id") or "").strip()
    if not identity:
        raise Problem("id is empty: name the trigger")
    require_options(kind, state, options)
    given = {**options, "message": options.get("text"), "id": identity}
    return Wanted(identity, kind, state, {key: given[key] for key in FIELDS[kind] if given.get(key)})


class _Work:
    """The triggers of one registrant, one after the other; who sends is asked once, where anything is to be sent."""

    def __init__(self, host: Host, registrant: Registrant, wait: float, check: bool, ahead: Ahead) -> None:
        self.host, self.registrant, self.wait, self.check, self.ahead = host, registrant, wait, check, ahead
        self.sender: Registrant | None = None

    def attempt(self, wanted: Wanted) -> Done:
        """What comes of a trigger, its failure included."""
        try:
            return self.settle(wanted)
        except Problem as problem:
            missing = ""
            with contextlib.suppress(Problem):  # that it cannot be looked at is the problem then
                missing = self._missing(wanted, NOTHING)
            return Done(wanted, TriggerPlan(FAILED, "", None, None, None), missing=missing, problem=problem)

    def settle(self, wanted: Wanted) -> Done:
        """Bring one trigger to what is wanted; raises Problem where that fails."""
        current = _look(self.host, self.registrant, wanted)
        plan, missing = plan_trigger(wanted, current), self._missing(wanted, NOTHING)
        if self._missing(wanted, self.ahead):
            raise Problem(
                f"not there or not executable, so that the notifier would not take the trigger {wanted.identity}: "
                "write the launcher and the gate first (update does)",
                missing,
                "missing",
            )
        if plan.message is None:
            return Done(wanted, plan, current, missing)
        senders = self._senders(plan, wanted.state)
        if not senders:
            reason = f"no {self.registrant.name} peer with a runtime in the registry"
            return Done(wanted, TriggerPlan(SKIPPED, reason, None, None, None), current, missing)
        if not self.check:
            current = self._sent(senders, wanted, plan.message)
        if len(senders) > 1:
            plan = plan._replace(detail=f"{plan.detail}, by {' or '.join(LIKELY)}: the registry names no runtime")
        return Done(wanted, plan, current, missing)

    def _missing(self, wanted: Wanted, ahead: Ahead) -> str:
        """The program that a trigger names, unless it is there and executable, or is about to be. Raises Problem."""
        path = wanted.message.get(PROGRAMS[wanted.kind]) if wanted.state == PRESENT else None
        if not path or path in ahead.written or path in ahead.mended or self.host.files.sandbox.hides(path):
            return ""
        status = self.host.files.status(path)
        runs = status is not None and stat.S_ISREG(status.st_mode) and status.st_mode & 0o111
        return "" if runs else str(path)

    def _senders(self, plan: TriggerPlan, state: str) -> list[Registrant]:
        """Who sends, with its runtime; none where the registry knows none.

        Whose triggers are to go may be as good as gone itself: then each runtime that it can have had, one after the
        other.
        """
        name = self.registrant.name
        try:
            self.sender = self.sender or find_registrant(self.host, name, with_runtime=True)
        except Problem as problem:
            if state == PRESENT or problem.refused or problem.kind == "missing":
                raise Problem(f"{plan.detail}: not possible: {problem}", problem.path, problem.kind) from problem
        if self.sender is None or not self.sender.runtime:
            return [] if state == PRESENT else [self.registrant._replace(runtime=runtime) for runtime in LIKELY]
        if self.host.files.kind_of(self.sender.cwd) != FOLDER:
            reason = f"the folder of {name} is missing: a trigger could not be seen"
            raise Problem(reason, self.sender.cwd, "missing")
        return [self.sender]

    def _sent(self, senders: Sequence[Registrant], wanted: Wanted, message: Trigger) -> Trigger | None:
        """The trigger once it is as wanted, sent by the first sender that brings it there."""
        for sender in senders[:-1]:
            with contextlib.suppress(Problem):
                _send(self.host, sender, wanted.kind, message)
                return self._await(wanted)
        _send(self.host, senders[-1], wanted.kind, message)
        return self._await(wanted)

    def _await(self, wanted: Wanted) -> Trigger | None:
        """The trigger once the profile shows it as wanted: delivered is not registered, so look until it is."""
        clock, registrant = self.host.clock, self.registrant
        limit = clock.monotonic() + self.wait
        while True:
            last = clock.monotonic() >= limit
            try:
                current = read_trigger(self.host, registrant, wanted)
                if plan_trigger(wanted, current).message is None or not self.wait:
                    return current
            except Problem:
                if last:
                    raise
            if last:
                raise Problem(
                    f"the message about {wanted.identity} was delivered, but within {self.wait:g} s the profile does "
                    "not show it: check that the notifier runs",
                    os.path.join(registrant.cwd, PROFILE),
                )
            clock.sleep(POLL_SECONDS)


def _send(host: Host, registrant: Registrant, kind: str, message: Trigger) -> None:
    sender = f"{registrant.runtime}-{registrant.name}"
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    args = ["send", RECEIVERS[kind], "--from", sender, "--message", text]
    done = host.egress.run(host.core, args, timeout=SEND_TIMEOUT)
    if done.rc != 0:
        raise core_problem(host.core.path, done)


def _one_result(done: Done) -> Result:
    data = {"trigger": done.current or {}}
    return Result(done.plan.action, done.plan.detail, changed=done.changed, diff=_diff(done), data=data)


def _all_result(done: list[Done]) -> Result:
    """One result of several triggers: what changed, else what is in place; failures are told together."""
    bad = [item.problem for item in done if item.problem is not None and not item.problem.refused]
    changed = [item for item in done if item.changed]
    records = [item.record() for item in done]
    refused = any(item.problem is not None and item.problem.refused for item in done)
    skipped = [record for record in records if record["action"] == SKIPPED]
    in_place = [record for record in records if record["action"] == "already"] or records[:1]
    told = [record for record in records if record["changed"]] or skipped or in_place
    return Result(
        FAILED if bad else changed[0].plan.action if changed else SKIPPED if skipped else "already",
        "; ".join(dict.fromkeys(str(record["detail"]) for record in told)),
        changed=bool(changed),
        failure="; ".join(dict.fromkeys(map(str, bad))),
        refused=refused and not (bad or changed),
        diff=[entry for item in changed for entry in _diff(item)],
        data={"triggers": records},
    )


def _diff(done: Done) -> list[dict[str, str]]:
    if not done.changed:
        return []
    header = done.wanted.identity
    before, after = shown(done.plan.current), shown(done.plan.wanted)
    return [{"before_header": header, "after_header": header, "before": before, "after": after}]
