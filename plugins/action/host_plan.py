# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of the one look: what it hands over, and the report where nothing is left to do."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure, AnsibleError
from ansible.plugins.action import ActionBase

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.gates import PLANS, is_due, plan_of
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things.verdicts import HUNG_AFTER
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.asked import given, read, variable
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.checks import rows_of
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.differences import counted
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.payload import handed_over, packing
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.report import BAD
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.runs import context_of
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.sources import (
    checksum,
    find,
    read_skills,
    read_templates,
    templates_for,
)
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.steps import said_by

MODULE = "agfpd.iapeer_memory.host_plan"
REPORT = "agfpd.iapeer_memory.report"
ROLE = "agfpd.iapeer_memory.host"
FINISHED, ONLY_REPORT = "finished", "report"


class ActionModule(ActionBase):
    """Hand over, look, and say what comes next."""

    TRANSFERS_FILES = False  # but for a new binary: without a place for it, a look costs one command on the host

    @packing()
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the look and next: the tasks that follow, report or finished; what stops a look is told as stopped."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        asked = {"repair": False, "rollback": True, "hung_after": HUNG_AFTER}
        try:
            self._refuse_parts(task_vars or {})
            report = self._read(self._task.args.get("report") or {})
            if report:
                report.setdefault("playbook", self._task.args.get("playbook") or "update")
            self._announce(report, task_vars or {})
            self._show_what_is_foretold()
            options = self._read({name: value for name, value in self._task.args.items() if name != "report"})
            asked = {name: options.get(name, value) for name, value in asked.items()}
            with handed_over(self._connection):
                looked = self._look(options, task_vars)
        except AnsibleConnectionFailure:  # unreachable, which Ansible says
            raise
        except (AnsibleError, Problem) as problem:  # a become that fails is none of a module
            stopped = {"action": "failed", "stopped": str(problem), "asked": asked, "next": ONLY_REPORT}
            return {**result, "changed": False, **stopped}
        if looked.get("failed"):
            looked["failed"] = False  # else Ansible judges by the exit code of a module that was killed
            looked["stopped"] = said_by(looked) or "it ended without a word"
        # Ansible shows differences only of what it calls changed.
        looked["changed"] = bool(looked.get("changed") or looked.get("diff"))
        looked["asked"] = asked
        looked["next"] = self._next(looked, report)
        if looked["next"] == FINISHED:
            try:
                ended = self._report({**report, "look": looked}, task_vars)
                looked.update(summary=ended["summary"], rows=ended["steps"], state=ended["state"])
            except AnsibleActionFail:  # a folder that takes no reports: the task of the report says so
                looked["next"] = ONLY_REPORT
        return counted({**result, **looked})

    def _show_what_is_foretold(self) -> None:
        """In the role, show differences only where nothing follows that makes and shows them."""
        if str(self._task._role) == ROLE:
            last = self._task.check_mode or self._task.args.get("playbook") == "verify"
            self._task.diff = bool(self._task.diff and last)

    def _read(self, options: Mapping[str, Any]) -> dict[str, Any]:
        """The options that are given, each as what it is to be; a user of the role is told of its variables."""
        in_role = str(self._task._role) == ROLE
        return {name: read(name, value, variable(name) if in_role else name) for name, value in given(options).items()}

    def _refuse_parts(self, variables: Mapping[str, Any]) -> None:
        """A run of which tags choose a part would do nothing, or more than was asked for, and look fine."""
        wanted = set(variables.get("ansible_run_tags") or ["all"])
        if not wanted & {"all", "tagged", *set(self._task.tags) - {"always"}}:
            names = ", ".join(sorted(wanted))
            raise AnsibleActionFail(
                f"--tags {names}: the steps depend on each other and run as a whole; "
                "to do one thing alone, use its module"
            )
        steps = {name for plan in PLANS.values() for name in plan.order}
        left_out = ", ".join(sorted(steps & set(variables.get("ansible_skip_tags") or ())))
        if left_out:
            raise AnsibleActionFail(f"--skip-tags {left_out}: the steps depend on each other and run as a whole")

    def _announce(self, report: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
        """Say in the folder of the reports that a run has begun, so that no older report stands for a host of it."""
        if not report.get("report_dir"):
            return
        # Here, because a run without reports need not read all of it.
        from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.reports import begin

        folder = os.path.abspath(os.path.expanduser(str(report["report_dir"])))
        context = context_of(str(self._task._uuid), variables)
        host = str(variables.get("inventory_hostname", ""))
        with contextlib.suppress(Problem):  # the report says what is wrong with the folder
            begin(folder, str(report.get("playbook", "")), bool(self._task.check_mode), host, context)

    def _look(self, options: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        arguments, own = dict(options), dict[str, Any]()
        binary = arguments.pop("binary_src", None)
        if binary is not None:
            binary = find(self, "binary_src", binary)
            arguments["checksum"] = checksum("binary_src", binary)
        if "skills_src" in arguments:
            folder = find(self, "skills_src", arguments.pop("skills_src"))
            own["skills"] = arguments["skills"] = read_skills("skills_src", folder)
        if "templates_src" in arguments:
            folder = find(self, "templates_src", arguments.pop("templates_src"))
            arguments["templates"] = read_templates("templates_src", folder)
        looked: dict[str, Any] = self._execute_module(MODULE, arguments, task_vars=task_vars)
        needed = ((looked.get("steps") or {}).get("binary") or {}).get("needed")
        if binary and needed and self._task.check_mode:  # what a new binary wants, it has to be there to say
            shell = self._connection._shell
            arguments["src"] = shell.join_path(shell.tmpdir or self._make_tmp_path(), "source")
            self._transfer_file(binary, arguments["src"])
            looked = self._execute_module(MODULE, arguments, task_vars=task_vars)
        if "templates" in arguments and looked.get("config"):
            own["templates"] = templates_for("templates_src", arguments["templates"], looked["config"]["locale"])
        return {**looked, "own": own}

    def _next(self, looked: Mapping[str, Any], report: Mapping[str, Any]) -> str:
        if "stopped" in looked:
            return ONLY_REPORT
        if not report:  # the second look of a run, amid its steps
            return plan_of(looked).tasks
        repair: bool = looked["asked"]["repair"]
        acting = not self._task.check_mode and (repair or report.get("playbook") != "verify")
        plan = plan_of(looked)
        if acting and any(is_due(name, looked, {}, repair) for name in plan.order):
            return plan.tasks
        failing = any(row.status in BAD for row in rows_of({**report, "look": looked}))
        return ONLY_REPORT if failing else FINISHED

    def _report(self, options: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        """End the run at once: a host that is fine costs one task."""
        task = self._task.copy()
        task.args = options
        action = self._shared_loader_obj.action_loader.get(
            REPORT,
            task=task,
            connection=self._connection,
            play_context=self._play_context,
            loader=self._loader,
            templar=self._templar,
            shared_loader_obj=self._shared_loader_obj,
        )
        action.tentative = True
        ended: dict[str, Any] = action.run(task_vars=task_vars)
        return ended
