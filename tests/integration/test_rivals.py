# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The provision lock against the provider's own, in its stand-in: nothing is lost between them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import open_host
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces.lock import LOCK, OWNER, provision_lock

pytestmark = [pytest.mark.once, pytest.mark.slow]
# Our side of it: the same work under our lock.
OURS = """
import sys
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import open_host
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces.lock import provision_lock

state, counter, rounds, timeout = sys.argv[1:]
host = open_host({"state_dir": state}, {"HOME": "/nonexistent"})
for _ in range(int(rounds)):
    with provision_lock(host, float(timeout)):
        with open(counter) as file:
            value = int(file.read())
        with open(counter, "w") as file:
            file.write(f"{value + 1}\\n")
"""
# Theirs: the stand-in's lock, written from the contract alone.
THEIRS = """
import sys
from ansible_collections.agfpd.iapeer_memory.tests.fixtures.provider.lock import provision_lock

state, counter, rounds, timeout = sys.argv[1:]
for _ in range(int(rounds)):
    with provision_lock(state, float(timeout)):
        with open(counter) as file:
            value = int(file.read())
        with open(counter, "w") as file:
            file.write(f"{value + 1}\\n")
"""


class Arena:
    """A state folder and a counter that many writers share."""

    def __init__(self, base: Path) -> None:
        self.state = base / "state"
        self.state.mkdir()
        self.counter = base / "counter"
        self.counter.write_text("0\n")

    def start(self, ours: bool, rounds: int, timeout: int = 120) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", OURS if ours else THEIRS]
        words = [str(self.state), str(self.counter), str(rounds), str(timeout)]
        return subprocess.Popen([*command, *words], stderr=subprocess.PIPE, text=True)

    def compete(self, *writers: bool, rounds: int, timeout: int = 120) -> None:
        """Run writers (True: ours) to their end; every one of them must succeed."""
        started = [self.start(ours, rounds, timeout) for ours in writers]
        complaints = [writer.communicate(timeout=300)[1] for writer in started]
        assert [(writer.returncode, text) for writer, text in zip(started, complaints)] == [(0, "")] * len(writers)

    def count(self) -> int:
        return int(self.counter.read_text())

    def stage(self, owner: str | None, age: float) -> None:
        (self.state / LOCK).mkdir()
        if owner is not None:
            (self.state / LOCK / OWNER).write_text(owner)
        os.utime(self.state / LOCK, (time.time() - age,) * 2)


@pytest.fixture
def arena(tmp_path: Path) -> Arena:
    return Arena(tmp_path)


@pytest.fixture
def dead() -> int:
    """The pid of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.mark.parametrize("writers", [[True] * 8, [False] * 8], ids=["ours", "theirs"])
def test_each_side_alone_loses_nothing(arena: Arena, writers: list[bool]) -> None:
    arena.compete(*writers, rounds=5)
    assert arena.count() == 40
    assert os.listdir(arena.state) == []


def test_eight_writers_of_both_sides_lose_nothing_in_200_rounds(arena: Arena) -> None:
    arena.compete(*[True, False] * 4, rounds=200)
    assert arena.count() == 8 * 200
    assert os.listdir(arena.state) == []


def test_the_lock_means_something(arena: Arena) -> None:
    """Without it the same work does lose updates: the counter can tell."""
    code = OURS.replace("with provision_lock(host, float(timeout)):", "if True:")
    assert code != OURS
    words = [str(arena.state), str(arena.counter), "300", "1"]
    command = [sys.executable, "-c", code, *words]
    for writer in [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _n in range(4)]:
        writer.wait(60)
    assert arena.counter.read_text().strip() != str(4 * 300)


def test_they_wait_for_us(arena: Arena) -> None:
    host = open_host({"state_dir": str(arena.state)}, {"HOME": "/nonexistent"})
    with provision_lock(host, 1):
        os.utime(arena.state / LOCK, (time.time() - 500,) * 2)
        writer = arena.start(ours=False, rounds=1, timeout=1)
        _out, text = writer.communicate(timeout=60)
    assert (writer.returncode, arena.count()) == (1, 0)
    assert f"provision lock is busy for 1 s: {arena.state / LOCK}" in text
    assert os.listdir(arena.state) == []


def test_we_wait_for_them(arena: Arena) -> None:
    """They hold it, alive; we time out and name them."""
    holder = subprocess.Popen(["sleep", "60"])
    try:
        arena.stage(f"{holder.pid}:1", 0)
        writer = arena.start(ours=True, rounds=1, timeout=1)
        _out, text = writer.communicate(timeout=60)
    finally:
        holder.kill()
        holder.wait()
    assert writer.returncode == 1
    assert f"{arena.state / LOCK}: the provision lock is held by {holder.pid} for longer than 1 s" in text
    assert (arena.state / LOCK / OWNER).read_text() == f"{holder.pid}:1"


@pytest.mark.parametrize("owner", ["dead", None])
def test_both_sides_break_a_stale_lock_and_one_has_it(arena: Arena, dead: int, owner: str | None) -> None:
    for n in range(1, 6):
        arena.stage(f"{dead}:1" if owner else None, 121)
        arena.compete(True, True, True, False, rounds=1)
        assert arena.count() == 4 * n
        assert os.listdir(arena.state) == []


def test_their_killed_holder_is_broken_by_us_at_once(arena: Arena) -> None:
    hold = 'mkdir "$0" && printf %s "$$:1" >"$0/owner.new" && mv "$0/owner.new" "$0/owner" && exec sleep 60'
    for n in range(1, 4):
        holder = subprocess.Popen(["sh", "-c", hold, str(arena.state / LOCK)])
        while not (arena.state / LOCK / OWNER).exists():
            time.sleep(0.005)
        holder.kill()
        holder.wait()
        assert (arena.state / LOCK / OWNER).read_text() == f"{holder.pid}:1"
        arena.compete(True, rounds=1, timeout=1)
        assert arena.count() == n
        assert os.listdir(arena.state) == []
