# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The memory slot (contract §3)."""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import slot
from ansible_collections.agfpd.iapeer_memory.tests.unit.fakes import StillClock
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import REGISTERED, Place

NOW = 1768465800.25
V1_2 = """\
{
  "provider": "iapeer-memory",
  "package": "@agfpd/iapeer-memory",
  "version": "1.4.0",
  "registeredAt": "2026-01-15T08:30:00.250Z",
  "heartbeat": "HOME/.iapeer/state/iapeer-memory/memoryd.heartbeat",
  "provision": {
    "command": "HOME/.local/bin/iapeer-memory",
    "args": [
      "provision-peer",
      "--cwd",
      "{cwd}",
      "--runtime",
      "{runtime}",
      "--personality",
      "{personality}",
      "--occasion",
      "{occasion}"
    ]
  },
  "unprovision": {
    "command": "HOME/.local/bin/iapeer-memory",
    "args": [
      "unprovision-peer",
      "--cwd",
      "{cwd}",
      "--runtime",
      "{runtime}",
      "--occasion",
      "{occasion}"
    ]
  }
}
"""
LEGACY = {
    "provider": "iapeer-memory",
    "package": "@agfpd/iapeer-memory",
    "version": "1.1.0",
    "registeredAt": REGISTERED,
    "heartbeat": "/old/heartbeat",
    "plugin": {"name": "iapeer-memory", "marketplace": "agfpd"},
}
FOREIGN = {"provider": "other-memory", "version": "3.0.0"}


def expected(place: Place) -> str:
    """The exact text of the slot on this host."""
    return V1_2.replace("HOME", str(place.home))


def current(place: Place, **changes: Any) -> dict[str, Any]:
    """The declaration that is wanted, with changes; None drops a key."""
    value = {**json.loads(expected(place)), "registeredAt": REGISTERED, **changes}
    return {key: item for key, item in value.items() if item is not None}


def ensure(place: Place, state: str = "present", check: bool = False, **options: Any) -> dict[str, Any]:
    """The module's work at a known moment."""
    wanted = {"state": state, "version": "1.4.0", "migrate": False, **options}
    return slot.ensure(place.host(clock=StillClock(NOW)), wanted, check).as_dict(True)


# Reading


@pytest.mark.parametrize(
    ("text", "form", "problem"),
    [
        (None, "absent", ""),
        ("", "malformed", "not JSON"),
        ("{", "malformed", "not JSON"),
        (b"\xff", "malformed", "not JSON"),
        ('{"provider": "iapeer-memory", "note": NaN}', "malformed", "not JSON: NaN is no JSON"),
        ("[]", "malformed", "not a JSON object"),
        ("null", "malformed", "not a JSON object"),
        ("{}", "malformed", "names no provider"),
        ('{"provider": ""}', "malformed", "names no provider"),
        ('{"provider": " "}', "malformed", "names no provider"),
        ('{"provider": 5}', "malformed", "names no provider"),
        ('{"a":' + "[" * 200 + "]" * 200 + "}", "malformed", "not JSON: nested"),
        ('{"provider": "other"}', "foreign", ""),
        ('{"provider": "iapeer-memory", "plugin": {}}', "v1_1", ""),
        ('{"provider": "iapeer-memory", "plugin": {}, "provision": {}}', "v1_2", ""),
        ('{"provider": "iapeer-memory", "plugin": {}, "unprovision": {}}', "v1_2", ""),
        ('{"provider": "iapeer-memory", "plugin": {}, "provision": null, "unprovision": 1}', "v1_1", ""),
        ('{"provider": "iapeer-memory", "provision": {}}', "v1_2", ""),
        ('{"provider": "iapeer-memory"}', "v1_2", ""),
    ],
)
def test_the_form_is_told_and_reading_never_fails(
    place: Place, text: str | bytes | None, form: str, problem: str
) -> None:
    if text is not None:
        place.write(place.slot, text)
    found = slot.read_slot(place.host())
    assert found.form == form
    assert found.problem.startswith(problem)
    assert bool(found.problem) == bool(problem)


def test_provider_and_version_are_empty_where_there_are_none(place: Place) -> None:
    found = slot.read_slot(place.host())
    assert (found.provider, found.version) == ("", "")


def test_a_folder_in_place_of_the_slot_is_malformed_but_not_replaced(place: Place) -> None:
    place.slot.mkdir()
    assert slot.read_slot(place.host()).form == "malformed"
    for check in (True, False):
        with pytest.raises(Problem, match="a directory stands where a file belongs"):
            ensure(place, check=check)


