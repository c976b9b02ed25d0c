# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of update: from a step's task or, where that did not run, from the look."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.gates import ORDER
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.steps import detail_of, ran, step_rows
from ansible_collections.agfpd.iapeer_memory.plugins.test.lost import lost
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

ROWS = [name for name in ORDER if name != "role-descriptions"]


def rows(found: dict[str, Any], **done: Any) -> dict[str, tuple[str, str]]:
    return {row.name: (row.status, row.detail) for row in step_rows("update", found, done)}


@pytest.mark.parametrize(
    ("result", "detail"),
    [
        (CHANGED, "2 written"),
        (BAD, "it broke"),
        (BROKEN, "it broke"),
        ({"failed": True, "msg": "two\n  lines"}, "two lines"),
        ({"failed": True}, "it ended without a word"),
        ({"failed": True, "exception": SimpleNamespace(event=SimpleNamespace(msg="no\nname"))}, "it broke: no name"),
        ({"changed": False, "action": "already"}, ""),
    ],
)
def test_the_line_for_people(result: dict[str, Any], detail: str) -> None:
    assert detail_of(result) == detail


@pytest.mark.parametrize(
    ("code", "out", "err", "words"),
    [
        (-9, "", "", "(killed by signal 9 (SIGKILL))"),
        (137, "", "Killed\n", "(killed by signal 9 (SIGKILL)): Killed"),
        (139, "", "", "(killed by signal 11 (SIGSEGV))"),
        (0, "", "", "(exit code 0)"),
        (0, "hello\nall\n", "", "(exit code 0): all"),
        (127, "", "sh: 1: exec: python4: not found\n", "(exit code 127): sh: 1: exec: python4: not found"),
        (1, "", "Traceback (most recent call last):\n  x\nValueError: no\n", "(exit code 1): ValueError: no"),
        (1, "x" * 9000, "", "(exit code 1): " + "x" * 200),
    ],
)
def test_a_module_without_an_answer_says_how_it_ended(code: int, out: str, err: str, words: str) -> None:
    """What Ansible says of each of them is that no JSON begins in what it got."""
    result = {"failed": True, "msg": "Module result deserialization failed: No start of json char found", "rc": code}
    result |= {"module_stdout": out, "module_stderr": err}
    assert detail_of(result) == f"the module ended without an answer {words}"


def test_a_missing_interpreter_is_told_in_ansibles_own_words() -> None:
    said = "The module interpreter '/usr/bin/python3' was not found."
    result = {"failed": True, "msg": said, "rc": 127, "module_stdout": "", "module_stderr": "sh: python3: not found"}
    assert detail_of(result) == said


def test_what_a_condition_left_out_did_not_run() -> None:
    done = {"a": LEFT_OUT, "b": {}, "c": None, "d": REFUSED, "e": QUIET, "f": KILLED}
    assert sorted(ran(done)) == ["d", "e", "f"]


def test_the_rows_stand_in_the_order_of_the_steps() -> None:
    assert list(rows(look())) == ROWS
    assert set(rows(look()).values()) == {("ok", "in place")}


def test_a_step_that_ran_says_what_it_did_and_another_what_was_foretold() -> None:
    found = rows(look(steps={"fleet": CHANGED, "surfaces": CHANGED}), fleet=QUIET, surfaces=KILLED)
    assert found["fleet"] == ("ok", "in place")
    assert found["surfaces"] == ("fail", "MODULE FAILURE")
    assert rows(look(steps={"fleet": CHANGED}))["fleet"] == ("changed", "2 written")


def test_the_descriptions_of_the_roles_are_told_with_their_wake_policy() -> None:
    described = {**CHANGED, "action": "described", "detail": "scriber described"}
    assert rows(look(steps={"role-descriptions": described}))["wake-policy"] == (
        "changed",
        "in place; descriptions: scriber described",
    )
    assert rows(look(), **{"role-descriptions": BROKEN})["wake-policy"] == ("fail", "in place; descriptions: it broke")


