# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was measured, as a page. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# At most so much of what it is measured by.
LIMITS = {"verify": 0.5, "update": 0.55, "sweep": 3.0}
HEAD = """# What it costs

Measured by `make bench` on {machine}, {versions}. What is compared was
measured in turn, at least {rounds} rounds of it after one that does not count, unless it says otherwise. Seconds are
medians, and so are the ratios, each within its round. Read the ratios: seconds are those of this machine on that day.

## Where nothing is to be done, against a play of eight pings

A host of eight peers, all of it in order, and nothing said of pipelining: a ping then copies a file, the look does not.
Wanted: verify at most {verify}, update at most {update} of eight bare pings. In brackets: of pipelined ones.

{hosts}

![Seconds against hosts](bench-hosts.svg)

## The sweep of one host's peers, against the least that can be done

Peers with both runtimes, eight files each; what the process costs without peers is taken off on both sides, and of the
sweep what the core itself takes to answer its one question. The floor opens, reads, parses and compares the same files
in one plain process; that of a first sweep writes them by rename, and makes sure of nothing. First sweeps were measured
once, and without trust, which is a process of the core for each peer.
Wanted: a converged sweep of at most {sweep} times the floor; of a floor of a few milliseconds the ratio says little.

{sweeps}

![Seconds against peers](bench-peers.svg)

## Fleets

update, with reports, of so many hosts on this one machine, 10 at a time, each a home of its own where nothing is to be
done, against a ping each, once. The memory is that of the biggest process: the controller, or a fork of it at work.

{fleets}

![Seconds and memory against hosts](fleets.svg)
"""


def told(found: Mapping[str, Any]) -> str:
    """The page of everything that was measured (see bench.py)."""
    return HEAD.format(
        machine=found["machine"],
        versions=found["versions"],
        rounds=found["rounds"],
        **LIMITS,
        hosts=_hosts(found["hosts"]),
        sweeps=_sweeps(found["sweeps"]),
        fleets=fleets_told(found["fleets"]),
    )


def fleets_told(fleets: Sequence[Mapping[str, Any]]) -> str:
    """The table of the fleets alone."""
    head = ["hosts", "", "s", "ratio", "CPU, s", "ratio of CPU", "lines printed", "memory, MB"]
    rows = []
    for found in fleets:
        for name in ("ping", "update"):
            run = found[name]
            wall, cpu = _ratios(run) if "wall_ratio" in run else ("", "")
            lines, memory = f"{run['lines']:.0f}", f"{run['memory'] / 1e6:.0f}"
            rows.append([found["hosts"], name, _seconds(run["wall"]), wall, _seconds(run["cpu"]), cpu, lines, memory])
    return _table(head, rows)


def _hosts(runs: Sequence[Mapping[str, Any]]) -> str:
    head = ["hosts", "", "8 pings, s", "s", "ratio", "ratio of CPU"]
    rows = [
        [run["hosts"], name, _seconds(run["pings"]["wall"]), _seconds(run[name]["wall"]), *_both_ratios(run[name])]
        for run in runs
        for name in ("verify", "update")
    ]
    return _table(head, rows)


def _sweeps(sweeps: Sequence[Mapping[str, Any]]) -> str:
    head = ["peers", "", "floor, s", "s", "ratio", "ratio of CPU", "memory, MB"]
    rows = []
    for found in sweeps:
        for title, name, base, key in (("converged", "sweep", "floor", "spent"), ("first", "first", "writing", "wall")):
            seconds = [_seconds(found[which][key]) for which in (base, name)]
            memory = f"{found[name]['memory'] / 1e6:.0f}"
            rows.append([f"{found['peers']:,}", title, *seconds, *_ratios(found[name]), memory])
    return _table(head, rows)


def _ratios(run: Mapping[str, float]) -> tuple[str, str]:
    return f"{run['wall_ratio']:.2f}", f"{run['cpu_ratio']:.2f}"


def _both_ratios(run: Mapping[str, float]) -> list[str]:
    pipelined = (run["wall_ratio_pipelined"], run["cpu_ratio_pipelined"])
    return [f"{bare} ({other:.2f})" for bare, other in zip(_ratios(run), pipelined)]


def _seconds(value: float) -> str:
    return f"{value:.3f}" if value < 1 else f"{value:.2f}"


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(map(str, line))} |" for line in lines)
