# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What people read on their screen."""

from __future__ import annotations

from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.report import Report, Row
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.runs import Progress
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.screen import (
    bad_lines,
    condensed,
    duration,
    for_machines,
    listed,
    progress_line,
    summary,
    table,
    table_wanted,
)

CLEAN = Report("ada", "update", "1.2.0", False, (Row("binary", "ok", "in place"), Row("guide", "skip", "")))
BAD = CLEAN._replace(rows=(Row("slot", "fail", "held"),))


@pytest.mark.parametrize(
    "callback", ["json", "jsonl", "ansible.posix.json", "ansible.posix.jsonl", "my_json", "null", "JUnit"]
)
def test_the_output_of_these_is_for_programs(callback: str) -> None:
    assert for_machines(callback)


@pytest.mark.parametrize(
    "callback", ["default", "ansible.builtin.default", "yaml", "minimal", "debug", "jason", "awx_display"]
)
def test_the_output_of_these_is_for_people(callback: str) -> None:
    assert not for_machines(callback)


def test_a_name_or_a_word_without_end_takes_a_line_of_some_length() -> None:
    long = Row(f"peer-surfaces[{50_000 * 'x'}:claude]", "fail", "a" + "\x1b" * 50_000 + "z")
    rows = [long, Row("slot", "ok", "")]
    told = table(Report("ada", "verify", "1.2.0", False, rows))
    assert len(told[1]) < 5000
    assert told[1].startswith("  peer-surfaces[xxx")
    assert ":claude]  FAIL      a\\x1b" in told[1]
    assert told[1].endswith("\\x1bz")


def test_a_host_in_order_has_a_table_only_where_few_are_at_it_or_it_is_asked_for() -> None:
    assert [table_wanted(CLEAN, hosts, 0) for hosts in (1, 3, 4, 40)] == [True, True, False, False]
    assert table_wanted(CLEAN, 40, 1)
    assert table_wanted(BAD, 40, 0)
    assert table_wanted(CLEAN._replace(rows=(Row("slot", "changed", ""),)), 40, 0)


def test_the_table_has_one_line_a_row_and_nothing_raw() -> None:
    rows = (
        Row("binary", "ok", "in place"),
        Row("peer-surfaces[a\x1b[2J:claude]", "fail", "two\nlines \u202e"),
        Row("x", "unreachable", ""),
    )
    assert table(Report("ada", "verify", "1.2.0", True, rows)) == [
        "ada: verify, version 1.2.0, check mode: nothing was touched",
        "  binary                          ok        in place",
        "  peer-surfaces[a\\x1b[2J:claude]  FAIL      two\\nlines \\u202e",
        "  x                               UNREACHABLE",
    ]
    assert table(CLEAN._replace(version="1\n2"))[0] == "ada: update, version 1\\n2"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.2, "0 s"),
        (59.4, "59 s"),
        (60, "1 min 0 s"),
        (252, "4 min 12 s"),
        (3600, "1 h 0 min"),
        (7500, "2 h 5 min"),
        (-1, "0 s"),
    ],
)
def test_a_stretch_of_time(seconds: float, words: str) -> None:
    assert duration(seconds) == words


def test_of_many_names_the_first_are_listed() -> None:
    assert listed("abc") == "a, b, c"
    assert listed("abcdefg") == "a, b, c, d, e and 2 more"
    assert listed(["a\n"]) == "a\\n"


def progress(*states: str, several: bool = True) -> Progress:
    """How far a run is whose hosts are like that."""
    hosts = [{"host": f"h{number}", "state": state} for number, state in enumerate(states)]
    words = ("unreachable", "failed", "drifted", "changed", "clean", "not begun")
    fleet: dict[str, Any] = {
        "playbook": "update",
        "hosts": hosts,
        "counts": {word: states.count(word) for word in words},
    }
    return Progress(fleet, 2, several, 75)


def test_a_line_says_how_far_a_run_is() -> None:
    assert progress_line(progress("clean", "failed", "unreachable", "changed", "not begun", "not begun")) == (
        "update, batch 2: 4 of 6 hosts done, 1 unreachable (h2), 1 failed (h1), 1 changed, 2 left, after 1 min 15 s"
    )
    assert (
        progress_line(progress(*["clean"] * 11, several=False))
        == "update: 11 of 11 hosts done, 0 left, after 1 min 15 s"
    )
    assert progress_line(progress(*["clean"] * 10, several=False)) is None


def test_a_run_that_was_only_just_heard_of_has_no_time() -> None:
    line = progress_line(progress("clean", "not begun")._replace(seconds=0.4))
    assert line == "update, batch 2: 1 of 2 hosts done, 1 left"


def test_the_summary_tells_the_worst_first_and_only_counts_the_clean() -> None:
    hosts = {
        "ada": ("clean", []),
        "bob": ("failed", ["surfaces: a\nb", "slot: kept"]),
        "far": ("unreachable", ["no route"]),
        "eve": ("not begun", []),
        "dot": ("changed", ["slot"]),
    }
    assert list(summary(hosts)) == [
        ("", "\nFleet of 5: 1 not begun, 1 clean, 1 changed, 1 failed, 1 unreachable"),
        ("unreachable", "  unreachable  far  no route"),
        ("failed", "  failed       bob  surfaces: a\\nb"),
        ("failed", "                    slot: kept"),
        ("changed", "  changed      dot  slot"),
        ("not begun", "  not begun    eve"),
    ]


def test_the_summary_of_a_sick_fleet_ends_somewhere() -> None:
    hosts = {f"h{number:03}": ("failed", [f"step: {'x' * 400}"] * 7) for number in range(200)}
    lines = [line for _state, line in summary(hosts)]
    assert len(lines) == 1 + 25 * 5 + 1
    assert lines[5].strip() == "and 3 more"
    assert lines[-1] == "  failed       and 175 more"
    assert max(map(len, lines)) < 340


def test_what_is_said_of_a_host_depends_on_its_state() -> None:
    steps = [Row(*row)._asdict() for row in (("a", "fail", "x"), ("b", "changed", ""), ("c", "unreachable", "gone"))]
    assert bad_lines("failed", steps) == ["a: x", "c: gone"]
    assert bad_lines("changed", steps) == ["b"]
    assert bad_lines("unreachable", steps[2:]) == ["gone"]
    assert bad_lines("clean", [Row("a", "ok", "")._asdict()]) == []


@pytest.mark.parametrize(
    ("diff", "lines"),
    [
        ({"before_header": "/a", "after_header": "/a", "before": "1\n2\n", "after": "1\n3\n4\n"}, ["/a: +2 -1 lines"]),
        ({"before_header": "/a", "after_header": "/b", "before": "", "after": "1\n"}, ["/b: +1 -0 line"]),
        ({"after_header": "/a\n", "before": "1\n2\n", "after": "2\n1\n"}, ["/a\\n: changed"]),
        ({"before": "x", "after": None}, ["a file: +0 -1 line"]),
        ({"before_header": "/a", "before": "same", "after": "same"}, []),
        ({"before_header": "/a", "before": {"mode": 1}, "after": {"mode": 2}}, ["/a: +1 -1 lines"]),
        ({"prepared": "text"}, []),
    ],
)
def test_a_diff_is_one_line_a_file(diff: dict[str, Any], lines: list[str]) -> None:
    assert condensed([diff]) == lines
    assert condensed([diff, diff]) == lines * 2
