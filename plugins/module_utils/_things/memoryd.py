# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""memoryd: its heartbeat, its verified restart, and its return (contract §8)."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._doorway.egress import Process
from .._doorway.problem import Problem
from .._host.host import Host
from .._host.results import Result

MARK = "memoryd"
# A run of Ansible carries the name of the module it runs, and that one's has our mark in it.
ANSIBLE = "AnsiballZ_"
GRACE_SECONDS = 5
KILL_SECONDS = 2
POLL_SECONDS = 0.1
PID_TEXT = re.compile(r"[0-9]{1,10}")
WATCH = re.compile(r"watch=(on|off)\s*\Z")


class Heartbeat(NamedTuple):
    """The heartbeat file: its age in seconds (None: there is none), when it was touched, and what it says of watch."""

    age: float | None = None
    touched: float = 0.0
    watch: str = ""
    problem: str = ""

    def complaint(self, stale_after: float) -> str:
        """Why the daemon counts as hung by this heartbeat; empty where it is fine. stale_after in seconds."""
        if self.problem:
            return self.problem
        if self.age is None:
            return "no heartbeat"
        if self.age > stale_after:
            return f"heartbeat is {self.age:.0f} s old"
        return "heartbeat says watch=off" if self.watch == "off" else ""


class Daemon(NamedTuple):
    """What the pid file leads to: the process where it is memoryd's, else why it is not (stale: the file may go).

    text: what the file holds.
    """

    pid: int | None = None
    process: Process | None = None
    stale: str = ""
    text: bytes = b""


class RestartPlan(NamedTuple):
    """What is to be done: restart, stale (remove the pid file) or nothing; why says it in words."""

    action: str
    why: str


def read_heartbeat(host: Host) -> Heartbeat:
    """The heartbeat as it is. Never fails."""
    path = host.paths.heartbeat
    try:
        found = host.files.read(path)
    except Problem as problem:
        return Heartbeat(problem=f"heartbeat cannot be read: {problem.reason}")
    if found is None:
        return Heartbeat()
    touched = host.files.modified(path)
    match = WATCH.search(found.data.decode("utf-8", "replace"))
    return Heartbeat(max(0.0, host.clock.now() - touched), touched, match[1] if match else "")


def read_daemon(host: Host) -> Daemon:
    """The daemon that the pid file names, verified: a positive pid that lives, of the file's owner, with our mark.

    Raises Problem where the pid file is there and cannot be read.
    """
    try:
        found = host.files.read(host.paths.pid)
    except Problem as problem:
        raise Problem(f"the pid file cannot be used: {problem.reason}", host.paths.pid, problem.kind) from problem
    if found is None:
        return Daemon()
    if os.path.islink(host.paths.pid):
        raise Problem("the pid file cannot be used: it is a link", host.paths.pid, "irregular")
    text = found.data.decode("utf-8", "replace").strip()
    if not PID_TEXT.fullmatch(text) or int(text) <= 1:
        return Daemon(stale=f"the pid file holds {text[:40]!r}, no pid of a daemon", text=found.data)
    pid = int(text)
    process = host.egress.process(pid)
    reason = f"no process {pid}" if process is None else verdict(process, _owner(host))
    return Daemon(pid, None if reason else process, reason or "", found.data)


def verdict(process: Process, owner: int) -> str | None:
    """Why a process must not be signalled as memoryd; None where it may be. owner: the uid it must belong to."""
    if process.state.startswith("Z"):
        return f"process {process.pid} has ended (zombie)"
    if process.uid != owner:
        return f"process {process.pid} belongs to another user (uid {process.uid})"
    if MARK not in process.command:
        return f"process {process.pid} is not memoryd: {process.command[:80]}"
    if process.pid in (os.getpid(), os.getppid()) or ANSIBLE in process.command:
        return f"process {process.pid} is a run of Ansible, not memoryd"
    return None


def plan_restart(host: Host, daemon: Daemon, beat: Heartbeat, options: Mapping[str, Any]) -> RestartPlan:
    """Whether memoryd is to be restarted; reads the times of the newer_than files, changes nothing."""
    if daemon.process is None:
        action = "stale" if daemon.stale else "not_running"
        return RestartPlan(action, daemon.stale or "memoryd is not running")
    paths, hung_after = options.get("newer_than"), options.get("hung_after")
    complaint = "" if hung_after is None else beat.complaint(hung_after)
    if complaint:
        return RestartPlan("restarted", f"hung: {complaint}")
    newer = newer_file(host, daemon.process, paths or [])
    if newer:
        return RestartPlan("restarted", f"it is older than {newer}")
    if paths is None and hung_after is None:
        return RestartPlan("restarted", "asked for")
    return RestartPlan("already", f"pid {daemon.pid} runs and is up to date")


def newer_file(host: Host, process: Process, paths: list[str]) -> str:
    """The newest of the files that is newer than the process; empty where none is. Missing files do not count."""
    times = {path: host.files.modified(path) for path in paths}
    path = max(times, key=lambda name: times[name], default="")
    # A start that is only known to the second is taken as the end of that second: never restart for nothing.
    return path if path and times[path] > process.started + (0 if process.exact else 1) else ""


