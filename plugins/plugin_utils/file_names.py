# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The name of a host's report: two hosts never share one, whatever the file system makes of letters. Pure."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

SUFFIX = ".json"
PLAIN = re.compile(r"\w[\w.@:+=,-]*")
SAFE = re.compile(r"[a-z0-9._@:+=,-]")
RESERVED = ("fleet",)  # the fleet's own file
LONGEST = 180  # bytes of a name; a draft of it has a longer one


def file_names(hosts: Iterable[str]) -> dict[str, str]:
    """The file name of every host: its own name where that is a plain one which no other host's can be taken for.

    Else everything but small letters, digits and a few signs is spelled as %XX of its UTF-8, which is never ambiguous:
    a percent sign is spelled so too.
    """
    folded = {host: _folded(host) for host in hosts}
    alike = Counter(folded.values())
    return {
        host: (host if alike[fold] == 1 and _is_plain(host) else _spelled(host)) + SUFFIX
        for host, fold in folded.items()
    }


def other_name(host: str, name: str) -> str | None:
    """The file that this host's report had while other hosts were in the inventory; None where there is no such."""
    spelled = _spelled(host) + SUFFIX
    other = spelled if name == host + SUFFIX else host + SUFFIX
    return other if other != name and (other == spelled or _is_plain(host)) else None


def _folded(host: str) -> str:
    """What a file system that does not tell letters apart may take the name for."""
    if host.isascii():
        return host.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", host).casefold())


def _is_plain(host: str) -> bool:
    if not PLAIN.fullmatch(host) or len(host.encode("utf-8", "surrogatepass")) > LONGEST:
        return False
    return _folded(host) not in RESERVED and unicodedata.is_normalized("NFC", host)


def _spelled(host: str) -> str:
    """The unambiguous spelling; one that would be too long ends with a checksum of the whole."""
    first = 1 if _folded(host) in RESERVED or not host[:1].isalnum() else 0
    letters = [
        character if index >= first and SAFE.fullmatch(character) else _percent(character)
        for index, character in enumerate(host)
    ]
    text = "".join(letters)
    if len(text) <= LONGEST:
        return text
    checksum = hashlib.sha256(host.encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return f"{text[: LONGEST - 34]}%%{checksum}"


def _percent(character: str) -> str:
    return "".join(f"%{byte:02X}" for byte in character.encode("utf-8", "surrogatepass"))
