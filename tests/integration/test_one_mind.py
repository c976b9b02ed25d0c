# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection and the installed provider want the same bytes: neither rewrites what the other wrote."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import (
    PLUGIN,
    Peer,
    Snapshot,
    ThrowawayHost,
    diff,
    install_provider,
    read_json,
)
from ansible_collections.agfpd.iapeer_memory.tests.integration.conftest import Build, Gather
from ansible_collections.agfpd.iapeer_memory.tests.integration.playbook import Row, act, settle

pytestmark = [pytest.mark.slow, pytest.mark.once]

OLD, NEW = "7.1.0", "7.2.0"
KEPT = "home/.iapeer/state/iapeer-memory/provider-forms.json"
# What the collection keeps for itself: what it learned, and what memoryd was started from.
OWN = (KEPT, "home/.iapeer/state/iapeer-memory/memoryd.ran-from.json")
MAP = "home/.iapeer/state/iapeer-memory/fleet.json"
PEERS = [Peer("alpha"), Peer("beta", ("codex",)), Peer("gamma", ("claude", "codex"))]


def running(host: ThrowawayHost) -> int:
    """The pid of the daemon of this host, which is started."""
    host.start_notifier(via="launcher")
    return host.wait_daemon()


def changes(host: ThrowawayHost, before: Snapshot) -> list[str]:
    """What is another file, or another writing of the same, apart from what the collection keeps for itself."""
    return [line for line in diff(before, host.snapshot(times=True)) if line[2:] not in OWN]


def statuses(rows: dict[str, Row]) -> set[str]:
    return {row.status for row in rows.values()}


