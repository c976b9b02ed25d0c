# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Hosts in every state that the contract knows, for hypothesis to draw: plain choices, and what they build."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import Binary, Process
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms import scripts
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.bundled import SKILLS, bundled
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.edits import pretty_json
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things.doctrines import marker
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things.slot import wanted_slot
from ansible_collections.agfpd.iapeer_memory.tests.unit.fakes import PLUGIN, StandIn
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import REGISTERED, Place

VERSION = "1.4.0"
WATCHER, DREAM = "iapeer-memory-memoryd", "iapeer-memory-dream-tick"
DAEMON_PID = 4_000_000
SECRET = "Bearer secret-c0ffee"
CODEX_CONFIG = """\
[mcp_servers.iapeer-memory]
url = "http://127.0.0.1:8766/mcp"
default_tools_approval_mode = "approve"
bearer_token_env_var = "IAPEER_BEARER"

[mcp_servers.iapeer-memory.env_http_headers]
"X-IAPeer-Identity" = "PEER_IDENTITY"
"""
FOREIGN_HOOK = {"type": "command", "command": "/opt/audit.sh", "timeout": 5}


def our_entries(hooks: str, matcher: str | None) -> dict[str, Any]:
    """Our hook entries by event, for shims in the folder hooks."""
    post = {"type": "command", "command": f"{hooks}/iapeer-memory.post-write.sh"}
    start = {"type": "command", "command": f"{hooks}/iapeer-memory.session-start.sh"}
    head = {} if matcher is None else {"matcher": matcher}
    return {"PostToolUse": {**head, "hooks": [post]}, "SessionStart": {"hooks": [start]}}


def our_server(name: str) -> dict[str, Any]:
    """Our entry of mcpServers for the peer of this name."""
    identity = f"${{PEER_IDENTITY:-claude-{name}}}"
    return {"type": "http", "url": "http://127.0.0.1:8766/mcp", "headers": {"X-IAPeer-Identity": identity}}


FILES = {
    "settings": ["absent", "right", "stale", "foreign", "mixed", "twice", "broken", "hooks_list", "event_object"],
    "mcp": ["absent", "right", "drifted", "foreign", "broken", "servers_list", "bom"],
    "hooks": ["absent", "right", "stale", "foreign", "mixed", "broken", "event_null", "folder"],
    "config": ["absent", "right", "drifted", "foreign", "broken", "inline"],
    "skills": ["absent", "right", "edited", "old_name", "folder", "file"],
    "trust": ["none", "as_it_is"],
    "cwd": ["own", "own", "own", "own", "missing", "shared", "linked", "twice"],
}
RUNTIMES = [["claude"], ["codex"], ["claude", "codex"], ["telegram", "claude"], ["notifier"], []]
HOST = {
    "slot": ["absent", "malformed", "array", "v1_1", "v1_2", "v1_2", "foreign", "drifted", "moved", "extra", "folder"],
    "fleet": ["current", "current", "missing", "malformed", "stale", "empty", "untrimmed"],
    "registry": ["current", "current", "current", "empty", "object", "text", "odd_rows"],
    "core": ["present", "present", "present", "present", "missing", "lists_fail"],
    "config": ["plain", "plain", "ru", "lean", "no_vault", "bad_locale", "folder"],
    "roles": ["index", "index", "all", "missing", "malformed", "relative", "shared", "gone"],
    "templates": ["there", "there", "missing", "frontmatter"],
    "doctrine": ["absent", "right", "old", "edited", "placeholder", "folder"],
    "profile": ["empty", "right", "wrong", "other_owner", "malformed", "list"],
    "launcher": ["absent", "right", "mode", "text"],
    "shims": ["absent", "right", "mode", "text", "folder"],
    "guide": ["absent", "old", "right", "open_folder"],
    "pid": ["absent", "garbage", "dead", "foreign", "running", "hung"],
    "plugin": ["absent", "enabled", "installed", "codex"],
}


Choices = Mapping[str, list[Any]]


def choices(options: Choices) -> st.SearchStrategy[dict[str, Any]]:
    """One of each."""
    return st.fixed_dictionaries({name: st.sampled_from(words) for name, words in options.items()})


def hosts(host: Choices, peer: Choices, peers: int) -> st.SearchStrategy[dict[str, Any]]:
    """Hosts with at least so many peers, some of their choices narrowed down."""
    some = st.lists(choices({**FILES, "runtimes": RUNTIMES, **peer}), min_size=peers, max_size=3)
    return st.fixed_dictionaries({"host": choices({**HOST, **host}), "peers": some})


SPEC = hosts({}, {}, 0)


