# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The core's registry and the fleet map that is made from it (contract §4)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from .._doorway.problem import Problem
from .._forms.ahead import NOTHING, Ahead
from .._host.core import Peer, peers_of, read_registry
from .._host.edits import Edit, pretty_json, read_json_object, settle
from .._host.host import Host
from .._host.results import Result
from .._host.times import NOW, iso_milliseconds


class Fleet(NamedTuple):
    """The map as it is on disk: its peers, and why it is not readable where it is not (missing, malformed, …)."""

    peers: tuple[Peer, ...] = ()
    problem: str = ""
    kind: str = ""

    @property
    def readable(self) -> bool:
        """True where there is a map, an empty one included."""
        return not self.problem


def read_fleet(host: Host) -> Fleet:
    """The fleet map on disk. Never fails: what is missing or malformed is unreadable, not an empty fleet."""
    try:
        value = read_json_object(host.files, host.paths.fleet)
    except Problem as problem:
        return Fleet((), problem.reason, problem.kind)
    if value is None:
        return Fleet((), "missing", "missing")
    entries = value.get("peers")
    if not isinstance(entries, list):
        return Fleet((), "has no list of peers", "malformed")
    return Fleet(peers_of([entry for entry in entries if isinstance(entry, dict)]))


def plan_map(path: str, current: Fleet, before: bytes | None, peers: tuple[Peer, ...], now: float) -> Edit:
    """The edit that makes the map name these peers; a map that names them already stays, updatedAt included."""
    if current.readable and current.peers == peers:
        return Edit(path, before, before)
    entries = [peer.as_entry() for peer in peers]
    after = pretty_json({"updatedAt": iso_milliseconds(now), "peers": entries})
    known = [peer.as_entry() for peer in current.peers]
    shown_before = pretty_json({"updatedAt": NOW, "peers": known}).decode() if current.readable else ""
    return Edit(path, before, after, shown=(shown_before, pretty_json({"updatedAt": NOW, "peers": entries}).decode()))


def ensure(host: Host, options: Mapping[str, Any], check: bool, ahead: Ahead = NOTHING) -> Result:
    """Rewrite the fleet map from the registry where the peers changed, or say what that would change (check).

    options: allow_empty. Raises Problem where the registry cannot be had, and where an empty one would replace a map
    that names peers; the old map is left untouched.
    """
    current = read_fleet(host)
    peers = peers_of(read_registry(host))
    if not peers and current.peers and not options.get("allow_empty"):
        raise Problem(f"the core lists no peers: the map with {len(current.peers)} is kept", host.paths.fleet)
    found = host.files.read(host.paths.fleet)
    before = None if found is None else found.data
    edit = plan_map(host.paths.fleet, current, before, peers, host.clock.now())
    changed = settle(host.files, [edit], check)
    return Result(
        edit.action,
        f"{len(peers)} peers" + (f", {_difference(current, peers)}" if changed else ""),
        changed=bool(changed),
        diff=[edit.diff() for edit in changed],
        data={"peers": [peer.as_entry() for peer in peers], "count": len(peers)},
    )


def _difference(current: Fleet, peers: tuple[Peer, ...]) -> str:
    if not current.readable:
        return f"the old map was unreadable: {current.problem}"
    before, after = set(current.peers), set(peers)
    if before == after:
        return "the same ones, in another order or named twice"
    return f"{len(after - before)} new or changed, {len(before - after)} gone or changed"
