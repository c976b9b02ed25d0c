# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verified restart of memoryd, with real processes and signals: who is ended, and who never hears of it."""

from __future__ import annotations

import contextlib
import hashlib
import json
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
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.files import Tree
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.ahead import NOTHING, Ahead
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import Host, open_host
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import daemon, memoryd, ran_from
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things.comeback import Watch
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things.daemon import Heartbeat

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
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a process that looks like memoryd (or like something else) and is ready; ended with the test.

    Where its name is a path, it is a script there. environ: what it is started with besides our own.
    """
    started: list[subprocess.Popen[bytes]] = []

    def begin(
        code: str = POLITE,
        name: str = "memoryd",
        more: tuple[str, ...] = (),
        environ: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        env = {**os.environ, **({"IAPEER_MEMORY_STATE_DIR": str(tmp_path / "state")} if environ is None else environ)}
        words = ["-c", code, name, *more]
        if os.path.isabs(name):
            os.makedirs(os.path.dirname(name), exist_ok=True)
            Path(name).write_text(code)
            words = [name, *more]
        process = subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, env=env)
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


def restart(host: Host, check: bool = False, ahead: Ahead = NOTHING, **options: Any) -> Mapping[str, Any]:
    return memoryd.ensure(host, {"wait": 0, **options}, check, ahead).as_dict(True)


def gone(host: Host, why: str) -> str:
    """What is said of a pid file that leads nowhere."""
    starts = f"the notifier starts it: its trigger runs {host.paths.launcher}"
    return f"memoryd is not running, {starts}; the stale pid file goes ({why})"


def still_runs(process: subprocess.Popen[bytes]) -> bool:
    time.sleep(0.05)
    return process.poll() is None


# Who is never signalled


def test_no_pid_file_means_not_running(host: Host) -> None:
    result = restart(host)
    assert (result["action"], result["changed"]) == ("not_running", False)
    assert result["detail"] == (
        f"memoryd is not running, the notifier starts it: its trigger runs {host.paths.launcher}"
    )


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
    assert result["detail"] == planned["detail"] == gone(host, f"the pid file holds {text[:40]!r}, no pid of a daemon")
    assert not path.exists()
    assert signals(host) == []


def test_bytes_that_are_no_text_are_rubbish(host: Host) -> None:
    Path(host.paths.pid).write_bytes(b"\xff\xfe\0")
    assert restart(host)["action"] == "pid_file_removed"


@pytest.mark.parametrize("pid", [2**31 - 1, 2**31, 9_999_999_999])
def test_a_pid_that_no_process_can_have_is_said_so(host: Host, pid: int) -> None:
    path = pid_file(host, pid)
    assert restart(host)["detail"] == gone(host, f"no process {pid}")
    assert not path.exists()


def test_a_process_that_has_ended_is_said_so(host: Host, start: Start) -> None:
    process = start()
    process.kill()
    process.wait()
    path = pid_file(host, process.pid)
    result = restart(host)
    assert (result["action"], result["detail"], result["old_pid"]) == (
        "pid_file_removed",
        gone(host, f"no process {process.pid}"),
        None,
    )
    assert not path.exists()
    assert signals(host) == []


def test_a_zombie_is_not_signalled(host: Host, start: Start) -> None:
    process = start()
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    path = pid_file(host, process.pid)
    assert restart(host)["detail"] == gone(host, f"process {process.pid} has ended (zombie)")
    assert not path.exists()
    assert signals(host) == []


def test_a_pid_that_was_given_to_another_program_is_not_signalled(host: Host, start: Start) -> None:
    process = start(name="editor")
    path = pid_file(host, process.pid)
    result = restart(host)
    assert result["action"] == "pid_file_removed"
    assert f"process {process.pid} is not memoryd: {sys.executable}" in result["detail"]
    assert not path.exists()
    assert still_runs(process)
    assert signals(host) == []


@pytest.mark.skipif(not ROOT, reason="needs root to start a process of another user")
def test_a_process_of_another_user_is_not_signalled(host: Host, start: Start) -> None:
    process = start(NOBODY)
    pid_file(host, process.pid)
    assert restart(host)["detail"] == gone(host, f"process {process.pid} belongs to another user (uid 65534)")
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
    assert restart(host)["detail"] == gone(host, f"process {own.pid} belongs to another user (uid 0)")
    assert still_runs(own)


def test_pid_1_is_no_daemon_even_where_it_looks_like_one(host: Host) -> None:
    pid_file(host, 1)
    assert restart(host)["detail"] == gone(host, "the pid file holds '1', no pid of a daemon")
    assert signals(host) == []


def test_this_very_run_is_not_signalled(host: Host) -> None:
    for pid in (os.getpid(), os.getppid()):
        pid_file(host, pid)
        assert restart(host)["detail"] == gone(host, f"process {pid} is a run of Ansible, not memoryd")
    assert signals(host) == []


def test_another_run_of_ansible_is_not_signalled(host: Host, start: Start) -> None:
    process = start(name="/home/u/.ansible/tmp/x/AnsiballZ_memoryd_restart.py")
    pid_file(host, process.pid)
    assert restart(host)["detail"] == gone(host, f"process {process.pid} is a run of Ansible, not memoryd")
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
    assert f"; remove {path}" in str(caught.value)
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
    assert daemon.terminate(host, found) is None
    assert not path.exists()
    assert signals(host) == []


def test_a_pid_given_away_after_the_look_is_not_signalled(host: Host, start: Start) -> None:
    """What runs now has our pid, our name and our user, but was born at another time."""
    process = start()
    pid_file(host, process.pid)
    found = host.egress.process(process.pid)
    assert found is not None
    assert daemon.terminate(host, found._replace(birth="earlier")) is None
    assert still_runs(process)
    assert signals(host) == []


def test_a_pid_file_that_a_new_daemon_has_written_survives_the_end_of_the_old_one(host: Host, start: Start) -> None:
    old, new = start(), start()
    path = pid_file(host, old.pid)
    found = host.egress.process(old.pid)
    assert found is not None
    pid_file(host, new.pid)
    assert daemon.terminate(host, found) == "TERM"
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


@pytest.mark.parametrize("name", ["tail", "a name with it"])
def test_a_process_that_only_mentions_memoryd_is_not_signalled(host: Host, start: Start, name: str) -> None:
    argument = {"tail": "/var/log/iapeer-memory/memoryd.log"}.get(name, "a memoryd b")
    process = start(name=argument)
    pid_file(host, process.pid)
    result = restart(host)
    assert (result["action"], result["signal"]) == ("pid_file_removed", None)
    assert f"process {process.pid} is not memoryd" in result["detail"]
    assert still_runs(process)
    assert signals(host) == []


@pytest.mark.parametrize(
    ("argv", "command", "why"),
    [
        (("/b/iapeer-memory", "memoryd"), "/b/iapeer-memory memoryd", None),
        (("/usr/bin/python3", "/b/iapeer-memory", "memoryd", "--x"), "python3 /b/iapeer-memory memoryd --x", None),
        ((), "/b/iapeer-memory memoryd", None),  # ps tells the line alone
        (("iapeer-memory memoryd",), "iapeer-memory memoryd", None),  # a title that the process has given itself
        (("tail", "-f", "/l/memoryd.log"), "tail -f /l/memoryd.log", "is not memoryd"),
        (("less", "/l/old memoryd"), "less /l/old memoryd", "is not memoryd"),
        (("sh", "-c", "exec iapeer-memory memoryd"), "sh -c exec iapeer-memory memoryd", "is not memoryd"),
        ((), "tail -f /l/memoryd.log", "is not memoryd"),
        (("memoryd", "x"), "memoryd x", "is not memoryd"),  # its own name is no argument
        (("python3", "AnsiballZ_x.py", "memoryd"), "python3 AnsiballZ_x.py memoryd", "is a run of Ansible"),
    ],
)
def test_the_mark_is_an_argument_of_its_own(argv: tuple[str, ...], command: str, why: str | None) -> None:
    found = daemon.verdict(Process(4_000_000, 7, "S", command, 0.0, True, "1", argv), 7)
    assert (why in found) if why and found else found is None is why


def files(tmp_path: Path, *names: str) -> list[str]:
    """Files that were written long ago."""
    paths = [tmp_path / name for name in names]
    for path in paths:
        path.write_text(f"the first {path.name}\n")
        os.utime(path, (time.time() - 3600,) * 2)
    return [str(path) for path in paths]


def record(host: Host) -> dict[str, Any]:
    """What is written down of the daemon."""
    return dict(json.loads((Path(host.paths.state) / "memoryd.ran-from.json").read_text()))


def test_what_it_runs_from_is_written_down_by_a_real_run_alone(host: Host, start: Start, tmp_path: Path) -> None:
    process = start()
    pid_file(host, process.pid)
    paths = [*files(tmp_path, "binary"), str(tmp_path / "missing")]
    path = Path(host.paths.state) / "memoryd.ran-from.json"
    assert restart(host, check=True, newer_than=paths)["action"] == "already"
    assert not path.exists()
    assert restart(host, newer_than=paths)["action"] == "already"
    assert path.stat().st_mode & 0o777 == 0o600
    found, status = host.egress.process(process.pid), os.stat(paths[0])
    assert found is not None
    assert record(host) == {
        "format": 1,
        "pid": process.pid,
        "birth": found.birth,
        "started": record(host)["started"],
        "files": {
            paths[0]: {
                "sha256": hashlib.sha256(b"the first binary\n").hexdigest(),
                "identity": [
                    *(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns),
                ],
            },
            paths[1]: None,
        },
        "tried": "",
    }
    before = path.stat().st_mtime_ns
    restart(host, newer_than=paths)
    assert path.stat().st_mtime_ns == before


CHANGES: dict[str, Callable[[Path], object]] = {
    "touched": os.utime,
    "dated tomorrow": lambda path: os.utime(path, (time.time() + 86400,) * 2),
    "rewritten as it was": lambda path: path.write_text("the first binary\n"),
    "replaced by the same": lambda path: (
        path.with_name("new").write_text("the first binary\n"),
        path.with_name("new").rename(path),
    ),
    "given other permission bits": lambda path: path.chmod(0o755),
}


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_a_time_stamp_alone_restarts_nothing(host: Host, start: Start, tmp_path: Path, change: str) -> None:
    process = start()
    pid_file(host, process.pid)
    paths = files(tmp_path, "binary")
    memoryd.observe(host, paths)
    CHANGES[change](Path(paths[0]))
    for check in (True, False, False):
        result = restart(host, check, newer_than=paths)
        assert (result["action"], result["changed"]) == ("already", False)
    assert still_runs(process)


def older(path: Path) -> None:
    """Other bytes, of a date long ago, as an archive brings them."""
    path.write_text("the second binary\n")
    os.utime(path, (1000, 1000))


def test_bytes_that_changed_since_its_start_restart_it_whatever_their_date(
    host: Host, start: Start, tmp_path: Path
) -> None:
    process = start()
    pid_file(host, process.pid)
    paths = files(tmp_path, "slot", "binary")
    memoryd.observe(host, paths)
    older(Path(paths[1]))
    memoryd.observe(host, paths)  # which must not make it forget
    assert restart(host, check=True, newer_than=paths)["detail"] == f"it is older than {paths[1]}"
    assert restart(host, newer_than=paths)["signal"] == "TERM"
    assert process.wait(10) == -signal.SIGTERM


def test_who_asks_about_one_file_does_not_make_it_forget_the_others(host: Host, start: Start, tmp_path: Path) -> None:
    process = start()
    pid_file(host, process.pid)
    paths = files(tmp_path, "binary", "config", "slot")
    memoryd.observe(host, paths)
    os.utime(paths[2])
    assert restart(host, newer_than=paths[:1])["action"] == "already"
    assert restart(host, check=True, newer_than=paths)["action"] == "already"
    older(Path(paths[1]))
    assert restart(host, newer_than=paths[:1])["action"] == "already"
    assert restart(host, check=True, newer_than=paths)["detail"] == f"it is older than {paths[1]}"


def test_a_file_that_was_missing_counts_once_it_is_there_and_never_once_it_is_gone(
    host: Host, start: Start, tmp_path: Path
) -> None:
    pid_file(host, start().pid)
    paths = [*files(tmp_path, "binary"), str(tmp_path / "config.env")]
    memoryd.observe(host, paths)
    os.unlink(paths[0])
    assert restart(host, check=True, newer_than=paths)["action"] == "already"
    Path(paths[1]).write_text("x")
    assert restart(host, check=True, newer_than=paths)["detail"] == f"it is older than {paths[1]}"


def test_a_daemon_that_was_started_since_the_change_is_up_to_date_and_written_down(
    host: Host, start: Start, tmp_path: Path
) -> None:
    pid_file(host, start().pid)
    paths = files(tmp_path, "binary")
    memoryd.observe(host, paths)
    older(Path(paths[0]))
    time.sleep(0.05)  # a start is known to the hundredth of a second
    process = start()
    pid_file(host, process.pid)
    assert restart(host, newer_than=paths)["action"] == "already"
    assert record(host)["pid"] == process.pid
    assert record(host)["files"][paths[0]]["sha256"] == hashlib.sha256(b"the second binary\n").hexdigest()
    assert still_runs(process)


def test_another_daemon_that_was_started_before_the_change_is_restarted(
    host: Host, start: Start, tmp_path: Path
) -> None:
    first, second = start(), start()
    paths = files(tmp_path, "binary")
    pid_file(host, first.pid)
    memoryd.observe(host, paths)
    pid_file(host, second.pid)
    time.sleep(0.05)
    older(Path(paths[0]))
    assert restart(host, newer_than=paths)["action"] == "restarted"


def test_a_large_binary_is_not_read_on_every_run(
    host: Host, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid_file(host, start().pid)
    paths = files(tmp_path, "binary")
    memoryd.observe(host, paths)

    def read(path: str) -> None:
        raise AssertionError(f"{path} is read")

    monkeypatch.setattr(host.files, "checksum", read)
    assert restart(host, newer_than=paths)["action"] == "already"


# Without a record there are only the times


@pytest.mark.parametrize(("moved", "newer"), [(-3600.0, False), (0.0, True), (86400.0, False)])
def test_without_a_record_a_file_counts_by_both_its_times_and_never_from_the_future(
    host: Host, start: Start, tmp_path: Path, moved: float, newer: bool
) -> None:
    pid_file(host, start().pid)
    time.sleep(0.05)
    path = tmp_path / "binary"
    path.write_text("")
    os.utime(path, (time.time() + moved,) * 2)
    result = restart(host, newer_than=[str(path), str(tmp_path / "missing")])
    assert (result["action"] == "restarted", f"it is older than {path}" in result["detail"]) == (newer, newer)


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
    process = Process(4242, os.getuid(), "S", "x memoryd", path.stat().st_mtime - offset, exact)
    assert ran_from.newer_file(host, process, [str(path)], None) == (str(path) if newer else "")


BAD_RECORDS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "no JSON": lambda value: "{",
    "a list": lambda value: [value],
    "another format": lambda value: {**value, "format": 2},
    "a key too many": lambda value: {**value, "more": 1},
    "a key too few": lambda value: {key: item for key, item in value.items() if key != "tried"},
    "a pid that is true": lambda value: {**value, "pid": True},
    "no birth": lambda value: {**value, "birth": None},
    "files in a list": lambda value: {**value, "files": []},
    "a relative path": lambda value: {**value, "files": {"binary": None}},
    "no checksum": lambda value: {**value, "files": {"/b": {"sha256": "x", "identity": [0] * 5}}},
    "no identity": lambda value: {**value, "files": {"/b": {"sha256": "0" * 64, "identity": []}}},
    "an unknown fault": lambda value: {**value, "tried": "everything"},
    "nested without end": lambda value: "[" * 100_000,
}


@pytest.mark.parametrize("kind", [*sorted(BAD_RECORDS), "others may write it", "a link", "a folder", "too large"])
def test_a_record_that_is_none_is_never_believed_and_written_anew(
    host: Host, start: Start, tmp_path: Path, kind: str
) -> None:
    """Whatever it says: that the file changed since the start is all that stands in it."""
    process = start()
    pid_file(host, process.pid)
    paths = files(tmp_path, "binary")
    memoryd.observe(host, paths)
    path, good = Path(host.paths.state) / "memoryd.ran-from.json", record(host)
    wrong = hashlib.sha256(b"other").hexdigest()
    lying = {**good, "files": {name: {"sha256": wrong, "identity": [0] * 5} for name in good["files"]}}
    path.write_text(json.dumps(lying))
    assert restart(host, check=True, newer_than=paths)["action"] == "restarted"  # this one would be believed
    if kind in BAD_RECORDS:
        bad = BAD_RECORDS[kind](lying)
        path.write_text(bad if isinstance(bad, str) else json.dumps(bad))
    elif kind == "others may write it":
        path.chmod(0o666)
    elif kind == "too large":
        path.write_text(json.dumps(lying) + " " * (2 << 20))
    else:
        path.unlink()
        path.mkdir() if kind == "a folder" else path.symlink_to(tmp_path / "elsewhere")
        (tmp_path / "elsewhere").write_text(json.dumps(lying))
    assert ran_from.recall(host) is None
    assert restart(host, newer_than=paths)["action"] == "already"
    if kind in ("a link", "a folder"):
        assert json.loads((tmp_path / "elsewhere").read_text()) == lying
    else:
        assert record(host) == {**good, "started": record(host)["started"]}
    assert still_runs(process)


def test_a_record_that_cannot_be_written_is_no_failure(
    host: Host, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pid_file(host, start().pid)

    def full(tree: Tree, name: str, *_: Any) -> None:
        raise Problem("no space left on device", tree.path(name))

    monkeypatch.setattr(Tree, "write", full)
    assert restart(host, newer_than=files(tmp_path, "binary"))["action"] == "already"


# What steps before it would leave


def test_a_file_that_is_about_to_change_restarts_it(host: Host, start: Start, tmp_path: Path) -> None:
    pid_file(host, start().pid)
    paths = files(tmp_path, "binary", "slot")
    ahead = Ahead(written=frozenset({paths[1], "/elsewhere"}))
    assert restart(host, True, ahead, newer_than=paths)["detail"] == f"it is older than {paths[1]}"
    assert restart(host, True, newer_than=paths)["action"] == "already"


def test_a_file_that_is_about_to_become_what_it_was_restarts_nothing(host: Host, start: Start, tmp_path: Path) -> None:
    pid_file(host, start().pid)
    paths = files(tmp_path, "launcher")
    memoryd.observe(host, paths)
    Path(paths[0]).write_text("somebody was here\n")
    wanted = hashlib.sha256(b"the first launcher\n").hexdigest()
    ahead = Ahead(written=frozenset(paths), sums={paths[0]: wanted})
    assert restart(host, True, newer_than=paths)["action"] == "restarted"
    assert restart(host, True, ahead, newer_than=paths)["action"] == "already"


# Whether it hangs


@pytest.mark.parametrize(
    ("age", "watch", "why"),
    [
        (0, "on", ""),
        (100, "on", ""),
        (119, "on", ""),
        (125, "on", "hung: heartbeat is 125 s old"),
        (0, "off", "hung: heartbeat says watch=off"),
        (500, "off", "hung: heartbeat is 500 s old"),
        (-1, "on", ""),
        (-600, "on", "hung: heartbeat is 600 s in the future"),
    ],
)
def test_a_daemon_hangs_by_its_heartbeat(host: Host, start: Start, age: float, watch: str, why: str) -> None:
    process = start()
    pid_file(host, process.pid)
    beat(host, age, watch)
    result = restart(host, check=True, hung_after=120)
    assert result["detail"] == (why or f"pid {process.pid} runs and is up to date")
    assert result["changed"] is bool(why)


class Later(Clock):
    """The clock of a host some time from now."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def now(self) -> float:
        return time.time() + self.seconds


