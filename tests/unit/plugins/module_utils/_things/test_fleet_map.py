# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The registry and the fleet map (contract §4)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import Outcome
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.core import Peer, core_problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import fleet_map
from ansible_collections.agfpd.iapeer_memory.tests.unit.fakes import (
    MISSING,
    REFUSED,
    Call,
    StillClock,
    Transcript,
    call,
)
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place

NOW = 1768465800.25
ROWS: list[Any] = [
    {
        "personality": " alpha ",
        "cwd": " /peers/alpha\n",
        "default_runtime": "claude",
        "runtimes": [
            {"runtime": "claude", "status": "running"},
            {"runtime": " codex ", "status": "stopped"},
            {"runtime": "claude", "status": "stopped"},
            {"status": "stopped"},
            {"runtime": " "},
            {"runtime": 7},
        ],
        "intelligence": "artificial",
        "description": "first",
    },
    {"personality": "бета", "cwd": "/peers/beta"},
]
MAP = """\
{
  "updatedAt": "2026-01-15T08:30:00.250Z",
  "peers": [
    {
      "personality": "alpha",
      "cwd": "/peers/alpha",
      "runtimes": [
        "claude",
        "codex"
      ]
    },
    {
      "personality": "бета",
      "cwd": "/peers/beta",
      "runtimes": []
    }
  ]
}
"""
PEERS = (Peer("alpha", "/peers/alpha", ("claude", "codex")), Peer("бета", "/peers/beta", ()))


def listing(rows: Any, rc: int = 0, err: str = "") -> Call:
    """The one call that is expected."""
    text = rows if isinstance(rows, str) else json.dumps(rows)
    return call("iapeer", "list", "--json", out=text, rc=rc, err=err)


def ensure(place: Place, *calls: Call, check: bool = False, allow_empty: bool = False) -> dict[str, Any]:
    """The module's work at a known moment, with exactly these calls."""
    egress = Transcript(*calls)
    try:
        return fleet_map.ensure(place.host(egress, StillClock(NOW)), {"allow_empty": allow_empty}, check).as_dict(True)
    finally:
        egress.done()


# The registry


@pytest.mark.parametrize(
    "row",
    [
        {"personality": "", "cwd": "/x"},
        {"personality": "  ", "cwd": "/x"},
        {"personality": "x", "cwd": " "},
        {"personality": "x"},
        {"cwd": "/x"},
        {"personality": 5, "cwd": "/x"},
        {"personality": "x", "cwd": None},
        "x",
        None,
        [],
    ],
)
def test_a_row_without_personality_or_cwd_is_dropped(place: Place, row: Any) -> None:
    done = ensure(place, listing([row, *ROWS]))
    assert [peer["personality"] for peer in done["peers"]] == ["alpha", "бета"]


@pytest.mark.parametrize("runtimes", [None, "claude", {"runtime": "claude"}, 5])
def test_runtimes_that_are_no_list_are_none(runtimes: Any) -> None:
    assert fleet_map.peers_of([{"personality": "x", "cwd": "/x", "runtimes": runtimes}]) == (Peer("x", "/x", ()),)


def test_strings_are_trimmed_and_runtimes_deduplicated_in_order() -> None:
    assert fleet_map.peers_of([row for row in ROWS if isinstance(row, dict)]) == PEERS


FAILURES = {
    "not JSON": (listing("peers: none"), "the core did not print JSON: ", "malformed"),
    "nearly": (listing('[{}, {"x": -Infinity}]'), "the core did not print JSON: ", "malformed"),
    "nothing": (listing(""), "the core did not print JSON: ", "malformed"),
    "an object": (listing({}), "the core printed JSON that is not an array", "malformed"),
    "null": (listing("null"), "the core printed JSON that is not an array", "malformed"),
    "deep": (listing("[" * 100_000), "the core did not print JSON: ", "malformed"),
    "a failure": (listing([], 3, "\nlocked out\nmore"), "the core failed (exit code 3): locked out", "failed"),
    "a silent failure": (listing("", 1), "the core failed (exit code 1)", "failed"),
    "a core that was killed": (listing("", -11), "the core failed (killed by signal 11 (SIGSEGV))", "failed"),
    "a time-out": (listing("", 124, "no answer within 60 s"), "the core failed (exit code 124): no answer", "failed"),
    "missing": (Call("iapeer", ("list", "--json"), MISSING), "the core is missing: no /fake/iapeer", "missing"),
    "refused": (Call("iapeer", ("list", "--json"), REFUSED), "refused by the sandbox: iapeer was not named", "refused"),
}


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("name", sorted(FAILURES))
def test_a_core_that_gives_no_list_leaves_the_old_map_untouched(place: Place, name: str, check: bool) -> None:
    place.write(place.fleet_map, MAP)
    before = place.snapshot()
    answer, message, kind = FAILURES[name]
    with pytest.raises(Problem) as problem:
        ensure(place, answer, check=check)
    assert str(problem.value).startswith(message)
    assert problem.value.kind == kind
    assert place.snapshot() == before


def test_a_complaint_is_one_short_line() -> None:
    problem = core_problem("iapeer", Outcome(1, "", "x" * 1000 + "\nsecond"))
    assert str(problem) == "the core failed (exit code 1): " + "x" * 200


# The map


def test_a_missing_map_is_written_with_the_exact_bytes(place: Place) -> None:
    done = ensure(place, listing(ROWS))
    assert place.fleet_map.read_text() == MAP
    assert (done["changed"], done["action"], done["count"]) == (True, "written", 2)
    assert done["detail"] == "2 peers, the old map was unreadable: missing"
    assert done["peers"] == json.loads(MAP)["peers"]


