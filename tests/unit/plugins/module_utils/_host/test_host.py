# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Paths, config.env and what follows from it (contract §1 and §2)."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import Binary
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.config import Config, parse_config, plan_config
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import open_host
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.options import given_text
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place

# config.env


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("KEY=value", "value"),
        ("  KEY=value  ", "value"),
        ("export KEY=value", "value"),
        ("export\t KEY=value", "value"),
        ('KEY="a value"', "a value"),
        ("KEY='a value'", "a value"),
        ("KEY=\"'inner'\"", "'inner'"),
        ('KEY="""', '"'),
        ('KEY="', '"'),
        ("KEY=\"mixed'", "\"mixed'"),
        ('KEY="a # b"', "a # b"),
        (r'KEY="a\"b\n"', r"a\"b\n"),
        ("KEY=value # comment", "value"),
        ("KEY=value #", "value"),
        ("KEY=value#no comment", "value#no comment"),
        ("KEY=#value", "#value"),
        ("KEY= # comment", ""),
        ('KEY="value" # comment', "value"),
        ('KEY="a # b" # comment', '"a'),
        ("KEY=", ""),
        ('KEY=""', ""),
        ("KEY= value ", "value"),
        ("KEY=a=b", "a=b"),
        ("KEY=value\r", "value"),
        ("KEY=/ду/ша", "/ду/ша"),
        ("_k9=x\nKEY=$HOME/x", "$HOME/x"),
    ],
)
def test_a_line_of_config_env_is_read_as_the_contract_says(line: str, value: str) -> None:
    assert parse_config(line)["KEY"] == value


@pytest.mark.parametrize(
    "line", ["", "   ", "# KEY=value", "  # KEY=value", "KEY", "KEY =value", "9KEY=value", "K-Y=value", "exportKEY"]
)
def test_a_line_that_is_no_pair_is_ignored(line: str) -> None:
    assert parse_config(line) == {}


def test_a_later_key_wins_and_bad_lines_do_not_stop_the_rest() -> None:
    assert parse_config("A=1\n???\nB=2\r\nA=3\n") == {"A": "3", "B": "2"}


# The plan


def planned(tmp_path: Path, **keys: str) -> Config:
    """The plan of a host with a vault."""
    values = {f"IAPEER_MEMORY_{key}": value for key, value in keys.items()}
    return plan_config({"IAPEER_MEMORY_VAULT_PATH": str(tmp_path), **values})


def test_the_defaults_are_those_of_the_contract(tmp_path: Path) -> None:
    everybody = ("index", "scriber", "dreamweaver")
    found = Config("", str(tmp_path), "en", 8766, "curated", everybody, "scriber", True, "0 4 * * 1")
    assert planned(tmp_path) == found
    assert planned(tmp_path).ok


@pytest.mark.parametrize(
    ("text", "port"),
    [
        *[(text, 8766) for text in ("", "0", "00", "x", "80a", "-1", "1.5", "٣")],
        ("1", 1),
        ("9000", 9000),
        ("65535", 65535),
    ],
)
def test_a_port_that_is_empty_zero_or_no_number_is_the_default(tmp_path: Path, text: str, port: int) -> None:
    assert planned(tmp_path, MCP_PORT=text).mcp_port == port
    assert planned(tmp_path, MCP_PORT=text).ok


def test_a_port_beyond_all_ports_is_a_problem(tmp_path: Path) -> None:
    assert planned(tmp_path, MCP_PORT="65536").problem == "IAPEER_MEMORY_MCP_PORT is 65536, not a port"


@pytest.mark.parametrize(
    ("keys", "roles"),
    [
        ({}, ("index", "scriber", "dreamweaver")),
        ({"MODE": "lean"}, ()),
        ({"MODE": "lean", "PROACTIVE_INDEX": "yes", "PROACTIVE_SCRIBER": "1"}, ("index", "scriber")),
        ({"PROACTIVE_SCRIBER": "off"}, ("index", "dreamweaver")),
    ],
)
def test_each_role_is_proactive_by_itself(tmp_path: Path, keys: dict[str, str], roles: tuple[str, ...]) -> None:
    assert planned(tmp_path, **keys).proactive == roles


