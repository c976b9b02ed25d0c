# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes in an archive is compiled once, and is what it was otherwise."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import zipfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway import packed

FILES = {
    "host/__init__.py": "",
    "host/packed.py": Path(packed.__file__).read_text(encoding="utf-8"),
    "host/work.py": "def fail():\n    raise ValueError('of the packed')\n",
    "host/deep/__init__.py": "SIDE = 'deep'\n",
    "host/deep/work.py": "from . import SIDE\n",
}
# Says what was compiled, where modules say that they are, and by what they were imported.
ENTRY = """
import gc, json, sys
compiled = []
sys.addaudithook(lambda event, given: compiled.append(given[1]) if event == "compile" else None)
sys.path[:0] = sys.argv[1:]
import host.packed
host.packed.begin()
import host.work, host.deep.work, beside
collecting = [gc.isenabled()]
host.packed.end()
collecting.append(gc.isenabled())
files = {name: module.__file__ for name, module in sys.modules.items() if name.split(".")[0] in ("host", "beside")}
loaders = {name: type(sys.modules[name].__loader__).__name__ for name in files}
try:
    host.work.fail()
except ValueError:
    import traceback
    told = traceback.format_exc()
print(json.dumps({"compiled": compiled, "files": files, "loaders": loaders, "told": told, "collecting": collecting}))
"""


@pytest.fixture
def imported(tmp_path: Path) -> dict[str, Any]:
    """What an interpreter says that has taken it over, with another archive beside that."""
    archives = {tmp_path / "payload.zip": FILES, tmp_path / "payload.zip.beside": {"beside.py": "HERE = True\n"}}
    for path, files in archives.items():
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
    done = subprocess.run(
        [sys.executable, "-I", "-c", ENTRY, *map(str, archives)], capture_output=True, text=True, check=True
    )
    said: dict[str, Any] = json.loads(done.stdout)
    return {**said, "root": f"{tmp_path}/payload.zip/"}


def test_every_file_is_compiled_once(imported: dict[str, Any]) -> None:
    counts = Counter(imported["compiled"])
    later = [imported["root"] + name for name in ("host/work.py", "host/deep/__init__.py", "host/deep/work.py")]
    assert {name: counts[name] for name in later} == dict.fromkeys(later, 1)


def test_a_module_is_where_it_always_was(imported: dict[str, Any]) -> None:
    expected = {name[:-3].replace("/", ".").replace(".__init__", ""): imported["root"] + name for name in FILES}
    assert {name: file for name, file in imported["files"].items() if name != "beside"} == expected
    assert "    raise ValueError('of the packed')\n" in imported["told"]


def test_another_archive_is_left_to_python(imported: dict[str, Any]) -> None:
    assert imported["loaders"]["host.deep.work"] == "OnceImporter"
    assert imported["loaders"]["beside"] == "zipimporter"


def test_garbage_is_collected_again_once_all_is_imported(imported: dict[str, Any]) -> None:
    assert imported["collecting"] == [False, True]


def test_without_an_archive_nothing_is_taken_over() -> None:
    before = list(sys.path_hooks), dict(sys.path_importer_cache), gc.isenabled(), gc.get_freeze_count()
    packed.begin()
    packed.end()
    assert (list(sys.path_hooks), dict(sys.path_importer_cache), gc.isenabled(), gc.get_freeze_count()) == before
