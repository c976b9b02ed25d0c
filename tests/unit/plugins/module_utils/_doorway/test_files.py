# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""File changes: whole, in place of the old one, never out of the folder, and nothing left behind after a failure."""

from __future__ import annotations

import builtins
import contextlib
import errno
import fcntl
import hashlib
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway import drafts, folders, handles
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.drafts import TEMPORARY
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.files import Files, Tree
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox

ROOT = os.geteuid() == 0
NOBODY = 65534
as_root = pytest.mark.skipif(not ROOT, reason="needs root")
LINUX = sys.platform.startswith("linux")


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder in the system's temp dir that every account may enter."""
    path = Path(tempfile.mkdtemp(prefix="iapeer-memory-files-")).resolve()
    path.chmod(0o755)
    yield path
    for folder, _names, _files in os.walk(path):
        os.chmod(folder, 0o700)
    shutil.rmtree(path)


def files() -> Files:
    return Files(Sandbox({}))


def tree(path: Path) -> Tree:
    return files().tree(str(path))


def mode(path: Path) -> int:
    return stat.S_IMODE(os.lstat(path).st_mode)


def leftovers(path: Path) -> list[str]:
    """The temporary names anywhere below path."""
    return sorted(name for _folder, folders, names in os.walk(path) for name in folders + names if TEMPORARY in name)


def listing(path: Path) -> list[str]:
    return sorted(str(found.relative_to(path)) for found in path.rglob("*"))


