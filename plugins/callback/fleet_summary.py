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
  - Prints one line a host at the end of C(update) and C(verify), worst first, and one line with the counts.
  - Hosts that were never reached because a rollout was stopped are named too.
  - Silent in every other run.
author:
  - the agfpd.iapeer_memory contributors (@agfpd)
requirements:
  - C(callbacks_enabled = agfpd.iapeer_memory.fleet_summary) in the section C([defaults]) of C(ansible.cfg)
"""

from typing import Any

from ansible.plugins.callback import CallbackBase

REPORT = "agfpd.iapeer_memory.report"
ROLE = "agfpd.iapeer_memory.host"
# Worst first. What each word means: nothing could be said, something failed, a check failed, something changed or
# would, nothing to do, stopped before its turn.
ORDER = {
    "unreachable": "red",
    "failed": "red",
    "drifted": "yellow",
    "changed": "yellow",
    "clean": "green",
    "not begun": "cyan",
}


class CallbackModule(CallbackBase):
    """The callback (see DOCUMENTATION)."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "aggregate"
    CALLBACK_NAME = "agfpd.iapeer_memory.fleet_summary"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._hosts: dict[str, tuple[str, str]] = {}
        self._playing: list[str] = []
        self._expected: set[str] = set()

    def v2_playbook_on_play_start(self, play: Any) -> None:
        """Take down whose turn it is, those of later batches included."""
        inventory = play.get_variable_manager()._inventory
        self._playing = [str(host) for host in inventory.get_hosts(play.hosts, ignore_restrictions=True)]

    def v2_playbook_on_task_start(self, task: Any, is_conditional: bool) -> None:
        """Count the hosts of a play that works with our role."""
        if _is_ours(task):
            self._expected.update(self._playing)

    def v2_runner_on_ok(self, result: Any) -> None:
        """Take down a report."""
        self._take(result)

    def v2_runner_on_failed(self, result: Any, ignore_errors: bool = False) -> None:
        """Take down a report that says that something failed, and a host that never came to its report."""
        if result._task.action == REPORT:
            self._take(result)
        elif _is_ours(result._task) and not ignore_errors:
            self._hosts[str(result._host)] = ("failed", " ".join(str(result._result.get("msg", "")).split())[:200])

    def v2_runner_on_unreachable(self, result: Any) -> None:
        """Take down a host that could not be asked."""
        if _is_ours(result._task):
            self._hosts.setdefault(str(result._host), ("unreachable", ""))

    def v2_playbook_on_stats(self, stats: Any) -> None:
        """Print the summary."""
        if not self._expected:
            return
        for name in self._expected:
            self._hosts.setdefault(name, ("not begun", ""))
        counts = {word: [name for name, (state, _why) in self._hosts.items() if state == word] for word in ORDER}
        total = ", ".join(f"{len(names)} {word}" for word, names in reversed(counts.items()) if names)
        self._display.display(f"\nFleet of {len(self._hosts)}: {total}")
        width = max(map(len, self._hosts), default=0)
        for word, names in counts.items():
            for name in sorted(names) if word != "clean" else ():
                self._display.display(f"  {word:11}  {name:{width}}  {self._hosts[name][1]}".rstrip(), ORDER[word])

    def _take(self, result: Any) -> None:
        if result._task.action != REPORT:
            return
        rows = [pair.rpartition("=") for pair in str(result._result.get("summary", "")).split()]
        failed = [name for name, _equals, status in rows if status == "fail"]
        changed = [name for name, _equals, status in rows if status in ("changed", "repaired")]
        if failed:
            drift = result._task.args.get("playbook") == "verify"
            self._hosts[str(result._host)] = ("drifted" if drift else "failed", ", ".join(failed))
        elif changed:
            self._hosts[str(result._host)] = ("changed", ", ".join(changed))
        else:
            self._hosts[str(result._host)] = ("clean", "")


def _is_ours(task: Any) -> bool:
    return task.action == REPORT or (task._role is not None and task._role.get_name() == ROLE)
