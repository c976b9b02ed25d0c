# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The peers of a host as seats, a peer in one runtime, and what is planned for each of them (contract §5)."""

from __future__ import annotations

import functools
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

from .._documents.json_values import SURROGATE
from .._documents.shown import shown
from .._doorway.problem import Problem
from .._doorway.spelling import normal, real
from .._host.core import Peer
from .._host.host import Host
from . import trust
from .claude import plan_claude
from .codex import HOOKS, plan_codex
from .hooks import plan_hooks
from .plan import ABSENT, ALREADY, CHANGES, FAILED, SKIPPED, WRITTEN, PeerFolder, Planned, Settled, why_unseen
from .plugin_settings import interrupted
from .switches import Switches
from .wanted import Wanted

SESSION_RUNTIMES = ("claude", "codex")
IN_ONE_FILE = ("hooks", "mcp")  # the surfaces that are each a part of one file


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
        return any(item.action in CHANGES or item.touched for item in self.planned)

    @property
    def in_place(self) -> bool:
        """True where nothing had to be done."""
        return all(item.action in (ALREADY, ABSENT) for item in self.planned)

    @property
    def quiet(self) -> bool:
        """True where nothing had to be done and there is nothing to be said."""
        return all(item.action in (ALREADY, ABSENT) and not item.detail for item in self.planned)

    @property
    def has_files(self) -> bool:
        """True where there are files to be changed."""
        return any(item.edits or item.folders for item in self.planned)

    @property
    def recorded(self) -> str:
        """The hooks.json whose trust was settled by Codex's own records; empty where there is none, or not yet."""
        if any(item.surface == "hooks" and item.edits for item in self.planned):
            return ""
        return next((item.path for item in self.planned if item.surface == "trust" and item.action == ALREADY), "")

    @property
    def name(self) -> str:
        """The peer and the runtime, for people."""
        return f"{shown(self.peer.personality)}:{self.runtime}"

    def failed(self, problem: Problem) -> Seat:
        """The same seat, none of whose surfaces came to its end."""
        return self._replace(planned=tuple(item.failed(problem) for item in self.planned))

    def doubted(self) -> Seat:
        """The same seat, its trust to be asked of the core."""
        doubt = [
            item._replace(action=WRITTEN) if item.surface == "trust" and item.action == ALREADY else item
            for item in self.planned
        ]
        return self._replace(planned=tuple(doubt))

    def settled(self, core: trust.Core) -> Seat:
        """The same seat, its trust as it came out."""
        asks = [item.surface == "trust" and item.action == WRITTEN for item in self.planned]
        if not any(asks):
            return self
        hooks = next((item for item in self.planned if item.surface == "hooks"), None)
        done = [core.settle(item, hooks) if asked else item for item, asked in zip(self.planned, asks)]
        return self._replace(planned=tuple(done))

    def record(self) -> dict[str, Any]:
        """The record that the module returns."""
        head = {"personality": shown(self.peer.personality), "runtime": self.runtime, "cwd": shown(self.peer.cwd)}
        return {**head, "ok": self.ok, "outcomes": [item.outcome() for item in self.planned]}

    def complaint(self) -> str:
        """One line that names the peer, and each failed surface with its file and the reason."""
        bad = [item.outcome() for item in self.planned if item.action == FAILED]
        return f"{self.name}: " + "; ".join(f"{item['surface']}: {item['path']}: {item['detail']}" for item in bad)


