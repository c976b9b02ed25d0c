# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What earlier steps of the same look would leave on a host (contract §9)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from .._host.core import Peer
from .forms import Forms


class Ahead(NamedTuple):
    """What is not on the disk yet when a later step is planned; empty in a real run, where it is.

    forms: of the binary that is about to be there. version: its own. peers: of the map that is about to be written.
    templates: file name to text. written: the paths of files that are about to appear or to change their bytes. sums:
    the checksum (SHA-256) that such a file will have, where it is known. mended: the paths of files that are about to
    change their permission bits alone.
    """

    forms: Forms | None = None
    version: str = ""
    peers: tuple[Peer, ...] | None = None
    templates: Mapping[str, str] = {}
    written: frozenset[str] = frozenset()
    sums: Mapping[str, str] = {}
    mended: frozenset[str] = frozenset()


NOTHING = Ahead()
