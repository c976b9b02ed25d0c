# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The surfaces of a Claude Code peer, byte by byte (contract §5)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents.errors import DocumentError
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces.claude import plan_claude, with_server
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces.plan import (
    PeerFolder,
    Planned,
    apply_planned,
)
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces.wanted import Wanted
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place
from ansible_collections.agfpd.iapeer_memory.tests.unit.wishes import wanted_surfaces

SETTINGS = """\
{
  "hooks": {
    "PostToolUse": [
      {
        "matcher": "Write|Edit|MultiEdit|Bash",
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
MCP = """\
{
  "mcpServers": {
    "iapeer-memory": {
      "type": "http",
      "url": "http://127.0.0.1:8766/mcp",
      "headers": {
        "X-IAPeer-Identity": "${PEER_IDENTITY:-claude-alpha}"
      }
    }
  }
}
"""
SKILLS = {"iapeer-memory-init": "init\n", "iapeer-memory-status": "статус\n"}
PRESENT = wanted_surfaces("/shims", SKILLS)
ABSENT = Wanted()


@pytest.fixture
def cwd(place: Place) -> Iterator[Path]:
    return place.peer("alpha")


def plans(cwd: Path, wanted: Wanted = PRESENT) -> dict[str, Planned]:
    """What is planned for the peer alpha, by surface."""
    with PeerFolder(Sandbox({}), str(cwd)) as folder:
        return {item.surface: item for item in plan_claude(folder, "alpha", wanted, set(), lambda _folder: None)}


def done(place: Place, cwd: Path, wanted: Wanted = PRESENT) -> dict[str, str]:
    """The actions of a real run, by surface."""
    with place.host().files.tree(str(cwd)) as tree:
        return {name: apply_planned(tree, item).action for name, item in plans(cwd, wanted).items()}


def put(cwd: Path, name: str, value: Any) -> Path:
    """A file of the peer."""
    path = cwd / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(value if isinstance(value, str) else json.dumps(value))
    return path


def settings(cwd: Path) -> Any:
    """The settings as they are."""
    return json.loads((cwd / ".claude" / "settings.json").read_text())


def test_a_fresh_peer_gets_exactly_the_bytes_of_the_contract(place: Place, cwd: Path) -> None:
    assert done(place, cwd) == {"hooks": "written", "mcp": "written", "skills": "written"}
    assert (cwd / ".claude" / "settings.json").read_text() == SETTINGS
    assert (cwd / ".mcp.json").read_text() == MCP
    for name, text in SKILLS.items():
        assert (cwd / ".claude" / "skills" / name / "SKILL.md").read_text() == text
    found = {str(path.relative_to(cwd)) for path in cwd.rglob("*") if path.is_file()}
    skills = {f".claude/skills/{name}/SKILL.md" for name in SKILLS}
    assert found == {".claude/settings.json", ".mcp.json", *skills}


def test_a_second_run_finds_everything_in_place(place: Place, cwd: Path) -> None:
    done(place, cwd)
    before = place.snapshot()
    assert done(place, cwd) == {"hooks": "already", "mcp": "already", "skills": "already"}
    assert place.snapshot() == before


def test_removal_is_the_exact_mirror_on_a_peer_that_had_nothing(place: Place, cwd: Path) -> None:
    done(place, cwd)
    assert done(place, cwd, ABSENT) == {"hooks": "removed", "mcp": "removed", "skills": "removed"}
    assert (cwd / ".claude" / "settings.json").read_text() == "{}\n"
    assert not (cwd / ".mcp.json").exists()
    assert list((cwd / ".claude" / "skills").iterdir()) == []
    assert done(place, cwd, ABSENT) == {"hooks": "absent", "mcp": "absent", "skills": "absent"}


def test_removal_restores_foreign_files_byte_by_byte(place: Place, cwd: Path) -> None:
    foreign = {
        ".claude/settings.json": '{"env": {"T": "x"}, "n": 1e400,\n "hooks": {"Stop": []}}',
        ".mcp.json": '{\n\t"mcpServers": {\n\t\t"other": {"url": "u"}\n\t}\n}\n',
    }
    files = {put(cwd, name, text): text for name, text in foreign.items()}
    assert done(place, cwd)["hooks"] == "written"
    assert all(path.read_text() != text for path, text in files.items())
    done(place, cwd, ABSENT)
    assert {path: path.read_text() for path in files} == files


def test_a_foreign_handler_that_shares_an_entry_with_ours_survives(place: Place, cwd: Path) -> None:
    ours = {"type": "command", "command": "/old/iapeer-memory.post-write.sh"}
    other = {"type": "command", "command": "/opt/audit.sh"}
    put(cwd, ".claude/settings.json", {"hooks": {"PostToolUse": [{"matcher": "Bash", "hooks": [ours, other]}]}})
    done(place, cwd)
    entries = settings(cwd)["hooks"]["PostToolUse"]
    assert entries[0] == {"matcher": "Bash", "hooks": [other]}
    assert entries[1]["hooks"][0]["command"] == "/shims/iapeer-memory.post-write.sh"
    assert len(entries) == 2
    done(place, cwd, ABSENT)
    assert settings(cwd) == {"hooks": {"PostToolUse": [{"matcher": "Bash", "hooks": [other]}]}}


def test_a_stale_shim_location_is_drift_of_ours(place: Place, cwd: Path) -> None:
    put(cwd, ".claude/settings.json", SETTINGS.replace("/shims/", "/home/old/hooks/"))
    assert done(place, cwd)["hooks"] == "written"
    assert (cwd / ".claude" / "settings.json").read_text() == SETTINGS


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "http", "url": "http://127.0.0.1:1/mcp", "headers": {"X-IAPeer-Identity": "x"}},
        {"type": "http", "url": "http://127.0.0.1:8766/mcp"},
        {"type": "stdio"},
        None,
        "text",
        [],
    ],
)
def test_any_drift_of_our_server_is_mended_and_others_stay(place: Place, cwd: Path, entry: Any) -> None:
    other = {"type": "http", "url": "https://x.example", "headers": {"Authorization": "Bearer t"}}
    put(cwd, ".mcp.json", {"mcpServers": {"iapeer-memory": entry, "other": other}, "x": 1})
    assert done(place, cwd)["mcp"] == "written"
    value = json.loads((cwd / ".mcp.json").read_text())
    assert value["mcpServers"]["iapeer-memory"] == json.loads(MCP)["mcpServers"]["iapeer-memory"]
    assert (value["mcpServers"]["other"], value["x"]) == (other, 1)


def test_another_key_order_is_no_drift(place: Place, cwd: Path) -> None:
    entry = json.loads(MCP)["mcpServers"]["iapeer-memory"]
    put(cwd, ".mcp.json", {"mcpServers": {"iapeer-memory": dict(reversed(list(entry.items())))}})
    assert plans(cwd)["mcp"].action == "already"


@pytest.mark.parametrize("value", [[], None, "x", 5])
@pytest.mark.parametrize("entry", [{}, None])
def test_servers_that_are_no_object_are_refused(value: Any, entry: Any) -> None:
    with pytest.raises(DocumentError, match=r"not an object \(mcpServers\)"):
        with_server({"mcpServers": value}, entry)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, {}),
        ({"mcpServers": {}}, {"mcpServers": {}}),
        ({"mcpServers": {"iapeer-memory": {}}}, {}),
        ({"mcpServers": {"iapeer-memory": 1}, "x": 1}, {"x": 1}),
        ({"mcpServers": {"a": 1, "iapeer-memory": {}}}, {"mcpServers": {"a": 1}}),
    ],
)
def test_removal_of_the_server_sweeps_what_is_empty_for_it(before: Any, after: Any) -> None:
    assert with_server(before, None) == after


BROKEN = {
    "not JSON": ("{", "is not complete"),
    "an array": ("[]", "the top level is not an object"),
    "a comment": ("{} // x", "line 1, column 4"),
    "duplicate keys": ('{"a": 1, "a": 2}', "duplicate key"),
}


@pytest.mark.parametrize("wanted", [PRESENT, ABSENT])
@pytest.mark.parametrize("name", sorted(BROKEN))
@pytest.mark.parametrize("file", [".claude/settings.json", ".mcp.json"])
def test_a_broken_file_fails_its_surface_alone_and_stays_as_it_was(
    place: Place, cwd: Path, file: str, name: str, wanted: Wanted
) -> None:
    path = put(cwd, file, BROKEN[name][0])
    surface = "mcp" if file == ".mcp.json" else "hooks"
    bad = plans(cwd, wanted)[surface]
    assert (bad.action, bad.path, bad.edits) == ("failed", str(path), ())
    assert bad.detail
    actions = done(place, cwd, wanted)
    assert path.read_text() == BROKEN[name][0]
    assert [action for other, action in actions.items() if other != surface].count("failed") == 0


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_the_mode_of_a_file_is_kept(place: Place, cwd: Path, mode: int) -> None:
    for name in (".claude/settings.json", ".mcp.json"):
        put(cwd, name, "{}").chmod(mode)
    done(place, cwd)
    for name in (".claude/settings.json", ".mcp.json"):
        assert (cwd / name).stat().st_mode & 0o777 == mode


def test_a_link_inside_the_folder_stays_and_its_target_is_edited(place: Place, cwd: Path) -> None:
    real = put(cwd, "config/mcp.json", "{}")
    (cwd / ".mcp.json").symlink_to("config/mcp.json")
    done(place, cwd)
    assert (cwd / ".mcp.json").is_symlink()
    assert "iapeer-memory" in real.read_text()
    done(place, cwd, ABSENT)
    assert real.read_text() == "{}"


def test_a_link_that_leaves_the_folder_is_refused(place: Place, cwd: Path) -> None:
    outside = place.write(place.base / "outside.json", "{}")
    (cwd / ".mcp.json").symlink_to(outside)
    assert done(place, cwd)["mcp"] == "failed"
    assert "leaves" in plans(cwd)["mcp"].detail
    assert outside.read_text() == "{}"


# Skills


@pytest.mark.parametrize("link", ["iapeer-memory-init", "iapeer-memory-init/SKILL.md"])
def test_a_skill_is_not_written_through_a_link(place: Place, cwd: Path, link: str) -> None:
    """What it leads to may be somebody else's, and would be lost as a whole."""
    theirs = put(cwd, ".claude/skills/house-style/SKILL.md", "ours is the house\n")
    path = cwd / ".claude/skills" / link
    path.parent.mkdir(exist_ok=True)
    path.symlink_to(theirs if link.endswith(".md") else theirs.parent)
    bad = plans(cwd)["skills"]
    assert (bad.action, bad.path, bad.edits) == ("failed", str(path), ())
    assert "remove the link" in bad.detail
    assert done(place, cwd)["skills"] == "failed"
    assert done(place, cwd, ABSENT)["skills"] == "removed"
    assert not path.is_symlink()
    assert theirs.read_text() == "ours is the house\n"


