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

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.files import Tree
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.host import Host
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.sandbox import Problem

LOCK, OWNER = "provision.lock.d", "owner"
POLL_SECONDS = 0.05
STALE_SECONDS = 120
OWNER_TEXT = re.compile(rb"([0-9]{1,10}):[^\s]+\s*")


@contextlib.contextmanager
def provision_lock(host: Host, timeout: float) -> Iterator[None]:
    """Hold the lock; timeout in seconds. Raises Problem, kind busy, naming the lock and its holder, when it is over."""
    mine = f"{os.getpid()}:{secrets.token_hex(8)}".encode()
    with host.files.tree(host.paths.state, create=True) as state:
        limit = host.clock.monotonic() + timeout
        while not (state.claim(LOCK, OWNER, mine) or _take_over(host, mine)):
            if host.clock.monotonic() >= limit:
                raise Problem(_busy(host, timeout), os.path.join(host.paths.state, LOCK), "busy")
            host.clock.sleep(POLL_SECONDS)
        try:
            yield
        finally:
            _release(host, state, mine)


def _take_over(host: Host, mine: bytes) -> bool:
    """Make a dead holder's lock ours, in place: it is never free in between, so nobody's new lock can be taken down.

    The folder that was examined is held open and locked: of several breakers one wins, and one that comes too late
    finds a live owner in it, or a folder that is no longer where the lock belongs.
    """
    try:
        with host.files.tree(os.path.join(host.paths.state, LOCK)) as lock:
            if not _is_breakable(host, lock) or not lock.try_lock() or not _is_breakable(host, lock):
                return False
            if lock.read(OWNER) is None:
                return lock.create(OWNER, mine) and lock.still_there()
            lock.write(OWNER, mine)
            return lock.still_there()
    except Problem:
        return False


def _is_breakable(host: Host, lock: Tree) -> bool:
    found = lock.read(OWNER)
    match = OWNER_TEXT.fullmatch(found.data) if found is not None else None
    if match is None:
        return host.clock.now() - lock.status().st_mtime > STALE_SECONDS
    return not host.egress.alive(int(match[1]))


def _release(host: Host, state: Tree, mine: bytes) -> None:
    """Take the lock down while it is still ours."""
    with contextlib.suppress(Problem):
        found = state.read(f"{LOCK}/{OWNER}")
        if found is not None and found.data == mine:
            state.give_up(LOCK)


def _busy(host: Host, timeout: float) -> str:
    try:
        found = host.files.read(os.path.join(host.paths.state, LOCK, OWNER))
    except Problem:
        found = None
    holder = found.data.decode("utf-8", "replace").partition(":")[0] if found is not None else "an unknown process"
    return f"the provision lock is held by {holder} for longer than {timeout:g} s: run again when it has finished"
