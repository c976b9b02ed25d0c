# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The v1.1 plugin and how it goes (contract §6)."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import Egress, Outcome
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.core import Peer
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces import hooks, legacy_plugin, peers
from ansible_collections.agfpd.iapeer_memory.tests.unit.fakes import (
    MISSING,
    PLUGIN,
    REFUSED,
    Call,
    StandIn,
    StillClock,
    Transcript,
    call,
    transcript,
)
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place

LIST = call("iapeer", "list", "--json", out="[]")
OFF = ("memory-plugin", "off", "--all")
UNINSTALL = ("plugin", "uninstall", PLUGIN, "--scope", "project")
REMOVE = ("plugin", "remove", PLUGIN)
V1_2 = {"provider": "iapeer-memory", "provision": {}}
NOT_FOUND = f'Plugin "{PLUGIN}" not found in installed plugins'
SETTINGS = '{"z": 1, "enabledPlugins": {"' + PLUGIN + '": true, "other@x": true},\n  "hooks": {"NewEvent": []}}\n'
CLEAN = '{"z": 1, "enabledPlugins": {"other@x": true},\n  "hooks": {"NewEvent": []}}\n'
CODEX = f'model = "x"\n\n[plugins."{PLUGIN}"]\nenabled = true\n'


# What a client may have made of SETTINGS when it was ended, and what it never would.
LEFT_BY_THE_CLIENT = (
    json.dumps({"enabledPlugins": {"other@x": True}, "hooks": {}, "z": 1}, indent=2),
    "{}",
    '{"permissions": {}}\n',
    SETTINGS,
    CLEAN,
)
WRITTEN_SINCE = (
    CLEAN.replace('"z": 1', '"z": 2'),
    CLEAN.replace('"z": 1', '"z": 1, "model": "mine"'),
    SETTINGS.replace('"z": 1', '"z": 1, "model": "mine"'),
    '{"enabledPlugins": {"other@x": false}}',
    '{"enabledPlugins": {}, "hooks": {"NewEvent": [{"hooks": [{"type": "command", "command": "/mine.sh"}]}]}}',
    None,
)


def keep_aside(place: Place, name: str, now: str | None) -> Path:
    """What a killed run kept of the settings of a peer, which say now what they say."""
    kept = settings(place, name).with_name("settings.json.kept-by-iapeer-memory")
    kept.write_text(CLEAN)
    if now is None:
        settings(place, name).unlink()
    else:
        settings(place, name).write_text(now)
    return kept


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


def test_a_folder_whose_name_did_not_come_through_is_not_one_without_the_plugin(legacy: Place) -> None:
    peers = (Peer("odd", str(legacy.base / "b\ufffdd"), ("claude",)), Peer("gone", "/gone", ("claude",)))
    traces = [trace for trace in legacy_plugin.find_traces(legacy.host(), peers) if trace.personality]
    reason = f"{peers[0].cwd}: its name did not come through as text"
    assert [(trace.personality, trace.unseen) for trace in traces] == [("odd", reason)]


