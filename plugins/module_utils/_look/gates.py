# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gates between the steps of a playbook; of update they are the table of contract §9, as one pure function.

The look asks it, the report asks it, and so does every `when` of the role (through the test `due`).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._things.verdicts import LOST, OLD_SWEEP
from .leaving import UNINSTALL
from .plan import CHANGED, FAIL, KEPT, LANDED, OK, SKIP, Facts, Held, Plan, Statuses, foreign, status_of

# The steps, in the contract's order; role-descriptions is told with wake-policy.
ORDER = (
    *("binary", "forms", "templates", "doctrines", "wake-policy", "role-descriptions", "fleet", "surfaces"),
    *("plugin-off", "slot", "launcher", "triggers", "guide", "memoryd"),
)
# Whose work can give a step work. A new binary is looked at anew, with everything that follows from it.
NEEDS: Mapping[str, tuple[str, ...]] = {
    "forms": ("binary",),
    "templates": ("binary", "forms"),
    "doctrines": ("binary", "templates"),
    "surfaces": ("binary", "fleet"),
    "plugin-off": ("surfaces",),
    "slot": ("binary", "plugin-off"),
    "launcher": ("binary",),
    "triggers": ("launcher",),
    "guide": ("templates",),
    "memoryd": ("binary", "slot", "launcher"),
}
# What repair may mend (contract §10); templates, because a doctrine is rendered from its template.
MENDABLE = (
    *("templates", "doctrines", "wake-policy", "role-descriptions", "fleet", "surfaces", "slot", "launcher"),
    *("triggers", "memoryd"),
)
POSTPONED = "postponed: {0}. Mend that and run update again"
STRANDED = "the fleet map was not written, and peers that an old map does not name would be stranded"


def held(step: str, facts: Facts, done: Statuses, repair: bool = False) -> Held | None:
    """What holds a step back; None where it may run (contract §9, and §10 for repair).

    facts: what the look found of the host (slot, config, binary, fleet). done: the status of every earlier step: ok,
    changed, skip or fail; what a step would come to counts like what it came to.
    """
    other = foreign(step, facts)
    if other is not None:
        return other
    if step in ("binary", "forms"):
        if repair:
            return Held(SKIP, "left to update")
        unread = facts["config"].get("unread")  # told as a failure at the first step that needs the config
        return Held(SKIP, unread) if unread else None
    problem = _unfit(step, facts, done)
    if problem is not None:
        return problem
    if repair:
        return _beyond_repair(step, facts)
    return _migration(step, done) if facts["slot"]["form"] == "v1_1" and step in ("plugin-off", "slot") else None


def _unfit(step: str, facts: Facts, done: Statuses) -> Held | None:
    """A host that is not provisioned, or whose provider is not there: said once, at the first step that needs it."""
    if not facts["config"]["ok"]:
        problem = facts["config"]["problem"]
        return Held(FAIL, f"not provisioned: {problem}") if step == "templates" else Held(SKIP, "not provisioned")
    return _nameless(facts, done)


def _nameless(facts: Facts, done: Statuses) -> Held | None:
    """A host whose provider is not there, or does not say what it is."""
    if facts["version"] or done.get("binary") == CHANGED:
        return None
    return Held(SKIP, facts["binary"]["problem"] or "the version is not known")


def _beyond_repair(step: str, facts: Facts) -> Held | None:
    """What repair leaves to update."""
    legacy = facts["slot"]["form"] == "v1_1" and step in ("surfaces", "slot")
    if step not in MENDABLE or legacy or _is_unchecked(step, facts.get("steps") or {}):
        return Held(SKIP, "left to update")
    return None


