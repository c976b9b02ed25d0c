# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The promises about the code itself: sizes, types, documentation, and what a tracked file may say."""

from __future__ import annotations

import ast
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
MODULES_DIR = PLUGINS / "modules"

MAX_MODULE_LINES = 60  # without the documentation
MAX_MAIN_LINES = 25
MAX_FUNCTION_LINES = 40
MAX_UTILS_LINES = 300
OLDEST_PYTHON = (3, 9)  # of a host

DOCS = {"DOCUMENTATION", "EXAMPLES", "RETURN"}
HEADER = """\
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""

# How code refers to docs/contract.md: contract §5, contract §5 and §11.
REFERENCE = re.compile(r"contract §(\d+)(?:,? and §(\d+))?")

# The markup of documentation, which a changelog prints as it stands.
MARKUP = re.compile(r"\b(?:[A-Z]|RV)\([^)]*\)")

# The brackets keep this file from saying what it forbids.
FORBIDDEN = {
    "an absolute path of one machine": re.compile(r"(?<![\w.~}\])-])/(?:[r]oot|[w]ork|[f]arm)/"),
    "an issue number": re.compile(r"\b(?:issue|ticket|pull request) #\d+", re.IGNORECASE),
    "a package registry's host": re.compile(r"\b(?:[p]ypi\.org|[p]ythonhosted\.org|[n]pmjs\.(?:org|com))\b"),
}


def collect(folder: Path) -> list[Path]:
    """The Python files of a folder; none where it does not exist yet."""
    return sorted(folder.rglob("*.py"))


def tracked() -> list[Path]:
    """The files git tracks or would track; all files where there is no git (an unpacked release)."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=False)
    names = os.fsdecode(listing.stdout).split("\0") if listing.returncode == 0 else map(str, ROOT.rglob("*"))
    return sorted({path for name in names if (path := ROOT / name).is_file() and not path.is_symlink()})


def relative(path: Path) -> str:
    """The path as a test's name."""
    return str(path.relative_to(ROOT))


def per_file(files: list[Path]) -> pytest.MarkDecorator:
    """One test for each file, named after it."""
    return pytest.mark.parametrize("path", files, ids=relative)


def parse(path: Path) -> ast.Module:
    """The syntax tree, read as the oldest supported Python reads it."""
    return ast.parse(path.read_text(encoding="utf-8"), str(path), feature_version=OLDEST_PYTHON)


def length(node: Any) -> int:
    """How many lines a statement takes."""
    return int(node.end_lineno - node.lineno + 1)


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Every function and method."""
    return (node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)))


def assigned(tree: ast.Module) -> dict[str, ast.Assign]:
    """The simple assignments at the top of a module, by name."""
    found = (node for node in tree.body if isinstance(node, ast.Assign))
    return {target.id: node for node in found for target in node.targets if isinstance(target, ast.Name)}


def lines(path: Path) -> int:
    """How many lines a file has, without a module's documentation and the texts of a folder content."""
    prose = [
        node
        for name, node in assigned(parse(path)).items()
        if name in DOCS or (path.parent.name == "content" and isinstance(node.value, ast.Constant))
    ]
    return len(path.read_text(encoding="utf-8").splitlines()) - sum(map(length, prose))


def fragment(name: str) -> dict[str, Any]:
    """A documentation fragment of this collection, by the name that extends_documentation_fragment gives."""
    file, _dot, attribute = name.removeprefix("agfpd.iapeer_memory.").partition(".")
    tree = parse(PLUGINS / "doc_fragments" / f"{file}.py")
    body = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == "ModuleDocFragment")
    docs = assigned(ast.Module(body=body.body, type_ignores=[]))[attribute.upper() or "DOCUMENTATION"]
    return dict(yaml.safe_load(ast.literal_eval(docs.value)))


def documented_attributes(path: Path) -> dict[str, Any]:
    """The attributes of a module's documentation, its fragments included."""
    docs = yaml.safe_load(ast.literal_eval(assigned(parse(path))["DOCUMENTATION"].value))
    names = docs.get("extends_documentation_fragment", [])
    ours = [name for name in ([names] if isinstance(names, str) else names) if name.startswith("agfpd.")]
    merged: dict[str, Any] = {}
    for part in [*map(fragment, ours), docs]:
        for name, value in part.get("attributes", {}).items():
            merged[name] = {**merged.get(name, {}), **value}
    return merged


MODULES = collect(MODULES_DIR)
UTILS = collect(PLUGINS / "module_utils")
CODE = collect(PLUGINS)
ROLES = sorted((ROOT / "roles").glob("*/meta/argument_specs.yml"))
FILES = tracked()


def test_there_are_modules_where_there_is_a_folder_for_them() -> None:
    assert MODULES or not MODULES_DIR.exists()


def test_every_role_declares_its_arguments() -> None:
    roles = {path for path in (ROOT / "roles").glob("*") if path.is_dir()}
    assert roles == {path.parent.parent for path in ROLES}


@per_file(MODULES)
def test_a_module_is_a_thin_door(path: Path) -> None:
    assert lines(path) <= MAX_MODULE_LINES
    if not list(functions(parse(path))):  # the documentation of an action plugin that does all of it
        assert (path.parent.parent / "action" / path.name).is_file()
        return
    main = [length(function) for function in functions(parse(path)) if function.name == "main"]
    assert len(main) == 1
    assert main[0] <= MAX_MAIN_LINES


