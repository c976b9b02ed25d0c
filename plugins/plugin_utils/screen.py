# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What people read of a run on their screen: nothing of it reaches the terminal as a host sent it. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents.shown import shown
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.conditions import (
    ALARMING,
    CHANGED,
    CLEAN,
    NEW,
    NOT_BEGUN,
    UNREACHABLE,
    WORST_FIRST,
    fine,
)
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.report import BAD, Report
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.runs import Progress

FEW_HOSTS = 3  # of so few every one is shown, whatever it came to
MOST_HOSTS, MOST_LINES, LONGEST = 25, 4, 300  # of the summary: hosts a state, lines a host, characters a line
NAME, DETAIL = 200, 4000  # of a table: characters of a name, and of what is said of it; the report has all
MANY_HOSTS = 10  # of more, one batch is worth a line too
# Callbacks whose output is read by programs, which a table would break, and the one that says nothing.
FOR_MACHINES = re.compile(r"(^|[._-])(json|jsonl|ndjson|xml|junit|tap|csv|null)([._-]|$)")


def for_machines(callback: str) -> bool:
    """True where the standard output, by the name of its callback, is read by a program."""
    return FOR_MACHINES.search(callback.lower()) is not None


def table_wanted(report: Report, hosts: int, verbosity: int) -> bool:
    """Whether a host is worth its table: always where few hosts are at it, or more is asked for."""
    return hosts <= FEW_HOSTS or verbosity > 0 or not fine(report)


def table(report: Report) -> list[str]:
    """A title and one line a row."""
    title = f"{report.host}: {report.playbook}" + (f", version {report.version}" if report.version else "")
    lines = [title + (", check mode: nothing was touched" if report.check_mode else "")]
    names = [clipped(shown(row.name), NAME) for row in report.rows]
    width = max(map(len, names), default=0)
    for name, row in zip(names, report.rows):
        status = row.status.upper() if row.status in BAD else row.status
        lines.append(f"  {name:{width}}  {status:8}  {clipped(shown(row.detail), DETAIL)}".rstrip())
    return [shown(lines[0]), *lines[1:]]


def clipped(text: str, most: int) -> str:
    """The text, and where it is longer than so many characters, as much of both its ends."""
    if len(text) <= most:
        return text
    return f"{text[: most - most // 3 - 1]}…{text[-(most // 3) :]}"


def progress_line(progress: Progress) -> str | None:
    """How far a run is, on one line; None where a batch is all there is of it, and that is small."""
    whole, entries = progress.fleet, progress.fleet["hosts"]
    if not progress.several and len(entries) <= MANY_HOSTS:
        return None
    left = whole["counts"][NOT_BEGUN]
    parts = [f"{len(entries) - left} of {len(entries)} hosts done"]
    for state in ALARMING:
        names = [entry["host"] for entry in entries if entry["state"] == state]
        parts += [f"{len(names)} {state} ({listed(names)})"] if names else []
    if whole["counts"][CHANGED]:
        parts.append(f"{whole['counts'][CHANGED]} changed")
    title = whole["playbook"] + (f", batch {progress.batch}" if progress.several else "")
    after = f", after {duration(progress.seconds)}" if progress.seconds >= 1 else ""
    return f"{title}: {', '.join(parts)}, {left} left{after}"


def bad_lines(state: str, steps: Iterable[Mapping[str, str]]) -> list[str]:
    """What is to be said of a host in that state. steps: the rows as the task report returns them."""
    if state == CHANGED:
        return [", ".join(row["name"] for row in steps if row["status"] in NEW)]
    bad = [row for row in steps if row["status"] in BAD]
    if state == UNREACHABLE:
        return [row["detail"] for row in bad[:1]]
    return [f"{row['name']}: {row['detail']}" for row in bad]


def summary(hosts: Mapping[str, tuple[str, list[str]]]) -> Iterator[tuple[str, str]]:
    """A fleet at a glance: lines with the state that each is about, worst first. hosts: state and lines of each."""
    by_state = {state: sorted(host for host in hosts if hosts[host][0] == state) for state in WORST_FIRST}
    counts = [f"{len(names)} {state}" for state, names in reversed(by_state.items()) if names]
    yield "", f"\nFleet of {len(hosts)}: {', '.join(counts)}"
    width = max(len(shown(host)) for host in hosts)
    for state, names in by_state.items():
        if state == CLEAN:
            continue
        for host in names[:MOST_HOSTS]:
            lines = hosts[host][1] or [""]
            rest = [f"and {len(lines) - MOST_LINES} more"] if len(lines) > MOST_LINES else []
            heads = [f"{state:11}  {shown(host):{width}}", *[" " * (13 + width)] * MOST_LINES]
            for head, line in zip(heads, [*lines[:MOST_LINES], *rest]):
                yield state, f"  {head}  {shown(line)[:LONGEST]}".rstrip()
        if len(names) > MOST_HOSTS:
            yield state, f"  {state:11}  and {len(names) - MOST_HOSTS} more"


def duration(seconds: float) -> str:
    """A stretch of time in the words of a clock on the wall: 8 s, 3 min 20 s, 2 h 5 min."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def listed(names: Iterable[str], most: int = 5) -> str:
    """The names, the first few of them where there are many."""
    every = [shown(name) for name in names]
    rest = len(every) - most
    return ", ".join(every[:most]) + (f" and {rest} more" if rest > 0 else "")


def condensed(diffs: Iterable[Mapping[str, Any]]) -> list[str]:
    """Ansible's diffs as one line a file: its name, and how many lines come and go (one that only moves does neither).

    diffs: mappings with before, after and their headers, as modules return them in diff.
    """
    return [line for item in diffs for line in _condensed(item)]


def _condensed(item: Mapping[str, Any]) -> list[str]:
    before, after = (_text(item.get(key)) for key in ("before", "after"))
    if before == after:
        return []
    old, new = Counter(before.splitlines()), Counter(after.splitlines())
    come, gone = sum((new - old).values()), sum((old - new).values())
    header = shown(str(item.get("after_header") or item.get("before_header") or "")) or "a file"
    lines = "line" if come + gone == 1 else "lines"
    return [f"{header}: +{come} -{gone} {lines}" if come or gone else f"{header}: changed"]


def _text(value: Any) -> str:
    return "" if value is None else str(value)
