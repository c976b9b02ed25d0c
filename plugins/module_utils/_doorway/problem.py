# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What stands in the way of a piece of work, as a value that says where and why."""

from __future__ import annotations


class Problem(Exception):
    """Something on the host that stops one piece of work: what, where, and whether the sandbox was the reason.

    kind is one of: refused, unreadable, malformed, foreign, irregular, outside, failed. changed: whether something was
    changed before it came up, which whoever changed it says.
    """

    changed = False

    def __init__(self, reason: str, path: str = "", kind: str = "failed") -> None:
        super().__init__(f"{path}: {reason}" if path else reason)
        self.reason = reason
        self.path = path
        self.kind = kind

    @property
    def refused(self) -> bool:
        """True where the sandbox said no: callers report a skip, neither a success nor a crash."""
        return self.kind == "refused"
