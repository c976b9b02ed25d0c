# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Triggers of the notifier as plain values: what is wanted, in what one differs, what is to be sent (contract §7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .._doorway.problem import Problem
from .._forms.forms import Forms
from .._host.host import Host
from .._host.paths import NAME
from .verdicts import OLD_SWEEP

# What a message carries for each kind, in the order of the contract; the profile repeats it.
FIELDS = {"event": ("script", "target", "id"), "time": ("when", "message", "target", "id", "check")}
# What must be seen in the profile; the others are compared only where the profile tells them.
TOLD = {"event": ("target", "script"), "time": ("target", "check")}
REQUIRED = {"event": ("script", "target"), "time": ("when", "text", "target")}  # options of the module
PROGRAMS = {"event": "script", "time": "check"}
PRESENT, ABSENT = "present", "absent"
WATCHER, DREAM = "watcher", "dream"
IDENTITIES = {WATCHER: f"{NAME}-memoryd", DREAM: f"{NAME}-dream-tick", OLD_SWEEP: f"{NAME}-inbox-sweep"}
Trigger = dict[str, Any]


class Wanted(NamedTuple):
    """A trigger as it is to be: a name for people, its kind, present or absent, and the message that registers it."""

    name: str
    kind: str
    state: str
    message: Trigger

    @property
    def identity(self) -> str:
        """The trigger's id."""
        return str(self.message["id"])


class TriggerPlan(NamedTuple):
    """What is to be sent and what should then be seen; action already or absent where nothing is."""

    action: str
    detail: str
    message: Trigger | None
    current: Trigger | None
    wanted: Trigger | None


def wanted_triggers(host: Host, forms: Forms, state: str = PRESENT) -> list[Wanted]:
    """The triggers of a host in the contract's order: the watcher, the weekly timer, and none of the old sweep.

    state: absent takes all of them away.
    """
    watcher, dream = forms.triggers[WATCHER], forms.triggers.get(DREAM, {"id": IDENTITIES[DREAM]})
    return [
        Wanted(WATCHER, "event", state, dict(watcher)),
        Wanted(DREAM, "time", state if host.config.dream else ABSENT, dict(dream)),
        Wanted(OLD_SWEEP, "time", ABSENT, {"id": IDENTITIES[OLD_SWEEP]}),
    ]


def require_options(kind: str, state: str, options: Mapping[str, Any]) -> None:
    """Raise Problem where an option of the module is missing for a trigger of this kind, or is of the other kind."""
    missing = [key for key in REQUIRED[kind] if not options.get(key)]
    if missing and state == PRESENT:
        raise Problem(f"{', '.join(missing)} must be given for a trigger of the kind {kind}")
    other = [key for key in ("script", "when", "text", "check") if key not in (*REQUIRED[kind], PROGRAMS[kind])]
    if any(map(options.get, other)):
        raise Problem(f"a trigger of the kind {kind} takes no {' or '.join(other)}")


def plan_trigger(wanted: Wanted, current: Trigger | None) -> TriggerPlan:
    """What brings a trigger, as the profile has it, to what is wanted."""
    identity, target = wanted.identity, wanted.message.get("target")
    if wanted.state == ABSENT:
        if current is None:
            return TriggerPlan("absent", f"{identity} is not registered", None, None, None)
        message = {"cmd": "unregister", "id": identity}
        return TriggerPlan("unregistered", f"unregistered {identity}", message, current, None)
    bad = drift(wanted, current)
    if not bad:
        return TriggerPlan("already", f"{identity} goes to {target}", None, current, wanted.message)
    detail = f"registered {identity} to {target} ({bad})"
    return TriggerPlan("registered", detail, wanted.message, current, wanted.message)


def drift(wanted: Wanted, current: Trigger | None) -> str:
    """In what a trigger is not as wanted; empty where it is."""
    if current is None:
        return "was not registered"
    told = TOLD[wanted.kind]
    keys = dict.fromkeys((*FIELDS[wanted.kind], *wanted.message))
    bad = [
        key
        for key in keys
        if (key in told or (key in wanted.message and key in current)) and current.get(key) != wanted.message.get(key)
    ]
    return f"differed in {', '.join(bad)}" if bad else ""


def shown(trigger: Trigger | None) -> str:
    """A trigger as a diff shows it."""
    keys = [key for key in FIELDS["event"] + FIELDS["time"] if key in (trigger or {})]
    return "".join(f"{key}: {(trigger or {})[key]}\n" for key in dict.fromkeys(keys))
