# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Walks a module run through every system call that changes a file: one of them goes wrong, and what is left?"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sysconfig
import tempfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ansible_collections.agfpd.iapeer_memory.tests.crash import nursery
from ansible_collections.agfpd.iapeer_memory.tests.crash.scenarios import Step, start_daemon
from ansible_collections.agfpd.iapeer_memory.tests.crash.snapshots import (
    Snapshot,
    restore,
    take,
    torn,
    unequal,
)
from ansible_collections.agfpd.iapeer_memory.tests.crash.syscalls import (
    DRAFT,
    REMOVING,
    REPEATED,
    SPAWNING,
    TRACE,
    Point,
    final,
    is_ours,
    points,
    same,
    unsynced,
)
from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import ThrowawayHost

KILL, GONE, MOVED = "KILL", "cwd removed", "cwd moved"
ERRORS = ("ENOSPC", "EIO", "EROFS", "EINTR")
VANISHING = (GONE, MOVED)
SECONDS_TO_MEND = 5
EVERY = int(os.environ.get("CRASH_EVERY") or 1)
IN_MEMORY = "/dev/shm"
NAMESPACE = ("unshare", "--mount", "--propagation", "private")
Violations = list[str]


class Broken(Exception):
    """The harness itself cannot work here."""


@dataclass
class Ran:
    """How a module run ended."""

    rc: int
    out: str
    err: str
    seconds: float
    late: bool
    log: str = ""

    @property
    def result(self) -> dict[str, Any]:
        """What the module printed; empty where that is not one JSON object."""
        with contextlib.suppress(ValueError):
            value = json.loads(self.out)
            return value if isinstance(value, dict) else {}
        return {}

    @property
    def ok(self) -> bool:
        return self.rc == 0 and bool(self.result) and not self.result.get("failed")

    @property
    def clear(self) -> bool:
        """True where it left with a result or with a message, and with no traceback."""
        failed = self.rc == 1 and self.result.get("failed") is True and bool(self.result.get("msg"))
        return (self.ok or failed) and "Traceback" not in self.err

    def shown(self) -> str:
        words = json.dumps(self.result) if self.clear else f"{self.out} {self.err}".strip()
        return f"rc {self.rc}{' (timed out)' if self.late else ''}: {self.result.get('msg') or words[-1500:]}"


class Nursery:
    """The warm process that runs modules (nursery.py); apart: with mounts of its own.

    It has a temporary folder of its own, in which nobody else's scratch is met: the calls are counted.
    """

    def __init__(self, log: Path, apart: bool = False) -> None:
        self.log = log
        owner = () if os.geteuid() == 0 else ("--user", "--map-root-user")
        prefix = (*NAMESPACE, *owner, "--") if apart else ()
        # Where the other side has another Python, ansible's part in a module is that of this one.
        paths = [os.environ["PYTHONPATH"], sysconfig.get_path("purelib")]
        command = [*prefix, os.environ["ANSIBLE_PYTHON_INTERPRETER"], "-B", nursery.__file__]
        self._process = subprocess.Popen(
            command, env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        self.pid = int(self._answer())
        self._temporary = tempfile.TemporaryDirectory(prefix="iapeer-memory-crash-tmp-")

    def _answer(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise Broken("the nursery ended: see its standard error")
        return line

    def ask(self, **request: Any) -> dict[str, Any]:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._answer())
        if "broken" in answer:
            raise Broken(answer["broken"])
        return answer

    def run(self, host: ThrowawayHost, step: Step, inject: str | None = None, **faults: Any) -> Ran:
        """Run a step; inject: what strace is to inject, empty: only trace, None: no strace.

        faults: kill_after (seconds), at_stop (a path, and where it is moved or ""), file_size (the limit in bytes),
        threads (use them), cwd (an empty folder to run in, which is removed first).
        """
        strace = None if inject is None else ["-e", TRACE, *(("-e", f"inject={inject}") if inject else ())]
        self.log.unlink(missing_ok=True)
        request: dict[str, Any] = {
            "kill_after": None,
            "at_stop": None,
            "file_size": None,
            "threads": False,
            "cwd": str(host.base),
        }
        env = {**host.env, "TMPDIR": self._temporary.name}
        request.update(module=step.module, args=step.args, env=env, strace=strace, log=str(self.log), timeout=30)
        request.update(faults, lose_cwd="cwd" in faults)
        answer = self.ask(**request)
        return Ran(**answer, log=self.log.read_text(errors="replace") if strace and self.log.exists() else "")

    def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)
        self._temporary.cleanup()


@contextlib.contextmanager
def nursery_in(place: Path, apart: bool = False) -> Iterator[Nursery]:
    """A nursery as long as the context lasts."""
    found = Nursery(place / "strace.log", apart)
    try:
        yield found
    finally:
        found.close()


@contextlib.contextmanager
def working_place() -> Iterator[Path]:
    """A folder for hosts, in memory where that can be had, gone in the end."""
    base = IN_MEMORY if os.access(IN_MEMORY, os.W_OK | os.X_OK) else None
    place = tempfile.mkdtemp(prefix="iapeer-memory-crash-", dir=base)
    try:
        yield Path(os.path.realpath(place))
    finally:
        shutil.rmtree(place, ignore_errors=True)


