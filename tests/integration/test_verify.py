# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts that verify may not mend, and hosts on which hardly anything is there: clear lines, and nothing touched."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import Peer, Snapshot, ThrowawayHost, diff
from ansible_collections.agfpd.iapeer_memory.tests.integration.conftest import Build, Gather
from ansible_collections.agfpd.iapeer_memory.tests.integration.playbook import Row, Run, settle

SLOT = "home/.iapeer/memory-provider.json"
# A root that may write only where the mode says so, as anybody else.
WITHOUT_PRIVILEGES = "setpriv --inh-caps=-all --bounding-set=-all --ambient-caps=-all "
BUILDS: dict[str, dict[str, Any]] = {
    "v1_1": {"fleet": True},
    "foreign": {"form": "foreign", "fleet": True},
    "not_provisioned": {"form": "v1_2", "provisioned": False},
    "dead": {"form": "v1_2"},
    "no_core": {"form": "v1_2"},
    "no_peers": {"form": "v1_2"},
    "no_binary": {"form": "v1_2"},
    "no_roles": {"form": "v1_2", "roles": False},
    "read_only": {"form": "v1_2"},
}
MENDABLE = ("v1_1", "foreign", "not_provisioned", "dead", "read_only")
UPDATED = ("no_core", "no_peers", "read_only")


class Sight(NamedTuple):
    """What verify, update in check mode and repair came to, and what the looks and the repair changed of each host."""

    hosts: dict[str, ThrowawayHost]
    verified: Run
    checked: Run
    repaired: Run
    looks: dict[str, list[str]]
    repairs: dict[str, list[str]]

    def row(self, name: str, check: str) -> Row:
        return self.verified.rows(name)[check]


def _stage(hosts: dict[str, ThrowawayHost]) -> None:
    for name in ("dead", "no_core", "no_peers", "no_binary", "no_roles", "read_only"):
        settle(hosts[name])
    hosts["no_core"].core_bin.unlink()
    (hosts["no_core"].peer("beta") / ".codex/hooks.json").unlink()
    shutil.rmtree(hosts["no_peers"].peers_dir)
    hosts["no_binary"].provider_bin.unlink()
    hosts["dead"].pid_path.write_text("2147483000\n", encoding="utf-8")
    (hosts["read_only"].peer("alpha") / ".mcp.json").unlink()
    (hosts["read_only"].peer("beta") / ".codex/config.toml").chmod(0)


@contextlib.contextmanager
def read_only(host: ThrowawayHost) -> Iterator[None]:
    """Nothing may be made, changed or removed in any folder of the host."""
    modes = {folder: os.stat(folder).st_mode & 0o7777 for folder, _names, _files in os.walk(host.base)}
    try:
        for folder, mode in modes.items():
            if folder != str(host.run_dir):
                os.chmod(folder, mode & 0o555)
        yield
    finally:
        for folder, mode in modes.items():
            os.chmod(folder, mode)


@pytest.fixture(scope="module")
def sight(build_shared: Build, gather_shared: Gather) -> Sight:
    """Every host verified, some looked at by update in check mode, and some repaired."""
    peers = [Peer("alpha"), Peer("beta", ("codex",))]
    hosts = {name: build_shared(peers=peers, **options) for name, options in BUILDS.items()}
    _stage(hosts)
    fleet = gather_shared(**hosts)
    if os.geteuid() == 0:
        if shutil.which("setpriv") is None:
            pytest.skip("root needs setpriv to be kept out of a read-only home")
        fleet.before["read_only"] = WITHOUT_PRIVILEGES
    before: dict[str, Snapshot] = {name: host.snapshot(times=True) for name, host in hosts.items()}
    with read_only(hosts["read_only"]):
        verified = fleet.verify("--diff", "-v")
        checked = fleet.update("--check", "--diff", "-v", "--limit", ",".join(UPDATED))
    looks = {name: diff(before[name], host.snapshot(times=True)) for name, host in hosts.items()}
    with read_only(hosts["read_only"]):
        repaired = fleet.repair("--limit", ",".join(MENDABLE))
    repairs = {name: diff(before[name], hosts[name].snapshot(times=True)) for name in MENDABLE}
    return Sight(hosts, verified, checked, repaired, looks, repairs)


def test_to_look_changes_nothing(sight: Sight) -> None:
    assert sight.looks == {name: [] for name in BUILDS}
    assert sight.verified.rc == 2
    assert [name for name, report in sight.verified.reports.items() if report["ok"]] == []


def test_every_failure_is_one_telling_line(sight: Sight) -> None:
    for run in (sight.verified, sight.checked, sight.repaired):
        for name in run.reports:
            details = [row.detail for row in run.rows(name).values() if row.status in ("fail", "skip")]
            assert all(detail.strip() and "\n" not in detail for detail in details), details


