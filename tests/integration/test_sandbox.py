# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The armed sandbox, by whole modules as Ansible runs them: what was not named is not run, the account is closed."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import SWITCHES, TEMPORARY
from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import (
    ThrowawayHost,
    build_host,
    diff,
    process,
    read_json,
)

pytestmark = pytest.mark.once
ROOT = Path(__file__).resolve().parents[2]
MODULES = "ansible_collections.agfpd.iapeer_memory.plugins.modules."
ACCOUNT = Path(os.path.realpath(pwd.getpwuid(os.getuid()).pw_dir))
TRIGGER = {"kind": "event", "id": "iapeer-memory-memoryd", "target": "scriber", "wait": 1}

Result = dict[str, Any]


def run_module(
    host: ThrowawayHost, name: str, check: bool = False, switch: str | None = SWITCHES[0], **args: Any
) -> Result:
    """What a module returns on the host; switch: the variable that arms the sandbox, None leaves it unarmed."""
    internal = {"_ansible_check_mode": check, "_ansible_remote_tmp": str(host.base / "remote"), "_ansible_diff": True}
    env = {**host.env, "PYTHONPATH": os.environ["PYTHONPATH"], **({switch: "1"} if switch else {})}
    done = subprocess.run(
        [sys.executable, "-m", MODULES + name],
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {**args, **internal}}),
        env=env,
        cwd=host.base,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip().startswith("{"), done.stdout + done.stderr
    result: Result = json.loads(done.stdout)
    assert done.returncode == (1 if result.get("failed") else 0), done.stderr
    return result


def assert_skipped(result: Result) -> None:
    """A refusal is a skip: neither a failure nor a success."""
    assert not result.get("failed"), result
    assert result["changed"] is False, result
    assert (result["action"], result.get("skipped")) == ("skipped", True), result
    assert "refused by the sandbox" in result["detail"], result


Build = Callable[..., ThrowawayHost]


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    """A builder of throwaway hosts whose core is on PATH, and is not named by anybody."""
    hosts: list[ThrowawayHost] = []

    def make(**options: Any) -> ThrowawayHost:
        host = build_host(tmp_path / f"host-{len(hosts)}", **options)
        hosts.append(host)
        assert shutil.which("iapeer", path=host.env["PATH"]) == str(host.core_bin)
        return host

    yield make
    for host in hosts:
        host.stop()


@pytest.fixture
def outside() -> Iterator[Path]:
    """A folder that is in no sandbox root."""
    temps = [os.path.realpath(path) for path in (*TEMPORARY, tempfile.gettempdir())]
    base = ROOT / ".cache"
    if any(str(base).startswith(temp + os.sep) for temp in temps):
        pytest.skip("the checkout lies in a temp dir")
    base.mkdir(exist_ok=True)
    path = Path(tempfile.mkdtemp(prefix="sandbox-", dir=base))
    yield path
    shutil.rmtree(path)


# The core on PATH is not executed


@pytest.mark.parametrize("check", [True, False], ids=["check", "real"])
@pytest.mark.parametrize("switch", SWITCHES)
@pytest.mark.parametrize(
    ("module", "form", "args"),
    [
        ("fleet_map", "v1_2", {}),
        ("fleet_map", "absent", {"allow_empty": True}),
        ("notifier_trigger", "v1_2", {**TRIGGER, "script": "launcher"}),
        ("notifier_trigger", "v1_2", {**TRIGGER, "state": "absent", "id": "iapeer-memory-inbox-sweep", "kind": "time"}),
        ("legacy_plugin_off", "v1_1", {}),
        ("legacy_plugin_off", "v1_1", {"method": "core"}),
    ],
)
def test_a_core_that_nobody_named_is_not_run(
    build: Build, module: str, form: str, args: dict[str, Any], switch: str, check: bool
) -> None:
    host = build(form=form, watcher=module == "notifier_trigger" and args.get("state") == "absent")
    if args.get("script"):
        host.write_launcher()
        args = {**args, "script": str(host.launcher_path)}
    before = host.snapshot()
    result = run_module(host, module, check, switch, **args)
    if result["action"] in ("absent", "already"):
        pytest.fail(f"nothing was to be done: the test shows nothing ({result})")
    if check and module == "notifier_trigger":
        assert not result.get("failed")  # what would be sent is known without asking
    else:
        assert_skipped(result)
    assert host.calls() == []
    assert diff(before, host.snapshot()) == []


