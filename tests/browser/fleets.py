# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Fleets to look at: made up, but of what real reports say."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.conditions import WAITING, stand_in
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.file_names import file_names
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.page import page
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.report import Report, Row
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.runs import Batch, Run, Told, fleet

STEPS = {
    "binary": "/home/ada/.local/bin/iapeer-memory is version 0.4.17",
    "forms": "learned from the installed provider",
    "templates": "4 in place",
    "doctrines": "3 in place",
    "wake-policy": "3 roles are woken fresh",
    "fleet": "12 peers, as in the registry",
    "surfaces": "18 of 18 in place",
    "plugin-off": "nothing to do, the slot is not in the v1.1 form",
    "slot": "declared for version 0.4.17",
    "launcher": "in place",
    "triggers": "iapeer-memory-memoryd and iapeer-memory-dream-tick are registered",
    "guide": "not wanted on this host",
    "memoryd": "pid 4711, heartbeat 12 s old",
}
CHECKS = {
    "config": "vault /home/ada/vault, locale en, mode curated",
    "memory-slot": "version 0.4.17, blocks in place",
    "fleet-map": "12 peers",
    "peer-surfaces": "18 of 18 in place",
    "memoryd-heartbeat": "12 s old, watch=on",
    "notifier-watcher": "registered",
    "dream-timer": "registered",
    "doctrine[index]": "v0.4.17",
    "doctrine[scriber]": "v0.4.17",
}
SURFACES = "alice:claude mcp failed: /home/ada/peers/alice/.mcp.json: line 4, column 9: a comma is missing"


def ago(**time: float) -> str:
    """A moment that long ago, as reports spell it."""
    moment = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(**time)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def updated(host: str, version: str = "0.4.17", check_mode: bool = False, **other: tuple[str, str]) -> Report:
    """A report of update in which all is in place but for some steps: their status and detail, - written as _."""
    special = {name.replace("_", "-"): row for name, row in other.items()}
    usual = {name: ("skip" if name == "guide" else "ok", detail) for name, detail in STEPS.items()}
    rows = tuple(Row(name, *special.get(name, row)) for name, row in usual.items())
    return Report(host, "update", version, check_mode, rows)


def verified(host: str, *instead: Row) -> Report:
    """A report of verify in which all is in place but for the given rows."""
    rows = [Row(name, "ok", detail) for name, detail in CHECKS.items()]
    for row in instead:
        place = next((n for n, old in enumerate(rows) if old.name.split("[")[0] == row.name.split("[")[0]), len(rows))
        rows[place : place + 1] = [row] if row.name in CHECKS or rows[place].status == "ok" else [rows[place], row]
    return Report(host, "verify", "0.4.17", False, tuple(rows))


def unreachable(host: str, reason: str = "ssh: connect to host 10.20.0.7 port 22: No route to host") -> Report:
    """A report of update of a host that could not be reached."""
    first, *others = STEPS
    return Report(
        host, "update", "", False, (Row(first, "unreachable", reason), *(Row(name, "skip", "") for name in others))
    )


def whole(reports: Sequence[Report], batches: Sequence[int] = (), times: Mapping[str, str] | None = None) -> str:
    """The page of a run with these reports. batches: how many hosts each has; those left over have not begun."""
    hosts = [report.host for report in reports]
    ends = [sum(batches[: number + 1]) for number in range(len(batches))] or [len(hosts)]
    groups = [hosts[start:end] for start, end in zip([0, *ends], ends)]
    first = reports[0]
    run = Run("5f0c1c9d3a7be284", first.playbook, first.check_mode, ago(minutes=14), 0.0, hosts)
    run.batches = [Batch(group, group) for group in groups]
    told = {report.host: Told(report, (times or {}).get(report.host, ago(minutes=3)), True) for report in reports}
    return page(fleet(run, told, file_names(hosts), ago(minutes=2)), {host: one.report for host, one in told.items()})


def sample() -> tuple[list[Report], list[int]]:
    """Forty hosts in three batches, of which the last has not begun."""
    changed = ("changed", "declared for version 0.4.17")
    reports = [
        updated(f"{kind}-{number}", slot=changed)
        for kind, many in (("lab", 9), ("web", 12))
        for number in range(1, many)
    ]
    reports += [updated(f"db-{number}") for number in range(1, 12)]
    special = {
        "lab-3": unreachable("lab-3"),
        "web-7": updated(
            "web-7",
            surfaces=("fail", SURFACES),
            plugin_off=("fail", "postponed: surfaces failed, and a peer would be left without memory"),
            slot=("fail", "v1.1 kept, so that the next run can still derive the plugin: see plugin-off"),
        ),
        "db-4": updated(
            "db-4", slot=("fail", "/home/ada/.iapeer/memory-provider.json: the slot is held by other-memory")
        ),
        "web-2": updated(
            "web-2", binary=("changed", "0.4.16 -> 0.4.17"), slot=changed, memoryd=("changed", "4711 -> 5150")
        ),
    }
    reports = [special.get(report.host, report) for report in reports]
    reports += [stand_in(f"edge-{number}", "update", False, WAITING) for number in range(1, 11)]
    return reports, [8, 22]


def large(hosts: int) -> list[Report]:
    """A fleet of any size: one in 40 has failed, one in 90 is out of reach, one in 5 has changed."""
    reports = []
    for number in range(hosts):
        host = f"node-{number:04}"
        if number % 90 == 7:
            reports.append(unreachable(host))
        elif number % 40 == 11:
            reports.append(updated(host, surfaces=("fail", SURFACES)))
        else:
            reports.append(updated(host, **({"slot": ("changed", "declared")} if number % 5 == 3 else {})))
    return reports
