# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands one after the other or side by side, each timed; all run even where one fails, and the end names the failed.

As a program: phases.py NAME TARGET... runs targets of the Makefile in this order, those joined by a comma side by side.
"""

from __future__ import annotations

import concurrent.futures
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

RUNNING: set[subprocess.Popen[str]] = set()


class Command(NamedTuple):
    """A name for people, the words, and what its environment has besides ours."""

    name: str
    argv: Sequence[str]
    env: Mapping[str, str] = {}


class Done(NamedTuple):
    """What came of a command, and how many seconds it took."""

    name: str
    code: int
    seconds: float


def perform(command: Command, aloud: bool) -> Done:
    """Run one command. aloud: its output goes out while it runs; else all of it at the end, so that two do not mix."""
    began = time.monotonic()
    where = None if aloud else subprocess.PIPE
    with subprocess.Popen(
        command.argv, env={**os.environ, **command.env}, stdin=subprocess.DEVNULL, stdout=where,
        stderr=None if aloud else subprocess.STDOUT, encoding="utf-8", errors="replace",
    ) as process:  # fmt: skip
        RUNNING.add(process)
        output, _none = process.communicate()
        RUNNING.discard(process)
    done = Done(command.name, process.returncode, time.monotonic() - began)
    print(f"{output or ''}== {verdict(done)}", flush=True)
    return done


def verdict(done: Done) -> str:
    return f"{done.name}: {'passed' if done.code == 0 else 'FAILED'} in {done.seconds:.0f} s"


def side_by_side(commands: Sequence[Command], jobs: int) -> list[Done]:
    """Run all commands, that many at once, begun in this order."""
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        work = [pool.submit(perform, command, jobs == 1) for command in commands]
        try:
            return [one.result() for one in work]
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(RUNNING):
                process.terminate()
            raise


def conclude(name: str, results: Sequence[Done], began: float) -> int:
    """Print every result and the sum; the exit code."""
    print("\n" + "\n".join(verdict(done) for done in results))
    failed = [done.name for done in results if done.code]
    seconds = time.monotonic() - began
    print(f"{name}: {'FAILED: ' + ', '.join(failed) if failed else 'all passed'} ({seconds:.0f} s)", flush=True)
    return 1 if failed else 0


def main() -> int:
    """Run the targets that the arguments name."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    began, results = time.monotonic(), []
    for phase in sys.argv[2:]:
        names = phase.split(",")
        env = {"JOBS": "1"} if len(names) > 1 else {}
        make = [os.environ.get("MAKE", "make"), "--no-print-directory"]
        results += side_by_side([Command(name, [*make, name], env) for name in names], len(names))
    return conclude(sys.argv[1], results, began)


if __name__ == "__main__":
    sys.exit(main())
