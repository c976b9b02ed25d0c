# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""End a run on one host: print the table, write the report, and fail where anything failed."""

from __future__ import annotations

import json
import os
import re
from typing import Any

from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase
from ansible.utils.color import stringc
from ansible.utils.display import Display

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.files import Files
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.report import (
    Report,
    update_rows,
    verify_rows,
)

COLORS = {"changed": "yellow", "repaired": "yellow", "fail": "red", "skip": "cyan", "ok": "green"}


class ActionModule(ActionBase):
    """The action (see the documentation of the module of the same name)."""

    TRANSFERS_FILES = False
    _VALID_ARGS = frozenset(
        ("playbook", "found", "results", "sources", "version", "repair", "stale_after", "report_dir")
    )

    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return summary and, where anything failed, failed; touches nothing but the report on the controller."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        report = self._report(dict(self._task.args), task_vars or {})
        _print(report)
        if self._task.args.get("report_dir"):
            result["report"] = _write(report, str(self._task.args["report_dir"]))
        result["changed"] = False
        result["summary"] = " ".join(f"{row.name}={row.status}" for row in report.rows)
        if not report.ok:
            word = "steps" if report.playbook == "update" else "checks"
            result.update(failed=True, msg=f"{word} that failed: {', '.join(report.failed)} (see the table above)")
        return result

    def _report(self, options: dict[str, Any], task_vars: dict[str, Any]) -> Report:
        playbook, results = options["playbook"], options.get("results") or {}
        make_rows = {"update": update_rows, "verify": verify_rows}[playbook]
        rows = make_rows(options["found"], results, options)
        host = str(task_vars.get("inventory_hostname", ""))
        return Report(host, playbook, str(options.get("version") or ""), bool(self._task.check_mode), tuple(rows))


def _print(report: Report) -> None:
    """Print the table in one piece: several hosts may be at it at once."""
    title, *lines = report.as_table()
    colored = [stringc(line, COLORS[row.status]) for row, line in zip(report.rows, lines)]
    Display().display("\n".join(["", title, *colored]))


def _write(report: Report, folder: str) -> str:
    path = os.path.abspath(os.path.expanduser(folder))
    name = re.sub(r"[^\w.@:+-]", "_", report.host).lstrip(".") + ".json"
    text = json.dumps(report.as_json(), indent=2, ensure_ascii=False) + "\n"
    try:
        with Files(Sandbox(os.environ)).tree(path, create=True) as tree:
            tree.write(name, text.encode())
    except Problem as problem:
        raise AnsibleActionFail(f"the report could not be written: {problem}") from problem
    return os.path.join(path, name)
