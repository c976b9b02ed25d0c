# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The floors of module_utils: a folder imports itself and the floors below it, and no two files import each other."""

from __future__ import annotations

import ast
from pathlib import Path

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


def test_files_import_their_own_floor_and_those_below() -> None:
    assert [(path, file) for path in FILES for file in IMPORTS[path] if floor_of(file) > floor_of(path)] == []


def test_no_file_is_imported_by_what_it_imports() -> None:
    def reached(path: Path) -> set[Path]:
        found: set[Path] = set()
        left = set(IMPORTS[path])
        while left:
            found.add(file := left.pop())
            left |= IMPORTS[file] - found
        return found

    assert [path for path in FILES if path in reached(path)] == []


def test_module_utils_know_each_other_by_relative_imports_alone() -> None:
    assert [path for path in FILES if "ansible_collections" in path.read_text(encoding="utf-8")] == []