@pytest.mark.parametrize("spelled", ["ALPHA", "by a link", "gone"])
def test_claudes_own_list_may_spell_a_folder_otherwise(
    legacy: Place, monkeypatch: pytest.MonkeyPatch, spelled: str
) -> None:
    """On a Mac one folder has many names: letters of another case, other normal forms, /var that is /private/var."""
    alpha = legacy.peer("alpha")
    settings(legacy, "alpha").unlink()
    other = alpha.with_name(spelled)
    if spelled == "by a link":
        other.symlink_to(alpha)
    plain = os.stat

    def caseless(path: Any, **more: Any) -> os.stat_result:
        found = alpha if not isinstance(path, int) and os.fsdecode(path) == str(alpha.with_name("ALPHA")) else path
        return plain(found, **more)

    monkeypatch.setattr(os, "stat", caseless)
    installed(legacy, other)
    traces = legacy_plugin.find_traces(legacy.host(), legacy_plugin.read_fleet(legacy.host()).peers)
    assert [trace.personality for trace in traces] == [*(["alpha"] if spelled != "gone" else []), "beta", ""]


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
    ("method", "slot", "action", "detail"),
    [
        ("core", None, "absent", "nothing to do: the slot is not in the v1.1 form"),
        ("core", V1_2, "absent", "nothing to do: the slot is not in the v1.1 form"),
        ("core", {"provider": "ot\x1b[2Jher"}, "skipped", r"the slot is held by ot\x1b[2Jher: not our fleet"),
        ("auto", {"provider": "other"}, "skipped", "the slot is held by other: not our fleet"),
    ],
)
def test_another_slot_means_nothing_to_do_and_nobody_is_asked(
    legacy: Place, method: str, slot: Any, action: str, detail: str, check: bool
) -> None:
    legacy.slot.unlink() if slot is None else legacy.write_json(legacy.slot, slot)
    done = ensure(legacy, Transcript(), check, method=method)
    assert (done["changed"], done["action"], done["detail"], done["diff"]) == (False, action, detail, [])
    assert done["results"] == []


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("method", ["auto", "core", "native"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"peers": [{"personality": "x", "cwd": "here"}]}, "peers: the cwd of x must be an absolute path, not 'here'"),
        ({"peers": [{"personality": " ", "cwd": "/x"}]}, "peers: every peer needs a personality and a cwd"),
        ({"lock_timeout": -1}, "lock_timeout must be"),
    ],
)
def test_a_wrong_option_is_refused_before_anybody_is_asked(
    legacy: Place, options: dict[str, Any], message: str, method: str, check: bool
) -> None:
    before = legacy.snapshot()
    with pytest.raises(Problem) as problem:
        ensure(legacy, Transcript(), check, method=method, **options)
    assert str(problem.value).startswith(message)
    assert legacy.snapshot() == before


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("slot", [None, V1_2])
def test_where_it_is_seen_nowhere_a_newer_slot_means_nothing_to_do(place: Place, slot: Any, check: bool) -> None:
    place.fleet(alpha=["claude"], beta=["codex"])
    if slot:
        place.write_json(place.slot, slot)
    done = ensure(place, Transcript(), check)
    assert (done["changed"], done["action"], done["detail"]) == (
        *(False, "absent"),
        "nothing to do: the plugin is seen nowhere",
    )


@pytest.mark.parametrize("slot", [None, V1_2])
def test_what_a_newer_provider_left_behind_goes_by_the_clients(legacy: Place, slot: Any) -> None:
    legacy.slot.unlink() if slot is None else legacy.write_json(legacy.slot, slot)
    egress = StandIn(legacy.home, legacy.root, legacy.state, ("claude", "codex"))
    foretold = ensure(legacy, egress, check=True)
    done = ensure(legacy, egress)
    assert foretold == done
    assert removed(done) == ["alpha", "beta", "codex"]
    assert settings(legacy, "alpha").read_text() == CLEAN
    assert ensure(legacy, egress)["action"] == "absent"


@pytest.mark.parametrize("check", [True, False])
def test_on_a_newer_slot_a_client_that_is_missing_is_a_failure(legacy: Place, check: bool) -> None:
    legacy.write_json(legacy.slot, V1_2)
    done = ensure(legacy, StandIn(legacy.home, legacy.root, legacy.state, ()), check)
    assert (done["failed"], done["changed"], done["action"]) == (True, False, "failed")


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


@pytest.mark.parametrize("name", ["settings.json", "settings.json.kept-by-iapeer-memory"])
def test_settings_that_could_not_be_put_back_are_found_out_before_the_client_runs(place: Place, name: str) -> None:
    place.write(settings(place, "alpha"), SETTINGS)
    place.fleet(alpha=["claude"])
    place.write_json(place.slot, V1_2)
    odd = settings(place, "alpha").parent / name
    if odd.exists():
        odd.rename(place.home / "settings.json")
    odd.symlink_to(place.home / "settings.json" if name == "settings.json" else place.home / "away")
    before = place.snapshot()
    foretold = ensure(place, Transcript(Call("claude", ("--version",), Outcome(0, "2"))), check=True, method="native")
    done = ensure(place, Transcript(), method="native")
    assert (foretold["action"], done["action"]) == ("failed", "failed")
    assert foretold["results"] == done["results"]
    assert place.snapshot() == before


@pytest.mark.parametrize("option", legacy_plugin.CLIENTS)
@pytest.mark.parametrize("value", ["bin/claude", "claude", "['x']"])
@pytest.mark.parametrize("check", [True, False])
def test_a_client_is_named_by_an_absolute_path(legacy: Place, option: str, value: str, check: bool) -> None:
    """Another one would be looked for in the folder of a peer, whose programs are its own."""
    with pytest.raises(Problem, match=f"{option} must be an absolute path"):
        ensure(legacy, Transcript(), check, **{option: value})


