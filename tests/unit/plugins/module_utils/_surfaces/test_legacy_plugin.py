# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The v1.1 plugin and how it goes (contract §6)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import Egress, Outcome
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces import legacy_plugin
from ansible_collections.agfpd.iapeer_memory.tests.unit.fakes import (
    MISSING,
    PLUGIN,
    REFUSED,
    Call,
    StandIn,
    Transcript,
    call,
    transcript,
)
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place

LIST = call("iapeer", "list", "--json", out="[]")
OFF = ("memory-plugin", "off", "--all")
UNINSTALL = ("plugin", "uninstall", PLUGIN, "--scope", "project")
REMOVE = ("plugin", "remove", PLUGIN)
NOT_FOUND = f'Plugin "{PLUGIN}" not found in installed plugins'
SETTINGS = '{"z": 1, "enabledPlugins": {"' + PLUGIN + '": true, "other@x": true},\n  "hooks": {"NewEvent": []}}\n'
CLEAN = '{"z": 1, "enabledPlugins": {"other@x": true},\n  "hooks": {"NewEvent": []}}\n'
CODEX = f'model = "x"\n\n[plugins."{PLUGIN}"]\nenabled = true\n'


@pytest.fixture
def legacy(place: Place) -> Place:
    """A v1.1 host with two Claude peers that have the plugin, one Codex peer, and the plugin in Codex's own config."""
    block = {"name": "iapeer-memory", "marketplace": "agfpd"}
    place.write_json(place.slot, {"provider": "iapeer-memory", "version": "1.1.0", "plugin": block})
    place.fleet(alpha=["claude"], beta=["claude", "codex"], gamma=["codex"], delta=["claude"])
    for name in ("alpha", "beta"):
        place.write(settings(place, name), SETTINGS)
    place.write(place.codex_home / "config.toml", CODEX)
    place.registry(place.row("alpha", "claude"), place.row("beta", "claude", "codex"))
    return place


def settings(place: Place, name: str) -> Path:
    """The settings of a peer."""
    return place.peer(name) / ".claude" / "settings.json"


def installed(place: Place, *folders: Path, junk: tuple[Any, ...] = ()) -> Path:
    """Claude Code's own list of installed plugins."""
    rows: list[Any] = [{"scope": "project", "projectPath": str(folder)} for folder in folders]
    listed = place.home / ".claude" / "plugins" / "installed_plugins.json"
    return place.write_json(listed, {"version": 2, "plugins": {PLUGIN: [*rows, *junk]}})


def ensure(place: Place, egress: Egress, check: bool = False, **options: Any) -> dict[str, Any]:
    """The module's work."""
    return legacy_plugin.ensure(place.host(egress), {"method": "auto", **options}, check).as_dict(True)


def removed(done: dict[str, Any]) -> list[str]:
    """Whom it was removed from."""
    return [record["personality"] or record["runtime"] for record in done["results"] if record["action"] == "removed"]


def uninstall(place: Place, name: str, **more: Any) -> Call:
    """The call of Claude Code for one peer."""
    return Call("claude", UNINSTALL, more.pop("outcome", Outcome(0)), str(place.peer(name)), **more)


# Where it is seen


def test_it_is_seen_in_settings_in_claudes_own_list_and_in_codex(legacy: Place) -> None:
    installed(legacy, legacy.peer("delta"), legacy.base / "elsewhere", junk=({"scope": "user"}, 7))
    traces = legacy_plugin.find_traces(legacy.host(), legacy_plugin.read_fleet(legacy.host()).peers)
    assert [(trace.personality, trace.runtime) for trace in traces] == [
        ("alpha", "claude"),
        ("beta", "claude"),
        ("delta", "claude"),
        ("", "codex"),
    ]


@pytest.mark.parametrize("text", ["{", "[]", '{"enabledPlugins": []}', '{"enabledPlugins": {"other": true}}'])
def test_settings_that_tell_nothing_are_no_trace(legacy: Place, text: str) -> None:
    legacy.write(settings(legacy, "alpha"), text)
    peers = legacy_plugin.read_fleet(legacy.host()).peers
    assert [trace.personality for trace in legacy_plugin.find_traces(legacy.host(), peers)] == ["beta", ""]


