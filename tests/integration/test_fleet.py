# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Many hosts in one run: one bad host costs no other one, a canary stops a rollout, and one glance tells it all."""

from __future__ import annotations

import re

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import ThrowawayHost, diff, free_port, write
from ansible_collections.agfpd.iapeer_memory.tests.integration.conftest import Build, Gather
from ansible_collections.agfpd.iapeer_memory.tests.integration.playbook import COLLECTION, Fleet, settle

pytestmark = pytest.mark.slow


def _summary(output: str) -> list[str]:
    """The fleet summary, a line a host, with the first word of what is said of it where we say it ourselves."""
    lines = output.partition("\nFleet of ")[2].splitlines()
    told = [line.split() for line in lines[1:] if re.match("  [a-z]", line)]
    return [lines[0], *(" ".join(words[: 2 if words[0] == "unreachable" else 3]) for words in told)]


# Before the interpreter of a host: whatever it is to run dies at once.
KILLED = "sh -c 'kill -9 $$' "


def _break(host: ThrowawayHost) -> None:
    write(host.peer("index") / ".mcp.json", "{\n", 0o600)


def _summarised(gather: Gather, **hosts: ThrowawayHost) -> Fleet:
    fleet = gather(**hosts)
    fleet.settings["ANSIBLE_CALLBACKS_ENABLED"] = COLLECTION + "fleet_summary"
    return fleet


def test_bad_hosts_cost_no_other_one_and_all_accounts_of_the_run_agree(build: Build, gather: Gather) -> None:
    """In order, to work on, with a bad peer, of another provider, whose look dies, that is far, without sudo."""
    hosts = {name: build(peers=[]) for name in ("ada", "bob", "cyd", "far", "ill")}
    hosts |= {"own": build(form="foreign", peers=[]), "sue": build(peers=[])}
    assert gather(bob=hosts["bob"]).update(iapeer_memory_restart="never").rc == 0
    _break(hosts["cyd"])
    untouched = hosts["far"].snapshot(times=True)
    fleet = _summarised(gather, **hosts)
    fleet.settings["ANSIBLE_SSH_RETRIES"] = "0"
    fleet.variables["far"] = {
        "ansible_connection": "ssh",
        "ansible_host": "127.0.0.1",
        "ansible_port": free_port(),
        "ansible_ssh_common_args": "-o BatchMode=yes -o ConnectTimeout=5",
    }

    fleet.before["ill"] = KILLED
    fleet.variables["sue"] = {"ansible_become": True, "ansible_become_user": "nobody", "ansible_become_exe": "/no/sudo"}

    run = fleet.update(iapeer_memory_restart="never", iapeer_memory_max_fail_percentage=100)
    assert run.rc == 4
    assert _summary(run.stdout) == [
        "7: 1 clean, 1 changed, 4 failed, 1 unreachable",
        "unreachable far",
        "failed cyd surfaces:",
        "failed ill binary:",
        "failed own slot:",
        "failed sue binary:",
        "changed ada templates,",
    ]
    states = {"ada": "changed", "bob": "clean", "cyd": "failed", "far": "unreachable", "ill": "failed", "own": "failed"}
    states["sue"] = "failed"
    assert run.states() == states
    assert {name: report["ok"] for name, report in run.reports.items()} == {
        name: state in ("clean", "changed") for name, state in states.items()
    }
    page = (fleet.folder / "reports" / "index.html").read_text(encoding="utf-8")
    shown = re.findall(r"<bdi>([a-z]+)</bdi></button>.*?<td class=\"state\"><span>(.*?)</span>", page, re.DOTALL)
    assert dict(shown) == states
    assert [name for name, _state in shown] == ["far", "cyd", "ill", "own", "sue", "ada", "bob"]
    assert {found["run"] for found in run.reports.values()} == {run.fleet["run"]}
    assert [run.recap[name]["unreachable"] for name in hosts] == [0, 0, 0, 1, 0, 0, 0]
    assert [run.recap[name]["failed"] for name in hosts] == [0, 0, 1, 0, 1, 1, 1]
    assert run.reports["far"]["steps"][0]["status"] == "unreachable"
    assert "sudo" in run.reports["sue"]["steps"][0]["detail"]
    assert "killed by signal 9 (SIGKILL)" in run.reports["ill"]["steps"][0]["detail"]
    assert "Connection refused" in run.reports["far"]["steps"][0]["detail"]
    assert diff(untouched, hosts["far"].snapshot(times=True)) == []
    assert [hosts[name].slot()["version"] for name in ("ada", "bob")] == ["1.1.0", "1.1.0"]
    assert "provision" in hosts["ada"].slot()

    seen = fleet.verify()
    assert seen.rc == 4
    assert _summary(seen.stdout) == [
        "7: 4 drifted, 2 failed, 1 unreachable",
        "unreachable far",
        "failed ill config:",
        "failed sue config:",
        "drifted ada memoryd-heartbeat:",
        "drifted bob memoryd-heartbeat:",
        "drifted cyd memory-slot:",
        "drifted own memory-slot:",
    ]


def test_every_host_gets_a_report_and_a_table_of_its_own(build: Build, gather: Gather) -> None:
    hosts = {name: build(form="v1_2", peers=[]) for name in ("ada", "bob", "cyd")}
    for host in hosts.values():
        settle(host)
    run = gather(**hosts).verify()
    for name in hosts:
        table = run.stdout.partition(f"\n{name}: verify, version 1.1.0\n")[2].splitlines()
        printed = {line.split()[0]: line.split()[1].lower() for line in table[: len(run.statuses(name))]}
        assert printed == run.statuses(name)
        report = run.reports[name]
        assert {key: report[key] for key in report if key not in ("steps", "time")} == {
            "run": run.fleet["run"],
            "host": name,
            "playbook": "verify",
            "version": "1.1.0",
            "check_mode": False,
            "ok": False,
        }
        assert all(set(row) == {"name", "status", "detail"} for row in report["steps"])


def test_a_failing_canary_stops_the_rollout(build: Build, gather: Gather) -> None:
    hosts = {name: build(peers=[]) for name in ("canary-1", "canary-2", "herd")}
    _break(hosts["canary-1"])
    before = hosts["herd"].snapshot(times=True)
    fleet = _summarised(gather, **hosts)
    rollout = {"iapeer_memory_serial": [2, "100%"], "iapeer_memory_restart": "never"}
    stopped = fleet.update(**rollout)
    assert stopped.rc == 2
    assert stopped.states() == {"canary-1": "failed", "canary-2": "changed", "herd": "not begun"}
    assert [stopped.reports[name]["ok"] for name in hosts] == [False, True, False]
    assert diff(before, hosts["herd"].snapshot(times=True)) == []
    assert _summary(stopped.stdout)[-1] == "not begun herd"

    tolerated = fleet.update(**rollout, iapeer_memory_max_fail_percentage=50)
    assert tolerated.rc == 2
    assert {name for name, report in tolerated.reports.items() if report["ok"]} == {"canary-2", "herd"}
    assert len(re.findall("^PLAY \\[Update iapeer-memory\\]", tolerated.stdout, re.MULTILINE)) == 2


def test_only_the_chosen_hosts_are_worked_on(build: Build, gather: Gather) -> None:
    hosts = {name: build(peers=[]) for name in ("ada", "bob")}
    run = gather(**hosts).verify(iapeer_memory_hosts="bob")
    assert list(run.reports) == ["bob"]
