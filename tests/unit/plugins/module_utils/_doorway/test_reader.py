# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Single files, asked about by their paths: what cannot be seen is not taken for what is not there."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.files import Files
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.folders import Folder
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.reader import Reader
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox

REPOSITORY = Path(__file__).resolve().parents[5]
READER = Reader(Sandbox({}))
QUESTIONS: dict[str, Callable[[str], Any]] = {
    "kind_of": READER.kind_of,
    "kind_of, no link followed": lambda path: READER.kind_of(path, follow=False),
    "modified": READER.modified,
    "mode": READER.mode,
    "owner": READER.owner,
    "read": READER.read,
    "checksum": READER.checksum,
    "foresee": READER.foresee,
}
NOTHING = {
    "kind_of": "missing",
    "kind_of, no link followed": "missing",
    "modified": 0.0,
    "mode": None,
    "owner": os.geteuid(),
    "read": None,
    "checksum": None,
    "foresee": None,
}


def test_what_is_there_is_told_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("")
    os.mkfifo(tmp_path / "fifo")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
    for name in ("folder", "file", "fifo", "nothing"):
        (tmp_path / f"to-{name}").symlink_to(name)
    (tmp_path / "loop").symlink_to("loop")
    kinds = {name: READER.kind_of(str(tmp_path / name)) for name in os.listdir(tmp_path) if name != "loop"}
    assert kinds == {
        **{"folder": "folder", "file": "file", "fifo": "odd", "socket": "odd"},
        **{"to-folder": "folder", "to-file": "file", "to-fifo": "odd", "to-nothing": "missing"},
    }
    own = {name: READER.kind_of(str(tmp_path / name), follow=False) for name in os.listdir(tmp_path)}
    linked = {name: "link" if os.path.islink(tmp_path / name) else kinds[name] for name in own}
    assert own == linked
    with pytest.raises(Problem):
        READER.kind_of(str(tmp_path / "loop"))


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("name", ["nothing", "no/such/folder/file"])
def test_what_is_missing_is_missing(tmp_path: Path, question: str, name: str) -> None:
    assert QUESTIONS[question](str(tmp_path / name)) == NOTHING[question]


@pytest.mark.parametrize("question", ["kind_of", "modified", "mode", "owner"])
def test_what_a_file_stands_in_the_way_of_is_missing(tmp_path: Path, question: str) -> None:
    (tmp_path / "file").write_text("")
    assert QUESTIONS[question](str(tmp_path / "file" / "below")) == NOTHING[question]


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("number", [errno.EACCES, errno.EPERM, errno.ESTALE, errno.EIO, errno.ENOTCONN, errno.ELOOP])
def test_what_cannot_be_seen_is_a_problem_that_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, question: str, number: int
) -> None:
    """A folder that may not be searched, a mount that went stale, a disk that fails."""
    (tmp_path / "file").write_text("")
    plain = os.stat

    def hidden(path: Any, **more: Any) -> os.stat_result:
        name = os.fsdecode(path) if not isinstance(path, int) else ""
        if name == "file" or name.startswith(str(tmp_path)):
            raise OSError(number, os.strerror(number))
        return plain(path, **more)

    monkeypatch.setattr(os, "stat", hidden)
    with pytest.raises(Problem) as caught:
        QUESTIONS[question](str(tmp_path / "file"))
    assert caught.value.path in (str(tmp_path / "file"), str(tmp_path))
    assert caught.value.kind not in ("missing", "refused")


@pytest.mark.parametrize("question", QUESTIONS)
def test_what_may_not_be_searched_is_a_problem(question: str) -> None:
    """For real, as an account that may not."""
    with tempfile.TemporaryDirectory(prefix="iapeer-memory-reader-") as place:
        os.chmod(place, 0o755)
        closed = os.path.join(place, "closed")
        os.mkdir(closed, 0o700 if os.geteuid() == 0 else 0)

        def ask() -> str:
            try:
                return repr(QUESTIONS[question](os.path.join(closed, "file")))
            except Problem as problem:
                return f"{problem.kind}: {problem}"

        answer = as_nobody(ask)
        os.chmod(closed, 0o700)
    assert answer.startswith(f"unreadable: {closed}")
    assert answer.endswith("permission denied")


