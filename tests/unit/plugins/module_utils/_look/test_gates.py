# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The table of contract §9: what holds a step back, and what wakes one."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.gates import (
    ORDER,
    held,
    is_due,
    pending,
    status_of,
)
from ansible_collections.agfpd.iapeer_memory.tests.unit.looks import (
    BAD,
    BROKEN,
    CHANGED,
    KILLED,
    LEFT_OUT,
    QUIET,
    REFUSED,
    look,
)

FINE = dict.fromkeys(ORDER, "ok")


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (CHANGED, "changed"),
        (QUIET, "ok"),
        (BAD, "fail"),
        (BROKEN, "fail"),
        (KILLED, "fail"),
        (REFUSED, "skip"),
        ({"changed": False, "action": "skipped"}, "skip"),
        ({"changed": False, "action": "not_running"}, "skip"),
        ({"changed": False, "action": "starting"}, "ok"),
        ({"unreachable": True, "msg": "gone", "changed": False}, "fail"),
        ({"changed": True, "failed": True, "action": "written", "msg": "half"}, "fail"),
    ],
)
def test_the_status_of_one_result(result: dict[str, Any], status: str) -> None:
    assert status_of(result) == status


@pytest.mark.parametrize(
    ("form", "done", "surfaces", "plugin_off", "slot"),
    [
        ("foreign", {}, "skip", "skip", "fail"),
        ("v1_2", {"fleet": "fail"}, None, None, None),
        ("absent", {"fleet": "fail"}, None, None, None),
        ("malformed", {}, None, None, None),
        ("v1_1", {"fleet": "fail", "plugin-off": "fail"}, None, "fail", "fail"),
        ("v1_1", {}, None, None, None),
        ("v1_1", {"surfaces": "changed", "plugin-off": "changed"}, None, None, None),
        ("v1_1", {"surfaces": "fail", "plugin-off": "fail"}, None, "fail", "fail"),
        ("v1_1", {"plugin-off": "fail"}, None, None, "fail"),
        ("v1_1", {"plugin-off": "skip"}, None, None, "skip"),
        ("v1_1", {"surfaces": "skip", "plugin-off": "skip"}, None, "skip", "skip"),
        ("v1_2", {"surfaces": "fail", "plugin-off": "fail"}, None, None, None),
    ],
)
def test_the_table_of_the_contract(
    form: str, done: dict[str, str], surfaces: str | None, plugin_off: str | None, slot: str | None
) -> None:
    found = {name: held(name, look(form), {**FINE, **done}) for name in ("surfaces", "plugin-off", "slot")}
    wanted = {"surfaces": surfaces, "plugin-off": plugin_off, "slot": slot}
    assert {name: reason and reason.status for name, reason in found.items()} == wanted


def test_no_binary_is_put_where_an_unread_config_env_may_not_have_it() -> None:
    seen = look(config={"ok": False, "problem": "it cannot be read", "unread": "it cannot be read"})
    found = {name: held(name, seen, FINE) for name in ORDER}
    assert {name: reason and reason.status for name, reason in found.items()} == {
        **dict.fromkeys(ORDER, "skip"),
        "templates": "fail",
    }


def test_a_host_of_another_provider_gets_nothing_of_ours() -> None:
    found = {name: held(name, look("foreign"), FINE) for name in ORDER}
    assert {name: reason and reason.status for name, reason in found.items()} == {
        **dict.fromkeys(ORDER, "skip"),
        "slot": "fail",
    }
    assert all("other-memory" in reason.reason for reason in found.values() if reason)


def test_what_stands_in_the_way_of_everything_is_said_once_as_a_failure() -> None:
    unfit = look(config={"ok": False, "problem": "no vault"})
    found = {name: held(name, unfit, FINE) for name in ORDER}
    assert [name for name, reason in found.items() if reason is None] == ["binary", "forms"]
    assert [name for name, reason in found.items() if reason and reason.status == "fail"] == ["templates"]
    nameless = look(version="", binary={"version": "", "problem": "no binary at /b"})
    assert {name: reason.reason for name in ORDER if (reason := held(name, nameless, FINE))} == dict.fromkeys(
        ORDER[2:], "no binary at /b"
    )
    assert held("slot", nameless, {**FINE, "binary": "changed"}) is None


