# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The surveys for AWX ask for what the playbooks know, as they know it (docs/examples/awx)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from ansible_collections.agfpd.iapeer_memory.plugins.modules import host_plan, report
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.asked import variable
from ansible_collections.agfpd.iapeer_memory.tests.ecosystem.conftest import EXAMPLES, ROOT
from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import ThrowawayHost
from ansible_collections.agfpd.iapeer_memory.tests.integration.conftest import Gather

PLAYBOOKS = ("update", "verify")
# What AWX asks with, and what it gives a playbook of the answer; a yes or no is one of two texts.
KINDS = {"str": "text", "int": "integer", "float": "float", "bool": "multiplechoice"}
# What the playbooks read themselves, and say at their beginning.
OWN = re.compile(r"^#\s+(iapeer_memory_\w+)\s.*\((\S+)\)$", re.MULTILINE)
OWN_TYPES = {"iapeer_memory_hosts": "str", "iapeer_memory_serial": "str", "iapeer_memory_max_fail_percentage": "int"}
KEYS = {
    *("question_name", "question_description", "required", "type", "variable", "default", "min", "max", "choices"),
}


def survey(playbook: str) -> list[dict[str, Any]]:
    """The questions for a playbook."""
    found = json.loads((EXAMPLES / f"awx/{playbook}.json").read_text(encoding="utf-8"))
    assert set(found) == {"name", "description", "spec"}
    return list(found["spec"])


def judged() -> dict[str, dict[str, Any]]:
    """Every variable that a module gets, as the module declares it: the role takes anything, and the look judges."""
    docs = [yaml.safe_load(module.DOCUMENTATION)["options"] for module in (report, host_plan)]
    return {variable(name): option for options in docs for name, option in options.items()}


def known(playbook: str) -> dict[str, dict[str, Any]]:
    """Every variable that a playbook reads, with the default that the role has, and the type that it is judged by."""
    specs = yaml.safe_load((ROOT / "roles/host/meta/argument_specs.yml").read_text(encoding="utf-8"))
    declared = specs["argument_specs"][playbook]["options"]
    head = (ROOT / f"playbooks/{playbook}.yml").read_text(encoding="utf-8")
    own = {name: {"type": OWN_TYPES[name], "default": value.strip('"')} for name, value in OWN.findall(head)}
    assert set(own) == set(OWN_TYPES)
    asked = {name: kind for name, kind in judged().items() if name in declared}
    return {**{name: {**kind, "default": declared[name]["default"]} for name, kind in asked.items()}, **own}


def questions() -> Iterator[Any]:
    for playbook in PLAYBOOKS:
        for question in survey(playbook):
            yield pytest.param(playbook, question, id=f"{playbook}-{question['variable']}")


@pytest.mark.parametrize(("playbook", "question"), list(questions()))
def test_a_question_is_about_a_variable_as_it_is_declared(playbook: str, question: dict[str, Any]) -> None:
    option = known(playbook)[question["variable"]]
    kind, choices = option["type"], option.get("choices")
    assert set(question) == KEYS
    assert question["type"] == ("multiplechoice" if choices else KINDS[kind])
    assert question["choices"] == (["true", "false"] if kind == "bool" else choices or [])
    declared = str(option["default"]).lower() if kind == "bool" else str(option["default"])
    assert str(question["default"]) == declared
    assert not question["required"]
    if question["choices"]:
        assert question["default"] in question["choices"]


def test_no_variable_is_asked_for_twice() -> None:
    for playbook in PLAYBOOKS:
        names = [question["variable"] for question in survey(playbook)]
        assert len(set(names)) == len(names) > 3


@pytest.mark.parametrize("playbook", PLAYBOOKS)
def test_answers_that_nobody_changed_change_nothing(drifted: ThrowawayHost, gather: Gather, playbook: str) -> None:
    """AWX gives every answer as an extra variable."""
    answers = {question["variable"]: question["default"] for question in survey(playbook)}
    fleet = gather(drifted)
    plain, asked = fleet.run(playbook, "--check"), fleet.run(playbook, "--check", **answers)
    assert (asked.rc, asked.statuses()) == (plain.rc, plain.statuses())
    assert {"verify": "drifted", "update": "changed"}[playbook] == asked.states()["host"]
