# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof that there is one doorway: egress.py alone spawns, signals, connects and looks programs up, files.py (with
drafts.py, which nobody else may use) alone changes files, and folders.py opens for reading only.

Everything that is not allowed here by name is a violation: a module, one of its attributes, a builtin. So a way out
that nobody thought of is closed as well, and a new need of the code shows up here, where it has to be justified.
"""

from __future__ import annotations

import ast
import functools
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
OURS = "ansible_collections.agfpd.iapeer_memory.plugins."
UTILS = OURS + "module_utils."


def names(module: str, words: str) -> set[str]:
    """The full names of some things of a module."""
    return {f"{module}.{word}" for word in words.split()}


# Modules that reach nothing outside the process; all their public names may be used.
HARMLESS = {
    "__future__",
    "bisect",
    "collections",
    "collections.abc",
    "contextlib",
    "copy",
    "dataclasses",
    "datetime",
    "difflib",
    "enum",
    "errno",
    "functools",
    "hashlib",
    "itertools",
    "json",
    "math",
    "re",
    "secrets",
    "stat",
    "string",
    "textwrap",
    "typing",
    "unicodedata",
}
PATH_NAMES = (
    "abspath basename commonpath dirname exists expanduser isabs isdir isfile islink join lexists normpath realpath "
    "relpath samestat sep split splitext"
)
# Single names of modules that can do more.
ALLOWED = {
    "ansible.module_utils.basic.AnsibleModule",
    "concurrent.futures.ThreadPoolExecutor",
    *names("os.path", PATH_NAMES),
    *names("os", "environ fsdecode fsencode getegid geteuid getpid getppid getuid sep strerror"),
    *names("os", "lstat stat stat_result"),
}
# What single files may use besides, and why.
GRANTS: dict[str, set[str]] = {
    # The doorway to processes, signals and HTTP.
    "module_utils/egress.py": {
        "subprocess.run",
        "subprocess.DEVNULL",
        "subprocess.TimeoutExpired",
        "shutil.which",
        "os.access",
        "os.X_OK",
        "os.kill",
        "os.pidfd_open",
        "signal.pidfd_send_signal",
        "os.close",  # of a pidfd
        "os.sysconf",
        "sys.executable",
        "http.client",
        "urllib.parse",
        "time",
        "open for reading",  # /proc
    },
    # The doorway to file changes, and what it is made of, which only it may use.
    "module_utils/files.py": {
        *names(
            "os", "W_OK access close fchmod fchown fstat fsync link mkdir rename supports_effective_ids umask unlink"
        ),
        UTILS + "drafts",
        UTILS + "folders.opened",
    },
    "module_utils/drafts.py": {
        *names("os", "O_WRONLY O_CREAT O_EXCL O_NOFOLLOW O_CLOEXEC"),
        *names("os", "close fchown fstat listdir mkdir open rename rmdir unlink write"),
        "ctypes.CDLL",  # a rename that replaces nothing, which Python does not have
        "ctypes.get_errno",
        "getattr by variable",  # of that library
        UTILS + "folders.opened",
        UTILS + "folders.flock",
    },
    # Its reading half. None of the flags it can name opens for writing.
    "module_utils/folders.py": {
        *names("os", "O_RDONLY O_DIRECTORY O_NOFOLLOW O_CLOEXEC O_NONBLOCK"),
        *names("os", "open close read fstat listdir"),
        *names("fcntl", "flock LOCK_EX LOCK_NB"),
    },
    "module_utils/sandbox.py": {"pwd.getpwuid"},  # the account's real home
    "module_utils/memoryd.py": {"signal.SIGTERM", "signal.SIGKILL"},  # their numbers, for the doorway
    "module_utils/host_info.py": {"getattr by variable"},  # of a tuple of paths
    # What runs on the controller, in Ansible's own process: its bases, and the files that the operator points at.
    "action/provider_binary.py": {
        "ansible.errors.AnsibleActionFail",
        "ansible.plugins.action.ActionBase",
        ".tmpdir",  # on the host, of the connection
        "open for reading",
    },
    "action/report.py": {
        "ansible.errors.AnsibleActionFail",
        "ansible.plugins.action.ActionBase",
        "ansible.utils.color.stringc",
        "ansible.utils.display.Display",
    },
    "callback/fleet_summary.py": {"ansible.plugins.callback.CallbackBase"},
    "lookup/own_texts.py": {
        "ansible.errors.AnsibleLookupError",
        "ansible.plugins.lookup.LookupBase",
        "pathlib.Path",  # without its methods that change anything
    },
}
# Optional parsers: a module of the standard library that the oldest interpreters do not have.
IMPORTABLE = {"tomllib"}
READING_MODES = {"r", "rb", "rt"}
# What of our own is no use to anybody beyond the doorway.
INNER = (UTILS + "drafts", UTILS + "folders.opened", UTILS + "folders.flock")
# The files that may know each other's private names.
DOORWAY = (("egress",), ("files", "folders", "drafts"), ("sandbox",))

BUILTINS = {
    *("__builtins__", "__import__", "__loader__", "__spec__", "breakpoint", "compile", "delattr", "eval", "exec"),
    *("globals", "input", "locals", "memoryview_of", "open", "setattr", "vars"),
}
# Methods that spawn or change files whatever they are called on: of AnsibleModule, pathlib, Popen, event loops.
METHODS = {
    *("run_command", "get_bin_path", "atomic_move", "backup_local", "preserved_copy", "add_path_info", "tmpdir"),
    *("set_context_if_different", "set_default_selinux_context", "set_directory_attributes_if_different"),
    *("set_file_attributes_if_different", "set_fs_attributes_if_different", "set_group_if_different"),
    *("set_mode_if_different", "set_owner_if_different", "set_attributes_if_different", "do_cleanup_files"),
    *("write_text", "write_bytes", "touch", "symlink_to", "hardlink_to", "link_to", "lchmod", "rmdir", "unlink"),
    *("system", "popen", "Popen", "send_signal", "subprocess_exec", "subprocess_shell", "create_connection"),
    *("extractall", "exec_module", "load_module", "exec_command", "put_file", "_low_level_execute_command"),
}
# The same for files that have paths as objects; elsewhere these are names of much else.
PATH_METHODS = {"chmod", "mkdir", "open", "rename", "replace"}
# The back doors of the interpreter itself.
INTERNALS = {
    *("__builtins__", "__closure__", "__code__", "__dict__", "__getattribute__", "__globals__", "__import__"),
    *("__loader__", "__mro__", "__bases__", "__subclasses__", "__spec__", "f_back", "f_builtins", "f_globals"),
    *("f_locals", "gi_frame", "cr_frame", "tb_frame", "modules"),
}
# Modules that other modules carry about as attributes (`contextlib.os`).
CARRIED = {
    *("abc", "asyncio", "builtins", "codecs", "collections", "ctypes", "fcntl", "functools", "glob", "http", "io"),
    *("importlib", "inspect", "io", "linecache", "locale", "multiprocessing", "operator", "os", "pathlib", "posix"),
    *("posixpath", "pty", "pwd", "random", "runpy", "shutil", "signal", "socket", "subprocess", "sys", "tempfile"),
    *("threading", "time", "types", "urllib", "warnings", "weakref"),
}


class Checker(ast.NodeVisitor):
    """Collects the violations of one file. Names are followed through imports and their aliases, not by spelling."""

    def __init__(self, file: str, private: set[str]) -> None:
        self.file = file
        self.granted = GRANTS.get(file, set())
        self.private = private
        self.methods = METHODS | (PATH_METHODS if "pathlib.Path" in self.granted else set())
        self.aliases: dict[str, str] = {}
        self.modules: set[str] = set()
        self.found: list[str] = []

    def report(self, node: ast.AST, what: str) -> None:
        self.found.append(f"{self.file}:{getattr(node, 'lineno', 0)}: {what}")

    def permits(self, dotted: str) -> bool:
        """Whether the file may use the thing of that full name, or something of its own that belongs to it."""
        words = dotted.split(".")
        for end in range(len(words), 0, -1):
            name = ".".join(words[:end])
            if name in ALLOWED or name in self.granted:
                return True
            if ".".join(words[: end - 1]) in HARMLESS:
                return not any(word in CARRIED for word in words[end - 1 :]) and not words[end - 1].startswith("_")
        return False

    def permits_own(self, dotted: str) -> bool:
        """The same for names of this collection: no private ones, no modules passed on, nothing of the inner part."""
        inner = next((name for name in INNER if dotted == name or dotted.startswith(name + ".")), None)
        if inner is not None and inner not in self.granted:
            return False
        return not any(word in CARRIED or word.startswith("_") for word in dotted.removeprefix(OURS).split("."))

    def check(self, node: ast.AST, dotted: str) -> None:
        own = dotted.startswith(OURS)
        if not (self.permits_own(dotted) if own else self.permits(dotted)):
            self.report(node, dotted)

    # Names come in

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self.check_module(node, alias.name)
            bound = alias.name if alias.asname else alias.name.partition(".")[0]
            self.bind(alias.asname or bound, bound, module=True)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        source = node.module or ""
        if node.level:
            parts = (OURS + self.file).replace("/", ".").split(".")[: -1 - node.level]
            source = ".".join([*parts, *filter(None, [node.module])])
        for alias in node.names:
            dotted = f"{source}.{alias.name}"
            if alias.name == "*":
                self.report(node, f"everything from {source}")
            elif self.is_module(dotted):
                self.check_module(node, dotted)
                self.bind(alias.asname or alias.name, dotted, module=True)
            else:
                if dotted != "importlib.import_module":
                    self.check(node, dotted)
                self.bind(alias.asname or alias.name, dotted, module=False)

    def is_module(self, dotted: str) -> bool:
        own = PLUGINS / dotted.removeprefix(OURS).replace(".", "/")
        known = dotted in HARMLESS or dotted in ("os.path", "http.client", "urllib.parse", "concurrent.futures")
        return known or (dotted.startswith(OURS) and (own.is_dir() or own.with_suffix(".py").is_file()))

    def check_module(self, node: ast.AST, dotted: str) -> None:
        """A module may be imported where something of it may be used."""
        if dotted.startswith(OURS):
            self.check(node, dotted)
            return
        usable = {*HARMLESS, *ALLOWED, *self.granted, "importlib"}
        if not any(name == dotted or name.startswith(dotted + ".") for name in usable):
            self.report(node, f"import {dotted}")

    def bind(self, name: str, dotted: str, module: bool) -> None:
        self.aliases[name] = dotted
        if module:
            self.modules.add(name)

    # Names are used

    def chain(self, node: ast.expr) -> tuple[str, list[str]] | None:
        """The name at the root of a.b.c, and the attributes; None where it starts from something else."""
        words: list[str] = []
        while isinstance(node, ast.Attribute):
            words.insert(0, node.attr)
            node = node.value
        return (node.id, words) if isinstance(node, ast.Name) else None

    def visit_Attribute(self, node: ast.Attribute) -> None:
        found = self.chain(node)
        words = found[1] if found else [node.attr]
        of_module = found is not None and found[0] in self.modules
        for word in words:
            method = word in self.methods and not of_module and f".{word}" not in self.granted
            if method or word in INTERNALS or word in self.private:
                self.report(node, f".{word}")
        if found is None:
            self.visit(node.value)
        elif found[0] in self.modules:
            self.check(node, ".".join([self.aliases[found[0]], *words]))
        elif found[0] in BUILTINS:
            self.report(node, found[0])

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in BUILTINS:
            self.report(node, node.id)
        if isinstance(node.ctx, ast.Load) and node.id in self.modules:
            self.report(node, f"the module {self.aliases[node.id]} as a value")
        if self.aliases.get(node.id) == "importlib.import_module":
            self.report(node, "importlib.import_module as a value")

    def visit_Call(self, node: ast.Call) -> None:
        found = self.chain(node.func)
        name = "" if found is None else ".".join([self.aliases.get(found[0], found[0]), *found[1]])
        handler = {
            "open": self.call_open,
            "getattr": self.call_getattr,
            "hasattr": self.call_getattr,
            "importlib.import_module": self.call_import,
        }.get(name)
        if handler is None:
            self.visit(node.func)
            arguments: list[ast.AST] = [*node.args, *node.keywords]
        else:
            arguments = handler(node)
        if name in ("os.open", UTILS + "folders.opened", "opened", "_open_or_none"):
            self.require_named_flags(node)
        for keyword in node.keywords:
            if keyword.arg == "add_file_common_args":
                self.report(node, "add_file_common_args")
        for argument in arguments:
            self.visit(argument)

    def call_open(self, node: ast.Call) -> list[ast.AST]:
        modes = [*node.args[1:2], *(word.value for word in node.keywords if word.arg == "mode")]
        plain = not any(isinstance(argument, ast.Starred) for argument in node.args)
        named = all(word.arg in ("mode", "encoding", "errors") for word in node.keywords)
        reading = all(isinstance(mode, ast.Constant) and mode.value in READING_MODES for mode in modes)
        if not ("open for reading" in self.granted and plain and named and reading):
            self.report(node, "open")
        return [*node.args, *node.keywords]

    def call_getattr(self, node: ast.Call) -> list[ast.AST]:
        """With the name in plain text it is an attribute like any other."""
        if len(node.args) >= 2 and isinstance(node.args[1], ast.Constant) and isinstance(node.args[1].value, str):
            self.visit(ast.copy_location(ast.Attribute(node.args[0], node.args[1].value, ast.Load()), node))
            return list(node.args[2:])
        if "getattr by variable" not in self.granted:
            self.report(node, "getattr by variable")
        return list(node.args)

    def call_import(self, node: ast.Call) -> list[ast.AST]:
        plain = len(node.args) == 1 and not node.keywords and isinstance(node.args[0], ast.Constant)
        if not (plain and node.args[0].value in IMPORTABLE):  # type: ignore[attr-defined]
            self.report(node, "importlib.import_module")
        return []

    def require_named_flags(self, node: ast.Call) -> None:
        """The flags of an open are one of the constants, which are made of the flags that the file may name."""
        flags = node.args[1] if len(node.args) > 1 else None
        if not (isinstance(flags, ast.Name) and flags.id in ("FOLDER", "READ", "CREATE", "flags")):
            self.report(node, "flags of an open that have no name")


@functools.cache
def private_names(folder: Path, file: str) -> set[str]:
    """What the doorway keeps to itself: no file beyond it reaches for it, by whatever object."""
    names: set[str] = set()
    for stem in (stem for half in DOORWAY if Path(file).stem not in half for stem in half):
        for node in ast.walk(ast.parse((folder / "module_utils" / f"{stem}.py").read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef) and node.name.startswith("_") and not node.name.endswith("__"):
                names.add(node.name)
            if isinstance(node, ast.Attribute) and node.attr.startswith("_") and chained_to_self(node):
                names.add(node.attr)
    return names


def chained_to_self(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "self"


def check_source(source: str, file: str = "module_utils/slot.py", folder: Path = PLUGINS) -> list[str]:
    """The violations in the text of a file that has this place below plugins/."""
    checker = Checker(file, private_names(folder, file))
    checker.visit(ast.parse(source))
    return checker.found


def violations(folder: Path) -> Iterator[str]:
    """The violations of all the Python files of a plugins folder."""
    for path in sorted(folder.rglob("*.py")):
        yield from check_source(path.read_text(encoding="utf-8"), path.relative_to(folder).as_posix(), folder)


def test_nothing_goes_past_the_doorway() -> None:
    assert list(violations(PLUGINS)) == []


def test_every_grant_is_needed() -> None:
    """A permission that no file uses any more is taken back."""
    for file, granted in GRANTS.items():
        source = (PLUGINS / file).read_text(encoding="utf-8")
        for name in granted:
            kept = granted - {name}
            try:
                GRANTS[file] = kept
                assert check_source(source, file), f"{file} does not need {name}"
            finally:
                GRANTS[file] = granted


SPAWNING = """
import subprocess
import subprocess as harmless
from subprocess import run
from subprocess import Popen as json
import os; os.system("x")
import os as o; o.system("x")
from os import system
from os import popen as p
import os; os.popen("x")
import os; os.execv("/x", [])
import os; os.execvpe("x", [], {})
import os; os.spawnlp(0, "x")
import os; os.posix_spawn("/x", [], {})
import os; os.fork()
import os; os.forkpty()
import posix
import pty
import multiprocessing
from multiprocessing import Process
import asyncio
from asyncio import create_subprocess_exec
import asyncio.subprocess
from concurrent.futures import ProcessPoolExecutor
import concurrent.futures; concurrent.futures.ProcessPoolExecutor()
import shutil; shutil.which("iapeer")
from shutil import which
import webbrowser
import platform
import ctypes
import _posixsubprocess
module.run_command(["x"])
run = module.run_command
module.get_bin_path("x")
getattr(module, "run_command")(["x"])
from ansible.module_utils.common.process import get_bin_path
import ansible.module_utils.basic as basic; basic.get_bin_path("x")
"""

SIGNALLING = """
import signal
from signal import pthread_kill
import os; os.kill(2, 9)
import os; os.killpg(2, 9)
import os; os.pidfd_open(2)
import os; kill = os.kill
from os import kill as look
process.send_signal(9)
"""

CONNECTING = """
import socket
from socket import create_connection
import http
import http.client
import http.server
import urllib
import urllib.request
from urllib.request import urlopen
import ftplib
import smtplib
import imaplib
import telnetlib
import xmlrpc.client
import ssl
import select
import socketserver
import requests
from ansible.module_utils.urls import open_url
loop.create_connection()
"""

WRITING = """
open("x", "w")
open("x", "a")
open("x", mode="r+")
open("x", mode)
open("x")
o = open
with open(*args) as handle: pass
import io; io.open("x", "w")
from io import open as read
import codecs
import os; os.open("x", os.O_WRONLY)
import os; os.open("x", 65)
import os; os.replace("a", "b")
import os; os.rename("a", "b")
import os; os.renames("a", "b")
import os; os.link("a", "b")
import os; os.symlink("a", "b")
import os; os.remove("a")
import os; os.unlink("a")
import os; os.rmdir("a")
import os; os.removedirs("a")
import os; os.mkdir("a")
import os; os.makedirs("a")
import os; os.mkfifo("a")
import os; os.mknod("a")
import os; os.chmod("a", 0)
import os; os.chown("a", 0, 0)
import os; os.lchown("a", 0, 0)
import os; os.fchmod(3, 0)
import os; os.utime("a")
import os; os.truncate("a", 0)
import os; os.write(3, b"x")
import os; os.fdopen(3, "w")
import os; os.setxattr("a", "b", b"c")
import os; os.chdir("/")
import os; os.umask(0)
from os import replace as swap, path
import os.path as p; p.os.replace("a", "b")
import shutil
from shutil import rmtree, move
import tempfile
import pathlib
from pathlib import Path
Path("x").write_text("y")
path.write_bytes(b"x")
path.touch()
path.symlink_to("x")
import sqlite3
import zipfile
import logging.handlers
import fcntl
import mmap
import fileinput
module.atomic_move("a", "b")
module.set_mode_if_different("a", 0, False)
module.set_fs_attributes_if_different({}, False)
module.backup_local("a")
AnsibleModule(argument_spec={}, add_file_common_args=True)
getattr(module, "atomic_move")("a", "b")
"""

TRICKS = """
import importlib; importlib.import_module("subprocess")
import importlib; importlib.import_module(name)
import importlib; load = importlib.import_module
from importlib import import_module; import_module("os")
from importlib import import_module as load; find(load)
import importlib.util
import builtins
import sys; sys.modules["os"].system("x")
import runpy
import inspect
import operator
import pickle
import marshal
import code
__import__("os")
eval("1")
exec("import os")
compile("1", "", "eval")
__builtins__["open"]
globals()["open"]
vars(thing)
import os; getattr(os, "system")("x")
import os; getattr(os, name)
import os; vars(os)
import os; os.__dict__["system"]
import os; tool = os
import os; use(os)
import contextlib; contextlib.os.system("x")
from contextlib import sys
import typing as t; t.sys.modules
import json; json.codecs.open("x", "w")
import re; re.enum.sys.modules
().__class__.__subclasses__()
(lambda: 0).__globals__["open"]
getattr(thing, "__globals__")
getattr(thing, name)
from os import *
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.egress import subprocess
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.files import os as o
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.drafts import remove
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils import drafts
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils import drafts as d; d.remove(3, "x")
import ansible_collections.agfpd.iapeer_memory.plugins.module_utils.drafts as d; d.remove(3, "x")
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils import egress; egress.os.kill(2, 9)
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils import files as f; f.os.replace("a", "b")
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.folders import opened
from ..module_utils.files import os
from .egress import subprocess
host.egress._spawn(["x"], None, 1)
tree._handles[""]
tree._files.sandbox
"""


def planted(text: str) -> list[str]:
    return [line for line in text.splitlines() if line]


EVERYTHING = planted(SPAWNING + SIGNALLING + CONNECTING + WRITING + TRICKS)
# What the parts of the doorway may do themselves, as far as it is planted above.
OWN = {
    "module_utils/memoryd.py": ("import signal",),
    "module_utils/folders.py": ("import fcntl", 'tree._handles[""]', "tree._files.sandbox"),
    "module_utils/files.py": ('tree._handles[""]', "tree._files.sandbox"),
    "module_utils/drafts.py": ("import ctypes", "getattr(thing, name)", 'tree._handles[""]', "tree._files.sandbox"),
    "module_utils/egress.py": ('open("x")', "import shutil"),
}


def others(file: str, sources: list[str]) -> list[str]:
    """The sources without what is the file's own."""
    granted = GRANTS.get(file, set())
    inner = [name.rpartition(".")[2] for name in INNER if name in granted]
    return [
        source
        for source in sources
        if source not in OWN.get(file, ()) and not any(word in inner for word in re.findall(r"\w+", source))
    ]