@pytest.mark.parametrize(
    ("form", "step", "fleet", "may"),
    [
        ("v1_2", "slot", {}, True),
        ("absent", "slot", {}, True),
        ("v1_1", "slot", {}, False),
        ("v1_1", "surfaces", {}, False),
        ("v1_2", "surfaces", {}, True),
        ("v1_2", "plugin-off", {}, False),
        ("v1_2", "binary", {}, False),
        ("v1_2", "guide", {}, False),
        ("v1_2", "fleet", {}, True),
        ("v1_2", "fleet", {"count": 0}, True),
        ("v1_2", "fleet", {"readable": False, "count": 0}, True),
        ("v1_1", "launcher", {}, True),
        ("foreign", "triggers", {}, False),
    ],
)
def test_what_repair_may_mend(form: str, step: str, fleet: dict[str, Any], may: bool) -> None:
    assert (held(step, look(form, fleet=fleet), FINE, repair=True) is None) == may


def test_repair_does_not_what_no_check_looks_at() -> None:
    """An edited template whose doctrine is in place; a timer of earlier versions, alone."""

    def may(step: str, **steps: dict[str, Any]) -> bool:
        return is_due(step, look(steps=steps), {}, repair=True)

    assert not may("templates", templates=CHANGED)
    assert may("templates", templates=CHANGED, doctrines=CHANGED)
    assert not is_due("doctrines", {**look(), "pending": ["templates", "doctrines"]}, {}, repair=True)
    old = {"name": "old-sweep", "action": "unregistered"}
    for action, wanted in (("already", False), ("registered", True), ("failed", True)):
        triggers = {**CHANGED, "triggers": [{"name": "watcher", "action": action}, old]}
        assert may("triggers", triggers=triggers) is wanted


def test_pending_is_what_would_change_or_fail_and_what_depends_on_a_change() -> None:
    steps = look()["steps"]
    assert pending(steps) == []
    assert pending({**steps, "fleet": CHANGED}) == ["fleet", "surfaces"]
    assert pending({**steps, "surfaces": CHANGED}) == ["surfaces", "plugin-off"]
    assert pending({**steps, "launcher": CHANGED}) == ["launcher", "triggers", "memoryd"]
    assert pending({**steps, "surfaces": BAD}) == ["surfaces"]
    assert pending({**steps, "memoryd": REFUSED}) == []


def test_a_step_runs_where_the_look_or_a_step_before_it_has_work_for_it() -> None:
    found = look(steps={"surfaces": CHANGED})
    assert is_due("surfaces", found, {})
    assert is_due("plugin-off", found, {"surfaces": CHANGED})
    assert not is_due("fleet", found, {})
    assert not is_due("guide", found, {})
    assert is_due("memoryd", look(), {"slot": CHANGED})
    assert not is_due("memoryd", look(), {"slot": QUIET})


def test_what_really_came_of_a_step_counts_before_what_was_foretold() -> None:
    found = look("v1_1", steps={"surfaces": CHANGED, "plugin-off": CHANGED, "slot": CHANGED})
    assert is_due("plugin-off", found, {"surfaces": CHANGED})
    assert not is_due("plugin-off", found, {"surfaces": BROKEN})
    assert not is_due("plugin-off", found, {"surfaces": KILLED})
    assert not is_due("slot", found, {"surfaces": CHANGED, "plugin-off": BROKEN})
    assert is_due("slot", found, {"surfaces": CHANGED, "plugin-off": CHANGED})


@pytest.mark.parametrize("nothing", [{}, {"stopped": "no such file"}, {"unreachable": True}, LEFT_OUT])
def test_without_a_look_nothing_is_due(nothing: dict[str, Any]) -> None:
    assert not any(is_due(name, nothing, {}) for name in ORDER)