class Planner:
    """Plans peers, remembering what many of them have in common, and whose folder is whose."""

    def __init__(self, host: Host, wanted: Wanted) -> None:
        self._host = host
        self._wanted = wanted
        self._settled: Settled = set()
        self._records = trust.Records(host)
        self._switches = Switches(host)
        self._interrupted = functools.partial(interrupted, host.files)
        self._straight: dict[str, bool] = {}
        self._taken: dict[tuple[int, int, str], str] = {}

    def plan(self, peer: Peer) -> tuple[list[Seat], str]:
        """The seats of one peer, and why it has not one for each of its session runtimes."""
        runtimes = [runtime for runtime in SESSION_RUNTIMES if runtime in peer.runtimes]
        if not runtimes:
            return [], "no session runtime"
        if SURROGATE.search(peer.personality + peer.cwd):
            problem = Problem("its name or its cwd is no valid text", peer.cwd, "malformed")
            return self._unseen(peer, runtimes, problem), ""
        if not os.path.isabs(peer.cwd):
            return [], f"its cwd is not absolute: {shown(peer.cwd)}"
        try:
            with PeerFolder(self._host.files.sandbox, peer.cwd) as folder:
                return self._seats(folder, peer, runtimes)
        except Problem as problem:
            unseen = why_unseen(self._host.files, peer.cwd, problem)
            if unseen is None:
                return [], f"its cwd is missing: {shown(peer.cwd)}"
            return self._unseen(peer, runtimes, unseen), ""

    def _unseen(self, peer: Peer, runtimes: Sequence[str], problem: Problem) -> list[Seat]:
        """Seats of a peer whose folder cannot be looked at: unseen is not absent."""
        planned = tuple(Planned(name, FAILED, peer.cwd).failed(problem) for name in self._wanted.surfaces[:1])
        return [Seat(peer, runtime, planned) for runtime in runtimes]

    def _seats(self, folder: PeerFolder, peer: Peer, runtimes: Sequence[str]) -> tuple[list[Seat], str]:
        status = folder.status()
        seats, reason = [], ""
        for runtime in runtimes:
            place = (status.st_dev, status.st_ino, runtime)
            first = self._taken.get(place)
            if first is not None:
                reason = f"shares its folder with {shown(first)}" if first != peer.personality else reason
                continue
            self._taken[place] = peer.personality
            seats.append(Seat(peer, runtime, self._surfaces(folder, peer, runtime)))
        return seats if folder.is_straight() else _apart(seats), reason

    def _surfaces(self, folder: PeerFolder, peer: Peer, runtime: str) -> tuple[Planned, ...]:
        """The plan of every wanted surface of one peer-runtime."""
        if runtime == "claude":
            plans = plan_claude(folder, peer.personality, self._wanted, self._settled, self._interrupted)
        else:
            plans = plan_codex(folder, self._wanted, self._settled)
        if runtime == "codex" and "trust" in self._wanted.surfaces and self._wanted.present:
            hooks = next((item for item in plans if item.surface == "hooks"), None)
            try:
                plans.append(self._trust(folder, hooks))
            except Problem as problem:
                plans.append(Planned("trust", FAILED, folder.path(HOOKS)).failed(problem))
        return tuple(self._switches.told(folder, runtime, plans) if self._wanted.present else plans)

    def _real(self, folder: PeerFolder, name: str) -> str:
        """The path of a file that was looked at, without links in it; what leads to many peers is resolved once."""
        path = folder.path(name)
        above = os.path.dirname(folder.anchor)
        if above not in self._straight:
            self._straight[above] = real(above) == above
        straight = self._straight[above] and folder.is_straight() and normal(path) == path
        return path if straight else real(path)

    def _trust(self, folder: PeerFolder, hooks: Planned | None) -> Planned:
        looked = hooks or plan_hooks(folder, "codex", HOOKS, self._wanted, self._settled)
        path = self._real(folder, HOOKS)
        planned = Planned("trust", ALREADY, path)
        if looked.action in (FAILED, SKIPPED):
            return planned._replace(action=looked.action, detail=trust.NOT_IN_PLACE)
        if looked.edits:
            edit = looked.edits[0][1]
            data = edit.after if hooks else edit.before
        else:
            data = folder.data(HOOKS)
        if data is None:
            return planned._replace(action=FAILED, detail="there is no hooks.json to trust")
        trusted = self._records.trust(path, data)
        return planned if trusted else planned._replace(action=WRITTEN, detail="not trusted yet")


def _apart(seats: Sequence[Seat]) -> list[Seat]:
    """The seats of one peer, failed where a link makes one file of two surfaces: each would undo the other's work."""
    owners: dict[str, str] = {}
    done = []
    for seat in seats:
        planned = []
        for item in seat.planned:
            if item.surface in IN_ONE_FILE:
                name = f"{item.surface} of {seat.runtime}"
                owner = owners.setdefault(real(item.path), name)
                if owner != name and item.edits:
                    words = f"a link to the file of {owner}, and each would undo the other's work: remove the link"
                    item = item.failed(Problem(words, item.path, "irregular"))
            planned.append(item)
        done.append(seat._replace(planned=tuple(planned)))
    return done
