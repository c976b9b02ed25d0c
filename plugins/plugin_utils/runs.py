# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A run over a fleet, as its reports tell it: which hosts, in which batches, and what each came to. Pure."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils import conditions
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.conditions import condition_of, stand_in
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.report import Report, Row


class Context(NamedTuple):
    """What Ansible knows of a run when a host reports.

    run: the id that all of its hosts share. hosts: all of the play, in order. active: those that have not been lost.
    batch: those that are at it together. inventory: every host there is, in the play or not.
    """

    run: str
    hosts: tuple[str, ...]
    active: tuple[str, ...]
    batch: tuple[str, ...]
    inventory: tuple[str, ...]


class Progress(NamedTuple):
    """How far a run is when a batch is through. several: there are more batches. seconds: since the first report."""

    fleet: Mapping[str, Any]
    batch: int
    several: bool
    seconds: float


def context_of(task: str, variables: Mapping[str, Any]) -> Context:
    """The context of a task. task: its id by Ansible, of which all but the last part is the same in all of a run.

    Nothing else tells one run from the next, or joins the batches of one. variables: the task's.
    """
    identity = hashlib.sha256(task.rpartition("-")[0].encode()).hexdigest()[:16]
    inventory = (variables.get("groups") or {}).get("all")
    names = [variables.get(f"ansible_play_{key}") for key in ("hosts_all", "hosts", "batch")]
    return Context(identity, *(tuple(map(str, value or ())) for value in (*names, inventory)))


@dataclasses.dataclass
class Batch:
    """Hosts that go through a run together, and those of them that have reported."""

    hosts: list[str]
    reported: list[str]


@dataclasses.dataclass
class Run:
    """What is known of a run but the reports themselves.

    time: of its first report, ISO 8601. clock: the same in seconds of a clock that nobody sets; so is made, when fleet
    and page were made last, which took cost seconds.
    """

    run: str
    playbook: str
    check_mode: bool
    time: str
    clock: float
    hosts: list[str]
    batches: list[Batch] = dataclasses.field(default_factory=list)
    made: float = 0.0
    cost: float = 0.0

    def is_of(self, context: Context, report: Report) -> bool:
        """True where a report belongs to this run: one playbook's, even where another follows in the same command."""
        return (self.run, self.playbook) == (context.run, report.playbook)

    def take(self, host: str, context: Context) -> bool:
        """Take down that a host has reported; True where it was the last of its batch."""
        if self._reported().get(host, True):
            self.batches.append(Batch(list(dict.fromkeys((*context.batch, host))), []))
        next(batch for batch in reversed(self.batches) if host in batch.hosts).reported.append(host)
        reported = self._reported()
        return all(reported.get(other) for other in context.batch)

    def _reported(self) -> dict[str, bool]:
        """Whether a host of a batch has reported; where it was in several (one play after another), in the last one."""
        found = {}
        for batch in self.batches:
            found.update(dict.fromkeys(batch.hosts, False))
            found.update(dict.fromkeys(batch.reported, True))
        return found

    def batch_of(self, host: str) -> int:
        """The number of the batch in which a host has reported last, from 1; 0 where it has not."""
        return next((n for n in range(len(self.batches), 0, -1) if host in self.batches[n - 1].reported), 0)

    def text(self) -> str:
        """The run as it is kept."""
        values = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return json.dumps({**values, "batches": [[batch.hosts, batch.reported] for batch in self.batches]})


def run_of(data: bytes | None) -> Run | None:
    """The run that was kept; None where there is none, or what is there is none."""
    try:
        values = json.loads(data or b"null")
        return Run(**{**values, "batches": [Batch(*batch) for batch in values["batches"]]})
    except (ValueError, TypeError, KeyError):
        return None


def document(report: Report, moment: str, run: str) -> dict[str, Any]:
    """The report for machines. moment: ISO 8601."""
    return {
        "host": report.host,
        "playbook": report.playbook,
        "version": report.version,
        "check_mode": report.check_mode,
        "ok": report.ok,
        "time": moment,
        "run": run,
        "steps": [row._asdict() for row in report.rows],
    }


class Told(NamedTuple):
    """A host's report as it lies in its file. came: it is the host's own, not a stand-in."""

    report: Report
    time: str
    came: bool


def told_of(data: bytes | None, host: str, run: Run) -> Told | None:
    """The report in a file; None where it is not of this host and run, or is none."""
    try:
        found = json.loads(data or b"null")
        rows = tuple(Row(str(row["name"]), str(row["status"]), str(row["detail"])) for row in list(found["steps"]))
        ours = (found["host"], found["run"], found["playbook"]) == (host, run.run, run.playbook)
        if not ours or any(row.status not in conditions.STATUSES for row in rows):
            return None
        report = Report(host, run.playbook, str(found["version"]), found["check_mode"] is True, rows)
        came = [row.name for row in rows] != [conditions.STAND_IN]
        return Told(report, str(found["time"]), came)
    except (ValueError, TypeError, KeyError):
        return None


def lacking(host: str, run: Run, context: Context) -> Report:
    """What stands in for the report of a host that has none: it is still to come, unless Ansible gave the host up."""
    lost = host in context.hosts and host not in context.active
    return stand_in(host, run.playbook, run.check_mode, conditions.LOST if lost else conditions.WAITING)


def fleet(run: Run, reports: Mapping[str, Told], files: Mapping[str, str], moment: str) -> dict[str, Any]:
    """The fleet for machines: every host of the run with its state, first reason and batch.

    reports: of every host of the run. files: the names of the reports' files. moment: of this very state, ISO 8601.
    """
    batches = {host: number for number, batch in enumerate(run.batches, 1) for host in batch.reported}
    hosts = []
    for host in run.hosts:
        told = reports[host]
        found = condition_of(told.report)
        hosts.append(
            {
                "host": host,
                **found._asdict(),
                "version": told.report.version,
                "time": told.time,
                "batch": batches.get(host),
                "report": files[host],
            }
        )
    counts = Counter(entry["state"] for entry in hosts)
    return {
        "run": run.run,
        "playbook": run.playbook,
        "check_mode": run.check_mode,
        "time": run.time,
        "updated": moment,
        "counts": {state: counts[state] for state in conditions.WORST_FIRST},
        "batches": [{"batch": number, "hosts": batch.hosts} for number, batch in enumerate(run.batches, 1)],
        "hosts": hosts,
    }
