# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scripts that the notifier runs (contract §7)."""

from __future__ import annotations

from collections.abc import Mapping

from .._forms.scripts import EXECUTABLE, dream_gate, launcher
from .._host.edits import Edit, read_edit
from .._host.host import Host


def plan_launcher(host: Host, _given: Mapping[str, str]) -> list[Edit]:
    """The launcher and, where the weekly timer is wanted, its gate."""
    scripts = {host.paths.launcher: launcher(host.paths.binary)}
    if host.config.dream:
        scripts[host.paths.dream_gate] = dream_gate(host.paths.binary)
    return [read_edit(host.files, path, data, EXECUTABLE) for path, data in scripts.items()]
