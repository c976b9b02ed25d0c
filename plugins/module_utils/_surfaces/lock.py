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
from collections.abc import Iterator

from .._documents.shown import shown
from .._doorway.files import Tree
from .._doorway.problem import Problem
from .._doorway.spelling import spell
from .._host.host import Host

LOCK, OWNER = "provision.lock.d", "owner"
POLL_SECONDS = 0.05
STALE_SECONDS = 120
YOUNG_SECONDS = 30
# How exactly the system tells when a process started, and a file system when a folder was made.
EXACT_SECONDS = 2
OWNER_TEXT = re.compile(rb"(0*[1-9][0-9]{0,9}):[^\s]+\s*")
# What this very process holds: an owner of its pid that is not in here was another process, which has ended.
_held: set[bytes] = set()


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


@contextlib.contextmanager
def provision_lock(host: Host, timeout: float) -> Iterator[Held]:
    """Hold the lock; timeout in seconds. Who works longer than a minute keeps it young from time to time.

    Raises Problem, kind busy, naming the lock, its age and its holder, when the time is over; another kind where what
    stands in its place is no lock.
    """
    mine = f"{os.getpid()}:{secrets.token_hex(8)}".encode()
    with host.files.tree(host.paths.state, create=True) as state:
        limit = host.clock.monotonic() + timeout
        _held.add(mine)
        try:
            while not (state.claim(LOCK, OWNER, mine) or _take_over(host, state, mine)):
                _require_folder(_path(host))
                if host.clock.monotonic() >= limit:
                    raise Problem(_busy(host, timeout), _path(host), "busy")
                host.clock.sleep(POLL_SECONDS)
            yield Held(host, mine)
        finally:
            _release(state, mine)
            _held.discard(mine)


def _path(host: Host) -> str:
    return os.path.join(host.paths.state, LOCK)


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


def _take_over(host: Host, state: Tree, mine: bytes) -> bool:
    """Make a dead holder's lock ours, in place: it is never free in between, so nobody's new lock can be taken down.

    The folder that was examined is held open and locked: of several breakers one wins, and one that comes too late
    finds a live owner in it, or a folder that is no longer where the lock belongs.
    """
    try:
        with _opened(host) as lock:
            if not _is_breakable(host, lock) or not lock.try_lock():
                return False
            named = OWNER in lock.names("")
            if not _is_breakable(host, lock) or not _sign(lock, named, state, mine):
                return False
            # Somebody who breaks locks by renaming may have found this one dead just before: let him show himself.
            host.clock.sleep(POLL_SECONDS)
            return lock.still_there()
    except (Problem, OSError):
        return False


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


def _is_breakable(host: Host, lock: Tree) -> bool:
    owner = _owner(lock)
    if owner is None:
        return host.clock.now() - _taken_at(lock) > STALE_SECONDS
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
        owner, age = _owner(lock), max(0, host.clock.now() - _taken_at(lock))
        holder = holder if owner is None else str(_pid(owner))
        more = f" ({_command(host, owner)}signed {age:.0f} s ago)"
    return f"the provision lock is held by {holder} for longer than {timeout:g} s{more}: run again when it has finished"


def _command(host: Host, owner: bytes | None) -> str:
    """What an owner runs, for people."""
    with contextlib.suppress(Problem):
        found = None if owner is None else host.egress.process(_pid(owner))
        if found is not None and found.command:
            return f"{shown(found.command)[:120]}, "
    return ""
