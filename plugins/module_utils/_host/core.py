# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The core's registry: who lives on this host (contract §4)."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._documents.json_values import plain
from .._doorway.egress import Outcome
from .._doorway.problem import Problem
from .host import Host

LIST_TIMEOUT = 60


class Peer(NamedTuple):
    """One agent: its name, its working folder and its runtimes."""

    personality: str
    cwd: str
    runtimes: tuple[str, ...]

    def as_entry(self) -> dict[str, Any]:
        """The entry of the fleet map."""
        return {"personality": self.personality, "cwd": self.cwd, "runtimes": list(self.runtimes)}


def core_problem(core: str, outcome: Outcome) -> Problem:
    """The Problem that a failed call to the core amounts to."""
    if outcome.refused:
        return Problem(outcome.err, kind="refused")
    if outcome.missing:
        return Problem(f"the core is missing: no {core}", kind="missing")
    return Problem(f"the core failed ({outcome.ended})" + (f": {outcome.line}" if outcome.line else ""))


def read_registry(host: Host) -> list[dict[str, Any]]:
    """The rows that the core lists. Raises Problem where it is refused, missing, fails or does not print an array."""
    done = host.egress.run(host.core, ["list", "--json"], timeout=LIST_TIMEOUT)
    if done.rc != 0:
        raise core_problem(host.core.path, done)
    try:
        rows = plain(done.out)
    except (ValueError, RecursionError) as error:
        raise Problem(f"the core did not print JSON: {error}", kind="malformed") from error
    if not isinstance(rows, list):
        raise Problem("the core printed JSON that is not an array", kind="malformed")
    return [row for row in rows if isinstance(row, dict)]


def row_of(rows: list[dict[str, Any]], personality: str) -> dict[str, Any] | None:
    """The first row of a peer; None where the registry does not know it."""
    return next((row for row in rows if _trimmed(row.get("personality")) == personality), None)


def peers_of(rows: list[dict[str, Any]]) -> tuple[Peer, ...]:
    """The peers of registry rows or map entries; those without a non-blank personality and cwd are dropped."""
    peers = []
    for row in rows:
        personality, cwd = _trimmed(row.get("personality")), _trimmed(row.get("cwd"))
        if personality and cwd:
            peers.append(Peer(personality, cwd, _runtimes(row.get("runtimes"))))
    return tuple(peers)


def peer_of(row: dict[str, Any] | None) -> Peer | None:
    """The peer of one row; None where there is no row, or no peer in it."""
    return next(iter(peers_of([row] if row else [])), None)


def given_peers(entries: Sequence[Mapping[str, Any]]) -> tuple[Peer, ...]:
    """The peers that an option names; raises Problem for one without a personality, or without an absolute cwd."""
    peers = peers_of([dict(entry) for entry in entries])
    if len(peers) != len(entries):
        raise Problem("peers: every peer needs a personality and a cwd that are not blank")
    for peer in peers:
        if not os.path.isabs(peer.cwd):
            raise Problem(f"peers: the cwd of {peer.personality} must be an absolute path, not {peer.cwd!r}")
    return peers


def _trimmed(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _runtimes(value: object) -> tuple[str, ...]:
    """Names out of a map entry's list of strings or a registry row's list of objects, de-duplicated in order."""
    items = value if isinstance(value, list) else []
    names = [_trimmed(item.get("runtime") if isinstance(item, dict) else item) for item in items]
    return tuple(dict.fromkeys(name for name in names if name))
