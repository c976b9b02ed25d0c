# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles manifest and the doctrines (contract §7)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.ahead import NOTHING, Ahead
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.roles import read_manifest
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import doctrines
from ansible_collections.agfpd.iapeer_memory.tests.unit.fakes import REFUSED, Call, call, transcript
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place

MARKER = "<!-- iapeer-memory doctrine v1.4.0 -->\n"


def ensure(place: Place, check: bool = False, ahead: Ahead = NOTHING, **options: Any) -> dict[str, Any]:
    """The module's work, as the module returns it."""
    return doctrines.ensure(place.host(), {"version": "1.4.0", **options}, check, ahead).as_dict(True)


def target(place: Place, name: str) -> Path:
    """The doctrine of a peer."""
    return place.base / "peers" / name / ".iapeer" / "IAPEER.md"


@pytest.fixture
def roles(place: Place) -> Place:
    """A host with two roles and their templates."""
    place.manifest(index=place.peer("index"), scriber=place.peer("scriber"))
    place.template("index.md", "---\nrole: index\n---\n# Index\n\nNotes: {{VAULT_PATH}}, {{VAULT_PATH}}.\n")
    place.template("scriber.md", "# Писарь {{VAULT_PATH}}\n")
    return place


# Rendering


@pytest.mark.parametrize(
    ("template", "body"),
    [
        ("# X\n", "# X\n"),
        ("", ""),
        ("---\na: b\n---\n# X\n", "# X\n"),
        ("---\na: b\n---\n\n\n# X\n", "# X\n"),
        ("---\n---\n# X\n", "# X\n"),
        ("---  \na: b\n---\t\n# X\n", "# X\n"),
        ("---\na: b\n---", ""),
        ("---\na: '---'\nb: c ---\n---\n# X\n", "# X\n"),
        ("---\na: b\n---\nX\n---\nY\n", "X\n---\nY\n"),
        ("---\r\na: b\r\n---\r\n# X\r\n", "# X\r\n"),
        ("---\nnever closed\n", "---\nnever closed\n"),
        ("----\na\n----\n", "----\na\n----\n"),
        (" ---\na: b\n---\n", " ---\na: b\n---\n"),
        ("# X\n---\na: b\n---\n", "# X\n---\na: b\n---\n"),
        ("{{VAULT_PATH}}+{{VAULT_PATH}} {{ VAULT_PATH }}\n", "/v$1\\1+/v$1\\1 {{ VAULT_PATH }}\n"),
    ],
)
def test_a_template_is_rendered_as_the_contract_says(template: str, body: str) -> None:
    assert doctrines.render(template, "1.4.0", "/v$1\\1") == MARKER + body


@pytest.mark.parametrize(
    ("current", "reason"),
    [
        (None, "missing"),
        ("", "marker: none, wanted v1.4.0"),
        ("# X\n", "marker: none, wanted v1.4.0"),
        (f"\n{MARKER}# X\n", "marker: none, wanted v1.4.0"),
        ("<!-- iapeer-memory doctrine v1.3.0 -->\n# X\n", "marker: v1.3.0, wanted v1.4.0"),
        (MARKER + "{{VAULT_PATH}}\n", "placeholder: {{VAULT_PATH}} is not replaced"),
        (MARKER + "# Y\n", "text: differs from its template"),
        (MARKER + "# X\n", ""),
    ],
)
def test_drift_is_told_in_words(current: str | None, reason: str) -> None:
    assert doctrines.drift(current, MARKER + "# X\n", "1.4.0") == reason


# All roles


def test_every_role_of_the_manifest_is_rendered(roles: Place) -> None:
    done = ensure(roles)
    assert target(roles, "index").read_text() == f"{MARKER}# Index\n\nNotes: {roles.vault}, {roles.vault}.\n"
    assert target(roles, "scriber").read_text() == f"{MARKER}# Писарь {roles.vault}\n"
    assert (done["changed"], done["action"]) == (True, "written")
    assert done["detail"] == "v1.4.0: index written, scriber written"
    assert done["results"][0] == {
        "role": "index",
        "action": "written",
        "target": str(target(roles, "index")),
        "detail": "missing",
    }


def test_a_second_run_changes_nothing(roles: Place) -> None:
    ensure(roles)
    before = roles.snapshot()
    done = ensure(roles)
    assert (done["changed"], done["action"], done["diff"]) == (False, "already", [])
    assert [record["detail"] for record in done["results"]] == ["", ""]
    assert roles.snapshot() == before


