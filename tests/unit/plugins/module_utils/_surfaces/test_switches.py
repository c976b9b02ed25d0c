# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A user who switched us off is told so: nothing is changed, and it is no drift (contract section 5)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces import peers
from ansible_collections.agfpd.iapeer_memory.tests.unit.fakes import StandIn
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place

SHARED, LOCAL = ".claude/settings.json", ".claude/settings.local.json"
ALL = {"disableAllHooks": True}
OURS = {"disabledMcpjsonServers": ["other", "iapeer-memory"]}


def ensure(place: Place, check: bool = False, **options: Any) -> Mapping[str, Any]:
    """The module's work."""
    host = place.host(StandIn(place.home, place.root, place.state))
    return peers.ensure(host, {"state": "present", "forms": "bundled", "lock_timeout": 1, **options}, check).as_dict(
        True
    )


def details(done: Mapping[str, Any]) -> dict[str, str]:
    """What is said of each surface."""
    parts = [(row["runtime"], part) for row in done["results"] for part in row["outcomes"]]
    return {f"{runtime}:{part['surface']}": part["detail"] for runtime, part in parts if part["detail"]}


def put(place: Place, name: str, value: Any) -> None:
    """More keys in a settings file of the peer."""
    path = place.peer("alpha") / name
    before = json.loads(path.read_text()) if path.exists() else {}
    place.write_json(path, {**before, **value})


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({SHARED: ALL}, {"hooks": f"disableAllHooks in {SHARED}"}),
        ({LOCAL: ALL}, {"hooks": f"disableAllHooks in {LOCAL}"}),
        ({SHARED: ALL, LOCAL: {"disableAllHooks": False}}, {}),
        ({SHARED: {"disableAllHooks": False}, LOCAL: ALL}, {"hooks": f"disableAllHooks in {LOCAL}"}),
        ({SHARED: {"disableAllHooks": "true"}}, {}),
        ({SHARED: OURS}, {"mcp": f"disabledMcpjsonServers in {SHARED}"}),
        (
            {LOCAL: OURS, SHARED: ALL},
            {"hooks": f"disableAllHooks in {SHARED}", "mcp": f"disabledMcpjsonServers in {LOCAL}"},
        ),
        ({SHARED: {"disabledMcpjsonServers": ["other"]}}, {}),
        ({SHARED: {"disabledMcpjsonServers": "iapeer-memory"}}, {}),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_a_claude_user_who_switched_us_off_is_told(
    place: Place, files: Mapping[str, Any], told: Mapping[str, str], check: bool
) -> None:
    place.fleet(alpha=["claude"], beta=["claude"])
    ensure(place)
    for name, value in files.items():
        put(place, name, value)
    before = place.snapshot()
    done = ensure(place, check)
    assert (done["changed"], done["action"], done["in_place"], done["diff"]) == (False, "already", 2, [])
    assert "failed" not in done
    assert details(done) == {f"claude:{name}": f"switched off by its user: {words}" for name, words in told.items()}
    assert ("switched off by their users: alpha:claude" in done["detail"]) is bool(told)
    assert place.snapshot() == before


@pytest.mark.parametrize(
    ("everywhere", "here", "told"),
    [
        (ALL, {}, {"hooks": "disableAllHooks in {home}"}),
        (OURS, {}, {"mcp": "disabledMcpjsonServers in {home}"}),
        (ALL, {"disableAllHooks": False}, {}),
        (ALL, ALL, {"hooks": f"disableAllHooks in {SHARED}"}),
    ],
)
def test_a_claude_user_who_switched_us_off_everywhere_is_told(
    place: Place, everywhere: Any, here: Any, told: Mapping[str, str]
) -> None:
    """In the user's own settings, which count less than those of a peer."""
    place.fleet(alpha=["claude"])
    ensure(place)
    put(place, SHARED, here)
    place.write_json(place.home / SHARED, everywhere)
    done = ensure(place)
    assert (done["changed"], done["action"]) == (False, "already")
    wanted = {f"claude:{name}": f"switched off by its user: {words}" for name, words in told.items()}
    assert details(done) == {name: words.format(home=place.home / SHARED) for name, words in wanted.items()}


def test_hooks_are_mended_also_where_they_are_switched_off(place: Place) -> None:
    place.fleet(alpha=["claude"])
    put(place, SHARED, ALL)
    done = ensure(place)
    assert (done["changed"], done["results"][0]["outcomes"][0]["action"]) == (True, "written")
    assert details(done)["claude:hooks"].startswith("switched off by its user")


@pytest.mark.parametrize(
    ("here", "everywhere", "place_told"),
    [
        ("hooks = false", "", ".codex/config.toml"),
        ("", "hooks = false", "{home}/config.toml"),
        ("hooks = true", "hooks = false", ""),
        ("hooks = false", "hooks = true", ".codex/config.toml"),
        ("other = false", "", ""),
        ('hooks = "false"', "", ""),
        ('"hooks"\t=false', "", ".codex/config.toml"),
        ("'hooks'=false # not here", "", ".codex/config.toml"),
        (r'"hook\u0073" = false', "", ".codex/config.toml"),
        ("", 'hooks=false\n[hooks.state."a"]\ntrusted_hash = "b"', "{home}/config.toml"),
    ],
)
def test_a_codex_user_who_switched_hooks_off_is_told(place: Place, here: str, everywhere: str, place_told: str) -> None:
    place.fleet(alpha=["codex"])
    ensure(place)
    for path, line in (
        (place.peer("alpha") / ".codex/config.toml", here),
        (place.codex_home / "config.toml", everywhere),
    ):
        path.write_text(path.read_text() + (f"\n[features]\n{line}\n" if line else ""))
    done = ensure(place)
    assert (done["changed"], done["in_place"]) == (False, 1)
    words = f"switched off by its user: features.hooks in {place_told.format(home=place.codex_home)}"
    assert details(done) == ({"codex:hooks": words} if place_told else {})


@pytest.mark.parametrize(
    "switch", ["features.hooks = false", "features = { hooks = false }", "features={'hooks' =false}"]
)
def test_a_switch_is_known_however_it_is_written(place: Place, switch: str) -> None:
    place.fleet(alpha=["codex"], beta=["codex"], gamma=["codex"])
    ensure(place)
    path = place.peer("beta") / ".codex/config.toml"
    path.write_text(f"{switch}\n{path.read_text()}")
    done = ensure(place)
    assert (done["changed"], done["in_place"]) == (False, 3)
    [row] = done["results"]
    assert row["personality"] == "beta"
    assert details(done) == {"codex:hooks": "switched off by its user: features.hooks in .codex/config.toml"}


@pytest.mark.parametrize("name", [SHARED, LOCAL])
def test_a_settings_file_that_says_nothing_right_is_told_by_its_own_surface_alone(place: Place, name: str) -> None:
    place.fleet(alpha=["claude"])
    ensure(place)
    (place.peer("alpha") / name).write_text('{"disableAllHooks": true')
    done = ensure(place)
    assert ("failed" in done) is (name == SHARED)
    assert not any(words.startswith("switched off") for words in details(done).values())
