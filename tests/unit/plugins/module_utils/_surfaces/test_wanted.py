# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted comes from the forms, whatever a next version puts into them (contract sections 5 and 12)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents.toml_document import Raw
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.ahead import Ahead
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.bundled import bundled
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.forms import PERSONALITY, Forms
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.core import Peer
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces import peers
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces.wanted import toml_values, with_port
from ansible_collections.agfpd.iapeer_memory.tests.unit.fakes import StandIn
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place

NEXT_SETTINGS = """\
{
  "hooks": {
    "PostToolUse": [
      {
        "matcher": "Write",
        "hooks": [
          {
            "type": "command",
            "command": "%(hooks)s/iapeer-memory.post-write.sh",
            "timeout": 45
          }
        ],
        "note": null
      }
    ],
    "Stop": [
      {
        "hooks": [
          {
            "type": "command",
            "command": "%(hooks)s/iapeer-memory.stop.sh"
          }
        ]
      }
    ]
  }
}
"""
NEXT_MCP = """\
{
  "mcpServers": {
    "iapeer-memory": {
      "type": "http",
      "url": "http://127.0.0.1:8766/mcp/v2",
      "headers": {
        "X-IAPeer-Identity": "claude-alpha",
        "X-Form": "2"
      },
      "timeout": 30.5,
      "tools": [
        "alpha",
        true
      ]
    }
  }
}
"""
NEXT_CONFIG = """\
[mcp_servers.iapeer-memory]
url = "http://127.0.0.1:8766/mcp/v2"
enabled = true
tool_timeout_sec = 60
enabled_tools = ["search", "note"]

[mcp_servers.iapeer-memory.env_http_headers]
"X-IAPeer-Identity" = "PEER_IDENTITY"

[mcp_servers.iapeer-memory.tools]

[mcp_servers.iapeer-memory.tools.search]
approval_mode = "approve"
"""


def next_forms(place: Place) -> Forms:
    """The forms of a version that differs in everything that may differ."""
    shims = {name: f"#!/bin/sh\n# {name}\n" for name in ("iapeer-memory.post-write.sh", "iapeer-memory.stop.sh")}
    write, stop = ({"type": "command", "command": str(place.hooks / name)} for name in shims)
    entries = {
        "PostToolUse": {"matcher": "Write", "hooks": [{**write, "timeout": 45}], "note": None},
        "Stop": {"hooks": [stop]},
    }
    return bundled(place.host(), "a test")._replace(
        shims=shims,
        hooks={"claude": entries, "codex": {"Stop": {"hooks": [stop]}}},
        mcp={
            "type": "http",
            "url": "http://127.0.0.1:8766/mcp/v2",
            "headers": {"X-IAPeer-Identity": f"claude-{PERSONALITY}", "X-Form": "2"},
            "timeout": 30.5,
            "tools": [PERSONALITY, True],
        },
        toml={
            "url": "http://127.0.0.1:8766/mcp/v2",
            "enabled": True,
            "tool_timeout_sec": Raw("60"),
            "enabled_tools": ["search", "note"],
            "env_http_headers": {"X-IAPeer-Identity": "PEER_IDENTITY"},
            "tools": {"search": {"approval_mode": "approve"}},
        },
        skills={"iapeer-memory-audit": "# audit\n"},
    )


def ensure(place: Place, forms: Forms, check: bool = False, **options: Any) -> Mapping[str, Any]:
    """The module's work with these forms."""
    host = place.host(StandIn(place.home, place.root, place.state))
    done = peers.ensure(host, {"state": "present", "lock_timeout": 1, **options}, check, Ahead(forms=forms))
    return done.as_dict(True)


def test_a_next_versions_forms_come_as_they_are(place: Place) -> None:
    place.fleet(alpha=["claude", "codex"])
    forms, cwd = next_forms(place), place.peer("alpha")
    foretold, done = ensure(place, forms, check=True), ensure(place, forms)
    assert "failed" not in done
    assert foretold["results"] == [{**row, "outcomes": row["outcomes"]} for row in foretold["results"]]
    assert (cwd / ".claude/settings.json").read_text() == NEXT_SETTINGS % {"hooks": place.hooks}
    assert (cwd / ".mcp.json").read_text() == NEXT_MCP
    assert (cwd / ".codex/config.toml").read_text() == NEXT_CONFIG
    assert list(json.loads((cwd / ".codex/hooks.json").read_text())["hooks"]) == ["Stop"]
    assert [path.name for path in (cwd / ".claude/skills").iterdir()] == ["iapeer-memory-audit"]
    assert {path.name: path.read_text() for path in place.hooks.iterdir()} == forms.shims
    before = place.snapshot("calls.jsonl")
    again = ensure(place, forms)
    assert (again["changed"], again["in_place"]) == (False, 2)
    assert place.snapshot("calls.jsonl") == before


