# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The known shape: each way in which one form can be off, and the paths that are filled in."""

from __future__ import annotations

import copy
import json
from typing import Any, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents.toml_document import Raw
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.forms import PERSONALITY, place
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.learned import Lesson, forms_of
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.shape import (
    check_shape,
    check_version,
    hole,
    hollow,
    leaves,
)
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import Host
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.paths import lay_out
from ansible_collections.agfpd.iapeer_memory.tests.hypothesis_profiles import PROFILE

Forms = dict[str, Any]


def test_what_the_provider_wrote_is_of_the_known_shape(taught: tuple[Host, Lesson], forms: Forms) -> None:
    check_shape(forms, taught[0])


def at(forms: Forms, path: str) -> tuple[Any, Any]:
    """What holds the place of that path, and its key there."""
    *above, last = path.split("/")
    held: Any = forms
    for part in above:
        held = held[int(part) if isinstance(held, list) else part]
    return held, int(last) if isinstance(held, list) else last


def put(path: str, value: Any) -> Callable[[Forms], None]:
    def change(forms: Forms) -> None:
        held, key = at(forms, path)
        held[key] = value

    return change


def drop(path: str) -> Callable[[Forms], None]:
    def change(forms: Forms) -> None:
        held, key = at(forms, path)
        del held[key]

    return change


POST_WRITE = "shims/iapeer-memory.post-write.sh"
SKILL = "skills/iapeer-memory-init"
DEEP: dict[str, Any] = {}
for _level in range(40):
    DEEP = {"x": DEEP}
