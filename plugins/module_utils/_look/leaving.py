# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The gates between the steps of uninstall (contract §13), the mirror of those of update."""

from __future__ import annotations

from .plan import FAIL, KEPT, LANDED, SKIP, Facts, Held, Plan, Statuses, foreign

# What would be started again, or lack what it runs from, as long as the notifier knows of it.
AFTER_TRIGGERS = ("memoryd", "launcher", "binary")


def held(step: str, facts: Facts, done: Statuses, repair: bool = False) -> Held | None:
    """What holds a step of uninstall back; None where it may run.

    On a host of another provider all are, and where nobody can tell where things are. A peer that still has our hooks,
    or that may have because nobody can tell who the peers are, keeps the scripts that they name.
    """
    other = foreign(step, facts) or _unread(step, facts)
    if other is not None:
        return other
    if step == "surfaces" and not facts["fleet"]["readable"]:
        return Held(SKIP, f"no readable fleet map ({facts['fleet']['problem']}): nothing is swept")
    if step == "slot" and facts["slot"]["form"] == "v1_1" and done.get("plugin-off") not in LANDED:
        return Held(done.get("plugin-off", SKIP), KEPT)
    if step in AFTER_TRIGGERS and done.get("triggers") == FAIL:
        return Held(SKIP, "kept: the notifier would start memoryd again, see triggers")
    if step == "launcher" and done.get("surfaces") == FAIL:
        return Held(SKIP, "kept: peers still have hooks that name these scripts, see surfaces")
    if step == "launcher" and _unseen_map(facts):
        return Held(SKIP, "kept: peers may still have hooks that name these scripts, see surfaces")
    return None


def _unread(step: str, facts: Facts) -> Held | None:
    """What holds every step back where config.env is there and cannot be read: said once, at the first one."""
    problem = facts["config"].get("unread")
    if not problem:
        return None
    return Held(FAIL, problem) if step == "surfaces" else Held(SKIP, "where things are is not known: see surfaces")


def _unseen_map(facts: Facts) -> bool:
    """True where there is a fleet map that cannot be read."""
    return facts["fleet"]["problem"] not in ("", "missing")


UNINSTALL = Plan(
    ("surfaces", "plugin-off", "slot", "triggers", "memoryd", "launcher", "binary", "native-memory"),
    {"memoryd": ("triggers",)},
    held,
    "leave",
)
