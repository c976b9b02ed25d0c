# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Options of modules: what is taken, and what is refused by name."""

from __future__ import annotations

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.options import seconds


@pytest.mark.parametrize(
    ("value", "least", "number"),
    [(0, 0, 0.0), (1, 1, 1.0), (2.5, 1, 2.5), ("60", 0, 60.0), (" 1e2 ", 0, 100.0), ("0.05", 0.01, 0.05)],
)
def test_a_number_is_a_number_whichever_way_it_is_written(value: object, least: float, number: float) -> None:
    assert seconds("wait", value, least) == number


@pytest.mark.parametrize(
    "value", [-1, -0.001, "-5", "nan", "inf", "-inf", float("nan"), float("inf"), "1e999", 10**400, "", "long", "5 s"]
)
def test_what_is_no_number_or_below_zero_is_refused_by_name(value: object) -> None:
    with pytest.raises(Problem) as problem:
        seconds("wait", value)
    assert str(problem.value) == f"wait must be a number of seconds from 0 on, not {value!r}"


@pytest.mark.parametrize("value", [None, True, False, [], {}, b"5"])
def test_what_is_nothing_like_a_number_is_refused_by_name(value: object) -> None:
    with pytest.raises(Problem, match="wait must be a number of seconds from 0 on, not"):
        seconds("wait", value)


@pytest.mark.parametrize("value", [0, 0.5, "0"])
def test_what_must_not_be_zero_says_from_where_on(value: object) -> None:
    with pytest.raises(Problem, match="hung_after must be a number of seconds from 1 on, not"):
        seconds("hung_after", value, least=1)
