# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts of other people as a terminal may have them."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents.shown import shown, shown_lines


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("plain text, with signs: ~^\\ $(x)", "plain text, with signs: ~^\\ $(x)"),
        ("größer, 名前, привет, 🙂", "größer, 名前, привет, 🙂"),
        ("two\nlines\r\n\tand a tab", "two\\nlines\\r\\n\\tand a tab"),
        ("\x1b[31mred\x1b[0m\x07", "\\x1b[31mred\\x1b[0m\\x07"),
        ("\x00\x7f\x9b31m", "\\x00\\x7f\\x9b31m"),
        ("user\u202etxt.exe\u2066", "user\\u202etxt.exe\\u2066"),
        ("zero\u200bwidth\ufeff", "zero\\u200bwidth\\ufeff"),
        ("a\u2028b\u2029c\x85d", "a\\u2028b\\u2029c\\x85d"),
        ("half\udc9b\ud800", "half\\udc9b\\ud800"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("", ""),
    ],
)
def test_what_cannot_be_seen_is_spelled(text: str, seen: str) -> None:
    assert shown(text) == seen


def test_of_several_lines_ends_and_tabs_stay() -> None:
    assert shown_lines("a\x1b\r\n\tb\u202e\n\nc\rd\x85\n") == "a\\x1b\r\n\tb\\u202e\n\nc\\rd\\x85\n"


@pytest.mark.property
@given(st.text(st.characters(codec=None)))
def test_the_outcome_is_one_line_that_any_terminal_can_have(text: str) -> None:
    seen = shown(text)
    assert len(seen.splitlines()) <= 1
    assert not any(unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") for character in seen)
    assert shown(seen) == seen
    seen.encode("utf-8")
