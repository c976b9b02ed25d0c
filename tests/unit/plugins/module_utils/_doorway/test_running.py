# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A program is given so much time and so much to say, and what it started does not outlive either."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway import running
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import Binary, Egress
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.running import (
    OVERFLOW_RC,
    TIMEOUT_RC,
    Outcome,
    run,
)
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox

ROOT = Path(__file__).resolve().parents[5]


def shell(script: str, *args: str, timeout: float = 20, cap: int = running.OUTPUT_CAP) -> Outcome:
    return run(["sh", "-c", script, "sh", *args], None, None, timeout, cap)


def lives(pid_file: Path) -> bool:
    """Whether the process that wrote its pid there has not ended."""
    done = subprocess.run(["ps", "-o", "stat=", "-p", pid_file.read_text().strip()], capture_output=True, check=False)
    return bool(done.stdout.strip()) and not done.stdout.startswith(b"Z")


def gone(pid_file: Path) -> bool:
    """The same, given a moment: what is orphaned is buried by somebody else."""
    limit = time.monotonic() + 5
    while lives(pid_file) and time.monotonic() < limit:
        time.sleep(0.05)
    return not lives(pid_file)


def end(pid_file: Path) -> None:
    subprocess.run(["kill", "-9", pid_file.read_text().strip()], check=True)


def test_a_child_that_keeps_the_output_open_is_not_waited_for_and_goes_on(tmp_path: Path) -> None:
    begun = time.monotonic()
    done = shell('sleep 60 & echo $! > "$1"; echo out; echo err >&2; exit 3', str(tmp_path / "pid"))
    assert time.monotonic() - begun < 5
    assert done == Outcome(3, "out\n", "err\n")
    assert lives(tmp_path / "pid")
    end(tmp_path / "pid")


def test_a_child_that_goes_on_printing_is_not_listened_to(tmp_path: Path) -> None:
    script = 'while :; do echo more; done & echo $! > "$1"; exit 0'
    done = shell(script, str(tmp_path / "pid"), cap=1 << 30)
    assert done.rc == 0
    assert len(done.out) <= 2 << 20
    assert gone(tmp_path / "pid")  # nobody listens


def test_all_that_was_printed_before_the_end_is_there(tmp_path: Path) -> None:
    code = "import os, sys, time; os.fork() or (time.sleep(5), os._exit(0)); sys.stdout.write('x' * 65536)"
    done = run([sys.executable, "-c", code], None, None, 20)
    assert (done.rc, len(done.out)) == (0, 65536)
    done = run([sys.executable, "-c", "print('y' * 3_000_000)"], None, None, 20)
    assert done.out == "y" * 3_000_000 + "\n"


@pytest.mark.parametrize("hears", [True, False])
def test_at_the_time_limit_everything_that_was_started_is_ended(
    tmp_path: Path, hears: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "TERM_SECONDS", 0.3)
    deaf = "" if hears else "trap '' TERM; "
    script = f'{deaf}sleep 60 & echo $! > "$1/child"; sh -c \'{deaf}echo $$ > "$0"; sleep 60 & wait\' "$1/grandchild"'
    begun = time.monotonic()
    done = shell(script, str(tmp_path), timeout=0.5)
    assert time.monotonic() - begun < 10
    assert (done.rc, done.out, done.err) == (TIMEOUT_RC, "", "sh gave no answer within 0.5 s")
    assert gone(tmp_path / "child")
    assert gone(tmp_path / "grandchild")


def test_what_is_ended_is_asked_first(tmp_path: Path) -> None:
    script = 'trap \'echo asked > "$1/said"; exit\' TERM; : > "$1/ready"; while :; do sleep 0.05; done'
    assert shell(script, str(tmp_path), timeout=1).rc == TIMEOUT_RC
    assert (tmp_path / "said").read_text() == "asked\n"


def test_nothing_but_its_own_group_is_signalled(tmp_path: Path) -> None:
    with subprocess.Popen(["sleep", "60"]) as bystander:
        assert shell("sleep 60", timeout=0.2).rc == TIMEOUT_RC
        assert bystander.poll() is None
        bystander.kill()
    assert os.getpgid(0) != 0


@pytest.mark.parametrize("stream", ["1", "2"])
def test_output_beyond_the_cap_ends_it_and_names_the_bound(tmp_path: Path, stream: str) -> None:
    begun = time.monotonic()
    done = shell(f'echo $$ > "$1"; while :; do echo {"x" * 500} >&{stream}; done', str(tmp_path / "pid"), cap=100_000)
    assert time.monotonic() - begun < 10
    assert done == Outcome(OVERFLOW_RC, "", "sh printed more than 100000 bytes")
    assert gone(tmp_path / "pid")


