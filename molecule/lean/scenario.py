# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lean mode in Russian, migrated on a host whose memoryd has never run: no role is proactive, no weekly timer."""

from __future__ import annotations

import json
import sys

import harness
from harness import NEW, equal, expect, host
from throwaway import WATCHER


def prepare() -> None:
    found = harness.build(form="v1_1", version=NEW, mode="lean", locale="ru")
    dream = {"when": "0 4 * * 1", "message": "DREAM_TICK", "target": "dreamweaver", "id": harness.DREAM}
    found.core("send", "timer", "--from", "claude-index", "--message", json.dumps(dream), check=True)
    found.start_notifier(detached=True)


def converged() -> None:
    found = host()
    if harness.run_number() > 1:
        harness.untouched()
        harness.only_reads()
        return
    harness.migrated(found)
    triggers = {entry["id"]: entry for entry in found.triggers()}
    expect(harness.DREAM not in triggers, "the weekly timer is gone")
    equal(triggers[WATCHER]["target"], "scriber", "the watcher goes to scriber, who is not proactive either")
    expect(not found.gate_path.exists(), "no gate of a weekly timer was written")
    index = (found.peer("index") / ".iapeer" / "IAPEER.md").read_text()
    expect(any("а" <= letter <= "я" for letter in index.lower()), "the doctrine is in Russian")
    harness.memoryd_runs(found)


if __name__ == "__main__":
    sys.exit(harness.main(globals()))
