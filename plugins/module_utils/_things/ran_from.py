# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a running memoryd runs from: whether those bytes changed since it was started (contract §8).

A time stamp does not tell that: a file may be touched, dated tomorrow or rewritten as it was. So a real run writes down
what the daemon runs from; without that note the times are all there is, and count once.
"""

from __future__ import annotations

import json
import os
import re
import stat
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._doorway.egress import Process
from .._doorway.problem import Problem
from .._doorway.spelling import spell
from .._forms.ahead import NOTHING, Ahead
from .._host.edits import pretty_json
from .._host.host import Host

FILE = "memoryd.ran-from.json"
FORMAT = 1
PRIVATE = 0o600
SIZE_LIMIT = 1 << 20  # bytes
CLOCK_SLACK = 2  # seconds by which a start may seem to have moved without anybody having set the clock
DIGEST = re.compile(r"[0-9a-f]{64}")
TRIED = ("", "watch", "future")


class Seen(NamedTuple):
    """A file as it was seen: its checksum (SHA-256), and what says that it is still the same without reading it."""

    sha256: str
    identity: tuple[int, ...]  # device, inode, size, mtime and ctime in nanoseconds


class Record(NamedTuple):
    """What is written down of a daemon: the process, and the files that it runs from, None for one that was missing.

    tried: the complaint that a restart did not cure, which is not worth another one while the files stay as they are.
    """

    pid: int
    birth: str
    started: float
    files: Mapping[str, Seen | None]
    tried: str = ""

    def is_of(self, process: Process) -> bool:
        """True where it is of this very process."""
        return bool(self.birth) and (self.pid, self.birth) == (process.pid, process.birth)

    def clock_was_set(self, process: Process) -> bool:
        """True where somebody set the clock since: the same start seems to have been at another time."""
        return self.is_of(process) and abs(process.started - self.started) > CLOCK_SLACK


def runs_from(host: Host) -> list[str]:
    """What memoryd runs from."""
    return [host.paths.binary, host.paths.slot, host.paths.launcher, host.paths.config_file]


def recall(host: Host) -> Record | None:
    """What is written down; None where there is nothing, or nothing to believe. Never fails."""
    try:
        if not _is_ours(host):
            return None
        found = host.files.read(os.path.join(host.paths.state, FILE))
        value = json.loads(found.data.decode("utf-8")) if found else None
        return _record(value)
    except (Problem, ValueError, TypeError, KeyError, RecursionError):
        return None


def remember(host: Host, record: Record) -> str:
    """Write it down; returns why that could not be done, empty where it was."""
    value = {"format": FORMAT, **record._asdict(), "files": {path: _told(seen) for path, seen in record.files.items()}}
    try:
        with host.files.tree(host.paths.state) as state:
            if state.is_link(FILE):
                raise Problem("a link stands in its place", state.path(FILE), "irregular")
            state.write(FILE, pretty_json(value), PRIVATE)
    except Problem as problem:
        return str(problem)
    return ""


def _told(seen: Seen | None) -> dict[str, Any] | None:
    return None if seen is None else {"sha256": seen.sha256, "identity": list(seen.identity)}


def record_of(host: Host, process: Process, paths: Sequence[str], old: Record | None, tried: str) -> Record:
    """The record of a daemon that runs from these files. Raises Problem where one cannot be read.

    From what they are now; what has changed since the very same daemon was written down, it does not run from.
    """
    files = {path: seen_now(host, path, old) for path in paths}
    known = old.files if old is not None and old.is_of(process) else {}
    for path, before in known.items():
        now = files.get(path, before)
        if (now and now.sha256) != (before and before.sha256):
            files[path] = before
    return Record(process.pid, process.birth, process.started, files, tried)


def seen_now(host: Host, path: str, old: Record | None) -> Seen | None:
    """The file at path; None where it is missing. What was seen before and is still the same is not read again."""
    status = host.files.status(path)
    if status is None:
        return None
    identity = _identity(status)
    known = old.files.get(path) if old else None
    if known is not None and known.identity == identity:
        return known
    found = host.files.checksum(path)
    return None if found is None else Seen(found.sha256, identity)


def newer_file(
    host: Host, process: Process, paths: Sequence[str], old: Record | None, ahead: Ahead = NOTHING
) -> str:
    """The first of the files whose bytes changed since the process started; empty where none did.

    Missing files do not count. Raises Problem where one cannot be read.
    """
    return next((path for path in paths if _changed(host, process, path, old, ahead)), "")


def _changed(host: Host, process: Process, path: str, old: Record | None, ahead: Ahead) -> bool:
    known = old is not None and path in old.files
    before = old.files[path] if old is not None and known else None
    if path in ahead.written:
        return not (before and before.sha256 == ahead.sums.get(path))
    status = host.files.status(path)
    if status is None:
        return False
    if old is None or not known:
        now = host.clock.now() + CLOCK_SLACK
        return all(_is_later(moment, process) and moment <= now for moment in (status.st_mtime, status.st_ctime))
    seen = seen_now(host, path, old)
    if seen is None or (before is not None and seen.sha256 == before.sha256):
        return False
    # Another daemon than that of the record: it may have been started since the change, which took its name at ctime.
    later = _is_later(status.st_ctime, process) or status.st_ctime > host.clock.now() + CLOCK_SLACK
    return old.is_of(process) or later


def _is_later(moment: float, process: Process) -> bool:
    """Whether a moment is after a start; one that is only known to the second is taken as the end of that second."""
    return moment > process.started + (0 if process.exact else 1)


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _is_ours(host: Host) -> bool:
    """Whether the file is one that nobody but its owner could have written."""
    try:
        status = os.lstat(spell(os.path.join(host.paths.state, FILE)))
        # As root, the folder's owner is who it belongs to.
        owner = os.geteuid() or os.stat(spell(host.paths.state)).st_uid
    except (OSError, ValueError):
        return False
    private = stat.S_ISREG(status.st_mode) and not status.st_mode & 0o022
    return private and status.st_uid == owner and status.st_size <= SIZE_LIMIT


def _record(value: Any) -> Record | None:
    """The record that a JSON value is; None for what is none, or one of the errors that recall expects."""
    if not isinstance(value, dict) or value.pop("format", None) != FORMAT or set(value) != set(Record._fields):
        return None
    if not isinstance(value["files"], dict):
        return None
    files = {path: None if seen is None else _seen(seen) for path, seen in value["files"].items()}
    record = Record(**{**value, "files": files})
    # pylint: disable-next=unidiomatic-typecheck # true and false are no numbers
    plain = type(record.pid) is int and isinstance(record.birth, str) and type(record.started) in (int, float)
    return record if plain and record.tried in TRIED and all(map(os.path.isabs, files)) else None


def _seen(value: Any) -> Seen:
    sha256, identity = value["sha256"], value["identity"]
    if set(value) != {"sha256", "identity"} or not DIGEST.fullmatch(sha256) or len(identity) != 5:
        raise ValueError("no file that was seen")
    # pylint: disable-next=unidiomatic-typecheck
    if not all(type(number) is int for number in identity):
        raise ValueError("no identity of a file")
    return Seen(sha256, tuple(identity))