def test_output_of_just_the_cap_is_taken() -> None:
    assert shell("printf 12345", cap=5) == Outcome(0, "12345")
    assert shell("printf 123456", cap=5).rc == OVERFLOW_RC
    assert shell("printf 123456 & wait; exit 0", cap=5).rc == OVERFLOW_RC


def test_a_program_that_closes_its_output_is_waited_for_until_the_limit() -> None:
    assert shell("exec >&- 2>&-; sleep 0.3; exit 4").rc == 4
    assert shell("exec >&- 2>&-; sleep 60", timeout=0.3).rc == TIMEOUT_RC


def test_output_that_was_closed_is_not_listened_to_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    read, times = os.read, []

    def counted(handle: int, most: int) -> bytes:
        times.append(handle)
        return read(handle, most)

    monkeypatch.setattr(os, "read", counted)
    assert shell("echo first; exec >&- 2>&-; sleep 0.5").out == "first\n"
    assert len(times) < 20


def test_an_interrupted_run_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*args: object) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(running, "_read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        shell('echo $$ > "$1"; echo out; sleep 60', str(tmp_path / "pid"))
    assert gone(tmp_path / "pid")


def test_no_handle_stays_open() -> None:
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc")
    before = os.listdir("/proc/self/fd")
    for script, limit in (("echo out", 20), ("sleep 60", 0.1), ("yes", 20)):
        shell(script, timeout=limit, cap=1000)
    run(["/nowhere/iapeer"], None, None, 1)
    assert os.listdir("/proc/self/fd") == before


def test_it_runs_in_a_session_of_its_own_without_a_shell() -> None:
    code = "import os; print(os.getsid(0) == os.getpid() == os.getpgid(0))"
    assert run([sys.executable, "-c", code], None, None, 20).out == "True\n"


def test_an_environment_is_made_from_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "of ours")
    egress = Egress(Sandbox({}), {"PATH": os.environ["PATH"], "OURS": "1"})
    code = "import os; print(sorted(set(os.environ) - {'LC_CTYPE'}), os.environ.get('NAME'))"
    done = egress.run(Binary(sys.executable), ["-c", code], env={"NAME": "ü \udcff"})
    assert done.out.startswith("['NAME'] ")
    assert egress.run(Binary(sys.executable), ["-c", code]).out.startswith("['OURS', 'PATH'] ")


@pytest.mark.parametrize(
    ("printed", "text"),
    [
        (b"\xef\xbb\xbf[]\n", "[]\n"),
        (b"a\xef\xbb\xbfb", "a\ufeffb"),
        (b"a\xffb", "a\ufffdb"),
        ("привет\r\n".encode(), "привет\n"),
        (b"a\rb", "a\nb"),
    ],
)
def test_output_is_utf8_text_without_a_byte_order_mark(printed: bytes, text: str) -> None:
    assert run([sys.executable, "-c", f"import sys; sys.stdout.buffer.write({printed!r})"], None, None, 20).out == text


LOCALE = """
import sys
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.running import run
done = run(["sh", "-c", 'printf "%s|%s|" "$1" "$NAME"; pwd', "sh", "\\u00fc\\udcff"], sys.argv[1] + "/\\u00fc", {
    "PATH": "/usr/bin:/bin", "NAME": "\\u043f"
}, 20)
assert done.rc == 0, done
sys.stdout.buffer.write(done.out.encode("utf-8"))
"""


@pytest.mark.parametrize("utf8", ["0", "1"])
def test_names_and_arguments_are_utf8_whatever_the_locale(tmp_path: Path, utf8: str) -> None:
    (tmp_path / "ü").mkdir()
    env = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": utf8, "PYTHONPATH": str(ROOT / ".tree")}
    done = subprocess.run([sys.executable, "-c", LOCALE, str(tmp_path)], env=env, capture_output=True, check=False)
    assert done.stderr == b""
    assert done.stdout == f"ü\ufffd|п|{tmp_path}/ü\n".encode()


def test_an_argument_that_none_can_be_is_an_outcome() -> None:
    for word in ("\ud800", "a\0b"):
        assert run(["sh", "-c", "", word], None, None, 20).rc == running.REFUSED_RC
        assert run(["sh", "-c", ""], f"/{word}", None, 20).rc == running.REFUSED_RC
        assert run(["sh", "-c", ""], None, {"NAME": word}, 20).rc == running.REFUSED_RC