def test_check_mode_tells_the_same_and_writes_nothing(roles: Place) -> None:
    roles.write(target(roles, "index"), "<!-- iapeer-memory doctrine v1.0.0 -->\n# Old\n")
    before = roles.snapshot()
    foretold = ensure(roles, check=True)
    assert roles.snapshot() == before
    assert foretold == ensure(roles)
    assert foretold["diff"][0]["before"] == "<!-- iapeer-memory doctrine v1.0.0 -->\n# Old\n"
    assert foretold["diff"][0]["after"] == f"{MARKER}# Index\n\nNotes: {roles.vault}, {roles.vault}.\n"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("<!-- iapeer-memory doctrine v1.3.0 -->\n# Index\n", "marker: v1.3.0, wanted v1.4.0"),
        (MARKER + "{{VAULT_PATH}}\n", "placeholder: {{VAULT_PATH}} is not replaced"),
        (MARKER + "edited\n", "text: differs from its template"),
        (b"\xef\xbb\xbf" + MARKER.encode() + b"\xff\r\n", "marker: none, wanted v1.4.0"),
        (" \n\t\n", "marker: none, wanted v1.4.0"),
        ("# index\n\n> An empty doctrine launches a bare peer. Write it.\n", "marker: none, wanted v1.4.0"),
    ],
)
def test_only_the_role_that_drifted_is_written(roles: Place, text: str | bytes, reason: str) -> None:
    ensure(roles)
    roles.write(target(roles, "index"), text, 0o600)
    done = ensure(roles)
    assert done["detail"] == "v1.4.0: index written, scriber already"
    assert done["results"][0]["detail"] == reason
    assert target(roles, "index").stat().st_mode & 0o777 == 0o600


def test_a_missing_template_fails_that_role_and_the_others_render(roles: Place) -> None:
    template = roles.config_dir / "templates" / "en" / "index.md"
    template.unlink()
    foretold = ensure(roles, check=True)
    done = ensure(roles)
    assert foretold == done
    assert (done["failed"], done["changed"], done["action"]) == (True, True, "failed")
    assert done["msg"] == f"index: {template}: missing template"
    assert not target(roles, "index").exists()
    assert target(roles, "scriber").exists()


@pytest.mark.parametrize(
    ("cwd", "message"),
    [
        ("gone", "missing"),
        ("file", "not a directory"),
    ],
)
def test_a_role_whose_folder_is_no_folder_fails_alone(roles: Place, cwd: str, message: str) -> None:
    roles.write(roles.base / "file", "")
    roles.manifest(index=roles.base / cwd, scriber=roles.peer("scriber"))
    done = ensure(roles)
    assert done["msg"] == f"index: {roles.base / cwd}: {message}"
    assert done["results"][1]["action"] == "written"


@pytest.mark.parametrize(
    ("cwd", "reason"),
    [
        ("here", "must be an absolute path, not 'here'"),
        ("/nul\0", r"is no valid text: '/nul\x00'"),
        ("/\ud800", r"is no valid text: '/\ud800'"),
    ],
)
def test_a_folder_that_is_no_absolute_path_fails_that_role_alone(roles: Place, cwd: str, reason: str) -> None:
    entries = [{"role": "index", "peerCwd": cwd, "template": "index.md"}]
    entries.append({"role": "scriber", "peerCwd": str(roles.peer("scriber")), "template": "scriber.md"})
    roles.write(roles.roles, json.dumps({"roles": entries}))
    done = ensure(roles)
    assert done["msg"] == f"index: peerCwd {reason}"
    assert done["results"][1]["action"] == "written"


@pytest.mark.parametrize("second", ["scriber", "index"])
def test_two_roles_never_overwrite_each_other(roles: Place, second: str) -> None:
    cwd = str(roles.peer("index"))
    entries = [{"role": role, "peerCwd": cwd, "template": f"{role}.md"} for role in ("index", second)]
    roles.write_json(roles.roles, {"roles": entries})
    foretold = ensure(roles, check=True)
    done = ensure(roles)
    assert foretold == done
    assert done["msg"] == f"{second}: {cwd}: shares its folder with index"
    assert "# Index" in target(roles, "index").read_text()
    assert not ensure(roles)["changed"]


def test_a_doctrine_that_is_a_folder_fails_that_role_alone(roles: Place) -> None:
    target(roles, "index").mkdir(parents=True)
    done = ensure(roles)
    assert "a directory stands where a file belongs" in done["msg"]
    assert target(roles, "scriber").is_file()


