# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads what a user says of hosts and batches: what Ansible would take for another thing is refused by name."""

from __future__ import annotations

import json
import re
from typing import Any, Callable

from ansible.errors import AnsibleFilterError

PERCENT = re.compile(r"\s*(0*[1-9][0-9]?|0*100)%\s*")
COUNT = re.compile(r"\s*0*[1-9][0-9]*\s*")
SEPARATORS = " \t\n,:;"


def play_keyword(value: Any, name: str, default: Any) -> Any:
    """The value of a play's keyword, out of the variable iapeer_memory_<name>; null and empty text are the default.

    name: hosts, serial or max_fail_percentage. Raises AnsibleFilterError, naming the variable, for what is none.
    """
    if value is None or value == "":
        return default
    read, words = READERS[name]
    found = read(value)
    if found is None:
        raise AnsibleFilterError(f"iapeer_memory_{name} must be {words}, not {value!r}; empty text is {default!r}")
    return found


def _hosts(value: Any) -> Any:
    """A pattern of hosts or a list of them; None for what names nobody."""
    names = value if isinstance(value, list) else [value]
    return value if names and all(isinstance(name, str) and name.strip(SEPARATORS) for name in names) else None


def _serial(value: Any) -> Any:
    """The batches: a number, a percentage, or a list of them, also as JSON text."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError:
            return None
    if not isinstance(value, list):
        return _batch(value)
    batches = [_batch(item) for item in value]
    return batches if batches and None not in batches else None


def _batch(value: Any) -> int | str | None:
    if isinstance(value, str) and PERCENT.fullmatch(value):
        return value.strip()
    whole = isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 1 and value % 1 == 0
    return int(value) if whole or (isinstance(value, str) and COUNT.fullmatch(value)) else None


def _percentage(value: Any) -> float | None:
    """A share from 0 to 100, with or without a sign."""
    try:
        number = float(value.strip().removesuffix("%") if isinstance(value, str) else value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if 0 <= number <= 100 and not isinstance(value, bool) else None


READERS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "hosts": (_hosts, "a pattern of hosts, or a list of them"),
    "serial": (_serial, "a number of hosts from 1 on, a percentage from 1% to 100%, or a list of them"),
    "max_fail_percentage": (_percentage, "a number from 0 to 100"),
}


class FilterModule:
    """The filters of this file."""

    def filters(self) -> dict[str, Callable[..., Any]]:
        """Name to function."""
        return {"play_keyword": play_keyword}