@pytest.mark.parametrize("text", ["{", "[]", '{"plugins": []}', '{"plugins": {"' + PLUGIN + '": 5}}'])
def test_a_list_of_claude_that_tells_nothing_is_no_trace(legacy: Place, text: str) -> None:
    legacy.write(legacy.home / ".claude" / "plugins" / "installed_plugins.json", text)
    assert len(legacy_plugin.find_traces(legacy.host(), legacy_plugin.read_fleet(legacy.host()).peers)) == 3


# When there is nothing to do


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("slot", "action", "detail"),
    [
        (None, "absent", "nothing to do: the slot is not in the v1.1 form"),
        ({"provider": "iapeer-memory", "provision": {}}, "absent", "nothing to do: the slot is not in the v1.1 form"),
        ({"provider": "other"}, "skipped", "the slot is held by other: not our fleet"),
    ],
)
def test_another_slot_means_nothing_to_do_and_nobody_is_asked(
    legacy: Place, slot: Any, action: str, detail: str, check: bool
) -> None:
    legacy.slot.unlink() if slot is None else legacy.write_json(legacy.slot, slot)
    done = ensure(legacy, Transcript(), check)
    assert (done["changed"], done["action"], done["detail"], done["diff"]) == (False, action, detail, [])


def test_a_foreign_fleet_is_not_ours_even_by_hand(legacy: Place) -> None:
    legacy.write_json(legacy.slot, {"provider": "other"})
    assert ensure(legacy, Transcript(), method="native")["action"] == "skipped"


# By the core


def test_the_core_sweeps_it_off_while_the_old_slot_is_there(legacy: Place) -> None:
    egress = StandIn(legacy.home, legacy.root, legacy.state)
    done = ensure(legacy, egress)
    assert (done["changed"], done["action"]) == (True, "removed")
    assert removed(done) == ["alpha", "beta", "codex"]
    assert done["detail"] == "removed from alpha, beta, codex"
    assert ("iapeer", *OFF) in egress.calls
    again = ensure(legacy, egress)
    assert (again["changed"], again["results"], again["diff"]) == (False, [], [])
    assert again["detail"] == "the plugin is seen nowhere; the core was asked all the same"


def test_what_the_core_left_is_told(legacy: Place) -> None:
    with transcript(LIST, call("iapeer", *OFF)) as egress:
        done = ensure(legacy, egress)
    assert {record["action"] for record in done["results"]} == {"left"}
    assert "still seen in alpha, beta, codex" in done["detail"]


@pytest.mark.parametrize("method", ["auto", "core"])
@pytest.mark.parametrize(
    ("outcome", "message", "kind"),
    [
        (Outcome(1, "", "plugin host is busy"), "the core failed (exit code 1): plugin host is busy", "failed"),
        (Outcome(124, "", "no answer"), "the core failed (exit code 124): no answer", "failed"),
        (MISSING, "the core is missing: no /fake/iapeer", "missing"),
        (REFUSED, "refused by the sandbox: iapeer was not named", "refused"),
    ],
)
def test_a_core_that_fails_is_a_failure_and_no_reason_for_another_way(
    legacy: Place, outcome: Outcome, message: str, kind: str, method: str
) -> None:
    before = legacy.snapshot()
    with transcript(LIST, Call("iapeer", OFF, outcome)) as egress, pytest.raises(Problem) as problem:
        ensure(legacy, egress, method=method)
    assert (str(problem.value), problem.value.kind) == (message, kind)
    assert legacy.snapshot() == before


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("outcome", "message"),
    [(MISSING, "the core is missing"), (REFUSED, "refused by the sandbox"), (Outcome(0, "{}"), "that is not an array")],
)
def test_a_core_that_cannot_list_its_peers_is_found_out_in_check_mode_too(
    legacy: Place, outcome: Outcome, message: str, check: bool
) -> None:
    with transcript(Call("iapeer", ("list", "--json"), outcome)) as egress, pytest.raises(Problem, match=message):
        ensure(legacy, egress, check)


