# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates, launchers and the guide (contract §7)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.content import doctrines_en, doctrines_ru
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import provider_files
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place


def ensure(place: Place, part: str, check: bool = False, **options: Any) -> dict[str, Any]:
    """The module's work."""
    return provider_files.ensure(place.host(), {"part": part, **options}, check)


def texts(place: Place, locale: str = "en") -> dict[str, str]:
    """The templates on disk."""
    folder = place.config_dir / "templates" / locale
    return {path.name: path.read_text() for path in folder.iterdir()} if folder.exists() else {}


def mode(path: Path) -> int:
    """The permission bits of a file."""
    return path.stat().st_mode & 0o777


# Templates


@pytest.mark.parametrize(("locale", "bundled"), [("en", doctrines_en.TEMPLATES), ("ru", doctrines_ru.TEMPLATES)])
def test_missing_templates_are_filled_in_the_language_of_the_host(
    place: Place, locale: str, bundled: dict[str, str]
) -> None:
    place.configure(f"IAPEER_MEMORY_LOCALE={locale}")
    done = ensure(place, "templates")
    assert (done["changed"], done["action"]) == (True, "written")
    assert texts(place, locale) == dict(bundled)
    assert set(bundled) == {"index.md", "scriber.md", "dreamweaver.md", "guide.md"}
    again = ensure(place, "templates")
    assert (again["changed"], again["action"], again["detail"]) == (False, "already", "templates in place")


def test_what_the_provider_wrote_is_never_replaced_by_bundled_texts(place: Place) -> None:
    place.template("index.md", "theirs")
    place.template("guide.md", "")
    done = ensure(place, "templates")
    assert done["detail"] == "written: scriber.md, dreamweaver.md"
    assert (texts(place)["index.md"], texts(place)["guide.md"]) == ("theirs", "")


def test_given_texts_replace_what_is_there(place: Place) -> None:
    ensure(place, "templates")
    done = ensure(place, "templates", templates={"index.md": "given\n"})
    assert done["detail"] == "written: index.md"
    assert texts(place)["index.md"] == "given\n"
    assert not ensure(place, "templates", templates={"index.md": "given\n"})["changed"]


def test_check_mode_hands_on_the_texts_that_would_be_there(place: Place) -> None:
    foretold = ensure(place, "templates", check=True, templates={"index.md": "given\n"})
    assert texts(place) == {}
    assert foretold["pending"] == {**doctrines_en.TEMPLATES, "index.md": "given\n"}
    done = ensure(place, "templates", templates={"index.md": "given\n"})
    assert done["pending"] == {}
    assert {**foretold, "pending": {}} == done


@pytest.mark.parametrize(
    ("templates", "message"),
    [
        ({"other.md": "x"}, "templates: 'other.md' is none of index.md, scriber.md, dreamweaver.md, guide.md"),
        ({"../index.md": "x"}, "templates: '../index.md' is none of"),
        ({"index.md": 5}, "templates: index.md must be text"),
        ({"index.md": None}, "templates: index.md must be text"),
    ],
)
@pytest.mark.parametrize("check", [True, False])
def test_wrong_templates_are_one_clear_message_and_nothing_is_written(
    place: Place, templates: dict[str, Any], message: str, check: bool
) -> None:
    with pytest.raises(Problem) as problem:
        ensure(place, "templates", check, templates=templates)
    assert str(problem.value).startswith(message)
    assert texts(place) == {}


def test_templates_need_a_host_that_is_provisioned(place: Place) -> None:
    place.vault.rmdir()
    with pytest.raises(Problem, match="not provisioned"):
        ensure(place, "templates")


# Launcher and gate


def test_launcher_and_gate_are_written_to_be_run(place: Place) -> None:
    done = ensure(place, "launcher")
    assert done["detail"] == "written: memoryd-launcher.sh, dream-tick-gate.sh"
    assert place.launcher.read_text().splitlines()[-1] == f'exec "{place.binary}" memoryd'
    assert place.gate.read_text().splitlines()[-1] == f'exec "{place.binary}" dream-collect --gate'
    assert (mode(place.launcher), mode(place.gate)) == (0o755, 0o755)
    before = place.snapshot()
    assert not ensure(place, "launcher")["changed"]
    assert place.snapshot() == before


@pytest.mark.parametrize("lines", [["IAPEER_MEMORY_MODE=lean"], ["IAPEER_MEMORY_PROACTIVE_DREAMWEAVER=0"]])
def test_the_gate_is_written_only_where_the_timer_is_wanted(place: Place, lines: list[str]) -> None:
    place.configure(*lines)
    ensure(place, "launcher")
    assert place.launcher.exists()
    assert not place.gate.exists()