@pytest.mark.parametrize(
    ("keys", "target", "dream"),
    [
        ({}, "scriber", True),
        ({"MODE": "curated"}, "scriber", True),
        ({"MODE": "unheard-of"}, "scriber", True),
        ({"MODE": "lean"}, "", False),
        ({"MODE": "LEAN"}, "scriber", True),
        ({"MODE": "lean", "PROACTIVE_SCRIBER": "1"}, "scriber", False),
        ({"MODE": "lean", "PROACTIVE_INDEX": "yes"}, "index", False),
        ({"MODE": "lean", "PROACTIVE_INDEX": "on", "PROACTIVE_SCRIBER": "true"}, "scriber", False),
        ({"MODE": "lean", "PROACTIVE_DREAMWEAVER": "Y"}, "", True),
        ({"PROACTIVE_SCRIBER": "off"}, "index", True),
        ({"PROACTIVE_SCRIBER": "0", "PROACTIVE_INDEX": "No"}, "", True),
        ({"PROACTIVE_DREAMWEAVER": "false"}, "scriber", False),
        ({"PROACTIVE_DREAMWEAVER": "n"}, "scriber", False),
        ({"PROACTIVE_DREAMWEAVER": "maybe"}, "scriber", True),
        ({"MODE": "lean", "PROACTIVE_DREAMWEAVER": "maybe"}, "", False),
    ],
)
def test_the_curation_plan_follows_mode_and_toggles(
    tmp_path: Path, keys: dict[str, str], target: str, dream: bool
) -> None:
    config = planned(tmp_path, **keys)
    assert (config.event_target, config.dream) == (target, dream)


@pytest.mark.parametrize("locale", ["de", "EN", "en_US"])
def test_an_unknown_locale_is_a_problem(tmp_path: Path, locale: str) -> None:
    config = planned(tmp_path, LOCALE=locale)
    assert config.problem == f"IAPEER_MEMORY_LOCALE is {locale!r}, not one of en, ru"
    assert not config.ok


@pytest.mark.parametrize(
    ("key", "known"),
    [("EMBEDDING_PROVIDER", "tei, openai"), ("RERANKER_PROVIDER", "tei, cohere, nvidia, jina, none")],
)
def test_a_search_provider_is_one_of_those_that_are_known(tmp_path: Path, key: str, known: str) -> None:
    for word in ("", *known.split(", ")):
        assert planned(tmp_path, **{key: word}).ok
    for word in ("TEI", "none ", "ollama"):
        assert planned(tmp_path, **{key: word}).problem == f"IAPEER_MEMORY_{key} is {word!r}, not one of {known}"


@pytest.mark.parametrize(
    ("vault", "problem"),
    [
        ("", "IAPEER_MEMORY_VAULT_PATH is not set"),
        ("vault", "the vault vault (IAPEER_MEMORY_VAULT_PATH) is not an absolute path"),
        ("/nowhere", "the vault /nowhere (IAPEER_MEMORY_VAULT_PATH) is not an existing directory"),
        ("/dev/null", "the vault /dev/null (IAPEER_MEMORY_VAULT_PATH) is not an existing directory"),
        ("/dev/null/x", "the vault /dev/null/x (IAPEER_MEMORY_VAULT_PATH) is not an existing directory"),
    ],
)
def test_a_vault_that_is_no_directory_means_not_provisioned(place: Place, vault: str, problem: str) -> None:
    place.write(place.config_file, f"IAPEER_MEMORY_VAULT_PATH={vault}\n")
    assert place.host().config.problem == f"{problem} ({place.config_file})"


def test_a_complaint_says_that_there_is_no_file(place: Place) -> None:
    place.config_file.unlink()
    assert place.host().config.problem == f"IAPEER_MEMORY_VAULT_PATH is not set (there is no {place.config_file})"
    environ = place.environ(IAPEER_MEMORY_VAULT_PATH=str(place.vault), IAPEER_MEMORY_LOCALE="de")
    complaint = f"IAPEER_MEMORY_LOCALE is 'de', not one of en, ru (there is no {place.config_file})"
    assert place.host(environ=environ).config.problem == complaint


