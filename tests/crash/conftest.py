# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the tests share, and the count of what they tried, by system call and kind of fault, at the end of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.crash.harness import (
    Broken,
    Nursery,
    Walk,
    nursery_in,
    require_strace,
    working_place,
)
from ansible_collections.agfpd.iapeer_memory.tests.crash.syscalls import describe

Record = Callable[[str, object], None]
Settle = Callable[..., None]


@pytest.fixture
def place() -> Iterator[Path]:
    with working_place() as found:
        yield found


@pytest.fixture
def quiet(place: Path) -> Iterator[Nursery]:
    """A nursery that needs no strace."""
    with nursery_in(place) as found:
        yield found


@pytest.fixture
def nursery(quiet: Nursery) -> Nursery:
    """A nursery that can inject faults."""
    try:
        require_strace()
    except Broken as problem:
        pytest.fail(str(problem), pytrace=False)
    return quiet


@pytest.fixture
def settle(record_property: Record) -> Settle:
    """Reports what walks have tried, and fails with every violation and its place."""

    def settle(*walks: Walk) -> None:
        tally = sum((walk.tally for walk in walks), Counter[tuple[str, str]]())
        record_property("tried", [(call, kind, count) for (call, kind), count in tally.items()])
        violations = [violation[:400] for walk in walks for violation in walk.violations]
        if violations:
            head = f"{len(violations)} violations at {sum(tally.values())} points:"
            pytest.fail("\n".join([head, *violations[:20]]), pytrace=False)

    return settle


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Add up what the tests counted, wherever they ran."""
    tally: Counter[tuple[str, str]] = Counter()
    notes = set()
    for reports in terminalreporter.stats.values():
        for report in reports:
            for name, value in getattr(report, "user_properties", ()) if getattr(report, "when", "") == "call" else ():
                if name == "tried":
                    tally.update({(call, kind): count for call, kind, count in value})
                elif name == "note":
                    notes.add(value)
    if tally:
        terminalreporter.section("points tried, by system call and kind of fault")
        for line in [*describe(tally), *sorted(notes)]:
            terminalreporter.write_line(line)
