# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One program run to its end, within bounds of time and output (contract §11). For egress.py alone."""

from __future__ import annotations

import contextlib
import os
import re
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from .spelling import spell, unspell

OUTPUT_CAP = 16 << 20  # bytes, of either output
REFUSED_RC, TIMEOUT_RC, OVERFLOW_RC = 127, 124, 125
TERM_SECONDS, KILL_SECONDS = 2, 2
LOOK_SECONDS = 0.1  # how long the end of a program may go unseen while a child of its own holds its output open
BLOCK = 1 << 16
TELLING = re.compile(r"\bFAIL|\berror\b|\bfailed\b", re.IGNORECASE)
PIPE_SIZE = 1 << 20  # no more than this can wait in a pipe


class Outcome(NamedTuple):
    """What came of a command or a request.

    rc 127 where it was refused or is missing, 124 after the time limit, 125 where it printed more than it may.
    """

    rc: int
    out: str = ""
    err: str = ""
    refused: bool = False
    missing: bool = False

    @property
    def ended(self) -> str:
        """How it ended, for people: its exit code, or the signal that killed it."""
        if self.rc >= 0:
            return f"exit code {self.rc}"
        names = {number.value: f" ({number.name})" for number in signal.Signals}
        return f"killed by signal {-self.rc}{names.get(-self.rc, '')}"

    @property
    def line(self) -> str:
        """The telling line of a failure: the first error, else the one that says so, else the last; empty: none."""
        errors, words = ([line.strip() for line in text.splitlines() if line.strip()] for text in (self.err, self.out))
        lines = [*errors, *filter(TELLING.search, words), *words[-1:]]
        return lines[0][:200] if lines else ""

    @property
    def complaint(self) -> str:
        """The telling line of a failure, else how it ended; both where it was killed."""
        return self.account if self.rc < 0 else self.line or self.ended

    @property
    def account(self) -> str:
        """The telling line of a failure, and how it ended where that was its own end."""
        ours = self.line and self.rc in (REFUSED_RC, TIMEOUT_RC, OVERFLOW_RC)
        return self.line if ours else "; ".join(filter(None, (self.line, self.ended)))


class _TooMuch(Exception):
    """The program printed more than it may."""


def run(
    argv: Sequence[str],
    cwd: str | None,
    env: Mapping[str, str] | None,
    timeout: float,
    cap: int = OUTPUT_CAP,
    whole: bool = False,
) -> Outcome:
    """Run a program without a shell and without standard input, in a session of its own.

    timeout in seconds; cap: bytes that either output may have. Beyond either everything is ended that the program
    started and that stayed in its group; whole: that is done in any case. What only holds its output open when it has
    ended is not waited for.
    """
    try:
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function # the doorway is tested without a module
            [spell(word) for word in argv],
            cwd=None if cwd is None else spell(cwd),
            env=None if env is None else {spell(name): spell(value) for name, value in env.items()},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,
        )
    except OSError as error:
        return _not_started(argv[0], error)
    except ValueError as error:  # an argument that none can have: with a NUL byte, or half a character
        return Outcome(REFUSED_RC, "", f"{argv[0]}: {error}")
    try:
        out, err = _follow(process, timeout, cap)
    except subprocess.TimeoutExpired:
        return Outcome(TIMEOUT_RC, "", f"{argv[0]} gave no answer within {timeout:g} s")
    except _TooMuch:
        return Outcome(OVERFLOW_RC, "", f"{argv[0]} printed more than {cap} bytes")
    if whole:
        _end(process)
    return Outcome(process.returncode, read_text(out), read_text(err))


def _not_started(program: str, error: OSError) -> Outcome:
    culprit = unspell(error.filename or program)  # the program, or the folder it was to run in
    missing = isinstance(error, FileNotFoundError) and culprit == program
    reason = error.strerror or str(error)
    if missing and os.sep in program and _is_there(program):
        missing, reason = False, f"{reason}: the file is there, its interpreter is missing"
    return Outcome(REFUSED_RC, "", f"{culprit}: {reason}", missing=missing)


def _is_there(program: str) -> bool:
    with contextlib.suppress(OSError):
        return bool(os.stat(spell(program)))
    return False


def read_text(data: bytes) -> str:
    """What a program printed, as far as it is text; a byte order mark is none of it."""
    return data.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n")


def _follow(process: subprocess.Popen[bytes], timeout: float, cap: int) -> tuple[bytes, bytes]:
    """Both outputs of a program that has ended; after any exception, all that it started is ended too."""
    streams = [stream for stream in (process.stdout, process.stderr) if stream is not None]
    taken = {stream.fileno(): bytearray() for stream in streams}
    try:
        with selectors.PollSelector() as selector:
            for handle in taken:
                os.set_blocking(handle, False)
                selector.register(handle, selectors.EVENT_READ)
            _take(process, selector, taken, time.monotonic() + timeout, cap)
    except BaseException:
        _end(process)
        raise
    finally:
        for stream in streams:
            stream.close()
    out, err = taken.values()
    return bytes(out), bytes(err)


def _take(
    process: subprocess.Popen[bytes],
    selector: selectors.BaseSelector,
    taken: Mapping[int, bytearray],
    limit: float,
    cap: int,
) -> None:
    """Read until the program has ended. Raises TimeoutExpired after the limit on the monotonic clock, and _TooMuch."""
    while selector.get_map() and process.poll() is None:
        left = limit - time.monotonic()
        if left <= 0:
            raise subprocess.TimeoutExpired(process.args, 0)
        for key, _events in selector.select(min(left, LOOK_SECONDS)):
            if _read(key.fd, taken[key.fd], BLOCK, cap):
                selector.unregister(key.fd)
    process.wait(max(0, limit - time.monotonic()))
    for handle, data in taken.items():
        _read(handle, data, PIPE_SIZE, cap)  # what it wrote before its end is there


def _read(handle: int, data: bytearray, most: int, cap: int) -> bool:
    """Add what is there now, about this many bytes at most; True at the end of it all. Raises _TooMuch."""
    had = len(data)
    with contextlib.suppress(BlockingIOError):
        while len(data) - had < most:
            block = os.read(handle, BLOCK)
            data += block
            if len(data) > cap:
                raise _TooMuch
            if not block:
                return True
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the program and all of its group: asked first, then made to."""
    limit = time.monotonic() + TERM_SECONDS
    left = _signal_group(process.pid, signal.SIGTERM)
    while left and time.monotonic() < limit:
        time.sleep(LOOK_SECONDS / 5)
        process.poll()
        left = _signal_group(process.pid, 0)
    if left:
        _signal_group(process.pid, signal.SIGKILL)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(KILL_SECONDS)


def _signal_group(group: int, number: int) -> bool:
    """Signal a process group; False where nothing is left of it, or nothing that may be signalled."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True
