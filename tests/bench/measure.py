# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run commands in turn and say what each took.

A B C, A B C, …: a machine that is busy with other things disturbs all of them alike, so a figure is worth something
only as a ratio within its round.
"""

from __future__ import annotations

import functools
import multiprocessing
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple


class Command(NamedTuple):
    """Something to measure: its program with arguments, its environment, and what it reads."""

    argv: Sequence[str]
    environment: Mapping[str, str]
    stdin: str = ""


class Cost(NamedTuple):
    """What one run took: seconds on the clock and of the processors (children included), the biggest process of it in
    bytes, and how many lines it printed."""

    wall: float
    cpu: float
    memory: int
    lines: int


Rounds = list[dict[str, Cost]]


def cost(command: Command) -> Cost:
    """Run a command to its end; it must succeed."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as printed:
        given.write(command.stdin.encode())
        given.seek(0)
        start = time.perf_counter()
        child = subprocess.Popen(
            command.argv, env=dict(command.environment), stdin=given, stdout=printed, stderr=subprocess.STDOUT
        )
        _pid, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
        printed.seek(0)
        output = printed.read()
    if child.returncode:
        raise SystemExit(f"{' '.join(command.argv)}\n{output.decode(errors='replace')}\nexit code {child.returncode}")
    lines = sum(1 for line in output.splitlines() if line.strip())
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * 1024, lines)


@functools.cache
def _runner() -> ProcessPoolExecutor:
    """A small process to start commands from: Linux counts the size of what starts a command as that command's."""
    return ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))


def in_turn(commands: Mapping[str, Command], runs: int, warm: bool = True) -> Rounds:
    """So many rounds over all commands; warm: after one that does not count."""
    rounds = [
        {name: _runner().submit(cost, command).result() for name, command in commands.items()}
        for _number in range(runs + warm)
    ]
    return rounds[warm:]


def median(rounds: Rounds, value: Callable[[dict[str, Cost]], float]) -> float:
    """The median of a value of every round."""
    return statistics.median(map(value, rounds))
