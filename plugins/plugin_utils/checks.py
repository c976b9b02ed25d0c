# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a run of verify came to: one row a check (contract §10), told from the look and, with repair, from its steps.

A drift is what the step of the same thing would change; there is no second list. Pure.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.plan import (
    CHANGED,
    FAIL,
    OK,
    SKIP,
    foreign,
    status_of,
)
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things.verdicts import HUNG_AFTER, MIGRATE
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.report import REPAIRED, UNREACHABLE, Row
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.steps import (
    detail_of,
    ran,
    step_rows,
    why_stopped,
)

Result = Mapping[str, Any]
IN_PLACE = ("already", "absent", "skipped")
UPDATE = "take it off with update"
START = ": start the notifier, which runs the launcher of its trigger iapeer-memory-memoryd"


class Checked(NamedTuple):
    """The look, and what repair did; stale_after in seconds."""

    look: Result
    done: Mapping[str, Result]
    stale_after: float

    def result(self, step: str) -> Result:
        """What the step came to, or would come to."""
        result: Result = self.done.get(step) or self.look["steps"][step]
        return result

    def status(self, step: str, result: Result) -> str:
        """The status of a check by its step's result: what would change has drifted, what was changed is mended."""
        status = status_of(result)
        return (REPAIRED if step in self.done else FAIL) if status == CHANGED else status

    def plain(self, check: str, step: str) -> Row:
        """The row of a check that is one step."""
        result = self.result(step)
        return Row(check, self.status(step, result), self.words(step, result))

    def words(self, step: str, result: Result) -> str:
        """What is said of it."""
        drifted = status_of(result) == CHANGED and step not in self.done
        return f"would be {detail_of(result)}" if drifted else detail_of(result)


def rows_of(options: Mapping[str, Any]) -> list[Row]:
    """The rows of a report by its options: playbook, look, done (registered results by step), stale_after (seconds)."""
    look, done = options.get("look") or {}, ran(options.get("done") or {})
    if options["playbook"] == "verify":
        rows = check_rows(look, done, float(options.get("stale_after") or HUNG_AFTER))
    else:
        rows = step_rows(options["playbook"], look, done)
    if look.get("unreachable"):
        rows = [row._replace(status=UNREACHABLE) if row.status == FAIL else row for row in rows]
    return rows


def check_rows(look: Result, done: Mapping[str, Result], stale_after: float) -> list[Row]:
    """The rows of verify, in the contract's order.

    look: what host_plan returned (with probe). done: the results of the steps that repair ran. stale_after: seconds
    after which a heartbeat is stale.
    """
    stopped = why_stopped(look)
    if stopped:
        return [Row("config", FAIL, stopped)]
    checked = Checked(look, done, stale_after)
    return [
        _forms(checked),
        _config(checked),
        _slot(checked),
        _fleet(checked),
        _plugin(checked),
        *_surfaces(checked),
        _heartbeat(checked),
        _endpoint(checked),
        checked.plain("launcher", "launcher"),
        *_triggers(checked),
        *_roles(checked, "doctrines", "doctrine", "role-doctrines"),
        *_roles(checked, "wake-policy", "wake-policy", "wake-policy"),
        checked.plain("role-descriptions", "role-descriptions"),
    ]


def _forms(checked: Checked) -> Row:
    return Row("forms", status_of(checked.result("forms")), detail_of(checked.result("forms")))


def _config(checked: Checked) -> Row:
    config = checked.look["config"]
    detail = config["problem"] or f"vault {config['vault_path']}, locale {config['locale']}, mode {config['mode']}"
    return Row("config", OK if config["ok"] else FAIL, detail)


def _slot(checked: Checked) -> Row:
    if checked.look["slot"]["form"] == "v1_1" and checked.look["config"]["ok"]:
        return Row("memory-slot", FAIL, MIGRATE)
    row = checked.plain("memory-slot", "slot")
    unknown = not checked.look["version"] and checked.look["config"]["ok"] and not checked.look["binary"]["refused"]
    return row._replace(status=FAIL) if unknown else row


def _fleet(checked: Checked) -> Row:
    fleet, result = checked.look["fleet"], checked.result("fleet")
    if not checked.look["config"]["ok"] or foreign("fleet", checked.look):
        return Row("fleet-map", SKIP, detail_of(result))
    problem = f"unreadable: {fleet['problem']}" if fleet["problem"] else "" if fleet["count"] else "empty"
    written, told = status_of(result) == CHANGED, detail_of(result)
    if "fleet" in checked.done and written:  # which may be a map without a peer
        return Row("fleet-map", REPAIRED if result.get("count") else FAIL, f"{problem}; {told}" if problem else told)
    if problem:
        return Row("fleet-map", FAIL, f"{problem}; {told}" if "fleet" in checked.done else problem)
    return Row("fleet-map", OK, f"{fleet['count']} peers" + (f"; update would write {told}" if written else ""))


def _plugin(checked: Checked) -> Row:
    if checked.look["slot"]["form"] == "v1_1":
        return Row("legacy-plugin", SKIP, MIGRATE)
    result = checked.result("plugin-off")
    if status_of(result) == CHANGED:
        return Row("legacy-plugin", FAIL, f"it would be {detail_of(result)}: {UPDATE}")
    if status_of(result) == OK and not checked.look["fleet"]["readable"] and status_of(checked.result("fleet")) == FAIL:
        return Row("legacy-plugin", SKIP, "which peers there are is not known: see fleet-map")
    return Row("legacy-plugin", status_of(result), detail_of(result))


