# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scripts that the notifier runs (contract §7)."""

from __future__ import annotations

from .._forms.forms import Forms
from .._forms.scripts import EXECUTABLE
from .._host.edits import Edit, read_edit
from .._host.host import Host


def plan_launcher(host: Host, forms: Forms) -> list[Edit]:
    """The launcher, and the gate of the weekly timer where the provider has one: whether it is wanted is its own."""
    texts = {host.paths.launcher: forms.launcher, host.paths.dream_gate: forms.gate}
    return [
        read_edit(host.files, path, text.encode("utf-8", "surrogateescape"), EXECUTABLE)
        for path, text in texts.items()
        if text
    ]
