# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The provision lock, which every sweep shares with the provider's own provision-peer (contract §5)."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import stat
from collections.abc import Iterator, Mapping
from typing import Any

from .._documents.shown import shown
from .._doorway.files import Tree
from .._doorway.foresight import MAKE_FOLDER, REMOVE_FOLDER, WRITE
from .._doorway.problem import Problem
from .._doorway.spelling import spell
from .._host.host import Host
from .._host.options import seconds

LOCK, OWNER = "provision.lock.d", "owner"
POLL_SECONDS = 0.05
STALE_SECONDS = 120
YOUNG_SECONDS = 30
WATCH_SECONDS = 10  # shorter than anybody waits for the lock, and far longer than it takes to sign one
# How exactly the system tells when a process started, and a file system when a folder was made.
EXACT_SECONDS = 2
OWNER_TEXT = re.compile(rb"(0*[1-9][0-9]{0,9}):[^\s]+\s*")
# What this very process holds: an owner of its pid that is not in here was another process, which has ended.
_held: set[bytes] = set()


class _Watch:
    """How long a run has seen a lock as it is, by a clock that does not jump."""

    def __init__(self, host: Host) -> None:
        self._clock = host.clock
        self._seen: tuple[float, ...] = ()
        self._since = 0.0

    def seconds(self, lock: Tree) -> float:
        """For so long it has been this very folder, as it is now."""
        status = lock.status()
        seen = (status.st_dev, status.st_ino, status.st_mtime, _taken_at(lock))
        if seen != self._seen:
            self._seen, self._since = seen, self._clock.monotonic()
        return self._clock.monotonic() - self._since


class Held:
    """The lock while it is ours."""

    def __init__(self, host: Host, mine: bytes) -> None:
        self._host, self._mine = host, mine
        self._due = host.clock.monotonic() + YOUNG_SECONDS

    def keep_young(self) -> None:
        """Sign it again every 30 seconds: others go by its age, and one of them breaks even a live one."""
        now = self._host.clock.monotonic()
        if now < self._due:
            return
        self._due = now + YOUNG_SECONDS
        with contextlib.suppress(Problem), _opened(self._host) as lock:
            if _owner(lock) == self._mine:
                lock.write(OWNER, self._mine)


def lock_timeout(options: Mapping[str, Any]) -> float:
    """How many seconds the option says to wait for the lock. Raises Problem for what is no such number."""
    return seconds("lock_timeout", options.get("lock_timeout") or 0)


@contextlib.contextmanager
def provision_lock(host: Host, timeout: float) -> Iterator[Held]:
    """Hold the lock; timeout in seconds. Who works longer than a minute keeps it young from time to time.

    Raises Problem, kind busy, naming the lock, its age and its holder, when the time is over; another kind where nobody
    who waits would ever get it.
    """
    mine = f"{os.getpid()}:{secrets.token_hex(8)}".encode()
    watch = _Watch(host)
    _require_place(host)
    with host.files.tree(host.paths.state, create=True) as state:
        limit = host.clock.monotonic() + timeout
        _held.add(mine)
        try:
            while not (state.claim(LOCK, OWNER, mine) or _take_over(host, state, mine, watch)):
                _require_folder(_path(host))
                if host.clock.monotonic() >= limit:
                    raise Problem(_busy(host, timeout), _path(host), "busy")
                host.clock.sleep(POLL_SECONDS)
            yield Held(host, mine)
        finally:
            _release(state, mine)
            _held.discard(mine)


def foresee_lock(host: Host) -> None:
    """Raise the Problem that taking the lock would meet, whoever waits; nothing where it is free, or only busy."""
    _require_place(host)
    barred = None
    with contextlib.suppress(Problem, OSError), _opened(host) as lock:
        if _is_breakable(host, lock, _Watch(host)):
            barred = _barred(lock)
    if barred is not None:
        raise barred


def _path(host: Host) -> str:
    return os.path.join(host.paths.state, LOCK)


def _require_place(host: Host) -> None:
    """Raise a Problem where the lock can be in no folder of that name."""
    host.files.sandbox.check(_path(host))
    _require_folder(_path(host))
    host.files.foresee(_path(host), MAKE_FOLDER)


def _require_folder(path: str) -> None:
    """Raise a Problem where the lock's name is taken by what is no folder: nobody ever gives that back."""
    with contextlib.suppress(FileNotFoundError):
        mode = os.lstat(spell(path)).st_mode
        if not stat.S_ISDIR(mode):
            kind = "a link" if stat.S_ISLNK(mode) else "a file" if stat.S_ISREG(mode) else "something else"
            raise Problem(f"{kind} stands in place of the lock: remove it, then run again", path, "irregular")


@contextlib.contextmanager
def _opened(host: Host) -> Iterator[Tree]:
    """The lock's own folder, never one that a link in its place leads to."""
    path = _path(host)
    with host.files.tree(path) as lock:
        if not os.path.samestat(os.lstat(spell(path)), lock.status()):
            raise Problem("not a directory", path, "irregular")
        yield lock


