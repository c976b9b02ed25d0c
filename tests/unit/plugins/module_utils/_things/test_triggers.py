# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notifier's triggers (contract §7)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import Egress, Outcome
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.ahead import NOTHING, Ahead
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.bundled import DREAM_TICK, bundled
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import triggers
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things.trigger_plan import Wanted, wanted_triggers
from ansible_collections.agfpd.iapeer_memory.tests.unit.fakes import (
    MISSING,
    REFUSED,
    Call,
    StandIn,
    StillClock,
    Transcript,
    call,
    transcript,
)
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place

ID, DREAM = "iapeer-memory-memoryd", "iapeer-memory-dream-tick"
# Programs that can be run wherever the tests are.
LAUNCHER, GATE = "/bin/sh", "/bin/ls"
EVENT = {"kind": "event", "id": ID, "script": LAUNCHER, "target": "scriber"}
TIME = {
    "kind": "time",
    "id": DREAM,
    "when": "0 4 * * 1",
    "text": "DREAM_TICK: go",
    "target": "dreamweaver",
    "check": GATE,
}
EVENT_TEXT = '{"script":"/bin/sh","target":"scriber","id":"iapeer-memory-memoryd"}'
TIME_TEXT = (
    '{"when":"0 4 * * 1","message":"DREAM_TICK: go","target":"dreamweaver","id":"iapeer-memory-dream-tick",'
    '"check":"/bin/ls"}'
)
WANTED = Wanted(ID, "event", "present", {"script": LAUNCHER, "target": "scriber", "id": ID})
LANDED = {"role": "event", "id": ID, "owner": "index", "target": "scriber", "script": LAUNCHER}
TIMED = {"role": "time", "id": DREAM, "owner": "index", "target": "dreamweaver", "check": GATE}


def profile(place: Place, *triggers: Any, name: str = "index") -> Path:
    """The profile of a peer with these triggers."""
    value = {"personality": name, "notifier": {"triggers": list(triggers), "timezone": "UTC"}}
    return place.write_json(place.peer(name) / ".iapeer" / "peer-profile.json", value)


def listing(place: Place, *rows: Any) -> Call:
    """The registry is asked; index with claude unless told otherwise."""
    return call("iapeer", "list", "--json", out=json.dumps(rows or [place.row("index", "claude")]))


def sent(receiver: str, text: str, sender: str = "claude-index", **more: Any) -> Call:
    """A message is sent."""
    return call("iapeer", "send", receiver, "--from", sender, "--message", text, **more)


def ensure(place: Place, egress: Egress, dry: bool = False, **options: Any) -> dict[str, Any]:
    """The module's work, as the module returns it; waiting takes no time."""
    host = place.host(egress, StillClock(0))
    return triggers.ensure(host, {"state": "present", "wait": 5, **options}, dry).as_dict(True)


# Registering


@pytest.mark.parametrize(
    ("options", "receiver", "text", "landed"),
    [(EVENT, "watcher", EVENT_TEXT, LANDED), (TIME, "timer", TIME_TEXT, TIMED)],
)
def test_registering_is_exactly_the_message_of_the_contract(
    place: Place, options: dict[str, Any], receiver: str, text: str, landed: dict[str, Any]
) -> None:
    profile(place)
    message = sent(receiver, text, effect=lambda: profile(place, landed) and None)
    with transcript(listing(place), listing(place), message) as egress:
        done = ensure(place, egress, **options)
    assert (done["changed"], done["action"], done["trigger"]) == (True, "registered", landed)
    assert done["detail"] == f"registered {options['id']} to {options['target']} (was not registered)"
    with transcript(listing(place)) as egress:
        assert (again := ensure(place, egress, **options))["action"] == "already"
    assert (again["changed"], again["trigger"], again["diff"]) == (False, landed, [])