def test_an_upgrade_and_the_way_back_leave_no_entry_behind_and_foreign_ones_where_they_stand(place: Place) -> None:
    place.fleet(alpha=["claude", "codex"])
    cwd = place.peer("alpha")
    foreign = {"hooks": [{"type": "command", "command": "/opt/audit.sh"}]}
    ensure(place, bundled(place.host(), "first"))
    for name in (".claude/settings.json", ".codex/hooks.json"):
        value = json.loads((cwd / name).read_text())
        value["hooks"]["PostToolUse"].append(foreign)
        value["hooks"]["SessionStart"].insert(0, foreign)
        place.write_json(cwd / name, value)
    before = {name: (cwd / name).read_text() for name in (".claude/settings.json", ".codex/hooks.json")}
    assert not ensure(place, bundled(place.host(), "still"), surfaces=["hooks"])["changed"]
    ensure(place, next_forms(place))
    hooks = json.loads((cwd / ".claude/settings.json").read_text())["hooks"]
    assert [entry.get("matcher") for entry in hooks["PostToolUse"]] == ["Write", None]
    assert hooks["SessionStart"] == [foreign]
    assert set(hooks) == {"PostToolUse", "SessionStart", "Stop"}
    ensure(place, bundled(place.host(), "back"))
    after = json.loads((cwd / ".claude/settings.json").read_text())["hooks"]
    assert after["PostToolUse"] == json.loads(before[".claude/settings.json"])["hooks"]["PostToolUse"]
    assert after["SessionStart"][0] == foreign
    assert len(after["SessionStart"]) == 2


def test_another_layout_of_the_same_values_is_no_drift(place: Place) -> None:
    place.fleet(alpha=["codex"])
    forms = next_forms(place)
    ensure(place, forms)
    config = place.peer("alpha") / ".codex/config.toml"
    config.write_text(NEXT_CONFIG.replace('["search", "note"]', '[\n  "search",\n  "note"\n]').replace("= 60", "=60"))
    assert not ensure(place, forms, surfaces=["mcp"])["changed"]


def test_a_port_that_is_given_wins_over_the_providers(place: Place) -> None:
    place.fleet(alpha=["claude", "codex"])
    ensure(place, next_forms(place), port=9002)
    assert (place.peer("alpha") / ".mcp.json").read_text() == NEXT_MCP.replace("8766", "9002")
    assert (place.peer("alpha") / ".codex/config.toml").read_text() == NEXT_CONFIG.replace("8766", "9002")


@pytest.mark.parametrize(
    ("url", "after"),
    [
        ("http://127.0.0.1:8766/mcp", "http://127.0.0.1:5/mcp"),
        ("http://127.0.0.1/mcp:8766", "http://127.0.0.1:5/mcp:8766"),
        ("http://[::1]:8766/mcp", "http://[::1]:5/mcp"),
        ("https://localhost", "https://localhost:5"),
    ],
)
def test_a_port_has_one_place_in_an_address(url: str, after: str) -> None:
    assert with_port({"url": url, "a": 1}, 5) == {"url": after, "a": 1}
    assert with_port({"url": url}, None) == {"url": url}


def test_values_of_a_table_are_spelled_as_toml() -> None:
    value = {"a": "x", "b": True, "c": 1, "d": 0.5, "e": ["x", 1, [False]], "f": {"g": Raw("1979-05-27")}}
    assert toml_values(value) == {
        **{"a": "x", "b": Raw("true"), "c": Raw("1"), "d": Raw("0.5"), "e": Raw('["x", 1, [false]]')},
        "f": {"g": Raw("1979-05-27")},
    }


def test_skills_that_are_given_win_over_the_providers_and_a_skill_that_nobody_knows_stays(place: Place) -> None:
    place.fleet(alpha=["claude"])
    skills = place.peer("alpha") / ".claude/skills"
    place.write(skills / "iapeer-memory-later" / "SKILL.md", "# a later version's\n")
    ensure(place, next_forms(place), skills={"iapeer-memory-own": "# own\n"})
    assert sorted(path.name for path in skills.iterdir()) == ["iapeer-memory-later", "iapeer-memory-own"]
    assert not ensure(place, next_forms(place), skills={"iapeer-memory-own": "# own\n"})["changed"]
    ensure(place, next_forms(place), state="absent")
    assert list(skills.iterdir()) == []


