# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The core is not named, so the armed sandbox refuses it: skips, no call, and the rest is done all the same."""

from __future__ import annotations

import sys

import harness
from harness import NEW, equal, host


def prepare() -> None:
    form = "v1_1" if harness.inventory_name() == "legacy" else "v1_2"
    found = harness.build(form=form, version=NEW, fleet=True, watcher=True)
    found.start_notifier(detached=True)
    found.wait_daemon()


def converged() -> None:
    found = host()
    if harness.run_number() > 1:
        harness.untouched()
    not_called()
    harness.surfaces(found, trusted=False)
    if harness.inventory_name() == "legacy":
        harness.slot_is_v1_1(found, NEW)
    else:
        harness.slot_is_v1_2(found)
    harness.memoryd_runs(found)


def not_called() -> None:
    equal(host().calls(), [], "the core was never called")


if __name__ == "__main__":
    sys.exit(harness.main(globals()))