@pytest.mark.parametrize("bits", [0o644, 0o600, 0o777, 0o700])
def test_a_lost_run_bit_is_repaired_and_shown(place: Place, bits: int) -> None:
    ensure(place, "launcher")
    place.launcher.chmod(bits)
    written = place.launcher.stat().st_mtime_ns
    foretold = ensure(place, "launcher", check=True)
    assert mode(place.launcher) == bits
    done = ensure(place, "launcher")
    assert (done["changed"], done["diff"]) == (foretold["changed"], foretold["diff"])
    (diff,) = done["diff"]
    assert diff["before_header"] == f"{place.launcher} (mode {bits:04o})"
    assert diff["after_header"] == f"{place.launcher} (mode 0755)"
    assert diff["before"] == diff["after"]
    assert mode(place.launcher) == 0o755
    assert place.launcher.stat().st_mtime_ns == written


def test_another_text_is_replaced_and_can_be_run_then(place: Place) -> None:
    place.write(place.launcher, "#!/bin/sh\n", 0o644)
    assert ensure(place, "launcher")["changed"]
    assert (mode(place.launcher), place.launcher.read_text()[:19]) == (0o755, "#!/usr/bin/env bash")


def test_the_launcher_names_a_moved_binary(place: Place) -> None:
    ensure(place, "launcher")
    host = place.host(binary_path="/opt/a$b/iapeer-memory")
    assert provider_files.ensure(host, {"part": "launcher"}, False)["changed"]
    assert place.launcher.read_text().splitlines()[-1] == 'exec "/opt/a\\$b/iapeer-memory" memoryd'


def test_the_launcher_needs_no_vault(place: Place) -> None:
    place.vault.rmdir()
    assert ensure(place, "launcher")["changed"]


def test_a_folder_in_place_of_the_launcher_is_refused(place: Place) -> None:
    place.launcher.mkdir()
    with pytest.raises(Problem, match="a directory stands where a file belongs"):
        ensure(place, "launcher", check=True)


# The guide


def test_without_a_guide_there_stays_none(place: Place) -> None:
    done = ensure(place, "guide")
    assert (done["changed"], done["action"], done["detail"]) == (False, "skipped", "no guide on this host: left so")
    assert not place.guide.parent.exists()


@pytest.mark.parametrize("template", ["Notes: {{VAULT_PATH}}.\n", None])
def test_a_guide_that_is_there_is_rewritten_from_its_template(place: Place, template: str | None) -> None:
    place.write(place.guide, "old\n", 0o640)
    place.guide.parent.chmod(0o755)
    if template is not None:
        place.template("guide.md", template)
    done = ensure(place, "guide")
    assert done["detail"] == "written: iapeer-memory.md, fragments"
    text = place.guide.read_text()
    assert text == (template or doctrines_en.TEMPLATES["guide.md"]).replace("{{VAULT_PATH}}", str(place.vault))
    assert (mode(place.guide.parent), mode(place.guide)) == (0o700, 0o640)
    assert "{{" not in text
    again = ensure(place, "guide")
    assert (again["changed"], again["action"]) == (False, "already")


def test_only_the_folder_of_a_right_guide_is_closed(place: Place) -> None:
    place.write(place.guide, "old\n")
    ensure(place, "guide")
    place.guide.parent.chmod(0o750)
    foretold = ensure(place, "guide", check=True)
    done = ensure(place, "guide")
    assert (foretold["changed"], foretold["diff"]) == (done["changed"], done["diff"])
    assert done["diff"][0]["before_header"] == f"{place.guide.parent} (mode 0750)"
    assert mode(place.guide.parent) == 0o700


def test_a_guide_about_to_be_written_counts_in_check_mode(place: Place) -> None:
    place.write(place.guide, "old\n")
    place.template("guide.md", "older template\n")
    (diff,) = [item for item in ensure(place, "guide", True, templates={"guide.md": "new\n"})["diff"] if item["after"]]
    assert diff["after"] == "new\n"


def test_a_given_guide_that_is_no_text_is_refused(place: Place) -> None:
    place.write(place.guide, "old\n")
    with pytest.raises(Problem, match=r"templates: guide\.md must be text"):
        ensure(place, "guide", templates={"guide.md": 5})


def test_a_guide_needs_a_host_that_is_provisioned(place: Place) -> None:
    place.write(place.guide, "old\n")
    place.vault.rmdir()
    with pytest.raises(Problem, match="not provisioned"):
        ensure(place, "guide")
    assert place.guide.read_text() == "old\n"


@pytest.mark.parametrize("part", ["launcher", "templates"])
@pytest.mark.parametrize("check", [True, False])
def test_the_sandbox_refuses_the_live_files(place: Place, part: str, check: bool) -> None:
    environ = place.environ(IAPEER_TEST_SANDBOX="1", IAPEER_MEMORY_VAULT_PATH=str(place.vault))
    host = place.host(environ=environ, sandbox=Sandbox(environ, real_home=str(place.home)))
    with pytest.raises(Problem) as problem:
        provider_files.ensure(host, {"part": part}, check)
    assert problem.value.refused
    assert not place.launcher.exists()