def complaints(told: dict[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
    """What the provider's own verify has to say against a host."""
    assert told
    return {name: row for name, row in told.items() if row[0] not in ("ok", "skip")}


@pytest.mark.parametrize(("version", "locale", "mode"), [(OLD, "en", "curated"), (NEW, "ru", "lean")])
def test_after_the_provider_s_own_update_ours_changes_nothing(
    build: Build, gather: Gather, version: str, locale: str, mode: str
) -> None:
    host = build(form="v1_2", version=version, locale=locale, mode=mode, peers=PEERS, guide=True)
    assert host.provider_update().returncode == 0
    pid = running(host)
    before = host.snapshot(times=True)
    if version == NEW:
        assert statuses(act(host, restart="stale")) == {"ok"}
    else:
        run = gather(host).update()
        assert (run.rc, run.recap["host"]["changed"], run.starts) == (0, 0, {"host": 1})
        assert set(run.statuses().values()) == {"ok"}
    assert changes(host, before) == []
    assert host.daemon_pid() == pid
    assert statuses(act(host, "verify")) == {"ok"}


@pytest.mark.parametrize("version", [OLD, NEW])
@pytest.mark.parametrize("form", ["v1_1", "absent"])
def test_after_ours_the_provider_finds_nothing_and_writes_nothing(build: Build, version: str, form: str) -> None:
    host = build(form=form, version=version, peers=PEERS, guide=True)
    settle(host)
    pid = running(host)
    before = host.snapshot(times=True)
    assert complaints(host.provider_verify()) == {}
    assert complaints(host.provider_verify("--repair")) == {}
    assert diff(before, host.snapshot(times=True)) == []
    assert host.daemon_pid() == pid


def test_five_rounds_of_both_with_births_in_between_move_no_byte(build: Build) -> None:
    """What is born is provisioned by the provider. Who comes first afterwards notes it in the fleet map, no more."""
    host = build(form="v1_1", version=OLD, peers=PEERS, guide=True)
    pid = 0
    for number in range(5):
        runtime = ["claude", "codex"][number % 2]
        born = host.core("create", f"born-{number}", "--runtime", runtime, "--description", "New")
        assert born.returncode == 0, born.stderr
        turns: list[Callable[[], object]] = [lambda: settle(host, restart="stale"), host.provider_update]
        first, second = turns if number % 2 == 0 else reversed(turns)
        for turn, touched in ((first, [f"~ {MAP}"]), (second, [])):
            before = host.snapshot(times=True)
            turn()
            assert number == 0 or changes(host, before) == touched
        pid = pid or running(host)
        before = host.snapshot(times=True)
        assert complaints(host.provider_verify("--repair")) == {}
        assert statuses(act(host, "verify", repair=True)) == {"ok"}
        assert changes(host, before) == []
    assert host.daemon_pid() == pid


def test_an_upgrade_is_told_before_it_happens_and_brings_everything(
    build: Build, gather: Gather, tmp_path: Path
) -> None:
    host = build(form="v1_2", version=OLD, peers=PEERS, guide=True)
    settle(host)
    old_pid = running(host)
    new = install_provider(tmp_path / "iapeer-memory", NEW)
    fleet, before = gather(host), host.snapshot(times=True)

    looked = fleet.update("--check", "--diff", "-v", iapeer_memory_binary_src=str(new))
    assert looked.rc == 0, looked.output
    assert changes(host, before) == []
    assert host.daemon_pid() == old_pid
    assert_shown(looked.stdout, host)

    landed = fleet.update(iapeer_memory_binary_src=str(new))
    assert landed.rc == 0, landed.output
    changed = [name for name in landed.statuses() if name not in ("forms", "wake-policy", "fleet", "plugin-off")]
    assert landed.named("changed") == changed
    assert looked.statuses() == landed.statuses()
    assert landed.rows()["forms"] == ("ok", f"learned from v{NEW}")
    assert host.daemon_pid() not in (None, old_pid)
    assert_all_is_of(host, "form 7.2", "form 7.1")
    assert complaints(host.provider_verify()) == {}

    pid, rested = host.daemon_pid(), host.snapshot(times=True)
    again = fleet.update(iapeer_memory_binary_src=str(new))
    assert (again.rc, again.recap["host"]["changed"]) == (0, 0)
    assert changes(host, rested) == []
    assert host.daemon_pid() == pid
    assert complaints(host.provider_verify("--repair")) == {}
    assert changes(host, rested) == []


def assert_shown(output: str, host: ThrowawayHost) -> None:
    """The differences are those of the new version's texts, file by file."""
    lines = output.splitlines()
    assert [line for line in lines if line.startswith("+") and "form 7.2" in line]
    headers = [line for line in lines if line.startswith("+++ ")]
    for path in (
        host.templates_dir / "index.md",
        host.peer("scriber") / ".iapeer/IAPEER.md",
        host.hooks_dir / "iapeer-memory.post-write.sh",
        host.peer("alpha") / ".claude/settings.json",
        host.peer("alpha") / ".claude/skills/iapeer-memory-audit/SKILL.md",
        host.peer("beta") / ".codex/hooks.json",
        host.slot_path,
        host.launcher_path,
        host.guide_path,
    ):
        assert [line for line in headers if str(path) in line], path
    assert [line for line in lines if line.startswith("+") and '"timeout": 45' in line]


def assert_all_is_of(host: ThrowawayHost, wanted: str, unwanted: str) -> None:
    """Every text says which version it is of."""
    texts = [*host.templates_dir.iterdir(), *host.hooks_dir.iterdir(), host.launcher_path, host.gate_path]
    texts += [host.peer(role) / ".iapeer/IAPEER.md" for role in ("index", "scriber", "dreamweaver")]
    texts += [host.guide_path, *host.peer("alpha").glob(".claude/skills/iapeer-memory-*/SKILL.md"), host.profile()]
    assert len(texts) == 4 + 2 + 2 + 3 + 1 + 5 + 1
    for path in texts:
        text = path.read_text(encoding="utf-8")
        assert wanted in text, path
        assert unwanted not in text, path


# What is not believed


def _garbage(path: Path) -> None:
    path.write_text("{nonsense", encoding="utf-8")


def _edited(edit: Callable[[Any], object]) -> Callable[[Path], None]:
    def stage(path: Path) -> None:
        value = read_json(path)
        edit(value)
        path.write_text(json.dumps(value), encoding="utf-8")

    return stage


def _evil_command(value: Any) -> None:
    for event in value["forms"]["hooks"]["claude"].values():
        event["hooks"][0]["command"] = "/tmp/evil.sh"


def _evil_skill(value: Any) -> None:
    value["forms"]["skills"]["iapeer-memory-init"] = "evil\n"


def _writable(path: Path) -> None:
    _edited(_evil_skill)(path)
    path.chmod(0o666)


def _linked(path: Path) -> None:
    _edited(_evil_skill)(path)
    elsewhere = path.with_name("elsewhere.json")
    path.rename(elsewhere)
    path.symlink_to(elsewhere)


def _of_another_binary(value: Any) -> None:
    value["key"]["binary"]["mtime_ns"] += 1
    _evil_skill(value)


def _of_another_port(value: Any) -> None:
    value["key"]["config"]["mcp_port"] += 1
    value["forms"]["mcp"]["url"] = "http://127.0.0.1:1/mcp"


MEMORIES: dict[str, Callable[[Path], None]] = {
    "garbage": _garbage,
    "empty": lambda path: path.write_text(""),
    "a folder": lambda path: (path.unlink(), path.mkdir())[0],
    "stale binary": _edited(_of_another_binary),
    "stale config": _edited(_of_another_port),
    "another format": _edited(lambda value: value["key"].update(format=0)),
    "hostile command": _edited(_evil_command),
    "hostile, anybody's": _writable,
    "hostile, a link": _linked,
}


def test_a_broken_stale_or_hostile_memory_of_forms_is_never_believed(build: Build) -> None:
    host = build(form="v1_2", version=OLD, peers=PEERS)
    settle(host)
    path, before = host.base / KEPT, host.snapshot(times=True)
    kept = path.read_bytes()
    for name, stage in MEMORIES.items():
        stage(path)
        rows = act(host, check=True)
        assert rows["forms"] == ("ok", f"learned from v{OLD}"), name
        assert statuses(rows) <= {"ok", "skip"}, name
        assert changes(host, before) in ([], [f"+ {os.path.dirname(KEPT)}/elsewhere.json"]), name
        shutil.rmtree(path) if path.is_dir() else path.unlink()
        path.write_bytes(kept)
        path.chmod(0o600)


def test_a_memory_is_kept_by_update_alone_and_made_again_where_it_is_lost(build: Build) -> None:
    host = build(form="v1_2", version=OLD, peers=PEERS)
    path = host.base / KEPT
    act(host, check=True)
    act(host, "verify")
    assert not path.exists()
    settle(host)
    kept = path.stat().st_mtime_ns
    settle(host)
    assert path.stat().st_mtime_ns == kept
    path.unlink()
    settle(host)
    assert path.exists()


@pytest.mark.parametrize(
    ("flavour", "words"),
    [
        ("fail", "no luck today"),
        ("silent", "not believed: "),
        ("foreign-command", "not believed: "),
        ("placeholder", "not believed: "),
        ("no-url", "not believed: "),
    ],
)
def test_a_provider_that_is_not_believed_leaves_the_bundled_forms_and_says_why(
    build: Build, flavour: str, words: str
) -> None:
    hosts = [
        build(form="v1_1", version=OLD, peers=PEERS, port=38766, provider_flavour=flavour),
        build(form="v1_1", version=OLD, peers=PEERS, port=38766),
    ]
    rows = act(hosts[0])
    assert rows["forms"].status == "skip"
    assert rows["forms"].detail.startswith("bundled: ")
    assert words in rows["forms"].detail
    assert "fail" not in statuses(rows)
    settle(hosts[1], forms="bundled")
    assert wanted_texts(hosts[0]) == wanted_texts(hosts[1])
    assert act(hosts[0], "verify")["forms"].status == "skip"
    assert PLUGIN not in (hosts[0].peer("alpha") / ".claude/settings.json").read_text(encoding="utf-8")


def wanted_texts(host: ThrowawayHost) -> dict[str, bytes]:
    """Everything that is made from forms, without the host's own place in it."""
    parts: Iterable[Path] = [
        *host.config_dir.rglob("*"),
        *(path for name in host.peers for path in host.peer(name).rglob("*")),
        host.slot_path,
    ]
    files = [path for path in parts if path.is_file() and path.name != "config.env"]
    base, when = str(host.base).encode(), str(host.slot()["registeredAt"]).encode()
    return {
        os.path.relpath(path, host.base): path.read_bytes().replace(base, b"BASE").replace(when, b"WHEN")
        for path in files
    }
