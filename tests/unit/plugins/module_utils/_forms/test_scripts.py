# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shell scripts, run by a real shell."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.scripts import (
    dream_gate,
    is_our_command,
    launcher,
    shim,
    shim_path,
)

ECHO = '#!/bin/sh\necho "$0" "$@"\n'


def program(path: Path, mode: int = 0o755) -> Path:
    """A program that tells how it was called."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(ECHO)
    path.chmod(mode)
    return path


def run(script: Path, home: Path, path: Path) -> subprocess.CompletedProcess[str]:
    """A script as the notifier or a session runs it."""
    environ = {"HOME": str(home), "PATH": f"{path}{os.pathsep}{os.defpath}{os.pathsep}/usr/bin:/bin"}
    return subprocess.run([str(script)], env=environ, capture_output=True, text=True, timeout=20, check=False)


def written(path: Path, data: bytes) -> Path:
    """A script on disk."""
    path.write_bytes(data)
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("verb", ["post-write", "session-start"])
def test_a_shim_runs_the_cli_on_the_path_before_the_one_at_home(tmp_path: Path, verb: str) -> None:
    script = written(tmp_path / "shim.sh", shim(verb))
    on_path = program(tmp_path / "bin" / "iapeer-memory")
    at_home = program(tmp_path / "home" / ".local" / "bin" / "iapeer-memory")
    assert run(script, tmp_path / "home", on_path.parent).stdout == f"{on_path} hook {verb}\n"
    assert run(script, tmp_path / "home", tmp_path).stdout == f"{at_home} hook {verb}\n"


@pytest.mark.parametrize("mode", [None, 0o644])
def test_a_shim_without_a_cli_is_silent_and_succeeds(tmp_path: Path, mode: int | None) -> None:
    if mode is not None:
        program(tmp_path / ".local" / "bin" / "iapeer-memory", mode)
    done = run(written(tmp_path / "shim.sh", shim("post-write")), tmp_path, tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_shim_hands_on_the_exit_code(tmp_path: Path) -> None:
    cli = program(tmp_path / ".local" / "bin" / "iapeer-memory")
    cli.write_text("#!/bin/sh\nexit 7\n")
    assert run(written(tmp_path / "shim.sh", shim("session-start")), tmp_path, tmp_path).returncode == 7


@pytest.mark.parametrize("folder", ["plain", "with space", "a$HOME`id`b", 'quo"te', "back\\slash", "юникод"])
def test_launcher_and_gate_run_the_binary_whatever_its_path(tmp_path: Path, folder: str) -> None:
    binary = program(tmp_path / folder / "iapeer-memory")
    assert run(written(tmp_path / "l.sh", launcher(str(binary))), tmp_path, tmp_path).stdout == f"{binary} memoryd\n"
    gate = run(written(tmp_path / "g.sh", dream_gate(str(binary))), tmp_path, tmp_path)
    assert gate.stdout == f"{binary} dream-collect --gate\n"


def test_launcher_and_gate_say_exec_as_the_contract_does() -> None:
    assert launcher("/h/bin/iapeer-memory").splitlines()[0] == b"#!/usr/bin/env bash"
    assert launcher("/h/bin/iapeer-memory").splitlines()[-1] == b'exec "/h/bin/iapeer-memory" memoryd'
    assert dream_gate("/h/bin/iapeer-memory").splitlines()[-1] == b'exec "/h/bin/iapeer-memory" dream-collect --gate'


def test_shims_have_the_names_of_the_contract() -> None:
    assert shim_path("/x/hooks", "post-write") == "/x/hooks/iapeer-memory.post-write.sh"
    assert shim_path("/x/hooks", "session-start") == "/x/hooks/iapeer-memory.session-start.sh"


@pytest.mark.parametrize(
    ("command", "ours"),
    [
        ("/h/.iapeer/plugins/iapeer-memory/hooks/iapeer-memory.post-write.sh", True),
        ("/elsewhere/iapeer-memory.session-start.sh", True),
        ("iapeer-memory.anything.sh", True),
        ("/x/iapeer-memory.sh", True),
        ("/iapeer-memory.post-write.sh/other.sh", False),
        ("/x/my-iapeer-memory.post-write.sh", False),
        ("/x/iapeer-memory.post-write.py", False),
        ("/х/под-чертой/iapeer-memory.post-write.sh", True),
        ("~/hooks/iapeer-memory.post-write.sh", True),
        ("/c#/a!/iapeer-memory.post-write.sh", True),
        ("/x/iapeer-memory.post-write.sh --flag", False),
        ("timeout 5 /x/iapeer-memory.post-write.sh", False),
        ("/usr/bin/env /x/iapeer-memory.post-write.sh", False),
        ("bash\t/x/iapeer-memory.post-write.sh", False),
        ("true;/x/iapeer-memory.post-write.sh", False),
        ("true&&/x/iapeer-memory.post-write.sh", False),
        ("cat</x/iapeer-memory.post-write.sh", False),
        ("true\n/x/iapeer-memory.post-write.sh", False),
        ("#/x/iapeer-memory.post-write.sh", False),
        ("SHIM=/x/iapeer-memory.post-write.sh", False),
        ("SHIM+=/x/iapeer-memory.post-write.sh", False),
        ("timeout${IFS}5${IFS}/x/iapeer-memory.post-write.sh", False),
        ("$(cat)/iapeer-memory.post-write.sh", False),
        ("`cat`/iapeer-memory.post-write.sh", False),
        ("{a,/x}/iapeer-memory.post-write.sh", False),
        ("/x/*/iapeer-memory.post-write.sh", False),
        ("'/x y/iapeer-memory.post-write.sh", False),
        ('"/x y/iapeer-memory.post-write.sh"', False),
        ("/x y/iapeer-memory.post-write.sh", False),
        (" /x/iapeer-memory.post-write.sh", False),
        ("/x/iapeer-memory.post-write.sh ", False),
        ("/x/iapeer-memory.post-write.sh\n", False),
        ("/x/iapeer-memory.post write.sh", False),
        ("iapeer-memory hook post-write", False),
        ("", False),
        (None, False),
        (["iapeer-memory.x.sh"], False),
    ],
)
def test_a_command_is_ours_where_it_is_one_path_with_our_basename(command: object, ours: bool) -> None:
    assert is_our_command(command) is ours
