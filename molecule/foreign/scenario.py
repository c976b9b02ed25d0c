# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The slot belongs to another provider: named, and never touched."""

from __future__ import annotations

import sys

import harness
from harness import NEW, equal, host


def prepare() -> None:
    found = harness.build(form="foreign", version=NEW, watcher=True)
    found.start_notifier(detached=True)
    found.wait_daemon()


def converged() -> None:
    found = host()
    changes = harness.changed_paths()
    if harness.run_number() > 1:
        harness.untouched()
        harness.only_reads()
        return
    equal([path for path in changes if path.endswith("memory-provider.json")], [], "the slot was not touched")
    surfaces = (".claude", ".codex", ".mcp.json")
    equal([path for path in changes if any(name in path for name in surfaces)], [], "no peer was connected")
    equal(found.calls("memory-plugin"), [], "no plugin was swept off")
    equal(found.calls("trust-hooks"), [], "no hook was trusted")


if __name__ == "__main__":
    sys.exit(harness.main(globals()))