def test_surfaces_land_in_a_throwaway_place_and_only_the_trust_is_skipped(build: Build) -> None:
    host = build(form="v1_2")
    result = run_module(host, "peer_surfaces", all_results=True)
    assert not result.get("failed"), result
    actions = {
        (record["personality"], record["runtime"], outcome["surface"]): outcome
        for record in result["results"]
        for outcome in record["outcomes"]
    }
    trust = [outcome for (_name, _runtime, surface), outcome in actions.items() if surface == "trust"]
    assert trust
    assert {outcome["action"] for outcome in trust} == {"skipped"}
    assert all("refused by the sandbox" in outcome["detail"] for outcome in trust)
    assert actions["alpha", "claude", "mcp"]["action"] == "written"
    assert host.calls() == []


def test_the_provider_that_nobody_named_is_not_asked_for_its_version(build: Build) -> None:
    host = build(form="v1_2")
    fenced = run_module(host, "memory_host_info")
    assert fenced["sandboxed"] is True
    assert not fenced["binary"]["version"]
    assert run_module(host, "memory_host_info", switch=None)["binary"]["version"] == host.version
    assert run_module(host, "memory_host_info", binary_path=str(host.provider_bin))["binary"]["version"] == host.version


@pytest.mark.parametrize("value", ["0", "", "true"])
def test_any_other_value_does_not_arm(build: Build, value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    host = build(form="v1_2", fleet=False)
    monkeypatch.setattr(ThrowawayHost, "env", property(lambda self, env=host.env: {**env, SWITCHES[0]: value}))
    assert run_module(host, "fleet_map", switch=None)["action"] == "written"
    assert [call["argv"][0] for call in host.calls()] == ["list"]


# Naming it lets it run


def test_a_core_that_was_named_is_run(build: Build) -> None:
    host = build(form="v1_2", fleet=False)
    result = run_module(host, "fleet_map", iapeer_bin=str(host.core_bin))
    assert (result["action"], result["changed"]) == ("written", True)
    assert [call["argv"] for call in host.calls()] == [["list", "--json"]]
    assert host.fleet()["peers"]


def test_a_trigger_is_sent_by_a_core_that_was_named(build: Build) -> None:
    host = build(form="v1_2")
    host.write_launcher()
    args = {**TRIGGER, "script": str(host.launcher_path), "iapeer_bin": str(host.core_bin)}
    assert not run_module(host, "notifier_trigger", **args).get("failed")
    assert len(host.calls("send")) == 1
    assert [trigger["id"] for trigger in host.triggers() if trigger["role"] == "event"] == ["iapeer-memory-memoryd"]


def test_the_trust_is_given_by_a_core_that_was_named(build: Build) -> None:
    host = build(form="v1_2")
    result = run_module(host, "peer_surfaces", iapeer_bin=str(host.core_bin))
    assert not result.get("failed"), result
    assert host.calls("trust-hooks")


# The account is closed


def test_the_live_slot_map_and_config_read_as_absent(build: Build) -> None:
    """Whatever the account has, or has not: it is as if there were nothing."""
    host = build(form="v1_2")
    info = run_module(host, "memory_host_info", iapeer_root=str(ACCOUNT / ".iapeer"))
    assert not info.get("failed"), info
    assert info["slot"]["form"] == "absent"
    assert info["fleet"]["readable"] is False
    assert info["config"]["ok"] is False
    assert "IAPEER_MEMORY_VAULT_PATH is not set" in info["config"]["problem"]
    assert not info["memoryd"]["running"]


def test_a_link_to_the_live_files_reads_as_absent(build: Build, outside: Path) -> None:
    """The same by what stands for the account here: a harness folder in no sandbox root, with everything in it."""
    host = build(form="v1_2")
    shutil.copytree(host.root, outside / ".iapeer")
    (host.base / "link").symlink_to(outside / ".iapeer")
    for root in (outside / ".iapeer", host.base / "link"):
        known = run_module(host, "memory_host_info", switch=None, iapeer_root=str(root))
        assert (known["slot"]["form"], known["fleet"]["readable"], known["config"]["ok"]) == ("v1_2", True, True)
        info = run_module(host, "memory_host_info", iapeer_root=str(root))
        assert (info["slot"]["form"], info["fleet"]["readable"], info["config"]["ok"]) == ("absent", False, False)


@pytest.mark.parametrize(
    ("module", "args"),
    [
        ("memory_slot", {"version": "1.2.0"}),
        ("fleet_map", {"named": True}),
        ("provider_files", {"part": "launcher"}),
        ("role_doctrines", {"version": "1.2.0", "vault_path": "/tmp", "roles": True}),
    ],
)
def test_nothing_is_written_to_a_live_root(build: Build, outside: Path, module: str, args: dict[str, Any]) -> None:
    host = build(form="v1_2")
    args = dict(args)
    if args.pop("named", False):
        args["iapeer_bin"] = str(host.core_bin)
    if args.pop("roles", False):
        (host.base / "state").mkdir()
        peer = str(outside / "peer")
        template = host.base / "state" / "index.md"
        template.write_text("text\n")
        manifest = {"roles": [{"role": "index", "peerCwd": peer, "template": str(template)}]}
        (host.base / "state" / "roles.json").write_text(json.dumps(manifest))
        (outside / "peer").mkdir()
        args["state_dir"] = str(host.base / "state")
    before = sorted(outside.rglob("*"))
    for check in (True, False):
        result = run_module(host, module, check, iapeer_root=str(outside / ".iapeer"), **args)
        assert not result.get("failed"), result
        assert result["changed"] is False, result
        assert "refused by the sandbox" in json.dumps(result), result
    assert sorted(outside.rglob("*")) == before


@pytest.mark.parametrize("module", ["memory_slot", "provider_files"])
def test_nothing_is_written_to_the_accounts_own_root(build: Build, module: str) -> None:
    host = build(form="v1_2")
    args = {"memory_slot": {"version": "1.2.0"}, "provider_files": {"part": "launcher"}}[module]
    # In check mode alone: a sandbox that let it through would write to the account.
    assert_skipped(run_module(host, module, check=True, iapeer_root=str(ACCOUNT / ".iapeer"), **args))


def test_surfaces_outside_the_sandbox_roots_are_skipped(build: Build, outside: Path) -> None:
    host = build(form="v1_2")
    for name in ("one", "two"):
        (outside / name).mkdir()
    (outside / "two" / ".claude").mkdir()
    (outside / "two" / ".claude" / "settings.json").write_text("{}\n")
    before = {path: path.lstat().st_mtime_ns for path in sorted(outside.rglob("*"))}
    peers = [
        {"personality": "one", "cwd": str(outside / "one"), "runtimes": ["claude", "codex"]},
        {"personality": "two", "cwd": str(outside / "two"), "runtimes": ["claude"]},
    ]
    for surfaces in (["hooks"], ["skills"], ["hooks", "skills", "trust"]):
        for check in (True, False):
            result = run_module(host, "peer_surfaces", check, peers=peers, surfaces=surfaces)
            assert not result.get("failed"), result
            outcomes = [outcome for record in result["results"] for outcome in record["outcomes"]]
            ours = [outcome for outcome in outcomes if str(outside) in outcome["path"]]
            assert ours
            assert {outcome["action"] for outcome in ours} <= {"skipped", "absent", "already"}, ours
            assert any("refused by the sandbox" in outcome["detail"] for outcome in ours)
    assert {path: path.lstat().st_mtime_ns for path in sorted(outside.rglob("*"))} == before
    assert host.calls() == []


def test_a_root_that_is_named_in_the_environment_is_open(
    build: Build, outside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = build(form="v1_2")
    root = outside / ".iapeer"
    root.mkdir()
    monkeypatch.setattr(ThrowawayHost, "env", property(lambda self, env=host.env: {**env, "IAPEER_ROOT": str(root)}))
    result = run_module(host, "memory_slot", version="1.2.0")
    assert (result.get("failed"), result["changed"]) == (None, True), result
    assert read_json(root / "memory-provider.json")["provider"] == "iapeer-memory"


def test_the_daemon_of_a_live_account_is_not_ended(build: Build, outside: Path) -> None:
    host = build(form="v1_2", watcher=True)
    host.start_notifier()
    pid = host.wait_daemon()
    (outside / ".iapeer").mkdir()
    (outside / ".iapeer" / "memoryd.pid").write_text(f"{pid}\n")
    result = run_module(host, "memoryd_restart", state_dir=str(outside / ".iapeer"), wait=0)
    assert (result["action"], result["changed"]) == ("not_running", False)
    assert process(pid) is not None
    assert (outside / ".iapeer" / "memoryd.pid").exists()
    fenced = run_module(host, "memoryd_restart", wait=10)  # the throwaway host's own may be: signals are verified
    assert (fenced["action"], fenced["old_pid"], fenced["signal"]) == ("restarted", pid, "TERM"), fenced
