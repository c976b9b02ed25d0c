# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a change would meet is foreseen: check mode says what the real run says, and the real run then leaves all alone.

Each case is a place where the change fails. It is foreseen, then made; both must say the same, and nothing may have
changed. That the system itself would refuse it is tried as well, past the foresight.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import io
import os
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway import attributes, foresight
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.files import Files, Tree
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.folders import Folder
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox

REPOSITORY = Path(__file__).resolve().parents[5]
ROOT = os.geteuid() == 0
NOBODY = 65534
as_root = pytest.mark.skipif(not ROOT, reason="needs root")
FREE = Sandbox({})

# What a change is called, and how it is made.
CHANGES: dict[str, Callable[[Tree, str], Any]] = {
    "write": lambda tree, name: tree.write(name, b"new"),
    "remove": lambda tree, name: tree.remove(name),
    "mode": lambda tree, name: tree.set_mode(name, 0o755),
    "make_folder": lambda tree, name: tree.make_folder(name),
    "remove_folder": lambda tree, name: tree.remove_folder(name),
}


@pytest.fixture
def place() -> Iterator[Path]:
    """A folder that every account may enter, with what it takes to remove it afterwards."""
    path = Path(tempfile.mkdtemp(prefix="iapeer-memory-foresight-")).resolve()
    path.chmod(0o755)
    yield path
    for folder, _names, names in os.walk(path):
        for found in (folder, *(os.path.join(folder, name) for name in names)):
            set_flags(Path(found), 0)
        os.chmod(folder, 0o700)
    shutil.rmtree(path)


def set_flags(path: Path, flags: int) -> bool:
    """Lock a file or a folder as chattr does; False where this file system or this account cannot."""
    if path.is_symlink() or not (path.is_file() or path.is_dir()):
        return False
    number = 1 << 30 | struct.calcsize("l") << 16 | ord("f") << 8 | 2  # FS_IOC_SETFLAGS
    with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
        handle = os.open(path, os.O_RDONLY)
        stack.callback(os.close, handle)
        (plain,) = struct.unpack_from("I", fcntl.ioctl(handle, attributes.GET_FLAGS, bytes(8)))
        fcntl.ioctl(handle, number, struct.pack("L", plain & ~0x30 | flags))
        return True
    return False


def lock(path: Path, flag: str) -> None:
    """Make a file or folder immutable (i) or append-only (a)."""
    if not set_flags(path, {"i": 0x10, "a": 0x20}[flag]):
        pytest.skip("no file can be locked here")


def told(work: Callable[[], Any]) -> str:
    """The Problem that work ends with, as text; empty where it ends well."""
    try:
        work()
    except Problem as problem:
        return f"{problem.kind}: {problem}"
    return ""


def foretold(path: Path, change: str) -> list[str]:
    """What is foreseen of a change: by its absolute path, in a folder that is only read, and from further up."""
    files, found = Files(FREE), []
    found.append(told(lambda: files.foresee(str(path), change)))
    with contextlib.suppress(Problem), Folder(FREE, str(path.parent)) as folder:
        found.append(told(lambda: folder.foresee(path.name, change)))
    with Folder(FREE, str(path.parents[1])) as folder:
        found.append(told(lambda: folder.foresee(f"{path.parent.name}/{path.name}", change)))
    return found


def done(path: Path, change: str) -> str:
    with Files(FREE).tree(str(path.parents[1])) as tree:
        return told(lambda: CHANGES[change](tree, f"{path.parent.name}/{path.name}"))


def done_blindly(path: Path, change: str) -> str:
    """The same, with nobody looking first."""

    class Blind(Tree):
        def foresee(self, name: str, change: str = "write") -> None:
            """Whatever may come."""

    with Blind(Files(FREE), str(path.parents[1])) as tree:
        return told(lambda: CHANGES[change](tree, f"{path.parent.name}/{path.name}"))


def as_nobody(work: Callable[[], Any]) -> Any:
    """Do work as an ordinary account (this one, or nobody where this is root), and give back what it returns."""

    def become() -> None:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)

    return apart(become, work) if ROOT else work()


def without(capability: int, work: Callable[[], Any]) -> Any:
    """Do work as a root that may do all but this, as in a container, and give back what it returns."""

    def drop() -> None:
        lines = Path("/proc/self/status").read_text().splitlines()
        had = next(int(line.split()[1], 16) for line in lines if line.startswith("CapPrm:"))
        left = had & ~(1 << capability)
        low, high = left & 0xFFFFFFFF, left >> 32
        header, data = struct.pack("Ii", 0x20080522, 0), struct.pack("6I", low, low, 0, high, high, 0)
        assert ctypes.CDLL(None).capset(header, data) == 0

    return apart(drop, work)


