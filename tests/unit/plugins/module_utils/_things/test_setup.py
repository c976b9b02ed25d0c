# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first day of a host (contract §13): what is made, what is taken as it is, and who is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.folders import Folder
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.foresight import MODE, WRITE
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.first_day import InitForms
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.forms import LEARNED
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.shape import hole
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import Host, open_host
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.results import Result
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.gates import INSTALL, held_on_first_day
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.look import look
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import native_memory, setup
from ansible_collections.agfpd.iapeer_memory.tests.fixtures import core
from ansible_collections.agfpd.iapeer_memory.tests.unit.fakes import StandIn, StillClock, call, transcript
from ansible_collections.agfpd.iapeer_memory.tests.unit.looks import look as a_look
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place

UTILS = "ansible_collections.agfpd.iapeer_memory.plugins.module_utils"
ROLES = ("index", "scriber", "dreamweaver")
TEXT = f"# a first config\nIAPEER_MEMORY_VAULT_PATH={hole('vault')}\nIAPEER_MEMORY_LOCALE=ru\nIAPEER_MEMORY_MODE=lean\n"
CREATES = {role: ("create", role, "--description", f"the {role}") for role in ROLES}
INIT = InitForms(LEARNED, "", ("Канон", "Канон/sub", "Inbox"), {"Канон/read me.md": "hello\n"}, TEXT, CREATES)
BUNDLED = {"forms": "bundled"}


@pytest.fixture
def bare(place: Place) -> Iterator[Place]:
    """A host with a core, a provider that shows the first day above, and nothing of ours."""
    place.config_file.unlink()
    place.vault.rmdir()
    place.registry(place.row("alpha", "claude"))
    place.peer("alpha")
    peers = str(place.base / "peers")
    with mock.patch.object(setup, "learn_init", return_value=INIT), mock.patch.object(core, "PEERS", peers):
        yield place


def opened(place: Place, **environ: str) -> tuple[Host, StandIn]:
    """The host as a module opens it in this environment, with the stand-in core."""
    egress = StandIn(place.home, place.root, place.state)
    host = open_host({"iapeer_bin": "/fake/iapeer"}, {**place.environ(), **environ})
    return host._replace(egress=egress, clock=StillClock(0)), egress


def ensure(place: Place, check: bool = False, **options: Any) -> Result:
    """The module's work on the host as it is."""
    return setup.ensure(opened(place)[0], {**BUNDLED, "vault_path": str(place.vault), **options}, check)


def said(done: Result) -> dict[str, str]:
    """Thing to action."""
    return {item["thing"]: item["action"] for item in done.data["results"]}


def manifest(place: Place) -> dict[str, str]:
    """Role to folder, as the manifest says."""
    return {entry["role"]: entry["peerCwd"] for entry in json.loads(place.roles.read_text())["roles"]}


def files(place: Place) -> dict[str, Any]:
    """All that is on the disk, but for what every call of the core writes."""
    return place.snapshot("calls.jsonl")


def test_a_bare_host_gets_it_all_and_check_mode_tells_the_same(bare: Place) -> None:
    before = files(bare)
    foretold = ensure(bare, check=True)
    assert files(bare) == before
    done = ensure(bare)
    assert (done.changed, done.action, done.failure) == (True, "set_up", "")
    assert said(done) == {
        **{"vault": "made", "guide": "written", "config.env": "written"},
        **dict.fromkeys(ROLES, "created"),
        "manifest": "written",
    }
    assert (foretold.action, foretold.detail, foretold.diff) == (done.action, done.detail, done.diff)
    assert bare.config_file.read_text() == TEXT.replace(hole("vault"), str(bare.vault))
    assert bare.config_file.stat().st_mode & 0o777 == 0o600
    assert sorted(str(path.relative_to(bare.vault)) for path in bare.vault.rglob("*")) == [
        *("Inbox", "Канон", "Канон/read me.md", "Канон/sub"),
    ]
    assert manifest(bare) == {role: str(bare.base / "peers" / role) for role in ROLES}
    assert bare.guide.stat().st_mode & 0o777 == 0o644
    assert bare.guide.parent.stat().st_mode & 0o777 == 0o700


