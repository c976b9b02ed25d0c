# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is told of a host, and that telling changes nothing."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import (
    Binary,
    Egress,
    Outcome,
    Process,
)
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look import info
from ansible_collections.agfpd.iapeer_memory.tests.unit.fakes import REFUSED, Call, StillClock, Transcript, transcript
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import REGISTERED, Place

VERSION = Call("iapeer-memory", ("version",), Outcome(0, "iapeer-memory 1.4.0\n"))


class Probing(Transcript):
    """A transcript that also has a table of processes and an answer for HTTP."""

    def __init__(self, *calls: Call, answer: int = 0) -> None:
        super().__init__(*calls)
        self.answer = answer
        self.asked: list[str] = []
        self.table: dict[int, Process] = {}

    def process(self, pid: int) -> Process | None:
        return self.table.get(pid)

    def get(self, url: str, timeout: float = 2) -> Outcome:
        self.asked.append(url)
        return Outcome(self.answer)


NO_VAULT = "IAPEER_MEMORY_VAULT_PATH is not set"


def gather(place: Place, *calls: Call, **options: Any) -> dict[str, Any]:
    """What is told; the binary is asked unless other calls are expected."""
    before = place.snapshot()
    with transcript(*(calls or (VERSION,))) as egress:
        found = info.gather(place.host(egress), options, False).as_dict(False)
    assert place.snapshot() == before
    assert (found["changed"], found["action"]) == (False, "read")
    return found


def test_a_bare_host_is_told_without_a_failure(place: Place) -> None:
    place.binary.unlink()
    place.config_file.unlink()
    found = info.gather(place.host(Transcript()), {}, False).as_dict(False)
    assert found["config"]["ok"] is False
    assert found["config"]["problem"] == f"IAPEER_MEMORY_VAULT_PATH is not set (there is no {place.config_file})"
    assert found["slot"] == {"form": "absent", "provider": "", "version": "", "problem": ""}
    assert found["fleet"] == {"readable": False, "count": 0, "problem": "missing"}
    assert (found["roles"], found["roles_problem"]) == ([], "missing")
    assert found["binary"] == {
        "present": False,
        "version": "",
        "problem": f"no binary at {place.binary}",
        "refused": False,
    }
    memoryd = found["memoryd"]
    assert (memoryd["pid"], memoryd["running"], memoryd["heartbeat_age"], memoryd["watch"]) == (None, False, None, "")
    assert memoryd["listening"] is None
    assert found["detail"] == f"slot absent, 0 peers, {found['config']['problem']}"


def test_a_whole_host_is_told(place: Place) -> None:
    place.configure("IAPEER_MEMORY_LOCALE=ru", "IAPEER_MEMORY_MODE=lean", "IAPEER_MEMORY_MCP_PORT=9000")
    place.write_json(place.slot, {"provider": "iapeer-memory", "version": "1.1.0", "plugin": {}})
    place.fleet(alpha=["claude"], beta=["codex"])
    place.manifest(index=place.peer("index"))
    found = gather(place)
    assert found["config"] == {
        "ok": True,
        "problem": "",
        "vault_path": str(place.vault),
        "locale": "ru",
        "mcp_port": 9000,
        "mode": "lean",
        "proactive": (),
        "event_target": "",
        "dream": False,
        "dream_cron": "0 4 * * 1",
    }
    assert found["slot"] == {"form": "v1_1", "provider": "iapeer-memory", "version": "1.1.0", "problem": ""}
    assert found["fleet"] == {"readable": True, "count": 2, "problem": ""}
    template = place.config_dir / "templates" / "ru" / "index.md"
    assert found["roles"] == [{"role": "index", "cwd": str(place.peer("index")), "template": str(template)}]
    assert found["binary"] == {"present": True, "version": "1.4.0", "problem": "", "refused": False}
    assert found["sandboxed"] is False
    assert found["detail"] == "slot v1_1, 2 peers, provisioned"


def test_all_paths_are_told_and_absolute(place: Place) -> None:
    paths = gather(place)["paths"]
    assert all(os.path.isabs(path) for path in paths.values())
    assert paths["slot"] == str(place.slot)
    assert paths["templates"] == str(place.config_dir / "templates" / "en")
    derived = {"slot", "guide", "config_dir", "hooks", "launcher", "dream_gate", "fleet", "roles", "pid", "heartbeat"}
    ladder = {"home", "root", "config_file", "state", "cache", "logs", "binary"}
    assert set(paths) == derived | ladder | {"templates"}


