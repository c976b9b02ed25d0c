# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unseen is not absent: whatever cannot be looked at is a failure by name, and nothing is done as if it were not there.

A folder that may not be searched, a stale mount, a failing disk, a loop of links (contract §5 says it of peers).
"""

from __future__ import annotations

import ast
import errno
import json
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import Binary, Egress, Outcome
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms import wanted
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.first_day import InitForms
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.forms import LEARNED
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.info import read_host
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import (
    binary,
    daemon,
    launcher,
    slot,
    triggers,
    vault,
)
from ansible_collections.agfpd.iapeer_memory.tests.unit.fakes import StillClock
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place

PLUGINS = Path(__file__).resolve().parents[4] / "plugins"
# They answer "no" to whatever they could not see.
BLIND = {"exists", "lexists", "isfile", "isdir", "islink", "ismount"}
NUMBERS = [errno.EACCES, errno.ESTALE, errno.EIO, errno.ELOOP]
every_trouble = pytest.mark.parametrize("number", NUMBERS)


class Recorded(Egress):
    """A core that lists a registry, takes every message down and starts nothing."""

    def __init__(self, *rows: Any) -> None:
        super().__init__(Sandbox({}))
        self.rows, self.sent = rows, list[str]()

    def run(self, binary: Binary, args: Sequence[str], cwd: str | None = None, *bounds: Any, **more: Any) -> Outcome:
        """Answer as the core does."""
        if args[0] == "send":
            self.sent.append(args[-1])
        return Outcome(0, json.dumps(self.rows))


Closed = Callable[[Path], None]
EVENT = {"state": "present", "kind": "event", "id": "an-id", "script": "/bin/sh", "target": "scriber"}
INIT = InitForms(LEARNED, "", ("Inbox",), {}, "", {})


@pytest.fixture
def closed(monkeypatch: pytest.MonkeyPatch, number: int) -> Closed:
    """Have the system refuse to show a path, and whatever is below it."""
    hidden: list[str] = []
    plain = {name: getattr(os, name) for name in ("stat", "lstat", "open")}

    def guarded(name: str) -> Callable[..., Any]:
        def ask(path: Any, *args: Any, **more: Any) -> Any:
            asked = "" if isinstance(path, int) else os.fsdecode(path)
            if any(asked == place or asked.startswith(place + "/") for place in hidden):
                raise OSError(number, os.strerror(number), asked)
            return plain[name](path, *args, **more)

        return ask

    for name in plain:
        monkeypatch.setattr(os, name, guarded(name))
    return lambda path: hidden.append(str(path))


def refused(path: Path, number: int, work: Callable[[], Any]) -> None:
    """The work fails with a problem that names the path."""
    with pytest.raises(Problem) as caught:
        work()
    assert caught.value.path == str(path)
    assert caught.value.kind not in ("missing", "refused")
    words = "not a directory" if number == errno.ELOOP else os.strerror(number).lower()
    assert caught.value.reason.endswith(words)


def test_nobody_asks_in_a_way_that_takes_unseen_for_absent() -> None:
    found = set()
    for path in (PLUGINS / "module_utils").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in BLIND and ast.unparse(node.value) == "os.path":
                found.add(f"{path.name}: {ast.unparse(node)}")
    assert found == {"processes.py: os.path.exists"}, "whether this system has /proc at all"


@every_trouble
@pytest.mark.parametrize("check", [True, False])
def test_scripts_in_a_folder_that_cannot_be_seen_are_not_gone(
    place: Place, closed: Closed, number: int, check: bool
) -> None:
    shim = place.write(place.hooks / "iapeer-memory.post-write.sh", "#!/bin/sh\n", 0o755)
    closed(place.hooks)
    refused(place.hooks, number, lambda: launcher.ensure_no_scripts(place.host(), check))
    assert shim.name in os.listdir(place.hooks)


def test_the_folder_of_the_shims_goes_unless_it_is_a_link_or_a_file(place: Place) -> None:
    place.hooks.mkdir()
    done = launcher.ensure_no_scripts(place.host(), check=False)
    assert (done.action, done.detail) == ("removed", "removed: the folder of the shims")
    assert not place.hooks.exists()
    place.hooks.symlink_to(place.peer("shims"))
    assert launcher.ensure_no_scripts(place.host(), check=False).action == "absent"
    place.hooks.unlink()
    place.write(place.hooks, "somebody's")
    assert launcher.ensure_no_scripts(place.host(), check=False).action == "absent"
    assert place.hooks.read_text() == "somebody's"


@every_trouble
def test_a_program_of_a_trigger_that_cannot_be_seen_is_not_one_that_is_missing(
    place: Place, closed: Closed, number: int
) -> None:
    place.write_json(place.peer("index") / ".iapeer" / "peer-profile.json", {"notifier": {"triggers": []}})
    closed(place.launcher)
    event = {**EVENT, "script": str(place.launcher)}
    core = Recorded(place.row("index", "claude"))
    refused(place.launcher, number, lambda: triggers.ensure(place.host(core, StillClock(0)), event, check=False))
    assert core.sent == []


@every_trouble
def test_of_several_triggers_the_one_whose_program_cannot_be_seen_fails_alone(
    place: Place, closed: Closed, number: int
) -> None:
    place.manifest(index=place.peer("index"))
    place.write_json(place.peer("index") / ".iapeer" / "peer-profile.json", {"notifier": {"triggers": []}})
    place.write(place.gate, "#!/bin/sh\n", 0o755)
    closed(place.launcher)
    core = Recorded(place.row("index", "claude"))
    options = {"standard": True, "state": "present"}
    done = triggers.ensure(place.host(core, StillClock(0)), options, check=False)
    rows = {row["id"]: (row["action"], row["missing"]) for row in done.data["triggers"]}
    assert rows["iapeer-memory-memoryd"] == ("failed", "")
    assert rows["iapeer-memory-dream-tick"][0] != "failed"
    assert done.failure.startswith(f"{place.launcher}: ")
    assert core.sent
    assert not any(str(place.launcher) in message for message in core.sent)


@every_trouble
def test_a_registrant_whose_folder_cannot_be_seen_is_not_missing(place: Place, closed: Closed, number: int) -> None:
    closed(place.peer("index"))
    core = Recorded(place.row("index", "claude"))
    with pytest.raises(Problem) as caught:
        triggers.ensure(place.host(core, StillClock(0)), EVENT, check=False)
    assert str(place.base / "peers" / "index") in str(caught.value)
    assert "missing" not in str(caught.value)
    assert core.sent == []


@every_trouble
def test_a_slot_is_not_declared_for_a_binary_that_cannot_be_seen(place: Place, closed: Closed, number: int) -> None:
    closed(place.binary)
    options = {"state": "present", "version": "1.4.0", "forms": "bundled"}
    refused(place.binary, number, lambda: slot.ensure(place.host(), options, check=False))
    assert not place.slot.exists()


@every_trouble
@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("name", ["iapeer-memory", "iapeer-memory.previous"])
def test_a_binary_that_cannot_be_seen_is_not_gone(
    place: Place, closed: Closed, number: int, check: bool, name: str
) -> None:
    path = place.write(place.binary.with_name(name), "#!/bin/sh\n", 0o755)
    closed(path)
    refused(path, number, lambda: binary.ensure(place.host(), {"state": "absent"}, check))
    assert name in os.listdir(path.parent)


@every_trouble
def test_a_binary_that_cannot_be_seen_tells_why_it_tells_none(place: Place, closed: Closed, number: int) -> None:
    closed(place.binary)
    told = binary.binary_version(place.host())
    assert told.version == ""
    assert told.problem.startswith(f"{place.binary}: ")
    facts = read_host(place.host(), {})["binary"]
    assert (facts["present"], facts["problem"]) == (False, told.problem)


@every_trouble
def test_forms_of_a_binary_that_cannot_be_seen_say_why_they_are_bundled(
    place: Place, closed: Closed, number: int
) -> None:
    closed(place.binary)
    done = wanted.ensure(place.host(), {}, check=False)
    assert (done.action, done.failure) == ("skipped", "")
    assert done.detail.startswith(f"bundled: {place.binary}: ")
    assert wanted.remembered_version(place.host()) == ""


@every_trouble
def test_a_link_in_place_of_the_pid_file_that_cannot_be_seen_is_a_problem(
    place: Place, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    pid = place.write(place.state / "memoryd.pid", f"{2**31 - 2}\n")
    plain = os.stat

    def blind(path: Any, **more: Any) -> os.stat_result:
        if not isinstance(path, int) and os.fsdecode(path) == str(pid) and not more.get("follow_symlinks", True):
            raise OSError(number, os.strerror(number))
        return plain(path, **more)

    monkeypatch.setattr(os, "stat", blind)
    refused(pid, number, lambda: daemon.read_daemon(place.host()))


@every_trouble
def test_a_heartbeat_that_cannot_be_seen_is_not_missing(place: Place, closed: Closed, number: int) -> None:
    beat = place.write(place.state / "memoryd.heartbeat", "beat watch=on\n")
    closed(beat)
    assert daemon.read_heartbeat(place.host()).fault(120).kind == "unseen"


@every_trouble
def test_a_vault_that_cannot_be_seen_is_not_made(place: Place, closed: Closed, number: int) -> None:
    closed(place.vault)
    refused(place.vault, number, lambda: vault.plan_vault(place.host(), str(place.vault), INIT))


@pytest.mark.parametrize("there", ["nothing", "folder", "dangling"])
def test_what_a_vault_lacks(place: Place, there: str) -> None:
    path = place.base / "vaults" / "one"
    path.parent.mkdir()
    if there == "folder":
        path.mkdir()
    elif there == "dangling":
        path.symlink_to("nowhere")
        with pytest.raises(Problem, match=re.escape(str(path))):
            vault.plan_vault(place.host(), str(path), INIT)
        return
    missing = (("Inbox", None),)
    planned = vault.plan_vault(place.host(), str(path), INIT)
    assert planned == vault.VaultPlan(str(path), missing if there == "folder" else (("", None), *missing))
