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

from .problem import Problem
from .sandbox import Sandbox

LOOPBACK = ("127.0.0.1", "localhost", "::1")
# The same flags on Linux and macOS; the C locale, because lstart is spelled in the locale's words.
PS = ("env", "LC_ALL=C", "ps", "-ww", "-o", "uid=,stat=,lstart=,command=", "-p")
# ps speaks English, and strptime whatever language the module's interpreter was set to.
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
MAX_PID = 2**31 - 1
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
    """What is known of a live process; started is seconds since the epoch, exact tells if it is finer than a second.

    birth is the system's own word for the start: unlike started it stays the same when somebody sets the clock.
    """

    pid: int
    uid: int
    state: str
    command: str
    started: float
    exact: bool
    birth: str = ""

    def is_same(self, other: Process) -> bool:
        """True where other is this very process, not a later one with its pid."""
        return (self.pid, self.birth) == (other.pid, other.birth) and bool(self.birth or self.started == other.started)


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
                capture_output=True,
                encoding="utf-8",
                errors="replace",
                check=False,
            )
        except subprocess.TimeoutExpired:
            return Outcome(TIMEOUT_RC, "", f"{argv[0]} gave no answer within {timeout:g} s")
        except OSError as error:
            culprit = error.filename or argv[0]  # the program, or the folder it was to run in
            missing = isinstance(error, FileNotFoundError) and culprit == argv[0]
            return Outcome(REFUSED_RC, "", f"{culprit}: {error.strerror or error}", missing=missing)
        except ValueError as error:  # an argument with a NUL byte
            return Outcome(REFUSED_RC, "", f"{argv[0]}: {error}")
        return Outcome(done.returncode, done.stdout, done.stderr)

    def find(self, name: str, *fallbacks: str) -> str | None:
        """The absolute path of a program on PATH, else the first fallback that can be run; None in the sandbox."""
        if self.sandboxed:
            return None
        return shutil.which(name) or next((path for path in fallbacks if os.access(path, os.X_OK)), None)

    def get(self, url: str, timeout: float = 2) -> Outcome:
        """Ask url; rc 0 whenever a server answers at all, with its status as output; timeout in seconds.

        No proxy is asked and no redirection followed: nobody but the host that url names.
        """
        import http.client  # three times the cost of all else here, and rarely asked for
        import urllib.parse

        try:
            parts = urllib.parse.urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            return Outcome(1, "", f"{url}: {error}")
        if self.sandboxed and host not in LOOPBACK:
            return Outcome(REFUSED_RC, "", REFUSAL.format(host or url), refused=True)
        if parts.scheme != "http" or not host:
            return Outcome(1, "", f"{url}: not an HTTP address")
        connection = http.client.HTTPConnection(host, port or 80, timeout=timeout)
        try:
            connection.request("GET", urllib.parse.urlunsplit(("", "", parts.path or "/", parts.query, "")))
            return Outcome(0, str(connection.getresponse().status))
        except (OSError, ValueError, http.client.HTTPException) as error:
            return Outcome(1, "", f"{url}: {error}")
        finally:
            connection.close()

    def alive(self, pid: int) -> bool:
        """True where pid is a process that has not ended (a zombie has); in doubt True."""
        if not 1 <= pid <= MAX_PID:
            return False
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        except PermissionError:
            pass  # there is one, and it is somebody else's
        try:
            found = self.process(pid)
        except Problem:
            return True
        return found is None or not found.state.startswith("Z")

    def process(self, pid: int) -> Process | None:
        """The process with this pid, from /proc where there is one, else from ps; None where there is none.

        Raises Problem where ps does not answer: a process that cannot be seen is not one that has ended.
        """
        if not 1 <= pid <= MAX_PID:
            return None
        if os.path.exists("/proc/self/stat"):
            return _process_from_proc(pid)
        answer = self._spawn([*PS, str(pid)], None, 10)
        found = parse_ps(pid, answer.out)
        if found is None and (answer.rc != 1 or answer.out.strip()):
            raise Problem(f"ps did not say what process {pid} is: {answer.complaint}")
        return found

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
        while True:
            found = self.process(process.pid)
            if found is None or found.state.startswith("Z") or not found.is_same(process):
                return True
            if clock.monotonic() >= limit:
                return False
            clock.sleep(0.05)


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


def _process_from_proc(pid: int) -> Process | None:
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat, open(f"/proc/{pid}/cmdline", "rb") as cmdline:
            fields = stat.read().rpartition(b")")[2].split()
            command = cmdline.read().replace(b"\0", b" ").decode("utf-8", "replace").strip()
        uid = os.stat(f"/proc/{pid}").st_uid
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    return Process(pid, uid, fields[0].decode(), command, time.time() - age, exact=True, birth=fields[19].decode())


def parse_ps(pid: int, text: str) -> Process | None:
    """Read the line that ps prints for uid=,stat=,lstart=,command= (the same flags on Linux and macOS)."""
    fields = text.strip().split(None, 7)
    if len(fields) < 7:
        return None
    try:
        hour, minute, second = map(int, fields[5].split(":"))
        moment = (int(fields[6]), MONTHS.index(fields[3]) + 1, int(fields[4]), hour, minute, second, 0, 0, -1)
        uid, started = int(fields[0]), time.mktime(moment)
    except (ValueError, OverflowError):
        return None
    command = fields[7] if len(fields) > 7 else ""
    return Process(pid, uid, fields[1], command, started, exact=False, birth=" ".join(fields[2:7]))
