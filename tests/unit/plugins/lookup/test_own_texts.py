# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lookup that reads a user's own texts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from ansible.errors import AnsibleLookupError
from ansible.parsing.dataloader import DataLoader

from ansible_collections.agfpd.iapeer_memory.plugins.lookup.own_texts import LookupModule


def look(folder: Path | str, beside: Path = Path("/nowhere"), **options: Any) -> dict[str, str]:
    """The lookup's one answer; its options as they are given, and the documented default of the language."""
    loader = DataLoader()
    loader.set_basedir(str(beside))
    plugin = LookupModule(loader=loader)
    plugin.set_options = lambda var_options, direct: plugin._options.update({"locale": "en", **direct})
    (found,) = plugin.run([str(folder)], {"ansible_search_path": [str(beside)]}, **options)
    return dict(found)


def write(path: Path, text: str = "text\n") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_templates_of_the_language_go_before_those_beside_it(tmp_path: Path) -> None:
    write(tmp_path / "ru/index.md", "привет\n")
    write(tmp_path / "index.md", "hello\n")
    assert look(tmp_path, kind="templates", locale="ru") == {"index.md": "привет\n"}
    assert look(tmp_path, kind="templates", locale="en") == {"index.md": "hello\n"}
    assert look(tmp_path, kind="templates") == {"index.md": "hello\n"}


def test_only_skills_in_our_namespace_are_read(tmp_path: Path) -> None:
    write(tmp_path / "iapeer-memory-init/SKILL.md", "mine\n")
    write(tmp_path / "iapeer-memory-init/notes.md")
    write(tmp_path / "house-style/SKILL.md")
    assert look(tmp_path, kind="skills") == {"iapeer-memory-init": "mine\n"}


def test_a_tilde_is_the_home(home: Path) -> None:
    write(home / "texts/index.md", "at home\n")
    assert look("~/texts", kind="templates") == {"index.md": "at home\n"}


def test_a_relative_folder_is_found_as_copy_finds_a_file_then_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    folders = [tmp_path / "play/files/own", tmp_path / "play/own", tmp_path / "own"]
    for folder in folders:
        write(folder / "index.md", str(folder))
    for folder in folders:
        assert look("own", tmp_path / "play", kind="templates") == {"index.md": str(folder)}
        folder.rename(folder.with_name("away"))
    with pytest.raises(AnsibleLookupError, match="own holds no templates"):
        look("own", tmp_path / "play", kind="templates")


def test_a_binary_is_found_the_same_way_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "files/a,b"
    path.parent.mkdir()
    path.write_bytes(b"\xff\xfe")
    assert look("a,b", tmp_path, kind="binary") == {"a,b": str(path)}
    for missing in (path.parent, tmp_path / "missing"):
        with pytest.raises(AnsibleLookupError, match=f"{missing} is no file"):
            look(missing, kind="binary")


@pytest.mark.parametrize("kind", ["templates", "skills"])
def test_a_folder_that_holds_nothing_of_the_kind_is_named(tmp_path: Path, kind: str) -> None:
    with pytest.raises(AnsibleLookupError, match=f"{tmp_path} holds no {kind}"):
        look(tmp_path, kind=kind)
    with pytest.raises(AnsibleLookupError, match=f"{tmp_path / 'missing'} holds no {kind}"):
        look(tmp_path / "missing", kind=kind)


def test_a_file_that_is_not_text_is_an_error_that_names_the_folder(tmp_path: Path) -> None:
    (tmp_path / "index.md").write_bytes(b"\xff\xfe")
    with pytest.raises(AnsibleLookupError, match=f"{tmp_path}: 'utf-8' codec"):
        look(tmp_path, kind="templates")