@pytest.mark.parametrize("source", EVERYTHING)
def test_every_planted_violation_is_found_in_a_module(source: str) -> None:
    assert check_source(source, "modules/memory_slot.py")


@pytest.mark.parametrize("source", others("module_utils/memoryd.py", EVERYTHING))
def test_every_planted_violation_is_found_in_a_util_that_names_signals(source: str) -> None:
    assert check_source(source, "module_utils/memoryd.py")


@pytest.mark.parametrize("source", others("module_utils/folders.py", EVERYTHING))
def test_every_planted_violation_is_found_in_the_reading_half(source: str) -> None:
    assert check_source(source, "module_utils/folders.py")


ELSEWHERE = planted(SPAWNING + SIGNALLING + CONNECTING + TRICKS)


@pytest.mark.parametrize("source", others("module_utils/files.py", ELSEWHERE))
def test_the_doorway_to_files_does_nothing_else(source: str) -> None:
    assert check_source(source, "module_utils/files.py")


@pytest.mark.parametrize("source", others("module_utils/drafts.py", ELSEWHERE))
def test_what_it_is_made_of_does_nothing_else(source: str) -> None:
    assert check_source(source, "module_utils/drafts.py")


@pytest.mark.parametrize("source", others("module_utils/egress.py", planted(WRITING)))
def test_the_doorway_to_processes_changes_no_file(source: str) -> None:
    assert check_source(source, "module_utils/egress.py")


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("module_utils/memoryd.py", "import signal; signal.raise_signal(9)"),
        ("module_utils/folders.py", "import fcntl; fcntl.fcntl(3, 4)"),
        ("module_utils/drafts.py", "import ctypes; ctypes.pythonapi"),
        ("module_utils/egress.py", "import shutil; shutil.rmtree('x')"),
        ("module_utils/egress.py", "import subprocess; subprocess.Popen(['x'])"),
        ("module_utils/egress.py", "import urllib.request"),
    ],
)
def test_a_grant_is_for_single_names(file: str, source: str) -> None:
    assert check_source(source, file)


