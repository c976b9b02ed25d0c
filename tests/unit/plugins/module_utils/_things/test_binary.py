# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider's binary (contract §9): what it says of itself, and how it is replaced."""

from __future__ import annotations

import hashlib
import os
import socket
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import Egress, Outcome
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.files import Tree
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.ahead import NOTHING
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import Host, open_host
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.results import Result
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look.steps import STEPS
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import binary
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things.binary import (
    Told,
    binary_version,
    told_version,
)
from ansible_collections.agfpd.iapeer_memory.tests.unit.fakes import REFUSED, Call, transcript
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place

# What it says of itself


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("1.4.0\n", "1.4.0"),
        ("1.10\n", "1.10"),
        ("v2.0.0-rc.1 (linux)\n", "2.0.0-rc.1"),
        ("iapeer-memory 1.4.0\n", "1.4.0"),
        ("iapeer-memory 1.10.3, built today", "1.10.3"),
        ("iapeer-memory: version 1.2.3+build.5\r\n", "1.2.3+build.5"),
        ("@agfpd/iapeer-memory@0.4.17 linux-x64 node-v22.1.0", "0.4.17"),
        ("/home/ada/.local/bin/iapeer-memory version 1.4.0.", "1.4.0"),
        # Colours
        ("\x1b[32miapeer-memory\x1b[0m \x1b[1;38;5;3m0.4.17\x1b[0m\n", "0.4.17"),
        ("\x1b]0;title\x07\x1b[?25l\x9b1m0.4.17\x9b0m\x1b[?25h\n", "0.4.17"),
        # Warnings
        ("(node:1) Warning: Node 18.0.0 is old\niapeer-memory 0.4.17\n", "0.4.17"),
        ("0.4.17\niapeer-memory 0.4.18 is there: run update\n", "0.4.17"),
        # JSON
        ('{"name":"iapeer-memory","version":"0.4.17"}\n', "0.4.17"),
        ('warn: {not json} 3.1\n{\n  "version": "v1.10"\n}\n', "1.10"),
        ('{"node":{"version":"18.0.0"},"version":"1.2.3"}', "1.2.3"),
        ('"1.4.0"\n', "1.4.0"),
    ],
)
def test_a_version_is_found_among_what_is_printed_around_it(printed: str, version: str) -> None:
    assert told_version(printed) == version


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "iapeer-memory\n",
        "7\n",
        "done in 0.3 s\n",
        "curl 8.5.0 (x86_64)\n",
        "127.0.0.1:8766 does not answer\n",
        "1..2",
        "1.4.0-",
        "1.4.0-rc.1..2",
        "1.4.0 -->\n",
        "0.4.17\n0.4.18\n",
        "iapeer-memory 1.0.0\niapeer-memory 2.0.0\n",
        '{"version": 1.1}',
        '{"node":{"version":"18.0.0"}}',
        '{"version": "newest"}',
        "1." + "1" * 200,
        "{" * 70000,
        '{"a":' * 20000,
    ],
)
def test_what_is_no_version_is_none(printed: str) -> None:
    assert told_version(printed) == ""


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Outcome(0, "iapeer-memory 1.4.0\n"), Told("1.4.0")),
        (Outcome(0, "hm\n"), Told("", "{path} tells no version: hm")),
        (Outcome(1, "1.4.0\n", "broken\n"), Told("", "{path} tells no version: broken")),
        (REFUSED, Told("", "{path} tells no version: refused by the sandbox: iapeer was not named", True)),
    ],
)
def test_the_binary_is_asked_and_its_silence_explained(place: Place, outcome: Outcome, told: Told) -> None:
    with transcript(Call("iapeer-memory", ("version",), outcome)) as egress:
        found = binary_version(place.host(egress))
    assert found == told._replace(problem=told.problem.format(path=place.binary))


def test_a_binary_that_is_not_there_is_not_asked(place: Place) -> None:
    place.binary.unlink()
    assert binary_version(place.host()) == Told("", f"no binary at {place.binary}")


# How it is replaced

SPEAKS = '#!/bin/sh\n[ "$*" = version ] && echo "iapeer-memory 2.0.0"\n'


def checksum(text: str) -> str:
    """What a new binary is announced with."""
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.fixture
def source(place: Place) -> Path:
    """A new binary that has been brought to the host."""
    return place.write(place.base / "brought" / "source", SPEAKS, 0o600)