def test_the_stand_in_notifier_takes_the_message_and_replaces_by_id(place: Place) -> None:
    other = {"role": "time", "id": "morning", "owner": "index", "target": "index", "when": "0 8 * * *", "message": "x"}
    path = profile(place, other, {**LANDED, "script": "/old"}, {**LANDED, "owner": "beta"})
    place.registry(place.row("index", "codex", "claude"))
    egress = StandIn(place.home, place.root, place.state)
    done = ensure(place, egress, **EVENT)
    assert done["detail"] == f"registered {ID} to scriber (differed in script)"
    assert egress.calls[-1][2:5] == ("watcher", "--from", "codex-index")
    assert json.loads(path.read_text())["notifier"]["triggers"] == [other, LANDED, {**LANDED, "owner": "beta"}]
    assert not ensure(place, egress, **EVENT)["changed"]


@pytest.mark.parametrize(
    ("kind", "current", "bad"),
    [
        (EVENT, {**LANDED, "script": "/old"}, "script"),
        (EVENT, {**LANDED, "target": "index"}, "target"),
        (EVENT, {**LANDED, "target": "index", "script": None}, "script, target"),
        (TIME, {**TIMED, "target": "index"}, "target"),
        (TIME, {**TIMED, "check": "/old"}, "check"),
        (TIME, {**TIMED, "when": "0 0 * * *"}, "when"),
        (TIME, {**TIMED, "message": "OTHER: go"}, "message"),
        (TIME, {**TIMED, "message": "DREAM_TICK other words"}, "message"),
        ({**TIME, "check": None}, TIMED, "check"),
    ],
)
def test_drift_is_seen_and_named(place: Place, kind: dict[str, Any], current: dict[str, Any], bad: str) -> None:
    profile(place, current)
    with transcript(listing(place), listing(place)) as egress:
        done = ensure(place, egress, dry=True, **kind)
    assert (done["changed"], done["detail"].partition(" (")[2]) == (True, f"differed in {bad})")


@pytest.mark.parametrize(
    ("kind", "current"),
    [
        (EVENT, {**LANDED, "extra": 1}),
        (TIME, TIMED),
        (TIME, {**TIMED, "when": "0 4 * * 1", "message": "DREAM_TICK: go"}),
    ],
)
def test_what_the_profile_does_not_tell_is_no_drift(
    place: Place, kind: dict[str, Any], current: dict[str, Any]
) -> None:
    profile(place, current)
    with transcript(listing(place)) as egress:
        assert ensure(place, egress, **kind)["action"] == "already"


@pytest.mark.parametrize("change", [{"role": "time"}, {"id": "other"}, {"owner": "beta"}])
def test_a_trigger_is_matched_by_role_id_and_owner(place: Place, change: dict[str, Any]) -> None:
    profile(place, {**LANDED, **change})
    with transcript(listing(place), listing(place)) as egress:
        assert ensure(place, egress, dry=True, **EVENT)["detail"].endswith("(was not registered)")


def test_delivered_but_not_registered_is_a_failure_after_the_wait(place: Place) -> None:
    path = profile(place)
    clock = StillClock(100)
    message = sent("watcher", EVENT_TEXT, out="delivered")
    with transcript(listing(place), listing(place), message) as egress, pytest.raises(Problem) as problem:
        triggers.ensure(place.host(egress, clock), {**EVENT, "state": "present", "wait": 7}, False)
    assert problem.value.path == str(path)
    assert "was delivered, but within 7 s the profile does not show it" in str(problem.value)
    assert 107 <= clock.moment < 108


def test_without_a_wait_nothing_is_looked_at_again(place: Place) -> None:
    profile(place)
    with transcript(listing(place), listing(place), sent("watcher", EVENT_TEXT)) as egress:
        done = ensure(place, egress, wait=0, **EVENT)
    assert (done["changed"], done["trigger"]) == (True, {})


# Taking away


def test_a_trigger_is_unregistered_by_its_id(place: Place) -> None:
    profile(place, LANDED)
    message = sent("watcher", f'{{"cmd":"unregister","id":"{ID}"}}', effect=lambda: profile(place) and None)
    with transcript(listing(place), listing(place), message) as egress:
        done = ensure(place, egress, state="absent", kind="event", id=ID)
    assert (done["changed"], done["action"], done["trigger"]) == (True, "unregistered", {})
    assert done["detail"] == f"unregistered {ID}"