def test_a_linked_skill_that_is_right_is_in_place(place: Place, cwd: Path) -> None:
    done(place, cwd)
    kept = cwd / "skill"
    (cwd / ".claude/skills/iapeer-memory-init").rename(kept)
    (cwd / ".claude/skills/iapeer-memory-init").symlink_to(kept)
    assert done(place, cwd)["skills"] == "already"


def test_an_edited_skill_is_written_again_and_the_others_stay(place: Place, cwd: Path) -> None:
    done(place, cwd)
    put(cwd, ".claude/skills/iapeer-memory-init/SKILL.md", "mine")
    put(cwd, ".claude/skills/house-style/SKILL.md", "theirs")
    planned = plans(cwd)["skills"]
    assert (planned.action, planned.detail) == ("written", "1 of 2 written")
    done(place, cwd)
    assert (cwd / ".claude/skills/iapeer-memory-init/SKILL.md").read_text() == "init\n"
    assert (cwd / ".claude/skills/house-style/SKILL.md").read_text() == "theirs"


def test_skills_of_another_version_go_where_all_of_the_installed_one_are_known(place: Place, cwd: Path) -> None:
    for name in ("iapeer-memory-audit", "iapeer-memories", "house-style"):
        put(cwd, f".claude/skills/{name}/SKILL.md", "x")
    done(place, cwd)
    assert (cwd / ".claude/skills/iapeer-memory-audit").exists()
    known = PRESENT._replace(all_skills=True)
    planned = plans(cwd, known)["skills"]
    assert (planned.action, planned.detail) == ("written", "1 of another version removed")
    assert done(place, cwd, known)["skills"] == "written"
    names = {path.name for path in (cwd / ".claude" / "skills").iterdir()}
    assert names == {"iapeer-memory-init", "iapeer-memory-status", "iapeer-memories", "house-style"}
    assert done(place, cwd, known)["skills"] == "already"


