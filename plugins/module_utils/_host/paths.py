# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where things are on a host (contract §1)."""

from __future__ import annotations

import os
from typing import NamedTuple

NAME = "iapeer-memory"
# A peer's own record, in its folder.
PROFILE = os.path.join(".iapeer", "peer-profile.json")


class Paths(NamedTuple):
    """Where things are on the host, all absolute (contract §1)."""

    home: str
    root: str
    config_file: str
    state: str
    cache: str
    logs: str
    binary: str
    slot: str
    guide: str
    config_dir: str
    hooks: str
    launcher: str
    dream_gate: str
    fleet: str
    roles: str
    pid: str
    heartbeat: str

    def templates(self, locale: str) -> str:
        """The folder of the templates of one locale."""
        return os.path.join(self.config_dir, "templates", locale)


def slot_path(root: str) -> str:
    """Where a host says who holds its memory."""
    return os.path.join(root, "memory-provider.json")


def lay_out(home: str, root: str, config_file: str, state: str, cache: str, logs: str, binary: str) -> Paths:
    """All paths of a host from those that can be set, which are absolute."""
    config_dir = os.path.dirname(config_file)
    return Paths(
        home,
        root,
        config_file,
        state,
        cache,
        logs,
        binary,
        slot=slot_path(root),
        guide=os.path.join(root, "fragments", f"{NAME}.md"),
        config_dir=config_dir,
        hooks=os.path.join(config_dir, "hooks"),
        launcher=os.path.join(config_dir, "memoryd-launcher.sh"),
        dream_gate=os.path.join(config_dir, "dream-tick-gate.sh"),
        fleet=os.path.join(state, "fleet.json"),
        roles=os.path.join(state, "roles.json"),
        pid=os.path.join(state, "memoryd.pid"),
        heartbeat=os.path.join(state, "memoryd.heartbeat"),
    )
