# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks the gates between the steps of update from a `when`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.gates import is_due
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.steps import ran


def due(step: str, look: Mapping[str, Any], done: Mapping[str, Any], repair: bool = False) -> bool:
    """Whether a step is to run: there is work for it, and nothing of contract §9 holds it back.

    look: what host_plan returned. done: the registered results by step; those that did not run do not count.
    """
    return is_due(step, look, ran(done), repair)


class TestModule:
    """The tests of this file."""

    def tests(self) -> dict[str, Callable[..., bool]]:
        """Name to function."""
        return {"due": due}
