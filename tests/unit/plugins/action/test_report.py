# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action that ends a run: what it prints, writes and returns."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.utils.display import Display

from ansible_collections.agfpd.iapeer_memory.plugins.action.report import ActionModule

CHANGED = {"changed": True, "action": "written", "detail": "2 written"}
BAD = {"failed": True, "changed": False, "msg": "it broke"}


FOUND = {
    "action": "read",
    "binary": {"present": True, "version": "1.2.0", "problem": ""},
    "config": {"ok": True},
    "paths": {"binary": "/b"},
    "slot": {"form": "v1_2", "provider": "iapeer-memory"},
}


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is shown to the user, one entry a call."""
    texts: list[str] = []
    monkeypatch.setattr(Display, "display", lambda self, msg, *args, **kwargs: texts.append(msg))
    return texts


def run(arguments: dict[str, Any], check_mode: bool = False, host: str = "ada") -> dict[str, Any]:
    """Run the action for one host."""
    task = SimpleNamespace(args=arguments, check_mode=check_mode, async_val=0, diff=False, action="report")
    shell = SimpleNamespace(tmpdir=None)
    connection = SimpleNamespace(_shell=shell, has_pipelining=True, become=None)
    action = ActionModule(task, connection, SimpleNamespace(), None, SimpleNamespace(), None)
    result: dict[str, Any] = action.run(None, {"inventory_hostname": host})
    return result


def update(tmp_path: Path | None = None, **results: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {"playbook": "update", "version": "1.2.0", "found": FOUND, "results": results}
    return {**arguments, "report_dir": str(tmp_path)} if tmp_path else arguments


def test_the_table_is_printed_in_one_piece(printed: list[str]) -> None:
    run(update(fleet=[CHANGED]))
    assert len(printed) == 1
    lines = printed[0].splitlines()
    assert lines[:2] == ["", "ada: update, version 1.2.0"]
    assert "  fleet       changed   2 written" in lines


def test_a_run_in_which_nothing_failed_succeeds_and_is_no_change_itself(printed: list[str]) -> None:
    result = run(update(fleet=[CHANGED]))
    assert not result.get("failed")
    assert result["changed"] is False
    assert result["summary"].startswith("binary=ok templates=skip doctrines=skip fleet=changed surfaces=skip")


def test_a_failed_step_fails_the_host_and_is_named(printed: list[str]) -> None:
    result = run(update(fleet=[BAD], slot=[BAD]))
    assert result["failed"] is True
    assert result["msg"] == "steps that failed: fleet, slot (see the table above)"


def test_verify_speaks_of_checks(printed: list[str]) -> None:
    result = run({"playbook": "verify", "found": BAD, "stale_after": 120, "version": ""})
    assert result["msg"] == "checks that failed: config (see the table above)"


@pytest.mark.parametrize("host", ["ada", "lab.example.net", "ada@lab:22", "../evil/host", ".hidden"])
def test_the_report_is_named_after_the_host_and_stays_in_its_folder(
    printed: list[str], tmp_path: Path, host: str
) -> None:
    folder = tmp_path / "deep" / "reports"
    result = run(update(folder, fleet=[BAD]), check_mode=True, host=host)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert [str(path) for path in files] == [result["report"]]
    assert files[0].parent == folder
    report = json.loads(files[0].read_text(encoding="utf-8"))
    assert (report["host"], report["check_mode"], report["ok"]) == (host, True, False)
    assert report["steps"][3] == {"name": "fleet", "status": "fail", "detail": "it broke"}


def test_a_report_that_cannot_be_written_fails_with_the_reason(printed: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(AnsibleActionFail, match="the report could not be written: "):
        run(update(tmp_path / "file", fleet=[CHANGED]))
    assert len(printed) == 1


def test_an_unknown_option_is_refused(printed: list[str]) -> None:
    with pytest.raises(AnsibleActionFail, match="colour"):
        run({**update(), "colour": "red"})
