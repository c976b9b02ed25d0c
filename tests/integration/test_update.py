# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host in the v1.1 form, brought to v1.2 by the real playbook: look first, then land, then find nothing to do."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import (
    FAKE_BEARER,
    FAKE_SECRET,
    PLUGIN,
    ThrowawayHost,
    diff,
)
from ansible_collections.agfpd.iapeer_memory.tests.integration.conftest import Build
from ansible_collections.agfpd.iapeer_memory.tests.integration.playbook import Run, run_alone

STEPS = ["binary", "forms", "templates", "doctrines", "wake-policy", "fleet", "surfaces", "plugin-off", "slot"]
STEPS += ["launcher", "triggers", "guide", "memoryd"]
CLAUDE = ("index", "scriber", "dreamweaver", "alpha", "gamma")
CODEX = ("beta", "gamma")
SKILLS = ("init", "status", "migrate", "distill")
READING = [["list", "--json"], ["version"]]

CONFIG_TOML = """# keep me
approval_policy = "on-request"  # and me

[features]
web_search = true

# the tracker is somebody else's
[mcp_servers.tracker]
url = "https://tracker.example/mcp"
bearer_token_env_var = "TRACKER_TOKEN"
notes = \"\"\"
[mcp_servers.iapeer-memory] is only text here
\"\"\"

[mcp_servers.iapeer-memory]
url = "http://127.0.0.1:{port}/mcp"
default_tools_approval_mode = "approve"
bearer_token_env_var = "IAPEER_BEARER"

[mcp_servers.iapeer-memory.env_http_headers]
"X-IAPeer-Identity" = "PEER_IDENTITY"
"""
MCP_JSON = """{
  "mcpServers": {
    "tracker": {
      "type": "http",
      "url": "https://tracker.example/mcp",
      "headers": {
        "Authorization": "Bearer fixture-bearer-9b7e42"
      }
    },
    "iapeer-memory": {
      "type": "http",
      "url": "http://127.0.0.1:PORT/mcp",
      "headers": {
        "X-IAPeer-Identity": "${PEER_IDENTITY:-claude-NAME}"
      }
    }
  }
}
"""
SETTINGS_JSON = """{
  "permissions": {
    "allow": [
      "Read",
      "Bash(git status:*)"
    ],
    "deny": [
      "Read(./.env)"
    ]
  },
  "env": {
    "TRACKER_TOKEN": "fixture-secret-5f1c0a",
    "GREETING": "привет"
  },
  "hooks": {
    "PostToolUse": [
      {
        "matcher": "Bash",
        "hooks": [
          {
            "type": "command",
            "command": "/opt/audit/log-write.sh",
            "timeout": 5
          }
        ]
      },
      {
        "matcher": "Write|Edit|MultiEdit|Bash",
        "hooks": [
          {
            "type": "command",
            "command": "HOOKS/iapeer-memory.post-write.sh"
          }
        ]
      }
    ],
    "Stop": [
      {
        "hooks": []
      }
    ],
    "SessionStart": [
      {
        "hooks": [
          {
            "type": "command",
            "command": "HOOKS/iapeer-memory.session-start.sh"
          }
        ]
      }
    ]
  },
  "enabledPlugins": {
    "formatter@elsewhere": true
  },
  "statusLine": {
    "type": "command",
    "command": "/opt/audit/status.sh"
  }
}
"""
HOOKS_JSON = """{
  "hooks": {
    "PostToolUse": [
      {
        "hooks": [
          {
            "type": "command",
            "command": "HOOKS/iapeer-memory.post-write.sh"
          }
        ]
      }
    ],
    "SessionStart": [
      {
        "hooks": [
          {
            "type": "command",
            "command": "HOOKS/iapeer-memory.session-start.sh"
          }
        ]
      }
    ]
  }
}
"""
FOREIGN_ENTRY = """      {
        "matcher": "shell",
        "hooks": [
          {
            "type": "command",
            "command": "/opt/audit/log-write.sh",
            "timeout": 5
          }
        ]
      },
"""
# beta has a foreign entry of its own: it stays, and stays first.
HOOKS_JSON_BESIDE_A_FOREIGN_ONE = HOOKS_JSON.replace('"PostToolUse": [\n', '"PostToolUse": [\n' + FOREIGN_ENTRY, 1)
SLOT_JSON = """{
  "provider": "iapeer-memory",
  "package": "@agfpd/iapeer-memory",
  "version": "1.1.0",
  "registeredAt": "WHEN",
  "heartbeat": "HOME/.iapeer/state/iapeer-memory/memoryd.heartbeat",
  "provision": {
    "command": "HOME/.local/bin/iapeer-memory",
    "args": [
      "provision-peer",
      "--cwd",
      "{cwd}",
      "--runtime",
      "{runtime}",
      "--personality",
      "{personality}",
      "--occasion",
      "{occasion}"
    ]
  },
  "unprovision": {
    "command": "HOME/.local/bin/iapeer-memory",
    "args": [
      "unprovision-peer",
      "--cwd",
      "{cwd}",
      "--runtime",
      "{runtime}",
      "--occasion",
      "{occasion}"
    ]
  }
}
"""


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o7777


