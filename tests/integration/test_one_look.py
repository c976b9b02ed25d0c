# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One look at a host, then only what is needed: what is started, what is printed, and that the look tells the truth."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from typing import Any, Callable, NamedTuple

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.gates import NEEDS, ORDER
from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import (
    Peer,
    Snapshot,
    ThrowawayHost,
    diff,
    read_json,
    wait_for,
    write,
    write_json,
)
from ansible_collections.agfpd.iapeer_memory.tests.integration.conftest import Build, Gather
from ansible_collections.agfpd.iapeer_memory.tests.integration.playbook import Fleet, Row, Run, act, settle

pytestmark = pytest.mark.slow

STATE = "home/.iapeer/state/iapeer-memory/"
# What the collection keeps for itself: what it learned, and what memoryd was started from.
OWN = (STATE + "provider-forms.json", STATE + "memoryd.ran-from.json")
# A file and how many of its lines come and go.
COUNT = re.compile(r"^(\S.*): (\+\d+ -\d+ lines?|changed)$", re.MULTILINE)
PEERS = [Peer("alpha"), Peer("beta", ("codex",))]


def drift(host: ThrowawayHost) -> None:
    """Something of everything that a person or a tool changes."""
    settings = host.peer("alpha") / ".claude/settings.json"
    value = read_json(settings)
    del value["hooks"]["SessionStart"]
    write_json(settings, value, 0o600)
    (host.peer("beta") / ".codex/config.toml").unlink()
    write(host.peer("scriber") / ".iapeer/IAPEER.md", "<!-- iapeer-memory doctrine v0.9.0 -->\n# old\n")
    profile = read_json(host.profile("index"))
    profile["wake_policy"] = "persistent"
    profile["notifier"]["triggers"] = []
    write_json(host.profile("index"), profile)
    os.chmod(host.launcher_path, 0o644)


# What is started

# For a host's Python: notes what is compiled, a line each.
NOTES = """
import os, sys
notes = os.open({path!r}, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
def note(event, given):
    if event == "compile" and isinstance(given[1], str):
        os.write(notes, given[1].encode() + b"\\n")
sys.addaudithook(note)
"""


class Seen(NamedTuple):
    """Three runs over hosts in several states, what the two looks changed of them, and what was compiled on one."""

    verified: Run
    checked: Run
    changes: dict[str, list[str]]
    updated: Run
    compiled: Counter[str]