def _is_unchecked(step: str, steps: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether all that a step has to do is what no check looks at: a template no doctrine waits for, the old timer."""
    if step in ("templates", "doctrines"):
        return status_of(steps.get("doctrines", {})) == OK
    found = steps.get("triggers", {}).get("triggers") or ()
    changing = [item["name"] for item in found if item["action"] not in ("already", "absent")]
    return step == "triggers" and changing == [OLD_SWEEP]


def _migration(step: str, done: Statuses) -> Held | None:
    """The two steps of a v1.1 host that must never strand a peer."""
    if step == "plugin-off":
        if done.get("fleet") == FAIL:
            return Held(FAIL, POSTPONED.format(STRANDED))
        if done.get("surfaces") == FAIL:
            return Held(FAIL, POSTPONED.format("the surfaces did not land cleanly"))
        return None if done.get("surfaces") in LANDED else Held(SKIP, "the surfaces were skipped")
    if done.get("plugin-off") in LANDED:
        return None
    if done.get("plugin-off") == FAIL:
        return Held(FAIL, KEPT)
    return Held(SKIP, "v1.1 kept: the plugin was not taken off")


def held_on_first_day(step: str, facts: Facts, done: Statuses, repair: bool = False) -> Held | None:
    """What holds a step of install back; None where it may run (contract §13).

    facts: of the host as its config.env will make it (config.foreseen, as long as there is none); that none can be
    made is said at setup.
    """
    if step == "setup":
        return foreign(step, facts) or _nameless(facts, done)
    unmade = bool(facts["config"].get("foreseen")) and done.get("setup") == FAIL
    if (unmade or not facts["config"]["ok"]) and step not in ("binary", "forms"):
        return foreign(step, facts) or Held(SKIP, "not set up: see setup")
    return held(step, facts, done, repair)


UPDATE = Plan(ORDER, NEEDS, held, "steps")
INSTALL = Plan(
    ("binary", "setup", "native-memory", *ORDER[1:]), {**NEEDS, "setup": ("binary",)}, held_on_first_day, "steps"
)
PLANS = {"update": UPDATE, "verify": UPDATE, "install": INSTALL, "uninstall": UNINSTALL}


def plan_of(look: Mapping[str, Any]) -> Plan:
    """The plan of the playbook that a look was taken for."""
    return PLANS[look.get("playbook") or "update"]


def is_due(step: str, look: Mapping[str, Any], done: Mapping[str, Mapping[str, Any]], repair: bool = False) -> bool:
    """Whether a step is to run for real: the look, or a step before it, gives it something to do, and nothing holds it.

    look: what host_plan returned. done: the results of the steps that ran, by name.
    """
    if look.get("stopped") or not look.get("steps"):
        return False
    plan = plan_of(look)
    woken = any(done[need].get("changed") for need in plan.needs.get(step, ()) if need in done)
    if not woken and step not in look["pending"]:
        return False
    return plan.held(step, look, statuses(look, done, repair), repair) is None


def is_lost(done: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a new binary was installed over another one, and memoryd did not come up with it (contract §9).

    One that is alive and still indexes the vault is not lost.
    """
    binary, memoryd = done.get("binary", {}), done.get("memoryd", {})
    return bool(binary.get("changed") and binary.get("previous")) and memoryd.get("state") in LOST


def statuses(
    look: Mapping[str, Any], done: Mapping[str, Mapping[str, Any]], repair: bool = False
) -> dict[str, str]:
    """The status of every step: as it came out, or where it did not run as it was held back or foretold."""
    found: dict[str, str] = {}
    plan = plan_of(look)
    for name in plan.order:
        reason = None if name in done else plan.held(name, look, found, repair)
        found[name] = reason.status if reason else status_of(done.get(name, look["steps"][name]))
    return found


def pending(steps: Mapping[str, Mapping[str, Any]], plan: Plan = UPDATE) -> list[str]:
    """The steps that would change or fail, and those after them that depend on one that would change."""
    found: list[str] = []
    for name in plan.order:
        status = status_of(steps[name])
        woken = any(need in found and status_of(steps[need]) == CHANGED for need in plan.needs.get(name, ()))
        if status in (CHANGED, FAIL) or woken:
            found.append(name)
    return found
