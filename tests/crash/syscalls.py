# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which system calls change files, and what a log of strace says of them."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

BY_HANDLE = ("write", "pwrite64", "writev", "fsync", "fdatasync", "flock", "ftruncate", "fallocate", "fchmod", "fchown")
BY_NAME = (
    *("openat", "open", "creat", "rename", "renameat", "renameat2", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir"),
    *("link", "linkat", "symlink", "symlinkat", "chmod", "fchmodat", "fchmodat2", "chown", "lchown", "fchownat"),
    *("truncate", "utimensat", "utime", "utimes", "mknod", "mknodat", "setxattr", "fsetxattr", "copy_file_range"),
)
# Where a module waits for a program that changes files on its behalf.
SPAWNING = ("fork", "vfork", "clone", "clone3", "poll", "wait4")
# These Python repeats by itself when they are interrupted.
REPEATED = ("openat", "open", *BY_HANDLE)
REMOVING = ("unlink", "unlinkat", "rmdir", "rename", "renameat", "renameat2")
TRACE = "trace=" + ",".join("?" + name for name in BY_HANDLE + BY_NAME + SPAWNING)
WRITING = re.compile(r"O_(CREAT|WRONLY|RDWR|TRUNC)\b")
CALL = re.compile(r"(\w+)\((.*)")
HANDLE = re.compile(r"(?:\d+|AT_FDCWD)<([^<>]*)>")
NAMED = re.compile(r'(?:(?:\d+|AT_FDCWD)<([^<>]*)>, )?"((?:[^"\\]|\\.)*)"')
DRAFT = re.compile(r"\.([^/]+)\.[0-9a-f]{12}\.iapeer-memory~")
LOCK = "provision.lock.d"


class Point(NamedTuple):
    """The nth call of one system call in a run, and the paths it names; none for a call that only waits.

    failed: whether it was made to fail.
    """

    call: str
    number: int
    paths: tuple[str, ...]
    failed: bool = False

    def __str__(self) -> str:
        return f"{self.call} #{self.number} ({', '.join(self.paths)})"


def points(log: str, base: str) -> list[Point]:
    """Every call in the log that may change a file below base, in order, and those that wait for other programs."""
    counts: Counter[str] = Counter()
    found = []
    for line in log.splitlines():
        match = CALL.match(line)
        if match is None:
            continue
        call, text = match.groups()
        counts[call] += 1
        if call in SPAWNING:
            found.append(Point(call, counts[call], ()))
            continue
        paths = tuple(path for path in paths_of(call, text) if path.startswith(base + os.sep))
        if paths and (not call.startswith("open") or WRITING.search(text)):
            found.append(Point(call, counts[call], paths, line.endswith("(INJECTED)")))
    return found


def paths_of(call: str, text: str) -> list[str]:
    if call in BY_HANDLE:
        match = HANDLE.match(text)
        return [match[1].removesuffix(" (deleted)")] if match else []
    return [os.path.join(folder or "", name) for folder, name in NAMED.findall(text)]


def final(path: str) -> str:
    """The path with every draft in it replaced by what it is a draft of."""
    return os.sep.join(DRAFT.sub(r"\1", part) for part in path.split(os.sep))


def is_ours(path: str) -> bool:
    """True for what a killed run may leave behind: drafts, and the provision lock."""
    parts = path.split(os.sep)
    return LOCK in parts or any(DRAFT.fullmatch(part) for part in parts)


def same(one: Point, other: Point) -> bool:
    """True where both name the same places, drafts apart."""
    return one[:2] == other[:2] and list(map(final, one.paths)) == list(map(final, other.paths))


def unsynced(found: Sequence[Point]) -> list[str]:
    """Files that took their name, by rename or link, before what was written into them was on disk."""
    written: set[str] = set()
    hasty = []
    for point in found:
        if point.call in ("write", "pwrite64", "writev"):
            written.update(point.paths)
        elif point.call in ("fsync", "fdatasync"):
            written.difference_update(point.paths)
        elif point.call.startswith(("rename", "link")):
            hasty += [path for path in point.paths[:1] if path in written]
    return hasty


def describe(tally: Mapping[tuple[str, str], int]) -> list[str]:
    """A table of how many points were tried, by system call and kind of fault."""
    calls = sorted({call for call, _kind in tally})
    kinds = sorted({kind for _call, kind in tally})
    rows = [["", *kinds, "all"]]
    for call in calls:
        counts = [tally.get((call, kind), 0) for kind in kinds]
        rows.append([call, *(str(count or "-") for count in counts), str(sum(counts))])
    sums = [sum(tally.get((call, kind), 0) for call in calls) for kind in kinds]
    rows.append(["all", *map(str, sums), str(sum(sums))])
    widths = [max(map(len, column)) for column in zip(*rows)]
    return ["  ".join(word.rjust(width) for word, width in zip(row, widths)) for row in rows]
