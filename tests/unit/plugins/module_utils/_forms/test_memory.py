# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of a lesson, and everything for which it is not believed."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents.toml_document import Raw
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms import memory
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.learned import Lesson
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import Host, open_host
from ansible_collections.agfpd.iapeer_memory.tests.hypothesis_profiles import PROFILE
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place

Json = dict[str, Any]


@pytest.fixture
def lesson(taught: tuple[Host, Lesson], forms: Json, place: Place) -> Lesson:
    """What the stand-in taught, as if this host's binary had."""
    text = json.dumps(forms).replace(str(taught[0].paths.binary), str(place.binary))
    forms = json.loads(text)
    forms["toml"]["tool_timeout_sec"] = Raw("60")
    forms["templates"]["index.md"] += "по-русски ☃\n"
    return taught[1]._replace(forms=forms)


def opened(place: Place, **more: str) -> Host:
    return open_host({"iapeer_bin": "/fake/iapeer"}, {**place.environ(), **more})


def kept(place: Place, lesson: Lesson) -> Path:
    host = opened(place)
    key = memory.key_of(host)
    assert key is not None
    assert memory.keep(host, key, lesson) == ""
    assert recalled(place) == lesson
    return Path(memory.memory_path(host))


def recalled(place: Place, **more: str) -> Lesson | None:
    host = opened(place, **more)
    key = memory.key_of(host)
    return None if key is None else memory.recall(host, key)


def test_what_is_kept_is_found_again(place: Place, lesson: Lesson) -> None:
    path = kept(place, lesson)
    assert path == place.state / "provider-forms.json"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert "по-русски ☃" in path.read_text(encoding="utf-8")
    found = recalled(place)
    assert found is not None
    assert isinstance((found.forms or {})["toml"]["tool_timeout_sec"], Raw)
    assert str(place.base) not in path.read_text().replace(str(place.binary), "")  # paths are holes


def test_that_a_binary_cannot_is_kept_too(place: Place) -> None:
    kept(place, Lesson(None, "1.0.0", "update --skip-binary in a scratch: unknown flag"))
    kept(place, Lesson(None, "", "not believed: \"quoted\", 'so', and по-русски"))


@pytest.mark.parametrize(
    "setting",
    [
        {"IAPEER_MEMORY_LOCALE": "ru"},
        {"IAPEER_MEMORY_MODE": "lean"},
        {"IAPEER_MEMORY_PROACTIVE_INDEX": "0"},
        {"IAPEER_MEMORY_PROACTIVE_SCRIBER": "0"},
        {"IAPEER_MEMORY_PROACTIVE_DREAMWEAVER": "0"},
        {"IAPEER_MEMORY_MCP_PORT": "9000"},
        {"IAPEER_MEMORY_DREAM_CRON": "1 1 * * 1"},
    ],
    ids=str,
)
def test_nothing_is_believed_under_another_setting(place: Place, lesson: Lesson, setting: dict[str, str]) -> None:
    kept(place, lesson)
    assert recalled(place, **setting) is None
    assert recalled(place) == lesson


def touched(path: Path) -> None:
    os.utime(path, ns=(path.stat().st_atime_ns, path.stat().st_mtime_ns + 1))


def replaced(path: Path) -> None:
    """The same bytes and times in another file."""
    status = path.stat()
    other = path.with_name("other")
    other.write_bytes(path.read_bytes())
    other.chmod(0o755)
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.rename(path)


def linked(path: Path) -> None:
    target = path.with_name("elsewhere")
    path.rename(target)
    path.symlink_to(target)


@pytest.mark.parametrize(
    "change",
    [
        touched,
        replaced,
        linked,
        lambda path: path.write_bytes(path.read_bytes() + b"#"),
        lambda path: path.chmod(0o700),
        os.unlink,
    ],
    ids=["touched", "replaced", "linked", "longer", "mode", "gone"],
)
def test_nothing_is_believed_of_another_binary(
    place: Place, lesson: Lesson, change: Callable[[Path], object]
) -> None:
    kept(place, lesson)
    change(place.binary)
    assert recalled(place) is None


def test_another_path_of_the_same_binary_is_another_binary(place: Place, lesson: Lesson) -> None:
    kept(place, lesson)
    link = place.base / "link"
    link.symlink_to(place.binary)
    assert recalled(place, IAPEER_MEMORY_BINARY_PATH=str(link)) is None


@pytest.mark.parametrize("constant", ["FORMAT", "UPDATE", "CORE_TEXT"])
def test_nothing_is_believed_of_another_collection(
    place: Place, lesson: Lesson, constant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(place, lesson)
    monkeypatch.setattr(memory, constant, {"FORMAT": 0, "UPDATE": ("update",), "CORE_TEXT": ""}[constant])
    assert recalled(place) is None


def test_every_part_of_the_key_counts(place: Place, lesson: Lesson) -> None:
    path = kept(place, lesson)
    value = json.loads(path.read_text())
    for part in ("binary", "config"):
        for name in value["key"][part]:
            changed = json.loads(path.read_text())
            changed["key"][part][name] = True if value["key"][part][name] == 1 else 1
            place.write_json(path, changed, 0o600)
            assert recalled(place) is None
            del changed["key"][part][name]
            place.write_json(path, changed, 0o600)
            assert recalled(place) is None
            place.write_json(path, value, 0o600)
    assert recalled(place) == lesson


def other_link(path: Path) -> None:
    path.rename(path.with_name("x.json"))
    path.symlink_to("x.json")


def piped(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def edited(**changes: Any) -> Callable[[Path], object]:
    def change(path: Path) -> None:
        value = json.loads(path.read_text())
        value.update(changes)
        path.write_text(json.dumps(value))

    return change


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-30])


