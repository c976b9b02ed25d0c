# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Staged drifts: verify names exactly the drifted checks and touches nothing, repair mends, the next verify is clean.

The drifts are spread over a few hosts. On one host each drift belongs to another check, so that the checks which fail
tell which drift was seen; where several drifts belong to the surfaces, each has a peer of its own.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, Callable, NamedTuple

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import (
    WATCHER,
    Peer,
    Snapshot,
    ThrowawayHost,
    diff,
    read_json,
    wait_for,
    write,
    write_json,
)
from ansible_collections.agfpd.iapeer_memory.tests.integration.conftest import Build, Gather
from ansible_collections.agfpd.iapeer_memory.tests.integration.playbook import Run, settle

pytestmark = [pytest.mark.once, pytest.mark.slow]

VERSION = "7.1.0"
DREAM = "iapeer-memory-dream-tick"
POST_WRITE, SESSION_START = "iapeer-memory.post-write.sh", "iapeer-memory.session-start.sh"
Edit = Callable[[Any], None]
Stage = Callable[[ThrowawayHost], None]


class Drift(NamedTuple):
    """One drift: the host it is staged on, the check that is to see it, words of its detail, and how to stage it."""

    host: str
    check: str
    words: str
    stage: Stage


def _json(path: Path, edit: Edit) -> None:
    """Edit a JSON file in place; its mode stays."""
    value = read_json(path)
    edit(value)
    write_json(path, value, path.stat().st_mode & 0o7777)


def _text(path: Path, old: str, new: str) -> None:
    text = path.read_text(encoding="utf-8")
    assert old in text, f"{old!r} is not in {path}"
    write(path, text.replace(old, new), path.stat().st_mode & 0o7777)


# One peer each


def _settings(name: str, edit: Edit) -> Stage:
    return lambda host: _json(host.peer(name) / ".claude/settings.json", edit)


def _mcp(name: str, edit: Edit) -> Stage:
    return lambda host: _json(host.peer(name) / ".mcp.json", edit)


def _hooks(name: str, edit: Edit) -> Stage:
    return lambda host: _json(host.peer(name) / ".codex/hooks.json", edit)


def _config(name: str, old: str, new: str) -> Stage:
    return lambda host: _text(host.peer(name) / ".codex/config.toml", old, new)


def _without_our_tables(host: ThrowawayHost) -> None:
    path = host.peer("table-gone") / ".codex/config.toml"
    write(path, path.read_text(encoding="utf-8").partition("\n[mcp_servers.iapeer-memory]\n")[0], 0o600)


def _without_trust(host: ThrowawayHost) -> None:
    """The records of one peer out of Codex's own config."""
    table = re.escape(f'[hooks.state."{host.peer("untrusted")}') + r".*\n.*\n"
    text = host.codex_config.read_text(encoding="utf-8")
    assert len(re.findall(table, text)) == 3
    write(host.codex_config, re.sub(table, "", text), 0o600)


def _with_stale_entry(value: Any) -> None:
    stale = {"type": "command", "command": f"/old/home/hooks/{POST_WRITE}"}
    value["hooks"]["Stop"] = [{"hooks": [stale, {"type": "command", "command": "/opt/audit/stop.sh"}]}]


def _drop(host: ThrowawayHost, path: str) -> None:
    (host.base / path).unlink()


def _seat(name: str, runtime: str, words: str, stage: Stage) -> Drift:
    return Drift("peers", f"peer-surfaces[{name}:{runtime}]", words, stage)


