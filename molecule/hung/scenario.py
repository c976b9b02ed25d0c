# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A memoryd that hangs and is deaf to SIGTERM: repair ends it by SIGKILL, and a new one comes."""

from __future__ import annotations

import sys

import harness
from harness import NEW, equal, expect, host
from throwaway import process, wait_for

KEPT_PID = harness.KEPT / "pid"


def prepare() -> None:
    found = harness.build(form="v1_2", version=NEW, watcher=True)
    found.start_notifier(detached=True)
    found.wait_daemon()


def converged() -> None:
    if harness.run_number() > 1:
        harness.untouched()
        harness.only_reads()
    harness.migrated(host())
    harness.memoryd_runs(host())


def hang() -> None:
    """This memoryd beats no more and ignores SIGTERM; the next one is well again."""
    found = host()
    KEPT_PID.write_text(str(found.wait_daemon()))
    found.knobs(hang_once=True, deaf_once=True)
    wait_for(lambda: found.knobs_path.read_text().strip() == "{}", what="the daemon's notice of its knobs")
    found.age_heartbeat(600)
    harness.remember()


def still_hung() -> None:
    equal(host().daemon_pid(), int(KEPT_PID.read_text()), "the hung memoryd was left alone")
    harness.checked()


def mended() -> None:
    found = host()
    old = int(KEPT_PID.read_text())
    expect(process(old) is None and found.wait_daemon() != old, "the hung memoryd has ended, a new one runs")
    expect(f"[{old}] ended" not in daemon_log(found), "it never got to its clean exit: it was killed")
    expect("exited with -9" in found.notifier_log.read_text(), "the notifier saw SIGKILL")
    harness.memoryd_runs(found)
    harness.same_bytes("before", without=("home/.iapeer/state/iapeer-memory/memoryd.pid",))


def daemon_log(found: harness.ThrowawayHost) -> str:
    return (found.logs_dir / "memoryd.log").read_text()


if __name__ == "__main__":
    sys.exit(harness.main(globals()))
