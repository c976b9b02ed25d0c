# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the real playbooks on throwaway hosts and read what came of it: exit code, recap, reports, output."""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable, NamedTuple
from unittest import mock

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms import wanted
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.ahead import NOTHING
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import Host, open_host
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.results import stopped
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.gates import is_due, plan_of
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.look import look, work_of
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.step import Step
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.checks import rows_of
from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import ThrowawayHost, write, write_json
from ansible_collections.agfpd.iapeer_memory.tests.mac_like import sitecustomize

COLLECTION = "agfpd.iapeer_memory."
RECAP = re.compile(r"^(\S+)\s+: (ok=\d+.*)$", re.MULTILINE)
# What a user must never be shown, whatever the state of a host.
UNSIGHTLY = ("Traceback (most recent call last)", "DEPRECATION WARNING", "MODULE FAILURE", "AnsibleUndefined")
TIMEOUT = 600


class Row(NamedTuple):
    """One line of a report."""

    status: str
    detail: str


class Run(NamedTuple):
    """What one run of a playbook came to. reports, recap and starts go by the name of the inventory host.

    fleet: fleet.json. starts: how often an interpreter was started for a module.
    """

    rc: int
    stdout: str
    stderr: str
    reports: dict[str, dict[str, Any]]
    recap: dict[str, dict[str, int]]
    fleet: dict[str, Any] = {}
    starts: dict[str, int] = {}

    @property
    def output(self) -> str:
        """Everything that the user saw."""
        return self.stdout + self.stderr

    def rows(self, name: str = "host") -> dict[str, Row]:
        """The rows of a host's report by the name of the step or check."""
        return {row["name"]: Row(row["status"], row["detail"]) for row in self.reports[name]["steps"]}

    def statuses(self, name: str = "host") -> dict[str, str]:
        """The status of each step or check of a host."""
        return {row["name"]: row["status"] for row in self.reports[name]["steps"]}

    def named(self, status: str, name: str = "host") -> list[str]:
        """The steps or checks of a host with this status, in the order of the report."""
        return [row["name"] for row in self.reports[name]["steps"] if row["status"] == status]

    def states(self) -> dict[str, str]:
        """How each host of the fleet is, in a word."""
        return {entry["host"]: entry["state"] for entry in self.fleet["hosts"]}

    def failed(self, name: str = "host") -> list[str]:
        """The steps or checks of a host that failed."""
        return self.named("fail", name)


def interpreter(host: ThrowawayHost, extra: Mapping[str, str], before: str = "") -> Path:
    """A Python for one inventory host: that of the tests' other side, in that host's own environment and nothing else.

    Each start adds a line to a file of its own (see starts).
    """
    words = [f"{key}={value}" for key, value in {**host.env, **like_a_mac(), **extra}.items()]
    python = os.environ.get("ANSIBLE_PYTHON_INTERPRETER", sys.executable)
    line = f'exec env -i {shlex.join(words)} {before}{shlex.quote(python)} "$@"\n'
    path = host.run_dir / "python"
    write(path, f"#!/bin/sh\necho >> {shlex.quote(str(path))}.starts\n{line}", 0o755)
    return path


def like_a_mac() -> dict[str, str]:
    """What takes away from the modules what only Linux has, where the tests run like that (tests/mac_like)."""
    names = (sitecustomize.SWITCH, "PYTHONPATH") if sitecustomize.SWITCH in os.environ else ()
    return {name: os.environ[name] for name in names}


