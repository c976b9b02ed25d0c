# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the registered results of a run come to: one row a step or check (contract §9 and §10). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

OK, CHANGED, SKIP, FAIL, REPAIRED, UNREACHABLE = "ok", "changed", "skip", "fail", "repaired", "unreachable"
BAD = (FAIL, UNREACHABLE)
STEPS = (
    ("binary", "templates", "doctrines", "fleet", "surfaces", "plugin-off", "slot", "launcher", "triggers", "guide")
    + ("memoryd",)
)
NOT_RUN = "not run"
# What Ansible says, differently in each of its versions, before the message of a lookup.
PREAMBLE = re.compile(r".*(?:original message|lookup plugin '[^']*' failed): ", re.DOTALL)

Result = Mapping[str, Any]


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


def update_rows(found: Result, results: Mapping[str, Any], options: Mapping[str, Any]) -> list[Row]:
    """The rows of update, in the order of the steps.

    found: what memory_host_info returned. results: for each step its registered results. options: version (wanted),
    sources (the results of the look at what the controller hands over). Where found or a source failed no step has
    begun, which is said at the first.
    """
    start = [found, *(options.get("sources") or ())]
    stopped = next((item for item in start if was_run(item) and status_of(item) == FAIL), None)
    if stopped is not None:
        first, *others = STEPS
        return [Row(first, FAIL, detail_of(stopped)), *(Row(name, SKIP, f"not begun: see {first}") for name in others)]
    ran = {name: [item for item in results.get(name, ()) if was_run(item)] for name in STEPS}
    return [
        Row(name, _worst(map(status_of, ran[name])), "; ".join(filter(None, map(detail_of, ran[name]))))
        if ran[name]
        else _idle_row(name, found, str(options.get("version") or ""), bool(ran["binary"]))
        for name in STEPS
    ]


def _idle_row(name: str, found: Result, version: str, to_install: bool) -> Row:
    """What to say of a step of which nothing ran; to_install: a binary is about to come."""
    binary, form = found["binary"], found["slot"]["form"]
    known = binary["present"] and version
    if name == "binary":
        text = f"{found['paths']['binary']} is version {binary['version'] or 'unknown'}"
        return Row(name, OK, text) if known else Row(name, SKIP, binary["problem"])
    if not found["config"]["ok"]:
        return Row(name, SKIP, "not provisioned")
    if not known:
        later = "to be seen once the binary is installed"
        return Row(name, SKIP, later if to_install else binary["problem"] or "the version is not known")
    if name == "plugin-off" and form not in ("v1_1", "foreign"):
        return Row(name, OK, "nothing to do, the slot is not in the v1.1 form")
    held = f"the slot is held by {found['slot']['provider']}" if form == "foreign" else ""
    reasons = {
        "surfaces": held,
        "plugin-off": held or "the surfaces were skipped",
        "slot": "v1.1 kept: the plugin could not be swept",
        "memoryd": "iapeer_memory_restart is never",
    }
    return Row(name, SKIP, reasons.get(name) or NOT_RUN)


def was_run(result: Any) -> bool:
    """True where a task came to a result of its own: not one that its condition left out."""
    return isinstance(result, Mapping) and bool(result) and not (result.get("skipped") and "action" not in result)


def status_of(result: Result) -> str:
    """The status that one registered result amounts to."""
    if result.get("failed") or result.get("unreachable"):
        return FAIL
    if result.get("skipped") or result.get("action") == "skipped":
        return SKIP
    return CHANGED if result.get("changed") else OK


def detail_of(result: Result) -> str:
    """The line for people; the first line of a message where a module broke off."""
    if status_of(result) == FAIL:
        text = str(result.get("msg") or result.get("module_stderr") or "failed without a message")
        return text.strip().splitlines()[-1] if "Traceback" in text else " ".join(PREAMBLE.sub("", text).split())
    return str(result.get("detail") or "")


def _worst(statuses: Iterable[str]) -> str:
    """Of a step of several parts: one part that was left out is not hidden by others that are in place."""
    seen = set(statuses)
    return next(status for status in (FAIL, CHANGED, SKIP, OK) if status in seen)


def verify_rows(found: Result, results: Mapping[str, Any], options: Mapping[str, Any]) -> list[Row]:
    """The rows of verify, in the order of the checks.

    found: what memory_host_info returned. results: the registered results, by check. options: repair (bool),
    stale_after (seconds), version (wanted).
    """
    if status_of(found) == FAIL:
        return [Row("config", FAIL, detail_of(found))]
    repair = bool(options.get("repair"))
    config, skip = found["config"], _reasons(found, options)
    detail = config["problem"] or f"vault {config['vault_path']}, locale {config['locale']}, mode {config['mode']}"
    rows = [Row("config", OK if config["ok"] else FAIL, detail)]
    rows.append(_slot_row(found, results.get("memory-slot"), repair, skip["slot"]))
    rows.append(_fleet_row(found, results.get("fleet-map"), repair, skip["fleet"]))
    rows += _surface_rows(results.get("peer-surfaces"), repair, skip["surfaces"])
    rows.append(_heartbeat_row(found, results.get("memoryd-heartbeat"), float(options["stale_after"])))
    for name in ("notifier-watcher", "dream-timer"):
        rows.append(_checked(name, results.get(name), repair, skip["triggers"]))
    return rows + _doctrine_rows(results.get("role-doctrines"), repair, skip["doctrines"])


