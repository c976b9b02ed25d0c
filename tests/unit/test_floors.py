# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The floors of module_utils: a folder imports itself and the floors below it, and no two files import each other."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

UTILS = Path(__file__).resolve().parents[2] / "plugins" / "module_utils"
FLOORS = ("_doorway", "_documents", "_host", "_forms", "_things", "_surfaces", "_look")
FILES = sorted(UTILS.rglob("*.py"))


def floor_of(path: Path) -> int:
    """The number of a file's floor; the door stands on top of all."""
    top = path.relative_to(UTILS).parts[0]
    return len(FLOORS) if top == "door.py" else FLOORS.index(top)


def imported(path: Path) -> set[Path]:
    """The files of module_utils that a file imports, wherever in it that stands."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = path.parents[node.level - 1].joinpath(*(node.module or "").split("."))
            names = [base, *(base / alias.name for alias in node.names)]
            found |= {file for name in names if (file := name.with_suffix(".py")).is_file()}
    return found


IMPORTS = {path: imported(path) for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(UTILS)))
def test_a_file_imports_its_own_floor_and_those_below(path: Path) -> None:
    assert [str(other) for other in IMPORTS[path] if floor_of(other) > floor_of(path)] == []


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(UTILS)))
def test_a_file_is_not_imported_by_what_it_imports(path: Path) -> None:
    reached: set[Path] = set()
    left = set(IMPORTS[path])
    while left:
        reached.add(file := left.pop())
        left |= IMPORTS[file] - reached
    assert path not in reached


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(UTILS)))
def test_module_utils_know_each_other_by_relative_imports_alone(path: Path) -> None:
    assert "ansible_collections" not in path.read_text(encoding="utf-8")
