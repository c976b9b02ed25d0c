# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How much of a difference is shown: of many files on many hosts, nobody reads the lines."""

from __future__ import annotations

from typing import Any

from ansible.constants import DEFAULT_STDOUT_CALLBACK
from ansible.utils.display import Display

from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.screen import condensed, for_machines


def counted(result: dict[str, Any]) -> dict[str, Any]:
    """A module's result, its diff as a count a file: unless more is asked for (-v), or programs read the output."""
    if not result.get("diff") or Display().verbosity > 0 or for_machines(str(DEFAULT_STDOUT_CALLBACK)):
        return result
    lines = condensed(result["diff"])
    return {**result, "diff": [{"prepared": "".join(f"{line}\n" for line in lines)}] if lines else []}
