# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The provider's binary: what it says of itself, and how it is installed out of a file that is on the host."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from .._doorway.egress import Binary
from .._doorway.files import Tree
from .._doorway.folders import Folder, Found
from .._doorway.foresight import REMOVE, REMOVE_FOLDER
from .._doorway.problem import Problem
from .._forms.scripts import EXECUTABLE
from .._host.host import Host
from .._host.results import Result
from .._host.versions import told_version

VERSION_TIMEOUT = 30
PREVIOUS = ".previous"
LARGEST = 1 << 30  # bytes of a binary


class Told(NamedTuple):
    """What a binary says when it is asked for its version; problem says why it tells none, refused that it may not."""

    version: str
    problem: str = ""
    refused: bool = False


def binary_version(host: Host) -> Told:
    """The version that the installed binary tells; never fails."""
    path = host.paths.binary
    if host.files.mode(path) is None:
        return Told("", f"no binary at {path}")
    return ask_version(host, host.binary)


def ask_version(host: Host, binary: Binary) -> Told:
    """The version that a binary tells within 30 s; never fails."""
    done = host.egress.run(binary, ["version"], timeout=VERSION_TIMEOUT)
    found = told_version(done.out) if done.rc == 0 else ""
    return Told(found, "" if found else f"{binary.path} tells no version: {done.complaint}", done.refused)


def ensure(host: Host, options: Mapping[str, Any], check: bool) -> Result | dict[str, Any]:
    """Put the binary into place where it differs, or say that it does (check).

    options: state (absent: see remove), checksum (SHA-256 of the wanted file, hexadecimal), src (the wanted file on the
    host; without it nothing is written and needed tells whether it would be). Raises Problem where src is not the file
    that was announced.
    """
    if options.get("state") == "absent":
        return remove(host, check)
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


def remove(host: Host, check: bool) -> Result:
    """Remove the binary and the one that it replaced, or say what would go (check; contract §13).

    Of a link only the link goes. Raises Problem where something else than a file has the name.
    """
    anchor = _anchor(host)
    there = [path for path in (host.paths.binary, host.paths.binary + PREVIOUS) if os.path.lexists(path)]
    if there:
        with host.files.tree(anchor) as tree:
            names = [os.path.relpath(path, anchor) for path in there]
            for name in names:
                tree.foresee(name, REMOVE_FOLDER if tree.is_link(name) else REMOVE)
            for name in names if not check else ():
                tree.remove_folder(name) if tree.is_link(name) else tree.remove(name)
    action = "removed" if there else "absent"
    return Result(
        action,
        f"removed: {', '.join(map(os.path.basename, there))}" if there else f"no binary at {host.paths.binary}",
        changed=bool(there),
        diff=[{"before_header": path, "after_header": path, "before": "a program\n", "after": ""} for path in there],
        data={"needed": False},
    )


def _current(host: Host, anchor: str) -> Found | None:
    try:
        with Folder(host.files.sandbox, anchor) as folder:
            return folder.read(os.path.relpath(host.paths.binary, anchor), LARGEST)
    except Problem as problem:
        if problem.kind == "missing":
            return None
        raise


def _install(host: Host, tree: Tree, options: Mapping[str, Any], same: bool) -> None:
    name = os.path.relpath(host.paths.binary, tree.anchor)
    if same:
        tree.set_mode(name, EXECUTABLE)
        return
    wanted = host.files.read(options["src"], LARGEST)
    if wanted is None or hashlib.sha256(wanted.data).hexdigest() != options["checksum"]:
        raise Problem("is not the file that was announced", options["src"])
    tree.write(name, wanted.data, EXECUTABLE)


def _anchor(host: Host) -> str:
    """The folder that a link at the binary's path must not leave: the home, where the binary is in it."""
    home, binary = host.paths.home, host.paths.binary
    return home if binary.startswith(home.rstrip("/") + "/") else os.path.dirname(binary)
