# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A throwaway host as a value: taken, put back, and compared."""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from typing import NamedTuple

from ansible_collections.agfpd.iapeer_memory.tests.crash.syscalls import DRAFT, final, is_ours

CALLS = "home/.iapeer/calls.jsonl"
CODEX = "home/.codex/config.toml"
PID_FILE = "home/.iapeer/state/iapeer-memory/memoryd.pid"
BALLAST = "ballast"
KEPT = ".kept-by-iapeer-memory"
TIMES = re.compile(rb'"(registeredAt|updatedAt)": "[^"]*"')


class Entry(NamedTuple):
    """One file, folder or link: its kind, permission bits, owner, group, and its bytes or where it leads."""

    kind: int
    mode: int
    uid: int
    gid: int
    data: bytes = b""

    def shown(self) -> str:
        words = {stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
        head = f"{words.get(self.kind, 'file')} {self.mode:04o} {self.uid}:{self.gid}"
        return head if self.kind == stat.S_IFDIR else f"{head} {len(self.data)} bytes {self.data[:60]!r}"


Snapshot = dict[str, Entry]


def take(base: str) -> Snapshot:
    """Everything below base, by its relative path; what the stand-in core notes of its calls apart."""
    return dict(_walk(base, ""))


def _walk(base: str, inside: str) -> Iterator[tuple[str, Entry]]:
    with os.scandir(os.path.join(base, inside)) as listed:
        found = sorted(listed, key=lambda item: item.name)
    for item in found:
        path = os.path.join(inside, item.name)
        status = item.stat(follow_symlinks=False)
        kind = stat.S_IFMT(status.st_mode)
        data = b""
        if kind == stat.S_IFREG:
            with open(item.path, "rb") as handle:
                data = handle.read()
        elif kind == stat.S_IFLNK:
            data = os.fsencode(os.readlink(item.path))
        if path not in (CALLS, BALLAST):
            yield path, Entry(kind, stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, data)
        if kind == stat.S_IFDIR:
            yield from _walk(base, path)


def restore(base: str, wanted: Snapshot) -> None:
    """Make what is below base equal to the snapshot, touching nothing that is equal already."""
    for path in (CALLS, BALLAST):
        if os.path.lexists(os.path.join(base, path)):
            os.unlink(os.path.join(base, path))
    now = take(base)
    for path in sorted(now, reverse=True):
        entry, kept = now[path], wanted.get(path)
        if kept is None or kept.kind != entry.kind or (kept != entry and entry.kind != stat.S_IFDIR):
            full = os.path.join(base, path)
            os.rmdir(full) if entry.kind == stat.S_IFDIR else os.unlink(full)
            del now[path]
    for path in sorted(wanted):
        if now.get(path) != wanted[path]:
            _make(os.path.join(base, path), wanted[path], path in now)


def _make(path: str, entry: Entry, there: bool) -> None:
    if entry.kind == stat.S_IFLNK:
        os.symlink(os.fsdecode(entry.data), path)
    elif entry.kind == stat.S_IFREG:
        with open(path, "wb") as handle:
            handle.write(entry.data)
    elif not there:
        os.mkdir(path)
    if os.geteuid() == 0:
        os.chown(path, entry.uid, entry.gid, follow_symlinks=False)
    if entry.kind != stat.S_IFLNK:
        os.chmod(path, entry.mode)


def normal(path: str, entry: Entry | None) -> Entry | None:
    """The entry without what differs from run to run: times of writing, the pid of the stand-in daemon, and the order
    in which the core wrote its tables."""
    if entry is None or entry.kind != stat.S_IFREG:
        return entry
    if path == CODEX:
        return entry._replace(data=b"\n[".join(sorted(tables(entry))))
    if path == PID_FILE:
        return entry._replace(data=b"")
    return entry._replace(data=TIMES.sub(rb'"\1": ""', entry.data))


def tables(entry: Entry) -> set[bytes]:
    """The tables of a TOML file that the core writes, each as its text."""
    return set(entry.data.rstrip(b"\n").replace(b"\n\n", b"\n").split(b"\n["))


def is_on_the_way(now: Snapshot, before: Snapshot, after: Snapshot) -> bool:
    """True where the core's own file, which it writes once for each peer, holds some of the wanted tables."""
    if not all(CODEX in tree for tree in (now, before, after)):
        return False
    here, old, new = (tables(tree[CODEX]) for tree in (now, before, after))
    return old & new <= here <= old | new and now[CODEX].mode == before[CODEX].mode


def unequal(now: Snapshot, wanted: Snapshot) -> list[str]:
    """In what now is not exactly wanted; empty where it is."""
    return _outside(now, [wanted])


def torn(now: Snapshot, before: Snapshot, after: Snapshot, killed: bool) -> list[str]:
    """Every path that is neither as it was before nor as it is after an undisturbed run.

    killed: drafts and the lock may be left behind, but a draft lets nobody read what its file does not.
    """
    now = _with_what_is_kept(now, after)
    ours = {path for path in now if is_ours(path) and path not in before and path not in after} if killed else set()
    rest = {path: entry for path, entry in now.items() if path not in ours}
    excused = {path for path in before if killed and is_ours(path)}
    excused |= {CODEX} if is_on_the_way(now, before, after) else set()
    problems = _outside(rest, [before, after], excused)
    for path in sorted(ours):
        target = final(path)
        wanted = after.get(target) or before.get(target)
        is_file = now[path].kind == stat.S_IFREG and DRAFT.fullmatch(os.path.basename(path))
        if is_file and wanted is not None and now[path].mode & ~wanted.mode & 0o077:
            problems.append(f"{path} can be read by more than {target}: {now[path].shown()}")
    return problems


def _with_what_is_kept(now: Snapshot, after: Snapshot) -> Snapshot:
    """The same, with files in place of the wanted ones that are kept, whole, beside them until their client is done."""
    kept = {path: path[: -len(KEPT)] for path in now if path.endswith(KEPT)}
    good = {path: target for path, target in kept.items() if now[path] == after.get(target)}
    rest = {path: entry for path, entry in now.items() if path not in good}
    return {**rest, **{target: now[path] for path, target in good.items()}}


def _outside(now: Snapshot, allowed: list[Snapshot], but: set[str] | frozenset[str] = frozenset()) -> list[str]:
    problems = []
    for path in sorted(set(now).union(*allowed) - but):
        wanted = [normal(path, snapshot.get(path)) for snapshot in allowed]
        entry = now.get(path)
        if normal(path, entry) not in wanted:
            there = "missing" if entry is None else entry.shown()
            words = " or ".join(dict.fromkeys("missing" if item is None else item.shown() for item in wanted))
            problems.append(f"{path} is {there}, not {words}")
    return problems
