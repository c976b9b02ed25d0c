# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one doorway to processes, signals and HTTP (contract §8 and §11).

Nothing else in the collection spawns, signals, connects or looks a binary up. Results, not exceptions: a missing
binary, a refusal and a time-out are outcomes that callers report.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Callable, NamedTuple, Optional

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.sandbox import Sandbox

LOOPBACK = ("127.0.0.1", "localhost", "::1")
# The same flags on Linux and macOS; the C locale, because lstart is spelled in the locale's words.
PS = ("env", "LC_ALL=C", "ps", "-ww", "-o", "uid=,stat=,lstart=,command=", "-p")
REFUSED_RC = 127
TIMEOUT_RC = 124
REFUSAL = "refused by the sandbox: {0} was not named"


class Binary(NamedTuple):
    """A program: a path or a bare name, and whether the operator named it (an option was given)."""

    path: str
    named: bool = False


class Outcome(NamedTuple):
    """What came of a command or a request; rc 127 where it was refused or is missing, 124 after the time limit."""

    rc: int
    out: str = ""
    err: str = ""
    refused: bool = False
    missing: bool = False

    @property
    def complaint(self) -> str:
        """The first telling line of a failure, for people."""
        lines = [line.strip() for text in (self.err, self.out) for line in text.splitlines() if line.strip()]
        return lines[0][:200] if lines else f"exit code {self.rc}"


class Process(NamedTuple):
    """What is known of a live process; started is seconds since the epoch, exact tells if it is finer than a second."""

    pid: int
    uid: int
    state: str
    command: str
    started: float
    exact: bool


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
    """The handle that everything takes. Refuses while the sandbox is armed, but for the four allowances of §11."""

    def __init__(self, sandbox: Sandbox, environ: Mapping[str, str] | None = None) -> None:
        self.sandboxed = sandbox.armed
        self._environ = None if environ is None else dict(environ)

    def run(self, binary: Binary, args: Sequence[str], cwd: str | None = None, timeout: float = 60) -> Outcome:
        """Run a program to its end, without a shell and without standard input; timeout in seconds."""
        if self.sandboxed and not (binary.named or binary.path == sys.executable):
            return Outcome(REFUSED_RC, "", REFUSAL.format(binary.path), refused=True)
        return self._spawn([binary.path, *args], cwd, timeout)

    def _spawn(self, argv: list[str], cwd: str | None, timeout: float) -> Outcome:
        try:
            done = subprocess.run(
                argv,
                cwd=cwd,
                env=self._environ,
                timeout=timeout,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Outcome(TIMEOUT_RC, "", f"{argv[0]} gave no answer within {timeout:g} s")
        except OSError as error:
            reason = f"{argv[0]}: {error.strerror or error}"
            return Outcome(REFUSED_RC, "", reason, missing=isinstance(error, FileNotFoundError))
        except ValueError as error:  # an argument with a NUL byte
            return Outcome(REFUSED_RC, "", f"{argv[0]}: {error}")
        return Outcome(done.returncode, done.stdout, done.stderr)

    def find(self, name: str, *fallbacks: str) -> str | None:
        """The absolute path of a program on PATH, else the first fallback that can be run; None in the sandbox."""
        if self.sandboxed:
            return None
        return shutil.which(name) or next((path for path in fallbacks if os.access(path, os.X_OK)), None)

    def get(self, url: str, timeout: float = 2) -> Outcome:
        """Ask url; rc 0 whenever a server answers at all, with its status as output; timeout in seconds."""
        import urllib.request  # three times the cost of all else here, and rarely asked for

        host = urllib.request.urlparse(url).hostname
        if self.sandboxed and host not in LOOPBACK:
            return Outcome(REFUSED_RC, "", REFUSAL.format(host), refused=True)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(url, timeout=timeout) as answer:
                return Outcome(0, str(answer.status))
        except (OSError, ValueError) as error:
            if hasattr(error, "code"):  # an HTTP error is an answer too
                return Outcome(0, str(error.code))
            return Outcome(1, "", f"{url}: {error}")

    def alive(self, pid: int) -> bool:
        """True where pid is a process that has not ended (a zombie has); pids below 2 are never ours to ask about."""
        if pid < 2:
            return False
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except (PermissionError, OverflowError):
            return pid < 2**31
        found = self.process(pid)
        return found is None or not found.state.startswith("Z")

    def process(self, pid: int) -> Process | None:
        """The process with this pid, from /proc where there is one, else from ps; None where there is none."""
        if not 1 <= pid < 2**31:
            return None
        if os.path.exists("/proc/self/stat"):
            return _process_from_proc(pid)
        return parse_ps(pid, self._spawn([*PS, str(pid)], None, 10).out)

    def signal(self, pid: int, number: int, verdict: Verdict) -> str | None:
        """Send a signal to pid if verdict has nothing against it; returns why it was not sent, None when it was.

        Verified kill of §8: on Linux through a pidfd opened before the check, so that the process checked is the one
        signalled; elsewhere the check stands immediately before the signal.
        """
        if pid <= 1:
            return f"pid {pid} is never signalled"
        handle = _open_pidfd(pid)
        try:
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
        while True:
            found = self.process(process.pid)
            if found is None or found.state.startswith("Z") or abs(found.started - process.started) > 2:
                return True
            if clock.monotonic() >= limit:
                return False
            clock.sleep(0.05)


def _open_pidfd(pid: int) -> int | None:
    opener = getattr(os, "pidfd_open", None)
    if opener is None or not hasattr(signal, "pidfd_send_signal"):
        return None
    try:
        return int(opener(pid))
    except ProcessLookupError:
        return None
    except OSError:  # a kernel without the call
        return None


def _process_from_proc(pid: int) -> Process | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat, open(f"/proc/{pid}/cmdline", "rb") as cmdline:
            fields = stat.read().rpartition(b")")[2].split()
            command = cmdline.read().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        uid = os.stat(f"/proc/{pid}").st_uid
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return Process(pid, uid, fields[0].decode(), command, time.time() - age, exact=True)


def parse_ps(pid: int, text: str) -> Process | None:
    """Read the line that ps prints for uid=,stat=,lstart=,command= (the same flags on Linux and macOS)."""
    fields = text.strip().split(None, 7)
    if len(fields) < 7:
        return None
    try:
        started = time.mktime(time.strptime(" ".join(fields[3:7]), "%b %d %H:%M:%S %Y"))
        uid = int(fields[0])
    except ValueError:
        return None
    return Process(pid, uid, fields[1], fields[7] if len(fields) > 7 else "", started, exact=False)
