# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reading through an open folder: what is read, and that no link and no odd file leads out of it or hangs."""

from __future__ import annotations

import errno
import fcntl
import os
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway import folders
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.folders import Folder
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.handles import GLANCE_CAP, flock
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.reader import Reader
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox

FREE = Sandbox({})


@pytest.fixture
def peer(tmp_path: Path) -> Path:
    """A peer's folder with a file, and a secret outside it."""
    folder = tmp_path / "peer"
    (folder / ".claude").mkdir(parents=True)
    (folder / ".claude" / "settings.json").write_bytes(b"{}")
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_bytes(b"secret")
    return folder


def problem_of(folder: Path, name: str) -> Problem:
    """The Problem that reading name gives: it names the component that is to blame."""
    with Folder(FREE, str(folder)) as opened, pytest.raises(Problem) as caught:
        opened.read(name)
    blamed = Path(caught.value.path)
    assert blamed.is_relative_to(folder)
    assert blamed != folder
    assert (folder / name).is_relative_to(blamed)
    return caught.value


def test_a_file_is_read_with_its_mode(peer: Path) -> None:
    (peer / ".claude" / "settings.json").chmod(0o640)
    with Folder(FREE, str(peer)) as folder:
        assert folder.read(".claude/settings.json") == (b"{}", 0o640)


@pytest.mark.parametrize(("text", "most", "tail"), [(b"", 4, b""), (b"abc", 4, b"abc"), (b"abcdefg", 4, b"defg")])
def test_the_tail_of_a_file_is_its_last_bytes(peer: Path, text: bytes, most: int, tail: bytes) -> None:
    (peer / "x.log").write_bytes(text)
    with Folder(FREE, str(peer)) as folder:
        assert folder.tail("x.log", most) == tail
        assert folder.tail("y.log", most) == b""


def test_of_a_huge_file_only_the_tail_is_read(peer: Path) -> None:
    with open(peer / "x.log", "wb") as file:
        file.seek(1 << 40)
        file.write(b"the end")
    with Folder(FREE, str(peer)) as folder:
        assert folder.tail("x.log", 7) == b"the end"


@pytest.mark.parametrize("size", [0, 1, 65535, 65536, 65537, 300_000])
def test_a_file_of_any_size_is_read_whole(peer: Path, size: int) -> None:
    data = os.urandom(size)
    (peer / "file").write_bytes(data)
    with Folder(FREE, str(peer)) as folder:
        found = folder.read("file")
    assert found is not None
    assert found.data == data


@pytest.mark.linux
def test_a_file_that_has_no_size_is_read_whole() -> None:
    with Folder(FREE, "/proc/self") as folder:
        found = folder.read("cmdline")
    assert found is not None
    assert found.data == Path("/proc/self/cmdline").read_bytes()


@pytest.mark.parametrize("name", ["nothing", ".claude/nothing", "no/such/folder"])
def test_a_missing_file_is_none(peer: Path, name: str) -> None:
    with Folder(FREE, str(peer)) as folder:
        assert folder.read(name) is None
    assert Reader(FREE).read(str(peer / name)) is None


def test_a_folder_of_files_is_listed_in_order(peer: Path) -> None:
    for name in ("b", "a", "c"):
        (peer / ".claude" / name).write_text("")
    with Folder(FREE, str(peer)) as folder:
        assert folder.names(".claude") == ["a", "b", "c", "settings.json"]
        assert folder.names("") == [".claude"]
        assert folder.names("nothing") == []