def test_a_second_run_changes_nothing_and_asks_no_provider(bare: Place) -> None:
    ensure(bare)
    after = files(bare)
    with mock.patch.object(setup, "learn_init", side_effect=AssertionError):
        again = ensure(bare)
    assert (again.changed, again.action, again.detail, list(again.diff)) == (False, "already", "set up already", [])
    assert files(bare) == after


@pytest.mark.parametrize(("at", "changed"), [("vault", False), ("config", True), ("manifest", True)])
def test_what_fails_half_way_says_whether_anything_was_made(bare: Place, at: str, changed: bool) -> None:
    apply = setup.apply

    def failing(*arguments: Any) -> None:
        if getattr(bare, {"config": "config_file", "manifest": "roles"}[at]) == Path(arguments[1].path):
            raise Problem("no space left on device")
        apply(*arguments)

    if at == "vault":
        broken = mock.patch(f"{UTILS}._things.vault.VaultPlan.make", side_effect=Problem("no space left on device"))
    else:
        broken = mock.patch.object(setup, "apply", side_effect=failing)
    with broken, pytest.raises(Problem, match="no space") as problem:
        ensure(bare)
    assert problem.value.changed is changed


def test_check_mode_makes_no_call_that_changes_anything(bare: Place) -> None:
    host, egress = opened(bare)
    setup.ensure(host, {**BUNDLED, "vault_path": str(bare.vault)}, True)
    assert {words[1:] for words in egress.calls} == {("list", "--json")}


@pytest.mark.parametrize("there", ["a note", "a folder of its owner's", "a file in a folder of the provider's"])
def test_a_vault_that_holds_anything_is_taken_as_it_is(bare: Place, there: str) -> None:
    path = {"a note": "note.md", "a folder of its owner's": "mine/x", "a file in a folder of the provider's": "Inbox/x"}
    bare.write(bare.vault / path[there], "x")
    names = sorted(bare.vault.rglob("*"))
    done = ensure(bare)
    assert "vault" not in said(done)
    assert sorted(bare.vault.rglob("*")) == names
    assert bare.config_file.exists()


@pytest.mark.parametrize("there", [[], ["Inbox"], ["Inbox", "Канон", "Канон/sub"]])
def test_a_vault_that_a_killed_run_left_half_made_is_completed(bare: Place, there: list[str]) -> None:
    for name in ["", *there]:
        (bare.vault / name).mkdir()
    assert said(ensure(bare))["vault"] == "made"
    assert (bare.vault / "Канон" / "read me.md").read_text() == "hello\n"


def test_a_config_that_is_there_is_never_written_again(bare: Place) -> None:
    other = bare.base / "other"
    other.mkdir()
    text = f"# mine\nIAPEER_MEMORY_VAULT_PATH='{other}'\n"
    bare.write(bare.config_file, text, 0o644)
    done = ensure(bare)
    assert set(said(done)) == {"guide", *ROLES, "manifest"}
    assert bare.config_file.read_text() == text
    assert not bare.vault.exists()
    assert list(other.iterdir()) == []


def test_a_config_that_is_a_link_is_written_where_it_leads(bare: Place) -> None:
    target = bare.base / "dotfiles" / "config.env"
    target.parent.mkdir()
    bare.config_file.parent.mkdir(parents=True, exist_ok=True)
    bare.config_file.symlink_to(target)
    ensure(bare)
    assert bare.config_file.is_symlink()
    assert "IAPEER_MEMORY_LOCALE=ru" in target.read_text()


def test_a_config_whose_vault_is_gone_is_named_and_nothing_made(bare: Place) -> None:
    bare.write(bare.config_file, "IAPEER_MEMORY_VAULT_PATH=/nowhere/vault\n")
    before = files(bare)
    with pytest.raises(Problem, match=r"not provisioned: the vault /nowhere/vault .* is not an existing directory"):
        ensure(bare)
    assert files(bare) == before


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"vault_path": None}, "no vault: name the folder for the notes in vault_path"),
        ({"vault_path": "here"}, "vault_path must be an absolute path, not 'here'"),
    ],
)
def test_without_a_vault_nothing_is_made(bare: Place, options: dict[str, Any], words: str) -> None:
    before = files(bare)
    for check in (True, False):
        with pytest.raises(Problem, match=words):
            ensure(bare, check, **options)
    assert files(bare) == before