def test_the_old_inbox_timer_goes_to_the_timer(place: Place) -> None:
    old = {"role": "time", "id": "iapeer-memory-inbox-sweep", "owner": "index", "target": "index"}
    path = profile(place, old)
    place.registry(place.row("index", "claude"))
    egress = StandIn(place.home, place.root, place.state)
    assert ensure(place, egress, state="absent", kind="time", id="iapeer-memory-inbox-sweep")["changed"]
    assert egress.calls[-1][2] == "timer"
    assert json.loads(path.read_text())["notifier"]["triggers"] == []


def test_what_is_not_there_needs_no_message(place: Place) -> None:
    profile(place)
    with transcript(listing(place)) as egress:
        done = ensure(place, egress, state="absent", kind="time", id=DREAM)
    assert (done["changed"], done["action"], done["detail"]) == (False, "absent", f"{DREAM} is not registered")


# Who registers


@pytest.mark.parametrize(
    ("row", "sender"),
    [
        ({"default_runtime": "codex", "runtimes": [{"runtime": "claude"}, {"runtime": "codex"}]}, "codex-index"),
        ({"default_runtime": " codex ", "runtimes": []}, "codex-index"),
        ({"default_runtime": "", "runtimes": [{"runtime": "claude"}]}, "claude-index"),
        ({"default_runtime": None, "runtimes": [{"runtime": "telegram"}, {"runtime": "claude"}]}, "telegram-index"),
        ({"runtimes": [{"runtime": "claude"}]}, "claude-index"),
    ],
)
def test_the_sender_is_the_default_runtime_else_the_first(place: Place, row: dict[str, Any], sender: str) -> None:
    profile(place)
    entry = {"personality": "index", "cwd": str(place.peer("index")), **row}
    message = sent("watcher", EVENT_TEXT, sender, effect=lambda: profile(place, LANDED) and None)
    with transcript(listing(place, entry), listing(place, entry), message) as egress:
        ensure(place, egress, **EVENT)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("rows", [[{"personality": "beta", "cwd": "/b"}], [{"personality": "index"}]])
def test_a_host_without_the_peer_is_skipped(place: Place, rows: list[Any], check: bool) -> None:
    with transcript(listing(place, *rows)) as egress:
        done = ensure(place, egress, check, **EVENT)
    assert (done["changed"], done["action"], done["detail"]) == (False, "skipped", "no index peer on this host")


@pytest.mark.parametrize("rows", [[{"personality": "beta", "cwd": "/b"}], [{"personality": "index", "cwd": "/i"}]])
def test_a_peer_without_a_runtime_in_the_registry_is_skipped(place: Place, rows: list[Any]) -> None:
    place.manifest(index=place.peer("index"))
    profile(place)
    with transcript(listing(place, *rows)) as egress:
        done = ensure(place, egress, **EVENT)
    assert (done["action"], done["detail"]) == ("skipped", "no index peer with a runtime in the registry")


def test_the_manifests_folder_wins_over_the_registrys(place: Place) -> None:
    place.manifest(index=place.peer("elsewhere"))
    value = {"notifier": {"triggers": [LANDED]}}
    place.write_json(place.peer("elsewhere") / ".iapeer" / "peer-profile.json", value)
    profile(place)
    with transcript() as egress:
        assert ensure(place, egress, **EVENT)["action"] == "already"


def test_another_registrant_owns_its_own_triggers(place: Place) -> None:
    profile(place, {**LANDED, "owner": "beta"}, name="beta")
    with transcript(listing(place, place.row("beta", "claude"))) as egress:
        assert ensure(place, egress, registrant="beta", **EVENT)["action"] == "already"


@pytest.mark.parametrize("check", [True, False])
def test_a_registrant_whose_folder_is_gone_is_one_clear_failure(place: Place, check: bool) -> None:
    with transcript(listing(place), listing(place)) as egress, pytest.raises(Problem) as problem:
        ensure(place, egress, check, **EVENT)
    assert "the folder of index is missing" in str(problem.value)


