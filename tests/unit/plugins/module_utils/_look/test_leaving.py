# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Uninstall: its gates, what a look at it says, and what its steps leave behind (contract §13)."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.ahead import NOTHING
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import Host
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.gates import is_due, pending
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.leaving import UNINSTALL, held
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.look import look
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.removals import REMOVALS, RESTORE
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces import peers
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import (
    binary,
    provider_files,
    slot,
    triggers,
)
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.steps import step_rows
from ansible_collections.agfpd.iapeer_memory.tests.unit.fakes import StandIn, StillClock
from ansible_collections.agfpd.iapeer_memory.tests.unit.looks import BAD, CHANGED, QUIET, REFUSED
from ansible_collections.agfpd.iapeer_memory.tests.unit.looks import look as a_look
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place

FINE = dict.fromkeys(UNINSTALL.order, "ok")
BUNDLED = {"forms": "bundled"}


def statuses(form: str, done: dict[str, str], **parts: Any) -> dict[str, str | None]:
    """What holds each step back, by its status."""
    found = {name: held(name, a_look(form, **parts), {**FINE, **done}) for name in UNINSTALL.order}
    return {name: reason and reason.status for name, reason in found.items()}


def left(place: Place) -> dict[str, Any]:
    """What is on the disk, but for what every call of the core writes."""
    return place.snapshot("calls.jsonl", "registry.json", ".iapeer")


# Gates


def test_the_order_of_the_contract() -> None:
    words = ["surfaces", "plugin-off", "slot", "triggers", "memoryd", "launcher", "binary", "native-memory"]
    assert list(UNINSTALL.order) == list(REMOVALS) == words


def test_on_a_host_of_another_provider_everything_is_refused() -> None:
    assert statuses("foreign", {}) == {**dict.fromkeys(UNINSTALL.order, "skip"), "slot": "fail"}
    reason = held("slot", a_look("foreign"), FINE)
    assert reason is not None
    assert reason.reason == "the slot is held by other-memory: left as it is"


@pytest.mark.parametrize("form", ["absent", "malformed", "v1_2", "v1_1"])
def test_what_is_ours_goes_whatever_the_slot_says(form: str) -> None:
    assert statuses(form, {}) == dict.fromkeys(UNINSTALL.order)


@pytest.mark.parametrize("status", ["fail", "skip"])
def test_a_v1_1_slot_stays_as_long_as_the_plugin_does(status: str) -> None:
    assert statuses("v1_1", {"plugin-off": status})["slot"] == status
    assert statuses("v1_2", {"plugin-off": status})["slot"] is None


def test_without_a_readable_map_nobody_is_swept_and_the_rest_goes() -> None:
    fleet = {"readable": False, "count": 0, "problem": "missing"}
    assert statuses("v1_2", {}, fleet=fleet) == {**dict.fromkeys(UNINSTALL.order), "surfaces": "skip"}


def test_a_map_that_is_there_and_cannot_be_read_keeps_the_scripts_too() -> None:
    fleet = {"readable": False, "count": 0, "problem": "not JSON: Expecting value"}
    kept = {**dict.fromkeys(UNINSTALL.order), "surfaces": "skip", "launcher": "skip"}
    assert statuses("v1_2", {}, fleet=fleet) == kept


def test_where_nobody_can_tell_where_things_are_everything_stays_and_the_first_step_says_why() -> None:
    config = {"ok": False, "unread": "/c/config.env: is not UTF-8 from byte 6 on"}
    assert statuses("v1_2", {}, config=config) == {**dict.fromkeys(UNINSTALL.order, "skip"), "surfaces": "fail"}
    reason = held("surfaces", a_look(config=config), FINE)
    assert reason is not None
    assert reason.reason == config["unread"]
    assert statuses("foreign", {}, config=config)["slot"] == "fail"


def test_peers_that_still_have_our_hooks_keep_the_scripts() -> None:
    assert [name for name, status in statuses("v1_2", {"surfaces": "fail"}).items() if status] == ["launcher"]


def test_what_the_notifier_would_start_again_stays_while_it_knows_of_it() -> None:
    found = statuses("v1_2", {"triggers": "fail"})
    assert [name for name, status in found.items() if status] == ["memoryd", "launcher", "binary"]


def test_memoryd_is_looked_at_once_its_trigger_is_gone() -> None:
    steps = {**dict.fromkeys(UNINSTALL.order, QUIET), "triggers": CHANGED}
    assert pending(steps, UNINSTALL) == ["triggers", "memoryd"]
    seen = {**a_look(), "playbook": "uninstall", "steps": steps, "pending": ["triggers", "memoryd"]}
    assert [name for name in UNINSTALL.order if is_due(name, seen, {})] == ["triggers", "memoryd"]
    assert not is_due("memoryd", seen, {"triggers": BAD})
    assert is_due("memoryd", seen, {"triggers": REFUSED})


