# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Places that go by several names, as on a Mac: a home below a link (/var is /private/var there), a name in NFD."""

from __future__ import annotations

import dataclasses
import json
import unicodedata
from pathlib import Path

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import PLUGIN, Peer, ThrowawayHost, diff
from ansible_collections.agfpd.iapeer_memory.tests.integration.conftest import Build, Gather

pytestmark = pytest.mark.slow

NFD = unicodedata.normalize("NFD", "Zoë-Й")
PEERS = (Peer("alpha", ("claude", "codex")), Peer(NFD, ("claude", "codex")))
# The daemon does not run, and nobody starts it.
ALONE = {"iapeer_memory_restart": "never"}


@pytest.fixture
def linked(build: Build, tmp_path: Path) -> ThrowawayHost:
    """A v1.1 host below private/var whose account, core and operator know it as var."""
    built = build(peers=PEERS, watcher=True, guide=True)
    link = tmp_path / "var"
    link.symlink_to(built.base)
    for path in built.base.rglob("*"):
        if path.suffix in (".json", ".env", ".sh") and path.is_file() and not path.is_symlink():
            text = path.read_text(encoding="utf-8")
            # Claude Code writes down where it really is.
            told = text if path.name == "installed_plugins.json" else text.replace(f"{built.base}", f"{link}")
            path.write_text(told, encoding="utf-8")
    return dataclasses.replace(built, base=link)


def test_a_home_below_a_link_with_a_peer_in_nfd_is_migrated_and_rests(linked: ThrowawayHost, gather: Gather) -> None:
    fleet = gather(linked)
    before = linked.snapshot(times=True)
    foretold = fleet.update("--check", **ALONE)
    assert foretold.rc == 0, foretold.output
    assert diff(before, linked.snapshot(times=True)) == []
    landed = fleet.update(**ALONE)
    assert landed.rc == 0, landed.output
    assert landed.statuses() == foretold.statuses()
    assert landed.statuses()["plugin-off"] == landed.statuses()["slot"] == "changed"
    settled = linked.snapshot(times=True)
    rested = fleet.update(**ALONE)
    assert rested.rc == 0, rested.output
    assert rested.recap["host"]["changed"] == 0
    assert diff(settled, linked.snapshot(times=True)) == []

    assert [peer["personality"] for peer in linked.fleet()["peers"]] == list(linked.peers)
    for name in ("alpha", NFD):
        peer = linked.peer(name)
        shim = str(linked.hooks_dir / "iapeer-memory.post-write.sh")
        settings = json.loads((peer / ".claude" / "settings.json").read_text(encoding="utf-8"))
        commands = [hook["command"] for entry in settings["hooks"]["PostToolUse"] for hook in entry["hooks"]]
        assert commands.count(shim) == 1
        assert PLUGIN not in settings.get("enabledPlugins", {})
        assert f"claude-{name}}}" in (peer / ".mcp.json").read_text(encoding="utf-8")
        hooks = (peer / ".codex" / "hooks.json").resolve()
        assert hooks.as_posix().startswith(f"{linked.base.resolve()}/")
        # Codex goes by the real path.
        assert f'"{hooks}:' in linked.codex_config.read_text(encoding="utf-8")
        assert linked.core("trust-hooks", hooks, "--check").returncode == 0

    checked = fleet.verify()
    assert checked.failed() == ["memoryd-heartbeat"], checked.output
