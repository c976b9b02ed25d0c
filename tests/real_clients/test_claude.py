# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the real Claude Code makes of the files of its peers."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import ThrowawayHost, write_json
from ansible_collections.agfpd.iapeer_memory.tests.real_clients import clients
from ansible_collections.agfpd.iapeer_memory.tests.real_clients.conftest import CLAUDE_PEERS, Build, Run, hooks_that_ran
from ansible_collections.agfpd.iapeer_memory.tests.real_clients.stubs import ClaudeModel, McpServer

NAME = "iapeer-memory"
SKILLS = {f"{NAME}-{word}" for word in ("init", "status", "migrate", "distill")}
STREAM = ("--output-format", "stream-json", "--verbose")

every_peer = pytest.mark.parametrize("peer", CLAUDE_PEERS)


def get_server(host: ThrowawayHost, peer: str, name: str = NAME) -> clients.Answer:
    return clients.run(host, "claude", "mcp", "get", name, cwd=host.peer(peer))


def context(host: ThrowawayHost, peer: str) -> dict[str, Any]:
    """The init event of a session that does nothing: its skills, servers and tools."""
    answer = clients.run(host, "claude", "-p", "/context", *STREAM, cwd=host.peer(peer))
    assert answer.rc == 0, answer.err
    (event,) = (event for event in answer.events if event.get("subtype") == "init")
    return event


def approve(host: ThrowawayHost) -> None:
    """The account's consent to our server, and to no other."""
    write_json(host.home / ".claude" / "settings.json", {"enabledMcpjsonServers": [NAME]})


def close_the_trackers(host: ThrowawayHost) -> None:
    """Lead the foreign server of the fixture to the loopback: a real session connects to every server."""
    for peer in CLAUDE_PEERS:
        path = host.peer(peer) / ".mcp.json"
        path.write_text(path.read_text(encoding="utf-8").replace("https://tracker.example", clients.NOWHERE))


# The server


@every_peer
def test_the_server_is_shown_with_its_scope_url_and_header(host: ThrowawayHost, mcp: McpServer, peer: str) -> None:
    answer = get_server(host, peer)
    assert answer.rc == 0, answer.err
    lines = [line.strip() for line in answer.out.splitlines()]
    assert "Scope: Project config (shared via .mcp.json)" in lines
    assert "Type: http" in lines
    assert f"URL: {mcp.url}/mcp" in lines
    default = "" if os.environ.get("CLIENTS") == "newest" else f":-claude-{peer}"  # newer ones than the pinned hide it
    assert f"X-IAPeer-Identity: ${{PEER_IDENTITY{default}}}" in lines
    assert any(line.startswith("Status:") and "Pending approval" in line for line in lines)
    assert mcp.requests == []


@every_peer
def test_the_foreign_server_is_still_shown(host: ThrowawayHost, peer: str) -> None:
    answer = get_server(host, peer, "tracker")
    assert answer.rc == 0, answer.err
    assert "URL: https://tracker.example/mcp" in answer.out


@pytest.mark.parametrize(
    ("env", "identity"), [({}, "claude-gamma"), ({"PEER_IDENTITY": "from-the-core"}, "from-the-core")]
)
def test_an_approved_server_is_connected_to_and_told_who_the_peer_is(
    host: ThrowawayHost, mcp: McpServer, env: dict[str, str], identity: str
) -> None:
    approve(host)
    answer = clients.run(host, "claude", "mcp", "list", cwd=host.peer("gamma"), **env)
    (line,) = (line for line in answer.out.splitlines() if line.startswith(NAME + ":"))
    assert "Connected" in line
    assert "initialize" in {post.body["method"] for post in mcp.posts()}
    assert mcp.identities() == {identity}


# Sessions


@every_peer
def test_a_session_lists_the_skills_and_both_servers(host: ThrowawayHost, peer: str) -> None:
    init = context(host, peer)
    assert {name for name in init["skills"] if name.startswith(NAME)} == SKILLS
    status = {server["name"]: server["status"] for server in init["mcp_servers"]}
    assert set(status) == {NAME, "tracker"}
    assert status[NAME] in ("pending", "connected")  # the session does not wait for it


