# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the real codex makes of the files of its peers."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest
import yaml

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces import trust
from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import (
    FOREIGN_COMMAND,
    Peer,
    ThrowawayHost,
    build_host,
    write,
    write_json,
)
from ansible_collections.agfpd.iapeer_memory.tests.real_clients import clients, conftest
from ansible_collections.agfpd.iapeer_memory.tests.real_clients.conftest import CODEX_PEERS, Build, Run
from ansible_collections.agfpd.iapeer_memory.tests.real_clients.stubs import CodexModel, McpServer

NAME = "iapeer-memory"
EVENTS = {"postToolUse": "iapeer-memory.post-write.sh", "sessionStart": "iapeer-memory.session-start.sh"}
CORPUS = Path(__file__).resolve().parent.parent / "corpus"

every_peer = pytest.mark.parametrize("peer", CODEX_PEERS)


def servers(host: ThrowawayHost, cwd: Path) -> dict[str, dict[str, Any]]:
    """The MCP servers that codex lists in this folder, by name."""
    answer = clients.run(host, "codex", "mcp", "list", "--json", cwd=cwd)
    assert answer.rc == 0, answer.err
    return {server["name"]: server for server in answer.json}


def own_hooks(hooks: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Those of the hooks that run one of our scripts, by event."""
    return {hook["eventName"]: hook for hook in hooks.values() if Path(hook["command"]).name in EVENTS.values()}


def statuses(host: ThrowawayHost, peer: str) -> set[str]:
    """The trust codex puts in our hooks of a peer."""
    return {hook["trustStatus"] for hook in own_hooks(clients.codex_hooks(host, host.peer(peer))).values()}


def hooks_file(host: ThrowawayHost, peer: str) -> Path:
    return host.peer(peer) / ".codex" / "hooks.json"


def edit(path: Path, change: Callable[[str], str]) -> None:
    before = path.read_text(encoding="utf-8")
    after = change(before)
    assert after != before
    path.write_text(after, encoding="utf-8")


# The server


@every_peer
def test_the_server_is_listed_enabled_with_its_url_and_headers(
    host: ThrowawayHost, mcp: McpServer, peer: str
) -> None:
    listed = servers(host, host.peer(peer))
    assert listed[NAME]["enabled"] is True
    assert listed[NAME]["auth_status"] == "bearer_token"
    transport = {key: value for key, value in listed[NAME]["transport"].items() if value is not None}
    assert transport == {
        "type": "streamable_http",
        "url": f"{mcp.url}/mcp",
        "bearer_token_env_var": "IAPEER_BEARER",
        "env_http_headers": {"X-IAPeer-Identity": "PEER_IDENTITY"},
    }
    assert mcp.requests == []


@every_peer
def test_the_foreign_server_is_still_listed(host: ThrowawayHost, peer: str) -> None:
    foreign = servers(host, host.peer(peer))["tracker"]
    assert foreign["enabled"] is True
    assert foreign["transport"]["url"] == "https://tracker.example/mcp"
    assert foreign["transport"]["bearer_token_env_var"] == "TRACKER_TOKEN"


@every_peer
def test_tools_of_the_server_need_no_approval(host: ThrowawayHost, peer: str) -> None:
    answer = clients.run(host, "codex", "mcp", "get", NAME, cwd=host.peer(peer))
    assert answer.rc == 0, answer.err
    lines = [line.strip() for line in answer.out.splitlines()]
    assert "default_tools_approval_mode: approve" in lines
    assert "env_http_headers: X-IAPeer-Identity=PEER_IDENTITY" in lines


def test_a_folder_that_is_not_trusted_shows_no_server(host: ThrowawayHost) -> None:
    edit(host.codex_config, lambda text: text.replace('trust_level = "trusted"', 'trust_level = "untrusted"'))
    assert servers(host, host.peer("beta")) == {}


def strict_lint(host: ThrowawayHost, cwd: Path) -> clients.Answer:
    return clients.run(host, "codex", "app-server", "--print-startup-config", "--strict-config", cwd=cwd)


def test_the_strict_lint_knows_every_key_of_ours(build: Build, run_module: Run) -> None:
    host = build()
    config = host.peer("beta") / ".codex" / "config.toml"
    # The lint reads the user's file too, and knows neither the made-up features nor the notes of the fixture's content.
    for path in (host.codex_config, config):
        text = re.sub(r'(?ms)^notes = """.*?^"""\n', "", path.read_text(encoding="utf-8"))
        path.write_text(text.replace("[features]\nweb_search = true\n", ""), encoding="utf-8")
    run_module(host, "peer_surfaces")
    accepted = strict_lint(host, host.peer("beta"))
    assert accepted.rc == 0, accepted.out
    edit(config, lambda text: text.replace("bearer_token_env_var = \"IAPEER_BEARER\"", 'bearer = "IAPEER_BEARER"'))
    refused = strict_lint(host, host.peer("beta"))
    assert refused.rc == 1
    assert f"unknown configuration field `mcp_servers.{NAME}.bearer`" in refused.out


def test_identity_and_bearer_are_sent_with_every_request(host: ThrowawayHost, mcp: McpServer) -> None:
    cwd = str(host.peer("beta"))
    with clients.app_server(host, host.peer("beta"), PEER_IDENTITY="codex-beta", IAPEER_BEARER="tok") as server:
        thread = server.request("thread/start", {"cwd": cwd})["thread"]["id"]
        listed = server.request("mcpServerStatus/list", {"threadId": thread})["data"]
        call = {"threadId": thread, "server": NAME, "tool": "recall", "arguments": {"query": "x"}}
        answer = server.request("mcpServer/tool/call", call)
    (status,) = (item for item in listed if item["name"] == NAME)
    assert list(status["tools"]) == ["recall"]
    assert answer["content"] == [{"type": "text", "text": "remembered"}]
    assert {"initialize", "tools/list", "tools/call"} <= {post.body["method"] for post in mcp.posts()}
    assert mcp.identities() == {"codex-beta"}
    assert {request.headers.get("authorization") for request in mcp.requests} == {"Bearer tok"}


# The hooks


@every_peer
def test_both_hooks_are_listed_and_trusted(host: ThrowawayHost, peer: str) -> None:
    own = own_hooks(clients.codex_hooks(host, host.peer(peer)))
    assert {event: hook["command"] for event, hook in own.items()} == {
        event: str(host.hooks_dir / name) for event, name in EVENTS.items()
    }
    for hook in own.values():
        assert (hook["trustStatus"], hook["enabled"], hook["matcher"]) == ("trusted", True, None)


def test_the_foreign_hook_is_still_listed_before_ours(host: ThrowawayHost) -> None:
    hooks = clients.codex_hooks(host, host.peer("beta"))
    commands = [hook["command"] for hook in hooks.values() if hook["eventName"] == "postToolUse"]
    assert commands == [FOREIGN_COMMAND, str(host.hooks_dir / EVENTS["postToolUse"])]


def moved(host: ThrowawayHost) -> None:
    edit(hooks_file(host, "gamma"), lambda text: text.replace(str(host.hooks_dir), "/opt/old"))


def matcher_added(host: ThrowawayHost) -> None:
    entry = re.compile(r'("hooks": \[)(?=\s*\{\s*"type")')
    edit(hooks_file(host, "gamma"), lambda text: entry.sub(r'"matcher": "Bash", \1', text))


def records_gone(host: ThrowawayHost) -> None:
    edit(host.codex_config, lambda text: re.sub(r"(?m)^\[hooks\.state\..*\n.*\n", "", text))


def records_wrong(host: ThrowawayHost) -> None:
    edit(host.codex_config, lambda text: re.sub(r'sha256:[0-9a-f]{60}', "sha256:" + 60 * "0", text))


DRIFTS = {moved: "modified", matcher_added: "modified", records_gone: "untrusted", records_wrong: "modified"}


@pytest.mark.parametrize(("drift", "status"), list(DRIFTS.items()), ids=[drift.__name__ for drift in DRIFTS])
def test_drift_of_the_hooks_is_seen_by_codex_and_mended(
    host: ThrowawayHost, run_module: Run, drift: Callable[[ThrowawayHost], None], status: str
) -> None:
    drift(host)
    assert statuses(host, "gamma") == {status}
    assert run_module(host, "peer_surfaces", check=True)["changed"] is True
    assert statuses(host, "gamma") == {status}
    assert run_module(host, "peer_surfaces")["changed"] is True
    assert statuses(host, "gamma") == {"trusted"}
    assert run_module(host, "peer_surfaces")["changed"] is False


def nothing(host: ThrowawayHost) -> None:
    """No drift at all."""


@pytest.mark.parametrize("drift", [nothing, *DRIFTS])
def test_the_stand_in_core_judges_trust_as_codex_does(
    host: ThrowawayHost, drift: Callable[[ThrowawayHost], None]
) -> None:
    drift(host)
    trusted = statuses(host, "gamma") == {"trusted"}
    assert trusted is (drift is nothing)
    check = host.core("trust-hooks", hooks_file(host, "gamma"), "--check")
    assert (check.returncode == 0) is trusted, check.stdout


def command(text: str, **more: Any) -> dict[str, Any]:
    return {"type": "command", "command": text, **more}


# Hooks of all sorts, in one file: what codex hashes differs by event, matcher and options.
ASSORTED = {
    "PostToolUse": [
        {"hooks": [command("/a b/плюс.sh"), command("/second.sh", timeout=0)]},
        {"matcher": "", "hooks": [command("/empty.sh")]},
        {"matcher": "*", "hooks": [command("/star.sh", timeout=7, statusMessage="Wait…")]},
    ],
    "PreToolUse": [{"matcher": None, "hooks": [command("/before.sh")]}],
    "SessionStart": [{"matcher": "startup|resume", "hooks": [command('/quoted "x" \\ y.sh')]}],
    "UserPromptSubmit": [{"matcher": "x", "hooks": [command("/prompt.sh")]}],
    "Stop": [{"hooks": [command("/stop.sh")]}, {"matcher": "*", "hooks": [command("/stop.sh")]}],
    "SessionEnd": [{"hooks": [command("/end.sh")]}, {"hooks": [command("/late.sh", timeout=9)]}],
    "SubagentStop": [{"matcher": "y", "hooks": [command("/sub.sh")]}],
}


def pieces() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every event of ASSORTED as a file of its own, and all of them in one."""
    yield from ((event, {event: groups}) for event, groups in ASSORTED.items())
    yield "all", ASSORTED


@pytest.mark.parametrize(("name", "events"), list(pieces()), ids=[name for name, _events in pieces()])
def test_the_stand_in_core_makes_codex_trust_hooks_of_every_sort(
    build: Build, name: str, events: dict[str, Any]
) -> None:
    host = build()
    path = hooks_file(host, "beta")
    write_json(path, {"hooks": events})
    before = clients.codex_hooks(host, host.peer("beta"))
    assert {hook["trustStatus"] for hook in before.values()} == {"untrusted"}
    assert len(before) == sum(len(group["hooks"]) for groups in events.values() for group in groups)
    assert host.core("trust-hooks", path).returncode == 0
    after = clients.codex_hooks(host, host.peer("beta"))
    assert {hook["trustStatus"] for hook in after.values()} == {"trusted"}
    assert {hook["key"] for hook in after.values()} == set(before)


def plain(events: dict[str, Any]) -> dict[str, Any]:
    """The same hooks without options."""
    return {
        event: [{**group, "hooks": [command(hook["command"]) for hook in group["hooks"]]} for group in groups]
        for event, groups in events.items()
    }


@pytest.mark.parametrize(("name", "events"), list(pieces()), ids=[name for name, _events in pieces()])
def test_the_module_computes_no_other_hash_than_codex(build: Build, name: str, events: dict[str, Any]) -> None:
    host = build()
    path = hooks_file(host, "beta")
    for document in ({"hooks": events}, {"hooks": plain(events), "description": "d"}):
        write_json(path, document)
        said = {key: hook["currentHash"] for key, hook in clients.codex_hooks(host, host.peer("beta")).items()}
        found = trust.identities(path.read_bytes())
        assert found is None or {f"{path}:{key}": value for key, value in found.items()} == said


@every_peer
def test_the_module_computes_the_hash_of_every_hook_in_the_file_it_wrote(host: ThrowawayHost, peer: str) -> None:
    path = hooks_file(host, peer)
    said = {key: hook["currentHash"] for key, hook in clients.codex_hooks(host, host.peer(peer)).items()}
    found = trust.identities(path.read_bytes())
    assert found is not None
    assert {f"{path}:{key}": value for key, value in found.items()} == said


def test_a_headless_session_runs_both_hooks(host: ThrowawayHost) -> None:
    with CodexModel("echo remembered") as model:
        provider = f'{{name="stub",base_url="{model.url}/v1",wire_api="responses",supports_websockets=false}}'
        options = ("-c", 'model_provider="stub"', "-c", f"model_providers.stub={provider}")
        arguments = ("exec", *options, "--skip-git-repo-check", "-s", "danger-full-access", "hi")
        answer = clients.run(host, "codex", *arguments, cwd=host.peer("gamma"), PEER_IDENTITY="x", IAPEER_BEARER="tok")
    assert answer.rc == 0, answer.err
    assert conftest.hooks_that_ran(host) == ["session-start", "post-write"], answer.err
    assert any("Memory is on: the vault is" in json.dumps(post.body) for post in model.posts())


# Taking it out again


def test_after_removal_codex_loads_the_files_and_sees_nothing_of_ours(build: Build, run_module: Run) -> None:
    host = build()
    before = {peer: host.peer(peer).joinpath(".codex", "config.toml").read_bytes() for peer in CODEX_PEERS}
    run_module(host, "peer_surfaces")
    assert run_module(host, "peer_surfaces", state="absent")["changed"] is True
    for peer in CODEX_PEERS:
        assert list(servers(host, host.peer(peer))) == ["tracker"]
        assert own_hooks(clients.codex_hooks(host, host.peer(peer))) == {}
        assert host.peer(peer).joinpath(".codex", "config.toml").read_bytes() == before[peer]
    assert [hook["command"] for hook in clients.codex_hooks(host, host.peer("beta")).values()] == [FOREIGN_COMMAND]
    assert not hooks_file(host, "gamma").exists()


# Foreign files of every shape


CASES: dict[str, dict[str, Any]] = yaml.safe_load((CORPUS / "cases.yaml").read_text(encoding="utf-8"))["toml"]
TAKEN = {name: case for name, case in CASES.items() if case["outcome"] in ("already", "merged", "replaced")}
# TOML, but not a configuration that codex would load, with or without our tables; and why.
NOT_FOR_CODEX = {
    "merged-arrays-of-tables.toml": "missing field `command`",
    "merged-deep-allowed.toml": "cannot recurse further",
    "merged-values.toml": "invalid type: integer `123456789012345678901234567890`",
}


def folder_of(host: ThrowawayHost, name: str) -> Path:
    return host.peer(name.removesuffix(".toml"))


@pytest.fixture(scope="module")
def corpus_host(tmp_path_factory: pytest.TempPathFactory, run_module: Run) -> Iterator[ThrowawayHost]:
    """A host with a codex peer for every file of the corpus that the module is to edit, swept once.

    `<peer>/before` holds what is somebody else's in that file.
    """
    peers = tuple(Peer(name.removesuffix(".toml"), ("codex",)) for name in TAKEN)
    host = build_host(tmp_path_factory.mktemp("corpus") / "host", form="v1_2", peers=peers, roles=False)
    for name, case in TAKEN.items():
        data = (CORPUS / "toml" / name).read_bytes()
        foreign = case["foreign"].encode() if "foreign" in case else data
        for folder, content in ((folder_of(host, name), data), (folder_of(host, name) / "before", foreign)):
            write(folder / ".codex" / "config.toml", "")
            content = content.replace(b"\n", b"\r\n") if case.get("crlf") else content
            (folder / ".codex" / "config.toml").write_bytes(content)
    with open(host.codex_config, "a", encoding="utf-8") as config:
        for name in TAKEN:
            config.write(f'\n[projects."{folder_of(host, name)}/before"]\ntrust_level = "trusted"\n')
    run_module(host, "peer_surfaces", port=8766, surfaces=["mcp"])
    yield host
    host.stop()


@pytest.mark.parametrize("name", sorted(set(TAKEN) - set(NOT_FOR_CODEX)))
def test_codex_loads_the_edited_file_and_every_server_in_it(corpus_host: ThrowawayHost, name: str) -> None:
    before = servers(corpus_host, folder_of(corpus_host, name) / "before")
    after = servers(corpus_host, folder_of(corpus_host, name))
    assert after.pop(NAME)["transport"]["url"] == "http://127.0.0.1:8766/mcp"
    before.pop(NAME, None)
    assert after == before


@pytest.mark.parametrize(("name", "complaint"), list(NOT_FOR_CODEX.items()), ids=list(NOT_FOR_CODEX))
def test_what_codex_refused_before_it_refuses_for_the_same_reason(
    corpus_host: ThrowawayHost, name: str, complaint: str
) -> None:
    for cwd in (folder_of(corpus_host, name) / "before", folder_of(corpus_host, name)):
        answer = clients.run(corpus_host, "codex", "mcp", "list", "--json", cwd=cwd)
        assert answer.rc == 1
        assert complaint in answer.err
