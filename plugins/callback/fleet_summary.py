# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One glance at a fleet: which hosts are clean, drifted, failed or out of reach."""

from __future__ import annotations

DOCUMENTATION = r"""
name: fleet_summary
type: aggregate
short_description: Say in one glance how the hosts of a run are
version_added: 0.1.0
description:
  - Prints at the end of a run with the role C(host) one line with the counts, and what is to be said of each host that
    is not clean, worst first, with the step or check and its reason.
  - Hosts whose turn never came because a rollout was stopped are named too.
  - Silent in every other run, and where the standard output is for programs (a callback such as C(json)).
author:
  - the agfpd.iapeer_memory contributors (@agfpd)
requirements:
  - C(callbacks_enabled = agfpd.iapeer_memory.fleet_summary) in the section C([defaults]) of C(ansible.cfg)
"""

from typing import Any

from ansible.constants import DEFAULT_STDOUT_CALLBACK
from ansible.plugins.callback import CallbackBase

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents.shown import shown
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.conditions import (
    FAILED,
    NOT_BEGUN,
    UNREACHABLE,
    WORST_FIRST,
)
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.screen import bad_lines, for_machines, summary

OURS = "agfpd.iapeer_memory."
REPORT = OURS + "report"
# How a task of our role is named by Ansible.
ROLE = OURS + "host : "
COLORS = dict(zip(WORST_FIRST, ("red", "red", "yellow", "yellow", "green", "cyan")))


class CallbackModule(CallbackBase):
    """The callback (see DOCUMENTATION)."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "agfpd.iapeer_memory.fleet_summary"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hosts: dict[str, tuple[str, list[str]]] = {}
        self._playing: list[str] = []

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Take down whose turn it is, those of later batches included."""
        variables = play.get_variable_manager().get_vars(play=play, include_hostvars=False)
        self._playing = [str(host) for host in variables["ansible_play_hosts_all"]]

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Count the hosts of a play that works with our role."""
        if _is_ours(task):
            for host in self._playing:
                self._hosts.setdefault(host, (NOT_BEGUN, []))

    def v2_runner_on_ok(self, result: Any) -> None:
        """Take down a report."""
        self._take(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Take down a report that says that something failed, and a host that never came to its report."""
        if _is_ours(result.task) and not ignore_errors:
            self._take(result, FAILED)

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Take down a host that could not be asked, by its report or before it."""
        if _is_ours(result.task) and not result.task.ignore_unreachable:
            self._take(result, UNREACHABLE)

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Print the summary."""
        if self._hosts and not for_machines(str(DEFAULT_STDOUT_CALLBACK)):
            for state, line in summary(self._hosts):
                self._display.display(line, COLORS.get(state))

    def _take(self, result: Any, otherwise: str = "") -> None:
        found, host = result.result, str(result.host)
        rows = found.get("steps" if result.task.action == REPORT else "rows")
        if "state" in found and rows is not None:
            self._hosts[host] = (found["state"], bad_lines(found["state"], rows))
        elif otherwise:
            self._hosts[host] = (otherwise, [shown(str(found.get("msg", "")))])


def _is_ours(task: Any) -> bool:
    return task.action == REPORT or str(task.get_name()).startswith(ROLE)
