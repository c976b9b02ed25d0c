# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A new binary whose daemon does not come up (contract §9): the previous one comes back, and the host fails."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import NamedTuple

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import (
    Peer,
    Snapshot,
    ThrowawayHost,
    diff,
    install_provider,
)
from ansible_collections.agfpd.iapeer_memory.tests.integration.conftest import Build, Gather
from ansible_collections.agfpd.iapeer_memory.tests.integration.playbook import Run

pytestmark = [pytest.mark.slow, pytest.mark.once]

OLD, NEW = "7.1.0", "7.2.0"
WAIT = 10
# How the daemon of the new version behaves; the old one is always well.
WAYS = {
    "dies": {"crash": True},
    "hangs": {"hang": True},
    "indexes": {"start_delay": 3 * WAIT},
    "kept": {"crash": True},
}
# What changes from run to run on its own: who runs, and what is known of it.
OWN = (
    *("memoryd.pid", "memoryd.ran-from.json", "fixture.json", "provider-forms.json", "memory-provider.json"),
    ".previous",
)


class Rolled(NamedTuple):
    """Hosts on the old version, the run that brought the new one, and each host before and after it."""

    hosts: dict[str, ThrowawayHost]
    before: dict[str, Snapshot]
    run: Run
    after: dict[str, Snapshot]
    old_sum: str


def lasting(snapshot: Snapshot) -> Snapshot:
    """What of a host is not its own doing."""
    return {path: entry for path, entry in snapshot.items() if not path.endswith(OWN)}


@pytest.fixture(scope="module")
def rolled(build_shared: Build, gather_shared: Gather, tmp_path_factory: pytest.TempPathFactory) -> Rolled:
    """The old version runs everywhere; then the new one comes."""
    source = install_provider(tmp_path_factory.mktemp("src") / "iapeer-memory", NEW)
    peers = [Peer("alpha", ("claude", "codex"))]
    hosts = {name: build_shared(form="v1_2", version=OLD, watcher=True, peers=peers) for name in WAYS}
    fleet = gather_shared(**hosts)
    fleet.variables["kept"] = {"iapeer_memory_rollback": False}
    for host in hosts.values():
        host.start_notifier()
        host.wait_daemon()
    assert fleet.update(iapeer_memory_restart_wait=60).rc == 0
    before = {name: host.snapshot() for name, host in hosts.items()}
    old_sum = hashlib.sha256(hosts["dies"].provider_bin.read_bytes()).hexdigest()
    for name, host in hosts.items():
        host.knobs(only=NEW, **WAYS[name])
    run = fleet.update(iapeer_memory_binary_src=str(source), iapeer_memory_restart_wait=WAIT)
    after = {name: host.snapshot() for name, host in hosts.items()}
    return Rolled(hosts, before, run, after, old_sum)


@pytest.mark.parametrize("name", ["dies", "hangs"])
def test_the_previous_binary_takes_its_place_again_with_all_that_was_written_for_the_new_one(
    rolled: Rolled, name: str
) -> None:
    host = rolled.hosts[name]
    assert hashlib.sha256(host.provider_bin.read_bytes()).hexdigest() == rolled.old_sum
    assert host.slot()["version"] == OLD
    assert diff(lasting(rolled.before[name]), lasting(rolled.after[name])) == []
    assert not Path(f"{host.provider_bin}.previous").exists()
    host.wait_daemon()
    assert {check for check, (status, _why) in host.provider_verify().items() if status == "FAIL"} == set()


@pytest.mark.parametrize("name", ["dies", "hangs"])
def test_the_host_fails_with_both_versions_and_the_daemons_last_words(rolled: Rolled, name: str) -> None:
    assert rolled.run.rc == 2
    assert rolled.run.failed(name) == ["binary", "memoryd"]
    rows = rolled.run.rows(name)
    assert rows["binary"].detail == f"rolled back from {NEW} to {OLD}: memoryd did not come up with {NEW}, see memoryd"
    assert f"did not come back within {WAIT} s" in rows["memoryd"].detail
    assert "the last words of " in rows["memoryd"].detail
    assert f"; with {OLD}: " in rows["memoryd"].detail
    assert rows["memoryd"].detail.endswith("came up with a fresh heartbeat")
    assert rolled.run.reports[name]["version"] == OLD


def test_one_that_indexes_for_longer_than_the_wait_is_waited_for(rolled: Rolled) -> None:
    host = rolled.hosts["indexes"]
    assert rolled.run.failed("indexes") == []
    assert rolled.run.statuses("indexes")["memoryd"] == "changed"
    assert host.slot()["version"] == NEW
    assert Path(f"{host.provider_bin}.previous").exists()
    assert host.daemon_pid() is not None


def test_without_rollback_the_new_one_stays(rolled: Rolled) -> None:
    host = rolled.hosts["kept"]
    assert rolled.run.failed("kept") == ["memoryd"]
    assert host.slot()["version"] == NEW
    assert hashlib.sha256(Path(f"{host.provider_bin}.previous").read_bytes()).hexdigest() == rolled.old_sum


TWICE = """- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.include_role: {name: agfpd.iapeer_memory.host, tasks_from: update, apply: {ignore_errors: true}}
      vars: {iapeer_memory_binary_src: SOURCE, iapeer_memory_restart_wait: 5}
    - ansible.builtin.file: {path: GATE, state: absent}
    - ansible.builtin.include_role: {name: agfpd.iapeer_memory.host, tasks_from: update}
"""


def test_a_later_run_of_the_same_play_knows_nothing_of_the_rollback(build: Build, gather: Gather) -> None:
    host = build(form="v1_2", version=OLD, watcher=True, peers=[Peer("alpha")])
    fleet = gather(host)
    host.start_notifier()
    host.wait_daemon()
    assert fleet.update(iapeer_memory_restart_wait=60).rc == 0
    host.knobs(only=NEW, crash=True)
    source = install_provider(host.run_dir / "iapeer-memory", NEW)
    play = host.run_dir / "twice.yml"
    play.write_text(TWICE.replace("SOURCE", str(source)).replace("GATE", str(host.gate_path)), encoding="utf-8")
    run = fleet.run(str(play))
    assert "rolled back from" in run.stdout
    assert run.rc == 0, run.output
    assert run.failed() == []
    assert run.rows()["binary"].status == "ok"
    assert host.gate_path.exists()
