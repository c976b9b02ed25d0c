# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The v1.1 marketplace plugin, really installed by both clients, and swept off by them."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import tomllib

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import PLUGIN, ThrowawayHost, diff
from ansible_collections.agfpd.iapeer_memory.tests.real_clients import clients
from ansible_collections.agfpd.iapeer_memory.tests.real_clients.conftest import (
    CLAUDE_PEERS,
    Build,
    Run,
    call_plugin,
    install_plugin,
    seen,
)

KEY = f'"{PLUGIN}": true'
# As an operator might leave them: hook events and keys that Claude Code drops when it rewrites the file.
SETTINGS = {
    "alpha": """{
    "model":   "opus",
    "enabledPlugins": {
        KEY,
        "formatter@elsewhere": true
    },
    "hooks": {
        "HookOfTomorrow": [ { "hooks": [ {"type": "command", "command": "/opt/audit/later.sh"} ] } ],
        "Stop": [{"hooks": [{"type": "command", "command": "/opt/audit/stop.sh", "ours": "привет"}]}]
    }
}
""",
    "gamma": '{"enabledPlugins": {"formatter@elsewhere": true, KEY}, "hooks": {"HookOfTomorrow": []}, "a": 1e2}',
}
WITHOUT = {"alpha": (f"        {KEY},\n", ""), "gamma": (f", {KEY}", "")}


def settings_path(host: ThrowawayHost, peer: str) -> Path:
    return host.peer(peer) / ".claude" / "settings.json"


def bins() -> dict[str, str]:
    return {"claude_bin": clients.find("claude"), "codex_bin": clients.find("codex")}


@pytest.fixture
def legacy(build: Build, run_module: Run, tmp_path: Path) -> ThrowawayHost:
    """A v1.1 host on which both clients have installed the plugin, with settings that were edited by hand since."""
    host = build(form="v1_1", fleet=True)
    install_plugin(host, tmp_path / "agfpd")
    for peer in host.peers:
        if peer in CLAUDE_PEERS:
            settings_path(host, peer).write_text(SETTINGS[peer].replace("KEY", KEY), encoding="utf-8")
        elif "claude" in host.peers[peer]:
            settings_path(host, peer).unlink()
    return host


def assert_gone(host: ThrowawayHost, result: dict[str, Any]) -> None:
    """No client lists the plugin, and nothing else went with it."""
    assert result["changed"] is True
    assert {item["personality"] or "codex": item["action"] for item in result["results"]} == {
        "alpha": "removed",
        "gamma": "removed",
        "codex": "removed",
    }
    assert seen(host) == set()
    for peer in CLAUDE_PEERS:
        wanted = SETTINGS[peer].replace("KEY", KEY).replace(*WITHOUT[peer])
        assert settings_path(host, peer).read_text(encoding="utf-8") == wanted
        assert json.loads(wanted)["enabledPlugins"] == {"formatter@elsewhere": True}
    config = tomllib.loads(host.codex_config.read_text(encoding="utf-8"))
    assert config["plugins"] == {"formatter@elsewhere": {"enabled": True}}
    assert config["model"] == "gpt-fixture"


def test_claude_code_by_itself_drops_what_it_does_not_know(legacy: ThrowawayHost) -> None:
    call_plugin(legacy, "claude", "uninstall", PLUGIN, "--scope", "project", cwd=legacy.peer("alpha"))
    kept = os.environ.get("CLIENTS") == "newest"  # newer ones than the pinned keep it
    assert ("HookOfTomorrow" in settings_path(legacy, "alpha").read_text(encoding="utf-8")) is kept


def test_the_clients_take_the_plugin_off_and_foreign_settings_survive_byte_for_byte(
    legacy: ThrowawayHost, run_module: Run
) -> None:
    assert_gone(legacy, run_module(legacy, "legacy_plugin_off", method="native", **bins()))
    assert legacy.calls("memory-plugin") == []
    before = legacy.snapshot(times=True)
    assert run_module(legacy, "legacy_plugin_off", method="native", **bins())["changed"] is False
    assert diff(before, legacy.snapshot(times=True)) == []


def test_a_core_without_the_verb_leaves_it_to_the_clients(legacy: ThrowawayHost, run_module: Run) -> None:
    legacy.faults(memory_plugin={"unknown": True})
    assert_gone(legacy, run_module(legacy, "legacy_plugin_off", **bins()))
    assert [call["argv"] for call in legacy.calls("memory-plugin")] == [["memory-plugin", "off", "--all"]]
    assert run_module(legacy, "legacy_plugin_off", **bins())["changed"] is False


def test_check_mode_names_every_place_and_calls_no_client(legacy: ThrowawayHost, run_module: Run) -> None:
    before = legacy.snapshot(times=True)
    result = run_module(legacy, "legacy_plugin_off", check=True, method="native", **bins())
    assert result["changed"] is True
    assert [item["personality"] or "codex" for item in result["results"]] == ["alpha", "gamma", "codex"]
    assert diff(before, legacy.snapshot(times=True)) == []
    assert seen(legacy) == {*CLAUDE_PEERS, "codex"}


def test_a_plugin_that_only_the_settings_name_goes_too(build: Build, run_module: Run) -> None:
    host = build(form="v1_1", fleet=True)
    before = {peer: settings_path(host, peer).read_text(encoding="utf-8") for peer in CLAUDE_PEERS}
    assert run_module(host, "legacy_plugin_off", method="native", **bins())["changed"] is True
    for peer in CLAUDE_PEERS:
        assert settings_path(host, peer).read_text(encoding="utf-8") == before[peer].replace(f"    {KEY},\n", "")
    assert PLUGIN not in host.codex_config.read_text(encoding="utf-8")
    assert run_module(host, "legacy_plugin_off", method="native", **bins())["changed"] is False
