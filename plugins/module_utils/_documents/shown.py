# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Texts of other people as a terminal may have them: nothing in them moves a cursor or turns what stands beside it."""

from __future__ import annotations

import re
import unicodedata

SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
# Controls, formats (directions, zero widths, joiners), separators of lines, halves of pairs: nothing to be seen.
UNSEEN = ("Cc", "Cf", "Zl", "Zp", "Cs")
_LINE = re.compile(r"(?:[^\r\n\t]|\r(?!\n|\Z))+")  # what is neither an end of a line nor a tab


def shown(text: str) -> str:
    """The text on one line, every character that cannot be seen spelled as its escape: ``\\x1b``, ``\\u202e``."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(escaped(character) if unseen(character) else character for character in text)


def shown_lines(text: str) -> str:
    """The same for a text of several lines: their ends, of both kinds, and tabs stay."""
    return _LINE.sub(lambda found: shown(found.group()), text)


def unseen(character: str) -> bool:
    """True for a character that does something to the text around it instead of being seen."""
    return unicodedata.category(character) in UNSEEN


def escaped(character: str) -> str:
    """One character, spelled with letters and digits."""
    code = ord(character)
    return SHORT.get(character) or (
        f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
    )
