# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verified restart of memoryd, with real processes and signals: who is ended, and who never hears of it."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import (
    Clock,
    Egress,
    Outcome,
    Process,
)
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import Host, open_host
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import memoryd
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things.memoryd import Heartbeat

ROOT = os.geteuid() == 0
POLITE = "import time; print(1, flush=True); time.sleep(60)"
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(1, flush=True); time.sleep(60)"
NOBODY = "import os, time; os.setgid(65534); os.setuid(65534); print(1, flush=True); time.sleep(60)"


class Hasty(Clock):
    """A clock on which time passes ten times as fast as on the wall."""

    def monotonic(self) -> float:
        return time.monotonic() * 10

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / 10)


class Watched(Egress):
    """The real doorway, with a record of the signals that passed it."""

    def __init__(self) -> None:
        super().__init__(Sandbox({}))
        self.sent: list[tuple[int, int]] = []

    def signal(self, pid: int, number: int, verdict: Any) -> str | None:
        reason = super().signal(pid, number, verdict)
        if reason is None:
            self.sent.append((pid, number))
        return reason


@pytest.fixture
def host(tmp_path: Path) -> Host:
    found = open_host(
        {"iapeer_root": str(tmp_path / "root"), "state_dir": str(tmp_path / "state")}, {"HOME": str(tmp_path)}
    )
    os.mkdir(found.paths.state)
    return found._replace(egress=Watched(), clock=Hasty())


