# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The least that can be done about the files of many peers: what a sweep is measured by. Nothing is imported that is
not needed, and nothing is made sure of.

compare LISTING: open, read, parse and compare every file that is named there, a line each.
write LISTING FOLDER: write the same bytes into a folder, each file beside its place and renamed.
"""

from __future__ import annotations

import json
import os
import sys


def compare(listing: str) -> None:
    """The comparison is with the first file of the same name: JSON as structures, all else as bytes."""
    wanted: dict[str, object] = {}
    equal = 0
    with open(listing, encoding="utf-8") as names:
        for line in names:
            name = line[:-1]
            with open(name, "rb") as file:
                data = file.read()
            value = json.loads(data) if name.endswith(".json") else data
            equal += wanted.setdefault(os.path.basename(name), value) == value


def write(listing: str, folder: str) -> None:
    """As a first run does, without a sync."""
    with open(listing, encoding="utf-8") as names:
        for line in names:
            name = line[:-1]
            with open(name, "rb") as file:
                data = file.read()
            place = folder + os.path.dirname(name)
            os.makedirs(place, exist_ok=True)
            with open(place + "/new", "wb") as file:
                file.write(data)
            os.rename(place + "/new", folder + name)


if __name__ == "__main__":
    {"compare": compare, "write": write}[sys.argv[1]](*sys.argv[2:])
