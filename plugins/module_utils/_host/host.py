# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One host as the target's user sees it: its paths, its config.env and what follows from them (contract §1 and §2)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._doorway.egress import Binary, Clock, Egress
from .._doorway.files import Files
from .._doorway.sandbox import Problem, Sandbox

NAME = "iapeer-memory"
LOCALES = ("en", "ru")
MODES = ("lean", "curated")
ROLES = ("index", "scriber", "dreamweaver")
DEFAULT_PORT = 8766
DEFAULT_CRON = "0 4 * * 1"
ON, OFF = ("1", "on", "true", "yes", "y"), ("0", "off", "false", "no", "n")
LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)")
NUMBER = re.compile(r"[0-9]{1,9}")
# Options that every module takes.
HOST_OPTIONS = ("iapeer_root", "config_file", "state_dir", "binary_path", "iapeer_bin")


class Paths(NamedTuple):
    """Where things are on the host, all absolute (contract §1)."""

    home: str
    root: str
    config_file: str
    state: str
    cache: str
    logs: str
    binary: str

    @property
    def slot(self) -> str:
        """The memory slot."""
        return os.path.join(self.root, "memory-provider.json")

    @property
    def guide(self) -> str:
        """The host-wide guide."""
        return os.path.join(self.root, "fragments", f"{NAME}.md")

    @property
    def config_dir(self) -> str:
        """The folder of the config file, with templates, hooks and launchers beside it."""
        return os.path.dirname(self.config_file)

    @property
    def hooks(self) -> str:
        """The folder of the hook shims."""
        return os.path.join(self.config_dir, "hooks")

    @property
    def launcher(self) -> str:
        """The script that the notifier runs to start memoryd."""
        return os.path.join(self.config_dir, "memoryd-launcher.sh")

    @property
    def dream_gate(self) -> str:
        """The script that the notifier asks before the weekly timer fires."""
        return os.path.join(self.config_dir, "dream-tick-gate.sh")

    @property
    def fleet(self) -> str:
        """The fleet map."""
        return os.path.join(self.state, "fleet.json")

    @property
    def roles(self) -> str:
        """The roles manifest."""
        return os.path.join(self.state, "roles.json")

    @property
    def pid(self) -> str:
        """memoryd's pid file."""
        return os.path.join(self.state, "memoryd.pid")

    @property
    def heartbeat(self) -> str:
        """memoryd's heartbeat file."""
        return os.path.join(self.state, "memoryd.heartbeat")

    def templates(self, locale: str) -> str:
        """The folder of the templates of one locale."""
        return os.path.join(self.config_dir, "templates", locale)


class Config(NamedTuple):
    """What config.env amounts to (contract §2). problem says why the host is not provisioned; empty where it is."""

    problem: str
    vault_path: str
    locale: str
    mcp_port: int
    mode: str
    event_target: str
    dream: bool
    dream_cron: str

    @property
    def ok(self) -> bool:
        """True where the host is provisioned."""
        return not self.problem


class Host(NamedTuple):
    """Everything that work on one host needs: where things are, and the doorways."""

    paths: Paths
    config: Config
    files: Files
    egress: Egress
    clock: Clock
    core: Binary
    binary: Binary
    codex_home: str

    def require_config(self) -> Config:
        """The config of a provisioned host; raises Problem where it is not provisioned."""
        if not self.config.ok:
            raise Problem(f"not provisioned: {self.config.problem}", self.paths.config_file)
        return self.config


def open_host(options: Mapping[str, Any], environ: Mapping[str, str], sandbox: Sandbox | None = None) -> Host:
    """The host that module options and the process environment describe; reads config.env, changes nothing.

    options: any of HOST_OPTIONS, None where not given. Raises Problem for a path that is not absolute.
    """
    sandbox = sandbox or Sandbox(environ)
    files, egress = Files(sandbox), Egress(sandbox)
    home = environ.get("HOME") or os.path.expanduser("~")
    root = absolute("iapeer_root", options.get("iapeer_root") or environ.get("IAPEER_ROOT") or f"{home}/.iapeer")
    named = options.get("config_file") or environ.get("IAPEER_MEMORY_CONFIG_FILE")
    config_file = absolute("config_file", named or os.path.join(root, "plugins", NAME, "config.env"))
    values, problem = _read_config(files, config_file)
    values.update({key: value for key, value in environ.items() if value})

    def place(option: str, default: str) -> str:
        return absolute(option, options.get(option) or values.get(f"IAPEER_MEMORY_{option.upper()}") or default)

    paths = Paths(
        home,
        root,
        config_file,
        place("state_dir", os.path.join(root, "state", NAME)),
        place("cache_dir", os.path.join(root, "cache", NAME)),
        place("logs_dir", os.path.join(root, "logs", NAME)),
        place("binary_path", os.path.join(home, ".local", "bin", NAME)),
    )
    return Host(
        paths,
        plan_config(values, problem),
        files,
        egress,
        Clock(),
        _find_core(options.get("iapeer_bin"), egress, home),
        Binary(paths.binary, named=bool(options.get("binary_path"))),
        environ.get("CODEX_HOME") or os.path.join(home, ".codex"),
    )