def test_a_look_that_was_stopped_is_told_at_the_first_step() -> None:
    rows = step_rows("uninstall", {"stopped": "no such host"}, {})
    assert [row.name for row in rows] == list(UNINSTALL.order)
    assert (rows[0].status, rows[0].detail, rows[1].detail) == ("fail", "no such host", "not begun: see surfaces")


# A whole host, in this process


@pytest.fixture
def installed(place: Place) -> Place:
    """A host that has all of ours, and peers with files of their own."""
    place.registry(place.row("index", "claude"), place.row("alpha", "claude", "codex"))
    place.fleet(index=["claude"], alpha=["claude", "codex"])
    place.manifest(index=place.peer("index"))
    place.write_json(place.peer("index") / ".iapeer" / "peer-profile.json", {"notifier": {"triggers": []}, "z": 1})
    place.write(place.peer("alpha") / ".mcp.json", '{"mcpServers":{"mine": {"url":"http://x"}} }', 0o600)
    place.write(place.peer("alpha") / ".codex" / "config.toml", "# mine\nmodel = 'x' # here\n", 0o640)
    return place


def opened(place: Place) -> tuple[Host, StandIn]:
    """The host as a module opens it, with the stand-in core."""
    egress = StandIn(place.home, place.root, place.state)
    return place.host(egress, StillClock(0)), egress


def bring(host: Host) -> None:
    """All of ours."""
    peers.ensure(host, {**BUNDLED, "state": "present", "lock_timeout": 5}, False)
    slot.ensure(host, {**BUNDLED, "state": "present", "version": "1.4.0"}, False)
    provider_files.ensure(host, {**BUNDLED, "part": "launcher"}, False)
    triggers.ensure(host, {**BUNDLED, "state": "present", "standard": True, "wait": 1}, False)


@pytest.mark.parametrize("spoilt", [b"# caf\xe9\n", b"#" * (8 << 20), None])
def test_a_config_env_that_cannot_be_read_holds_all_of_uninstall(installed: Place, spoilt: bytes | None) -> None:
    bring(opened(installed)[0])
    os.rename(installed.state, installed.base / "elsewhere")
    installed.configure(f"IAPEER_MEMORY_STATE_DIR={installed.base / 'elsewhere'}")
    if spoilt is None:
        installed.config_file.unlink()
        installed.config_file.mkdir()
    else:
        installed.write(installed.config_file, installed.config_file.read_bytes() + spoilt)
    found = look(opened(installed)[0], {"playbook": "uninstall", "lock_timeout": 5}, True).data
    rows = step_rows("uninstall", found, {})
    assert [row.status for row in rows] == ["fail", *["skip"] * (len(UNINSTALL.order) - 1)]
    assert rows[0].detail.startswith(f"{installed.config_file}: ")
    assert not [name for name in UNINSTALL.order if is_due(name, found, {})]


def leave(host: Host, check: bool) -> dict[str, tuple[bool, str]]:
    """Every step of uninstall, one after the other: changed and action."""
    options = {"lock_timeout": 5}
    done = {name: step.work(host, step.options(options), check, NOTHING) for name, step in REMOVALS.items()}
    return {name: (result.changed, result.action) for name, result in done.items()}


def untimed(entry: tuple[Any, ...]) -> tuple[Any, ...]:
    """An entry of a snapshot without its time."""
    return (*entry[:2], *entry[3:])


def test_the_way_back_leaves_the_host_as_it_was_and_a_second_one_changes_nothing(installed: Place) -> None:
    before = left(installed)
    profile = installed.peer("index") / ".iapeer" / "peer-profile.json"
    host, _egress = opened(installed)
    bring(host)
    assert installed.launcher.exists()
    whole = left(installed)
    foretold = leave(host, True)
    assert left(installed) == whole
    real = leave(host, False)
    assert foretold == real
    assert [name for name, (changed, _action) in real.items() if changed] == [
        *("surfaces", "slot", "triggers", "launcher", "binary"),
    ]
    after = left(installed)
    gone = [path for path in before if path not in after]
    assert [path for path in gone if not path.endswith("iapeer-memory")] == []
    for path in set(before) - set(gone):
        assert untimed(after[path]) == untimed(before[path]), path
    settings = [".claude", ".claude/settings.json", ".claude/skills"]
    kept = {f"peers/{name}/{path}" for name in ("alpha", "index") for path in settings}
    assert set(after) - set(before) - {"home/.codex/config.toml"} == kept  # the latter is the core's: whom Codex trusts
    assert json.loads(profile.read_text()) == {"notifier": {"triggers": []}, "z": 1}
    again = leave(host, False)
    assert not any(changed for changed, _action in again.values())


