# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A canary first: where it fails nobody else is touched; how far a later failure lets the rollout go is a setting."""

from __future__ import annotations

import sys

import harness
from harness import NEW, equal, host, inventory_name

BROKEN = "{ this is not JSON\n"
GOOD = harness.KEPT / "settings.json"


def prepare() -> None:
    found = harness.build(form="v1_1", version=NEW, watcher=True)
    found.start_notifier(detached=True)
    found.wait_daemon()
    if inventory_name() == "canary":
        break_a_peer()


def break_a_peer() -> None:
    path = host().peer("beta") / ".codex" / "hooks.json"
    GOOD.write_text(path.read_text())
    path.write_text(BROKEN)


def mend_the_peer() -> None:
    (host().peer("beta") / ".codex" / "hooks.json").write_text(GOOD.read_text())


def converged() -> None:
    """The canary was worked on and postponed its migration; the others were not even asked anything."""
    if inventory_name() != "canary":
        not_begun()
    elif harness.run_number() > 1:
        harness.untouched()
    else:
        postponed()


def not_begun() -> None:
    harness.untouched()
    equal(host().calls(), [], "the core of this host was not called")


def postponed() -> None:
    harness.slot_is_v1_1(host(), NEW)
    equal(host().calls("memory-plugin"), [], "the plugin was left alone")
    harness.surfaces(host(), without=("beta",))


def break_the_second() -> None:
    if inventory_name() == "canary":
        mend_the_peer()
    if inventory_name() == "second":
        break_a_peer()
    harness.remember()


def stopped_after_two() -> None:
    {"canary": done, "second": postponed, "third": not_begun}[inventory_name()]()
    harness.remember()


def all_but_the_second() -> None:
    {"canary": harness.untouched, "second": harness.untouched, "third": done}[inventory_name()]()


def mend_the_second() -> None:
    if inventory_name() == "second":
        mend_the_peer()


def done() -> None:
    harness.migrated(host())
    harness.memoryd_runs(host())


if __name__ == "__main__":
    sys.exit(harness.main(globals()))
