# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The hosts that the harness builds and what runs on them: sweeps, locks left by the dead, and the steps of update."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable, NamedTuple

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import (
    WATCHER,
    Peer,
    ThrowawayHost,
    build_host,
    fleet_map,
    foreign_hook,
    install_provider,
    read_json,
    write,
    write_json,
)

PEERS = (Peer("alpha"), Peer("beta", ("claude", "codex")))
ROLES = (Peer("index"), Peer("scriber"), Peer("beta", ("codex",)))
# Whose files the host's are where the tests run as root: no account of this machine.
SOMEBODY = (41234, 41235)
NOBODY = "999999999:0123456789abcdef"  # no process has that pid
BEFORE, VERSION = "1.1.9", "1.2.0"
# What the provider of these hosts teaches, without a run of it at every point.
BUNDLED = {"forms": "bundled"}
# Stand-ins for the clients' own commands: the one of Claude Code also comes as it really is, dropping from the settings
# what it does not know.
CAREFUL = """#!/bin/sh
exec sed -i '/"iapeer-memory@agfpd": true/d' .claude/settings.json
"""
CARELESS = """#!/bin/sh
printf '{"permissions": {}}\\n' > .claude/settings.json.new
mv .claude/settings.json.new .claude/settings.json
"""
REMOVER = """#!/bin/sh
exec sed -i '/^.plugins."iapeer-memory@agfpd".$/,/^enabled/d' "$CODEX_HOME/config.toml"
"""


class Step(NamedTuple):
    """One module run: what it is called, the module, its arguments, and whether the daemon must run before.

    back: the arguments that lead back to where the run began, of one that is refused a second time.
    """

    name: str
    module: str
    args: dict[str, Any]
    daemon: bool = False
    back: dict[str, Any] | None = None


def only(host: ThrowawayHost, peers: Sequence[Peer]) -> None:
    """Leave these peers in the registry and on disk, to keep what is walked short."""
    names = [peer.personality for peer in peers]
    write_json(host.registry_path, [row for row in host.registry() if row["personality"] in names])
    roles = read_json(host.roles_path)["roles"]
    write_json(host.roles_path, {"roles": [row for row in roles if row["role"] in names]})
    for folder in host.peers_dir.iterdir():
        if folder.name not in names:
            shutil.rmtree(folder)


def give_away(host: ThrowawayHost) -> ThrowawayHost:
    """As root, make the host somebody else's: a sweep by root must leave it so."""
    if os.geteuid() == 0:
        for folder, folders, files in os.walk(host.base):
            for name in [".", *folders, *files]:
                os.chown(os.path.join(folder, name), *SOMEBODY, follow_symlinks=False)
    return host


def fresh(base: Path) -> ThrowawayHost:
    """Peers with foreign content only; of one the settings are a link to another place in its folder."""
    host = build_host(base / "host", form="v1_2", version=VERSION, peers=PEERS, fleet=False)
    only(host, PEERS)
    write_json(host.fleet_path, fleet_map(host, PEERS))
    beta = host.peer("beta")
    write_json(beta / ".codex" / "hooks.json", {"hooks": {"PostToolUse": [foreign_hook("shell")]}}, 0o640)
    os.makedirs(beta / "dotfiles")
    os.rename(beta / ".claude" / "settings.json", beta / "dotfiles" / "settings.json")
    os.symlink("../dotfiles/settings.json", beta / ".claude" / "settings.json")
    return give_away(host)


def sweep(host: ThrowawayHost, **args: Any) -> Step:
    return Step("surfaces", "peer_surfaces", {"iapeer_bin": str(host.core_bin), "lock_timeout": 1, **BUNDLED, **args})


