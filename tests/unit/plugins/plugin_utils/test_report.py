# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What registered results come to: the rows of update and of verify."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.report import (
    STEPS,
    Report,
    Row,
    detail_of,
    status_of,
    update_rows,
    verify_rows,
    was_run,
)

LEFT_OUT = {"changed": False, "skipped": True, "skip_reason": "Conditional result was False"}
CHANGED = {"changed": True, "action": "written", "detail": "2 written"}
QUIET = {"changed": False, "action": "already", "detail": "in place"}
BAD = {"failed": True, "changed": False, "action": "failed", "msg": "it broke", "detail": "it broke"}
REFUSED = {"changed": False, "skipped": True, "refused": True, "action": "skipped", "detail": "refused by the sandbox"}
ROLE = {"role": "index", "action": "already", "target": "/p/IAPEER.md", "detail": ""}
OPTIONS = {"repair": False, "stale_after": 120.0, "version": "1.2.0"}


def found(**parts: dict[str, Any]) -> dict[str, Any]:
    """What memory_host_info returns of a host where all is well, but for the given parts."""
    whole: dict[str, Any] = {
        "config": {"ok": True, "problem": "", "vault_path": "/vault", "locale": "en", "mode": "curated"},
        "slot": {"form": "v1_2", "provider": "iapeer-memory"},
        "fleet": {"readable": True, "count": 2, "problem": ""},
        "memoryd": {"running": True, "heartbeat_age": 3.4, "watch": "on", "heartbeat_problem": "", "problem": ""},
        "binary": {"present": True, "version": "1.2.0", "problem": "", "refused": False},
    }
    return {
        "changed": False,
        "action": "read",
        "paths": {"binary": "/b"},
        "roles_problem": "",
        **{key: {**part, **parts.get(key, {})} for key, part in whole.items()},
    }


def results(**own: Any) -> dict[str, Any]:
    """The registered results of a verify where all is well, but for the given ones."""
    names = {"slot": "memory-slot", "fleet": "fleet-map", "surfaces": "peer-surfaces", "beat": "memoryd-heartbeat"}
    names.update(watcher="notifier-watcher", dream="dream-timer", doctrines="role-doctrines")
    usual = {"slot": QUIET, "fleet": LEFT_OUT, "surfaces": {**QUIET, "results": []}, "beat": LEFT_OUT}
    usual.update(watcher=QUIET, dream=QUIET, doctrines={**QUIET, "results": [ROLE]})
    return {names[key]: value for key, value in {**usual, **own}.items()}


def rows(look: dict[str, Any], registered: dict[str, Any], **options: Any) -> dict[str, Row]:
    return {row.name: row for row in verify_rows(look, registered, {**OPTIONS, **options})}


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (CHANGED, "changed"),
        (QUIET, "ok"),
        (BAD, "fail"),
        (REFUSED, "skip"),
        ({"changed": False, "action": "skipped"}, "skip"),
        ({"unreachable": True, "msg": "gone", "changed": False}, "fail"),
        ({"changed": True, "failed": True, "msg": "half"}, "fail"),
    ],
)
def test_the_status_of_one_result(result: dict[str, Any], status: str) -> None:
    assert status_of(result) == status


@pytest.mark.parametrize("result", [LEFT_OUT, {}, None, ""])
def test_what_a_condition_left_out_was_not_run(result: Any) -> None:
    assert not was_run(result)
    assert was_run(REFUSED)


@pytest.mark.parametrize(
    ("result", "detail"),
    [
        (CHANGED, "2 written"),
        (BAD, "it broke"),
        ({"failed": True, "msg": "two\n  lines"}, "two lines"),
        ({"failed": True}, "failed without a message"),
        (
            {"failed": True, "module_stderr": "Traceback (most recent call last):\n  x\nValueError: no\n"},
            "ValueError: no",
        ),
        ({"changed": False}, ""),
        (
            {"failed": True, "msg": "Task failed: The lookup plugin 'a.b.own_texts' failed: /t holds no skills"},
            "/t holds no skills",
        ),
        (
            {"failed": True, "msg": "Error was a <class 'X'>, original message: /t holds no skills"},
            "/t holds no skills",
        ),
    ],
)
def test_the_line_for_people(result: dict[str, Any], detail: str) -> None:
    assert detail_of(result) == detail