@pytest.mark.parametrize(("seconds", "hangs"), [(60, False), (300, True)])
def test_a_daemon_without_a_heartbeat_is_starting_at_first_and_hangs_later(
    host: Host, start: Start, seconds: float, hangs: bool
) -> None:
    process = start()
    pid_file(host, process.pid)
    result = restart(host._replace(clock=Later(seconds)), check=True, hung_after=120)
    starting = f"pid {process.pid} runs, but it has just been started and has no heartbeat yet"
    assert result["detail"] == ("hung: no heartbeat" if hangs else starting)
    assert result["changed"] is hangs


def test_a_heartbeat_that_cannot_be_read_is_said_so_and_ends_nobody(host: Host, start: Start) -> None:
    process = start()
    pid_file(host, process.pid)
    os.mkfifo(host.paths.heartbeat)
    result = restart(host, hung_after=120)
    assert result["detail"] == (
        f"pid {process.pid} runs, but heartbeat cannot be read: a FIFO stands where a file belongs: "
        "whether it hangs cannot be seen"
    )
    assert still_runs(process)


@pytest.mark.parametrize("age", [500, -500])
def test_an_old_heartbeat_after_the_clock_was_set_is_looked_at_again_by_the_next_run(
    host: Host, start: Start, age: float
) -> None:
    process = start()
    pid_file(host, process.pid)
    memoryd.observe(host, [])
    path = Path(host.paths.state) / "memoryd.ran-from.json"
    path.write_text(json.dumps({**record(host), "started": record(host)["started"] - 3600}))
    beat(host, age)
    for check in (True, False):
        result = restart(host, check, hung_after=120)
        assert (result["action"], result["changed"]) == ("already", False)
        assert result["detail"].endswith("and the clock was set meanwhile: the next run looks again")
    assert still_runs(process)
    assert restart(host, check=True, hung_after=120)["action"] == "restarted"


