# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tool behind `make mutants`: what it changes, and that its anchors and its tests are where it says."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "tools"))

import mutants  # noqa: E402
from known_mutants import KNOWN, Known  # noqa: E402
from mutator import is_python, mutants_of  # noqa: E402

SOURCE = b'''"""Words."""
CAP: int = 3


def work(one: "Type", other: str = "x y") -> bool:
    """Words."""
    if one is None or not other:
        raise ValueError("some words")
    call(one, other, mode=CAP)
    return one.size < len(other) + 1
'''
CHANGES = {
    ("3", "4"),
    ("one is None", "one is not None"),
    ("one is None or not other", "(one is None and (not other))"),
    ("one is None or not other", "(not other)"),
    ("one is None or not other", "(one is None)"),
    ("one is None or not other", "(not (one is None or not other))"),
    ("not other", "(other)"),
    ('raise ValueError("some words")', "pass"),
    ("call(one, other, mode=CAP)", "pass"),
    ("call(one, other, mode=CAP)", "call(other, one, mode=CAP)"),
    ("call(one, other, mode=CAP)", "call(one, other)"),
    ("return one.size < len(other) + 1", "return None"),
    ("one.size < len(other) + 1", "one.size <= len(other) + 1"),
    ("len(other) + 1", "(len(other) - 1)"),
    ("1", "2"),
}


def test_a_source_is_changed_in_every_place_that_says_something() -> None:
    found = mutants_of(SOURCE)
    told = {(SOURCE[item.start : item.end].decode(), item.text) for item in found}
    assert told == CHANGES
    assert len({item.of(SOURCE) for item in found}) == len(found)
    assert all(is_python(item.of(SOURCE)) for item in found)


def test_every_file_has_tests_of_its_own() -> None:
    names = mutants.subjects()
    assert "_doorway/egress.py" in names
    for name in names:
        paths = mutants.tests_of(name)
        assert paths
        assert all((ROOT / path).is_file() for path in paths), name
    mirrored = {name.removesuffix(".py") for name in names}
    assert set(mutants.ELSEWHERE) <= mirrored


@pytest.mark.parametrize("known", KNOWN, ids=lambda known: f"{known.file}: {known.says}")
def test_the_anchor_of_a_known_mutant_is_in_its_file_just_once(known: Known) -> None:
    candidate = mutants.known_candidate(known)
    assert candidate.known
    assert candidate.source != candidate.before == mutants.read(known.file)


def test_an_anchor_that_is_lost_or_no_code_any_more_is_a_failure() -> None:
    with pytest.raises(ValueError, match="its anchor is there 0 times"):
        mutants.known_candidate(Known("door.py", "x", "no such text", ""))
    with pytest.raises(ValueError, match=r"its anchor is there [0-9]{2,} times"):
        mutants.known_candidate(Known("door.py", "x", "e", ""))
    with pytest.raises(ValueError, match="no Python"):
        mutants.known_candidate(Known("door.py", "x", "from __future__ import annotations", "def"))


def test_a_sample_is_the_same_for_its_seed() -> None:
    names = ["_host/times.py", "_doorway/spelling.py"]
    first = mutants.sample(names, 7, 5)
    assert first == mutants.sample(names, 7, 5) != mutants.sample(names, 8, 5)
    assert len(first) == 5
    assert not any(item.known for item in first)
    told = mutants.told(first[0])
    assert told.startswith(f"plugins/module_utils/{first[0].name}:")
    assert "\n    -" in told
    assert "\n    +" in told
