# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one look over generated hosts: it touches nothing, tells what the steps then do, and sees the drift of verify."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import Binary, Outcome
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.ahead import NOTHING
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import Host
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.results import stopped
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look import look
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.gates import ORDER, is_due, statuses
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.steps import STEPS
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.checks import check_rows
from ansible_collections.agfpd.iapeer_memory.tests.hypothesis_profiles import PROFILE
from ansible_collections.agfpd.iapeer_memory.tests.unit.fakes import Call, StillClock, transcript
from ansible_collections.agfpd.iapeer_memory.tests.unit.generated_hosts import SECRET, SPEC, VERSION, Generated

pytestmark = pytest.mark.property

JOURNAL = "calls.jsonl"
OPTIONS: dict[str, Any] = {
    **{"version": VERSION, "forms": "bundled", "restart": "stale", "hung_after": 120.0, "wait": 5.0},
    "lock_timeout": 5.0,
}
# The checks of verify by the step that mends them; what has no check, and what a check sees otherwise, is left out.
CHECKS = {
    "memory-slot": "slot",
    "legacy-plugin": "plugin-off",
    "peer-surfaces": "surfaces",
    "launcher": "launcher",
    "notifier-watcher": "triggers",
    "dream-timer": "triggers",
    "doctrine": "doctrines",
    "role-doctrines": "doctrines",
    "wake-policy": "wake-policy",
    "role-descriptions": "role-descriptions",
}


def test_what_a_program_says_in_a_scratch_is_not_taken_for_what_it_says_on_the_host() -> None:
    scratch, told = Outcome(127, "", "env: bun: no such file"), Outcome(0, "1.4.0\n")
    env, asked = {"PATH": "/bin"}, Call("iapeer-memory", ("version",), told)
    in_scratch = asked._replace(outcome=scratch, cwd="/s")
    binary, args = Binary("/b/iapeer-memory"), ["version"]
    with transcript(in_scratch, asked, in_scratch) as egress:
        remembering = look.Remembering(egress)
        assert remembering.run(binary, args, cwd="/s", env=env) == scratch
        assert [remembering.run(binary, args, cwd=None, env=None), remembering.run(binary, args)] == [told, told]
        assert remembering.run(binary, args, cwd="/s", env=env) == scratch


@contextlib.contextmanager
def generated(spec: dict[str, Any]) -> Iterator[tuple[Generated, Host]]:
    """A host as it was drawn, at a moment that stands still."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as base:
        place = Generated(Path(base), spec)
        place.egress.clock = StillClock(time.time())
        yield place, place.host(place.egress, place.egress.clock)


def run_for_real(host: Host, found: Mapping[str, Any], repair: bool = False) -> dict[str, dict[str, Any]]:
    """The steps as the role runs them: each where it is due, on what really is on the disk."""
    done: dict[str, dict[str, Any]] = {}
    for name in ORDER:
        if is_due(name, found, done, repair):
            step = STEPS[name]
            try:
                result = step.work(host, step.options(OPTIONS), False, NOTHING)
            except Problem as problem:
                result = stopped(problem)
            done[name] = result.as_dict(False)
    return done


def drifted(found: Mapping[str, Any]) -> set[str]:
    """The steps whose checks fail."""
    rows = check_rows(found, {}, 120)
    names = {row.name.partition("[")[0] for row in rows if row.status == "fail"}
    return {CHECKS[name] for name in names if name in CHECKS}


def wanting(found: Mapping[str, Any]) -> set[str]:
    """The steps with a check that would change something or fail; those of repair's own reach on a host as it is."""
    bad = {name for name, status in statuses(found, {}).items() if status in ("changed", "fail")}
    # On a host that is to be migrated the slot alone fails, and stands for the others.
    later = {"surfaces", "plugin-off"} if found["slot"]["form"] == "v1_1" else set()
    # The old timer has no check of its own; without index in the manifest the triggers have none.
    told = found["steps"]["triggers"].get("triggers") or ()
    seen = [item for item in told if item["name"] != "old-sweep" and item["action"] not in ("already", "absent")]
    known = any(role["role"] == "index" for role in found["roles"])
    unseen = not known or (told and not seen)
    return {name for name in bad & set(CHECKS.values()) - later if not (name == "triggers" and unseen)}


@settings(PROFILE, max_examples=max(60, PROFILE.max_examples // 4))
@given(spec=SPEC)
def test_the_look_tells_what_the_steps_do_and_verify_sees_what_update_would_mend(spec: dict[str, Any]) -> None:
    with generated(spec) as (place, host):
        before = place.snapshot(JOURNAL)
        foretold = look.look(host, OPTIONS, True)
        found = foretold.data
        assert place.snapshot(JOURNAL) == before, "the look changed something"
        assert SECRET.split()[1] not in str(foretold.diff), "a secret is shown"
        assert foretold.changed == ("changed" in statuses(found, {}).values())
        # A trigger whose script is not in place fails its check, whoever mends it: the step of the scripts.
        missing = any(item.get("missing") for item in found["steps"]["triggers"].get("triggers") or ())
        mute = {"triggers"} if missing else set()
        assert drifted(found) - mute == wanting(found) - mute, found["steps"]
        assert not missing or "launcher" in wanting(found)

        done = run_for_real(host, found)
        told, real = statuses(found, {}), statuses(found, done)
        broken = any(peer["settings"] == "broken" for peer in spec["peers"])
        unforeseen = {"plugin-off", "slot"} if broken else set()  # what only the core can tell
        assert {name: told[name] for name in ORDER if name not in unforeseen} == {
            name: real[name] for name in ORDER if name not in unforeseen
        }
        again = statuses(look.look(host, OPTIONS, True).data, {})
        assert [name for name, status in again.items() if status == "changed" and name != "memoryd"] == []


@settings(PROFILE, max_examples=max(40, PROFILE.max_examples // 6))
@given(spec=SPEC)
def test_what_repair_says_is_what_the_next_verify_sees(spec: dict[str, Any]) -> None:
    with generated(spec) as (_place, host):
        found = look.look(host, OPTIONS, True).data
        done = run_for_real(host, found, repair=True)
        told = [row.name for row in check_rows(found, done, 120) if row.status == "fail"]
        seen = [row.name for row in check_rows(look.look(host, OPTIONS, True).data, {}, 120) if row.status == "fail"]
        assert told == seen