def test_a_step_is_as_bad_as_the_worst_of_its_tasks() -> None:
    table = {
        "triggers": [QUIET, CHANGED, QUIET],
        "slot": [LEFT_OUT, BAD],
        "plugin-off": [REFUSED, LEFT_OUT],
        "guide": [REFUSED, QUIET],
        "launcher": [BAD, CHANGED],
    }
    found_rows = {row.name: row for row in update_rows(found(), table, OPTIONS)}
    assert [found_rows[name].status for name in table] == ["changed", "fail", "skip", "skip", "fail"]
    assert found_rows["triggers"].detail == "in place; 2 written; in place"
    assert found_rows["slot"].detail == "it broke"


def idle(name: str, **changes: Any) -> Row:
    """The row of a step of which nothing ran on a host like this."""
    return next(row for row in update_rows(found(**changes), {name: [LEFT_OUT]}, OPTIONS) if row.name == name)


def test_a_step_of_which_nothing_ran_says_why() -> None:
    absent = {"present": False, "version": "", "problem": "no binary at /b", "refused": False}
    foreign = {"form": "foreign", "provider": "other", "version": "9", "problem": ""}
    legacy = {"form": "v1_1", "provider": "iapeer-memory", "version": "1", "problem": ""}
    assert idle("binary") == Row("binary", "ok", "/b is version 1.2.0")
    assert idle("guide") == Row("guide", "skip", "not run")
    assert idle("memoryd").detail == "iapeer_memory_restart is never"
    assert idle("plugin-off") == Row("plugin-off", "ok", "nothing to do, the slot is not in the v1.1 form")
    assert idle("plugin-off", slot=legacy) == Row("plugin-off", "skip", "the surfaces were skipped")
    assert idle("slot", slot=legacy) == Row("slot", "skip", "v1.1 kept: the plugin could not be swept")
    assert idle("surfaces", slot=foreign) == Row("surfaces", "skip", "the slot is held by other")
    assert idle("plugin-off", slot=foreign) == Row("plugin-off", "skip", "the slot is held by other")
    assert idle("fleet", config={**found()["config"], "ok": False}) == Row("fleet", "skip", "not provisioned")
    unknown = dict(found(binary=absent))
    rows_without = {row.name: row for row in update_rows(unknown, {}, {"version": ""})}
    assert rows_without["binary"] == Row("binary", "skip", "no binary at /b")
    assert rows_without["slot"] == Row("slot", "skip", "no binary at /b")
    to_come = {row.name: row for row in update_rows(unknown, {"binary": [CHANGED]}, {"version": ""})}
    assert to_come["slot"] == Row("slot", "skip", "to be seen once the binary is installed")
    assert tuple(to_come) == STEPS


def test_where_the_start_failed_no_step_has_begun() -> None:
    for first, *others in (update_rows(BAD, {}, {}), update_rows(found(), {}, {"sources": [LEFT_OUT, BAD]})):
        assert first == Row("binary", "fail", "it broke")
        assert {row.status for row in others} == {"skip"}
    rows_begun = update_rows(found(), {"fleet": [CHANGED]}, {"sources": [QUIET, LEFT_OUT], "version": "1"})
    assert rows_begun[3] == Row("fleet", "changed", "2 written")


def test_a_host_where_all_is_well() -> None:
    table = rows(found(), results())
    assert list(table) == [
        "config",
        "memory-slot",
        "fleet-map",
        "peer-surfaces",
        "memoryd-heartbeat",
        "notifier-watcher",
        "dream-timer",
        "doctrine[index]",
    ]
    assert {row.status for row in table.values()} == {"ok"}
    assert table["config"].detail == "vault /vault, locale en, mode curated"
    assert table["memoryd-heartbeat"].detail == "3 s old, watch=on"


def test_a_host_that_could_not_be_looked_at_has_one_row() -> None:
    assert verify_rows(BAD, {}, OPTIONS) == [Row("config", "fail", "it broke")]


def test_a_change_is_drift_until_it_is_made() -> None:
    table = rows(found(), results(slot=CHANGED))
    assert table["memory-slot"] == Row("memory-slot", "fail", "would be 2 written")
    table = rows(found(), results(slot=CHANGED), repair=True)
    assert table["memory-slot"] == Row("memory-slot", "repaired", "2 written")
    assert rows(found(), results(slot=BAD), repair=True)["memory-slot"].status == "fail"


