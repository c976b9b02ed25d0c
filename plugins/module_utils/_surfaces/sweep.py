# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sweep: every surface of every peer of a host, in one run (contract §5)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Callable, NamedTuple

from .._doorway.folders import Folder
from .._doorway.problem import Problem
from .._forms.scripts import EXECUTABLE
from .._host.core import Peer
from .._host.edits import Edit, apply, read_edit
from .._host.host import Host
from . import trust
from .claude import plan_claude
from .codex import HOOKS, plan_codex
from .hooks import plan_hooks
from .lock import provision_lock
from .plan import (
    ABSENT,
    ALREADY,
    CHANGES,
    FAILED,
    SKIPPED,
    WRITTEN,
    Planned,
    Settled,
    apply_planned,
)
from .wanted import Wanted

SESSION_RUNTIMES = ("claude", "codex")
WORKERS = 8


class Seat(NamedTuple):
    """One peer-runtime and what is planned, or came out, for each of its surfaces."""

    peer: Peer
    runtime: str
    planned: tuple[Planned, ...]

    @property
    def ok(self) -> bool:
        """False where any surface failed."""
        return all(item.action != FAILED for item in self.planned)

    @property
    def changed(self) -> bool:
        """True where any surface changes."""
        return any(item.action in CHANGES for item in self.planned)

    @property
    def in_place(self) -> bool:
        """True where nothing had to be done."""
        return all(item.action in (ALREADY, ABSENT) for item in self.planned)

    def record(self) -> dict[str, Any]:
        """The record that the module returns."""
        head = {"personality": self.peer.personality, "runtime": self.runtime, "cwd": self.peer.cwd, "ok": self.ok}
        return {**head, "outcomes": [item.outcome() for item in self.planned]}

    def complaint(self) -> str:
        """One line that names the peer, and each failed surface with its file and the reason."""
        bad = [f"{item.surface}: {item.path}: {item.detail}" for item in self.planned if item.action == FAILED]
        return f"{self.peer.personality}:{self.runtime}: {'; '.join(bad)}"


class Sweep(NamedTuple):
    """What a sweep came to; skipped holds the peers without a surface, with the reason."""

    shims: tuple[Edit, ...]
    seats: tuple[Seat, ...]
    skipped: tuple[tuple[str, str], ...]

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

    One acquisition of the provision lock around all of it (lock_timeout in seconds); none in check mode. One bad peer
    never stops the others. Raises Problem where the lock or the shims cannot be had.
    """
    if check:
        plan = _plan(host, peers, wanted)
        with ThreadPoolExecutor(max_workers=WORKERS) as pool:
            return plan._replace(seats=tuple(pool.map(lambda seat: _asked(host, seat), plan.seats)))
    with provision_lock(host, lock_timeout):
        plan = _plan(host, peers, wanted)
        for edit in plan.shims:
            apply(host.files, edit)
        with ThreadPoolExecutor(max_workers=WORKERS) as pool:
            seats = list(pool.map(lambda seat: _applied(host, seat), plan.seats))
        # One after the other: the core rewrites one file of Codex for all of them.
        return plan._replace(seats=tuple(_trusted(host, seat) for seat in seats))


def _plan(host: Host, peers: Sequence[Peer], wanted: Wanted) -> Sweep:
    planner = _Planner(host, wanted)
    seats: list[Seat] = []
    skipped: list[tuple[str, str]] = []
    taken: dict[tuple[str, str], str] = {}
    for peer in peers:
        reason = _reason_to_skip(peer)
        for runtime in SESSION_RUNTIMES if not reason else ():
            if runtime not in peer.runtimes:
                continue
            place = (os.path.realpath(peer.cwd), runtime)
            if place in taken:
                reason = f"shares its folder with {taken[place]}"
                continue
            taken[place] = peer.personality
            seats.append(Seat(peer, runtime, planner.plan(peer, runtime)))
        if reason:
            skipped.append((peer.personality, reason))
    return Sweep(planner.shims(), tuple(seats), tuple(skipped))


def _reason_to_skip(peer: Peer) -> str:
    if not any(name in peer.runtimes for name in SESSION_RUNTIMES):
        return "no session runtime"
    if not os.path.isabs(peer.cwd):
        return f"its cwd is not absolute: {peer.cwd}"
    if not os.path.isdir(peer.cwd):
        return f"its cwd is missing: {peer.cwd}"
    return ""


class _Planner:
    """Plans peers, remembering what many of them have in common."""

    def __init__(self, host: Host, wanted: Wanted) -> None:
        self._host = host
        self._wanted = wanted
        self._settled: Settled = set()
        self._identities: dict[bytes, dict[str, str] | None] = {}
        self._records: trust.TrustRecords | None = None

    def shims(self) -> tuple[Edit, ...]:
        """The hook shims, which are written before anything points at them."""
        if "hooks" not in self._wanted.surfaces or self._wanted.unusable:
            return ()
        shims = self._wanted.shims.items()
        edits = tuple(read_edit(self._host.files, path, text, EXECUTABLE) for path, text in shims)
        for edit in edits:
            if edit.changed:
                self._host.files.sandbox.check(edit.path)
        return edits

    def plan(self, peer: Peer, runtime: str) -> tuple[Planned, ...]:
        """The plan of every wanted surface of one peer-runtime."""
        wanted = self._wanted
        try:
            with Folder(self._host.files.sandbox, peer.cwd) as folder:
                if runtime == "claude":
                    plans = plan_claude(folder, peer.personality, wanted, self._settled)
                else:
                    plans = plan_codex(folder, wanted, self._settled)
                if "trust" in wanted.surfaces and wanted.present and runtime == "codex":
                    hooks = next((item for item in plans if item.surface == "hooks"), None)
                    plans.append(self._plan_trust(folder, hooks))
        except Problem as problem:
            return tuple(Planned(name, FAILED, peer.cwd).failed(problem) for name in wanted.surfaces[:1])
        return tuple(plans)

    def _plan_trust(self, folder: Folder, hooks: Planned | None) -> Planned:
        path = os.path.realpath(folder.path(HOOKS))
        looked = hooks or plan_hooks(folder, "codex", HOOKS, self._wanted, self._settled)
        if looked.action in (FAILED, SKIPPED):
            return trust.plan_trust(path, looked, False)
        if looked.edits:
            edit = looked.edits[0][1]
            data = edit.after if hooks else edit.before
        else:
            found = folder.read(HOOKS)
            data = None if found is None else found.data
        if data is None:
            return Planned("trust", FAILED, path, "there is no hooks.json to trust")
        if data not in self._identities:
            self._identities[data] = trust.identities(data)
        if self._records is None:
            self._records = trust.read_records(self._host)
        return trust.plan_trust(path, looked, trust.is_recorded(self._records, path, self._identities[data]))


def _applied(host: Host, seat: Seat) -> Seat:
    if not any(item.edits or item.folders for item in seat.planned):
        return seat
    try:
        with host.files.tree(seat.peer.cwd) as tree:
            return seat._replace(planned=tuple(apply_planned(tree, item) for item in seat.planned))
    except Problem as problem:
        return seat._replace(planned=tuple(item.failed(problem) for item in seat.planned))


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
