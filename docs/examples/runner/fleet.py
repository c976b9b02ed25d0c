# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run a playbook of the collection through ansible-runner, and read from its events how each host is.

python fleet.py PLAYBOOK INVENTORY [MORE WORDS FOR ansible-playbook]
"""

from __future__ import annotations

import os
import shlex
import sys
import tempfile
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import ansible_runner

ENDED = {"runner_on_ok", "runner_on_failed", "runner_on_unreachable"}
FINE = ("ok", "skip")


class Told(NamedTuple):
    """What a host's report says: its state in a word, and the rows (name, status, detail)."""

    state: str
    rows: list[dict[str, str]]


def told(events: Iterable[Mapping[str, Any]]) -> dict[str, Told]:
    """The report of each host, from the events of a run."""
    found = {}
    for event in events:
        data = event.get("event_data") or {}
        result = data.get("res") or {}
        rows = result.get("steps" if data.get("task_action") == "agfpd.iapeer_memory.report" else "rows")
        if event.get("event") in ENDED and "state" in result and rows is not None:
            found[data["host"]] = Told(result["state"], rows)
    return found


def main() -> int:
    """Run, print a line a host and one for each of its rows that is not fine; the exit code is the playbook's."""
    playbook, inventory, *words = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        run = ansible_runner.run(
            private_data_dir=folder,
            playbook=f"agfpd.iapeer_memory.{playbook}",
            inventory=os.path.abspath(inventory),
            cmdline=shlex.join(words) or None,
            quiet=True,
        )
        hosts = told(run.events)
        for host, report in sorted(hosts.items()):
            print(f"{host}: {report.state}")
            for row in report.rows:
                if row["status"] not in FINE:
                    print(f"  {row['name']}: {row['status']}: {row['detail']}")
        if not hosts:
            print(run.stdout.read())
    return int(run.rc)


if __name__ == "__main__":
    sys.exit(main())