def test_an_anchor_may_be_reached_by_a_link(peer: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(peer)
    with Folder(FREE, str(tmp_path / "alias")) as folder:
        assert folder.read(".claude/settings.json") is not None
        assert folder.path("x") == str(tmp_path / "alias" / "x")


@pytest.mark.parametrize("target", ["real.json", "./real.json", "../.claude/real.json"])
def test_a_link_inside_is_followed(peer: Path, target: str) -> None:
    (peer / ".claude" / "real.json").write_bytes(b"real")
    (peer / ".claude" / "settings.json").unlink()
    (peer / ".claude" / "settings.json").symlink_to(target)
    with Folder(FREE, str(peer)) as folder:
        found = folder.read(".claude/settings.json")
        assert found is not None
        assert found.data == b"real"
        assert folder.is_link(".claude/settings.json")
        assert not folder.is_link(".claude/real.json")
        assert not folder.is_link("nothing/at/all")


def test_an_absolute_link_inside_is_followed(peer: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(peer)
    (peer / "by-real").symlink_to(peer / ".claude" / "settings.json")
    (peer / "by-alias").symlink_to(tmp_path / "alias" / ".claude" / "settings.json")
    with Folder(FREE, str(peer)) as folder:
        assert folder.read("by-real") == folder.read("by-alias") == folder.read(".claude/settings.json")


def test_a_chain_of_links_inside_is_followed(peer: Path) -> None:
    (peer / "config").mkdir()
    (peer / "config" / "a").write_bytes(b"end")
    (peer / "folder").symlink_to("config")
    (peer / "middle").symlink_to("folder/a")
    (peer / "first").symlink_to("middle")
    with Folder(FREE, str(peer)) as folder:
        found = folder.read("first")
        assert found is not None
        assert found.data == b"end"
        assert folder.names("folder") == ["a"]


@pytest.mark.parametrize("absolute", [True, False])
@pytest.mark.parametrize("component", ["leaf", "middle", "first"])
def test_a_link_that_leaves_is_refused_at_every_component(
    peer: Path, tmp_path: Path, component: str, absolute: bool
) -> None:
    name = {"leaf": "a/b/secret", "middle": "a/b", "first": "a"}[component]
    outside = tmp_path / "outside" / {"leaf": "secret", "middle": "", "first": "tree"}[component]
    (tmp_path / "outside" / "tree" / "b").mkdir(parents=True)
    (tmp_path / "outside" / "tree" / "b" / "secret").write_bytes(b"secret")
    (peer / name).parent.mkdir(parents=True, exist_ok=True)
    (peer / name).symlink_to(outside if absolute else os.path.relpath(outside, (peer / name).parent))
    found = problem_of(peer, "a/b/secret")
    assert found.kind == "outside"
    assert f"a link that leaves {peer}" in found.reason
    with Folder(FREE, str(peer)) as folder, pytest.raises(Problem, match="a link that leaves"):
        folder.names("a/b") if component != "leaf" else folder.names("a/b/secret")


def test_a_link_that_leaves_to_nothing_is_refused_too(peer: Path, tmp_path: Path) -> None:
    (peer / "dangling").symlink_to(tmp_path / "outside" / "nothing")
    assert problem_of(peer, "dangling").kind == "outside"


def test_a_neighbour_whose_name_only_starts_alike_is_outside(peer: Path, tmp_path: Path) -> None:
    (tmp_path / "peer-2").mkdir()
    (tmp_path / "peer-2" / "file").write_bytes(b"other")
    (peer / "link").symlink_to(tmp_path / "peer-2" / "file")
    assert problem_of(peer, "link").kind == "outside"


def test_a_link_to_the_folder_itself_is_no_file(peer: Path) -> None:
    (peer / "self").symlink_to(".")
    assert problem_of(peer, "self").kind in ("outside", "irregular")


def test_loops_of_links_are_refused(peer: Path) -> None:
    (peer / "own").symlink_to("own")
    (peer / "one").symlink_to("two")
    (peer / "two").symlink_to("one")
    for name in ("own", "one", "own/file", "one/file"):
        assert problem_of(peer, name).kind == "irregular", name


@pytest.mark.parametrize("name", ["../outside/secret", ".claude/../../outside/secret", "..", ".claude/.."])
def test_a_name_that_climbs_is_refused(peer: Path, name: str) -> None:
    with Folder(FREE, str(peer)) as folder:
        for read in (folder.read, folder.names, folder.is_link):
            with pytest.raises(Problem) as caught:
                read(name)
            assert caught.value.kind == "outside"


@pytest.mark.parametrize("kind", ["fifo", "socket", "folder", "device"])
def test_what_is_no_file_is_refused_by_name_and_never_waited_for(
    peer: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = {"fifo": "a FIFO", "socket": "a socket", "folder": "a directory", "device": "a device"}
    if kind == "fifo":
        os.mkfifo(peer / "odd")
    elif kind == "socket":
        monkeypatch.chdir(peer)  # the name of a socket may not be long
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("odd")
    elif kind == "folder":
        (peer / "odd").mkdir()
    elif os.geteuid() == 0:
        os.mknod(peer / "odd", 0o20600, os.makedev(1, 3))
    else:
        pytest.skip("needs root to make a device")
    found = problem_of(peer, "odd")
    assert (found.kind, found.reason) == ("irregular", f"{words[kind]} stands where a file belongs")


def test_a_file_in_place_of_a_folder_is_refused(peer: Path) -> None:
    (peer / "file").write_text("")
    found = problem_of(peer, "file/below")
    assert (found.kind, found.reason) == ("irregular", "not a directory")
    with pytest.raises(Problem, match="not a directory"):
        Folder(FREE, str(peer / "file"))


def test_a_fifo_in_place_of_a_folder_is_refused_and_never_waited_for(peer: Path) -> None:
    os.mkfifo(peer / "fifo")
    assert problem_of(peer, "fifo/below").kind == "irregular"
    with pytest.raises(Problem, match="not a directory"):
        Folder(FREE, str(peer / "fifo"))


def test_a_missing_anchor_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        Folder(FREE, str(tmp_path / "nowhere"))
    assert (caught.value.kind, caught.value.path) == ("missing", str(tmp_path / "nowhere"))


@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 300])
def test_a_name_that_no_file_can_have_is_a_problem(peer: Path, name: str) -> None:
    with Folder(FREE, str(peer)) as folder, pytest.raises(Problem):
        folder.read(name)
    with pytest.raises(Problem):
        Folder(FREE, str(peer / name / "below"))


def test_a_link_swapped_in_after_the_look_is_not_followed(
    peer: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = folders.lstat

    def look_then_swap(leaf: str, handle: int) -> os.stat_result | None:
        status = look(leaf, handle)
        if leaf == "settings.json" and not (peer / ".claude" / leaf).is_symlink():
            (peer / ".claude" / leaf).unlink()
            (peer / ".claude" / leaf).symlink_to(tmp_path / "outside" / "secret")
        return status

    monkeypatch.setattr(folders, "lstat", look_then_swap)
    found = problem_of(peer, ".claude/settings.json")
    assert found.kind in ("outside", "irregular")


def test_a_folder_swapped_for_a_link_out_after_it_was_opened_stays_the_one_that_was_opened(
    peer: Path, tmp_path: Path
) -> None:
    with Folder(FREE, str(peer)) as folder:
        assert folder.names(".claude") == ["settings.json"]
        (peer / ".claude").rename(peer / "moved")
        (peer / ".claude").symlink_to(tmp_path / "outside")
        assert folder.read(".claude/secret") is None
        found = folder.read(".claude/settings.json")
        assert found is not None
        assert found.data == b"{}"


def test_an_anchor_that_was_replaced_is_noticed(peer: Path, tmp_path: Path) -> None:
    with Folder(FREE, str(peer)) as folder:
        assert folder.still_there()
        peer.rename(tmp_path / "moved")
        assert not folder.still_there()
        peer.mkdir()
        assert not folder.still_there()


def test_single_files_are_described(peer: Path) -> None:
    path = peer / ".claude" / "settings.json"
    path.chmod(0o604)
    os.utime(path, (1, 1234.5))
    reader = Reader(FREE)
    assert reader.modified(str(path)) == 1234.5
    assert reader.mode(str(path)) == 0o604
    assert reader.owner(str(path)) == os.getuid()
    assert reader.modified(str(peer / "nothing")) == 0.0
    assert reader.mode(str(peer / "nothing")) is None
    assert reader.owner(str(peer / "nothing")) == os.geteuid()


def test_a_single_file_that_is_none_is_a_problem(peer: Path) -> None:
    os.mkfifo(peer / "fifo")
    for path in (str(peer / "fifo"), str(peer)):
        with pytest.raises(Problem) as caught:
            Reader(FREE).read(path)
        assert caught.value.kind == "irregular"


def test_handles_are_closed(peer: Path) -> None:
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0
    os.mkfifo(peer / "fifo")
    for _n in range(3):
        with Folder(FREE, str(peer)) as folder:
            folder.read(".claude/settings.json")
            folder.names(".claude")
            with pytest.raises(Problem):
                folder.read("fifo")
    assert (len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0) == before


def test_the_lock_on_a_folder_is_exclusive_and_ends_with_it(peer: Path) -> None:
    with Folder(FREE, str(peer)) as first, Folder(FREE, str(peer)) as second:
        assert first.try_lock()
        assert not second.try_lock()
    with Folder(FREE, str(peer)) as third:
        assert third.try_lock()


def test_a_file_system_without_locks_is_told_from_a_lock_that_is_taken(
    peer: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(number: int) -> None:
        def call(handle: int, flags: int) -> None:
            raise OSError(number, os.strerror(number))

        monkeypatch.setattr(fcntl, "flock", call)

    with Folder(FREE, str(peer)) as folder:
        handle = folder._handles[""]
        refuse(errno.EWOULDBLOCK)
        assert flock(handle) is False
        assert not folder.try_lock()
        for number in (errno.ENOTSUP, errno.ENOLCK, errno.EBADF, errno.ENOSYS):
            refuse(number)
            assert flock(handle) is None
            assert folder.try_lock()
        refuse(errno.EIO)
        with pytest.raises(Problem):
            folder.try_lock()


def test_who_waits_for_the_lock_gets_it_when_it_is_free(peer: Path) -> None:
    with Folder(FREE, str(peer)) as waiting:
        with Folder(FREE, str(peer)) as first:
            first.lock()
            waiter = threading.Thread(target=waiting.lock)
            waiter.start()
            waiter.join(0.1)
            assert waiter.is_alive()
        waiter.join(10)
        assert not waiter.is_alive()
        with Folder(FREE, str(peer)) as third:
            assert third.try_lock() is False


# At a glance


def put_odd(folder: Path, kind: str) -> None:
    """Something at the name "odd" of a folder."""
    odd = folder / "odd"
    if kind == "link inside":
        odd.symlink_to(".claude/settings.json")
    elif kind == "link out":
        odd.symlink_to("../outside/secret")
    elif kind == "dangling":
        odd.symlink_to("nowhere")
    elif kind == "fifo":
        os.mkfifo(odd)
    elif kind == "folder":
        odd.mkdir()
    else:
        odd.write_bytes(b"x" * (GLANCE_CAP + 1))


@pytest.mark.parametrize("size", [0, 1, 65535, 65536])
def test_a_glance_at_a_plain_file_is_what_read_says(peer: Path, size: int) -> None:
    (peer / ".claude" / "settings.json").write_bytes(os.urandom(size))
    with Folder(FREE, str(peer)) as folder:
        found = folder.read(".claude/settings.json")
        assert found is not None
        assert folder.glance(".claude/settings.json") == found.data
        assert folder.is_straight()


@pytest.mark.parametrize("name", ["missing", ".claude/missing", "missing/below", ".claude/a/b/c"])
def test_a_glance_at_what_is_missing_says_so(peer: Path, name: str) -> None:
    with Folder(FREE, str(peer)) as folder:
        assert folder.glance(name) is folder.read(name) is None


@pytest.mark.parametrize("kind", ["link inside", "link out", "dangling", "fifo", "folder", "large"])
def test_whatever_is_no_small_plain_file_is_left_to_read_and_not_opened(
    peer: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_odd(peer, kind)
    opened = os.open
    names: list[str] = []

    def noted(path: str, *args: int, **more: int) -> int:
        names.append(os.fsdecode(path))
        return opened(path, *args, **more)

    monkeypatch.setattr(os, "open", noted)
    with Folder(FREE, str(peer)) as folder, pytest.raises(folders.Unclear):
        folder.glance("odd")
    assert names == [str(peer)]


@pytest.mark.parametrize("name", ["../outside/secret", ".claude/../../outside/secret", "out/secret", "nul\0"])
def test_a_glance_never_leaves_the_folder(peer: Path, name: str) -> None:
    (peer / "out").symlink_to("../outside")
    with Folder(FREE, str(peer)) as folder, pytest.raises(folders.Unclear):
        folder.glance(name)


def test_a_folder_that_is_a_link_inside_is_followed_and_no_longer_straight(peer: Path) -> None:
    (peer / "other").symlink_to(".claude")
    with Folder(FREE, str(peer)) as folder:
        assert folder.glance("other/settings.json") == b"{}"
        assert not folder.is_straight()


def test_a_folder_that_is_reached_by_a_link_is_not_straight(peer: Path) -> None:
    (peer.parent / "link").symlink_to(peer)
    with Folder(FREE, str(peer.parent / "link")) as folder:
        assert folder.glance(".claude/settings.json") == b"{}"
        assert not folder.is_straight()


def test_in_an_armed_sandbox_nothing_is_seen_at_a_glance(peer: Path) -> None:
    with Folder(Sandbox({"IAPEER_TEST_SANDBOX": "1"}), str(peer)) as folder, pytest.raises(folders.Unclear):
        folder.glance(".claude/settings.json")


def test_a_file_that_is_swapped_between_look_and_open_is_unclear(peer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = peer / ".claude" / "settings.json"
    opened = os.open

    def swapped(name: str, *args: int, **more: int) -> int:
        if os.fsdecode(name) == "settings.json":
            path.unlink()
            os.mkfifo(path)
        return opened(name, *args, **more)

    monkeypatch.setattr(os, "open", swapped)
    with Folder(FREE, str(peer)) as folder, pytest.raises(folders.Unclear):
        folder.glance(".claude/settings.json")


def test_what_cannot_be_looked_at_is_not_taken_for_no_folder(peer: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where a folder may be listed and not entered (mode 644)."""
    (peer / "skills/ours").mkdir(parents=True)
    (peer / "skills/gone").symlink_to("nowhere")
    (peer / "skills/loop").symlink_to("loop")
    with Folder(FREE, str(peer)) as folder:
        assert folder.names("skills", folders=True) == ["ours"]
        stat = os.stat

        def closed(path: Any, **how: Any) -> os.stat_result:
            if path in ("ours", b"ours"):
                raise PermissionError(errno.EACCES, "Permission denied")
            return stat(path, **how)

        monkeypatch.setattr(os, "stat", closed)
        with pytest.raises(Problem) as caught:
            folder.names("skills", folders=True)
    assert (caught.value.path, caught.value.reason) == (str(peer / "skills"), "permission denied")
