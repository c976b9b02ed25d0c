# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one doorway to processes, signals and HTTP (contract §8 and §11).

Nothing else in the collection spawns, signals, connects or looks a binary up. Results, not exceptions: a missing
binary, a refusal and a time-out are outcomes that callers report.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Callable, NamedTuple, Optional

from .problem import Problem
from .processes import PS, Process, has_proc, list_proc, parse_ps, read_environ, read_proc
from .running import OUTPUT_CAP, REFUSED_RC, TIMEOUT_RC, Outcome, run
from .sandbox import Sandbox
from .spelling import native, spell

__all__ = ["REFUSED_RC", "TIMEOUT_RC", "Binary", "Clock", "Egress", "Outcome", "Process", "Verdict"]

LOOPBACK = ("127.0.0.1", "localhost", "::1")
MAX_PID = 2**31 - 1
REFUSAL = "refused by the sandbox: {0} was not named"
STATUS_LINE = re.compile(rb"HTTP/[0-9.]+ ([0-9]{3})\b")
STATUS_CAP = 4096  # bytes in which a server must have said its status
POLL_SECONDS, PS_SECONDS = 0.05, 1  # how often the end of a process is looked for, and how often by asking ps


class Binary(NamedTuple):
    """A program: a path or a bare name, and whether the operator named it (an option was given)."""

    path: str
    named: bool = False


# A reason not to signal the process, or None where it may be signalled.
Verdict = Callable[[Process], Optional[str]]