def test_removal_takes_every_folder_of_our_namespace_and_no_other(place: Place, cwd: Path) -> None:
    for name in ("iapeer-memory-init", "iapeer-memory-long-gone", "iapeer-memoryx", "house-style"):
        put(cwd, f".claude/skills/{name}/SKILL.md", "x")
    put(cwd, ".claude/skills/iapeer-memory-init/more/notes.md", "x")
    assert done(place, cwd, ABSENT)["skills"] == "removed"
    assert {path.name for path in (cwd / ".claude" / "skills").iterdir()} == {"iapeer-memoryx", "house-style"}


@pytest.mark.parametrize("wanted", [ABSENT, PRESENT._replace(all_skills=True)])
def test_only_folders_are_ours_in_our_namespace(place: Place, cwd: Path, wanted: Wanted) -> None:
    skills = cwd / ".claude" / "skills"
    put(cwd, ".claude/skills/iapeer-memory-notes.md", "theirs")
    put(cwd, ".claude/skills/iapeer-memory-audit/SKILL.md", "x")
    links = {"linked.md": "iapeer-memory-notes.md", "dangling": "nowhere", "loop": "iapeer-memory-loop"}
    for name, target in links.items():
        (skills / f"iapeer-memory-{name}").symlink_to(target)
    before = {path.name for path in skills.iterdir()} - {"iapeer-memory-audit"}
    done(place, cwd, wanted)
    assert (skills / "iapeer-memory-notes.md").read_text() == "theirs"
    assert before <= {path.name for path in skills.iterdir()}
    assert not (skills / "iapeer-memory-audit").exists()