def other_shape(path: Path) -> None:
    value = json.loads(path.read_text())
    value["forms"]["slot"]["provision"]["command"] = "/bin/sh"
    path.write_text(json.dumps(value))


def with_toml(value: Any) -> Callable[[Path], object]:
    def change(path: Path) -> None:
        document = json.loads(path.read_text())
        document["forms"]["toml"]["tool_timeout_sec"] = value
        path.write_text(json.dumps(document))

    return change


BROKEN: dict[str, Callable[[Path], object]] = {
    "writable by the group": lambda path: path.chmod(0o620),
    "writable by all": lambda path: path.chmod(0o602),
    "too large": lambda path: path.write_bytes(b" " * (5 << 20) + path.read_bytes()),
    "too deep": lambda path: path.write_text("[" * 100_000),
    "null": lambda path: path.write_text("null"),
    "no text": lambda path: path.write_bytes(b"\xff"),
    "empty": lambda path: path.write_text("{}"),
    "a link": other_link,
    "a pipe": piped,
    "cut": cut,
    "another command": other_shape,
    "a number in TOML's place": with_toml(60),
    "null in TOML's place": with_toml({"a": None}),
    "more than one value of TOML": with_toml({memory.LITERAL: "60\nother = 1"}),
    "no value of TOML": with_toml({memory.LITERAL: "x]\n[y"}),
    "no version": edited(forms=None, version="x"),
    "no reason": edited(forms=None, why=""),
    "a reason of two lines": edited(forms=None, why="two\nlines"),
    "a long reason": edited(forms=None, why="x" * 1000),
    "no forms": edited(forms={}),
    "forms that are a list": edited(forms=[]),
    "learned without a version": edited(version=""),
    "a version with a line end": edited(version="7.2\n"),
    "a version that is null": edited(version=None),
    "more than there is": edited(more=1),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_memory_that_is_not_as_it_was_kept_is_not_believed(place: Place, lesson: Lesson, name: str) -> None:
    BROKEN[name](kept(place, lesson))
    assert recalled(place) is None


def test_a_memory_of_somebody_else_is_not_believed(
    place: Place, lesson: Lesson, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept(place, lesson)
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert recalled(place) is None


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give files away")
def test_as_root_the_memory_belongs_to_who_its_folder_belongs_to(place: Place, lesson: Lesson) -> None:
    path = kept(place, lesson)
    os.chown(path, 12345, 12345)
    assert recalled(place) is None
    os.chown(path.parent, 12345, 12345)
    assert recalled(place) == lesson


JUNK = ['"', "{", "}", "[]", "null", "1", ",", "\\u0000", '{"\\u0000toml\\u0000":"x"}', ""]


@pytest.mark.property
@PROFILE
@given(data=st.data())
def test_no_memory_is_an_error(taught: tuple[Host, Lesson], data: Any) -> None:
    """Bytes out of place, at any place: refused, or still forms of the known shape."""
    host, lesson = taught
    key = memory.key_of(host)
    assert key is not None
    assert memory.keep(host, key, lesson) == ""
    path = Path(memory.memory_path(host))
    text = path.read_text()
    start = data.draw(st.integers(0, len(text)))
    path.write_text(text[:start] + data.draw(st.sampled_from(JUNK)) + text[start + data.draw(st.integers(0, 40)) :])
    found = memory.recall(host, key)
    assert found is None or isinstance(found.why, str)
    path.unlink()


# Writing it


def test_where_it_cannot_be_kept_the_reason_is_told(place: Place, lesson: Lesson) -> None:
    host = opened(place)
    key = memory.key_of(host) or {}
    place.state.rmdir()
    assert memory.keep(host, key, lesson) == f"{place.state}: missing"
    place.state.write_text("")
    assert memory.keep(host, key, lesson) == f"{place.state}: not a directory"


def test_a_link_in_its_place_is_left_alone(place: Place, lesson: Lesson) -> None:
    host = opened(place)
    place.write(place.fleet_map, "{}")
    (place.state / memory.FILE).symlink_to("fleet.json")
    assert memory.keep(host, memory.key_of(host) or {}, lesson) == "a link stands in its place"
    assert place.fleet_map.read_text() == "{}"


def test_what_is_kept_takes_the_place_of_what_cannot_be_believed(place: Place, lesson: Lesson) -> None:
    place.write(place.state / memory.FILE, "junk", 0o666)
    kept(place, lesson)


def test_without_a_binary_there_is_no_key(place: Place) -> None:
    place.binary.unlink()
    assert memory.key_of(opened(place)) is None
