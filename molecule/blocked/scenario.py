# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One peer cannot be connected: the migration is postponed, and completes once that peer is mended."""

from __future__ import annotations

import sys

import harness
from harness import NEW, equal, host

BROKEN = '{"mcpServers": {"tracker": '


def prepare() -> None:
    found = harness.build(form="v1_1", version=NEW, watcher=True)
    mcp = found.peer("alpha") / ".mcp.json"
    (harness.KEPT / "mcp.json").write_text(mcp.read_text())
    mcp.write_text(BROKEN)
    found.start_notifier(detached=True)
    found.wait_daemon()


def converged() -> None:
    found = host()
    if harness.run_number() > 1:
        harness.untouched()
        harness.only_reads()
    harness.slot_is_v1_1(found, NEW)
    equal(found.calls("memory-plugin"), [], "the plugin was left alone")
    equal((found.peer("alpha") / ".mcp.json").read_text(), BROKEN, "the broken file is as it was")
    harness.surfaces(found, without=("alpha",))


def mend() -> None:
    (host().peer("alpha") / ".mcp.json").write_text((harness.KEPT / "mcp.json").read_text())


def completed() -> None:
    found = host()
    harness.migrated(found)
    equal([call["slot_form"] for call in found.calls("memory-plugin")], ["v1_1"], "the plugin was swept off, once")
    harness.memoryd_runs(found)


if __name__ == "__main__":
    sys.exit(harness.main(globals()))