def test_a_look_at_the_way_back_says_it_all_and_asks_no_provider(installed: Place) -> None:
    host, egress = opened(installed)
    bring(host)
    egress.calls.clear()
    whole = installed.snapshot("calls.jsonl")
    done = look(host, {"playbook": "uninstall", "lock_timeout": 5}, True)
    assert installed.snapshot("calls.jsonl") == whole
    assert done.changed
    assert done.data["playbook"] == "uninstall"
    assert done.data["pending"] == ["surfaces", "slot", "triggers", "memoryd", "launcher", "binary"]
    assert done.data["steps"]["native-memory"]["detail"] == RESTORE
    assert {call[:2] for call in egress.calls} <= {("iapeer-memory", "version"), ("iapeer", "list")}


def test_the_binary_may_stay(installed: Place) -> None:
    host, _egress = opened(installed)
    found = look(host, {"playbook": "uninstall", "keep_binary": True}, True).data["steps"]["binary"]
    assert (found["changed"], found["action"], found["detail"]) == (False, "skipped", "kept, as asked for")


# Single things


def test_the_scripts_go_and_what_else_is_in_their_folder_stays(place: Place) -> None:
    host = place.host()
    provider_files.ensure(host, {**BUNDLED, "part": "launcher"}, False)
    other = place.write(place.hooks / "theirs.sh", "x\n")
    shim = place.write(place.hooks / "iapeer-memory.some-later-one.sh", "x\n", 0o755)
    done = provider_files.ensure(host, {"part": "launcher", "state": "absent"}, False)
    assert (done.changed, done.action) == (True, "removed")
    assert (place.launcher.exists(), place.gate.exists(), shim.exists(), other.exists()) == (False, False, False, True)
    other.unlink()
    swept = provider_files.ensure(host, {"part": "launcher", "state": "absent"}, False)
    assert (swept.changed, swept.detail) == (True, "removed: the folder of the shims")
    assert not place.hooks.exists()
    assert provider_files.ensure(host, {"part": "launcher", "state": "absent"}, False).action == "absent"


@pytest.mark.parametrize("part", ["templates", "guide"])
def test_templates_and_guide_are_never_removed(place: Place, part: str) -> None:
    with pytest.raises(Problem, match=f"only what belongs to the part launcher is ever removed, not {part}"):
        provider_files.ensure(place.host(), {"part": part, "state": "absent"}, False)


def test_the_binary_goes_with_the_one_that_it_replaced_and_a_link_goes_alone(place: Place, tmp_path: Path) -> None:
    previous = place.write(Path(f"{place.binary}.previous"), "old\n")
    target = place.write(tmp_path / "elsewhere" / "iapeer-memory", "new\n")
    place.binary.unlink()
    place.binary.symlink_to(target)
    foretold = binary.remove(place.host(), True)
    assert place.binary.is_symlink()
    done = binary.ensure(place.host(), {"state": "absent"}, False)
    assert foretold == done
    assert done.detail == "removed: iapeer-memory, iapeer-memory.previous"  # type: ignore[union-attr]
    assert (place.binary.is_symlink(), previous.exists(), target.read_text()) == (False, False, "new\n")
    assert not binary.remove(place.host(), False).changed


def test_a_folder_in_the_binarys_place_is_named_and_stays(place: Place) -> None:
    place.binary.unlink()
    place.binary.mkdir()
    for check in (True, False):
        with pytest.raises(Problem, match="a directory stands where a file belongs"):
            binary.remove(place.host(), check)
    assert place.binary.is_dir()


# Triggers of a peer that the registry does not know any more


def test_without_a_known_runtime_each_one_is_tried(installed: Place) -> None:
    host, egress = opened(installed)
    bring(host)
    installed.registry({**installed.row("index"), "runtimes": [{"runtime": "codex"}]})
    rows = [{**installed.row("index"), "runtimes": []}]
    real = egress._core

    def core(words: list[str]) -> Any:
        outcome = real(words)
        return outcome._replace(out=json.dumps(rows)) if words[0] == "list" else outcome

    egress._core = core  # type: ignore[method-assign]
    egress.calls.clear()
    foretold = triggers.ensure(host, {**BUNDLED, "state": "absent", "standard": True, "wait": 1}, True)
    doubt = "by claude or codex: the registry names no runtime"
    assert foretold.detail.startswith(f"unregistered iapeer-memory-memoryd, {doubt}; ")
    done = triggers.ensure(host, {**BUNDLED, "state": "absent", "standard": True, "wait": 1}, False)
    assert done.detail == foretold.detail
    assert (done.failed, done.changed) == (False, True)
    senders = [call[4] for call in egress.calls if call[1] == "send"]
    assert senders == ["claude-index", "codex-index"] * 2
    profile = json.loads((installed.peer("index") / ".iapeer" / "peer-profile.json").read_text())
    assert profile["notifier"]["triggers"] == []