def ensure(place: Place, source: Path | None, check: bool = False, text: str = SPEAKS, **options: Any) -> Result:
    """The module's work, with programs that really run."""
    given = {"checksum": checksum(text), "src": None if source is None else str(source), **options}
    return binary.ensure(place.host(Egress(Sandbox({}))), given, check)


def test_a_new_binary_takes_the_name_and_the_old_one_is_kept_beside_it(place: Place, source: Path) -> None:
    place.binary.chmod(0o700)
    before = place.snapshot()
    foretold = ensure(place, source, check=True)
    assert place.snapshot() == before
    done = ensure(place, source)
    assert foretold == done
    previous = place.binary.with_name("iapeer-memory.previous")
    assert (place.binary.read_text(), place.binary.stat().st_mode & 0o7777) == (SPEAKS, 0o755)
    assert (previous.read_text(), previous.stat().st_mode & 0o7777) == ("#!/bin/sh\n", 0o700)
    assert (done.changed, done.action, done.detail) == (True, "replaced", f"{place.binary} replaced")
    assert done.data == {"needed": True, "version": "2.0.0", "previous": str(previous)}
    assert sorted(path.name for path in place.binary.parent.iterdir()) == ["iapeer-memory", "iapeer-memory.previous"]
    settled = place.snapshot()
    again = ensure(place, source)
    assert (again.changed, again.action, again.diff) == (False, "already", [])
    assert place.snapshot() == settled


def test_what_was_kept_before_gives_way_to_the_one_that_is_replaced_now(place: Place, source: Path) -> None:
    previous = place.write(place.binary.with_name("iapeer-memory.previous"), "older still\n")
    ensure(place, source)
    assert previous.read_text() == "#!/bin/sh\n"


def occupied(place: Place, previous: Path, how: str) -> None:
    """Something stands where the binary that is replaced would be kept."""
    theirs = place.write(place.home / "notes.txt", "precious\n")
    if how == "folder":
        previous.mkdir()
    elif how == "FIFO":
        os.mkfifo(previous)
    elif how == "socket":
        with socket.socket(socket.AF_UNIX) as server:
            os.chdir(previous.parent)
            server.bind(previous.name)
    elif how == "loop":
        previous.symlink_to(previous.name)
    elif how == "dangling":
        previous.symlink_to("nothing")
    elif how == "link out":
        previous.symlink_to(place.base / "brought" / "source")
    else:
        previous.symlink_to(theirs)


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("how", ["link", "link out", "dangling", "loop", "folder", "FIFO", "socket"])
def test_where_the_old_one_cannot_be_kept_nothing_is_touched_and_check_mode_says_the_same(
    place: Place, source: Path, monkeypatch: pytest.MonkeyPatch, how: str, check: bool
) -> None:
    monkeypatch.chdir(place.base)
    previous = place.binary.with_name("iapeer-memory.previous")
    occupied(place, previous, how)
    before = place.snapshot()
    with pytest.raises(Problem) as problem:
        ensure(place, source, check)
    assert problem.value.path == str(previous)
    if previous.is_symlink():
        assert problem.value.reason == "a link stands where the previous binary is kept: remove it"
        with pytest.raises(Problem):
            ensure(place, None, check, state="previous")
    assert place.snapshot() == before


def test_a_host_without_a_binary_gets_one(place: Place, source: Path) -> None:
    place.binary.unlink()
    place.binary.parent.rmdir()
    done = ensure(place, source)
    assert (done.action, done.data["previous"]) == ("installed", "")
    assert [path.name for path in place.binary.parent.iterdir()] == ["iapeer-memory"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("#!/bin/sh\necho nonsense\n", "nonsense"),
        ("#!/bin/sh\necho 'iapeer-memory 2.0.0'\nexit 3\n", "iapeer-memory 2.0.0"),
        ("#!/bin/sh\necho broken >&2; exit 1\n", "broken"),
        ("#!/bin/sh\n:\n", "exit code 0"),
        ("#!/no/such/interpreter\n", "no such file or directory"),
        ("\x7fELF of another machine", ""),
    ],
)
@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("there", [True, False])
def test_a_binary_that_does_not_work_is_refused_and_the_old_one_stays(
    place: Place, source: Path, text: str, complaint: str, check: bool, there: bool
) -> None:
    source.write_text(text)
    if not there:
        place.binary.unlink()
    before = place.snapshot()
    with pytest.raises(Problem) as problem:
        ensure(place, source, check, text)
    assert place.snapshot() == before
    word = "replaced" if there else "installed"
    assert str(problem.value).startswith(f"{place.binary}: not {word}: the new one tells no version: ")
    assert complaint in str(problem.value).lower()