def test_a_folder_that_disappears_between_look_and_write_fails_that_role_alone(
    roles: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    apply = doctrines._apply

    def meddled(*arguments: Any) -> doctrines.Rendered:
        if roles.peer("index").exists() and not target(roles, "scriber").exists():
            roles.peer("index").rmdir()
        return apply(*arguments)

    monkeypatch.setattr(doctrines, "_apply", meddled)
    done = ensure(roles)
    assert done["msg"] == f"index: {roles.base / 'peers' / 'index'}: missing"
    assert [record["action"] for record in done["results"]] == ["failed", "written"]


def test_a_template_may_be_named_by_its_whole_path(roles: Place) -> None:
    own = roles.write(roles.base / "own.md", "# Own\n")
    entries = [{"role": "index", "peerCwd": str(roles.peer("index")), "template": str(own)}]
    roles.write_json(roles.roles, {"roles": entries})
    ensure(roles)
    assert target(roles, "index").read_text() == MARKER + "# Own\n"


def test_templates_are_those_of_the_hosts_language(roles: Place) -> None:
    roles.configure("IAPEER_MEMORY_LOCALE=ru")
    for name in ("index.md", "scriber.md"):
        roles.template(name, "# По-русски\n", locale="ru")
    ensure(roles)
    assert target(roles, "index").read_text() == MARKER + "# По-русски\n"


def test_a_template_about_to_be_written_counts_before_the_one_on_disk(roles: Place) -> None:
    foretold = ensure(roles, True, Ahead(templates={"index.md": "# New\n"}))
    roles.template("index.md", "# New\n")
    done = ensure(roles)
    assert foretold == done
    assert target(roles, "index").read_text() == MARKER + "# New\n"


def test_a_template_about_to_be_written_fills_a_gap(roles: Place) -> None:
    (roles.config_dir / "templates" / "en" / "index.md").unlink()
    assert "failed" not in ensure(roles, True, Ahead(templates={"index.md": "# New\n"}))


@pytest.mark.parametrize(
    "text",
    [
        "# My own index\n",
        b"\xff\xfe",
        "You are index.\n" + MARKER,
        "<!-- another doctrine v1.4.0 -->\n# Index\n",
        "<!-- IAPEER-MEMORY doctrine v1.4.0 -->\n",
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_a_doctrine_that_somebody_wrote_by_hand_fails_that_role_and_stays(
    roles: Place, text: str | bytes, check: bool
) -> None:
    own = roles.write(target(roles, "index"), text)
    before = own.read_bytes()
    done = ensure(roles, check)
    assert (done["failed"], done["action"], done["changed"]) == (True, "failed", True)
    assert done["msg"] == f"index: {own}: somebody's own doctrine (no marker of ours): left as it is"
    assert [record["action"] for record in done["results"]] == ["failed", "written"]
    assert own.read_bytes() == before
    assert target(roles, "scriber").exists() is not check


def test_bytes_that_are_not_utf8_pass_through(roles: Place) -> None:
    roles.template("index.md", b"# \xff {{VAULT_PATH}}\n")
    ensure(roles)
    assert target(roles, "index").read_bytes() == MARKER.encode() + b"# \xff " + str(roles.vault).encode() + b"\n"
    assert not ensure(roles)["changed"]


# The manifest


@pytest.mark.parametrize("check", [True, False])
def test_without_a_manifest_nothing_is_rendered(place: Place, check: bool) -> None:
    done = ensure(place, check)
    assert (done["changed"], done["action"], done["detail"]) == (False, "skipped", "no roles manifest")


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "has no list of roles"),
        ('{"roles": {}}', "has no list of roles"),
        ('{"roles": [5]}', "an entry lacks role, peerCwd or template"),
        ('{"roles": [{"role": "index", "peerCwd": "/x"}]}', "an entry lacks role, peerCwd or template"),
        ('{"roles": [{"role": "index", "peerCwd": "", "template": "x"}]}', "an entry lacks role, peerCwd or template"),
        ('{"roles": [{"role": 5, "peerCwd": "/x", "template": "x"}]}', "an entry lacks role, peerCwd or template"),
    ],
)
def test_a_malformed_manifest_is_one_clear_failure(place: Place, text: str, message: str, check: bool) -> None:
    place.write(place.roles, text)
    with pytest.raises(Problem) as problem:
        ensure(place, check)
    assert str(problem.value).startswith(f"{place.roles}: {message}")
    assert problem.value.kind == "malformed"


def test_a_manifest_without_roles_renders_none(place: Place) -> None:
    place.write(place.roles, '{"roles": []}')
    done = ensure(place)
    assert (done["changed"], done["action"], done["detail"]) == (False, "already", "v1.4.0: no roles")


