# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The reports of a fleet under Ansible's own strategies, batches and output. Only the task that reports, so quick."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import write, write_json
from ansible_collections.agfpd.iapeer_memory.tests.integration.playbook import COLLECTION, Run, finish
from ansible_collections.agfpd.iapeer_memory.tests.unit.looks import look

pytestmark = pytest.mark.slow

# What the look at a host in some state returns, as far as the report reads it.
LOOKS: dict[str, dict[str, Any]] = {
    "fine": look(),
    "bad": {"stopped": "it \x1b[31mbroke\u202e"},
    "gone": {"unreachable": True, "changed": False, "msg": "no route to host"},
}
PLAY = """
- hosts: all
  gather_facts: false
  serial: "{{ batches | default(['100%']) }}"
  max_fail_percentage: "{{ tolerated | default(0) }}"
  tasks:
    - name: Lose some before their report
      ansible.builtin.fail:
      when: outcome == 'lost'
    - name: Report
      REPORT
"""
REPORT = """agfpd.iapeer_memory.report:
        playbook: update
        look: "{{ looks[outcome] }}"
        report_dir: "{{ folder }}"
        unreachable_fails: "{{ strict | default(false) }}"
"""
# Puts out one JSON document and nothing else, as ansible.posix.json does, which is not there with ansible-core.
JSON_CALLBACK = """
import json
from ansible.plugins.callback import CallbackBase
class CallbackModule(CallbackBase):
    CALLBACK_VERSION, CALLBACK_TYPE, CALLBACK_NAME = 2.0, "stdout", "NAME"
    def __init__(self):
        super().__init__()
        self.found = {}
    def v2_runner_on_ok(self, result):
        self.found[str(result.host)] = result.result
    def v2_runner_on_failed(self, result, ignore_errors=False):
        self.found[str(result.host)] = result.result
    v2_runner_on_unreachable = v2_runner_on_ok
    def v2_playbook_on_stats(self, stats):
        self._display.display(json.dumps(self.found))
"""


def report(
    folder: Path,
    looks: Mapping[str, str],
    settings: Mapping[str, str] | None = None,
    task: str = REPORT,
    **variables: Any,
) -> Run:
    """A play in which each host reports after a look with the given outcome."""
    folder.mkdir(exist_ok=True)
    hosts = {name: {"ansible_connection": "local", "outcome": outcome} for name, outcome in looks.items()}
    write_json(
        folder / "hosts.json", {"all": {"hosts": hosts, "vars": {"looks": LOOKS, "folder": str(folder / "reports")}}}
    )
    write(folder / "play.yml", PLAY.replace("REPORT", task))
    write(folder / "tasks.yml", "- " + REPORT.replace("\n    ", "\n"))
    command = [str(Path(sys.executable).parent / "ansible-playbook"), str(folder / "play.yml")]
    command += ["-i", str(folder / "hosts.json"), "-e", json.dumps(variables)]
    env = {
        **os.environ,
        "ANSIBLE_FORKS": "8",
        "ANSIBLE_CALLBACKS_ENABLED": f"{COLLECTION}fleet_summary",
        **(settings or {}),
    }
    return finish(command, env, folder / "reports")


def progress(run: Run) -> list[str]:
    """The lines that say how far the run is, without how long it took."""
    return [line.partition(", after ")[0] for line in run.stdout.splitlines() if line.startswith("update, batch")]


@pytest.mark.parametrize("strategy", ["linear", "free", "host_pinned"])
def test_batches_are_told_one_by_one_and_share_a_run(tmp_path: Path, strategy: str) -> None:
    looks = {f"h{number}": "fine" for number in range(5)}
    run = report(tmp_path, looks, {"ANSIBLE_STRATEGY": strategy}, batches=[1, 2, 2])
    assert run.rc == 0
    assert progress(run) == [
        "update, batch 1: 1 of 5 hosts done, 4 left",
        "update, batch 2: 3 of 5 hosts done, 2 left",
        "update, batch 3: 5 of 5 hosts done, 0 left",
    ]
    assert run.states() == dict.fromkeys(looks, "clean")
    assert [batch["hosts"] for batch in run.fleet["batches"]] == [["h0"], ["h1", "h2"], ["h3", "h4"]]
    assert {found["run"] for found in run.reports.values()} == {run.fleet["run"]}
    again = report(tmp_path, looks, {"ANSIBLE_STRATEGY": strategy})
    assert again.fleet["run"] != run.fleet["run"]