def test_a_daemon_that_does_not_run_does_not_hang(host: Host) -> None:
    beat(host, 500)
    assert restart(host, hung_after=120)["action"] == "not_running"


def test_a_daemon_that_still_indexes_is_starting_and_does_not_hang(host: Host, start: Start) -> None:
    beat(host, 500)
    process = start(name=host.paths.binary, more=("memoryd",))
    for check in (True, False):
        result = restart(host, check, hung_after=120, newer_than=[])
        assert (result["action"], result["changed"]) == ("starting", False)
        assert result["detail"] == f"pid {process.pid} is starting: it indexes the vault before its first heartbeat"
    assert still_runs(process)


@pytest.mark.parametrize(
    ("words", "is_one"),
    [
        ("BIN memoryd", True),
        ("/usr/bin/python3.13 -IS BIN memoryd", True),
        ("node BIN memoryd", True),
        ("bun run BIN memoryd", True),
        ("BIN memoryd --help", False),
        ("BIN --verbose memoryd", False),
        ("BIN hook post-write memoryd", False),
        ("cp BIN memoryd", False),
        ("edit BIN memoryd", False),
        ("vim -p BIN memoryd", False),
        ("git add BIN memoryd", False),
        ("timeout 5 BIN memoryd", False),
        ("strace -f BIN memoryd", False),
        ("sh -c cat BIN memoryd", False),
        ("python3 -m trace BIN memoryd", False),
        ("grep -c memoryd BIN", False),
        ("tail -f BIN BINmemoryd memoryd", False),
        ("memoryd", False),
        ("", False),
    ],
)
def test_a_program_that_has_binary_and_mark_among_its_words_is_no_daemon_by_that(
    host: Host, words: str, is_one: bool
) -> None:
    argv = tuple(words.replace("BIN", host.paths.binary).split())
    for known in (argv, ()):  # one by one, and as the one line that a process or a Mac tells
        process = Process(2**31 - 1, os.getuid(), "S", " ".join(argv), 0.0, True, "1", known)
        assert daemon.is_run_of(host, process) == is_one


