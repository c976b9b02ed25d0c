# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks from a `when` whether a new binary has cost a host its daemon."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.gates import is_lost
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.asked import read
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.steps import ran


def lost(done: Mapping[str, Any], rollback: Any = True) -> bool:
    """Whether a rollback is wanted: memoryd did not come up with the binary that this run installed over another one.

    done: the registered results by step. rollback: whether one is allowed; empty: it is. Raises Problem for what is
    neither yes nor no.
    """
    allowed: bool = rollback in (None, "") or read("rollback", rollback, "rollback")
    return allowed and is_lost(ran(done))


class TestModule:
    """The tests of this file."""

    def tests(self) -> dict[str, Callable[..., bool]]:
        """Name to function."""
        return {"lost": lost}
