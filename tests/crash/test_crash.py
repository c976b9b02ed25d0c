# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Killed or failed at every system call that changes a file: nothing is lost, and the next run mends the rest."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.crash import scenarios as at
from ansible_collections.agfpd.iapeer_memory.tests.crash.conftest import Settle
from ansible_collections.agfpd.iapeer_memory.tests.crash.harness import (
    ERRORS,
    KILL,
    VANISHING,
    Nursery,
    Walk,
    walks,
    working_place,
)
from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import ThrowawayHost

KINDS = (KILL, *ERRORS)
UPDATE = (
    *("templates", "doctrines wake-policy", "binary fleet slot launcher guide memoryd", "surfaces"),
    "plugin-off watcher timer",
)


def sweep_walk(nursery: Nursery, place: Path, spoil: Callable[[ThrowawayHost], None] | None, **args: object) -> Walk:
    """A sweep of a fresh host, or of one that was swept before and then spoiled."""
    host = at.fresh(place) if spoil is None else at.Drifted(nursery.run, spoil)(place)
    old, twice = spoil in (at.nobodys_lock, at.odd_lock), spoil is at.odd_lock
    return next(walks(nursery, host, [at.sweep(host, **args)], old_lock=old, ages_again=twice))


@pytest.mark.parametrize("kind", [*KINDS, *VANISHING])
def test_the_first_sweep(nursery: Nursery, place: Path, kind: str, settle: Settle) -> None:
    walk = sweep_walk(nursery, place, None)
    walk.try_points(kind)
    settle(walk)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("what", ["drift", "removal"])
def test_a_later_sweep(nursery: Nursery, place: Path, what: str, kind: str, settle: Settle) -> None:
    spoil, state = (at.drift, "present") if what == "drift" else (at.untouched, "absent")
    walk = sweep_walk(nursery, place, spoil, state=state)
    walk.try_points(kind)
    settle(walk)


@pytest.mark.parametrize("spoil", [at.dead_lock, at.nobodys_lock, at.odd_lock])
def test_a_sweep_that_takes_over_a_lock(
    nursery: Nursery, place: Path, spoil: Callable[[ThrowawayHost], None], settle: Settle
) -> None:
    walk = sweep_walk(nursery, place, spoil)
    for kind in KINDS:
        walk.try_points(kind)
    settle(walk)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("names", UPDATE)
def test_update(nursery: Nursery, place: Path, names: str, kind: str, settle: Settle) -> None:
    host = at.legacy(place)
    walked = []
    for walk in walks(nursery, host, at.update(host)):
        if walk.step.name in names.split():
            walk.try_points(kind)
            walked.append(walk)
    settle(*walked)


@pytest.mark.parametrize("kind", KINDS)
def test_the_first_day(nursery: Nursery, place: Path, kind: str, settle: Settle) -> None:
    host = at.bare(place)
    walk = next(walks(nursery, host, at.first_day(host, forms="bundled")))
    walk.try_points(kind)
    settle(walk)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("build", "steps"),
    [
        pytest.param(at.installed, at.last_day, id="the last day"),
        pytest.param(at.upgraded, at.way_back, id="the way back"),
    ],
)
def test_a_way_out(
    nursery: Nursery,
    place: Path,
    build: Callable[[Path], ThrowawayHost],
    steps: Callable[[ThrowawayHost], list[at.Step]],
    kind: str,
    settle: Settle,
) -> None:
    host = build(place)
    walked = []
    for walk in walks(nursery, host, steps(host)):
        walk.try_points(kind)
        walked.append(walk)
    settle(*walked)


def test_every_step_of_update_is_walked() -> None:
    with working_place() as place:
        steps = at.update(at.legacy(place))
    assert sorted(step.name for step in steps) == sorted(" ".join(UPDATE).split())


@pytest.mark.parametrize(
    ("client", "kinds"),
    [
        pytest.param(at.CAREFUL, KINDS, id="careful"),
        pytest.param(at.CARELESS, (KILL, "ENOSPC"), id="careless"),
    ],
)
def test_the_plugin_removed_by_the_clients(
    nursery: Nursery, place: Path, client: str, kinds: tuple[str, ...], settle: Settle
) -> None:
    host = at.with_clients(place, client)
    walk = next(walks(nursery, host, at.native(host)))
    for kind in kinds:
        walk.try_points(kind)
    settle(walk)
