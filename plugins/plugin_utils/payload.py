# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What it costs the controller to put a module together with all that it imports."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator


@contextlib.contextmanager
def uncollected() -> Iterator[None]:
    """Leave Python's garbage collector alone for as long; also a decorator.

    Ansible parses every file that goes into a module, which makes so many objects that the collector walks all of
    Ansible again and again: half of the time that it takes. A worker ends with its task, and so does what it left.
    """
    collects = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collects:
            gc.enable()