@pytest.fixture(scope="module")
def seen(build_shared: Build, gather_shared: Gather, tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Converged hosts, with forms that were learned and with bundled ones, others where there is much to do."""
    hosts = {
        "learned": build_shared(form="v1_2", version="7.1.0", peers=PEERS),
        "bundled": build_shared(form="v1_2", peers=PEERS),
        "drifted": build_shared(form="v1_2", version="7.1.0", peers=PEERS),
        "old": build_shared(peers=PEERS, version="7.1.0"),
        "foreign": build_shared(form="foreign", peers=PEERS),
    }
    for name in ("learned", "bundled", "drifted"):
        settle(hosts[name])
        hosts[name].start_notifier()
        hosts[name].wait_daemon()
    drift(hosts["drifted"])
    wait_for(lambda: not hosts["drifted"].pid_path.exists(), what="the end of the daemon that nobody asks for any more")
    before: dict[str, Snapshot] = {name: host.snapshot(times=True) for name, host in hosts.items()}
    fleet = gather_shared(**hosts)
    notes = tmp_path_factory.mktemp("notes")
    write(notes / "sitecustomize.py", NOTES.format(path=str(notes / "compiled")))
    fleet.environment["learned"] = {"PYTHONPATH": str(notes)}
    verified = fleet.verify()
    checked = fleet.update("--check", "--diff")
    changes = {name: diff(before[name], host.snapshot(times=True)) for name, host in hosts.items()}
    updated = fleet.update("--diff")
    return Seen(verified, checked, changes, updated, Counter((notes / "compiled").read_text().splitlines()))


def test_verify_is_one_module_run_on_any_host(seen: Seen) -> None:
    assert seen.verified.starts == dict.fromkeys(seen.verified.reports, 1)
    assert {name: report["ok"] for name, report in seen.verified.reports.items()} == {
        "learned": True,
        "bundled": True,
        "drifted": False,
        "old": False,
        "foreign": False,
    }


def test_update_in_check_mode_is_one_module_run_on_any_host(seen: Seen) -> None:
    assert seen.checked.starts == dict.fromkeys(seen.checked.reports, 1)
    assert len(seen.checked.named("changed", "drifted")) > 4
    assert not any(seen.changes.values()), seen.changes


def test_what_is_packed_with_a_module_is_compiled_once(seen: Seen) -> None:
    """From the door on; a run has an archive of its own."""
    ours = {name: count for name, count in seen.compiled.items() if "/iapeer_memory/plugins/module_utils/_" in name}
    behind = {name: count for name, count in ours.items() if not name.endswith(("__init__.py", "packed.py"))}
    assert len(behind) > 200
    assert [name for name, count in behind.items() if count > 1] == []


def test_a_difference_is_a_count_a_file_which_holds_for_the_real_run(seen: Seen) -> None:
    """One process works for all hosts of a run, and files of hosts have names of their own."""
    foretold, landed = (COUNT.findall(run.stdout) for run in (seen.checked, seen.updated))
    assert len(foretold) > 20
    assert sorted(foretold) == sorted(landed)
    assert not any(mark in run.stdout for run in (seen.checked, seen.updated) for mark in ("+++", "@@"))


@pytest.mark.parametrize("name", ["learned", "bundled"])
def test_a_converged_update_is_one_module_run(seen: Seen, name: str) -> None:
    assert seen.updated.starts[name] == 1
    assert seen.updated.recap[name]["changed"] == 0
    assert set(seen.updated.statuses(name).values()) <= {"ok", "skip"}


def test_only_steps_with_something_to_do_are_started(seen: Seen) -> None:
    """The look, then a module run for each step that changed something or was woken by one, and none for the others."""
    for name in ("drifted", "old"):
        changed = set(seen.updated.named("changed", name))
        woken = {step for step, needs in NEEDS.items() if changed & set(needs)}
        started = seen.updated.starts[name] - 1
        # The roles are two steps, told as one.
        assert len(changed) <= started <= len(changed | woken) + 1, seen.updated.rows(name)
        assert started < len(ORDER)
    assert seen.updated.starts["foreign"] == 1


@pytest.mark.parametrize("name", ["learned", "bundled", "drifted", "old", "foreign"])
def test_playbooks_report_in_check_mode_what_they_report_for_real(seen: Seen, name: str) -> None:
    assert alike(seen.checked.rows(name)) == alike(seen.updated.rows(name))


def alike(rows: dict[str, Row]) -> dict[str, Row]:
    """Rows that can be compared: which pid a daemon has, and whether a new trigger has it started, nobody can know."""
    row = rows["memoryd"]
    status = "ok" if row.detail.startswith("memoryd is not running") else row.status
    return {**rows, "memoryd": Row(status, "")}


# What the look says is what comes of it


def _core_fails(host: ThrowawayHost) -> None:
    host.faults(list={"exit": 3, "stderr": "the registry is locked\n"})


def _drifted(host: ThrowawayHost) -> None:
    settle(host)
    drift(host)


def _lost(host: ThrowawayHost) -> None:
    settle(host)
    write(host.fleet_path, '{"peers": [\n')
    host.slot_path.unlink()


STATES: dict[str, tuple[dict[str, Any], Callable[[ThrowawayHost], object]]] = {
    "v1_1": ({}, lambda host: None),
    "v1_1-learned": ({"version": "7.1.0", "guide": True}, lambda host: None),
    "drifted": ({"form": "v1_2", "version": "7.2.0", "templates": True, "guide": True}, _drifted),
    "absent": ({"form": "absent", "version": "7.1.0", "locale": "ru"}, lambda host: None),
    "lean": ({"form": "v1_2", "version": "7.1.0", "mode": "lean"}, lambda host: None),
    "map-unreadable": ({"form": "v1_2"}, _lost),
    "core-failing": ({"form": "v1_1", "fleet": True, "version": "7.1.0"}, _core_fails),
    "peer-blocked": ({"fleet": True}, lambda host: write(host.peer("alpha") / ".mcp.json", "{\n", 0o600)),
    "slot-stale": ({"form": "v1_2", "version": "7.0.0", "provider_version": "7.2.0"}, settle),
    "no-roles": ({"form": "v1_2", "version": "7.1.0", "roles": False}, lambda host: None),
    "no-index": ({"index": False, "version": "7.1.0"}, lambda host: None),
    "foreign": ({"form": "foreign"}, lambda host: None),
}


@pytest.mark.once
@pytest.mark.parametrize("state", list(STATES))
def test_the_look_tells_what_the_run_then_does(build: Build, state: str) -> None:
    options, stage = STATES[state]
    host = build(peers=PEERS, **options)
    stage(host)
    before = host.snapshot(times=True)
    foretold = act(host, check=True)
    assert diff(before, host.snapshot(times=True)) == []
    done = act(host)
    assert foretold == done
    touched = [line for line in diff(before, host.snapshot(times=True)) if line[2:] not in OWN]
    assert bool(touched) == ("changed" in {row.status for row in done.values()})
    again = act(host)
    assert "changed" not in {row.status for row in again.values()}, again


def test_a_change_by_a_rival_after_the_look_is_met_by_the_steps(build: Build) -> None:
    """The provider does the work itself meanwhile, and somebody breaks the file of a peer."""
    host = build(form="v1_2", version="7.1.0", peers=PEERS)

    def rival() -> None:
        assert host.provider_update().returncode == 0
        write(host.peer("alpha") / ".mcp.json", "{\n", 0o600)

    rows = act(host, between=rival)
    others = {row.status for name, row in rows.items() if name not in ("surfaces", "guide", "memoryd")}
    assert (others, rows["surfaces"].status) == ({"ok"}, "fail")
    assert "alpha:claude: mcp: " in rows["surfaces"].detail


# What is printed


def test_a_clean_run_over_forty_hosts_says_little(build: Build, gather: Gather) -> None:
    """Forty inventory hosts on a few throwaway ones; with a table asked for by nobody, and nothing wrong."""
    hosts = [build(form="v1_2", version="7.1.0", peers=[Peer("alpha")]) for _number in range(3)]
    for host in hosts:
        settle(host)
        host.start_notifier()
    for host in hosts:
        host.wait_daemon()
    fleet = gather(**{f"h{number:02}": hosts[number % 3] for number in range(40)})
    assert_little_is_said(fleet, fleet.verify(), 40)
    assert_little_is_said(fleet, fleet.update("--limit", "h0*"), 10)


def assert_little_is_said(fleet: Fleet, run: Run, count: int) -> None:
    assert run.rc == 0, run.output
    assert len(run.reports) == count
    assert {report["ok"] for report in run.reports.values()} == {True}
    lines = [line for line in run.output.splitlines() if line.strip()]
    assert len(lines) <= 3 * count, run.output
    assert "fatal" not in run.output
    assert json.loads((fleet.folder / "reports" / "fleet.json").read_text())["counts"]["clean"] == count