def test_check_mode_says_where_it_would_go_and_calls_nothing_that_writes(legacy: Place) -> None:
    before = legacy.snapshot()
    with transcript(LIST) as egress:
        foretold = ensure(legacy, egress, check=True)
    assert legacy.snapshot() == before
    done = ensure(legacy, StandIn(legacy.home, legacy.root, legacy.state))
    assert foretold == done
    assert done["diff"][0]["before"] == f"alpha: {PLUGIN}\nbeta: {PLUGIN}\ncodex: {PLUGIN}\n"
    assert done["diff"][0]["after"] == ""


# By hand


@pytest.mark.parametrize(
    "complaint",
    [
        "unknown command: memory-plugin",
        "error: unrecognized subcommand 'memory-plugin'",
        "Unknown verb memory-plugin",
        "no such command: memory-plugin",
    ],
)
def test_a_core_without_the_verb_leaves_it_to_the_clients(legacy: Place, complaint: str) -> None:
    lacks = Call("iapeer", OFF, Outcome(2, "", complaint))
    remove = Call("codex", REMOVE, Outcome(0, "Removed plugin"))
    with transcript(LIST, lacks, uninstall(legacy, "alpha"), uninstall(legacy, "beta"), remove) as egress:
        done = ensure(legacy, egress)
    assert removed(done) == ["alpha", "beta", "codex"]


def test_the_method_core_does_not_fall_back(legacy: Place) -> None:
    lacks = Call("iapeer", OFF, Outcome(2, "", "unknown command: memory-plugin"))
    with transcript(LIST, lacks) as egress, pytest.raises(Problem, match="unknown command: memory-plugin"):
        ensure(legacy, egress, method="core")


def test_settings_are_put_back_byte_by_byte_less_our_key(legacy: Place) -> None:
    installed(legacy, legacy.peer("alpha"), legacy.peer("beta"))
    settings(legacy, "alpha").chmod(0o600)
    egress = StandIn(legacy.home, legacy.root, legacy.state, ("claude", "codex"))
    done = ensure(legacy, egress, method="native")
    assert removed(done) == ["alpha", "beta", "codex"]
    for name in ("alpha", "beta"):
        assert settings(legacy, name).read_text() == CLEAN
    assert settings(legacy, "alpha").stat().st_mode & 0o777 == 0o600
    assert (legacy.codex_home / "config.toml").read_text() == 'model = "x"\n\n'
    assert not ensure(legacy, egress, method="native")["changed"]
    assert not (legacy.state / "provision.lock.d").exists()


@pytest.mark.parametrize(
    "outcome", [Outcome(1, "", NOT_FOUND), Outcome(1, f'Plugin "{PLUGIN}" is not installed in project scope', "")]
)
def test_a_plugin_that_is_enabled_but_not_installed_loses_its_key(legacy: Place, outcome: Outcome) -> None:
    first = uninstall(legacy, "alpha", outcome=outcome)
    with transcript(first, uninstall(legacy, "beta"), call("codex", *REMOVE)) as egress:
        assert removed(ensure(legacy, egress, method="native")) == ["alpha", "beta", "codex"]
    assert settings(legacy, "alpha").read_text() == CLEAN


def test_what_a_killed_run_kept_is_put_back_by_the_next(legacy: Place) -> None:
    kept = settings(legacy, "alpha").with_name("settings.json.kept-by-iapeer-memory")
    kept.write_text(CLEAN)
    kept.chmod(0o600)
    settings(legacy, "alpha").write_text("{}")  # what the client had made of it
    first = uninstall(legacy, "alpha", outcome=Outcome(1, "", NOT_FOUND))
    with transcript(first, uninstall(legacy, "beta"), call("codex", *REMOVE)) as egress:
        assert removed(ensure(legacy, egress, method="native")) == ["alpha", "beta", "codex"]
    assert settings(legacy, "alpha").read_text() == CLEAN
    assert settings(legacy, "alpha").stat().st_mode & 0o777 == 0o600
    assert not kept.exists()


