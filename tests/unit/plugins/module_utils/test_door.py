# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The door between Ansible and the work."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils import door
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import Host
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.results import Result
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place


class Left(Exception):
    """A module has left, with this result."""

    def __init__(self, failed: bool, result: dict[str, Any]) -> None:
        super().__init__(str(result))
        self.failed = failed
        self.result = result


class FakeModule:
    """As much of AnsibleModule as the door uses."""

    def __init__(self, params: dict[str, Any], check_mode: bool = False, diff: bool = False) -> None:
        self.params, self.check_mode, self._diff = params, check_mode, diff

    def exit_json(self, **result: Any) -> None:
        raise Left(False, result)

    def fail_json(self, msg: str, **result: Any) -> None:
        raise Left(True, {"msg": msg, **result})


def left(work: door.Work, **options: Any) -> Left:
    """How a module with this work leaves."""
    fake: Any = FakeModule(options.pop("params", {}), **options)
    with pytest.raises(Left) as caught:
        door.run(fake, work)
    return caught.value


def result(**more: Any) -> door.Work:
    """Work with a plain result."""
    diff = [{"before": "", "after": "x"}]
    return lambda host, options, check: Result("written", **{"detail": "d", "changed": True, "diff": diff, **more})


def test_the_environment_is_utf8_however_the_locale_read_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """As where it names ISO-8859-1: what is one letter of UTF-8 was read as two of others."""
    base = tmp_path / "дом"
    monkeypatch.setattr(door, "native", lambda text: text.encode("latin-1").decode())
    seen: list[Host] = []
    for name, value in {"HOME": f"{base}", "CODEX_HOME": f"{base}/c", "IAPEER_MEMORY_STATE_DIR": f"{base}/s"}.items():
        monkeypatch.setenv(name, value.encode().decode("latin-1"))
    left(lambda host, options, check: seen.append(host) or Result("read", ""))
    assert seen[0].paths.slot == f"{base}/.iapeer/memory-provider.json"
    assert (seen[0].paths.state, seen[0].codex_home) == (f"{base}/s", f"{base}/c")


def test_a_result_leaves_as_it_is() -> None:
    done = left(result(data={"other": 5}), diff=True)
    assert not done.failed
    shown = [{"before": "", "after": "x"}]
    assert done.result == {"changed": True, "action": "written", "detail": "d", "diff": shown, "other": 5}


def test_a_diff_leaves_only_where_it_is_wanted_and_there_is_one() -> None:
    assert "diff" not in left(result(), diff=False).result
    assert "diff" not in left(result(diff=[]), diff=True).result


def test_words_and_differences_are_fit_for_a_terminal() -> None:
    diff = [{"before_header": "/a\x1b[2J\n", "after_header": "/a", "before": "x\t\u202ey\r\n", "after": "\x9b31m\n"}]
    done = left(result(detail="a\nb\u202e", failure="\x1b[H: c", diff=diff), diff=True).result
    assert (done["detail"], done["msg"]) == ("a\\nb\\u202e", "\\x1b[H: c")
    assert done["diff"] == [
        {"before_header": "/a\\x1b[2J\\n", "after_header": "/a", "before": "x\t\\u202ey\r\n", "after": "\\x9b31m\n"},
    ]


def test_a_failed_result_fails_with_its_records() -> None:
    done = left(result(failure="alpha: broken", data={"results": [1]}))
    assert done.failed
    assert done.result["msg"] == "alpha: broken"
    assert (done.result["results"], done.result["changed"]) == ([1], True)


def test_a_problem_is_one_message_without_a_change() -> None:
    def work(host: Host, options: Mapping[str, Any], check: bool) -> Result:
        raise Problem("held by other", "/slot", "foreign")

    done = left(work)
    assert done.failed
    assert done.result == {
        "msg": "/slot: held by other",
        "changed": False,
        "action": "failed",
        "detail": "/slot: held by other",
        "kind": "foreign",
    }


def test_a_refusal_is_a_skip_and_no_failure() -> None:
    def work(host: Host, options: Mapping[str, Any], check: bool) -> Result:
        raise Problem("refused by the sandbox: iapeer was not named", kind="refused")

    done = left(work)
    assert not done.failed
    assert (done.result["skipped"], done.result["refused"], done.result["action"]) == (True, True, "skipped")
    assert done.result["changed"] is False


def test_a_wrong_path_option_never_reaches_the_work() -> None:
    def work(host: Host, options: Mapping[str, Any], check: bool) -> Result:
        raise AssertionError("not reached")

    done = left(work, params={"state_dir": "here"})
    assert (done.failed, done.result["msg"]) == (True, "state_dir must be an absolute path, not 'here'")


def test_what_breaks_in_here_is_told_with_its_place() -> None:
    def work(*_given: Any) -> Result:
        raise ZeroDivisionError("by\x1b[2J zero")

    done = left(work)
    line = work.__code__.co_firstlineno + 1
    told = f"it broke: ZeroDivisionError: by\\x1b[2J zero (test_door.py, line {line}): please report it"
    assert (done.failed, done.result["msg"], done.result["action"]) == (True, told, "failed")
    assert done.result["exception"].startswith("Traceback (most recent call last):\n")


def test_a_host_with_an_older_python_is_told_what_it_needs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is imported that such a Python cannot read."""
    monkeypatch.setattr(sys, "version_info", (3, 8, 18, "final", 0))
    with pytest.raises(ImportError, match=r"^a host needs Python 3\.9 or newer, and this is 3\.8\.18$"):
        runpy.run_path(door.__file__)


@pytest.mark.parametrize("check", [True, False])
def test_the_work_gets_the_host_the_options_and_the_mode(place: Place, check: bool) -> None:
    seen: list[Any] = []

    def work(host: Host, options: Mapping[str, Any], mode: bool) -> Result:
        seen.extend([host.paths.state, options["own"], mode])
        return Result("read")

    left(work, params={"state_dir": str(place.state), "own": 7}, check_mode=check)
    assert seen == [str(place.state), 7, check]


def test_every_module_takes_the_host_options_as_paths_besides_its_own() -> None:
    spec = door.host_arguments(own={"type": "int"})
    names = ("iapeer_root", "config_file", "state_dir", "binary_path", "iapeer_bin")
    assert spec == {**{name: {"type": "path"} for name in names}, "own": {"type": "int"}}
