# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A playbook as a value: its steps, whose work gives which of them work, and what holds one back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, NamedTuple

from .._things.verdicts import held_by

OK, CHANGED, SKIP, FAIL = "ok", "changed", "skip", "fail"
LANDED = (OK, CHANGED)
NOTHING_DONE = ("skipped", "not_running")  # actions: that a daemon does not run is not told as if all were well
KEPT = "v1.1 kept, so that the next run can still derive the plugin: see plugin-off"

Facts = Mapping[str, Any]
Statuses = Mapping[str, str]


class Held(NamedTuple):
    """Why a step does not run: skip or fail, and the reason."""

    status: str
    reason: str


class Plan(NamedTuple):
    """The steps in their order; needs: the steps whose work can give one work; held: what holds one back.

    held takes the step, what the look found of the host, the status of every earlier step, and whether this is repair.
    tasks: the file of the role with the steps.
    """

    order: tuple[str, ...]
    needs: Mapping[str, tuple[str, ...]]
    held: Callable[[str, Facts, Statuses, bool], Held | None]
    tasks: str


def foreign(step: str, facts: Facts) -> Held | None:
    """What holds every step back on a host of another provider; None where it is none."""
    if facts["slot"]["form"] != "foreign":
        return None
    holder = held_by(facts["slot"]["provider"])
    if step == "slot":
        return Held(FAIL, f"{holder}: left as it is")
    return Held(SKIP, f"{holder}: a host of another provider gets nothing of ours")


def status_of(result: Mapping[str, Any]) -> str:
    """The status that the result of a step amounts to: of a module as Ansible registers it, or out of the look.

    A module that did not come to a result of its own (killed, unreachable) has failed.
    """
    if result.get("failed") or result.get("unreachable") or "action" not in result:
        return FAIL
    if result["action"] == "failed":
        return FAIL
    if result.get("skipped") or result["action"] in NOTHING_DONE:
        return SKIP
    return CHANGED if result.get("changed") else OK
