# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The first day of a host (contract §13): one that has only the core becomes a working one."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import (
    Peer,
    Snapshot,
    ThrowawayHost,
    diff,
    install_provider,
    write,
)
from ansible_collections.agfpd.iapeer_memory.tests.integration.conftest import Build, Gather
from ansible_collections.agfpd.iapeer_memory.tests.integration.playbook import Run

pytestmark = [pytest.mark.slow, pytest.mark.once]

ROLES = ("index", "scriber", "dreamweaver")
OWN = "# The scriber of our house\n\nI write the minutes.\n"


class Days(NamedTuple):
    """Hosts before anything, and after each of three runs: in check mode, for real, and once more."""

    hosts: dict[str, ThrowawayHost]
    before: dict[str, Snapshot]
    foretold: Run
    unchanged: dict[str, Snapshot]
    asked: dict[str, list[list[str]]]
    run: Run
    after: dict[str, Snapshot]
    again: Run
    twice: dict[str, Snapshot]


def lasting(host: ThrowawayHost) -> list[list[str]]:
    """The calls of the core that did not only ask."""
    asking = ("list", "version")
    return [words for call in host.calls() if (words := call["argv"])[0] not in asking and "--check" not in words]


def snapshots(hosts: dict[str, ThrowawayHost]) -> dict[str, Snapshot]:
    """Every host as it is."""
    return {name: host.snapshot(times=True) for name, host in hosts.items()}


@pytest.fixture(scope="module")
def days(build_shared: Build, gather_shared: Gather, tmp_path_factory: pytest.TempPathFactory) -> Days:
    """Install in check mode, for real, and once more."""
    source = install_provider(tmp_path_factory.mktemp("src") / "iapeer-memory", "7.2.0")
    bare = {"form": "absent", "version": "7.1.0", "provisioned": False, "roles": False, "crew": False}
    hosts = {
        "bare": build_shared(peers=[Peer("alpha", ("claude", "codex"))], **bare),
        "known": build_shared(peers=[Peer("scriber"), Peer("alpha")], **{**bare, "provisioned": True}),
        "vaultless": build_shared(peers=[], **bare),
    }
    hosts["bare"].provider_bin.unlink()
    write(hosts["known"].peer("scriber") / ".iapeer" / "IAPEER.md", OWN)
    write(hosts["known"].vault / "note.md", "a note\n")
    fleet = gather_shared(**hosts)
    fleet.variables["bare"] = {
        "iapeer_memory_binary_src": str(source),
        "iapeer_memory_vault_path": str(hosts["bare"].vault),
        "iapeer_memory_locale": "ru",
        "iapeer_memory_human_name": "Ада",
    }
    fleet.variables["known"] = {"iapeer_memory_guide": False}
    before = snapshots(hosts)
    foretold = fleet.install("--check", "--diff", "-v")
    unchanged = snapshots(hosts)
    asked = {name: lasting(host) for name, host in hosts.items()}
    run = fleet.install()
    after = snapshots(hosts)
    for host in hosts.values():
        host.clear_calls()
    return Days(hosts, before, foretold, unchanged, asked, run, after, fleet.install(), snapshots(hosts))


def test_check_mode_tells_it_all_and_calls_nothing_that_changes_anything(days: Days) -> None:
    for name in days.hosts:
        assert diff(days.before[name], days.unchanged[name]) == []
        assert days.asked[name] == []
        assert days.foretold.statuses(name) == days.run.statuses(name)
    assert "+IAPEER_MEMORY_LOCALE=ru" in days.foretold.output


def test_a_host_with_only_the_core_becomes_a_working_one(days: Days) -> None:
    host, statuses = days.hosts["bare"], days.run.statuses("bare")
    assert days.run.failed("bare") == []
    made = ("binary", "setup", "native-memory", "templates", "doctrines", "wake-policy", "fleet", "surfaces", "slot")
    assert {name: statuses[name] for name in (*made, "launcher", "triggers")} == dict.fromkeys(
        (*made, "launcher", "triggers"), "changed"
    )
    assert host.slot()["version"] == "7.2.0"
    assert {peer["personality"] for peer in host.fleet()["peers"]} == {"alpha", *ROLES}
    assert sorted(path.name for path in host.vault.iterdir()) == ["Архив", "Входящие", "Канон"]
    assert 'IAPEER_MEMORY_HUMAN_NAME="Ада"' in host.config_file.read_text()
    assert host.guide_path.exists()
    host.start_notifier()
    host.wait_daemon()
    found = host.provider_verify()
    assert {name: row for name, row in found.items() if row[0] != "ok"} == {}


def test_somebodys_own_peer_is_refused_by_name_and_what_is_there_is_taken_as_it_is(days: Days) -> None:
    host = days.hosts["known"]
    assert days.run.failed("known") == ["setup"]
    assert "somebody's own peer has the name scriber" in days.run.rows("known")["setup"].detail
    changes = diff(days.before["known"], days.after["known"])
    doctrine = "peers/scriber/.iapeer"
    assert [change for change in changes if doctrine in change or "config.env" in change or " vault" in change] == []
    assert not host.guide_path.exists()
    peers = {peer["personality"] for peer in host.fleet()["peers"]}
    assert peers == {"alpha", *ROLES}


def test_without_a_vault_nothing_is_made(days: Days) -> None:
    assert days.run.failed("vaultless") == ["setup"]
    assert "no vault: name the folder for the notes" in days.run.rows("vaultless")["setup"].detail
    assert diff(days.before["vaultless"], days.after["vaultless"]) == []


def test_a_second_run_changes_nothing(days: Days) -> None:
    for name, host in days.hosts.items():
        assert days.again.named("changed", name) == []
        assert diff(days.after[name], days.twice[name]) == []
        assert lasting(host) == []
    assert days.again.failed("bare") == []


def test_the_previous_binary_of_a_first_one_is_none(days: Days) -> None:
    assert not Path(f"{days.hosts['bare'].provider_bin}.previous").exists()


def test_a_setup_that_fails_holds_the_rest_back(build_shared: Build, gather_shared: Gather) -> None:
    """No slot is declared, and no peer connected, where config.env could not be made; the next run goes on."""
    bare = {"form": "absent", "version": "7.1.0", "provisioned": False, "roles": False, "crew": False}
    host = build_shared(peers=[Peer("alpha")], **bare)
    fleet = gather_shared(misplaced=host)
    fleet.variables["misplaced"] = {"iapeer_memory_vault_path": str(host.base / "file" / "vault")}
    write(host.base / "file", "in the way\n")
    before = host.snapshot(times=True)
    foretold, run = fleet.install("--check"), fleet.install()
    assert run.failed("misplaced") == ["setup"]
    assert run.rows("misplaced") == foretold.rows("misplaced")
    assert [change for change in diff(before, host.snapshot(times=True)) if "provider-forms.json" not in change] == []
    (host.base / "file").unlink()
    assert fleet.install().rc == 0
    assert host.guide_path.exists()
    assert host.slot()["version"] == "7.1.0"
