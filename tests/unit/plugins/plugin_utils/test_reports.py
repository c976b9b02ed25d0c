# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The folder of a run's reports: what lies in it at any moment, whoever reports, and in what order."""

from __future__ import annotations

import json
import multiprocessing
import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils import reports
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.conditions import LOST, WAITING
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.report import Report, Row
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.reports import begin, record, spelled
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.runs import Context

HOSTS = ("ada", "bob", "cyd")
ROWS = {"ok": Row("slot", "ok", "in place"), "fail": Row("slot", "fail", "it broke"), "new": Row("slot", "changed", "")}


def context(*batch: str, run: str = "r1", hosts: tuple[str, ...] = HOSTS, active: tuple[str, ...] = ()) -> Context:
    return Context(run, hosts, active or hosts, batch or hosts, hosts)


def report(host: str, *words: str, playbook: str = "update") -> Report:
    return Report(host, playbook, "1.2.0", False, tuple(ROWS[word] for word in words or ("ok",)))


def read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text(encoding="utf-8"))


def states(folder: Path) -> dict[str, str]:
    return {entry["host"]: entry["state"] for entry in read(folder, "fleet.json")["hosts"]}


def test_the_first_report_of_a_run_leaves_no_older_one_standing(tmp_path: Path) -> None:
    for host in HOSTS:
        record(str(tmp_path), report(host), context(run="yesterday"))
    assert states(tmp_path) == dict.fromkeys(HOSTS, "clean")
    record(str(tmp_path), report("ada"), context())
    assert states(tmp_path) == {"ada": "clean", "bob": "not begun", "cyd": "not begun"}
    for host in ("bob", "cyd"):
        found = read(tmp_path, f"{host}.json")
        assert (found["ok"], found["run"], found["version"]) == (False, "r1", "")
        assert found["steps"] == [{"name": "report", "status": "fail", "detail": WAITING}]


def test_a_run_may_be_announced_before_its_first_report(tmp_path: Path) -> None:
    for host in HOSTS:
        record(str(tmp_path), report(host), context(run="yesterday"))
    begin(str(tmp_path), "update", True, "bob", context())
    fleet = read(tmp_path, "fleet.json")
    assert (fleet["run"], fleet["check_mode"], states(tmp_path)) == ("r1", True, dict.fromkeys(HOSTS, "not begun"))
    record(str(tmp_path), report("ada"), context())
    begin(str(tmp_path), "update", True, "ada", context())
    assert states(tmp_path) == {"ada": "clean", "bob": "not begun", "cyd": "not begun"}
    assert read(tmp_path, "fleet.json")["time"] == fleet["time"]


def test_a_report_has_its_time_and_run_and_takes_its_place_in_the_fleet(tmp_path: Path) -> None:
    recorded = record(str(tmp_path), report("bob", "ok", "fail"), context("bob", "ada"))
    assert recorded == (str(tmp_path / "bob.json"), None)
    found = read(tmp_path, "bob.json")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", found["time"])
    assert {key: found[key] for key in found if key not in ("time", "steps")} == {
        **{"host": "bob", "playbook": "update", "version": "1.2.0", "check_mode": False, "ok": False, "run": "r1"}
    }
    entry = read(tmp_path, "fleet.json")["hosts"][1]
    assert entry == {
        **{"host": "bob", "state": "failed", "step": "slot", "reason": "it broke", "version": "1.2.0"},
        **{"time": found["time"], "batch": 1, "report": "bob.json"},
    }


def test_the_last_of_a_batch_is_told_how_far_the_run_is(tmp_path: Path) -> None:
    outcomes = [
        record(str(tmp_path), report(host), context(*batch)) for host, batch in [("ada", HOSTS[:2]), ("bob", HOSTS[:2])]
    ]
    assert outcomes[0].progress is None
    progress = outcomes[1].progress
    assert progress is not None
    assert (progress.batch, progress.several) == (1, True)
    assert progress.fleet["counts"]["not begun"] == 1
    last = record(str(tmp_path), report("cyd", "fail"), context("cyd")).progress
    assert last is not None
    assert (last.batch, last.several, last.fleet["counts"]["failed"]) == (2, True, 1)
    assert [(batch["batch"], batch["hosts"]) for batch in read(tmp_path, "fleet.json")["batches"]] == [
        (1, ["ada", "bob"]),
        (2, ["cyd"]),
    ]


def test_a_host_that_was_lost_before_its_report_is_no_host_that_waits(tmp_path: Path) -> None:
    record(str(tmp_path), report("ada"), context("ada", "cyd", active=("ada", "cyd")))
    assert states(tmp_path)["bob"] == "failed"
    assert read(tmp_path, "bob.json")["steps"][0]["detail"] == LOST
    record(str(tmp_path), report("cyd"), context("ada", "cyd", active=("ada",)))
    assert states(tmp_path) == {"ada": "clean", "bob": "failed", "cyd": "clean"}


