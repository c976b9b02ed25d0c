# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The notifier's triggers: registered by message, believed by the profile of who registered them (contract §7)."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._doorway.problem import Problem
from .._host.core import core_problem, peers_of, read_registry
from .._host.edits import read_json_object
from .._host.host import Host
from .._host.options import absolute
from .._host.roles import read_manifest

RECEIVERS = {"event": "watcher", "time": "timer"}
PROFILE = os.path.join(".iapeer", "peer-profile.json")
# What a message carries for each kind, in the order of the contract; the profile repeats it.
FIELDS = {"event": ("script", "target", "id"), "time": ("when", "message", "target", "id", "check")}
# What must be seen in the profile; the others are compared only where the profile tells them.
TOLD = {"event": ("target", "script"), "time": ("target", "check")}
REQUIRED = {"event": ("script", "target"), "time": ("when", "text", "target")}  # options of the module
POLL_SECONDS = 0.1
SEND_TIMEOUT = 60

Trigger = dict[str, Any]


class Registrant(NamedTuple):
    """Who owns the triggers: its name, its folder, and its runtime where the registry had to be asked."""

    name: str
    cwd: str
    runtime: str = ""


class TriggerPlan(NamedTuple):
    """What is to be sent and what should then be seen; action already or absent where nothing is."""

    action: str
    detail: str
    message: Trigger | None
    current: Trigger | None
    wanted: Trigger | None


def find_registrant(host: Host, name: str, with_runtime: bool) -> Registrant | None:
    """The peer that registers: its folder from the roles manifest, else from the registry; None where it has neither.

    with_runtime asks the registry in any case. Raises Problem where the registry is needed and cannot be had.
    """
    cwd = read_manifest(host).cwd_of(name)
    if cwd and not with_runtime:
        return Registrant(name, absolute(f"the cwd of {name}", cwd))
    row = next((row for row in read_registry(host) if row.get("personality") == name), None)
    peer = next(iter(peers_of([row] if row else [])), None)
    if row is None or peer is None:
        return None
    default = row.get("default_runtime")
    runtime = default.strip() if isinstance(default, str) else ""
    cwd = absolute(f"the cwd of {name}", cwd or peer.cwd)
    return Registrant(name, cwd, runtime or next(iter(peer.runtimes), ""))


def read_trigger(host: Host, registrant: Registrant, kind: str, identity: str) -> Trigger | None:
    """The trigger as the profile has it, matched by role, id and owner; None where it is not there.

    Raises Problem where the profile cannot be read or is not what it should be.
    """
    path = os.path.join(registrant.cwd, PROFILE)
    notifier = (read_json_object(host.files, path) or {}).get("notifier") or {}
    triggers = notifier.get("triggers") or [] if isinstance(notifier, dict) else None
    if not isinstance(triggers, list):
        raise Problem("notifier.triggers is not a list", path, "malformed")
    wanted = {"role": kind, "id": identity, "owner": registrant.name}
    rows = [row for row in triggers if isinstance(row, dict)]
    return next((row for row in rows if all(row.get(key) == value for key, value in wanted.items())), None)


def plan_trigger(kind: str, wanted: Trigger, current: Trigger | None, state: str) -> TriggerPlan:
    """What brings the trigger to the wanted state. wanted: the message of its registration, id included."""
    identity = wanted["id"]
    if state == "absent":
        if current is None:
            return TriggerPlan("absent", f"{identity} is not registered", None, None, None)
        message = {"cmd": "unregister", "id": identity}
        return TriggerPlan("unregistered", f"unregistered {identity}", message, current, None)
    bad = drift(kind, wanted, current)
    if not bad:
        return TriggerPlan("already", f"{identity} goes to {wanted['target']}", None, current, wanted)
    return TriggerPlan("registered", f"registered {identity} to {wanted['target']} ({bad})", wanted, current, wanted)


def drift(kind: str, wanted: Trigger, current: Trigger | None) -> str:
    """In what a trigger is not as wanted; empty where it is."""
    if current is None:
        return "was not registered"
    keys = [key for key in FIELDS[kind] if key in TOLD[kind] or (key in wanted and key in current)]
    bad = [key for key in keys if _compared(key, current.get(key)) != _compared(key, wanted.get(key))]
    return f"differed in {', '.join(bad)}" if bad else ""