def test_without_a_config_the_dependants_are_skipped() -> None:
    look = found(config={"ok": False, "problem": "no vault"})
    table = rows(look, results(slot=LEFT_OUT, surfaces=LEFT_OUT, doctrines=LEFT_OUT))
    assert table["config"] == Row("config", "fail", "no vault")
    for name in ("memory-slot", "fleet-map", "peer-surfaces", "role-doctrines"):
        assert table[name] == Row(name, "skip", "not provisioned")


def test_a_binary_that_tells_no_version_fails_the_slot_unless_the_sandbox_refused() -> None:
    blind = {"problem": "no binary at /b", "refused": False}
    options = {"version": ""}
    registered = results(slot=LEFT_OUT, doctrines=LEFT_OUT)
    table = rows(found(binary=blind), registered, **options)
    assert table["memory-slot"] == Row("memory-slot", "fail", "no binary at /b")
    assert table["role-doctrines"] == Row("role-doctrines", "skip", "no binary at /b")
    table = rows(found(binary={**blind, "refused": True}), registered, **options)
    assert table["memory-slot"] == Row("memory-slot", "skip", "no binary at /b")


@pytest.mark.parametrize(
    ("form", "reason"),
    [("v1_1", "the slot is in the v1.1 form: migrate with update"), ("foreign", "held by other-memory")],
)
def test_why_the_surfaces_were_left_out(form: str, reason: str) -> None:
    look = found(slot={"form": form, "provider": "other-memory"})
    assert rows(look, results(surfaces=LEFT_OUT))["peer-surfaces"] == Row("peer-surfaces", "skip", reason)


@pytest.mark.parametrize(
    ("fleet", "result", "repair", "wanted"),
    [
        ({"readable": False, "problem": "missing", "count": 0}, LEFT_OUT, False, ("fail", "unreadable: missing")),
        ({"readable": True, "count": 0}, LEFT_OUT, False, ("fail", "empty")),
        ({"count": 0}, {**CHANGED, "count": 4, "detail": "4 peers"}, True, ("repaired", "empty; 4 peers")),
        ({"count": 0}, {**QUIET, "count": 0, "detail": "0 peers"}, True, ("fail", "empty; 0 peers")),
        ({"count": 0}, BAD, True, ("fail", "empty; it broke")),
        ({"count": 0}, REFUSED, True, ("skip", "empty; refused by the sandbox")),
    ],
)
def test_the_fleet_map(fleet: dict[str, Any], result: dict[str, Any], repair: bool, wanted: tuple[str, str]) -> None:
    table = rows(found(fleet=fleet), results(fleet=result), repair=repair)
    assert table["fleet-map"] == Row("fleet-map", *wanted)


def _record(ok: bool = True, *outcomes: tuple[str, str, str]) -> dict[str, Any]:
    keys = ("surface", "action", "detail")
    items = [{**dict(zip(keys, outcome)), "path": f"/p/{outcome[0]}"} for outcome in outcomes]
    return {"personality": "alpha", "runtime": "codex", "cwd": "/p", "ok": ok, "outcomes": items}


def test_each_bad_peer_has_a_row_of_its_own() -> None:
    record = _record(True, ("hooks", "written", ""), ("mcp", "already", ""), ("trust", "written", "not trusted yet"))
    sweep = {**CHANGED, "results": [record]}
    name = "peer-surfaces[alpha:codex]"
    table = rows(found(), results(surfaces=sweep))
    assert "peer-surfaces" not in table
    detail = "hooks has drifted: /p/hooks; trust has drifted: /p/trust: not trusted yet"
    assert table[name] == Row(name, "fail", detail)
    table = rows(found(), results(surfaces=sweep), repair=True)
    assert table[name].status == "repaired"
    assert table[name].detail.startswith("hooks written: /p/hooks; trust written: ")
    failed = {**BAD, "results": [_record(False, ("mcp", "failed", "not JSON"))]}
    table = rows(found(), results(surfaces=failed), repair=True)
    assert table[name] == Row(name, "fail", "mcp failed: /p/mcp: not JSON")


