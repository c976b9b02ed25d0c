# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Throwaway hosts for the real clients, and the proof that the account's own client homes stay as they are."""

from __future__ import annotations

import hashlib
import json
import os
import pwd
import subprocess
import sys
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.fixtures import throwaway
from ansible_collections.agfpd.iapeer_memory.tests.real_clients import clients
from ansible_collections.agfpd.iapeer_memory.tests.real_clients.stubs import McpServer

MODULES = "ansible_collections.agfpd.iapeer_memory.plugins.modules."
PEERS = (
    throwaway.Peer("alpha"),
    throwaway.Peer("beta", ("codex",)),
    throwaway.Peer("gamma", ("claude", "codex")),
)
CLAUDE_PEERS = ("alpha", "gamma")
CODEX_PEERS = ("beta", "gamma")
# What a client or this collection could be led to write in the account's own home; sessions that run meanwhile may not.
GUARDED = (
    ".claude/settings.json",
    ".claude/settings.local.json",
    ".claude/plugins/installed_plugins.json",
    ".claude/plugins/known_marketplaces.json",
    ".codex/config.toml",
    ".codex/hooks.json",
    ".mcp.json",
)

Build = Callable[..., throwaway.ThrowawayHost]
Run = Callable[..., dict[str, Any]]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Acceptance is never skipped: what cannot be tried has not been accepted."""
    report = yield
    if report.skipped:
        report.outcome = "failed"
    return report


@pytest.fixture(scope="session", autouse=True)
def _the_pinned_clients(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Both clients are there, in the versions that package.json pins (CLIENTS=newest: in any); else the run fails."""
    empty = throwaway.build_host(tmp_path_factory.mktemp("versions"), peers=0, roles=False, index=False)
    try:
        for name in clients.PACKAGES:
            said = clients.run(empty, name, "--version", cwd=empty.base).out.strip()
            if os.environ.get("CLIENTS") == "newest":
                print(f"{name}: {said}")
            elif clients.pinned(name) not in said.split():
                raise clients.ClientError(f"{clients.find(name)} is {said!r}, wanted {clients.pinned(name)}")
    except clients.ClientError as problem:
        pytest.exit(f"real clients: {problem}", returncode=1)


@pytest.fixture(scope="session", autouse=True)
def _the_accounts_own_homes_stay_as_they_are(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Same entries in ~/.claude and ~/.codex, same bytes in their settings, and no session of a throwaway peer."""
    scratch = tmp_path_factory.getbasetemp().name
    before = account(scratch)
    yield
    assert account(scratch) == before


def account(scratch: str) -> dict[str, Any]:
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    found: dict[str, Any] = {}
    for folder in (".claude", ".codex"):
        found[folder] = sorted(os.listdir(home / folder)) if (home / folder).is_dir() else None
    for name in GUARDED:
        path = home / name
        found[name] = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
    found["sessions"] = sorted(path.name for path in home.glob(".claude/projects/*") if scratch in path.name)
    return found


@pytest.fixture
def mcp() -> Iterator[McpServer]:
    """A running MCP server in memoryd's place."""
    with McpServer() as server:
        assert isinstance(server, McpServer)
        yield server


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    """A builder of hosts; whatever they started is gone when the test is over."""
    hosts: list[throwaway.ThrowawayHost] = []

    def make(**options: Any) -> throwaway.ThrowawayHost:
        options = {"form": "v1_2", "peers": PEERS, "roles": False, **options}
        hosts.append(throwaway.build_host(tmp_path / f"host-{len(hosts)}", **options))
        return hosts[-1]

    yield make
    for host in hosts:
        host.stop()


@pytest.fixture(scope="session")
def run_module() -> Run:
    """Run a module of the collection on a host as Ansible would, and return its result."""
    return module_result


def module_result(host: throwaway.ThrowawayHost, name: str, check: bool = False, **arguments: Any) -> dict[str, Any]:
    done = host.run(
        sys.executable,
        "-m",
        MODULES + name,
        input=json.dumps({"ANSIBLE_MODULE_ARGS": {**arguments, "_ansible_check_mode": check}}),
        env={**clients.OFFLINE, "PYTHONPATH": os.environ["PYTHONPATH"]},
    )
    return answer_of(done)


def answer_of(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """The result of a module that ended well; AssertionError with what it said otherwise."""
    assert done.stdout, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == 0, result.get("msg")
    assert "failed" not in result, result
    return result


@pytest.fixture
def host(build: Build, mcp: McpServer, run_module: Run) -> throwaway.ThrowawayHost:
    """A v1.2 host whose peers the collection has just connected to the running MCP server."""
    made = build(port=mcp.port)
    assert run_module(made, "peer_surfaces")["changed"] is True
    return made


def hooks_that_ran(host: throwaway.ThrowawayHost) -> list[str]:
    """The hooks that reached the provider's binary, in order."""
    path = host.state_dir / "hooks.log"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [json.loads(line)["hook"] for line in lines]


# The v1.1 plugin


def marketplace(folder: Path) -> Path:
    """A marketplace that holds the plugin, in a layout that both clients take."""
    plugin = {"name": "iapeer-memory", "source": "./plugins/iapeer-memory"}
    manifest = {"name": "iapeer-memory", "version": "1.1.0", "description": "Memory", "author": {"name": "o"}}
    throwaway.write_json(
        folder / ".claude-plugin" / "marketplace.json",
        {"name": "agfpd", "owner": {"name": "o"}, "plugins": [plugin]},
    )
    throwaway.write_json(folder / "plugins" / "iapeer-memory" / ".claude-plugin" / "plugin.json", manifest)
    return folder


def call_plugin(host: throwaway.ThrowawayHost, name: str, *arguments: str | Path, cwd: Path) -> clients.Answer:
    answer = clients.run(host, name, "plugin", *arguments, cwd=cwd)
    assert answer.rc == 0, answer.err or answer.out
    return answer


def seen(host: throwaway.ThrowawayHost) -> set[str]:
    """Where the clients themselves list the plugin as installed: peers by name, and codex."""
    listed = call_plugin(host, "claude", "list", "--json", cwd=host.base).json
    folders = {Path(item["projectPath"]).name for item in listed if item["id"] == throwaway.PLUGIN}
    installed = call_plugin(host, "codex", "list", "--json", cwd=host.base).json["installed"]
    return folders | {"codex" for item in installed if item["pluginId"] == throwaway.PLUGIN}


def install_plugin(host: throwaway.ThrowawayHost, shelf: Path) -> None:
    """Have both clients install the plugin, for the claude peers and for codex, from a marketplace made for it."""
    marketplace(shelf)
    entry = f'\n[plugins."{throwaway.PLUGIN}"]\nenabled = true\n'
    config = host.codex_config.read_text(encoding="utf-8")
    host.codex_config.write_text(config.replace(entry, ""), encoding="utf-8")
    call_plugin(host, "claude", "marketplace", "add", shelf, cwd=host.base)
    for peer in CLAUDE_PEERS:
        call_plugin(host, "claude", "install", throwaway.PLUGIN, "--scope", "project", cwd=host.peer(peer))
    call_plugin(host, "codex", "marketplace", "add", shelf, cwd=host.base)
    call_plugin(host, "codex", "add", throwaway.PLUGIN, cwd=host.base)
    assert seen(host) == {*CLAUDE_PEERS, "codex"}
