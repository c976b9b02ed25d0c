# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""config.env and what follows from it (contract §2)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import NamedTuple

from .._doorway.files import Files
from .._doorway.problem import Problem
from .._doorway.reader import FOLDER, MISSING
from .._doorway.spelling import real

LOCALES = ("en", "ru")
MODES = ("lean", "curated")
ROLES = ("index", "scriber", "dreamweaver")
# What a choice may be, and what it is where none is made.
CHOICES = {
    "IAPEER_MEMORY_LOCALE": (LOCALES, "en"),
    "IAPEER_MEMORY_EMBEDDING_PROVIDER": (("tei", "openai"), "openai"),
    "IAPEER_MEMORY_RERANKER_PROVIDER": (("tei", "cohere", "nvidia", "jina", "none"), "tei"),
}
DEFAULT_PORT = 8766
DEFAULT_CRON = "0 4 * * 1"
ON, OFF = ("1", "on", "true", "yes", "y"), ("0", "off", "false", "no", "n")
LINE = re.compile(r"(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)")
NUMBER = re.compile(r"[0-9]{1,9}")


class Config(NamedTuple):
    """What config.env amounts to (contract §2). problem says why the host is not provisioned; empty where it is.

    proactive: the roles that act without being asked.
    """

    problem: str
    vault_path: str
    locale: str
    mcp_port: int
    mode: str
    proactive: tuple[str, ...]
    event_target: str
    dream: bool
    dream_cron: str

    @property
    def ok(self) -> bool:
        """True where the host is provisioned."""
        return not self.problem


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
    """What the keys mean; problem: what is in the way already. Pure: whether there is a vault is not looked at."""
    vault = values.get("IAPEER_MEMORY_VAULT_PATH", "")
    locale = _choice(values, "IAPEER_MEMORY_LOCALE")
    port = values.get("IAPEER_MEMORY_MCP_PORT", "")
    number = int(port) if NUMBER.fullmatch(port) else 0
    mode = values.get("IAPEER_MEMORY_MODE", "")
    mode = mode if mode in MODES else "curated"
    toggles = {role: values.get(f"IAPEER_MEMORY_PROACTIVE_{role.upper()}", "") for role in ROLES}
    proactive = tuple(role for role in ROLES if _toggle(toggles[role], mode))
    target = next((role for role in ("scriber", "index") if role in proactive), "")
    return Config(
        problem or _config_problem(values, vault, number),
        vault,
        locale,
        number or DEFAULT_PORT,
        mode,
        proactive,
        target,
        "dreamweaver" in proactive,
        values.get("IAPEER_MEMORY_DREAM_CRON") or DEFAULT_CRON,
    )


def _choice(values: Mapping[str, str], key: str) -> str:
    return values.get(key) or CHOICES[key][1]


def _config_problem(values: Mapping[str, str], vault: str, port: int) -> str:
    if not vault:
        return "IAPEER_MEMORY_VAULT_PATH is not set"
    if not os.path.isabs(vault):
        return f"the vault {vault} (IAPEER_MEMORY_VAULT_PATH) is not an absolute path"
    for key, (known, _usual) in CHOICES.items():
        if _choice(values, key) not in known:
            return f"{key} is {_choice(values, key)!r}, not one of {', '.join(known)}"
    if port > 65535:
        return f"IAPEER_MEMORY_MCP_PORT is {port}, not a port"
    return ""


def find_problem(files: Files, path: str, config: Config, unread: str = "") -> str:
    """What stands in the way of a config, with the file it is from (or that there is none); empty where nothing does.

    The vault is looked at here: one that cannot be seen is not one that is missing. unread: why the file was not read.
    """
    problem = config.problem
    try:
        source = path if unread or files.kind_of(path) != MISSING else ""
        if not problem and files.kind_of(config.vault_path) != FOLDER:
            problem = f"the vault {config.vault_path} (IAPEER_MEMORY_VAULT_PATH) is not an existing directory"
    except Problem as unseen:
        source = path
        problem = problem or f"the vault (IAPEER_MEMORY_VAULT_PATH) cannot be looked at: {unseen}"
    return problem and f"{problem} ({source or f'there is no {path}'})"


def _toggle(value: str, mode: str) -> bool:
    word = value.strip().lower()
    return word in ON or (word not in OFF and mode == "curated")


def read_config(files: Files, path: str, slot: str) -> tuple[dict[str, str], str]:
    """The keys of the config.env at path, and why they could not be read where they could not.

    The operator's file may well be a link into other dotfiles. slot: where a host that is in use has its declaration;
    where there is none, the target of such a link is still to be written.
    """
    try:
        found = files.read_through(path) if _is_there(files, slot) else files.read(real(path))
    except Problem as problem:
        return {}, f"cannot be read: {problem.reason}"
    if found is None:
        return {}, ""
    try:
        return parse_config(found.data.decode("utf-8-sig")), ""
    except UnicodeDecodeError as error:
        return {}, f"is not UTF-8 from byte {error.start} on"


def _is_there(files: Files, path: str) -> bool:
    """False only where the system says so; unseen is not absent."""
    try:
        return files.kind_of(path, follow=False) != MISSING
    except Problem:
        return True
