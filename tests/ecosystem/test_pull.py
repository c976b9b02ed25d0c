# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host pulls the collection and brings itself to where it must be (docs/examples/pull), as the units stand."""

from __future__ import annotations

import configparser
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.ecosystem.conftest import (
    BIN,
    EXAMPLES,
    command,
    sandboxed,
    skill,
)
from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import ThrowawayHost, read_json, write
from ansible_collections.agfpd.iapeer_memory.tests.tools.sanity import copy_tracked

PULL = EXAMPLES / "pull"
SERVICE, TIMER = PULL / "iapeer-memory-pull.service", PULL / "iapeer-memory-pull.timer"
ORIGIN = "https://github.com/agfpd/iapeer-memory-ansible.git"
PROGRAMS = ("ansible", "ansible-playbook", "ansible-pull")


def unit(home: Path) -> tuple[list[str], dict[str, str]]:
    """What the service runs for the account with that home: words and environment."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(SERVICE.read_text(encoding="utf-8").replace("\\\n", " ").replace("%h", str(home)))
    service = parser["Service"]
    name, _equals, value = service["Environment"].partition("=")
    return shlex.split(service["ExecStart"]), {name: value}


@pytest.fixture
def account(drifted: ThrowawayHost) -> ThrowawayHost:
    """The host with ansible-core and the inventory where the unit looks for them."""
    for name in PROGRAMS:
        write(drifted.home / ".local/bin" / name, f'#!/bin/sh\nexec {shlex.quote(str(BIN / name))} "$@"\n', 0o755)
    place = drifted.home / ".config/iapeer-memory-pull/hosts.yml"
    place.parent.mkdir(parents=True)
    shutil.copy(PULL / "hosts.yml", place)
    return drifted


@pytest.fixture
def origin(tmp_path: Path) -> str:
    """A repository with all that git tracks here, or would, as its only commit; its address."""
    place = tmp_path / "origin"
    copy_tracked(place)
    commit(place, "--initial")
    return f"file://{place}"


def commit(place: Path, *first: str) -> None:
    """Commit everything."""
    who = ("-c", "user.name=ada", "-c", "user.email=ada@example.net", "-c", "commit.gpgsign=false")
    steps = [("init", "-q")] if first else []
    for words in (*steps, ("add", "--all"), (*who, "commit", "-q", "-m", "all of it")):
        subprocess.run(["git", "-C", str(place), *words], check=True, capture_output=True)


def test_the_units_command_pulls_and_mends_and_then_rests(account: ThrowawayHost, origin: str) -> None:
    words, environment = unit(account.home)
    assert words[words.index("--url") + 1] == ORIGIN
    words[words.index("--url") + 1] = origin
    for state, recap in (("changed", "changed=1"), ("clean", "changed=0")):
        done = command(words, **{**sandboxed(account), "PYTHONPATH": "", **environment})
        assert done.returncode == 0, done.stdout + done.stderr
        fleet = read_json(account.home / ".local/state/iapeer-memory-pull/fleet.json")
        assert [(entry["host"], entry["state"]) for entry in fleet["hosts"]] == [("localhost", state)]
        assert recap in done.stdout
        assert skill(account).exists()
    # What ran is what was pulled, not what the tests run from.
    checkout = Path(environment["ANSIBLE_COLLECTIONS_PATH"]) / "ansible_collections/agfpd/iapeer_memory"
    assert (checkout / ".git").is_dir()
    (Path(origin.removeprefix("file://")) / "playbooks/update.yml").write_text("- hosts: all\n  tasks: nonsense\n")
    commit(Path(origin.removeprefix("file://")))
    done = command(words, **{**sandboxed(account), "PYTHONPATH": "", **environment})
    assert done.returncode != 0
    assert "nonsense" in (checkout / "playbooks/update.yml").read_text(encoding="utf-8")


def test_systemd_has_nothing_to_say_against_the_units(account: ThrowawayHost) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd-analyze is needed")
    folder = account.home / ".config/systemd/user"
    folder.mkdir(parents=True)
    for path in (SERVICE, TIMER):
        shutil.copy(path, folder)
    names = [str(folder / path.name) for path in (SERVICE, TIMER)]
    home = str(account.home)
    done = command(["systemd-analyze", "--user", "verify", *names], HOME=home, XDG_RUNTIME_DIR=home)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "iapeer-memory-pull" in line]
    assert ours == []
    assert done.returncode == 0, done.stdout + done.stderr
