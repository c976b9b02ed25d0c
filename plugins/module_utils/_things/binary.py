# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The provider's binary: what it says of itself, and how it is installed out of a file that is on the host."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .._doorway.egress import Binary
from .._doorway.folders import Folder, Sum
from .._doorway.foresight import MODE, REMOVE, REMOVE_FOLDER, WRITE
from .._doorway.problem import Problem
from .._doorway.reader import MISSING
from .._doorway.spelling import real
from .._forms.ahead import NOTHING, Ahead
from .._forms.scratch import SYSTEM_PATH
from .._forms.scripts import EXECUTABLE
from .._forms.wanted import forms_of_new, remembered_version
from .._host.host import Host
from .._host.paths import NAME
from .._host.results import FAILED, SKIPPED, Result
from .._host.versions import told_version

VERSION_TIMEOUT = 30
PREVIOUS = ".previous"
MENDED = "mended"


class Told(NamedTuple):
    """What a binary says when it is asked for its version; problem says why it tells none, refused that it may not."""

    version: str
    problem: str = ""
    refused: bool = False


def binary_version(host: Host) -> Told:
    """The version that the installed binary tells; never fails."""
    path = host.paths.binary
    try:
        if host.files.kind_of(path) == MISSING:
            return Told("", f"no binary at {path}")
    except Problem as problem:
        return Told("", str(problem))
    return ask_version(host, host.binary)


def ask_version(host: Host, binary: Binary, called: str = "", folder: str | None = None) -> Told:
    """The version that a binary tells within 30 s; never fails. called: what it is called in a problem, else its path.

    folder: a scratch that is all the world to it.
    """
    env = None
    if folder is not None:
        env = {"PATH": SYSTEM_PATH, "HOME": folder, "TMPDIR": folder, "IAPEER_ROOT": folder, "IAPEER_TEST_SANDBOX": "1"}
    whole = folder is not None
    done = host.egress.run(binary, ["version"], cwd=folder, timeout=VERSION_TIMEOUT, env=env, whole=whole)
    found = told_version(done.out) if done.rc == 0 else ""
    problem = "" if found else f"{called or binary.path} tells no version: {done.complaint}"
    return Told(found, problem, done.refused)


def ensure(host: Host, options: Mapping[str, Any], check: bool, ahead: Ahead = NOTHING) -> Result:
    """Put the binary into place where it differs, or say that it does (check); without a checksum, say what is there.

    options: state (absent: see remove; previous: see take_back), checksum (SHA-256 of the wanted file, hexadecimal),
    src (the wanted file on the host; without it nothing is written and needed tells whether it would be), forms (where
    the steps after it ask what the new binary wants). A new one is asked for its version before it takes the name, in
    a scratch: where it tells none, this raises a Problem and the old one stays. The one that it replaces is kept beside
    it. data: needed, version (of the new one, empty where it was not asked), previous (where the old one is kept, empty
    where there is none). One that has the right bytes and the wrong permission bits is mended, after it was asked too.
    """
    if options.get("state") in ENDS:
        return ENDS[options["state"]](host, check)
    if not options.get("checksum"):
        return _as_it_is(host)
    found = _found(host, host.paths.binary)
    same = _action(options, found) == MENDED
    changed = not same or (found is not None and found.mode != EXECUTABLE)
    data: dict[str, Any] = {"needed": not same, "version": "", "previous": ""}
    if not same and found is not None:
        data["previous"] = host.paths.binary + PREVIOUS
    if changed:
        _foresee(host, MODE if same else WRITE, WRITE if data["previous"] else "")
    if changed and (options.get("src") or (same and check)):
        data.update(_new(host, options, found, check))
    return _result(host, options, found, changed, data)


def _as_it_is(host: Host) -> Result:
    """What is to be said where there is none to install."""
    known = remembered_version(host)
    told = Told(known) if known else binary_version(host)
    data = {"needed": False, "version": told.version, "previous": ""}
    if told.version:
        return Result("already", f"{host.paths.binary} is version {told.version}", data=data)
    if told.refused:
        return Result(SKIPPED, told.problem, refused=True, data=data)
    words = f"{told.problem}: install it, or name a file to install in iapeer_memory_binary_src"
    return Result(FAILED, words, failure=words, data=data)


def _new(host: Host, options: Mapping[str, Any], found: Sum | None, check: bool) -> dict[str, Any]:
    """Ask the binary who it is, and install or mend it unless check; what is known of it then."""
    action = _action(options, found)
    there = action == MENDED
    with brought(host, {**options, "src": host.paths.binary} if there else options) as (program, folder):
        told = ask_version(host, Binary(program, host.binary.named), "it" if there else "the new one", folder)
        if not told.version:
            reason = f"not {action}: {told.problem}"
            raise Problem(reason, host.paths.binary, "refused" if told.refused else "failed")
        known: dict[str, Any] = {"version": told.version}
        if options.get("forms"):
            known["forms"] = forms_of_new(host, options, program)
        if there and not check:
            with host.files.tree(_anchor(host)) as tree:
                tree.set_mode(_name(host), EXECUTABLE)
        elif not check:
            _install(host, program, options["checksum"], found)
        return known


