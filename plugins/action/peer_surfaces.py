# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The controller's half of every module that changes files and needs nothing brought: meta/runtime.yml leads all here.

It has the name of one of them because an action needs a module of its name, where its documentation stands.
"""

from __future__ import annotations

from typing import Any

from ansible.plugins.action.normal import ActionModule as AnyModule

from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.differences import counted
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.payload import answered, packing


class ActionModule(AnyModule):
    """Run the module as Ansible does, and show of its differences what fits a screen."""

    @packing()
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result."""
        return counted(answered(lambda: super(ActionModule, self).run(tmp, task_vars)))
