# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts and batches as a user says them: what is none is refused by name, and never the default."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.errors import AnsibleFilterError

from ansible_collections.agfpd.iapeer_memory.plugins.filter.play_keyword import FilterModule, play_keyword

ROOT = Path(__file__).resolve().parents[4]
PLAYBOOKS = ("update", "verify", "install", "uninstall")
KEYWORDS = ("hosts", "serial", "max_fail_percentage")

GOOD: list[tuple[str, Any, Any]] = [
    ("hosts", "memory:!lab", "memory:!lab"),
    ("hosts", ["h1", "h2"], ["h1", "h2"]),
    ("serial", 3, 3),
    ("serial", "3", 3),
    ("serial", 2.0, 2),
    ("serial", "10%", "10%"),
    ("serial", " 100% ", "100%"),
    ("serial", [1, "10%"], [1, "10%"]),
    ("serial", ' [1, "10%"]', [1, "10%"]),
    ("max_fail_percentage", 0, 0),
    ("max_fail_percentage", "20", 20),
    ("max_fail_percentage", "20%", 20),
    ("max_fail_percentage", 12.5, 12.5),
    ("max_fail_percentage", 100, 100),
]
BAD: dict[str, list[Any]] = {
    "hosts": [[], False, True, 0, 5, " ", ",", " , ", [""], ["h1", None], ["h1", " "], {}, {"h1": None}],
    "serial": [
        *(0, -1, 0.5, True, False, "abc", "1,2", " ", "0", "-1", "0%", "101%", "1.5%", "5 %", [], {}, [[]], [1, 0]),
        *([1, None], [1, ""], "[1, 2", "[]", '["x"]', float("nan"), float("inf")),
    ],
    "max_fail_percentage": [-1, "-1", 100.5, 101, "abc", " ", "%", [], [1], {}, True, False, "nan", float("inf")],
}


@pytest.mark.parametrize(("name", "value", "wanted"), GOOD)
def test_what_ansible_takes_as_it_is_meant_is_handed_on(name: str, value: Any, wanted: Any) -> None:
    found = FilterModule().filters()["play_keyword"](value, name, "the default")
    assert (found, isinstance(found, bool)) == (wanted, False)


@pytest.mark.parametrize("name", KEYWORDS)
def test_null_and_empty_text_and_nothing_else_are_the_default(name: str) -> None:
    assert [play_keyword(value, name, "the default") for value in (None, "")] == ["the default"] * 2
    for value in BAD[name]:
        with pytest.raises(AnsibleFilterError, match=f"^iapeer_memory_{name} must be .*, not "):
            play_keyword(value, name, "the default")


def _keywords(playbook: str) -> dict[str, Any]:
    (play,) = yaml.safe_load((ROOT / "playbooks" / f"{playbook}.yml").read_text(encoding="utf-8"))
    return {name: play[name] for name in KEYWORDS}


def test_all_playbooks_read_hosts_and_batches_alike() -> None:
    wanted = _keywords("update")
    for playbook in PLAYBOOKS:
        keywords = _keywords(playbook)
        if playbook == "verify":  # which looks at all hosts, whatever it finds
            keywords["max_fail_percentage"] = keywords["max_fail_percentage"].replace(", 100)", ", 0)")
        assert keywords == wanted, playbook