OFF: list[tuple[Callable[[Forms], None], str]] = [
    (drop("guide"), "forms are missing"),
    (put("more", {}), "forms are missing"),
    # documents
    (put("skills", {}), "skills: there are none"),
    (put("skills", ["x"]), "skills: there are none"),
    (put("skills", {f"iapeer-memory-{n}": "x" for n in range(65)}), "too many"),
    (put("skills", {"iapeer-memory-../../x": "x"}), "skills: 'iapeer-memory-../../x' is not one of ours"),
    (put("skills/mine", "x"), "skills: 'mine' is not one of ours"),
    (put(SKILL, " \n"), "iapeer-memory-init is empty"),
    (put(SKILL, 1), "iapeer-memory-init is empty"),
    (put(SKILL, Raw("x")), "skills: holds what is not its own"),
    (put(SKILL, f"in {hole('vault')}"), "iapeer-memory-init depends on where it is"),
    (put(SKILL, f"of {PERSONALITY}"), "skills: holds what is not its own"),
    (put(SKILL, "a\0b"), "skills: holds what is not its own"),
    (put(SKILL, "\ud800"), "skills: not Unicode"),
    (put(SKILL, "x" * (1 << 18) + "x"), "iapeer-memory-init is too large"),
    (put("skills", {f"iapeer-memory-{n}": "x" * (1 << 18) for n in range(9)}), "too large"),
    (put(SKILL, "{{NAME}}"), "unknown placeholder, {{NAME}}"),
    (put("templates/index.md", "in {{VAULT_PATH}} of {{ team }}"), "unknown placeholder, {{ team }}"),
    (drop("templates/scriber.md"), "templates: no scriber"),
    (put("templates/a b.md", "x"), "templates: 'a b.md' is not one of ours"),
    (put("guide", "in {{VAULT_PATH}}"), "guide: has an unknown placeholder"),
    (put("guide", None), "guide: no text"),
    (put("guide", "x" * ((1 << 18) + 1)), "guide: no text, or too large"),
    # scripts
    (drop(POST_WRITE), "hooks of claude: PostToolUse does not run a shim of ours"),
    (put(POST_WRITE, "echo\n"), "post-write.sh: no script"),
    (put(POST_WRITE, "#!/bin/sh\necho"), "post-write.sh: no script"),
    (put("shims/iapeer-memory.x", "#!/bin/sh\n"), "shims: 'iapeer-memory.x' is not one of ours"),
    (put("launcher", "#!/bin/sh\nexec /elsewhere memoryd\n"), "launcher: does not name "),
    (put("launcher", ["x"]), "launcher is empty"),
    (put("gate", "#!/bin/sh\nexec /elsewhere\n"), "gate: does not name "),
    (put("gate", ""), "gate is empty"),
    # hooks
    (drop("hooks/codex"), "hooks: not of both clients"),
    (put("hooks/gemini", {}), "hooks: not of both clients"),
    (put("hooks/claude", []), "hooks of claude: none"),
    (drop("hooks/codex/SessionStart"), "hooks of codex: no entry for SessionStart"),
    (put("hooks/claude/SessionStart", []), "SessionStart runs not just one command"),
    (put("hooks/claude/SessionStart/hooks", []), "SessionStart runs not just one command"),
    (put("hooks/claude/SessionStart/hooks/0/type", "prompt"), "SessionStart runs not just one command"),
    (put("hooks/claude/SessionStart/hooks/0/command", "/x/iapeer-memory.session-start.sh"), "does not run a shim"),
    (
        put("hooks/claude/SessionStart/hooks/0/command", f"{hole('hooks')}/iapeer-memory.post-write.sh"),
        "SessionStart does not run a shim of ours",
    ),
    (put("hooks/claude/SessionStart/hooks/0/command", f"{hole('hooks')}/../x.sh"), "does not run a shim of ours"),
    (put("hooks/claude/SessionStart/hooks/0/command", [hole("hooks")]), "does not run a shim of ours"),
    (put("hooks/claude/Stop", {"hooks": [{"type": "command", "command": "/bin/x"}]}), "Stop does not run a shim"),
    (put("hooks/claude/SessionStart/x", f"\0{PERSONALITY}"), "hooks: holds what is not its own"),
    (put("hooks/claude/SessionStart/x", float("nan")), "hooks: not JSON"),
    (put("hooks/claude/SessionStart/x", float("inf")), "hooks: not JSON"),
    (put("hooks/claude/SessionStart/x", b"x"), "hooks: not JSON"),
    (put("hooks/claude/SessionStart/x", DEEP), "nests too deep"),
    # servers
    (put("mcp", None), "mcp: its url is not"),
    (drop("mcp/url"), "mcp: its url is not http://127.0.0.1:8766/mcp"),
    (put("mcp/url", "http://127.0.0.1:1/mcp"), "mcp: its url is not"),
    (put("mcp/url", "http://example.org/mcp"), "mcp: its url is not"),
    (drop("mcp/headers"), "mcp: its header X-IAPeer-Identity does not name the peer"),
    (put("mcp/headers/X-IAPeer-Identity", "claude-index"), "does not name the peer"),
    (put("toml", None), "toml: its url is not"),
    (put("toml/url", Raw('"http://127.0.0.1:8766/mcp"')), "toml: its url is not"),
    (put("toml/args", Raw(f'["{hole("home")}"]')), "toml: holds what is not its own"),
    # triggers
    (drop("triggers/dream"), "triggers: not those that are wanted"),
    (put("triggers/more", {}), "triggers: not those that are wanted"),
    (put("triggers", []), "triggers: not those that are wanted"),
    (put("triggers/watcher", "x"), "triggers: watcher has no id"),
    (put("triggers/watcher/id", "other"), "triggers: watcher has no id"),
    (put("triggers/watcher/target", "alpha"), "triggers: watcher goes to no role"),
    (put("triggers/dream/target", ["index"]), "triggers: dream goes to no role"),
    (put("triggers/watcher/script", "/bin/sh"), "triggers: the script of watcher is not ours"),
    (put("triggers/dream/check", hole("launcher")), "triggers: the check of dream is not ours"),
    (put("triggers/dream/message", "hello"), "triggers: dream says no DREAM_TICK"),
    (put("triggers/dream/when", "* * * * *"), "triggers: dream has another schedule"),
    # the slot
    (put("slot", []), "slot: another provider"),
    (put("slot/provider", "other"), "slot: another provider"),
    (drop("slot/package"), "slot: no package"),
    (put("slot/version", "7.2.0"), "slot: keys of another form"),
    (put("slot/plugin", {}), "slot: keys of another form"),
    (put("slot/heartbeat", "/x/memoryd.heartbeat"), "slot: another heartbeat"),
    (put("slot/provision/command", "/bin/sh"), "slot: provision runs another binary"),
    (drop("slot/unprovision"), "slot: unprovision runs another binary"),
    (put("slot/provision/args", "provision-peer"), "slot: provision is no command"),
    (put("slot/provision/args/0", "memoryd"), "slot: provision is no command"),
    (put("slot/provision/args/2", "/x"), "slot: provision lacks {cwd}"),
    (put("slot/unprovision/args/6", "x"), "slot: unprovision lacks {occasion}"),
    (put("slot/provision/args/2", 1), "slot: provision is no command"),
]


@pytest.mark.parametrize(("change", "reason"), OFF, ids=[reason for _change, reason in OFF])
def test_what_is_off_is_named(
    taught: tuple[Host, Lesson], forms: Forms, change: Callable[[Forms], None], reason: str
) -> None:
    change(forms)
    with pytest.raises(Problem) as found:
        check_shape(forms, taught[0])
    assert reason in str(found.value)
    assert found.value.kind == "malformed"


NEW: dict[str, Callable[[Forms], None]] = {
    "no guide": put("guide", ""),
    "braces": put("skills", {"iapeer-memory-x": "one, with `{single}` braces and {{VAULT_PATH}}"}),
    "a list": put("mcp/more", {"list": [1, None, True, 0.5, hole("logs")]}),
    "a number in TOML": put("toml/tool_timeout_sec", Raw("60")),
    "a time limit": put("hooks/claude/SessionStart/hooks/0/timeout", 5),
    "a key in the slot": put("slot/capabilities", []),
    "a template": put("templates/human.md", "x"),
    "no matcher": drop("hooks/claude/PostToolUse/matcher"),
}


@pytest.mark.parametrize("name", NEW)
def test_what_is_new_is_no_flaw(taught: tuple[Host, Lesson], forms: Forms, name: str) -> None:
    NEW[name](forms)
    check_shape(forms, taught[0])