def ensure(host: Host, options: Mapping[str, Any], check: bool) -> Result | dict[str, Any]:
    """Restart memoryd where the options ask for it, and see it come back; or say what would happen (check).

    options: state (ended: see end), newer_than (paths), hung_after (seconds), wait (seconds; 0: do not wait). Raises
    Problem where the daemon survives, and where no new one with a fresh heartbeat is seen in time. A process that is
    not memoryd is never signalled: its pid file is removed.
    """
    if options.get("state") == "ended":
        return end(host, check)
    daemon, beat = read_daemon(host), read_heartbeat(host)
    plan = plan_restart(host, daemon, beat, options)
    changed = plan.action in ("restarted", "stale")
    result: dict[str, Any] = {
        "changed": changed,
        "action": "pid_file_removed" if plan.action == "stale" else plan.action,
        "detail": plan.why,
        "old_pid": daemon.pid if daemon.process else None,
        "new_pid": None,
        "signal": None,
        "diff": [{"before": f"memoryd pid {daemon.pid}\n", "after": f"{plan.action}: {plan.why}\n"}] if changed else [],
    }
    if changed:
        host.files.sandbox.check(host.paths.pid)
    if check or not changed:
        return result
    if daemon.process is None:
        _remove_pid_file(host, daemon.text)
        return result
    ended_at = host.clock.now()
    result["signal"] = terminate(host, daemon.process)
    result["new_pid"] = _await_return(host, daemon.process, ended_at, float(options.get("wait") or 0))
    if result["new_pid"]:
        result["detail"] += f"; pid {daemon.pid} ended, pid {result['new_pid']} came up with a fresh heartbeat"
    return result


def end(host: Host, check: bool) -> Result:
    """End memoryd for good, or say that it would be (check; contract §13): nobody is waited for.

    The notifier has to have forgotten it before. Raises Problem where it survives; a process that is not memoryd is
    never signalled, and its pid file is removed.
    """
    daemon = read_daemon(host)
    pid = daemon.pid if daemon.process else None
    data: dict[str, Any] = {"old_pid": pid, "new_pid": None, "signal": None}
    if daemon.process is None and not daemon.stale:
        return Result("not_running", "memoryd is not running", data=data)
    host.files.sandbox.check(host.paths.pid)
    action, detail = ("ended", f"pid {pid} ended") if daemon.process else ("pid_file_removed", daemon.stale)
    if not check and daemon.process:
        data["signal"] = terminate(host, daemon.process)
    elif not check:
        _remove_pid_file(host, daemon.text)
    diff = [{"before": f"memoryd pid {daemon.pid}\n", "after": f"{action}: {detail}\n"}]
    return Result(action, detail, changed=True, diff=diff, data=data)


def terminate(host: Host, process: Process) -> str | None:
    """End the process: TERM, 5 s, KILL, 2 s; returns the last signal, None where it had ended by itself.

    The pid file goes only after confirmed death, and only while it still names this process. Raises Problem where the
    process survives.
    """
    owner = _owner(host)
    last = reason = None
    for name, seconds in (("TERM", GRACE_SECONDS), ("KILL", KILL_SECONDS)):
        number = signal.SIGTERM if name == "TERM" else signal.SIGKILL
        reason = host.egress.signal(process.pid, number, lambda found: _not_the_same(found, process, owner))
        last = last if reason else name
        if host.egress.wait_gone(process, host.clock, seconds):
            _remove_pid_file(host, str(process.pid).encode())
            return last
    what = f"could not be ended: {reason}" if reason else "survived TERM and KILL"
    raise Problem(f"memoryd (pid {process.pid}) {what}; its pid file is kept, look at it", host.paths.pid)


def _not_the_same(found: Process, process: Process, owner: int) -> str | None:
    if not found.is_same(process):
        return f"pid {process.pid} was given to another process"
    return verdict(found, owner)


def _await_return(host: Host, old: Process, since: float, wait: float) -> int | None:
    """The new daemon's pid once it has a heartbeat from after the old one's end; wait in seconds, 0: not at all."""
    limit = host.clock.monotonic() + wait
    seen = "no new pid"
    while host.clock.monotonic() < limit:
        daemon, beat = read_daemon(host), read_heartbeat(host)
        if daemon.process is not None and daemon.pid != old.pid:
            fresh = beat.touched > since and beat.touched > daemon.process.started - 0.1
            if fresh and beat.watch != "off":
                return daemon.pid
            seen = f"pid {daemon.pid}, but " + (beat.complaint(wait) or "no fresh heartbeat")
        host.clock.sleep(POLL_SECONDS)
    if not wait:
        return None
    raise Problem(
        f"memoryd (pid {old.pid}) was ended and did not come back within {wait:g} s ({seen}): check that the notifier "
        f"runs and that its trigger points at {host.paths.launcher}",
        host.paths.pid,
    )


def _remove_pid_file(host: Host, text: bytes) -> None:
    """Remove the pid file while it still holds this text: not the one that a new daemon has written meanwhile."""
    with host.files.tree(host.paths.state) as state:
        name = os.path.basename(host.paths.pid)
        found = state.read(name)
        if found is not None and found.data.strip() == text.strip():
            state.remove(name)


def _owner(host: Host) -> int:
    return host.files.owner(host.paths.pid)