class Fleet:
    """Throwaway hosts as the hosts of one inventory, each with an environment of its own."""

    def __init__(self, folder: Path, hosts: Mapping[str, ThrowawayHost]) -> None:
        self.folder = folder
        self.hosts = dict(hosts)
        self.variables: dict[str, dict[str, Any]] = {}
        self.environment: dict[str, dict[str, str]] = {}
        self.before: dict[str, str] = {}
        self.settings: dict[str, str] = {}
        self.connection: dict[str, Any] = {"ansible_connection": "local", "ansible_pipelining": True}

    def inventory(self) -> Path:
        """The inventory file, written anew."""
        hosts = {name: {**self._variables(name), **self.variables.get(name, {})} for name in self.hosts}
        path = self.folder / "inventory.json"
        write_json(path, {"all": {"hosts": hosts}})
        return path

    def _variables(self, name: str) -> dict[str, Any]:
        host = self.hosts[name]
        python = interpreter(host, self.environment.get(name, {}), self.before.get(name, ""))
        return {
            **self.connection,
            "ansible_python_interpreter": str(python),
            "ansible_remote_tmp": str(host.home / ".ansible" / "tmp"),
        }

    def run(self, playbook: str, *words: str, report: bool = True, **variables: Any) -> Run:
        """Run a playbook of the collection, or a file; further words and variables (as -e) go to ansible-playbook.

        The output is checked for what nobody should ever see, whatever the exit code.
        """
        folder = self.folder / "reports"
        counts = {name: host.run_dir / "python.starts" for name, host in self.hosts.items()}
        for old in [*folder.glob("*"), *counts.values()]:
            old.unlink(missing_ok=True)
        if report:
            variables["iapeer_memory_report_dir"] = str(folder)
        command = [str(Path(sys.executable).parent / "ansible-playbook")]
        command += [playbook if os.path.isabs(playbook) else COLLECTION + playbook]
        command += ["-i", str(self.inventory()), *words]
        command += ["-e", json.dumps(variables)] if variables else []
        run = finish(command, {**os.environ, "ANSIBLE_FORKS": "8", **self.settings}, folder)
        starts = {name: path.read_text().count("\n") for name, path in counts.items() if path.exists()}
        return run._replace(starts=starts)

    def update(self, *words: str, **options: Any) -> Run:
        """Run update."""
        return self.run("update", *words, **options)

    def verify(self, *words: str, **options: Any) -> Run:
        """Run verify."""
        return self.run("verify", *words, **options)

    def install(self, *words: str, **options: Any) -> Run:
        """Run install."""
        return self.run("install", *words, **options)

    def uninstall(self, *words: str, **options: Any) -> Run:
        """Run uninstall."""
        return self.run("uninstall", *words, **options)

    def repair(self, *words: str, **options: Any) -> Run:
        """Run verify and let it mend, asked for as on a command line: the value is a text there."""
        return self.run("verify", "-e", "iapeer_memory_repair=true", *words, **options)


def run_alone(host: ThrowawayHost, playbook: str, *words: str) -> Run:
    """The playbook as an operator types it on the host itself: no inventory file, no variables."""
    command = [str(Path(sys.executable).parent / "ansible-playbook"), COLLECTION + playbook]
    command += ["-i", "host,", "-c", "local", *words]
    return finish(command, {**os.environ, **host.env, "ANSIBLE_REMOTE_TEMP": str(host.home / ".ansible/tmp")}, None)


def finish(command: list[str], env: Mapping[str, str], reports: Path | None) -> Run:
    """Run the command to its end, look at what it printed, and read the reports."""
    done = subprocess.run(
        command, env=dict(env), stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=TIMEOUT, check=False
    )
    files = reports.glob("*.json") if reports else ()
    found = {path.name: json.loads(path.read_text(encoding="utf-8")) for path in files}
    fleet = found.pop("fleet.json", {})
    by_host = {report["host"]: report for report in found.values()}
    run = Run(done.returncode, done.stdout, done.stderr, by_host, recap(done.stdout), fleet)
    for text in UNSIGHTLY:
        assert text not in run.output, run.output
    return run


def recap(stdout: str) -> dict[str, dict[str, int]]:
    """The counters of PLAY RECAP."""
    pairs = [(match[1], match[2].split()) for match in RECAP.finditer(stdout.partition("PLAY RECAP")[2])]
    return {
        name: {key: int(count) for key, _equals, count in (w.partition("=") for w in words)} for name, words in pairs
    }


def act(
    host: ThrowawayHost,
    playbook: str = "update",
    check: bool = False,
    between: Callable[[], object] = lambda: None,
    **options: Any,
) -> dict[str, Row]:
    """What a playbook does, in this very process, which knows nothing of earlier ones: look, due steps, rows.

    For tests of what comes after, and of many hosts: roles/host asks the same functions in the same order. options: the
    look's own, and repair.
    """
    repair = bool(options.pop("repair", False))
    options = {"playbook": playbook, "keep": playbook == "update", "probe": playbook == "verify", **options}
    options = {"lock_timeout": 5, "restart": "never", "wait": 5, **options}
    done: dict[str, Any] = {}
    with mock.patch.dict(os.environ, host.env, clear=True), mock.patch.dict(wanted._known, clear=True):
        found = open_host(options, os.environ)
        looked = look(found, options, check).as_dict(with_diff=False)
        between()
        for name in plan_of(looked).order if not check and (repair or playbook != "verify") else ():
            if is_due(name, looked, done, repair):
                done[name] = _worked(found, work_of(playbook)[name], options)
    rows = rows_of({"playbook": playbook, "look": looked, "done": done, "repair": repair})
    return {row.name: Row(row.status, row.detail) for row in rows}


def _worked(found: Host, step: Step, options: dict[str, Any]) -> dict[str, Any]:
    try:
        return step.work(found, step.options(options), False, NOTHING).as_dict(with_diff=False)
    except Problem as problem:
        return stopped(problem).as_dict(with_diff=False)


def settle(host: ThrowawayHost, **options: Any) -> None:
    """Bring a host to where update would, memoryd apart: a quick start for tests of what comes after."""
    rows = act(host, **options)
    assert "fail" not in {row.status for row in rows.values()}, rows
