# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Measure the collection against what it is to be measured by. `make bench` writes docs/bench.md and its plots.

In this order: fleets of many hosts against a ping each; converged runs against a play of eight pings; the sweep of one
host's peers against a plain process that does no more than it must.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from ansible.release import __version__ as ansible_version

from ansible_collections.agfpd.iapeer_memory.tests.bench.measure import Command, Cost, Rounds, in_turn, median
from ansible_collections.agfpd.iapeer_memory.tests.bench.tell import fleets_told, told
from ansible_collections.agfpd.iapeer_memory.tests.fixtures.core import trust_entries
from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import Peer, ThrowawayHost, build_host, write
from ansible_collections.agfpd.iapeer_memory.tests.integration.playbook import COLLECTION, Fleet, settle

VERSION = "7.1.0"
PINGS = 8
SWEEP = "ansible_collections.agfpd.iapeer_memory.plugins.modules.peer_surfaces"
FLOORS = Path(__file__).with_name("floors.py")
BOTH = ("claude", "codex")
# Taken off what is measured: what it costs without peers, and the core's own work on the one question that it is asked.
OFF = {"sweep": ("sweep of nobody", "answer of the core"), "floor": ("floor of nothing",)}
# Of the host that the playbooks work on.
EIGHT = tuple(Peer(name) for name in ("index", "scriber", "dreamweaver", "ada", "bob")) + (
    *(Peer("cyd", ("codex",)), Peer("dee", ("codex",)), Peer("eve", BOTH)),
)
# What a first sweep is measured by: trust would be one process of the core for every peer, whoever asks for it.
FILES = ["hooks", "mcp", "skills"]


class Plan(NamedTuple):
    """How much is measured: hosts of a run, peers of a sweep, hosts of a fleet, rounds of the first two.

    warm: after one that does not count.
    """

    hosts: tuple[int, ...]
    peers: tuple[int, ...]
    fleets: tuple[int, ...]
    runs: int
    warm: bool


WHOLE = Plan((1, 5, 20), (100, 1_000, 10_000), (10, 50, 200), 5, True)
QUICK = Plan((1,), (5,), (2,), 1, False)