@pytest.mark.parametrize("number", [errno.EACCES, errno.ESTALE, errno.EIO])
def test_a_vault_that_cannot_be_looked_at_is_not_one_that_is_missing(
    place: Place, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    plain = os.stat

    def hidden(path: Any, **more: Any) -> os.stat_result:
        if os.fsdecode(path) == str(place.vault):
            raise OSError(number, os.strerror(number))
        return plain(path, **more)

    monkeypatch.setattr(os, "stat", hidden)
    reason = f"{place.vault}: {os.strerror(number).lower()}"
    complaint = f"the vault (IAPEER_MEMORY_VAULT_PATH) cannot be looked at: {reason} ({place.config_file})"
    assert place.host().config.problem == complaint


def test_a_byte_order_mark_is_no_part_of_the_first_key(place: Place) -> None:
    place.write(place.config_file, b"\xef\xbb\xbfIAPEER_MEMORY_VAULT_PATH=" + os.fsencode(place.vault) + b"\n")
    assert place.host().config.ok
    assert place.host().config.vault_path == str(place.vault)


def test_what_stood_in_the_way_of_reading_comes_first() -> None:
    assert plan_config({}, "cannot be read: a directory").problem == "cannot be read: a directory"


def test_the_schedule_is_configurable(tmp_path: Path) -> None:
    assert planned(tmp_path, DREAM_CRON="5 5 * * *").dream_cron == "5 5 * * *"


# The ladder of paths


def test_the_default_paths_are_those_of_the_contract() -> None:
    paths = open_host({}, {"HOME": "/h"}).paths
    assert paths._asdict() == {
        "home": "/h",
        "root": "/h/.iapeer",
        "config_file": "/h/.iapeer/plugins/iapeer-memory/config.env",
        "state": "/h/.iapeer/state/iapeer-memory",
        "cache": "/h/.iapeer/cache/iapeer-memory",
        "logs": "/h/.iapeer/logs/iapeer-memory",
        "binary": "/h/.local/bin/iapeer-memory",
        "slot": "/h/.iapeer/memory-provider.json",
        "guide": "/h/.iapeer/fragments/iapeer-memory.md",
        "config_dir": "/h/.iapeer/plugins/iapeer-memory",
        "hooks": "/h/.iapeer/plugins/iapeer-memory/hooks",
        "launcher": "/h/.iapeer/plugins/iapeer-memory/memoryd-launcher.sh",
        "dream_gate": "/h/.iapeer/plugins/iapeer-memory/dream-tick-gate.sh",
        "fleet": "/h/.iapeer/state/iapeer-memory/fleet.json",
        "roles": "/h/.iapeer/state/iapeer-memory/roles.json",
        "pid": "/h/.iapeer/state/iapeer-memory/memoryd.pid",
        "heartbeat": "/h/.iapeer/state/iapeer-memory/memoryd.heartbeat",
    }
    assert paths.templates("ru") == "/h/.iapeer/plugins/iapeer-memory/templates/ru"


def test_the_root_moves_everything_but_the_binary() -> None:
    paths = open_host({}, {"HOME": "/h", "IAPEER_ROOT": "/r"}).paths
    assert (paths.root, paths.state, paths.cache) == ("/r", "/r/state/iapeer-memory", "/r/cache/iapeer-memory")
    assert paths.config_file == "/r/plugins/iapeer-memory/config.env"
    assert paths.binary == "/h/.local/bin/iapeer-memory"


@pytest.mark.parametrize(
    ("option", "environ", "file", "expected"),
    [
        ("/option", "/environ", "/file", "/option"),
        (None, "/environ", "/file", "/environ"),
        (None, "", "/file", "/file"),
        (None, None, "/file", "/file"),
        ("", None, "/file", "/file"),
        (None, None, "/file/../x/", "/x"),
    ],
)
@pytest.mark.parametrize("name", ["state_dir", "binary_path"])
def test_an_option_wins_over_the_environment_and_that_over_the_file(
    place: Place, name: str, option: str | None, environ: str | None, file: str, expected: str
) -> None:
    key = f"IAPEER_MEMORY_{name.upper()}"
    place.configure(f"{key}={file}")
    more = {} if environ is None else {key: environ}
    paths = open_host({name: option}, place.environ(**more)).paths
    assert {"state_dir": paths.state, "binary_path": paths.binary}[name] == expected


@pytest.mark.parametrize(("name", "field"), [("CACHE_DIR", "cache"), ("LOGS_DIR", "logs")])
def test_cache_and_logs_come_from_environment_or_file(place: Place, name: str, field: str) -> None:
    place.configure(f"IAPEER_MEMORY_{name}=/file")
    assert getattr(open_host({}, place.environ()).paths, field) == "/file"
    environ = place.environ(**{f"IAPEER_MEMORY_{name}": "/environ"})
    assert getattr(open_host({}, environ).paths, field) == "/environ"


def test_the_config_file_is_found_by_option_then_environment_never_by_itself(place: Place) -> None:
    place.configure("IAPEER_MEMORY_CONFIG_FILE=/never")
    other = place.write(place.base / "other.env", f"IAPEER_MEMORY_VAULT_PATH={place.vault}\nIAPEER_MEMORY_LOCALE=ru\n")
    environ = place.environ(IAPEER_MEMORY_CONFIG_FILE=str(other))
    assert open_host({}, place.environ()).paths.config_file == str(place.config_file)
    assert open_host({}, environ).config.locale == "ru"
    assert open_host({"config_file": str(place.config_file)}, environ).config.locale == "en"
    assert open_host({}, environ).paths.config_dir == str(place.base)


def test_the_environment_wins_over_the_file_for_every_key(place: Place) -> None:
    place.configure("IAPEER_MEMORY_LOCALE=ru", "IAPEER_MEMORY_MODE=lean", "IAPEER_MEMORY_MCP_PORT=1")
    environ = place.environ(IAPEER_MEMORY_LOCALE="en", IAPEER_MEMORY_MODE="", IAPEER_MEMORY_MCP_PORT="2")
    config = open_host({}, environ).config
    assert (config.locale, config.mode, config.mcp_port) == ("en", "lean", 2)


@pytest.mark.parametrize("name", ["iapeer_root", "config_file", "state_dir", "binary_path", "iapeer_bin"])
@pytest.mark.parametrize("value", ["/nul\0", "nul\0", "/half\ud800"])
def test_a_path_option_that_no_path_can_be_is_not_called_relative(place: Place, name: str, value: str) -> None:
    with pytest.raises(Problem) as problem:
        open_host({name: value}, place.environ())
    assert str(problem.value) == f"{name} is no valid text: {value!r}"


@pytest.mark.parametrize("name", ["iapeer_root", "config_file", "state_dir", "binary_path", "iapeer_bin"])
@pytest.mark.parametrize("value", ["relative/path", "~/x"])
def test_a_path_option_that_is_not_absolute_is_one_clear_message(place: Place, name: str, value: str) -> None:
    with pytest.raises(Problem) as problem:
        open_host({name: value}, place.environ())
    assert str(problem.value) == f"{name} must be an absolute path, not {value!r}"


@pytest.mark.parametrize("name", ["state_dir", "cache_dir", "logs_dir", "binary_path"])
def test_a_complaint_about_a_place_names_where_it_is_said(place: Place, name: str) -> None:
    key = f"IAPEER_MEMORY_{name.upper()}"
    place.configure(f"{key}=over/here")
    with pytest.raises(Problem) as problem:
        open_host({}, place.environ())
    assert str(problem.value) == f"{key} in {place.config_file} must be an absolute path, not 'over/here'"
    with pytest.raises(Problem) as problem:
        open_host({}, place.environ(**{key: "or/here"}))
    assert str(problem.value) == f"{key} must be an absolute path, not 'or/here'"


def test_a_relative_root_in_the_environment_is_refused_too() -> None:
    with pytest.raises(Problem, match="iapeer_root must be an absolute path"):
        open_host({}, {"HOME": "/h", "IAPEER_ROOT": "here"})


# The file itself


def test_a_missing_config_file_is_a_host_that_is_not_provisioned(place: Place) -> None:
    place.config_file.unlink()
    host = place.host()
    complaint = f"IAPEER_MEMORY_VAULT_PATH is not set (there is no {place.config_file})"
    assert host.config.problem == complaint
    with pytest.raises(Problem) as problem:
        host.require_config()
    assert str(problem.value) == f"not provisioned: {complaint}"


def test_an_unreadable_config_file_says_so(place: Place) -> None:
    place.config_file.unlink()
    place.config_file.mkdir()
    reason = "cannot be read: a directory stands where a file belongs"
    assert place.host().config.problem == f"{reason} ({place.config_file})"


def test_a_config_file_that_is_not_utf8_says_where(place: Place) -> None:
    place.config_file.write_bytes(b"A=1\nB=\xff\n")
    assert place.host().config.problem == f"is not UTF-8 from byte 6 on ({place.config_file})"


def test_where_config_env_cannot_be_read_nobody_can_tell_where_things_are(place: Place) -> None:
    assert place.host().unread == ""
    place.config_file.write_bytes(b"IAPEER_MEMORY_STATE_DIR=/elsewhere\n# caf\xe9\n")
    host = place.host()
    reason = "is not UTF-8 from byte 40 on: where it puts the state dir and the binary cannot be told"
    assert host.unread == f"{place.config_file}: {reason}"
    with pytest.raises(Problem) as problem:
        host.require_places()
    assert (str(problem.value), problem.value.kind) == (host.unread, "unreadable")


@pytest.mark.parametrize("above", [False, True])
def test_a_config_env_behind_a_link_to_what_is_not_there_is_not_missing(place: Place, above: bool) -> None:
    link = place.config_file.parent if above else place.config_file
    link.rename(place.home / "dotfiles")
    link.symlink_to(place.home / "away")
    assert (place.host().unread, place.host().config.ok) == ("", False)  # a first day: it is still to be written
    place.write_json(place.slot, {"provider": "iapeer-memory"})
    reason = f"cannot be read: the link {link} leads to what is not there (bring that back, or remove the link)"
    host = place.host()
    assert host.unread.startswith(f"{place.config_file}: {reason}: ")
    assert host.config.problem == f"{reason} ({place.config_file})"
    (place.home / "dotfiles").rename(place.home / "away")
    assert (place.host().unread, place.host().config.ok) == ("", True)


def test_places_that_are_given_do_not_hang_on_config_env(place: Place) -> None:
    place.config_file.write_bytes(b"\xff")
    environ = place.environ(IAPEER_MEMORY_BINARY_PATH=str(place.binary))
    assert place.host(environ=environ).unread
    host = place.host(environ=environ, state_dir=str(place.state))
    host.require_places()
    assert (host.unread, host.config.ok) == ("", False)


def test_a_config_env_that_is_missing_moves_nothing(place: Place) -> None:
    place.config_file.unlink()
    place.host().require_places()


def test_a_provisioned_host_gives_its_config(place: Place) -> None:
    host = place.host()
    assert host.require_config() is host.config


# Programs


def test_a_core_that_is_given_is_named(place: Place) -> None:
    assert open_host({"iapeer_bin": "/x/iapeer"}, place.environ()).core == Binary("/x/iapeer", named=True)


def test_a_core_is_looked_up_on_the_path_then_in_the_home(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    on_path = place.write(place.base / "bin" / "iapeer", "#!/bin/sh\n", 0o755)
    at_home = place.write(place.home / ".local" / "bin" / "iapeer", "#!/bin/sh\n", 0o755)
    monkeypatch.setenv("PATH", str(on_path.parent))
    assert open_host({}, place.environ()).core == Binary(str(on_path))
    monkeypatch.setenv("PATH", str(place.vault))
    assert open_host({}, place.environ()).core == Binary(str(at_home))
    at_home.unlink()
    assert open_host({}, place.environ()).core == Binary("iapeer")


def test_a_binary_is_named_only_by_its_option(place: Place) -> None:
    assert not place.host().binary.named
    assert place.host(binary_path="/x/y").binary == Binary("/x/y", named=True)
    assert not open_host({}, place.environ(IAPEER_MEMORY_BINARY_PATH="/x/y")).binary.named


def test_codex_is_at_home_unless_told_otherwise(place: Place) -> None:
    assert open_host({}, {"HOME": "/h"}).codex_home == "/h/.codex"
    assert open_host({}, {"HOME": "/h", "CODEX_HOME": "/c"}).codex_home == "/c"


def test_without_home_the_account_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HOME")
    assert open_host({}, {}).paths.home == os.path.expanduser("~")


@pytest.mark.parametrize("value", [None, 5, [], "\ud800"])
def test_a_given_text_that_is_none_is_refused(value: Any) -> None:
    with pytest.raises(Problem, match=r"^templates: index\.md must be text$"):
        given_text("templates", "index.md", value)


def test_a_given_text_is_taken_as_it_is() -> None:
    assert given_text("templates", "index.md", "тх\n") == "тх\n"
