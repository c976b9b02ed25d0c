# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A sample of `make crash` (tests/crash): a sweep that is killed, or fails, at some of its points."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.crash import scenarios as at
from ansible_collections.agfpd.iapeer_memory.tests.crash.harness import (
    KILL,
    Broken,
    Nursery,
    Walk,
    nursery_in,
    require_strace,
    walks,
    working_place,
)

pytestmark = [
    pytest.mark.once,
    pytest.mark.slow,
    pytest.mark.skipif(not sys.platform.startswith("linux"), reason="strace is a tool of Linux"),
]
EVERY = 11


@pytest.fixture
def nursery() -> Iterator[Nursery]:
    with working_place() as place, nursery_in(place) as found:
        yield found


def walk_of(nursery: Nursery) -> Walk:
    """A sweep that mends drift, with one surface wrong in each file."""
    host = at.Drifted(nursery.run, at.drift)(nursery.log.parent)
    return next(walks(nursery, host, [at.sweep(host)]))


@pytest.mark.parametrize("kind", [KILL, "ENOSPC"])
def test_some_points_of_a_sweep(nursery: Nursery, kind: str) -> None:
    try:
        require_strace()
    except Broken as problem:
        (pytest.fail if os.environ.get("CI") else pytest.skip)(str(problem))
    walk = walk_of(nursery)
    walk.try_points(kind, every=EVERY)
    assert walk.tally
    assert walk.violations == []