@pytest.mark.parametrize(
    "damage", ["{", "[]", '{"host": "bob", "run": "r1", "playbook": "update", "steps": []}', "\xff"]
)
def test_a_host_without_a_sound_report_is_not_clean(tmp_path: Path, damage: str) -> None:
    record(str(tmp_path), report("bob"), context())
    (tmp_path / "bob.json").write_text(damage, encoding="latin-1")
    record(str(tmp_path), report("ada"), context())
    assert states(tmp_path)["bob"] in ("not begun", "failed")
    assert read(tmp_path, "bob.json")["ok"] is False


def test_another_playbook_of_the_same_command_starts_anew_and_takes_no_report_away(tmp_path: Path) -> None:
    for host in HOSTS:
        record(str(tmp_path), report(host), context())
    record(str(tmp_path), report("ada", playbook="verify"), context())
    fleet = read(tmp_path, "fleet.json")
    assert fleet["playbook"] == "verify"
    assert states(tmp_path) == {"ada": "clean", "bob": "not begun", "cyd": "not begun"}


def test_a_later_play_of_the_same_run_adds_its_hosts(tmp_path: Path) -> None:
    record(str(tmp_path), report("ada"), context("ada", hosts=("ada",)))
    record(str(tmp_path), report("bob"), context("bob", hosts=("bob",)))
    assert states(tmp_path) == {"ada": "clean", "bob": "clean"}


def test_names_do_not_collide_and_an_earlier_spelling_does_not_stay_behind(tmp_path: Path) -> None:
    record(str(tmp_path), report("Web"), context(hosts=("Web",)))
    hosts = ("Web", "web", "web/1", "web_1", "fleet", "..", "index")
    for host in hosts:
        record(str(tmp_path), report(host), context(run="r2", hosts=hosts))
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(
        [
            *("%57eb.json", "web.json", "web%2F1.json", "web_1.json", "%66leet.json", "%2E..json", "index.json"),
            *("fleet.json", "index.html", ".fleet-run"),
        ]
    )
    assert [read(tmp_path, entry["report"])["host"] for entry in read(tmp_path, "fleet.json")["hosts"]] == list(hosts)


def test_what_a_host_sends_reaches_no_terminal_raw_and_is_not_lost(tmp_path: Path) -> None:
    row = Row("slot", "fail", "a\x1b[2J\u202e\u2028\x9bm \udcff привет")
    record(str(tmp_path), Report("ada", "update", "1.2.0", False, (row,)), context())
    for name in ("ada.json", "fleet.json", "index.html"):
        text = (tmp_path / name).read_text(encoding="utf-8")
        assert not any(character in text for character in "\x1b\u202e\u2028\x9b")
        assert "привет" in text or name == "index.html"
    assert read(tmp_path, "ada.json")["steps"][0]["detail"] == row.detail


def test_json_is_spelled_plainly_but_for_what_cannot_be_seen() -> None:
    value = {"a": ["é\u202e", "\n", 1, None, "\U000e0041"]}
    assert spelled(value) == '{"a": ["é\\u202e", "\\n", 1, null, "\\udb40\\udc41"]}'
    assert json.loads(spelled(value, indent=2)) == value


def test_in_a_large_fleet_the_whole_is_made_when_a_batch_is_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reports, "CHEAP", 0)
    monkeypatch.setattr(reports, "SHARE", 0.0)
    monkeypatch.setattr(reports, "PAGE", "made.html")
    for host in HOSTS[:2]:
        record(str(tmp_path), report(host), context())
    assert not (tmp_path / "made.html").exists()
    record(str(tmp_path), report("cyd"), context())
    assert states(tmp_path) == dict.fromkeys(HOSTS, "clean")
    assert (tmp_path / "made.html").exists()


def _record_many(folder: str, hosts: list[str], everybody: tuple[str, ...]) -> None:
    for host in hosts:
        record(folder, report(host), context(hosts=everybody))


def test_reports_that_come_at_once_are_all_there_in_the_end(tmp_path: Path) -> None:
    hosts = tuple(f"h{number}" for number in range(24))
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=_record_many, args=(str(tmp_path), hosts[n::4], hosts)) for n in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert states(tmp_path) == dict.fromkeys(hosts, "clean")
    assert len(read(tmp_path, "fleet.json")["batches"]) == 1


def test_a_folder_that_cannot_be_written_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way", encoding="utf-8")
    with pytest.raises(Problem):
        record(str(tmp_path / "file" / "reports"), report("ada"), context())