def apart(become: Callable[[], Any], work: Callable[[], Any]) -> Any:
    """Do work as somebody else, in a process of its own, and give back what it returns."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        with contextlib.suppress(BaseException):
            become()
            os.write(writer, repr(work()).encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with os.fdopen(reader) as answer:
        text = answer.read()
    assert text, "it did not come back"
    return eval(text)  # the repr of strings, from above


def tree_of(path: Path) -> dict[str, Any]:
    """Everything below path, with what tells whether it was touched."""
    found = {}
    for entry in [path, *sorted(path.rglob("*"))]:
        status = os.lstat(entry)
        found[str(entry)] = (status.st_ino, status.st_mode, status.st_uid, status.st_gid, status.st_ctime_ns)
    return found


def check(path: Path, change: str, words: str, ordinary: bool = False, blindly: bool = True) -> None:
    """The change fails in these words, foreseen and made, leaves no trace, and the system would refuse it too."""

    run = as_nobody if ordinary else lambda work: work()
    before = tree_of(path.parents[1])
    assert set(run(lambda: [*foretold(path, change), done(path, change)])) == {words.format(path=path)}
    assert tree_of(path.parents[1]) == before
    if blindly:
        assert run(lambda: done_blindly(path, change)), "the system has nothing against it"


def hand_over(path: Path) -> None:
    if ROOT:
        for found in [path, *path.rglob("*")]:
            os.chown(found, NOBODY, NOBODY, follow_symlinks=False)


def peer_of(place: Path) -> Path:
    """A folder with a file and a folder of ours in it."""
    (place / "peer" / "skill" / "deep").mkdir(parents=True)
    (place / "peer" / "file").write_bytes(b"old")
    (place / "peer" / "file").chmod(0o644)
    (place / "peer" / "skill" / "SKILL.md").write_bytes(b"old")
    (place / "peer" / "skill" / "deep" / "note").write_bytes(b"old")
    return place / "peer"


# A root that may not do all that root may


@as_root
@pytest.mark.linux
@pytest.mark.parametrize(
    ("name", "change", "capability", "words"),
    [
        ("file", "write", foresight.CHOWN, "belongs to another account: operation not permitted"),
        ("new", "write", foresight.CHOWN, "nothing may be given to that: operation not permitted"),
        ("new", "make_folder", foresight.CHOWN, "nothing may be given to that: operation not permitted"),
        ("file", "mode", foresight.FOWNER, "belongs to another account: operation not permitted"),
        ("file", "remove", foresight.FOWNER, "and so does its folder: operation not permitted"),
    ],
)
def test_what_root_may_not_do_in_a_container_is_foreseen(
    place: Path, name: str, change: str, capability: int, words: str
) -> None:
    peer = peer_of(place)
    hand_over(place)
    peer.chmod(0o1777)
    before = tree_of(place)
    said = without(capability, lambda: [*foretold(peer / name, change), done(peer / name, change)])
    assert len(set(said)) == 1
    assert said[0].endswith(words)
    assert tree_of(place) == before
    assert without(capability, lambda: done_blindly(peer / name, change)), "the system has nothing against it"
    assert foretold(peer / name, change) == [""] * 3


@as_root
@pytest.mark.linux
@pytest.mark.parametrize("capability", [foresight.CHOWN, foresight.FOWNER])
@pytest.mark.parametrize(("name", "change"), [("file", "write"), ("skill", "mode"), ("new", "make_folder")])
def test_root_without_a_right_does_what_needs_none(place: Path, capability: int, name: str, change: str) -> None:
    peer = peer_of(place)
    assert without(capability, lambda: [*foretold(peer / name, change), done(peer / name, change)]) == [""] * 4


@as_root
@pytest.mark.linux
def test_an_account_that_the_user_namespace_does_not_know_gets_nothing(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    peer = peer_of(place)
    hand_over(place)
    told = {"/proc/self/status": b"Name:\tx\nCapEff:\t000001ffffffffff\n"}
    told["/proc/self/gid_map"] = b"         0          0 4294967295\n"
    monkeypatch.setattr(foresight, "open", lambda path, mode: io.BytesIO(told[path]), raising=False)
    for known, well in ((b"0 1000 1\n1 100000 65536\n", True), (b"0 1000 1\n", False)):
        told["/proc/self/uid_map"] = known
        assert (foretold(peer / "file", "write") == [""] * 3) == well


@as_root
@pytest.mark.linux
@pytest.mark.parametrize(("name", "kept"), [("security.NTACL", False), ("user.x", True)])
def test_an_attribute_that_only_root_may_give_is_foreseen(place: Path, name: str, kept: bool) -> None:
    peer = peer_of(place)
    hand_over(place)
    try:
        os.setxattr(peer / "file", name, b"x")
    except OSError as error:
        pytest.skip(f"{name} cannot be had here: {error}")
    if kept:
        assert as_nobody(lambda: [*foretold(peer / "file", "write"), done(peer / "file", "write")]) == [""] * 4
        return
    words = f"failed: {{path}}: its attribute {name} could not be kept: operation not permitted"
    check(peer / "file", "write", words, ordinary=True)
    assert [*foretold(peer / "file", "write"), done(peer / "file", "write")] == [""] * 4
    assert os.getxattr(peer / "file", name) == b"x"


# What goes well is not talked out of


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("file", "write"),
        ("new", "write"),
        ("file", "remove"),
        ("new", "remove"),
        ("file", "mode"),
        ("skill", "mode"),
        ("skill", "make_folder"),
        ("new", "make_folder"),
        ("skill", "remove_folder"),
        ("new", "remove_folder"),
        ("link", "remove_folder"),
        ("link", "write"),
        ("fifo", "remove"),
    ],
)
def test_what_goes_well_is_foreseen_to(place: Path, name: str, change: str) -> None:
    peer = peer_of(place)
    (peer / "link").symlink_to("file")
    os.mkfifo(peer / "fifo")
    hand_over(place)
    assert as_nobody(lambda: [*foretold(peer / name, change), done(peer / name, change)]) == [""] * 4


@pytest.mark.parametrize("change", ["write", "remove", "make_folder", "remove_folder"])
def test_folders_on_the_way_that_are_missing_are_no_hindrance(place: Path, change: str) -> None:
    path = place / "a" / "b" / "c" / "file"
    files = Files(FREE)
    files.foresee(str(path), change)
    with Folder(FREE, str(place)) as folder:
        folder.foresee("a/b/c/file", change)
    assert list(place.iterdir()) == []


def test_foreseeing_changes_nothing(place: Path) -> None:
    peer = peer_of(place)
    before = tree_of(place)
    for change in CHANGES:
        for name in ("file", "skill", "new", "new/deep/file"):
            told(lambda change=change, name=name: Files(FREE).foresee(str(peer / name), change))
    assert tree_of(place) == before


# What does not go well


@pytest.mark.parametrize("change", ["write", "remove"])
@pytest.mark.parametrize("name", ["file", "new"])
def test_a_folder_that_may_not_be_written(place: Path, name: str, change: str) -> None:
    peer = peer_of(place)
    hand_over(place)
    peer.chmod(0o555)
    if (name, change) == ("new", "remove"):
        assert as_nobody(lambda: [*foretold(peer / name, change), done(peer / name, change)]) == [""] * 4
        return
    check(peer / name, change, "unreadable: {path}: its folder is not writable: permission denied", ordinary=True)


@pytest.mark.parametrize("change", ["make_folder", "remove_folder"])
def test_a_folder_in_which_no_folder_may_be_made_or_removed(place: Path, change: str) -> None:
    peer = peer_of(place)
    hand_over(place)
    peer.chmod(0o555)
    name = "new" if change == "make_folder" else "skill"
    check(peer / name, change, "unreadable: {path}: its folder is not writable: permission denied", True, False)


def test_a_folder_whose_content_may_not_be_removed(place: Path) -> None:
    peer = peer_of(place)
    hand_over(place)
    (peer / "skill" / "deep").chmod(0o555)
    words = "unreadable: {path}: its folder is not writable: permission denied"
    check(peer / "skill", "remove_folder", words, ordinary=True, blindly=False)


def test_the_nearest_folder_that_is_there_decides_where_others_are_to_be_made(place: Path) -> None:
    peer = peer_of(place)
    hand_over(place)
    peer.chmod(0o555)
    words = f"unreadable: {peer / 'new'}: its folder is not writable: permission denied"

    def look() -> list[str]:
        found = [told(lambda: Files(FREE).foresee(str(peer / "new" / "b" / "file")))]
        found.append(told(lambda: Files(FREE).tree(str(peer / "new" / "b"), create=True)))
        return found

    assert as_nobody(look) == [words, words]


def test_a_file_that_may_not_be_written(place: Path) -> None:
    peer = peer_of(place)
    hand_over(place)
    (peer / "file").chmod(0o444)
    check(peer / "file", "write", "unreadable: {path}: not writable", ordinary=True, blindly=False)


@as_root
@pytest.mark.parametrize("change", ["write", "mode"])
def test_a_file_of_another_account_in_a_folder_of_ours(place: Path, change: str) -> None:
    peer = peer_of(place)
    hand_over(place)
    os.chown(peer / "file", 0, NOBODY)
    (peer / "file").chmod(0o666)
    words = "unreadable: {path}: belongs to another account: operation not permitted"
    check(peer / "file", change, words, ordinary=True)


@as_root
def test_a_file_of_a_group_that_we_are_not_in(place: Path) -> None:
    peer = peer_of(place)
    hand_over(place)
    os.chown(peer / "file", NOBODY, 4242)
    words = "unreadable: {path}: belongs to another group: operation not permitted"
    check(peer / "file", "write", words, ordinary=True)


@as_root
def test_a_group_that_the_folder_hands_on_is_no_hindrance(place: Path) -> None:
    peer = peer_of(place)
    hand_over(place)
    os.chown(peer / "file", NOBODY, 4242)
    os.chown(peer, NOBODY, 4242)
    peer.chmod(0o2755)
    assert as_nobody(lambda: [*foretold(peer / "file", "write"), done(peer / "file", "write")]) == [""] * 4
    assert os.stat(peer / "file").st_gid == 4242


@as_root
@pytest.mark.parametrize("change", ["write", "remove", "remove_folder"])
def test_somebody_elses_in_a_folder_where_only_owners_may_remove(place: Path, change: str) -> None:
    peer = peer_of(place)
    (peer / "file").chmod(0o666)
    (peer / "skill").chmod(0o777)
    peer.chmod(0o1777)
    name = "skill" if change == "remove_folder" else "file"
    words = {
        "write": "belongs to another account: operation not permitted",
        "remove": "belongs to another account, and so does its folder: operation not permitted",
        "remove_folder": "belongs to another account, and so does its folder: operation not permitted",
    }[change]
    check(peer / name, change, "unreadable: {path}: " + words, ordinary=True, blindly=change != "remove_folder")


@pytest.mark.linux
@as_root
@pytest.mark.parametrize(("flag", "word"), [("i", "immutable"), ("a", "append-only")])
@pytest.mark.parametrize("change", ["write", "remove", "mode"])
def test_a_file_that_the_file_system_locks(place: Path, change: str, flag: str, word: str) -> None:
    peer = peer_of(place)
    lock(peer / "file", flag)
    words = "unreadable: {path}: not writable" if (change, flag) == ("write", "i") else None
    check(peer / "file", change, words or f"unreadable: {{path}}: {word}: operation not permitted")
    assert (peer / "file").read_bytes() == b"old"


@pytest.mark.linux
@as_root
@pytest.mark.parametrize(("flag", "word"), [("i", "immutable"), ("a", "append-only")])
@pytest.mark.parametrize(
    ("change", "name"), [("write", "file"), ("write", "new"), ("remove", "file"), ("make_folder", "new")]
)
def test_a_folder_that_the_file_system_locks(place: Path, change: str, name: str, flag: str, word: str) -> None:
    peer = peer_of(place)
    lock(peer, flag)
    if (flag, change, name) == ("a", "make_folder", "new"):
        return  # there, that alone is allowed; no folder of ours is made for nothing else
    words = f"unreadable: {{path}}: its folder is {word}: operation not permitted"
    if flag == "i":
        words = "unreadable: {path}: its folder is not writable: permission denied"
    check(peer / name, change, words)


@pytest.mark.linux
@as_root
def test_a_locked_file_in_a_folder_that_is_to_go(place: Path) -> None:
    peer = peer_of(place)
    lock(peer / "skill" / "deep" / "note", "i")
    check(peer / "skill", "remove_folder", "unreadable: {path}: immutable: operation not permitted", blindly=False)


APART = """
import subprocess, sys
what, target, source, test = sys.argv[1:]
if what == "read-only":
    subprocess.run(["mount", "--bind", target, target], check=True)
    subprocess.run(["mount", "-o", "remount,bind,ro", target], check=True)
