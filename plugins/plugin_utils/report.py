# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A report: one row a step or check of one host (contract §9 and §10). Pure."""

from __future__ import annotations

from typing import NamedTuple

OK, CHANGED, SKIP, FAIL, REPAIRED, UNREACHABLE = "ok", "changed", "skip", "fail", "repaired", "unreachable"
BAD = (FAIL, UNREACHABLE)


class Row(NamedTuple):
    """One line of the report."""

    name: str
    status: str
    detail: str


class Report(NamedTuple):
    """What a run on one host came to."""

    host: str
    playbook: str
    version: str
    check_mode: bool
    rows: tuple[Row, ...]

    @property
    def ok(self) -> bool:
        """True where nothing failed and the host could be asked."""
        return not self.failed

    @property
    def failed(self) -> list[str]:
        """The names of what failed."""
        return [row.name for row in self.rows if row.status in BAD]
