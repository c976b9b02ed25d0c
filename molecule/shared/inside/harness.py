# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scenarios share inside a container: one throwaway host, its steps, and assertions on its bytes.

A scenario is a file of functions, one a step, that the playbooks call by name: `python3 scenario.py STEP HOST`. Beside
its own steps it has those of this file: `before` remembers every byte and time, `checked` and `untouched` want them
unchanged.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
import time
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable, NoReturn

from throwaway import (
    FAKE_BEARER,
    FAKE_SECRET,
    FOREIGN_COMMAND,
    ROLES,
    WATCHER,
    Snapshot,
    ThrowawayHost,
    build_host,
    diff,
    install_provider,
)

BASE = Path("/tmp/host")
KEPT = Path("/tmp/kept")
NEW_BINARY = KEPT / "iapeer-memory"
OLD, NEW = "7.1.0", "7.2.0"
DREAM = "iapeer-memory-dream-tick"
OLD_SWEEP = "iapeer-memory-inbox-sweep"
# What the new version's texts say of themselves; the last of its slot's keys and of its skills is its own.
MARK = "form 7.2"
SLOT_KEYS = ["provider", "package", "version", "registeredAt", "heartbeat", "provision", "unprovision", "capabilities"]
SKILLS = [f"iapeer-memory-{name}" for name in ("init", "status", "migrate", "distill", "audit")]
# What the core may be asked in check mode.
READS = (["list", "--json"], ["trust-hooks", "--check"], ["--version"], ["version"])


class Failed(Exception):
    """An assertion that does not hold."""


def fail(text: str) -> NoReturn:
    raise Failed(text)


def expect(condition: Any, text: str) -> None:
    """Fail with the text where the condition does not hold; say that it does where it does."""
    if not condition:
        fail(text)
    print(f"holds: {text}")


def equal(found: Any, wanted: Any, what: str) -> None:
    """Fail where the two differ, showing both."""
    if found != wanted:
        fail(f"{what}\n  found:  {found!r}\n  wanted: {wanted!r}")
    print(f"holds: {what}")


def inventory_name() -> str:
    """What the inventory calls this container."""
    return sys.argv[2]


def host() -> ThrowawayHost:
    """The throwaway host of this container."""
    return ThrowawayHost.load(BASE)


def build(**options: Any) -> ThrowawayHost:
    """Build the host; the options are those of build_host."""
    KEPT.mkdir(exist_ok=True)
    return build_host(BASE, **options)


def offer_new_binary() -> None:
    """Leave the binary of the new version where the controller can fetch it."""
    install_provider(NEW_BINARY, NEW)


# Bytes before and after


def remember(name: str = "before") -> None:
    """Keep every byte, inode and time of the host, and the number of calls of the core so far."""
    found = host()
    with open(KEPT / name, "wb") as handle:
        pickle.dump((found.snapshot(times=True), len(found.calls())), handle)


def remembered(name: str) -> tuple[Snapshot, int]:
    with open(KEPT / name, "rb") as handle:
        snapshot, calls = pickle.load(handle)
    return snapshot, calls


def untouched(name: str = "before") -> None:
    """Nothing was written since, not even the same bytes again."""
    equal(changed_paths(name), [], f"not one byte or time changed since {name!r}")


def changed_paths(name: str = "before") -> list[str]:
    """The paths that are not as remembered, each after its sign."""
    return diff(*both(name))


def calls_since(name: str = "before") -> list[list[str]]:
    """The calls of the core since."""
    return [call["argv"] for call in host().calls()[remembered(name)[1] :]]


def same_bytes(name: str, but: Mapping[str, str] | None = None, without: tuple[str, ...] = ()) -> None:
    """The bytes are the remembered ones, whenever written.

    but: JSON files in which one key (a time) may differ. without: files that may.
    """
    before, after = ({p: e[:3] for p, e in snapshot.items() if p not in without} for snapshot in both(name))
    for path, key in (but or {}).items():
        for snapshot in (before, after):
            kind, mode, data = snapshot[path]
            snapshot[path] = (kind, mode, json.dumps({**json.loads(data), key: None}))
    equal(diff(before, after), [], f"every byte is the one of {name!r}")