@pytest.fixture
def host(build: Build) -> ThrowawayHost:
    """A v1.1 host with a guide and a memoryd that runs under the notifier."""
    built = build(guide=True)
    built.start_notifier(via="launcher")
    built.wait_daemon()
    return built


def test_update_looks_lands_and_rests(host: ThrowawayHost) -> None:
    before, old_pid = host.snapshot(times=True), host.daemon_pid()

    looked = run_alone(host, "update", "--check", "--diff", "-v")
    assert looked.rc == 0, looked.output
    assert diff(before, host.snapshot(times=True)) == []
    assert [call["argv"] for call in host.calls() if not _reads(call["argv"])] == []
    assert host.daemon_pid() == old_pid
    assert_no_secret(looked.output)
    host.clear_calls()

    landed = run_alone(host, "update", "--diff", "-v")
    assert landed.rc == 0, landed.output
    assert_no_secret(landed.output)
    assert list(_table(landed)) == STEPS
    assert {name: row[0] for name, row in _table(looked).items()} == {
        name: row[0] for name, row in _table(landed).items()
    }
    assert {**_table(landed), "memoryd": ()} == {**_table(looked), "memoryd": ()}
    assert [name for name, row in _table(landed).items() if row[0] != "changed"] == ["binary", "forms"]
    assert _table(landed)["forms"][0] == "skip"  # a provider of this version cannot be asked: bundled ones
    assert_landed(host, before)
    assert_called_in_order(host)
    new_pid = host.daemon_pid()
    assert new_pid not in (None, old_pid)
    assert host.heartbeat_path.stat().st_mtime > host.launcher_path.stat().st_mtime

    settled = host.snapshot(times=True)
    host.clear_calls()
    rested = run_alone(host, "update", "--diff", "-v")
    assert rested.rc == 0, rested.output
    assert rested.recap["host"]["changed"] == 0
    assert {row[0] for name, row in _table(rested).items() if name != "forms"} == {"ok"}
    assert diff(settled, host.snapshot(times=True)) == []
    assert host.daemon_pid() == new_pid
    # The registry, and one of the hooks that Codex's own config records as trusted: Codex may count otherwise by now.
    asked = [call["argv"] for call in host.calls()]
    assert sorted(argv[0] for argv in asked) == ["list", "trust-hooks"]
    assert all(_reads(argv) for argv in asked)
    assert "+++" not in rested.output


def _reads(argv: list[str]) -> bool:
    return argv in READING or (argv[0] == "trust-hooks" and argv[2:] == ["--check"])