def test_a_client_that_fails_for_one_peer_fails_that_peer_alone(legacy: Place) -> None:
    first = uninstall(legacy, "alpha", outcome=Outcome(1, "", "disk full"))
    with transcript(first, uninstall(legacy, "beta"), call("codex", *REMOVE)) as egress:
        done = ensure(legacy, egress, method="native")
    assert (done["failed"], done["changed"], done["action"]) == (True, True, "failed")
    cwd = legacy.peer("alpha")
    assert done["msg"] == f"the plugin could not be removed: alpha: {cwd}: /fake/claude: disk full"
    assert settings(legacy, "alpha").read_text() == SETTINGS
    assert removed(done) == ["beta", "codex"]


@pytest.mark.parametrize("check", [True, False])
def test_settings_that_cannot_be_edited_are_left_and_the_client_is_not_run(legacy: Place, check: bool) -> None:
    installed(legacy, legacy.peer("alpha"))
    legacy.write(settings(legacy, "alpha"), "{ // mine\n}")
    calls = [uninstall(legacy, "beta"), call("codex", *REMOVE)]
    if check:
        calls = [call("claude", "--version"), call("codex", "--version")]
    with transcript(*calls) as egress:
        done = ensure(legacy, egress, check, method="native")
    assert removed(done) == ["beta", "codex"]
    assert done["failed"]
    assert settings(legacy, "alpha").read_text() == "{ // mine\n}"


@pytest.mark.parametrize("check", [True, False])
def test_a_client_that_is_missing_is_found_out_in_check_mode_too(legacy: Place, check: bool) -> None:
    egress = StandIn(legacy.home, legacy.root, legacy.state, ())
    done = ensure(legacy, egress, check, method="native")
    assert (done["changed"], done["failed"]) == (False, True)
    assert "alpha: " in done["msg"]
    assert "claude: no such program" in done["msg"]


@pytest.mark.parametrize("check", [True, False])
def test_a_refused_client_is_a_refusal(legacy: Place, check: bool) -> None:
    first = Call("claude", ("--version",), REFUSED) if check else uninstall(legacy, "alpha", outcome=REFUSED)
    second = [Call("codex", ("--version",), REFUSED)] if check else []
    with transcript(first, *second) as egress, pytest.raises(Problem) as problem:
        ensure(legacy, egress, check, method="native")
    assert problem.value.refused


def test_clients_that_are_given_are_called(legacy: Place) -> None:
    egress = Transcript(
        Call("my-claude", UNINSTALL, Outcome(0), str(legacy.peer("alpha"))),
        Call("my-claude", UNINSTALL, Outcome(0), str(legacy.peer("beta"))),
        call("my-codex", *REMOVE),
    )
    ensure(legacy, egress, method="native", claude_bin="/x/my-claude", codex_bin="/x/my-codex")
    egress.done()


@pytest.mark.parametrize("form", ["absent", "v1_2"])
def test_by_hand_it_cleans_up_after_a_migration(legacy: Place, form: str) -> None:
    legacy.slot.unlink()
    if form == "v1_2":
        legacy.write_json(legacy.slot, {"provider": "iapeer-memory", "provision": {}})
    egress = StandIn(legacy.home, legacy.root, legacy.state, ("claude", "codex"))
    assert removed(ensure(legacy, egress, method="native")) == ["alpha", "beta", "codex"]


def test_settings_made_by_the_client_where_there_were_none_stay(legacy: Place) -> None:
    installed(legacy, legacy.peer("delta"))
    fresh = settings(legacy, "delta")

    def effect() -> None:
        legacy.write_json(fresh, {"enabledPlugins": {}})

    calls = [uninstall(legacy, "alpha"), uninstall(legacy, "beta"), uninstall(legacy, "delta", effect=effect)]
    with transcript(*calls, call("codex", *REMOVE)) as egress:
        ensure(legacy, egress, method="native")
    assert json.loads(fresh.read_text()) == {"enabledPlugins": {}}