def both(name: str) -> tuple[Snapshot, Snapshot]:
    return remembered(name)[0], host().snapshot(times=True)


def only_reads() -> None:
    """The core was asked for nothing that changes anything."""
    verbs = [[*call[:1], *(word for word in call[1:] if word.startswith("-"))] for call in calls_since()]
    equal([verb for verb in verbs if verb not in READS], [], "the core was only read")


def run_number() -> int:
    """How often the playbook has been run for real, this time included."""
    path = KEPT / "runs"
    number = int(path.read_text()) + 1 if path.exists() else 1
    path.write_text(str(number))
    return number


def again() -> bool:
    """True in every run after the first, which must touch nothing and only read."""
    if run_number() == 1:
        return False
    untouched()
    only_reads()
    return True


# What a host must look like


def migrated(found: ThrowawayHost) -> None:
    """The slot is v1.2 of the new version, the watcher and the doctrines are in place, the foreign content is."""
    slot_is_v1_2(found)
    triggers = {entry["id"]: entry for entry in found.triggers()}
    equal(triggers[WATCHER]["script"], str(found.launcher_path), "the watcher runs the launcher")
    expect(OLD_SWEEP not in triggers, "the old sweep timer is gone")
    expect("morning-digest" in triggers, "a timer of somebody else stays")
    for role in ROLES:
        text = (found.peer(role) / ".iapeer" / "IAPEER.md").read_text()
        equal(text.splitlines()[0], f"<!-- iapeer-memory doctrine v{NEW} -->", f"the doctrine of {role}")
        expect("{{VAULT_PATH}}" not in text and str(found.vault) in text, f"the doctrine of {role} names the vault")
    surfaces(found)
    learned(found)


def learned(found: ThrowawayHost) -> None:
    """Every text is the one of the installed provider; none of those that the collection brings says so."""
    texts = [found.launcher_path, found.gate_path, *found.hooks_dir.iterdir(), *found.templates_dir.iterdir()]
    texts += [found.peer(role) / ".iapeer" / "IAPEER.md" for role in ROLES] + [found.profile()]
    texts += found.peers_dir.glob("*/.claude/skills/iapeer-memory-*/SKILL.md")
    equal([str(path) for path in texts if MARK not in path.read_text()], [], f"{len(texts)} texts are the provider's")


def slot_is_v1_2(found: ThrowawayHost) -> None:
    slot = found.slot()
    equal(list(slot), SLOT_KEYS, "the slot has the keys of v1.2, in their order")
    equal((slot["provider"], slot["version"]), ("iapeer-memory", NEW), "the slot is ours, of the new version")
    places = ["--cwd", "{cwd}", "--runtime", "{runtime}"]
    who, why = ["--personality", "{personality}"], ["--occasion", "{occasion}"]
    binary = str(found.provider_bin)
    equal(slot["provision"], {"command": binary, "args": ["provision-peer", *places, *who, *why]}, "provision")
    equal(slot["unprovision"], {"command": binary, "args": ["unprovision-peer", *places, *why]}, "unprovision")


def slot_is_v1_1(found: ThrowawayHost, version: str = OLD) -> None:
    slot = found.slot()
    equal((slot["version"], "plugin" in slot, "provision" in slot), (version, True, False), "the slot is the v1.1 one")


def surfaces(found: ThrowawayHost, without: tuple[str, ...] = (), trusted: bool = True) -> None:
    """Every peer has its surfaces, and what was somebody else's is still there."""
    names = [name for name in found.peers if name not in without and found.peer(name).is_dir()]
    for name in names:
        if "claude" in found.peers[name]:
            claude_surface(found, name)
        if "codex" in found.peers[name]:
            codex_surface(found, name, trusted)
    print(f"holds: the surfaces of {len(names)} peers")