def drift(host: ThrowawayHost) -> None:
    """Something wrong with every surface of every peer."""
    alpha, beta = host.peer("alpha"), host.peer("beta")
    settings = read_json(alpha / ".claude" / "settings.json")
    stale = {"type": "command", "command": "/old/iapeer-memory.session-start.sh"}
    settings["hooks"]["SessionStart"] = [{"hooks": [stale]}]
    write_json(alpha / ".claude" / "settings.json", settings, 0o600)
    mcp = beta / ".mcp.json"
    mcp.write_text(mcp.read_text().replace("127.0.0.1:", "127.0.0.1:1"))
    skills = sorted((alpha / ".claude" / "skills").glob("iapeer-memory-*"))
    (skills[0] / "SKILL.md").write_text("drifted\n")
    shutil.rmtree(skills[1])
    os.unlink(alpha / ".mcp.json")
    write_json(beta / ".codex" / "hooks.json", {"hooks": {"Stop": []}}, 0o640)
    config = beta / ".codex" / "config.toml"
    config.write_text(config.read_text().replace('"approve"', '"never"') + "\n[after.us]\nkept = true\n")
    shims = sorted(host.hooks_dir.iterdir())
    os.chmod(shims[0], 0o644)
    shims[1].write_text("#!/bin/sh\nexit 1\n")


class Drifted(NamedTuple):
    """Builds a fresh host, sweeps it by a run of its own, and hands it to somebody who spoils it."""

    run: Callable[[ThrowawayHost, Step], Any]
    spoil: Callable[[ThrowawayHost], None]

    def __call__(self, base: Path) -> ThrowawayHost:
        host = fresh(base)
        self.run(host, sweep(host))
        self.spoil(host)
        return give_away(host)


def untouched(host: ThrowawayHost) -> None:
    """Nothing is spoiled."""


def dead_lock(host: ThrowawayHost) -> None:
    """The lock of a dead sweep, a draft of a lock beside it, and a file of ours that is missing."""
    host.stage_lock(NOBODY)
    write(host.state_dir / f".provision.lock.d.{'a' * 12}.iapeer-memory~" / "owner", NOBODY)
    os.unlink(host.peer("alpha") / ".mcp.json")


def nobodys_lock(host: ThrowawayHost) -> None:
    """An old lock without an owner."""
    host.stage_lock(None, age=600)


def odd_lock(host: ThrowawayHost) -> None:
    """An old lock with a folder in the place of its owner file."""
    write(host.stage_lock(None) / "owner" / "odd", "odd\n")
    os.utime(host.lock_dir, (1, 1))


def legacy(base: Path) -> ThrowawayHost:
    """A v1.1 host before its update."""
    host = build_host(base / "host", form="v1_1", version="1.1.0", peers=ROLES, guide=True)
    only(host, ROLES)
    install_provider(base / "wanted", VERSION)
    return host


def with_clients(base: Path, claude: str) -> ThrowawayHost:
    """A v1.1 host whose core has no verb for the plugin; claude: the text of the client's command."""
    host = legacy(base)
    write(base / "claude", claude, 0o755)
    write(base / "codex", REMOVER, 0o755)
    return host


def native(host: ThrowawayHost) -> list[Step]:
    """The plugin goes by the clients themselves."""
    place = host.base.parent
    peers = fleet_map(host, ROLES)["peers"]
    args = {"method": "native", "claude_bin": f"{place}/claude", "codex_bin": f"{place}/codex", "peers": peers}
    return [Step("plugin-native", "legacy_plugin_off", args)]


def source(host: ThrowawayHost) -> dict[str, Any]:
    """What brings the binary that lies beside the host."""
    wanted = host.base.parent / "wanted"
    return {"src": str(wanted), "checksum": hashlib.sha256(wanted.read_bytes()).hexdigest()}


def update(host: ThrowawayHost) -> list[Step]:
    """Every module of update in its order, the one that only reads apart."""
    core = {"iapeer_bin": str(host.core_bin)}
    watcher = {"kind": "event", "id": WATCHER, "script": str(host.launcher_path), "target": "scriber", "wait": 3}
    timer = {"kind": "time", "id": "iapeer-memory-dream-tick", "when": "0 4 * * 1", "target": "dreamweaver"}
    timer.update(text="DREAM_TICK", check=str(host.gate_path))
    return [
        Step("binary", "provider_binary", source(host)),
        Step("templates", "provider_files", {"part": "templates", **BUNDLED}),
        Step("doctrines", "role_doctrines", {"version": VERSION, **BUNDLED}),
        Step("wake-policy", "wake_policy", {}),
        Step("fleet", "fleet_map", core),
        sweep(host, skills={"iapeer-memory-init": "---\nname: iapeer-memory-init\n---\nA short one.\n"}),
        Step("plugin-off", "legacy_plugin_off", core),
        Step("slot", "memory_slot", {"version": VERSION, "migrate": True, **BUNDLED}),
        Step("launcher", "provider_files", {"part": "launcher", **BUNDLED}),
        Step("watcher", "notifier_trigger", {**core, **watcher}),
        Step("timer", "notifier_trigger", {**core, **timer}),
        Step("guide", "provider_files", {"part": "guide", **BUNDLED}),
        Step("memoryd", "memoryd_restart", {"wait": 0}, daemon=True),
    ]


