# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""memoryd as it is: its heartbeat, the process behind its pid file, and how that is ended (contract §8)."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping
from typing import NamedTuple

from .._doorway.egress import Process
from .._doorway.problem import Problem
from .._doorway.reader import LINK
from .._doorway.spelling import real
from .._host.host import Host, open_host

MARK = "memoryd"
# What a program that is a script runs under, by the name of its interpreter.
INTERPRETER = re.compile(r"(?:ba|da|z|k)?sh|bun|deno|node(?:js)?|perl|(?:python|pypy|ruby)[0-9.]*t?")
LOST = "it runs without its pid file"
# A run of Ansible carries the name of the module it runs, and that one's has our mark in it.
ANSIBLE = "AnsiballZ_"
GRACE_SECONDS = 5
KILL_SECONDS = 2
CLOCK_SLACK = 0.1  # seconds by which a heartbeat may seem older or younger than it is, beside a start
FUTURE_SLACK = 2  # seconds by which a time stamp may be ahead of the clock without being from the future
PID_TEXT = re.compile(r"[0-9]{1,10}")
WATCH = re.compile(r"watch=(on|off)\s*\Z")
UNSEEN, MISSING, STALE, FUTURE, WATCH_OFF = "unseen", "missing", "stale", "future", "watch"


class Fault(NamedTuple):
    """What is wrong with a heartbeat: unseen, missing, stale, future or watch (empty: nothing), and in words."""

    kind: str = ""
    words: str = ""


class Heartbeat(NamedTuple):
    """The heartbeat file: its age in seconds (None: there is none), when it was touched, and what it says of watch.

    A negative age is that of a heartbeat from the future. identity tells one heartbeat from another, whatever the clock
    says; empty where there is none.
    """

    age: float | None = None
    touched: float = 0.0
    watch: str = ""
    problem: str = ""
    identity: tuple[object, ...] = ()

    def fault(self, stale_after: float) -> Fault:
        """What is wrong with it; stale_after in seconds."""
        if self.problem:
            return Fault(UNSEEN, self.problem)
        if self.age is None:
            return Fault(MISSING, "no heartbeat")
        if self.age < -FUTURE_SLACK:
            return Fault(FUTURE, f"heartbeat is {abs(self.age):.0f} s in the future")
        if self.age > stale_after:
            return Fault(STALE, f"heartbeat is {self.age:.0f} s old")
        return Fault(WATCH_OFF, "heartbeat says watch=off") if self.watch == "off" else Fault()

    def is_of(self, process: Process) -> bool:
        """True where it was written since this process started; one from the future tells nothing.

        Before it is up none writes one (contract §8).
        """
        slack = CLOCK_SLACK + (0 if process.exact else 1)
        return self.age is not None and self.age >= 0 and self.touched > process.started + slack

    def complaint(self, stale_after: float) -> str:
        """The same in words alone; empty where it is fine."""
        return self.fault(stale_after).words


class Daemon(NamedTuple):
    """What the pid file leads to: the process where it is memoryd's, else why it is not (stale: the file may go).

    text: what the file holds. lost: the process runs without it. starting: where there is no process, one that has not
    written its pid file yet.
    """

    pid: int | None = None
    process: Process | None = None
    stale: str = ""
    text: bytes = b""
    lost: bool = False
    starting: Process | None = None


def read_heartbeat(host: Host) -> Heartbeat:
    """The heartbeat as it is. Never fails."""
    path = host.paths.heartbeat
    try:
        found, status = host.files.read(path), host.files.status(path)
    except Problem as problem:
        return Heartbeat(problem=f"heartbeat cannot be read: {problem.reason}")
    if found is None or status is None:
        return Heartbeat()
    match = WATCH.search(found.data.decode("utf-8", "replace"))
    age = host.clock.now() - status.st_mtime
    identity = (status.st_dev, status.st_ino, status.st_mtime_ns, found.data)
    age = 0.0 if -FUTURE_SLACK <= age < 0 else age
    return Heartbeat(age, status.st_mtime, match[1] if match else "", "", identity)


def read_daemon(host: Host) -> Daemon:
    """The daemon that the pid file names, verified: a positive pid that lives, of the file's owner, with our mark.

    Raises Problem where the pid file is there and cannot be read.
    """
    try:
        found = host.files.read(host.paths.pid)
    except Problem as problem:
        raise _unusable(host, problem.reason, problem.kind) from problem
    if found is None:
        return Daemon()
    if host.files.kind_of(host.paths.pid, follow=False) == LINK:
        raise _unusable(host, "it is a link", "irregular")
    text = found.data.decode("utf-8", "replace").strip()
    if not PID_TEXT.fullmatch(text) or int(text) <= 1:
        return Daemon(stale=f"the pid file holds {text[:40]!r}, no pid of a daemon", text=found.data)
    pid = int(text)
    process = host.egress.process(pid)
    reason = f"no process {pid}" if process is None else verdict(process, _owner(host))
    return Daemon(pid, None if reason else process, reason or "", found.data)


