# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Measure the collection against what it is to be measured by, as ratios within one run. `make bench` prints them.

Each pair runs in turn, A B A B …, so that a machine that is busy with other things disturbs both alike; quoted are the
medians and the median of the ratios pair by pair. CPU is that of the whole process and of its children.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import Peer, ThrowawayHost, build_host

MODULE = "ansible_collections.agfpd.iapeer_memory.plugins.modules.peer_surfaces"
BASELINE = Path(__file__).with_name("builtin_play.yml")
FLOOR = """
import json, sys
names = (".claude/settings.json", ".mcp.json", *(f".claude/skills/iapeer-memory-{n}/SKILL.md"
         for n in ("init", "status", "migrate", "distill")))
for line in open(sys.argv[1]):
    for name in names:
        with open(f"{line.rstrip()}/{name}", "rb") as file:
            data = file.read()
        if name.endswith(".json"):
            json.loads(data) == {}
"""


class Cost(NamedTuple):
    """What one run took, in seconds."""

    wall: float
    cpu: float


class Command(NamedTuple):
    """Something to measure: what it is, and how it is run."""

    title: str
    argv: Sequence[str]
    environment: dict[str, str]
    stdin: str = ""


def main() -> int:
    """Build the hosts, measure every pair, print one table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--peers", type=int, default=1000, help="peers of the large host")
    parser.add_argument("--small", type=int, default=5, help="peers of the host that the built-in modules work on")
    parser.add_argument("--runs", type=int, default=5, help="counted runs of each command, after one warm-up")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="iapeer-memory-bench-") as folder:
        large = built(Path(folder, "large"), options.peers)
        small = built(Path(folder, "small"), options.small)
        print(f"{options.runs} runs of each, in turn, after one warm-up; medians; all hosts converged\n")
        try:
            small.start_notifier()
            small.wait_daemon()
            compare(large, small, options)
        finally:
            small.stop()
    return 0


def compare(large: ThrowawayHost, small: ThrowawayHost, options: argparse.Namespace) -> None:
    """Measure every pair."""
    peers = f"{options.peers} peers"
    pair(module_run(large, peers), floor(large, f"plain Python reads, parses and compares, {peers}"), options.runs)
    pair(module_run(large, peers), module_run(small, f"{options.small} peers"), options.runs)
    pair(playbook(small, "update"), pings(small, 14), options.runs)
    pair(playbook(small, "verify"), playbook(small, "update"), options.runs)
    pair(playbook(small, "update"), builtins(small, f"surfaces by built-in modules, {options.small} peers"), 3)


def built(base: Path, count: int) -> ThrowawayHost:
    """A converged host with so many claude peers."""
    peers = [Peer("index"), Peer("scriber"), Peer("dreamweaver")]
    peers += [Peer(f"peer-{number:04d}") for number in range(count - len(peers))]
    host = build_host(base, form="v1_2", peers=peers, fleet=True)
    update = playbook(host, "update")
    subprocess.run(update.argv, env=update.environment, check=True, capture_output=True)
    return host


def environment(host: ThrowawayHost) -> dict[str, str]:
    """The environment of every command: the host's, and where Ansible finds the collection."""
    own = {"ANSIBLE_HOME": str(host.base / "ansible"), "PYTHONPATH": os.environ["PYTHONPATH"]}
    return {**os.environ, **host.env, **own, "ANSIBLE_PIPELINING": "1", "ANSIBLE_LOCALHOST_WARNING": "0"}


def module_run(host: ThrowawayHost, what: str) -> Command:
    """The sweep as a process of its own."""
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {"_ansible_remote_tmp": str(host.base)}})
    return Command(f"sweep, {what}", [sys.executable, "-m", MODULE], environment(host), arguments)


def floor(host: ThrowawayHost, title: str) -> Command:
    """The least that can be done to look at the same files."""
    names = host.base / "peers.txt"
    names.write_text("".join(f"{host.peer(name)}\n" for name in host.peers))
    return Command(title, [sys.executable, "-c", FLOOR, str(names)], environment(host))


def ansible(host: ThrowawayHost, title: str, *arguments: str) -> Command:
    """A run of ansible-playbook on the host."""
    program = str(Path(sys.executable).with_name("ansible-playbook"))
    local = ["-i", "bench,", "-c", "local", "-e", f"ansible_python_interpreter={sys.executable}"]
    return Command(title, [program, *arguments, *local], environment(host))


def playbook(host: ThrowawayHost, name: str) -> Command:
    """update or verify, whole."""
    return ansible(host, f"{name}, {len(host.peers)} peers", f"agfpd.iapeer_memory.{name}")


def pings(host: ThrowawayHost, count: int) -> Command:
    """As many runs of the smallest module: what Ansible itself costs."""
    play = host.base / "pings.yml"
    tasks = "".join("    - ansible.builtin.ping:\n" for _n in range(count))
    play.write_text(f"- hosts: all\n  gather_facts: false\n  tasks:\n{tasks}")
    return ansible(host, f"{count} pings", str(play))


def builtins(host: ThrowawayHost, title: str) -> Command:
    """The same files looked after by a play of built-in modules, looping over the peers."""
    folders = json.dumps({"peers": [str(host.peer(name)) for name in host.peers]})
    return ansible(host, title, str(BASELINE), "-e", folders)


def pair(first: Command, second: Command, runs: int) -> None:
    """Measure two commands in turn and print one line for each, and the ratio."""
    costs: list[tuple[Cost, Cost]] = []
    for number in range(runs + 1):
        measured = (cost(first), cost(second))
        costs += [measured] if number else []
    for index, command in enumerate((first, second)):
        wall = statistics.median(both[index].wall for both in costs)
        cpu = statistics.median(both[index].cpu for both in costs)
        print(f"  {command.title:62} {wall:8.3f} s wall {cpu:8.3f} s CPU")
    wall = statistics.median(a.wall / b.wall for a, b in costs)
    cpu = statistics.median(a.cpu / b.cpu for a, b in costs)
    print(f"  {'ratio':62} {wall:8.2f}        {cpu:8.2f}\n", flush=True)


def cost(command: Command) -> Cost:
    """Run a command to its end; it must succeed."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(
        command.argv, env=command.environment, input=command.stdin, text=True, check=True, stdout=subprocess.DEVNULL
    )
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return Cost(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


if __name__ == "__main__":
    sys.exit(main())
