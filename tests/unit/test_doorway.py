# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The proof that there is one doorway: egress.py alone spawns, signals, connects and looks programs up, files.py alone
changes files (each with parts that nobody else may use: running.py, drafts.py), and folders.py opens for reading only.

Whatever a file imports, and whatever it uses of that, must be allowed here by name. So a way out that nobody thought of
is closed as well, and a new need of the code shows up here, where it has to be justified. What a trick would hide from
the reader of a text, the guard over the whole test suite sees when it happens (tests/guard.py).
"""

from __future__ import annotations

import ast
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
    "base64",
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
    "struct",
    "textwrap",
    "typing",
    "unicodedata",
}
# What asks the system by a path is none of them: as text it would be spelt as the locale says.
PATH_NAMES = "abspath basename commonpath dirname expanduser isabs join normpath relpath samestat sep split splitext"
# Single names of modules that can do more.
ALLOWED = {
    "ansible.module_utils.basic.AnsibleModule",
    "concurrent.futures.ThreadPoolExecutor",
    *names("os.path", PATH_NAMES),
    *names("os", "environ getegid geteuid getpid getppid getuid sep stat_result strerror"),
}
# They may be asked about a path that is spelt on the spot: os.stat(spell(path)).
LOOKS = {"os.stat", "os.lstat"}
# What single files may use besides, and why.
GRANTS: dict[str, set[str]] = {
    # The doorway to processes, signals and HTTP.
    "module_utils/_doorway/egress.py": {
        "shutil.which",
        "os.access",
        "os.X_OK",
        "os.kill",
        "os.pidfd_open",
        "signal.pidfd_send_signal",
        "os.close",  # of a pidfd
        "sys.executable",
        "socket.create_connection",
        "urllib.parse",
        "time",
        UTILS + "_doorway.running",
    },
    "module_utils/_doorway/running.py": {
        *names("subprocess", "Popen DEVNULL PIPE TimeoutExpired"),
        *names("os", "killpg read set_blocking"),
        *names("signal", "SIGTERM SIGKILL Signals"),
        *names("selectors", "BaseSelector EVENT_READ PollSelector"),
        "time",
    },
    "module_utils/_doorway/processes.py": {
        *names("os", "kill listdir sysconf"),
        "time",
        *("open for reading", "os.stat", "os.path.exists"),  # /proc
    },
    # The doorway to file changes, and what it is made of, which only it may use.
    "module_utils/_doorway/files.py": {
        *names("os", "close fchmod fchown fstat fsync mkdir umask unlink"),
        "open for reading",  # /proc, for the umask
        UTILS + "_doorway.drafts",
        UTILS + "_doorway.scratch",
        UTILS + "_doorway.attributes.keep",
        UTILS + "_doorway.handles",
    },
    "module_utils/_doorway/drafts.py": {
        *names("os", "O_WRONLY O_CREAT O_EXCL O_NOFOLLOW O_CLOEXEC"),
        *names("os", "chmod close fchown fstat fsync link mkdir open rename rmdir unlink write"),
        "ctypes.CDLL",  # a rename that replaces nothing, which Python does not have
        "ctypes.get_errno",
        "getattr by variable",  # of that library
        UTILS + "_doorway.handles",
    },
    "module_utils/_doorway/scratch.py": {
        *names("os", "X_OK access chmod close fchmod fstat mkdir open unlink"),
        UTILS + "_doorway.drafts",
        UTILS + "_doorway.handles",
    },
    "module_utils/_doorway/attributes.py": {
        *names("os", "fstat getxattr listxattr removexattr setxattr"),
        "fcntl.ioctl",  # whether a file is immutable
        "open for reading",  # /proc, for mounts
    },
    # Its reading half. None of the flags it can name opens for writing.
    "module_utils/_doorway/handles.py": {
        *names("os", "O_RDONLY O_DIRECTORY O_NOFOLLOW O_CLOEXEC O_NONBLOCK"),
        *names("os", "dup open close read fstat stat listdir"),
        *names("fcntl", "flock LOCK_EX LOCK_NB"),
    },
    "module_utils/_doorway/folders.py": {*names("os", "open close read pread fstat"), UTILS + "_doorway.handles"},
    "module_utils/door.py": {
        "sys.version_info",
        *names("traceback", "extract_tb format_exc"),
    },
    "module_utils/_doorway/packed.py": {
        *names("sys", "path_hooks path_importer_cache"),  # how what came with the module is imported
        "zipimport.zipimporter",
        *names("gc", "disable enable freeze"),
    },
    "module_utils/_doorway/reader.py": {UTILS + "_doorway.handles"},
    "module_utils/_doorway/foresight.py": {
        *names("os", "W_OK X_OK ST_RDONLY access fstat fstatvfs getgroups supports_effective_ids"),
        "sys.platform",
        "open for reading",  # /proc, for capabilities
        UTILS + "_doorway.handles",
    },
    "module_utils/_doorway/sandbox.py": {"pwd.getpwuid"},  # the account's real home
    "module_utils/_doorway/spelling.py": {"os.fsencode", "os.path.realpath"},
    "module_utils/_look/look.py": {"getattr by variable"},  # of the egress that it stands for
    "module_utils/_things/daemon.py": {"signal.SIGTERM", "signal.SIGKILL"},  # their numbers, for the doorway
    # What runs on the controller, in Ansible's own process: its bases, and the files that the operator points at.
    "action/host_plan.py": {
        "ansible.errors.AnsibleActionFail",
        "ansible.errors.AnsibleConnectionFailure",
        "ansible.errors.AnsibleError",
        "ansible.plugins.action.ActionBase",
        ".tmpdir",  # on the host, of the connection
    },
    "action/peer_surfaces.py": {"ansible.plugins.action.normal.ActionModule"},
    "action/provider_binary.py": {
        "ansible.plugins.action.ActionBase",
        ".tmpdir",  # on the host, of the connection
    },
    "plugin_utils/sources.py": {
        "ansible.errors.AnsibleActionFail",
        "ansible.errors.AnsibleFileNotFound",
        "pathlib.Path",  # without its methods that change anything
        *names("os.path", "exists isfile"),
        "open for reading",
    },
    "action/report.py": {
        "ansible.constants.DEFAULT_STDOUT_CALLBACK",
        "ansible.errors.AnsibleActionFail",
        "ansible.plugins.action.ActionBase",
        "ansible.utils.color.stringc",
        "ansible.utils.display.Display",
    },
    "filter/play_keyword.py": {"ansible.errors.AnsibleFilterError"},
    "callback/fleet_summary.py": {
        "ansible.constants.DEFAULT_STDOUT_CALLBACK",
        "ansible.plugins.callback.CallbackBase",
    },
    "plugin_utils/asked.py": {"ansible.module_utils.parsing.convert_bool.boolean"},
    "plugin_utils/differences.py": {
        "ansible.constants.DEFAULT_STDOUT_CALLBACK",
        "ansible.utils.display.Display",
    },
    "plugin_utils/page.py": {"jinja2.Environment", "markupsafe.Markup", "urllib.parse.quote"},
    "plugin_utils/payload.py": {
        "ansible.constants.DEFAULT_KEEP_REMOTE_FILES",
        "ansible.plugins.connection.ConnectionBase",
        *names("gc", "disable enable freeze isenabled"),
        "pkgutil.get_data",  # put in another's place for as long
        *names("ansible.errors", "AnsibleAction AnsibleConnectionFailure AnsibleError"),
    },
    "plugin_utils/reports.py": {"time.monotonic"},
    "plugin_utils/runs.py": {"getattr by variable"},  # of its own fields
}
# Optional parsers: a module of the standard library that the oldest interpreters do not have.
IMPORTABLE = {"tomllib"}
READING_MODES = {"r", "rb", "rt"}
SPELL = UTILS + "_doorway.spelling.spell"
# What of our own is no use to anybody beyond the doorway.
INNER = tuple(f"{UTILS}_doorway.{name}" for name in ("running", "drafts", "scratch", "attributes.keep", "handles"))
# Modules that other modules carry about as attributes (`contextlib.os`).
CARRIED = {
    *("abc", "asyncio", "builtins", "codecs", "ctypes", "fcntl", "http", "io", "importlib", "os", "pathlib", "posix"),
    *("posixpath", "pwd", "shutil", "signal", "socket", "subprocess", "sys", "tempfile", "threading", "time", "urllib"),
}
BUILTINS = {"__import__", "breakpoint", "compile", "eval", "exec", "globals", "locals", "open", "setattr", "vars"}
# Methods that spawn or change files whatever they are called on: of AnsibleModule, its connection, and paths.
METHODS = {
    *("run_command", "get_bin_path", "atomic_move", "backup_local", "preserved_copy", "tmpdir"),
    *("set_fs_attributes_if_different", "set_mode_if_different", "set_owner_if_different", "set_group_if_different"),
    *("write_text", "write_bytes", "touch", "symlink_to", "hardlink_to", "lchmod"),
    *("__globals__", "__subclasses__", "__builtins__", "__dict__"),
}


class Checker(ast.NodeVisitor):
    """Collects the violations of one file. Names are followed through imports and their aliases, not by spelling."""

    def __init__(self, file: str) -> None:
        self.file = file
        self.granted = GRANTS.get(file, set())
        self.aliases: dict[str, str] = {}
        self.modules: set[str] = set()
        self.found: list[str] = []

    def report(self, node: ast.AST, what: str) -> None:
        self.found.append(f"{self.file}:{getattr(node, 'lineno', 0)}: {what}")

    def permits(self, dotted: str) -> bool:
        """Whether the file may use the thing of that full name, or something that belongs to it."""
        words = dotted.split(".")
        heads = [".".join(words[:end]) for end in range(len(words), 0, -1)]
        if dotted.startswith(OURS):
            kept = [name for name in INNER if name in heads and name not in self.granted]
            return not kept and not any(word in CARRIED for word in words)
        harmless = next((head for head in heads if head in HARMLESS), None)
        own = "" if harmless is None else dotted[len(harmless) + 1 :]
        plain = harmless is not None and not own.startswith("_") and not any(word in CARRIED for word in own.split("."))
        return plain or any(head in ALLOWED or head in self.granted for head in heads)

    def check(self, node: ast.AST, dotted: str) -> None:
        if not self.permits(dotted):
            self.report(node, dotted)

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            usable = {*HARMLESS, *ALLOWED, *self.granted, "importlib"}
            if not any(name == alias.name or name.startswith(alias.name + ".") for name in usable):
                self.report(node, f"import {alias.name}")
            bound = alias.name if alias.asname else alias.name.partition(".")[0]
            self.aliases[alias.asname or bound] = bound
            self.modules.add(alias.asname or bound)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        source = node.module or ""
        if node.level:
            parts = (OURS + self.file).replace("/", ".").split(".")[: -1 - node.level]
            source = ".".join([*parts, *filter(None, [node.module])])
        for alias in node.names:
            dotted = f"{source}.{alias.name}"
            self.check(node, dotted)
            self.aliases[alias.asname or alias.name] = dotted
            if dotted in HARMLESS or is_our_module(dotted):
                self.modules.add(alias.asname or alias.name)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        words: list[str] = []
        root: ast.expr = node
        while isinstance(root, ast.Attribute):
            words.insert(0, root.attr)
            root = root.value
        if isinstance(root, ast.Name) and root.id in self.modules:
            self.check(node, ".".join([self.aliases[root.id], *words]))
            return
        for word in words:
            if word in METHODS and f".{word}" not in self.granted:
                self.report(node, f".{word}")
        self.visit(root)

    def visit_Name(self, node: ast.Name) -> None:
        if node.id in BUILTINS:
            self.report(node, node.id)
        if node.id in self.modules:
            self.report(node, f"the module {self.aliases[node.id]} as a value")

    def is_look_at_a_spelt_path(self, node: ast.Call) -> bool:
        func, first = node.func, node.args[0] if node.args else None
        module = func.value.id if isinstance(func, ast.Attribute) and isinstance(func.value, ast.Name) else ""
        called = f"{self.aliases.get(module)}.{func.attr}" if isinstance(func, ast.Attribute) else ""
        spelt = first.func if isinstance(first, ast.Call) else None
        return called in LOOKS and isinstance(spelt, ast.Name) and self.aliases.get(spelt.id) == SPELL

    def visit_Call(self, node: ast.Call) -> None:
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        plain = len(node.args) > 1 and isinstance(node.args[1], ast.Constant)
        if name == "open" and "open for reading" in self.granted:
            if not (plain and node.args[1].value in READING_MODES):  # type: ignore[attr-defined]
                self.report(node, "open")
        elif name in ("getattr", "hasattr") and plain:  # an attribute like any other
            word = str(node.args[1].value)  # type: ignore[attr-defined]
            self.visit_Attribute(ast.copy_location(ast.Attribute(node.args[0], word, ast.Load()), node))
            node = ast.copy_location(ast.Call(node.func, node.args[2:], node.keywords), node)
        elif name == "getattr" and "getattr by variable" not in self.granted:
            self.report(node, "getattr by variable")
        elif not is_import_of_a_parser(node) and not self.is_look_at_a_spelt_path(node):
            self.visit(node.func)
        for argument in (*node.args, *node.keywords):
            self.visit(argument)


def is_our_module(dotted: str) -> bool:
    own = PLUGINS / dotted.removeprefix(OURS).replace(".", "/")
    return dotted.startswith(OURS) and (own.is_dir() or own.with_suffix(".py").is_file())


def is_import_of_a_parser(node: ast.Call) -> bool:
    """Whether this is importlib.import_module of one of the optional parsers."""
    named = isinstance(node.func, ast.Attribute) and node.func.attr == "import_module" and len(node.args) == 1
    return named and isinstance(node.args[0], ast.Constant) and node.args[0].value in IMPORTABLE


def check_source(source: str, file: str = "module_utils/_things/slot.py") -> list[str]:
    """The violations in the text of a file that has this place below plugins/."""
    checker = Checker(file)
    checker.visit(ast.parse(source))
    return checker.found


def violations() -> Iterator[str]:
    """The violations of all the Python files of the plugins."""
    for path in sorted(PLUGINS.rglob("*.py")):
        yield from check_source(path.read_text(encoding="utf-8"), path.relative_to(PLUGINS).as_posix())


def test_nothing_goes_past_the_doorway() -> None:
    assert list(violations()) == []


@pytest.mark.parametrize("file", GRANTS)
def test_every_grant_is_needed(file: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A permission that no file uses any more is taken back."""
    source = (PLUGINS / file).read_text(encoding="utf-8")
    for name in sorted(GRANTS[file]):
        with monkeypatch.context() as patch:
            patch.setitem(GRANTS, file, GRANTS[file] - {name})
            assert check_source(source, file), f"{file} does not need {name}"


