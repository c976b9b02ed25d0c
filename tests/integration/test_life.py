# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The last day of a host (contract §13): what is ours goes, in order, and nothing else does."""

from __future__ import annotations

import os
from typing import NamedTuple

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import (
    PLUGIN,
    Peer,
    Snapshot,
    ThrowawayHost,
    diff,
    stage_hard_cases,
    theirs,
)
from ansible_collections.agfpd.iapeer_memory.tests.integration.conftest import Build, Gather
from ansible_collections.agfpd.iapeer_memory.tests.integration.playbook import Fleet, Run

pytestmark = pytest.mark.slow

BACK = {"iapeer_memory_restart_wait": 30}


class Away(NamedTuple):
    """Hosts before anything, after update and after uninstall, and the runs."""

    hosts: dict[str, ThrowawayHost]
    before: dict[str, Snapshot]
    installed: dict[str, Snapshot]
    foretold: Run
    unchanged: dict[str, Snapshot]
    run: Run
    after: dict[str, Snapshot]
    again: Run
    twice: dict[str, Snapshot]


def snapshots(hosts: dict[str, ThrowawayHost], times: bool = False) -> dict[str, Snapshot]:
    """Every host as it is."""
    return {name: host.snapshot(times=times) for name, host in hosts.items()}


@pytest.fixture(scope="module")
def away(build_shared: Build, gather_shared: Gather) -> Away:
    """Update, then uninstall in check mode, for real, and once more."""
    peers = [Peer("alpha"), Peer("gamma", ("claude", "codex"))]
    hosts = {
        "round": build_shared(form="absent", version="7.1.0", watcher=True, guide=True, peers=peers),
        "legacy": build_shared(form="v1_1", version="7.1.0", fleet=True, peers=peers),
        "no_map": build_shared(form="v1_2", version="7.1.0", fleet=False, peers=peers),
        "foreign": build_shared(form="foreign", version="7.1.0", fleet=True, watcher=True, peers=peers),
        "bare": build_shared(form="absent", version="7.1.0", provisioned=False, roles=False, crew=False, peers=[]),
    }
    stage_hard_cases(hosts["round"].peer("alpha"), hosts["round"].peer("gamma"))
    before = snapshots(hosts)
    hosts["round"].start_notifier()
    hosts["round"].wait_daemon()
    fleet: Fleet = gather_shared(**hosts)
    fleet.variables["bare"] = {"iapeer_memory_keep_binary": True}
    assert fleet.update("--limit", "round", **BACK).rc == 0
    hosts["round"].wait_daemon()
    installed = snapshots(hosts, times=True)
    foretold = fleet.uninstall("--check", "--diff")
    unchanged = snapshots(hosts, times=True)
    for host in hosts.values():
        host.clear_calls()
    run = fleet.uninstall()
    after = snapshots(hosts, times=True)
    return Away(hosts, before, installed, foretold, unchanged, run, after, fleet.uninstall(), snapshots(hosts, True))


def test_check_mode_tells_it_all_and_changes_nothing(away: Away) -> None:
    for name in away.hosts:
        assert diff(away.installed[name], away.unchanged[name]) == []
        real, told = away.run.statuses(name), away.foretold.statuses(name)
        assert {**told, "memoryd": ""} == {**real, "memoryd": ""}  # which the notifier may have ended by itself
    assert away.foretold.statuses("round")["memoryd"] == "changed"


def test_everything_of_ours_goes_and_every_foreign_byte_stays(away: Away) -> None:
    host = away.hosts["round"]
    assert away.run.statuses("round") == {
        **dict.fromkeys(("surfaces", "slot", "triggers", "launcher", "binary"), "changed"),
        **{"plugin-off": "ok", "native-memory": "skip", "memoryd": away.run.statuses("round")["memoryd"]},
    }
    assert diff(theirs(away.before["round"]), theirs(host.snapshot())) == []
    gone = [host.slot_path, host.launcher_path, host.gate_path, host.hooks_dir, host.provider_bin, host.pid_path]
    assert [path for path in gone if os.path.lexists(path)] == []
    kept = [host.vault, host.config_file, host.fleet_path, host.roles_path, host.guide_path, host.templates_dir]
    assert [path for path in kept if not path.exists()] == []
    assert (host.peer("index") / ".iapeer" / "IAPEER.md").exists()
    assert [trigger["id"] for trigger in host.triggers()] == ["morning-digest"]
    assert host.daemon_pid() is None
    assert "iapeer native-memory on --all" in away.run.rows("round")["native-memory"].detail


def test_the_plugin_of_a_v1_1_host_goes_before_its_slot(away: Away) -> None:
    host = away.hosts["legacy"]
    assert away.run.statuses("legacy")["plugin-off"] == "changed"
    sweeps = [call["slot_form"] for call in host.calls("memory-plugin")]
    assert sweeps == ["v1_1"]
    assert PLUGIN not in (host.peer("alpha") / ".claude" / "settings.json").read_text()
    assert not host.slot_path.exists()


def test_without_a_map_nobody_is_swept_and_it_is_said(away: Away) -> None:
    host = away.hosts["no_map"]
    row = away.run.rows("no_map")["surfaces"]
    assert (row.status, row.detail) == ("skip", "no readable fleet map (missing): nothing is swept")
    assert diff(theirs(away.before["no_map"]), theirs(host.snapshot())) == []
    assert not host.slot_path.exists()
    assert away.run.failed("no_map") == []


def test_a_host_of_another_provider_is_refused_and_not_touched(away: Away) -> None:
    assert away.run.rc == 2
    assert away.run.failed("foreign") == ["slot"]
    assert away.run.rows("foreign")["slot"].detail == "the slot is held by other-memory: left as it is"
    assert set(away.run.statuses("foreign").values()) == {"skip", "fail"}
    assert diff(away.installed["foreign"], away.after["foreign"]) == []
    assert away.hosts["foreign"].calls() == []


def test_a_binary_may_be_kept(away: Away) -> None:
    assert away.hosts["bare"].provider_bin.exists()
    assert away.run.rows("bare")["binary"].detail == "kept, as asked for"
    assert away.run.named("changed", "bare") == []


def test_a_second_run_changes_nothing(away: Away) -> None:
    for name in away.hosts:
        assert away.again.named("changed", name) == []
        assert diff(away.after[name], away.twice[name]) == []
    assert away.again.rc == 2  # the foreign one