else:
    subprocess.run(["mount", "--bind", source, target], check=True)
exec(test)
"""


def in_other_mounts(what: str, target: Path, source: Path, code: str) -> str:
    """What code prints in mounts of its own, with target read-only, or with source in its place."""
    here = "ansible_collections.agfpd.iapeer_memory.tests.unit.plugins.module_utils._doorway.test_foresight"
    test = f"from pathlib import Path\nfrom {here} import *\n{code}"
    owner = () if ROOT else ("--user", "--map-root-user")
    command = ["unshare", "--mount", "--propagation", "private", *owner, "--", sys.executable, "-c", APART]
    made = subprocess.run(
        [*command, what, str(target), str(source), test],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY / ".tree")},
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare" in made.stderr or "mount" in made.stderr.split("Traceback")[0]:
        pytest.skip(f"no mounts of one's own here: {made.stderr.strip()}")
    assert made.returncode == 0, made.stderr
    return made.stdout


@pytest.mark.parametrize(
    ("change", "name"),
    [("write", "file"), ("write", "new"), ("remove", "file"), ("mode", "file"), ("make_folder", "new")],
)
def test_a_read_only_mount(place: Path, change: str, name: str) -> None:
    peer = peer_of(place)
    code = f"check(Path({str(peer / name)!r}), {change!r}, 'failed: {{path}}: read-only file system')"
    assert in_other_mounts("read-only", place, place, code) == ""
    assert (peer / "file").read_bytes() == b"old"


@pytest.mark.parametrize("change", ["write", "remove"])
def test_a_file_that_is_mounted_into_its_folder(place: Path, change: str) -> None:
    """As a container gets a single file; of the same file system, so that no number of a device tells."""
    peer = peer_of(place)
    (place / "source").write_bytes(b"old")
    words = "failed: {path}: mounted there by itself, so not to be replaced: device or resource busy"
    code = f"check(Path({str(peer / 'file')!r}), {change!r}, {words!r})"
    assert in_other_mounts("bind", peer / "file", place / "source", code) == ""
    assert (place / "source").read_bytes() == b"old"


def test_a_folder_that_is_mounted_is_no_hindrance(place: Path) -> None:
    peer = peer_of(place)
    (place / "source").mkdir()
    code = f"print(foretold(Path({str(peer / 'new')!r}), 'write'), done(Path({str(peer / 'new')!r}), 'write'))"
    assert in_other_mounts("bind", peer, place / "source", code) == "['', '', ''] \n"
    assert (place / "source" / "new").read_bytes() == b"new"


# What needs another system


class Status:
    """The status of a file on BSD and macOS, which has flags."""

    def __init__(self, flags: int) -> None:
        self.st_flags = flags


@pytest.mark.parametrize(
    ("flags", "word"),
    [
        (stat.UF_IMMUTABLE, "immutable"),
        (stat.SF_IMMUTABLE, "immutable"),
        (stat.UF_APPEND, "append-only"),
        (stat.SF_APPEND, "append-only"),
        (stat.UF_HIDDEN | stat.UF_NODUMP, ""),
        (0, ""),
    ],
)
def test_the_locks_of_macos_are_known(monkeypatch: pytest.MonkeyPatch, flags: int, word: str) -> None:
    with open(os.devnull) as handle:
        number = handle.fileno()
        monkeypatch.setattr(os, "fstat", lambda number: Status(flags))
        found = attributes.lock_of(number)
        monkeypatch.undo()
    assert found == word


def test_without_proc_the_device_tells_a_mount(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(attributes, "_mount_of", lambda handle: None)
    (tmp_path / "file").write_text("")
    with open(tmp_path / "file") as file, open(os.devnull) as other:
        folder = os.open(tmp_path, os.O_RDONLY)
        try:
            assert not attributes.is_mounted(file.fileno(), folder)
            assert attributes.is_mounted(other.fileno(), folder)
        finally:
            os.close(folder)


def test_on_macos_a_new_file_takes_the_group_of_its_folder(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if not ROOT:
        pytest.skip("needs root")
    peer = peer_of(place)
    hand_over(place)
    for path in (peer, peer / "file"):
        os.chown(path, NOBODY, 4242)
    assert as_nobody(lambda: foretold(peer / "file", "write"))[0].endswith("another group: operation not permitted")
    monkeypatch.setattr(foresight.sys, "platform", "darwin")
    assert as_nobody(lambda: foretold(peer / "file", "write")) == [""] * 3


def test_the_sandbox_has_the_first_word(place: Path) -> None:
    fenced = Sandbox({"IAPEER_TEST_SANDBOX": "1"}, str(place))
    with pytest.raises(Problem) as caught:
        Files(fenced).foresee(str(place / ".claude" / "new" / "file"))
    assert caught.value.refused