def _take_over(host: Host, state: Tree, mine: bytes, watch: _Watch) -> bool:
    """Make a dead holder's lock ours, in place: it is never free in between, so nobody's new lock can be taken down.

    The folder that was examined is held open and locked: of several breakers one wins, and one that comes too late
    finds a live owner in it, or a folder that is no longer where the lock belongs. Raises Problem where nobody holds it
    any more, and it may not be made ours.
    """
    try:
        with _opened(host) as lock:
            if not _is_breakable(host, lock, watch) or not lock.try_lock():
                return False
            named = OWNER in lock.names("")
            if not _is_breakable(host, lock, watch):
                return False
            barred = _barred(lock)
            if barred is None:
                if not _sign(lock, named, state, mine):
                    return False
                # Somebody who breaks locks by renaming may have found this one dead just before: let him show himself.
                host.clock.sleep(POLL_SECONDS)
                return lock.still_there()
    except (Problem, OSError):
        return False
    raise barred


def _barred(lock: Tree) -> Problem | None:
    """What keeps us from signing a lock that nobody holds any more; None where nothing does."""
    try:
        try:
            lock.foresee(OWNER, WRITE)
        except Problem as problem:
            if problem.kind not in ("irregular", "outside"):
                raise
            lock.foresee(OWNER, REMOVE_FOLDER)
    except Problem as problem:
        gone = "it names no owner" if _owner(lock) is None else "its owner has ended"
        reason = f"{gone}, but it may not be taken over ({problem.reason}): remove it as the account that it belongs to"
        return Problem(reason, lock.anchor, problem.kind)
    return None


def _sign(lock: Tree, named: bool, state: Tree, mine: bytes) -> bool:
    """Become the owner; named: something has the name of the owner file. False where somebody else did meanwhile."""
    if named:
        try:
            lock.write(OWNER, mine)
            return True
        except Problem as problem:
            if problem.kind not in ("irregular", "outside"):
                raise
        lock.remove_folder(OWNER)  # a link, a FIFO, a folder…
    return lock.create(OWNER, mine, state)


def _is_breakable(host: Host, lock: Tree, watch: _Watch) -> bool:
    owner = _owner(lock)
    if owner is None:
        age, seen = host.clock.now() - _taken_at(lock), watch.seconds(lock)
        # What is dated in the future has no age, and would be young for ever.
        return age > STALE_SECONDS or (age < -EXACT_SECONDS and seen >= WATCH_SECONDS)
    pid = _pid(owner)
    return owner.strip() not in _held if pid == os.getpid() else _is_dead(host, pid, _taken_at(lock))


def _is_dead(host: Host, pid: int, taken: float) -> bool:
    """True where no process has this pid, or one that started after the lock was taken; in doubt False."""
    if not host.egress.alive(pid):
        return True
    try:
        found = host.egress.process(pid)
    except Problem:
        return False
    return found is None or found.started > taken + EXACT_SECONDS


def _owner(folder: Tree, name: str = OWNER) -> bytes | None:
    """What the owner file says; None where there is no readable owner."""
    try:
        found = folder.read(name)
    except Problem:
        return None
    return found.data if found is not None and OWNER_TEXT.fullmatch(found.data) else None


def _taken_at(lock: Tree) -> float:
    """When a lock was taken, or signed again: what a killed breaker left in it does not make it younger."""
    times = [lock.status().st_mtime]
    with contextlib.suppress(OSError):
        times.append(os.lstat(spell(lock.path(OWNER))).st_mtime)
    return min(times)


def _pid(owner: bytes) -> int:
    return int(owner.partition(b":")[0])


def _release(state: Tree, mine: bytes) -> None:
    """Take the lock down while it is still ours; what cannot be taken down is that of a process that has ended soon."""
    with contextlib.suppress(Problem, OSError):
        if _owner(state, f"{LOCK}/{OWNER}") != mine:
            return
        try:
            state.give_up(LOCK)
        except Problem:  # a file system that does not rename folders: in two steps
            if _owner(state, f"{LOCK}/{OWNER}") == mine:
                state.remove_folder(LOCK)


def _busy(host: Host, timeout: float) -> str:
    holder, more = "an unknown process", ""
    with contextlib.suppress(Problem, OSError), _opened(host) as lock:
        owner, age = _owner(lock), host.clock.now() - _taken_at(lock)
        holder = holder if owner is None else str(_pid(owner))
        when = f"dated {-age:.0f} s ahead" if age < -EXACT_SECONDS else f"signed {max(0, age):.0f} s ago"
        more = f" ({_command(host, owner)}{when})"
    return f"the provision lock is held by {holder} for longer than {timeout:g} s{more}: run again when it has finished"


def _command(host: Host, owner: bytes | None) -> str:
    """What an owner runs, for people."""
    with contextlib.suppress(Problem):
        found = None if owner is None else host.egress.process(_pid(owner))
        if found is not None and found.command:
            return f"{shown(found.command)[:120]}, "
    return ""