def test_the_new_binary_sees_nothing_of_the_host_when_it_is_asked(place: Place, source: Path) -> None:
    asked = ensure_fails(place, source, "#!/bin/sh\necho \"$HOME $IAPEER_ROOT $IAPEER_TEST_SANDBOX $(pwd)\"\n")
    home, root, armed, folder = asked.rpartition(": ")[2].split()
    assert armed == "1"
    assert home == root == folder
    assert not home.startswith(str(place.base))
    assert not Path(home).exists()


def ensure_fails(place: Place, source: Path, text: str) -> str:
    """What is said of a binary that is refused."""
    source.write_text(text)
    with pytest.raises(Problem) as problem:
        ensure(place, source, text=text)
    return str(problem.value)


@pytest.mark.parametrize("check", [True, False])
def test_a_file_that_is_not_the_one_that_was_announced_is_not_run(place: Place, source: Path, check: bool) -> None:
    source.write_text(f"#!/bin/sh\ntouch {place.base}/ran\necho 2.0.0\n")
    before = place.snapshot()
    with pytest.raises(Problem, match="is not the file that was announced"):
        ensure(place, source, check)
    assert place.snapshot() == before


@pytest.mark.parametrize("check", [True, False])
def test_without_the_file_it_is_said_whether_it_is_needed(place: Place, check: bool) -> None:
    before = place.snapshot()
    done = ensure(place, None, check)
    assert (done.changed, done.data["needed"], done.data["version"]) == (True, True, "")
    assert place.snapshot() == before


def test_a_lost_run_bit_is_repaired_and_nothing_is_kept_for_it(place: Place, source: Path) -> None:
    place.write(place.binary, SPEAKS, 0o600)
    written = place.binary.stat().st_mtime_ns
    done = ensure(place, source)
    assert (done.action, done.data) == ("mended", {"needed": False, "version": "2.0.0", "previous": ""})
    assert place.binary.stat().st_mode & 0o7777 == 0o755
    assert place.binary.stat().st_mtime_ns == written
    assert not place.binary.with_name("iapeer-memory.previous").exists()


def test_what_lost_its_run_bit_is_asked_who_it_is_before_it_has_it_again(place: Place, source: Path) -> None:
    """The steps after it are planned for that version, with no restart: the bytes are the same."""
    place.write(place.binary, SPEAKS, 0o600)
    before = place.snapshot()
    foretold = ensure(place, source, check=True)
    assert (foretold.action, foretold.data["version"]) == ("mended", "2.0.0")
    ahead = STEPS["binary"].leaves(NOTHING, foretold, place.host())
    assert (ahead.version, ahead.mended, ahead.written) == ("2.0.0", {str(place.binary)}, frozenset())
    assert place.snapshot() == before


@pytest.mark.parametrize("check", [True, False])
def test_what_lost_its_run_bit_and_does_not_work_is_left_as_it_is(place: Place, source: Path, check: bool) -> None:
    mute = "#!/bin/sh\n"
    place.write(place.binary, mute, 0o600)
    before = place.snapshot()
    with pytest.raises(Problem, match="not mended: it tells no version"):
        ensure(place, source, check, mute)
    assert place.snapshot() == before


@pytest.mark.parametrize("check", [True, False])
def test_one_that_is_removed_has_no_version_any_more(place: Place, check: bool) -> None:
    done = ensure(place, None, check, state="absent")
    assert (done.action, done.data) == ("removed", {"needed": False, "version": "", "previous": ""})
    assert place.binary.exists() == check


def test_a_link_stays_a_link_and_the_file_behind_it_is_replaced(place: Place, source: Path) -> None:
    store = place.write(place.home / "opt" / "iapeer-memory", "#!/bin/sh\n", 0o755)
    place.binary.unlink()
    place.binary.symlink_to("../../opt/iapeer-memory")
    ensure(place, source)
    assert place.binary.is_symlink()
    assert store.read_text() == SPEAKS
    assert place.binary.with_name("iapeer-memory.previous").read_text() == "#!/bin/sh\n"