def test_a_v1_1_slot_is_for_update_to_migrate(sight: Sight) -> None:
    migrate = "the slot is in the v1.1 form: migrate with update"
    for run in (sight.verified, sight.repaired):
        assert run.rows("v1_1")["memory-slot"] == ("fail", migrate)
        for check in ("legacy-plugin", "peer-surfaces"):
            assert run.rows("v1_1")[check] == ("skip", migrate)
    assert not [line for line in sight.repairs["v1_1"] if SLOT in line or "/.claude" in line or "/.codex" in line]
    assert sight.hosts["v1_1"].calls("memory-plugin") == []


def test_a_foreign_slot_is_named_and_never_repaired(sight: Sight) -> None:
    held = "the slot is held by other-memory"
    for run in (sight.verified, sight.repaired):
        assert run.rows("foreign")["memory-slot"] == ("fail", f"{held}: left as it is")
        nothing = f"{held}: a host of another provider gets nothing of ours"
        assert run.rows("foreign")["peer-surfaces"] == ("skip", nothing)
    assert sight.repairs["foreign"] == []


def test_what_depends_on_the_config_is_skipped_without_one(sight: Sight) -> None:
    for run in (sight.verified, sight.repaired):
        rows = run.rows("not_provisioned")
        assert rows["config"].status == "fail"
        assert rows["config"].detail.startswith("IAPEER_MEMORY_VAULT_PATH is not set (")
        for check in ("memory-slot", "fleet-map", "peer-surfaces"):
            assert rows[check] == ("skip", "not provisioned")
    assert not [line for line in sight.repairs["not_provisioned"] if SLOT in line or "fleet.json" in line]


def test_a_dead_daemon_without_a_notifier_is_told_how_to_start(sight: Sight) -> None:
    advice = "start the notifier, which runs the launcher of its trigger iapeer-memory-memoryd"
    for run in (sight.verified, sight.repaired):
        assert run.failed("dead") == ["memoryd-heartbeat"]
        detail = run.rows("dead")["memoryd-heartbeat"].detail
        assert detail.startswith("no heartbeat; memoryd is not running (no process 2147483000)")
        assert advice in detail
    assert sight.repairs["dead"] == ["- home/.iapeer/state/iapeer-memory/memoryd.pid"]


def test_without_a_core_files_are_still_verified(sight: Sight) -> None:
    assert sight.verified.failed("no_core") == ["peer-surfaces[beta:codex]", "memoryd-heartbeat", "role-descriptions"]
    rows = sight.checked.rows("no_core")
    assert rows["fleet"].status == "fail"
    assert rows["fleet"].detail.startswith("the core is missing: no ")
    assert "hooks.json" in sight.row("no_core", "peer-surfaces[beta:codex]").detail


def test_peers_whose_folders_are_gone_are_named(sight: Sight) -> None:
    rows = sight.verified.rows("no_peers")
    assert rows["peer-surfaces"].status == "ok"
    assert "5 peers skipped" in rows["peer-surfaces"].detail
    for role in ("index", "scriber", "dreamweaver"):
        assert rows[f"doctrine[{role}]"].status == "fail"
        assert str(sight.hosts["no_peers"].peer(role)) in rows[f"doctrine[{role}]"].detail
    assert sight.checked.rows("no_peers")["doctrines"].status == "fail"


def test_a_host_that_lost_its_binary_is_not_clean(sight: Sight) -> None:
    binary = sight.hosts["no_binary"].provider_bin
    assert sight.row("no_binary", "memory-slot") == ("fail", f"no binary at {binary}")


def test_without_a_roles_manifest_triggers_and_doctrines_are_skipped(sight: Sight) -> None:
    for check in ("notifier-watcher", "dream-timer", "role-doctrines"):
        assert sight.row("no_roles", check) == ("skip", "no roles manifest")
    assert sight.verified.failed("no_roles") == ["memoryd-heartbeat"]


def test_a_read_only_home_is_told_apart_from_drift(sight: Sight) -> None:
    alpha, beta = "peer-surfaces[alpha:claude]", "peer-surfaces[beta:codex]"
    assert sight.verified.failed("read_only") == [alpha, beta, "memoryd-heartbeat"]
    assert "mcp failed: " in sight.row("read_only", alpha).detail
    assert "not writable: permission denied" in sight.row("read_only", alpha).detail
    assert "permission denied" in sight.row("read_only", beta).detail
    assert sight.checked.failed("read_only") == ["surfaces"]
    assert "ermission denied" in sight.repaired.rows("read_only")["peer-surfaces"].detail
    assert sight.repairs["read_only"] == []
