# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""For every module and every state of a host: check mode says what a real run does, and a second one does nothing."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable, NamedTuple

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import Work

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host import edits
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import Host
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.results import Result
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces import (
    legacy_plugin,
    peers,
    plan,
    sweep,
    trust,
)
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import (
    binary,
    doctrines,
    fleet_map,
    memoryd,
    provider_files,
    setup,
    slot,
    triggers,
    wake_policy,
)
from ansible_collections.agfpd.iapeer_memory.tests.hypothesis_profiles import PROFILE
from ansible_collections.agfpd.iapeer_memory.tests.unit.fakes import StillClock
from ansible_collections.agfpd.iapeer_memory.tests.unit.generated_hosts import (
    DREAM,
    SECRET,
    SPEC,
    VERSION,
    WATCHER,
    Generated,
    hosts,
)

pytestmark = pytest.mark.property

# Each example is a whole host and several modules on it.
PROFILE = settings(PROFILE, max_examples=max(100, PROFILE.max_examples // 4))
# The stand-in core's, and what a real run remembers of memoryd.
JOURNAL = ("calls.jsonl", "memoryd.ran-from.json")
# Every write waits for the disk: a folder in memory is several times faster.
MEMORY = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


class Step(NamedTuple):
    """One module run: its work and its options."""

    work: Work
    options: dict[str, Any]


def step(work: Work, **options: Any) -> Step:
    """A step in short."""
    return Step(plain(work), options)


def plain(work: Work) -> Callable[[Host, Mapping[str, Any], bool], dict[str, Any]]:
    """The work with its result as a module returns it."""

    def told(host: Host, options: Mapping[str, Any], check: bool) -> dict[str, Any]:
        done = work(host, options, check)
        return done.as_dict(True) if isinstance(done, Result) else done

    return told


STEPS = {
    "fleet": step(fleet_map.ensure),
    "fleet, empty allowed": step(fleet_map.ensure, allow_empty=True),
    "surfaces": step(peers.ensure, state="present"),
    "surfaces, other port": step(peers.ensure, state="present", port=9000),
    "surfaces, trust alone": step(peers.ensure, state="present", surfaces=["trust"]),
    "surfaces, one skill": step(peers.ensure, state="present", skills={"iapeer-memory-init": "text\n"}),
    "surfaces, absent": step(peers.ensure, state="absent"),
    "plugin": step(legacy_plugin.ensure, method="auto"),
    "plugin, native": step(legacy_plugin.ensure, method="native"),
    "slot": step(slot.ensure, state="present", version=VERSION),
    "slot, migrate": step(slot.ensure, state="present", version="2.0.0", migrate=True),
    "slot, absent": step(slot.ensure, state="absent"),
    "templates": step(provider_files.ensure, part="templates"),
    "given template": step(provider_files.ensure, part="templates", templates={"index.md": "# mine\n"}),
    "launcher": step(provider_files.ensure, part="launcher"),
    "no scripts": step(provider_files.ensure, part="launcher", state="absent"),
    "no binary": step(binary.ensure, state="absent"),
    "first day": step(setup.ensure, forms="bundled", vault_path="{home}"),
    "guide": step(provider_files.ensure, part="guide"),
    "doctrines": step(doctrines.ensure, version=VERSION),
    "wake policy": step(wake_policy.ensure),
    "watcher": step(triggers.ensure, state="present", kind="event", id=WATCHER, target="scriber", wait=1),
    "no watcher": step(triggers.ensure, state="absent", kind="event", id=WATCHER, wait=1),
    "dream timer": step(
        triggers.ensure, state="present", kind="time", id=DREAM, target="dreamweaver", when="0 4 * * 1",
        text="DREAM_TICK", wait=1,
    ),
    "no triggers": step(triggers.ensure, state="absent", standard=True, wait=1),
    "all triggers": step(triggers.ensure, state="present", standard=True, wait=1),
    "memoryd": step(memoryd.ensure, newer_than=["{binary}"], hung_after=120.0, wait=5.0),
}  # fmt: skip


def only_the_core_can_tell(place: Generated, name: str) -> bool:
    """Whether what stands in the way is known only to the core, which says so when it is asked to act.

    A settings file that the core's own sweep of the plugin cannot edit.
    """
    broken = ("broken",)
    return name == "plugin" and any(peer["settings"] in broken for peer in place.spec["peers"])


class Run(NamedTuple):
    """How a module run came out: what has to be the same in check mode, or the Problem."""

    changed: bool
    action: str
    diff: Any
    outcomes: Any
    problem: str


def run(host: Host, done: Step, check: bool) -> Run:
    """One module run."""
    options = dict(done.options)
    if "newer_than" in options:
        options["newer_than"] = [host.paths.binary]
    if "vault_path" in options:
        options["vault_path"] = f"{host.paths.home}/notes"
    if options.get("kind") == "event":
        options["script"] = host.paths.launcher
    try:
        found = done.work(host, options, check)
    except Problem as problem:
        return Run(False, "problem", [], [], str(problem))
    result = found.as_dict(True) if isinstance(found, Result) else found
    result.setdefault("diff", [])
    return Run(result["changed"], result["action"], result["diff"], _outcomes(result), result.get("msg", ""))


def _outcomes(result: Mapping[str, Any]) -> list[Any]:
    """The records less what only tells how it went."""
    records = [record for record in result.get("results", []) if isinstance(record, dict)]
    parts = [part for record in records for part in record.get("outcomes", [record])]
    return [{key: item for key, item in part.items() if key != "detail"} for part in parts]


def check_and_real(place: Generated, name: str) -> None:
    """The property, for one module on the host as it is."""
    place.egress.clock = StillClock(time.time())
    host = place.host(place.egress, place.egress.clock)
    before = place.snapshot(*JOURNAL)
    foretold = run(host, STEPS[name], check=True)
    assert place.snapshot(*JOURNAL) == before, f"{name}: check mode changed something"
    assert SECRET.split()[1] not in str(foretold.diff), f"{name}: a secret is shown"
    real = run(host, STEPS[name], check=False)
    assert foretold == real, f"{name}: check mode tells something else"
    after = place.snapshot(*JOURNAL)
    if real.changed:
        assert real.diff, f"{name}: a change without a diff"
    elif name != "surfaces, trust alone":
        assert after == before, f"{name}: changed is false, but something changed"
    again = run(host, STEPS[name], check=False)
    assert not again.changed, f"{name}: a second run changes something"
    assert place.snapshot(*JOURNAL) == after, f"{name}: a second run wrote something"
    assert not [path for path in after if "iapeer-memory~" in path or "provision.lock" in path], "left behind"


def holds(spec: Mapping[str, Any], names: list[str]) -> None:
    """The property, for several modules one after the other on one host."""
    with tempfile.TemporaryDirectory(dir=MEMORY) as base:
        place = Generated(Path(base), spec)
        for name in names:
            if not only_the_core_can_tell(place, name):
                check_and_real(place, name)


NAMES = st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=6, unique=True)


@settings(PROFILE)
@given(spec=SPEC, names=NAMES)
def test_check_mode_tells_what_a_real_run_does_and_a_second_run_does_nothing(
    spec: dict[str, Any], names: list[str]
) -> None:
    holds(spec, names)


# Mutations: the property is worth something only if it finds a check mode that lies.

Mutation = Callable[[pytest.MonkeyPatch], None]


def broken(name: str, work: Work) -> Mutation:
    """A module whose work is replaced."""
    return lambda patch: patch.setitem(STEPS, name, STEPS[name]._replace(work=plain(work)))


def patched(owner: Any, attribute: str, value: Any) -> Mutation:
    """One function of a module that is replaced."""
    return lambda patch: patch.setattr(owner, attribute, value)


def quiet_in_check_mode(work: Work) -> Work:
    """A check mode that says that nothing would change."""

    def lying(host: Host, options: Mapping[str, Any], check: bool) -> dict[str, Any]:
        result = plain(work)(host, options, check)
        return {**result, "changed": result["changed"] and not check}

    return lying


def without_diff_in_check_mode(work: Work) -> Work:
    """A check mode that shows nothing."""

    def lying(host: Host, options: Mapping[str, Any], check: bool) -> dict[str, Any]:
        result = plain(work)(host, options, check)
        return {**result, "diff": [] if check else result["diff"]}

    return lying


def only_planned(files: Any, changes: list[edits.Edit], check: bool) -> list[edits.Edit]:
    """A real run that only says what it would do."""
    return [edit for edit in changes if edit.changed]


def always_rewritten(path: str, current: fleet_map.Fleet, before: bytes | None, peers: Any, now: float) -> edits.Edit:
    """A fleet map that is new because its time is."""
    entries = [peer.as_entry() for peer in peers]
    return edits.Edit(path, before, edits.pretty_json({"updatedAt": time.time_ns(), "peers": entries}))


SETTLE = trust.Core.settle


def trusting_in_check_mode(core: trust.Core, planned: plan.Planned, hooks: plan.Planned | None) -> plan.Planned:
    """A check mode that does not ask the core."""
    return planned if core._check else SETTLE(core, planned, hooks)


# Where a mutation can be seen at all: the others do not need such luck.
SESSIONS = {"runtimes": [["codex", "claude"]], "cwd": ["own"], "mcp": ["foreign", "drifted"]}
WITHOUT_CORE = hosts({"core": ["missing"], "fleet": ["current"]}, SESSIONS, 1)
WITH_INDEX = hosts(
    {"core": ["present"], "registry": ["current"], "roles": ["index"], "profile": ["empty", "wrong"]},
    {"runtimes": [["claude"]], "cwd": ["own"]},
    1,
)

MUTATIONS: dict[str, tuple[str, Mutation]] = {
    "check mode writes the slot": ("slot", broken("slot", lambda host, o, check: slot.ensure(host, o, False))),
    "check mode says that the slot stays": ("slot", broken("slot", quiet_in_check_mode(slot.ensure))),
    "a real run does not write the slot": ("slot", patched(slot, "settle", only_planned)),
    "check mode shows no diff of the map": ("fleet", broken("fleet", without_diff_in_check_mode(fleet_map.ensure))),
    "the map is rewritten for its time alone": ("fleet", patched(fleet_map, "plan_map", always_rewritten)),
    "check mode does not ask about trust": ("surfaces", patched(trust.Core, "settle", trusting_in_check_mode)),
    "a real run applies no surface": ("surfaces", patched(sweep, "_applied", lambda host, seat: seat)),
    "the diff is not masked": ("surfaces", patched(plan, "mask_json", lambda data, ours: str(data))),
    "doctrines are not written": ("doctrines", patched(doctrines, "_apply", lambda host, item: item)),
    "a trigger is not sent": ("watcher", patched(triggers, "_send", lambda *_: None)),
}


@pytest.mark.parametrize("name", sorted(MUTATIONS))
def test_the_property_finds_a_broken_check_mode(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module, mutate = MUTATIONS[name]
    specs = {"surfaces": WITHOUT_CORE, "watcher": WITH_INDEX}.get(module, SPEC)

    @settings(PROFILE, max_examples=500, phases=[Phase.generate], derandomize=True, report_multiple_bugs=False)
    @given(spec=specs)
    def the_property(spec: dict[str, Any]) -> None:
        holds(spec, [module])

    mutate(monkeypatch)
    with pytest.raises(AssertionError):
        the_property()


@pytest.mark.slow
def test_the_generated_hosts_reach_every_kind_of_outcome() -> None:
    """What the hosts above lead to; a property that only sees one outcome says little."""
    seen: dict[str, set[str]] = {}

    @settings(PROFILE, max_examples=100, derandomize=True, phases=[Phase.generate])
    @given(spec=SPEC)
    def gather(spec: dict[str, Any]) -> None:
        with tempfile.TemporaryDirectory(dir=MEMORY) as base:
            place = Generated(Path(base), spec)
            for name, done in STEPS.items():
                seen.setdefault(name, set()).add(run(place.host(place.egress), done, check=True).action)

    gather()
    assert {"already", "written"} <= seen["fleet"] | seen["fleet, empty allowed"]
    assert {"written", "failed", "problem"} <= seen["surfaces"]
    assert {"removed", "absent"} <= seen["surfaces, absent"]
    assert {"declared", "redeclared", "problem"} <= seen["slot"] | seen["slot, migrate"]
    assert {"removed", "absent"} <= seen["slot, absent"]
    assert {"registered", "problem"} <= seen["watcher"]
    assert {"restarted", "pid_file_removed", "not_running"} <= seen["memoryd"]
    assert {"failed", "problem"} <= seen["doctrines"]
    assert {"removed", "absent"} <= seen["plugin"]
