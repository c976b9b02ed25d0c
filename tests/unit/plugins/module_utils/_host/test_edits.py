# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""An edit as a value: what it says it will do is what it does, in check mode and for real."""

from __future__ import annotations

import hashlib
import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.files import Files
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.edits import (
    Edit,
    apply,
    apply_in,
    foresee,
    foresee_in,
    pretty_json,
    read_edit,
    read_json_object,
    settle,
)
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.results import stopped

FILES = Files(Sandbox({}))


def state_of(path: Path) -> tuple[bytes, int] | None:
    return (path.read_bytes(), stat.S_IMODE(os.stat(path).st_mode)) if path.exists() else None


def identity(path: Path) -> tuple[int, int] | None:
    status = os.stat(path) if path.exists() else None
    return None if status is None else (status.st_ino, status.st_ctime_ns)


@pytest.mark.parametrize(
    ("before", "after", "mode", "action"),
    [
        (None, None, None, "absent"),
        (None, b"new", None, "written"),
        (b"old", b"new", None, "written"),
        (b"old", b"old", None, "already"),
        (b"old", None, None, "removed"),
        (None, b"new", 0o755, "written"),
        (b"old", b"old", 0o755, "written"),
        (b"old", b"old", 0o600, "already"),
        (b"old", b"new", 0o755, "written"),
        (b"", b"", None, "already"),
        (None, b"", None, "written"),
        (b"", None, None, "removed"),
        (None, None, 0o755, "absent"),
        (b"old", None, 0o755, "removed"),
    ],
)
def test_an_edit_says_what_it_does_and_does_it(
    tmp_path: Path, before: bytes | None, after: bytes | None, mode: int | None, action: str
) -> None:
    path = tmp_path / "file"
    if before is not None:
        path.write_bytes(before)
        path.chmod(0o600)
    edit = read_edit(FILES, str(path), after, mode)
    untouched = identity(path)
    assert edit.action == action
    assert edit.changed is (action in ("written", "removed"))
    assert (
        bool(edit.diff()["before_header"] != edit.diff()["after_header"] or edit.before != edit.after) is edit.changed
    )
    apply(FILES, edit)
    wanted = mode if mode is not None else 0o600 if before is not None else 0o644 & ~FILES.umask
    assert state_of(path) == (None if after is None else (after, wanted))
    if not edit.changed:
        assert identity(path) == untouched
    again = read_edit(FILES, str(path), after, mode)
    assert not again.changed
    assert again.action in ("already", "absent")


def test_a_wrong_mode_alone_is_mended_without_a_new_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"same")
    path.chmod(0o644)
    number = os.stat(path).st_ino
    apply(FILES, read_edit(FILES, str(path), b"same", 0o755))
    assert state_of(path) == (b"same", 0o755)
    assert os.stat(path).st_ino == number


def test_folders_are_made_for_what_is_written_only(tmp_path: Path) -> None:
    apply(FILES, read_edit(FILES, str(tmp_path / "a" / "b" / "file"), None))
    assert list(tmp_path.iterdir()) == []
    apply(FILES, read_edit(FILES, str(tmp_path / "a" / "b" / "file"), b"new"))
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"new"


@pytest.mark.parametrize("after", [b"mine", None])
def test_what_changed_since_the_plan_is_left(tmp_path: Path, after: bytes | None) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    edit = read_edit(FILES, str(path), after)
    path.write_bytes(b"theirs")
    with pytest.raises(Problem, match="changed by somebody else meanwhile"):
        apply(FILES, edit)
    assert path.read_bytes() == b"theirs"


def test_an_edit_below_an_open_folder_uses_the_name_there(tmp_path: Path) -> None:
    edit = read_edit(FILES, str(tmp_path / ".claude" / "settings.json"), b"{}")
    with FILES.tree(str(tmp_path)) as tree:
        apply_in(tree, ".claude/settings.json", edit)
    assert (tmp_path / ".claude" / "settings.json").read_bytes() == b"{}"


def test_what_failed_half_way_says_what_it_changed(tmp_path: Path) -> None:
    edits = [read_edit(FILES, str(tmp_path / name), b"new") for name in ("a", "b")]
    (tmp_path / "b").write_bytes(b"theirs")
    with pytest.raises(Problem, match="changed by somebody else") as problem:
        settle(FILES, edits, check=False)
    assert stopped(problem.value).as_dict(False)["changed"] is True
    with pytest.raises(Problem, match="changed by somebody else") as problem:
        settle(FILES, edits[1:], check=False)
    assert stopped(problem.value).as_dict(False)["changed"] is False


# Settled: the same in check mode and in a real run


def odd_places(base: Path) -> dict[str, Path]:
    """Paths that cannot be written, each for another reason, whoever asks."""
    for name in ("fifo", "link"):
        (base / name).mkdir()
    os.mkfifo(base / "fifo" / "file")
    (base / "link" / "file").symlink_to(base.parent / "elsewhere")
    (base / "plain").write_bytes(b"")
    (base / "folder" / "file").mkdir(parents=True)
    return {name: base / name / "file" for name in ("fifo", "link", "plain", "folder")}


@pytest.mark.parametrize("odd", ["fifo", "link", "plain", "folder"])
def test_what_cannot_be_written_is_told_in_the_same_words_and_before_anything_is(tmp_path: Path, odd: str) -> None:
    edits = [Edit(str(tmp_path / "good"), None, b"new"), Edit(str(odd_places(tmp_path)[odd]), None, b"new")]
    words = []
    for check in (True, False):
        with pytest.raises(Problem) as caught:
            settle(FILES, edits, check)
        words.append(str(caught.value))
        assert not (tmp_path / "good").exists()
    with pytest.raises(Problem) as caught:
        apply(FILES, edits[1])
    assert set(words) == {str(caught.value)}
    with FILES.tree(str(tmp_path)) as tree:
        for try_it in (foresee_in, apply_in):
            with pytest.raises(Problem):
                try_it(tree, f"{odd}/file", edits[1])