PLANTED = """
import subprocess
import subprocess as harmless
from subprocess import run
import os; os.system("x")
import os as o; o.system("x")
from os import popen as p
import os; os.posix_spawn("/x", [], {})
import os; os.fork()
import multiprocessing
import asyncio
from concurrent.futures import ProcessPoolExecutor
import shutil; shutil.which("iapeer")
import ctypes
module.run_command(["x"])
getattr(module, "run_command")(["x"])
import signal
import os; os.kill(2, 9)
import os; os.pidfd_open(2)
from os import kill as look
import socket
import http.client
from urllib.request import urlopen
from ansible.module_utils.urls import open_url
open("x", "w")
open("x", mode="r+")
o = open
import io
import os; os.open("x", os.O_WRONLY)
import os; os.replace("a", "b")
import os; os.unlink("a")
import os; os.mkdir("a")
import os; os.chmod("a", 0)
import os; os.umask(0)
import os; os.path.realpath("x")
import os; os.path.isdir("x")
import os; os.fsencode("x")
import os; os.stat("x")
import os as o; o.lstat("x")
from os import lstat
import os; map(os.stat, ["x"])
import os; os.stat(spell("x"))
import os; from .._doorway.spelling import real; os.lstat(real("x"))
import os; from .._doorway.spelling import spell; os.listdir(spell("x"))
import os.path as p; p.os.replace("a", "b")
import tempfile
from pathlib import Path
path.write_bytes(b"x")
import fcntl
module.atomic_move("a", "b")
import importlib; importlib.import_module("subprocess")
import importlib; importlib.import_module(name)
import sys; sys.modules["os"].system("x")
__import__("os")
eval("1")
import os; getattr(os, "system")("x")
import os; getattr(os, name)
import os; tool = os
import contextlib; contextlib.os.system("x")
().__class__.__subclasses__()
from os import *
from .._doorway.egress import subprocess
from .._doorway.running import run
from .._doorway.drafts import remove
from .._doorway import drafts
from .._doorway import egress; egress.os.kill(2, 9)
from .._doorway.handles import opened
from .._doorway.scratch import scratch
from .._doorway.attributes import keep
"""


