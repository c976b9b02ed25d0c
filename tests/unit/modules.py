# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Running the real main() of a module in this process."""

from __future__ import annotations

import contextlib
import importlib
import io
import json
from collections.abc import Mapping
from typing import Any
from unittest import mock

from ansible.module_utils import basic

PACKAGE = "ansible_collections.agfpd.iapeer_memory.plugins.modules"


def run_main(name: str, options: Mapping[str, Any], check: bool = False, diff: bool = False) -> dict[str, Any]:
    """What a module prints; `rc` is its exit code."""
    internal = {"_ansible_check_mode": check, "_ansible_diff": diff, "_ansible_remote_tmp": "/tmp"}
    arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**options, **internal}}).encode()
    out, rc = io.StringIO(), 0
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(basic, "_ANSIBLE_ARGS", arguments))
        stack.enter_context(mock.patch.object(basic, "_ANSIBLE_PROFILE", "legacy", create=True))
        stack.enter_context(contextlib.redirect_stdout(out))
        try:
            importlib.import_module(f"{PACKAGE}.{name}").main()
        except SystemExit as left:
            rc = int(left.code or 0)
    result: dict[str, Any] = json.loads(out.getvalue())
    return {**result, "rc": rc}


def specification(name: str) -> dict[str, Any]:
    """What a module gives to AnsibleModule."""
    module = importlib.import_module(f"{PACKAGE}.{name}")
    with mock.patch.object(module, "AnsibleModule") as ansible, mock.patch.object(module, "run"):
        module.main()
    return dict(ansible.call_args.kwargs)
