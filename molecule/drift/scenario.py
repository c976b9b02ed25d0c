# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Twenty peers, drift of every kind: verify names each piece, repair brings back the very bytes."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Callable

import harness
from harness import NEW, host
from throwaway import WATCHER

# Times that a repair writes anew.
TIMES = {
    "home/.iapeer/memory-provider.json": "registeredAt",
    "home/.iapeer/state/iapeer-memory/fleet.json": "updatedAt",
}


def prepare() -> None:
    found = harness.build(form="v1_2", version=NEW, peers=20, watcher=True)
    found.start_notifier(detached=True)
    found.wait_daemon()


def converged() -> None:
    found = host()
    harness.again()
    harness.migrated(found)
    harness.memoryd_runs(found)


def edit(path: Path, change: Callable[[Any], None]) -> None:
    """Change a JSON file, in the style it has."""
    value = json.loads(path.read_text())
    change(value)
    path.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def replace(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    harness.same(str(path), text.count(old) > 0, True)
    path.write_text(text.replace(old, new))


def drift() -> None:
    """One piece of each kind."""
    harness.remember("whole")
    found = host()
    one, two, three, four, five = (found.peer(f"peer-{number:04d}") for number in range(1, 6))
    edit(one / ".claude" / "settings.json", lambda value: value["hooks"]["PostToolUse"].pop())
    replace(two / ".mcp.json", f"127.0.0.1:{found.port}", "127.0.0.1:9")
    replace(three / ".codex" / "config.toml", f"127.0.0.1:{found.port}", "127.0.0.1:9")
    os.unlink(four / ".claude" / "skills" / "iapeer-memory-init" / "SKILL.md")
    replace(four / ".codex" / "hooks.json", str(found.hooks_dir), "/opt/elsewhere")
    replace(five / ".mcp.json", "claude-peer-0005", "claude-somebody")
    edit(found.slot_path, lambda value: value.update(version="1.0.0"))
    replace(found.peer("scriber") / ".iapeer" / "IAPEER.md", f"v{NEW}", "v1.0.0")
    edit(found.profile(), triggers_drift)
    harness.remember()


def triggers_drift(profile: dict[str, Any]) -> None:
    for entry in profile["notifier"]["triggers"]:
        if entry["id"] == WATCHER:
            entry["target"] = "index"
        if entry["id"] == harness.DREAM:
            entry["when"] = "0 5 * * 5"


def mended() -> None:
    harness.same_bytes("whole", TIMES)
    harness.memoryd_runs(host())


def lose_map() -> None:
    host().fleet_path.write_text("[]\n")


if __name__ == "__main__":
    sys.exit(harness.main(globals()))
