# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox decision: what arms it, which paths it closes, and that no spelling leads around it."""

from __future__ import annotations

import os
import pwd
import unicodedata
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway import sandbox as sandbox_module
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.files import Files, Tree
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import SWITCHES, Sandbox

ARMED = {"IAPEER_TEST_SANDBOX": "1"}
ACCOUNT_HOME = pwd.getpwuid(os.getuid()).pw_dir
# Outside every temp dir: nothing is made there, a sandbox only thinks about the name.
ELSEWHERE = "/srv/somewhere"


def fenced(real_home: str = "/home/somebody", **environ: str) -> Sandbox:
    """An armed sandbox of an account with that home."""
    return Sandbox({**ARMED, **environ}, real_home)


@pytest.mark.parametrize("switch", ["IAPEER_TEST_SANDBOX", "IAPEER_MEMORY_SUPPRESS_IAP_SEND"])
def test_either_switch_arms(switch: str) -> None:
    assert switch in SWITCHES
    assert Sandbox({switch: "1"}).armed
    assert Sandbox({switch: "1"}).refuses("/srv/somewhere/file")


@pytest.mark.parametrize("value", ["", "0", "true", "yes", " 1", "1 ", "11", "01"])
@pytest.mark.parametrize("switch", SWITCHES)
def test_nothing_but_the_value_1_arms(switch: str, value: str) -> None:
    assert not Sandbox({switch: value}).armed


def test_one_switch_that_is_off_does_not_disarm_the_other() -> None:
    assert Sandbox({SWITCHES[0]: "0", SWITCHES[1]: "1"}).armed
    assert Sandbox({SWITCHES[0]: "1", SWITCHES[1]: "0"}).armed


def test_unarmed_refuses_and_hides_nothing() -> None:
    sandbox = Sandbox({}, "/home/somebody")
    assert sandbox.refuses("/home/somebody/.iapeer/memory-provider.json") is None
    assert not sandbox.hides("/home/somebody/.iapeer/memory-provider.json")
    sandbox.check("/home/somebody/.claude/settings.json")


def test_the_decision_is_taken_once() -> None:
    environ = dict(ARMED)
    sandbox = Sandbox(environ, "/home/somebody")
    environ.clear()
    assert sandbox.refuses("/home/somebody/.iapeer/x")


@pytest.mark.parametrize(
    "name",
    [
        ".iapeer",
        ".iapeer/memory-provider.json",
        ".iapeer/state/iapeer-memory/fleet.json",
        ".claude/settings.json",
        ".codex/config.toml",
        "Library/Mobile Documents",
        "Library/Mobile Documents/vault/note.md",
    ],
)
def test_the_live_account_is_refused_and_hidden(name: str) -> None:
    path = f"/home/somebody/{name}"
    assert "refused by the sandbox: under the live" in (fenced().refuses(path) or "")
    assert fenced().hides(path)
    with pytest.raises(Problem) as caught:
        fenced().check(path)
    assert (caught.value.kind, caught.value.refused, caught.value.path) == ("refused", True, path)


@pytest.mark.parametrize("name", ["notes.md", "Library/Preferences/x", ".iapeerx/y", "x.claude", ".claude.json"])
def test_the_rest_of_the_home_may_be_read_and_not_changed(name: str) -> None:
    assert fenced().refuses(f"/home/somebody/{name}") == "refused by the sandbox: outside the sandbox roots"
    assert not fenced().hides(f"/home/somebody/{name}")


def test_the_live_home_is_the_user_databases_whatever_home_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/tmp/fake")
    sandbox = Sandbox({**ARMED, "HOME": "/tmp/fake"})
    assert "under the live" in (sandbox.refuses(f"{ACCOUNT_HOME}/.iapeer/memory-provider.json") or "")
    assert sandbox.refuses("/tmp/fake/.iapeer/memory-provider.json") is None


