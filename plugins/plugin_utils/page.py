# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page of a fleet: one file for a browser, which asks nobody for anything. Pure, but for reading its own parts."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple
from urllib.parse import quote

from jinja2 import Environment
from markupsafe import Markup

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents.shown import shown
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.files import Files
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.advice import advice
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.conditions import (
    NOT_BEGUN,
    STAND_IN,
    STATUSES,
    UNREACHABLE,
    WORST_FIRST,
)
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.report import Report

PARTS = os.path.join(os.path.dirname(__file__), "page_files")
# A check that has no lines of its own where it could not be made.
FAMILIES = {"role-doctrines": "doctrine"}
SIGNS = {"ok": "✓", "changed": "●", "repaired": "◆", "skip": "–", "fail": "✕", "unreachable": "⊘"}
WORDS = {**{status: status for status in SIGNS}, "skip": "skipped", "fail": "failed"}
REASON = 160  # characters of a reason in the table; the whole of it is one click away


class Cell(NamedTuple):
    """A step of a host in the table. rows: how many rows of the report it stands for."""

    status: str
    sign: str
    word: str
    rows: int


class Line(NamedTuple):
    """A host in the table. cells: one a column, None where its report says nothing of it."""

    entry: Mapping[str, Any]
    name: str
    reason: str
    link: str
    version: str
    cells: list[Cell | None]


def page(fleet: Mapping[str, Any], reports: Mapping[str, Report]) -> str:
    """The page. fleet: what fleet.json holds. reports: of every host in it."""
    entries = sorted(fleet["hosts"], key=lambda entry: (WORST_FIRST.index(entry["state"]), _natural(entry["host"])))
    columns = _columns(reports[entry["host"]] for entry in entries)
    parts = {name: _part(name) for name in ("page.css", "page.js", "index.html.j2")}
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(parts["index.html.j2"])
    text: str = template.render(
        fleet=fleet,
        columns=columns,
        lines=[_line(entry, reports[entry["host"]], columns) for entry in entries],
        signs=[(word, SIGNS[word], WORDS[word]) for word in reversed(STATUSES)],
        data=_embedded(entries, reports),
        style=Markup(parts["page.css"]),
        script=Markup(parts["page.js"]),
        style_hash=_checksum(parts["page.css"]),
        script_hash=_checksum(parts["page.js"]),
        not_begun=NOT_BEGUN,
    )
    return text


def family(name: str) -> str:
    """The step or check that a row belongs to: peer-surfaces for peer-surfaces[alice:claude]."""
    plain = shown(name.partition("[")[0])
    return FAMILIES.get(plain, plain)


def _columns(reports: Iterable[Report]) -> list[str]:
    """The steps or checks of all reports, each after the one that it follows in its report."""
    columns: list[str] = []
    for report in reports:
        place = 0
        for name in dict.fromkeys(family(row.name) for row in report.rows):
            if name not in columns and name != STAND_IN:
                columns.insert(place, name)
            place = columns.index(name) + 1 if name in columns else place
    return columns


def _line(entry: Mapping[str, Any], report: Report, columns: list[str]) -> Line:
    by_family: dict[str, list[str]] = {}
    for row in report.rows:
        by_family.setdefault(family(row.name), []).append(row.status)
    cells = [_cell(by_family.get(name)) for name in columns]
    untold = entry["step"] in ("", STAND_IN) or entry["state"] == UNREACHABLE
    reason = shown(entry["reason"] if untold else f"{entry['step']}: {entry['reason']}")
    if len(reason) > REASON:
        reason = f"{reason[:REASON]}…"
    return Line(entry, shown(entry["host"]), reason, quote(entry["report"]), shown(entry["version"]), cells)


def _cell(statuses: list[str] | None) -> Cell | None:
    if not statuses:
        return None
    worst = min(statuses, key=STATUSES.index)
    return Cell(worst, SIGNS[worst], WORDS[worst], statuses.count(worst))


def _embedded(entries: Iterable[Mapping[str, Any]], reports: Mapping[str, Report]) -> Markup:
    """What a click shows, as JSON in which nothing can end the element that holds it."""
    advices: dict[str, int] = {}
    hosts = []
    for entry in entries:
        report = reports[entry["host"]]
        rows = []
        for row in report.rows:
            number = advices.setdefault(advice(report, row), len(advices))
            rows.append([shown(row.name), family(row.name), row.status, shown(row.detail), number])
        hosts.append(rows)
    text = json.dumps({"advices": list(advices), "hosts": hosts}, separators=(",", ":"))
    return Markup(re.sub(r"[<>&]", lambda match: f"\\u{ord(match[0]):04x}", text))


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts web-2 before web-10."""
    return [(int(part), "") if part.isascii() and part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def _part(name: str) -> str:
    found = Files(Sandbox({})).read(os.path.join(PARTS, name))
    if found is None:
        raise Problem("missing from the collection", os.path.join(PARTS, name), "missing")
    return found.data.decode()


def _checksum(text: str) -> str:
    """What a browser compares a style or script with, which it else does not take."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