@per_file(MODULES)
def test_a_module_says_what_it_does_in_check_mode_and_with_diff(path: Path) -> None:
    attributes = documented_attributes(path)
    for name in ("check_mode", "diff_mode"):
        assert attributes.get(name, {}).get("support") in ("full", "partial", "none", "N/A"), name
        assert attributes[name].get("description"), name


def test_files_of_module_utils_are_short() -> None:
    assert {relative(path): count for path in UTILS if (count := lines(path)) > MAX_UTILS_LINES} == {}


def test_functions_are_short() -> None:
    found = [(path, function) for path in CODE for function in functions(parse(path))]
    assert [(relative(path), it.name) for path, it in found if length(it) > MAX_FUNCTION_LINES] == []


@per_file(ROLES)
def test_a_roles_defaults_are_the_options_it_declares(path: Path) -> None:
    defaults = yaml.safe_load((path.parent.parent / "defaults" / "main.yml").read_text(encoding="utf-8")) or {}
    specs = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]
    options = {name: option for spec in specs.values() for name, option in (spec.get("options") or {}).items()}
    assert set(options) == set(defaults)
    for entry_point, spec in specs.items():
        differing = {
            name: (option.get("default"), defaults[name])
            for name, option in (spec.get("options") or {}).items()
            if option.get("default") != defaults[name]
        }
        assert not differing, f"{entry_point}: {{option: (declared, in defaults/main.yml)}}"


@per_file(ROLES)
def test_a_roles_readme_names_its_entry_points_and_options(path: Path) -> None:
    readme = (path.parent.parent / "README.md").read_text(encoding="utf-8")
    specs = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]
    names = {*specs, *(name for spec in specs.values() for name in spec.get("options") or {})}
    assert not [name for name in names if f"`{name}`" not in readme]


@per_file(ROLES)
def test_a_roles_readme_says_which_entry_points_read_an_option(path: Path) -> None:
    readme = (path.parent.parent / "README.md").read_text(encoding="utf-8")
    specs = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]
    assert specs.pop("main")["options"] == specs["update"]["options"]
    letters = {"update": "U", "verify": "V", "install": "I", "uninstall": "X"}
    rows = [line.split("|") for line in readme.splitlines() if line.startswith("| `iapeer_memory_")]
    told = {name: row[3].strip() for row in rows for name in re.findall(r"`(iapeer_memory_\w+)`", row[1])}
    named = {name: " ".join(letters[it] for it in letters if name in specs[it]["options"]) for name in told}
    assert told == named
    assert set(told) == {name for spec in specs.values() for name in spec["options"]}


@per_file(ROLES)
def test_a_role_takes_null_and_empty_text_for_every_option(path: Path) -> None:
    specs = yaml.safe_load(path.read_text(encoding="utf-8"))["argument_specs"]
    for entry_point, spec in specs.items():
        for empty in (None, ""):
            found = ArgumentSpecValidator(spec["options"]).validate(dict.fromkeys(spec["options"], empty))
            assert found.error_messages == [], entry_point


def test_python_files_carry_the_licence() -> None:
    texts = {path: path.read_text(encoding="utf-8") for path in FILES if path.suffix == ".py" and path.stat().st_size}
    begun = {path: text.removeprefix("#!/usr/bin/python\n").startswith(HEADER) for path, text in texts.items()}
    assert [relative(path) for path, right in begun.items() if not right] == []


def test_no_file_speaks_of_one_machine_or_its_history() -> None:
    found = [
        f"{relative(path)}:{number}: {what}: {line.strip()[:120]}"
        for path in FILES
        for number, line in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        for what, words in FORBIDDEN.items()
        if words.search(line)
    ]
    assert not found, "\n".join(found)


def test_fragments_of_the_changelog_are_written_for_it() -> None:
    texts = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "changelogs" / "fragments").glob("*.yml")}
    assert {name: found for name, text in texts.items() if (found := MARKUP.findall(text))} == {}
    sections = {name: re.findall(r"^(\w+):", text, re.MULTILINE) for name, text in texts.items()}
    assert [name for name, found in sections.items() if len(set(found)) < len(found)] == []
    assert [name for name, text in texts.items() if re.search(r"\bnew modules?\b", text, re.IGNORECASE)] == []


def test_every_section_of_the_contract_that_is_referred_to_is_there() -> None:
    contract = ROOT / "docs" / "contract.md"
    written = re.findall(r"^## §(\d+) ", contract.read_text(encoding="utf-8"), re.MULTILINE)
    assert written == [str(number) for number in range(1, 14)]
    links = {"".join(c for c in line.lower() if c.isalnum() or c in "- ").strip().replace(" ", "-")
             for line in contract.read_text(encoding="utf-8").splitlines() if line.startswith("#")}  # fmt: skip
    wrong = []
    for path in (path for path in FILES if path.suffix in (".py", ".yml", ".md") and path != contract):
        text = path.read_text(encoding="utf-8", errors="replace")
        named = [number for reference in REFERENCE.findall(text) for number in filter(None, reference)]
        if len(named) != text.count("§") or not set(named) <= set(written):
            wrong.append(relative(path))
        assert set(re.findall(r"docs/contract\.md#([\w-]+)", text)) <= links, path
    assert wrong == [relative(Path(__file__))]  # which speaks of references