def test_an_account_that_is_in_no_user_database_is_judged_by_home(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(uid: int) -> pwd.struct_passwd:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert Sandbox({}).refuses("/home/container/.iapeer/x") is None
    assert "under the live" in (
        Sandbox({**ARMED, "HOME": "/home/container"}).refuses("/home/container/.iapeer/x") or ""
    )


@pytest.mark.parametrize("variable", ["IAPEER_ROOT", "IAPEER_MEMORY_STATE_DIR", "IAPEER_MEMORY_CONFIG_FILE"])
@pytest.mark.parametrize("value", ["/home/somebody/.iapeer", "/home/somebody", "/home", "/"])
def test_no_variable_opens_the_live_account(variable: str, value: str) -> None:
    sandbox = fenced(**{variable: value})
    for name in (".iapeer/memory-provider.json", ".claude/settings.json", ".codex/config.toml"):
        assert "under the live" in (sandbox.refuses(f"/home/somebody/{name}") or "")


@pytest.mark.parametrize("folder", [".iapeer", ".claude", ".codex"])
def test_a_harness_folder_outside_the_sandbox_roots_is_refused(folder: str) -> None:
    assert f"crosses {folder} outside the sandbox roots" in (fenced().refuses(f"{ELSEWHERE}/peer/{folder}/x") or "")
    assert f"crosses {folder} outside the sandbox roots" in (fenced().refuses(f"{ELSEWHERE}/peer/{folder}") or "")


@pytest.mark.parametrize("root", ["/tmp", "/var/tmp", "/private/var/folders/ab/T"])
def test_a_harness_folder_in_a_temp_dir_is_open(root: str) -> None:
    assert fenced().refuses(f"{root}/host/home/.iapeer/memory-provider.json") is None


@pytest.mark.parametrize("variable", ["TMPDIR", "TEMP", "TMP"])
def test_the_temp_dir_of_the_environment_is_a_sandbox_root(variable: str) -> None:
    assert fenced().refuses(f"{ELSEWHERE}/t/.claude/x")
    assert fenced(**{variable: f"{ELSEWHERE}/t"}).refuses(f"{ELSEWHERE}/t/.claude/x") is None


@pytest.mark.parametrize(
    "variable", ["IAPEER_ROOT", "IAPEER_MEMORY_STATE_DIR", "IAPEER_MEMORY_CACHE_DIR", "IAPEER_MEMORY_LOGS_DIR"]
)
def test_a_root_that_was_set_explicitly_is_open_and_nothing_beside_it(variable: str) -> None:
    sandbox = fenced(**{variable: f"{ELSEWHERE}/.iapeer"})
    assert sandbox.refuses(f"{ELSEWHERE}/.iapeer/state/x") is None
    assert sandbox.refuses(f"{ELSEWHERE}/.iapeer2/.iapeer/x")
    assert sandbox.refuses(f"{ELSEWHERE}/.claude/settings.json")


def test_the_folder_of_a_named_config_file_is_open() -> None:
    sandbox = fenced(IAPEER_MEMORY_CONFIG_FILE=f"{ELSEWHERE}/.iapeer/config.env")
    assert sandbox.refuses(f"{ELSEWHERE}/.iapeer/hooks/iapeer-memory.post-write.sh") is None


@pytest.mark.parametrize("value", ["relative/.iapeer", ""])
def test_a_root_that_is_none_opens_nothing(value: str) -> None:
    assert fenced(IAPEER_ROOT=value).refuses(f"{ELSEWHERE}/.claude/x")


@pytest.mark.parametrize("value", ["/", "//", "///", "/.", "//.", "/..", "//..", "//../", "/tmp/..", "//tmp/../"])
@pytest.mark.parametrize(
    "variable",
    ["IAPEER_ROOT", "IAPEER_MEMORY_STATE_DIR", "IAPEER_MEMORY_CONFIG_FILE", "IAPEER_MEMORY_BINARY_PATH", "TMPDIR"],
)
def test_a_root_that_is_everything_opens_nothing_however_it_is_spelt(variable: str, value: str) -> None:
    sandbox = fenced(**{variable: value})
    for path in (f"{ELSEWHERE}/.claude/x", f"{ELSEWHERE}/notes.md", "/etc/passwd", "//etc/passwd", "/home/somebody/x"):
        assert sandbox.refuses(path), path


@pytest.mark.parametrize("value", ["//config.env", "/config.env", "//./config.env"])
def test_a_config_file_at_the_top_opens_nothing_but_itself(value: str) -> None:
    sandbox = fenced(IAPEER_MEMORY_CONFIG_FILE=value)
    assert sandbox.refuses("/config.env") is None
    assert sandbox.refuses("/etc/passwd")


@pytest.mark.parametrize("root", [f"{ELSEWHERE}/t", f"/{ELSEWHERE}/t", f"//{ELSEWHERE}/t"])
@pytest.mark.parametrize("slashes", ["", "/", "//"])
def test_slashes_at_the_start_make_no_other_place(root: str, slashes: str) -> None:
    sandbox = fenced(IAPEER_ROOT=root)
    assert sandbox.refuses(f"{slashes}{ELSEWHERE}/t/.claude/x") is None
    assert sandbox.refuses(f"{slashes}{ELSEWHERE}/.claude/x")


def test_a_variable_of_somebody_else_opens_nothing() -> None:
    assert fenced(IAPEER_ROOTS="/srv", CODEX_HOME="/srv", HOME="/srv").refuses(f"{ELSEWHERE}/.codex/x")


@pytest.mark.parametrize(
    "spelling",
    [
        "/home/somebody/x/../.iapeer/slot",
        "/home/somebody//.iapeer/slot",
        "//home/somebody/.iapeer/slot",
        "//home/somebody/new/../.iapeer/slot",
        "/home/somebody/./.iapeer/slot",
        "/tmp/../home/somebody/.iapeer/slot",
        "/home/somebody/.IAPEER/slot",
        "/HOME/Somebody/.Claude/x",
    ],
)
def test_no_other_spelling_leads_into_the_live_account(spelling: str) -> None:
    assert "under the live" in (fenced().refuses(spelling) or "")
    assert "under the live" in (fenced("//home/somebody").refuses(spelling) or "")


@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("other", ["NFC", "NFD"])
def test_no_other_normal_form_leads_into_the_live_account(form: str, other: str) -> None:
    home, path = (unicodedata.normalize(name, "/home/Zo\u00eb \u0419") for name in (form, other))
    assert "under the live" in (fenced(home).refuses(f"{path}/.claude/x") or "")
    assert fenced(home).hides(f"{path.lower()}/.iapeer/slot")


def test_a_link_into_the_live_account_is_refused(tmp_path: Path) -> None:
    live = tmp_path / "account"
    (live / ".iapeer").mkdir(parents=True)
    inside = tmp_path / "sandbox"
    inside.mkdir()
    (inside / "state").symlink_to(live / ".iapeer")
    (inside / "home").symlink_to(live)
    (inside / "slot.json").symlink_to(live / ".iapeer" / "memory-provider.json")
    sandbox = fenced(str(live))
    for name in ("state/fleet.json", "home/.iapeer/x", "home/.claude/settings.json", "slot.json", "state"):
        assert "under the live" in (sandbox.refuses(str(inside / name)) or ""), name


def test_a_live_home_that_is_itself_a_link_is_refused_by_both_names(tmp_path: Path) -> None:
    (tmp_path / "volume" / ".claude").mkdir(parents=True)
    (tmp_path / "account").symlink_to(tmp_path / "volume")
    sandbox = fenced(str(tmp_path / "account"))
    for name in ("account", "volume"):
        assert "under the live" in (sandbox.refuses(str(tmp_path / name / ".claude" / "x")) or "")


def test_a_link_out_of_a_live_folder_is_refused_by_its_name(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "account").mkdir()
    (tmp_path / "account" / ".codex").symlink_to(tmp_path / "elsewhere")
    assert "under the live" in (fenced(str(tmp_path / "account")).refuses(str(tmp_path / "account/.codex/x")) or "")


def test_a_link_from_a_sandbox_root_to_a_harness_folder_elsewhere_is_refused(tmp_path: Path) -> None:
    (tmp_path / "peer").symlink_to(ELSEWHERE)
    assert "outside the sandbox roots" in (fenced().refuses(str(tmp_path / "peer" / ".claude" / "settings.json")) or "")


def test_a_path_that_cannot_exist_is_judged_and_not_fatal() -> None:
    assert "under the live" in (fenced().refuses("/home/somebody/.iapeer/a\0b") or "")
    assert "outside" in (fenced().refuses("/srv/a\0b") or "")
    assert fenced().refuses("/tmp/a\0b") is None


@pytest.mark.parametrize("name", ["memory-provider.json", "state/iapeer-memory/fleet.json", "config.env"])
def test_reads_of_the_live_account_count_as_absent(tmp_path: Path, name: str) -> None:
    live = tmp_path / "account" / ".iapeer" / name
    live.parent.mkdir(parents=True)
    live.write_text("live")
    files = Files(fenced(str(tmp_path / "account")))
    assert Files(Sandbox({}, str(tmp_path / "account"))).read(str(live)) is not None
    assert files.read(str(live)) is None
    assert (files.modified(str(live)), files.mode(str(live)), files.owner(str(live))) == (0.0, None, os.geteuid())
    with files.tree(str(tmp_path)) as tree:
        assert tree.read(f"account/.iapeer/{name}") is None
        assert tree.names("account/.iapeer") == []


def test_a_live_file_that_cannot_be_read_counts_as_absent_too(tmp_path: Path) -> None:
    live = tmp_path / "account" / ".iapeer"
    live.mkdir(parents=True)
    os.mkfifo(live / "memory-provider.json")
    assert Files(fenced(str(tmp_path / "account"))).read(str(live / "memory-provider.json")) is None


def test_every_change_of_the_live_account_is_refused(tmp_path: Path) -> None:
    live = tmp_path / "account" / ".claude"
    live.mkdir(parents=True)
    (live / "settings.json").write_text("live")
    (live / "skills").mkdir()
    before = {path: os.lstat(path) for path in sorted(tmp_path.rglob("*"))}
    with Files(fenced(str(tmp_path / "account"))).tree(str(live)) as tree:
        for change in (
            lambda: tree.write("settings.json", b"x"),
            lambda: tree.write("new/file", b"x"),
            lambda: tree.create("new", b"x", tree),
            lambda: tree.replace("settings.json", b"live", b"x"),
            lambda: tree.remove("settings.json"),
            lambda: tree.make_folder("new"),
            lambda: tree.set_mode("settings.json", 0o600),
            lambda: tree.remove_folder("skills"),
            lambda: tree.claim("lock.d", "owner", b"x"),
            lambda: tree.give_up("skills"),
            lambda: Files(fenced(str(tmp_path / "account"))).tree(str(live / "a" / "b"), create=True),
        ):
            with pytest.raises(Problem) as caught:
                change()
            assert caught.value.kind in ("refused", "failed"), caught.value
    after = {path: os.lstat(path) for path in sorted(tmp_path.rglob("*"))}
    assert {path: (s.st_ino, s.st_mtime_ns, s.st_ctime_ns, s.st_mode) for path, s in before.items()} == {
        path: (s.st_ino, s.st_mtime_ns, s.st_ctime_ns, s.st_mode) for path, s in after.items()
    }


# Deny by default: what lies below no sandbox root is not changed, whatever it is


class Outside:
    """A folder outside all sandbox roots, with a file, a folder and links in it, and what may be seen of it."""

    def __init__(self, base: Path) -> None:
        self.folder = base / "srv" / "peer"
        self.open = base / "open"
        (self.folder / "skills").mkdir(parents=True)
        self.open.mkdir()
        (self.folder / "file").write_text("theirs")
        (self.folder / "skills" / "SKILL.md").write_text("theirs")
        (self.open / "way").symlink_to(self.folder)
        (self.open / "file").symlink_to(self.folder / "file")

    def seen(self) -> dict[str, tuple[int, ...]]:
        found = {}
        for path in [self.folder, *sorted(self.folder.rglob("*"))]:
            status = os.lstat(path)
            found[str(path)] = (status.st_ino, status.st_mode, status.st_mtime_ns, status.st_ctime_ns)
        return found


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Outside:
    """A place outside, on a system whose temp dirs are elsewhere."""
    monkeypatch.setattr(sandbox_module, "TEMPORARY", ("/nowhere/tmp",))
    return Outside(tmp_path)


def fence(outside: Outside) -> Files:
    return Files(fenced(IAPEER_MEMORY_STATE_DIR=str(outside.open)))


# Every method of a tree that changes anything; a new one must be told here.
EVERY: dict[str, Callable[[Tree], Any]] = {
    "write": lambda tree: tree.write("file", b"x"),
    "copy_in": lambda tree: tree.copy_in("file", __file__),
    "create": lambda tree: tree.create("new", b"x", tree),
    "replace": lambda tree: tree.replace("file", b"theirs", b"x"),
    "remove": lambda tree: tree.remove("file"),
    "make_folder": lambda tree: tree.make_folder("new"),
    "set_mode": lambda tree: tree.set_mode("file", 0o600),
    "remove_folder": lambda tree: tree.remove_folder("skills"),
    "claim": lambda tree: tree.claim("lock.d", "owner", b"x"),
    "give_up": lambda tree: tree.give_up("skills"),
}


def test_every_method_that_changes_anything_is_known_here() -> None:
    assert {name for name in vars(Tree) if not name.startswith("_")} == set(EVERY)
    made = {name for name in vars(Files) if not name.startswith("_")}
    assert made == {"tree", "scratch"}  # trees, and a folder of its own in a temp dir


@pytest.mark.parametrize("change", EVERY)
@pytest.mark.parametrize("way", ["folder", "way"])
def test_no_change_is_made_outside_the_sandbox_roots(outside: Outside, change: str, way: str) -> None:
    """Neither by its own path nor by a link that lies inside."""
    before = outside.seen()
    anchor = outside.folder if way == "folder" else outside.open / "way"
    with fence(outside).tree(str(anchor)) as tree, pytest.raises(Problem) as caught:
        EVERY[change](tree)
    assert caught.value.refused
    assert caught.value.reason == "refused by the sandbox: outside the sandbox roots"
    assert outside.seen() == before


@pytest.mark.parametrize("way", ["folder", "way"])
def test_nothing_is_made_outside_the_sandbox_roots(outside: Outside, way: str) -> None:
    before = outside.seen()
    anchor = outside.folder if way == "folder" else outside.open / "way"
    for name in ("new", "new/deep/er"):
        with pytest.raises(Problem) as caught:
            fence(outside).tree(str(anchor / name), create=True)
        assert caught.value.refused
        with pytest.raises(Problem) as caught:
            fence(outside).foresee(str(anchor / name))
        assert caught.value.refused
    assert outside.seen() == before


def test_a_link_to_a_file_outside_is_not_written_through(outside: Outside) -> None:
    before = outside.seen()
    with fence(outside).tree(str(outside.open)) as tree:
        for change in ("write", "copy_in", "remove", "set_mode"):
            with pytest.raises(Problem):
                EVERY[change](tree)
    assert outside.seen() == before


@pytest.mark.parametrize("change", EVERY)
def test_inside_everything_may_be_changed(outside: Outside, change: str) -> None:
    inside = outside.open / "peer"
    (inside / "skills").mkdir(parents=True)
    (inside / "file").write_text("theirs")
    with fence(outside).tree(str(inside)) as tree:
        EVERY[change](tree)


def test_what_lies_outside_can_be_read(outside: Outside) -> None:
    files = fence(outside)
    found = files.read(str(outside.folder / "file"))
    assert found is not None
    assert found.data == b"theirs"
    assert files.kind_of(str(outside.folder)) == "folder"


def test_without_a_sandbox_it_can_be_changed(outside: Outside) -> None:
    with Files(Sandbox({})).tree(str(outside.folder)) as tree:
        tree.write("file", b"x")
    assert (outside.folder / "file").read_bytes() == b"x"


def test_the_scratch_of_a_sandbox_lies_in_one_of_its_roots(outside: Outside) -> None:
    with fence(outside).scratch(str(outside.folder), str(outside.open)) as (path, tree):
        assert os.path.dirname(path) == str(outside.open)
        tree.write("file", b"x")
    none = fence(outside).scratch(str(outside.folder))
    with pytest.raises(Problem, match=r"no place to run a program from: .*outside the sandbox roots"), none:
        pass


def test_a_named_binary_may_be_written_and_what_is_kept_of_the_old_one_and_nothing_else_there() -> None:
    sandbox = fenced(IAPEER_MEMORY_BINARY_PATH=f"{ELSEWHERE}/bin/iapeer-memory")
    assert sandbox.refuses(f"{ELSEWHERE}/bin/iapeer-memory") is None
    assert sandbox.refuses(f"{ELSEWHERE}/bin/iapeer-memory.previous") is None
    for name in ("iapeer", "iapeer-memory2", "iapeer-memory.previous2"):
        assert sandbox.refuses(f"{ELSEWHERE}/bin/{name}") == "refused by the sandbox: outside the sandbox roots"


def test_a_problem_names_path_and_reason() -> None:
    assert str(Problem("broken", "/x/y")) == "/x/y: broken"
    assert str(Problem("broken")) == "broken"
    assert not Problem("broken").refused
