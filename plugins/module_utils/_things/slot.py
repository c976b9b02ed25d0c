# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The memory slot: the file that declares the host's one memory provider (contract §3)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._documents.json_spans import outline
from .._doorway.problem import Problem
from .._doorway.reader import FILE
from .._forms.ahead import NOTHING, Ahead
from .._forms.wanted import wanted_forms
from .._host.edits import Edit, json_object, pretty_json, settle
from .._host.host import Host
from .._host.paths import NAME, Paths
from .._host.results import Result
from .._host.times import NOW, iso_milliseconds
from .verdicts import MIGRATE, held_by
from .version import wanted_version

ABSENT, MALFORMED, V1_1, V1_2, FOREIGN = "absent", "malformed", "v1_1", "v1_2", "foreign"


class Slot(NamedTuple):
    """What stands in the slot: its form, its value where it has one, and why it counts as malformed where it does.

    data: its bytes, None where there are none. unseen: what kept one from looking at what is there.
    """

    form: str
    value: dict[str, Any] | None = None
    problem: str = ""
    data: bytes | None = None
    unseen: Problem | None = None

    @property
    def empty(self) -> bool:
        """True where it declares no memory."""
        return self.form in (ABSENT, MALFORMED)

    @property
    def barred(self) -> str:
        """Why this host gets nothing of ours: another provider holds it; empty where none does."""
        return held_by(self.provider) if self.form == FOREIGN else ""

    @property
    def provider(self) -> str:
        """The provider's name; empty where there is none."""
        return str((self.value or {}).get("provider") or "")

    @property
    def version(self) -> str:
        """The declared version; empty where there is none."""
        return str((self.value or {}).get("version") or "")


class SlotPlan(NamedTuple):
    """What is to be done with the slot, in the words of its result."""

    edit: Edit
    action: str
    detail: str
    value: dict[str, Any] | None


def read_slot(host: Host) -> Slot:
    """The slot as it is. Never fails: what cannot be read or understood is an empty slot of the form malformed.

    Another provider's is known by less than it takes to change a file: behind a link that leaves the root, or with a
    byte that is no text.
    """
    try:
        found = host.files.read_through(host.paths.slot)
    except Problem as problem:
        return Slot(MALFORMED, None, problem.reason, unseen=problem)
    if found is None:
        return Slot(ABSENT)
    try:
        value = json_object(found.data, host.paths.slot)
    except Problem as problem:
        loose = _loosely(found.data)
        if _provider(loose) not in ("", NAME):
            return Slot(FOREIGN, loose, data=found.data)
        return Slot(MALFORMED, None, problem.reason, found.data)
    provider = _provider(value)
    if not provider:
        return Slot(MALFORMED, None, "names no provider", found.data)
    if provider != NAME:
        return Slot(FOREIGN, value, data=found.data)
    blocks = [isinstance(value.get(name), dict) for name in ("provision", "unprovision")]
    legacy = "plugin" in value and not any(blocks)
    return Slot(V1_1 if legacy else V1_2, value, data=found.data)


def _provider(value: Mapping[str, Any]) -> str:
    provider = value.get("provider")
    return provider if isinstance(provider, str) and provider.strip() else ""


def _loosely(data: bytes) -> dict[str, Any]:
    """The outermost object of JSON that is not written as it should be: with broken text, or too deep; else nothing."""
    try:
        value = json.loads(outline(data.decode(json.detect_encoding(data), "replace")), parse_int=float)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def wanted_slot(form: Mapping[str, Any], version: str, registered_at: str) -> dict[str, Any]:
    """The v1.2 declaration; form: without what differs from run to run; registered_at in ISO 8601."""
    head = {"provider": NAME, "package": form.get("package"), "version": version, "registeredAt": registered_at}
    return {**head, **{key: value for key, value in form.items() if key not in head}}


def plan_present(paths: Paths, slot: Slot, wanted: Mapping[str, Any]) -> SlotPlan:
    """Declare what is wanted, unless that is declared already; keys that we do not know are no drift.

    wanted: the declaration, registered now.
    """
    current, before, version = slot.value or {}, slot.data, wanted["version"]
    if slot.form == V1_2 and not _drift(slot, wanted):
        return SlotPlan(Edit(paths.slot, before, before), "already", f"declared v{version}", slot.value)
    shown = pretty_json({**wanted, "registeredAt": NOW}).decode()
    edit = Edit(paths.slot, before, pretty_json(wanted), shown=(_shown_before(slot), shown))
    action = {V1_1: "migrated", V1_2: "redeclared"}.get(slot.form, "declared")
    reason = _drift(slot, wanted) if current else slot.problem
    return SlotPlan(edit, action, f"{action} v{version}" + (f" ({reason})" if reason else ""), dict(wanted))


def plan_absent(paths: Paths, slot: Slot) -> SlotPlan:
    """Take our declaration away."""
    if slot.empty:
        return SlotPlan(Edit(paths.slot, slot.data, slot.data), "absent", "nothing of ours is declared", None)
    edit = Edit(paths.slot, slot.data, None, shown=(_shown_before(slot), ""))
    return SlotPlan(edit, "removed", f"removed the declaration of v{slot.version}", None)


def ensure(host: Host, options: Mapping[str, Any], check: bool, ahead: Ahead = NOTHING) -> Result:
    """Bring the slot to the wanted state, or say what that would change (check).

    options: state (present, absent), version, migrate, forms. Raises Problem for a foreign slot and for one that cannot
    be looked at, for a v1.1 slot unless migrate is given, for no version, for a binary that is not there, and where the
    file cannot be written.
    """
    slot = read_slot(host)
    if slot.barred:
        raise Problem(f"{slot.barred}: left as it is", host.paths.slot, FOREIGN)
    if slot.unseen is not None:  # what cannot be read is not to be lost by accident
        raise slot.unseen
    if options.get("state", "present") == "present":
        version = wanted_version(host, options, ahead)
        _require(host, slot, bool(options.get("migrate")), ahead)
        now = iso_milliseconds(host.clock.now())
        wanted = wanted_slot(wanted_forms(host, options, ahead).slot, version, now)
        plan = plan_present(host.paths, slot, wanted)
    else:
        plan = plan_absent(host.paths, slot)
    changed = settle(host.files, [plan.edit], check)
    return Result(
        plan.action,
        plan.detail,
        changed=bool(changed),
        diff=[edit.diff() for edit in changed],
        data={"slot": plan.value or {}, "form_before": slot.form},
    )


def _require(host: Host, slot: Slot, migrate: bool, ahead: Ahead) -> None:
    if slot.form == V1_1 and not migrate:
        raise Problem(MIGRATE, host.paths.slot, "legacy")
    if host.paths.binary not in ahead.written and host.files.kind_of(host.paths.binary) != FILE:
        raise Problem("no such binary: a slot that declares it would leave the host without memory", host.paths.binary)


def _shown_before(slot: Slot) -> str:
    if slot.value is None:
        return "" if slot.data is None else f"({slot.problem})\n"
    return pretty_json(slot.value).decode("utf-8", "replace")


def _drift(slot: Slot, wanted: Mapping[str, Any]) -> str:
    """In what a declaration is not as wanted, in words; empty where it is."""
    current = slot.value or {}
    if slot.form == V1_1:
        return "was v1.1"
    keys = [key for key in wanted if key != "registeredAt" and current.get(key) != wanted[key]]
    since = current.get("registeredAt")
    keys += [] if isinstance(since, str) and since else ["registeredAt"]
    return f"was v{slot.version}" if keys == ["version"] else f"differed in {', '.join(keys)}" if keys else ""