def claude_surface(found: ThrowawayHost, name: str) -> None:
    cwd = found.peer(name)
    settings = json.loads((cwd / ".claude" / "settings.json").read_text())
    post = [hook["command"] for entry in settings["hooks"]["PostToolUse"] for hook in entry["hooks"]]
    start = [hook["command"] for entry in settings["hooks"]["SessionStart"] for hook in entry["hooks"]]
    shims = [str(found.hooks_dir / f"iapeer-memory.{hook}.sh") for hook in ("post-write", "session-start")]
    same(name, (post, start), ([FOREIGN_COMMAND, shims[0]], [shims[1]]))
    same(name, [os.access(shim, os.X_OK) for shim in shims], [True, True])
    same(name, (settings["env"]["TRACKER_TOKEN"], settings["env"]["GREETING"]), (FAKE_SECRET, "привет"))
    servers = json.loads((cwd / ".mcp.json").read_text())["mcpServers"]
    same(name, list(servers), ["tracker", "iapeer-memory"])
    same(name, servers["iapeer-memory"]["url"], f"http://127.0.0.1:{found.port}/mcp")
    same(name, servers["tracker"]["headers"], {"Authorization": "Bearer " + FAKE_BEARER})
    same(name, sorted(os.listdir(cwd / ".claude" / "skills")), sorted(["house-style", *SKILLS]))


def codex_surface(found: ThrowawayHost, name: str, trusted: bool) -> None:
    folder = found.peer(name) / ".codex"
    text = (folder / "config.toml").read_text()
    same(name, text.startswith('# keep me\napproval_policy = "on-request"  # and me\n'), True)
    same(name, '"""\n[mcp_servers.iapeer-memory] is only text here\n"""\n' in text, True)
    same(name, text.count(f'\n[mcp_servers.iapeer-memory]\nurl = "http://127.0.0.1:{found.port}/mcp"\n'), 1)
    events = json.loads((folder / "hooks.json").read_text())["hooks"]
    mine = [e for key in ("PostToolUse", "SessionStart") for e in events[key] if "iapeer-memory." in json.dumps(e)]
    same(name, [sorted(entry) for entry in mine], [["hooks"], ["hooks"]])
    if trusted:
        answer = found.core("trust-hooks", os.path.realpath(folder / "hooks.json"), "--check")
        same(name, answer.stdout.strip(), "trusted")
    else:
        same(name, "trusted_hash" in found.codex_config.read_text(), False)


def same(name: str, found: Any, wanted: Any) -> None:
    """As equal, without a line for each of many."""
    if found != wanted:
        fail(f"peer {name}\n  found:  {found!r}\n  wanted: {wanted!r}")


def memoryd_runs(found: ThrowawayHost) -> None:
    """memoryd runs, of the new version, answers on its port and beats."""
    pid = found.wait_daemon()
    with urllib.request.urlopen(f"http://127.0.0.1:{found.port}/mcp", timeout=5) as response:
        answer = json.load(response)
    equal((answer["pid"], answer["version"]), (pid, NEW), "memoryd answers, and is of the version")
    expect(time.time() - os.stat(found.heartbeat_path).st_mtime < 5, "its heartbeat is fresh")


def provider_agrees(found: ThrowawayHost) -> None:
    """The installed provider's own verify finds nothing to say, and nothing to mend."""
    for words in ((), ("--repair",)):
        rows = found.provider_verify(*words)
        expect(rows, "the provider has looked")
        bad = {name: row for name, row in rows.items() if row[0] not in ("ok", "skip")}
        equal(bad, {}, f"the provider's own verify agrees {' '.join(words)}".rstrip())


# Steps


def checked() -> None:
    """After check mode: nothing was written and nothing but reads was asked of the core."""
    untouched()
    only_reads()


COMMON: dict[str, Callable[[], None]] = {"before": remember, "checked": checked, "untouched": untouched}


def main(steps: Mapping[str, Any]) -> int:
    """Run the step that the command line names. steps: the scenario's globals."""
    step = sys.argv[1]
    function = steps.get(step) or COMMON[step]
    try:
        function()
    except Failed as problem:
        print(f"FAILED in {step}: {problem}", file=sys.stderr)
        return 1
    return 0
