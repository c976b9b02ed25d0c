# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a diff may show of a file that also holds other people's values: ours, and the keys of theirs."""

from __future__ import annotations

import hashlib
import re
from typing import Any

MASK = '"***"'
SHOWN_CAP = 1 << 20  # bytes of a file that a diff shows
# What of ours may be shown; whatever else somebody put into an entry of ours may be a secret.
SHOWN = (
    *("type", "url", "command", "matcher", "X-IAPeer-Identity"),
    *("default_tools_approval_mode", "bearer_token_env_var"),
)
TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"(\s*:)?|-?[0-9][0-9.eE+-]*')


def mask_json(data: bytes | None, ours: set[str]) -> str:
    """JSON text with every string value and number masked that is not one of ours; keys stay."""
    if data is None:
        return ""
    if len(data) > SHOWN_CAP:
        return describe(data)

    def masked(match: re.Match[str]) -> str:
        return match[0] if match[1] or match[0] in ours else MASK

    return TOKEN.sub(masked, data.decode("utf-8", "replace"))


def describe(data: bytes) -> str:
    """The line that a diff shows of what is too large to be shown."""
    digest = hashlib.sha256(data).hexdigest()
    return f"({len(data)} bytes, too large to be shown; sha256 {digest})\n"


def literals(value: Any, dump: Any, every: bool = False) -> set[str]:
    """The JSON spellings, by dump, of what in a value may be shown; every: of all its strings and numbers."""
    if isinstance(value, dict):
        plain = {dump(item) for key, item in value.items() if key in SHOWN and isinstance(item, str)}
        return plain | literals(list(value.values()), dump, every)
    if isinstance(value, list):
        return {text for item in value for text in literals(item, dump, every)}
    return {dump(value)} if every and isinstance(value, str) else set()
