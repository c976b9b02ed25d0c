# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Unit, integration and sanity on every maintained ansible-core, and the hosts' side on its oldest and newest Python.

Each core runs on one Python, found on PATH or among pyenv's, never a shim. What depends on neither runs with the first
core only, what depends on Python alone on the oldest and the newest. Where a Python or a core cannot be had this is
said; with CI=true or MATRIX_REQUIRED=1 it is a failure. Arguments: the cores to run, all without any; SELECT chooses
tests by their marks, JOBS says how many cells run at once.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from phases import Command, Done, conclude, side_by_side

TOP = Path(__file__).resolve().parents[2]
# The maintained cores, each with a Python of its own.
CORES = {"2.19": "3.11", "2.20": "3.12", "2.21": "3.12", "2.22": "3.13"}
# What a host may have, and the core that plays there from a Python of its own.
TARGETS = {"3.9": "2.21", "3.13": "2.19"}
PLUGINS, UTILS = "tests/unit/plugins", "tests/unit/plugins/module_utils"
# Whole playbooks and all modules: enough to see another Python on the other side.
ON_TARGETS = ("tests/integration/test_update.py", "tests/integration/test_verify.py")
# The commonest host of this field, as far as it can be had here: on its Python, without what only Linux has.
OF_A_MAC = "3.9"
LIKE_A_MAC = (
    *ON_TARGETS,
    *("tests/integration/test_life.py", "tests/integration/test_other_names.py"),
    "tests/crash",
)
PROBE = "import ensurepip, json, sys, venv; print(json.dumps([sys.version_info[:2], sys.executable]))"


class Cell(NamedTuple):
    """One run of tests: where it stands in the matrix, its environment, and what is run in it."""

    name: str
    venv: Path
    words: tuple[str, ...]
    env: dict[str, str] = {}

    def command(self) -> Command:
        return Command(self.name, [str(self.venv / "bin" / "python"), *self.words], self.env)


def find_python(version: str) -> str | None:
    """A real interpreter of this version that can make environments; None where there is none."""
    folders = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep)]
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    places = [folder for folder in folders if folder.name != "shims"]
    for folder in [*places, *sorted(pyenv.glob(f"versions/{version}.*/bin"))]:
        found = shutil.which(f"python{version}", path=str(folder))
        if found is None:
            continue
        done = subprocess.run([found, "-I", "-c", PROBE], capture_output=True, text=True, check=False)
        if done.returncode == 0 and json.loads(done.stdout)[0] == [int(part) for part in version.split(".")]:
            return found
    return None


def environment(name: str, version: str) -> Path | str:
    """The environment .venv-NAME, made where it is missing; the reason where it cannot be had."""
    python = find_python(version)
    if python is None:
        return f"no Python {version} that can make environments, on PATH or in pyenv (pyenv install {version})"
    make = [os.environ.get("MAKE", "make"), "--no-print-directory", f"PYTHON={python}", f".venv-{name}/.stamp"]
    done = subprocess.run(make, cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    return TOP / f".venv-{name}" if done.returncode == 0 else f"not installed:\n{done.stdout}"


def core_version(venv: Path) -> str:
    """The version of ansible-core in an environment; one that is not out yet says so."""
    code = "from ansible.release import __version__; print(__version__)"
    done = subprocess.run([venv / "bin" / "python", "-c", code], capture_output=True, text=True, check=True)
    version = done.stdout.strip()
    return version if version.replace(".", "").isdigit() else f"{version} (not released yet)"


def pytest(*words: str, marks: str = "") -> tuple[str, ...]:
    """The words of a run of tests, of those with these marks that are selected."""
    wanted = " and ".join(f"({mark})" for mark in (os.environ.get("SELECT"), marks) if mark)
    chosen = ("-m", wanted) if wanted else ()
    return ("-m", "pytest", "-q", "-n", "1", *words, *chosen, *os.environ.get("PYTEST_ARGS", "").split())


def cells_of_a_core(venv: Path, first: bool) -> Iterator[Cell]:
    """What one core is asked; the longest comes first. first: with what is the same for all cores."""
    title = f"ansible-core {core_version(venv)}"
    yield Cell(f"integration on {title}", venv, pytest("tests/integration", marks="" if first else "not once"))
    yield Cell(f"sanity on {title}", venv, ("tests/tools/sanity.py",))
    plugins = ("tests/unit",) if first else (PLUGINS,)
    yield Cell(f"unit on {title}", venv, pytest(*plugins, f"--ignore={UTILS}"))


def main() -> int:
    """Make the environments, run the cells, tell what could not be had."""
    began = time.monotonic()
    wanted = sys.argv[1:] or list(CORES)
    if unknown := set(wanted) - set(CORES):
        sys.exit(f"matrix: no core {', '.join(sorted(unknown))}; there are {', '.join(CORES)}")
    missing: list[Done] = []
    venvs: dict[str, Path] = {}
    pythons = {f"core-{core}": CORES[core] for core in wanted}
    pythons |= {f"py{python}": python for python in TARGETS}
    for name, python in pythons.items():
        made = environment(name, python)
        if isinstance(made, Path):
            venvs[name] = made
        else:
            print(f"matrix: {name} CANNOT BE HAD: {made}", flush=True)
            missing.append(Done(f"{name} (cannot be had)", 1, 0))
    found = [core for core in wanted if f"core-{core}" in venvs]
    cells = [cell for core in found for cell in cells_of_a_core(venvs[f"core-{core}"], core == found[0])]
    cells += [
        Cell(f"module_utils on Python {name[2:]}, without ansible", venv, pytest(UTILS))
        for name, venv in venvs.items()
        if name.startswith("py")
    ]
    for python, core in TARGETS.items():
        if core in found and f"py{python}" in venvs:
            env = {"TARGET_PYTHON": str(find_python(python))}
            venv = venvs[f"core-{core}"]
            cells.append(Cell(f"hosts with Python {python}", venv, pytest(*ON_TARGETS), env))
            if python == OF_A_MAC and sys.platform.startswith("linux"):
                env = {**env, "IAPEER_TEST_LIKE_A_MAC": "1"}
                cells.append(Cell(f"hosts like a Mac, Python {python}", venv, pytest(*LIKE_A_MAC), env))
    cells.sort(key=lambda cell: not cell.name.startswith("integration"))
    results = side_by_side([cell.command() for cell in cells], int(os.environ.get("JOBS") or 2))
    required = os.environ.get("CI") == "true" or os.environ.get("MATRIX_REQUIRED") == "1"
    return conclude("matrix", [*results, *(missing if required else [])], began)


if __name__ == "__main__":
    sys.exit(main())