@pytest.fixture
def lost(host: Host, start: Start) -> subprocess.Popen[bytes]:
    """A daemon that beats and has no pid file."""
    process = start(name=host.paths.binary, more=("memoryd",))
    time.sleep(0.2)
    beat(host)
    return process


def test_a_daemon_that_has_lost_its_pid_file_is_the_daemon(
    host: Host, lost: subprocess.Popen[bytes], tmp_path: Path
) -> None:
    """What beats is not starting: a start indexes before its first heartbeat."""
    paths = files(tmp_path, "binary")
    result = restart(host, newer_than=paths, hung_after=120)
    words = f"pid {lost.pid} runs and is up to date; it runs without its pid file"
    assert (result["action"], result["changed"], result["detail"]) == ("already", False, words)
    assert record(host)["pid"] == lost.pid
    Path(paths[0]).write_text("new")
    for check in (True, False):
        assert still_runs(lost)
        result = restart(host, check, newer_than=paths, hung_after=120)
        assert (result["action"], result["old_pid"]) == ("restarted", lost.pid)
        assert result["detail"] == f"it is older than {paths[0]}; it runs without its pid file"
    assert lost.wait(5) is not None


def test_a_hung_daemon_that_has_lost_its_pid_file_is_ended(host: Host, lost: subprocess.Popen[bytes]) -> None:
    later = host._replace(clock=Later(500))
    assert restart(later, check=True, hung_after=120)["detail"].startswith("hung: heartbeat is 500 s old; ")
    assert restart(host, state="ended")["old_pid"] == lost.pid
    assert lost.wait(5) is not None