CLAUDE = {
    "hooks-gone": ("hooks", _settings("hooks-gone", lambda value: value["hooks"].clear())),
    "matcher": ("hooks", _settings("matcher", lambda v: v["hooks"]["PostToolUse"][-1].update(matcher="*"))),
    "doubled": (
        "hooks",
        _settings("doubled", lambda v: v["hooks"].update(SessionStart=v["hooks"]["SessionStart"] * 2)),
    ),
    "stale": ("hooks", _settings("stale", _with_stale_entry)),
    "no-settings": ("hooks", lambda host: _drop(host, "peers/no-settings/.claude/settings.json")),
    "mcp-url": ("mcp", _mcp("mcp-url", lambda value: value["mcpServers"]["iapeer-memory"].update(url="x"))),
    "mcp-header": (
        "mcp",
        _mcp(
            "mcp-header",
            lambda value: value["mcpServers"]["iapeer-memory"].update(headers={"X-IAPeer-Identity": "claude-somebody"}),
        ),
    ),
    "mcp-gone": ("mcp", _mcp("mcp-gone", lambda value: value["mcpServers"].pop("iapeer-memory"))),
    "skill-gone": (
        "skills",
        lambda host: _drop(host, "peers/skill-gone/.claude/skills/iapeer-memory-status/SKILL.md"),
    ),
    "skill-edited": (
        "skills",
        lambda host: _text(
            host.peer("skill-edited") / ".claude/skills/iapeer-memory-init/SKILL.md",
            "---\nname:",
            "---\nmine: 1\nname:",
        ),
    ),
}
CODEX = {
    "url": ("mcp", _config("url", "http://127.0.0.1:", "http://127.0.0.2:")),
    "mode": ("mcp", _config("mode", '"approve"', '"prompt"')),
    "header": ("mcp", _config("header", '"X-IAPeer-Identity" =', '"X-Somebody" =')),
    "table-gone": ("mcp", _without_our_tables),
    "no-config": ("mcp", lambda host: _drop(host, "peers/no-config/.codex/config.toml")),
    "no-hooks": ("hooks trust", lambda host: _drop(host, "peers/no-hooks/.codex/hooks.json")),
    "with-matcher": (
        "hooks",
        _hooks("with-matcher", lambda value: value["hooks"]["PostToolUse"][-1].update(matcher="shell")),
    ),
    "elsewhere": (
        "hooks",
        _hooks(
            "elsewhere",
            lambda value: value["hooks"].update(
                SessionStart=[{"hooks": [{"type": "command", "command": f"/old/{SESSION_START}"}]}]
            ),
        ),
    ),
    "untrusted": ("trust", _without_trust),
}

# The host itself


def _slot(edit: Edit) -> Stage:
    return lambda host: _json(host.slot_path, edit)


def _trigger(identity: str, **values: Any) -> Stage:
    """Change a trigger in the profile of index; without values it is taken out."""

    def stage(host: ThrowawayHost) -> None:
        def edit(profile: Any) -> None:
            rows = profile["notifier"]["triggers"]
            found = next(row for row in rows if row["id"] == identity)
            found.update(values) if values else rows.remove(found)

        _json(host.profile(), edit)

    return stage


def _stale_dream_timer(host: ThrowawayHost) -> None:
    row = {"role": "time", "id": DREAM, "owner": "index", "target": "dreamweaver", "when": "0 4 * * 1", "message": "x"}
    _json(host.profile(), lambda profile: profile["notifier"]["triggers"].append(row))


def _doctrine(role: str, old: str, new: str) -> Stage:
    return lambda host: _text(host.peer(role) / ".iapeer/IAPEER.md", old, new)


def _hang(host: ThrowawayHost, **knobs: Any) -> None:
    """The running daemon, and no later one, stops beating."""
    if knobs.get("watch"):
        host.knobs(watch="off")
        wait_for(
            lambda: "watch=off" in host.heartbeat_path.read_text(encoding="utf-8"), what="a heartbeat without watch"
        )
    host.knobs(hang_once=True, **{key: value for key, value in knobs.items() if key != "watch"})
    wait_for(lambda: not read_json(host.knobs_path), what="the daemon's hanging")


def _old_heartbeat(host: ThrowawayHost) -> None:
    _hang(host)
    host.age_heartbeat(600)


def _old_heartbeat_of_a_deaf_daemon(host: ThrowawayHost) -> None:
    _hang(host, deaf_once=True)
    host.age_heartbeat(600)


def _no_watch(host: ThrowawayHost) -> None:
    _hang(host, watch="off")


def _no_heartbeat(host: ThrowawayHost) -> None:
    _hang(host)
    host.heartbeat_path.unlink()


def _map(text: str) -> Stage:
    return lambda host: write(host.fleet_path, text)