def test_a_step_that_was_held_back_says_by_what() -> None:
    migrating = look("v1_1", steps={"surfaces": CHANGED, "plugin-off": CHANGED, "slot": CHANGED})
    found = rows(migrating, surfaces=BROKEN)
    assert found["plugin-off"] == (
        "fail",
        "postponed: the surfaces did not land cleanly. Mend that and run update again",
    )
    assert found["slot"] == ("fail", "v1.1 kept, so that the next run can still derive the plugin: see plugin-off")


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        ({"stopped": "binary_src: no such file"}, "binary_src: no such file"),
        ({"unreachable": True, "msg": "ssh: no route"}, "ssh: no route"),
        ({}, "the host was not looked at: a run that starts in the middle (--start-at-task) leaves the look out"),
    ],
)
def test_where_there_is_no_look_no_step_has_begun(found: dict[str, Any], reason: str) -> None:
    told = rows(found)
    assert told["binary"] == ("fail", reason)
    assert {told[name] for name in ROWS[1:]} == {("skip", "not begun: see binary")}


# A rollback

NEW = {**CHANGED, "action": "replaced", "version": "7.2", "previous": "/b.previous"}
LOST = {**BAD, "state": "dead", "msg": "memoryd (pid 7) was ended and did not come back: no such vault"}
BACK = {**CHANGED, "action": "taken_back", "version": "7.1"}


@pytest.mark.parametrize("state", ["dead", "flapping", "hung"])
def test_a_daemon_that_is_lost_with_a_new_binary_takes_the_old_one_back(state: str) -> None:
    done = {"binary": NEW, "memoryd": {**LOST, "state": state}}
    assert lost(done)
    assert lost(done, "")
    assert lost(done, "yes")
    assert not lost(done, False)
    assert not lost(done, "false")
    with pytest.raises(Problem, match=r"^rollback must be true or false, not 'maybe'$"):
        lost(done, "maybe")


@pytest.mark.parametrize(
    "done",
    [
        {"binary": NEW, "memoryd": {**LOST, "state": "indexing"}},
        {"binary": NEW, "memoryd": {**CHANGED, "state": "back"}},
        {"binary": NEW, "memoryd": {**QUIET, "state": ""}},
        {"binary": {**NEW, "previous": ""}, "memoryd": LOST},
        {"binary": {**QUIET, "previous": "/b.previous"}, "memoryd": LOST},
        {"binary": LEFT_OUT, "memoryd": LOST},
        {"binary": NEW, "memoryd": LEFT_OUT},
        {},
    ],
)
def test_nothing_is_taken_back_where_the_daemon_is_not_lost_or_the_binary_not_new(done: dict[str, Any]) -> None:
    assert not lost(done)


def test_a_rollback_fails_the_host_with_both_versions_and_the_last_words() -> None:
    again = {**CHANGED, "action": "came_up", "detail": "pid 9 came up"}
    found = rows(look(), **{"binary": NEW, "memoryd": LOST, "taken-back": BACK, "came-back": again})
    assert found["binary"] == ("fail", "rolled back from 7.2 to 7.1: memoryd did not come up with 7.2, see memoryd")
    assert found["memoryd"] == ("fail", f"{LOST['msg']}; with 7.1: pid 9 came up")
    assert {name for name, (status, _detail) in found.items() if status == "fail"} == {"binary", "memoryd"}


def test_a_restart_of_the_rollback_is_not_told_as_if_somebody_had_asked_for_it() -> None:
    again = {**CHANGED, "action": "restarted", "detail": "asked for; pid 8 ended, pid 9 came up"}
    found = rows(look(), **{"binary": NEW, "memoryd": LOST, "taken-back": BACK, "came-back": again})
    assert found["memoryd"] == ("fail", f"{LOST['msg']}; with 7.1: pid 8 ended, pid 9 came up")


def test_a_rollback_is_told_also_where_what_brought_the_new_binary_is_not() -> None:
    found = rows(look(), **{"memoryd": LOST, "taken-back": BACK})
    words = "rolled back from the new one to 7.1: memoryd did not come up with the new one, see memoryd"
    assert found["binary"] == ("fail", words)


def test_a_rollback_that_does_not_succeed_says_what_stays() -> None:
    found = rows(look(), **{"binary": NEW, "memoryd": LOST, "taken-back": {**BAD, "msg": "no space"}})
    assert found["binary"] == ("fail", "7.2 stays, the previous one is not back: no space")
    assert found["memoryd"] == ("fail", LOST["msg"])
