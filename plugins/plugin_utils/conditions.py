# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a host is, in one word and with one reason: what its report comes to (contract §9 and §10). Pure."""

from __future__ import annotations

from typing import NamedTuple

from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils import report as rows_of
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.report import Report, Row

UNREACHABLE, FAILED, DRIFTED, CHANGED, CLEAN, NOT_BEGUN = WORST_FIRST = (
    *("unreachable", "failed", "drifted", "changed", "clean", "not begun"),
)
NEW = (rows_of.CHANGED, rows_of.REPAIRED)
ALARMING = (UNREACHABLE, FAILED, DRIFTED)
# Of several parts of a step the one that matters most, worst first.
STATUSES = (rows_of.UNREACHABLE, rows_of.FAIL, rows_of.REPAIRED, rows_of.CHANGED, rows_of.SKIP, rows_of.OK)
# The one row of a report that stands in for one that has not come.
STAND_IN = "report"
WAITING = "not begun: no report of this run has come yet"
LOST = "it failed, or was lost, before its report: see what the run printed of it"


class Condition(NamedTuple):
    """The state of a host, one of WORST_FIRST; the step or check that it is owed to; and why."""

    state: str
    step: str
    reason: str


def condition_of(report: Report) -> Condition:
    """What a report comes to. Without a row it says nothing, and a host of which nothing is known is not clean."""
    bad = next((row for status in STATUSES[:2] for row in report.rows if row.status == status), None)
    if bad is not None:
        return Condition(_bad_state(report, bad), bad.name, bad.detail)
    if not report.rows:
        return Condition(FAILED, STAND_IN, "a report without a row")
    new = [row for row in report.rows if row.status in NEW]
    if new:
        return Condition(CHANGED, new[0].name, ", ".join(row.name for row in new))
    return Condition(CLEAN, "", "")


def _bad_state(report: Report, row: Row) -> str:
    if row.status == rows_of.UNREACHABLE:
        return UNREACHABLE
    if row == Row(STAND_IN, rows_of.FAIL, WAITING):
        return NOT_BEGUN
    # A verify with one row came to no check: that is no drift.
    return DRIFTED if report.playbook == "verify" and len(report.rows) > 1 else FAILED


def stand_in(host: str, playbook: str, check_mode: bool, reason: str) -> Report:
    """What is known of a host of which no report has come."""
    return Report(host, playbook, "", check_mode, (Row(STAND_IN, rows_of.FAIL, reason),))


def fine(report: Report) -> bool:
    """True where there is nothing to tell of a host."""
    return condition_of(report).state == CLEAN
