# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A private folder of a run, from which programs can be run, and which does not outlive it. For files.py alone."""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterator, Sequence

from . import drafts
from .handles import FOLDER, explain, flock, lstat, names_in, opened
from .problem import Problem
from .sandbox import Sandbox
from .spelling import real, spell

PREFIX = "iapeer-memory-scratch-"
ATTEMPTS = 5


@contextlib.contextmanager
def scratch(sandbox: Sandbox, bases: Sequence[str]) -> Iterator[str]:
    """The real path of a new folder (mode 0700) in the first of the bases where a file may be executed.

    It is gone afterwards, whatever happened in it. Raises Problem, with what is wrong with each of the bases.
    """
    reasons: list[str] = []
    for base in dict.fromkeys(bases):
        with contextlib.ExitStack() as stack:
            try:
                path = _make(sandbox, base, stack)
            except Problem as problem:
                reasons.append(str(problem))
                continue
            yield path
            return
    raise Problem(f"there is no place to run a program from: {'; '.join(reasons)}")


def _make(sandbox: Sandbox, base: str, stack: contextlib.ExitStack) -> str:
    """Make the folder, locked as long as the stack lasts; at its end it goes."""
    try:
        place = real(base)
        sandbox.check(os.path.join(place, PREFIX))
        parent = os.open(spell(place), FOLDER)
        stack.callback(os.close, parent)
        _sweep(parent)
        for _attempt in range(ATTEMPTS):
            name = PREFIX + secrets.token_hex(8)
            os.mkdir(spell(name), 0o700, dir_fd=parent)
            stack.callback(_remove, parent, name)
            os.chmod(spell(name), 0o700, dir_fd=parent)  # whatever the umask
            folder = os.open(spell(name), FOLDER, dir_fd=parent)
            stack.callback(os.close, folder)
            # Else another run took it for a leftover before it was locked.
            if flock(folder) is not False and os.fstat(folder).st_nlink:
                _require_executable(folder, base)
                return os.path.join(place, name)
    except OSError as error:
        raise explain(error, base) from error
    except ValueError as error:
        raise Problem(f"no name that a folder can have: {error}", base) from error
    raise Problem("other runs remove what is made there", base)


def _require_executable(folder: int, base: str) -> None:
    probe = spell("probe")
    handle = os.open(probe, drafts.CREATE, 0o700, dir_fd=folder)
    os.fchmod(handle, 0o700)
    os.close(handle)
    allowed = os.access(probe, os.X_OK, dir_fd=folder)
    os.unlink(probe, dir_fd=folder)
    if not allowed:
        raise Problem("nothing may be executed there", base)


def _sweep(parent: int) -> None:
    """Remove what killed runs of this account left: what nobody holds locked any more."""
    for name in names_in(parent):
        status = lstat(name, parent) if name.startswith(PREFIX) else None
        if status is not None and stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid():
            with contextlib.suppress(OSError), opened(name, FOLDER, parent) as handle:
                if flock(handle):
                    drafts.remove(parent, name, force=True)


def _remove(parent: int, name: str) -> None:
    """What cannot be removed now, because a program still writes there, is left to the next run."""
    for _attempt in range(ATTEMPTS):
        with contextlib.suppress(OSError):
            drafts.remove(parent, name, force=True)
            return