Start = Callable[..., "subprocess.Popen[bytes]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Start a process that looks like memoryd (or like something else) and is ready; ended with the test."""
    started: list[subprocess.Popen[bytes]] = []

    def begin(code: str = POLITE, name: str = "memoryd") -> subprocess.Popen[bytes]:
        process = subprocess.Popen([sys.executable, "-c", code, name], stdout=subprocess.PIPE)
        started.append(process)
        assert process.stdout is not None
        process.stdout.readline()
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def signals(host: Host) -> list[tuple[int, int]]:
    assert isinstance(host.egress, Watched)
    return host.egress.sent


def pid_file(host: Host, text: object) -> Path:
    path = Path(host.paths.pid)
    path.write_text(f"{text}\n")
    return path


def beat(host: Host, age: float = 0.0, watch: str = "on") -> None:
    path = Path(host.paths.heartbeat)
    path.write_text(f"beat watch={watch}\n")
    os.utime(path, (time.time() - age,) * 2)


def restart(host: Host, check: bool = False, **options: Any) -> Mapping[str, Any]:
    return memoryd.ensure(host, {"wait": 0, **options}, check)


def still_runs(process: subprocess.Popen[bytes]) -> bool:
    time.sleep(0.05)
    return process.poll() is None


# Who is never signalled


def test_no_pid_file_means_not_running(host: Host) -> None:
    result = restart(host)
    assert (result["action"], result["changed"], result["detail"]) == ("not_running", False, "memoryd is not running")


@pytest.mark.parametrize(
    "text",
    ["", "0", "1", "-1", "-9", "rubbish", "12 34", "1.5", "0x10", "12345678901", "٣", "+7", "9" * 5000, "memoryd"],
)
def test_rubbish_in_the_pid_file_is_said_so_and_removed(host: Host, text: str) -> None:
    path = pid_file(host, text)
    planned = restart(host, check=True)
    assert path.exists()
    result = restart(host)
    assert (result["action"], result["changed"], result["signal"]) == ("pid_file_removed", True, None)
    assert result["detail"] == planned["detail"] == f"the pid file holds {text[:40]!r}, no pid of a daemon"
    assert not path.exists()
    assert signals(host) == []


def test_bytes_that_are_no_text_are_rubbish(host: Host) -> None:
    Path(host.paths.pid).write_bytes(b"\xff\xfe\0")
    assert restart(host)["action"] == "pid_file_removed"


@pytest.mark.parametrize("pid", [2**31 - 1, 2**31, 9_999_999_999])
def test_a_pid_that_no_process_can_have_is_said_so(host: Host, pid: int) -> None:
    path = pid_file(host, pid)
    assert restart(host)["detail"] == f"no process {pid}"
    assert not path.exists()


def test_a_process_that_has_ended_is_said_so(host: Host, start: Start) -> None:
    process = start()
    process.kill()
    process.wait()
    path = pid_file(host, process.pid)
    result = restart(host)
    assert (result["action"], result["detail"], result["old_pid"]) == (
        "pid_file_removed",
        f"no process {process.pid}",
        None,
    )
    assert not path.exists()
    assert signals(host) == []


def test_a_zombie_is_not_signalled(host: Host, start: Start) -> None:
    process = start()
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    path = pid_file(host, process.pid)
    assert restart(host)["detail"] == f"process {process.pid} has ended (zombie)"
    assert not path.exists()
    assert signals(host) == []


def test_a_pid_that_was_given_to_another_program_is_not_signalled(host: Host, start: Start) -> None:
    process = start(name="editor")
    path = pid_file(host, process.pid)
    result = restart(host)
    assert result["action"] == "pid_file_removed"
    assert result["detail"].startswith(f"process {process.pid} is not memoryd: {sys.executable}")
    assert not path.exists()
    assert still_runs(process)
    assert signals(host) == []


@pytest.mark.skipif(not ROOT, reason="needs root to start a process of another user")
def test_a_process_of_another_user_is_not_signalled(host: Host, start: Start) -> None:
    process = start(NOBODY)
    pid_file(host, process.pid)
    assert restart(host)["detail"] == f"process {process.pid} belongs to another user (uid 65534)"
    assert still_runs(process)
    assert signals(host) == []


@pytest.mark.skipif(not ROOT, reason="needs root to act on another user's host")
def test_root_ends_the_daemon_of_the_user_whom_the_pid_file_belongs_to(host: Host, start: Start) -> None:
    process = start(NOBODY)
    os.chown(pid_file(host, process.pid), 65534, 65534)
    assert restart(host)["signal"] == "TERM"
    assert process.wait(10) == -signal.SIGTERM
    own = start()
    os.chown(pid_file(host, own.pid), 65534, 65534)
    assert restart(host)["detail"] == f"process {own.pid} belongs to another user (uid 0)"
    assert still_runs(own)


def test_pid_1_is_no_daemon_even_where_it_looks_like_one(host: Host) -> None:
    pid_file(host, 1)
    assert restart(host)["detail"] == "the pid file holds '1', no pid of a daemon"
    assert signals(host) == []


def test_this_very_run_is_not_signalled(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own command line names the module, and that has the daemon's mark in it."""
    monkeypatch.setattr(memoryd, "MARK", "")
    for pid in (os.getpid(), os.getppid()):
        pid_file(host, pid)
        assert restart(host)["detail"] == f"process {pid} is a run of Ansible, not memoryd"
    assert signals(host) == []


def test_another_run_of_ansible_is_not_signalled(host: Host, start: Start) -> None:
    process = start(name="/home/u/.ansible/tmp/x/AnsiballZ_memoryd_restart.py")
    pid_file(host, process.pid)
    assert restart(host)["detail"] == f"process {process.pid} is a run of Ansible, not memoryd"
    assert still_runs(process)


@pytest.mark.parametrize("kind", ["a link inside", "a link out", "a FIFO", "a directory", "a socket"])
def test_an_odd_pid_file_is_refused_and_left(
    host: Host, start: Start, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start()
    path = Path(host.paths.pid)
    if kind == "a link inside":
        (path.parent / "real.pid").write_text(str(process.pid))
        path.symlink_to("real.pid")
    elif kind == "a link out":
        (tmp_path / "real.pid").write_text(str(process.pid))
        path.symlink_to(tmp_path / "real.pid")
    elif kind == "a FIFO":
        os.mkfifo(path)
    elif kind == "a directory":
        path.mkdir()
    else:
        monkeypatch.chdir(path.parent)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    before = os.lstat(path)
    with pytest.raises(
        Problem, match=r"the pid file cannot be used: (it is )?a (link|FIFO|directory|socket)"
    ) as caught:
        restart(host)
    assert caught.value.path == str(path)
    assert os.lstat(path) == before
    assert still_runs(process)
    assert signals(host) == []


def test_a_pid_file_that_may_not_be_read_is_a_problem(
    host: Host, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start()
    pid_file(host, process.pid)

    def unreadable(path: str) -> None:
        raise Problem("permission denied", path, "unreadable")

    monkeypatch.setattr(host.files, "read", unreadable)
    with pytest.raises(Problem, match="the pid file cannot be used: permission denied"):
        restart(host)
    assert still_runs(process)


def test_a_stale_pid_file_that_a_new_daemon_rewrites_meanwhile_survives(
    host: Host, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = pid_file(host, "rubbish")
    process = start()
    check = host.files.sandbox.check

    def just_then(where: str) -> None:
        if where == host.paths.pid and path.read_text() == "rubbish\n":
            pid_file(host, process.pid)
        check(where)

    monkeypatch.setattr(host.files.sandbox, "check", just_then)
    restart(host)
    assert path.read_text() == f"{process.pid}\n"
    assert still_runs(process)


def test_a_sandboxed_host_is_refused(tmp_path: Path, start: Start) -> None:
    account = tmp_path / "account"
    state = account / ".iapeer" / "state"
    state.mkdir(parents=True)
    process = start()
    (state / "memoryd.pid").write_text(str(process.pid))
    options = {"iapeer_root": str(account / ".iapeer"), "state_dir": str(state)}
    fenced = open_host(options, {"HOME": str(tmp_path)}, Sandbox({"IAPEER_TEST_SANDBOX": "1"}, str(account)))
    assert restart(fenced)["action"] == "not_running"  # what belongs to the live account counts as absent
    assert still_runs(process)
    assert (state / "memoryd.pid").exists()


# How it is ended


def test_a_polite_daemon_is_ended_with_term_and_its_pid_file_goes(host: Host, start: Start) -> None:
    process = start()
    path = pid_file(host, process.pid)
    planned = restart(host, check=True)
    assert (planned["action"], planned["changed"], planned["signal"]) == ("restarted", True, None)
    assert still_runs(process)
    result = restart(host)
    assert process.wait(10) == -signal.SIGTERM
    assert (result["action"], result["old_pid"], result["signal"]) == ("restarted", process.pid, "TERM")
    assert result["diff"] == planned["diff"]
    assert not path.exists()
    assert signals(host) == [(process.pid, signal.SIGTERM)]


def test_a_daemon_that_is_deaf_to_term_is_killed(host: Host, start: Start) -> None:
    process = start(DEAF)
    path = pid_file(host, process.pid)
    result = restart(host)
    assert process.wait(10) == -signal.SIGKILL
    assert result["signal"] == "KILL"
    assert not path.exists()
    assert signals(host) == [(process.pid, signal.SIGTERM), (process.pid, signal.SIGKILL)]


def test_term_is_given_5_seconds_and_kill_2(host: Host, start: Start) -> None:
    process = start(DEAF)
    pid_file(host, process.pid)
    clock = Still(host.egress)
    with pytest.raises(Problem):
        restart(host._replace(clock=clock, egress=Immortal(clock)))
    assert [number for number, _when in clock.signals] == [signal.SIGTERM, signal.SIGKILL]
    assert 5 <= clock.signals[1][1] - clock.signals[0][1] < 5.1
    assert 2 <= clock.passed - clock.signals[1][1] < 2.1


class Still(Clock):
    """A clock that only a wait moves on, with the signals that came meanwhile."""

    def __init__(self, egress: Egress) -> None:
        self.passed = 0.0
        self.signals: list[tuple[int, float]] = []

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.passed += seconds


class Immortal(Egress):
    """A doorway on a system where a signal is taken and changes nothing."""

    def __init__(self, clock: Still) -> None:
        super().__init__(Sandbox({}))
        self.clock = clock

    def signal(self, pid: int, number: int, verdict: Any) -> str | None:
        self.clock.signals.append((number, self.clock.passed))
        return None


def test_the_pid_file_of_a_daemon_that_survives_everything_is_kept(host: Host, start: Start) -> None:
    process = start()
    path = pid_file(host, process.pid)
    clock = Still(host.egress)
    with pytest.raises(
        Problem, match=rf"memoryd \(pid {process.pid}\) survived TERM and KILL; its pid file is kept"
    ) as caught:
        restart(host._replace(clock=clock, egress=Immortal(clock)))
    assert caught.value.path == str(path)
    assert path.read_text() == f"{process.pid}\n"


def test_a_daemon_that_may_not_be_signalled_is_said_so(host: Host, start: Start) -> None:
    class Powerless(Egress):
        def signal(self, pid: int, number: int, verdict: Any) -> str | None:
            return f"no permission to signal {pid}"

    process = start()
    path = pid_file(host, process.pid)
    with pytest.raises(Problem, match=f"could not be ended: no permission to signal {process.pid}"):
        restart(host._replace(clock=Still(host.egress), egress=Powerless(Sandbox({}))))
    assert path.exists()


def test_a_daemon_that_ends_by_itself_just_before_is_not_signalled(host: Host, start: Start) -> None:
    process = start()
    path = pid_file(host, process.pid)
    found = host.egress.process(process.pid)
    assert found is not None
    process.kill()
    process.wait()
    assert memoryd.terminate(host, found) is None
    assert not path.exists()
    assert signals(host) == []


def test_a_pid_given_away_after_the_look_is_not_signalled(host: Host, start: Start) -> None:
    """What runs now has our pid, our name and our user, but was born at another time."""
    process = start()
    pid_file(host, process.pid)
    found = host.egress.process(process.pid)
    assert found is not None
    assert memoryd.terminate(host, found._replace(birth="earlier")) is None
    assert still_runs(process)
    assert signals(host) == []


def test_a_pid_file_that_a_new_daemon_has_written_survives_the_end_of_the_old_one(host: Host, start: Start) -> None:
    old, new = start(), start()
    path = pid_file(host, old.pid)
    found = host.egress.process(old.pid)
    assert found is not None
    pid_file(host, new.pid)
    assert memoryd.terminate(host, found) == "TERM"
    assert old.wait(10) == -signal.SIGTERM
    assert path.read_text() == f"{new.pid}\n"
    assert still_runs(new)


def test_a_daemon_that_removes_its_pid_file_itself_is_fine(host: Host, start: Start) -> None:
    code = (
        "import os, signal, sys, time\n"
        f"signal.signal(signal.SIGTERM, lambda *a: (os.unlink({host.paths.pid!r}), sys.exit(0)))\n"
        "print(1, flush=True); time.sleep(60)"
    )
    process = start(code)
    pid_file(host, process.pid)
    assert restart(host)["signal"] == "TERM"
    assert process.wait(10) == 0


# When it is restarted


def test_without_conditions_it_is_restarted(host: Host, start: Start) -> None:
    pid_file(host, start().pid)
    assert restart(host, check=True)["detail"] == "asked for"


@pytest.mark.parametrize("offset", [-30.0, 30.0])
def test_it_is_restarted_where_a_file_is_newer(host: Host, start: Start, tmp_path: Path, offset: float) -> None:
    process = start()
    pid_file(host, process.pid)
    old, new = tmp_path / "old", tmp_path / "new"
    for path, moved in ((old, -3600.0), (new, offset)):
        path.write_text("")
        os.utime(path, (time.time() + moved,) * 2)
    result = restart(host, check=True, newer_than=[str(old), str(new), str(tmp_path / "missing")])
    if offset > 0:
        assert (result["action"], result["detail"]) == ("restarted", f"it is older than {new}")
    else:
        assert (result["action"], result["detail"]) == ("already", f"pid {process.pid} runs and is up to date")
        assert not result["changed"]
        assert result["diff"] == []


def test_no_file_to_be_newer_means_it_stays(host: Host, start: Start, tmp_path: Path) -> None:
    pid_file(host, start().pid)
    assert restart(host, newer_than=[])["action"] == "already"
    assert restart(host, newer_than=[str(tmp_path / "missing")])["action"] == "already"
    assert signals(host) == []


@pytest.mark.parametrize(
    ("exact", "offset", "newer"), [(True, 0.5, True), (True, -0.5, False), (False, 0.5, False), (False, 1.5, True)]
)
def test_a_start_known_to_the_second_only_is_never_a_reason_by_itself(
    host: Host, tmp_path: Path, exact: bool, offset: float, newer: bool
) -> None:
    path = tmp_path / "binary"
    path.write_text("")
    os.utime(path, (1000 + offset,) * 2)
    process = Process(4242, os.getuid(), "S", "memoryd", 1000.0, exact)
    assert memoryd.newer_file(host, process, [str(path)]) == (str(path) if newer else "")


@pytest.mark.parametrize(
    ("age", "watch", "why"),
    [
        (0, "on", ""),
        (100, "on", ""),
        (119, "on", ""),
        (125, "on", "hung: heartbeat is 125 s old"),
        (0, "off", "hung: heartbeat says watch=off"),
        (500, "off", "hung: heartbeat is 500 s old"),
        (-600, "on", ""),
    ],
)
def test_a_daemon_hangs_by_its_heartbeat(host: Host, start: Start, age: float, watch: str, why: str) -> None:
    process = start()
    pid_file(host, process.pid)
    beat(host, age, watch)
    result = restart(host, check=True, hung_after=120)
    assert result["detail"] == (why or f"pid {process.pid} runs and is up to date")
    assert result["changed"] is bool(why)


def test_a_daemon_without_a_heartbeat_hangs(host: Host, start: Start) -> None:
    pid_file(host, start().pid)
    assert restart(host, check=True, hung_after=120)["detail"] == "hung: no heartbeat"


def test_a_heartbeat_that_cannot_be_read_is_said_so(host: Host, start: Start) -> None:
    pid_file(host, start().pid)
    os.mkfifo(host.paths.heartbeat)
    detail = restart(host, check=True, hung_after=120)["detail"]
    assert detail == "hung: heartbeat cannot be read: a FIFO stands where a file belongs"


def test_a_daemon_that_does_not_run_does_not_hang(host: Host) -> None:
    beat(host, 500)
    assert restart(host, hung_after=120)["action"] == "not_running"


@pytest.mark.parametrize(
    ("newer", "age", "action"),
    [(True, 0, "restarted"), (False, 500, "restarted"), (False, 0, "already"), (True, 500, "restarted")],
)
def test_of_both_conditions_one_is_enough(
    host: Host, start: Start, tmp_path: Path, newer: bool, age: float, action: str
) -> None:
    pid_file(host, start().pid)
    beat(host, age)
    path = tmp_path / "binary"
    path.write_text("")
    os.utime(path, (time.time() + (60 if newer else -60),) * 2)
    assert restart(host, check=True, hung_after=120, newer_than=[str(path)])["action"] == action


@pytest.mark.parametrize(
    ("text", "watch"),
    [
        ("x watch=on", "on"),
        ("x watch=off\n\n", "off"),
        ("watch=on watch=off", "off"),
        ("watch=off\nwatch=on", "on"),
        ("watch=maybe", ""),
        ("watch=off and more", ""),
        ("", ""),
    ],
)
def test_what_the_heartbeat_says_of_watch_is_its_end(host: Host, text: str, watch: str) -> None:
    Path(host.paths.heartbeat).write_text(text)
    assert memoryd.read_heartbeat(host).watch == watch


def test_a_missing_heartbeat_has_no_age(host: Host) -> None:
    assert memoryd.read_heartbeat(host) == Heartbeat()
    assert Heartbeat().complaint(120) == "no heartbeat"


# Whether it comes back


class Notifier(threading.Thread):
    """Plays the notifier: once the process has ended, it starts what follows, which writes pid file and heartbeat."""

    def __init__(self, host: Host, old: subprocess.Popen[bytes], start: Start, **how: Any) -> None:
        super().__init__(daemon=True)
        self.host, self.old, self.begin, self.how = host, old, start, how
        self.new: subprocess.Popen[bytes] | None = None

    def run(self) -> None:
        self.old.wait()
        self.new = self.begin(name=self.how.get("name", "memoryd"))
        pid_file(self.host, self.new.pid)
        time.sleep(0.05)
        if self.how.get("beats", True):
            beat(self.host, self.how.get("age", 0.0), self.how.get("watch", "on"))


def comeback(host: Host, start: Start, **how: Any) -> tuple[Callable[[], Mapping[str, Any]], Notifier]:
    old = start()
    pid_file(host, old.pid)
    beat(host)
    notifier = Notifier(host, old, start, **how)
    notifier.start()
    return lambda: restart(host._replace(clock=Clock()), wait=how.get("wait", 10)), notifier


def test_a_restart_is_confirmed_by_a_new_pid_and_a_fresh_heartbeat(host: Host, start: Start) -> None:
    run, notifier = comeback(host, start)
    result = run()
    notifier.join()
    assert notifier.new is not None
    assert (result["old_pid"], result["new_pid"], result["signal"]) == (notifier.old.pid, notifier.new.pid, "TERM")
    assert f"pid {notifier.new.pid} came up with a fresh heartbeat" in result["detail"]
    assert Path(host.paths.pid).read_text() == f"{notifier.new.pid}\n"
    assert still_runs(notifier.new)


@pytest.mark.parametrize(
    ("how", "seen"),
    [
        ({"beats": False}, "no fresh heartbeat"),
        ({"age": 30.0}, "heartbeat is 3"),
        ({"watch": "off"}, "heartbeat says watch=off"),
    ],
)
def test_a_new_pid_without_a_fresh_heartbeat_is_no_return(
    host: Host, start: Start, how: dict[str, Any], seen: str
) -> None:
    run, notifier = comeback(host, start, wait=1, **how)
    with pytest.raises(Problem) as caught:
        run()
    notifier.join()
    assert notifier.new is not None
    text = str(caught.value)
    assert f"did not come back within 1 s (pid {notifier.new.pid}, but {seen}" in text
    assert still_runs(notifier.new)


def test_a_daemon_that_does_not_come_back_is_said_so_with_what_to_look_at(host: Host, start: Start) -> None:
    process = start()
    pid_file(host, process.pid)
    with pytest.raises(Problem) as caught:
        restart(host, wait=2)
    text = str(caught.value)
    assert f"memoryd (pid {process.pid}) was ended and did not come back within 2 s (no new pid)" in text
    assert "check that the notifier runs" in text
    assert host.paths.launcher in text


def test_another_program_under_the_new_pid_is_no_return(host: Host, start: Start) -> None:
    run, notifier = comeback(host, start, wait=1, name="editor")
    with pytest.raises(Problem, match="no new pid"):
        run()
    notifier.join()


def test_without_a_wait_nobody_waits(host: Host, start: Start) -> None:
    process = start()
    pid_file(host, process.pid)
    result = restart(host, wait=0)
    assert (result["new_pid"], result["signal"], result["detail"]) == (None, "TERM", "asked for")


# On macOS


class Recorded(Egress):
    """The doorway on a system without /proc and pidfd; ps says what was recorded there while the process lives."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, process: subprocess.Popen[bytes], line: str) -> None:
        super().__init__(Sandbox({}))
        self.child, self.line = process, line
        exists = os.path.exists
        monkeypatch.setattr(os.path, "exists", lambda path: path != "/proc/self/stat" and exists(path))
        monkeypatch.delattr(os, "pidfd_open", raising=False)

    def _spawn(self, argv: list[str], cwd: str | None, timeout: float) -> Outcome:
        assert argv[-2:] == ["-p", str(self.child.pid)]
        return Outcome(1) if self.child.poll() is not None else Outcome(0, self.line)


def recorded(command: str, uid: int | None = None, state: str = "S") -> str:
    """A line of ps as macOS prints it."""
    return f"{os.getuid() if uid is None else uid:5d} {state:4s} Sun Nov 22 08:05:09 2026     {command}\n"


@pytest.mark.parametrize("code", [POLITE, DEAF])
def test_the_restart_works_on_macos(host: Host, start: Start, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    process = start(code)
    path = pid_file(host, process.pid)
    egress = Recorded(monkeypatch, process, recorded("/Users/bob/.local/bin/iapeer-memory memoryd"))
    result = restart(host._replace(egress=egress))
    assert (result["action"], result["signal"]) == ("restarted", "TERM" if code == POLITE else "KILL")
    assert process.wait(10) < 0
    assert not path.exists()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (recorded("/Applications/Editor.app/Contents/MacOS/Editor"), "is not memoryd: /Applications/Editor.app"),
        (recorded("iapeer-memory memoryd", uid=4242), "belongs to another user (uid 4242)"),
        (recorded("(iapeer-memory)", state="Z"), "has ended (zombie)"),
    ],
)
def test_the_verified_kill_holds_on_macos(
    host: Host, start: Start, monkeypatch: pytest.MonkeyPatch, line: str, why: str
) -> None:
    process = start()
    path = pid_file(host, process.pid)
    result = restart(host._replace(egress=Recorded(monkeypatch, process, line)))
    assert why in result["detail"]
    assert still_runs(process)
    assert not path.exists()


def test_on_macos_a_ps_that_fails_is_no_reason_to_forget_a_daemon(
    host: Host, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start()
    path = pid_file(host, process.pid)
    with pytest.raises(Problem, match="ps did not say what process"):
        restart(host._replace(egress=Recorded(monkeypatch, process, "")))
    assert path.exists()
    assert still_runs(process)


def test_on_macos_a_pid_given_away_between_two_looks_is_not_signalled(
    host: Host, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    process = start()
    pid_file(host, process.pid)
    egress = Recorded(monkeypatch, process, recorded("iapeer-memory memoryd"))
    daemon = memoryd.read_daemon(host._replace(egress=egress))
    assert daemon.process is not None
    egress.line = recorded("iapeer-memory memoryd").replace("08:05:09", "08:07:00")
    with contextlib.suppress(Problem):
        memoryd.terminate(host._replace(egress=egress), daemon.process)
    assert still_runs(process)