def test_settings_that_are_no_json_are_named_with_their_file(place: Place) -> None:
    place.write(settings(place, "alpha"), "\ufeff" + SETTINGS)
    place.fleet(alpha=["claude"])
    place.write_json(place.slot, V1_2)
    done = ensure(place, Transcript(), method="native")
    assert done["results"][0]["detail"].startswith(f"{settings(place, 'alpha')}: starts with a byte order mark")


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


@pytest.mark.parametrize("left", LEFT_BY_THE_CLIENT)
def test_what_a_killed_run_kept_is_put_back_by_the_next(legacy: Place, left: str) -> None:
    kept = keep_aside(legacy, "alpha", left)
    kept.chmod(0o600)
    first = uninstall(legacy, "alpha", outcome=Outcome(1, "", NOT_FOUND))
    with transcript(first, uninstall(legacy, "beta"), call("codex", *REMOVE)) as egress:
        assert removed(ensure(legacy, egress, method="native")) == ["alpha", "beta", "codex"]
    assert settings(legacy, "alpha").read_text() == CLEAN
    assert settings(legacy, "alpha").stat().st_mode & 0o777 == 0o600
    assert not kept.exists()


@pytest.mark.parametrize("later", [0, 300])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_our_hooks_may_come_and_go_before_what_was_kept_is_put_back(legacy: Place, state: str, later: int) -> None:
    """A client that fails half-way, and then another playbook, or a provider with other hooks."""
    path = settings(legacy, "alpha")
    path.write_text(SETTINGS.replace("[]", '[{"hooks": [{"type": "command", "command": "/opt/a.sh"}]}]'))
    original = path.read_text().replace(f'"{PLUGIN}": true, ', "")
    egress = StandIn(legacy.home, legacy.root, legacy.state, ("claude", "codex"))

    def sweep(state: str, check: bool = False) -> dict[str, Any]:
        options = {"state": state, "forms": "bundled", "lock_timeout": 1}
        return peers.ensure(legacy.host(egress), options, check).as_dict(True)

    if state == "absent":
        sweep("present")
    kept = path.with_name("settings.json.kept-by-iapeer-memory")
    kept.write_text(path.read_text().replace(f'"{PLUGIN}": true, ', ""))
    value = json.loads(kept.read_text())
    del value["hooks"]["NewEvent"]
    path.write_text(json.dumps(value, indent=2))
    for file in (kept, path):
        os.utime(file, (time.time() - later,) * 2)

    legacy.write_json(legacy.slot, V1_2)
    foretold, done = sweep(state, check=True), sweep(state)
    assert (foretold["results"], foretold["diff"]) == (done["results"], done["diff"])
    foretold, done = ensure(legacy, egress, check=True), ensure(legacy, egress)
    assert foretold == done
    assert removed(done) == ["alpha", "beta", "codex"]
    assert not kept.exists()
    assert (sweep(state)["changed"], ensure(legacy, egress)["changed"]) == (False, False)
    left = hooks.with_hooks(json.loads(path.read_text()), {})
    assert left == json.loads(original)
    assert state == "present" or path.read_text() == original


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("now", WRITTEN_SINCE)
def test_what_its_owner_wrote_since_is_never_overwritten(legacy: Place, now: str | None, check: bool) -> None:
    kept = keep_aside(legacy, "alpha", now)
    more = [uninstall(legacy, "beta"), call("codex", *REMOVE)]
    with transcript(*([call("claude", "--version"), call("codex", "--version")] if check else more)) as egress:
        done = ensure(legacy, egress, check, method="native")
    assert removed(done) == ["beta", "codex"]
    path = settings(legacy, "alpha")
    assert f"alpha: {legacy.peer('alpha')}: {path}: it is neither what it was nor" in done["msg"]
    assert ".claude/settings.json.kept-by-iapeer-memory" in done["msg"]
    assert kept.read_text() == CLEAN
    assert (path.read_text() if now is not None else path.exists()) == (now if now is not None else False)


def test_what_is_dropped_long_after_the_client_was_its_owners_doing(legacy: Place) -> None:
    kept = keep_aside(legacy, "alpha", LEFT_BY_THE_CLIENT[0])
    os.utime(kept, (1, 1))
    with transcript(uninstall(legacy, "beta"), call("codex", *REMOVE)) as egress:
        assert removed(ensure(legacy, egress, method="native")) == ["beta", "codex"]
    assert settings(legacy, "alpha").read_text() == LEFT_BY_THE_CLIENT[0]