@pytest.mark.parametrize("version", ["0.4.17", "7.2", "1.0.0-rc.1", "1.0.0+build.5", "2026.11.28"])
def test_a_version_is_digits_dots_and_what_semver_allows(version: str) -> None:
    check_version(version)


@pytest.mark.parametrize(
    "version", ["", "7", "v7.2", "7.2 ", "7.2\n", "7.2\x1b[m", "7..2", "1.0-", "1." * 60 + "0", None, 7.2]
)
def test_what_is_no_version_is_none(version: object) -> None:
    with pytest.raises(Problem):
        check_version(version)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.floats(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@pytest.mark.property
@PROFILE
@given(data=st.data())
def test_whatever_stands_in_the_place_of_a_value_is_taken_or_refused(taught: tuple[Host, Lesson], data: Any) -> None:
    """Never an error of another kind, and what is taken can be filled in and written as JSON."""
    host, lesson = taught
    forms = copy.deepcopy(lesson.forms or {})
    held: Any = forms
    key: Any = data.draw(st.sampled_from(sorted(forms)))
    while isinstance(held[key], (dict, list)) and held[key] and data.draw(st.integers(0, 3)):
        held = held[key]
        key = data.draw(st.sampled_from(sorted(held) if isinstance(held, dict) else range(len(held))))
    held[key] = data.draw(VALUES)
    try:
        check_shape(forms, host)
    except Problem:
        return
    found = forms_of(host, lesson._replace(forms=forms))
    json.dumps(found._asdict(), allow_nan=False)
    strings = [leaf for leaf in leaves(found._replace(mcp={})._asdict()) if isinstance(leaf, str)]
    assert not any("\0" in leaf for leaf in strings)


# A component of a path: what a file system takes, in any script, with all that a shell, JSON or a pattern reads.
NAMES = st.text(
    st.characters(blacklist_characters="/\0", blacklist_categories=["Cs"]) | st.sampled_from("\"'\\$`{}% \n\té☃"),
    min_size=1,
    max_size=12,
).filter(lambda name: name not in (".", ".."))
FOLDERS = st.lists(NAMES, min_size=1, max_size=4).map(lambda names: "/" + "/".join(names))


@pytest.mark.property
@PROFILE
@given(home=FOLDERS, root=FOLDERS, config=FOLDERS, state=FOLDERS, cache=FOLDERS, logs=FOLDERS, vault=FOLDERS)
def test_paths_are_filled_in_as_they_are(
    taught: tuple[Host, Lesson], home: str, root: str, config: str, state: str, cache: str, logs: str, vault: str
) -> None:
    host, lesson = taught
    paths = lay_out(home, root, f"{config}/config.env", state, cache, logs, host.paths.binary)
    elsewhere = host._replace(paths=paths, config=host.config._replace(vault_path=vault))
    forms = forms_of(elsewhere, lesson)
    for client in ("claude", "codex"):
        commands = [entry["hooks"][0]["command"] for entry in forms.hooks[client].values()]
        assert commands == [f"{config}/hooks/iapeer-memory.{verb}.sh" for verb in ("post-write", "session-start")]
    assert forms.slot["heartbeat"] == f"{state}/memoryd.heartbeat"
    assert forms.slot["provision"]["args"][2] == "{cwd}"
    assert forms.triggers["watcher"]["script"] == f"{config}/memoryd-launcher.sh"
    assert forms.triggers["dream"]["check"] == f"{config}/dream-tick-gate.sh"
    assert forms.guide == f"# Guide (form 7.2)\n\nNotes are in `{vault}`.\n"
    here = forms_of(host, lesson)
    for field in ("shims", "skills", "templates", "launcher", "gate", "mcp", "toml"):
        assert getattr(forms, field) == getattr(here, field)


@pytest.mark.property
@PROFILE
@given(root=FOLDERS)
def test_holes_are_made_where_paths_were(root: str) -> None:
    parts = [f"{root}/{part}/iapeer-memory" for part in ("state", "cache", "logs")]
    paths = lay_out(f"{root}/home", root, f"{root}/plugins/iapeer-memory/config.env", *parts, "/bin/x")
    value = {"a": [paths.launcher, paths.heartbeat, f"{paths.hooks}/x.sh", paths.config_file, f"{paths.state}/y", root]}
    names = ("launcher", "heartbeat", "hooks", "config_file", "state", "root")
    suffixes = ("", "", "/x.sh", "", "/y", "")
    inside = f"{root}/vault"
    assert hollow(value, paths, inside) == {"a": [hole(name) + rest for name, rest in zip(names, suffixes)]}
    assert hollow(f"see {inside}.", paths, inside) == f"see {hole('vault')}."


def test_only_string_leaves_are_filled() -> None:
    value = {"a/b": ["a/b", 1, None, {"k": "xa/b"}], "raw": Raw("a/b")}
    assert place(value, {"a": "A"}) == {"a/b": ["A/b", 1, None, {"k": "xA/b"}], "raw": Raw("a/b")}
