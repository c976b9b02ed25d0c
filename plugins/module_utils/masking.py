# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a diff may show of a file that also holds other people's values: ours, and the keys of theirs."""

from __future__ import annotations

import re
from typing import Any

MASK = '"***"'
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"(\s*:)?|-?[0-9][0-9.eE+-]*')


def mask_json(data: bytes | None, ours: set[str]) -> str:
    """JSON text with every string value and number masked that is not one of ours; keys stay."""
    if data is None:
        return ""

    def masked(match: re.Match[str]) -> str:
        return match[0] if match[1] or match[0] in ours else MASK

    return TOKEN.sub(masked, data.decode("utf-8", "replace"))


def literals(value: Any, dump: Any) -> set[str]:
    """The JSON spellings, by dump, of all strings in a value."""
    if isinstance(value, dict):
        return {text for item in value.values() for text in literals(item, dump)}
    if isinstance(value, list):
        return {text for item in value for text in literals(item, dump)}
    return {dump(value)} if isinstance(value, str) else set()
