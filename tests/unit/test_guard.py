# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The guard over the test suite works: planted tests that reach out fail and name the line, honest ones pass."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

from ansible_collections.agfpd.iapeer_memory.tests import guard

ROOT = Path(__file__).resolve().parents[2]

CONFTEST = """
import os
from ansible_collections.agfpd.iapeer_memory.tests.guard import Guard

def pytest_configure(config):
    base = os.environ["PLANTED_BASE"]
    guard = Guard(home=base + "/account", writable=[base + "/account/tmp"])
    guard.install()
    config.pluginmanager.register(guard, "guard")
"""

HEAD = """
import contextlib, os, shutil, signal, socket, subprocess, sys, tempfile
from pathlib import Path
import pytest

HOME = Path(os.environ["PLANTED_BASE"], "account")
STRANGER = int(os.environ["PLANTED_STRANGER"])
PROGRAM = os.environ["PLANTED_PROGRAM"]
HARMLESS = signal.SIGWINCH
"""

# Each line is the body of one test that must fail.
BAD = {
    "starts_a_program": "subprocess.run([PROGRAM])",
    "starts_a_program_found_on_the_path": (
        "folder, name = os.path.split(PROGRAM)\n    subprocess.run([name], env={'PATH': folder})"
    ),
    "opens_a_pipe": "os.popen('true > /dev/null; ' + PROGRAM).read(); subprocess.Popen(PROGRAM)",
    "runs_a_shell_line": "os.system('true')",
    "spawns": "os.spawnv(os.P_WAIT, PROGRAM, [PROGRAM])",
    "spawns_by_posix": "os.posix_spawn(PROGRAM, [PROGRAM], {})",
    "becomes_another_program": "os.execv(PROGRAM, [PROGRAM])",
    "forks_and_becomes_another_program": (
        "pid = os.fork()\n"
        "    if not pid:\n"
        "        with contextlib.suppress(BaseException):\n"
        "            os.execv(PROGRAM, [PROGRAM])\n"
        "        os._exit(0)\n"
        "    os.waitpid(pid, 0)"
    ),
    "signals_a_stranger": "os.kill(STRANGER, HARMLESS)",
    "signals_a_strangers_group": "os.killpg(STRANGER, HARMLESS)",
    "signals_the_first_process": "os.kill(1, HARMLESS)",
    "signals_everybody": "os.kill(-1, HARMLESS)",
    "signals_its_group": "os.kill(0, HARMLESS)",
    "signals_by_pidfd": "signal.pidfd_send_signal(os.pidfd_open(STRANGER), HARMLESS)",
    "connects": "socket.create_connection(('192.0.2.1', 80), 0.1)",
    "connects_to_ipv6": "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 80))",
    "sends": "socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 9))",
    "swallows": ("with contextlib.suppress(BaseException):\n        socket.create_connection(('192.0.2.1', 80), 0.1)"),
    "writes": "(HOME / 'file').write_text('x')",
    "appends": "open(HOME / 'seed', 'a')",
    "opens_for_both": "open(HOME / 'seed', 'r+b')",
    "opens_by_handle": "os.open('seed', os.O_WRONLY, dir_fd=os.open(HOME, os.O_RDONLY))",
    "makes_a_folder": "(HOME / 'new').mkdir()",
    "makes_a_folder_by_handle": "os.mkdir('new', dir_fd=os.open(HOME, os.O_RDONLY))",
    "removes": "(HOME / 'seed').unlink()",
    "removes_by_handle": "os.unlink('seed', dir_fd=os.open(HOME, os.O_RDONLY))",
    "removes_a_folder": "(HOME / 'sub').rmdir()",
    "removes_a_tree": "shutil.rmtree(HOME / 'sub')",
    "renames": "os.rename(HOME / 'seed', HOME / 'other')",
    "moves_in": "Path(tempfile.mkstemp()[1]).replace(HOME / 'new')",
    "links": "os.link(HOME / 'seed', HOME / 'other')",
    "links_symbolically": "(HOME / 'other').symlink_to('seed')",
    "sets_a_mode": "(HOME / 'seed').chmod(0o600)",
    "sets_an_owner": "os.chown(HOME / 'seed', os.getuid(), os.getgid())",
    "sets_a_time": "os.utime(HOME / 'seed', (0, 0))",
    "truncates": "os.truncate(HOME / 'seed', 0)",
    "writes_from_the_working_folder": "os.chdir(HOME); open('new', 'w')",
    "writes_through_a_link": (
        "link = Path(tempfile.mkdtemp()) / 'link'\n    link.symlink_to(HOME)\n    (link / 'new').write_text('x')"
    ),
    "writes_through_a_link_to_a_file": (
        "link = Path(tempfile.mkdtemp()) / 'link'\n    link.symlink_to(HOME / 'seed')\n    link.write_text('x')"
    ),
}
GOOD = {
    "starts_the_interpreter": "assert subprocess.run([sys.executable, '-c', '']).returncode == 0",
    "starts_what_is_listed": "assert subprocess.run(['git', '--version'], stdout=-3).returncode == 0",
    "starts_what_it_made": (
        "tool = Path(tempfile.mkdtemp()) / 'tool'\n"
        "    tool.write_text('#!/bin/sh\\n')\n"
        "    tool.chmod(0o755)\n"
        "    assert subprocess.run([str(tool)]).returncode == 0"
    ),
    "starts_what_is_not_there": ("with pytest.raises(FileNotFoundError):\n        subprocess.run(['/nowhere/iapeer'])"),
    "ends_what_it_started": (
        "child = subprocess.Popen(['sleep', '60'])\n"
        "    os.kill(child.pid, signal.SIGTERM)\n"
        "    assert child.wait() == -signal.SIGTERM"
    ),
    "ends_what_it_started_by_pidfd": (
        "child = subprocess.Popen(['sleep', '60'])\n"
        "    if hasattr(os, 'pidfd_open'):\n"
        "        signal.pidfd_send_signal(os.pidfd_open(child.pid), signal.SIGTERM)\n"
        "    child.terminate()\n"
        "    assert child.wait() == -signal.SIGTERM"
    ),
    "asks_whether_a_stranger_lives": "os.kill(STRANGER, 0)",
    "connects_to_this_machine": (
        "with socket.create_server(('127.0.0.1', 0)) as server:\n"
        "        socket.create_connection(server.getsockname()).close()"
    ),
    "reads": "assert (HOME / 'seed').read_text() == 'seed'\n    assert os.listdir(HOME)",
    "writes_to_a_temp_dir": "(Path(tempfile.mkdtemp()) / 'file').write_text('x')",
    "writes_where_it_may": "(HOME / 'tmp' / 'file').write_text('x')",
    "links_to_the_home": "(Path(tempfile.mkdtemp()) / 'link').symlink_to(HOME)",
}


