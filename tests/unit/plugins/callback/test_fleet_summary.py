# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet summary: what is to be said of each host that is not clean, worst first."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.callback import fleet_summary
from ansible_collections.agfpd.iapeer_memory.plugins.callback.fleet_summary import REPORT, CallbackModule

ROLE = "agfpd.iapeer_memory.host"


class Show:
    """A run over the given hosts, and what the callback makes of it."""

    def __init__(self, *hosts: str) -> None:
        self.printed: list[str] = []
        self.callback = CallbackModule()
        self.callback._display = SimpleNamespace(display=lambda text, color=None: self.printed.append(text))
        variables = {"ansible_play_hosts_all": list(hosts)}
        manager = SimpleNamespace(get_vars=lambda play, include_hostvars: variables)
        self.callback.v2_playbook_on_play_start(SimpleNamespace(get_variable_manager=lambda: manager))

    def task(self, action: str = REPORT, role: str | None = ROLE, ignore_unreachable: bool = False) -> Any:
        name = f"{role} : Something" if role else "Something"
        task = SimpleNamespace(action=action, get_name=lambda: name, ignore_unreachable=ignore_unreachable)
        self.callback.v2_playbook_on_task_start(task, False)
        return task

    def report(self, host: str, state: str, **rows: str) -> None:
        steps = [dict(zip(("status", "detail"), text.split(" ", 1)), name=name) for name, text in rows.items()]
        result = SimpleNamespace(host=host, task=self.task(), result={"state": state, "steps": steps})
        if state == "unreachable":
            self.callback.v2_runner_on_unreachable(result)
        elif state in ("failed", "drifted"):
            self.callback.v2_runner_on_failed(result)
        else:
            self.callback.v2_runner_on_ok(result)

    def fail(self, host: str, ignored: bool = False, role: str | None = ROLE) -> None:
        task = self.task("ansible.builtin.fail", role)
        result = SimpleNamespace(host=host, task=task, result={"msg": "first\nsecond"})
        self.callback.v2_runner_on_failed(result, ignore_errors=ignored)

    def lose(self, host: str, role: str | None = ROLE, ignored: bool = False) -> None:
        task = self.task("agfpd.iapeer_memory.memory_host_info", role, ignored)
        self.callback.v2_runner_on_unreachable(SimpleNamespace(host=host, task=task, result={"msg": "no route"}))

    def lines(self) -> list[str]:
        self.callback.v2_playbook_on_stats(None)
        return [" ".join(line.split()) for line in self.printed]


def test_a_clean_fleet_is_one_line() -> None:
    show = Show("ada", "bob")
    show.report("ada", "clean", binary="ok in place", guide="skip ")
    show.report("bob", "clean", config="ok ")
    assert show.lines() == ["Fleet of 2: 2 clean"]


def test_the_worst_come_first_and_say_why() -> None:
    show = Show("ada", "bob", "cyd", "dot", "eve", "far")
    show.report("ada", "changed", binary="ok ", slot="changed declared", surfaces="repaired ")
    show.report(
        "bob", "failed", slot="fail held by x", fleet="changed ", surfaces="fail a:claude mcp: /a/.mcp.json: bad"
    )
    show.report("cyd", "drifted", **{"peer-surfaces[alpha:claude]": "fail hooks has drifted: /c/settings.json"})
    show.report("dot", "clean", config="ok ")
    show.report("far", "unreachable", binary="unreachable no route", slot="skip ")
    assert show.lines() == [
        "Fleet of 6: 1 not begun, 1 clean, 1 changed, 1 drifted, 1 failed, 1 unreachable",
        "unreachable far no route",
        "failed bob slot: held by x",
        "surfaces: a:claude mcp: /a/.mcp.json: bad",
        "drifted cyd peer-surfaces[alpha:claude]: hooks has drifted: /c/settings.json",
        "changed ada slot, surfaces",
        "not begun eve",
    ]


def test_a_host_that_failed_before_its_report_is_told_with_its_message() -> None:
    show = Show("ada", "bob")
    show.fail("ada")
    show.lose("bob")
    assert show.lines() == [
        "Fleet of 2: 1 failed, 1 unreachable",
        "unreachable bob no route",
        "failed ada first\\nsecond",
    ]


def test_what_is_ignored_is_for_the_report_to_tell() -> None:
    show = Show("ada", "bob")
    show.fail("ada", ignored=True)
    show.lose("bob", ignored=True)
    for host in ("ada", "bob"):
        show.report(host, "clean", binary="ok ")
    assert show.lines() == ["Fleet of 2: 2 clean"]


def test_a_host_whose_look_was_its_report_too_is_told_by_it() -> None:
    show = Show("ada", "bob")
    for host, state, status in (("ada", "clean", "ok"), ("bob", "changed", "changed")):
        rows = [{"name": "slot", "status": status, "detail": ""}]
        look = {"state": state, "rows": rows, "steps": {"slot": {}}}
        task = show.task("agfpd.iapeer_memory.host_plan")
        show.callback.v2_runner_on_ok(SimpleNamespace(host=host, task=task, result=look))
    assert show.lines() == ["Fleet of 2: 1 clean, 1 changed", "changed bob slot"]


def test_a_look_that_leaves_work_to_do_is_no_report() -> None:
    show = Show("ada")
    task = show.task("agfpd.iapeer_memory.host_plan")
    show.callback.v2_runner_on_ok(
        SimpleNamespace(host="ada", task=task, result={"steps": {"slot": {}}, "next": "steps"})
    )
    assert show.lines() == ["Fleet of 1: 1 not begun", "not begun ada"]


@pytest.mark.parametrize("role", [None, "somebody.else.role"])
def test_other_peoples_plays_are_none_of_its_business(role: str | None) -> None:
    show = Show("ada", "bob")
    show.fail("ada", role=role)
    show.lose("bob", role=role)
    assert show.lines() == []


def test_nothing_is_printed_where_the_output_is_for_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fleet_summary, "DEFAULT_STDOUT_CALLBACK", "ansible.posix.json")
    show = Show("ada")
    show.fail("ada")
    assert show.lines() == []
