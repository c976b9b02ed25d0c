# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""memoryd: whether it is to be restarted, its verified restart, and its return (contract §8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._doorway.egress import Process
from .._doorway.foresight import REMOVE
from .._doorway.problem import Problem
from .._forms.ahead import NOTHING, Ahead
from .._host.host import Host
from .._host.options import absolute, seconds
from .._host.results import FAILED, Result
from .comeback import Comeback, Watch
from .daemon import (
    FUTURE,
    LOST,
    MISSING,
    STALE,
    UNSEEN,
    WATCH_OFF,
    Daemon,
    Fault,
    Heartbeat,
    find_daemon,
    read_heartbeat,
    remove_pid_file,
    terminate,
)
from .ran_from import Record, newer_file, recall, record_of, remember, runs_from
from .verdicts import BACK, HUNG_AFTER

RESTARTED, REMOVED, ALREADY = "restarted", "pid_file_removed", "already"
STARTING, NOT_RUNNING, ENDED = "starting", "not_running", "ended"
# What one restart may cure; where it did not, another would not either.
CURED_ONCE = (WATCH_OFF, FUTURE)


class Asked(NamedTuple):
    """When a restart is wanted: where one of these files changed since the start, where the heartbeat says that it
    hangs (after so many seconds), and with neither in any case."""

    newer_than: Sequence[str] | None
    hung_after: float | None


class Patience(NamedTuple):
    """How long it is waited for, in seconds; indexing: so many more while it indexes the vault."""

    seconds: float
    indexing: float = 0


class RestartPlan(NamedTuple):
    """What is to be done, and why, in words; an already says in what state the daemon is."""

    action: str
    why: str

    @property
    def changed(self) -> bool:
        """True where there is something to do."""
        return self.action in (RESTARTED, REMOVED, ENDED)


def plan_restart(
    host: Host, daemon: Daemon, beat: Heartbeat, asked: Asked, record: Record | None, ahead: Ahead = NOTHING
) -> RestartPlan:
    """Whether memoryd is to be restarted; changes nothing. Raises Problem where what it runs from cannot be read."""
    if daemon.process is None:
        return _not_running(host, daemon)
    plan = _plan_of(host, daemon.process, beat, asked, record, ahead)
    if daemon.stale and not plan.changed:
        plan = RestartPlan(REMOVED, f"{plan.why}; the stale pid file goes ({daemon.stale})")
    return plan._replace(why=f"{plan.why}; {LOST}") if daemon.lost else plan


def _plan_of(
    host: Host, process: Process, beat: Heartbeat, asked: Asked, record: Record | None, ahead: Ahead
) -> RestartPlan:
    newer = newer_file(host, process, asked.newer_than or (), record, ahead)
    fault = Fault() if asked.hung_after is None else beat.fault(asked.hung_after)
    excuse = _excuse(host, process, fault, asked, record)
    if fault.kind and not excuse:
        return RestartPlan(RESTARTED, f"hung: {fault.words}")
    if newer:
        return RestartPlan(RESTARTED, f"it is older than {newer}")
    if asked.newer_than is None and asked.hung_after is None:
        return RestartPlan(RESTARTED, "asked for")
    return RestartPlan(ALREADY, f"pid {process.pid} runs" + (f", but {excuse}" if excuse else " and is up to date"))


def _not_running(host: Host, daemon: Daemon) -> RestartPlan:
    starts = f"the notifier starts it: its trigger runs {host.paths.launcher}"
    if daemon.stale:
        return RestartPlan(REMOVED, f"memoryd is not running, {starts}; the stale pid file goes ({daemon.stale})")
    if daemon.starting is not None:
        pid = daemon.starting.pid
        return RestartPlan(STARTING, f"pid {pid} is starting: it indexes the vault before its first heartbeat")
    return RestartPlan(NOT_RUNNING, f"memoryd is not running, {starts}")


def _excuse(host: Host, process: Process, fault: Fault, asked: Asked, record: Record | None) -> str:
    """Why a fault is no reason for a restart; empty where it is one, or where there is none."""
    if fault.kind == UNSEEN:
        return f"{fault.words}: whether it hangs cannot be seen"
    if fault.kind == MISSING and host.clock.now() - process.started < (asked.hung_after or 0):
        return "it has just been started and has no heartbeat yet"
    if record is None or not fault.kind:
        return ""
    if fault.kind in (STALE, FUTURE) and record.clock_was_set(process):
        return f"its {fault.words}, and the clock was set meanwhile: the next run looks again"
    if fault.kind == record.tried and not newer_file(host, process, list(record.files), record):
        return f"its {fault.words}, also after a restart: left alone until what it runs from changes, see its log"
    return ""