OLD = "/old/home/.local/bin/iapeer-memory"
HOST_DRIFTS = [
    Drift("a", "memory-slot", "was v1.0.3", _slot(lambda slot: slot.update(version="1.0.3"))),
    Drift("a", "notifier-watcher", "was not registered", _trigger(WATCHER)),
    Drift("a", "dream-timer", "was not registered", _trigger(DREAM)),
    Drift("a", "doctrine[index]", "missing", lambda host: _drop(host, "peers/index/.iapeer/IAPEER.md")),
    Drift("a", "peer-surfaces", "", lambda host: os.chmod(host.hooks_dir / POST_WRITE, 0o644)),
    Drift("b", "memory-slot", "differed in provision", _slot(lambda slot: slot["provision"].update(command=OLD))),
    Drift("b", "notifier-watcher", "differed in script", _trigger(WATCHER, script="/old/launcher.sh")),
    Drift("b", "dream-timer", "differed in check", _trigger(DREAM, check="/old/gate.sh")),
    Drift(
        "b",
        "doctrine[scriber]",
        f"marker: v{VERSION}",
        _doctrine("scriber", f"doctrine v{VERSION}", f"doctrine v{VERSION}0"),
    ),
    Drift("b", "peer-surfaces", "", lambda host: (host.hooks_dir / SESSION_START).unlink()),
    Drift("c", "memory-slot", "differed in heartbeat", _slot(lambda slot: slot.update(heartbeat="/old/beat"))),
    Drift("c", "notifier-watcher", "differed in target", _trigger(WATCHER, target="index")),
    Drift("c", "dream-timer", "unregistered", _stale_dream_timer),
    Drift("c", "doctrine[dreamweaver]", "placeholder", _doctrine("dreamweaver", "# ", "# {{VAULT_PATH}} ")),
    Drift("c", "memoryd-heartbeat", "watch=off", _no_watch),
    Drift("d", "memory-slot", "differed in provision", _slot(lambda slot: slot["provision"]["args"].pop())),
    Drift("d", "fleet-map", "unreadable: missing", lambda host: host.fleet_path.unlink()),
    Drift("d", "memoryd-heartbeat", "s old", _old_heartbeat),
    Drift("e", "memory-slot", "differed in unprovision", _slot(lambda slot: slot.pop("unprovision"))),
    Drift("e", "fleet-map", "unreadable: ", _map('{"peers": [\n')),
    Drift("e", "memoryd-heartbeat", "no heartbeat", _no_heartbeat),
    Drift("f", "memory-slot", f"declared v{VERSION}", lambda host: host.slot_path.unlink()),
    Drift("f", "fleet-map", "empty", _map('{"updatedAt": "2026-01-15T08:30:00.000Z", "peers": []}\n')),
    Drift("f", "memoryd-heartbeat", "s old", _old_heartbeat_of_a_deaf_daemon),
    Drift("g", "memory-slot", f"declared v{VERSION}", lambda host: write(host.slot_path, '{"provider": \n')),
]
DRIFTS = [
    *HOST_DRIFTS,
    *(_seat(name, "claude", words, stage) for name, (words, stage) in CLAUDE.items()),
    *(_seat(name, "codex", words, stage) for name, (words, stage) in CODEX.items()),
]
HOSTS = sorted({drift.host for drift in DRIFTS})
# Without a heartbeat a daemon that is younger than this may still be starting.
STALE_AFTER = {"e": 4}  # seconds


class Drifted(NamedTuple):
    """What the three runs came to, and what the first one changed of each host."""

    hosts: dict[str, ThrowawayHost]
    pids: dict[str, int | None]
    found: Run
    changes: dict[str, list[str]]
    mended: Run
    clean: Run


def _names(host: str) -> list[str]:
    return [drift.check for drift in DRIFTS if drift.host == host]


@pytest.fixture(scope="module")
def drifted(build_shared: Build, gather_shared: Gather) -> Drifted:
    """Hosts where all is well, drifted, looked at, mended and looked at again."""
    seats = [Peer(name) for name in CLAUDE] + [Peer(name, ("codex",)) for name in CODEX]
    hosts = {
        name: build_shared(
            form="v1_2",
            version=VERSION,
            peers=seats if name == "peers" else [Peer("alpha")],
            mode="lean" if name == "c" else "curated",
        )
        for name in [*HOSTS, "clean"]
    }
    for host in hosts.values():
        settle(host)
        host.start_notifier(via="launcher")
    for host in hosts.values():
        host.wait_daemon()
    for drift in DRIFTS:
        drift.stage(hosts[drift.host])
    fleet = gather_shared(**hosts)
    before: dict[str, Snapshot] = {name: host.snapshot(times=True) for name, host in hosts.items()}
    pids = {name: host.daemon_pid() for name, host in hosts.items()}
    for name in hosts:
        fleet.variables[name] = {"iapeer_memory_heartbeat_stale_after": STALE_AFTER.get(name, 300)}
    found = fleet.verify("--diff", "-v")
    changes = {name: diff(before[name], host.snapshot(times=True)) for name, host in hosts.items()}
    mended = fleet.repair()
    return Drifted(hosts, pids, found, changes, mended, fleet.verify())


def _id(drift: Drift) -> str:
    return f"{drift.host}-{drift.check}"


@pytest.mark.parametrize("drift", DRIFTS, ids=_id)
def test_verify_names_the_drift_and_repair_mends_it(drifted: Drifted, drift: Drift) -> None:
    row = drifted.found.rows(drift.host)[drift.check]
    assert row.status == "fail"
    if drift.host == "peers":
        assert re.findall(r"(\w+) has drifted: ", row.detail) == drift.words.split()
    else:
        assert drift.words in row.detail
    mended = drifted.mended.rows(drift.host)[drift.check]
    assert mended.status == "repaired", mended
    assert drifted.clean.failed(drift.host) == []


