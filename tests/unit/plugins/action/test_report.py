# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action that ends a run: what it prints, writes and returns."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.utils.display import Display

from ansible_collections.agfpd.iapeer_memory.plugins.action import report as report_action
from ansible_collections.agfpd.iapeer_memory.plugins.action.report import ActionModule
from ansible_collections.agfpd.iapeer_memory.tests.unit.looks import BAD, CHANGED, look


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is shown to the user, one entry a call."""
    texts: list[str] = []
    monkeypatch.setattr(Display, "display", lambda self, msg, *args, **kwargs: texts.append(msg))
    return texts


def run(
    arguments: dict[str, Any],
    check_mode: bool = False,
    host: str = "ada",
    hosts: Sequence[str] = (),
    batch: Sequence[str] = (),
    run_id: str = "2c3d",
    no_log: bool = False,
) -> dict[str, Any]:
    """Run the action for one host of a play."""
    play = list(hosts or [host])
    task = SimpleNamespace(
        **{"args": arguments, "check_mode": check_mode, "async_val": 0, "diff": False, "action": "report"},
        **{"_uuid": f"0a-1b-{run_id}-{host}", "no_log": no_log},
    )
    shell = SimpleNamespace(tmpdir=None)
    connection = SimpleNamespace(_shell=shell, has_pipelining=True, become=None)
    action = ActionModule(task, connection, SimpleNamespace(), None, SimpleNamespace(), None)
    variables = {
        "inventory_hostname": host,
        "ansible_play_hosts_all": play,
        "ansible_play_hosts": play,
        "ansible_play_batch": list(batch or play),
        "groups": {"all": play},
    }
    result: dict[str, Any] = action.run(None, variables)
    return result


@pytest.mark.parametrize("playbook", [None, "", "upgrade", ["update"]])
def test_a_playbook_that_is_none_is_refused_by_name(printed: list[str], playbook: Any) -> None:
    with pytest.raises(AnsibleActionFail, match="playbook must be one of update, verify, install, uninstall, not"):
        run({"playbook": playbook, "look": look()})
    assert printed == []


def update(tmp_path: Path | None = None, **done: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {"playbook": "update", "look": look(), "done": done}
    return {**arguments, "report_dir": str(tmp_path)} if tmp_path else arguments


def test_what_is_not_to_be_logged_has_no_table(printed: list[str]) -> None:
    run(update(), no_log=True)
    assert printed == []


def test_the_table_is_printed_in_one_piece(printed: list[str]) -> None:
    run(update(fleet=CHANGED))
    assert len(printed) == 1
    lines = printed[0].splitlines()
    assert lines[:2] == ["", "ada: update, version 1.2.0"]
    assert "  fleet        changed   2 written" in lines


def test_a_run_in_which_nothing_failed_succeeds_and_is_no_change_itself(printed: list[str]) -> None:
    result = run(update(fleet=CHANGED))
    assert not result.get("failed")
    assert result["changed"] is False
    assert result["summary"].startswith(
        "binary=ok forms=ok templates=ok doctrines=ok wake-policy=ok fleet=changed surfaces=ok"
    )


def test_a_failed_step_fails_the_host_and_is_named(printed: list[str]) -> None:
    result = run(update(fleet=BAD, slot=BAD))
    assert result["failed"] is True
    assert result["msg"] == "steps that failed: fleet, slot (see the table above)"


def test_verify_speaks_of_checks(printed: list[str]) -> None:
    result = run({"playbook": "verify", "look": {"stopped": "it broke"}, "stale_after": 120})
    assert result["msg"] == "checks that failed: config (see the table above)"


@pytest.mark.parametrize("host", ["ada", "lab.example.net", "ada@lab:22", "../evil/host", ".hidden"])
def test_the_report_is_named_after_the_host_and_stays_in_its_folder(
    printed: list[str], tmp_path: Path, host: str
) -> None:
    folder = tmp_path / "deep" / "reports"
    result = run(update(folder, fleet=BAD), check_mode=True, host=host)
    files = {str(path) for path in tmp_path.rglob("*") if path.is_file()}
    assert files == {result["report"], *(str(folder / name) for name in ("fleet.json", "index.html", ".fleet-run"))}
    report = json.loads(Path(result["report"]).read_text(encoding="utf-8"))
    assert (report["host"], report["check_mode"], report["ok"]) == (host, True, False)
    assert report["steps"][5] == {"name": "fleet", "status": "fail", "detail": "it broke"}


def test_a_host_that_could_not_be_reached_is_reported_and_stays_unreachable(printed: list[str], tmp_path: Path) -> None:
    gone = {"unreachable": True, "changed": False, "msg": "no route\nto host"}
    for lenient in ({}, {"unreachable_fails": "false"}):  # a survey's answer is a text
        result = run({**update(tmp_path), "look": gone, **lenient})
        assert result["unreachable"] is True
        assert not result.get("failed")
        assert result["msg"] == "unreachable: no route to host"
    report = json.loads((tmp_path / "ada.json").read_text(encoding="utf-8"))
    assert (report["ok"], report["steps"][0]["status"]) == (False, "unreachable")
    counted = run({**update(tmp_path), "look": gone, "unreachable_fails": "true"})
    assert counted["failed"] is True
    assert not counted.get("unreachable")
    assert counted["state"] == "unreachable"


def test_all_hosts_of_a_run_share_an_id_and_the_next_run_has_another(printed: list[str], tmp_path: Path) -> None:
    for host, run_id in (("ada", "one"), ("bob", "one"), ("cyd", "two")):
        run(update(tmp_path, fleet=CHANGED), host=host, hosts=[host], run_id=run_id)
    ids = [json.loads((tmp_path / f"{host}.json").read_text(encoding="utf-8"))["run"] for host in ("ada", "bob", "cyd")]
    assert ids[0] == ids[1] != ids[2]
    assert all(len(value) == 16 for value in ids)


def test_a_host_in_order_prints_nothing_in_a_fleet_and_a_batch_one_line(printed: list[str], tmp_path: Path) -> None:
    hosts = ["ada", "bob", "cyd", "dot"]
    for host, batch in (("ada", hosts[:2]), ("bob", hosts[:2]), ("cyd", hosts[2:])):
        run(update(tmp_path), host=host, hosts=hosts, batch=batch)
    assert len(printed) == 1
    assert printed[0].startswith("update, batch 1: 2 of 4 hosts done, 2 left")


@pytest.mark.parametrize("callback", ["json", "ansible.posix.jsonl"])
def test_nothing_is_printed_where_the_output_is_for_programs(
    printed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, callback: str
) -> None:
    monkeypatch.setattr(report_action, "DEFAULT_STDOUT_CALLBACK", callback)
    result = run(update(tmp_path, fleet=BAD), hosts=["ada", "bob"], batch=["ada"])
    assert printed == []
    assert result["steps"][5] == {"name": "fleet", "status": "fail", "detail": "it broke"}


def test_what_is_returned_may_be_printed_as_it_is(printed: list[str]) -> None:
    evil = {"failed": True, "msg": "a\x1b[2Jb\u202e"}
    result = run(update(fleet=evil))
    assert result["steps"][5]["detail"] == "a\\x1b[2Jb\\u202e"
    assert "a\\x1b[2Jb\\u202e" in printed[0]


def test_a_report_that_cannot_be_written_fails_with_the_reason(printed: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(AnsibleActionFail, match="the report could not be written: "):
        run(update(tmp_path / "file", fleet=CHANGED))
    assert len(printed) == 1


def test_an_unknown_option_is_refused(printed: list[str]) -> None:
    with pytest.raises(AnsibleActionFail, match="colour"):
        run({**update(), "colour": "red"})


WRONG = [("unreachable_fails", "maybe"), ("stale_after", "abc"), ("report_dir", ["x"]), ("repair", "tru")]


@pytest.mark.parametrize(("option", "value"), WRONG)
def test_an_option_that_it_cannot_be_is_refused_by_name(printed: list[str], option: str, value: Any) -> None:
    with pytest.raises(AnsibleActionFail, match=rf"^{option} must be .*, not "):
        run({"playbook": "verify", "look": look(), option: value})


def test_where_a_look_was_stopped_for_options_they_are_left_out_of_its_report(
    printed: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    stopped = {"action": "failed", "stopped": "iapeer_memory_report_dir must be text"}
    result = run({"playbook": "verify", "look": stopped, **dict(WRONG)})
    assert [(row["status"], row["detail"]) for row in result["steps"]] == [("fail", stopped["stopped"])]
    assert list(tmp_path.iterdir()) == []