def test_a_pid_file_that_names_another_goes_and_the_daemon_without_one_stays(
    host: Host, lost: subprocess.Popen[bytes]
) -> None:
    path = pid_file(host, "rubbish")
    result = restart(host, hung_after=120)
    assert (result["action"], result["changed"]) == ("pid_file_removed", True)
    assert f"pid {lost.pid} runs" in result["detail"]
    assert not path.exists()
    assert still_runs(lost)
    pid_file(host, "rubbish")
    assert restart(host)["old_pid"] == lost.pid
    assert lost.wait(5) is not None
    assert not path.exists()


def test_a_heartbeat_of_before_its_start_or_from_the_future_makes_no_daemon_of_one_that_starts(
    host: Host, lost: subprocess.Popen[bytes]
) -> None:
    for age in (5, -3600):
        beat(host, age)
        assert restart(host, hung_after=120)["action"] == "starting"
    assert still_runs(lost)


def test_one_without_a_pid_file_that_cannot_be_ended_is_to_be_ended_by_hand(
    host: Host, lost: subprocess.Popen[bytes]
) -> None:
    class Forbidden(Watched):
        def signal(self, pid: int, number: int, verdict: Any) -> str | None:
            return f"no permission to signal {pid}"

    with pytest.raises(Problem, match=f"it has no pid file: end pid {lost.pid} by hand"):
        restart(host._replace(egress=Forbidden()))


@pytest.mark.skipif(not ROOT, reason="needs a process of another user")
def test_root_ends_the_daemon_of_the_user_whom_the_state_dir_belongs_to(host: Host, start: Start) -> None:
    process = start(code=NOBODY, name=host.paths.binary, more=("memoryd",))
    assert restart(host, state="ended")["action"] == "not_running"
    os.chown(host.paths.state, 65534, 65534)
    assert restart(host, state="ended")["old_pid"] == process.pid
    assert process.wait(5) is not None