def test_what_the_environment_says_counts_on_the_first_day_as_on_any_later_one(bare: Place) -> None:
    environ = {"IAPEER_MEMORY_MODE": "curated", "IAPEER_MEMORY_PROACTIVE_DREAMWEAVER": "0"}
    environ["IAPEER_MEMORY_MCP_PORT"] = "9000"
    foretold = setup.first_day(opened(bare, **environ)[0], {**BUNDLED, "vault_path": str(bare.vault)}).host.config
    ensure(bare)
    later = opened(bare, **environ)[0].config
    assert foretold == later
    assert (later.mode, later.dream, later.mcp_port, later.locale) == ("curated", False, 9000, "ru")


def test_what_the_environment_makes_of_no_use_is_named_and_nothing_made(bare: Place) -> None:
    host, _egress = opened(bare, IAPEER_MEMORY_EMBEDDING_PROVIDER="bogus")
    before = files(bare)
    for check in (True, False):
        with pytest.raises(Problem, match="bogus"):
            setup.ensure(host, {**BUNDLED, "vault_path": str(bare.vault)}, check)
    assert files(bare) == before


def test_something_else_in_the_vaults_place_is_named(bare: Place) -> None:
    bare.write(bare.vault, "a file\n")
    for check in (True, False):
        with pytest.raises(Problem, match="not a directory"):
            ensure(bare, check)
    assert not bare.config_file.exists()


def test_without_a_core_nothing_is_made(bare: Place) -> None:
    host, egress = opened(bare)
    egress.present = ()
    before = files(bare)
    with pytest.raises(Problem, match="the core is missing"):
        setup.ensure(host, {**BUNDLED, "vault_path": str(bare.vault)}, False)
    assert files(bare) == before


# Role peers


def test_a_peer_of_somebodys_own_is_refused_by_name_and_not_touched(bare: Place) -> None:
    bare.registry(bare.row("scriber", "claude"), bare.row("index", "claude"))
    own = bare.write(bare.peer("scriber") / ".iapeer" / "IAPEER.md", "# I am the scriber of our house\n")
    blank = bare.write(bare.peer("index") / ".iapeer" / "IAPEER.md", "<!-- An empty doctrine launches a bare peer -->")
    before = {path: path.read_bytes() for path in (own, blank)}
    foretold, done = ensure(bare, check=True), ensure(bare)
    reason = "somebody's own peer has the name scriber (its doctrine is none of ours): nothing of it is touched"
    for result in (foretold, done):
        assert (result.action, result.failure) == ("failed", f"scriber: {own}: {reason}")
        assert said(result)["dreamweaver"] == "created"
    assert {path: path.read_bytes() for path in before} == before
    assert list((bare.peer("scriber") / ".iapeer").iterdir()) == [own]
    assert set(manifest(bare)) == {"index", "dreamweaver"}
    again = ensure(bare)
    assert (again.changed, again.failed) == (False, True)


def test_a_role_that_the_manifest_has_is_left_alone(bare: Place) -> None:
    rows = [bare.row(role, "claude") for role in ROLES]
    bare.registry(*rows)
    value = {"note": 1, "roles": [{"role": r, "peerCwd": f"/p/{r}", "template": f"{r}.md", "x": r} for r in ROLES]}
    bare.write_json(bare.roles, value)
    before = bare.roles.read_bytes()
    done = ensure(bare)
    assert set(said(done)) == {"vault", "guide", "config.env"}
    assert bare.roles.read_bytes() == before