def _action(options: Mapping[str, Any], found: Sum | None) -> str:
    """The word for what is done where something is."""
    return "installed" if found is None else MENDED if found.sha256 == options["checksum"] else "replaced"


@contextlib.contextmanager
def brought(host: Host, options: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The new binary where it can be run, and the private folder that it is in."""
    with host.files.scratch(os.path.dirname(host.paths.binary)) as (folder, tree):
        tree.copy_in(NAME, options["src"], EXECUTABLE, options["checksum"])
        yield os.path.join(folder, NAME), folder


def _install(host: Host, program: str, checksum: str, found: Sum | None) -> None:
    """Keep the old one, then let the new one take its name; whenever this is cut short, a whole one has the name."""
    name = _name(host)
    with host.files.tree(_anchor(host), create=True) as tree:
        if found is not None:
            _refuse_link(tree, name + PREVIOUS)
            tree.copy_in(name + PREVIOUS, real(host.paths.binary), found.mode, found.sha256)
        tree.copy_in(name, program, EXECUTABLE, checksum)


def _result(
    host: Host, options: Mapping[str, Any], found: Sum | None, changed: bool, data: Mapping[str, Any]
) -> Result:
    path = host.paths.binary
    action = _action(options, found) if changed else "already"
    shown = {
        "before_header": path,
        "after_header": path,
        "before": "" if found is None else f"sha256 {found.sha256} mode {found.mode:04o}\n",
        "after": f"sha256 {options['checksum']} mode {EXECUTABLE:04o}\n",
    }
    return Result(action, f"{path} {action}", changed=changed, diff=[shown] if changed else [], data=data)


def take_back(host: Host, check: bool) -> Result:
    """Give the binary that was replaced last its name again, or say that it would get it (check; contract §9).

    Cut short at any moment, one or the other has the name, whole. data: version of the previous one. Raises Problem
    where there is none, and where it tells no version: then the new one stays.
    """
    name, previous = _name(host), host.paths.binary + PREVIOUS
    found = _found(host, previous)
    if found is None:
        raise Problem("no previous binary is kept: nothing to take back", previous, "missing")
    _foresee(host, WRITE, REMOVE)
    told = ask_version(host, host.binary._replace(path=previous), "the previous one")
    if not told.version:
        raise Problem(f"{told.problem}; the new one stays", previous, "refused" if told.refused else "failed")
    if not check:
        with host.files.tree(_anchor(host)) as tree:
            _refuse_link(tree, name + PREVIOUS)
            tree.copy_in(name, previous, found.mode, found.sha256)
            tree.remove(name + PREVIOUS)
    shown = {"before_header": host.paths.binary, "after_header": host.paths.binary, "before": ""}
    return Result(
        "taken_back",
        f"{host.paths.binary} is the previous one again, version {told.version}",
        changed=True,
        diff=[{**shown, "after": f"sha256 {found.sha256} mode {found.mode:04o}\n"}],
        data={"needed": False, "version": told.version, "previous": ""},
    )


def remove(host: Host, check: bool) -> Result:
    """Remove the binary and the one that it replaced, or say what would go (check; contract §13).

    Of a link only the link goes. Raises Problem where something else than a file has the name, and where that cannot
    be seen.
    """
    anchor = _anchor(host)
    both = (host.paths.binary, host.paths.binary + PREVIOUS)
    there = [path for path in both if host.files.kind_of(path, follow=False) != MISSING]
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
        data={"needed": False, "version": "", "previous": ""},
    )


def _foresee(host: Host, change: str, previous: str) -> None:
    """Raise the Problem that a change of the binary would meet, and one of the previous one (empty: none)."""
    anchor, name = _anchor(host), _name(host)
    if host.files.kind_of(anchor) == MISSING:
        host.files.foresee(host.paths.binary, change)
        return
    with Folder(host.files.sandbox, anchor) as folder:
        folder.foresee(name, change)
        if previous:
            _refuse_link(folder, name + PREVIOUS)
            folder.foresee(name + PREVIOUS, previous)


def _refuse_link(folder: Folder, name: str) -> None:
    """Nothing is kept behind a link: what it leads to is somebody else's."""
    if folder.is_link(name):
        raise Problem("a link stands where the previous binary is kept: remove it", folder.path(name), "irregular")


def _found(host: Host, path: str) -> Sum | None:
    """The binary, or the previous one, by its path; None where it is missing. Raises Problem."""
    anchor = _anchor(host)
    try:
        with Folder(host.files.sandbox, anchor) as folder:
            return folder.checksum(os.path.relpath(path, anchor))
    except Problem as problem:
        if problem.kind == "missing":
            return None
        raise


def _anchor(host: Host) -> str:
    """The folder that a link at the binary's path must not leave: the home, where the binary is in it."""
    home, binary = host.paths.home, host.paths.binary
    return home if binary.startswith(home.rstrip("/") + "/") else os.path.dirname(binary)


def _name(host: Host) -> str:
    """The binary's name below that folder."""
    return os.path.relpath(host.paths.binary, _anchor(host))


# Other ends than to have one installed.
ENDS = {"absent": remove, "previous": take_back}
