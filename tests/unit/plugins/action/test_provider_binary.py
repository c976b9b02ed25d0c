# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The action that brings the binary to a host: it asks first, and sends only what is needed."""

from __future__ import annotations

import hashlib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.parsing.dataloader import DataLoader

from ansible_collections.agfpd.iapeer_memory.plugins.action.provider_binary import MODULE, ActionModule

DIGEST = hashlib.sha256(b"a binary").hexdigest()
IN_PLACE = {"changed": False, "needed": False}
NEEDED = {"changed": True, "needed": True}
MODE_ONLY = {"changed": True, "needed": False}
DONE = {"changed": True, "action": "replaced"}


class Recorder(ActionModule):
    """The action, with the host's answers given and what is asked of it written down."""

    def __init__(
        self, arguments: dict[str, Any], answers: list[dict[str, Any]], check_mode: bool, beside: str = "/nowhere"
    ) -> None:
        task = SimpleNamespace(args=arguments, check_mode=check_mode, async_val=0, diff=False, action=MODULE)
        task.get_search_path = lambda: [beside]
        shell = SimpleNamespace(tmpdir="/remote/tmp", join_path=lambda *parts: "/".join(parts))
        connection = SimpleNamespace(_shell=shell, has_pipelining=True, become=None)
        loader = DataLoader()
        loader.set_basedir(beside)
        super().__init__(task, connection, SimpleNamespace(), loader, SimpleNamespace(), None)
        self.answers = answers
        self.asked: list[dict[str, Any]] = []
        self.sent: list[tuple[str, str]] = []

    def _execute_module(self, **options: Any) -> dict[str, Any]:
        assert options["module_name"] == MODULE
        self.asked.append(dict(options["module_args"]))
        return self.answers.pop(0)

    def _transfer_file(self, local_path: str, remote_path: str) -> str:
        self.sent.append((local_path, remote_path))
        return remote_path


@pytest.fixture
def source(tmp_path: Path) -> str:
    path = tmp_path / "iapeer-memory"
    path.write_bytes(b"a binary")
    return str(path)


def play(source: str, *answers: dict[str, Any], check_mode: bool = False) -> tuple[dict[str, Any], Recorder]:
    action = Recorder({"src": source, "binary_path": "/b"}, list(answers), check_mode)
    result: dict[str, Any] = action.run(None, {})
    assert action.answers == []
    return result, action


def test_a_host_that_has_the_file_is_sent_nothing(source: str) -> None:
    result, action = play(source, IN_PLACE)
    assert result["changed"] is False
    assert action.asked == [{"checksum": DIGEST, "binary_path": "/b"}]
    assert action.sent == []


def test_a_host_that_lacks_it_is_sent_the_file(source: str) -> None:
    result, action = play(source, NEEDED, DONE)
    assert result["action"] == "replaced"
    assert action.sent == [(source, "/remote/tmp/source")]
    assert action.asked[1] == {"checksum": DIGEST, "binary_path": "/b", "src": "/remote/tmp/source"}


def test_a_lost_run_bit_needs_no_transfer(source: str) -> None:
    result, action = play(source, MODE_ONLY, DONE)
    assert result["changed"] is True
    assert action.sent == []


def test_check_mode_asks_and_sends_nothing(source: str) -> None:
    result, action = play(source, NEEDED, check_mode=True)
    assert result["changed"] is True
    assert (len(action.asked), action.sent) == (1, [])


def test_a_host_that_cannot_answer_is_sent_nothing(source: str) -> None:
    result, action = play(source, {"failed": True, "msg": "no"})
    assert (result["failed"], result["msg"], action.sent) == (True, "no", [])


def test_a_relative_source_is_found_as_copy_finds_it_then_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    places = [tmp_path / "play/files/it", tmp_path / "play/it", tmp_path / "it"]
    for place in places:
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(str(place))
    for place in places:
        action = Recorder({"src": "it"}, [dict(NEEDED), dict(DONE)], False, str(tmp_path / "play"))
        action.run(None, {})
        assert action.sent == [(str(place), "/remote/tmp/source")]
        place.unlink()
    with pytest.raises(AnsibleActionFail, match="src: no such file on the controller: 'it'"):
        Recorder({"src": "it"}, [], False, str(tmp_path / "play")).run(None, {})


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("/nowhere/iapeer-memory", "src: no such file on the controller: '/nowhere/iapeer-memory'"),
        ("", "src: no file on the controller is named"),
        ("/", "src: / on the controller is no file"),
    ],
)
def test_a_source_that_is_no_file_is_named(source: str, reason: str) -> None:
    action = Recorder({"src": source}, [], False)
    with pytest.raises(AnsibleActionFail, match=reason):
        action.run(None, {})
    assert action.asked == []