def ensure(host: Host, options: Mapping[str, Any], check: bool, ahead: Ahead = NOTHING) -> Result:
    """Restart memoryd where the options ask for it, and see it come back; or say what would happen (check).

    options: state (ended: see end; running: one that nobody started is waited for as well), newer_than (paths),
    hung_after (seconds, at least 1), wait (seconds; 0: do not wait), index_wait (seconds more while it indexes the
    vault). data: old_pid, new_pid, signal, state (back, indexing, hung, flapping or dead where it was waited for, else
    empty). Fails where no new process has written a heartbeat in time, and where it watched before and does not now.
    Raises Problem where the daemon survives. A process that is not memoryd is never signalled: its pid file is removed.
    """
    wait, asked = _patience(options), _asked(options)
    if options.get("state") == "ended":
        return end(host, check)
    beat, record = read_heartbeat(host), recall(host)
    daemon = find_daemon(host, beat)
    plan = plan_restart(host, daemon, beat, asked, record, ahead)
    if plan.changed and daemon.text:
        host.files.foresee(host.paths.pid, REMOVE)
    if options.get("state") == "running" and not check and daemon.process is None:
        return _awaited(host, plan, daemon, beat, asked, wait)
    if check or not plan.changed:
        if plan.action == ALREADY and not check:
            observe(host, _recorded(host, asked, record))
        return _result(plan, daemon)
    if daemon.stale:
        remove_pid_file(host, daemon.text)
    if plan.action == REMOVED or daemon.process is None:
        return _result(plan, daemon)
    watch = Watch(host, daemon.process, beat)
    sent = terminate(host, daemon.process)
    watch.ended()
    paths = _recorded(host, asked, record)
    if _tried(beat):  # whatever comes now: that was the one restart
        _write_down(host, daemon.process, paths, record, _tried(beat))
    if not wait.seconds:
        return _result(plan, daemon, sent)
    comeback = watch.wait(*wait)
    if comeback.state == BACK and comeback.process is not None:
        _write_down(host, comeback.process, paths, recall(host), _tried(comeback.beat))
    return _returned(host, _result(plan, daemon, sent), beat, comeback, wait)


def _patience(options: Mapping[str, Any]) -> Patience:
    return Patience(
        seconds("wait", options.get("wait") or 0), seconds("index_wait", options.get("index_wait") or 0)
    )


def _asked(options: Mapping[str, Any]) -> Asked:
    newer_than, hung_after = options.get("newer_than"), options.get("hung_after")
    if options.get("state") == "ended" and (newer_than or hung_after is not None):
        raise Problem("newer_than and hung_after say when to restart: with state=ended memoryd goes in any case")
    return Asked(
        None if newer_than is None else [absolute("newer_than", path) for path in newer_than],
        None if hung_after is None else seconds("hung_after", hung_after, least=1),
    )


def end(host: Host, check: bool) -> Result:
    """End memoryd for good, or say that it would be (check; contract §13): nobody is waited for.

    One that is only starting is ended too. The notifier has to have forgotten it before. Raises Problem where it
    survives; a process that is not memoryd is never signalled, and its pid file is removed.
    """
    daemon = find_daemon(host, read_heartbeat(host))
    process = daemon.process or daemon.starting
    if process is None and not daemon.stale:
        return _result(RestartPlan(NOT_RUNNING, "memoryd is not running"), daemon)
    found = daemon._replace(pid=process.pid, process=process) if process else daemon
    plan = RestartPlan(ENDED, f"pid {found.pid} ended") if process else RestartPlan(REMOVED, daemon.stale)
    if daemon.text:
        host.files.foresee(host.paths.pid, REMOVE)
    if check:
        return _result(plan, found)
    if daemon.stale:
        remove_pid_file(host, daemon.text)
    return _result(plan, found, terminate(host, process) if process else None)


