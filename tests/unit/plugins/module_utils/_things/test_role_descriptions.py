# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the registry says of the role peers (contract §7)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import Egress
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.ahead import NOTHING, Ahead
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import role_descriptions
from ansible_collections.agfpd.iapeer_memory.tests.unit.fakes import MISSING, REFUSED, Call, call, transcript
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place

INDEX = "Keeps the canon of the shared memory coherent and has the last word on every report."


def ensure(place: Place, egress: Egress, check: bool = False, ahead: Ahead = NOTHING) -> dict[str, Any]:
    """The module's work, as the module returns it."""
    return role_descriptions.ensure(place.host(egress), {"forms": "bundled"}, check, ahead).as_dict(True)


@pytest.fixture
def roles(place: Place) -> Place:
    """A host with two roles."""
    place.manifest(index=place.peer("index"), scriber=place.peer("scriber"))
    return place


def listed(place: Place, index: Any = None, scriber: Any = "There.") -> Call:
    """The registry is asked; None: the row has no description."""
    texts = {"index": index, "scriber": scriber}
    rows = [{**place.row(name, "claude"), "description": text} for name, text in texts.items()]
    return call("iapeer", "list", "--json", out=json.dumps(rows))


def create(place: Place, text: str, name: str = "index", **more: Any) -> Call:
    """A role gets its description."""
    folder = str(place.base / "peers" / name)
    return call("iapeer", "create", name, "--path", folder, "--description", text, **more)


@pytest.mark.parametrize("blank", [None, "", " \n", 5, []])
def test_a_role_without_a_description_gets_that_of_its_template(roles: Place, blank: Any) -> None:
    roles.template("index.md", "---\nname: index\ndescription: Keeps it all.\n---\ndescription: not this\n")
    with transcript(listed(roles, blank)) as egress:
        foretold = ensure(roles, egress, check=True)
    with transcript(listed(roles, blank), create(roles, "Keeps it all."), listed(roles, "Keeps it all.")) as egress:
        done = ensure(roles, egress)
    assert foretold == done
    assert (done["changed"], done["action"], done["detail"]) == (True, "described", "index described, scriber already")
    assert done["results"] == [
        {"role": "index", "action": "described", "detail": "Keeps it all."},
        {"role": "scriber", "action": "already", "detail": ""},
    ]
    assert done["diff"] == [
        {
            "before_header": "index in the registry",
            "after_header": "index in the registry",
            "before": "",
            "after": "description: Keeps it all.\n",
        }
    ]


def test_described_roles_are_left_as_they_are(roles: Place) -> None:
    with transcript(listed(roles, "My own words.")) as egress:
        done = ensure(roles, egress)
    assert (done["changed"], done["action"], done["diff"]) == (False, "already", [])


@pytest.mark.parametrize(
    ("template", "text"),
    [
        (None, INDEX),
        ("# no frontmatter\ndescription: x\n", INDEX),
        ("---\nname: x\n---\ndescription: x\n", INDEX),
        ("---\ndescription:\n---\n", INDEX),
        ("---\n---\ndescription: x\n---\n", INDEX),
        ("---\ndescription: 'A: b'\n---\n", "A: b"),
        ('---\r\ndescription:  "Пишет"  \r\n---\r\n', "Пишет"),
    ],
)
def test_without_a_description_in_the_template_it_is_that_of_the_forms(
    roles: Place, template: str | None, text: str
) -> None:
    if template is not None:
        roles.template("index.md", template)
    with transcript(listed(roles), create(roles, text), listed(roles, text)) as egress:
        assert ensure(roles, egress)["changed"]


def test_a_template_that_is_about_to_be_written_counts_first(roles: Place) -> None:
    roles.template("index.md", "---\ndescription: old\n---\n")
    ahead = Ahead(templates={"index.md": "---\ndescription: new\n---\n"})
    with transcript(listed(roles)) as egress:
        assert ensure(roles, egress, True, ahead)["results"][0]["detail"] == "new"


def test_a_role_of_which_nothing_is_known_is_described_by_its_name(place: Place) -> None:
    place.manifest(auditor=place.peer("auditor"))
    rows = call("iapeer", "list", "--json", out=json.dumps([place.row("auditor", "claude")]))
    with transcript(rows) as egress:
        assert ensure(place, egress, True)["results"][0]["detail"] == "iapeer-memory: auditor"


@pytest.mark.parametrize("check", [True, False])
def test_a_role_that_the_registry_does_not_know_fails_alone(roles: Place, check: bool) -> None:
    row = roles.row("scriber", "claude", description="There.")
    with transcript(call("iapeer", "list", "--json", out=json.dumps([row]))) as egress:
        done = ensure(roles, egress, check)
    assert (done["failed"], done["msg"]) == (True, "index: the registry does not know it: run the provider's init")
    assert [record["action"] for record in done["results"]] == ["failed", "already"]


def test_a_core_that_does_not_take_it_fails_the_role(roles: Place) -> None:
    failing = create(roles, INDEX, rc=1, err="locked")
    with transcript(listed(roles), failing, listed(roles)) as egress:
        done = ensure(roles, egress)
    assert done["msg"] == "index: the core failed (exit code 1): locked"
    assert not done["changed"]


def test_a_core_that_says_yes_and_does_nothing_fails_the_role(roles: Place) -> None:
    with transcript(listed(roles), create(roles, INDEX), listed(roles)) as egress:
        done = ensure(roles, egress)
    assert done["msg"] == "index: the core took the description, but its registry does not show it"


@pytest.mark.parametrize(("outcome", "kind"), [(MISSING, "missing"), (REFUSED, "refused")])
@pytest.mark.parametrize("check", [True, False])
def test_a_registry_that_cannot_be_asked_is_one_clear_problem(
    roles: Place, outcome: Any, kind: str, check: bool
) -> None:
    with transcript(Call("iapeer", ("list", "--json"), outcome)) as egress, pytest.raises(Problem) as problem:
        ensure(roles, egress, check)
    assert problem.value.kind == kind


def test_without_a_manifest_the_core_is_not_asked(place: Place) -> None:
    with transcript() as egress:
        done = ensure(place, egress)
    assert (done["action"], done["detail"], done["results"]) == ("skipped", "no roles manifest", [])
