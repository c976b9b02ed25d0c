# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The surfaces of a Codex peer, byte by byte (contract §5)."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces.codex import plan_codex
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces.plan import (
    PeerFolder,
    Planned,
    apply_planned,
)
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces.wanted import Wanted
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place
from ansible_collections.agfpd.iapeer_memory.tests.unit.wishes import wanted_surfaces

CONFIG = """\
[mcp_servers.iapeer-memory]
url = "http://127.0.0.1:8766/mcp"
default_tools_approval_mode = "approve"
bearer_token_env_var = "IAPEER_BEARER"

[mcp_servers.iapeer-memory.env_http_headers]
"X-IAPeer-Identity" = "PEER_IDENTITY"
"""
HOOKS = """\
{
  "hooks": {
    "PostToolUse": [
      {
        "hooks": [
          {
            "type": "command",
            "command": "/shims/iapeer-memory.post-write.sh"
          }
        ]
      }
    ],
    "SessionStart": [
      {
        "hooks": [
          {
            "type": "command",
            "command": "/shims/iapeer-memory.session-start.sh"
          }
        ]
      }
    ]
  }
}
"""
FOREIGN = """\
# keep me
approval_policy = "on-request"  # and me

[mcp_servers.tracker]
url = "https://tracker.example/mcp"
token = "s3cret"
"""
PRESENT = wanted_surfaces("/shims", {})
ABSENT = Wanted()


@pytest.fixture
def cwd(place: Place) -> Path:
    return place.peer("beta")


def plans(cwd: Path, wanted: Wanted = PRESENT) -> dict[str, Planned]:
    """What is planned, by surface."""
    with PeerFolder(Sandbox({}), str(cwd)) as folder:
        return {item.surface: item for item in plan_codex(folder, wanted, set())}


def done(place: Place, cwd: Path, wanted: Wanted = PRESENT) -> dict[str, str]:
    """The actions of a real run, by surface."""
    with place.host().files.tree(str(cwd)) as tree:
        return {name: apply_planned(tree, item).action for name, item in plans(cwd, wanted).items()}


def put(cwd: Path, name: str, text: str) -> Path:
    """A file of Codex."""
    path = cwd / ".codex" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_fresh_peer_gets_exactly_the_bytes_of_the_contract(place: Place, cwd: Path) -> None:
    assert done(place, cwd) == {"hooks": "written", "mcp": "written"}
    assert (cwd / ".codex" / "config.toml").read_text() == CONFIG
    assert (cwd / ".codex" / "hooks.json").read_text() == HOOKS
    assert {path.name for path in cwd.rglob("*") if path.is_file()} == {"config.toml", "hooks.json"}
    before = place.snapshot()
    assert done(place, cwd) == {"hooks": "already", "mcp": "already"}
    assert place.snapshot() == before


def test_removal_deletes_the_files_that_hold_nothing_else(place: Place, cwd: Path) -> None:
    done(place, cwd)
    assert done(place, cwd, ABSENT) == {"hooks": "removed", "mcp": "removed"}
    assert list((cwd / ".codex").iterdir()) == []
    assert done(place, cwd, ABSENT) == {"hooks": "absent", "mcp": "absent"}


def test_our_tables_come_after_the_foreign_text_and_one_blank_line(place: Place, cwd: Path) -> None:
    config = put(cwd, "config.toml", FOREIGN)
    done(place, cwd)
    assert config.read_text() == FOREIGN + "\n" + CONFIG
    done(place, cwd, ABSENT)
    assert config.read_text() == FOREIGN


def test_foreign_hooks_stay_and_come_back_byte_by_byte(place: Place, cwd: Path) -> None:
    text = '{"hooks": {"PostToolUse": [{"matcher": "shell", "hooks": [{"type": "command", "command": "/x.sh"}]}]}}'
    path = put(cwd, "hooks.json", text)
    done(place, cwd)
    entries = json.loads(path.read_text())["hooks"]["PostToolUse"]
    assert entries[0]["matcher"] == "shell"
    assert entries[1] == {"hooks": [{"type": "command", "command": "/shims/iapeer-memory.post-write.sh"}]}
    done(place, cwd, ABSENT)
    assert path.read_text() == text


@pytest.mark.parametrize(
    "text",
    [
        CONFIG.replace("8766", "1"),
        CONFIG.replace('default_tools_approval_mode = "approve"\n', ""),
        CONFIG + 'extra = "x"\n',
        CONFIG.partition("\n\n")[0] + "\n",
        "[ mcp_servers . 'iapeer-memory' ] # ours\nurl = 'x'\n",
        "[mcp_servers.iapeer-memory.other]\na = 1\n",
        'mcp_servers.iapeer-memory.url = "x"\n',
    ],
)
def test_any_drift_of_our_tables_is_mended(place: Place, cwd: Path, text: str) -> None:
    config = put(cwd, "config.toml", text)
    assert done(place, cwd)["mcp"] == "written"
    assert config.read_text() == CONFIG
    assert done(place, cwd)["mcp"] == "already"


