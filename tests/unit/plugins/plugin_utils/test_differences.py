# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How much of a difference is shown, and that no module is forgotten."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.plugins.callback import CallbackBase
from ansible.utils.display import Display

from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils import differences
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.differences import counted

ROOT = Path(__file__).resolve().parents[4]
DIFF = [
    {"before_header": "/a", "after_header": "/a", "before": "1\n2\n", "after": "1\n3\n4\n"},
    {"before_header": "/b", "after_header": "/b", "before": "", "after": "1\n"},
]


@pytest.fixture(autouse=True)
def default(monkeypatch: pytest.MonkeyPatch) -> None:
    """What Ansible has where nothing is set."""
    monkeypatch.setattr(differences, "DEFAULT_STDOUT_CALLBACK", "default")
    monkeypatch.setattr(Display(), "verbosity", 0)


def test_people_are_told_a_count_a_file() -> None:
    result = counted({"changed": True, "diff": DIFF})
    assert result["changed"] is True
    assert CallbackBase()._get_diff(result["diff"]) == "/a: +2 -1 lines\n/b: +1 -0 line\n"


def test_people_who_ask_for_more_are_shown_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Display(), "verbosity", 1)
    assert counted({"diff": DIFF}) == {"diff": DIFF}


def test_programs_are_given_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(differences, "DEFAULT_STDOUT_CALLBACK", "ansible.posix.jsonl")
    assert counted({"diff": DIFF}) == {"diff": DIFF}


@pytest.mark.parametrize("result", [{}, {"diff": []}, {"diff": [{"before": "x", "after": "x"}]}])
def test_no_difference_is_none(result: dict[str, Any]) -> None:
    assert not counted(result).get("diff")


def test_every_module_that_shows_differences_shows_them_like_that() -> None:
    texts = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "plugins/modules").glob("*.py")}
    changing = {name for name, text in texts.items() if "agfpd.iapeer_memory.host.changes" in text}
    routing = yaml.safe_load((ROOT / "meta/runtime.yml").read_text(encoding="utf-8"))["plugin_routing"]["modules"]
    own = {path.stem for path in (ROOT / "plugins/action").glob("*.py") if "counted(" in path.read_text()}
    assert changing == set(routing) | own
    assert {entry["action_plugin"] for entry in routing.values()} == {"agfpd.iapeer_memory.peer_surfaces"}
