# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is asked for, looked at on the controller before a host is: numbers of seconds, yes or no, a folder. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.module_utils.parsing.convert_bool import boolean

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.options import seconds

# At least so many seconds.
SECONDS = {"lock_timeout": 0, "wait": 0, "index_wait": 0, "hung_after": 1, "stale_after": 1}
YES_OR_NO = ("guide", "keep_binary", "rollback", "repair", "unreachable_fails")
TEXT = ("report_dir", "binary_src", "templates_src", "skills_src")
# The role's variables that have another name than the option.
VARIABLES = {"wait": "restart_wait", "hung_after": "heartbeat_stale_after", "stale_after": "heartbeat_stale_after"}


def given(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options that are given: null and empty text are the default, and nothing else is."""
    return {name: value for name, value in options.items() if value is not None and value != ""}


def variable(option: str) -> str:
    """The variable of the role that an option comes from."""
    return f"iapeer_memory_{VARIABLES.get(option, option)}"


def read(option: str, value: Any, name: str) -> Any:
    """The value of an option as what it is to be; others as they are, for the module to judge.

    name: what the user calls it. Raises Problem with that name for what it cannot be.
    """
    if option in SECONDS:
        return seconds(name, value, SECONDS[option])
    if option in YES_OR_NO:
        return _yes_or_no(name, value)
    if option in TEXT and not isinstance(value, str):
        raise Problem(f"{name} must be text, not {value!r}")
    return value


def _yes_or_no(name: str, value: Any) -> bool:
    try:
        return bool(boolean(value, strict=True))
    except TypeError:
        raise Problem(f"{name} must be true or false, not {value!r}") from None
