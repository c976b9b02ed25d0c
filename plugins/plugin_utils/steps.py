# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run of a playbook came to: one row a step, from its task or, where that did not run, from the look.

Pure, like the rows of verify beside it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.gates import PLANS, plan_of, statuses
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.plan import CHANGED, FAIL, OK, status_of
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.report import SKIP, Row

Result = Mapping[str, Any]
# What is told in the row of another step.
PARTS = {"role-descriptions": "wake-policy"}
NO_LOOK = "the host was not looked at: a run that starts in the middle (--start-at-task) leaves the look out"


def step_rows(playbook: str, look: Result, done: Mapping[str, Result]) -> list[Row]:
    """The rows of a playbook, in the order of its steps.

    look: what host_plan returned for it. done: the results of the steps that ran. Where the look was stopped no step
    has begun, which is said at the first.
    """
    stopped = why_stopped(look)
    if stopped:
        first, *others = (name for name in PLANS[playbook].order if name not in PARTS)
        return [Row(first, FAIL, stopped), *(Row(name, SKIP, f"not begun: see {first}") for name in others)]
    rows = [_after_rollback(_row(name, look, done), done) for name in plan_of(look).order]
    told = [_together(row, [part for part in rows if PARTS.get(part.name) == row.name]) for row in rows]
    return [row for row in told if row.name not in PARTS]


def ran(done: Mapping[str, Any]) -> dict[str, Result]:
    """The results of the steps that ran: not those that their condition left out."""
    found = {name: result for name, result in done.items() if isinstance(result, Mapping) and result}
    return {name: result for name, result in found.items() if "action" in result or not result.get("skipped")}


def _together(row: Row, parts: list[Row]) -> Row:
    """A row with what belongs to it: as bad as the worst, and with all that is to be said."""
    every = [row, *parts]
    worst = next((status for status in (FAIL, CHANGED, SKIP) if any(item.status == status for item in every)), OK)
    more = [part for part in parts if part.detail and part.detail != row.detail]
    told = [row.detail, *(f"{part.name.removeprefix('role-')}: {part.detail}" for part in more)]
    return Row(row.name, worst, "; ".join(filter(None, told)))


def why_stopped(look: Result) -> str:
    """Why there is no look to go by; empty where there is one."""
    if look.get("unreachable"):
        return detail_of(look)
    if look.get("stopped") or "steps" not in look:
        return one_line(look.get("stopped") or look.get("msg") or NO_LOOK)
    return ""


def _row(name: str, look: Result, done: Mapping[str, Result]) -> Row:
    if name in done:
        return Row(name, status_of(done[name]), detail_of(done[name]))
    reason = plan_of(look).held(name, look, statuses(look, done), False)
    if reason is not None:
        return Row(name, reason.status, reason.reason)
    return Row(name, status_of(look["steps"][name]), detail_of(look["steps"][name]))


def _after_rollback(row: Row, done: Mapping[str, Result]) -> Row:
    """A row of a host that went back to its previous binary, or could not: it has failed, and names both."""
    back = done.get("taken-back")
    if back is None or row.name not in ("binary", "memoryd"):
        return row
    new, old = (done.get("binary", {}).get("version") or "the new one"), (back.get("version") or "the previous one")
    if row.name == "memoryd":
        again = done.get("came-back")
        seen = detail_of(again).removeprefix("asked for; ") if again else ""  # by the rollback, and by nobody else
        return row._replace(status=FAIL, detail=row.detail + (f"; with {old}: {seen}" if again else ""))
    if status_of(back) == FAIL:
        return row._replace(status=FAIL, detail=f"{new} stays, the previous one is not back: {detail_of(back)}")
    words = f"rolled back from {new} to {old}: memoryd did not come up with {new}, see memoryd"
    return row._replace(status=FAIL, detail=words)


def detail_of(result: Result) -> str:
    """The line for people; the last line of what a module said that broke off."""
    if status_of(result) != FAIL:
        return str(result.get("detail") or "")
    return one_line(said_by(result) or result.get("detail") or "it ended without a word")


def said_by(result: Result) -> str:
    """What a task that failed says of it; of a module that ended without an answer, how it ended and its last words."""
    said = str(result.get("msg") or _broken_by(result))
    if "module_stdout" not in result or "interpreter" in said:  # that it is missing Ansible says well
        return said
    # Here, because hardly any run needs it.
    from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import Outcome

    code, errors = int(result.get("rc") or 0), str(result.get("module_stderr") or "")
    ended = Outcome(128 - code if code > 128 else code, str(result["module_stdout"]), errors)
    words = one_line(errors) if "Traceback" in errors else ended.line
    return f"the module ended without an answer ({ended.ended}){': ' + words if words else ''}"


def _broken_by(result: Result) -> str:
    """What broke a module before it could say so itself, as Ansible notes it; empty where nothing did."""
    words = getattr(getattr(result.get("exception"), "event", None), "msg", "")
    return f"it broke: {words}" if words else ""


def one_line(text: Any) -> str:
    """A message as people can use it: of a traceback its last line, else all of it on one."""
    lines = [line.strip() for line in str(text).strip().splitlines() if line.strip()]
    return lines[-1] if "Traceback" in str(text) and lines else " ".join(lines)
