# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""End a run on one host: print the table, write the report, and fail where anything failed."""

from __future__ import annotations

import os
from typing import Any

from ansible.constants import DEFAULT_STDOUT_CALLBACK
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.color import stringc
from ansible.utils.display import Display

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents.shown import shown
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.gates import PLANS
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.asked import given, read
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.checks import rows_of
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.conditions import UNREACHABLE, condition_of
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.report import Report
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.runs import Context, context_of
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.screen import (
    for_machines,
    progress_line,
    table,
    table_wanted,
)
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.steps import why_stopped

COLORS = {"changed": "yellow", "repaired": "yellow", "fail": "red", "unreachable": "red", "skip": "cyan", "ok": "green"}


class ActionModule(ActionBase):
    """The action (see the documentation of the module of the same name)."""

    TRANSFERS_FILES = False
    # Whether the report is left to a task of its own where this one cannot write it: no table then, which that prints.
    tentative = False
    _VALID_ARGS = frozenset(
        ("playbook", "look", "done", "repair", "stale_after", "report_dir", "unreachable_fails")
    )

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the rows and, where anything failed, failed or unreachable; touches only reports on the controller."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        options, variables = self._options(), task_vars or {}
        report = self._report(options, variables)
        context = context_of(str(self._task._uuid), variables)
        screen = Display()
        quiet = for_machines(str(DEFAULT_STDOUT_CALLBACK))
        line: str | None = None
        failure: AnsibleActionFail | None = None
        try:
            if options.get("report_dir"):
                result["report"], line = _write(report, options["report_dir"], context)
        except AnsibleActionFail as problem:
            if self.tentative:
                raise
            failure = problem
        if not quiet and not self._task.no_log and table_wanted(report, len(context.hosts), screen.verbosity):
            _print_table(screen, report)
        if failure:
            raise failure
        if line and not quiet:
            screen.display(line)
        result.update(_returned(report, options.get("unreachable_fails", False)))
        return result

    def _options(self) -> dict[str, Any]:
        """The options that are given; where a look was stopped for one of them, that one is left out."""
        options, found = given(self._task.args), dict[str, Any]()
        for name, value in options.items():
            try:
                found[name] = read(name, value, name)
            except Problem as problem:
                if not why_stopped(options.get("look") or {}):
                    raise AnsibleActionFail(str(problem)) from None
        return found

    def _report(self, options: dict[str, Any], variables: dict[str, Any]) -> Report:
        if options.get("playbook") not in tuple(PLANS):  # a tuple: a list that somebody gives is no key
            raise AnsibleActionFail(f"playbook must be one of {', '.join(PLANS)}, not {options.get('playbook')!r}")
        version, rows = str((options.get("look") or {}).get("version") or ""), rows_of(options)
        host = str(variables.get("inventory_hostname", ""))
        return Report(host, options["playbook"], version, bool(self._task.check_mode), tuple(rows))


def _print_table(screen: Display, report: Report) -> None:
    """Print the table in one piece: several hosts may be at it at once."""
    title, *lines = table(report)
    colored = [stringc(line, COLORS[row.status]) for row, line in zip(report.rows, lines)]
    screen.display("\n".join(["", title, *colored]))


def _write(report: Report, folder: str, context: Context) -> tuple[str, str | None]:
    """The file that the report went into, and a line for people where a batch is through."""
    # Here, because a run without reports need not read all of it.
    from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.reports import record

    try:
        recorded = record(os.path.abspath(os.path.expanduser(folder)), report, context)
    except Problem as problem:
        raise AnsibleActionFail(f"the report could not be written: {shown(str(problem))}") from None
    return recorded.path, progress_line(recorded.progress) if recorded.progress else None


def _returned(report: Report, unreachable_fails: bool) -> dict[str, Any]:
    """What the task returns of a report: texts that may be printed as they are."""
    found = condition_of(report)
    returned: dict[str, Any] = {
        "changed": False,
        "state": found.state,
        "summary": " ".join(f"{shown(row.name)}={row.status}" for row in report.rows),
        "steps": [{key: shown(value) for key, value in row._asdict().items()} for row in report.rows],
    }
    if found.state == UNREACHABLE:
        returned["failed" if unreachable_fails else "unreachable"] = True
        returned["msg"] = f"unreachable: {shown(found.reason)}"
    elif not report.ok:
        word = "checks" if report.playbook == "verify" else "steps"
        names = ", ".join(map(shown, report.failed))
        returned.update(failed=True, msg=f"{word} that failed: {names} (see the table above)")
    return returned