def test_a_new_daemon_that_beats_without_a_pid_file_has_come_back(host: Host, start: Start) -> None:
    old = start()
    pid_file(host, old.pid)
    new = start(name=host.paths.binary, more=("memoryd",))
    time.sleep(0.2)
    beat(host)
    result = restart(host, wait=2, index_wait=60)
    assert (result["state"], result["new_pid"]) == ("back", new.pid)


def other_roots(tmp_path: Path) -> Iterator[tuple[Mapping[str, str], bool]]:
    """What a daemon of the same binary may be started with, and whether it is of the host whose state dir is state."""
    state, config = str(tmp_path / "state"), tmp_path / "config.env"
    config.write_text(f'IAPEER_MEMORY_STATE_DIR="{state}"\n')
    (tmp_path / "home/.iapeer/state").mkdir(parents=True)
    (tmp_path / "home/.iapeer/state/iapeer-memory").symlink_to(state)
    (tmp_path / "link").symlink_to(state)
    yield {"IAPEER_MEMORY_STATE_DIR": str(tmp_path / "link")}, True
    yield {"IAPEER_MEMORY_STATE_DIR": str(tmp_path / "other")}, False
    yield {"IAPEER_MEMORY_STATE_DIR": "not/absolute"}, False
    yield {"IAPEER_MEMORY_CONFIG_FILE": str(config)}, True
    yield {"IAPEER_MEMORY_CONFIG_FILE": str(config), "IAPEER_MEMORY_STATE_DIR": str(tmp_path / "other")}, False
    yield {"HOME": str(tmp_path / "home")}, True
    yield {"HOME": str(tmp_path / "home"), "IAPEER_ROOT": str(tmp_path / "second")}, False
    yield {"HOME": str(tmp_path / "elsewhere")}, False


def test_a_daemon_of_another_root_that_shares_the_binary_is_not_this_hosts(
    host: Host, start: Start, tmp_path: Path
) -> None:
    for environ, is_ours in other_roots(tmp_path):
        process = start(name=host.paths.binary, more=("memoryd",), environ=environ)
        assert restart(host, hung_after=120)["action"] == ("starting" if is_ours else "not_running"), environ
        ended = restart(host, state="ended")["old_pid"]
        assert (ended, still_runs(process)) == ((process.pid, False) if is_ours else (None, True)), environ
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("newer", "age", "action"),
    [(True, 0, "restarted"), (False, 500, "restarted"), (False, 0, "already"), (True, 500, "restarted")],
)
def test_of_both_conditions_one_is_enough(
    host: Host, start: Start, tmp_path: Path, newer: bool, age: float, action: str
) -> None:
    pid_file(host, start().pid)
    beat(host, age)
    paths = files(tmp_path, "binary")
    memoryd.observe(host, paths)
    if newer:
        older(Path(paths[0]))
    assert restart(host, check=True, hung_after=120, newer_than=paths)["action"] == action


NOT_IN_ANY_CASE = "newer_than and hung_after say when to restart: with state=ended memoryd goes in any case"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"wait": -1}, "wait must be a number of seconds from 0 on, not -1"),
        ({"wait": float("nan")}, "wait must be a number of seconds from 0 on, not nan"),
        ({"wait": float("inf")}, "wait must be a number of seconds from 0 on, not inf"),
        ({"hung_after": 0}, "hung_after must be a number of seconds from 1 on, not 0"),
        ({"hung_after": -120}, "hung_after must be a number of seconds from 1 on, not -120"),
        ({"hung_after": float("nan")}, "hung_after must be a number of seconds from 1 on, not nan"),
        ({"hung_after": "soon"}, "hung_after must be a number of seconds from 1 on, not 'soon'"),
        ({"newer_than": ["bin/it"]}, "newer_than must be an absolute path, not 'bin/it'"),
        ({"state": "ended", "newer_than": ["/x"]}, NOT_IN_ANY_CASE),
        ({"state": "ended", "hung_after": 120}, NOT_IN_ANY_CASE),
    ],
)
def test_wrong_options_are_refused_by_name_and_nobody_is_ended(
    host: Host, start: Start, options: dict[str, Any], message: str
) -> None:
    process = start()
    pid_file(host, process.pid)
    beat(host, 500)
    with pytest.raises(Problem) as problem:
        restart(host, **options)
    assert str(problem.value) == message
    assert still_runs(process)


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
    assert daemon.read_heartbeat(host).watch == watch


def test_a_missing_heartbeat_has_no_age(host: Host) -> None:
    assert daemon.read_heartbeat(host) == Heartbeat()
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
        for _time in range(self.how.get("times", 1)):
            if self.new is not None:
                time.sleep(0.3)
                self.new.kill()
                self.new.wait()
            self.new = self.begin(name=self.how.get("name", "memoryd"))
            pid_file(self.host, self.new.pid)
            time.sleep(0.05)
        if self.how.get("beats", True):
            beat(self.host, self.how.get("age", 0.0), self.how.get("watch", "on"))
        if self.how.get("dies"):
            time.sleep(0.3)
            self.new.kill()
            self.new.wait()


def comeback(
    host: Host, start: Start, before: str = "on", **how: Any
) -> tuple[Callable[..., Mapping[str, Any]], Notifier]:
    old = start()
    pid_file(host, old.pid)
    beat(host, watch=before)
    notifier = Notifier(host, old, start, **how)
    notifier.start()
    return lambda **more: restart(host._replace(clock=Clock()), wait=how.get("wait", 60), **more), notifier


