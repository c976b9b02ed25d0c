# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program reads from ansible-runner's events what the reports say (docs/examples/runner)."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.ecosystem.conftest import EXAMPLES, command
from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import ThrowawayHost, diff
from ansible_collections.agfpd.iapeer_memory.tests.integration.conftest import Gather
from ansible_collections.agfpd.iapeer_memory.tests.integration.playbook import settle

SEAT = "peer-surfaces[alpha:claude]"


@pytest.mark.parametrize(
    ("words", "code", "state", "row"),
    [(["verify"], 2, "drifted", f"{SEAT}: fail: "), (["update", "--check"], 0, "changed", "surfaces: changed: ")],
    ids=["verify", "update in check mode"],
)
def test_the_rows_are_in_the_events(
    drifted: ThrowawayHost, gather: Gather, tmp_path: Path, words: list[str], code: int, state: str, row: str
) -> None:
    inventory, before = gather(drifted).inventory(), drifted.snapshot(times=True)
    report = f"iapeer_memory_report_dir={tmp_path / 'reports'}"
    playbook, *more = words
    done = command([sys.executable, EXAMPLES / "runner/fleet.py", playbook, inventory, *more, "-e", report])
    assert done.returncode == code, done.stdout + done.stderr
    host, *rows = done.stdout.splitlines()
    assert host == f"host: {state}"
    assert [line for line in rows if line.strip().startswith(row)]
    told = json.loads((tmp_path / "reports/host.json").read_text(encoding="utf-8"))["steps"]
    bad = [step for step in told if step["status"] not in ("ok", "skip")]
    assert rows == [f"  {step['name']}: {step['status']}: {step['detail']}" for step in bad]
    assert diff(before, drifted.snapshot(times=True)) == []


def test_a_host_in_order_ends_with_its_look(drifted: ThrowawayHost, gather: Gather) -> None:
    settle(drifted)
    done = command([sys.executable, EXAMPLES / "runner/fleet.py", "verify", gather(drifted).inventory()])
    assert (done.returncode, done.stdout) == (0, "host: clean\n"), done.stdout + done.stderr
