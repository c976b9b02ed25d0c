# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How the role peers are woken (contract §7): one key of a file that is the core's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.files import Tree
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import wake_policy
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place


def ensure(place: Place, check: bool = False) -> dict[str, Any]:
    """The module's work, as the module returns it."""
    return wake_policy.ensure(place.host(), {}, check).as_dict(True)


def profile(place: Place, name: str) -> Path:
    """The profile of a peer."""
    return place.peer(name) / ".iapeer" / "peer-profile.json"


@pytest.fixture
def roles(place: Place) -> Place:
    """A host with two roles, one of them woken fresh."""
    place.manifest(index=place.peer("index"), scriber=place.peer("scriber"))
    place.write(profile(place, "index"), '{"personality": "index", "wake_policy": "ephemeral"}')
    place.write(profile(place, "scriber"), '{"personality": "scriber", "wake_policy": "persistent"}', 0o600)
    return place


@pytest.mark.parametrize(
    ("before", "after", "was"),
    [
        (
            '{\n\t"z": 1.50,\n\t"wake_policy": "persistent",\n\t"token": "\\u0041"\n}\n\n',
            '{\n\t"z": 1.50,\n\t"wake_policy": "ephemeral",\n\t"token": "\\u0041"\n}\n\n',
            "was 'persistent'",
        ),
        ('{"a": [1,2]}', '{"a": [1,2],"wake_policy": "ephemeral"}', "was not set"),
        ('{\r\n  "a": {}\r\n}', '{\r\n  "a": {},\r\n  "wake_policy": "ephemeral"\r\n}', "was not set"),
        ('{"wake_policy":null}', '{"wake_policy":"ephemeral"}', "was no text"),
        ('{"wake_policy":["ephemeral"]}', '{"wake_policy":"ephemeral"}', "was no text"),
        ("{}\n", '{\n  "wake_policy": "ephemeral"\n}\n', "was not set"),
    ],
)
def test_one_key_changes_and_the_rest_stays_byte_for_byte(roles: Place, before: str, after: str, was: str) -> None:
    path = profile(roles, "scriber")
    path.write_bytes(before.encode())
    foretold = ensure(roles, check=True)
    assert path.read_bytes() == before.encode()
    done = ensure(roles)
    assert foretold == done
    assert path.read_bytes() == after.encode()
    assert path.stat().st_mode & 0o777 == 0o600
    assert (done["changed"], done["action"]) == (True, "written")
    assert done["detail"] == "ephemeral: index already, scriber written"
    assert done["results"][1] == {"role": "scriber", "action": "written", "target": str(path), "detail": was}


def test_a_diff_shows_the_key_and_nothing_else_of_the_profile(roles: Place) -> None:
    profile(roles, "scriber").write_text('{"token": "s3cret", "wake_policy": "persistent"}')
    (shown,) = ensure(roles, check=True)["diff"]
    assert shown["before_header"] == shown["after_header"] == str(profile(roles, "scriber"))
    assert (shown["before"], shown["after"]) == ("wake_policy: 'persistent'\n", "wake_policy: ephemeral\n")


def test_a_second_run_changes_nothing(roles: Place) -> None:
    ensure(roles)
    before = roles.snapshot()
    done = ensure(roles)
    assert (done["changed"], done["action"], done["diff"]) == (False, "already", [])
    assert roles.snapshot() == before


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "{path}: no profile: the core writes it when it creates the peer"),
        ("", "{path}: "),
        ("[]", "{path}: the top level is not an object"),
        ('{"a": 1, "a": 2}', "{path}: duplicate key"),
        ("\ufeff{}", "{path}: starts with a byte order mark"),
        ("{ // no\n}", "{path}: "),
    ],
)
def test_a_profile_that_is_not_there_or_none_fails_its_role_and_stays(
    roles: Place, text: str | None, message: str, check: bool
) -> None:
    path = profile(roles, "index")
    path.unlink()
    if text is not None:
        path.write_text(text)
    done = ensure(roles, check)
    assert (done["failed"], done["action"], done["changed"]) == (True, "failed", True)
    assert done["msg"].startswith("index: " + message.format(path=path))
    assert [record["action"] for record in done["results"]] == ["failed", "written"]
    assert (path.read_text() if path.exists() else None) == text


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("cwd", "message"),
    [
        ("gone", "missing"),
        ("here", "peerCwd must be an absolute path, not 'here'"),
        ("/nul\0", r"peerCwd is no valid text: '/nul\x00'"),
        ("/\ud800", r"peerCwd is no valid text: '/\ud800'"),
        ("/" + "x" * 300, "name too long"),
    ],
)
def test_a_role_whose_folder_is_none_fails_alone(roles: Place, cwd: str, message: str, check: bool) -> None:
    entries = [{"role": "index", "peerCwd": str(roles.base / cwd) if cwd == "gone" else cwd, "template": "x"}]
    entries.append({"role": "scriber", "peerCwd": str(roles.peer("scriber")), "template": "x"})
    roles.write(roles.roles, json.dumps({"roles": entries}))
    done = ensure(roles, check)
    assert message in done["msg"]
    assert [record["action"] for record in done["results"]] == ["failed", "written"]


