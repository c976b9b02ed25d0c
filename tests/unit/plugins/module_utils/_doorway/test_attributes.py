# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A file that is replaced keeps its access list and its extended attributes, and gets none that it had not."""

from __future__ import annotations

import errno
import os
import stat
import struct
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.attributes import GET_FLAGS
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.files import Files
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox

pytestmark = pytest.mark.linux

ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
USER_OBJ, USER, GROUP_OBJ, MASK, OTHER = 1, 2, 4, 16, 32
NOBODY_IN_PARTICULAR = 0xFFFFFFFF
FRIEND = 4711


def access_list(*entries: tuple[int, int, int]) -> bytes:
    """An access list as the kernel takes it: tag, permissions and id of each entry."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *entry) for entry in entries)


def with_friend(owner: int, friend: int, group: int, mask: int, other: int) -> bytes:
    return access_list(
        (USER_OBJ, owner, NOBODY_IN_PARTICULAR),
        (USER, friend, FRIEND),
        (GROUP_OBJ, group, NOBODY_IN_PARTICULAR),
        (MASK, mask, NOBODY_IN_PARTICULAR),
        (OTHER, other, NOBODY_IN_PARTICULAR),
    )


def give(path: Path, name: str, value: bytes) -> None:
    try:
        os.setxattr(path, name, value)
    except OSError as error:
        pytest.skip(f"{name} cannot be had in {path.parent}: {error}")


def attributes(path: Path) -> dict[str, bytes]:
    return {name: os.getxattr(path, name) for name in os.listxattr(path) if not name.startswith("security.")}


def mode(path: Path) -> int:
    return stat.S_IMODE(os.stat(path).st_mode)


def write(path: Path, data: bytes = b"new", bits: int | None = None) -> None:
    with Files(Sandbox({})).tree(str(path.parent)) as tree:
        tree.write(path.name, data, bits)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"old")
    path.chmod(0o640)
    return path


def test_an_access_list_is_kept_and_nobody_gets_more_than_he_had(file: Path) -> None:
    acl = with_friend(owner=6, friend=4, group=0, mask=4, other=0)
    give(file, ACCESS, acl)
    assert mode(file) == 0o640  # the mask, in the place of what the group may: it may nothing
    write(file)
    assert file.read_bytes() == b"new"
    assert os.getxattr(file, ACCESS) == acl
    assert mode(file) == 0o640


def test_an_access_list_is_kept_with_a_mode_that_is_asked_for(file: Path) -> None:
    give(file, ACCESS, with_friend(owner=6, friend=7, group=5, mask=6, other=0))
    write(file, bits=0o755)
    assert os.getxattr(file, ACCESS) == with_friend(owner=7, friend=7, group=5, mask=5, other=5)
    assert mode(file) == 0o755


def test_a_file_without_an_access_list_gets_none_from_its_folder(file: Path) -> None:
    give(file.parent, DEFAULT, with_friend(owner=7, friend=7, group=0, mask=7, other=0))
    write(file)
    assert attributes(file) == {}
    assert mode(file) == 0o640


def test_a_new_file_gets_what_its_folder_hands_on(file: Path) -> None:
    give(file.parent, DEFAULT, with_friend(owner=7, friend=7, group=0, mask=7, other=0))
    write(file.parent / "fresh")
    assert os.getxattr(file.parent / "fresh", ACCESS) == with_friend(owner=6, friend=7, group=0, mask=4, other=4)


def test_attributes_are_kept(file: Path) -> None:
    had = {"user.note": b"a\0\xff", "user.empty": b"", "user.large": b"x" * 1000}
    for name, value in had.items():
        give(file, name, value)
    write(file)
    assert attributes(file) == had


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_attributes_that_only_root_sees_are_kept_by_root(file: Path) -> None:
    give(file, "trusted.note", b"x")
    write(file)
    assert os.getxattr(file, "trusted.note") == b"x"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_rights_that_were_given_to_the_old_bytes_are_not_given_to_the_new_ones(file: Path) -> None:
    give(file, "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 10, 0, 0, 0))
    write(file)
    assert "security.capability" not in os.listxattr(file)


class Labels:
    """A system that labels files by itself (SELinux), where setting a label may be refused."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, path: Path, old: bytes, new: bytes, refused: bool) -> None:
        self.set: list[tuple[str, bytes]] = []
        inode, plain_get, plain_list = os.stat(path).st_ino, os.getxattr, os.listxattr

        def get(handle: Any, name: str, **more: Any) -> bytes:
            if name == "security.selinux":
                return old if os.stat(handle).st_ino == inode else new
            return plain_get(handle, name, **more)

        def put(handle: Any, name: str, value: bytes) -> None:
            if refused:
                raise PermissionError(errno.EPERM, "Operation not permitted")
            self.set.append((name, value))

        monkeypatch.setattr(os, "listxattr", lambda handle: [*plain_list(handle), "security.selinux"])
        monkeypatch.setattr(os, "getxattr", get)
        monkeypatch.setattr(os, "setxattr", put)


def test_a_label_that_the_system_has_set_already_needs_no_right(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = Labels(monkeypatch, file, b"home_t", b"home_t", refused=True)
    write(file)
    assert labels.set == []
    assert file.read_bytes() == b"new"


def test_a_label_of_its_own_is_kept(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    labels = Labels(monkeypatch, file, b"secret_t", b"home_t", refused=False)
    write(file)
    assert labels.set == [("security.selinux", b"secret_t")]


def test_what_cannot_be_kept_is_named_and_the_file_is_left(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Labels(monkeypatch, file, b"secret_t", b"home_t", refused=True)
    with pytest.raises(Problem) as caught:
        write(file)
    words = "its attribute security.selinux could not be kept: operation not permitted"
    assert str(caught.value) == f"{file}: {words}"
    assert file.read_bytes() == b"old"
    assert [path.name for path in file.parent.iterdir()] == ["file"]


@pytest.mark.parametrize("number", [errno.ENOTSUP, errno.ENOSYS])
def test_a_file_system_without_attributes_is_written_to(
    file: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def unsupported(handle: int) -> list[str]:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "listxattr", unsupported)
    write(file)
    assert file.read_bytes() == b"new"


def test_attributes_that_cannot_be_listed_are_no_attributes_that_are_not_there(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(handle: int) -> list[str]:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "listxattr", broken)
    with pytest.raises(Problem, match="its attributes could not be kept: input/output error"):
        write(file)
    assert file.read_bytes() == b"old"


def test_where_python_knows_no_attributes_files_are_written(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("listxattr", "getxattr", "setxattr", "removexattr"):
        monkeypatch.delattr(os, name)
    write(file)
    assert file.read_bytes() == b"new"


def test_a_hard_link_is_split(file: Path) -> None:
    os.link(file, file.parent / "twin")
    write(file)
    assert (file.read_bytes(), (file.parent / "twin").read_bytes()) == (b"new", b"old")


@pytest.mark.skipif(struct.calcsize("l") != 8, reason="the number has the size of a long in it")
def test_the_call_for_the_flags_of_a_file_is_that_of_linux() -> None:
    assert GET_FLAGS == 0x80086601
