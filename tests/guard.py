# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A guard over the whole test suite: no test reaches the account it runs under, by whatever channel.

An audit hook of the interpreter sees every program that is started, every signal, every connection and every change of
a file, also in what a test forks. What is not authorised is stopped, and the test fails with the line it came from,
even where the code under test swallows the error. Programs that tests start are beyond the hook; which ones may be
started is said here, in one place.
"""

from __future__ import annotations

import contextlib
import ipaddress
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Callable

import pytest

ROOT = Path(__file__).resolve().parent.parent
# Programs of the system that tests may start. Others must lie in the checkout (.venv, .node), in a temp dir, or belong
# to the interpreter that runs the tests.
PROGRAMS = frozenset(
    (
        *(
            "bash",
            "cat",
            "chromedriver",
            "dash",
            "env",
            "false",
            "git",
            "kill",
            "ps",
            "python3",
            "sh",
            "shellcheck",
            "sleep",
            "tail",
            "true",
        ),
        *("docker", "podman", "node", "npm", "ssh", "strace", "uname", "unshare", "mount", "umount", "ldconfig"),
        "systemd-analyze",
    )
)
TEMPORARY = ("/tmp", "/var/tmp", "/private/tmp", "/private/var/folders", "/dev/shm")
DEVICES = ("/dev/null", "/dev/tty", "/dev/ptmx")
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


class Violation(RuntimeError):
    """A test did what no test may do; the message says what, and from where."""


class Guard:
    """The pytest plugin. home: the account's own; writable: folders in it that tests may write to all the same."""

    def __init__(self, home: str | None = None, writable: Iterable[str] | None = None) -> None:
        temps = (*TEMPORARY, tempfile.gettempdir())
        self.home = os.path.realpath(pwd.getpwuid(os.getuid()).pw_dir if home is None else home)
        allowed = (str(ROOT), *temps) if writable is None else tuple(writable)
        self.writable = tuple({os.path.realpath(path) for path in allowed})
        self.places = tuple({os.path.realpath(path) for path in (str(ROOT), *temps, sys.prefix, sys.base_prefix)})
        # This very one, and that of the tests' other side.
        pythons = (sys.executable, os.environ.get("ANSIBLE_PYTHON_INTERPRETER", ""))
        self.pythons = {os.path.realpath(path) for path in pythons if path}
        self.busy = False
        self.active = False
        self.pid = os.getpid()
        # A file, because what a forked child does must be seen here too.
        self.log, name = tempfile.mkstemp(prefix="iapeer-memory-guard-")
        os.unlink(name)
        self.read = 0

    def install(self) -> None:
        """From now on nothing gets past. There is no way back but `active`: audit hooks stay."""
        self.active = True
        sys.addaudithook(self.audit)
        self.wrap()

    def wrap(self) -> None:
        """Two calls that the interpreter does not report, or not fully."""
        plain_open = os.open

        def guarded_open(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
            if dir_fd is not None and flags & WRITING:
                self.examine("open", lambda: self.change(path, dir_fd))
            return plain_open(path, flags, mode, dir_fd=dir_fd)

        os.open = guarded_open  # type: ignore[assignment]
        os.supports_dir_fd.add(guarded_open)
        plain_send = getattr(signal, "pidfd_send_signal", None)
        if plain_send is not None:

            def guarded_send(handle: int, number: int, *rest: Any) -> None:
                self.examine("signal.pidfd_send_signal", lambda: self.signal(pid_of(handle), number))
                plain_send(handle, number, *rest)

            signal.pidfd_send_signal = guarded_send  # type: ignore[attr-defined]

    # What is seen

    def audit(self, event: str, args: tuple[Any, ...]) -> None:
        handler = HANDLERS.get(event)
        if handler is not None:
            self.examine(event, lambda: handler(self, *args))

    def examine(self, event: str, judge: Callable[[], str | None]) -> None:
        """Record and stop what the judge has something against."""
        if self.busy or not self.active:
            return
        self.busy = True
        try:
            reason = judge()
            if reason is None:
                return
            text = f"{event}: {reason} at {place_of(sys._getframe(1))}"
            os.write(self.log, (text.replace("\n", " ") + "\n").encode("utf-8", "replace"))
        finally:
            self.busy = False
        raise Violation(text)

    def violations(self) -> list[str]:
        """What happened since the last time."""
        data = os.pread(self.log, 1 << 20, self.read)
        self.read += len(data)
        return data.decode().splitlines()

    # What is judged: each returns a reason, or None

    def program(self, executable: Any, env: Any = None) -> str | None:
        name = os.fsdecode(executable)
        path = None
        with contextlib.suppress(Exception):
            path = (env or os.environ).get("PATH") or (env or {}).get(b"PATH")
        found = name if os.sep in name else shutil.which(name, path=None if path is None else os.fsdecode(path))
        if found is None or not os.path.exists(found):
            return None  # there is nothing to be started
        real = os.path.realpath(found)
        if any(under(os.path.abspath(found), place) and under(real, place) for place in self.places):
            return None
        if os.path.basename(found) in PROGRAMS and not under(real, self.home):
            return None
        if real in self.pythons:
            return None
        return f"{name} ({real}) is no program that tests may start"

    def popen(self, executable: Any, args: Any, cwd: Any, env: Any) -> str | None:
        return self.program(executable, env)

    def shell(self, command: Any) -> str | None:
        return f"a shell with {command!r}"

    def spawn(self, mode: Any, path: Any, args: Any, env: Any) -> str | None:
        return self.program(path, env)

    def execute(self, path: Any, args: Any, env: Any) -> str | None:
        return self.program(path, env)

    def signal(self, pid: int, number: int) -> str | None:
        if number == 0 or pid == os.getpid():
            return None
        if pid <= 1:
            return f"signal {number} to {pid}"
        if is_descendant(pid, self.pid) or is_orphan_of_a_test(pid):
            return None
        return f"signal {number} to {pid}, which no test has started"

    def connect(self, handle: Any, address: Any) -> str | None:
        if not isinstance(address, tuple):
            return None  # a name in the file system, or nothing that leaves the machine
        return None if is_loopback(str(address[0])) else f"{address[0]} is not this machine"

    def change(self, path: Any, folder: Any = -1) -> str | None:
        """A change of a file; folder: the handle that path is relative to, -1 or None for the working folder."""
        if isinstance(path, int):
            return None  # it was opened, and looked at then
        name = os.fsdecode(path)
        if not os.path.isabs(name) and isinstance(folder, int) and folder >= 0:
            name = os.path.join(os.readlink(f"/proc/self/fd/{folder}") if os.path.isdir("/proc/self/fd") else "/", name)
        # The last component itself is changed, not what it may lead to; what leads to it counts by where it really is.
        absolute = os.path.abspath(name)
        real = os.path.join(os.path.realpath(os.path.dirname(absolute)), os.path.basename(absolute))
        return self.judge(real)

    def judge(self, real: str) -> str | None:
        if not under(real, self.home) or any(under(real, place) for place in self.writable):
            return None
        if "__pycache__" in real.split(os.sep):
            return None  # the interpreter's own
        return f"a change of {real}, in the home of the account"

    def open(self, path: Any, mode: Any, flags: Any) -> str | None:
        if isinstance(path, int) or not isinstance(flags, int) or not flags & WRITING:
            return None
        if os.fsdecode(path) in DEVICES:
            return None
        return self.change(path) or self.judge(os.path.realpath(os.fsdecode(path)))

    def two(self, first: Any, second: Any, first_folder: Any = -1, second_folder: Any = -1) -> str | None:
        return self.change(first, first_folder) or self.change(second, second_folder)

    # What pytest sees of it

    def verdict(self) -> Generator[None, Any, None]:
        outcome = yield
        found = self.violations()
        if found:
            outcome.force_exception(
                pytest.fail.Exception("\n".join(["the guard stopped this:", *found]), pytrace=False)
            )

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_setup(self) -> Generator[None, Any, None]:
        yield from self.verdict()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_call(self) -> Generator[None, Any, None]:
        yield from self.verdict()

    @pytest.hookimpl(hookwrapper=True)
    def pytest_runtest_teardown(self) -> Generator[None, Any, None]:
        yield from self.verdict()


HANDLERS: dict[str, Callable[..., str | None]] = {
    "subprocess.Popen": Guard.popen,
    "os.system": Guard.shell,
    "os.exec": Guard.execute,
    "os.posix_spawn": Guard.execute,
    "os.spawn": Guard.spawn,
    "pty.spawn": lambda guard, argv: guard.program(argv[0]),
    "os.kill": Guard.signal,
    "os.killpg": Guard.signal,
    "socket.connect": Guard.connect,
    "socket.sendto": Guard.connect,
    "socket.sendmsg": Guard.connect,
    "open": Guard.open,
    "os.truncate": lambda guard, path, length: guard.change(path),
    "os.rename": Guard.two,
    "os.link": Guard.two,
    "os.symlink": lambda guard, target, path, folder=-1: guard.change(path, folder),
    "os.remove": Guard.change,
    "os.rmdir": Guard.change,
    "os.mkdir": lambda guard, path, mode, folder=-1: guard.change(path, folder),
    "os.chmod": lambda guard, path, mode, folder=-1: guard.change(path, folder),
    "os.chown": lambda guard, path, uid, gid, folder=-1: guard.change(path, folder),
    "os.utime": lambda guard, path, times, ns, folder=-1: guard.change(path, folder),
    "os.setxattr": lambda guard, path, *rest: guard.change(path),
    "os.removexattr": lambda guard, path, *rest: guard.change(path),
}


def under(path: str, place: str) -> bool:
    return path == place or path.startswith(place.rstrip(os.sep) + os.sep)


def is_loopback(host: str) -> bool:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    return host in ("", "localhost")


def place_of(frame: FrameType | None) -> str:
    """The lines of tests and of the code under test that led here, the nearest first."""
    lines = []
    for caller in callers(frame):
        path = os.path.realpath(caller.f_code.co_filename)
        installed = path.startswith((sys.prefix + os.sep, sys.base_prefix + os.sep)) or "site-packages" in path
        if path != os.path.realpath(__file__) and os.path.isfile(path) and not installed:
            name = os.path.relpath(path, ROOT) if under(path, str(ROOT)) else path
            lines.append(f"{name}:{caller.f_lineno}")
    return " < ".join(lines[:4]) or "an unknown place"


def callers(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def parent_of(pid: int) -> int:
    """The parent's pid; 0 where there is no such process."""
    if os.path.isdir("/proc/self"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])
        return 0
    answer = subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return int(answer.stdout.strip() or 0)


def is_descendant(pid: int, ancestor: int) -> bool:
    """True as well for what is no process any more."""
    seen = {pid}
    while pid not in (0, 1, ancestor):
        pid = parent_of(pid)
        if pid in seen:
            return False
        seen.add(pid)
    return pid == ancestor or (pid == 0 and len(seen) == 2)


def is_orphan_of_a_test(pid: int) -> bool:
    """Its home is a throwaway one: everything that tests start gets one, and nothing of the account has one."""
    temps = [os.path.realpath(path) for path in (*TEMPORARY, tempfile.gettempdir())]
    with contextlib.suppress(OSError):
        for entry in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0"):
            if entry.startswith(b"HOME="):
                return any(under(os.path.realpath(os.fsdecode(entry[5:])), place) for place in temps)
    return not os.path.isdir("/proc/self") and parent_of(pid) == 1


def pid_of(handle: int) -> int:
    """The pid behind a pidfd; -1 where the process is gone (nobody gets that signal)."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/self/fdinfo/{handle}").read_text().splitlines():
            if line.startswith("Pid:"):
                pid = int(line.split()[1])
                return pid if pid > 0 else os.getpid()
    return os.getpid()