@pytest.mark.parametrize("name", [*HOSTS, "clean"])
def test_verify_names_nothing_else(drifted: Drifted, name: str) -> None:
    assert sorted(drifted.found.failed(name)) == sorted(_names(name))
    assert sorted(drifted.mended.named("repaired", name)) == sorted(_names(name))
    assert drifted.mended.failed(name) == []
    assert drifted.found.named("skip", name) == []
    assert set(drifted.clean.statuses(name).values()) == {"ok"}


@pytest.mark.parametrize("name", [*HOSTS, "clean"])
def test_verify_leaves_every_byte(drifted: Drifted, name: str) -> None:
    assert drifted.changes[name] == []


def test_the_exit_codes_tell_of_drift(drifted: Drifted) -> None:
    assert (drifted.found.rc, drifted.mended.rc, drifted.clean.rc) == (2, 0, 0)
    assert [name for name, counters in drifted.found.recap.items() if not counters["failed"]] == ["clean"]
    assert all(counters["changed"] == 0 for counters in drifted.clean.recap.values())
    assert drifted.mended.recap["clean"]["changed"] == 0


def test_repair_sweeps_only_the_bad_peers(drifted: Drifted) -> None:
    """The role peers of that host were in place: not one of their files was written."""
    rows = drifted.mended.rows("peers")
    assert not [name for name in rows if name.startswith(("peer-surfaces[index", "peer-surfaces[scriber"))]
    assert f"{len(CLAUDE) + len(CODEX) + 3} peer-runtimes" in drifted.clean.rows("peers")["peer-surfaces"].detail


def test_a_hung_daemon_is_ended_and_a_new_one_beats(drifted: Drifted) -> None:
    for name in ("c", "d", "e", "f"):
        pid = drifted.hosts[name].daemon_pid()
        assert pid not in (None, drifted.pids[name])
        assert f"pid {drifted.pids[name]} ended" in drifted.mended.rows(name)["memoryd-heartbeat"].detail
    for name in ("a", "b", "g", "peers", "clean"):
        assert drifted.hosts[name].daemon_pid() == drifted.pids[name]


def test_the_diff_of_verify_shows_what_drifted(drifted: Drifted) -> None:
    lines = drifted.found.stdout.splitlines()
    url = f"http://127.0.0.1:{drifted.hosts['peers'].port}/mcp"
    assert any(line.startswith("-") and "http://127.0.0.2:" in line for line in lines)
    assert any(line.startswith("+") and url in line for line in lines)
    assert '-  "version": "1.0.3",' in lines
    assert '+  "version": "7.1.0",' in lines
    assert "-not trusted" in lines


def test_the_mended_slot_and_triggers_are_as_update_leaves_them(drifted: Drifted) -> None:
    for name in HOSTS:
        host = drifted.hosts[name]
        slot = host.slot()
        assert (slot["version"], slot["heartbeat"]) == (VERSION, str(host.heartbeat_path))
        assert slot["provision"]["args"][0] == "provision-peer"
        assert slot["unprovision"]["command"] == str(host.provider_bin)
        triggers = {row["id"]: row for row in host.triggers()}
        assert triggers[WATCHER]["script"] == str(host.launcher_path)
        assert triggers[WATCHER]["target"] == "scriber"
        assert (DREAM in triggers) == (name != "c")
        assert "morning-digest" in triggers
        assert json.loads(host.fleet_path.read_text(encoding="utf-8"))["peers"]


@pytest.mark.parametrize("empty", [None, ""])
def test_a_null_staleness_is_the_default_for_the_daemon_too(build: Build, gather: Gather, empty: str | None) -> None:
    """Repair leaves one alone that is fine, though its step runs; update ends one that hangs."""
    host = build(form="v1_2", peers=[])
    settle(host)
    host.start_notifier(via="launcher")
    pid = host.wait_daemon()
    host.slot_path.unlink()
    fleet = gather(host)
    run = fleet.repair(iapeer_memory_heartbeat_stale_after=empty)
    assert run.rows()["memory-slot"].status == "repaired"
    assert (run.rows()["memoryd-heartbeat"].status, host.daemon_pid()) == ("ok", pid)

    _old_heartbeat(host)
    row = fleet.update(iapeer_memory_heartbeat_stale_after=empty).rows()["memoryd"]
    assert (row.status, "hung: " in row.detail) == ("changed", True), row
    assert host.daemon_pid() not in (None, pid)