def _compared(key: str, value: Any) -> Any:
    """A message counts by its first word, which tells its receiver what it is; the rest is wording."""
    return value.split(":")[0].split()[:1] if key == "message" and isinstance(value, str) else value


def ensure(host: Host, options: Mapping[str, Any], check: bool) -> dict[str, Any]:
    """Register or unregister one trigger and see it land in the profile, or say what would be sent (check).

    options: state, kind, id, script, target, when, check, text, registrant, wait (seconds to see it land). Without
    a registrant on this host it is skipped. Raises Problem where the core or the profile fails, and where the profile
    does not show the change in time.
    """
    kind, name = options["kind"], options.get("registrant") or "index"
    identity = str(options.get("id") or "").strip()
    if not identity:
        raise Problem("id is empty: name the trigger")
    given = {**options, "message": options.get("text")}
    wanted = {**{key: given[key] for key in FIELDS[kind] if given.get(key)}, "id": identity}
    missing = [key for key in REQUIRED[kind] if not options.get(key)]
    if missing and options["state"] == "present":
        raise Problem(f"{', '.join(missing)} must be given for a trigger of the kind {kind}")
    registrant = find_registrant(host, name, with_runtime=False)
    if registrant is None:
        return _result(TriggerPlan("skipped", f"no {name} peer on this host", None, None, None), None)
    current = read_trigger(host, registrant, kind, identity)
    plan = plan_trigger(kind, wanted, current, options["state"])
    if plan.message is None:
        return _result(plan, current)
    try:
        registrant = find_registrant(host, name, with_runtime=True)
    except Problem as problem:
        raise Problem(f"{plan.detail}: not possible: {problem}", problem.path, problem.kind) from problem
    if registrant is None or not registrant.runtime:
        reason = f"no {name} peer with a runtime in the registry"
        return _result(TriggerPlan("skipped", reason, None, None, None), current)
    if not os.path.isdir(registrant.cwd):
        raise Problem(f"the folder of {name} is missing: a trigger could not be seen", registrant.cwd, "missing")
    if not check:
        _send(host, registrant, kind, plan.message)
        current = _await(host, registrant, kind, wanted, options)
    return _result(plan, current)


def _send(host: Host, registrant: Registrant, kind: str, message: Trigger) -> None:
    sender = f"{registrant.runtime}-{registrant.name}"
    text = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
    args = ["send", RECEIVERS[kind], "--from", sender, "--message", text]
    done = host.egress.run(host.core, args, timeout=SEND_TIMEOUT)
    if done.rc != 0:
        raise core_problem(host.core.path, done)


def _await(
    host: Host, registrant: Registrant, kind: str, wanted: Trigger, options: Mapping[str, Any]
) -> Trigger | None:
    """The trigger as the profile shows it once it is as wanted; delivered is not registered, so look until it is."""
    wait = float(options.get("wait") or 0)
    limit = host.clock.monotonic() + wait
    while True:
        current = read_trigger(host, registrant, kind, wanted["id"])
        if plan_trigger(kind, wanted, current, options["state"]).message is None or not wait:
            return current
        if host.clock.monotonic() >= limit:
            path = os.path.join(registrant.cwd, PROFILE)
            raise Problem(
                f"the message about {wanted['id']} was delivered, but within {wait:g} s the profile does not show it: "
                "check that the notifier runs",
                path,
            )
        host.clock.sleep(POLL_SECONDS)


def _result(plan: TriggerPlan, trigger: Trigger | None) -> dict[str, Any]:
    changed = plan.message is not None
    shown = [_shown(value) for value in (plan.current, plan.wanted)]
    header = str((plan.message or {}).get("id", ""))
    return {
        "changed": changed,
        "action": plan.action,
        "detail": plan.detail,
        "trigger": trigger or {},
        "diff": [{"before_header": header, "after_header": header, "before": shown[0], "after": shown[1]}]
        if changed
        else [],
    }


def _shown(trigger: Trigger | None) -> str:
    keys = [key for key in FIELDS["event"] + FIELDS["time"] if key in (trigger or {})]
    return "".join(f"{key}: {(trigger or {})[key]}\n" for key in dict.fromkeys(keys))