def test_two_roles_in_one_folder_are_one_profile(roles: Place) -> None:
    roles.manifest(scriber=roles.peer("scriber"), dreamweaver=roles.peer("scriber"))
    foretold = ensure(roles, check=True)
    done = ensure(roles)
    assert foretold == done
    assert done["detail"] == "ephemeral: scriber written, dreamweaver already"


def test_a_link_out_of_the_peers_folder_is_not_followed(roles: Place) -> None:
    outside = roles.write(roles.base / "outside.json", "{}")
    profile(roles, "scriber").unlink()
    profile(roles, "scriber").symlink_to(outside)
    assert "a link that leaves" in ensure(roles)["msg"]
    assert outside.read_text() == "{}"


# Core and notifier write it too


def meddle(monkeypatch: pytest.MonkeyPatch, path: Path, *texts: str) -> None:
    """Somebody writes these texts, each just before one of our writes."""
    replace, left = Tree.replace, list(texts)

    def just_before(tree: Tree, *arguments: Any) -> None:
        if left:
            path.write_text(left.pop(0))
        replace(tree, *arguments)

    monkeypatch.setattr(Tree, "replace", just_before)


def test_a_profile_that_changed_meanwhile_is_read_anew(roles: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    path = profile(roles, "scriber")
    meddle(monkeypatch, path, '{"notifier": {"triggers": [1]}, "wake_policy": "persistent"}')
    done = ensure(roles)
    assert ("failed" in done, done["changed"]) == (False, True)
    assert path.read_text() == '{"notifier": {"triggers": [1]}, "wake_policy": "ephemeral"}'


def test_a_profile_that_somebody_else_has_just_brought_in_order_is_fine(
    roles: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    meddle(monkeypatch, profile(roles, "scriber"), '{"wake_policy": "ephemeral"}')
    assert "failed" not in ensure(roles)
    assert json.loads(profile(roles, "scriber").read_text()) == {"wake_policy": "ephemeral"}


def test_a_profile_that_changes_again_and_again_fails_its_role(roles: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    meddle(monkeypatch, profile(roles, "scriber"), '{"a": 1}', '{"a": 2}')
    done = ensure(roles)
    assert "changed by somebody else meanwhile: left as it is, run again" in done["msg"]
    assert profile(roles, "scriber").read_text() == '{"a": 2}'


def test_a_profile_that_cannot_be_written_fails_its_role(roles: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(tree: Tree, name: str, *_: Any) -> None:
        raise Problem("no space left on device", tree.path(name))

    monkeypatch.setattr(Tree, "replace", full)
    assert ensure(roles)["msg"].endswith("no space left on device")


# Hosts without roles


@pytest.mark.parametrize("check", [True, False])
def test_without_a_manifest_nobody_is_looked_at(place: Place, check: bool) -> None:
    done = ensure(place, check)
    assert (done["changed"], done["action"], done["detail"]) == (False, "skipped", "no roles manifest")
    assert done["results"] == []


def test_a_malformed_manifest_is_one_clear_failure(place: Place) -> None:
    place.write(place.roles, "{")
    with pytest.raises(Problem, match="not JSON"):
        ensure(place)


def test_in_the_sandbox_a_live_peer_is_skipped(place: Place) -> None:
    environ = place.environ(IAPEER_TEST_SANDBOX="1", IAPEER_MEMORY_VAULT_PATH=str(place.vault))
    live, state = place.home / ".claude" / "peer", place.base / "state"
    path = place.write(live / ".iapeer" / "peer-profile.json", "{}")
    place.write_json(state / "roles.json", {"roles": [{"role": "index", "peerCwd": str(live), "template": "t"}]})
    sandbox = Sandbox(environ, real_home=str(place.home))
    for check in (True, False):
        host = place.host(environ=environ, sandbox=sandbox, state_dir=str(state))
        done = wake_policy.ensure(host, {}, check)
        assert not done.changed
    assert path.read_text() == "{}"