class Clock:
    """The time as this host tells it, in seconds."""

    def now(self) -> float:
        """Seconds since the epoch, comparable with the mtime of files."""
        return time.time()

    def monotonic(self) -> float:
        """Seconds on a clock that never goes back, for time limits."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class Egress:
    """The handle that everything takes. Refuses while the sandbox is armed, but for what contract §11 allows."""

    def __init__(self, sandbox: Sandbox, environ: Mapping[str, str] | None = None) -> None:
        self.sandboxed = sandbox.armed
        self._environ = None if environ is None else dict(environ)

    def run(
        self,
        binary: Binary,
        args: Sequence[str],
        cwd: str | None = None,
        timeout: float = 60,
        env: Mapping[str, str] | None = None,
        cap: int = OUTPUT_CAP,
        whole: bool = False,
    ) -> Outcome:
        """Run a program to its end, without a shell and without standard input, in a session of its own.

        timeout in seconds, cap in bytes of either output: beyond them it is ended with all that it started. env: the
        whole environment, made from nothing; None: our own. whole: what it started does not outlive it.
        """
        if self.sandboxed and not (binary.named or binary.path == sys.executable):
            return Outcome(REFUSED_RC, "", REFUSAL.format(binary.path), refused=True)
        return self._spawn([binary.path, *args], cwd, timeout, env, cap, whole)

    def _spawn(
        self,
        argv: list[str],
        cwd: str | None,
        timeout: float,
        env: Mapping[str, str] | None = None,
        cap: int = OUTPUT_CAP,
        whole: bool = False,
    ) -> Outcome:
        return run(argv, cwd, self._environ if env is None else env, timeout, cap, whole)

    def find(self, name: str, *fallbacks: str) -> str | None:
        """The absolute path of a program on PATH, else the first fallback that can be run; None in the sandbox."""
        if self.sandboxed:
            return None
        found = shutil.which(name)
        if found is not None:
            return native(found)
        return next((path for path in fallbacks if os.access(spell(path), os.X_OK)), None)

    def get(self, url: str, timeout: float = 2) -> Outcome:
        """Ask url; rc 0 whenever a server answers at all, with its status as output; timeout in seconds, for all of it.

        No proxy is asked and no redirection followed: nobody but the host that url names.
        """
        import urllib.parse  # costs more than all else here, and is rarely asked for

        try:
            parts = urllib.parse.urlsplit(url)
            host, port = parts.hostname or "", parts.port or 80
        except ValueError as error:
            return Outcome(1, "", f"{url}: {error}")
        if self.sandboxed and host not in LOOPBACK:
            return Outcome(REFUSED_RC, "", REFUSAL.format(host or url), refused=True)
        if parts.scheme != "http" or not host:
            return Outcome(1, "", f"{url}: not an HTTP address")
        place = urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, ""))
        head = f"GET {place} HTTP/1.1\r\nHost: {parts.netloc}\r\nConnection: close\r\n\r\n"
        try:
            status = _ask(host, port, head, timeout)
        except (OSError, ValueError) as error:
            return Outcome(1, "", f"{url}: {error}")
        return Outcome(0, status) if status else Outcome(1, "", f"{url}: what answers does not speak HTTP")

    def alive(self, pid: int) -> bool:
        """True where pid is a process that has not ended (a zombie has); in doubt True."""
        if not 1 <= pid <= MAX_PID:
            return False
        if not _is_there(pid):
            return False
        try:
            found = self.process(pid)
        except Problem:
            return True
        return found is not None and not found.state.startswith("Z")

    def process(self, pid: int) -> Process | None:
        """The process with this pid, from /proc where there is one, else from ps; None where there is none.

        Raises Problem where it may not be looked at: a process that cannot be seen is not one that has ended.
        """
        if not 1 <= pid <= MAX_PID:
            return None
        if has_proc():
            return read_proc(pid)
        answer = self._spawn([*PS, str(pid)], None, 10)
        found = parse_ps(pid, answer.out)
        if found is None and (answer.rc != 1 or answer.out.strip()):
            raise Problem(f"ps did not say what process {pid} is: {answer.complaint}")
        return found

    def pids(self) -> list[int]:
        """The pids of all processes that can be seen; none where the system does not list them in /proc."""
        return list_proc() if has_proc() else []

    def environment(self, process: Process) -> dict[str, str] | None:
        """The environment that a process was started with; None where the system does not tell it."""
        return read_environ(process.pid) if has_proc() else None

    def signal(self, pid: int, number: int, verdict: Verdict) -> str | None:
        """Send a signal to pid if verdict has nothing against it; returns why it was not sent, None when it was.

        Verified kill (contract §8): on Linux through a pidfd opened before the check, so that the process checked is
        the one signalled; elsewhere the check stands immediately before the signal.
        """
        if not 1 < pid <= MAX_PID:
            return f"pid {pid} is never signalled"
        handle = None
        try:
            handle = _open_pidfd(pid)
            found = self.process(pid)
            reason = f"no process {pid}" if found is None else verdict(found)
            if reason is not None:
                return reason
            if handle is None:
                os.kill(pid, number)
            else:
                signal.pidfd_send_signal(handle, number)  # type: ignore[attr-defined, unused-ignore]
        except ProcessLookupError:
            return f"no process {pid}"
        except PermissionError:
            return f"no permission to signal {pid}"
        finally:
            if handle is not None:
                os.close(handle)
        return None

    def wait_gone(self, process: Process, clock: Clock, seconds: float) -> bool:
        """Wait until this very process (not a later one with its pid) has ended; seconds is the limit."""
        limit = clock.monotonic() + seconds
        due = clock.monotonic()
        while True:
            now = clock.monotonic()
            # Without /proc each look starts a program: rarely, and when something has happened.
            if has_proc() or now >= min(due, limit) or not _is_there(process.pid):
                found, due = self.process(process.pid), now + PS_SECONDS
                if found is None or found.state.startswith("Z") or not found.is_same(process):
                    return True
            if now >= limit:
                return False
            clock.sleep(POLL_SECONDS)


def _is_there(pid: int) -> bool:
    """True where the system knows the pid: of a process, or of one that has ended and that nobody has waited for."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # there is one, and it is somebody else's
    return True


def _ask(host: str, port: int, request: str, timeout: float) -> str:
    """The status that a server answers a request with; empty where that is no HTTP. timeout in seconds, for all."""
    import socket

    limit = time.monotonic() + timeout
    with socket.create_connection((host, port), timeout) as connection:
        connection.sendall(request.encode("ascii"))
        head = b""
        while b"\n" not in head and len(head) < STATUS_CAP:
            connection.settimeout(max(0.001, limit - time.monotonic()))
            part = connection.recv(STATUS_CAP)
            if not part:
                break
            head += part
    match = STATUS_LINE.match(head)
    return match[1].decode() if match else ""


def _open_pidfd(pid: int) -> int | None:
    """A handle on the process; None where the system has none to give. Raises ProcessLookupError."""
    opener = getattr(os, "pidfd_open", None)
    if opener is None or not hasattr(signal, "pidfd_send_signal"):
        return None
    try:
        return int(opener(pid))
    except ProcessLookupError:
        raise
    except OSError:  # a kernel without the call
        return None