def _surfaces(checked: Checked) -> Iterator[Row]:
    name, result = "peer-surfaces", checked.result("surfaces")
    if checked.look["slot"]["form"] == "v1_1":
        yield Row(name, SKIP, MIGRATE)
        return
    rows = [row for record in result.get("results") or () for row in _seat(record, checked)]
    left_out = "; ".join(f"{item['personality']}: {item['reason']}" for item in result.get("skipped_peers") or ())
    detail = detail_of(result) + (f" ({left_out})" if left_out else "")
    if rows:
        yield from rows
        if left_out:
            yield Row(name, SKIP, left_out)
        return
    yield Row(name, checked.status("surfaces", result), detail)


def _seat(record: Result, checked: Checked) -> Iterator[Row]:
    """The row of one peer-runtime that is not simply in place."""
    bad = [item for item in record["outcomes"] if item["action"] not in IN_PLACE]
    if not bad:
        return
    mended = "surfaces" in checked.done
    words = {"written": "written" if mended else "has drifted"}
    lines = [f"{item['surface']} {words.get(item['action'], item['action'])}: {_place(item, mended)}" for item in bad]
    status = REPAIRED if mended and record["ok"] else FAIL
    yield Row(f"peer-surfaces[{record['personality']}:{record['runtime']}]", status, "; ".join(lines))


def _place(outcome: Result, mended: bool) -> str:
    would = "" if mended or outcome["action"] != "written" else "would be "
    return f"{outcome['path']}: {would}{outcome['detail']}" if outcome["detail"] else str(outcome["path"])


def _heartbeat(checked: Checked) -> Row:
    name, daemon, other = "memoryd-heartbeat", checked.look["memoryd"], foreign("memoryd", checked.look)
    if other:  # nobody has to start ours on a host of another provider
        return Row(name, other.status, other.reason)
    ended = "; memoryd is not running" + (f" ({daemon['problem']})" if daemon["problem"] else "") + START
    problem, result = daemon["complaint"], checked.done.get("memoryd")
    if daemon["pid"] is None and daemon["problem"]:  # a pid file that cannot be used, or names no process
        mended = detail_of(result) if result and status_of(result) == CHANGED else ""
        words = "; ".join(filter(None, (problem, daemon["problem"], mended)))
        return Row(name, REPAIRED if mended and not problem else FAIL, words)
    looked = checked.look["steps"].get("memoryd", {})
    if not problem and daemon["running"] and looked.get("action") == "pid_file_removed":  # it names another, or nobody
        return Row(name, checked.status("memoryd", result or looked), daemon["problem"])
    if not problem:  # the row is about the heartbeat alone; without a pid that is all there is to go by
        watch = f", watch={daemon['watch']}" if daemon["watch"] else ""
        gone = "" if daemon["pid"] is None else ended
        lost = f"; pid {daemon['pid']}: {daemon['problem']}" if daemon["problem"] else ""
        more = lost if daemon["running"] else gone
        return Row(name, OK, f"{daemon['heartbeat_age']:.0f} s old{watch}{more}")
    if result and (status_of(result) == FAIL or result["action"] == "restarted"):
        return Row(name, FAIL if status_of(result) == FAIL else REPAIRED, f"{problem}; {detail_of(result)}")
    if looked.get("action") == "starting":
        return Row(name, FAIL, f"{problem}; {detail_of(looked)}")
    return Row(name, FAIL, problem if daemon["running"] else problem + ended)


def _endpoint(checked: Checked) -> Row:
    name, daemon, port = "mcp-endpoint", checked.look["memoryd"], checked.look["config"]["mcp_port"]
    url = f"http://127.0.0.1:{port}/mcp"
    if not daemon["running"] or daemon["listening"] is None:
        return Row(name, SKIP, "memoryd is not running" if not daemon["running"] else "not asked")
    return Row(name, OK, f"{url} answers") if daemon["listening"] else Row(name, FAIL, f"nobody answers at {url}")


def _triggers(checked: Checked) -> Iterator[Row]:
    result = checked.result("triggers")
    found = {item["name"]: item for item in result.get("triggers") or ()}
    manifest = checked.look["roles_problem"]
    known = any(role["role"] == "index" for role in checked.look["roles"])
    for check, which in (("notifier-watcher", "watcher"), ("dream-timer", "dream")):
        if not known:
            reason = "no roles manifest" if manifest == "missing" else manifest or "no index in the roles manifest"
            yield Row(check, SKIP, reason)
        elif which in found:
            item = found[which]
            if item.get("missing") and "triggers" not in checked.done:
                yield Row(check, FAIL, f"{item['missing']} is not in place and executable")
                continue
            yield Row(check, checked.status("triggers", item), checked.words("triggers", item))
        else:
            yield Row(check, status_of(result), detail_of(result))


def _roles(checked: Checked, step: str, check: str, without: str) -> Iterator[Row]:
    """One row a role; one alone where there is none to tell of."""
    result = checked.result(step)
    records = [item for item in result.get("results") or () if item.get("action") is not None]
    if not records:
        yield Row(without, checked.status(step, result), detail_of(result))
    for record in records:
        statuses = {"written": REPAIRED if step in checked.done else FAIL, "failed": FAIL, "skipped": SKIP}
        detail = record["detail"] or record.get("target", "")
        yield Row(f"{check}[{record['role']}]", statuses.get(record["action"], OK), detail)
