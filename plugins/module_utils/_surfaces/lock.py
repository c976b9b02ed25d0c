# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The provision lock, which every sweep shares with the provider's own provision-peer (contract §5)."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator

from .._doorway.files import Tree
from .._doorway.problem import Problem
from .._host.host import Host

LOCK, OWNER = "provision.lock.d", "owner"
POLL_SECONDS = 0.05
STALE_SECONDS = 120
OWNER_TEXT = re.compile(rb"(0*[1-9][0-9]{0,9}):[^\s]+\s*")
# What this very process holds: an owner of its pid that is not in here was another process, which has ended.
_held: set[bytes] = set()


@contextlib.contextmanager
def provision_lock(host: Host, timeout: float) -> Iterator[None]:
    """Hold the lock; timeout in seconds. Raises Problem, kind busy, naming the lock and its holder, when it is over."""
    mine = f"{os.getpid()}:{secrets.token_hex(8)}".encode()
    with host.files.tree(host.paths.state, create=True) as state:
        limit = host.clock.monotonic() + timeout
        _held.add(mine)
        try:
            while not (state.claim(LOCK, OWNER, mine) or _take_over(host, state, mine)):
                if host.clock.monotonic() >= limit:
                    raise Problem(_busy(host, timeout), os.path.join(host.paths.state, LOCK), "busy")
                host.clock.sleep(POLL_SECONDS)
            yield
        finally:
            _release(host, state, mine)
            _held.discard(mine)


def _take_over(host: Host, state: Tree, mine: bytes) -> bool:
    """Make a dead holder's lock ours, in place: it is never free in between, so nobody's new lock can be taken down.

    The folder that was examined is held open and locked: of several breakers one wins, and one that comes too late
    finds a live owner in it, or a folder that is no longer where the lock belongs.
    """
    try:
        with host.files.tree(os.path.join(host.paths.state, LOCK)) as lock:
            if not _is_breakable(host, lock) or not lock.try_lock():
                return False
            named = OWNER in lock.names("")
            if not _is_breakable(host, lock) or not _sign(lock, named, state, mine):
                return False
            # Somebody who breaks locks by renaming may have found this one dead just before: let him show himself.
            host.clock.sleep(POLL_SECONDS)
            return lock.still_there()
    except Problem:
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
    return owner.strip() not in _held if pid == os.getpid() else not host.egress.alive(pid)


def _owner(folder: Tree, name: str = OWNER) -> bytes | None:
    """What the owner file says; None where there is no readable owner."""
    try:
        found = folder.read(name)
    except Problem:
        return None
    return found.data if found is not None and OWNER_TEXT.fullmatch(found.data) else None


def _taken_at(lock: Tree) -> float:
    """When a lock without a readable owner was taken: what a killed breaker left in it does not make it younger."""
    times = [lock.status().st_mtime]
    with contextlib.suppress(OSError):
        times.append(os.lstat(lock.path(OWNER)).st_mtime)
    return min(times)


def _pid(owner: bytes) -> int:
    return int(owner.partition(b":")[0])


def _release(host: Host, state: Tree, mine: bytes) -> None:
    """Take the lock down while it is still ours."""
    with contextlib.suppress(Problem):
        if _owner(state, f"{LOCK}/{OWNER}") == mine:
            state.give_up(LOCK)


def _busy(host: Host, timeout: float) -> str:
    owner = None
    with contextlib.suppress(Problem), host.files.tree(os.path.join(host.paths.state, LOCK)) as lock:
        owner = _owner(lock)
    holder = "an unknown process" if owner is None else str(_pid(owner))
    return f"the provision lock is held by {holder} for longer than {timeout:g} s: run again when it has finished"
