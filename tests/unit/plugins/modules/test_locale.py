# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Modules on a host whose locale names an 8-bit encoding: names are UTF-8 all the same, by whatever way they come."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place

REPOSITORY = Path(__file__).resolve().parents[4]
STEPS: dict[str, dict[str, Any]] = {
    "memory_slot": {"version": "1.4.0", "forms": "bundled"},
    "role_doctrines": {"version": "1.4.0"},
    "wake_policy": {},
    "provider_files": {"part": "launcher", "forms": "bundled"},
    "peer_surfaces": {"forms": "bundled"},
    "memory_host_info": {},
    "host_plan": {"forms": "bundled", "version": "1.4.0"},
}
RUN = """
import json, sys
from ansible_collections.agfpd.iapeer_memory.tests.unit.modules import run_main
done = {name: run_main(name, options) for name, options in json.loads(sys.argv[1]).items()}
print(json.dumps({"encoding": sys.getfilesystemencoding(), "done": done}))
"""


def run_all(place: Place) -> dict[str, Any]:
    """What the modules return, one after the other in a Python of its own."""
    locale = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    own = {**locale, **place.environ(), "PYTHONPATH": str(REPOSITORY / ".tree"), "PATH": os.environ["PATH"]}
    steps = {name: {**options, "iapeer_bin": "/nonexistent"} for name, options in STEPS.items()}
    argv = [sys.executable, "-c", RUN, json.dumps(steps)]
    done = subprocess.run(argv, env=own, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode("utf-8", "replace")
    told: dict[str, Any] = json.loads(done.stdout)
    assert told["encoding"] != "utf-8"
    results: dict[str, Any] = told["done"]
    return results


def test_a_host_with_names_beyond_ascii_is_worked_on_as_in_any_locale(tmp_path: Path) -> None:
    place = Place(tmp_path / "дом")
    vault = place.base / "Заметки"
    vault.mkdir()
    place.write(place.config_file, f"IAPEER_MEMORY_VAULT_PATH={vault}\n")
    index = place.peer("index")
    place.fleet(index=["claude"])
    place.manifest(index=index)
    place.template("index.md", "vault {{VAULT_PATH}}\n")
    place.write_json(index / ".iapeer" / "peer-profile.json", {"personality": "index"})

    before = sorted(os.listdir(os.fsencode(tmp_path)))
    first = run_all(place)
    assert {name: first[name].get("msg") for name in STEPS} == dict.fromkeys(STEPS)
    assert sorted(os.listdir(os.fsencode(tmp_path))) == before  # no second tree under a name of the locale's
    assert json.loads(place.slot.read_bytes())["heartbeat"] == str(place.state / "memoryd.heartbeat")
    assert str(vault).encode() in (index / ".iapeer" / "IAPEER.md").read_bytes()
    assert str(place.hooks).encode() in (index / ".claude" / "settings.json").read_bytes()

    again = run_all(place)
    assert [name for name in STEPS if again[name]["changed"]] == []
    assert again["memory_host_info"]["slot"]["form"] == "v1_2"