@pytest.mark.parametrize(
    ("cwd", "reason"),
    [("here", "must be an absolute path"), ("/nul\0", "is no valid text"), ("/\ud800", "is no valid text")],
)
def test_a_folder_that_is_no_absolute_path_is_one_clear_failure(place: Place, cwd: str, reason: str) -> None:
    rows = listing(place, {"personality": "index", "cwd": cwd, "default_runtime": "claude"})
    with transcript(rows) as egress, pytest.raises(Problem, match=f"the cwd of index {reason}"):
        ensure(place, egress, **EVENT)


# What stands in the way


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ('{"notifier": 5}', "notifier.triggers is not a list"),
        ('{"notifier": {"triggers": {"a": 1}}}', "notifier.triggers is not a list"),
    ],
)
def test_a_malformed_profile_is_a_failure_and_stays(place: Place, text: str, message: str, check: bool) -> None:
    path = profile(place)
    path.write_text(text)
    with transcript(listing(place)) as egress, pytest.raises(Problem) as problem:
        ensure(place, egress, check, **EVENT)
    assert str(problem.value).startswith(f"{path}: {message}")
    assert path.read_text() == text


@pytest.mark.parametrize(
    "text",
    [
        "{}",
        '{"notifier": null}',
        '{"notifier": {}}',
        '{"notifier": {"triggers": null}}',
        '{"notifier": {"triggers": [7]}}',
    ],
)
def test_a_profile_without_triggers_has_none(place: Place, text: str) -> None:
    profile(place).write_text(text)
    registrant = triggers.Registrant("index", str(place.peer("index")))
    assert triggers.read_trigger(place.host(), registrant, WANTED) is None


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize(
    ("outcome", "kind"), [(MISSING, "missing"), (REFUSED, "refused"), (Outcome(1, "", "locked"), "failed")]
)
def test_a_core_that_cannot_be_asked_fails_in_check_mode_too(
    place: Place, outcome: Outcome, kind: str, check: bool
) -> None:
    place.manifest(index=place.peer("index"))
    profile(place)
    with transcript(Call("iapeer", ("list", "--json"), outcome)) as egress, pytest.raises(Problem) as problem:
        ensure(place, egress, check, **EVENT)
    assert problem.value.kind == kind
    assert str(problem.value).startswith(f"registered {ID} to scriber (was not registered): not possible: ")


