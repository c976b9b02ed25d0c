# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One look at everything, nothing changed: what memory_host_info returns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._doorway.problem import Problem
from .._doorway.reader import MISSING
from .._host.host import Host
from .._host.results import Result
from .._host.roles import read_manifest
from .._things.binary import Told, binary_version
from .._things.daemon import LOST, find_daemon, read_heartbeat
from .._things.fleet_map import read_fleet
from .._things.slot import read_slot
from .._things.verdicts import HUNG_AFTER


def gather(host: Host, options: Mapping[str, Any], check: bool) -> Result:
    """Everything the collection knows of a host. Never changes anything; check makes no difference.

    options: probe (ask memoryd's port whether anybody answers), hung_after (seconds, 120).
    """
    facts = read_host(host, options)
    return Result("read", f"{in_short(facts)}, {host.config.problem or 'provisioned'}", data=facts)


def in_short(facts: Mapping[str, Any]) -> str:
    """A host in a few words."""
    return f"slot {facts['slot']['form']}, {facts['fleet']['count']} peers"


def read_host(host: Host, options: Mapping[str, Any], version: str = "") -> dict[str, Any]:
    """The facts of a host; version: what the binary is known to say, empty: it is asked."""
    slot, fleet, manifest = read_slot(host), read_fleet(host), read_manifest(host)
    return {
        "paths": {**host.paths._asdict(), "templates": host.paths.templates(host.config.locale)},
        "config": config_of(host),
        "slot": {"form": slot.form, "provider": slot.provider, "version": slot.version, "problem": slot.problem},
        "fleet": {"readable": fleet.readable, "count": len(fleet.peers), "problem": fleet.problem},
        "memoryd": _memoryd(host, options),
        "roles": [{"role": role.role, "cwd": role.cwd, "template": role.template} for role in manifest.roles],
        "roles_problem": manifest.problem,
        "binary": _binary(host, version),
        "sandboxed": host.files.sandbox.armed,
    }


def config_of(host: Host) -> dict[str, Any]:
    """What config.env and the environment amount to."""
    unread = {"unread": host.unread} if host.unread else {}
    return {"ok": host.config.ok, **host.config._asdict(), **unread}


def _memoryd(host: Host, options: Mapping[str, Any]) -> dict[str, Any]:
    beat = read_heartbeat(host)
    try:
        daemon = find_daemon(host, beat)
        problem = "; ".join(filter(None, (LOST if daemon.lost else "", daemon.stale)))
        pid, running = daemon.pid, daemon.process is not None
    except Problem as unreadable:
        pid, running, problem = None, False, str(unreadable)
    answer = host.egress.get(f"http://127.0.0.1:{host.config.mcp_port}/mcp") if options.get("probe") else None
    return {
        "pid": pid,
        "running": running,
        "problem": problem,
        "heartbeat_age": None if beat.age is None else round(beat.age, 3),
        "watch": beat.watch,
        "heartbeat_problem": beat.problem,
        "complaint": beat.complaint(float(options.get("hung_after") or HUNG_AFTER)),
        "listening": None if answer is None else answer.rc == 0,
    }


def _binary(host: Host, version: str) -> dict[str, Any]:
    """Whether the binary is there, and the version it tells; a problem where it tells none, or cannot be seen."""
    told = Told(version) if version else binary_version(host)
    try:
        present = host.files.kind_of(host.paths.binary) != MISSING
    except Problem:
        present = False
    return {"present": present, **told._asdict()}
