# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Names and arguments are UTF-8 for the system, whatever encoding the locale of the account names."""

from __future__ import annotations

import os


def spell(text: str) -> bytes:
    """A name or an argument as the system takes it. Raises ValueError for what none can be (half a character)."""
    return text.encode("utf-8", "surrogateescape")


def unspell(name: str | bytes) -> str:
    """A name as the system gave it; bytes that are no UTF-8 come back from spell as they were."""
    return name if isinstance(name, str) else name.decode("utf-8", "surrogateescape")


def real(path: str) -> str:
    """The path with all links in it resolved, as far as that can be seen. Raises ValueError for what is no path."""
    return normal(unspell(os.path.realpath(spell(path))))


def normal(path: str) -> str:
    """The path without detours: of two slashes at its start, which os.path keeps, one is left."""
    shortest = os.path.normpath(path)
    return shortest[1:] if shortest.startswith("//") else shortest


def native(name: str) -> str:
    """A name that Python has read by the locale's encoding, read as UTF-8 instead."""
    return unspell(os.fsencode(name))
