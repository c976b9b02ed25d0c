# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is shown of other people's words moves no cursor and starts no line."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents.shown import shown


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("", ""),
        ("alpha", "alpha"),
        ("Ольга\u00a0№ 5 日本 é 👍", "Ольга\u00a0№ 5 日本 é 👍"),
        ("a\nb\r\tc", r"a\nb\r\tc"),
        ("\x1b[2Jx\x07\x00\x7f\x9b", r"\x1b[2Jx\x07\x00\x7f\x9b"),
        ("a\u202eb\u2066c\u200b\ufeff", r"a\u202eb\u2066c\u200b\ufeff"),
        ("a\u2028b\u2029c\x85", r"a\u2028b\u2029c\x85"),
        ("\ud800 \udcff", r"\ud800 \udcff"),
        ("\U000e0041", r"\U000e0041"),
        (r"C:\new", r"C:\new"),
    ],
)
def test_what_is_not_seen_is_an_escape_that_is(text: str, seen: str) -> None:
    assert shown(text) == seen


@given(st.text(st.characters()))
def test_it_is_one_line_that_can_be_printed_anywhere(text: str) -> None:
    assert len(shown(text).splitlines()) <= 1
    shown(text).encode()
    assert shown(shown(text)) == shown(text)
