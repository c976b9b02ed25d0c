# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The version in what a binary printed (contract §3)."""

from __future__ import annotations

import json
import re

from .options import LONGEST_VERSION, VERSION
from .paths import NAME

ESCAPES = re.compile(r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?|\x1b[@-Z\\^_]")
WORDS = rf"(?:@agfpd/)?{NAME}[ @/:]*(?:version[ :]*)?|(?:version[ :]*)?"
# A line that says nothing else, but for what stands in brackets or after a comma; or anywhere after our name.
OWN_LINE = re.compile(rf"(?:{WORDS})v?({VERSION})(?: ?[(,;].*)?", re.IGNORECASE)
NAMED = re.compile(rf"\b{NAME}[ @/:]*(?:version[ :]*)?v?({VERSION})(?![\w.+-]*\w|-)", re.IGNORECASE)
LONGEST_ANSWER = 1 << 16


def told_version(text: str) -> str:
    """The version in what a binary printed: in a JSON object, on a line of its own, or after our name; else empty.

    Colours, warnings and other lines around it are left out. Of two versions none is believed.
    """
    plain = ESCAPES.sub("", text[:LONGEST_ANSWER]).replace("\r", "\n")
    lines = [line.strip().strip("\"'") for line in plain.splitlines()]
    own = [match[1] for line in lines if (match := OWN_LINE.fullmatch(line))]
    for found in (_json_versions(plain), own, [match[1] for match in NAMED.finditer(plain)]):
        told = {version for version in found if "." in version and len(version) <= LONGEST_VERSION}
        if told:
            return told.pop() if len(told) == 1 else ""
    return ""


def _json_versions(text: str) -> list[str]:
    """The versions that the outermost JSON objects in a text name."""
    found, decoder, start = [], json.JSONDecoder(), text.find("{")
    while start >= 0:
        try:
            value, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            value, end = {}, start + 1
        said = value.get("version")
        if isinstance(said, str) and (match := re.fullmatch(f"v?({VERSION})", said.strip())):
            found.append(match[1])
        start = text.find("{", end)
    return found