def as_nobody(work: Callable[[], Any]) -> str:
    """Do work as an ordinary account (this one, or nobody where this is root); its result or Problem, as text."""
    if not ROOT:
        return told(work)
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        with contextlib.suppress(BaseException):
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
            os.write(writer, told(work).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with os.fdopen(reader) as answer:
        return answer.read()


def told(work: Callable[[], Any]) -> str:
    try:
        return repr(work())
    except Problem as problem:
        return f"{problem.kind}: {problem}"


def hand_over(path: Path) -> None:
    """Give everything below path to the ordinary account."""
    if ROOT:
        for found in [path, *path.rglob("*")]:
            os.chown(found, NOBODY, NOBODY, follow_symlinks=False)


# Writing


def test_a_new_file_is_whole_and_has_the_modes_of_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        with tree(tmp_path) as folder:
            folder.write("a/b/file", b"data")
    finally:
        os.umask(old)
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"data"
    assert (mode(tmp_path / "a" / "b" / "file"), mode(tmp_path / "a" / "b")) == (0o640, 0o750)
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize(("umask", "wanted"), [(0o022, 0o644), (0, 0o644), (0o077, 0o600), (0o111, 0o644)])
def test_the_modes_of_what_is_made_anew(tmp_path: Path, umask: int, wanted: int) -> None:
    """Nobody may write what we make but its owner, even where the account's umask would let everybody."""
    old = os.umask(umask)
    try:
        with tree(tmp_path) as folder:
            folder.write("written", b"x")
            folder.create("created", b"x", folder)
            folder.write("deep/file", b"x")
            folder.make_folder("made")
            folder.claim("lock.d", "owner", b"x")
        files().tree(str(tmp_path / "anchor"), create=True).__exit__()
    finally:
        os.umask(old)
    names = ("written", "created", "deep/file", "lock.d/owner")
    assert {name: mode(tmp_path / name) for name in names} == dict.fromkeys(names, wanted)
    folders = ("deep", "made", "anchor", "lock.d")
    assert {name: mode(tmp_path / name) for name in folders} == dict.fromkeys(folders, 0o755 & ~umask)


@pytest.mark.parametrize("told", [True, False])
def test_finding_out_the_umask_leaves_it_as_it_was(monkeypatch: pytest.MonkeyPatch, told: bool) -> None:
    """Without a moment in which it is another one, where the system tells it."""
    plain, old = os.umask, os.umask(0o031)
    asked: list[int] = []
    if not told:
        monkeypatch.setattr(builtins, "open", missing)
    monkeypatch.setattr(os, "umask", lambda mask: (asked.append(mask), plain(mask))[1])
    try:
        assert files().umask == 0o031
        assert bool(asked) is not (told and LINUX and "IAPEER_TEST_LIKE_A_MAC" not in os.environ)
        assert plain(0o031) == 0o031
    finally:
        plain(old)


def missing(*args: Any, **more: Any) -> Any:
    raise FileNotFoundError(errno.ENOENT, "No such file or directory")


@pytest.mark.parametrize("wanted", [0o755, 0o600, 0o644, 0o400])
def test_a_mode_that_is_asked_for_is_set_whatever_the_umask(tmp_path: Path, wanted: int) -> None:
    old = os.umask(0o077)
    try:
        with tree(tmp_path) as folder:
            folder.write("new", b"x", wanted)
            (tmp_path / "old").write_bytes(b"")
            (tmp_path / "old").chmod(0o666)
            folder.write("old", b"x", wanted)
    finally:
        os.umask(old)
    assert (mode(tmp_path / "new"), mode(tmp_path / "old")) == (wanted, wanted)


@pytest.mark.parametrize("kept", [0o600, 0o640, 0o644, 0o664, 0o755, 0o700])
def test_a_files_own_mode_is_kept(tmp_path: Path, kept: int) -> None:
    (tmp_path / "file").write_bytes(b"old")
    (tmp_path / "file").chmod(kept)
    with tree(tmp_path) as folder:
        folder.write("file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert mode(tmp_path / "file") == kept


@pytest.mark.parametrize("data", [b"", b"x", b"\0\xff\n", b"a" * 3_000_000])
def test_any_bytes_are_written_as_they_are(tmp_path: Path, data: bytes) -> None:
    with tree(tmp_path) as folder:
        folder.write("file", data)
    assert (tmp_path / "file").read_bytes() == data


def test_a_write_that_the_system_takes_in_pieces_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda handle, data: write(handle, bytes(data)[:7]))
    with tree(tmp_path) as folder:
        folder.write("file", bytes(range(100)))
    assert (tmp_path / "file").read_bytes() == bytes(range(100))


def test_the_data_is_on_disk_before_the_file_takes_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    happened: list[str] = []
    for name in ("write", "fchmod", "fsync", "rename"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, _n=name, _r=real, **k: (happened.append(_n), _r(*a, **k))[1])
    with tree(tmp_path) as folder:
        folder.write("file", b"data")
    assert happened == ["write", "fchmod", "fsync", "rename", "fsync"]  # the last one of the folder


def test_the_temporary_file_is_beside_the_old_one_closed_to_others_and_unique(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    seen: list[tuple[str, int]] = []
    write = os.write

    def look(handle: int, data: bytes) -> int:
        seen.extend((found.name, mode(found)) for found in (tmp_path / "sub").iterdir() if TEMPORARY in found.name)
        return write(handle, data)

    monkeypatch.setattr(os, "write", look)
    with tree(tmp_path) as folder:
        for _n in range(5):
            folder.write("sub/file", b"data")
    assert len(seen) == len(set(seen)) == 5
    assert {found for _name, found in seen} == {0o600}
    assert all(name.startswith(".file.") for name, _found in seen)


def test_a_reader_sees_the_old_file_or_the_new_one_whole(tmp_path: Path) -> None:
    versions = [bytes([65 + n]) * 50_000 for n in range(2)]
    (tmp_path / "file").write_bytes(versions[0])
    done = threading.Event()
    torn: list[bytes] = []

    def watch() -> None:
        while not done.is_set():
            data = (tmp_path / "file").read_bytes()
            if data not in versions:
                torn.append(data)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with tree(tmp_path) as folder:
        for n in range(100):
            folder.write("file", versions[n % 2])
    done.set()
    watcher.join()
    assert torn == []


@as_root
def test_owner_and_group_of_an_old_file_are_kept(place: Path) -> None:
    (place / "file").write_bytes(b"old")
    (place / "file").chmod(0o660)
    os.chown(place / "file", NOBODY, 4242)
    with tree(place) as folder:
        folder.write("file", b"new")
    status = os.stat(place / "file")
    assert (status.st_uid, status.st_gid, mode(place / "file")) == (NOBODY, 4242, 0o660)
    assert (place / "file").read_bytes() == b"new"


@as_root
def test_what_root_makes_belongs_to_the_owner_of_the_folder(place: Path) -> None:
    home = place / "home"
    home.mkdir()
    os.chown(home, NOBODY, 4242)
    with files().tree(str(home / "new" / "state"), create=True) as folder:
        folder.write("a/b/file", b"x")
        folder.create("created", b"x", folder)
        folder.make_folder("c/d", 0o700)
        folder.claim("lock.d", "owner", b"x")
    made = listing(home)
    assert "new/state/lock.d/owner" in made
    for name in made:
        status = os.stat(home / name)
        assert (name, status.st_uid, status.st_gid) == (name, NOBODY, 4242)


@as_root
def test_the_set_id_bits_of_a_file_survive_the_change_of_owner(place: Path) -> None:
    (place / "file").write_bytes(b"old")
    os.chown(place / "file", NOBODY, NOBODY)
    (place / "file").chmod(0o6755)
    with tree(place) as folder:
        folder.write("file", b"new")
    assert mode(place / "file") == 0o6755


@as_root
@pytest.mark.usefixtures("old_system")
def test_what_root_makes_elsewhere_takes_its_name_there_and_not_where_we_are(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where the system has no rename that replaces nothing, and the usual one has to do."""
    (place / "home").mkdir()
    (place / "cwd").mkdir()
    os.chown(place / "home", NOBODY, NOBODY)
    monkeypatch.chdir(place / "cwd")
    with tree(place / "home") as folder:
        folder.make_folder("new/deep")
    assert listing(place) == ["cwd", "home", "home/new", "home/new/deep"]
    assert os.stat(place / "home" / "new" / "deep").st_uid == NOBODY


# Links


def test_a_link_inside_stays_and_its_target_is_edited(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "target").write_bytes(b"old")
    (tmp_path / "real" / "target").chmod(0o640)
    (tmp_path / "file").symlink_to("real/target")
    (tmp_path / "folder").symlink_to("real")
    with tree(tmp_path) as folder:
        folder.write("file", b"new")
        assert (tmp_path / "real" / "target").read_bytes() == b"new"
        folder.write("folder/target", b"newer")
        folder.write("folder/fresh", b"fresh")
    assert os.readlink(tmp_path / "file") == "real/target"
    assert os.readlink(tmp_path / "folder") == "real"
    assert (tmp_path / "real" / "target").read_bytes() == b"newer"
    assert (tmp_path / "real" / "fresh").read_bytes() == b"fresh"
    assert mode(tmp_path / "real" / "target") == 0o640
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("how", ["remove", "replace"])
def test_of_a_link_inside_only_the_link_is_removed(tmp_path: Path, how: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "notes").write_bytes(b"theirs")
    (tmp_path / "a" / "file").symlink_to("../notes")
    with tree(tmp_path) as folder:
        folder.remove("a/file") if how == "remove" else folder.replace("a/file", b"theirs", None)
    assert listing(tmp_path) == ["a", "notes"]
    assert (tmp_path / "notes").read_bytes() == b"theirs"


def test_a_dangling_link_inside_gets_its_target(tmp_path: Path) -> None:
    (tmp_path / "file").symlink_to("shared/target")
    with tree(tmp_path) as folder:
        folder.write("file", b"new")
    assert (tmp_path / "file").is_symlink()
    assert (tmp_path / "shared" / "target").read_bytes() == b"new"


def changes(folder: Tree, name: str) -> dict[str, Callable[[], Any]]:
    """Every change that one can make to a file or folder of that name."""
    return {
        "write": lambda: folder.write(name, b"mine"),
        "write with a mode": lambda: folder.write(name, b"mine", 0o755),
        "replace": lambda: folder.replace(name, b"secret", b"mine"),
        "remove": lambda: folder.remove(name),
        "set_mode": lambda: folder.set_mode(name, 0o777),
        "make_folder": lambda: folder.make_folder(f"{name}/new"),
    }


@pytest.mark.parametrize("absolute", [True, False])
@pytest.mark.parametrize("linked", ["a/b/file", "a/b", "a"])
def test_no_change_follows_a_link_out(tmp_path: Path, linked: str, absolute: bool) -> None:
    peer, outside = tmp_path / "peer", tmp_path / "outside"
    (outside / "b").mkdir(parents=True)
    for name in ("file", "b/file"):
        (outside / name).write_bytes(b"secret")
    (peer / linked).parent.mkdir(parents=True)
    target = {"a/b/file": outside / "file", "a/b": outside / "b", "a": outside}[linked]
    (peer / linked).symlink_to(target if absolute else os.path.relpath(target, (peer / linked).parent))
    before = {name: os.lstat(outside / name) for name in ("", *listing(outside))}
    with tree(peer) as folder:
        for what, change in changes(folder, "a/b/file").items():
            with pytest.raises(Problem) as caught:
                change()
            assert caught.value.kind == "outside", what
        if linked != "a/b/file":
            with pytest.raises(Problem):
                folder.remove_folder("a/b/file")
    assert {name: os.lstat(outside / name) for name in ("", *listing(outside))} == before
    assert (peer / linked).is_symlink()


def test_a_link_swapped_in_during_a_write_is_never_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "peer").mkdir()
    (tmp_path / "peer" / "file").write_bytes(b"old")
    (tmp_path / "outside").write_bytes(b"secret")
    fsync = os.fsync

    def swap(handle: int) -> None:
        (tmp_path / "peer" / "file").unlink()
        (tmp_path / "peer" / "file").symlink_to(tmp_path / "outside")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", swap)
    with tree(tmp_path / "peer") as folder:
        folder.write("file", b"new")
    assert (tmp_path / "outside").read_bytes() == b"secret"


def test_a_folder_swapped_for_a_link_during_a_write_is_never_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "peer" / "sub").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    fsync = os.fsync

    def swap(handle: int) -> None:
        if not (tmp_path / "peer" / "moved").exists():
            (tmp_path / "peer" / "sub").rename(tmp_path / "peer" / "moved")
            (tmp_path / "peer" / "sub").symlink_to(tmp_path / "outside")
        fsync(handle)

    monkeypatch.setattr(os, "fsync", swap)
    with tree(tmp_path / "peer") as folder:
        folder.write("sub/file", b"new")
    assert listing(tmp_path / "outside") == []
    assert (tmp_path / "peer" / "moved" / "file").read_bytes() == b"new"


def test_folders_and_links_swapped_all_the_time_never_let_a_write_out(tmp_path: Path) -> None:
    peer, outside = tmp_path / "peer", tmp_path / "outside"
    (peer / "real").mkdir(parents=True)
    (peer / "sub").symlink_to("real")
    outside.mkdir()
    code = (
        "import os, sys\n"
        "peer, outside = sys.argv[1:]\n"
        "while True:\n"
        "    for target in ('real', outside):\n"
        "        os.symlink(target, peer + '/new'); os.rename(peer + '/new', peer + '/sub')\n"
    )
    with subprocess.Popen([sys.executable, "-c", code, str(peer), str(outside)]) as rival:
        try:
            outcomes = {True: 0, False: 0}
            for n in range(400):
                with tree(peer) as folder:
                    try:
                        folder.write("sub/file", str(n).encode())
                        outcomes[True] += 1
                    except Problem:
                        outcomes[False] += 1
        finally:
            rival.kill()
    assert listing(outside) == []
    assert outcomes[True]
    assert outcomes[False]


@pytest.mark.parametrize("name", ["../file", "a/../../file", ".."])
def test_no_change_climbs_out(tmp_path: Path, name: str) -> None:
    (tmp_path / "peer" / "a").mkdir(parents=True)
    (tmp_path / "file").write_bytes(b"secret")
    with tree(tmp_path / "peer") as folder:
        for change in (*changes(folder, name).values(), lambda: folder.remove_folder(name)):
            with pytest.raises(Problem):
                change()
    assert listing(tmp_path) == ["file", "peer", "peer/a"]
    assert (tmp_path / "file").read_bytes() == b"secret"


# Odd files


@pytest.mark.parametrize("kind", ["a FIFO", "a socket", "a directory", "a device"])
def test_what_is_no_file_is_refused_and_left(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if kind == "a FIFO":
        os.mkfifo(tmp_path / "odd")
    elif kind == "a socket":
        monkeypatch.chdir(tmp_path)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("odd")
    elif kind == "a directory":
        (tmp_path / "odd").mkdir()
    elif ROOT:
        os.mknod(tmp_path / "odd", 0o20600, os.makedev(1, 3))
    else:
        pytest.skip("needs root to make a device")
    before = os.lstat(tmp_path / "odd")
    with tree(tmp_path) as folder:
        for change in (lambda: folder.write("odd", b"x"), lambda: folder.replace("odd", None, b"x")):
            with pytest.raises(Problem, match=f"{kind} stands where a file belongs") as caught:
                change()
            assert (caught.value.kind, caught.value.path) == ("irregular", str(tmp_path / "odd"))
    assert os.lstat(tmp_path / "odd").st_ino == before.st_ino
    assert listing(tmp_path) == ["odd"]


@pytest.mark.parametrize("kind", ["a FIFO", "a socket"])
def test_the_mode_of_an_odd_file_is_not_set(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    if kind == "a FIFO":
        os.mkfifo("odd", 0o600)
    else:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("odd")
        os.chmod("odd", 0o600)
    with tree(tmp_path) as folder, pytest.raises(Problem):
        folder.set_mode("odd", 0o777)
    assert mode(tmp_path / "odd") == 0o600


def test_a_folder_is_not_removed_as_a_file(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with tree(tmp_path) as folder, pytest.raises(Problem):
        folder.remove("folder")
    assert (tmp_path / "folder").is_dir()


def test_a_file_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x")
    with tree(tmp_path) as folder:
        for change in (lambda: folder.write("file/below", b"x"), lambda: folder.make_folder("file/below")):
            with pytest.raises(Problem, match="not a directory"):
                change()
    with pytest.raises(Problem, match="not a directory"):
        files().tree(str(tmp_path / "file" / "below"), create=True)
    assert (tmp_path / "file").read_bytes() == b"x"


@pytest.mark.parametrize("kind", ["fifo", "file"])
def test_a_file_swapped_after_the_look_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    (tmp_path / "file").write_bytes(b"old")
    plain = handles.opened

    def swap(leaf: str, flags: int, folder: int) -> AbstractContextManager[int]:
        (tmp_path / "file").unlink()
        os.mkfifo(tmp_path / "file") if kind == "fifo" else (tmp_path / "file").write_bytes(b"newer")
        return plain(leaf, flags, folder)

    monkeypatch.setattr(folders, "opened", swap)
    with tree(tmp_path) as folder:
        if kind == "file":
            found = folder.read("file")
            assert found is not None
            assert found.data == b"newer"
        else:
            with pytest.raises(Problem, match="a FIFO stands where a file belongs"):
                folder.read("file")


# Rights


def test_a_file_that_may_not_be_written_is_refused(place: Path) -> None:
    (place / "file").write_bytes(b"old")
    (place / "file").chmod(0o444)
    hand_over(place)
    answer = as_nobody(lambda: tree(place).write("file", b"new"))
    assert answer == f"unreadable: {place / 'file'}: not writable"
    assert (place / "file").read_bytes() == b"old"
    assert leftovers(place) == []


def test_a_file_that_may_not_be_read_is_refused(place: Path) -> None:
    (place / "file").write_bytes(b"old")
    (place / "file").chmod(0o200)
    hand_over(place)
    assert as_nobody(lambda: tree(place).read("file")) == f"unreadable: {place / 'file'}: permission denied"
    assert as_nobody(lambda: tree(place).replace("file", b"old", b"new")).startswith("unreadable: ")


@pytest.mark.parametrize("bits", [0o500, 0o000, 0o600])
def test_a_folder_that_may_not_be_written_is_refused(place: Path, bits: int) -> None:
    (place / "sub").mkdir()
    (place / "sub" / "file").write_bytes(b"old")
    hand_over(place)
    (place / "sub").chmod(bits)
    for change in (
        lambda f: f.write("sub/file", b"new"),
        lambda f: f.write("sub/new", b"new"),
        lambda f: f.remove("sub/file"),
    ):
        answer = as_nobody(lambda change=change: change(tree(place)))
        assert answer.startswith(f"unreadable: {place}/sub"), answer
        assert answer.endswith("permission denied")
    (place / "sub").chmod(0o700)
    assert listing(place) == ["sub", "sub/file"]
    assert (place / "sub" / "file").read_bytes() == b"old"


@as_root
def test_a_file_of_somebody_else_is_never_taken_over(place: Path) -> None:
    place.chmod(0o777)
    (place / "file").write_bytes(b"old")
    (place / "file").chmod(0o666)
    answer = as_nobody(lambda: tree(place).write("file", b"new"))
    assert answer == f"unreadable: {place / 'file'}: belongs to another account: operation not permitted"
    assert ((place / "file").read_bytes(), os.stat(place / "file").st_uid) == (b"old", 0)
    assert leftovers(place) == []


# Failures


FAILING = ("write", "fsync", "rename", "fchmod", "open", "fstat")


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EROFS, errno.EDQUOT])
@pytest.mark.parametrize("call", FAILING)
@pytest.mark.parametrize("existing", [True, False])
def test_after_any_failure_the_old_file_is_whole_and_nothing_else_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, existing: bool
) -> None:
    if existing:
        (tmp_path / "file").write_bytes(b"old")
    before = listing(tmp_path)
    with tree(tmp_path) as folder:
        fail(monkeypatch, call, number)
        with pytest.raises(Problem) as caught:
            folder.write("file", b"new")
        monkeypatch.undo()
    assert caught.value.path == str(tmp_path / "file")
    assert caught.value.reason == os.strerror(number).lower()
    assert listing(tmp_path) == before
    if existing:
        assert (tmp_path / "file").read_bytes() == b"old"


def fail(monkeypatch: pytest.MonkeyPatch, call: str, number: int) -> None:
    def broken(*args: Any, **kwargs: Any) -> Any:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, call, broken)


@pytest.mark.parametrize("call", ["write", "fsync", "link", "fchmod"])
def test_after_a_failure_to_create_nothing_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    with tree(tmp_path) as folder:
        fail(monkeypatch, call, errno.ENOSPC)
        with pytest.raises(Problem):
            folder.create("file", b"new", folder)
    monkeypatch.undo()
    assert listing(tmp_path) == []


def test_a_lock_that_fails_oddly_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(handle: int, flags: int) -> None:
        raise OSError(errno.EIO, "odd")

    monkeypatch.setattr(fcntl, "flock", broken)
    with tree(tmp_path) as folder, pytest.raises(Problem):
        folder.write("file", b"new")
    assert listing(tmp_path) == []


def test_an_interrupted_write_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(handle: int) -> None:
        raise KeyboardInterrupt

    (tmp_path / "file").write_bytes(b"old")
    monkeypatch.setattr(os, "fsync", interrupted)
    with tree(tmp_path) as folder, pytest.raises(KeyboardInterrupt):
        folder.write("file", b"new")
    assert listing(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_a_folder_that_disappears_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "peer" / "sub").mkdir(parents=True)
    with tree(tmp_path / "peer") as folder:
        shutil.rmtree(tmp_path / "peer")
        for change in (lambda: folder.write("file", b"x"), lambda: folder.write("sub/file", b"x")):
            with pytest.raises(Problem):
                change()
    with pytest.raises(Problem) as caught:
        tree(tmp_path / "peer")
    assert caught.value.kind == "missing"


def test_a_file_system_without_locks_can_be_written_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unsupported(handle: int, flags: int) -> None:
        raise OSError(errno.ENOTSUP, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", unsupported)
    live = tmp_path / f".file.0123456789ab{TEMPORARY}"
    live.write_bytes(b"perhaps somebody is writing it")
    with tree(tmp_path) as folder:
        folder.write("file", b"new")
        assert folder.claim("lock.d", "owner", b"x")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert live.exists()


# What a killed run leaves behind


KILLED = """
import os, signal, sys
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.files import Files
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox

def end(*args, **kwargs):
    if sys.argv[2] == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    print("here", flush=True)
    sys.stdin.read()

os.fsync = end
with Files(Sandbox({})).tree(sys.argv[1]) as folder:
    folder.write("file", b"new")
"""


def test_what_a_killed_run_left_is_swept(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    for _n in range(3):
        done = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), "kill"], check=False)
        assert done.returncode == -signal.SIGKILL
    assert len(leftovers(tmp_path)) == 1  # each run sweeps what the one before left
    assert (tmp_path / "file").read_bytes() == b"old"
    with tree(tmp_path) as folder:
        folder.write("file", b"new")
    assert listing(tmp_path) == ["file"]


def test_what_a_killed_run_left_goes_with_the_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path), "kill"], check=False)
    assert len(leftovers(tmp_path)) == 1
    with tree(tmp_path) as folder:
        folder.remove("file")
    assert listing(tmp_path) == []


def test_what_a_live_run_is_writing_is_not_swept(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"old")
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path), "wait"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as rival:
        assert rival.stdout is not None
        rival.stdout.readline()
        assert len(leftovers(tmp_path)) == 1
        with tree(tmp_path) as folder:
            folder.write("file", b"mine")
        assert len(leftovers(tmp_path)) == 1
        rival.communicate(b"")
        assert rival.returncode == 0
    assert listing(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"new"


def test_only_our_own_leftovers_of_this_very_file_are_swept(tmp_path: Path) -> None:
    foreign = [".file.swp", ".file.tmp", "file~", f".other.0123456789ab{TEMPORARY}", f"file.0123456789ab{TEMPORARY}"]
    for name in foreign:
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / f".file.0123456789ab{TEMPORARY}").write_bytes(b"x")
    (tmp_path / f".file.ba9876543210{TEMPORARY}").mkdir()
    with tree(tmp_path) as folder:
        folder.write("file", b"new")
    assert listing(tmp_path) == sorted([*foreign, "file"])


def test_a_draft_waits_until_who_holds_it_has_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody who sweeps has it locked for a moment, to see whether anybody else has."""
    flock, waited = fcntl.flock, []

    def held_at_first(handle: int, flags: int) -> None:
        if not flags & fcntl.LOCK_NB:
            rival = os.open(tmp_path / leftovers(tmp_path)[0], os.O_RDONLY)
            flock(rival, fcntl.LOCK_EX)
            timer = threading.Timer(0.3, lambda: (waited.append("let go"), os.close(rival)))
            timer.start()
            flock(handle, flags)
            assert waited == ["let go"]
            return
        flock(handle, flags)

    monkeypatch.setattr(fcntl, "flock", held_at_first)
    with tree(tmp_path) as folder:
        folder.write("file", b"new")
    assert waited == ["let go"]
    assert listing(tmp_path) == ["file"]


def test_a_draft_taken_for_a_leftover_before_it_was_locked_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    flock = fcntl.flock
    removed: list[str] = []

    def swept_meanwhile(handle: int, flags: int) -> None:
        if not removed:
            removed.extend(leftovers(tmp_path))
            os.unlink(tmp_path / removed[0])
        flock(handle, flags)

    monkeypatch.setattr(fcntl, "flock", swept_meanwhile)
    with tree(tmp_path) as folder:
        folder.write("file", b"new")
    assert len(removed) == 1
    assert listing(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"new"


# Creating, replacing, removing


def test_create_makes_a_file_once_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    with tree(tmp_path) as folder:
        assert folder.create("file", b"first", folder)
        assert not folder.create("file", b"second", folder)
    assert (tmp_path / "file").read_bytes() == b"first"
    assert listing(tmp_path) == ["file"]


def test_create_leaves_the_time_of_its_folder_until_the_file_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sub").mkdir()
    os.utime(tmp_path / "sub", (1000, 1000))
    link = os.link

    def look(*args: Any, **kwargs: Any) -> None:
        assert os.stat(tmp_path / "sub").st_mtime == 1000
        assert len(leftovers(tmp_path)) == 1
        link(*args, **kwargs)

    monkeypatch.setattr(os, "link", look)
    with tree(tmp_path) as above, tree(tmp_path / "sub") as folder:
        assert folder.create("file", b"x", above)
    assert listing(tmp_path) == ["sub", "sub/file"]


@pytest.mark.parametrize("target", ["../outside", "nothing"])
def test_create_does_not_follow_a_link(tmp_path: Path, target: str) -> None:
    (tmp_path / "peer").mkdir()
    (tmp_path / "peer" / "file").symlink_to(target)
    with tree(tmp_path / "peer") as folder:
        assert not folder.create("file", b"x", folder)
    assert listing(tmp_path) == ["peer", "peer/file"]


def test_create_meets_a_system_that_cannot_be_told_to_follow_no_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = os.link

    def on_a_mac(*args: Any, follow_symlinks: bool = True, **more: Any) -> None:
        if not follow_symlinks:
            raise NotImplementedError("link: follow_symlinks unavailable on this platform")
        link(*args, **more)

    monkeypatch.setattr(os, "link", on_a_mac)
    with tree(tmp_path) as folder:
        assert folder.create("file", b"first", folder)
        assert not folder.create("file", b"second", folder)
    assert listing(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"first"


def test_of_many_that_create_the_same_file_one_does(tmp_path: Path) -> None:
    winners: list[int] = []

    def compete(n: int) -> None:
        with tree(tmp_path) as folder:
            if folder.create("file", str(n).encode(), folder):
                winners.append(n)

    rivals = [threading.Thread(target=compete, args=(n,)) for n in range(12)]
    for rival in rivals:
        rival.start()
    for rival in rivals:
        rival.join()
    assert len(winners) == 1
    assert (tmp_path / "file").read_bytes() == str(winners[0]).encode()
    assert listing(tmp_path) == ["file"]


# Copying


def test_a_file_is_copied_in_block_by_block(tmp_path: Path) -> None:
    data = os.urandom(1000) * 4000
    (tmp_path / "source").write_bytes(data)
    (tmp_path / "file").write_bytes(b"old")
    digest = hashlib.sha256(data).hexdigest()
    with tree(tmp_path) as folder:
        folder.copy_in("file", str(tmp_path / "source"), 0o755, digest)
        folder.copy_in("kept", str(tmp_path / "source"))
    assert (tmp_path / "file").read_bytes() == (tmp_path / "kept").read_bytes() == data
    assert mode(tmp_path / "file") == 0o755
    assert listing(tmp_path) == ["file", "kept", "source"]


def test_a_file_that_is_not_the_one_that_was_announced_takes_no_name(tmp_path: Path) -> None:
    (tmp_path / "source").write_bytes(b"another")
    (tmp_path / "file").write_bytes(b"old")
    with tree(tmp_path) as folder:
        for name in ("file", "new"):
            with pytest.raises(Problem) as caught:
                folder.copy_in(name, str(tmp_path / "source"), 0o755, hashlib.sha256(b"this one").hexdigest())
            assert str(caught.value) == f"{tmp_path / 'source'}: is not the file that was announced"
    assert listing(tmp_path) == ["file", "source"]
    assert (tmp_path / "file").read_bytes() == b"old"


def test_what_is_missing_or_no_file_is_not_copied_in(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with tree(tmp_path) as folder:
        for source in ("nothing", "no/such/folder", "fifo"):
            with pytest.raises(Problem) as caught:
                folder.copy_in("file", str(tmp_path / source))
            assert str(tmp_path / source).startswith(caught.value.path)
    assert listing(tmp_path) == ["fifo"]


def test_replace_turns_one_content_into_another(tmp_path: Path) -> None:
    with tree(tmp_path) as folder:
        folder.replace("file", None, b"one", 0o700)
        assert mode(tmp_path / "file") == 0o700
        folder.replace("file", b"one", b"two")
        assert (tmp_path / "file").read_bytes() == b"two"
        folder.replace("file", b"two", None)
        assert not (tmp_path / "file").exists()
        folder.replace("file", None, None)


@pytest.mark.parametrize("before", [None, b"what was read"])
@pytest.mark.parametrize("after", [None, b"mine"])
def test_replace_refuses_what_changed_meanwhile(tmp_path: Path, before: bytes | None, after: bytes | None) -> None:
    (tmp_path / "file").write_bytes(b"theirs")
    with tree(tmp_path) as folder, pytest.raises(Problem, match="changed by somebody else meanwhile"):
        folder.replace("file", before, after)
    assert (tmp_path / "file").read_bytes() == b"theirs"


@pytest.mark.parametrize(("bits", "fits"), [(None, True), (0o755, True), (0o700, False)])
def test_replace_takes_what_somebody_else_made_as_wanted_meanwhile(
    tmp_path: Path, bits: int | None, fits: bool
) -> None:
    """As two runs on one host do; their mode counts too."""
    (tmp_path / "file").write_bytes(b"wanted")
    (tmp_path / "file").chmod(0o755)
    before = os.lstat(tmp_path / "file")
    with tree(tmp_path) as folder:
        for read in (None, b"what was read"):
            if fits:
                folder.replace("file", read, b"wanted", bits)
            else:
                with pytest.raises(Problem, match="changed by somebody else meanwhile"):
                    folder.replace("file", read, b"wanted", bits)
        folder.replace("gone", b"what was read", None)
    assert os.lstat(tmp_path / "file") == before


def test_replace_refuses_what_disappeared_meanwhile(tmp_path: Path) -> None:
    with tree(tmp_path) as folder, pytest.raises(Problem, match="changed by somebody else meanwhile"):
        folder.replace("file", b"what was read", b"mine")
    assert listing(tmp_path) == []


def test_replace_says_so_when_somebody_writes_over_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rename = os.rename

    def overwritten(*args: Any, **kwargs: Any) -> None:
        rename(*args, **kwargs)
        (tmp_path / "file").write_bytes(b"theirs")

    monkeypatch.setattr(os, "rename", overwritten)
    with tree(tmp_path) as folder, pytest.raises(Problem, match="did not become what was written"):
        folder.replace("file", None, b"mine")


def test_removing_what_is_missing_is_no_error(tmp_path: Path) -> None:
    with tree(tmp_path) as folder:
        folder.remove("file")
        folder.remove("no/such/folder/file")
        folder.remove_folder("folder")
        folder.remove_folder("no/such/folder")
    assert listing(tmp_path) == []


def test_a_folder_is_removed_with_all_that_is_in_it_following_no_link(tmp_path: Path) -> None:
    peer, outside = tmp_path / "peer", tmp_path / "outside"
    (peer / "skills" / "a" / "deep").mkdir(parents=True)
    (peer / "kept").mkdir()
    outside.mkdir()
    for path in (peer / "skills" / "a" / "file", peer / "kept" / "file", outside / "file"):
        path.write_bytes(b"x")
    (peer / "skills" / "to-file").symlink_to(outside / "file")
    (peer / "skills" / "a" / "to-folder").symlink_to(outside)
    (peer / "skills" / "a" / "inside").symlink_to("../../kept")
    (peer / "skills" / "a" / "nowhere").symlink_to("nothing")
    os.mkfifo(peer / "skills" / "fifo")
    with tree(peer) as folder:
        folder.write("skills/a/deep/file", b"x")  # a handle on what is about to go
        folder.remove_folder("skills")
        assert folder.names("skills/a") == []
        folder.write("skills/a/new", b"x")
    assert listing(peer) == ["kept", "kept/file", "skills", "skills/a", "skills/a/new"]
    assert listing(outside) == ["file"]


@pytest.mark.parametrize("name", ["no/such/file", "no/file", "a/no/file"])
def test_what_is_missing_there_is_not_removed_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Where the folder is missing, the name means nothing: not what has it in the working folder."""
    for path in ("cwd/file", "cwd/such/file", "cwd/no/file", "peer/a/kept"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"x")
    before = listing(tmp_path)
    for folder in ("cwd", "cwd/no"):
        monkeypatch.chdir(tmp_path / folder)
        with tree(tmp_path / "peer") as there:
            there.remove(name)
            there.remove_folder(name)
            there.remove_folder(f"{name}/such")
            there.replace(name, None, None)
    assert listing(tmp_path) == before


def test_a_file_is_removed_where_it_is_and_not_where_we_are(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in ("cwd/file", "cwd/folder/file", "peer/file", "peer/folder/file", "cwd/lock.d/owner"):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"x")
    monkeypatch.chdir(tmp_path / "cwd")
    with tree(tmp_path / "peer") as there:
        there.remove("file")
        there.remove_folder("folder")
        assert there.claim("lock.d", "owner", b"x")
        there.give_up("lock.d")
    assert listing(tmp_path / "peer") == []
    assert listing(tmp_path / "cwd") == ["file", "folder", "folder/file", "lock.d", "lock.d/owner"]


DEEP = """
import os, resource, sys
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.files import Files
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox

folder = os.open(sys.argv[1], os.O_RDONLY)
for _n in range(1500):
    os.mkdir("deep", dir_fd=folder)
    os.close(os.open("file", os.O_CREAT | os.O_WRONLY, dir_fd=folder))
    below = os.open("deep", os.O_RDONLY, dir_fd=folder)
    os.close(folder)
    folder = below
os.close(folder)
resource.setrlimit(resource.RLIMIT_NOFILE, (16, 16))
with Files(Sandbox({})).tree(sys.argv[1]) as tree:
    tree.foresee("deep", "remove_folder")
    tree.remove_folder("deep")
"""
# What is left of it where that failed, which pytest could not delete: level by level, what is below comes up.
SHALLOW = """
import contextlib, os
while os.path.isdir("deep"):
    for name in os.listdir("deep"):
        with contextlib.suppress(OSError):
            os.unlink(os.path.join("deep", name))
        with contextlib.suppress(OSError):
            os.rename(os.path.join("deep", name), "up")
    os.rmdir("deep")
    if os.path.isdir("up"):
        os.rename("up", "deep")
"""


def test_a_folder_of_any_depth_is_removed_with_few_handles(tmp_path: Path) -> None:
    """In a process of its own: the names of what is so deep are too long for the guard over the tests."""
    try:
        done = subprocess.run([sys.executable, "-c", DEEP, str(tmp_path)], check=False, stderr=subprocess.PIPE)
        assert done.stderr == b""
        assert sorted(os.listdir(tmp_path)) == ["file"]
    finally:
        subprocess.run([sys.executable, "-c", SHALLOW], cwd=tmp_path, check=True)


def test_a_folder_moved_away_while_it_is_removed_takes_nothing_else_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "peer" / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "peer" / "sub" / "deep" / "file").write_bytes(b"x")
    (tmp_path / "elsewhere" / "kept").mkdir(parents=True)
    (tmp_path / "elsewhere" / "deep").mkdir()
    unlink = os.unlink

    def moved(name: Any, **more: Any) -> None:
        unlink(name, **more)
        (tmp_path / "elsewhere" / "deep").rmdir()
        (tmp_path / "peer" / "sub" / "deep").rename(tmp_path / "elsewhere" / "deep")

    monkeypatch.setattr(os, "unlink", moved)
    with tree(tmp_path / "peer") as folder, pytest.raises(Problem, match="moved away while it was walked through"):
        folder.remove_folder("sub")
    assert listing(tmp_path / "elsewhere") == ["deep", "kept"]
    assert listing(tmp_path / "peer") == ["sub"]


def test_a_link_in_place_of_a_folder_goes_and_its_target_stays(tmp_path: Path) -> None:
    (tmp_path / "target").mkdir()
    (tmp_path / "target" / "file").write_bytes(b"x")
    (tmp_path / "folder").symlink_to("target")
    with tree(tmp_path) as folder:
        folder.remove_folder("folder")
    assert listing(tmp_path) == ["target", "target/file"]


@pytest.mark.parametrize("look", [1, 2])
def test_a_folder_swapped_for_a_link_while_it_is_removed_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, look: int
) -> None:
    """While it is looked at beforehand, and while it is removed."""
    (tmp_path / "peer" / "sub" / "deep").mkdir(parents=True)
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "file").write_bytes(b"x")
    plain, looks = handles.lstat, []

    def swap(leaf: str, handle: int) -> os.stat_result | None:
        status = plain(leaf, handle)
        looks.extend([leaf] if leaf == "deep" else [])
        if leaf == "deep" and len(looks) == look:
            (tmp_path / "peer" / "sub" / "deep").rmdir()
            (tmp_path / "peer" / "sub" / "deep").symlink_to(tmp_path / "outside")
        return status

    monkeypatch.setattr(handles, "lstat", swap)
    with tree(tmp_path / "peer") as folder, pytest.raises(Problem):
        folder.remove_folder("sub")
    assert len(looks) == look
    assert listing(tmp_path / "outside") == ["file"]


def test_modes_are_set(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "file").write_bytes(b"x")
    with tree(tmp_path) as folder:
        folder.set_mode("folder/file", 0o755)
        folder.set_mode("folder", 0o700)
    assert (mode(tmp_path / "folder" / "file"), mode(tmp_path / "folder")) == (0o755, 0o700)


def test_the_mode_of_what_is_missing_is_a_problem_and_no_other_file_is_touched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cwd").mkdir()
    (tmp_path / "cwd" / "file").write_bytes(b"x")
    (tmp_path / "cwd" / "file").chmod(0o600)
    (tmp_path / "peer").mkdir()
    monkeypatch.chdir(tmp_path / "cwd")
    with tree(tmp_path / "peer") as folder:
        for name in ("file", "sub/file"):
            with pytest.raises(Problem) as caught:
                folder.set_mode(name, 0o777)
            assert caught.value.kind == "missing"
    assert mode(tmp_path / "cwd" / "file") == 0o600


def test_folders_are_made_with_what_leads_to_them(tmp_path: Path) -> None:
    with tree(tmp_path) as folder:
        folder.make_folder("a/b", 0o700)
        folder.make_folder("a/b", 0o755)
    assert (mode(tmp_path / "a"), mode(tmp_path / "a" / "b")) == (0o700, 0o700)
    with files().tree(str(tmp_path / "x" / "y"), create=True) as folder:
        folder.write("file", b"x")
    assert (tmp_path / "x" / "y" / "file").exists()


def test_a_missing_folder_is_not_made_unless_asked_for(tmp_path: Path) -> None:
    with pytest.raises(Problem) as caught:
        tree(tmp_path / "missing")
    assert caught.value.kind == "missing"
    assert listing(tmp_path) == []


# A folder that appears with its file in it


def test_a_claimed_folder_appears_with_its_file(tmp_path: Path) -> None:
    with tree(tmp_path) as folder:
        assert folder.claim("lock.d", "owner", b"me")
        assert not folder.claim("lock.d", "owner", b"you")
        assert (tmp_path / "lock.d" / "owner").read_bytes() == b"me"
        folder.give_up("lock.d")
        assert listing(tmp_path) == []
        assert folder.claim("lock.d", "owner", b"you")
    assert listing(tmp_path) == ["lock.d", "lock.d/owner"]


@pytest.mark.parametrize("kind", ["folder", "file", "link"])
def test_whatever_has_the_name_is_not_claimed_over(tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def appear() -> None:
        if kind == "folder":
            (tmp_path / "lock.d").mkdir()
        elif kind == "file":
            (tmp_path / "lock.d").write_bytes(b"")
        else:
            (tmp_path / "lock.d").symlink_to("nowhere")

    rename = drafts.rename_noreplace

    def at_the_last_moment(*args: Any) -> bool:
        appear()
        return rename(*args)

    monkeypatch.setattr(drafts, "rename_noreplace", at_the_last_moment)
    with tree(tmp_path) as folder:
        assert not folder.claim("lock.d", "owner", b"me")
        assert not folder.claim("lock.d", "owner", b"me")
    assert listing(tmp_path) == ["lock.d"]


@pytest.fixture(params=["no such call", "no such file system", "filtered", "no ctypes"])
def old_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A system that cannot rename without replacing, in each of the ways in which one cannot."""
    import ctypes

    class Library:
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            if request.param in ("no such file system", "filtered"):
                self.renameat2 = lambda *a: -1

    numbers = {"no such file system": errno.EINVAL, "filtered": errno.EPERM}
    monkeypatch.setattr(ctypes, "CDLL", Library)
    monkeypatch.setattr(ctypes, "get_errno", lambda: numbers.get(request.param, 0))
    if request.param == "no ctypes":
        monkeypatch.setitem(sys.modules, "ctypes", None)


@pytest.mark.usefixtures("old_system")
def test_without_such_a_rename_the_file_follows_the_folder(tmp_path: Path) -> None:
    with tree(tmp_path) as folder:
        assert folder.claim("lock.d", "owner", b"me")
        assert not folder.claim("lock.d", "owner", b"you")
    assert listing(tmp_path) == ["lock.d", "lock.d/owner"]
    assert (tmp_path / "lock.d" / "owner").read_bytes() == b"me"


@pytest.mark.usefixtures("old_system")
def test_without_such_a_rename_a_failure_leaves_no_empty_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rename = os.rename
    calls: list[Any] = []

    def second_fails(*args: Any, **kwargs: Any) -> None:
        calls.append(args)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        rename(*args, **kwargs)

    monkeypatch.setattr(os, "rename", second_fails)
    with tree(tmp_path) as folder, pytest.raises(Problem, match="no space left"):
        folder.claim("lock.d", "owner", b"me")
    assert listing(tmp_path) == []


def test_the_call_of_macos_is_used_where_it_is_the_one_there_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import ctypes

    asked: list[tuple[Any, ...]] = []

    class Library:
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            pass

        @staticmethod
        def renameatx_np(folder: int, old: bytes, other: int, new: bytes, flags: int) -> int:
            asked.append((old.endswith(TEMPORARY.encode()), new, flags))
            os.rename(old, new, src_dir_fd=folder, dst_dir_fd=other)
            return 0

    monkeypatch.setattr(ctypes, "CDLL", Library)
    with tree(tmp_path) as folder:
        assert folder.claim("lock.d", "owner", b"me")
    assert asked == [(True, b"lock.d", 4)]
    assert listing(tmp_path) == ["lock.d", "lock.d/owner"]


@pytest.mark.parametrize("call", ["mkdir", "write", "fsync", "rename"])
def test_a_claim_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    with tree(tmp_path) as folder:
        fail(monkeypatch, call, errno.ENOSPC)
        with pytest.raises(Problem, match="no space left"):
            folder.claim("lock.d", "owner", b"me")
        monkeypatch.undo()
    assert listing(tmp_path) == []


def test_a_draft_folder_that_a_killed_run_left_is_swept_and_a_live_one_is_not(tmp_path: Path) -> None:
    dead, live = (tmp_path / f".lock.d.{word * 4}{TEMPORARY}" for word in ("dead", "beef"))
    for draft in (dead, live):
        draft.mkdir()
        (draft / "owner").write_bytes(b"x")
    with tree(live) as held, tree(tmp_path) as folder:
        assert held.try_lock()
        assert folder.claim("lock.d", "owner", b"me")
        assert listing(tmp_path) == [live.name, f"{live.name}/owner", "lock.d", "lock.d/owner"]


def test_a_claim_that_is_lost_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lost to a rival who sweeps the draft before it is locked; who has it locked; and who is first with the name."""
    plain = drafts.own_like

    def swept(handle: int, folder: int) -> None:
        shutil.rmtree(tmp_path / leftovers(tmp_path)[0])
        plain(handle, folder)

    monkeypatch.setattr(drafts, "own_like", swept)
    with tree(tmp_path) as folder:
        assert not folder.claim("lock.d", "owner", b"me")
    assert listing(tmp_path) == []
    held: list[Tree] = []

    def locked(handle: int, folder: int) -> None:
        held.append(tree(tmp_path / leftovers(tmp_path)[0]))
        assert held[0].try_lock()
        plain(handle, folder)

    monkeypatch.setattr(drafts, "own_like", locked)
    with tree(tmp_path) as folder:
        assert not folder.claim("lock.d", "owner", b"me")
    held[0].__exit__()
    assert not (tmp_path / "lock.d").exists()


@pytest.mark.parametrize("made", ["before", "after"])
def test_of_two_runs_that_make_the_same_folder_both_have_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, made: str
) -> None:
    mkdir, rivals = os.mkdir, []

    def rival(name: Any, mode: int = 0o777, *, dir_fd: int | None = None) -> None:
        if os.fsdecode(name) == "sub" and not rivals:
            rivals.append("there")
            mkdir(name, 0o700, dir_fd=dir_fd)
        mkdir(name, mode, dir_fd=dir_fd)

    monkeypatch.setattr(os, "mkdir", rival)
    with tree(tmp_path) as folder:
        if made == "before":
            folder.write("sub/file", b"x")
        else:
            folder.make_folder("sub")
            folder.write("sub/file", b"x")
    assert rivals == ["there"]
    assert listing(tmp_path) == ["sub", "sub/file"]


def test_giving_up_what_is_not_there_is_a_problem(tmp_path: Path) -> None:
    with tree(tmp_path) as folder, pytest.raises(Problem) as caught:
        folder.give_up("lock.d")
    assert caught.value.kind == "missing"


def test_no_handle_stays_open(tmp_path: Path) -> None:
    if not os.path.isdir("/proc/self/fd"):
        pytest.skip("needs /proc")
    before = len(os.listdir("/proc/self/fd"))
    with tree(tmp_path) as folder:
        folder.write("a/file", b"x")
        folder.create("new", b"x", folder)
        folder.set_mode("a/file", 0o600)
        folder.claim("lock.d", "owner", b"x")
        folder.give_up("lock.d")
        folder.remove_folder("a")
        with pytest.raises(Problem):
            folder.write("", b"x")
    assert len(os.listdir("/proc/self/fd")) == before