def upgraded(base: Path) -> ThrowawayHost:
    """A host that has got a new binary and all that is written for it, with the previous one beside it."""
    host = build_host(base / "host", form="v1_2", version=VERSION, peers=ROLES)
    only(host, ROLES)
    install_provider(base / "wanted", VERSION)
    shutil.copy(base / "wanted", host.provider_bin)
    install_provider(Path(f"{host.provider_bin}.previous"), BEFORE)
    return host


def way_back(host: ThrowawayHost) -> list[Step]:
    """What brings a host back to its previous binary: the steps of update, after the one that gives it the name."""
    return [
        Step("taken-back", "provider_binary", {"state": "previous"}, back=source(host)),
        Step("old-templates", "provider_files", {"part": "templates", **BUNDLED}),
        Step("old-doctrines", "role_doctrines", {"version": BEFORE, **BUNDLED}),
        Step("old-slot", "memory_slot", {"version": BEFORE, "migrate": True, **BUNDLED}),
    ]


def bare(base: Path) -> ThrowawayHost:
    """A host with the core, the provider's binary and nothing of ours; of the role peers one is missing.

    More than one would be made by as many calls, and what lies between them is neither before nor after.
    """
    peers = (PEERS[0], *ROLES[:2])
    nothing: dict[str, Any] = {"form": "absent", "provisioned": False, "roles": False, "crew": False}
    return build_host(base / "host", version="7.1.0", peers=peers, **nothing)


def first_day(host: ThrowawayHost, **args: Any) -> list[Step]:
    """What comes before update on a host with only the core."""
    return [Step("setup", "host_setup", {"iapeer_bin": str(host.core_bin), "vault_path": str(host.vault), **args})]


def last_day(host: ThrowawayHost) -> list[Step]:
    """The steps of uninstall in their order, on a host that update has been through; the sweep is walked apart."""
    core = {"iapeer_bin": str(host.core_bin)}
    gone = {"state": "absent"}
    return [
        Step("no-slot", "memory_slot", gone),
        Step("no-triggers", "notifier_trigger", {**core, **gone, **BUNDLED, "standard": True, "wait": 3}),
        Step("no-memoryd", "memoryd_restart", {"state": "ended"}, daemon=True),
        Step("no-scripts", "provider_files", {**gone, "part": "launcher"}),
        Step("no-binary", "provider_binary", gone),
    ]


def installed(base: Path) -> ThrowawayHost:
    """A host with all that uninstall takes away but the surfaces, and somebody's file among our scripts.

    One trigger of ours: each is a call of its own.
    """
    host = build_host(base / "host", form="v1_2", version=VERSION, peers=ROLES, watcher=True)
    only(host, ROLES)
    profile = read_json(host.profile())
    profile["notifier"]["triggers"] = [item for item in profile["notifier"]["triggers"] if item["id"] == WATCHER]
    write_json(host.profile(), profile)
    write(host.gate_path, "#!/bin/sh\n", 0o755)
    write(host.hooks_dir / "iapeer-memory.post-write.sh", "#!/bin/sh\n", 0o755)
    write(host.hooks_dir / "theirs.sh", "#!/bin/sh\n", 0o755)
    write(Path(f"{host.provider_bin}.previous"), "the one before\n", 0o755)
    return host


def start_daemon(host: ThrowawayHost) -> subprocess.Popen[bytes]:
    """A daemon that leaves its pid file behind when it is ended, so that removing it is the module's work."""
    child = subprocess.Popen(["sh", "-c", "read line", "memoryd"], stdin=subprocess.PIPE)
    write(host.pid_path, f"{child.pid}\n")
    return child
