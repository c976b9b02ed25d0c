# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole update of a v1.1 host, by the playbook, and what both real clients see afterwards."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import ThrowawayHost
from ansible_collections.agfpd.iapeer_memory.tests.real_clients import clients
from ansible_collections.agfpd.iapeer_memory.tests.real_clients.conftest import (
    CLAUDE_PEERS,
    CODEX_PEERS,
    Build,
    hooks_that_ran,
    install_plugin,
    seen,
)

NAME = "iapeer-memory"
STEPS = "binary forms templates doctrines wake-policy fleet surfaces plugin-off slot launcher triggers guide memoryd"


def update(host: ThrowawayHost, reports: Path) -> tuple[dict[str, Any], int]:
    """Run the playbook on the host: its report, and the number of changed tasks."""
    arguments = ["-i", "here,", "-c", "local", "-e", f"iapeer_memory_report_dir={reports}"]
    env = {key: value for key, value in os.environ.items() if key.startswith(("ANSIBLE_", "PYTHONPATH"))}
    env.update(clients.OFFLINE)
    done = host.run("ansible-playbook", "agfpd.iapeer_memory.update", *arguments, timeout=300, env=env)
    assert done.returncode == 0, done.stdout + done.stderr
    (changed,) = re.findall(r"\bchanged=(\d+)", done.stdout)
    return json.loads((reports / "here.json").read_bytes()), int(changed)


@pytest.fixture
def migrating(build: Build, tmp_path: Path) -> ThrowawayHost:
    """A v1.1 host with a running memoryd and the plugin in both clients, whose core no longer has the plugin verb."""
    host = build(form="v1_1", roles=True, watcher=True, version="1.2.0")
    install_plugin(host, tmp_path / "agfpd")
    host.faults(memory_plugin={"unknown": True})
    host.start_notifier()
    host.wait_daemon()
    return host


def accepted(host: ThrowawayHost) -> None:
    """Every peer's clients see memory, and no client sees the plugin."""
    url = f"http://127.0.0.1:{host.port}/mcp"
    assert seen(host) == set()
    for peer in CODEX_PEERS:
        listed = clients.run(host, "codex", "mcp", "list", "--json", cwd=host.peer(peer)).json
        (server,) = (item for item in listed if item["name"] == NAME)
        assert (server["enabled"], server["transport"]["url"]) == (True, url)
        hooks = clients.codex_hooks(host, host.peer(peer)).values()
        own = [hook for hook in hooks if Path(hook["command"]).parent == host.hooks_dir]
        assert [hook["trustStatus"] for hook in own] == ["trusted", "trusted"]
    for peer in (*CLAUDE_PEERS, "index"):
        shown = clients.run(host, "claude", "mcp", "get", NAME, cwd=host.peer(peer))
        assert f"URL: {url}" in shown.out, shown.err
        arguments = ("-p", "/context", "--output-format", "stream-json", "--verbose")
        session = clients.run(host, "claude", *arguments, cwd=host.peer(peer))
        (init,) = (event for event in session.events if event.get("subtype") == "init")
        assert len([skill for skill in init["skills"] if skill.startswith(NAME)]) == 4
        assert not [plugin for plugin in init["plugins"] if plugin["name"] == NAME]
    assert hooks_that_ran(host) == ["session-start"] * 3


def test_an_updated_host_is_accepted_by_both_clients(migrating: ThrowawayHost, tmp_path: Path) -> None:
    report, changed = update(migrating, tmp_path / "first")
    assert report["ok"] is True
    assert " ".join(step["name"] for step in report["steps"]) == STEPS
    assert changed > 0
    accepted(migrating)
    report, changed = update(migrating, tmp_path / "second")
    assert (report["ok"], changed) == (True, 0), report