def test_a_restart_is_confirmed_by_a_new_process_and_its_heartbeat(host: Host, start: Start, tmp_path: Path) -> None:
    run, notifier = comeback(host, start)
    paths = files(tmp_path, "binary")
    memoryd.observe(host, paths)
    older(Path(paths[0]))
    result = run(newer_than=paths)
    notifier.join()
    assert notifier.new is not None
    assert (result["old_pid"], result["new_pid"], result["signal"]) == (notifier.old.pid, notifier.new.pid, "TERM")
    assert result["state"] == "back"
    assert f"pid {notifier.new.pid} came up with a fresh heartbeat" in result["detail"]
    assert Path(host.paths.pid).read_text() == f"{notifier.new.pid}\n"
    assert record(host)["pid"] == notifier.new.pid
    assert restart(host, newer_than=paths)["action"] == "already"
    assert still_runs(notifier.new)


@pytest.mark.parametrize("age", [30.0, 7200.0, -7200.0])
def test_it_came_back_whatever_its_clock_says(host: Host, start: Start, age: float) -> None:
    """A heartbeat that was not there before is a new one; how old it seems is another question."""
    run, notifier = comeback(host, start, age=age)
    result = run()
    notifier.join()
    assert notifier.new is not None
    assert (result["state"], result["new_pid"]) == ("back", notifier.new.pid)


def test_the_last_heartbeat_of_the_old_daemon_is_not_the_new_ones(host: Host, start: Start) -> None:
    """It beats once more between the look and its end, and the next one has a pid file before it beats."""
    before = daemon.read_heartbeat(host)
    old, new = start(), start()
    process = host.egress.process(old.pid)
    assert process is not None
    watch = Watch(host, process, before)
    beat(host, age=5)
    watch.ended()
    pid_file(host, new.pid)
    assert watch.look() is None
    beat(host)
    back = watch.look()
    assert back is not None
    assert back.process is not None
    assert (back.state, back.process.pid) == ("back", new.pid)


def test_a_new_daemon_without_a_pid_file_is_indexing(host: Host, start: Start) -> None:
    process = start()
    pid_file(host, process.pid)
    new = start(name=host.paths.binary, more=("memoryd",))
    result = restart(host, wait=2)
    assert (result["state"], result["new_pid"], result["failed"]) == ("indexing", new.pid, True)
    assert f"pid {new.pid} is alive and has no heartbeat yet: a start indexes the whole vault first" in result["msg"]
    assert still_runs(new)


def test_one_that_is_up_and_does_not_beat_hangs_however_long_an_index_may_take(host: Host, start: Start) -> None:
    run, notifier = comeback(host, start, wait=2, beats=False)
    result = run(index_wait=60)
    notifier.join()
    assert notifier.new is not None
    assert (result["state"], result["new_pid"], result["failed"]) == ("hung", notifier.new.pid, True)
    assert f"pid {notifier.new.pid} is up and has no heartbeat" in result["msg"]


def test_one_that_indexes_for_longer_than_the_wait_is_waited_for(host: Host, start: Start) -> None:
    process = start()
    pid_file(host, process.pid)
    new = start(name=host.paths.binary, more=("memoryd",))

    def up() -> None:
        time.sleep(2.5)
        pid_file(host, new.pid)
        beat(host)

    later = threading.Thread(target=up)
    later.start()
    result = restart(host._replace(clock=Clock()), wait=1, index_wait=30)
    later.join()
    assert (result["state"], result["new_pid"], result.get("failed")) == ("back", new.pid, None)


def test_one_that_dies_before_it_is_up_is_not_waited_for(host: Host, start: Start) -> None:
    process = start()
    pid_file(host, process.pid)
    new = start(code="import time; print(1, flush=True); time.sleep(2)", name=host.paths.binary, more=("memoryd",))
    began = time.monotonic()
    result = restart(host._replace(clock=Clock()), wait=1, index_wait=60)
    assert time.monotonic() - began < 30
    assert new.poll() is not None
    assert (result["state"], result["failed"]) == ("dead", True)


def test_where_none_runs_the_one_that_the_notifier_starts_is_waited_for(host: Host, start: Start) -> None:
    beat(host, age=300)
    new = start()

    def up() -> None:
        time.sleep(0.5)
        pid_file(host, new.pid)
        beat(host)

    later = threading.Thread(target=up)
    later.start()
    result = restart(host._replace(clock=Clock()), state="running", wait=10)
    later.join()
    assert (result["action"], result["state"], result["new_pid"]) == ("came_up", "back", new.pid)
    assert (result["changed"], result["old_pid"]) == (False, None)


def test_ended_for_good_it_is_not_waited_for_and_a_second_time_there_is_nothing_to_do(host: Host, start: Start) -> None:
    process = start()
    pid_file(host, process.pid)
    assert restart(host, check=True, state="ended")["action"] == "ended"
    assert still_runs(process)
    result = restart(host, state="ended")
    assert (result["changed"], result["action"], result["old_pid"], result["signal"]) == (
        *(True, "ended", process.pid, "TERM"),
    )
    assert process.wait(5) is not None
    assert not Path(host.paths.pid).exists()
    assert restart(host, state="ended")["action"] == "not_running"


def test_one_that_is_only_starting_is_ended_for_good_too(host: Host, start: Start) -> None:
    process = start(name=host.paths.binary, more=("memoryd",))
    assert restart(host, state="ended")["old_pid"] == process.pid
    assert process.wait(5) is not None


def test_a_pid_that_is_somebody_elses_is_not_ended_for_good(host: Host, start: Start) -> None:
    process = start(name="editor")
    pid_file(host, process.pid)
    result = restart(host, state="ended")
    assert (result["action"], result["changed"]) == ("pid_file_removed", True)
    assert still_runs(process)
    assert not Path(host.paths.pid).exists()