@pytest.mark.parametrize(
    ("outcome", "version", "problem"),
    [
        (Outcome(0, "iapeer-memory 1.4.0\n"), "1.4.0", ""),
        (Outcome(0, "v2.0.0-rc.1 (linux)\n"), "2.0.0-rc.1", ""),
        (Outcome(0, "iapeer-memory 1.10.3, built today"), "1.10.3", ""),
        (Outcome(0, "iapeer-memory\n"), "", "tells no version: iapeer-memory"),
        (Outcome(0, ""), "", "tells no version: exit code 0"),
        (Outcome(1, "1.4.0", "broken"), "", "tells no version: broken"),
        (Outcome(127, "", "Exec format error"), "", "tells no version: Exec format error"),
    ],
)
def test_the_binary_tells_its_version_or_why_not(place: Place, outcome: Outcome, version: str, problem: str) -> None:
    binary = gather(place, Call("iapeer-memory", ("version",), outcome))["binary"]
    assert (binary["present"], binary["version"], binary["refused"]) == (True, version, False)
    assert binary["problem"] == (f"{place.binary} {problem}" if problem else "")


def test_a_refused_binary_is_told_apart(place: Place) -> None:
    assert gather(place, Call("iapeer-memory", ("version",), REFUSED))["binary"]["refused"] is True


def as_folder(path: Path) -> None:
    """A folder where a file belongs."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.mkdir()


def test_unreadable_things_are_told_apart_from_missing_and_malformed_ones(place: Place) -> None:
    reason = "a directory stands where a file belongs"
    for path in (place.slot, place.fleet_map, place.roles):
        as_folder(path)
    for name in ("memoryd.pid", "memoryd.heartbeat"):
        as_folder(place.state / name)
    found = gather(place)
    assert (found["slot"]["form"], found["slot"]["problem"]) == ("malformed", reason)
    assert (found["fleet"]["readable"], found["fleet"]["problem"]) == (False, reason)
    assert found["roles_problem"] == reason
    assert reason in found["memoryd"]["problem"]
    assert found["memoryd"]["heartbeat_problem"] == f"heartbeat cannot be read: {reason}"


def test_malformed_files_are_told(place: Place) -> None:
    for path in (place.slot, place.fleet_map, place.roles):
        place.write(path, "{")
    found = gather(place)
    for problem in (found["slot"]["problem"], found["fleet"]["problem"], found["roles_problem"]):
        assert problem.startswith("not JSON")


def test_a_running_daemon_and_its_heartbeat_are_told(place: Place) -> None:
    egress = Probing(VERSION)
    beat = place.write(place.state / "memoryd.heartbeat", "x watch=off\n")
    os.utime(beat, (1000, 1000))
    place.write(place.state / "memoryd.pid", "77\n")
    egress.table[77] = Process(77, os.geteuid(), "S", "iapeer-memory memoryd", 900.0, True)
    memoryd = info.gather(place.host(egress, StillClock(1012.3456)), {}, False).as_dict(False)["memoryd"]
    assert (memoryd["pid"], memoryd["running"], memoryd["problem"]) == (77, True, "")
    assert (memoryd["heartbeat_age"], memoryd["watch"]) == (12.346, "off")


@pytest.mark.parametrize(("answer", "listening"), [(0, True), (1, False)])
def test_the_port_is_asked_only_when_wanted(place: Place, answer: int, listening: bool) -> None:
    egress = Probing(VERSION, VERSION, answer=answer)
    assert info.gather(place.host(egress), {}, False).as_dict(False)["memoryd"]["listening"] is None
    assert egress.asked == []
    assert info.gather(place.host(egress), {"probe": True}, True).as_dict(False)["memoryd"]["listening"] is listening
    assert egress.asked == ["http://127.0.0.1:8766/mcp"]


def test_in_the_sandbox_it_says_so_and_the_live_host_counts_as_absent(place: Place) -> None:
    place.write_json(place.slot, {"provider": "iapeer-memory", "version": "1.1.0", "plugin": {}})
    place.write(place.fleet_map, '{"peers": [], "updatedAt": "' + REGISTERED + '"}')
    environ = place.environ(IAPEER_TEST_SANDBOX="1")
    sandbox = Sandbox(environ, real_home=str(place.home))
    host = place.host(environ=environ, sandbox=sandbox)
    host = host._replace(egress=Egress(sandbox), binary=Binary(str(place.binary)))
    found = info.gather(host, {}, False).as_dict(False)
    assert found["sandboxed"] is True
    assert (found["slot"]["form"], found["fleet"]["problem"]) == ("absent", "missing")
    complaint = f"IAPEER_MEMORY_VAULT_PATH is not set (there is no {place.config_file})"
    assert (found["config"]["ok"], found["config"]["problem"]) == (False, complaint)
    assert found["binary"]["refused"] is True
    assert json.dumps(found)