def test_what_was_put_back_with_its_old_time_is_its_owners(legacy: Place) -> None:
    keep_aside(legacy, "alpha", LEFT_BY_THE_CLIENT[0])
    os.utime(settings(legacy, "alpha"), (1, 1))
    with transcript(uninstall(legacy, "beta"), call("codex", *REMOVE)) as egress:
        assert removed(ensure(legacy, egress, method="native")) == ["beta", "codex"]
    assert settings(legacy, "alpha").read_text() == LEFT_BY_THE_CLIENT[0]


def test_a_new_layout_of_the_same_settings_stays_its_owners(legacy: Place) -> None:
    layout = json.dumps(json.loads(SETTINGS), indent=4)
    os.utime(keep_aside(legacy, "alpha", layout), (1, 1))
    first = uninstall(legacy, "alpha", outcome=Outcome(1, "", NOT_FOUND))
    with transcript(first, uninstall(legacy, "beta"), call("codex", *REMOVE)) as egress:
        ensure(legacy, egress, method="native")
    assert settings(legacy, "alpha").read_text() == json.dumps(json.loads(CLEAN), indent=4)


def test_a_client_that_rewrites_settings_and_then_fails_leaves_them_to_the_next_run(legacy: Place) -> None:
    kept = settings(legacy, "alpha").with_name("settings.json.kept-by-iapeer-memory")

    def effect() -> None:
        assert kept.read_text() == CLEAN, "kept before the client runs"
        settings(legacy, "alpha").write_text(LEFT_BY_THE_CLIENT[0])

    first = uninstall(legacy, "alpha", outcome=Outcome(1, "", "disk full"), effect=effect)
    with transcript(first, uninstall(legacy, "beta"), call("codex", *REMOVE)) as egress:
        assert removed(ensure(legacy, egress, method="native")) == ["beta", "codex"]
    assert (kept.read_text(), settings(legacy, "alpha").read_text()) == (CLEAN, LEFT_BY_THE_CLIENT[0])
    again = uninstall(legacy, "alpha", outcome=Outcome(1, "", "disk full"))
    with transcript(again, call("codex", *REMOVE)) as egress:
        ensure(legacy, egress, method="native")
    assert kept.read_text() == CLEAN, "a second failure does not cost it"
    last = uninstall(legacy, "alpha", outcome=Outcome(1, "", NOT_FOUND))
    with transcript(last, call("codex", *REMOVE)) as egress:
        assert "failed" not in ensure(legacy, egress, method="native")
    assert settings(legacy, "alpha").read_text() == CLEAN
    assert not kept.exists()


def test_what_somebody_writes_while_the_client_runs_is_his(legacy: Place) -> None:
    theirs = '{"model": "mine", "enabledPlugins": {}}'
    first = uninstall(legacy, "alpha", effect=lambda: settings(legacy, "alpha").write_text(theirs) and None)
    with transcript(first, uninstall(legacy, "beta"), call("codex", *REMOVE)) as egress:
        done = ensure(legacy, egress, method="native")
    assert removed(done) == ["beta", "codex"]
    assert "so somebody wrote it since" in done["msg"]
    assert settings(legacy, "alpha").read_text() == theirs
    assert settings(legacy, "alpha").with_name("settings.json.kept-by-iapeer-memory").read_text() == CLEAN


def test_the_clients_are_called_under_the_provision_lock(legacy: Place) -> None:
    lock = legacy.state / "provision.lock.d"

    def held() -> None:
        assert (lock / "owner").read_text().startswith(f"{os.getpid()}:")

    calls = [uninstall(legacy, "alpha", effect=held), uninstall(legacy, "beta", effect=held)]
    with transcript(*calls, call("codex", *REMOVE, effect=held)) as egress:
        ensure(legacy, egress, method="native")
    assert not lock.exists()
    legacy.write(lock / "owner", "1:nonce")
    host = legacy.host(Transcript(), StillClock(lock.stat().st_mtime))
    with pytest.raises(Problem, match="held by 1 "):
        legacy_plugin.ensure(host, {"method": "native"}, False)


# Who is asked, and who is not