@pytest.mark.parametrize("source", PLANTED.strip().splitlines())
def test_a_planted_violation_is_found(source: str) -> None:
    assert check_source(source)


@pytest.mark.parametrize(
    ("file", "source"),
    [
        ("_things/memoryd", "import signal; signal.raise_signal(9)"),
        ("_doorway/handles", "import fcntl; fcntl.fcntl(3, 4)"),
        ("_doorway/handles", "import os; os.O_RDWR"),
        ("_doorway/folders", "import os; os.unlink('x', dir_fd=3)"),
        ("_doorway/drafts", "import ctypes; ctypes.pythonapi"),
        ("_doorway/egress", "import shutil; shutil.rmtree('x')"),
        ("_doorway/egress", "import os; os.unlink('x')"),
        ("_doorway/egress", "open('x', 'w')"),
        ("_doorway/egress", "import urllib.request"),
        ("_doorway/egress", "import subprocess"),
        ("_doorway/files", "import os; os.kill(2, 9)"),
    ],
)
def test_a_grant_is_for_single_names(file: str, source: str) -> None:
    assert check_source(source, f"module_utils/{file}.py")


@pytest.mark.parametrize(
    "source",
    [
        "import os; os.path.join('a', os.environ.get('HOME', ''))",
        "import os; from .._doorway.spelling import spell; os.lstat(spell('x')); os.stat(spell('x')).st_mode",
        "import json, re; json.loads('{}'); re.compile('x').sub('a', 'b')",
        "'a'.replace('b', 'c').split()",
        "import importlib; importlib.import_module('tomllib').loads('')",
        "from ansible.module_utils.basic import AnsibleModule; AnsibleModule(argument_spec={})",
        "from . import memoryd; memoryd.ensure(1, 2, 3)",
        "from .._doorway.files import Files; Files(1).tree('x')",
        "host.egress.run(host.core, ['list'])",
        "with host.files.tree('x') as tree:\n    tree.write('a', b'')\n    tree.remove('a')",
        "getattr(thing, 'name', None)",
    ],
)
def test_honest_code_passes(source: str) -> None:
    assert check_source(source) == []


def test_a_violation_is_named_with_its_place() -> None:
    assert check_source("import json\n\nimport subprocess\n") == ["module_utils/_things/slot.py:3: import subprocess"]