def as_nobody(work: Callable[[], str]) -> str:
    if os.geteuid():
        return work()
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        with contextlib.suppress(BaseException):
            os.setgroups([])
            os.setgid(65534)
            os.setuid(65534)
            os.write(writer, work().encode())
        os._exit(0)
    os.close(writer)
    os.waitpid(pid, 0)
    with os.fdopen(reader) as answer:
        return answer.read()


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("name", ["a\0b", "\ud800", "x" * 300])
def test_a_name_that_no_file_can_have_is_a_problem(tmp_path: Path, question: str, name: str) -> None:
    for path in (tmp_path / name, tmp_path / name / "below"):
        with pytest.raises(Problem) as caught:
            QUESTIONS[question](str(path))
        assert caught.value.kind != "missing"


# Bounds


def test_a_file_of_just_the_cap_is_read_and_a_larger_one_names_the_bound(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"x" * 1000)
    found = READER.read(str(tmp_path / "file"), 1000)
    assert found is not None
    assert len(found.data) == 1000
    with pytest.raises(Problem) as caught:
        READER.read(str(tmp_path / "file"), 999)
    assert str(caught.value) == f"{tmp_path / 'file'}: larger than 999 bytes, the most that is read"
    assert caught.value.kind == "unreadable"


def test_a_document_without_end_costs_no_more_than_the_bound(tmp_path: Path) -> None:
    with open(tmp_path / "file", "wb") as file:
        file.truncate(1 << 40)  # with nothing in it, so that it costs nothing here
    with pytest.raises(Problem, match="larger than 8388608 bytes, the most that is read"):
        READER.read(str(tmp_path / "file"))


def test_a_file_of_any_size_is_summed_up_without_being_held(tmp_path: Path) -> None:
    data = os.urandom(1000) * 5000
    (tmp_path / "file").write_bytes(data)
    (tmp_path / "file").chmod(0o755)
    assert READER.checksum(str(tmp_path / "file")) == (hashlib.sha256(data).hexdigest(), 0o755, 5_000_000)
    with Folder(Sandbox({}), str(tmp_path)) as folder:
        assert folder.checksum("file") == READER.checksum(str(tmp_path / "file"))
        assert folder.checksum("nothing") is None
        assert b"".join(folder.blocks("file")) == data
        with pytest.raises(Problem, match="missing"):
            list(folder.blocks("nothing"))


def test_what_is_no_file_is_not_summed_up(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "link").symlink_to("/etc/hostname")
    for name in ("fifo", "link", ""):
        with pytest.raises(Problem):
            READER.checksum(str(tmp_path / name) if name else str(tmp_path))


# Whatever the locale


LOCALE = r"""
import os, sys
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.files import Files
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
base = sys.argv[1]
files = Files(Sandbox({}))
name = "p\u00e9er/\u043f\u0438\u0440"
with files.tree(base) as tree:
    tree.write(name + "/f\u00fc", b"1")
    tree.write(name + "/f\u00fc", b"2")
    tree.write("odd\udcff", b"3")
    assert tree.claim("l\u00f6ck", "\u00f6wner", b"4")
    assert tree.names("p\u00e9er") == ["\u043f\u0438\u0440"], tree.names("p\u00e9er")
    assert tree.names("") == ["l\u00f6ck", "odd\udcff", "p\u00e9er"], tree.names("")
    assert tree.read("odd\udcff").data == b"3"
    tree.make_folder("g\u00f6ne/\u00fc")
    tree.remove_folder("g\u00f6ne")
path = f"{base}/{name}/f\u00fc"
assert files.read(path).data == b"2"
assert files.kind_of(path) == "file" and files.kind_of(path + "x") == "missing"
files.foresee(path)
os.symlink("p\u00e9er".encode(), f"{base}/l\u00efnk".encode())
with files.tree(base) as tree:
    assert tree.read("l\u00efnk/\u043f\u0438\u0440/f\u00fc").data == b"2"
    tree.give_up("l\u00f6ck")
with files.scratch() as (place, tree):
    tree.write("\u00fc", b"x")
print(sys.getfilesystemencoding())
"""


@pytest.mark.parametrize("utf8", ["0", "1"])
def test_names_are_utf8_whatever_the_locale(tmp_path: Path, utf8: str) -> None:
    env = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": utf8, "PYTHONPATH": str(REPOSITORY / ".tree")}
    done = subprocess.run([sys.executable, "-c", LOCALE, str(tmp_path)], env=env, capture_output=True, check=False)
    assert done.stderr == b""
    assert (done.stdout != b"utf-8\n") == (utf8 == "0")
    assert (tmp_path / "péer" / "пир" / "fü").read_bytes() == b"2"
    assert sorted(os.listdir(os.fsencode(tmp_path))) == [b"l\xc3\xafnk", b"odd\xff", b"p\xc3\xa9er"]


def test_files_is_a_reader() -> None:
    assert issubclass(Files, Reader)
