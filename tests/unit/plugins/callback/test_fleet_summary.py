# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The fleet summary: one line a host that is not clean, worst first."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.callback.fleet_summary import REPORT, ROLE, CallbackModule


class Show:
    """A run over the given hosts, and what the callback makes of it."""

    def __init__(self, *hosts: str) -> None:
        self.printed: list[str] = []
        self.callback = CallbackModule()
        self.callback._display = SimpleNamespace(display=lambda text, color=None: self.printed.append(text))
        inventory = SimpleNamespace(get_hosts=lambda pattern, ignore_restrictions: list(hosts))
        manager = SimpleNamespace(_inventory=inventory)
        self.callback.v2_playbook_on_play_start(SimpleNamespace(hosts="all", get_variable_manager=lambda: manager))

    def task(self, action: str = REPORT, role: str | None = ROLE, playbook: str = "update") -> Any:
        owner = SimpleNamespace(get_name=lambda: role) if role else None
        task = SimpleNamespace(action=action, _role=owner, args={"playbook": playbook})
        self.callback.v2_playbook_on_task_start(task, False)
        return task

    def report(self, host: str, summary: str, playbook: str = "update") -> None:
        result = SimpleNamespace(_host=host, _task=self.task(playbook=playbook), _result={"summary": summary})
        if "=fail" in summary:
            self.callback.v2_runner_on_failed(result)
        else:
            self.callback.v2_runner_on_ok(result)

    def fail(self, host: str, ignored: bool = False, role: str | None = ROLE) -> None:
        task = self.task("ansible.builtin.fail", role)
        result = SimpleNamespace(_host=host, _task=task, _result={"msg": "first\nsecond"})
        self.callback.v2_runner_on_failed(result, ignore_errors=ignored)

    def lose(self, host: str, role: str | None = ROLE) -> None:
        task = self.task("agfpd.iapeer_memory.memory_host_info", role)
        self.callback.v2_runner_on_unreachable(SimpleNamespace(_host=host, _task=task, _result={}))

    def lines(self) -> list[str]:
        self.callback.v2_playbook_on_stats(None)
        return [" ".join(line.split()) for line in self.printed]


def test_a_clean_fleet_is_one_line() -> None:
    show = Show("ada", "bob")
    show.report("ada", "binary=ok guide=skip")
    show.report("bob", "config=ok", "verify")
    assert show.lines() == ["Fleet of 2: 2 clean"]


def test_the_worst_come_first_and_say_why() -> None:
    show = Show("ada", "bob", "cyd", "dot", "eve", "far")
    show.report("ada", "binary=ok slot=changed surfaces=repaired")
    show.report("bob", "binary=ok slot=fail plugin-off=fail fleet=changed")
    show.report("cyd", "config=ok peer-surfaces[alpha:claude]=fail", "verify")
    show.report("dot", "config=ok")
    show.lose("far")
    assert show.lines() == [
        "Fleet of 6: 1 not begun, 1 clean, 1 changed, 1 drifted, 1 failed, 1 unreachable",
        "unreachable far",
        "failed bob slot, plugin-off",
        "drifted cyd peer-surfaces[alpha:claude]",
        "changed ada slot, surfaces",
        "not begun eve",
    ]


def test_a_host_that_failed_before_its_report_is_told_with_its_message() -> None:
    show = Show("ada")
    show.fail("ada")
    assert show.lines() == ["Fleet of 1: 1 failed", "failed ada first second"]


def test_an_ignored_failure_is_for_the_report_to_tell() -> None:
    show = Show("ada")
    show.fail("ada", ignored=True)
    show.report("ada", "binary=ok")
    assert show.lines() == ["Fleet of 1: 1 clean"]


def test_a_host_that_was_lost_half_way_and_reported_is_told_by_its_report() -> None:
    show = Show("ada")
    show.lose("ada")
    show.report("ada", "binary=ok slot=fail")
    assert show.lines() == ["Fleet of 1: 1 failed", "failed ada slot"]


@pytest.mark.parametrize("role", [None, "somebody.else.role"])
def test_other_peoples_plays_are_none_of_its_business(role: str | None) -> None:
    show = Show("ada", "bob")
    show.fail("ada", role=role)
    show.lose("bob", role=role)
    assert show.lines() == []
