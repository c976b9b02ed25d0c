# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the peer_surfaces module asks of the sweep, and how its answer reads (contract §5)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .._doorway.folders import Folder
from .._doorway.problem import Problem
from .._forms.ahead import NOTHING, Ahead
from .._forms.wanted import wanted_forms
from .._host.core import Peer, given_peers
from .._host.host import Host
from .._host.options import absolute, given_text
from .._host.results import Result
from .._things.fleet_map import read_fleet
from .claude import SKILL_PREFIX
from .lock import lock_timeout
from .plan import FAILED, SKIPPED
from .sweep import Sweep, sweep
from .wanted import SURFACES, Wanted, from_forms, skill_files, without

ACTIONS = {"present": "written", "absent": "removed"}
# How many are named in one line; the rest is counted.
NAMED = 20
QUIET = {"present": "already", "absent": "absent"}


def ensure(host: Host, options: Mapping[str, Any], check: bool, ahead: Ahead = NOTHING) -> Result:
    """Sweep the peers of a host, or say what that would change (check).

    options: state, peers, port, reference_dir, skills, surfaces, lock_timeout (seconds), forms, all_results. Raises
    Problem for wrong options, for a fleet map that cannot be read, and where the provision lock cannot be had in time;
    a peer that cannot be mended is in the results, and the result is marked failed.
    """
    wanted = _wanted(host, options, ahead)
    peers = _wanted_peers(host, options.get("peers"), ahead)
    timeout, every = lock_timeout(options), bool(options.get("all_results"))
    return _result(sweep(host, peers, wanted, timeout, check), options["state"], every)


def _result(done: Sweep, state: str, every: bool) -> Result:
    bad, changed = [seat for seat in done.seats if not seat.ok], done.changed
    refused = not changed and any(item.action == SKIPPED for seat in done.seats for item in seat.planned)
    quiet = SKIPPED if refused else QUIET[state]
    return Result(
        FAILED if bad else ACTIONS[state] if changed else quiet,
        _detail(done, state, len(bad)),
        changed,
        _some([seat.complaint() for seat in bad]),
        diff=list(done.diffs()),
        data={
            "results": [seat.record() for seat in done.seats if every or not seat.quiet],
            "skipped_peers": [{"personality": name, "reason": reason} for name, reason in done.skipped],
            "in_place": sum(seat.in_place for seat in done.seats),
            "total": len(done.seats),
        },
    )


def _detail(done: Sweep, state: str, failed: int) -> str:
    changed = sum(seat.changed for seat in done.seats)
    words = [f"{len(done.seats)} peer-runtimes", f"{changed} {ACTIONS[state]}" if changed else ""]
    words.append(f"{failed} failed" if failed else "")
    words.append(f"{len(done.skipped)} peers skipped" if done.skipped else "")
    told = [seat.name for seat in done.seats if seat.in_place and not seat.quiet]
    words.append(f"switched off by their users: {_some(told)}" if told else "")
    words.append(f"besides, {_some(done.notes)}" if done.notes else "")
    words.append("hook shims written" if any(edit.changed for edit in done.shims) else "")
    return ", ".join(word for word in words if word)


def _some(words: Sequence[str]) -> str:
    """The first of them on one line, and how many more there are."""
    more = [f"and {len(words) - NAMED} more"] if len(words) > NAMED else []
    return "; ".join([*words[:NAMED], *more])


def _wanted_peers(host: Host, entries: Sequence[Mapping[str, Any]] | None, ahead: Ahead) -> tuple[Peer, ...]:
    """The peers of a map that is about to be written, else those given, else those of the map on disk."""
    if ahead.peers is not None:
        return ahead.peers
    if entries is None:
        fleet = read_fleet(host)
        if not fleet.readable:
            raise Problem(f"no readable fleet map: {fleet.problem}", host.paths.fleet, fleet.kind)
        return fleet.peers
    return given_peers(entries)


def _wanted(host: Host, options: Mapping[str, Any], ahead: Ahead) -> Wanted:
    """The forms of the host, with a port and skills that are given in place of theirs."""
    names = SURFACES if options.get("surfaces") is None else options["surfaces"]
    if not names:
        raise Problem("surfaces: an empty list names none; without it all are looked at")
    surfaces = tuple(name for name in SURFACES if name in names)
    port, skills = _given_port(options.get("port")), _given_skills(host, options)
    forms = wanted_forms(host, options, ahead)
    if options["state"] == "absent":
        return without(forms, host.paths.hooks, surfaces)
    wanted = from_forms(forms, host.paths.hooks, surfaces, port)
    return wanted if skills is None else wanted._replace(skills=skill_files(skills), all_skills=False)


def _given_port(port: Any) -> int | None:
    if port is not None and not 1 <= int(port) <= 65535:
        raise Problem(f"port must be from 1 to 65535, not {port}")
    return None if port is None else int(port)


def _given_skills(host: Host, options: Mapping[str, Any]) -> Mapping[str, str] | None:
    """The skills given as text, else those of a folder on the host; None where neither is given."""
    if options.get("skills"):
        return _checked_skills(options["skills"], "skills")
    if not options.get("reference_dir"):
        return None
    texts = {}
    with Folder(host.files.sandbox, absolute("reference_dir", options["reference_dir"])) as folder:
        for name in folder.names(""):
            found = folder.read(f"{name}/SKILL.md") if name.startswith(SKILL_PREFIX) else None
            if found is not None:
                texts[name] = found.data.decode("utf-8", "surrogateescape")
    if not texts:
        raise Problem(f"holds no {SKILL_PREFIX}*/SKILL.md", options["reference_dir"])
    return texts


def _checked_skills(skills: Mapping[str, Any], option: str) -> dict[str, str]:
    for name, text in skills.items():
        if not name.startswith(SKILL_PREFIX) or "/" in name or "\0" in name:
            raise Problem(f"{option}: {name!r} is not the name of a skill of ours ({SKILL_PREFIX}...)")
        given_text(option, name, text)
    return dict(skills)
