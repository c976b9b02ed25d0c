# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one error of the document editors."""

from __future__ import annotations

from .._doorway.problem import Problem


class DocumentError(Problem):
    """A document that is refused, or an edit of it that would not come out right (contract §5).

    reason: what is wrong, in words for people. place: where it is, such as `line 3, column 7` or `mcp_servers`; empty
    when it is the whole document.
    """

    def __init__(self, reason: str, place: str = "") -> None:
        super().__init__(f"{reason} ({place})" if place else reason, kind="malformed")
        self.reason = reason
        self.place = place


def decode(data: bytes) -> str:
    """The text of a document: UTF-8 without a byte order mark, or a :class:`DocumentError`."""
    if data.startswith(b"\xef\xbb\xbf"):
        raise DocumentError("starts with a byte order mark", "line 1, column 1")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        raise DocumentError("not valid UTF-8", line_column(before, len(before))) from None


def line_column(text: str, offset: int) -> str:
    """The place of *offset* in *text* as people count: ``line 3, column 7``."""
    line_start = text.rfind("\n", 0, offset) + 1
    return f"line {text.count(chr(10), 0, offset) + 1}, column {offset - line_start + 1}"
