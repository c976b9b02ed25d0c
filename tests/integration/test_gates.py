# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every row of the gates table (contract §9): one host a row, one run over them, and what a next run does.

What differs from a row of the table by the core's answer alone is worked on in this process.
"""

from __future__ import annotations

import json
import os
from typing import Any, Callable, NamedTuple

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import (
    OLD_TIMER,
    PLUGIN,
    WATCHER,
    Peer,
    Snapshot,
    ThrowawayHost,
    diff,
    write,
)
from ansible_collections.agfpd.iapeer_memory.tests.integration.conftest import Build, Gather
from ansible_collections.agfpd.iapeer_memory.tests.integration.playbook import Row, Run, act

DREAM = "iapeer-memory-dream-tick"
SLOT = "home/.iapeer/memory-provider.json"
MAP = "home/.iapeer/state/iapeer-memory/fleet.json"
# Those that need no playbook of their own, because another host shows how it is told.
WITHOUT_PLAYBOOK = (
    *("core_failing", "core_failing_no_map", "core_failing_v1_2", "no_map_v1_2", "garbage", "no_array", "empty_list"),
    *("plugin_failing", "absent", "malformed", "lean", "no_index"),
)
# Where a second run finds that what was wrong is mended.
MENDED = ("broken_peer", "plugin_failing", "core_failing", "empty_list")


class Outcome(NamedTuple):
    """One host: how it was, how the first run left it, which calls its core got, and what the run reported."""

    host: ThrowawayHost
    before: Snapshot
    after: Snapshot
    calls: list[list[str]]
    rows: dict[str, Row]

    @property
    def gated(self) -> tuple[str, ...]:
        """The status of the three gated steps."""
        return tuple(self.rows[step].status for step in ("surfaces", "plugin-off", "slot"))

    @property
    def changes(self) -> list[str]:
        return diff(self.before, self.after)

    @property
    def slot(self) -> dict[str, Any]:
        """The slot as the first run left it."""
        found: dict[str, Any] = json.loads(self.after[SLOT][2])
        return found

    def kept(self, path: str) -> bool:
        """Whether a file is the very same, time of writing included."""
        return path in self.before and self.before[path] == self.after[path]

    def connected(self) -> list[str]:
        """The peers that the first run left with our server."""
        return [name for name in self.host.peers if b'"iapeer-memory"' in self.after[f"peers/{name}/.mcp.json"][2]]

    def swept(self) -> int:
        """How often the core was told to sweep the plugin."""
        return self.calls.count(["memory-plugin", "off", "--all"])


class Gates(NamedTuple):
    """The run, what the hosts came to, and the rows of the second run."""

    run: Run
    outcomes: dict[str, Outcome]
    again: dict[str, dict[str, Row]]


class Case(NamedTuple):
    """How to build the host of a row, and what to do to it then."""

    build: dict[str, Any]
    stage: Callable[[ThrowawayHost], object] = lambda host: None


def _break(host: ThrowawayHost) -> None:
    write(host.peer("alpha") / ".mcp.json", '{"mcpServers": {"tracker": }\n', 0o600)


def _lists(text: str) -> Callable[[ThrowawayHost], None]:
    return lambda host: host.faults(list={"stdout": text})


def _core_fails(host: ThrowawayHost) -> None:
    host.faults(list={"exit": 3, "stderr": "the registry is locked\n"})


def _register_dream_timer(host: ThrowawayHost) -> None:
    message = json.dumps({"when": "0 4 * * 1", "message": "DREAM_TICK", "target": "dreamweaver", "id": DREAM})
    assert host.core("send", "timer", "--from", "claude-index", "--message", message).returncode == 0


V1_1, V1_2 = {"fleet": True}, {"form": "v1_2"}
CASES: dict[str, Case] = {
    "foreign": Case({"form": "foreign"}),
    "broken_peer": Case({}, _break),
    "lock_busy": Case({}, lambda host: host.stage_lock(f"{os.getpid()}:nonce")),
    "plugin_failing": Case({}, lambda host: host.faults(memory_plugin={"exit": 1, "stderr": "marketplace is away\n"})),
    "core_missing": Case(V1_1, lambda host: host.core_bin.unlink()),
    "core_failing": Case(V1_1, _core_fails),
    "core_failing_no_map": Case({}, _core_fails),
    "core_failing_v1_2": Case(V1_2, _core_fails),
    "no_map_v1_2": Case({**V1_2, "fleet": False}, _core_fails),
    "garbage": Case(V1_2, _lists("alpha, beta and index\n")),
    "no_array": Case(V1_1, _lists('{"peers": []}\n')),
    "empty_list": Case(V1_1, _lists("[]\n")),
    "absent": Case({"form": "absent"}),
    "malformed": Case({"form": "malformed"}),
    "lean": Case({**V1_2, "mode": "lean"}, _register_dream_timer),
    "no_index": Case({**V1_2, "index": False}),
    "sandboxed": Case(V1_1),
    "not_provisioned": Case({"provisioned": False}),
}


@pytest.fixture(scope="module")
def gates(build_shared: Build, gather_shared: Gather) -> Gates:
    """One run over the hosts of all rows, and a second one over those where what was wrong is mended."""
    hosts = {name: build_shared(peers=[Peer("alpha"), Peer("beta")], **case.build) for name, case in CASES.items()}
    for name, case in CASES.items():
        case.stage(hosts[name])
        hosts[name].clear_calls()
    before = {name: host.snapshot(times=True) for name, host in hosts.items()}
    fleet = gather_shared(**{name: host for name, host in hosts.items() if name not in WITHOUT_PLAYBOOK})
    fleet.environment["sandboxed"] = {"IAPEER_TEST_SANDBOX": "1"}
    fleet.variables["sandboxed"] = {"iapeer_memory_binary_path": str(hosts["sandboxed"].provider_bin)}
    fleet.variables["lock_busy"] = {"iapeer_memory_lock_timeout": 0.3}
    run = fleet.update(iapeer_memory_restart="never")
    rows = {name: run.rows(name) for name in run.reports}
    rows.update({name: act(hosts[name]) for name in WITHOUT_PLAYBOOK})
    outcomes = {
        name: Outcome(host, before[name], host.snapshot(times=True), [c["argv"] for c in host.calls()], rows[name])
        for name, host in hosts.items()
    }
    for name in MENDED:
        hosts[name].faults()
        hosts[name].clear_calls()
    write(hosts["broken_peer"].peer("alpha") / ".mcp.json", '{"mcpServers": {}}\n', 0o600)
    return Gates(run, outcomes, {name: act(hosts[name]) for name in MENDED})


def test_a_foreign_slot_is_left_alone_and_its_holder_named(gates: Gates) -> None:
    found = gates.outcomes["foreign"]
    assert found.gated == ("skip", "skip", "fail")
    assert found.rows["slot"].detail == "the slot is held by other-memory: left as it is"
    assert {found.rows[step].status for step in found.rows if step != "slot"} == {"skip"}
    assert found.rows["surfaces"].detail.startswith("the slot is held by other-memory: ")
    assert (found.changes, found.calls) == ([], [])


def test_a_broken_file_of_one_peer_keeps_v1_1_and_the_other_peers_are_connected(gates: Gates) -> None:
    found = gates.outcomes["broken_peer"]
    assert found.gated == ("fail", "fail", "fail")
    assert "alpha:claude: mcp: " in found.rows["surfaces"].detail
    assert str(found.host.peer("alpha") / ".mcp.json") in found.rows["surfaces"].detail
    assert "the surfaces did not land cleanly" in found.rows["plugin-off"].detail
    assert found.rows["slot"].detail.startswith("v1.1 kept")
    assert found.kept(SLOT)
    assert found.kept("peers/alpha/.mcp.json")
    assert set(found.connected()) == {"index", "scriber", "dreamweaver", "beta"}
    assert found.swept() == 0
    assert PLUGIN.encode() in found.after["peers/beta/.claude/settings.json"][2]


def test_a_busy_lock_stops_the_sweep_and_the_migration(gates: Gates) -> None:
    found = gates.outcomes["lock_busy"]
    assert found.gated == ("fail", "fail", "fail")
    assert str(found.host.lock_dir) in found.rows["surfaces"].detail
    assert f"held by {os.getpid()} for longer than 0.3 s" in found.rows["surfaces"].detail
    assert found.kept(SLOT)
    assert found.kept("home/.iapeer/state/iapeer-memory/provision.lock.d/owner")
    assert (found.connected(), found.swept()) == ([], 0)


def test_a_plugin_that_does_not_go_keeps_v1_1(gates: Gates) -> None:
    found = gates.outcomes["plugin_failing"]
    assert found.gated == ("changed", "fail", "fail")
    assert "marketplace is away" in found.rows["plugin-off"].detail
    assert found.rows["slot"].detail.startswith("v1.1 kept")
    assert found.kept(SLOT)
    assert (found.connected(), found.swept()) == (list(found.host.peers), 1)


def test_a_missing_core_postpones_the_migration_and_the_last_map_is_swept(gates: Gates) -> None:
    found = gates.outcomes["core_missing"]
    assert found.gated == ("changed", "fail", "fail")
    assert found.rows["fleet"].status == "fail"
    assert "the core is missing" in found.rows["fleet"].detail
    assert found.rows["plugin-off"].detail.startswith("postponed: the fleet map was not written")
    assert found.rows["slot"].detail.startswith("v1.1 kept")
    assert found.kept(SLOT)
    assert found.kept(MAP)
    assert found.connected() == list(found.host.peers)


def test_a_failing_core_postpones_the_migration_and_the_last_map_is_swept(gates: Gates) -> None:
    found = gates.outcomes["core_failing"]
    assert found.gated == ("changed", "fail", "fail")
    assert found.rows["fleet"] == ("fail", "the core failed (exit code 3): the registry is locked")
    assert found.kept(SLOT)
    assert found.kept(MAP)
    assert (found.connected(), found.swept()) == (list(found.host.peers), 0)


def test_without_a_registry_and_without_a_map_nobody_is_connected(gates: Gates) -> None:
    found = gates.outcomes["core_failing_no_map"]
    assert found.gated == ("fail", "fail", "fail")
    assert "no readable fleet map" in found.rows["surfaces"].detail
    assert found.kept(SLOT)
    assert (found.connected(), found.swept()) == ([], 0)
    assert MAP not in found.after


def test_on_v1_2_the_last_map_is_swept_and_the_slot_declared_though_the_core_fails(gates: Gates) -> None:
    found = gates.outcomes["core_failing_v1_2"]
    assert found.gated == ("changed", "ok", "ok")
    assert found.rows["fleet"].status == "fail"
    assert found.rows["plugin-off"].detail.startswith("nothing to do")
    assert found.kept(MAP)
    assert (found.connected(), found.swept()) == (list(found.host.peers), 0)


def test_on_v1_2_a_missing_map_fails_the_surfaces_alone(gates: Gates) -> None:
    found = gates.outcomes["no_map_v1_2"]
    assert found.gated == ("fail", "ok", "ok")
    assert "no readable fleet map" in found.rows["surfaces"].detail
    assert found.rows["launcher"].status == "changed"


def test_a_core_that_prints_garbage_does_not_cost_the_map(gates: Gates) -> None:
    found = gates.outcomes["garbage"]
    assert found.gated == ("changed", "ok", "ok")
    assert found.rows["fleet"].status == "fail"
    assert found.rows["fleet"].detail.startswith("the core did not print JSON")
    assert found.kept(MAP)
    assert found.connected() == list(found.host.peers)


def test_a_core_that_prints_no_array_does_not_cost_the_map(gates: Gates) -> None:
    found = gates.outcomes["no_array"]
    assert found.gated == ("changed", "fail", "fail")
    assert found.rows["fleet"] == ("fail", "the core printed JSON that is not an array")
    assert found.kept(SLOT)
    assert found.kept(MAP)


def test_a_core_that_lists_nobody_does_not_cost_the_map(gates: Gates) -> None:
    found = gates.outcomes["empty_list"]
    assert found.gated == ("changed", "fail", "fail")
    assert found.rows["fleet"].status == "fail"
    assert "the core lists no peers: the map with 5 is kept" in found.rows["fleet"].detail
    assert found.kept(SLOT)
    assert found.kept(MAP)
    assert found.connected() == list(found.host.peers)


@pytest.mark.parametrize("form", ["absent", "malformed"])
def test_an_empty_slot_is_declared_and_no_plugin_swept(gates: Gates, form: str) -> None:
    found = gates.outcomes[form]
    assert found.gated == ("changed", "ok", "changed")
    assert found.rows["plugin-off"].detail.startswith("nothing to do")
    assert found.slot["provision"]["command"] == str(found.host.provider_bin)
    assert (found.slot["provider"], found.slot["version"]) == ("iapeer-memory", "1.1.0")
    assert found.swept() == 0
    assert found.connected() == list(found.host.peers)


def test_in_lean_mode_both_timers_go_and_the_watcher_stays(gates: Gates) -> None:
    found = gates.outcomes["lean"]
    assert found.rows["triggers"].status == "changed"
    triggers = {trigger["id"]: trigger["target"] for trigger in found.host.triggers()}
    assert triggers == {"morning-digest": "index", WATCHER: "scriber"}
    messages = [json.loads(call[5]) for call in found.calls if call[0] == "send"]
    assert [message for message in messages if "cmd" in message] == [
        {"cmd": "unregister", "id": DREAM},
        {"cmd": "unregister", "id": OLD_TIMER},
    ]


def test_without_an_index_peer_the_triggers_are_skipped(gates: Gates) -> None:
    found = gates.outcomes["no_index"]
    assert found.rows["triggers"] == ("skip", "no index peer on this host")
    assert not [call for call in found.calls if call[0] == "send"]
    assert found.rows["surfaces"].status == "changed"
    assert "fail" not in {row.status for row in found.rows.values()}


def test_in_the_sandbox_the_core_is_not_called_and_v1_1_is_kept(gates: Gates) -> None:
    found = gates.outcomes["sandboxed"]
    assert found.gated == ("changed", "skip", "skip")
    assert "refused by the sandbox" in found.rows["plugin-off"].detail
    assert found.rows["slot"].detail.startswith("v1.1 kept")
    assert {found.rows[step].status for step in ("fleet", "triggers")} == {"skip"}
    assert found.calls == []
    assert found.kept(SLOT)
    assert "fail" not in {row.status for row in found.rows.values()}


def test_a_host_without_a_vault_is_left_alone_and_says_so(gates: Gates) -> None:
    found = gates.outcomes["not_provisioned"]
    assert found.rows["templates"].status == "fail"
    assert "not provisioned: IAPEER_MEMORY_VAULT_PATH is not set (" in found.rows["templates"].detail
    others = {row for step, row in found.rows.items() if step not in ("binary", "forms", "templates")}
    assert others == {Row("skip", "not provisioned")}
    assert (found.changes, found.calls) == ([], [])


def test_the_run_fails_for_the_hosts_with_a_failed_step_and_for_no_other(gates: Gates) -> None:
    clean = {"sandboxed"}
    assert gates.run.rc == 2
    assert {name for name, counters in gates.run.recap.items() if not counters["failed"]} == clean
    assert {name for name, report in gates.run.reports.items() if report["ok"]} == clean


@pytest.mark.parametrize("name", MENDED)
def test_the_next_run_after_the_mend_migrates(gates: Gates, name: str) -> None:
    host, rows = gates.outcomes[name].host, gates.again[name]
    assert "fail" not in {row.status for row in rows.values()}, rows
    assert rows["slot"] == ("changed", "migrated v1.1.0 (was v1.1)")
    assert rows["plugin-off"].status == "changed"
    assert [call["slot_form"] for call in host.calls("memory-plugin")] == ["v1_1"]
    assert host.slot()["provision"]["command"] == str(host.provider_bin)
    assert PLUGIN not in (host.peer("beta") / ".claude/settings.json").read_text()
