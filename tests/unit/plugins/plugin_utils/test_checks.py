# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rows of verify: a drift is what the step of the same thing would change."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.checks import check_rows, rows_of
from ansible_collections.agfpd.iapeer_memory.tests.unit.looks import BAD, BROKEN, CHANGED, QUIET, REFUSED, look

MIGRATE = "the slot is in the v1.1 form: migrate with update"


def rows(found: dict[str, Any], **done: Any) -> dict[str, tuple[str, str]]:
    named = {name.replace("_", "-"): result for name, result in done.items()}
    return {row.name: (row.status, row.detail) for row in check_rows(found, named, 120)}


def test_a_host_where_all_is_well() -> None:
    found = rows(look())
    assert list(found) == [
        *("forms", "config", "memory-slot", "fleet-map", "legacy-plugin", "peer-surfaces", "memoryd-heartbeat"),
        *("mcp-endpoint", "launcher", "notifier-watcher", "dream-timer", "doctrine[index]", "wake-policy"),
        "role-descriptions",
    ]
    assert {status for status, _detail in found.values()} == {"ok"}
    assert found["memoryd-heartbeat"][1] == "3 s old, watch=on"
    assert found["config"][1] == "vault /v, locale en, mode lean"


@pytest.mark.parametrize(
    ("step", "check"),
    [("slot", "memory-slot"), ("launcher", "launcher"), ("surfaces", "peer-surfaces")],
)
def test_what_its_step_would_change_is_drift_until_it_is_made(step: str, check: str) -> None:
    assert rows(look(steps={step: CHANGED}))[check][0] == "fail"
    assert rows(look(steps={step: CHANGED}), **{step: CHANGED})[check][0] == "repaired"
    assert rows(look(steps={step: CHANGED}), **{step: BROKEN})[check] == ("fail", "it broke")
    assert rows(look(steps={step: REFUSED}))[check][0] == "skip"


def test_a_v1_1_host_is_to_be_migrated_and_else_left_alone() -> None:
    found = rows(look("v1_1", steps={"slot": CHANGED, "surfaces": CHANGED, "plugin-off": CHANGED}))
    assert found["memory-slot"] == ("fail", MIGRATE)
    assert found["peer-surfaces"] == found["legacy-plugin"] == ("skip", MIGRATE)


def test_where_nobody_knows_the_fleet_no_plugin_is_said_to_be_gone() -> None:
    unread = look(steps={"fleet": BAD}, fleet={"readable": False, "count": 0, "problem": "malformed"})
    assert rows(unread)["legacy-plugin"] == ("skip", "which peers there are is not known: see fleet-map")


def test_a_plugin_that_is_still_there_is_for_update_to_take_off() -> None:
    found = rows(look(steps={"plugin-off": {**CHANGED, "detail": "removed from alpha"}}))
    assert found["legacy-plugin"] == ("fail", "it would be removed from alpha: take it off with update")


@pytest.mark.parametrize(
    ("fleet", "step", "done", "wanted"),
    [
        ({}, QUIET, {}, ("ok", "2 peers")),
        ({}, CHANGED, {}, ("ok", "2 peers; update would write 2 written")),
        ({"count": 0}, CHANGED, {}, ("fail", "empty")),
        ({"readable": False, "count": 0, "problem": "missing"}, CHANGED, {}, ("fail", "unreadable: missing")),
        ({"count": 0}, CHANGED, {"fleet": {**CHANGED, "count": 2}}, ("repaired", "empty; 2 written")),
        ({"count": 0}, CHANGED, {"fleet": {**CHANGED, "count": 0}}, ("fail", "empty; 2 written")),
        ({}, CHANGED, {"fleet": {**CHANGED, "count": 2}}, ("repaired", "2 written")),
        ({}, BAD, {"fleet": BROKEN}, ("ok", "2 peers")),
        ({"count": 0}, QUIET, {"fleet": QUIET}, ("fail", "empty; in place")),
        ({"count": 0}, BAD, {"fleet": BROKEN}, ("fail", "empty; it broke")),
    ],
)
def test_the_fleet_map(
    fleet: dict[str, Any], step: dict[str, Any], done: dict[str, Any], wanted: tuple[str, str]
) -> None:
    assert rows(look(steps={"fleet": step}, fleet=fleet), **done)["fleet-map"] == wanted


