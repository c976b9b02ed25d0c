# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What comes from the controller: the provider's binary, and templates and skills of the operator's own."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import diff, install_provider, write
from ansible_collections.agfpd.iapeer_memory.tests.integration.conftest import Build, Gather

pytestmark = pytest.mark.slow

OWN_PLAY = """\
- hosts: all
  gather_facts: false
  tasks:
    - import_role: {name: agfpd.iapeer_memory.host, tasks_from: update}
      vars:
        iapeer_memory_binary_src: iapeer-memory
        iapeer_memory_templates_src: texts
        iapeer_memory_skills_src: skills
"""


def test_a_new_binary_is_installed_declared_and_run(build: Build, gather: Gather, tmp_path: Path) -> None:
    """On a host that has none, and on one whose binary is a link within its home and whose memoryd runs."""
    new = install_provider(tmp_path / "iapeer-memory", "1.3.0")
    new.chmod(0o600)
    bare, linked = build(form="absent", peers=[]), build(form="v1_2", peers=[])
    bare.provider_bin.unlink()
    store = linked.home / "opt" / "iapeer-memory"
    store.parent.mkdir()
    linked.provider_bin.rename(store)
    linked.provider_bin.symlink_to("../../opt/iapeer-memory")
    linked.start_notifier(via="launcher")
    old_pid = linked.wait_daemon()
    before = bare.snapshot(times=True), linked.snapshot(times=True)
    fleet = gather(bare=bare, linked=linked)

    looked = fleet.update("--check", iapeer_memory_binary_src=str(new))
    assert looked.rc == 0, looked.output
    assert [looked.statuses(name)["binary"] for name in ("bare", "linked")] == ["changed", "changed"]
    assert diff(before[0], bare.snapshot(times=True)) == []
    assert diff(before[1], linked.snapshot(times=True)) == []
    assert looked.statuses("linked")["memoryd"] == "changed"
    assert looked.rows("bare")["slot"] == ("changed", "declared v1.3.0")

    landed = fleet.update(iapeer_memory_binary_src=str(new))
    assert landed.rc == 0, landed.output
    assert [looked.statuses(name) for name in ("bare", "linked")] == [
        landed.statuses(name) for name in ("bare", "linked")
    ]
    assert landed.rows("bare")["binary"] == ("changed", f"{bare.provider_bin} installed")
    assert landed.rows("linked")["binary"] == ("changed", f"{linked.provider_bin} replaced")
    for host in (bare, linked):
        assert host.provider("version").stdout == "iapeer-memory 1.3.0\n"
        assert host.provider_bin.stat().st_mode & 0o7777 == 0o755
        assert host.slot()["version"] == "1.3.0"
        doctrine = (host.peer("index") / ".iapeer/IAPEER.md").read_text(encoding="utf-8")
        assert doctrine.startswith("<!-- iapeer-memory doctrine v1.3.0 -->\n")
    assert os.readlink(linked.provider_bin) == "../../opt/iapeer-memory"
    assert store.read_bytes() == new.read_bytes()
    new_pid = linked.daemon_pid()
    assert new_pid not in (None, old_pid)
    idle = landed.rows("bare")["memoryd"]
    assert (idle.status, idle.detail.partition(":")[0]) == ("skip", "memoryd is not running, the notifier starts it")

    settled = linked.snapshot(times=True)
    rested = fleet.update("--limit", "linked", iapeer_memory_binary_src=str(new))
    assert rested.recap["linked"]["changed"] == 0
    assert diff(settled, linked.snapshot(times=True)) == []
    assert linked.daemon_pid() == new_pid


def test_templates_and_skills_of_the_operators_own_are_used(build: Build, gather: Gather, tmp_path: Path) -> None:
    """Given texts win over the version's, which replace all others; check mode shows the same."""
    own = tmp_path / "own"
    write(own / "templates/en/scriber.md", "---\nname: scriber\n---\n# our scriber\n\nReads {{VAULT_PATH}}.\n")
    write(own / "skills/iapeer-memory-init/SKILL.md", "---\nname: iapeer-memory-init\n---\nOurs.\n")
    host = build(form="v1_2", peers=[], templates=True)
    older = (host.templates_dir / "index.md").read_bytes()
    fleet = gather(host)
    options = {
        "iapeer_memory_templates_src": str(own / "templates"),
        "iapeer_memory_skills_src": str(own / "skills"),
        "iapeer_memory_restart": "never",
    }
    looked, landed = fleet.update("--check", "--diff", "-v", **options), fleet.update(**options)
    assert landed.rc == 0, landed.output
    assert looked.statuses() == landed.statuses()
    assert f"+Reads {host.vault}." in looked.stdout
    assert landed.rows()["templates"].detail.startswith("written: ")
    assert (host.templates_dir / "index.md").read_bytes() != older
    assert (host.templates_dir / "scriber.md").read_bytes() == (own / "templates/en/scriber.md").read_bytes()
    assert (host.peer("scriber") / ".iapeer/IAPEER.md").read_text(encoding="utf-8") == (
        f"<!-- iapeer-memory doctrine v1.1.0 -->\n# our scriber\n\nReads {host.vault}.\n"
    )
    skills = host.peer("index") / ".claude/skills"
    assert (skills / "iapeer-memory-init/SKILL.md").read_text(encoding="utf-8").endswith("Ours.\n")
    assert not (skills / "iapeer-memory-distill").exists()


def test_a_relative_path_leads_to_the_files_beside_the_playbook(build: Build, gather: Gather, tmp_path: Path) -> None:
    files = tmp_path / "own/files"
    install_provider(files / "iapeer-memory", "1.3.0")
    write(files / "texts/en/scriber.md", "# our scriber\n")
    write(files / "skills/iapeer-memory-init/SKILL.md", "Ours.\n")
    write(tmp_path / "own/play.yml", OWN_PLAY)
    host = build(form="v1_2", peers=[], templates=True)
    looked = gather(host).run(str(tmp_path / "own/play.yml"), "--check", "--diff", "-v")
    assert looked.rc == 0, looked.output
    assert looked.rows()["binary"] == ("changed", f"{host.provider_bin} replaced")
    assert looked.rows()["templates"].status == "changed"
    assert "+# our scriber" in looked.stdout
    assert "+Ours." in looked.stdout