def test_the_state_folder_is_made_where_it_is_missing(place: Place) -> None:
    place.state.rmdir()
    ensure(place, listing(ROWS))
    assert place.fleet_map.read_text() == MAP


@pytest.mark.parametrize(
    "text",
    [
        MAP,
        MAP.replace("2026", "1999"),
        json.dumps(json.loads(MAP)),
        MAP.replace('"alpha"', '" alpha "'),
        MAP.replace(',\n      "runtimes": []', ""),
        MAP.replace('"peers": [', '"peers": [7, {"personality": ""},'),
    ],
)
def test_a_map_that_names_the_same_peers_is_not_rewritten(place: Place, text: str) -> None:
    place.write(place.fleet_map, text)
    before = place.snapshot()
    done = ensure(place, listing(ROWS))
    assert (done["changed"], done["action"], done["detail"], done["diff"]) == (False, "already", "2 peers", [])
    assert place.snapshot() == before


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        (lambda rows: rows[:1], "1 peers, 0 new or changed, 1 gone or changed"),
        (lambda rows: [*rows, {"personality": "c", "cwd": "/c"}], "3 peers, 1 new or changed, 0 gone or changed"),
        (lambda rows: [rows[0], {**rows[1], "cwd": "/x"}], "2 peers, 1 new or changed, 1 gone or changed"),
        (lambda rows: rows[::-1], "2 peers, the same ones, in another order or named twice"),
    ],
)
def test_changed_peers_rewrite_the_map(place: Place, change: Any, detail: str) -> None:
    place.write(place.fleet_map, MAP)
    done = ensure(place, listing(change(ROWS)))
    assert (done["changed"], done["detail"]) == (True, detail)
    assert not ensure(place, listing(change(ROWS)))["changed"]


@pytest.mark.parametrize("check", [True, False])
def test_a_map_with_peers_is_not_replaced_by_an_empty_one(place: Place, check: bool) -> None:
    place.write(place.fleet_map, MAP)
    before = place.snapshot()
    with pytest.raises(Problem) as problem:
        ensure(place, listing([]), check=check)
    assert str(problem.value) == f"{place.fleet_map}: the core lists no peers: the map with 2 is kept"
    assert place.snapshot() == before


def test_an_empty_map_is_written_when_asked_for(place: Place) -> None:
    place.write(place.fleet_map, MAP)
    assert ensure(place, listing([]), allow_empty=True)["changed"]
    assert json.loads(place.fleet_map.read_text())["peers"] == []


@pytest.mark.parametrize("text", [None, "{", '{"peers": []}'])
def test_an_empty_registry_may_fill_a_map_that_names_nobody(place: Place, text: str | None) -> None:
    if text is not None:
        place.write(place.fleet_map, text)
    assert ensure(place, listing([]))["count"] == 0
    assert fleet_map.read_fleet(place.host()).readable


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{", "not JSON"),
        ("[]", "not a JSON object"),
        ("{}", "has no list of peers"),
        ('{"peers": {}}', "has no list of peers"),
        ('{"peers": null}', "has no list of peers"),
    ],
)
def test_a_malformed_map_is_unreadable_not_empty(place: Place, text: str, problem: str) -> None:
    place.write(place.fleet_map, text)
    found = fleet_map.read_fleet(place.host())
    assert (found.readable, found.kind, found.peers) == (False, "malformed", ())
    assert found.problem.startswith(problem)
    done = ensure(place, listing(ROWS))
    assert done["detail"].startswith(f"2 peers, the old map was unreadable: {problem}")
    assert place.fleet_map.read_text() == MAP


def test_a_missing_map_is_told_apart(place: Place) -> None:
    found = fleet_map.read_fleet(place.host())
    assert (found.readable, found.kind, found.problem) == (False, "missing", "missing")


def test_an_empty_map_is_readable(place: Place) -> None:
    place.write(place.fleet_map, '{"peers": []}')
    assert fleet_map.read_fleet(place.host()) == fleet_map.Fleet()


def test_a_name_that_utf8_cannot_carry_is_written_so_that_it_can_be_read_again(place: Place) -> None:
    rows = [{"personality": "\ud800x", "cwd": "/x"}]
    ensure(place, listing(rows))
    assert b'"\\ud800x"' in place.fleet_map.read_bytes()
    assert not ensure(place, listing(rows))["changed"]


# Check mode and diff


def test_check_mode_tells_the_same_and_writes_nothing(place: Place) -> None:
    place.write(place.fleet_map, MAP)
    before = place.snapshot()
    foretold = ensure(place, listing(ROWS[:1]), check=True)
    assert place.snapshot() == before
    assert foretold == ensure(place, listing(ROWS[:1]))


def test_the_diff_shows_the_peers_and_not_the_moment(place: Place) -> None:
    place.write(place.fleet_map, MAP.replace("2026", "1999"))
    (diff,) = ensure(place, listing(ROWS[:1]), check=True)["diff"]
    gone = [line for line in diff["before"].splitlines() if line not in diff["after"].splitlines()]
    assert gone == ["    },", '      "personality": "бета",', '      "cwd": "/peers/beta",', '      "runtimes": []']
    assert "1999" not in str(diff)
    assert '"updatedAt": "(the time of writing)"' in diff["after"]


def test_the_diff_of_an_unreadable_map_starts_from_nothing(place: Place) -> None:
    place.write(place.fleet_map, '{"token": "secret"')
    (diff,) = ensure(place, listing(ROWS), check=True)["diff"]
    assert diff["before"] == ""