@pytest.mark.parametrize("check", [True, False])
def test_what_is_settled_is_what_changes(tmp_path: Path, check: bool) -> None:
    (tmp_path / "same").write_bytes(b"same")
    (tmp_path / "gone").write_bytes(b"old")
    (tmp_path / "mode").write_bytes(b"#!")
    (tmp_path / "mode").chmod(0o600)
    wanted: dict[str, tuple[bytes | None, int | None]] = {
        "same": (b"same", None),
        "gone": (None, None),
        "mode": (b"#!", 0o755),
        "a/b/new": (b"new", None),
        "absent": (None, None),
    }
    edits = [read_edit(FILES, str(tmp_path / name), *after) for name, after in wanted.items()]
    assert [(os.path.basename(edit.path), edit.change) for edit in settle(FILES, edits, check)] == [
        ("gone", "remove"),
        ("mode", "mode"),
        ("new", "write"),
    ]
    assert (tmp_path / "a" / "b" / "new").exists() is not check
    assert (tmp_path / "gone").exists() is check
    assert stat.S_IMODE(os.stat(tmp_path / "mode").st_mode) == (0o600 if check else 0o755)


def test_what_changes_nothing_meets_nothing(tmp_path: Path) -> None:
    places = odd_places(tmp_path)
    foresee(FILES, Edit(str(places["fifo"]), b"same", b"same"))
    with FILES.tree(str(tmp_path)) as tree:
        foresee_in(tree, "fifo/file", Edit(str(places["fifo"]), b"same", b"same"))


def test_a_diff_of_what_is_too_large_shows_its_size_and_that_it_differs() -> None:
    large, larger = b"x" * ((1 << 20) + 1), b"y" * ((1 << 20) + 1)
    diff = Edit("/x", large, larger).diff()
    digests = [hashlib.sha256(data).hexdigest() for data in (large, larger)]
    assert diff["before"] == f"(1048577 bytes, too large to be shown; sha256 {digests[0]})\n"
    assert diff["after"] == f"(1048577 bytes, too large to be shown; sha256 {digests[1]})\n"
    assert Edit("/x", large[:-1], b"").diff() == {
        "before_header": "/x",
        "after_header": "/x",
        "before": "x" * (1 << 20),
        "after": "",
    }
    shown = Edit("/x", b"", b"", shown=("ü" * (1 << 20), "short")).diff()
    assert shown["before"].startswith("(2097152 bytes, too large")
    assert shown["after"] == "short"


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(Problem) as caught:
        read_edit(FILES, str(tmp_path / "fifo"), b"new")
    assert caught.value.kind == "irregular"


def test_a_diff_shows_both_sides_and_the_modes_where_only_they_differ() -> None:
    edit = Edit("/x/file", b"old\n", b"n\xffw\n")
    assert edit.diff() == {
        "before_header": "/x/file",
        "after_header": "/x/file",
        "before": "old\n",
        "after": "n\ufffdw\n",
    }
    edit = Edit("/x/file", b"same", b"same", 0o755, 0o644)
    assert (edit.diff()["before_header"], edit.diff()["after_header"]) == ("/x/file (mode 0644)", "/x/file (mode 0755)")


def test_a_diff_shows_nothing_where_there_is_no_file() -> None:
    assert Edit("/x", None, b"new").diff()["before"] == ""
    assert Edit("/x", b"old", None).diff()["after"] == ""


def test_a_diff_shows_what_it_was_told_to_show_instead() -> None:
    diff = Edit("/x", b"token", b"other token", shown=("masked", "still masked")).diff()
    assert (diff["before"], diff["after"]) == ("masked", "still masked")
    assert "token" not in str(diff)


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"b": 1, "a": [1, {"c": None}], "ü": "привет"},
        {"lone": "\ud800", "pair": "😀", "low": "a\udfffb", "slash": "\\ud800", "quote": '"\udc00"'},
        {"control": "\x00\x1f\u2028\u2029\x7f"},
    ],
)
def test_pretty_json_is_utf8_that_reads_back_the_same(tmp_path: Path, value: dict[str, Any]) -> None:
    data = pretty_json(value)
    assert json.loads(data.decode("utf-8")) == value
    assert data.endswith(b"}\n")
    (tmp_path / "file").write_bytes(data)
    assert read_json_object(FILES, str(tmp_path / "file")) == value


def test_pretty_json_has_two_spaces_readable_text_and_the_order_given() -> None:
    assert pretty_json({"b": "ü", "a": [1]}) == '{\n  "b": "ü",\n  "a": [\n    1\n  ]\n}\n'.encode()


def test_a_missing_json_file_is_none(tmp_path: Path) -> None:
    assert read_json_object(FILES, str(tmp_path / "no" / "file")) is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"null",
        b"1",
        b'"x"',
        b"{",
        b"{}x",
        b"\xff{}",
        b"\xef\xbb\xbf{}",
        b"{'a': 1}",
        b"[" * 100_000,
        b'{"a":' * 5000,
    ],
)
def test_what_is_no_json_object_is_malformed(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "file"
    path.write_bytes(data)
    with pytest.raises(Problem) as caught:
        read_json_object(FILES, str(path))
    assert (caught.value.kind, caught.value.path) == ("malformed", str(path))
