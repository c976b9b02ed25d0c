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
from .._host.edits import Edit, apply, read_edit
from .._host.host import Host
from . import trust
from .lock import provision_lock
from .plan import FAILED, WRITTEN, Planned, apply_planned
from .seats import Planner, Seat
from .wanted import Wanted

WORKERS = 8


class Sweep(NamedTuple):
    """What a sweep came to.

    seats: those that are not simply in place, or all of them; quiet counts the others. skipped: the peers without a
    surface, each with the reason. notes: the same of peers that have another seat.
    """

    shims: tuple[Edit, ...]
    seats: tuple[Seat, ...]
    quiet: int
    skipped: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    @property
    def total(self) -> int:
        """How many seats there are."""
        return self.quiet + len(self.seats)

    @property
    def in_place(self) -> int:
        """How many seats needed nothing."""
        return self.quiet + sum(seat.in_place for seat in self.seats)

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


def sweep(
    host: Host, peers: Sequence[Peer], wanted: Wanted, lock_timeout: float, check: bool, every: bool = False
) -> Sweep:
    """Bring every surface of every peer to what is wanted, or say what that would change (check).

    every: keep the seats that are simply in place too. One acquisition of the provision lock around all of it
    (lock_timeout in seconds); none in check mode. One bad peer never stops the others. Raises Problem where the lock or
    the shims cannot be had.
    """
    if check:
        plan = _plan(host, peers, wanted, every)
        return plan._replace(seats=tuple(_each(plan.seats, lambda seat: _asked(host, seat))))
    with provision_lock(host, lock_timeout):
        plan = _plan(host, peers, wanted, every)
        for edit in plan.shims:
            apply(host.files, edit)
        seats = _each(plan.seats, lambda seat: _applied(host, seat))
        # One after the other: the core rewrites one file of Codex for all of them.
        return plan._replace(seats=tuple(_trusted(host, seat) for seat in seats))


def _plan(host: Host, peers: Sequence[Peer], wanted: Wanted, every: bool) -> Sweep:
    planner = Planner(host, wanted)
    kept: list[Seat] = []
    left: dict[str, str] = {}
    swept = set()
    quiet = 0
    for peer in peers:
        seats, reason = planner.plan(peer)
        loud = [seat for seat in seats if every or not seat.quiet]
        quiet += len(seats) - len(loud)
        kept += loud
        if seats:
            swept.add(peer.personality)
        if reason:
            left.setdefault(peer.personality, reason)
    skipped = tuple((shown(name), reason) for name, reason in left.items() if name not in swept)
    notes = tuple(f"{shown(name)} {reason}" for name, reason in left.items() if name in swept)
    return Sweep(_shims(host, wanted), tuple(kept), quiet, skipped, notes)


def _shims(host: Host, wanted: Wanted) -> tuple[Edit, ...]:
    """The hook shims, which are written before anything points at them."""
    if "hooks" not in wanted.surfaces or wanted.unusable:
        return ()
    edits = tuple(read_edit(host.files, path, text, EXECUTABLE) for path, text in wanted.shims.items())
    for edit in edits:
        if edit.changed:
            host.files.sandbox.check(edit.path)
    return edits


def _each(seats: Sequence[Seat], work: Callable[[Seat], Seat]) -> list[Seat]:
    """The seats as they came out of work, several at a time where there is work for them.

    Whatever happens to one of them, the results of the others are kept: it has failed then.
    """
    done = list(seats)
    left = deque(n for n, seat in enumerate(seats) if seat.changed)

    def drain() -> None:
        while left:
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
        drain()
    return done


def _applied(host: Host, seat: Seat) -> Seat:
    if not seat.has_files:
        return seat
    try:
        with host.files.tree(seat.peer.cwd) as tree:
            return seat._replace(planned=tuple(apply_planned(tree, item) for item in seat.planned))
    except Problem as problem:
        return seat.failed(problem)


def _trusted(host: Host, seat: Seat) -> Seat:
    return _each_trust(seat, lambda item, _hooks: trust.apply_trust(host, item))


def _asked(host: Host, seat: Seat) -> Seat:
    return _each_trust(seat, lambda item, hooks: trust.ask_trust(host, item, bool(hooks and hooks.edits)))


def _each_trust(seat: Seat, settle: Callable[[Planned, Planned | None], Planned]) -> Seat:
    """The seat with its trust settled; not asked for where hooks.json did not get into place."""
    hooks = next((item for item in seat.planned if item.surface == "hooks"), None)
    planned = []
    for item in seat.planned:
        if item.surface == "trust" and item.action == WRITTEN:
            failed = hooks is not None and hooks.action == FAILED
            item = trust.plan_trust(item.path, hooks, False) if hooks and failed else settle(item, hooks)
        planned.append(item)
    return seat._replace(planned=tuple(planned))