OTHERS = b'{"provider": "other-memory", "version": "3.0.0"%s}'
# What another program that reads JSON takes for a slot of another provider, however little we would write like that.
LOOSE = {
    "a byte that is no text": OTHERS % b', "note": "caf\xe9"',
    "a byte order mark": b"\xef\xbb\xbf" + OTHERS % b"",
    "another encoding": (OTHERS % b"").decode().encode("utf-16"),
    "deep": OTHERS % (b', "n": ' + b"[" * 5000 + b"]" * 5000),
    "a long number": OTHERS % (b', "n": ' + b"1" * 6000),
    "all of it": OTHERS % (b', "n": {"provider": "iapeer-memory", "\xe9": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001),
}


@pytest.mark.parametrize("state", ["present", "absent"])
@pytest.mark.parametrize("data", LOOSE.values(), ids=LOOSE)
def test_another_provider_is_known_in_whatever_can_be_read(place: Place, data: bytes, state: str) -> None:
    place.write(place.slot, data)
    found = slot.read_slot(place.host())
    assert (found.form, found.provider, found.problem) == ("foreign", "other-memory", "")
    with pytest.raises(Problem, match="the slot is held by other-memory: left as it is"):
        ensure(place, state=state)
    assert place.slot.read_bytes() == data


@pytest.mark.parametrize(
    "data",
    [
        OTHERS[:-3],
        OTHERS % b', "n": [',
        OTHERS % b', "note": "\xe9" // mine',
        b"[" * 5000 + b"]" * 5000,
        b'["caf\xe9"]',
        b'{"n": {"provider": "other-memory", "note": "\xe9"}}',
        b'{"provider": 5, "note": "\xe9"}',
        b'{"provider": "iapeer-memory", "note": "\xe9"}',
    ],
)
def test_what_nobody_can_read_as_another_providers_is_empty(place: Place, data: bytes) -> None:
    place.write(place.slot, data)
    found = slot.read_slot(place.host())
    assert (found.form, found.value, found.empty, found.barred) == ("malformed", None, True, "")
    assert ensure(place)["action"] == "declared"


@pytest.mark.parametrize("value", [FOREIGN, LEGACY, None])
def test_a_link_that_leaves_the_root_is_followed_to_see_whose_slot_it_is(
    place: Place, value: dict[str, Any] | None
) -> None:
    wanted = current(place) if value is None else value
    target = place.write_json(place.home / "dotfiles" / "slot.json", wanted)
    place.slot.symlink_to(target)
    before = target.read_bytes()
    form = {"other-memory": "foreign"}.get(wanted["provider"], "v1_1" if value else "v1_2")
    assert slot.read_slot(place.host()).form == form
    if value is None:
        assert ensure(place)["action"] == "already"
    for state in ("present", "absent") if value else ("absent",):
        for check in (True, False):
            reason = "held by other-memory" if form == "foreign" else "a link that leaves "
            with pytest.raises(Problem, match=reason):
                ensure(place, state=state, check=check, migrate=True)
    assert (place.slot.is_symlink(), target.read_bytes()) == (True, before)


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_slot_that_cannot_be_looked_at_is_empty_and_is_not_written(place: Place, state: str) -> None:
    os.mkfifo(place.slot)
    found = slot.read_slot(place.host())
    assert (found.form, found.empty, found.barred) == ("malformed", True, "")
    for check in (True, False):
        with pytest.raises(Problem) as problem:
            ensure(place, state=state, check=check)
        assert str(problem.value) == f"{place.slot}: {found.problem}"
        assert problem.value.kind == "irregular"


@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_slot_behind_a_link_to_what_is_not_there_is_not_missing_and_is_not_written(place: Place, state: str) -> None:
    place.slot.symlink_to(place.root / "away.json")
    assert slot.read_slot(place.host()).form == "malformed"
    before = place.snapshot()
    for check in (True, False):
        with pytest.raises(Problem, match="leads to what is not there") as problem:
            ensure(place, state=state, check=check)
        assert problem.value.path == str(place.slot)
    assert place.snapshot() == before


# Declaring


@pytest.mark.parametrize("before", [None, "{", "{}", "[1]"])
def test_an_empty_slot_is_declared_with_the_exact_bytes(place: Place, before: str | None) -> None:
    if before is not None:
        place.write(place.slot, before)
    done = ensure(place)
    assert place.slot.read_text() == expected(place)
    assert (done["changed"], done["action"]) == (True, "declared")
    assert done["form_before"] == ("absent" if before is None else "malformed")
    assert done["slot"] == json.loads(expected(place))


def test_the_key_order_is_that_of_the_contract(place: Place) -> None:
    ensure(place)
    keys = ["provider", "package", "version", "registeredAt", "heartbeat", "provision", "unprovision"]
    assert list(json.loads(place.slot.read_text())) == keys


@pytest.mark.parametrize("layout", ["pretty", "one line", "other order", "a key of a later version"])
def test_what_is_declared_already_is_not_written_and_keeps_its_time(place: Place, layout: str) -> None:
    value = current(place)
    if layout == "other order":
        value = dict(reversed(list(value.items())))
    if layout == "a key of a later version":
        value["capabilities"] = ["x"]
    place.write(place.slot, json.dumps(value, indent=None if layout == "one line" else 2))
    before = place.snapshot()
    done = ensure(place)
    assert (done["changed"], done["action"], done["diff"]) == (False, "already", [])
    assert done["slot"]["registeredAt"] == REGISTERED
    assert place.snapshot() == before


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": "1.3.0"}, "was v1.3.0"),
        ({"package": "x"}, "differed in package"),
        ({"heartbeat": "/old"}, "differed in heartbeat"),
        ({"heartbeat": None}, "differed in heartbeat"),
        ({"provision": {"command": "/old", "args": []}}, "differed in provision"),
        ({"provision": None, "unprovision": None}, "differed in provision, unprovision"),
        ({"version": "1.3.0", "unprovision": 5}, "differed in version, unprovision"),
        ({"registeredAt": None}, "differed in registeredAt"),
        ({"registeredAt": ""}, "differed in registeredAt"),
        ({"registeredAt": 5}, "differed in registeredAt"),
    ],
)
def test_any_drift_is_declared_anew_and_named(place: Place, changes: dict[str, Any], reason: str) -> None:
    place.write_json(place.slot, current(place, **changes))
    done = ensure(place)
    assert (done["changed"], done["action"]) == (True, "redeclared")
    assert done["detail"] == f"redeclared v1.4.0 ({reason})"
    assert place.slot.read_text() == expected(place)
    assert not ensure(place)["changed"]