def test_a_kill_between_keeping_and_replacing_leaves_the_old_one_under_the_name(
    place: Place, source: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy_in, calls = Tree.copy_in, []

    def dying(tree: Tree, name: str, *arguments: Any) -> None:
        calls.append(name)
        if len(calls) == 3:
            raise KeyboardInterrupt
        copy_in(tree, name, *arguments)

    monkeypatch.setattr(Tree, "copy_in", dying)
    with pytest.raises(KeyboardInterrupt):
        ensure(place, source)
    assert calls == ["iapeer-memory", ".local/bin/iapeer-memory.previous", ".local/bin/iapeer-memory"]
    assert place.binary.read_text() == "#!/bin/sh\n"
    assert place.binary.with_name("iapeer-memory.previous").read_text() == "#!/bin/sh\n"


def test_in_the_sandbox_a_binary_that_nobody_named_is_skipped(place: Place, source: Path) -> None:
    environ = place.environ(IAPEER_TEST_SANDBOX="1", IAPEER_MEMORY_VAULT_PATH=str(place.vault))
    sandbox = Sandbox(environ, real_home="/nonexistent")
    host = place.host(environ=environ, sandbox=sandbox)._replace(egress=Egress(sandbox))
    options = {"checksum": checksum(SPEAKS), "src": str(source)}
    with pytest.raises(Problem) as problem:
        binary.ensure(host, options, False)
    assert problem.value.refused
    assert place.binary.read_text() == "#!/bin/sh\n"
    named = place.host(environ=environ, sandbox=sandbox, binary_path=str(place.binary))
    assert binary.ensure(named._replace(egress=Egress(sandbox)), options, False).changed


def test_what_the_new_one_wants_is_told_to_the_steps_after_it(place: Place, source: Path) -> None:
    done = ensure(place, source, check=True, forms="bundled")
    assert done.data["forms"].origin == "bundled"
    assert "forms" not in ensure(place, source, check=True).data


# The one before


def test_the_previous_one_takes_its_name_again(place: Place) -> None:
    old = place.write(place.binary.with_name("iapeer-memory.previous"), "#!/bin/sh\necho 1.4.0\n", 0o700)
    place.write(place.binary, "#!/bin/sh\necho 2.0.0\n", 0o755)
    host = open_host({}, place.environ())
    foretold = ensure_with(host, True, state="previous")
    assert old.exists()
    done = ensure_with(host, False, state="previous")
    assert foretold == done
    assert (done.changed, done.action, done.data["version"]) == (True, "taken_back", "1.4.0")
    assert done.detail == f"{place.binary} is the previous one again, version 1.4.0"
    assert (place.binary.read_text(), place.binary.stat().st_mode & 0o7777) == ("#!/bin/sh\necho 1.4.0\n", 0o700)
    assert sorted(path.name for path in place.binary.parent.iterdir()) == ["iapeer-memory"]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [("#!/bin/sh\necho 'libx: cannot open' >&2\nexit 127\n", "libx: cannot open"), ("#!/bin/sh\n:\n", "exit code 0")],
)
@pytest.mark.parametrize("check", [True, False])
def test_a_previous_one_that_does_not_work_does_not_get_the_name(
    place: Place, check: bool, text: str, complaint: str
) -> None:
    old = place.write(place.binary.with_name("iapeer-memory.previous"), text, 0o755)
    before = place.snapshot()
    with pytest.raises(Problem) as problem:
        ensure_with(open_host({}, place.environ()), check, state="previous")
    assert str(problem.value) == f"{old}: the previous one tells no version: {complaint}; the new one stays"
    assert place.snapshot() == before


def test_without_a_previous_one_there_is_nothing_to_take_back(place: Place) -> None:
    before = place.binary.read_bytes()
    for check in (True, False):
        with pytest.raises(Problem, match="no previous binary is kept: nothing to take back"):
            ensure_with(open_host({}, place.environ()), check, state="previous")
    assert place.binary.read_bytes() == before


def ensure_with(host: Host, check: bool, **options: str) -> Result:
    return binary.ensure(host, options, check)
