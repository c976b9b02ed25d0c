# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Wrong options: one clear message, and nothing is touched."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import Peer, ThrowawayHost, diff, write_json
from ansible_collections.agfpd.iapeer_memory.tests.integration.conftest import Build, Gather
from ansible_collections.agfpd.iapeer_memory.tests.integration.playbook import COLLECTION, Run, finish

pytestmark = pytest.mark.slow

# Options of the role that no host can make good, and what the user is told; EMPTY stands for an empty folder.
ROLE: dict[str, tuple[dict[str, Any], str]] = {
    "restart": (
        {"iapeer_memory_restart": "sometimes"},
        "value of restart must be one of: stale, always, never, got: sometimes",
    ),
    "timeout": ({"iapeer_memory_lock_timeout": "soon"}, "lock_timeout"),
    "lock": (
        {"iapeer_memory_lock_timeout": -1},
        "iapeer_memory_lock_timeout must be a number of seconds from 0 on, not -1",
    ),
    "wait": (
        {"iapeer_memory_restart_wait": -1},
        "iapeer_memory_restart_wait must be a number of seconds from 0 on, not -1",
    ),
    "index": (
        {"iapeer_memory_index_wait": "nan"},
        "iapeer_memory_index_wait must be a number of seconds from 0 on, not 'nan'",
    ),
    "stale": (
        {"iapeer_memory_heartbeat_stale_after": "-5"},
        "iapeer_memory_heartbeat_stale_after must be a number of seconds from 1 on, not '-5'",
    ),
    "rollback": ({"iapeer_memory_rollback": "maybe"}, "iapeer_memory_rollback must be true or false, not 'maybe'"),
    "unreachable": (
        {"iapeer_memory_unreachable_fails": "maybe"},
        "iapeer_memory_unreachable_fails must be true or false, not 'maybe'",
    ),
    "root": ({"iapeer_memory_root": "relative/root"}, "iapeer_root must be an absolute path, not 'relative/root'"),
    "config": ({"iapeer_memory_config_file": "config.env"}, "config_file must be an absolute path, not 'config.env'"),
    "state": ({"iapeer_memory_state_dir": "./state"}, "state_dir must be an absolute path, not './state'"),
    "core": ({"iapeer_memory_iapeer_bin": "bin/iapeer"}, "iapeer_bin must be an absolute path, not 'bin/iapeer'"),
    "binary": (
        {"iapeer_memory_binary_path": "/nowhere/iapeer-memory"},
        "no binary at /nowhere/iapeer-memory: install it",
    ),
    "src": (
        {"iapeer_memory_binary_src": "/nowhere/iapeer-memory"},
        "binary_src: no such file on the controller: '/nowhere/iapeer-memory'",
    ),
    "templates": ({"iapeer_memory_templates_src": "EMPTY"}, "templates_src: EMPTY on the controller holds no *.md"),
    "skills": (
        {"iapeer_memory_skills_src": "EMPTY"},
        "skills_src: EMPTY on the controller holds no iapeer-memory-*/SKILL.md",
    ),
}
PEER = {"personality": "alpha", "cwd": "relative/alpha", "runtimes": ["claude"]}
# Options of single modules, and the whole message.
MODULES: list[tuple[str, dict[str, Any], str]] = [
    ("memory_slot", {"version": "new"}, "version must be a version such as 1.4.0, not 'new'"),
    ("memory_slot", {"state": "gone"}, "value of state must be one of: present, absent, got: gone"),
    ("memory_slot", {"version": "1.2.0", "binary_path": "/nowhere/x"}, "/nowhere/x: no such binary: "),
    ("peer_surfaces", {"port": 70000}, "port must be from 1 to 65535, not 70000"),
    ("peer_surfaces", {"port": 0}, "port must be from 1 to 65535, not 0"),
    ("peer_surfaces", {"peers": [PEER]}, "peers: the cwd of alpha must be an absolute path, not 'relative/alpha'"),
    (
        "peer_surfaces",
        {"surfaces": ["memory"]},
        "value of surfaces must be one or more of: hooks, mcp, skills, trust. ",
    ),
    ("role_doctrines", {"version": "new"}, "version must be a version such as 1.4.0, not 'new'"),
    ("notifier_trigger", {"kind": "event", "id": "x"}, "script, target must be given for a trigger of the kind event"),
    ("notifier_trigger", {"kind": "event", "id": "", "target": "y"}, "id is empty: name the trigger"),
]