def observe(host: Host, paths: Sequence[str]) -> None:
    """Write down what a running memoryd runs from, for later runs to compare with; for real runs alone. Never fails.

    What is newer than the daemon is not written down: that it is so must still be seen.
    """
    record = recall(host)
    try:
        beat = read_heartbeat(host)
        process = find_daemon(host, beat).process
        if process is None or newer_file(host, process, paths, record):
            return
    except Problem:
        return
    cured = not beat.fault(HUNG_AFTER).kind
    _write_down(host, process, paths, record, "" if record is None or cured else record.tried)


def _tried(beat: Heartbeat) -> str:
    """The fault that one restart may cure, and another would not; empty where there is none."""
    kind = beat.fault(HUNG_AFTER).kind
    return kind if kind in CURED_ONCE else ""


def _recorded(host: Host, asked: Asked, record: Record | None) -> Sequence[str]:
    """The files to write down: those asked about and those of the last time; without either what it runs from."""
    if asked.newer_than is None:
        return list(record.files) if record else runs_from(host)
    return list(dict.fromkeys([*asked.newer_than, *(record.files if record else ())]))


def _write_down(host: Host, process: Process, paths: Sequence[str], old: Record | None, tried: str) -> None:
    """Without it the times count the next time: no reason to fail."""
    try:
        record = record_of(host, process, paths, old, tried)
    except Problem:
        return
    if old is not None and old.is_of(process) and not old.clock_was_set(process):
        record = record._replace(started=old.started)
    if record != old:
        remember(host, record)


def _result(plan: RestartPlan, daemon: Daemon, sent: str | None = None) -> Result:
    shown = {
        "before_header": "memoryd",
        "after_header": "memoryd",
        "before": f"memoryd pid {daemon.pid}\n",
        "after": f"{plan.action}: {plan.why}\n",
    }
    old_pid = daemon.pid if daemon.process else None
    data = {"old_pid": old_pid, "new_pid": None, "signal": sent, "state": ""}
    return Result(plan.action, plan.why, changed=plan.changed, diff=[shown] if plan.changed else [], data=data)


def _awaited(
    host: Host, plan: RestartPlan, daemon: Daemon, beat: Heartbeat, asked: Asked, wait: Patience
) -> Result:
    """See one come up where none runs; one that only starts is ended first where a restart is wanted in any case."""
    starting = daemon.starting if asked == Asked(None, None) else None
    watch = Watch(host, starting, beat)
    if daemon.text:
        remove_pid_file(host, daemon.text)
    sent = terminate(host, starting) if starting else None
    comeback = watch.wait(*wait)
    if comeback.state == BACK and comeback.process is not None:
        _write_down(host, comeback.process, _recorded(host, asked, recall(host)), recall(host), _tried(comeback.beat))
    new = comeback.process.pid if comeback.process else None
    data = {"old_pid": starting.pid if starting else None, "new_pid": new, "signal": sent, "state": comeback.state}
    changed = bool(daemon.text or starting)
    if comeback.state == BACK:
        return Result("came_up", f"pid {new} came up with a fresh heartbeat", changed, data=data)
    words = f"memoryd did not come up within {wait.seconds:g} s ({comeback.words}): check that the notifier runs"
    return Result(FAILED, words, changed, failure=words, data=data)


def _returned(host: Host, result: Result, before: Heartbeat, comeback: Comeback, wait: Patience) -> Result:
    """The result of a restart with what became of it."""
    old, new = result.data["old_pid"], comeback.process.pid if comeback.process else None
    result = result._replace(data={**result.data, "new_pid": new, "state": comeback.state})
    if comeback.state != BACK:
        words = (
            f"memoryd (pid {old}) was ended and did not come back within {wait.seconds:g} s ({comeback.words}): check "
            f"that the notifier runs and that its trigger points at {host.paths.launcher}"
        )
        return result._replace(action=FAILED, detail=words, failure=words)
    detail = f"{result.detail}; pid {old} ended, pid {new} came up with a fresh heartbeat"
    if comeback.beat.watch != "off":
        return result._replace(detail=detail)
    detail += ", which says watch=off: left alone until what it runs from changes, see its log"
    if before.watch == "off":
        return result._replace(detail=detail)
    words = f"memoryd (pid {new}) came back and watches no more: {detail}"
    return result._replace(action=FAILED, detail=words, failure=words)
