# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bring the provider's binary from the controller to the host; the module of the same name installs it."""

from __future__ import annotations

from typing import Any

from ansible.plugins.action import ActionBase

from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.differences import counted
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.payload import answered, packing
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.sources import checksum, find

MODULE = "agfpd.iapeer_memory.provider_binary"


class ActionModule(ActionBase):
    """Ask the host whether it has the file; send it only where it has not."""

    TRANSFERS_FILES = True

    @packing()
    def run(self, tmp: str | None = None, task_vars: dict[str, Any] | None = None) -> dict[str, Any]:
        """Return the module's result; fails with the name of a file that is not there."""
        result: dict[str, Any] = super().run(tmp, task_vars)
        return counted({**result, **answered(lambda: self._bring(dict(self._task.args), task_vars))})

    def _bring(self, arguments: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        if arguments.get("state") in ("absent", "previous"):
            return self._ask(arguments, task_vars)
        source = find(self, "src", str(arguments.pop("src", "") or ""))
        arguments["checksum"] = checksum("src", source)
        asked = self._ask(arguments, task_vars)
        if asked.get("failed") or not asked.get("changed") or self._task.check_mode:
            return asked
        remote = None
        if asked.get("needed"):
            shell = self._connection._shell
            remote = shell.join_path(shell.tmpdir or self._make_tmp_path(), "source")
            self._transfer_file(source, remote)
        return self._ask({**arguments, "src": remote or source}, task_vars)

    def _ask(self, arguments: dict[str, Any], task_vars: Any) -> dict[str, Any]:
        result: dict[str, Any] = self._execute_module(module_name=MODULE, module_args=arguments, task_vars=task_vars)
        return result
