# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The switch that takes away what only Linux has: the code under test has lost it, the rest of the process has not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MAC_LIKE = ROOT / "tests" / "mac_like"

CODE = """
import os, sys, time
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway import (
    attributes, drafts, egress, files, foresight, processes
)
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox

def lacks(module, *words):
    return [word for word in words if hasattr(module, word)] == []

assert lacks(egress.os, "pidfd_open") and lacks(egress.signal, "pidfd_send_signal")
assert lacks(attributes.os, "listxattr", "getxattr", "setxattr", "removexattr")
assert not hasattr(processes.time, "CLOCK_BOOTTIME")
assert not processes.has_proc() and os.path.exists("/proc/self/stat")
assert files.Files(Sandbox({})).kind_of("/proc/self") == "missing"
assert foresight.CAN_ASK_AS_EFFECTIVE == (os.access in os.supports_effective_ids)
doorway = egress.Egress(Sandbox({}))
found = doorway.process(os.getpid())
assert found is not None and not found.exact and "-c" in found.command, found
assert abs(found.started - time.time()) < 60
assert doorway.signal(os.getpid(), 0, lambda process: None) is None
with files.Files(Sandbox({})).tree(sys.argv[1]) as tree:
    tree.write("file", b"1")
    tree.write("file", b"2", 0o600)
    assert tree.claim("lock.d", "owner", b"x") and not tree.claim("lock.d", "owner", b"x")
    assert tree.create("new", b"x", tree) and not tree.create("new", b"x", tree)
    names = []
    plain = drafts.rename_noreplace.__globals__["__builtins__"]["__import__"]
    library = plain("ctypes").CDLL(None)
    assert hasattr(library, "renameatx_np") and not hasattr(library, "renameat2")
import os as plain_os, signal, time as plain_time
assert hasattr(plain_os, "pidfd_open") == hasattr(signal, "pidfd_send_signal")
assert open("/proc/self/stat").read()
print("on a Mac")
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere there is nothing to take away")
def test_the_code_under_test_is_on_a_mac_and_works(tmp_path: Path) -> None:
    env = {
        **os.environ,
        "IAPEER_TEST_LIKE_A_MAC": "1",
        "PYTHONPATH": f"{ROOT / '.tree'}:{MAC_LIKE}",
        "PATH": f"{MAC_LIKE / 'bin'}:{os.environ['PATH']}",
    }
    command = [sys.executable, "-c", CODE, str(tmp_path)]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("on a Mac\n", "")
    assert (tmp_path / "file").read_bytes() == b"2"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "lock.d", "new"]


@pytest.mark.parametrize("environ", [{}, {"IAPEER_TEST_LIKE_A_MAC": "0"}])
def test_without_the_switch_nothing_is_taken_away(environ: dict[str, str]) -> None:
    env = {name: value for name, value in os.environ.items() if name != "IAPEER_TEST_LIKE_A_MAC"}
    env.update(environ, PYTHONPATH=f"{ROOT / '.tree'}:{MAC_LIKE}")
    code = (
        "from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway import egress\n"
        "import os; assert egress.os is os; print('as it is')"
    )
    done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("as it is\n", "")


@pytest.mark.parametrize(
    ("words", "rc"),
    [
        (["-ww", "-o", "uid=,stat=,lstart=,command=", "-p", str(os.getpid())], 0),
        (["-A", "-o", "pid=,ppid="], 0),
        (["--no-headers", "-p", "1"], 1),
        (["-o", "cmd=", "-p", "1"], 1),
        (["-o", "lstart=,etimes=", "-p", "1"], 1),
        (["--ppid", "1"], 1),
        (["-q", "1"], 1),
    ],
)
def test_its_ps_knows_what_the_ps_of_a_mac_knows(words: list[str], rc: int) -> None:
    done = subprocess.run([str(MAC_LIKE / "bin" / "ps"), *words], capture_output=True, text=True, check=False)
    assert done.returncode == rc
    assert bool(done.stdout.strip()) is (rc == 0)
    assert done.stderr.startswith("ps: ") is (rc == 1)