@pytest.mark.parametrize(
    "text",
    [
        CONFIG + "\n" + FOREIGN.partition("\n\n")[2],
        CONFIG.replace("mcp_servers.iapeer-memory", 'mcp_servers . "iapeer-memory"'),
        CONFIG.replace('"http', "'http").replace('mcp"', "mcp'"),
    ],
)
def test_what_says_the_same_is_in_place_wherever_it_stands_and_however_it_is_spelled(cwd: Path, text: str) -> None:
    put(cwd, "config.toml", text)
    assert plans(cwd)["mcp"].action == "already"


@pytest.mark.parametrize("wanted", [PRESENT, ABSENT])
@pytest.mark.parametrize(
    ("name", "text", "surface"),
    [
        ("config.toml", "= x", "mcp"),
        ("config.toml", "a = 1\na = 2\n", "mcp"),
        ("config.toml", "mcp_servers = {}\n", "mcp"),
        ("config.toml", "[[mcp_servers]]\n", "mcp"),
        ("hooks.json", "{", "hooks"),
        ("hooks.json", '{"hooks": []}', "hooks"),
        ("hooks.json", '{"hooks": {"Stop": {}}}', "hooks"),
    ],
)
def test_a_broken_file_fails_its_surface_alone_and_stays_as_it_was(
    place: Place, cwd: Path, name: str, text: str, surface: str, wanted: Wanted
) -> None:
    path = put(cwd, name, text)
    actions = done(place, cwd, wanted)
    assert [item for item, action in actions.items() if action == "failed"] == [surface]
    assert path.read_text() == text
    assert plans(cwd, wanted)[surface].path == str(path)


def test_equal_files_are_looked_at_once(cwd: Path) -> None:
    put(cwd, "config.toml", CONFIG)
    put(cwd, "hooks.json", HOOKS)
    settled: set[tuple[str, bytes]] = set()
    with PeerFolder(Sandbox({}), str(cwd)) as folder:
        for _round in range(2):
            assert {item.action for item in plan_codex(folder, PRESENT, settled)} == {"already"}
    assert settled == {(".codex/config.toml", CONFIG.encode()), (".codex/hooks.json", HOOKS.encode())}


def test_a_diff_shows_our_tables_and_nothing_else_of_the_file(cwd: Path) -> None:
    ours = '\n[mcp_servers.iapeer-memory]\nurl = "old"\nhttp_headers = { A = "s3cret" }\nk = "s3cret"\n'
    put(cwd, "config.toml", FOREIGN + ours)
    ((_name, edit),) = plans(cwd)["mcp"].edits
    diff = edit.diff()
    assert diff["before"] == (
        '[mcp_servers.iapeer-memory]\nurl = "old"\nk = "***"\n\n[mcp_servers.iapeer-memory.http_headers]\nA = "***"\n'
    )
    assert diff["after"] == (
        '[mcp_servers.iapeer-memory]\nurl = "http://127.0.0.1:8766/mcp"\ndefault_tools_approval_mode = "approve"\n'
        'bearer_token_env_var = "IAPEER_BEARER"\n\n[mcp_servers.iapeer-memory.env_http_headers]\n'
        'X-IAPeer-Identity = "PEER_IDENTITY"\n'
    )


def test_the_diff_of_a_removal_ends_with_nothing(cwd: Path) -> None:
    put(cwd, "config.toml", CONFIG)
    ((_name, edit),) = plans(cwd, ABSENT)["mcp"].edits
    assert edit.diff()["after"] == ""
    assert edit.after is None


def test_a_config_that_is_only_a_comment_stays_after_removal(place: Place, cwd: Path) -> None:
    config = put(cwd, "config.toml", "# mine\n\n" + CONFIG)
    done(place, cwd, ABSENT)
    assert config.read_text() == "# mine\n"


def test_a_linked_config_is_emptied_but_not_removed(place: Place, cwd: Path) -> None:
    real = cwd / "real.toml"
    real.write_text(CONFIG)
    (cwd / ".codex").mkdir()
    (cwd / ".codex" / "config.toml").symlink_to("../real.toml")
    done(place, cwd, ABSENT)
    assert real.read_text() == ""
    assert (cwd / ".codex" / "config.toml").is_symlink()
