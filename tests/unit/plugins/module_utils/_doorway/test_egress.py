# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The doorway to processes, signals and HTTP, with real ones; what macOS answers comes from recordings."""

from __future__ import annotations

import builtins
import contextlib
import http.server
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway import processes
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import (
    REFUSED_RC,
    TIMEOUT_RC,
    Binary,
    Clock,
    Egress,
    Outcome,
    Process,
)
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.processes import parse_ps
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import SWITCHES, Sandbox

LINUX = sys.platform.startswith("linux")
ROOT = os.geteuid() == 0
HUGE = (2**31, 2**31 + 5, 2**40, 2**70)

# As macOS prints uid=,stat=,lstart=,command= in the C locale.
MAC_PS = "  501 S    Sun Nov 22 08:05:09 2026     /Users/bob/.local/bin/iapeer-memory memoryd\n"
MAC_ZOMBIE = "  501 Z    Mon Feb  2 08:05:09 2026     (iapeer-memory)\n"


def free() -> Egress:
    return Egress(Sandbox({}))


def armed() -> Egress:
    return Egress(Sandbox({SWITCHES[0]: "1"}))


@pytest.fixture
def child() -> Iterator[subprocess.Popen[bytes]]:
    """A process that sleeps until the test ends. It has spoken: while it is being made it has no command line yet."""
    code = "import time; print(flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code, "memoryd"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process
        process.kill()


@pytest.fixture
def zombie() -> Iterator[int]:
    """A process that has ended and that nobody has waited for."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    if LINUX:
        os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    else:
        time.sleep(1)
    yield process.pid
    process.wait()


@pytest.fixture
def ended() -> int:
    """The pid of a process that is gone."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