def _table(run: Run) -> dict[str, tuple[str, ...]]:
    """The rows of the table as it was printed: status and detail."""
    lines = run.stdout.partition("\nhost: update, version 1.1.0")[2].splitlines()[1 : len(STEPS) + 1]
    return {name: tuple(rest) for name, *rest in (line.split(None, 2) for line in lines)}


def assert_no_secret(output: str) -> None:
    assert FAKE_SECRET not in output
    assert FAKE_BEARER not in output


def assert_landed(host: ThrowawayHost, before: dict[str, tuple[Any, ...]]) -> None:
    """Every byte of the contract, and nothing else."""
    hooks = str(host.hooks_dir)
    for name in CLAUDE:
        peer = host.peer(name)
        assert text(peer / ".claude/settings.json") == SETTINGS_JSON.replace("HOOKS", hooks)
        assert text(peer / ".mcp.json") == MCP_JSON.replace("PORT", str(host.port)).replace("NAME", name)
        assert [mode(peer / ".claude/settings.json"), mode(peer / ".mcp.json")] == [0o600, 0o600]
        skills = {path.parent.name for path in peer.glob(".claude/skills/*/SKILL.md")}
        assert skills == {"house-style", *(f"iapeer-memory-{skill}" for skill in SKILLS)}
    for name in CODEX:
        assert text(host.peer(name) / ".codex/config.toml") == CONFIG_TOML.replace("{port}", str(host.port))
        assert mode(host.peer(name) / ".codex/config.toml") == 0o600
    assert text(host.peer("gamma") / ".codex/hooks.json") == HOOKS_JSON.replace("HOOKS", hooks)
    assert text(host.peer("beta") / ".codex/hooks.json") == HOOKS_JSON_BESIDE_A_FOREIGN_ONE.replace("HOOKS", hooks)
    for name in CODEX:
        assert host.core("trust-hooks", host.peer(name) / ".codex/hooks.json", "--check").returncode == 0
    assert '# stays\n[plugins."formatter@elsewhere"]\nenabled = true\n' in text(host.codex_config)
    assert PLUGIN not in text(host.codex_config)
    assert_scripts(host)
    slot = text(host.slot_path)
    assert re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "WHEN", slot) == SLOT_JSON.replace("HOME", str(host.home))
    assert_triggers(host)
    assert_texts(host)
    assert [peer["personality"] for peer in host.fleet()["peers"]] == list(host.peers)
    assert foreign_changes(host, before) == []


def assert_scripts(host: ThrowawayHost) -> None:
    """The shims, the launcher and the gate can be run and do what they are for."""
    for path, last in (
        (host.hooks_dir / "iapeer-memory.post-write.sh", 'exec "$cli" hook post-write'),
        (host.hooks_dir / "iapeer-memory.session-start.sh", 'exec "$cli" hook session-start'),
        (host.launcher_path, f'exec "{host.provider_bin}" memoryd'),
        (host.gate_path, f'exec "{host.provider_bin}" dream-collect --gate'),
    ):
        assert text(path).splitlines()[-1] == last
        assert mode(path) == 0o755
    answer = host.run(host.hooks_dir / "iapeer-memory.session-start.sh", input="{}")
    assert (answer.returncode, answer.stdout) == (0, f"Memory is on: the vault is {host.vault}.\n")
    (host.state_dir / "hooks.log").unlink()


def assert_triggers(host: ThrowawayHost) -> None:
    digest, watcher, dream = host.triggers()
    assert digest["id"] == "morning-digest"
    assert watcher == {
        "role": "event",
        "id": "iapeer-memory-memoryd",
        "owner": "index",
        "target": "scriber",
        "script": str(host.launcher_path),
    }
    assert dream.pop("message").startswith("DREAM_TICK")
    assert dream == {
        "role": "time",
        "id": "iapeer-memory-dream-tick",
        "owner": "index",
        "target": "dreamweaver",
        "when": "0 4 * * 1",
        "check": str(host.gate_path),
    }


