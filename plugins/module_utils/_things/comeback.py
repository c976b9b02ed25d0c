# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Whether memoryd came back after it was ended, or in what state it is instead (contract §8)."""

from __future__ import annotations

import os
import re
from typing import NamedTuple

from .._doorway.egress import Process
from .._doorway.folders import Folder
from .._doorway.problem import Problem
from .._host.host import Host
from .daemon import Heartbeat, find_starting, read_daemon, read_heartbeat

BACK, INDEXING, DEAD, FLAPPING = "back", "indexing", "dead", "flapping"
POLL_SECONDS = 0.1
CLOCK_SLACK = 0.1  # seconds by which a heartbeat may seem older than the process that wrote it
LOG = re.compile(r".*\.log", re.IGNORECASE)
LAST_BYTES, LAST_LINES, LINE_LENGTH = 4096, 5, 200
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class Comeback(NamedTuple):
    """What became of the daemon: back, indexing (alive and not yet beating), flapping (keeps being restarted) or dead.

    beat: its heartbeat where it is back. words: what was seen, for people.
    """

    state: str
    process: Process | None = None
    beat: Heartbeat = Heartbeat()
    words: str = ""


class Watch:
    """What is seen of the daemons that come after one that was ended."""

    def __init__(self, host: Host, old: Process, before: Heartbeat) -> None:
        """old: the one that is ended. before: the heartbeat from before that."""
        self.host, self.old, self.before = host, old, before.identity
        self.left: tuple[object, ...] = ()
        self.seen: set[tuple[int, str]] = set()

    def ended(self) -> None:
        """The old one is dead: whatever heartbeat is there may be its last one, or already one of the next."""
        self.left = read_heartbeat(self.host).identity

    def wait(self, seconds: float) -> Comeback:
        """What became of it within so many seconds."""
        clock = self.host.clock
        limit = clock.monotonic() + seconds
        while clock.monotonic() < limit:
            back = self.look()
            if back is not None:
                return back
            clock.sleep(POLL_SECONDS)
        return self._given_up(seconds)

    def look(self) -> Comeback | None:
        """The daemon, if a new process has written a heartbeat that was not there before; else None."""
        daemon, beat = read_daemon(self.host), read_heartbeat(self.host)
        process = daemon.process
        if process is None or process.is_same(self.old):
            return None
        self.seen.add((process.pid, process.birth))
        if beat.identity in ((), self.before):
            return None
        # The only one that the old daemon could have left: then the new one's must be from after its own start.
        if beat.identity == self.left and beat.touched < process.started - CLOCK_SLACK:
            return None
        return Comeback(BACK, process, beat)

    def _given_up(self, seconds: float) -> Comeback:
        """What to say where it did not come back in time."""
        alive = read_daemon(self.host).process
        alive = None if alive is not None and alive.is_same(self.old) else alive
        log = last_words(self.host)
        if len(self.seen) > 1 or (self.seen and alive is None):
            pids = ", ".join(str(pid) for pid, _birth in sorted(self.seen))
            return Comeback(FLAPPING, alive, words=f"it keeps being restarted (pids {pids}){log}")
        starting = alive or find_starting(self.host)
        if starting is not None:
            words = f"pid {starting.pid} is alive and has no heartbeat yet: a start indexes the whole vault first"
            return Comeback(INDEXING, starting, words=words + log)
        return Comeback(DEAD, words=f"no new process{log}")


def last_words(host: Host) -> str:
    """The last lines of the daemon's log, bounded and without control characters; empty where there are none."""
    try:
        with Folder(host.files.sandbox, host.paths.logs) as logs:
            names = [name for name in logs.names("") if LOG.fullmatch(name)]
            name = next((name for name in names if "memoryd" in name.lower()), next(iter(names), ""))
            text = logs.tail(name, LAST_BYTES).decode("utf-8", "replace") if name else ""
    except Problem:
        return ""
    lines = [CONTROLS.sub(" ", line).strip()[-LINE_LENGTH:] for line in text.splitlines()]
    last = [line for line in lines if line][-LAST_LINES:]
    return f"; the last words of {os.path.join(host.paths.logs, name)}: {' | '.join(last)}" if last else ""
