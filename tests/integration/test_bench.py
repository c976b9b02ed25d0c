# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The benchmark measures what it says, in its smallest size: figures are none of a test's business."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.bench.tell import told

pytestmark = [pytest.mark.slow, pytest.mark.once]
BENCH = Path(__file__).resolve().parents[1] / "bench" / "bench.py"


def test_the_smallest_benchmark_tells_ratios_of_everything(tmp_path: Path) -> None:
    command = [sys.executable, str(BENCH), "--quick", "--out", str(tmp_path)]
    # As `make bench` has it: nothing that only tests have in their environment.
    env = {key: os.environ[key] for key in ("HOME", "PATH", "PYTHONPATH")}
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))
    page = (tmp_path / "bench.md").read_text(encoding="utf-8")
    assert page == told(found)
    [run], [sweep], [fleet] = found["hosts"], found["sweeps"], found["fleets"]
    measured = [run["verify"], run["update"], sweep["sweep"], sweep["first"], fleet["update"]]
    assert all(item["wall_ratio"] > 0 and item["cpu_ratio"] > 0 for item in measured)
    assert all(run[name]["cpu_ratio_pipelined"] > 0 for name in ("verify", "update"))
    assert fleet["update"]["lines"] > 0
    assert fleet["update"]["memory"] > 1e7
    assert sum(line.startswith("| ") for line in page.splitlines()) == (2 + 2) * 3