def test_peers_that_are_ahead_are_taken_instead_of_those_given_and_of_the_map(place: Place) -> None:
    place.fleet(alpha=["claude"])
    ahead = Ahead(peers=(Peer("beta", str(place.peer("beta")), ("claude",)),))
    done = peers.ensure(place.host(), {"state": "present", "forms": "bundled", "peers": []}, True, ahead)
    assert [row["personality"] for row in done.data["results"]] == ["beta"]


def test_a_diff_shows_what_the_provider_wants_and_no_value_of_anybody_else(place: Place) -> None:
    place.fleet(alpha=["claude", "codex"])
    cwd = place.peer("alpha")
    other = {"url": "https://x", "timeout": 5318008, "headers": {"Authorization": "Bearer s3cret"}}
    place.write_json(cwd / ".mcp.json", {"mcpServers": {"other": other, "iapeer-memory": {"timeout": 5318008}}})
    place.write(cwd / ".codex/config.toml", "[mcp_servers.iapeer-memory]\ntool_timeout_sec = 5318008\n")
    text = json.dumps(ensure(place, next_forms(place), check=True)["diff"])
    assert "s3cret" not in text
    assert "5318008" not in text
    assert "30.5" in text
    assert "tool_timeout_sec = 60" in text


# Paths that a shell reads


@pytest.mark.parametrize("letter", list(" '\"&;()$`\\|<>*?[]{}#~!\t\n\x1b") + ["\udcff"])
@pytest.mark.parametrize("check", [True, False])
def test_hooks_in_a_path_that_a_shell_reads_fail_with_the_remedy(place: Place, letter: str, check: bool) -> None:
    place.fleet(alpha=["claude"], beta=["codex"])
    config = place.write(place.base / f"a{letter}b" / "config.env", f"IAPEER_MEMORY_VAULT_PATH={place.vault}\n")
    host = place.host(StandIn(place.home, place.root, place.state), config_file=str(config))
    done = peers.ensure(host, {"state": "present", "forms": "bundled", "lock_timeout": 1}, check)
    found = {f"{row['runtime']}:{part['surface']}": part for row in done.data["results"] for part in row["outcomes"]}
    actions = {name: part["action"] for name, part in found.items()}
    assert actions == {
        **{"claude:hooks": "failed", "claude:mcp": "written", "claude:skills": "written"},
        **{"codex:hooks": "failed", "codex:mcp": "written", "codex:trust": "failed"},
    }
    assert "IAPEER_MEMORY_CONFIG_FILE" in found["claude:hooks"]["detail"]
    assert done.failure.count("IAPEER_MEMORY_CONFIG_FILE") == 2
    assert done.failure.isprintable()
    assert not (config.parent / "hooks").exists()
    assert not (place.peer("alpha") / ".claude/settings.json").exists()


@pytest.mark.parametrize("word", ["plain", "под-чертой", "a=b", "a,b", "a@b+c%d:e^f"])
def test_hooks_in_any_other_path_run(place: Place, word: str) -> None:
    place.fleet(alpha=["claude"])
    config = place.write(place.base / word / "config.env", f"IAPEER_MEMORY_VAULT_PATH={place.vault}\n")
    host = place.host(config_file=str(config))
    done = peers.ensure(host, {"state": "present", "forms": "bundled", "lock_timeout": 1}, False)
    assert not done.failed
    hooks = json.loads((place.peer("alpha") / ".claude/settings.json").read_text())["hooks"]
    assert Path(hooks["SessionStart"][0]["hooks"][0]["command"]).is_file()


def test_an_entry_whose_path_a_shell_reads_is_ours_on_the_host_that_it_names(place: Place) -> None:
    place.fleet(alpha=["claude"])
    config = place.write(place.base / "a b" / "config.env", f"IAPEER_MEMORY_VAULT_PATH={place.vault}\n")
    command = str(config.parent / "hooks" / "iapeer-memory.post-write.sh")
    other = {"type": "command", "command": f"timeout 5 {command}"}
    settings = place.peer("alpha") / ".claude/settings.json"
    entries = [{"hooks": [{"type": "command", "command": command}]}, {"hooks": [other]}]
    place.write_json(settings, {"hooks": {"PostToolUse": entries}})
    host = place.host(config_file=str(config))
    peers.ensure(host, {"state": "absent", "forms": "bundled", "lock_timeout": 1}, False)
    assert json.loads(settings.read_text()) == {"hooks": {"PostToolUse": [{"hooks": [other]}]}}
