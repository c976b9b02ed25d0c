# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A switch that takes away from the code under test all that only Linux has: a Mac cannot be had here.

Python imports this by itself at its start where this folder is on PYTHONPATH; IAPEER_TEST_LIKE_A_MAC=1 turns it on. The
collection's module_utils, and nothing else in the process, then find a system without /proc, pidfds, extended
attributes, flags of files, CLOCK_BOOTTIME and renameat2, with a renameatx_np in its place, and with a link that has to
follow. `ps` in bin/ (to be put on PATH) knows only what that of a Mac knows.

What stays as on Linux, and is only believed of a Mac: the kernel itself, case and normal forms of names, the group of a
new file, and how its ps fills its columns (recordings stand for that in the unit tests).
"""

from __future__ import annotations

import builtins
import errno
import importlib
import os
import sys
from typing import Any, Callable

SWITCH = "IAPEER_TEST_LIKE_A_MAC"
SUBJECT = "ansible_collections.agfpd.iapeer_memory.plugins.module_utils."
BIN = os.path.join(os.path.dirname(os.path.abspath(__file__)), "bin")
# What a Mac's Python has not, by module.
ABSENT = {
    "os": (
        *("pidfd_open", "listxattr", "getxattr", "setxattr", "removexattr", "memfd_create", "waitid", "eventfd"),
        *("O_PATH", "O_TMPFILE", "posix_fadvise", "posix_fallocate", "sched_getaffinity", "copy_file_range", "splice"),
    ),
    "signal": ("pidfd_send_signal", "sigtimedwait"),
    "time": ("CLOCK_BOOTTIME", "clock_settime"),
    "fcntl": ("F_SETPIPE_SZ", "F_GETPIPE_SZ"),
    "ctypes": (),
    "os.path": (),
}
BY_NAME = ("open", "stat", "lstat", "access", "listdir", "scandir", "readlink")


def is_proc(path: Any) -> bool:
    """Whether a path leads into /proc."""
    if not isinstance(path, (str, bytes)):
        return False
    name = os.fsdecode(path)
    return name == "/proc" or name.startswith("/proc/")


def blind(call: Callable[..., Any], answer: Any = None) -> Callable[..., Any]:
    """The call, to which there is no /proc; answer: what it returns of it instead of failing."""

    def blinded(path: Any, *args: Any, **more: Any) -> Any:
        if not is_proc(path):
            return call(path, *args, **more)
        if answer is not None:
            return answer
        raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)

    return blinded


class Stand:
    """In the place of a module: what it has at that moment, but for what a Mac has not."""

    def __init__(self, name: str) -> None:
        self._name, self._real = name, importlib.import_module(name)

    def __getattr__(self, word: str) -> Any:
        if word in ABSENT[self._name]:
            raise AttributeError(f"module '{self._name}' has no attribute '{word}' on a Mac")
        found = getattr(self._real, word)
        if self._name == "os" and word == "path":
            return Stand("os.path")
        if self._name == "os" and word in BY_NAME:
            return blind(found)
        if self._name == "os.path" and word in ("exists", "isdir", "isfile", "lexists", "islink"):
            return blind(found, False)
        return SPECIAL.get((self._name, word), lambda plain: plain)(found)


def link(plain: Callable[..., Any]) -> Callable[..., Any]:
    """A link that cannot be told not to follow."""

    def followed(*args: Any, follow_symlinks: bool = True, **more: Any) -> None:
        if not follow_symlinks:
            raise NotImplementedError("link: follow_symlinks unavailable on this platform")
        plain(*args, **more)

    return followed


def ioctl(plain: Callable[..., Any]) -> Callable[..., Any]:
    """A control call that knows no flags of files."""

    def unknown(handle: int, *args: Any) -> Any:
        raise OSError(errno.ENOTTY, os.strerror(errno.ENOTTY))

    return unknown


class Library:
    """The C library of a Mac, by the means of that of Linux."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, word: str) -> Any:
        if word == "renameat2":
            raise AttributeError(word)
        if word == "renameatx_np" and hasattr(self._real, "renameat2"):
            flags = {4: 1}  # RENAME_EXCL, RENAME_NOREPLACE
            return lambda *args: self._real.renameat2(*args[:4], flags[args[4]])
        return getattr(self._real, word)


class Known:
    """A set of functions that takes a blinded one for the one behind it."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __contains__(self, call: Any) -> bool:
        cells = [cell.cell_contents for cell in getattr(call, "__closure__", None) or ()]
        return call in self._real or any(callable(cell) and cell in self._real for cell in cells)


SPECIAL: dict[tuple[str, str], Callable[[Any], Any]] = {
    ("os", "link"): link,
    ("fcntl", "ioctl"): ioctl,
    ("ctypes", "CDLL"): lambda plain: lambda *args, **more: Library(plain(*args, **more)),
    # A set of functions: of those that stand in for some, too.
    ("os", "supports_effective_ids"): Known,
    ("os", "supports_dir_fd"): Known,
}


def importer(name: str, *args: Any, **more: Any) -> Any:
    """The import statement of the code under test."""
    found = builtins.__import__(name, *args, **more)
    wanted = args[2] if len(args) > 2 else more.get("fromlist")
    level = args[3] if len(args) > 3 else more.get("level", 0)
    if level or name not in ABSENT:
        return found
    return Stand(name if wanted else name.partition(".")[0])


def open_file(path: Any, *args: Any, **more: Any) -> Any:
    """The open of the code under test."""
    return blind(builtins.open)(path, *args, **more)


class Loader:
    """A loader that gives the code of a module other builtins before it runs."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def __getattr__(self, word: str) -> Any:
        return getattr(self._real, word)

    def create_module(self, spec: Any) -> Any:
        """As the real one does."""
        return self._real.create_module(spec)

    def exec_module(self, module: Any) -> None:
        """As the real one does, on a Mac."""
        vars(module)["__builtins__"] = {**vars(builtins), "__import__": importer, "open": open_file}
        self._real.exec_module(module)


class Finder:
    """Finds the code under test as it would have been found, with a loader of ours around its own."""

    like_a_mac = True  # how it knows itself where this file was loaded under another name

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """The spec; None for all other code."""
        if not name.startswith(SUBJECT):
            return None
        for finder in sys.meta_path:
            spec = None if finder is self else finder.find_spec(name, path, target)
            if spec is not None:
                if spec.loader is not None and hasattr(spec.loader, "exec_module"):
                    spec.loader = Loader(spec.loader)
                return spec
        return None


def install() -> None:
    """From now on the code under test that is imported runs on a Mac."""
    if not any(getattr(finder, "like_a_mac", False) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder())  # type: ignore[arg-type]


if os.environ.get(SWITCH) == "1":
    install()