class Recorded(Egress):
    """A doorway on a system without /proc, whose ps gives recorded answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *answers: Outcome) -> None:
        super().__init__(Sandbox({}))
        self.answers = list(answers)
        self.asked: list[list[str]] = []
        exists = os.path.exists
        monkeypatch.setattr(os.path, "exists", lambda path: path != "/proc/self/stat" and exists(path))
        monkeypatch.delattr(os, "pidfd_open", raising=False)

    def _spawn(self, argv: list[str], *bounds: Any) -> Outcome:
        self.asked.append(argv)
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


# Running


def test_a_command_gives_its_exit_code_and_both_outputs() -> None:
    code = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    assert free().run(Binary(sys.executable), ["-c", code]) == Outcome(3, "out\n", "err\n")


def test_arguments_reach_the_program_as_they_are(tmp_path: Path) -> None:
    words = ["a b", "$HOME", "`id`", "", "--", "'\"", "*", "ü"]
    done = free().run(Binary(sys.executable), ["-c", "import sys; print(sys.argv[1:])", *words])
    assert done.out.strip() == repr(words)


def test_standard_input_is_empty() -> None:
    assert free().run(Binary(sys.executable), ["-c", "import sys; print(repr(sys.stdin.read()))"]).out == "''\n"


def test_a_command_runs_in_the_given_folder_and_environment(tmp_path: Path) -> None:
    egress = Egress(Sandbox({}), {"ONLY": "this", "PATH": os.environ["PATH"]})
    done = egress.run(
        Binary(sys.executable), ["-c", "import os; print(os.getcwd(), os.environ.get('ONLY'))"], str(tmp_path)
    )
    assert done.out.split() == [os.path.realpath(tmp_path), "this"]
    done = egress.run(Binary(sys.executable), ["-c", "import os; print('HOME' in os.environ)"])
    assert done.out == "False\n"


def test_output_that_is_not_utf8_is_taken_as_far_as_it_goes() -> None:
    done = free().run(Binary(sys.executable), ["-c", "import sys; sys.stdout.buffer.write(b'a\\xffb')"])
    assert (done.rc, done.out) == (0, "a\ufffdb")


def test_a_missing_program_is_an_outcome() -> None:
    done = free().run(Binary("/nowhere/iapeer"), ["list"])
    assert (done.rc, done.missing, done.refused) == (REFUSED_RC, True, False)
    assert "/nowhere/iapeer" in done.complaint


def test_a_missing_folder_is_not_a_missing_program() -> None:
    done = free().run(Binary(sys.executable), ["-c", ""], cwd="/nowhere/peer")
    assert (done.rc, done.missing) == (REFUSED_RC, False)
    assert "/nowhere/peer" in done.complaint


def test_a_program_that_may_not_be_run_is_an_outcome(tmp_path: Path) -> None:
    (tmp_path / "core").write_text("#!/bin/sh\n")
    done = free().run(Binary(str(tmp_path / "core")), [])
    assert (done.rc, done.missing) == (REFUSED_RC, False)
    assert "ermission denied" in done.complaint


def test_a_program_that_is_none_is_an_outcome(tmp_path: Path) -> None:
    (tmp_path / "core").write_bytes(b"\x00\x01\x02")
    (tmp_path / "core").chmod(0o755)
    assert free().run(Binary(str(tmp_path / "core")), []).rc == REFUSED_RC


def test_an_argument_that_no_program_can_take_is_an_outcome() -> None:
    assert free().run(Binary(sys.executable), ["a\0b"]).rc == REFUSED_RC


def test_a_program_whose_interpreter_is_missing_is_not_missing_itself(tmp_path: Path) -> None:
    program = tmp_path / "iapeer"
    program.write_text("#!/no/such/interpreter\n")
    program.chmod(0o755)
    done = free().run(Binary(str(program)), [])
    assert (done.rc, done.missing) == (REFUSED_RC, False)
    assert done.complaint == f"{program}: No such file or directory: the file is there, its interpreter is missing"
    assert free().run(Binary(str(tmp_path / "other")), []).missing


def test_a_command_that_takes_too_long_is_ended() -> None:
    begun = time.monotonic()
    done = free().run(Binary(sys.executable), ["-c", "import time; time.sleep(60)"], timeout=0.3)
    assert done.rc == TIMEOUT_RC
    assert "no answer within 0.3 s" in done.complaint
    assert time.monotonic() - begun < 10


def test_a_complaint_is_the_first_telling_line() -> None:
    assert Outcome(1, "out\n", "\n  first \nsecond").complaint == "first"
    assert Outcome(1, "\n out\n").complaint == "out"
    assert Outcome(1, "ok a\nFAIL b\nok c\n").complaint == "FAIL b"
    assert Outcome(1, "ok a\nok c\n").complaint == "ok c"
    assert Outcome(7).complaint == "exit code 7"
    assert Outcome(-11).complaint == "killed by signal 11 (SIGSEGV)"
    assert Outcome(-11, "", "oh").complaint == "oh; killed by signal 11 (SIGSEGV)"
    assert Outcome(-200).complaint == "killed by signal 200"
    assert len(Outcome(1, "x" * 900).complaint) == 200


# The sandbox's four allowances, and nothing more


@pytest.fixture
def tracer(tmp_path: Path) -> Path:
    """A program that leaves a trace when it is run."""
    program = tmp_path / "iapeer"
    program.write_text(f"#!/bin/sh\ntouch '{tmp_path}/ran'\n")
    program.chmod(0o755)
    return program


@pytest.mark.parametrize("switch", SWITCHES)
def test_an_armed_sandbox_runs_no_program_that_was_not_named(tracer: Path, switch: str) -> None:
    done = Egress(Sandbox({switch: "1"})).run(Binary(str(tracer)), [])
    assert (done.rc, done.refused, done.missing) == (127, True, False)
    assert "refused by the sandbox" in done.complaint
    assert not (tracer.parent / "ran").exists()


def test_an_armed_sandbox_finds_no_program(tracer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", f"{tracer.parent}:{os.environ['PATH']}")
    assert free().find("iapeer") == str(tracer)
    assert armed().find("iapeer", str(tracer)) is None
    assert armed().run(Binary("iapeer"), []).refused
    assert not (tracer.parent / "ran").exists()


def test_a_program_that_was_found_is_told_in_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    """As where the locale names ISO-8859-1."""
    monkeypatch.setattr(shutil, "which", lambda name: f"/\u0434/{name}".encode().decode("latin-1"))
    monkeypatch.setattr(os, "fsencode", lambda text: text.encode("latin-1"))
    assert free().find("iapeer") == "/\u0434/iapeer"


def test_the_first_allowance_is_a_program_that_the_operator_named(tracer: Path) -> None:
    assert armed().run(Binary(str(tracer), named=True), []).rc == 0
    assert (tracer.parent / "ran").exists()


def test_the_second_allowance_is_the_running_interpreter(tmp_path: Path) -> None:
    assert armed().run(Binary(sys.executable), ["-c", "print(1)"]).out == "1\n"
    (tmp_path / "python3").symlink_to(sys.executable)
    assert armed().run(Binary(str(tmp_path / "python3")), ["-c", "print(1)"]).refused
    assert armed().run(Binary("python3"), ["-c", "print(1)"]).refused


def test_the_third_allowance_is_ps(child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    exists = os.path.exists
    monkeypatch.setattr(os.path, "exists", lambda path: path != "/proc/self/stat" and exists(path))
    found = armed().process(child.pid)
    assert found is not None
    assert (found.pid, found.uid, found.exact) == (child.pid, os.getuid(), False)
    assert armed().run(Binary("ps"), []).refused  # only the one question that the doorway itself asks


def test_the_fourth_allowance_is_http_to_loopback(server: str) -> None:
    assert armed().get(server + "/mcp").out == "200"
    for url in (
        "http://192.0.2.1/",
        "http://localhost.example.com/",
        "http://127.0.0.2/",
        "http://0.0.0.0/",
        "http:///x",
    ):
        done = armed().get(url)
        assert (done.rc, done.refused) == (127, True), url


def test_signals_are_not_refused(child: subprocess.Popen[bytes]) -> None:
    assert armed().signal(child.pid, signal.SIGTERM, lambda found: None) is None
    assert child.wait(10) == -signal.SIGTERM


def test_unarmed_any_program_runs(tracer: Path) -> None:
    assert free().run(Binary(str(tracer)), []).rc == 0


# Finding


def test_a_program_is_found_on_the_path_before_the_fallbacks(tracer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tracer.parent))
    assert free().find("iapeer", "/nowhere") == str(tracer)
    assert free().find("other", "/nowhere", str(tracer)) == str(tracer)
    assert free().find("other", "/nowhere") is None


# HTTP


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers with the status that the path names; /away sends to another host; /rubbish speaks no HTTP."""

    seen: list[str] = []

    def do_GET(self) -> None:
        self.seen.append(self.path)
        if self.path == "/rubbish":
            self.wfile.write(b"\x00\x01 nothing\r\n")
            return
        word = self.path.strip("/")
        self.send_response(302 if word == "away" else int(word) if word.isdigit() else 200)
        if word == "away":
            self.send_header("Location", "http://192.0.2.1/")
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[str]:
    Handler.seen = []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as found:
        threading.Thread(target=found.serve_forever, args=(0.02,), daemon=True).start()
        yield f"http://127.0.0.1:{found.server_port}"
        found.shutdown()