def test_a_moved_binary_is_declared_anew(place: Place) -> None:
    ensure(place)
    moved = place.write(place.base / "bin" / "iapeer-memory", "#!/bin/sh\n", 0o755)
    host = place.host(clock=StillClock(NOW), binary_path=str(moved))
    done = slot.ensure(host, {"state": "present", "version": "1.4.0"}, False).as_dict(True)
    assert done["detail"] == "redeclared v1.4.0 (differed in provision, unprovision)"
    assert json.loads(place.slot.read_text())["provision"]["command"] == str(moved)


def test_the_mode_of_the_file_is_kept(place: Place) -> None:
    place.write_json(place.slot, current(place, version="1.0.0"), 0o600)
    ensure(place)
    assert place.slot.stat().st_mode & 0o777 == 0o600


# v1.1 and foreign


@pytest.mark.parametrize("check", [True, False])
def test_a_legacy_slot_is_refused_unless_it_may_be_migrated(place: Place, check: bool) -> None:
    place.write_json(place.slot, LEGACY)
    before = place.snapshot()
    with pytest.raises(Problem) as problem:
        ensure(place, check=check)
    assert problem.value.kind == "legacy"
    assert str(problem.value) == f"{place.slot}: the slot is in the v1.1 form: migrate with update"
    assert place.snapshot() == before


def test_a_legacy_slot_is_migrated_when_asked_to(place: Place) -> None:
    place.write_json(place.slot, LEGACY)
    done = ensure(place, migrate=True)
    assert (done["action"], done["detail"], done["form_before"]) == ("migrated", "migrated v1.4.0 (was v1.1)", "v1_1")
    assert place.slot.read_text() == expected(place)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("state", ["present", "absent"])
def test_a_foreign_slot_is_never_touched_and_its_holder_named(place: Place, state: str, check: bool) -> None:
    place.write_json(place.slot, FOREIGN)
    before = place.snapshot()
    with pytest.raises(Problem) as problem:
        ensure(place, state=state, check=check, migrate=True)
    assert problem.value.kind == "foreign"
    assert str(problem.value) == f"{place.slot}: the slot is held by other-memory: left as it is"
    assert place.snapshot() == before