def _reasons(found: Result, options: Mapping[str, Any]) -> dict[str, str]:
    """Why a check was left out, should it have been."""
    form, slot = found["slot"]["form"], found["slot"]
    no_config = "" if found["config"]["ok"] else "not provisioned"
    no_version = "" if options.get("version") else found["binary"]["problem"] or "the version is not known"
    manifest = {"missing": "no roles manifest"}.get(found["roles_problem"], found["roles_problem"])
    surfaces = {"v1_1": "the slot is in the v1.1 form: migrate with update", "foreign": f"held by {slot['provider']}"}
    return {
        "slot": no_config or no_version,
        "fleet": no_config,
        "surfaces": no_config or surfaces.get(form, "no readable fleet map"),
        "triggers": manifest or "no index in the roles manifest",
        "doctrines": manifest or no_config or no_version or "the roles manifest names no role",
    }


def _checked(name: str, result: Any, repair: bool, otherwise: str) -> Row:
    """The row of a check that is a module in check mode, or for real where it mends."""
    if not was_run(result):
        return Row(name, SKIP, otherwise)
    status = status_of(result)
    if status == CHANGED:
        status = REPAIRED if repair else FAIL
    return Row(name, status, _in_words(result, repair))


def _slot_row(found: Result, result: Any, repair: bool, reason: str) -> Row:
    """The slot's row: a host whose binary tells no version is not one that is in order."""
    blind = not was_run(result) and found["config"]["ok"] and not found["binary"]["refused"]
    return Row("memory-slot", FAIL, reason) if blind else _checked("memory-slot", result, repair, reason)


def _in_words(result: Result, repair: bool) -> str:
    text = detail_of(result)
    return f"would be {text}" if status_of(result) == CHANGED and not repair else text


def _fleet_row(found: Result, result: Any, repair: bool, reason: str) -> Row:
    fleet = found["fleet"]
    if reason:
        return Row("fleet-map", SKIP, reason)
    if fleet["readable"] and fleet["count"]:
        return Row("fleet-map", OK, f"{fleet['count']} peers")
    problem = f"unreadable: {fleet['problem']}" if fleet["problem"] else "empty"
    if not (repair and was_run(result)):
        return Row("fleet-map", FAIL, problem)
    status = status_of(result)
    mended = status in (OK, CHANGED) and result.get("count")
    final = REPAIRED if mended else SKIP if status == SKIP else FAIL
    return Row("fleet-map", final, f"{problem}; {detail_of(result)}")


def _surface_rows(result: Any, repair: bool, reason: str) -> list[Row]:
    name = "peer-surfaces"
    if not was_run(result):
        return [Row(name, SKIP, reason)]
    records = result.get("results") or []
    rows = [row for record in records for row in _seat_rows(record, repair)]
    if rows:
        return rows
    status = status_of(result)
    status = (REPAIRED if repair else FAIL) if status == CHANGED else status
    skipped = any(outcome["action"] == "skipped" for record in records for outcome in record["outcomes"])
    return [Row(name, SKIP if skipped and status == OK else status, detail_of(result))]


def _seat_rows(record: Result, repair: bool) -> list[Row]:
    bad = [item for item in record["outcomes"] if item["action"] not in ("already", "absent", "skipped")]
    if not bad:
        return []
    status = FAIL if not record["ok"] or not repair else REPAIRED
    words = {"written": "written" if repair else "has drifted"}
    lines = [f"{item['surface']} {words.get(item['action'], item['action'])}: {_place(item)}" for item in bad]
    return [Row(f"peer-surfaces[{record['personality']}:{record['runtime']}]", status, "; ".join(lines))]


def _place(outcome: Result) -> str:
    return f"{outcome['path']}: {outcome['detail']}" if outcome["detail"] else str(outcome["path"])


def _heartbeat_row(found: Result, result: Any, stale_after: float) -> Row:
    name, daemon = "memoryd-heartbeat", found["memoryd"]
    age = daemon["heartbeat_age"]
    problem = daemon["heartbeat_problem"]
    if not problem:
        problem = "no heartbeat" if age is None else f"{age:.0f} s old" if age > stale_after else ""
        problem = problem or ("it says watch=off" if daemon["watch"] == "off" else "")
    if not problem:
        return Row(name, OK, f"{age:.0f} s old" + (f", watch={daemon['watch']}" if daemon["watch"] else ""))
    if was_run(result) and status_of(result) == CHANGED and result.get("action") == "restarted":
        return Row(name, REPAIRED, f"{problem}; {detail_of(result)}")
    if was_run(result) and status_of(result) == FAIL:
        return Row(name, FAIL, f"{problem}; {detail_of(result)}")
    if not daemon["running"]:
        problem += "; memoryd is not running" + (f" ({daemon['problem']})" if daemon["problem"] else "")
        problem += ": start the notifier, which runs the launcher of its trigger iapeer-memory-memoryd"
    return Row(name, FAIL, problem)


def _doctrine_rows(result: Any, repair: bool, reason: str) -> list[Row]:
    if not was_run(result) or status_of(result) == SKIP:
        return [Row("role-doctrines", SKIP, reason if not was_run(result) else detail_of(result))]
    records = result.get("results") or []
    if not records:
        return [Row("role-doctrines", status_of(result), detail_of(result))]
    return [_doctrine_row(record, repair) for record in records]


def _doctrine_row(record: Result, repair: bool) -> Row:
    name, action, detail = f"doctrine[{record['role']}]", record["action"], record["detail"]
    if action == "written" and not repair and detail.startswith("text:"):
        return Row(name, OK, f"{detail}; update renders it again")
    statuses = {"written": REPAIRED if repair else FAIL, "failed": FAIL, "skipped": SKIP}
    return Row(name, statuses.get(action, OK), detail or record["target"])