@every_peer
def test_a_session_runs_our_start_hook_once(host: ThrowawayHost, peer: str) -> None:
    context(host, peer)
    assert hooks_that_ran(host) == ["session-start"]


def test_a_write_of_a_session_runs_our_hook_and_reaches_the_server(host: ThrowawayHost, mcp: McpServer) -> None:
    close_the_trackers(host)
    note = host.peer("alpha") / "note.txt"
    with ClaudeModel("Write", {"file_path": str(note), "content": "remember"}) as model:
        env = {"ANTHROPIC_API_KEY": "dummy", "ANTHROPIC_BASE_URL": model.url}
        arguments = ("-p", "hi", "--permission-mode", "acceptEdits", *STREAM)
        answer = clients.run(host, "claude", *arguments, cwd=host.peer("alpha"), **env)
    assert answer.rc == 0, answer.err or answer.out
    assert note.read_text(encoding="utf-8") == "remember"
    assert hooks_that_ran(host) == ["session-start", "post-write"]
    (written,) = (event["input"] for event in hook_events(host) if event["hook"] == "post-write")
    assert (written["tool_name"], written["tool_input"]["file_path"]) == ("Write", str(note))
    asked = json.dumps([post.body for post in model.posts()])
    assert "Memory is on: the vault is" in asked
    assert all(skill in asked for skill in SKILLS)
    assert mcp.identities() == {"claude-alpha"}


def hook_events(host: ThrowawayHost) -> list[dict[str, Any]]:
    lines = (host.state_dir / "hooks.log").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


# The validator


def plugin_of(host: ThrowawayHost, peer: str, folder: Path) -> Path:
    """A plugin made of the hooks and the skills of a peer: the only form that Claude Code validates by itself."""
    settings = json.loads((host.peer(peer) / ".claude" / "settings.json").read_bytes())
    manifest = {"name": "surfaces", "version": "1.0.0", "description": "d", "author": {"name": "a"}}
    write_json(folder / ".claude-plugin" / "plugin.json", manifest)
    write_json(folder / "hooks" / "hooks.json", {"hooks": settings["hooks"]})
    for name in SKILLS:
        shutil.copytree(host.peer(peer) / ".claude" / "skills" / name, folder / "skills" / name)
    return folder


@pytest.mark.parametrize("locale", ["en", "ru"])
def test_hooks_and_skills_pass_the_strict_validator(
    build: Build, run_module: Run, tmp_path: Path, locale: str
) -> None:
    host = build(locale=locale)
    run_module(host, "peer_surfaces")
    folder = plugin_of(host, "alpha", tmp_path / "plugin")
    accepted = clients.run(host, "claude", "plugin", "validate", "--strict", folder, cwd=tmp_path)
    assert accepted.rc == 0, accepted.out + accepted.err
    hooks = json.loads((folder / "hooks" / "hooks.json").read_bytes())
    del hooks["hooks"]["SessionStart"][-1]["hooks"][0]["command"]
    write_json(folder / "hooks" / "hooks.json", hooks)
    refused = clients.run(host, "claude", "plugin", "validate", "--strict", folder, cwd=tmp_path)
    assert refused.rc == 1
    assert "hooks.SessionStart.0.hooks.0" in refused.out + refused.err


# Taking it out again


@every_peer
def test_after_removal_a_session_sees_nothing_of_ours(host: ThrowawayHost, run_module: Run, peer: str) -> None:
    assert run_module(host, "peer_surfaces", state="absent")["changed"] is True
    assert get_server(host, peer).rc == 1
    init = context(host, peer)
    assert SKILLS.isdisjoint(init["skills"])
    assert "house-style" in init["slash_commands"]
    assert [server["name"] for server in init["mcp_servers"]] == ["tracker"]
    assert hooks_that_ran(host) == []
