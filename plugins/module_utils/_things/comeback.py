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
from .daemon import CLOCK_SLACK, Heartbeat, find_unnamed, read_daemon, read_heartbeat
from .verdicts import BACK, DEAD, FLAPPING, HUNG, INDEXING

POLL_SECONDS = 0.1
LOOK_SECONDS = 1.0  # how often it is looked for a process without a pid file, which costs more
LOG = re.compile(r".*\.log", re.IGNORECASE)
LAST_BYTES, LAST_LINES, LINE_LENGTH = 4096, 5, 200
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


class Comeback(NamedTuple):
    """What became of the daemon: back, indexing (alive, and not yet up), hung (up, and not beating), flapping (keeps
    being restarted) or dead.

    beat: its heartbeat where it is back. words: what was seen, for people.
    """

    state: str
    process: Process | None = None
    beat: Heartbeat = Heartbeat()
    words: str = ""


class Watch:
    """What is seen of the daemons that come after one that was ended, or that nobody has seen yet."""

    def __init__(self, host: Host, old: Process | None, before: Heartbeat) -> None:
        """old: the one that is ended, None where none was. before: the heartbeat from before that."""
        self.host, self.old, self.before = host, old, before.identity
        self.left: tuple[object, ...] = ()
        self.seen: dict[tuple[int, str], float] = {}  # with a pid file, and since when
        self.starting: set[tuple[int, str]] = set()  # without one

    def ended(self) -> None:
        """The old one is dead: whatever heartbeat is there may be its last one, or already one of the next."""
        self.left = read_heartbeat(self.host).identity

    def wait(self, seconds: float, indexing: float = 0) -> Comeback:
        """What became of it within so many seconds; indexing: so many more as long as it indexes the vault."""
        clock = self.host.clock
        limit = clock.monotonic() + seconds
        looked = clock.monotonic()
        while clock.monotonic() < limit:
            back = self.look()
            if back is not None:
                return back
            if clock.monotonic() - looked >= LOOK_SECONDS:
                looked = clock.monotonic()
                self._find_starting()
            clock.sleep(POLL_SECONDS)
        while True:
            found = self.look() or self._given_up(seconds)
            if found.state != INDEXING or clock.monotonic() >= limit + indexing:
                return found
            clock.sleep(LOOK_SECONDS)

    def look(self) -> Comeback | None:
        """The daemon, if a new process has written a heartbeat that was not there before; else None."""
        daemon, beat = read_daemon(self.host), read_heartbeat(self.host)
        process = daemon.process
        if process is None or self._is_old(process):
            return None
        self.seen.setdefault((process.pid, process.birth), self.host.clock.monotonic())
        if beat.identity in ((), self.before):
            return None
        # The only one that the old daemon could have left: then the new one's must be from after its own start.
        if beat.identity == self.left and beat.touched < process.started - CLOCK_SLACK:
            return None
        return Comeback(BACK, process, beat)

    def _is_old(self, process: Process) -> bool:
        return self.old is not None and process.is_same(self.old)

    def _find_starting(self) -> Process | None:
        process = find_unnamed(self.host)
        if process is None or self._is_old(process):
            return None
        self.starting.add((process.pid, process.birth))
        return process

    def _given_up(self, seconds: float) -> Comeback:
        """What to say where it did not come back in so many seconds."""
        alive = read_daemon(self.host).process
        alive = None if alive is not None and self._is_old(alive) else alive
        starting = alive or self._find_starting()
        log = last_words(self.host)
        if len(self.seen) > 1 or len(self.starting) > 1 or (self.seen and alive is None):
            pids = ", ".join(str(pid) for pid, _birth in sorted({*self.seen, *self.starting}))
            return Comeback(FLAPPING, starting, words=f"it keeps being restarted (pids {pids}){log}")
        if starting is None:
            return Comeback(DEAD, words=f"no new process{log}")
        beat = read_heartbeat(self.host)
        if alive is None and beat.is_of(starting):  # up, and without a pid file
            return Comeback(BACK, starting, beat)
        since = self.seen.get((starting.pid, starting.birth))
        if since is not None and self.host.clock.monotonic() - since >= seconds:
            return Comeback(HUNG, starting, words=f"pid {starting.pid} is up and has no heartbeat{log}")
        words = f"pid {starting.pid} is alive and has no heartbeat yet: a start indexes the whole vault first"
        return Comeback(INDEXING, starting, words=words + log)


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
