# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module's run as the controller sees it: what it costs to put it together, and what is an answer."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator
from typing import Any, Callable

from ansible.errors import AnsibleAction, AnsibleConnectionFailure, AnsibleError


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


def answered(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What the work came to; where Ansible itself could not have it done, such as by a become that fails, a failure.

    So that it is one row of a report like any other. A host that cannot be reached is left to Ansible.
    """
    try:
        return work()
    except (AnsibleAction, AnsibleConnectionFailure):
        raise
    except AnsibleError as problem:
        return {"failed": True, "changed": False, "action": "failed", "msg": str(problem)}