@pytest.mark.parametrize("check", [True, False])
def test_live_peers_in_an_armed_sandbox_are_a_refusal_and_nobody_is_called(legacy: Place, check: bool) -> None:
    account = legacy.base / "account"
    live = legacy.write(account / ".claude" / "peer" / ".claude" / "settings.json", SETTINGS)
    environ = legacy.environ(IAPEER_TEST_SANDBOX="1")
    host = legacy.host(environ=environ, sandbox=Sandbox(environ, real_home=str(account)))
    installed(legacy, live.parents[1])
    called = legacy.base / "called"
    client = legacy.write(legacy.base / "claude", f"#!/bin/sh\ntouch {called}\n", 0o755)
    peers = [{"personality": "live", "cwd": str(live.parents[1]), "runtimes": ["claude"]}]
    (legacy.codex_home / "config.toml").unlink()
    with pytest.raises(Problem) as problem:
        legacy_plugin.ensure(host, {"method": "native", "peers": peers, "claude_bin": str(client)}, check)
    assert (problem.value.refused, problem.value.path) == (True, str(live.parents[1]))
    assert not called.exists()
    assert live.read_text() == SETTINGS


@pytest.mark.parametrize(
    "text",
    [
        '[plugins."iapeer-memory@elsewhere"]\nenabled = true\n',
        '[plugins."other@agfpd"]\nenabled = true\n',
        "[plugins.iapeer-memory]\nenabled = true\n",
        "= not TOML\n",
    ],
)
def test_only_our_own_codex_plugin_counts(legacy: Place, text: str) -> None:
    legacy.write(legacy.codex_home / "config.toml", text)
    peers = legacy_plugin.read_fleet(legacy.host()).peers
    assert [trace.name for trace in legacy_plugin.find_traces(legacy.host(), peers)] == ["alpha", "beta"]


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("kind", ["folder", "broken"])
def test_a_codex_config_that_cannot_be_read_is_a_failure(legacy: Place, kind: str, check: bool) -> None:
    config = legacy.codex_home / "config.toml"
    if kind == "folder":
        config.unlink()
        config.mkdir()
    else:
        config.write_text(CODEX + "= broken\n")
    calls = [call("claude", "--version")] if check else [uninstall(legacy, "alpha"), uninstall(legacy, "beta")]
    with transcript(*calls) as egress:
        done = ensure(legacy, egress, check, method="native")
    assert (done["failed"], removed(done)) == (True, ["alpha", "beta"])
    assert f"codex: {legacy.codex_home}: " in done["msg"]


def test_a_peer_that_the_core_swept_and_we_cannot_look_at_is_a_failure(legacy: Place) -> None:
    settings(legacy, "alpha").unlink()
    settings(legacy, "alpha").mkdir()
    with transcript(LIST, call("iapeer", *OFF)) as egress:
        done = ensure(legacy, egress, method="core")
    assert (done["failed"], done["results"][0]["action"]) == (True, "failed")


@pytest.mark.parametrize("check", [True, False])
def test_one_peer_that_cannot_be_looked_at_stops_nobody_else(legacy: Place, check: bool) -> None:
    settings(legacy, "alpha").unlink()
    settings(legacy, "alpha").mkdir()
    egress = StandIn(legacy.home, legacy.root, legacy.state, ("iapeer", "claude", "codex"))
    done = ensure(legacy, egress, check, method="native")
    assert (done["failed"], removed(done)) == (True, ["beta", "codex"])
    assert f"alpha: {legacy.peer('alpha')}: " in done["msg"]
    assert "a directory stands where a file belongs" in done["msg"]


def test_a_list_of_claude_that_cannot_be_read_is_a_failure(legacy: Place) -> None:
    (legacy.home / ".claude" / "plugins" / "installed_plugins.json").mkdir(parents=True)
    egress = StandIn(legacy.home, legacy.root, legacy.state, ("claude", "codex"))
    done = ensure(legacy, egress, method="native", check=True)
    assert (done["failed"], removed(done)) == (True, ["alpha", "beta", "codex"])


def test_a_peer_without_a_folder_has_no_plugin(legacy: Place) -> None:
    peers = [{"personality": "x", "cwd": str(legacy.base / name), "runtimes": ["claude"]} for name in ("gone", "file")]
    legacy.write(legacy.base / "file", "")
    (legacy.codex_home / "config.toml").unlink()
    done = ensure(legacy, Transcript(), method="native", peers=peers)
    assert (done["changed"], done["results"]) == (False, [])


def test_a_codex_only_peer_is_not_asked_of_claude(legacy: Place) -> None:
    legacy.write(settings(legacy, "gamma"), SETTINGS)
    installed(legacy, legacy.peer("gamma"))
    peers = legacy_plugin.read_fleet(legacy.host()).peers
    assert "gamma" not in [trace.name for trace in legacy_plugin.find_traces(legacy.host(), peers)]


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