def _unusable(host: Host, reason: str, kind: str) -> Problem:
    path = host.paths.pid
    return Problem(f"the pid file cannot be used: {reason}; remove {path}", path, kind)


def find_daemon(host: Host, beat: Heartbeat) -> Daemon:
    """The daemon that the pid file names, else the one that runs without it: it has written the heartbeat, or starts.

    Raises Problem where the pid file is there and cannot be read.
    """
    daemon = read_daemon(host)
    found = find_unnamed(host) if daemon.process is None else None
    if found is None:
        return daemon
    if beat.is_of(found):
        return daemon._replace(pid=found.pid, process=found, lost=True)
    return daemon._replace(starting=found)


def find_unnamed(host: Host) -> Process | None:
    """A memoryd of this host that no pid file names, mostly because it still indexes; None where none is seen.

    That is a run of this host's binary as the launcher starts it, which writes to this host's state dir (contract §8).
    Only where the system lists its processes as files can one be seen. None where the pid file is a live host's, which
    the sandbox hides.
    """
    if host.files.sandbox.hides(host.paths.pid):
        return None
    for pid in host.egress.pids():
        try:
            process = host.egress.process(pid)
        except Problem:
            continue
        if process and is_run_of(host, process) and not verdict(process, _owner(host)):
            return process
    return None


def is_run_of(host: Host, process: Process) -> bool:
    """Whether a process is the binary told to be memoryd, and nothing else that has both as words, for this host.

    Two roots of one account may share a binary: where the system tells what the process was started with, it must lead
    to this state dir.
    """
    words = process.words()
    under = words[:-2]
    if words[-2:] != (host.paths.binary, MARK):
        return False
    if under and not INTERPRETER.fullmatch(os.path.basename(under[0])):
        return False
    if any(word != "run" and not word.startswith("-") for word in under[1:]):
        return False
    environ = host.egress.environment(process)
    return environ is None or _state_of(host, environ) == real(host.paths.state)


def _state_of(host: Host, environ: Mapping[str, str]) -> str:
    """The state dir that a process with this environment writes to, its links resolved; empty where none is told."""
    try:
        return real(open_host({}, environ, host.files.sandbox).paths.state)
    except Problem:
        return ""


def verdict(process: Process, owner: int) -> str | None:
    """Why a process must not be signalled as memoryd; None where it may be. owner: the uid it must belong to."""
    if process.state.startswith("Z"):
        return f"process {process.pid} has ended (zombie)"
    if process.uid != owner:
        return f"process {process.pid} belongs to another user (uid {process.uid})"
    if process.pid in (os.getpid(), os.getppid()) or ANSIBLE in process.command:
        return f"process {process.pid} is a run of Ansible, not memoryd"
    if MARK not in process.words()[1:]:
        return f"process {process.pid} is not memoryd: {process.command[:80]}"
    return None


def terminate(host: Host, process: Process) -> str | None:
    """End the process: TERM, 5 s, KILL, 2 s; returns the last signal, None where it had ended by itself.

    The pid file goes only after confirmed death, and only while it still names this process. Raises Problem where the
    process survives.
    """
    named = host.files.status(host.paths.pid, follow=False) is not None
    owner = _owner(host)
    last = reason = None
    for name, seconds in (("TERM", GRACE_SECONDS), ("KILL", KILL_SECONDS)):
        number = signal.SIGTERM if name == "TERM" else signal.SIGKILL
        reason = host.egress.signal(process.pid, number, lambda found: _not_the_same(found, process, owner))
        last = last if reason else name
        if host.egress.wait_gone(process, host.clock, seconds):
            remove_pid_file(host, str(process.pid).encode())
            return last
    what = f"could not be ended: {reason}" if reason else "survived TERM and KILL"
    remedy = "its pid file is kept, look at it" if named else f"it has no pid file: end pid {process.pid} by hand"
    raise Problem(f"memoryd (pid {process.pid}) {what}; {remedy}", host.paths.pid)


def _not_the_same(found: Process, process: Process, owner: int) -> str | None:
    if not found.is_same(process):
        return f"pid {process.pid} was given to another process"
    return verdict(found, owner)


def remove_pid_file(host: Host, text: bytes) -> None:
    """Remove the pid file while it still holds this text: not the one that a new daemon has written meanwhile."""
    with host.files.tree(host.paths.state) as state:
        name = os.path.basename(host.paths.pid)
        found = state.read(name)
        if found is not None and found.data.strip() == text.strip():
            state.remove(name)


def _owner(host: Host) -> int:
    """Whose the daemon is: the pid file's owner, and where there is none that of the folder it belongs in."""
    status = host.files.status(host.paths.pid)
    return host.files.owner(host.paths.state) if status is None else status.st_uid