@pytest.mark.parametrize(
    "source",
    [
        "FOLDER = os.O_RDWR",
        "READ = os.O_RDONLY | os.O_CREAT",
        "os.open('x', 2)",
        "os.open('x', FOLDER | 1)",
        "os.open('x', flags=FOLDER)",
        "_open_or_none('x', 1, 3)",
        "opened('x', 577, 3)",
        "os.write(3, b'x')",
        "os.ftruncate(3, 0)",
        "os.unlink('x', dir_fd=3)",
        "os.mkdir('x', dir_fd=3)",
        "os.fchmod(3, 0)",
    ],
)
def test_the_reading_half_opens_for_reading_only(source: str) -> None:
    assert check_source(f"import os\n{source}", "module_utils/folders.py")


@pytest.mark.parametrize(
    "source",
    [
        "import os; os.path.join('a', os.environ.get('HOME', ''))",
        "from os.path import join; join('a', 'b')",
        "import os.path as p; p.join('a', 'b')",
        "import json, re; json.loads('{}'); re.compile('x').sub('a', 'b')",
        "'a'.replace('b', 'c').split()",
        "import importlib; importlib.import_module('tomllib').loads('')",
        "import importlib\ntry:\n    t = importlib.import_module('tomllib')\nexcept ImportError:\n    t = None",
        "from concurrent.futures import ThreadPoolExecutor; ThreadPoolExecutor(2)",
        "from ansible.module_utils.basic import AnsibleModule; AnsibleModule(argument_spec={})",
        "from ansible_collections.agfpd.iapeer_memory.plugins.module_utils import memoryd; memoryd.ensure(1, 2, 3)",
        "from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.files import Files; Files(1).tree('x')",
        "host.egress.run(host.core, ['list'])",
        "with host.files.tree('x') as tree:\n    tree.write('a', b'')\n    tree.remove('a')",
        "getattr(thing, 'name', None)",
        "found._replace(mode=1)",
        "import datetime; datetime.datetime.fromtimestamp(0, datetime.timezone.utc)",
    ],
)
def test_honest_code_passes(source: str) -> None:
    assert check_source(source) == []


