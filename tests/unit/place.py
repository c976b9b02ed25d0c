# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small host in a folder, for tests of single modules: real files, no program that runs."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import Clock, Egress
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import Host, open_host
from ansible_collections.agfpd.iapeer_memory.tests.fixtures.core import MARKER
from ansible_collections.agfpd.iapeer_memory.tests.unit.fakes import Transcript

REGISTERED = "2026-01-15T08:30:00.000Z"
Snapshot = dict[str, tuple[Any, ...]]


class Place:
    """Where everything of one host is. The host is provisioned, has a binary and nothing else."""

    def __init__(self, base: Path) -> None:
        self.base = base.resolve()
        self.home = self.base / "home"
        self.root = self.home / ".iapeer"
        self.state = self.root / "state" / "iapeer-memory"
        self.config_dir = self.root / "plugins" / "iapeer-memory"
        self.hooks = self.config_dir / "hooks"
        self.config_file = self.config_dir / "config.env"
        self.slot = self.root / "memory-provider.json"
        self.fleet_map = self.state / "fleet.json"
        self.roles = self.state / "roles.json"
        self.guide = self.root / "fragments" / "iapeer-memory.md"
        self.launcher = self.config_dir / "memoryd-launcher.sh"
        self.gate = self.config_dir / "dream-tick-gate.sh"
        self.binary = self.home / ".local" / "bin" / "iapeer-memory"
        self.codex_home = self.home / ".codex"
        self.vault = self.base / "vault"
        for folder in (self.state, self.vault, self.codex_home, self.base / "peers"):
            folder.mkdir(parents=True, exist_ok=True)
        self.write(self.root / MARKER, "")
        self.write(self.binary, "#!/bin/sh\n", 0o755)
        self.configure()

    def write(self, path: Path, text: str | bytes, mode: int = 0o644) -> Path:
        """A file with what leads to it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogateescape"))
        path.chmod(mode)
        return path

    def write_json(self, path: Path, value: Any, mode: int = 0o644) -> Path:
        """A file that holds JSON."""
        return self.write(path, json.dumps(value, indent=2, ensure_ascii=False) + "\n", mode)

    def configure(self, *lines: str) -> Path:
        """The config.env: the vault, then the lines."""
        return self.write(self.config_file, "\n".join([f"IAPEER_MEMORY_VAULT_PATH={self.vault}", *lines, ""]))

    def peer(self, name: str) -> Path:
        """The folder of a peer, made if it is missing."""
        folder = self.base / "peers" / name
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def row(self, name: str, *runtimes: str, **more: Any) -> dict[str, Any]:
        """A row of the registry."""
        listed = [{"runtime": runtime, "status": "stopped"} for runtime in runtimes]
        first = {"default_runtime": runtimes[0]} if runtimes else {}
        return {"personality": name, "cwd": str(self.base / "peers" / name), **first, "runtimes": listed, **more}

    def registry(self, *rows: Any) -> Path:
        """What the stand-in core lists."""
        return self.write_json(self.root / "registry.json", list(rows))

    def fleet(self, **peers: list[str]) -> Path:
        """The fleet map, from names and runtimes; the folders are made."""
        entries = [{"personality": name, "cwd": str(self.peer(name)), "runtimes": runs} for name, runs in peers.items()]
        return self.write_json(self.fleet_map, {"updatedAt": REGISTERED, "peers": entries})

    def manifest(self, **roles: Path) -> Path:
        """The roles manifest, from roles and the folders of their peers."""
        entries = [{"role": role, "peerCwd": str(cwd), "template": f"{role}.md"} for role, cwd in roles.items()]
        return self.write_json(self.roles, {"roles": entries})

    def template(self, name: str, text: str | bytes, locale: str = "en") -> Path:
        """A template as the provider materialised it."""
        return self.write(self.config_dir / "templates" / locale / name, text)

    def environ(self, **more: str) -> dict[str, str]:
        """The environment of the host's user."""
        return {"HOME": str(self.home), "CODEX_HOME": str(self.codex_home), **more}

    def host(
        self,
        egress: Egress | None = None,
        clock: Clock | None = None,
        environ: dict[str, str] | None = None,
        sandbox: Sandbox | None = None,
        **options: str,
    ) -> Host:
        """The host as a module opens it; without an egress no call is expected."""
        environ = self.environ() if environ is None else environ
        names = {"iapeer_bin": "/fake/iapeer", **options}
        opened = open_host(names, environ, sandbox or Sandbox(environ))
        if sandbox is None:
            opened = opened._replace(egress=egress or Transcript())
        return opened if clock is None else opened._replace(clock=clock)

    def snapshot(self, *ignored: str) -> Snapshot:
        """Every file, folder and link with its bytes, mode and time of writing; ignored: names that do not count."""
        return snapshot(self.base, *ignored)


def snapshot(base: Path, *ignored: str) -> Snapshot:
    """Every file, folder and link below base, by its relative path; folders without a time."""
    found: Snapshot = {}
    for folder, folders, files in os.walk(base):
        for name in [*folders, *files]:
            path = Path(folder, name)
            if name in ignored:
                continue
            status = path.lstat()
            key = str(path.relative_to(base))
            if path.is_symlink():
                found[key] = ("link", os.readlink(path))
            elif path.is_file():
                found[key] = ("file", status.st_mode, status.st_mtime_ns, path.read_bytes())
            else:
                found[key] = ("other", status.st_mode)
    return found