def test_tasks_that_are_included_as_the_run_goes_share_it_too(tmp_path: Path) -> None:
    looks = {f"h{number}": "fine" for number in range(3)}
    run = report(tmp_path, looks, task="ansible.builtin.include_tasks: tasks.yml", batches=[1, 2])
    assert run.states() == dict.fromkeys(looks, "clean")
    assert [batch["hosts"] for batch in run.fleet["batches"]] == [["h0"], ["h1", "h2"]]


def test_an_unreachable_canary_stops_the_rollout_only_where_it_is_to_count(tmp_path: Path) -> None:
    looks = {"canary-1": "gone", "canary-2": "fine", "herd-1": "fine", "herd-2": "fine"}
    lenient = report(tmp_path / "lenient", looks, batches=[2, "100%"])
    assert lenient.rc == 4
    assert lenient.states() == {"canary-1": "unreachable", "canary-2": "clean", "herd-1": "clean", "herd-2": "clean"}
    assert lenient.recap["canary-1"]["unreachable"] == 1

    strict = report(tmp_path / "strict", looks, batches=[2, "100%"], strict=True)
    assert strict.rc == 2
    waiting = {"herd-1": "not begun", "herd-2": "not begun"}
    assert strict.states() == {"canary-1": "unreachable", "canary-2": "clean", **waiting}
    assert strict.recap["canary-1"]["failed"] == 1
    assert [strict.reports[name]["ok"] for name in looks] == [False, True, False, False]
    assert progress(strict) == ["update, batch 1: 2 of 4 hosts done, 1 unreachable (canary-1), 2 left"]
    assert "not begun    herd-1" in strict.stdout


def test_a_host_lost_before_its_report_is_not_clean(tmp_path: Path) -> None:
    run = report(tmp_path, {"ada": "fine", "bob": "lost"}, tolerated=100)
    assert run.rc == 2
    assert run.states() == {"ada": "clean", "bob": "failed"}
    assert run.reports["bob"]["ok"] is False
    assert "before its report" in run.reports["bob"]["steps"][0]["detail"]


@pytest.mark.parametrize("name", ["json", "jsonl"])
def test_the_output_of_a_callback_for_programs_is_theirs_alone(tmp_path: Path, name: str) -> None:
    write(tmp_path / "plugins" / f"{name}.py", JSON_CALLBACK.replace("NAME", name))
    settings = {"ANSIBLE_STDOUT_CALLBACK": name, "ANSIBLE_CALLBACK_PLUGINS": str(tmp_path / "plugins")}
    run = report(tmp_path / "run", {"ada": "fine", "bob": "bad", "cyd": "gone"}, settings, batches=[3])
    found = json.loads(run.stdout)
    assert {host: result["state"] for host, result in found.items()} == run.states()
    assert found["bob"]["steps"][0] == {"name": "binary", "status": "fail", "detail": "it \\x1b[31mbroke\\u202e"}


def test_a_clean_run_over_forty_hosts_says_little(tmp_path: Path) -> None:
    run = report(tmp_path, {f"h{number:02}": "fine" for number in range(40)})
    assert run.rc == 0
    lines = [line for line in run.stdout.splitlines() if line.strip()]
    assert [line for line in lines if line.startswith("update: 40 of 40 hosts done, 0 left")]
    assert "Fleet of 40: 40 clean" in lines
    assert len(lines) < 3 * 40 + 10


def test_nothing_of_a_host_reaches_the_terminal_raw(tmp_path: Path) -> None:
    run = report(tmp_path, {"ada": "bad"})
    assert run.rc == 2
    assert not any(character in run.output for character in "\x1b\u202e")
    assert "it \\x1b[31mbroke\\u202e" in run.stdout
    assert run.reports["ada"]["steps"][0]["detail"] == "it \x1b[31mbroke\u202e"
