# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Templates, launchers and the guide (contract §7)."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.ahead import NOTHING, Ahead
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.bundled import bundled
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.content import doctrines_en, doctrines_ru
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.forms import Forms
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import provider_files, templates
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place


def ensure(place: Place, part: str, check: bool = False, forms: Forms | None = None, **options: Any) -> Any:
    """The module's work, as the module returns it."""
    given = {"part": part, "forms": "auto" if forms else "bundled", **options}
    return provider_files.ensure(place.host(), given, check, Ahead(forms)).as_dict(True)


def newer(place: Place, **forms: Any) -> Forms:
    """The forms of another version."""
    return bundled(place.host(), "a test")._replace(**forms)


def texts(place: Place, locale: str = "en") -> dict[str, str]:
    """The templates on disk."""
    folder = place.config_dir / "templates" / locale
    return {path.name: path.read_text() for path in folder.iterdir()} if folder.exists() else {}


def checksum(name: str) -> str:
    """The checksum of a bundled template."""
    return hashlib.sha256(doctrines_en.TEMPLATES[name].encode()).hexdigest()


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


def test_what_another_version_wrote_is_replaced_by_the_versions_own(place: Place) -> None:
    ensure(place, "templates")
    place.template("index.md", "of an older version\n")
    (place.config_dir / "templates" / "en" / "guide.md").unlink()
    mine = place.template("mine.md", "not ours\n")
    before = place.snapshot()
    foretold = ensure(place, "templates", check=True)
    assert place.snapshot() == before
    done = ensure(place, "templates")
    assert foretold == done
    assert done["detail"] == "written: index.md, guide.md"
    assert done["files"] == {str(mine.with_name(name)): checksum(name) for name in ("index.md", "guide.md")}
    assert done["modes"] == []
    assert texts(place) == {**doctrines_en.TEMPLATES, "mine.md": "not ours\n"}


def test_the_texts_of_a_new_version_come_as_they_are(place: Place) -> None:
    ensure(place, "templates")
    odd = {"index.md": "---\n---\n{{VAULT_PATH}} \udcff\r\n", "auditor.md": "a role that is new\n"}
    done = ensure(place, "templates", forms=newer(place, templates=odd))
    assert done["detail"] == "written: index.md, auditor.md"
    folder = place.config_dir / "templates" / "en"
    assert (folder / "index.md").read_bytes() == b"---\n---\n{{VAULT_PATH}} \xff\r\n"
    assert (folder / "auditor.md").read_text() == "a role that is new\n"
    assert (folder / "scriber.md").read_text() == doctrines_en.TEMPLATES["scriber.md"]


@pytest.mark.parametrize("of_a_version", [None, {"index.md": "learned\n"}])
def test_given_texts_win_over_the_versions_own(place: Place, of_a_version: dict[str, str] | None) -> None:
    forms = newer(place, templates=of_a_version) if of_a_version else None
    ensure(place, "templates", forms=forms)
    done = ensure(place, "templates", forms=forms, templates={"index.md": "given\n"})
    assert done["detail"] == "written: index.md"
    assert texts(place)["index.md"] == "given\n"
    assert not ensure(place, "templates", forms=forms, templates={"index.md": "given\n"})["changed"]
    assert ensure(place, "templates", forms=forms)["detail"] == "written: index.md"


def test_check_mode_leaves_the_texts_to_the_steps_after_it(place: Place) -> None:
    place.template("scriber.md", doctrines_en.TEMPLATES["scriber.md"])
    options = {"part": "templates", "forms": "bundled", "templates": {"index.md": "given\n"}}
    foretold = provider_files.ensure(place.host(), options, True)
    others = {name: text for name, text in doctrines_en.TEMPLATES.items() if name != "scriber.md"}
    ahead = provider_files.leaves(templates.leaves(NOTHING, foretold), foretold)
    assert ahead.templates == {**others, "index.md": "given\n"}
    folder = place.config_dir / "templates" / "en"
    assert ahead.written == {str(folder / name) for name in others}
    assert ahead.sums[str(folder / "guide.md")] == checksum("guide.md")
    provider_files.ensure(place.host(), options, False)
    settled = provider_files.ensure(place.host(), options, True)
    assert provider_files.leaves(templates.leaves(NOTHING, settled), settled) == NOTHING


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


def test_the_gate_is_there_whether_the_timer_is_wanted_or_not(place: Place) -> None:
    """The provider looks for both, whatever the mode."""
    place.configure("IAPEER_MEMORY_MODE=lean")
    assert ensure(place, "launcher")["detail"] == "written: memoryd-launcher.sh, dream-tick-gate.sh"
    place.gate.chmod(0o644)
    assert ensure(place, "launcher")["detail"] == "written: dream-tick-gate.sh"


