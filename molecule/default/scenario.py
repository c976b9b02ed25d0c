# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""v1.1 to v1.2, with a memoryd that runs under the notifier and a new binary from the controller."""

from __future__ import annotations

import sys

import harness
from harness import NEW, equal, expect, host
from throwaway import PLUGIN, process


def prepare() -> None:
    found = harness.build(form="v1_1", guide=True, watcher=True)
    harness.offer_new_binary()
    found.start_notifier(detached=True)
    found.wait_daemon()


def converged() -> None:
    found = host()
    if harness.again():
        return
    before = harness.remembered("before")[0]
    old_pid = int(before["home/.iapeer/state/iapeer-memory/memoryd.pid"][2])
    harness.migrated(found)
    equal(found.provider("version").stdout.strip(), f"iapeer-memory {NEW}", "the binary is the new one")
    expect(found.wait_daemon() != old_pid and process(old_pid) is None, "memoryd is a new process, the old one ended")
    harness.memoryd_runs(found)
    expect(harness.DREAM in {entry["id"] for entry in found.triggers()}, "the weekly timer is there")
    expect(str(found.vault) in found.guide_path.read_text(), "the guide was refreshed")
    plugin_off_came_last(found)


def one_mind() -> None:
    """Neither the provider's verify nor its update has anything to write; what verify says afterwards comes next."""
    found = host()
    pid = found.wait_daemon()
    harness.remember()
    harness.provider_agrees(found)
    harness.untouched()
    equal(found.provider_update().returncode, 0, "the provider's own update works")
    harness.untouched()
    equal(found.wait_daemon(), pid, "memoryd was left running")


def plugin_off_came_last(found: harness.ThrowawayHost) -> None:
    """The plugin went after every surface was trusted, while the v1.1 slot was still there."""
    calls = found.calls()
    verbs = [call["argv"][0] for call in calls]
    off = [call for call in calls if call["argv"] == ["memory-plugin", "off", "--all"]]
    equal([call["slot_form"] for call in off], ["v1_1"], "the plugin was swept off once, from the v1.1 slot")
    trusts = [n for n, call in enumerate(calls) if call["argv"][0] == "trust-hooks" and "--check" not in call["argv"]]
    equal(len(trusts), 2, "both codex peers were trusted")
    expect(verbs.index("memory-plugin") > max(trusts), "the plugin went after the surfaces")
    left = [name for name in found.peers if PLUGIN in settings(found, name)]
    equal(left, [], "no peer has the plugin any more")
    expect(PLUGIN not in found.codex_config.read_text(), "codex does not have it either")


def settings(found: harness.ThrowawayHost, name: str) -> str:
    path = found.peer(name) / ".claude" / "settings.json"
    return path.read_text() if path.exists() else ""


if __name__ == "__main__":
    sys.exit(harness.main(globals()))