def test_each_bad_peer_has_a_row_of_its_own_and_those_left_out_are_named() -> None:
    outcomes = [
        {"surface": "hooks", "action": "written", "path": "/a/settings.json", "detail": ""},
        {"surface": "mcp", "action": "failed", "path": "/a/.mcp.json", "detail": "not JSON"},
        {"surface": "skills", "action": "already", "path": "/a/skills", "detail": ""},
    ]
    records = [{"personality": "alpha", "runtime": "claude", "ok": False, "outcomes": outcomes}]
    skipped = [{"personality": "tele", "reason": "no session runtime"}]
    result = {**BAD, "results": records, "skipped_peers": skipped}
    found = rows(look(steps={"surfaces": result}))
    assert found["peer-surfaces[alpha:claude]"] == (
        "fail",
        "hooks has drifted: /a/settings.json; mcp failed: /a/.mcp.json: not JSON",
    )
    assert found["peer-surfaces"] == ("skip", "tele: no session runtime")
    good = {**CHANGED, "results": [{**records[0], "ok": True, "outcomes": outcomes[:1]}]}
    assert rows(look(steps={"surfaces": good}), surfaces=good)["peer-surfaces[alpha:claude]"] == (
        "repaired",
        "hooks written: /a/settings.json",
    )


@pytest.mark.parametrize(
    ("daemon", "done", "wanted"),
    [
        ({"complaint": "heartbeat is 300 s old"}, {}, ("fail", "heartbeat is 300 s old")),
        (
            {"complaint": "heartbeat is 300 s old"},
            {"memoryd": {**CHANGED, "action": "restarted"}},
            ("repaired", "heartbeat is 300 s old; 2 written"),
        ),
        ({"complaint": "no heartbeat"}, {"memoryd": BROKEN}, ("fail", "no heartbeat; it broke")),
    ],
)
def test_the_heartbeat(daemon: dict[str, Any], done: dict[str, Any], wanted: tuple[str, str]) -> None:
    assert rows(look(memoryd=daemon), **done)["memoryd-heartbeat"] == wanted


def test_beside_a_fresh_heartbeat_it_is_said_that_its_daemon_has_ended() -> None:
    ended = {"running": False, "problem": "no process 7"}
    status, detail = rows(look(memoryd=ended))["memoryd-heartbeat"]
    assert status == "ok"
    assert detail.startswith("3 s old, watch=on; memoryd is not running (no process 7): start the notifier")
    unnamed = {**ended, "pid": None, "problem": ""}
    assert rows(look(memoryd=unnamed))["memoryd-heartbeat"] == ("ok", "3 s old, watch=on")


def test_a_daemon_that_runs_without_its_pid_file_is_told_beside_its_heartbeat() -> None:
    lost = {"running": True, "pid": 7, "problem": "it runs without its pid file"}
    words = "3 s old, watch=on; pid 7: it runs without its pid file"
    assert rows(look(memoryd=lost))["memoryd-heartbeat"] == ("ok", words)


def test_a_pid_file_that_names_nobody_fails_while_the_daemon_runs_without_it() -> None:
    words = "it runs without its pid file; the pid file holds 'abc', no pid of a daemon"
    gone = {"changed": True, "action": "pid_file_removed", "detail": "the stale pid file goes"}
    found = look(memoryd={"running": True, "pid": 7, "problem": words}, steps={"memoryd": gone})
    assert rows(found)["memoryd-heartbeat"] == ("fail", words)
    assert rows(found, memoryd=gone)["memoryd-heartbeat"] == ("repaired", words)
    ended = look(memoryd={"running": False, "pid": 7, "problem": "no process 7"}, steps={"memoryd": gone})
    assert rows(ended)["memoryd-heartbeat"][0] == "ok", "a heart that just beat is all that the row is about"


