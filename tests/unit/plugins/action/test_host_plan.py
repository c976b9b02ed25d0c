# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The controller's half of a look: what is asked for is looked at before the host is."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleConnectionFailure, AnsibleError
from ansible.playbook.play_context import PlayContext
from ansible.plugins.loader import connection_loader

from ansible_collections.agfpd.iapeer_memory.plugins.action.host_plan import ActionModule
from ansible_collections.agfpd.iapeer_memory.tests.unit.looks import look

ROLE = "agfpd.iapeer_memory.host"
# An option, its variable, and what it cannot be.
WRONG: list[tuple[str, str, list[Any]]] = [
    ("lock_timeout", "iapeer_memory_lock_timeout", [-1, "soon", True, ["a"]]),
    ("hung_after", "iapeer_memory_heartbeat_stale_after", ["-5", 0, "nan"]),
    ("wait", "iapeer_memory_restart_wait", [-1, "maybe", "inf", {}]),
    ("index_wait", "iapeer_memory_index_wait", ["nan", -0.5, [], " "]),
    ("rollback", "iapeer_memory_rollback", ["maybe", "tru", 2, [], " "]),
    ("repair", "iapeer_memory_repair", ["enabled", "nein", {}]),
    ("guide", "iapeer_memory_guide", ["maybe", [True]]),
    ("keep_binary", "iapeer_memory_keep_binary", ["  ", "maybe"]),
    ("unreachable_fails", "iapeer_memory_unreachable_fails", ["maybe", []]),
    ("stale_after", "iapeer_memory_heartbeat_stale_after", [-1, "abc"]),
    ("report_dir", "iapeer_memory_report_dir", [["x"], True, {"a": 1}, 5]),
    ("binary_src", "iapeer_memory_binary_src", [[], {}, False, 0, ["x"]]),
    ("templates_src", "iapeer_memory_templates_src", [[], ["x"]]),
    ("skills_src", "iapeer_memory_skills_src", [False, {}]),
]
OF_THE_REPORT = ("unreachable_fails", "stale_after", "report_dir")