def test_a_message_that_is_not_delivered_is_a_failure(place: Place) -> None:
    profile(place)
    failing = sent("watcher", EVENT_TEXT, rc=1, err="watcher is asleep")
    with transcript(listing(place), listing(place), failing) as egress, pytest.raises(Problem, match="is asleep"):
        ensure(place, egress, **EVENT)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kind": "event", "id": " "}, "id is empty: name the trigger"),
        ({**EVENT, "wait": float("nan")}, "wait must be a number of seconds from 0 on, not nan"),
        ({**EVENT, "wait": -1}, "wait must be a number of seconds from 0 on, not -1"),
        ({"standard": True, "wait": "inf"}, "wait must be a number of seconds from 0 on, not 'inf'"),
        ({"kind": "event", "id": "x"}, "script, target must be given for a trigger of the kind event"),
        ({"kind": "event", "id": "x", "script": "/s"}, "target must be given for a trigger of the kind event"),
        ({"kind": "time", "id": "x"}, "when, text, target must be given for a trigger of the kind time"),
        ({"kind": "time", "id": "x", "when": "", "text": "m", "target": "t"}, "when must be given for a trigger"),
        ({**EVENT, "check": "/c"}, "a trigger of the kind event takes no when or text or check"),
        ({**EVENT, "when": "@daily"}, "a trigger of the kind event takes no when or text or check"),
        ({**TIME, "script": "/s"}, "a trigger of the kind time takes no script"),
    ],
)
def test_wrong_options_are_one_clear_message_and_nobody_is_asked(
    place: Place, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(Problem) as problem:
        ensure(place, Transcript(), **options)
    assert str(problem.value).startswith(message)


# Check mode and diff


def test_check_mode_tells_the_same_and_sends_nothing(place: Place) -> None:
    profile(place, {**LANDED, "script": "/old"})
    place.registry(place.row("index", "claude"))
    egress = StandIn(place.home, place.root, place.state)
    before = place.snapshot("calls.jsonl")
    foretold = ensure(place, egress, dry=True, **EVENT)
    assert place.snapshot("calls.jsonl") == before
    assert {asked[1] for asked in egress.calls} == {"list"}
    done = ensure(place, egress, **EVENT)
    assert {**foretold, "trigger": None} == {**done, "trigger": None}
    assert done["diff"] == [
        {
            "before_header": ID,
            "after_header": ID,
            "before": f"script: /old\ntarget: scriber\nid: {ID}\n",
            "after": f"script: /bin/sh\ntarget: scriber\nid: {ID}\n",
        }
    ]


# The program that a trigger names


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("program", ["missing", "not executable", "a folder"])
@pytest.mark.parametrize("registered", [True, False])
def test_a_trigger_whose_program_cannot_be_run_is_not_sent(
    place: Place, program: str, registered: bool, check: bool
) -> None:
    path = place.launcher
    if program == "not executable":
        place.write(path, "#!/bin/sh\n", 0o644)
    elif program == "a folder":
        path.mkdir()
    profile(place, *([{**LANDED, "script": str(path)}] if registered else []))
    with transcript(listing(place)) as egress, pytest.raises(Problem) as problem:
        ensure(place, egress, check, **{**EVENT, "script": str(path)})
    assert problem.value.path == str(path)
    assert str(problem.value) == (
        f"{path}: not there or not executable, so that the notifier would not take the trigger {ID}: "
        "write the launcher and the gate first (update does)"
    )


@pytest.mark.parametrize("field", ["written", "mended"])
def test_a_program_that_is_about_to_be_written_counts_in_check_mode(place: Place, field: str) -> None:
    profile(place)
    ahead = NOTHING._replace(**{field: frozenset({str(place.gate)})})
    options = {"state": "present", **TIME, "check": str(place.gate)}
    with transcript(listing(place), listing(place)) as egress:
        done = triggers.ensure(place.host(egress), options, True, ahead)
    assert (done.changed, done.action) == (True, "registered")


def test_what_is_taken_away_needs_no_program(place: Place) -> None:
    profile(place, {**TIMED, "check": "/gone"})
    with transcript(listing(place), listing(place)) as egress:
        done = ensure(place, egress, dry=True, state="absent", kind="time", id=DREAM, check="/gone")
    assert done["action"] == "unregistered"


def test_a_timer_without_a_check_needs_none(place: Place) -> None:
    profile(place)
    with transcript(listing(place), listing(place)) as egress:
        assert ensure(place, egress, dry=True, **{**TIME, "check": None})["action"] == "registered"


# A profile that others write too


def test_a_profile_that_is_being_written_is_read_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    path = profile(place, LANDED)
    whole = path.read_text()
    path.write_text(whole[:20])
    clock = StillClock(0)
    monkeypatch.setattr(clock, "sleep", lambda seconds: path.write_text(whole))
    with transcript(listing(place)) as egress:
        done = triggers.ensure(place.host(egress, clock), {"state": "present", **EVENT}, False)
    assert done.action == "already"


def test_half_a_profile_while_waiting_is_not_the_end(place: Place) -> None:
    path = profile(place)
    whole = path.read_text()
    clock = StillClock(0)

    def slept(seconds: float) -> None:
        clock.moment += seconds
        profile(place, LANDED)

    clock.sleep = slept  # type: ignore[method-assign]
    message = sent("watcher", EVENT_TEXT, effect=lambda: path.write_text(whole[:20]) and None)
    with transcript(listing(place), listing(place), message) as egress:
        done = triggers.ensure(place.host(egress, clock), {"state": "present", "wait": 5, **EVENT}, False)
    assert (done.action, done.data["trigger"]) == ("registered", LANDED)


# All triggers of a host


def scripts(place: Place) -> None:
    """Launcher and gate in place."""
    for path in (place.launcher, place.gate):
        place.write(path, "#!/bin/sh\n", 0o755)


def standard(place: Place, egress: Egress, check: bool = False, ahead: Ahead = NOTHING, **options: Any) -> Any:
    """All triggers, as the module returns them."""
    given = {"state": "present", "standard": True, "wait": 5, "forms": "auto" if ahead.forms else "bundled", **options}
    return triggers.ensure(place.host(egress, StillClock(0)), given, check, ahead).as_dict(True)


def rows(place: Place) -> list[Any]:
    """The triggers in the profile."""
    path = place.peer("index") / ".iapeer" / "peer-profile.json"
    return list(json.loads(path.read_text())["notifier"]["triggers"])


def test_all_triggers_are_what_the_forms_say_in_the_order_of_the_contract(place: Place) -> None:
    place.configure("IAPEER_MEMORY_DREAM_CRON=5 5 * * 5")
    wanted = wanted_triggers(place.host(), bundled(place.host(), "a test"))
    assert [(item.name, item.kind, item.state) for item in wanted] == [
        ("watcher", "event", "present"),
        ("dream", "time", "present"),
        ("old-sweep", "time", "absent"),
    ]
    assert [item.message for item in wanted] == [
        {"script": str(place.launcher), "target": "scriber", "id": ID},
        {
            "when": "5 5 * * 5",
            "message": DREAM_TICK,
            "target": "dreamweaver",
            "id": DREAM,
            "check": str(place.gate),
        },
        {"id": "iapeer-memory-inbox-sweep"},
    ]


def test_all_triggers_are_brought_in_order_in_one_run_and_seen_to_land(place: Place) -> None:
    scripts(place)
    place.registry(place.row("index", "claude"))
    old = {"role": "time", "id": "iapeer-memory-inbox-sweep", "owner": "index", "target": "index", "when": "x"}
    profile(place, {**LANDED, "script": "/old"}, old)
    egress = StandIn(place.home, place.root, place.state)
    before = place.snapshot("calls.jsonl")
    foretold = standard(place, egress, check=True)
    assert place.snapshot("calls.jsonl") == before
    done = standard(place, egress)
    watcher = {**LANDED, "script": str(place.launcher)}
    assert rows(place) == [watcher, {**TIMED, "when": "0 4 * * 1", "message": DREAM_TICK, "check": str(place.gate)}]
    assert [(row["name"], row["action"], row["changed"]) for row in done["triggers"]] == [
        ("watcher", "registered", True),
        ("dream", "registered", True),
        ("old-sweep", "unregistered", True),
    ]
    assert done["triggers"][0]["trigger"] == watcher
    assert done["detail"] == (
        f"registered {ID} to scriber (differed in script); registered {DREAM} to dreamweaver (was not registered); "
        "unregistered iapeer-memory-inbox-sweep"
    )
    assert [call[1] for call in egress.calls if call[1] == "send"] == ["send"] * 3
    assert [entry["before_header"] for entry in done["diff"]] == [ID, DREAM, "iapeer-memory-inbox-sweep"]
    for key in ("changed", "action", "detail", "diff"):
        assert foretold[key] == done[key]
    settled = len(egress.calls)
    again = standard(place, egress)
    assert (again["changed"], again["action"], again["diff"]) == (False, "already", [])
    assert again["detail"] == f"{ID} goes to scriber; {DREAM} goes to dreamweaver"
    assert {call[1] for call in egress.calls[settled:]} == {"list"}


def test_a_lean_host_has_no_weekly_timer(place: Place) -> None:
    place.configure("IAPEER_MEMORY_MODE=lean")
    scripts(place)
    place.registry(place.row("index", "claude"))
    profile(place, TIMED)
    done = standard(place, StandIn(place.home, place.root, place.state))
    assert [row["action"] for row in done["triggers"]] == ["registered", "unregistered", "absent"]
    assert [row["id"] for row in rows(place)] == [ID]


def test_the_message_of_a_version_is_sent_whole(place: Place) -> None:
    """With keys that we do not know, in its own order."""
    scripts(place)
    profile(place)
    forms = bundled(place.host(), "a test")
    watcher = {"id": ID, "debounce": 5, "target": "scriber", "script": str(place.launcher)}
    dream = {**forms.triggers["dream"], "message": "DREAM_TICK: другими словами"}
    ahead = Ahead(forms._replace(triggers={"watcher": watcher, "dream": dream}))
    landed = [{**LANDED, "script": str(place.launcher)}, {**TIMED, "check": str(place.gate)}]
    texts = [json.dumps(message, ensure_ascii=False, separators=(",", ":")) for message in (watcher, dream)]
    with transcript(
        listing(place),
        listing(place),
        sent("watcher", texts[0], effect=lambda: profile(place, *landed[:1]) and None),
        sent("timer", texts[1], effect=lambda: profile(place, *landed) and None),
    ) as egress:
        standard(place, egress, ahead=ahead)
    profile(place, {**landed[0], "debounce": 9}, {**landed[1], "message": "DREAM_TICK: in our words"})
    with transcript(listing(place), listing(place)) as egress:
        told = standard(place, egress, check=True, ahead=ahead)["triggers"]
    assert [row["detail"].partition(" (")[2] for row in told[:2]] == ["differed in debounce)", "differed in message)"]


def test_one_trigger_that_fails_does_not_stop_the_others_and_all_is_told(place: Place) -> None:
    scripts(place)
    place.gate.chmod(0o644)
    old = {"role": "time", "id": "iapeer-memory-inbox-sweep", "owner": "index", "target": "index", "when": "x"}
    profile(place, old)
    place.registry(place.row("index", "claude"))
    egress = StandIn(place.home, place.root, place.state)
    for check in (True, False):
        done = standard(place, egress, check)
        assert (done["failed"], done["action"], done["changed"]) == (True, "failed", True)
        assert done["msg"].startswith(f"{place.gate}: not there or not executable")
        assert [row["action"] for row in done["triggers"]] == ["registered", "failed", "unregistered"]
        assert [row["missing"] for row in done["triggers"]] == ["", str(place.gate), ""]
    assert [row["id"] for row in rows(place)] == [ID]


def test_a_program_that_is_missing_is_told_even_where_it_is_about_to_come(place: Place) -> None:
    scripts(place)
    place.launcher.unlink()
    profile(place, {**LANDED, "script": str(place.launcher)}, {**TIMED, "check": str(place.gate)})
    with transcript(listing(place)) as egress:
        done = standard(place, egress, True, Ahead(written=frozenset({str(place.launcher)})))
    assert (done["changed"], done["action"]) == (False, "already")
    assert [row["missing"] for row in done["triggers"]] == [str(place.launcher), "", ""]


def test_a_profile_that_cannot_be_read_is_told_once(place: Place) -> None:
    path = profile(place)
    path.write_text("{")
    with transcript(listing(place)) as egress:
        done = standard(place, egress)
    assert [row["action"] for row in done["triggers"]] == ["failed"] * 3
    assert done["msg"].count(str(path)) == 1


@pytest.mark.parametrize("check", [True, False])
def test_a_core_that_the_sandbox_refuses_is_skipped_and_no_failure(place: Place, check: bool) -> None:
    scripts(place)
    place.manifest(index=place.peer("index"))
    profile(place)
    refused = Call("iapeer", ("list", "--json"), REFUSED)
    with transcript(refused, refused) as egress:
        done = standard(place, egress, check)
    assert (done["refused"], done["action"], done["changed"], "failed" in done) == (True, "skipped", False, False)
    assert [row["action"] for row in done["triggers"]] == ["skipped", "skipped", "absent"]


def test_all_triggers_go_at_once(place: Place) -> None:
    place.registry(place.row("index", "claude"))
    profile(place, {**LANDED, "script": "/gone"}, TIMED, {**TIMED, "id": "mine"})
    done = standard(place, StandIn(place.home, place.root, place.state), state="absent")
    assert [row["action"] for row in done["triggers"]] == ["unregistered", "unregistered", "absent"]
    assert [row["id"] for row in rows(place)] == ["mine"]


def test_a_host_without_index_is_skipped_as_a_whole(place: Place) -> None:
    with transcript(listing(place, place.row("beta", "claude"))) as egress:
        done = standard(place, egress)
    assert (done["action"], done["detail"], done["triggers"]) == ("skipped", "no index peer on this host", [])
