# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a provider's init would make: learned in a scratch, believed as a whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms import scratch
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.first_day import InitForms, learn_init
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.shape import hole
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.config import parse_config
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import open_host
from ansible_collections.agfpd.iapeer_memory.tests.hypothesis_profiles import PROFILE
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import snapshot
from ansible_collections.agfpd.iapeer_memory.tests.unit.provider_home import Home, Tamper

ROLES = ("index", "scriber", "dreamweaver")


def test_a_first_day_is_what_the_provider_would_make(home_of: Home) -> None:
    before = snapshot(home_of.place.base)
    found = learn_init(home_of.host(), {"locale": "ru", "mode": "lean", "human_name": "Анна", "role_runtime": "codex"})
    assert (found.origin, found.why) == ("learned", "learned from the provider's init")
    assert sorted(found.folders) == sorted(["Входящие", "Канон", "Архив"])
    assert found.files == {}
    assert parse_config(found.config_env("/srv/vault")) == {
        "IAPEER_MEMORY_VAULT_PATH": "/srv/vault",
        "IAPEER_MEMORY_LOCALE": "ru",
        "IAPEER_MEMORY_MODE": "lean",
        "IAPEER_MEMORY_HUMAN_NAME": "Анна",
    }
    assert found.config_env("/srv/vault").startswith("# iapeer-memory, form 7.1\n")
    assert found.creates == {
        role: ("create", role, "--runtime", "codex", "--description", f"Память: {role}") for role in ROLES
    }
    assert list(found.creates) == list(ROLES)
    assert snapshot(home_of.place.base) == before


def test_what_is_not_answered_is_the_hosts_own(home_of: Home) -> None:
    home_of.place.configure("IAPEER_MEMORY_MODE=lean")
    found = learn_init(home_of.host(), {"locale": None, "human_name": ""})
    values = parse_config(found.config)
    assert values == {
        "IAPEER_MEMORY_VAULT_PATH": hole("vault"),
        "IAPEER_MEMORY_LOCALE": "en",
        "IAPEER_MEMORY_MODE": "lean",
    }
    assert found.creates["index"] == ("create", "index", "--description", "Memory: index")


@pytest.mark.parametrize(
    "options",
    [
        {"locale": "xx"},
        {"mode": "other"},
        {"human_name": "two\nlines"},
        {"human_name": "--skip-binary"},
        {"human_name": " "},
        {"role_runtime": " codex"},
        {"role_runtime": "a\x1b[m"},
    ],
    ids=str,
)
def test_what_is_no_answer_is_refused(home_of: Home, options: dict[str, str]) -> None:
    with pytest.raises(Problem):
        learn_init(home_of.host(), options)
    assert home_of.asked == []


@pytest.mark.parametrize(
    ("version", "flavour", "why"),
    [
        ("1.0.0", "", "init in a scratch: unknown flag: --skip-deps; exit code 2"),
        ("7.1.0", "fail", "init in a scratch: no luck today; exit code 1"),
        ("7.1.0", "silent", "not believed: the vault has no folders"),
    ],
)
def test_a_provider_that_cannot_gets_the_bundled_first_day(
    home_of: Home, version: str, flavour: str, why: str
) -> None:
    home_of.install(version, flavour)
    found = learn_init(home_of.host(), {"locale": "en", "human_name": "Ada #1", "role_runtime": "claude"})
    assert (found.origin, found.why) == ("bundled", why)
    assert parse_config(found.config_env("/v")) == {
        "IAPEER_MEMORY_VAULT_PATH": "/v",
        "IAPEER_MEMORY_LOCALE": "en",
        "IAPEER_MEMORY_MODE": "curated",
        "IAPEER_MEMORY_HUMAN_NAME": "Ada #1",
    }
    for role, words in found.creates.items():
        assert words[:5] == ("create", role, "--runtime", "claude", "--description")
        assert words[5].endswith(".")


def test_the_bundled_first_day_can_be_asked_for(home_of: Home) -> None:
    assert learn_init(home_of.host(), {"forms": "bundled"}).why == "asked for"
    assert home_of.asked == []


def test_the_sandbox_refuses_a_binary_that_was_not_named(home_of: Home) -> None:
    environ = {**home_of.environ(), "IAPEER_TEST_SANDBOX": "1", "IAPEER_ROOT": str(home_of.place.root)}
    found = learn_init(open_host({"iapeer_bin": "/fake/iapeer"}, environ), {})
    assert found.why == f"refused by the sandbox: {home_of.place.binary} was not named"
    named = {"iapeer_bin": "/fake/iapeer", "binary_path": str(home_of.place.binary)}
    assert learn_init(open_host(named, environ), {}).origin == "learned"


