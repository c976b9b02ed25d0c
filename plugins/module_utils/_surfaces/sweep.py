# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sweep: every surface of every peer of a host, in one run (contract §5)."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Callable, NamedTuple

from .._documents.shown import shown
from .._doorway.problem import Problem
from .._forms.scripts import EXECUTABLE
from .._host.core import Peer
from .._host.edits import Edit, foresee, read_edit, settle
from .._host.host import Host
from . import trust
from .lock import foresee_lock, provision_lock
from .plan import WRITTEN, apply_planned
from .seats import Planner, Seat
from .wanted import Wanted

WORKERS = 8
# Called between two pieces of work that take a while together.
Breath = Callable[[], None]


def _breathe() -> None:
    """Nothing is to be done meanwhile."""


class Sweep(NamedTuple):
    """What a sweep came to.

    skipped: the peers without a seat, each with the reason. notes: what else is to be said, such as why a peer that has
    a seat has no other one.
    """

    shims: tuple[Edit, ...]
    seats: tuple[Seat, ...]
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    @property
    def changed(self) -> bool:
        """True where any file or trust record changes."""
        return any(edit.changed for edit in self.shims) or any(seat.changed for seat in self.seats)

    def diffs(self) -> Iterator[dict[str, str]]:
        """What is shown of every file, folder and trust record that changes."""
        yield from (edit.diff() for edit in self.shims if edit.changed)
        for seat in self.seats:
            for item in seat.planned:
                yield from (edit.diff() for _name, edit in item.edits)
                for name in item.folders:
                    yield _shown(os.path.join(seat.peer.cwd, name), "a folder of ours, with all that is in it\n", "")
                if item.surface == "trust" and item.action == WRITTEN:
                    yield _shown(item.path, "not trusted\n", "trusted\n")


def _shown(path: str, before: str, after: str) -> dict[str, str]:
    return {"before_header": path, "after_header": path, "before": before, "after": after}


def sweep(host: Host, peers: Sequence[Peer], wanted: Wanted, lock_timeout: float, check: bool) -> Sweep:
    """Bring every surface of every peer to what is wanted, or say what that would change (check).

    One acquisition of the provision lock around all of it (lock_timeout in seconds); check mode only looks whether it
    could ever be had. One bad peer never stops the others. Raises Problem where the lock or the shims cannot be had.
    """
    core = trust.Core(host, check)
    if check:
        plan = _plan(host, peers, wanted, core)
        plan = plan._replace(seats=tuple(_each(plan.seats, lambda seat: seat.settled(core))))
        if plan.changed:
            foresee_lock(host)
        return plan
    with provision_lock(host, lock_timeout) as lock:
        plan = _plan(host, peers, wanted, core, lock.keep_young)
        settle(host.files, plan.shims, check)
        seats = []
        for seat in _each(plan.seats, lambda seat: _applied(host, seat), lock.keep_young):
            lock.keep_young()
            seats.append(seat.settled(core))  # one after the other: the core rewrites one file of Codex for all
        return plan._replace(seats=tuple(seats))


def _plan(host: Host, peers: Sequence[Peer], wanted: Wanted, core: trust.Core, breathe: Breath = _breathe) -> Sweep:
    planner = Planner(host, wanted)
    found: list[Seat] = []
    left: dict[str, str] = {}
    swept = set()
    for peer in peers:
        breathe()
        seats, reason = planner.plan(peer)
        found += seats
        if seats:
            swept.add(peer.personality)
        if reason:
            left.setdefault(peer.personality, reason)
    skipped = tuple((shown(name), reason) for name, reason in left.items() if name not in swept)
    notes = tuple(f"{shown(name)} {reason}" for name, reason in left.items() if name in swept)
    return _doubted(Sweep(_shims(host, wanted), tuple(found), skipped, notes), core)


def _doubted(plan: Sweep, core: trust.Core) -> Sweep:
    """The plan as it is where the core bears out one of the records that settled trust; else it is asked for all.

    How Codex counts is its own affair: where it has changed, records that look right would hide hooks that never run.
    """
    recorded = next((seat.recorded for seat in plan.seats if seat.recorded), "")
    if not recorded or core.agrees(recorded):
        return plan
    note = "the core denies the trust that Codex's records show, and was asked for every peer"
    return plan._replace(seats=tuple(seat.doubted() for seat in plan.seats), notes=(note, *plan.notes))


def _shims(host: Host, wanted: Wanted) -> tuple[Edit, ...]:
    """The hook shims, which are written before anything points at them."""
    if "hooks" not in wanted.surfaces or wanted.unusable:
        return ()
    edits = tuple(read_edit(host.files, path, text, EXECUTABLE) for path, text in wanted.shims.items())
    for edit in edits:
        foresee(host.files, edit)
    return edits


def _each(seats: Sequence[Seat], work: Callable[[Seat], Seat], breathe: Breath = _breathe) -> list[Seat]:
    """The seats as they came out of work, several at a time where there is work for them; this thread breathes.

    Whatever happens to one of them, the results of the others are kept: it has failed then.
    """
    done = list(seats)
    left = deque(n for n, seat in enumerate(seats) if seat.changed)

    def drain(breathe: Breath = _breathe) -> None:
        while left:
            breathe()
            try:
                n = left.popleft()
            except IndexError:  # another thread was faster
                return
            try:
                done[n] = work(seats[n])
            except Exception as error:  # a bug
                done[n] = seats[n].failed(Problem(f"crashed: {type(error).__name__}: {error}"))

    with ThreadPoolExecutor(max_workers=WORKERS) as pool:
        try:
            for _n in range(min(WORKERS, len(left)) - 1):
                pool.submit(drain)
        except RuntimeError:  # no more threads: those that there are, and this one, do it all
            pass
        drain(breathe)
    return done


def _applied(host: Host, seat: Seat) -> Seat:
    if not seat.has_files:
        return seat
    try:
        with host.files.tree(seat.peer.cwd) as tree:
            return seat._replace(planned=tuple(apply_planned(tree, item) for item in seat.planned))
    except Problem as problem:
        return seat.failed(problem)