def test_a_role_that_the_manifest_does_not_name_has_no_folder(roles: Place) -> None:
    manifest = read_manifest(roles.host())
    assert manifest.cwd_of("index") == str(roles.peer("index"))
    assert manifest.cwd_of("dreamweaver") == ""


# Options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"version": " "}, "version must be a version such as 1.4.0, not ''"),
        ({"version": "new"}, "version must be a version such as 1.4.0, not 'new'"),
        ({"version": "v1.4.0"}, "version must be a version such as 1.4.0, not 'v1.4.0'"),
        ({"version": "1.4.0 -->"}, "version must be a version such as 1.4.0, not '1.4.0 -->'"),
        ({"version": "\x1b[1m1.4.0"}, "version must be a version such as 1.4.0, not '\\x1b[1m1.4.0'"),
        ({"version": 1.1}, "version must be text, not the number 1.1: quote it, or 1.10 becomes 1.1"),
        ({"vault_path": "here"}, "vault_path must be an absolute path, not 'here'"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_a_wrong_option_is_one_clear_message_and_touches_nothing(
    roles: Place, options: dict[str, Any], message: str, check: bool
) -> None:
    before = roles.snapshot()
    with pytest.raises(Problem) as problem:
        ensure(roles, check, **options)
    assert str(problem.value) == message
    assert roles.snapshot() == before


@pytest.mark.parametrize("version", ["1.10", "1.4.0-rc.1+build.5", "7"])
def test_a_version_is_taken_as_it_is_written(roles: Place, version: str) -> None:
    assert ensure(roles, version=version)["detail"] == f"v{version}: index written, scriber written"
    assert target(roles, "index").read_text().startswith(f"<!-- iapeer-memory doctrine v{version} -->\n")


@pytest.mark.parametrize("given", [None, ""])
def test_without_a_version_it_is_what_the_binary_says(roles: Place, given: str | None) -> None:
    with transcript(call("iapeer-memory", "version", out="\x1b[1miapeer-memory\x1b[0m 1.10\n")) as egress:
        done = doctrines.ensure(roles.host(egress), {"version": given, "forms": "bundled"}, False)
    assert done.detail == "v1.10: index written, scriber written"


def test_the_version_of_a_binary_that_is_about_to_come_counts_first(roles: Place) -> None:
    done = doctrines.ensure(roles.host(), {}, True, Ahead(version="2.0.0"))
    assert done.detail == "v2.0.0: index written, scriber written"


@pytest.mark.parametrize(("answer", "refused"), [(call("", out="hm\n").outcome, False), (REFUSED, True)])
def test_a_binary_that_tells_no_version_is_one_clear_problem(roles: Place, answer: Any, refused: bool) -> None:
    with transcript(Call("iapeer-memory", ("version",), answer)) as egress, pytest.raises(Problem) as problem:
        doctrines.ensure(roles.host(egress), {"forms": "bundled"}, False)
    assert str(problem.value) == f"{roles.binary} tells no version: {answer.complaint}"
    assert problem.value.refused is refused
    assert not target(roles, "index").exists()


def test_a_vault_that_is_given_is_taken_even_where_none_is_configured(roles: Place) -> None:
    roles.config_file.unlink()
    with pytest.raises(Problem, match="not provisioned: IAPEER_MEMORY_VAULT_PATH is not set"):
        ensure(roles)
    ensure(roles, vault_path="/given")
    assert "/given, /given." in target(roles, "index").read_text()


def test_in_the_sandbox_a_live_peer_is_skipped_and_nothing_fails(place: Place) -> None:
    environ = place.environ(IAPEER_TEST_SANDBOX="1", IAPEER_MEMORY_VAULT_PATH=str(place.vault))
    live = place.home / ".claude" / "peer"
    live.mkdir(parents=True)
    state = place.base / "state"
    entry = {"role": "index", "peerCwd": str(live), "template": str(place.write(place.base / "t.md", "# X\n"))}
    place.write_json(state / "roles.json", {"roles": [entry]})
    sandbox = Sandbox(environ, real_home=str(place.home))
    for check in (True, False):
        host = place.host(environ=environ, sandbox=sandbox, state_dir=str(state))
        done = doctrines.ensure(host, {"version": "1"}, check).as_dict(True)
        assert (done["changed"], done["action"], done["results"][0]["action"]) == (False, "skipped", "skipped")
        assert "failed" not in done
    assert list(live.iterdir()) == []
