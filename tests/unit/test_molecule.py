# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The promises of the scenarios that can be kept without running them: isolated, complete, and able to fail."""

from __future__ import annotations

import importlib.util
import os
import time
import types
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
MOLECULE = ROOT / "molecule"
SHARED = MOLECULE / "shared"
NAMES = ["default", "drift", "life", "rollout"]
STEPS = ["create", "prepare", "check", "converge", "idempotence", "verify", "destroy"]


def load(path: Path) -> Any:
    """A Python file that is in no package."""
    spec = importlib.util.spec_from_file_location(f"molecule_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


isolation = load(SHARED / "inside" / "isolation.py")
run_all = load(MOLECULE / "run_all.py")


# The scenarios


def test_all_scenarios_are_there_and_are_run() -> None:
    assert run_all.SCENARIOS == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_has_all_its_parts(name: str) -> None:
    for part in ("molecule.yml", "converge.yml", "verify.yml", "scenario.py"):
        assert (MOLECULE / name / part).is_file(), part


@pytest.mark.parametrize("name", NAMES)
def test_a_scenario_leaves_the_containers_and_the_sequence_to_the_shared_part(name: str) -> None:
    config = read(MOLECULE / name / "molecule.yml") or {}
    assert set(config) <= {"platforms", "provisioner", "ansible"}
    assert set(config.get("ansible", {}).get("playbooks", {})) <= {"prepare"}
    assert all(set(platform) == {"name"} for platform in config.get("platforms", []))
    variables = config.get("provisioner", {}).get("inventory", {}).get("group_vars", {}).get("all", {})
    assert not {"ansible_connection", "ansible_host"} & set(variables)


@pytest.mark.parametrize("name", NAMES)
def test_preparing_a_scenario_begins_with_the_proof_of_its_isolation(name: str) -> None:
    own = MOLECULE / name / "prepare.yml"
    if own.exists():
        assert read(own)[0]["ansible.builtin.import_playbook"] == "../shared/prepare.yml"
    proof = read(SHARED / "prepare.yml")[0]["tasks"][0]
    assert proof["ansible.builtin.command"]["argv"] == ["python3", "/tmp/test/isolation.py"]
    assert not {"ignore_errors", "failed_when", "when"} & set(proof)


def test_the_sequence_has_every_step() -> None:
    config = read(ROOT / ".config" / "molecule" / "config.yml")
    assert config["scenario"]["test_sequence"] == STEPS


def test_a_container_has_no_network_and_nothing_of_this_machine() -> None:
    tasks = {task["name"]: task for task in read(SHARED / "create.yml")[0]["tasks"]}
    argv = tasks["Start the containers"]["ansible.builtin.command"]["argv"]
    assert "default('none', true)" in argv[argv.index("--network") + 1]
    words = [word for word in argv if word.startswith("-")]
    assert words == ["--detach", "--rm", "--network", "--env-file", "--stop-signal", "--label", "--name"]
    assert "IAPEER_TEST_SANDBOX=1" in (SHARED / "login.env").read_text().splitlines()


def test_the_tests_inside_are_without_a_network_and_may_only_read(monkeypatch: pytest.MonkeyPatch) -> None:
    runs: list[tuple[list[str], dict[str, str]]] = []

    def run(argv: list[str], env: dict[str, str]) -> tuple[int, str]:
        runs.append((argv, dict(env)))
        return (125, "") if argv[-1] == "true" and len(runs) == 1 else (0, "")

    monkeypatch.setattr(run_all, "run", run)
    monkeypatch.setattr(run_all, "engine", lambda: "podman")
    assert run_all.integration().ok
    (_argv, plain), (argv, fallback) = runs
    assert "CONTAINERS_CONF" not in plain
    assert fallback["CONTAINERS_CONF"] == str(SHARED / "containers.conf")
    assert argv[argv.index("--network") + 1] == "none"
    volumes = [word.partition("=")[2] for word in argv if word.startswith("--volume")]
    assert [word for word in volumes if not word.endswith(":ro")] == [str(ROOT / ".cache")]
    assert f"{ROOT}:{ROOT}:ro" in volumes
    words = argv[argv.index("-c") + 1 :]
    assert words[0].startswith("python3 molecule/shared/inside/isolation.py && ")
    tests = [word for word in words if word.startswith("tests/integration/")]
    assert len(tests) == len(run_all.INSIDE)
    assert [name for name in tests if not (ROOT / name).is_file()] == []


# The proof of the isolation


def findings(**planted: Any) -> Any:
    nothing = {"devices": ["lo"], "armed": True}
    lists = dict.fromkeys(("routes", "resolved", "connected", "slow", "sockets"), ())
    return isolation.Findings(**{**lists, **nothing, **planted})


def test_a_container_with_loopback_only_is_isolated() -> None:
    assert isolation.problems(findings()) == []


@pytest.mark.parametrize(
    ("planted", "words"),
    [
        ({"devices": ["eth0", "lo"]}, "network devices other than loopback"),
        ({"devices": []}, "not even loopback"),
        ({"routes": ["eth0 00000000 0101A8C0"]}, "a route"),
        ({"resolved": ["example.com"]}, "a name was resolved"),
        ({"connected": ["192.0.2.1 port 443"]}, "a connection was made"),
        ({"slow": ["192.0.2.1 port 443: 3.0 s"]}, "not refused at once"),
        ({"sockets": ["/run/podman/podman.sock"]}, "container engine"),
        ({"armed": False}, "not armed"),
    ],
)
def test_every_way_out_is_a_problem(planted: dict[str, Any], words: str) -> None:
    lines = isolation.problems(findings(**planted))
    assert len(lines) == 1
    assert words in lines[0]


def test_where_a_device_leads_out_nobody_is_asked_or_connected_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def never(*_arguments: Any) -> Any:
        raise AssertionError("the outside was asked")

    monkeypatch.setattr(isolation.socket, "if_nameindex", lambda: [(1, "lo"), (2, "eth0")])
    monkeypatch.setattr(isolation.os, "listdir", lambda _path: ["eth0", "lo"])
    monkeypatch.setattr(isolation, "routes", list)
    monkeypatch.setattr(isolation, "connect", never)
    monkeypatch.setattr(isolation, "resolves", never)
    assert isolation.look().devices == ["eth0", "lo"]


def test_the_run_with_a_network_wants_the_line_that_the_proof_prints() -> None:
    (line,) = isolation.problems(findings(devices=["eth0", "lo"]))
    assert run_all.LEAK in f"NOT ISOLATED: {line}"


# The account of this machine


@pytest.fixture
def account(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The home that run_all takes for the account's."""
    monkeypatch.setattr(run_all, "pwd", types.SimpleNamespace(getpwuid=lambda _uid: types.SimpleNamespace(pw_dir=home)))
    (home / ".claude" / "projects").mkdir(parents=True)
    (home / ".claude" / "settings.json").write_text("{}")
    return home


@pytest.mark.parametrize("path", [".claude/settings.json", ".codex/config.toml", ".iapeer/memory-provider.json"])
def test_a_change_of_the_account_is_seen(account: Path, path: str) -> None:
    with run_all.unchanged_account() as changes:
        (account / path).parent.mkdir(exist_ok=True)
        (account / path).write_text("changed")
    assert str(account / path) in changes


def test_what_running_programs_write_by_themselves_is_no_change(account: Path) -> None:
    with run_all.unchanged_account() as changes:
        (account / ".claude" / "projects" / "session.jsonl").write_text("{}")
        (account / ".claude" / "history.jsonl").write_text("{}")
    assert changes == []


def test_a_checkout_that_lies_in_the_account_is_left_out(account: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = account / ".claude" / "worktrees" / "mine"
    checkout.mkdir(parents=True)
    monkeypatch.setattr(run_all, "TOP", checkout)
    with run_all.unchanged_account() as changes:
        (checkout / "file").write_text("changed")
    assert changes == []


# What the run comes to


def nothing() -> None:
    return


def outcome(monkeypatch: pytest.MonkeyPatch, results: list[Any], *names: str, setup: Any = nothing) -> int:
    monkeypatch.setattr(run_all.sys, "argv", ["run_all.py", *names])
    monkeypatch.setattr(run_all.signal, "signal", lambda *_: None)
    monkeypatch.setattr(run_all, "setup", setup)
    monkeypatch.setattr(run_all, "engine", nothing)
    monkeypatch.setattr(run_all, "remove_containers", nothing)
    monkeypatch.setattr(run_all, "run_all", lambda _names: results)
    return int(run_all.main())


def result(name: str, ok: bool = True) -> Any:
    return run_all.Result(name, ok, 1.0, "")


def test_a_run_passes_when_all_did(account: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert outcome(monkeypatch, [result("network"), result("drift")], "drift") == 0


@pytest.mark.parametrize(
    "results",
    [
        pytest.param([result("network"), result("drift", ok=False)], id="a scenario failed"),
        pytest.param([result("network", ok=False), result("drift")], id="a network was not refused"),
        pytest.param([result("network")], id="one did not run"),
        pytest.param([], id="none ran"),
    ],
)
def test_a_run_fails_otherwise(account: Path, monkeypatch: pytest.MonkeyPatch, results: list[Any]) -> None:
    assert outcome(monkeypatch, results, "drift") == 1


def test_a_run_fails_when_the_account_was_changed(account: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def setup() -> None:
        (account / ".claude" / "settings.json").write_text("changed")

    assert outcome(monkeypatch, [result("network"), result("drift")], "drift", setup=setup) == 1


@pytest.mark.parametrize(("words", "wanted"), [([], [*NAMES, "integration"]), (["default"], ["default"])])
def test_without_a_name_all_are_run_and_the_tests_inside_too(
    account: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], wanted: list[str]
) -> None:
    asked: list[list[str]] = []
    outcome(monkeypatch, [], *words)
    monkeypatch.setattr(run_all, "run_all", lambda names: asked.append(names) or [])
    run_all.main()
    assert asked == [wanted]


@pytest.mark.parametrize("scenarios", [NAMES, []])
def test_an_unknown_scenario_and_none_at_all_are_failures(
    monkeypatch: pytest.MonkeyPatch, scenarios: list[str]
) -> None:
    monkeypatch.setattr(run_all, "SCENARIOS", scenarios)
    monkeypatch.setattr(run_all.sys, "argv", ["run_all.py", *(["no-such"] if scenarios else [])])
    with pytest.raises(SystemExit, match="no scenario"):
        run_all.main()


def test_a_scenario_that_takes_too_long_is_ended_with_all_it_started(tmp_path: Path) -> None:
    (tmp_path / "molecule").write_text("#!/bin/sh\nsleep 60 & echo started; wait\n")
    (tmp_path / "molecule").chmod(0o755)
    began = time.monotonic()
    code, output = run_all.run([str(tmp_path / "molecule")], {"PATH": os.defpath}, limit=0.5)
    assert code == 124
    assert output == "started\n\nended after 0.5 s"
    assert time.monotonic() - began < 30
