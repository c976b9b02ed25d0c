# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scratch of a run: private, a place to run programs from, and gone afterwards whatever happened in it."""

from __future__ import annotations

import errno
import fcntl
import os
import stat
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway import scratch as scratch_module
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import Binary, Egress
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.files import Files
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.scratch import PREFIX, scratch

REPOSITORY = Path(__file__).resolve().parents[5]
FREE = Sandbox({})


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """The temp dir of a run, which is empty."""
    (tmp_path / "tmp").mkdir()
    return tmp_path / "tmp"


def files(base: Path) -> Files:
    return Files(Sandbox({"TMPDIR": str(base)}))


def test_it_is_private_runs_programs_and_is_gone_afterwards(base: Path) -> None:
    sandbox = Sandbox({"TMPDIR": str(base)})
    with Files(sandbox).scratch() as (path, tree):
        assert (os.path.dirname(path), os.path.realpath(path)) == (str(base), path)
        assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
        assert os.listdir(path) == []
        tree.write("bin/core", b"#!/bin/sh\necho ran in $PWD\n", 0o700)
        done = Egress(sandbox).run(Binary(f"{path}/bin/core"), [], cwd=path, env={})
        assert done.out == f"ran in {path}\n"
    assert list(base.iterdir()) == []


def test_a_program_in_it_is_refused_by_an_armed_sandbox_unless_it_is_named(base: Path) -> None:
    armed = Sandbox({"TMPDIR": str(base), "IAPEER_TEST_SANDBOX": "1"})
    with Files(armed).scratch() as (path, tree):
        tree.write("core", b"#!/bin/sh\n: > ran\n", 0o700)
        assert Egress(armed).run(Binary(f"{path}/core"), [], cwd=path).refused
        assert tree.names("") == ["core"]
        assert Egress(armed).run(Binary(f"{path}/core", named=True), [], cwd=path).rc == 0
        assert tree.names("") == ["core", "ran"]


@pytest.mark.parametrize("umask", [0, 0o022, 0o077, 0o777])
def test_it_is_private_and_ours_whatever_the_umask(base: Path, umask: int) -> None:
    old = os.umask(umask)
    try:
        with files(base).scratch() as (path, tree):
            assert stat.S_IMODE(os.stat(path).st_mode) == 0o700
            tree.write("file", b"x", 0o600)
    finally:
        os.umask(old)
    assert list(base.iterdir()) == []


def test_each_has_its_own(base: Path) -> None:
    with files(base).scratch() as (one, _tree), files(base).scratch() as (other, _other):
        assert one != other
        assert sorted(os.listdir(base)) == sorted(map(os.path.basename, (one, other)))


def test_a_link_that_leads_to_the_temp_dir_is_resolved(base: Path) -> None:
    (base.parent / "link").symlink_to(base)
    with files(base.parent / "link").scratch() as (path, _tree):
        assert os.path.dirname(path) == str(base)


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_it_goes_whatever_happens_in_it(base: Path, failure: type[BaseException]) -> None:

    def furnish(path: Path) -> None:
        for folder in (path / "a" / "b", path / "closed" / "deep"):
            folder.mkdir(parents=True)
            (folder / "file").write_text("")
            (folder / "file").chmod(0o000)
        os.mkfifo(path / "fifo")
        (path / "out").symlink_to(base.parent)
        (path / "closed" / "deep").chmod(0o000)
        (path / "closed").chmod(0o500)
        raise failure

    with pytest.raises(failure), files(base).scratch() as (path, _tree):
        furnish(Path(path))
    assert list(base.iterdir()) == []
    assert base.parent.is_dir()


CLOSED = """
import os, sys
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.files import Files
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
if os.geteuid() == 0:
    os.setgid(65534); os.setuid(65534)
with Files(Sandbox({"TMPDIR": sys.argv[1]})).scratch() as (path, tree):
    tree.write("closed/deep/file", b"")
    tree.set_mode("closed/deep", 0)
    tree.set_mode("closed", 0o500)
assert os.listdir(sys.argv[1]) == [], os.listdir(sys.argv[1])
"""


def test_an_ordinary_account_gets_rid_of_what_it_may_not_write() -> None:
    with tempfile.TemporaryDirectory(prefix="iapeer-memory-closed-") as base:
        os.chmod(base, 0o777)
        done = subprocess.run([sys.executable, "-c", CLOSED, base], stderr=subprocess.PIPE, check=False)
    assert done.stderr == b""