def main() -> int:
    """Build the hosts, measure, and write what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="just enough to see that it works")
    parser.add_argument("--runs", type=int, help="rounds of hosts and sweeps, after one that does not count")
    parser.add_argument("--fleets", type=int, nargs="*", help="nothing but fleets of so many hosts")
    parser.add_argument("--out", type=Path, required=True, help="the folder for bench.md and what it is made of")
    given = parser.parse_args()
    plan = QUICK if given.quick else WHOLE
    plan = plan._replace(runs=given.runs or plan.runs, fleets=tuple(given.fleets or plan.fleets))
    given.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="iapeer-memory-bench-") as folder:
        found = {**surroundings(), "fleets": fleets(Path(folder), plan)}
        (given.out / "fleets.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
        if given.fleets is None:
            found.update(measured(Path(folder), plan))
            (given.out / "bench.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
            (given.out / "bench.md").write_text(told(found), encoding="utf-8")
    print(fleets_told(found["fleets"]) if given.fleets is not None else told(found))
    return 0


def surroundings() -> dict[str, str]:
    """On what it was measured."""
    return {
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} processors",
        "versions": f"ansible-core {ansible_version}, Python {platform.python_version()}",
    }


def measured(folder: Path, plan: Plan) -> dict[str, Any]:
    """All but the fleets, as data."""
    hosts: list[ThrowawayHost] = []
    try:
        for number in range(max(plan.hosts)):
            hosts.append(converged(folder / f"host-{number}"))
        runs = [playbooks(folder, hosts[:count], plan) for count in plan.hosts]
    finally:
        for host in hosts:
            host.stop()
    return {"rounds": plan.runs, "hosts": runs, "sweeps": [sweeps(folder, count, plan) for count in plan.peers]}


def summed(rounds: Rounds, names: Mapping[str, str]) -> dict[str, Any]:
    """Of every command its medians, and of those in names the ratio to the one that is named there, round by round."""
    found: dict[str, Any] = {}
    for name in rounds[0]:
        found[name] = {
            key: median(rounds, lambda costs, name=name, key=key: getattr(costs[name], key)) for key in Cost._fields
        }
    for name, base in names.items():
        for key in ("wall", "cpu"):
            found[name][f"{key}_ratio"] = median(
                rounds, lambda costs, n=name, b=base, k=key: getattr(costs[n], k) / getattr(costs[b], k)
            )
    return found


# Playbooks


def converged(base: Path) -> ThrowawayHost:
    """A host of eight peers where all is well. Its daemon beats seldom: it is not what is measured."""
    host = build_host(base, form="v1_2", version=VERSION, peers=EIGHT, beat=30)
    settle(host)
    host.start_notifier()
    host.wait_daemon()
    return host


def gathered(folder: Path, hosts: Sequence[ThrowawayHost]) -> Fleet:
    """The hosts in an inventory that says nothing of pipelining, as a user has it."""
    fleet = Fleet(folder, {f"h{number:03}": host for number, host in enumerate(hosts)})
    del fleet.connection["ansible_pipelining"]
    fleet.folder.mkdir(exist_ok=True)
    return fleet


def ansible(fleet: Fleet, playbook: str, *words: str) -> Command:
    """A run of ansible-playbook over the fleet, each host in an environment of its own."""
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    environment = {**os.environ, "ANSIBLE_FORKS": "10", "ANSIBLE_NOCOLOR": "1"}
    return Command([program, playbook, "-i", str(fleet.inventory()), *words], environment)


def pings(folder: Path, count: int) -> str:
    """A play of as many runs of the smallest module: what Ansible itself costs."""
    play = folder / f"pings-{count}.yml"
    tasks = "".join("    - ansible.builtin.ping:\n" for _number in range(count))
    write(play, f"- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}")
    return str(play)


def playbooks(folder: Path, hosts: list[ThrowawayHost], plan: Plan) -> dict[str, Any]:
    """verify and update, where nothing is to be done, against eight pings: bare ones, and pipelined."""
    fleet = gathered(folder / "controller", hosts)
    commands = {
        "pings": ansible(fleet, pings(folder, PINGS)),
        "pipelined": ansible(fleet, pings(folder, PINGS), "-e", "ansible_pipelining=true"),
        "verify": ansible(fleet, COLLECTION + "verify"),
        "update": ansible(fleet, COLLECTION + "update"),
    }
    rounds = in_turn(commands, plan.runs, plan.warm)
    found = summed(rounds, {"verify": "pings", "update": "pings"})
    for name, run in summed(rounds, {"verify": "pipelined", "update": "pipelined"}).items():
        found[name].update({f"{key}_pipelined": run[key] for key in ("wall_ratio", "cpu_ratio") if key in run})
    return {"hosts": len(hosts), **found}


def fleets(folder: Path, plan: Plan) -> list[dict[str, Any]]:
    """update with reports over many hosts, each a home of its own where nothing is to be done, against a ping each.

    Measured once: what so many hosts do is its own average. Their daemons are not started.
    """
    hosts: list[ThrowawayHost] = []
    found = []
    for count in plan.fleets:
        for number in range(len(hosts), count):
            hosts.append(build_host(folder / f"home-{number}", form="v1_2", version=VERSION, peers=EIGHT))
            settle(hosts[-1])
        fleet = gathered(folder / f"fleet-{count}", hosts[:count])
        report = ("-e", f"iapeer_memory_report_dir={folder / f'reports-{count}'}")
        commands = {"ping": ansible(fleet, pings(folder, 1)), "update": ansible(fleet, COLLECTION + "update", *report)}
        found.append({"hosts": count, **summed(in_turn(commands, 1, warm=False), {"update": "ping"})})
    return found


# Sweeps


def sweeps(folder: Path, count: int, plan: Plan) -> dict[str, Any]:
    """The first sweep and the converged one of so many peers with both runtimes."""
    host = build_host(
        folder / f"peers-{count}",
        form="v1_2",
        version=VERSION,
        peers=[Peer(f"peer-{number:05}", BOTH) for number in range(count)],
        crew=False,
        fleet=True,
    )
    first = in_turn({"first": sweep(host, surfaces=FILES)}, 1, warm=False)
    listing = listed(host)
    first[0].update(in_turn({"writing": floor("write", listing, str(host.base / "again"))}, 1, warm=False)[0])
    trust(host)
    commands = {
        "sweep": sweep(host),
        "sweep of nobody": sweep(host, peers=[]),
        "answer of the core": answer(host),
        "floor": floor("compare", listing),
        "floor of nothing": floor("compare", os.devnull),
    }
    rounds = in_turn(commands, plan.runs, plan.warm)
    found = {"peers": count, **summed(rounds, {}), **summed(first, {"first": "writing"})}
    for name in OFF:
        found[name]["spent"] = median(rounds, lambda costs, name=name: spent(costs, name, "wall"))
    for key in ("wall", "cpu"):
        found["sweep"][f"{key}_ratio"] = median(
            rounds, lambda costs, key=key: spent(costs, "sweep", key) / spent(costs, "floor", key)
        )
    shutil.rmtree(host.base)
    return found


def spent(costs: dict[str, Cost], name: str, key: str) -> float:
    """What the peers cost: without what is taken off."""
    return max(1e-6, float(getattr(costs[name], key)) - sum(getattr(costs[other], key) for other in OFF[name]))


def sweep(host: ThrowawayHost, **options: Any) -> Command:
    """The module as a process of its own, without Ansible around it; it fails where a surface does."""
    arguments = {"_ansible_remote_tmp": str(host.base), **options}
    environment = {**host.env, "PYTHONPATH": os.environ["PYTHONPATH"]}
    return Command([sys.executable, "-m", SWEEP], environment, json.dumps({"ANSIBLE_MODULE_ARGS": arguments}))


def answer(host: ThrowawayHost) -> Command:
    """The one question that a converged sweep has for the core: whether it trusts the hooks of a peer."""
    hooks = host.peer(next(iter(host.peers))) / ".codex/hooks.json"
    return Command([str(host.core_bin), "trust-hooks", str(hooks), "--check"], host.env)


def floor(what: str, *words: str) -> Command:
    """The least that can be done about the same files."""
    return Command([sys.executable, str(FLOORS), what, *words], dict(os.environ))


def listed(host: ThrowawayHost) -> str:
    """A file with the names of all files that a sweep looks at, a line each."""
    names = [
        *(".claude/settings.json", ".mcp.json", ".codex/config.toml", ".codex/hooks.json"),
        *(f".claude/skills/iapeer-memory-{name}/SKILL.md" for name in ("init", "status", "migrate", "distill")),
    ]
    path = host.base / "files.txt"
    write(path, "".join(f"{host.peer(peer) / name}\n" for peer in host.peers for name in names))
    return str(path)


def trust(host: ThrowawayHost) -> None:
    """All hooks trusted, as the core would have written it down by and by."""
    with host.codex_config.open("a", encoding="utf-8") as config:
        for peer in host.peers:
            for key, value in trust_entries(str(host.peer(peer) / ".codex/hooks.json")).items():
                config.write(f'\n[hooks.state.{json.dumps(key)}]\ntrusted_hash = "{value}"\n')


if __name__ == "__main__":
    sys.exit(main())