def parse_config(text: str) -> dict[str, str]:
    """The keys of a config.env (contract §2); lines that are not KEY=VALUE are ignored, a later key wins."""
    values: dict[str, str] = {}
    for line in text.split("\n"):
        match = LINE.fullmatch(line.strip())
        if match is None:
            continue
        value = match[2].strip()
        if not _quoted(value):
            value = match[2].partition(" #")[0].strip()
        values[match[1]] = value[1:-1] if _quoted(value) else value
    return values


def _quoted(value: str) -> bool:
    return len(value) > 1 and value[0] in "\"'" and value[-1] == value[0]


def plan_config(values: Mapping[str, str], problem: str = "") -> Config:
    """What the keys mean; problem is what already stood in the way of reading them."""
    vault = values.get("IAPEER_MEMORY_VAULT_PATH", "")
    locale = values.get("IAPEER_MEMORY_LOCALE") or "en"
    port = values.get("IAPEER_MEMORY_MCP_PORT", "")
    number = int(port) if NUMBER.fullmatch(port) else 0
    mode = values.get("IAPEER_MEMORY_MODE", "")
    mode = mode if mode in MODES else "curated"
    proactive = {role: _toggle(values.get(f"IAPEER_MEMORY_PROACTIVE_{role.upper()}", ""), mode) for role in ROLES}
    target = next((role for role in ("scriber", "index") if proactive[role]), "")
    return Config(
        problem or _config_problem(vault, locale, number),
        vault,
        locale,
        number or DEFAULT_PORT,
        mode,
        target,
        proactive["dreamweaver"],
        values.get("IAPEER_MEMORY_DREAM_CRON") or DEFAULT_CRON,
    )


def _config_problem(vault: str, locale: str, port: int) -> str:
    if not vault:
        return "IAPEER_MEMORY_VAULT_PATH is not set"
    if not os.path.isabs(vault):
        return f"the vault {vault} (IAPEER_MEMORY_VAULT_PATH) is not an absolute path"
    if not os.path.isdir(vault):
        return f"the vault {vault} (IAPEER_MEMORY_VAULT_PATH) is not an existing directory"
    if locale not in LOCALES:
        return f"IAPEER_MEMORY_LOCALE is {locale!r}, not one of {', '.join(LOCALES)}"
    if port > 65535:
        return f"IAPEER_MEMORY_MCP_PORT is {port}, not a port"
    return ""


def _toggle(value: str, mode: str) -> bool:
    word = value.strip().lower()
    return word in ON or (word not in OFF and mode == "curated")


def _read_config(files: Files, path: str) -> tuple[dict[str, str], str]:
    try:
        found = files.read(os.path.realpath(path))  # the operator's file may well be a link into other dotfiles
    except Problem as problem:
        return {}, f"cannot be read: {problem.reason}"
    if found is None:
        return {}, ""
    try:
        return parse_config(found.data.decode("utf-8")), ""
    except UnicodeDecodeError as error:
        return {}, f"is not UTF-8 (byte {error.start})"


def absolute(option: str, path: str) -> str:
    """The path that an option holds, normalised; raises Problem unless it is absolute."""
    try:
        usable = os.path.isabs(path) and b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        usable = False
    if not usable:
        raise Problem(f"{option} must be an absolute path, not {path!r}")
    return os.path.normpath(path)


def given_text(option: str, name: str, text: object) -> str:
    """One of the texts that an option gives by name; raises Problem where it is none."""
    try:
        if isinstance(text, str) and text.encode("utf-8", "surrogateescape") is not None:
            return text
    except UnicodeEncodeError:
        pass
    raise Problem(f"{option}: {name} must be text")


def _find_core(named: str | None, egress: Egress, home: str) -> Binary:
    if named:
        return Binary(absolute("iapeer_bin", named), named=True)
    fallback = os.path.join(home, ".local", "bin", "iapeer")
    return Binary(egress.find("iapeer", fallback) or "iapeer")
