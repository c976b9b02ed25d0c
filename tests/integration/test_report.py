# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The report of a run: for people and for machines, also where a run fails half-way, and never with a secret in it."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Callable

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import FAKE_BEARER, FAKE_SECRET, Peer, diff, write
from ansible_collections.agfpd.iapeer_memory.tests.integration.conftest import Build, Gather
from ansible_collections.agfpd.iapeer_memory.tests.integration.playbook import Run, settle

pytestmark = pytest.mark.slow


def test_a_run_that_fails_half_way_reports_all_steps_and_no_secret(build: Build, gather: Gather) -> None:
    """A secret beside a drifted entry, and one in a file that is not JSON, stay out of output, table and report."""
    host = build(form="v1_2", peers=[Peer("alpha")])
    (host.peer("scriber") / ".iapeer").chmod(0o500)
    write(host.peer("alpha") / ".mcp.json", f'{{"token": "{FAKE_BEARER}" "x"}}\n')
    write(host.templates_dir / "index.md", "# index\n")
    os.mkdir(host.templates_dir / "dreamweaver.md")
    fleet = gather(host)
    run = fleet.update("--diff", "-vv", iapeer_memory_restart="never")
    assert run.rc == 2
    assert set(run.failed()) == {"templates", "doctrines", "surfaces"}
    assert run.statuses()["slot"] == "ok"
    assert run.statuses()["launcher"] == "changed"
    report = json.dumps(run.reports)
    for secret in (FAKE_SECRET, FAKE_BEARER):
        assert secret not in run.output
        assert secret not in report
    table = run.stdout.partition("\nhost: update, version 1.1.0\n")[2]
    for name, row in run.rows().items():
        word = "FAIL" if row.status == "fail" else row.status
        assert [line.split(None, 2)[:2] for line in table.splitlines() if line.split()[:1] == [name]] == [[name, word]]
        assert row.detail in table


def test_a_report_of_check_mode_says_so_and_replaces_an_older_one(build: Build, gather: Gather, tmp_path: Path) -> None:
    host = build(form="v1_2", peers=[])
    settle(host)
    write(tmp_path / "reports/host.json", "older\n")
    before = host.snapshot(times=True)
    looked = gather(host).repair("--check", report=False, iapeer_memory_report_dir=str(tmp_path / "reports"))
    report = json.loads((tmp_path / "reports/host.json").read_text(encoding="utf-8"))
    assert (report["host"], report["playbook"], report["check_mode"]) == ("host", "verify", True)
    assert "memoryd-heartbeat" in [row["name"] for row in report["steps"] if row["status"] == "fail"]
    assert "\nhost: verify, version 1.1.0, check mode: nothing was touched\n" in looked.stdout
    assert diff(before, host.snapshot(times=True)) == []


@pytest.fixture
def hindered(build: Build, gather: Gather, tmp_path: Path) -> Callable[[str, Path], Run]:
    """Runs a playbook on a settled host, with a folder of reports in whose way a file stands."""
    host = build(form="v1_2", peers=[])
    settle(host)
    write(tmp_path / "file", "in the way\n")
    return lambda playbook, reports: gather(host).run(playbook, report=False, iapeer_memory_report_dir=str(reports))


def test_a_report_that_cannot_be_written_is_a_failure_with_its_reason(
    hindered: Callable[[str, Path], Run], tmp_path: Path
) -> None:
    run = hindered("verify", tmp_path / "file" / "reports")
    assert run.rc == 2
    assert "the report could not be written: " in run.output
    assert "memory-slot" in run.stdout
    assert (tmp_path / "file").read_text(encoding="utf-8") == "in the way\n"


def test_a_host_in_order_whose_report_cannot_be_written_has_one_table_and_one_failure(
    hindered: Callable[[str, Path], Run], tmp_path: Path
) -> None:
    run = hindered("update", tmp_path / "file")
    assert run.rc == 2
    assert run.stdout.count("\nfatal: ") == 1
    assert f"{tmp_path / 'file'}: not a directory" in run.stdout
    assert "not begun" not in run.stdout
    assert "Errno" not in run.output
    assert run.stdout.count("\nhost: update, ") == 1