def test_a_program_that_goes_on_writing_holds_nothing_up(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rmdir, failures = os.rmdir, [OSError(errno.ENOTEMPTY, "Directory not empty")] * 2

    def rival(*args: Any, **more: Any) -> None:
        if failures:
            raise failures.pop()
        rmdir(*args, **more)

    with files(base).scratch():
        monkeypatch.setattr(os, "rmdir", rival)
    assert list(base.iterdir()) == []


# Where it is made


def access(monkeypatch: pytest.MonkeyPatch, *forbidding: Path) -> None:
    """A system on which nothing may be executed in these folders."""
    plain = os.access

    def judged(path: Any, mode: int, *, dir_fd: int | None = None, **more: Any) -> bool:
        place = os.readlink(f"/proc/self/fd/{dir_fd}") if dir_fd is not None else ""
        if mode == os.X_OK and any(place.startswith(str(folder)) for folder in forbidding):
            return False
        return plain(path, mode, dir_fd=dir_fd, **more)

    monkeypatch.setattr(os, "access", judged)


@pytest.mark.skipif(not os.path.isdir("/proc/self/fd"), reason="needs /proc to tell where a probe is")
def test_a_place_where_nothing_may_be_executed_is_passed_over(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (base.parent / "state").mkdir()
    access(monkeypatch, base)
    with scratch(FREE, [str(base), str(base.parent / "state")]) as path:
        assert os.path.dirname(path) == str(base.parent / "state")
        assert list(base.iterdir()) == []
    assert list((base.parent / "state").iterdir()) == []


def test_for_real_where_the_mount_says_so(base: Path) -> None:
    code = (
        "import subprocess, sys\n"
        "subprocess.run(['mount', '-t', 'tmpfs', '-o', 'noexec', 'none', sys.argv[1]], check=True)\n"
        "from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.scratch import scratch\n"
        "from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox\n"
        "with scratch(Sandbox({}), sys.argv[1:]) as path:\n"
        "    print(path)\n"
    )
    owner = () if os.geteuid() == 0 else ("--user", "--map-root-user")
    command = ["unshare", "--mount", "--propagation", "private", *owner, "--", sys.executable, "-c", code]
    (base.parent / "state").mkdir()
    env = {**os.environ, "PYTHONPATH": str(REPOSITORY / ".tree")}
    done = subprocess.run(
        [*command, str(base), str(base.parent / "state")], env=env, capture_output=True, text=True, check=False
    )
    if "mount" in done.stderr or "unshare" in done.stderr:
        pytest.skip(f"no mounts of one's own here: {done.stderr.strip()}")
    assert os.path.dirname(done.stdout.strip()) == str(base.parent / "state"), done.stderr


def test_the_temp_dirs_of_the_system_come_before_the_fallbacks(base: Path) -> None:
    assert Sandbox({"TMPDIR": "/a", "TEMP": "relative", "TMP": "/b"}).temporary[:4] == ("/a", "/b", "/tmp", "/var/tmp")
    with files(base.parent / "nowhere").scratch(str(base)) as (path, _tree):
        assert os.path.dirname(path) == os.path.realpath("/tmp")


def test_where_there_is_no_place_the_reasons_are_told(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (base.parent / "file").write_text("")
    monkeypatch.setattr(os, "access", lambda *args, **more: False)
    bases = [str(base), str(base.parent / "nowhere"), str(base.parent / "file"), "/a\0b"]
    with pytest.raises(Problem) as caught, scratch(FREE, bases):
        pass
    reasons = [
        f"{base}: nothing may be executed there",
        f"{base.parent / 'nowhere'}: missing",
        f"{base.parent / 'file'}: not a directory",
        "/a\0b: no name that a folder can have: ",
    ]
    assert str(caught.value).startswith(f"there is no place to run a program from: {'; '.join(reasons)}")
    assert list(base.iterdir()) == []


# What a killed run leaves behind


def test_what_a_killed_run_left_is_swept_and_what_a_live_one_has_is_not(base: Path) -> None:
    dead, other = base / f"{PREFIX}dead", base / "somebody-elses"
    for folder in (dead, other):
        (folder / "deep").mkdir(parents=True)
        (folder / "deep" / "file").write_text("")
    with files(base).scratch() as (live, _tree):
        with files(base).scratch():
            pass
        assert sorted(os.listdir(base)) == sorted([os.path.basename(live), "somebody-elses"])
    assert os.listdir(base) == ["somebody-elses"]


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_what_another_account_left_is_not_swept(base: Path) -> None:
    (base / f"{PREFIX}theirs").mkdir()
    os.chown(base / f"{PREFIX}theirs", 65534, 65534)
    with files(base).scratch():
        pass
    assert os.listdir(base) == [f"{PREFIX}theirs"]


def test_a_folder_taken_for_a_leftover_before_it_was_locked_is_made_anew(
    base: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock, taken = fcntl.flock, []

    def swept(handle: int, flags: int) -> None:
        if not taken:
            taken.extend(base.iterdir())
            taken[0].rmdir()
        flock(handle, flags)

    monkeypatch.setattr(fcntl, "flock", swept)
    with files(base).scratch() as (path, tree):
        assert [Path(path)] != taken
        tree.write("file", b"x")
    assert list(base.iterdir()) == []


def test_where_others_remove_it_again_and_again_that_is_told(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scratch_module, "flock", lambda handle: False)
    with pytest.raises(Problem, match="other runs remove what is made there"), scratch(FREE, [str(base)]):
        pass
    assert list(base.iterdir()) == []


def test_no_handle_stays_open(base: Path) -> None:
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc")
    before = os.listdir("/proc/self/fd")
    with files(base).scratch() as (_path, tree):
        tree.write("a/file", b"x")
    with pytest.raises(Problem), scratch(FREE, [str(base.parent / "nowhere")]):
        pass
    assert os.listdir("/proc/self/fd") == before
