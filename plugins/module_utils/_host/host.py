# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One host as the target's user sees it: its paths, its config.env and what follows from them (contract §1 and §2)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._doorway.egress import Binary, Clock, Egress
from .._doorway.files import Files
from .._doorway.problem import Problem
from .._doorway.sandbox import Sandbox
from .._doorway.spelling import native
from .config import Config, find_problem, plan_config, read_config
from .options import absolute
from .paths import NAME, Paths, lay_out, slot_path

# Options that every module takes.
HOST_OPTIONS = ("iapeer_root", "config_file", "state_dir", "binary_path", "iapeer_bin")
# The places that config.env may move and that anything is written to, run from or looked up in.
MOVABLE = ("state_dir", "binary_path")


class Host(NamedTuple):
    """Everything that work on one host needs: where things are, and the doorways.

    unread: why nobody can tell where things are: a config.env that is there, may move them and cannot be read.
    overrides: what the process environment says of the provider's settings, which counts before config.env.
    """

    paths: Paths
    config: Config
    files: Files
    egress: Egress
    clock: Clock
    core: Binary
    binary: Binary
    codex_home: str
    unread: str = ""
    overrides: Mapping[str, str] = {}

    def require_places(self) -> None:
        """Raise Problem where nobody can tell where things are (contract §2)."""
        if self.unread:
            raise Problem(self.unread, kind="unreadable")

    def require_config(self) -> Config:
        """The config of a provisioned host; raises Problem where it is not provisioned."""
        if not self.config.ok:
            raise Problem(f"not provisioned: {self.config.problem}")
        return self.config


def open_host(options: Mapping[str, Any], environ: Mapping[str, str], sandbox: Sandbox | None = None) -> Host:
    """The host that module options and the process environment describe; reads config.env, changes nothing.

    options: any of HOST_OPTIONS, None where not given. environ: read as UTF-8, whatever the locale says. Raises Problem
    for a path that is not absolute.
    """
    sandbox = sandbox or Sandbox(environ)
    files, egress = Files(sandbox), Egress(sandbox)
    home = environ.get("HOME") or native(os.path.expanduser("~"))
    root = absolute("iapeer_root", options.get("iapeer_root") or environ.get("IAPEER_ROOT") or f"{home}/.iapeer")
    named = options.get("config_file") or environ.get("IAPEER_MEMORY_CONFIG_FILE")
    config_file = absolute("config_file", named or os.path.join(root, "plugins", NAME, "config.env"))
    values, problem = read_config(files, config_file, slot_path(root))
    values.update({key: value for key, value in environ.items() if value})

    def place(option: str, default: str) -> str:
        given, said = options.get(option), values.get(_key(option))
        source = option if given or not said else _source(option, environ, config_file)
        return absolute(source, given or said or default)

    usual = {
        **{f"{name}_dir": os.path.join(root, name, NAME) for name in ("state", "cache", "logs")},
        "binary_path": os.path.join(home, ".local", "bin", NAME),
    }
    paths = lay_out(home, root, config_file, *(place(option, default) for option, default in usual.items()))
    config = plan_config(values, problem)
    return Host(
        paths,
        config._replace(problem=find_problem(files, config_file, config, problem)),
        files,
        egress,
        Clock(),
        _find_core(options.get("iapeer_bin"), egress, home),
        Binary(paths.binary, named=bool(options.get("binary_path"))),
        environ.get("CODEX_HOME") or os.path.join(home, ".codex"),
        _unread(config_file, problem, options, environ),
        {key: value for key, value in environ.items() if value and key.startswith("IAPEER_MEMORY_")},
    )


def _key(option: str) -> str:
    return f"IAPEER_MEMORY_{option.upper()}"


def _source(option: str, environ: Mapping[str, str], config_file: str) -> str:
    """Where a place is said that no option names."""
    return _key(option) if environ.get(_key(option)) else f"{_key(option)} in {config_file}"


def _unread(config_file: str, problem: str, options: Mapping[str, Any], environ: Mapping[str, str]) -> str:
    if not problem or all(options.get(option) or environ.get(_key(option)) for option in MOVABLE):
        return ""
    return f"{config_file}: {problem}: where it puts the state dir and the binary cannot be told"


def _find_core(named: str | None, egress: Egress, home: str) -> Binary:
    if named:
        return Binary(absolute("iapeer_bin", named), named=True)
    fallback = os.path.join(home, ".local", "bin", "iapeer")
    return Binary(egress.find("iapeer", fallback) or "iapeer")