def _failures(run: Run, name: str) -> list[str]:
    """The messages of the failed tasks of a host."""
    lines = re.findall(rf"^fatal: \[{name}\]: FAILED! => (.*)$", run.stdout, re.MULTILINE)
    lines += re.findall(rf"^fatal: \[{name}\]: FAILED! => (.*)$", run.stderr, re.MULTILINE)
    return [str(json.loads(line)["msg"]) for line in lines]


def test_wrong_options_of_the_role_stop_a_host_before_it_is_touched(
    build: Build, gather: Gather, tmp_path: Path
) -> None:
    empty = tmp_path / "empty"
    empty.mkdir()
    hosts = {name: build(peers=[]) for name in ROLE}
    fleet = gather(**hosts)
    for name, (options, _words) in ROLE.items():
        fleet.variables[name] = {key: value if value != "EMPTY" else str(empty) for key, value in options.items()}
    before = {name: host.snapshot(times=True) for name, host in hosts.items()}
    run = fleet.update(iapeer_memory_max_fail_percentage=100)
    assert run.rc == 2
    for name, (_options, words) in ROLE.items():
        wanted = words.replace("EMPTY", str(empty))
        assert run.failed(name) == ["binary"]
        assert wanted in run.rows(name)["binary"].detail
        assert {row.status for step, row in run.rows(name).items() if step != "binary"} == {"skip"}
        assert diff(before[name], hosts[name].snapshot(times=True)) == []
        assert hosts[name].calls() == []


@pytest.mark.parametrize("playbook", ["update", "verify", "install", "uninstall"])
def test_a_variable_that_does_not_resolve_is_no_default(build: Build, gather: Gather, playbook: str) -> None:
    """It is the one row that failed in the report of this run: none of an earlier one stands for it."""
    host = build(form="v1_2", peers=[])
    before = host.snapshot(times=True)
    read = _variables(playbook)
    read.remove("iapeer_memory_report_dir")
    fleet = gather(**dict.fromkeys(read, host))
    for name in read:
        fleet.variables[name] = {name: "{{ nope }}"}
    run = fleet.run(playbook, iapeer_memory_max_fail_percentage=100)
    assert run.rc == 2
    for name in read:
        (failed,) = run.failed(name)
        assert "'nope' is undefined" in run.rows(name)[failed].detail, name
    assert diff(before, host.snapshot(times=True)) == []
    assert host.calls() == []


def test_a_folder_for_reports_that_does_not_resolve_is_no_default(build: Build, gather: Gather) -> None:
    host = build(form="v1_2", peers=[])
    before = host.snapshot(times=True)
    run = gather(host).run("update", report=False, iapeer_memory_report_dir="{{ nope }}")
    assert run.rc == 2
    messages = _failures(run, "host")
    assert messages != []
    assert [message for message in messages if "'nope' is undefined" not in message] == []
    assert diff(before, host.snapshot(times=True)) == []


@pytest.mark.parametrize("playbook", ["update", "verify", "install", "uninstall"])
def test_a_variable_that_an_entry_point_does_not_name_is_not_read(
    build: Build, gather: Gather, playbook: str
) -> None:
    fleet = gather(build(form="v1_2", peers=[Peer("alpha")]))
    read = _variables(playbook)
    chosen = {"iapeer_memory_repair": True, "iapeer_memory_restart_wait": 0}
    options = {name: chosen.get(name) if name in read else "{{ nope }}" for name in _variables()}
    del options["iapeer_memory_report_dir"]
    run = fleet.run(playbook, **options)
    assert "nope" not in run.output
    assert run.named("repaired" if playbook == "verify" else "changed") != []


