# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Install the provider's binary out of a file that is already on the host."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Mapping
from typing import Any

from .._doorway.files import Tree
from .._doorway.folders import Folder, Found
from .._doorway.problem import Problem
from .._forms.scripts import EXECUTABLE
from .._host.host import Host

VERSION = re.compile(r"[0-9]+\.[0-9]+[^\s,;()]*")
VERSION_TIMEOUT = 30


def ensure(host: Host, options: Mapping[str, Any], check: bool) -> dict[str, Any]:
    """Put the binary into place where it differs, or say that it does (check).

    options: checksum (SHA-256 of the wanted file, hexadecimal), src (the wanted file on the host; without it nothing
    is written and needed tells whether it would be). Raises Problem where src is not the file that was announced.
    """
    path, anchor = host.paths.binary, _anchor(host)
    found = _current(host, anchor)
    same = found is not None and hashlib.sha256(found.data).hexdigest() == options["checksum"]
    changed = not same or found is None or found.mode != EXECUTABLE
    if changed:
        host.files.sandbox.check(path)
    if changed and not check and options.get("src"):
        with host.files.tree(anchor, create=True) as tree:
            _install(host, tree, options, same)
    action = "already" if not changed else "installed" if found is None else "replaced"
    shown = "" if found is None else f"sha256 {hashlib.sha256(found.data).hexdigest()} mode {found.mode:04o}\n"
    after = f"sha256 {options['checksum']} mode {EXECUTABLE:04o}\n"
    return {
        "changed": changed,
        "action": action,
        "detail": f"{path} {action}",
        "needed": not same,
        "diff": [{"before_header": path, "after_header": path, "before": shown, "after": after}] if changed else [],
    }


def _current(host: Host, anchor: str) -> Found | None:
    try:
        with Folder(host.files.sandbox, anchor) as folder:
            return folder.read(os.path.relpath(host.paths.binary, anchor))
    except Problem as problem:
        if problem.kind == "missing":
            return None
        raise


def _install(host: Host, tree: Tree, options: Mapping[str, Any], same: bool) -> None:
    name = os.path.relpath(host.paths.binary, tree.anchor)
    if same:
        tree.set_mode(name, EXECUTABLE)
        return
    wanted = host.files.read(options["src"])
    if wanted is None or hashlib.sha256(wanted.data).hexdigest() != options["checksum"]:
        raise Problem("is not the file that was announced", options["src"])
    tree.write(name, wanted.data, EXECUTABLE)


def _anchor(host: Host) -> str:
    """The folder that a link at the binary's path must not leave: the home, where the binary is in it."""
    home, binary = host.paths.home, host.paths.binary
    return home if binary.startswith(home.rstrip("/") + "/") else os.path.dirname(binary)


def binary_version(host: Host) -> tuple[str, str, bool]:
    """The version that the binary tells, a problem where it tells none, and whether the sandbox refused to ask."""
    if host.files.mode(host.paths.binary) is None:
        return "", f"no binary at {host.paths.binary}", False
    done = host.egress.run(host.binary, ["version"], timeout=VERSION_TIMEOUT)
    match = VERSION.search(done.out) if done.rc == 0 else None
    problem = "" if match else f"{host.paths.binary} tells no version: {done.complaint}"
    return match[0] if match else "", problem, done.refused