def test_a_role_that_the_registry_lost_is_made_anew_and_its_entry_follows(bare: Place) -> None:
    rows = [bare.row(role, "claude") for role in ROLES[:2]]
    bare.registry(*rows)
    entries = [{"role": role, "peerCwd": f"/p/{role}", "template": f"{role}.md"} for role in (*ROLES, "gardener")]
    bare.write_json(bare.roles, {"note": 1, "roles": entries})
    assert said(ensure(bare))["dreamweaver"] == "created"
    assert json.loads(bare.roles.read_text())["note"] == 1
    assert manifest(bare) == {
        **{"index": "/p/index", "scriber": "/p/scriber", "gardener": "/p/gardener"},
        "dreamweaver": str(bare.base / "peers" / "dreamweaver"),
    }
    assert not ensure(bare).changed


@pytest.mark.parametrize("text", ["{", "[]", '{"roles": [{"role": "index"}]}'])
def test_a_manifest_that_is_none_is_made_anew(bare: Place, text: str) -> None:
    bare.write(bare.roles, text)
    assert not ensure(bare).failed
    assert set(manifest(bare)) == set(ROLES)


def test_a_core_that_makes_no_peer_is_told_and_the_others_follow(bare: Place) -> None:
    bare.write_json(bare.root / "faults.json", {"create": {"exit": 3, "stderr": "no more names\n", "match": "scriber"}})
    done = ensure(bare)
    assert (done.failure, done.changed) == ("scriber: the core failed (exit code 3): no more names", True)
    assert set(manifest(bare)) == {"index", "dreamweaver"}
    bare.write_json(bare.root / "faults.json", {"create": {"ignore": True}})
    assert "scriber: the core took the call, but its registry does not show the peer" in ensure(bare).failure


# Guide and native memory


def test_the_guide_is_made_only_where_it_is_wanted_and_no_memory_is_declared(bare: Place) -> None:
    ensure(bare, guide=False)
    assert not bare.guide.exists()
    bare.write_json(bare.slot, {"provider": "iapeer-memory"})
    assert not ensure(bare).changed
    bare.slot.unlink()
    done = ensure(bare, templates={"guide.md": "notes are in {{VAULT_PATH}}\n"})
    assert said(done) == {"guide": "written"}
    assert bare.guide.read_text() == f"notes are in {bare.vault}\n"


@pytest.mark.parametrize("way", ["out", "in", "file"])
def test_what_stands_in_the_guides_way_is_foreseen(bare: Place, way: str) -> None:
    """It is written from the folder above its own, and looked at from there too."""
    folder = bare.guide.parent
    if way == "file":
        folder.write_text("theirs")
    else:
        target = (bare.base if way == "out" else bare.root) / "elsewhere"
        target.mkdir()
        folder.symlink_to(target)
    before = files(bare)
    told = []
    for check in (True, False):
        try:
            told.append(ensure(bare, check).detail)
        except Problem as problem:
            told.append(str(problem))
            assert files(bare) == before
    assert told[0] == told[1]
    assert ("guide written" in told[0]) == (way == "in")


