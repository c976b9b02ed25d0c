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

LOCALES = ("en", "ru")
MODES = ("lean", "curated")
ROLES = ("index", "scriber", "dreamweaver")
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
    """What the keys mean; problem is what already stood in the way of reading them."""
    vault = values.get("IAPEER_MEMORY_VAULT_PATH", "")
    locale = values.get("IAPEER_MEMORY_LOCALE") or "en"
    port = values.get("IAPEER_MEMORY_MCP_PORT", "")
    number = int(port) if NUMBER.fullmatch(port) else 0
    mode = values.get("IAPEER_MEMORY_MODE", "")
    mode = mode if mode in MODES else "curated"
    toggles = {role: values.get(f"IAPEER_MEMORY_PROACTIVE_{role.upper()}", "") for role in ROLES}
    proactive = tuple(role for role in ROLES if _toggle(toggles[role], mode))
    target = next((role for role in ("scriber", "index") if role in proactive), "")
    return Config(
        problem or _config_problem(vault, locale, number),
        vault,
        locale,
        number or DEFAULT_PORT,
        mode,
        proactive,
        target,
        "dreamweaver" in proactive,
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


def read_config(files: Files, path: str) -> tuple[dict[str, str], str]:
    """The keys of the config.env at path, and why they could not be read where they could not."""
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
