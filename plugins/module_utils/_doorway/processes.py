# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the system says of a process (contract §8). For egress.py alone."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

from .problem import Problem
from .spelling import unspell

# The same flags on Linux and macOS; the C locale, because lstart is spelled in the locale's words.
PS = ("env", "LC_ALL=C", "ps", "-ww", "-o", "uid=,stat=,lstart=,command=", "-p")
# ps speaks English, and strptime whatever language the module's interpreter was set to.
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


class Process(NamedTuple):
    """What is known of a live process; started is seconds since the epoch, exact tells if it is finer than a second.

    birth is the system's own word for the start: unlike started it stays the same when somebody sets the clock. argv:
    the arguments one by one, empty where the system tells only the whole line.
    """

    pid: int
    uid: int
    state: str
    command: str
    started: float
    exact: bool
    birth: str = ""
    argv: tuple[str, ...] = ()

    def words(self) -> tuple[str, ...]:
        """The arguments as well as they are known: a line that the process has given itself is split at its blanks."""
        return self.argv if len(self.argv) > 1 else tuple(self.command.split())

    def is_same(self, other: Process) -> bool:
        """True where other is this very process, not a later one with its pid."""
        return (self.pid, self.birth) == (other.pid, other.birth) and bool(self.birth or self.started == other.started)


def has_proc() -> bool:
    """True where the system tells of its processes in /proc."""
    return os.path.exists("/proc/self/stat")


def list_proc() -> list[int]:
    """The pids of all processes that /proc shows."""
    return [int(name) for name in os.listdir("/proc") if name.isdecimal()]


def read_proc(pid: int) -> Process | None:
    """The process as /proc describes it; None where there is none. A thread is none, though it has a number.

    Raises Problem where it may not be looked at.
    """
    try:
        with open(f"/proc/{pid}/stat", "rb") as stat, open(f"/proc/{pid}/cmdline", "rb") as cmdline:
            fields = stat.read().rpartition(b")")[2].split()
            argv = cmdline.read().decode("utf-8", "replace").rstrip("\0").split("\0")
        with open(f"/proc/{pid}/status", "rb") as status:
            if f"\nTgid:\t{pid}\n".encode() not in status.read():
                return None
        uid = os.stat(f"/proc/{pid}").st_uid
    except (FileNotFoundError, ProcessLookupError):
        if _is_somebody_elses(pid):  # a /proc that hides what is not one's own
            raise Problem(f"process {pid} may not be looked at") from None
        return None
    except PermissionError as error:
        raise Problem(f"process {pid} may not be looked at") from error
    age = time.clock_gettime(time.CLOCK_BOOTTIME) - int(fields[19]) / os.sysconf("SC_CLK_TCK")
    state, birth, started = fields[0].decode(), fields[19].decode(), time.time() - age
    return Process(pid, uid, state, " ".join(argv).strip(), started, exact=True, birth=birth, argv=tuple(argv))


def read_environ(pid: int) -> dict[str, str] | None:
    """The environment that a process was started with; None where /proc does not show it, or holds none any more."""
    try:
        with open(f"/proc/{pid}/environ", "rb") as environ:
            pairs = [unspell(pair).partition("=") for pair in environ.read().split(b"\0")]
    except OSError:
        return None
    return {name: value for name, equals, value in pairs if equals} or None


def _is_somebody_elses(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except ProcessLookupError:
        pass
    return False


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