def test_where_none_comes_up_that_is_a_failure(host: Host) -> None:
    result = restart(host._replace(clock=Clock()), state="running", wait=1)
    assert (result["failed"], result["state"], result["changed"]) == (True, "dead", False)
    assert "memoryd did not come up within 1 s (no new process): check that the notifier runs" in result["msg"]
    assert restart(host, check=True, state="running")["action"] == "not_running"


def test_one_that_is_only_starting_is_ended_where_a_restart_is_wanted_in_any_case(host: Host, start: Start) -> None:
    old = start(name=host.paths.binary, more=("memoryd",))
    result = restart(host._replace(clock=Clock()), state="running", wait=1)
    assert (result["old_pid"], result["signal"], result["changed"]) == (old.pid, "TERM", True)
    assert old.wait(5) is not None


@pytest.mark.parametrize("how", [{"times": 2, "beats": False}, {"dies": True, "beats": False}])
def test_a_daemon_that_ends_again_and_again_is_told_apart(host: Host, start: Start, how: dict[str, Any]) -> None:
    run, notifier = comeback(host, start, wait=2, **how)
    result = run()
    notifier.join()
    assert result["state"] == "flapping"
    assert "it keeps being restarted (pids " in result["msg"]


def test_a_daemon_that_does_not_come_back_is_said_so_with_its_last_words(host: Host, start: Start) -> None:
    process = start()
    pid_file(host, process.pid)
    log = Path(host.paths.logs) / "memoryd.log"
    log.parent.mkdir(parents=True)
    log.write_text("old\n" * 5000 + "\x1b[2Jno such\tvault\n\n" + "x" * 500 + "the end\n")
    (log.parent / "hook.log").write_text("nothing of it\n")
    result = restart(host, wait=2)
    assert (result["state"], result["new_pid"], result["failed"]) == ("dead", None, True)
    assert f"memoryd (pid {process.pid}) was ended and did not come back within 2 s (no new process; " in result["msg"]
    assert f"the last words of {log}: old | old | old | [2Jno such vault | xxx" in result["msg"]
    assert result["msg"].count("x" * 150) == 1
    assert "x" * 201 not in result["msg"]
    assert "check that the notifier runs" in result["msg"]
    assert host.paths.launcher in result["msg"]


def test_another_program_under_the_new_pid_is_no_return(host: Host, start: Start) -> None:
    run, notifier = comeback(host, start, wait=1, name="editor")
    assert run()["state"] == "dead"
    notifier.join()


def test_without_a_wait_nobody_waits(host: Host, start: Start) -> None:
    process = start()
    pid_file(host, process.pid)
    result = restart(host, wait=0)
    assert (result["new_pid"], result["signal"], result["detail"]) == (None, "TERM", "asked for")
    assert result["state"] == ""


# watch=off


def test_watch_off_is_worth_one_restart_until_what_it_runs_from_changes(
    host: Host, start: Start, tmp_path: Path
) -> None:
    paths = files(tmp_path, "binary")
    run, notifier = comeback(host, start, before="off", watch="off")
    result = run(hung_after=120, newer_than=paths)
    notifier.join()
    assert notifier.new is not None
    assert ("failed" in result, result["action"], result["state"]) == (False, "restarted", "back")
    assert result["detail"].startswith("hung: heartbeat says watch=off; pid ")
    assert result["detail"].endswith("says watch=off: left alone until what it runs from changes, see its log")
    assert record(host)["tried"] == "watch"
    for options in ({"hung_after": 120, "newer_than": paths}, {"hung_after": 120}):
        for check in (True, False):
            again = restart(host, check, **options)
            assert (again["action"], again["changed"]) == ("already", False)
            assert again["detail"] == (
                f"pid {notifier.new.pid} runs, but its heartbeat says watch=off, also after a restart: "
                "left alone until what it runs from changes, see its log"
            )
    assert still_runs(notifier.new)
    older(Path(paths[0]))
    assert restart(host, check=True, hung_after=120, newer_than=paths)["action"] == "restarted"


def test_watch_off_is_forgiven_once_it_is_over(host: Host, start: Start, tmp_path: Path) -> None:
    run, notifier = comeback(host, start, before="off", watch="off")
    run(hung_after=120)
    notifier.join()
    beat(host)
    assert restart(host, hung_after=120)["action"] == "already"
    assert record(host)["tried"] == ""
    beat(host, watch="off")
    assert restart(host, check=True, hung_after=120)["action"] == "restarted"


def test_without_a_wait_watch_off_is_worth_one_restart_too(host: Host, start: Start) -> None:
    first, second = start(), start()
    for process, action in ((first, "restarted"), (second, "already")):
        pid_file(host, process.pid)
        beat(host, watch="off")
        assert restart(host, hung_after=120)["action"] == action


def test_a_restart_after_which_it_watches_no_more_is_a_failure(host: Host, start: Start) -> None:
    run, notifier = comeback(host, start, watch="off")
    result = run()
    notifier.join()
    assert notifier.new is not None
    assert (result["failed"], result["state"], result["new_pid"]) == (True, "back", notifier.new.pid)
    assert result["msg"].startswith(f"memoryd (pid {notifier.new.pid}) came back and watches no more: asked for; pid ")
    assert restart(host, check=True, hung_after=120)["action"] == "already"


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
    found = daemon.read_daemon(host._replace(egress=egress))
    assert found.process is not None
    egress.line = recorded("iapeer-memory memoryd").replace("08:05:09", "08:07:00")
    with contextlib.suppress(Problem):
        daemon.terminate(host._replace(egress=egress), found.process)
    assert still_runs(process)
