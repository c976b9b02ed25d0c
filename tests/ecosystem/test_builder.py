# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ansible-builder makes a build's context of the execution environment (docs/examples); no image is built."""

from __future__ import annotations

from pathlib import Path

import yaml

from ansible_collections.agfpd.iapeer_memory.tests.ecosystem.conftest import BIN, EXAMPLES, ROOT, command

DEFINITION = EXAMPLES / "execution-environment/execution-environment.yml"


def test_the_builder_accepts_the_definition(tmp_path: Path) -> None:
    done = command([BIN / "ansible-builder", "create", "-f", DEFINITION, "-c", tmp_path / "context", "-v", "3"])
    assert done.returncode == 0, done.stdout + done.stderr
    steps = (tmp_path / "context/Containerfile").read_text(encoding="utf-8")
    wanted = yaml.safe_load(DEFINITION.read_text(encoding="utf-8"))
    assert f'EE_BASE_IMAGE="{wanted["images"]["base_image"]["name"]}"' in steps
    for package in ("ansible_core", "ansible_runner"):
        assert wanted["dependencies"][package]["package_pip"] in steps
    named = yaml.safe_load((tmp_path / "context/_build/requirements.yml").read_text(encoding="utf-8"))
    assert named == wanted["dependencies"]["galaxy"]


def test_it_brings_this_collection_with_a_core_that_it_works_on() -> None:
    wanted = yaml.safe_load(DEFINITION.read_text(encoding="utf-8"))["dependencies"]
    [collection] = wanted["galaxy"]["collections"]
    ours = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))
    assert collection["name"] == f"{ours['repository']}.git"
    tested = (ROOT / "requirements/tools.txt").read_text(encoding="utf-8").splitlines()
    assert [line.replace("2.19.0", "2.19") for line in tested if line.startswith("ansible-core")] == [
        wanted["ansible_core"]["package_pip"]
    ]