@pytest.mark.parametrize("method", ["write_text('x')", "mkdir()", "open('w')", "replace('x')", "unlink()", "chmod(0)"])
def test_where_paths_are_objects_their_methods_that_change_files_are_found(method: str) -> None:
    assert check_source(f"from pathlib import Path; Path('x').{method}", "lookup/own_texts.py")


def test_a_violation_is_named_with_its_place() -> None:
    assert check_source("import json\n\nimport subprocess\n") == ["module_utils/slot.py:3: import subprocess"]


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("modules/memory_slot.py", "import subprocess"),
        ("module_utils/slot.py", "import os\nos.replace('a', 'b')"),
        ("module_utils/notifier.py", "import shutil\nshutil.which('iapeer')"),
        ("module_utils/doctrine.py", "with open('x', 'w') as handle:\n    handle.write('y')"),
        ("module_utils/memoryd.py", "import os\nos.kill(2, 9)"),
        ("module_utils/content/doctrines_en.py", "import socket"),
        ("doc_fragments/host.py", "from os import system as shape"),
        ("modules/brand_new.py", "module.run_command(['x'])"),
        ("callback/brand_new.py", "import tempfile"),
    ],
)
def test_a_violation_planted_in_the_real_plugins_is_found(tmp_path: Path, file: str, line: str) -> None:
    copy = tmp_path / "plugins"
    shutil.copytree(PLUGINS, copy, ignore=shutil.ignore_patterns("__pycache__"))
    target = copy / file
    target.parent.mkdir(exist_ok=True)
    with open(target, "a", encoding="utf-8") as handle:
        handle.write(f"\n{line}\n")
    found = list(violations(copy))
    assert found
    assert all(text.startswith(f"{file}:") for text in found)
