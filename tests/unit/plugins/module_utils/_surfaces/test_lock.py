# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The provision lock, with real processes: who waits, who breaks it, and that nobody's lock is torn."""

from __future__ import annotations

import functools
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway import drafts, foresight
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import Clock, Egress, Process
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.files import Tree
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import Host, open_host
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces import lock as lock_module
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces.lock import (
    LOCK,
    OWNER,
    foresee_lock,
    provision_lock,
)
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import snapshot


class Impatient(Clock):
    """A clock that waits for nothing: every sleep moves it on."""

    def __init__(self) -> None:
        self.passed = 0.0

    def monotonic(self) -> float:
        return self.passed

    def sleep(self, seconds: float) -> None:
        self.passed += seconds


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """A host whose clock waits for nothing."""
    found = open_host(
        {"iapeer_root": str(tmp_path / "root"), "state_dir": str(tmp_path / "state")}, {"HOME": str(tmp_path)}
    )
    os.mkdir(found.paths.state)
    return found._replace(clock=Impatient())


@pytest.fixture
def real(host: Host) -> Host:
    """The same with the real clock, for processes that meet each other."""
    return host._replace(clock=Clock())


@pytest.fixture
def dead() -> int:
    """The pid of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


@pytest.fixture
def living() -> Iterator[int]:
    """The pid of another process that lives on."""
    process = subprocess.Popen(["sleep", "60"])
    yield process.pid
    process.kill()
    process.wait()


class Aged(Egress):
    """An egress to which every process is so many seconds older than it is."""

    def __init__(self, seconds: float) -> None:
        super().__init__(Sandbox({}))
        self.seconds = seconds

    def process(self, pid: int) -> Process | None:
        found = super().process(pid)
        return None if found is None else found._replace(started=found.started - self.seconds)


def lock_of(host: Host) -> Path:
    return Path(host.paths.state, LOCK)


def stage(host: Host, owner: str | None, age: float = 0.0) -> Path:
    """A lock that somebody took so many seconds ago."""
    lock = lock_of(host)
    lock.mkdir()
    if owner is not None:
        (lock / OWNER).write_text(owner)
    os.utime(lock, (time.time() - age,) * 2)
    return lock


def in_state(host: Host) -> list[str]:
    return sorted(os.listdir(host.paths.state))


def forked(work: Callable[[], Any]) -> int:
    """Do work in a process of its own; returns its pid. It exits 0 unless work raises."""
    pid = os.fork()
    if pid:
        return pid
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)


def wait(pid: int) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_the_lock_is_a_folder_with_its_owner_and_is_gone_afterwards(host: Host) -> None:
    with provision_lock(host, 1):
        pid, _colon, nonce = (lock_of(host) / OWNER).read_text().partition(":")
        assert pid == str(os.getpid())
        assert len(nonce) >= 16
        assert in_state(host) == [LOCK]
        assert os.listdir(lock_of(host)) == [OWNER]
    assert in_state(host) == []


def test_every_holder_has_a_nonce_of_its_own(host: Host) -> None:
    owners = set()
    for _n in range(5):
        with provision_lock(host, 1):
            owners.add((lock_of(host) / OWNER).read_bytes())
    assert len(owners) == 5


def test_the_state_folder_is_made(host: Host) -> None:
    os.rmdir(host.paths.state)
    with provision_lock(host, 1):
        assert in_state(host) == [LOCK]


def test_the_lock_goes_when_the_work_fails(host: Host) -> None:
    with pytest.raises(ZeroDivisionError), provision_lock(host, 1):
        raise ZeroDivisionError
    assert in_state(host) == []


@pytest.mark.parametrize("age", [0, 119, 121, 100_000])
def test_a_live_holder_of_any_age_is_waited_for_and_named(host: Host, living: int, age: float) -> None:
    lock, began = stage(host, f"{living}:nonce", age), time.monotonic()
    clock = Impatient()
    with pytest.raises(Problem) as caught, provision_lock(host._replace(clock=clock, egress=Aged(age)), 15):
        pytest.fail("the lock was taken from a live holder")
    assert 15 <= clock.passed < 15.2
    assert (caught.value.kind, caught.value.path) == ("busy", str(lock))
    words = f"held by {living} for longer than 15 s \\(sleep 60, signed (\\d+) s ago\\): run again"
    told = re.search(words, caught.value.reason)
    assert told is not None
    assert age <= int(told[1]) <= age + 1 + time.monotonic() - began
    assert (lock / OWNER).read_text() == f"{living}:nonce"
    assert in_state(host) == [LOCK]


def test_the_first_process_of_a_container_is_a_live_holder(host: Host) -> None:
    stage(host, "1:nonce", 1000)
    with pytest.raises(Problem, match="held by 1 "), provision_lock(host._replace(egress=Aged(1000)), 1):
        pytest.fail("the lock was taken from a live holder")


def test_one_of_several_live_holders_in_this_very_process_is_not_torn(host: Host) -> None:
    with provision_lock(host, 1):
        owner = (lock_of(host) / OWNER).read_bytes()
        os.utime(lock_of(host), (0, 0))
        with pytest.raises(Problem, match="held by"), provision_lock(host, 1):
            pytest.fail("the lock was taken twice")
        assert (lock_of(host) / OWNER).read_bytes() == owner
    assert in_state(host) == []


def test_an_earlier_process_with_our_pid_is_dead(host: Host) -> None:
    stage(host, f"{os.getpid()}:before-the-container-was-started-again")
    with provision_lock(host, 0):
        assert in_state(host) == [LOCK]
    assert in_state(host) == []


@pytest.mark.parametrize("age", [0, 5, 119, 121, 100_000])
def test_a_dead_holders_lock_is_taken_at_once_at_any_age(host: Host, dead: int, age: float) -> None:
    stage(host, f"{dead}:nonce", age)
    with provision_lock(host, 0):
        assert (lock_of(host) / OWNER).read_text().startswith(f"{os.getpid()}:")
        assert os.listdir(lock_of(host)) == [OWNER]
    assert in_state(host) == []


def test_a_zombie_is_a_dead_holder(host: Host) -> None:
    process = subprocess.Popen([sys.executable, "-c", ""])
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)
    stage(host, f"{process.pid}:nonce")
    with provision_lock(host, 0):
        pass
    process.wait()


@pytest.mark.parametrize(
    "owner", [None, "", "rubbish", ":nonce", "-5:nonce", "0:nonce", "12", "12:", "x" * 5000, "99999999999:n", "1.5:n"]
)
def test_a_lock_without_a_readable_owner_is_broken_only_after_120_seconds(host: Host, owner: str | None) -> None:
    stage(host, owner, 115)
    with (
        pytest.raises(Problem, match="held by an unknown process"),
        provision_lock(host, 1),
    ):
        pytest.fail("the lock was broken too early")
    os.utime(lock_of(host), (time.time() - 121,) * 2)
    with provision_lock(host, 0):
        assert (lock_of(host) / OWNER).read_text().startswith(f"{os.getpid()}:")
    assert in_state(host) == []


@pytest.mark.parametrize("kind", ["folder", "fifo", "socket", "link out", "dangling link", "bytes"])
def test_an_owner_that_nobody_can_read_is_no_owner(
    host: Host, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lock = stage(host, None)
    (tmp_path / "elsewhere").write_text("1:nonce")
    if kind == "folder":
        (lock / OWNER / "deep").mkdir(parents=True)
    elif kind == "fifo":
        os.mkfifo(lock / OWNER)
    elif kind == "socket":
        monkeypatch.chdir(lock)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(OWNER)
    elif kind == "link out":
        (lock / OWNER).symlink_to(tmp_path / "elsewhere")
    elif kind == "dangling link":
        (lock / OWNER).symlink_to("nothing")
    else:
        (lock / OWNER).write_bytes(b"\xff\0:\xfe")
    with (
        pytest.raises(Problem, match="held by an unknown process"),
        provision_lock(host, 1),
    ):
        pytest.fail("the lock was broken too early")
    os.utime(lock, (time.time() - 121,) * 2)
    with provision_lock(host, 0):
        assert (lock / OWNER).read_text().startswith(f"{os.getpid()}:")
    assert in_state(host) == []
    assert (tmp_path / "elsewhere").read_text() == "1:nonce"


@pytest.mark.parametrize("pid", [2**31 - 1, 2**31, 9_999_999_999])
def test_a_pid_that_no_process_can_have_is_dead(host: Host, pid: int) -> None:
    stage(host, f"{pid}:nonce")
    with provision_lock(host, 0):
        pass
    assert in_state(host) == []


@pytest.mark.parametrize("kind", ["file", "fifo", "link to a file", "link to a folder", "link to a lock", "dangling"])
def test_what_stands_in_place_of_the_lock_is_named_at_once_and_left(host: Host, tmp_path: Path, kind: str) -> None:
    lock, target = lock_of(host), tmp_path / "target"
    if kind == "link to a lock":
        target.mkdir()
        (target / OWNER).write_text("2147483647:dead")
        os.utime(target, (0, 0))
    elif kind == "link to a folder":
        target.mkdir()
        os.utime(target, (0, 0))
    elif kind == "link to a file":
        target.write_text("theirs")
    if kind == "file":
        lock.write_text("odd")
    elif kind == "fifo":
        os.mkfifo(lock)
    else:
        lock.symlink_to(target)
    before = snapshot(tmp_path)
    with pytest.raises(Problem) as caught, provision_lock(host, 15):
        pytest.fail("it was taken for a lock")
    with pytest.raises(Problem) as foreseen:
        foresee_lock(host)
    assert str(foreseen.value) == str(caught.value)
    assert caught.value.path == str(lock)
    assert caught.value.kind == "irregular"
    assert "stands in place of the lock: remove it, then run again" in caught.value.reason
    assert isinstance(host.clock, Impatient)
    assert host.clock.passed == 0
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("owner", [None, "rubbish"])
def test_a_lock_without_a_readable_owner_that_is_dated_ahead_is_broken_once_it_was_watched(
    host: Host, owner: str | None
) -> None:
    """It is not young for ever: for ten seconds nobody signed it, by a clock that does not jump."""
    lock = stage(host, owner, -100_000)
    for path in lock.iterdir():
        os.utime(path, (time.time() + 100_000,) * 2)
    words = r"held by an unknown process .* \(dated (100000|99999) s ahead\)"
    with pytest.raises(Problem, match=words), provision_lock(host, 9):
        pytest.fail("the lock was broken too early")
    clock = Impatient()
    with provision_lock(host._replace(clock=clock), 15):
        assert 10 <= clock.passed < 10.2
        assert (lock_of(host) / OWNER).read_text().startswith(f"{os.getpid()}:")
    assert in_state(host) == []


def test_a_lock_that_is_dated_ahead_and_signed_meanwhile_is_left(host: Host, living: int) -> None:
    lock = stage(host, None, -100_000)

    class Late(Impatient):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if self.passed > 9 and not (lock / OWNER).exists():
                (lock / OWNER).write_text(f"{living}:late")

    with pytest.raises(Problem, match=f"held by {living}"), provision_lock(host._replace(clock=Late()), 15):
        pytest.fail("the lock was taken from a live holder")


@pytest.mark.parametrize(("owner", "words"), [("dead", "its owner has ended"), (None, "it names no owner")])
def test_a_lock_that_nobody_holds_and_we_may_not_take_over_is_named_at_once(
    host: Host, dead: int, owner: str | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As that of another account, which never goes by itself."""
    lock = stage(host, owner and f"{dead}:nonce", 500)
    foresee = Tree.foresee

    def barred(tree: Tree, name: str, change: str) -> None:
        if name == OWNER:
            raise Problem("not writable", tree.path(name), "unreadable")
        foresee(tree, name, change)

    monkeypatch.setattr(Tree, "foresee", barred)
    before = snapshot(lock.parent)
    with pytest.raises(Problem) as caught, provision_lock(host, 15):
        pytest.fail("the lock was taken over")
    with pytest.raises(Problem) as foreseen:
        foresee_lock(host)
    assert str(foreseen.value) == str(caught.value)
    assert (caught.value.kind, caught.value.path) == ("unreadable", str(lock))
    assert caught.value.reason.startswith(f"{words}, but it may not be taken over (not writable): remove it as ")
    assert isinstance(host.clock, Impatient)
    assert host.clock.passed == 0
    assert snapshot(lock.parent) == before