def _variables(playbook: str | None = None) -> list[str]:
    """The variables that an entry point of the role names, or any of them."""
    path = Path(__file__).resolve().parents[2] / "roles" / "host" / "meta" / "argument_specs.yml"
    specs = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]
    return sorted({name for each, spec in specs.items() if playbook in (each, None) for name in spec["options"]})


def test_null_and_empty_text_are_the_default_where_the_role_is_used_too(
    build: Build, gather: Gather, tmp_path: Path
) -> None:
    host = build(form="v1_2", peers=[])
    fleet = gather(null=host, blank=host)
    for name, empty in (("null", None), ("blank", "")):
        fleet.variables[name] = dict.fromkeys(_variables("update"), empty)
        del fleet.variables[name]["iapeer_memory_report_dir"]
    play = {"hosts": "all", "gather_facts": False, "roles": [COLLECTION + "host"]}
    write_json(tmp_path / "play.json", [play])
    run = fleet.run(str(tmp_path / "play.json"), "--check")
    assert run.rc == 0
    assert run.rows("null") == run.rows("blank")
    assert run.failed("null") == []


def test_wrong_options_of_a_module_give_one_message_and_touch_nothing(
    build: Build, gather: Gather, tmp_path: Path
) -> None:
    host = build(form="v1_2", peers=[])
    before = host.snapshot(times=True)
    messages = _run_modules(host, gather, tmp_path)
    assert len(messages) == len(MODULES)
    for (module, options, words), message in zip(MODULES, messages):
        assert words in message, (module, options)
        assert "\n" not in message
    assert diff(before, host.snapshot(times=True)) == []
    assert host.calls() == []


def _run_modules(host: ThrowawayHost, gather: Gather, folder: Path) -> list[str]:
    """Call the modules one after the other in a playbook of their own."""
    tasks = [{COLLECTION + module: options, "ignore_errors": True} for module, options, _words in MODULES]
    play = {"hosts": "all", "gather_facts": False, "tasks": tasks}
    (folder / "play.json").write_text(json.dumps([play]), encoding="utf-8")
    inventory = gather(host).inventory()
    command = [str(Path(sys.executable).parent / "ansible-playbook"), "-i", str(inventory), str(folder / "play.json")]
    run = finish(command, os.environ, None)
    assert run.recap["host"]["ignored"] == len(MODULES)
    return _failures(run, "host")


def _listed(playbook: str, **variables: Any) -> Run:
    """Have Ansible list the hosts of a playbook, before which it reads the keywords of the play."""
    command = [str(Path(sys.executable).parent / "ansible-playbook"), COLLECTION + playbook, "-i", "h1,h2,"]
    return finish([*command, "--list-hosts", "-e", json.dumps(variables)], os.environ, None)


@pytest.mark.parametrize("keyword", ["hosts", "serial", "max_fail_percentage"])
def test_hosts_and_batches_that_do_not_resolve_are_no_default(keyword: str) -> None:
    run = _listed("uninstall", **{f"iapeer_memory_{keyword}": "{{ nope }}"})
    assert run.rc != 0
    assert "pattern: " not in run.output
    assert f"keyword '{keyword}': " in run.output
    assert "'nope' is undefined" in run.output


def test_a_list_without_hosts_is_not_every_host() -> None:
    run = _listed("uninstall", iapeer_memory_hosts=[])
    assert run.rc != 0
    assert "pattern: " not in run.output
    assert "iapeer_memory_hosts must be a pattern of hosts, or a list of them, not []" in run.output


def test_hosts_and_batches_may_be_lists() -> None:
    run = _listed("install", iapeer_memory_serial=[1, "50%"], iapeer_memory_hosts=["h2"])
    assert run.rc == 0
    assert "pattern: ['h2']" in run.output