def test_the_scripts_of_a_version_are_written_as_they_are(place: Place) -> None:
    forms = newer(place, launcher="#!/bin/sh\nexec x\n", gate="")
    done = ensure(place, "launcher", forms=forms)
    assert (done["detail"], list(done["files"])) == ("written: memoryd-launcher.sh", [str(place.launcher)])
    assert (place.launcher.read_bytes(), mode(place.launcher)) == (b"#!/bin/sh\nexec x\n", 0o755)
    assert not place.gate.exists()


def test_what_is_about_to_change_is_told_apart_from_what_only_gets_its_run_bit(place: Place) -> None:
    ensure(place, "launcher")
    place.launcher.chmod(0o644)
    place.gate.write_text("other\n")
    foretold = provider_files.ensure(place.host(), {"part": "launcher", "forms": "bundled"}, True)
    ensure(place, "launcher")
    wanted = hashlib.sha256(place.gate.read_bytes()).hexdigest()
    assert provider_files.leaves(NOTHING, foretold) == Ahead(
        written=frozenset({str(place.gate)}),
        sums={str(place.gate): wanted},
        mended=frozenset({str(place.launcher)}),
    )


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
    assert provider_files.ensure(host, {"part": "launcher", "forms": "bundled"}, False).changed
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


@pytest.mark.parametrize(
    ("form", "given", "wanted"),
    [
        (None, None, doctrines_en.TEMPLATES["guide.md"]),
        ("The version's own.\n", None, "The version's own.\n"),
        ("The version's own.\n", "Notes: {{VAULT_PATH}}.\n", "Notes: {{VAULT_PATH}}.\n"),
    ],
)
def test_a_guide_that_is_there_becomes_the_versions_own_or_the_operators(
    place: Place, form: str | None, given: str | None, wanted: str
) -> None:
    place.write(place.guide, "old\n", 0o640)
    place.guide.parent.chmod(0o755)
    place.template("guide.md", "a template on disk says nothing here\n")
    forms = None if form is None else newer(place, guide=form)
    options = {} if given is None else {"templates": {"guide.md": given}}
    foretold = ensure(place, "guide", check=True, forms=forms, **options)
    assert place.guide.read_text() == "old\n"
    done = ensure(place, "guide", forms=forms, **options)
    assert foretold == done
    assert done["detail"] == (
        "written: iapeer-memory.md, fragments; live sessions get it with: iapeer refresh --all"
    )
    assert place.guide.read_text() == wanted.replace("{{VAULT_PATH}}", str(place.vault))
    assert (mode(place.guide.parent), mode(place.guide)) == (0o700, 0o640)
    again = ensure(place, "guide", forms=forms, **options)
    assert (again["changed"], again["action"], again["detail"]) == (False, "already", "guide in place")


def test_a_version_without_a_guide_leaves_the_one_that_is_there(place: Place) -> None:
    place.write(place.guide, "old\n")
    place.guide.parent.chmod(0o700)
    assert ensure(place, "guide", forms=newer(place, guide=""))["action"] == "already"
    assert place.guide.read_text() == "old\n"


def test_only_the_folder_of_a_right_guide_is_closed(place: Place) -> None:
    place.write(place.guide, "old\n")
    ensure(place, "guide")
    place.guide.parent.chmod(0o750)
    foretold = ensure(place, "guide", check=True)
    done = ensure(place, "guide")
    assert (foretold["changed"], foretold["diff"]) == (done["changed"], done["diff"])
    assert done["diff"][0]["before_header"] == f"{place.guide.parent} (mode 0750)"
    assert done["detail"] == "written: fragments"
    assert mode(place.guide.parent) == 0o700


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
        provider_files.ensure(host, {"part": part, "forms": "bundled"}, check)
    assert problem.value.refused
    assert not place.launcher.exists()


@pytest.mark.parametrize("check", [True, False])
def test_of_a_script_that_is_a_link_only_the_link_goes(place: Place, check: bool) -> None:
    """What it leads to is the operator's, and keeps the folder; the second time nothing is left to do."""
    ensure(place, "launcher")
    shim = place.hooks / "iapeer-memory.post-write.sh"
    for path, target in ((place.launcher, "mine.sh"), (shim, "wrap.sh")):
        place.write(path.with_name(target), "#!/bin/sh\n", 0o755)
        path.unlink(missing_ok=True)
        path.symlink_to(target)
    before = place.snapshot()
    done = ensure(place, "launcher", state="absent", check=check)
    assert (done["action"], done["changed"]) == ("removed", True)
    assert "the folder of the shims" not in done["detail"]
    assert (done["files"], done["modes"]) == (dict.fromkeys(map(str, (place.launcher, place.gate, shim)), ""), [])
    if check:
        assert place.snapshot() == before
        return
    assert [os.path.lexists(path) for path in (place.launcher, place.gate, shim)] == [False] * 3
    assert place.launcher.with_name("mine.sh").exists()
    assert shim.with_name("wrap.sh").exists()
    assert not ensure(place, "launcher", state="absent")["changed"]