def test_a_folder_of_the_guide_that_may_not_get_its_mode_is_foreseen(
    bare: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As one that belongs to somebody else: everybody may write there, and nobody but the owner closes it."""
    bare.guide.parent.mkdir()
    looked = Folder.foresee

    def closed(folder: Folder, name: str, change: str = WRITE) -> None:
        if change == MODE and folder.path(name) == str(bare.guide.parent):
            raise Problem("belongs to another account: operation not permitted", folder.path(name), "unreadable")
        looked(folder, name, change)

    monkeypatch.setattr(Folder, "foresee", closed)
    before = files(bare)
    for check in (True, False):
        with pytest.raises(Problem, match="fragments: belongs to another account"):
            ensure(bare, check)
        assert files(bare) == before


def test_native_memory_is_switched_by_the_core_and_a_core_that_cannot_is_only_told(place: Place) -> None:
    with transcript(call("iapeer", "native-memory", "off", "--all")) as egress:
        done = native_memory.ensure(place.host(egress), {"enabled": False}, False)
    assert (done.changed, done.action) == (True, "switched_off")
    with transcript(call("iapeer", "native-memory", "on", "--all", rc=2, err="unknown command")) as egress:
        done = native_memory.ensure(place.host(egress), {"enabled": True}, False)
    assert (done.changed, done.action, done.failed) == (False, "skipped", False)
    assert "could not be switched on: the core failed (exit code 2): unknown command" in done.detail
    assert native_memory.ensure(place.host(), {"enabled": False}, True).changed


# The look


def test_what_holds_the_first_day_back() -> None:
    def statuses(found: dict[str, Any], **done: str) -> dict[str, str]:
        told = {name: held_on_first_day(name, found, done) for name in INSTALL.order}
        return {name: reason.status for name, reason in told.items() if reason}

    others = [name for name in INSTALL.order if name not in ("binary", "forms", "setup")]
    assert statuses(a_look()) == {}
    assert statuses(a_look("foreign")) == {**dict.fromkeys(INSTALL.order, "skip"), "slot": "fail"}
    assert statuses(a_look(config={"ok": False, "problem": "no vault"})) == dict.fromkeys(others, "skip")
    assert set(statuses(a_look(version="", binary={"problem": "no binary"}))) == {"setup", *others}
    counted_on = a_look(config={"ok": True, "problem": "", "foreseen": True})
    assert statuses(counted_on, setup="changed") == {}
    assert statuses(counted_on, setup="fail") == dict.fromkeys(others, "skip"), "there is no config.env"
    assert statuses(a_look(), setup="fail") == {}, "there is one"


def test_a_look_at_a_bare_host_foretells_every_step_and_changes_nothing(bare: Place) -> None:
    host, egress = opened(bare)
    before = files(bare)
    options = {**BUNDLED, "playbook": "install", "version": "1.4.0", "vault_path": str(bare.vault), "lock_timeout": 5}
    found = look(host, options, True).data
    assert files(bare) == before
    assert {words[1] for words in egress.calls} <= {"list", "version"}
    changed = [name for name in INSTALL.order if found["steps"][name]["changed"]]
    assert changed == [
        *("setup", "native-memory", "templates", "doctrines", "wake-policy", "fleet", "surfaces", "slot", "launcher"),
        "triggers",
    ]
    assert not [name for name in INSTALL.order if found["steps"][name].get("failed") and name != "binary"]
    assert (found["config"]["vault_path"], found["config"]["locale"]) == (str(bare.vault), "ru")
    assert found["config"]["foreseen"] is True


def test_a_look_counts_on_no_config_where_setup_is_foretold_to_fail(bare: Place) -> None:
    bare.write(bare.base / "file", "")
    options = {**BUNDLED, "playbook": "install", "version": "1.4.0", "vault_path": str(bare.base / "file")}
    found = look(opened(bare)[0], options, True).data
    assert "not a directory" in found["steps"]["setup"]["msg"]
    assert found["config"]["ok"] is False
    others = [name for name in INSTALL.order if name not in ("binary", "forms", "setup")]
    assert {found["steps"][name]["detail"] for name in others} == {"not set up: see setup"}


def test_a_guide_that_is_there_already_is_looked_at_as_by_update(bare: Place) -> None:
    ensure(bare)
    bare.write(bare.guide, "an old one\n")
    options = {**BUNDLED, "playbook": "install", "version": "1.4.0", "vault_path": str(bare.vault), "lock_timeout": 5}
    found = look(opened(bare)[0], {**options, "templates": {"guide.md": "a new one\n"}}, True).data["steps"]
    assert (found["setup"]["action"], found["guide"]["action"]) == ("already", "written")


def test_a_look_without_a_vault_says_so_at_setup_and_nothing_else_fails(bare: Place) -> None:
    host, _egress = opened(bare)
    found = look(host, {**BUNDLED, "playbook": "install", "version": "1.4.0"}, True).data
    assert "no vault: name the folder" in found["steps"]["setup"]["msg"]
    failed = [name for name in INSTALL.order if found["steps"][name].get("failed")]
    assert failed in (["binary", "setup"], ["setup"])
    assert found["steps"]["templates"]["detail"] == "not set up: see setup"


def test_paths_are_those_of_the_operator(bare: Place, tmp_path: Path) -> None:
    done = ensure(bare, vault_path=str(tmp_path / "a b" / "c"))
    assert said(done)["vault"] == "made"
    assert os.path.isdir(tmp_path / "a b" / "c" / "Inbox")
