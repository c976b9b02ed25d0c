# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a host is, in one word and with one reason; and what to do about it."""

from __future__ import annotations

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.advice import advice
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.conditions import (
    LOST,
    WAITING,
    Condition,
    condition_of,
    fine,
    stand_in,
)
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.report import Report, Row

OK, SKIP = Row("binary", "ok", ""), Row("guide", "skip", "not run")
CHANGED, MENDED = Row("slot", "changed", "written"), Row("fleet-map", "repaired", "written")
FAILED, LOST_HOST = Row("surfaces", "fail", "it broke"), Row("binary", "unreachable", "no route")


def of(*rows: Row, playbook: str = "update", check_mode: bool = False) -> Report:
    return Report("ada", playbook, "1.2.0", check_mode, rows)


@pytest.mark.parametrize(
    ("report", "condition"),
    [
        (of(OK, SKIP), ("clean", "", "")),
        (of(OK, CHANGED, MENDED), ("changed", "slot", "slot, fleet-map")),
        (of(CHANGED, FAILED, Row("slot", "fail", "kept")), ("failed", "surfaces", "it broke")),
        (of(FAILED, LOST_HOST), ("unreachable", "binary", "no route")),
        (of(OK, FAILED, playbook="verify"), ("drifted", "surfaces", "it broke")),
        (of(FAILED, playbook="verify"), ("failed", "surfaces", "it broke")),
        (of(OK, FAILED, playbook="install"), ("failed", "surfaces", "it broke")),
        (of(), ("failed", "report", "a report without a row")),
        (stand_in("ada", "verify", False, WAITING), ("not begun", "report", WAITING)),
        (stand_in("ada", "verify", False, LOST), ("failed", "report", LOST)),
    ],
)
def test_the_worst_row_says_how_a_host_is(report: Report, condition: tuple[str, str, str]) -> None:
    assert condition_of(report) == Condition(*condition)
    assert fine(report) == (condition[0] == "clean")


@pytest.mark.parametrize(
    ("report", "words"),
    [
        (of(OK), ""),
        (of(SKIP), ""),
        (of(CHANGED), ""),
        (of(CHANGED, check_mode=True), "without --check"),
        (of(FAILED), "Mend what the reason names"),
        (of(Row("binary", "fail", "")), "iapeer_memory_binary_src"),
        (of(Row("slot", "fail", ""), playbook="uninstall"), "Mend what the reason names"),
        (of(LOST_HOST), "ansible -m ping"),
        (of(Row("config", "fail", ""), OK, playbook="verify"), "config.env"),
        (of(Row("dream-timer", "fail", ""), OK, playbook="verify"), "iapeer_memory_repair=true"),
        (of(Row("config", "fail", "MODULE FAILURE"), playbook="verify"), "config.env"),
        (of(Row("peer-surfaces[a:claude]", "fail", ""), OK, playbook="verify"), "iapeer_memory_repair=true"),
        (stand_in("ada", "update", False, WAITING), "Run the same command again"),
        (stand_in("ada", "update", False, LOST), "what the run printed"),
    ],
)
def test_there_is_an_advice_where_there_is_something_to_do(report: Report, words: str) -> None:
    found = advice(report, report.rows[0])
    assert words in found if words else found == ""