def appended(path: str, text: str) -> Tamper:
    def tamper(made: scratch.Scratch) -> None:
        target = Path(made.root, path)
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("a") as handle:
            handle.write(text.format(root=made.root, token=made.token))

    return tamper


def created(*words: str) -> Tamper:
    def tamper(made: scratch.Scratch) -> None:
        Path(made.root, "calls", "x").write_text("\0".join([str(len(words)), *words, ""]))

    return tamper


def deep(made: scratch.Scratch) -> None:
    Path(made.vault, *"123456789x").mkdir(parents=True)


def many(made: scratch.Scratch) -> None:
    for number in range(500):
        Path(made.vault, f"{number}.md").write_text("")


def linked(made: scratch.Scratch) -> None:
    Path(made.vault, "link").symlink_to("/etc/passwd")


def without_calls(made: scratch.Scratch) -> None:
    for path in Path(made.root, "calls").iterdir():
        path.unlink()


CONFIG = "plugins/iapeer-memory/config.env"


DAYS: list[tuple[Tamper, str]] = [
    (appended(CONFIG, "IAPEER_MEMORY_MODE=lean\n"), "config.env says another MODE"),
    (appended(CONFIG, "IAPEER_MEMORY_VAULT_PATH=/x\n"), "config.env says another VAULT_PATH"),
    (appended(CONFIG, "# {root}/vault\n"), "config.env"),
    (appended(CONFIG, "# {root}\n"), "it names the scratch"),
    (appended(CONFIG, "# no end"), "config.env"),
    (appended("vault/Canon/a.md", "for {token}\n"), "it names the scratch"),
    (appended("vault/Canon/a.md", "x" * (1 << 19)), "is no text"),
    (appended("vault/Canon/a.md", "a\0b"), "is no text"),
    (appended("vault/Canon/two\nlines.md", "x"), "the vault has names that are none"),
    (deep, "the vault is too deep"),
    (many, "the vault has too much in it"),
    (linked, "vault/link: missing, or a link"),
    (created("create", "mallory", "--description", "x"), "it creates 'mallory'"),
    (created("create", "index", "--description", "x"), "it creates 'index'"),
    (created("create"), "it creates ''"),
    (without_calls, "it does not create index, scriber, dreamweaver"),
]


@pytest.mark.parametrize(("tamper", "why"), DAYS, ids=[why for _tamper, why in DAYS])
def test_a_first_day_that_is_not_of_the_known_shape_is_not_believed(home_of: Home, tamper: Tamper, why: str) -> None:
    with home_of.tampering(tamper):
        found = learn_init(home_of.host(), {})
    assert found.origin == "bundled"
    assert why in found.why


def test_notes_of_a_first_day_come_with_their_folders(home_of: Home) -> None:
    with home_of.tampering(appended("vault/99 System/Templates/note.md", "title: {{{{title}}}}\n")):
        found = learn_init(home_of.host(), {})
    assert found.folders == ("99 System", "99 System/Templates", "Archive", "Canon", "Inbox")
    assert found.files == {"99 System/Templates/note.md": "title: {{title}}\n"}


@pytest.mark.property
@PROFILE
@given(
    name=st.text(st.characters(blacklist_characters="\n\r\0/", blacklist_categories=["Cs"]), min_size=1),
    line=st.sampled_from(["{}", '"{}"', "'{}'"]),
)
def test_a_config_says_the_path_that_was_asked_for_or_none(name: str, line: str) -> None:
    config = f"# first\nIAPEER_MEMORY_VAULT_PATH={line.format(hole('vault'))}\nIAPEER_MEMORY_MODE=lean\n"
    forms = InitForms("learned", "", (), {}, config, {})
    path = f"/srv/{name}"
    try:
        text = forms.config_env(path)
    except Problem:
        return
    values = parse_config(text)
    assert values == {"IAPEER_MEMORY_VAULT_PATH": path, "IAPEER_MEMORY_MODE": "lean"}
    assert text.startswith("# first\n")


@pytest.mark.parametrize("path", ["/srv/plain", "/srv/with blank", "/srv/a #b", '/srv/"q"', "/srv/it's", "/srv/$HOME"])
def test_a_config_can_hold_ordinary_paths(path: str) -> None:
    for line in ("{}", '"{}"'):
        config = f"IAPEER_MEMORY_VAULT_PATH={line.format(hole('vault'))}\n"
        text = InitForms("learned", "", (), {}, config, {}).config_env(path)
        assert parse_config(text) == {"IAPEER_MEMORY_VAULT_PATH": path}
