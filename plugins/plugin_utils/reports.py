# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The folder of a run's reports: one file a host, the fleet in one (fleet.json), and the same for people (index.html).

The hosts' own files are the truth, and the other two are made of them. A run is known by its id: its first report gives
every host of the run a stand-in, so that no report of an earlier run stands for this one. What is known of the run
besides is kept in a small file of its own, so that one more report costs the same in a fleet of three and of thousands.
Several processes write here at once: each has the folder to itself while it does.
"""

from __future__ import annotations

import datetime
import json
import os
import re
import time
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents.shown import unseen
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.files import Files, Tree
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.conditions import WAITING, stand_in
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.file_names import file_names, other_name
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.page import page
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.report import Report
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.runs import (
    Context,
    Progress,
    Run,
    Told,
    document,
    fleet,
    lacking,
    run_of,
    told_of,
)

FLEET, PAGE, RUN = "fleet.json", "index.html", ".fleet-run"
# Fleet and page are made when a batch is through, and in between where that is cheap or has not been for long.
CHEAP = 50  # hosts
SHARE = 0.05  # of the time
ODD = re.compile(r"[^\n -~]")


class Recorded(NamedTuple):
    """The report's file, and how far the run is, where this report was the last one of its batch."""

    path: str
    progress: Progress | None


def begin(folder: str, playbook: str, check_mode: bool, host: str, context: Context) -> None:
    """Say that a run has begun, in good time before the first report of it, which else says so. Raises Problem."""
    with Files(Sandbox(os.environ)).tree(folder, create=True) as tree:
        tree.lock()
        desk = _Desk(tree, context, stand_in(host, playbook, check_mode, WAITING))
        if desk.new:
            desk.make()
            desk.keep()


def record(folder: str, report: Report, context: Context) -> Recorded:
    """Put a host's report into folder (absolute path), and bring fleet and page up to date. Raises Problem."""
    with Files(Sandbox(os.environ)).tree(folder, create=True) as tree:
        tree.lock()
        desk = _Desk(tree, context, report)
        path = os.path.join(folder, desk.put(report))
        return Recorded(path, desk.finish(report.host))


def spelled(value: Any, indent: int | None = None) -> str:
    """JSON that may be looked at in a terminal: what cannot be seen is spelled as an escape, the rest plainly."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return ODD.sub(lambda match: json.dumps(match[0])[1:-1] if unseen(match[0]) else match[0], text)


class _Desk:
    """The folder, while one report is put into it."""

    def __init__(self, tree: Tree, context: Context, report: Report) -> None:
        self._tree = tree
        self._context = context
        self._clock = time.monotonic()
        self._moment = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        found = tree.read(RUN)
        run = run_of(found and found.data)
        self.new = run is None or not run.is_of(context, report)
        if run is None or not run.is_of(context, report):
            run = Run(context.run, report.playbook, report.check_mode, self._moment, self._clock, [])
        self._run = run
        known = set(run.hosts)
        new = [host for host in dict.fromkeys((*context.hosts, report.host)) if host not in known]
        self._files = file_names((*context.inventory, *run.hosts, *new))
        self._welcome(new)

    def _welcome(self, hosts: Iterable[str]) -> None:
        """Give hosts that are new to the run a stand-in, unless they reported under this very id already."""
        names = set(self._tree.names("")) if hosts else set()
        for host in hosts:
            self._run.hosts.append(host)
            older = other_name(host, self._files[host])
            if older in names:
                self._tree.remove(older)
            if self._read(host) is None:
                self._write(lacking(host, self._run, self._context))

    def put(self, report: Report) -> str:
        """Write a report; returns the name of its file."""
        self._write(report)
        return self._files[report.host]

    def finish(self, host: str) -> Progress | None:
        """Take down that host has reported, and make what is made of all reports where it is time to."""
        run = self._run
        through = run.take(host, self._context)
        progress = None
        if through or len(run.hosts) <= CHEAP or (self._clock - run.made) * SHARE > run.cost:
            whole = self.make()
            number = run.batch_of(host)
            several = len(run.batches[number - 1].hosts) < len(run.hosts)
            progress = Progress(whole, number, several, self._clock - run.clock) if through else None
        self.keep()
        return progress

    def keep(self) -> None:
        """Write down what is known of the run."""
        self._tree.write(RUN, self._run.text().encode())

    def make(self) -> Mapping[str, Any]:
        """Make fleet and page of all reports; returns the fleet."""
        run = self._run
        reports = {host: self._told(host) for host in run.hosts}
        whole = fleet(run, reports, self._files, self._moment)
        self._tree.write(FLEET, _lines(whole).encode())
        self._tree.write(PAGE, page(whole, {host: told.report for host, told in reports.items()}).encode())
        run.made = time.monotonic()
        run.cost = run.made - self._clock
        return whole

    def _told(self, host: str) -> Told:
        """The host's report, or what stands in for it by now."""
        told = self._read(host)
        if told is not None and told.came:
            return told
        instead = lacking(host, self._run, self._context)
        if told is None or told.report != instead:
            self._write(instead)
            return Told(instead, self._moment, False)
        return told

    def _read(self, host: str) -> Told | None:
        found = self._tree.read(self._files[host])
        return told_of(found and found.data, host, self._run)

    def _write(self, report: Report) -> None:
        text = spelled(document(report, self._moment, self._run.run), indent=2) + "\n"
        self._tree.write(self._files[report.host], text.encode())


def _lines(whole: Mapping[str, Any]) -> str:
    """The fleet with one line a host."""
    head = {key: value for key, value in whole.items() if key != "hosts"}
    rows = ",\n    ".join(map(spelled, whole["hosts"]))
    return f'{spelled(head, indent=2)[:-2]},\n  "hosts": [\n    {rows}\n  ]\n}}\n'