@pytest.fixture
def handed(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the module was given, each time that it ran."""
    calls: list[dict[str, Any]] = []

    def execute(self: Any, name: str, arguments: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        calls.append(arguments)
        return {**look(), "pending": [], "changed": False}

    monkeypatch.setattr(ActionModule, "_execute_module", execute)
    return calls


def task_of(role: str | None, check: bool = False, diff: bool = False, **options: Any) -> SimpleNamespace:
    return SimpleNamespace(
        args=options, check_mode=check, async_val=0, diff=diff, action="host_plan", _uuid="0a-1b", _role=role, tags=[]
    )


def run(role: str | None = ROLE, **options: Any) -> dict[str, Any]:
    return run_task(task_of(role, **options))


def run_task(task: SimpleNamespace) -> dict[str, Any]:
    connection = connection_loader.get("local", PlayContext())
    action = ActionModule(task, connection, SimpleNamespace(), None, SimpleNamespace(), None)
    result: dict[str, Any] = action.run(None, {"inventory_hostname": "ada"})
    return result


def _given(option: str, value: Any) -> dict[str, Any]:
    return {"report": {"playbook": "update", option: value}} if option in OF_THE_REPORT else {option: value}


@pytest.mark.parametrize(("option", "variable", "values"), WRONG)
def test_what_an_option_cannot_be_is_refused_by_name_before_the_host_is_asked(
    handed: list[dict[str, Any]], option: str, variable: str, values: list[Any]
) -> None:
    for value in values:
        for role, name in ((ROLE, variable), (None, option)):
            result = run(role, **_given(option, value))
            assert result["stopped"].startswith(f"{name} must be "), value
            assert result["stopped"].endswith(f", not {value!r}")
            assert (result["next"], result["changed"]) == ("report", False)
    assert handed == []


def test_a_folder_of_reports_that_is_none_is_not_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(report={"playbook": "update", "report_dir": ["x"]})
    assert list(tmp_path.iterdir()) == []


def test_a_run_is_announced_in_the_folder_that_one_is_in_though_an_option_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert "stopped" in run(report={"playbook": "update", "report_dir": "reports"}, wait=-1)
    assert (tmp_path / "reports" / "fleet.json").is_file()


def test_a_report_is_that_of_the_playbook_that_is_looked_for(handed: list[dict[str, Any]], tmp_path: Path) -> None:
    run(playbook="verify", wait=-1, report={"report_dir": str(tmp_path)})
    told = json.loads((tmp_path / "fleet.json").read_text(encoding="utf-8"))
    assert told["playbook"] == "verify"


def test_null_and_empty_text_are_the_default(handed: list[dict[str, Any]]) -> None:
    for empty in (None, ""):
        result = run(**{option: empty for option, _variable, _values in WRONG if option not in OF_THE_REPORT})
        assert result["asked"] == {"repair": False, "rollback": True, "hung_after": 120}
    assert handed == [{}, {}]


@pytest.mark.parametrize(
    ("value", "wanted"), [("yes", True), ("off", False), (1, True), ("FALSE", False), (" y ", True)]
)
def test_yes_and_no_are_understood_as_ansible_does_and_told_to_the_steps(
    handed: list[dict[str, Any]], value: Any, wanted: bool
) -> None:
    asked = run(repair=value, rollback=value)["asked"]
    assert asked == {"repair": wanted, "rollback": wanted, "hung_after": 120}


def test_seconds_are_understood_and_told_to_the_steps(handed: list[dict[str, Any]]) -> None:
    assert run(hung_after="90")["asked"]["hung_after"] == 90
    assert handed == [{"hung_after": 90}]


def test_a_look_that_was_stopped_still_tells_the_steps_what_was_asked_for(
    handed: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ActionModule, "_find_needle", lambda self, folder, name: name)
    result = run(rollback=False, templates_src=str(tmp_path))
    assert result["stopped"].startswith("templates_src: ")
    assert result["asked"] == {"repair": False, "rollback": False, "hung_after": 120}


@pytest.mark.parametrize(
    ("role", "check", "playbook", "shown"),
    [
        (ROLE, True, "update", True),
        (ROLE, False, "update", False),  # the steps show theirs
        (ROLE, False, "verify", True),
        (None, False, "update", True),
    ],
)
def test_differences_are_shown_where_nothing_follows_that_shows_them(
    handed: list[dict[str, Any]], role: str | None, check: bool, playbook: str, shown: bool
) -> None:
    """Whether it is check mode is the task's to say: a play may say so, and not the command line."""
    task = task_of(role, check, True, playbook=playbook)
    run_task(task)
    assert task.diff is shown


# What Ansible says of the run, and of the host


def action(variables: dict[str, Any], problem: AnsibleError, tags: tuple[str, ...] = ("always",)) -> dict[str, Any]:
    """What comes of a look that ends with this problem as soon as it reaches its host."""
    task = SimpleNamespace(args={}, check_mode=False, async_val=0, diff=False, action="host_plan", _role=None)
    task.tags = list(tags)
    connection = connection_loader.get("local", PlayContext())
    plan = ActionModule(task, connection, SimpleNamespace(), None, SimpleNamespace(), None)

    def reach(*_args: Any, **_more: Any) -> Any:
        raise problem

    plan._execute_module = reach
    result: dict[str, Any] = plan.run(None, variables)
    return result


REACHED = AnsibleError("Missing sudo password")


@pytest.mark.parametrize(
    ("variables", "tags", "told"),
    [
        ({}, ("always",), "Missing sudo password"),
        ({"ansible_run_tags": ["all"], "ansible_skip_tags": []}, ("always",), "Missing sudo password"),
        ({"ansible_run_tags": ["tagged"]}, ("always",), "Missing sudo password"),
        ({"ansible_run_tags": ["memory"]}, ("always", "memory"), "Missing sudo password"),
        ({"ansible_skip_tags": ["theirs"]}, ("always",), "Missing sudo password"),
        ({"ansible_run_tags": ["surfaces", "slot"]}, ("always",), "--tags slot, surfaces: the steps depend"),
        ({"ansible_run_tags": ["memory"]}, ("always",), "--tags memory: the steps depend"),
        ({"ansible_skip_tags": ["surfaces", "x"]}, ("always",), "--skip-tags surfaces: the steps depend"),
    ],
)
def test_a_part_of_the_steps_is_refused_and_all_of_them_are_not(
    variables: dict[str, Any], tags: tuple[str, ...], told: str
) -> None:
    done = action(variables, REACHED, tags)
    assert (done["next"], done["changed"]) == ("report", False)
    assert done["stopped"].startswith(told)


def test_a_host_that_cannot_be_reached_is_left_to_ansible() -> None:
    with pytest.raises(AnsibleConnectionFailure):
        action({}, AnsibleConnectionFailure("no route to host"))