def names_of(row: Mapping[str, Any]) -> list[str]:
    """The runtimes of a row of the registry."""
    return [item["runtime"] for item in row["runtimes"]]


class Generated(Place):
    """A host built to a drawn specification, with the egress that belongs to it."""

    def __init__(self, base: Any, spec: Mapping[str, Any]) -> None:
        super().__init__(base)
        self.spec = spec
        self.words: dict[str, Any] = spec["host"]
        self.names = ["index", "beta", "gamma"][: len(spec["peers"])]
        present = {"present": ("iapeer", "claude", "codex"), "lists_fail": ("iapeer", "claude", "codex")}
        self.egress = StandIn(self.home, self.root, self.state, present.get(self.words["core"], ("claude", "codex")))
        self._config()
        for name, peer in zip(self.names, spec["peers"]):
            self._peer(name, peer)
        for build in (self._registry, self._fleet, self._slot, self._roles, self._profile, self._scripts, self._daemon):
            build()
        self._plugin()
        if self.words["core"] == "lists_fail":
            self.write_json(self.root / "faults.json", {"list": {"exit": 3, "stderr": "registry is locked\n"}})

    def cwd(self, name: str) -> str:
        """The folder that a peer is listed with."""
        shared = self.spec["peers"][self.names.index(name)]["cwd"] == "shared"
        return str(self.base / "peers" / ("index" if shared else name))

    def _config(self) -> None:
        lines = {"ru": "LOCALE=ru", "lean": "MODE=lean", "bad_locale": "LOCALE=x"}
        self.configure(f"IAPEER_MEMORY_{lines.get(self.words['config'], 'MODE=curated')}")
        if self.words["config"] == "no_vault":
            self.vault.rmdir()
        if self.words["config"] == "folder":
            self.config_file.unlink()
            self.config_file.mkdir()

    # Peers

    def _peer(self, name: str, peer: Mapping[str, Any]) -> None:
        folder = self.base / "peers" / name
        if peer["cwd"] in ("missing", "shared"):
            return
        if peer["cwd"] == "linked" and name != "index":
            folder.symlink_to(self.peer("index"))
            return
        folder.mkdir(parents=True, exist_ok=True)
        self._put(folder / ".claude" / "settings.json", self._hooks(peer["settings"], "Write|Edit|MultiEdit|Bash"))
        self._put(folder / ".mcp.json", self._mcp(peer["mcp"], name))
        self._put(folder / ".codex" / "hooks.json", self._hooks(peer["hooks"], None))
        self._put(folder / ".codex" / "config.toml", self._toml(peer["config"]))
        self._skills(folder / ".claude" / "skills", peer["skills"])
        hooks = folder / ".codex" / "hooks.json"
        if peer["trust"] == "as_it_is" and "iapeer" in self.egress.present and hooks.is_file():
            self.egress.run(Binary("iapeer"), ["trust-hooks", str(hooks)])

    def _put(self, path: Any, text: str | bytes | None) -> None:
        if text == "folder":
            path.mkdir(parents=True)
        elif text is not None:
            self.write(path, text, 0o600)

    def _hooks(self, word: str, matcher: str | None) -> str | None:
        right = our_entries(str(self.hooks), matcher)
        stale = our_entries("/old/place", matcher)
        entry, old = right["PostToolUse"], stale["PostToolUse"]
        foreign = {"matcher": "Bash", "hooks": [FOREIGN_HOOK]}
        values: dict[str, Any] = {
            "right": {event: [entry] for event, entry in right.items()},
            "stale": {event: [entry] for event, entry in stale.items()},
            "foreign": {"PostToolUse": [foreign], "Stop": []},
            "mixed": {"PostToolUse": [{**old, "hooks": [*old["hooks"], FOREIGN_HOOK]}], "SessionStart": [foreign]},
            "twice": {"PostToolUse": [entry, foreign, old], "Stop": [old]},
            "hooks_list": [entry],
            "event_object": {"PostToolUse": entry},
            "event_null": {"Stop": None},
        }
        if word in values:
            settings = {} if matcher is None else {"env": {"TOKEN": SECRET}, "n": 1}
            return json.dumps({**settings, "hooks": values[word]}, indent=2 if word != "mixed" else None)
        return {"broken": "{ // no\n}", "folder": "folder"}.get(word)

    def _mcp(self, word: str, name: str) -> str | bytes | None:
        other = {"type": "http", "url": "https://x.example", "headers": {"Authorization": SECRET}}
        ours = our_server(name)
        drifted = {**ours, "url": "http://127.0.0.1:1/mcp", "headers": {"Authorization": SECRET}}
        values = {
            "right": {"mcpServers": {"iapeer-memory": ours}},
            "drifted": {"mcpServers": {"other": other, "iapeer-memory": drifted}},
            "foreign": {"mcpServers": {"other": other}, "$schema": "x"},
            "servers_list": {"mcpServers": [other]},
        }
        texts = {name: json.dumps(value) for name, value in values.items()}
        return {**texts, "broken": "[", "bom": "\ufeff{}"}.get(word)

    def _toml(self, word: str) -> str | bytes | None:
        head = "# mine\nmodel = 'x'\n\n[mcp_servers.other]\nurl = 'https://x.example'\ntoken = '" + SECRET + "'\n"
        ours = '\n[ mcp_servers . "iapeer-memory" ] # ours\nurl = "http://127.0.0.1:1/mcp"\nbearer = '
        texts = {
            "right": CODEX_CONFIG,
            "drifted": f'{head}{ours}"{SECRET}"\n',
            "foreign": head,
            "broken": "= x\n",
            "inline": "mcp_servers = {}\n",
        }
        return texts.get(word)

    def _skills(self, folder: Any, word: str) -> None:
        skill = folder / "iapeer-memory-init" / "SKILL.md"
        if word == "right":
            for name, text in SKILLS["ru" if self.words["config"] == "ru" else "en"].items():
                self.write(folder / name / "SKILL.md", text)
        elif word == "edited":
            self.write(skill, "mine\n")
        elif word == "old_name":
            self.write(folder / "iapeer-memory-recall" / "SKILL.md", "old\n")
        elif word == "folder":
            skill.mkdir(parents=True)
        elif word == "file":
            self.write(folder, "not a folder\n")

    # The host

    def _rows(self) -> list[Any]:
        rows: list[Any] = []
        for name, peer in zip(self.names, self.spec["peers"]):
            rows.append({**self.row(name, *peer["runtimes"]), "cwd": self.cwd(name)})
            rows += [rows[-1]] if peer["cwd"] == "twice" else []
        return rows

    def _registry(self) -> None:
        rows = self._rows()
        odd = [*rows, {"personality": " ", "cwd": "/x"}, {"personality": "x"}, 7, {"personality": "\ud800", "cwd": "/"}]
        texts = {"empty": "[]", "object": "{}", "text": "no peers\n", "odd_rows": json.dumps(odd)}
        self.write(self.root / "registry.json", texts.get(self.words["registry"], json.dumps(rows)))

    def _fleet(self) -> None:
        rows = self._rows()
        peers = [{**{k: row[k] for k in ("personality", "cwd")}, "runtimes": names_of(row)} for row in rows]
        odd = [{**peer, "personality": f" {peer['personality']} ", "runtimes": peer["runtimes"] * 2} for peer in peers]
        found = {"current": peers, "stale": peers[:1], "empty": [], "untrimmed": [*odd, {"cwd": "/x"}, 7]}
        if self.words["fleet"] == "malformed":
            self.write(self.fleet_map, '{"peers": 7}')
        elif self.words["fleet"] != "missing":
            self.write(self.fleet_map, pretty_json({"updatedAt": REGISTERED, "peers": found[self.words["fleet"]]}))

    def _slot(self) -> None:
        form = bundled(self.host(self.egress), "").slot
        right = wanted_slot(form, VERSION, REGISTERED) if self.words["config"] != "folder" else {}
        head = {key: right[key] for key in list(right)[:5]} or {"provider": "iapeer-memory"}
        values = {
            "v1_1": {**head, "plugin": {"name": "iapeer-memory", "marketplace": "agfpd"}},
            "v1_2": right or head,
            "foreign": {**head, "provider": "other-memory"},
            "drifted": {**right, "version": "1.3.9"} if right else head,
            "moved": {**right, "provision": {"command": "/old", "args": []}} if right else head,
            "extra": {**right, "plugin": {}, "registeredAt": 5} if right else head,
            "array": [right],
        }
        if self.words["slot"] in values:
            self.write(self.slot, pretty_json(values[self.words["slot"]]))  # type: ignore[arg-type]
        self._put(self.slot, {"malformed": "{", "folder": "folder"}.get(self.words["slot"]))

    def _roles(self) -> None:
        word, index = self.words["roles"], self.base / "peers" / "index"
        roles = {
            "index": {"index": index},
            "all": {"index": index, "scriber": self.peer("scriber"), "dreamweaver": self.peer("dreamweaver")},
            "relative": {"index": "peers/index", "scriber": self.peer("scriber")},
            "shared": {"index": index, "scriber": index},
            "gone": {"index": self.base / "gone", "scriber": self.peer("scriber")},
        }
        if word == "malformed":
            self.write(self.roles, '{"roles": [{"role": "index"}]}')
        elif word in roles:
            self.manifest(**roles[word])  # type: ignore[arg-type]
        text = {"there": "# {{VAULT_PATH}}\n", "frontmatter": "---\r\nname: x\r\n---\r\n\r\n# {{VAULT_PATH}}\r\n"}
        if self.words["templates"] in text:
            for name in ("index.md", "scriber.md", "guide.md"):
                self.template(name, text[self.words["templates"]])
        doctrine = {
            "right": f"{marker(VERSION)}\n# {self.vault}\n",
            "old": f"{marker('1.0.0')}\n# {self.vault}\n",
            "edited": f"{marker(VERSION)}\n# mine\n",
            "placeholder": f"{marker(VERSION)}\n# {{{{VAULT_PATH}}}}\n",
            "folder": "folder",
        }
        if index.is_dir():
            self._put(index / ".iapeer" / "IAPEER.md", doctrine.get(self.words["doctrine"]))

    def _profile(self) -> None:
        if not (self.base / "peers" / "index").is_dir():
            return
        watcher = {"role": "event", "id": WATCHER, "owner": "index", "target": "scriber", "script": str(self.launcher)}
        dream = {"role": "time", "id": DREAM, "owner": "index", "target": "dreamweaver", "check": str(self.gate)}
        triggers: dict[str, Any] = {
            "empty": [],
            "right": [watcher, dream],
            "wrong": [{**watcher, "script": "/old"}, {**dream, "when": "0 0 * * *"}, 7],
            "other_owner": [{**watcher, "owner": "beta"}],
            "list": {"a": 1},
        }
        path = self.base / "peers" / "index" / ".iapeer" / "peer-profile.json"
        if self.words["profile"] == "malformed":
            self.write(path, "{")
        else:
            self.write_json(path, {"personality": "index", "notifier": {"triggers": triggers[self.words["profile"]]}})

    def _scripts(self) -> None:
        text = scripts.launcher(str(self.binary))
        launcher = {"right": (text, 0o755), "mode": (text, 0o644), "text": (b"#!/bin/sh\n", 0o755)}
        if self.words["launcher"] in launcher:
            self.write(self.launcher, *launcher[self.words["launcher"]])
        for verb in ("post-write", "session-start"):
            shim = {"right": (scripts.shim(verb), 0o755), "mode": (scripts.shim(verb), 0o600), "text": (b"x\n", 0o755)}
            path = self.hooks / f"iapeer-memory.{verb}.sh"
            if self.words["shims"] in shim:
                self.write(path, *shim[self.words["shims"]])
        if self.words["shims"] == "folder":
            (self.hooks / "iapeer-memory.post-write.sh").mkdir(parents=True)
        if self.words["guide"] != "absent":
            self.write(self.guide, "# old\n" if self.words["guide"] == "old" else f"# {self.vault}\n")
            self.guide.parent.chmod(0o755 if self.words["guide"] == "open_folder" else 0o700)

    def _daemon(self) -> None:
        word = self.words["pid"]
        pids = {"garbage": "none", "dead": "3999999", "foreign": "3999998"}
        if word != "absent":
            self.write(self.state / "memoryd.pid", pids.get(word, str(DAEMON_PID)) + "\n")
        beat = self.write(self.state / "memoryd.heartbeat", "beat watch=on\n")
        started = beat.stat().st_mtime - 600
        process = Process(DAEMON_PID, os.geteuid(), "S", "/usr/bin/iapeer-memory memoryd", started, True)
        self.egress.table = {3999998: process._replace(pid=3999998, command="/bin/sleep")}
        if word in ("running", "hung"):
            self.egress.table[DAEMON_PID] = process
        if word == "hung":
            os.utime(beat, (process.started, process.started))

    def _plugin(self) -> None:
        for name in self.names if self.words["plugin"] in ("enabled", "installed") else ():
            path = self.base / "peers" / name / ".claude" / "settings.json"
            if not path.parent.parent.is_dir() or path.is_symlink() or path.exists():
                continue
            self.write_json(path, {"z": 1, "enabledPlugins": {PLUGIN: True}, "hooks": {"NewEvent": []}})
        if self.words["plugin"] == "installed":
            rows = [{"projectPath": self.cwd(name), "scope": "project"} for name in self.names]
            listed = self.home / ".claude" / "plugins" / "installed_plugins.json"
            self.write_json(listed, {"plugins": {PLUGIN: rows}})
        if self.words["plugin"] == "codex":
            config = self.codex_home / "config.toml"
            before = config.read_text() if config.exists() else ""
            self.write(config, before + f'\n[plugins."{PLUGIN}"]\nenabled = true\n')