@pytest.mark.parametrize("status", [200, 404, 405, 500])
def test_any_status_is_an_answer(server: str, status: int) -> None:
    assert free().get(f"{server}/{status}") == Outcome(0, str(status))


def test_a_redirection_is_an_answer_and_is_not_followed(server: str) -> None:
    assert armed().get(f"{server}/away") == Outcome(0, "302")


def test_what_speaks_no_http_is_no_answer(server: str) -> None:
    assert free().get(f"{server}/rubbish").rc == 1


def test_no_proxy_is_asked(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://192.0.2.1:9")
    monkeypatch.setenv("HTTP_PROXY", "http://192.0.2.1:9")
    assert free().get(f"{server}/mcp").out == "200"


def test_nobody_listening_is_no_answer() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    done = free().get(f"http://127.0.0.1:{port}/mcp")
    assert (done.rc, done.refused) == (1, False)
    assert str(port) in done.complaint


def test_a_server_that_never_answers_costs_the_time_limit() -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        begun = time.monotonic()
        assert free().get(f"http://127.0.0.1:{deaf.getsockname()[1]}/", timeout=0.2).rc == 1
        assert time.monotonic() - begun < 5


@pytest.mark.parametrize("said", [b"HTTP/1.1", b"", b"x" * 10_000])
def test_a_server_that_answers_drop_by_drop_costs_the_time_limit(said: bytes) -> None:
    """Or less, where it says more than any status line has."""

    def drip(server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            connection, _address = server.accept()
            with connection:
                while True:
                    connection.sendall(said or b"H")
                    time.sleep(0.05)

    with socket.socket() as slow:
        slow.bind(("127.0.0.1", 0))
        slow.listen()
        threading.Thread(target=drip, args=(slow,), daemon=True).start()
        begun = time.monotonic()
        assert free().get(f"http://127.0.0.1:{slow.getsockname()[1]}/", timeout=0.4).rc == 1
        assert time.monotonic() - begun < 3


@pytest.mark.parametrize(
    "url", ["file:///etc/hostname", "ftp://127.0.0.1/x", "http://127.0.0.1:port/", "http://[::1", ""]
)
def test_what_is_no_http_address_is_not_asked(url: str) -> None:
    assert free().get(url).rc == 1


# Processes


def test_a_process_is_described(child: subprocess.Popen[bytes]) -> None:
    found = free().process(child.pid)
    assert found is not None
    assert (found.pid, found.uid) == (child.pid, os.getuid())
    assert found.command.endswith("memoryd")
    assert abs(found.started - time.time()) < 30


def test_both_ways_of_looking_agree(child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    first = free().process(child.pid)
    exists = os.path.exists
    monkeypatch.setattr(os.path, "exists", lambda path: path != "/proc/self/stat" and exists(path))
    second = free().process(child.pid)
    assert first is not None
    assert second is not None
    assert (first.pid, first.uid, first.command) == (second.pid, second.uid, second.command)
    assert abs(first.started - second.started) < 2


@pytest.mark.linux
def test_the_start_is_exact_enough_to_order_it_with_files(tmp_path: Path) -> None:
    (tmp_path / "before").write_text("")
    time.sleep(0.05)
    with subprocess.Popen(["sleep", "60"]) as process:
        time.sleep(0.05)
        (tmp_path / "after").write_text("")
        found = free().process(process.pid)
        process.kill()
    assert found is not None
    assert found.exact
    assert os.stat(tmp_path / "before").st_mtime < found.started < os.stat(tmp_path / "after").st_mtime


@pytest.mark.skipif(not (LINUX and ROOT), reason="needs root and /proc")
def test_a_process_that_may_not_be_looked_into_still_belongs_to_its_user() -> None:
    closed = "ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)"  # what a program gets that its user may run and not read
    code = f"import ctypes, os, time; os.setuid(65534); {closed}; print(1, flush=True); time.sleep(60)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            found = free().process(process.pid)
        finally:
            process.kill()
    assert found is not None
    assert found.uid == 65534


@pytest.mark.parametrize("pid", [0, -1, -99999, *HUGE])
def test_what_is_no_pid_is_no_process(pid: int) -> None:
    assert free().process(pid) is None
    assert free().alive(pid) is False
    assert free().signal(pid, signal.SIGTERM, lambda found: None) == f"pid {pid} is never signalled"


def test_the_living_and_the_dead(child: subprocess.Popen[bytes], zombie: int, ended: int) -> None:
    assert free().alive(child.pid)
    assert free().alive(os.getpid())
    assert free().alive(1)  # the first process of a container can be anybody
    assert not free().alive(zombie)
    assert not free().alive(ended)
    assert free().process(ended) is None


@pytest.mark.skipif(not LINUX, reason="elsewhere a thread has no number that a process could have")
def test_a_thread_is_no_process() -> None:
    done = threading.Event()
    thread = threading.Thread(target=done.wait)
    thread.start()
    try:
        number = thread.native_id
        assert number is not None
        assert number != os.getpid()
        assert free().process(number) is None
        assert not free().alive(number)
        assert free().signal(number, 0, lambda found: None) is not None
    finally:
        done.set()
        thread.join()


def test_a_proc_that_hides_other_accounts_is_not_taken_for_their_end(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def absent(*args: Any, **kwargs: Any) -> Any:
        raise FileNotFoundError(2, "No such file or directory")

    def theirs(pid: int, number: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(builtins, "open", absent)
    assert processes.read_proc(child.pid) is None
    monkeypatch.setattr(os, "kill", theirs)
    with pytest.raises(Problem, match=f"process {child.pid} may not be looked at"):
        processes.read_proc(child.pid)
    monkeypatch.undo()


@pytest.mark.skipif(not ROOT, reason="needs root to become somebody else")
def test_somebody_elses_process_is_alive(child: subprocess.Popen[bytes]) -> None:
    code = "import os, sys; os.setuid(65534); os.kill(int(sys.argv[1]), 0)"
    done = subprocess.run([sys.executable, "-c", code, str(child.pid)], stderr=subprocess.PIPE, check=False)
    assert b"PermissionError" in done.stderr
    assert in_other_account(lambda: free().alive(child.pid)) == "True"


def in_other_account(work: Any) -> str:
    """What work returns when it is done by a process of the account nobody; needs root."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        with contextlib.suppress(BaseException):
            os.setgid(65534)
            os.setuid(65534)
            os.write(writer, str(work()).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with os.fdopen(reader) as answer:
        return answer.read()


# Signals


def refuse(found: Process) -> str:
    return "not this one"


def test_a_signal_is_sent_where_the_verdict_has_nothing_against_it(child: subprocess.Popen[bytes]) -> None:
    seen: list[Process] = []

    def verdict(found: Process) -> None:
        seen.append(found)

    assert free().signal(child.pid, signal.SIGTERM, verdict) is None
    assert child.wait(10) == -signal.SIGTERM
    assert [found.pid for found in seen] == [child.pid]


def test_no_signal_is_sent_against_the_verdict(child: subprocess.Popen[bytes]) -> None:
    assert free().signal(child.pid, signal.SIGKILL, refuse) == "not this one"
    time.sleep(0.1)
    assert child.poll() is None


def test_pid_1_is_never_signalled() -> None:
    assert free().signal(1, 0, lambda found: None) == "pid 1 is never signalled"


def test_an_ended_process_is_not_signalled(ended: int) -> None:
    assert free().signal(ended, signal.SIGTERM, lambda found: None) == f"no process {ended}"


@pytest.mark.skipif(not ROOT, reason="needs root to become somebody else")
def test_a_process_that_may_not_be_signalled_is_said_so(child: subprocess.Popen[bytes]) -> None:
    answer = in_other_account(lambda: free().signal(child.pid, signal.SIGKILL, lambda found: None))
    assert answer == f"no permission to signal {child.pid}"
    assert child.poll() is None


@pytest.mark.linux
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_the_process_that_was_checked_is_the_one_that_is_signalled(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """By a handle on it that was opened before the look, never by its number."""
    happened: list[Any] = []
    handles: list[int] = []
    opener, sender = os.pidfd_open, signal.pidfd_send_signal

    def by_number(pid: int, number: int) -> None:
        raise AssertionError("signalled by its number, which may be another's by now")

    def opened(pid: int, flags: int = 0) -> int:
        handles.append(opener(pid, flags))
        happened.append(("opened", pid))
        return handles[-1]

    def sent(handle: int, number: int, *rest: Any) -> None:
        happened.append(("sent", handle, number))
        sender(handle, number, *rest)

    class Looking(Egress):
        def process(self, pid: int) -> Process | None:
            happened.append(("looked", pid))
            return super().process(pid)

    def verdict(found: Process) -> None:
        happened.append(("checked", found.pid))

    monkeypatch.setattr(os, "kill", by_number)
    monkeypatch.setattr(os, "pidfd_open", opened)
    monkeypatch.setattr(signal, "pidfd_send_signal", sent)
    assert Looking(Sandbox({})).signal(child.pid, number, verdict) is None
    steps = [("opened", child.pid), ("looked", child.pid), ("checked", child.pid), ("sent", handles[0], number)]
    assert happened == steps
    monkeypatch.undo()
    assert child.wait(10) == -number
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handles[0])


@pytest.mark.linux
def test_a_process_that_ends_during_the_check_gets_no_signal_and_neither_does_the_next_with_its_pid(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "kill", lambda pid, number: pytest.fail("signalled by its number"))

    def verdict(found: Process) -> None:
        signal.pidfd_send_signal(os.pidfd_open(child.pid), signal.SIGKILL)
        child.wait()

    assert free().signal(child.pid, signal.SIGTERM, verdict) == f"no process {child.pid}"


@pytest.mark.parametrize("pidfd", [True, False])
def test_what_is_no_process_is_neither_judged_nor_signalled(
    ended: int, monkeypatch: pytest.MonkeyPatch, pidfd: bool
) -> None:
    """Also where only the look finds out: without a handle, the look is all there is."""
    if not pidfd:
        monkeypatch.delattr(os, "pidfd_open", raising=False)
    kill = os.kill
    monkeypatch.setattr(os, "kill", lambda pid, number: pytest.fail("signalled") if number else kill(pid, 0))
    asked: list[Process] = []

    def verdict(found: Process) -> None:
        asked.append(found)

    assert free().signal(ended, signal.SIGTERM, verdict) == f"no process {ended}"
    assert asked == []


def test_without_pidfd_the_check_stands_immediately_before_the_signal(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    happened: list[Any] = []
    monkeypatch.delattr(os, "pidfd_open", raising=False)
    kill = os.kill
    monkeypatch.setattr(os, "kill", lambda pid, number: (happened.append((pid, number)), kill(pid, number)))

    def verdict(found: Process) -> None:
        happened.append("checked")

    assert free().signal(child.pid, signal.SIGTERM, verdict) is None
    assert happened == ["checked", (child.pid, signal.SIGTERM)]
    assert child.wait(10) == -signal.SIGTERM


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfd")
def test_a_kernel_without_pidfd_falls_back(child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    def absent(pid: int) -> int:
        raise OSError(38, "Function not implemented")

    monkeypatch.setattr(os, "pidfd_open", absent)
    assert free().signal(child.pid, signal.SIGTERM, lambda found: None) is None
    assert child.wait(10) == -signal.SIGTERM


@pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs pidfd")
def test_no_handle_stays_open(child: subprocess.Popen[bytes]) -> None:
    before = sorted(os.listdir("/proc/self/fd"))
    free().signal(child.pid, 0, lambda found: None)
    free().signal(child.pid, 0, refuse)
    assert sorted(os.listdir("/proc/self/fd")) == before


def test_the_end_of_a_process_is_seen(child: subprocess.Popen[bytes]) -> None:
    found = free().process(child.pid)
    assert found is not None
    assert not free().wait_gone(found, Clock(), 0.1)
    child.kill()
    assert free().wait_gone(found, Clock(), 5)  # nobody has waited for it: a zombie has ended
    child.wait()
    assert free().wait_gone(found, Clock(), 0)


class Ticking(Clock):
    """A clock whose seconds pass only while somebody sleeps."""

    def __init__(self) -> None:
        self.moment = 0.0

    def monotonic(self) -> float:
        return self.moment

    def sleep(self, seconds: float) -> None:
        self.moment += seconds


def test_waiting_for_the_end_starts_few_programs_where_each_look_is_one(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    egress = Recorded(monkeypatch, Outcome(0, MAC_PS))
    first = egress.process(child.pid)
    assert first is not None
    assert not egress.wait_gone(first, Ticking(), 5)
    assert len(egress.asked) <= 8


def test_the_end_is_seen_at_once_where_each_look_is_a_program(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    egress = Recorded(monkeypatch, Outcome(0, MAC_PS), Outcome(0, MAC_PS), Outcome(1))
    first = egress.process(child.pid)
    assert first is not None

    class Deadly(Ticking):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            child.kill()
            child.wait()

    clock = Deadly()
    assert egress.wait_gone(first, clock, 5)
    assert clock.moment < 0.2
    assert len(egress.asked) == 3


@pytest.mark.linux
def test_a_process_that_may_not_be_looked_at_has_not_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(*args: Any, **kwargs: Any) -> Any:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(builtins, "open", hidden)
    with pytest.raises(Problem, match="process 4242 may not be looked at"):
        processes.read_proc(4242)


def test_a_later_process_with_the_same_pid_is_another_one(child: subprocess.Popen[bytes]) -> None:
    found = free().process(child.pid)
    assert found is not None
    assert free().wait_gone(found._replace(birth="long ago"), Clock(), 0)


def test_a_clock_that_is_set_does_not_make_a_process_another_one(child: subprocess.Popen[bytes]) -> None:
    found = free().process(child.pid)
    assert found is not None
    assert not free().wait_gone(found._replace(started=found.started - 3600), Clock(), 0)


# What ps says (recorded on macOS)


def test_a_line_of_ps_is_read() -> None:
    found = parse_ps(77, MAC_PS)
    assert found is not None
    started = time.mktime((2026, 11, 22, 8, 5, 9, 0, 0, -1))
    command = "/Users/bob/.local/bin/iapeer-memory memoryd"
    assert found == Process(77, 501, "S", command, started, False, "Sun Nov 22 08:05:09 2026")


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The time zone of Berlin, with its summer time, whatever zones the machine knows."""
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("in_berlin")
@pytest.mark.parametrize(
    ("started", "seconds"),
    [("Sun Nov 22 08:05:09 2026", 1795331109), ("Wed Jul  1 08:05:09 2026", 1782885909)],
)
def test_the_start_that_ps_tells_is_local_time_in_winter_and_in_summer(started: str, seconds: int) -> None:
    found = parse_ps(77, f"501 S {started} memoryd")
    assert found is not None
    assert found.started == seconds


def test_ps_is_read_in_a_module_that_speaks_another_language(monkeypatch: pytest.MonkeyPatch) -> None:
    def deaf(text: str, layout: str = "") -> time.struct_time:
        raise ValueError("time data does not match: the months have other names here")

    monkeypatch.setattr(time, "strptime", deaf)
    assert parse_ps(77, MAC_PS) is not None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "501 S",
        "501 S Sun Nov 22 08:05:09",
        "UID STAT STARTED COMMAND and a header that is long",
        "bob S Sun Nov 22 08:05:09 2026 x",
        "501 S So 22 Nov 08:05:09 2026 x",
        "501 S Sun Nov 22 08:05 2026 x",
        "501 S Sun Nov 22 08:05:09 99999999999 x",
    ],
)
def test_a_line_that_is_not_understood_is_no_process(text: str) -> None:
    assert parse_ps(77, text) is None


def test_a_process_without_a_command_line_is_one() -> None:
    found = parse_ps(77, "0 S Sun Nov 22 08:05:09 2026\n")
    assert found is not None
    assert found.command == ""


def test_ps_is_asked_in_the_c_locale_about_the_one_pid(monkeypatch: pytest.MonkeyPatch) -> None:
    egress = Recorded(monkeypatch, Outcome(0, MAC_PS))
    assert egress.process(77) is not None
    assert egress.asked == [["env", "LC_ALL=C", "ps", "-ww", "-o", "uid=,stat=,lstart=,command=", "-p", "77"]]


def test_ps_that_knows_no_such_process_means_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Recorded(monkeypatch, Outcome(1)).process(77) is None


@pytest.mark.parametrize(
    "answer",
    [
        Outcome(127, "", "env: No such file or directory", missing=True),
        Outcome(124, "", "env gave no answer within 10 s"),
        Outcome(1, "", "")._replace(out="ps: illegal option\n"),
        Outcome(0, "what is this\n"),
        Outcome(0, ""),
    ],
)
def test_ps_that_does_not_answer_is_not_taken_for_the_end_of_a_process(
    monkeypatch: pytest.MonkeyPatch, answer: Outcome
) -> None:
    egress = Recorded(monkeypatch, answer)
    with pytest.raises(Problem, match="ps did not say what process"):
        egress.process(os.getpid())
    assert egress.alive(os.getpid())


def test_a_zombie_on_macos_has_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    egress = Recorded(monkeypatch, Outcome(0, MAC_ZOMBIE))
    assert not egress.alive(os.getpid())


def test_the_verified_kill_works_without_proc_and_pidfd(
    child: subprocess.Popen[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    egress = Recorded(monkeypatch, Outcome(0, MAC_PS))
    seen: list[str] = []
    assert egress.signal(child.pid, signal.SIGTERM, lambda found: seen.append(found.command)) is None  # type: ignore[func-returns-value]
    assert child.wait(10) == -signal.SIGTERM
    assert seen == ["/Users/bob/.local/bin/iapeer-memory memoryd"]


def test_a_pid_given_to_another_process_is_seen_on_macos(monkeypatch: pytest.MonkeyPatch) -> None:
    later = MAC_PS.replace("08:05:09", "08:05:10")
    egress = Recorded(monkeypatch, Outcome(0, MAC_PS), Outcome(0, later))
    first = egress.process(77)
    assert first is not None
    assert egress.wait_gone(first, Clock(), 0)


def test_the_doorway_names_the_flags_that_both_systems_know() -> None:
    assert processes.PS[-1] == "-p"
    assert not [word for word in processes.PS if word.startswith("--")]