@pytest.mark.parametrize("complaint", ["", "heartbeat is 300 s old"])
def test_a_pid_file_that_cannot_be_used_fails_whatever_the_heartbeat_says(complaint: str) -> None:
    """As it does with update: a host that verify calls fine has nothing to do."""
    problem = "/s/memoryd.pid: the pid file cannot be used"
    odd = {"running": False, "pid": None, "problem": problem, "complaint": complaint}
    status, detail = rows(look(memoryd=odd))["memoryd-heartbeat"]
    assert (status, detail) == ("fail", "; ".join(filter(None, [complaint, problem])))
    gone = {"memoryd": {"changed": True, "action": "pid_file_removed", "detail": "it is gone"}}
    status, detail = rows(look(memoryd=odd), **gone)["memoryd-heartbeat"]
    assert (status, detail.endswith("; it is gone")) == ("fail" if complaint else "repaired", True)


def test_a_daemon_that_is_starting_is_not_told_to_be_started() -> None:
    words = "pid 7 is starting: it indexes the vault before its first heartbeat"
    beat = {"running": False, "complaint": "no heartbeat", "pid": None}
    step = {**QUIET, "action": "starting", "detail": words}
    found = rows(look(memoryd=beat, steps={"memoryd": step}))
    assert found["memoryd-heartbeat"] == ("fail", f"no heartbeat; {words}")


def test_a_daemon_that_does_not_run_says_who_starts_it_and_is_not_asked_for_its_endpoint() -> None:
    found = rows(look(memoryd={"running": False, "complaint": "no heartbeat", "problem": "no process 7"}))
    assert found["memoryd-heartbeat"][1].startswith("no heartbeat; memoryd is not running (no process 7): start the ")
    assert found["mcp-endpoint"] == ("skip", "memoryd is not running")
    silent = rows(look(memoryd={"listening": False}))
    assert silent["mcp-endpoint"] == ("fail", "nobody answers at http://127.0.0.1:8766/mcp")


def test_without_a_manifest_or_an_index_in_it_the_triggers_are_skipped() -> None:
    assert rows(look(roles=[], roles_problem="missing"))["notifier-watcher"] == ("skip", "no roles manifest")
    assert rows(look(roles=[]))["dream-timer"] == ("skip", "no index in the roles manifest")


def test_each_trigger_is_told_apart() -> None:
    told = [{**CHANGED, "name": "watcher"}, {**QUIET, "name": "dream"}, {**QUIET, "name": "old-sweep"}]
    found = rows(look(steps={"triggers": {**CHANGED, "triggers": told}}))
    assert found["notifier-watcher"] == ("fail", "would be 2 written")
    assert found["dream-timer"] == ("ok", "in place")


@pytest.mark.parametrize(
    ("action", "done", "status"),
    [
        ("already", {}, "ok"),
        ("written", {}, "fail"),
        ("written", {"doctrines": CHANGED}, "repaired"),
        ("failed", {}, "fail"),
    ],
)
def test_a_doctrine(action: str, done: dict[str, Any], status: str) -> None:
    record = {"role": "scriber", "action": action, "target": "/p/IAPEER.md", "detail": "text: differs"}
    result = {**QUIET, "results": [record]}
    ran = {name: {**step, "results": [record]} for name, step in done.items()}
    assert rows(look(steps={"doctrines": result}), **ran)["doctrine[scriber]"] == (status, "text: differs")


def test_a_host_that_could_not_be_looked_at_has_one_row() -> None:
    assert rows({"stopped": "the module was killed"}) == {"config": ("fail", "the module was killed")}


def test_a_host_out_of_reach_is_told_apart_from_a_failure() -> None:
    gone = {"look": {"unreachable": True, "msg": "no route"}}
    assert [row.status for row in rows_of({"playbook": "verify", **gone})] == ["unreachable"]
    assert rows_of({"playbook": "update", **gone})[0].status == "unreachable"


def test_a_host_of_another_provider() -> None:
    held = {"slot": {**BAD, "held": True}}
    found = rows(look("foreign", steps={**held, **dict.fromkeys(("surfaces", "fleet", "launcher"), REFUSED)}))
    assert found["memory-slot"][0] == "fail"
    assert found["fleet-map"][0] == found["peer-surfaces"][0] == "skip"


def test_nobody_is_told_to_start_our_daemon_on_a_host_of_another_provider() -> None:
    dead = {"running": False, "pid": None, "heartbeat_age": None, "complaint": "no heartbeat"}
    status, detail = rows(look("foreign", memoryd=dead))["memoryd-heartbeat"]
    assert status == "skip"
    assert detail.endswith("a host of another provider gets nothing of ours")