class Verdict(NamedTuple):
    """What became of a planted test: its failures, as text; and the line in its file where its body starts."""

    failures: list[str]
    line: int


@pytest.fixture(scope="module")
def verdicts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Verdict]:
    """All planted tests, run once by a pytest of their own, under an account made for it."""
    base = tmp_path_factory.mktemp("planted").resolve()
    (base / "account" / "tmp").mkdir(parents=True)
    (base / "account" / "sub").mkdir()
    (base / "account" / "seed").write_text("seed")
    source, lines = HEAD, {}
    for name, body in [*BAD.items(), *GOOD.items()]:
        source += f"\n\ndef test_{name}():\n"
        lines[name] = source.count("\n") + 1
        source += f"    {body}\n"
    (base / "conftest.py").write_text(CONFTEST)
    (base / "test_planted.py").write_text(source)
    with subprocess.Popen(["sleep", "600"], env={"HOME": "/home/somebody", "PATH": os.environ["PATH"]}) as stranger:
        env = {
            **os.environ,
            "PLANTED_BASE": str(base),
            "PLANTED_STRANGER": str(stranger.pid),
            "PLANTED_PROGRAM": system_program(),
            "PYTHONPATH": str(ROOT / ".tree"),
        }
        command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--junitxml", str(base / "report.xml")]
        command += ["--basetemp", str(base / "basetemp"), "-c", os.devnull, "--rootdir", str(base), str(base)]
        done = subprocess.run(command, cwd=base, env=env, capture_output=True, text=True, timeout=120, check=False)
        alive = stranger.poll() is None
        stranger.kill()
    assert done.returncode == 1, done.stdout + done.stderr
    assert alive, "a planted test ended a stranger"
    assert sorted(path.name for path in (base / "account").iterdir()) == ["seed", "sub", "tmp"]
    assert (base / "account" / "seed").read_text() == "seed"
    found = {}
    for case in ElementTree.parse(base / "report.xml").iter("testcase"):
        name = case.attrib["name"].removeprefix("test_")
        texts = [
            node.attrib.get("message", "") + (node.text or "") for node in case if node.tag in ("failure", "error")
        ]
        found[name] = Verdict(texts, lines[name])
    return found