# Absent


@pytest.mark.parametrize("value", [LEGACY, {"provider": "iapeer-memory", "version": "1.1.0"}])
def test_our_declaration_is_taken_away(place: Place, value: dict[str, Any]) -> None:
    place.write_json(place.slot, value)
    done = ensure(place, state="absent", version=None)
    assert (done["changed"], done["action"]) == (True, "removed")
    assert done["detail"] == "removed the declaration of v1.1.0"
    assert done["slot"] == {}
    assert not place.slot.exists()


@pytest.mark.parametrize("text", [None, "{"])
def test_nothing_of_ours_is_nothing_to_take_away(place: Place, text: str | None) -> None:
    if text is not None:
        place.write(place.slot, text)
    before = place.snapshot()
    done = ensure(place, state="absent")
    assert (done["changed"], done["action"]) == (False, "absent")
    assert place.snapshot() == before


def test_of_a_slot_that_is_a_link_only_the_link_goes(place: Place) -> None:
    ensure(place)
    target = place.slot.rename(place.slot.with_name("mine.json"))
    place.slot.symlink_to(target.name)
    kept = target.read_bytes()
    assert ensure(place, state="absent")["action"] == "removed"
    assert not os.path.lexists(place.slot)
    assert target.read_bytes() == kept


# Options, check mode, diff


@pytest.mark.parametrize(
    ("version", "reason"),
    [
        ("latest", "version must be a version"),
        ("1.4.0\n<b>", "version must be a version"),
        ("\x1b[32m1.4.0", "version must be a version"),
    ],
)
def test_what_is_no_version_is_one_clear_message(place: Place, version: str, reason: str) -> None:
    with pytest.raises(Problem, match=f"^{reason}"):
        ensure(place, version=version)
    assert not place.slot.exists()


def test_a_slot_never_declares_a_binary_that_is_not_there(place: Place) -> None:
    place.binary.unlink()
    with pytest.raises(Problem, match="no such binary"):
        ensure(place)
    assert not place.slot.exists()


def test_the_version_is_trimmed(place: Place) -> None:
    ensure(place, version=" 1.4.0\n")
    assert json.loads(place.slot.read_text())["version"] == "1.4.0"


def test_check_mode_tells_the_same_and_writes_nothing(place: Place) -> None:
    place.write_json(place.slot, LEGACY)
    before = place.snapshot()
    foretold = ensure(place, check=True, migrate=True)
    assert place.snapshot() == before
    assert foretold == ensure(place, migrate=True)


def test_the_diff_shows_the_lines_and_not_the_moment(place: Place) -> None:
    place.write(place.slot, json.dumps(current(place, version="1.3.0")))
    (diff,) = ensure(place, check=True)["diff"]
    before, after = diff["before"].splitlines(), diff["after"].splitlines()
    assert len(before) == len(after)
    changed = [(old, new) for old, new in zip(before, after) if old != new]
    assert changed == [
        ('  "version": "1.3.0",', '  "version": "1.4.0",'),
        (f'  "registeredAt": "{REGISTERED}",', '  "registeredAt": "(the time of writing)",'),
    ]
    assert diff["before_header"] == str(place.slot)


def test_the_diff_of_a_malformed_slot_shows_why_and_not_what(place: Place) -> None:
    place.write(place.slot, '{"token": "secret"')
    (diff,) = ensure(place, check=True)["diff"]
    assert diff["before"].startswith("(not JSON")
    assert "secret" not in str(diff)


def test_lone_surrogates_in_a_slot_are_shown_without_a_crash(place: Place) -> None:
    place.write(place.slot, '{"provider": "iapeer-memory", "x": "\\ud800"}')
    (diff,) = ensure(place)["diff"]
    assert '"x": "\\ud800"' in diff["before"]


def test_the_sandbox_refuses_the_live_slot(place: Place) -> None:
    environ = place.environ(IAPEER_TEST_SANDBOX="1")
    sandbox = Sandbox(environ, real_home=str(place.home))
    for check in (True, False):
        host = place.host(environ=environ, sandbox=sandbox)
        with pytest.raises(Problem) as problem:
            slot.ensure(host, {"state": "present", "version": "1"}, check)
        assert problem.value.refused
    assert not place.slot.exists()