def require_strace() -> None:
    """Raise Broken, with what to do, where there is no strace."""
    if shutil.which("strace") is None:
        raise Broken("strace is missing, without which no fault can be injected: install it (apt-get install strace)")


@dataclass
class Walk:
    """One step on one host, from one state to the next, with every fault at every point.

    before and after: the host before the step and after an undisturbed run of it. seen: from where the host can be
    seen (its base, unless that lies in other mounts). old_lock: whether a lock is old before the step, as one
    without an owner must be to count as dead; ages_again: and again before the next run, because breaking it takes more
    than one change.
    """

    nursery: Nursery
    host: ThrowawayHost
    step: Step
    before: Snapshot
    seen: str = ""
    old_lock: bool = False
    ages_again: bool = False
    after: Snapshot = field(default_factory=dict)
    points: list[Point] = field(default_factory=list)
    tally: Counter[tuple[str, str]] = field(default_factory=Counter)
    violations: Violations = field(default_factory=list)

    def __post_init__(self) -> None:
        self.seen = self.seen or str(self.host.base)

    def follow(self) -> tuple[Ran, Violations]:
        """The next run, and what of the host is not then as it must be: as the step leaves it, or as it was before.

        On the way back a run may find nothing to write, and then nothing to clear away either.
        """
        back = self.step.back
        ran = self.nursery.run(self.host, self.step if back is None else self.step._replace(args=back))
        now = take(self.seen)
        if back is None:
            return ran, unequal(now, self.after)
        return ran, unequal({path: entry for path, entry in now.items() if not is_ours(path)}, self.before)

    def set_out(self, traced: bool = True) -> None:
        """The undisturbed run: it succeeds, the calls in it are the points, and a second one changes nothing.

        Raises Broken where that is not so; a name given before the data is on disk is a violation.
        """
        with self.prepared():
            first = self.nursery.run(self.host, self.step, inject="" if traced else None)
        self.after = take(self.seen)
        self.points = points(first.log, str(self.host.base))
        self.violations += [f"{self.step.name}: not on disk before it got its name: {p}" for p in unsynced(self.points)]
        second, problems = self.follow()
        problems += [path for path in self.after if is_ours(path)]
        again = self.step.back is None
        if not first.ok or not second.ok or (again and second.result["changed"]) or problems:
            raise Broken(f"{self.step.name} goes wrong undisturbed: {first.shown()} {second.shown()} {problems}")

    @contextlib.contextmanager
    def prepared(self) -> Iterator[None]:
        """The host as it was before the step, with a daemon where the step is about one."""
        restore(self.seen, self.before)
        self.age_lock()
        daemon = start_daemon(self.host) if self.step.daemon else None
        try:
            yield
        finally:
            if daemon is not None:
                daemon.kill()
                daemon.communicate()

    def age_lock(self) -> None:
        lock = os.path.join(self.seen, self.host.lock_dir.relative_to(self.host.base))
        if self.old_lock and os.path.isdir(lock):
            os.utime(lock, (1, 1))

    def try_points(self, kind: str, every: int = EVERY) -> None:
        """One kind of fault at every point, or at one of so many, for other kinds and steps at other ones."""
        first = zlib.crc32(f"{self.step.name} {kind}".encode()) % min(every, len(self.points) or 1)
        for point in self.points[first::every]:
            if point.call in SPAWNING and kind != KILL:
                continue
            if kind in VANISHING:
                problems = self.vanish(point, kind) if self.peer_of(point) else None
            else:
                problems = self.kill(point) if kind == KILL else self.fail(point, kind)
            if problems is not None:
                self.count(point.call, kind, f"{kind} at {point}", problems)

    def count(self, call: str, kind: str, where: str, problems: Violations) -> None:
        """One more point was tried; its violations are remembered with the place."""
        self.tally[call, kind] += 1
        self.violations += [f"{self.step.name}: {where}: {problem}" for problem in problems]

    def kill(self, point: Point) -> Violations:
        ran = self.interrupted(point, "signal=KILL")
        now = take(self.seen)
        if ran.rc != -9 and not (point.call in SPAWNING and ran.ok):  # how often is asked differs from run to run
            return [f"the point was not reached: {ran.shown()}"]
        return torn(now, self.before, self.after, killed=True) + self.mended()

    def fail(self, point: Point, error: str) -> Violations:
        ran = self.interrupted(point, f"error={error}")
        problems = self.settled(ran, point)
        if error == "EINTR" and point.call in REPEATED and not ran.ok:
            problems.append(f"not repeated: {ran.shown()}")
        return problems + self.mended()

    def interrupted(self, point: Point, fault: str, **faults: Any) -> Ran:
        """A run with the fault at the point, for sure: looked for again where the count of calls was another one."""
        wanted = point
        for _attempt in range(3):
            with self.prepared():
                ran = self.nursery.run(self.host, self.step, f"{point.call}:{fault}:when={wanted.number}", **faults)
            found = points(ran.log, str(self.host.base))
            if not point.paths or any(same(wanted, other) for other in found if other.failed or "error" not in fault):
                return ran
            with self.prepared():
                again = points(self.nursery.run(self.host, self.step, "").log, str(self.host.base))
            place = [other for other in self.points if other.paths].index(point)
            wanted = [other for other in again if other.paths][place]
        raise Broken(f"{fault} does not come to {point}: {ran.shown()}")

    def settled(self, ran: Ran, point: Point | None = None) -> Violations:
        """What must hold after a run that was not killed, whatever went wrong in it."""
        now = take(self.seen)
        if point is not None and self.is_excused(point):
            now = {path: entry for path, entry in now.items() if not is_ours(path)}
        problems = torn(now, self.before, self.after, killed=False)
        if not ran.clear:
            return [*problems, f"no clear end: {ran.shown()}"]
        if ran.ok:
            return problems + [f"said to have succeeded, but {problem}" for problem in unequal(now, self.after)]
        if point is not None:
            problems += self.named(ran, point) + self.others(now, point)
        return problems

    def is_excused(self, point: Point) -> bool:
        """True where something of ours is still there because its removal failed, or the look whether it is dead."""
        old = any(os.path.relpath(path, self.host.base) in self.before for path in point.paths)
        return any(map(is_ours, point.paths)) and (point.call in REMOVING or (point.call == "flock" and old))

    def named(self, ran: Ran, point: Point) -> Violations:
        """The message names the file that was in trouble, by its own name or by a link that leads there."""
        message = DRAFT.sub(r"\1", str(ran.result["msg"]))
        paths = [final(path) for path in point.paths]
        paths += [os.path.dirname(path) for path in paths if point.call in REMOVING]  # a folder is removed as a whole
        links = {path: entry for path, entry in self.before.items() if entry.data and entry.kind == 0o120000}
        for path, entry in links.items():
            target = os.path.join(os.path.dirname(path), os.fsdecode(entry.data))
            place = str(self.host.base / os.path.normpath(target))
            synced = point.call == "fsync" and os.path.dirname(place) in paths  # the folder of what took its name
            if place in paths or synced:
                paths.append(str(self.host.base / path))
        return [] if any(path in message for path in paths) else [f"none of {paths} is named: {message}"]

    def peer_of(self, point: Point) -> str:
        """The peer in whose folder the point is; empty where it is in none."""
        folder = f"{self.host.peers_dir}{os.sep}"
        return next((path[len(folder) :].split(os.sep)[0] for path in point.paths if path.startswith(folder)), "")

    def others(self, now: Snapshot, point: Point) -> Violations:
        """Where one peer was in trouble, all others got theirs."""
        peer = self.peer_of(point)
        if not peer:
            return []
        spared = [path for path in {**now, **self.after} if path.startswith("peers/") and path.split("/")[1] != peer]
        found = unequal(*({path: tree[path] for path in spared if path in tree} for tree in (now, self.after)))
        return [f"another peer suffered: {problem}" for problem in found]

    def vanish(self, point: Point, kind: str) -> Violations:
        """The peer's folder goes away right after the call."""
        peer = self.peer_of(point)
        folder, grave = self.host.peer(peer), self.host.base.parent / "moved"
        ran = self.interrupted(point, "signal=STOP", at_stop=[str(folder), str(grave) if kind == MOVED else ""])
        problems = [f"{folder} was made anew"] if folder.exists() else []
        if kind == MOVED:
            grave.rename(folder) if not folder.exists() else shutil.rmtree(grave)
        else:
            inside = {path: entry for path, entry in self.before.items() if f"{path}/".startswith(f"peers/{peer}/")}
            restore(self.seen, {**take(self.seen), **inside})
        if not ran.clear:
            problems.append(f"no clear end: {ran.shown()}")
        if not ran.ok and str(folder) not in ran.result.get("msg", ""):
            problems.append(f"{folder} is not named: {ran.shown()}")
        now = take(self.seen)
        left = torn(now, self.before, self.after, killed=kind == MOVED)
        return problems + left + self.others(now, point) + self.mended()

    def mended(self) -> Violations:
        """The next run is not held up by anything, and makes the host what an undisturbed run makes it."""
        if self.ages_again:
            self.age_lock()
        ran, left = self.follow()
        if not ran.ok:
            return [f"the next run failed: {ran.shown()}"]
        problems = [f"after the next run {problem}" for problem in left]
        if ran.seconds > SECONDS_TO_MEND:
            problems.append(f"the next run took {ran.seconds:.1f} s")
        return problems


def walks(
    nursery: Nursery, host: ThrowawayHost, steps: Sequence[Step], old_lock: bool = False, ages_again: bool = False
) -> Iterator[Walk]:
    """A walk for every step, each set out from where the one before it ends."""
    before = take(str(host.base))
    for step in steps:
        if step.daemon:
            daemon = start_daemon(host)
            before = take(str(host.base))
            daemon.kill()
            daemon.communicate()
        walk = Walk(nursery, host, step, before, old_lock=old_lock, ages_again=ages_again)
        walk.set_out()
        yield walk
        before = walk.after
        restore(str(host.base), before)