def assert_texts(host: ThrowawayHost) -> None:
    for role in ("index", "scriber", "dreamweaver"):
        doctrine = text(host.peer(role) / ".iapeer/IAPEER.md")
        assert doctrine.startswith("<!-- iapeer-memory doctrine v1.1.0 -->\n# ")
        assert str(host.vault) in doctrine
        assert "{{VAULT_PATH}}" not in doctrine
    assert str(host.vault) in text(host.guide_path)
    assert "An older guide" not in text(host.guide_path)


def foreign_changes(host: ThrowawayHost, before: dict[str, tuple[Any, ...]]) -> list[str]:
    """What changed of the files that update has no business in."""
    ours = r"(.*/)?(settings\.json|\.mcp\.json|hooks\.json|config\.toml|SKILL\.md|IAPEER\.md|memory-provider\.json)"
    ours += r"|.*/(fleet\.json|peer-profile\.json|templates(/.*)?|hooks(/.*)?|memoryd.*|dream-tick-gate\.sh)"
    ours += r"|.*/fragments/iapeer-memory\.md|.*/skills/iapeer-memory-\w+|.*/provider-forms\.json"
    return [line for line in diff(before, host.snapshot(times=True)) if not re.fullmatch(ours, line[2:])]


def assert_called_in_order(host: ThrowawayHost) -> None:
    """The plugin goes once, after the last surface and while the v1.1 slot stands; messages come after the slot."""
    verbs = [(call["argv"][0], call["slot_form"]) for call in host.calls() if call["argv"][-1] != "--check"]
    assert verbs.count(("memory-plugin", "v1_1")) == 1
    swept = verbs.index(("memory-plugin", "v1_1"))
    assert [verb for verb, _form in verbs[:swept] if verb != "list"] == ["trust-hooks", "trust-hooks"]
    assert [verb for verb in verbs[swept + 1 :] if verb[0] != "list"] == [("send", "v1_2")] * 3
    assert host.calls("memory-plugin")[0]["argv"] == ["memory-plugin", "off", "--all"]
    sent = [(call["argv"][1], call["argv"][3], json.loads(call["argv"][5])["id"]) for call in host.calls("send")]
    assert sent == [
        ("watcher", "claude-index", "iapeer-memory-memoryd"),
        ("timer", "claude-index", "iapeer-memory-dream-tick"),
        ("timer", "claude-index", "iapeer-memory-inbox-sweep"),
    ]


@pytest.mark.slow
def test_update_of_a_russian_host_of_a_newer_version_that_is_already_v1_2(build: Build, gather: Any) -> None:
    """Only what depends on version and language changes; templates belong to the version, settings to the operator."""
    host = build(form="v1_2", locale="ru", peers=[], templates=True, watcher=True)
    settings = text(host.config_file)
    run = gather(host).update(iapeer_memory_version="1.2.7", iapeer_memory_restart="never")
    assert run.rc == 0, run.output
    assert run.statuses()["plugin-off"] == "ok"
    assert run.rows()["slot"].detail == "redeclared v1.2.7 (was v1.1.0)"
    assert run.rows()["memoryd"] == ("skip", "restarts are switched off (never)")
    assert run.rows()["guide"] == ("skip", "no guide on this host: left so")
    assert not os.path.lexists(host.guide_path)
    assert host.slot()["version"] == "1.2.7"
    assert text(host.config_file) == settings
    template, doctrine = text(host.templates_dir / "index.md"), text(host.peer("index") / ".iapeer/IAPEER.md")
    assert doctrine.startswith("<!-- iapeer-memory doctrine v1.2.7 -->\n# ")
    assert re.search("[а-яё]", template)
    assert doctrine.partition("\n")[2] == template.split("---\n")[2].lstrip().replace("{{VAULT_PATH}}", str(host.vault))
    skill = text(host.peer("index") / ".claude/skills/iapeer-memory-init/SKILL.md")
    assert re.search("[а-яё]", skill)
    assert host.calls("memory-plugin") == []
