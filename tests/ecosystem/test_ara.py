# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ARA records a run like any other, in a database of its own."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from ansible_collections.agfpd.iapeer_memory.tests.ecosystem.conftest import BIN, command
from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import ThrowawayHost
from ansible_collections.agfpd.iapeer_memory.tests.integration.conftest import Gather


def test_a_recorded_run_can_be_asked_for(drifted: ThrowawayHost, gather: Gather, tmp_path: Path) -> None:
    fleet, base = gather(drifted), {"ARA_BASE_DIR": str(tmp_path / "ara")}
    plugins = command([sys.executable, "-m", "ara.setup.callback_plugins"]).stdout.strip()
    fleet.settings = {"ANSIBLE_CALLBACK_PLUGINS": plugins, **base}
    run = fleet.verify()
    assert run.failed() == ["peer-surfaces[alpha:claude]"], run.output

    def ask(*words: str) -> list[dict[str, object]]:
        done = command([BIN / "ara", *words, "-f", "json"], **base)
        assert done.returncode == 0, done.stdout + done.stderr
        found: list[dict[str, object]] = json.loads(done.stdout)
        return found

    [playbook] = ask("playbook", "list")
    assert playbook["status"] == "failed"
    assert str(playbook["path"]).endswith("playbooks/verify.yml")
    results = {str(row["task"]): row for row in ask("result", "list", "--resolve")}
    assert [row["status"] for name, row in results.items() if name.endswith("Report")] == ["failed"]
    assert [row["status"] for name, row in results.items() if name.endswith("Look at the host")] == ["ok"]
