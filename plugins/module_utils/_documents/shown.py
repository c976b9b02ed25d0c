# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and other people's words as they may be shown: on one line, and without what steers a terminal."""

from __future__ import annotations

import unicodedata

# Control, direction and format characters, halves of a character, and what ends a line.
HIDDEN = ("Cc", "Cf", "Cs", "Zl", "Zp")


def shown(text: str) -> str:
    """The text with every character that is not seen, or that moves what is, as an escape that is."""
    if text.isprintable():
        return text
    return "".join(_escaped(letter) if unicodedata.category(letter) in HIDDEN else letter for letter in text)


def _escaped(letter: str) -> str:
    return letter.encode("unicode_escape").decode("ascii")