def system_program() -> str:
    """A program of the system that is on nobody's list, under a name of its own."""
    return next(path for path in ("/usr/bin/id", "/bin/id", "/usr/bin/wc") if os.path.exists(path))


@pytest.mark.parametrize("name", BAD)
def test_a_test_that_reaches_out_fails_and_names_the_line(name: str, verdicts: dict[str, Verdict]) -> None:
    if name == "signals_by_pidfd" and not hasattr(os, "pidfd_open"):
        pytest.skip("needs pidfd")
    verdict = verdicts[name]
    text = "\n".join(verdict.failures)
    assert "the guard stopped this" in text
    lines = range(verdict.line, verdict.line + BAD[name].count("\n") + 1)
    assert any(f"test_planted.py:{line}" in text for line in lines), text


@pytest.mark.parametrize("name", GOOD)
def test_an_honest_test_passes(name: str, verdicts: dict[str, Verdict]) -> None:
    assert verdicts[name].failures == []


def test_a_bare_name_is_looked_up_first() -> None:
    fresh = guard.Guard(home="/home/somebody")
    program = Path(system_program())
    assert fresh.program(program.name, {"PATH": str(program.parent)}) is not None
    assert fresh.program("git", {"PATH": os.environ["PATH"]}) is None
    assert fresh.program("no-such-program-anywhere", {"PATH": str(program.parent)}) is None


def test_a_listed_name_in_the_home_of_the_account_is_not_the_listed_program(tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").write_text("#!/bin/sh\n")
    (tmp_path / "bin" / "git").chmod(0o755)
    fresh = guard.Guard(home=str(tmp_path))
    fresh.places = ()
    assert fresh.program(str(tmp_path / "bin" / "git")) is not None
    assert fresh.program("git", {"PATH": str(tmp_path / "bin")}) is not None


def test_an_orphan_with_a_throwaway_home_may_be_ended() -> None:
    code = (
        "import os, subprocess, sys\n"
        "env = {'HOME': sys.argv[1], 'PATH': os.environ['PATH']}\n"
        "child = subprocess.Popen(['sleep', '60'], env=env, stdout=subprocess.DEVNULL)\n"
        "print(child.pid)"
    )
    for home, ours in ((tempfile.gettempdir(), True), ("/home/somebody", False)):
        done = subprocess.run([sys.executable, "-c", code, home], stdout=subprocess.PIPE, text=True, check=True)
        pid = int(done.stdout)
        try:
            assert not guard.is_descendant(pid, os.getpid())
            assert guard.is_orphan_of_a_test(pid) is ours
        finally:
            subprocess.run(["kill", "-9", str(pid)], check=True)


def test_this_very_run_is_guarded(request: pytest.FixtureRequest) -> None:
    plugin = request.config.pluginmanager.get_plugin("guard")
    assert isinstance(plugin, guard.Guard)
    assert plugin.active
    if plugin.home != "/":
        with pytest.raises(guard.Violation, match=r"in the home of the account at tests/unit/test_guard.py:\d+"):
            os.mkdir(os.path.join(plugin.home, "no-test-makes-this"))
        assert plugin.violations()
    with pytest.raises(guard.Violation, match=r"signal \d+ to 1 at tests/unit/test_guard.py:\d+"):
        os.kill(1, signal.SIGWINCH)
    assert len(plugin.violations()) == 1