def test_a_file_in_place_of_the_skills_folder_fails_that_surface(place: Place, cwd: Path) -> None:
    put(cwd, ".claude/skills", "a file")
    for wanted in (PRESENT, ABSENT):
        assert plans(cwd, wanted)["skills"].action == "failed"


@pytest.mark.parametrize("names", [("hooks",), ("mcp",), ("skills",), ("hooks", "skills"), ("trust",)])
def test_only_the_surfaces_that_are_asked_for_are_planned(cwd: Path, names: tuple[str, ...]) -> None:
    assert set(plans(cwd, PRESENT._replace(surfaces=names))) == set(names) - {"trust"}


# Diffs


def shown(cwd: Path, surface: str, wanted: Wanted = PRESENT) -> dict[str, str]:
    """What is shown of a surface."""
    ((_name, edit),) = plans(cwd, wanted)[surface].edits
    return edit.diff()


SECRETIVE = {
    "env": {"TOKEN": "s3cret"},
    "hooks": {"Stop": [{"hooks": [{"type": "command", "command": "/opt/audit.sh --key s3cret"}]}]},
    "list": ["s3cret", 5318008],
}


@pytest.mark.parametrize("indent", [None, 2, "\t"])
@pytest.mark.parametrize("wanted", [PRESENT, ABSENT])
def test_a_diff_never_shows_what_is_not_ours(cwd: Path, indent: Any, wanted: Wanted) -> None:
    value = {**SECRETIVE, "hooks": {**SECRETIVE["hooks"], **json.loads(SETTINGS.replace("/shims", "/old"))["hooks"]}}  # type: ignore[dict-item]
    put(cwd, ".claude/settings.json", json.dumps(value, indent=indent))
    diff = shown(cwd, "hooks", wanted)
    assert "s3cret" not in str(diff)
    assert "5318008" not in str(diff)
    assert '"TOKEN": "***"' in diff["before"]
    assert "/old/iapeer-memory.post-write.sh" in diff["before"]
    assert "/opt/audit.sh" not in str(diff)


@pytest.mark.parametrize("indent", [None, 2])
def test_a_bearer_of_another_server_and_one_inside_our_own_entry_are_masked(cwd: Path, indent: Any) -> None:
    header = {"Authorization": "Bearer s3cret"}
    servers = {"other": {"headers": header}, "iapeer-memory": {"type": "http", "headers": header}}
    put(cwd, ".mcp.json", json.dumps({"mcpServers": servers}, indent=indent))
    diff = shown(cwd, "mcp")
    assert "s3cret" not in str(diff)
    assert "http://127.0.0.1:8766/mcp" in diff["after"]
    assert "${PEER_IDENTITY:-claude-alpha}" in diff["after"]


def test_a_diff_shows_exactly_the_lines_that_change(cwd: Path) -> None:
    put(cwd, ".mcp.json", MCP.replace("8766", "1"))
    diff = shown(cwd, "mcp")
    pairs = list(zip(diff["before"].splitlines(), diff["after"].splitlines()))
    assert [pair for pair in pairs if pair[0] != pair[1]] == [
        ('      "url": "http://127.0.0.1:1/mcp",', '      "url": "http://127.0.0.1:8766/mcp",')
    ]
    assert diff["before_header"] == str(cwd / ".mcp.json")