def test_what_is_not_about_one_peer_is_said_of_all() -> None:
    shims = {**CHANGED, "results": [], "detail": "hook shims written"}
    assert rows(found(), results(surfaces=shims))["peer-surfaces"].status == "fail"
    assert rows(found(), results(surfaces=shims), repair=True)["peer-surfaces"].status == "repaired"
    refused = {**QUIET, "results": [_record(True, ("trust", "skipped", "refused"))]}
    assert rows(found(), results(surfaces=refused))["peer-surfaces"].status == "skip"
    busy = {**BAD, "msg": "the lock is held"}
    assert rows(found(), results(surfaces=busy))["peer-surfaces"] == Row("peer-surfaces", "fail", "the lock is held")


DEAD = {"running": False, "heartbeat_age": None, "watch": ""}
RESTARTED = {"changed": True, "action": "restarted", "detail": "pid 1 ended"}
ADVICE = "start the notifier, which runs the launcher of its trigger iapeer-memory-memoryd"


@pytest.mark.parametrize(
    ("daemon", "result", "wanted"),
    [
        ({"heartbeat_age": 121.0}, LEFT_OUT, ("fail", "121 s old")),
        ({"heartbeat_age": 120.0}, LEFT_OUT, ("ok", "120 s old, watch=on")),
        ({"watch": "off"}, LEFT_OUT, ("fail", "it says watch=off")),
        ({"heartbeat_problem": "cannot be read"}, LEFT_OUT, ("fail", "cannot be read")),
        (DEAD, LEFT_OUT, ("fail", f"no heartbeat; memoryd is not running: {ADVICE}")),
        (
            {**DEAD, "problem": "no process 7"},
            {"changed": True, "action": "pid_file_removed", "detail": "no process 7"},
            ("fail", f"no heartbeat; memoryd is not running (no process 7): {ADVICE}"),
        ),
        ({"heartbeat_age": 500.0}, RESTARTED, ("repaired", "500 s old; pid 1 ended")),
        ({"heartbeat_age": 500.0}, BAD, ("fail", "500 s old; it broke")),
    ],
)
def test_the_heartbeat(daemon: dict[str, Any], result: dict[str, Any], wanted: tuple[str, str]) -> None:
    table = rows(found(memoryd=daemon), results(beat=result), repair=True)
    assert table["memoryd-heartbeat"] == Row("memoryd-heartbeat", *wanted)


@pytest.mark.parametrize(
    ("action", "detail", "repair", "wanted"),
    [
        ("written", "missing", False, ("fail", "missing")),
        ("written", "missing", True, ("repaired", "missing")),
        ("failed", "missing template", True, ("fail", "missing template")),
        ("skipped", "refused", True, ("skip", "refused")),
        ("already", "", False, ("ok", "/p/IAPEER.md")),
        ("written", "text: differs from its template", False, ("fail", "text: differs from its template")),
    ],
)
def test_a_doctrine(action: str, detail: str, repair: bool, wanted: tuple[str, str]) -> None:
    record = {**ROLE, "action": action, "detail": detail}
    table = rows(found(), results(doctrines={**CHANGED, "results": [record]}), repair=repair)
    assert table["doctrine[index]"] == Row("doctrine[index]", *wanted)


def test_without_a_manifest_or_an_index_in_it_the_triggers_are_skipped() -> None:
    registered = results(watcher=LEFT_OUT, dream=LEFT_OUT, doctrines=LEFT_OUT)
    table = rows({**found(), "roles_problem": "missing"}, registered)
    for name in ("notifier-watcher", "dream-timer", "role-doctrines"):
        assert table[name] == Row(name, "skip", "no roles manifest")
    table = rows(found(), registered)
    assert table["dream-timer"] == Row("dream-timer", "skip", "no index in the roles manifest")
    assert table["role-doctrines"] == Row("role-doctrines", "skip", "the roles manifest names no role")


def test_what_failed_and_what_could_not_be_reached_is_not_ok() -> None:
    rows = (Row("fleet", "ok", "2 peers"), Row("plugin-off", "fail", "why"), Row("slot", "unreachable", "gone"))
    report = Report("ada", "update", "1.2.0", True, rows)
    assert (report.ok, report.failed) == (False, ["plugin-off", "slot"])
    assert Report("ada", "verify", "", False, rows[:1]).ok