def test_a_state_folder_that_may_not_be_written_is_foreseen_in_the_same_words(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(foresight, "lock_of", lambda handle: "immutable")
    with pytest.raises(Problem) as caught, provision_lock(host, 15):
        pytest.fail("the lock was taken")
    with pytest.raises(Problem) as foreseen:
        foresee_lock(host)
    assert str(foreseen.value) == str(caught.value)
    assert caught.value.reason == "its folder is immutable: operation not permitted"


def test_a_lock_that_is_free_busy_or_to_be_taken_over_is_no_problem_ahead(host: Host, dead: int, living: int) -> None:
    foresee_lock(host)
    stage(host, f"{dead}:nonce", 500)
    foresee_lock(host)
    (lock_of(host) / OWNER).write_text(f"{living}:nonce")
    foresee_lock(host)
    assert (lock_of(host) / OWNER).read_text() == f"{living}:nonce"
    (lock_of(host) / OWNER).unlink()
    (lock_of(host) / OWNER / "deep").mkdir(parents=True)
    os.utime(lock_of(host), (0, 0))
    foresee_lock(host)


@pytest.mark.parametrize("age", [5, 119, 121, 100_000])
def test_an_owner_that_started_after_the_lock_was_taken_is_another_program(host: Host, living: int, age: float) -> None:
    stage(host, f"{living}:nonce", age)
    with provision_lock(host, 0):
        assert (lock_of(host) / OWNER).read_text().startswith(f"{os.getpid()}:")
    assert in_state(host) == []


def test_a_thread_is_no_process(host: Host) -> None:
    waiting = threading.Event()
    thread = threading.Thread(target=waiting.wait)
    thread.start()
    try:
        stage(host, f"{thread.native_id}:nonce")
        with provision_lock(host._replace(egress=Aged(100)), 0):
            pass
    finally:
        waiting.set()
        thread.join()
    assert in_state(host) == []


def test_an_owner_that_may_not_be_looked_at_is_alive(host: Host, living: int, monkeypatch: pytest.MonkeyPatch) -> None:
    def hidden(self: Egress, pid: int) -> Process | None:
        raise Problem("may not be looked at")

    monkeypatch.setattr(Egress, "process", hidden)
    stage(host, f"{living}:nonce", 1000)
    with pytest.raises(Problem, match=f"held by {living} for"), provision_lock(host, 1):
        pytest.fail("the lock was taken from a live holder")


def test_the_command_of_the_holder_is_shown_on_one_line(host: Host) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()", "a\x1b[2J\nb"], stdin=subprocess.PIPE) as process:
        stage(host, f"{process.pid}:nonce")
        with pytest.raises(Problem, match=r"a\\x1b\[2J\\nb") as caught, provision_lock(host, 1):
            pytest.fail("the lock was taken from a live holder")
    assert caught.value.reason.isprintable()


# Long work, and the end of it


def test_who_works_long_keeps_the_lock_young(host: Host) -> None:
    with provision_lock(host, 1) as lock:
        owner = (lock_of(host) / OWNER).read_bytes()
        for seconds, touched in ((29, False), (2, True), (29, False), (1, True)):
            os.utime(lock_of(host), (0, 0))
            host.clock.sleep(seconds)
            lock.keep_young()
            assert (lock_of(host).stat().st_mtime > 0) is touched
            assert (lock_of(host) / OWNER).read_bytes() == owner
            assert os.listdir(lock_of(host)) == [OWNER]
    assert in_state(host) == []


@pytest.mark.parametrize("owner", ["1:next", None])
def test_a_lock_that_is_ours_no_more_is_not_kept_young(host: Host, owner: str | None) -> None:
    with provision_lock(host, 1) as lock:
        (lock_of(host) / OWNER).unlink()
        lock_of(host).rmdir()
        stage(host, owner, 50)
        before = snapshot(Path(host.paths.state))
        host.clock.sleep(31)
        lock.keep_young()
        assert snapshot(Path(host.paths.state)) == before


def test_a_folder_that_cannot_be_renamed_is_taken_down_too(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(self: Tree, name: str) -> None:
        raise Problem("invalid cross-device link", name)

    monkeypatch.setattr(Tree, "give_up", refused)
    with provision_lock(host, 1):
        pass
    assert in_state(host) == []


@pytest.mark.parametrize("error", [Problem("disk full"), OSError(5, "input/output error")])
def test_an_error_in_the_release_does_not_hide_the_real_one(
    host: Host, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(self: Tree, name: str) -> None:
        raise error

    monkeypatch.setattr(Tree, "give_up", broken)
    monkeypatch.setattr(Tree, "remove_folder", broken)
    with pytest.raises(ZeroDivisionError), provision_lock(host, 1):
        raise ZeroDivisionError


def test_what_is_signed_between_the_look_and_the_lock_is_seen(
    host: Host, dead: int, living: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another breaker had the folder locked first, signed and went on; we get its lock a moment later."""
    lock = stage(host, f"{dead}:nonce")
    monkeypatch.setattr(Tree, "try_lock", lambda _self: (lock / OWNER).write_text(f"{living}:faster") > 0)
    with pytest.raises(Problem, match=f"held by {living}"), provision_lock(host, 0):
        pytest.fail("two hold the lock")
    assert (lock / OWNER).read_text() == f"{living}:faster"


def test_a_sandboxed_lock_is_refused(tmp_path: Path) -> None:
    state = "/srv/nowhere/.iapeer/state"
    host = open_host({"state_dir": state}, {"HOME": str(tmp_path), "IAPEER_TEST_SANDBOX": "1"})
    with pytest.raises(Problem) as caught, provision_lock(host, 1):
        pytest.fail("the sandbox let it through")
    assert caught.value.refused
    assert not os.path.exists("/srv/nowhere")


def test_a_lock_that_is_given_up_meanwhile_is_taken(host: Host, living: int) -> None:
    lock = stage(host, f"{living}:nonce")

    class Released(Impatient):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if self.passed >= 1 and lock.exists() and (lock / OWNER).read_text().startswith(f"{living}:"):
                (lock / OWNER).unlink()
                lock.rmdir()

    clock = Released()
    with provision_lock(host._replace(clock=clock), 15):
        assert 1 <= clock.passed < 1.2
    assert in_state(host) == []


def test_waiting_is_done_every_50_milliseconds(host: Host, living: int) -> None:
    stage(host, f"{living}:nonce")
    waits: list[float] = []

    class Recording(Impatient):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            waits.append(seconds)

    with pytest.raises(Problem), provision_lock(host._replace(clock=Recording()), 1):
        pass
    assert set(waits) == {0.05}
    assert 20 <= len(waits) <= 21


@pytest.mark.parametrize("owner", ["1:next", None])
def test_release_leaves_the_next_holders_lock(host: Host, owner: str | None) -> None:
    with provision_lock(host, 1):
        (lock_of(host) / OWNER).unlink()
        lock_of(host).rmdir()
        stage(host, owner)
    assert in_state(host) == [LOCK]
    assert os.listdir(lock_of(host)) == ([OWNER] if owner else [])


def test_release_tolerates_a_lock_that_is_gone(host: Host) -> None:
    with provision_lock(host, 1):
        (lock_of(host) / OWNER).unlink()
        lock_of(host).rmdir()
    assert in_state(host) == []


# Breaking it, several at a time


def test_of_many_breakers_one_at_a_time_has_it(real: Host, dead: int) -> None:
    """Real processes break a dead holder's lock all at once, many times over: never are two inside."""
    marker = Path(real.paths.state).parent / "inside"

    def breaker() -> None:
        with provision_lock(real, 20):
            os.close(os.open(marker, os.O_CREAT | os.O_EXCL))
            time.sleep(0.002)
            os.unlink(marker)

    for n in range(20):
        stage(real, f"{dead}:nonce" if n % 2 else None, 0 if n % 2 else 121)
        assert [wait(pid) for pid in [forked(breaker) for _n in range(4)]] == [0] * 4
        assert in_state(real) == []


def test_a_breaker_that_comes_too_late_leaves_the_new_holder_alone(
    host: Host, dead: int, living: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look at the dead owner and the break somebody else breaks it and releases, and a third takes it."""
    lock = stage(host, f"{dead}:nonce")
    breakable = lock_module._is_breakable
    looks: list[bool] = []

    def look(*args: Any) -> bool:
        looks.append(breakable(*args))
        if len(looks) == 1:
            lock.rename(lock.with_name("broken"))
            stage(host, f"{living}:third")
        return looks[-1]

    monkeypatch.setattr(lock_module, "_is_breakable", look)
    with pytest.raises(Problem, match=f"held by {living}"), provision_lock(host, 0):
        pytest.fail("the lock of the third was taken")
    assert looks[0]
    assert (lock / OWNER).read_text() == f"{living}:third"


def test_a_breaker_that_renames_meanwhile_is_noticed(host: Host, dead: int, living: int) -> None:
    """Another implementation found the owner dead just before we took over, and renames our lock away just after."""
    lock = stage(host, f"{dead}:nonce", 121)

    class Rival(Impatient):
        def sleep(self, seconds: float) -> None:
            super().sleep(seconds)
            if not lock.with_name("broken").exists():
                lock.rename(lock.with_name("broken"))
                stage(host, f"{living}:theirs")

    with pytest.raises(Problem, match=f"held by {living}"), provision_lock(host._replace(clock=Rival()), 1):
        pytest.fail("two hold the lock")
    assert (lock / OWNER).read_text() == f"{living}:theirs"


def test_an_owner_that_shows_up_at_the_last_moment_keeps_the_lock(
    host: Host, living: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A holder that was stopped between making the folder and writing its owner comes back after two minutes."""
    lock = stage(host, None, 121)
    create = Tree.create

    def late(*args: Any) -> bool:
        (lock / OWNER).write_text(f"{living}:late")
        return create(*args)

    monkeypatch.setattr(Tree, "create", late)
    with pytest.raises(Problem, match=f"held by {living}"), provision_lock(host, 0):
        pytest.fail("two hold the lock")
    assert (lock / OWNER).read_text() == f"{living}:late"


# Killed at any moment


CALLS = ("mkdir", "open", "write", "fsync", "fchmod", "rename", "link", "unlink", "rmdir", "listdir", "stat", "close")


def die_at(moment: int) -> None:
    """Make this process kill itself before its moment-th step on files."""
    steps = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            nonlocal steps
            steps += 1
            if steps == moment:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)

        return call

    for name in CALLS:
        setattr(os, name, counted(getattr(os, name)))
    drafts.rename_noreplace = counted(drafts.rename_noreplace)  # type: ignore[assignment]


def hold(host: Host, moment: int) -> None:
    die_at(moment)
    with provision_lock(host, 0):
        pass


@pytest.mark.parametrize("before", ["free", "dead holder", "no owner", "rubbish"])
def test_killed_at_any_step_it_never_blocks_the_next_run_and_is_never_empty(host: Host, dead: int, before: str) -> None:
    moment = 0
    while True:
        moment += 1
        assert in_state(host) == []
        if before != "free":
            stage(host, {"dead holder": f"{dead}:nonce", "rubbish": "rubbish"}.get(before), 121)
            if before == "rubbish":
                os.utime(lock_of(host) / OWNER, (0, 0))
        outcome = wait(forked(functools.partial(hold, host, moment)))
        if outcome == 0:
            break
        assert outcome == -signal.SIGKILL
        if before in ("free", "dead holder") and lock_of(host).exists():
            assert (lock_of(host) / OWNER).read_text().partition(":")[0].isdigit()
        with provision_lock(host, 0):
            pass
    assert moment > 20


def test_a_killed_holder_does_not_block_the_next_run(real: Host) -> None:
    def hold_on() -> None:
        with provision_lock(real, 1):
            time.sleep(60)

    for _n in range(5):
        pid = forked(hold_on)
        while not (lock_of(real) / OWNER).exists():
            time.sleep(0.005)
        os.kill(pid, signal.SIGKILL)
        wait(pid)
        with provision_lock(real, 0):
            pass
    assert in_state(real) == []


def test_killed_at_any_time_it_never_blocks_the_next_run(real: Host) -> None:
    def churn() -> None:
        while True:
            with provision_lock(real, 5):
                pass

    for n in range(30):
        pid = forked(churn)
        time.sleep(0.002 + 0.0013 * n)
        os.kill(pid, signal.SIGKILL)
        wait(pid)
        with provision_lock(real, 0):
            assert [name for name in in_state(real) if name != LOCK] == []
    assert in_state(real) == []
