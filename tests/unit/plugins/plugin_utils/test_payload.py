# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What it costs to hand a module over, and what of it gets to the host; what cannot be run fails that step."""

from __future__ import annotations

import gc
import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure, AnsibleError
from ansible.playbook.play_context import PlayContext
from ansible.plugins.action import ActionBase
from ansible.plugins.connection import ConnectionBase
from ansible.plugins.loader import connection_loader

from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils import payload
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.payload import answered, handed_over, packing

PLUGINS = Path(__file__).resolve().parents[4] / "plugins"
# The one that runs no module.
WITHOUT_MODULE = {"report"}


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    """As Python begins, whatever a test leaves."""
    gc.enable()
    yield
    gc.enable()


@packing()
def collects() -> bool:
    return gc.isenabled()


def test_it_rests_for_as_long() -> None:
    assert collects() is False
    assert gc.isenabled() is True


def test_it_comes_back_after_a_failure() -> None:
    with pytest.raises(OSError, match="gone"), packing():
        raise OSError("gone")
    assert gc.isenabled() is True


def test_who_had_none_gets_none() -> None:
    gc.disable()
    assert collects() is False
    assert gc.isenabled() is False


def test_what_was_left_is_not_walked_once_more() -> None:
    before = gc.get_freeze_count()
    with packing():
        left: list[Any] = []
        left.append(left)
    assert gc.get_freeze_count() > before
    gc.unfreeze()


def test_ansible_is_told_of_a_file_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def get_data(package: str, name: str) -> bytes | None:
        asked.append((package, name))
        return b"found" if name == "there.py" else None

    monkeypatch.setattr(pkgutil, "get_data", get_data)
    with packing():
        answers = [pkgutil.get_data("some", name) for name in ("there.py", "away.py") * 2]
    assert answers == [b"found", None] * 2
    assert asked == [("some", "there.py"), ("some", "away.py")]
    with pytest.raises(OSError, match="gone"), packing():
        raise OSError("gone")
    assert pkgutil.get_data is get_data


def connected(**variables: Any) -> ConnectionBase:
    """A connection to this machine, with what an inventory says of it."""
    connection = connection_loader.get("local", PlayContext())
    connection.set_options(var_options=variables)
    return connection


def pipelines(connection: ConnectionBase) -> list[bool]:
    """Whether it does before, within and after."""
    found = [connection.is_pipelining_enabled()]
    with handed_over(connection):
        found.append(connection.is_pipelining_enabled())
    return [*found, connection.is_pipelining_enabled()]


def test_a_module_is_handed_to_its_interpreter_for_as_long() -> None:
    assert pipelines(connected()) == [False, True, False]


@pytest.mark.parametrize("said", [False, True])
def test_what_the_user_says_of_pipelining_counts(said: bool) -> None:
    assert pipelines(connected(ansible_pipelining=said)) == [said] * 3


def test_with_become_it_stays_as_it_is() -> None:
    connection = connected()
    connection.become = SimpleNamespace(pipelining=True)
    assert pipelines(connection) == [False] * 3


def test_who_keeps_remote_files_gets_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(payload, "DEFAULT_KEEP_REMOTE_FILES", True)
    assert pipelines(connected()) == [False] * 3


def test_a_connection_that_knows_no_pipelining_is_left_alone() -> None:
    def unknown(_name: str) -> None:
        raise KeyError

    with handed_over(SimpleNamespace(get_option_and_origin=unknown, become=None)):
        pass


class Reached(Exception):
    """Ansible's part of an action, with whether the collector was at work."""


@pytest.mark.parametrize("name", sorted({path.stem for path in PLUGINS.glob("action/*.py")} - WITHOUT_MODULE))
def test_every_action_that_hands_a_module_over_does_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def reached(*_arguments: Any) -> None:
        raise Reached(gc.isenabled())

    monkeypatch.setattr(ActionBase, "run", reached)
    kind = importlib.import_module(f"ansible_collections.agfpd.iapeer_memory.plugins.action.{name}").ActionModule
    with pytest.raises(Reached) as found:
        object.__new__(kind).run(None, {})
    assert found.value.args == (False,)


def test_what_ansible_could_not_have_done_is_a_failure_of_that_step_alone() -> None:
    def work() -> dict[str, Any]:
        raise AnsibleError("Missing sudo password")

    assert answered(work) == {"failed": True, "changed": False, "action": "failed", "msg": "Missing sudo password"}


@pytest.mark.parametrize("kind", [AnsibleConnectionFailure, AnsibleActionFail])
def test_what_ansible_knows_how_to_say_is_left_to_it(kind: type[AnsibleError]) -> None:
    def work() -> dict[str, Any]:
        raise kind("gone")

    with pytest.raises(kind, match="gone"):
        answered(work)


@pytest.mark.parametrize("name", ["peer_surfaces", "provider_binary"])
def test_a_step_whose_become_fails_is_a_row(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_arguments: Any, **_options: Any) -> None:
        raise AnsibleError("Missing sudo password")

    kind = importlib.import_module(f"ansible_collections.agfpd.iapeer_memory.plugins.action.{name}").ActionModule
    monkeypatch.setattr(ActionBase, "run", lambda *_arguments: {})
    monkeypatch.setattr(ActionBase, "_execute_module", fails)
    task = SimpleNamespace(args={"state": "absent"}, async_val=0, action=name, check_mode=False, diff=False)
    connection = SimpleNamespace(_shell=SimpleNamespace(tmpdir=None), has_native_async=False)
    action = kind(task, connection, SimpleNamespace(), None, SimpleNamespace(), None)
    result = action.run(None, {})
    assert (result["failed"], result["msg"]) == (True, "Missing sudo password")
