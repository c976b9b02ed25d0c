# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trust of Codex hooks: read from its records, asked of the core (contract §5)."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import Outcome
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces import trust
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces.plan import Planned
from ansible_collections.agfpd.iapeer_memory.tests.fixtures import core
from ansible_collections.agfpd.iapeer_memory.tests.unit.fakes import MISSING, REFUSED, Call, transcript
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place

PATH = "/peers/a/.codex/hooks.json"
PLAIN = {"type": "command", "command": "/abs/x.sh"}
# What Codex itself computes for the plain hook above in PostToolUse.
HASH = "sha256:8946216454d5"


def document(**events: Any) -> bytes:
    """A hooks.json."""
    return json.dumps({"hooks": events}, ensure_ascii=False).encode("utf-8", "surrogatepass")


def test_the_hash_is_the_one_that_codex_computes() -> None:
    (identity,) = (trust.identities(document(PostToolUse=[{"hooks": [PLAIN]}])) or {}).values()
    assert identity.startswith(HASH)
    assert identity.endswith("3122")


@pytest.mark.parametrize(
    "events",
    [
        {"PostToolUse": [{"matcher": "Bash|Edit", "hooks": [PLAIN]}]},
        {"PostToolUse": [{"matcher": "", "hooks": [PLAIN]}, {"matcher": None, "hooks": [PLAIN, PLAIN]}]},
        {"SessionStart": [{"hooks": [{**PLAIN, "timeout": 5}]}], "PreToolUse": [{"hooks": [{**PLAIN, "timeout": 0}]}]},
        {"Stop": [{"matcher": "dropped", "hooks": [PLAIN]}]},
        {"SessionEnd": [{"hooks": [PLAIN, {**PLAIN, "timeout": 2}, {**PLAIN, "timeout": 99}]}]},
        {"UserPromptSubmit": [{"hooks": [{**PLAIN, "command": "/абс/x y.sh"}]}]},
        {"PostToolUse": []},
    ],
)
def test_every_plain_hook_hashes_as_in_the_core(place: Place, events: dict[str, Any]) -> None:
    path = place.write(place.base / "hooks.json", document(**events))
    known = {key[len(str(path)) + 1 :]: value for key, value in core.trust_entries(str(path)).items()}
    assert trust.identities(path.read_bytes()) == known


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b"{}",
        b'{"hooks": []}',
        b'{"hooks": {"Stop": 5}}',
        b'{"hooks": {"Stop": [5]}}',
        b'{"hooks": {"Stop": [{"hooks": [5]}]}}',
        b'{"hooks": {}, "other": 1}',
        document(Stop=[{"hooks": [{"type": "prompt", "command": "x"}]}]),
        document(Stop=[{"hooks": [{"type": "command", "command": 5}]}]),
        document(Stop=[{"hooks": [{**PLAIN, "async": True}]}]),
        document(Stop=[{"hooks": [{**PLAIN, "timeout": 1.5}]}]),
        document(Stop=[{"hooks": [{**PLAIN, "timeout": "5"}]}]),
        document(Stop=[{"hooks": [{**PLAIN, "timeout": -1}]}]),
        document(Stop=[{"hooks": [PLAIN], "note": 1}]),
    ],
)
def test_what_is_not_plain_is_left_to_the_core(data: bytes) -> None:
    assert trust.identities(data) is None


def test_an_index_counts_per_event_and_entry() -> None:
    data = document(PostToolUse=[{"hooks": [PLAIN, PLAIN]}, {"hooks": [PLAIN]}], SessionStart=[{"hooks": [PLAIN]}])
    keys = ["post_tool_use:0:0", "post_tool_use:0:1", "post_tool_use:1:0", "session_start:0:0"]
    assert list(trust.identities(data) or {}) == keys


# Records


def recorded(place: Place, text: str) -> bool:
    """Whether one hook is recorded, with this text as Codex's config."""
    place.write(place.codex_home / "config.toml", text)
    return trust.is_recorded(trust.read_records(place.host()), PATH, {"stop:0:0": "sha256:a"})


TABLE = f'[hooks.state."{PATH}:stop:0:0"]\ntrusted_hash = "sha256:a"\n'


@pytest.mark.parametrize(
    ("text", "trusted"),
    [
        (TABLE, True),
        ("[hooks.state]\n" + TABLE, True),
        (TABLE + "enabled = true\n", True),
        (TABLE + "enabled = false\n", False),
        (TABLE + 'enabled = "true"\n', False),
        (TABLE.replace("sha256:a", "sha256:b"), False),
        (TABLE.replace("stop:0:0", "stop:0:1"), False),
        (TABLE.replace("trusted_hash", "other"), False),
        (f'[hooks.state]\n"{PATH}:stop:0:0" = "text"\n', False),
        (f'[hooks.state]\n"{PATH}:stop:0:0" = {{ trusted_hash = "sha256:a" }}\n', True),
        ("", False),
        ("hooks = 5\n", False),
        ("[hooks]\nstate = 5\n", False),
        ("= broken", False),
    ],
)
def test_a_hook_is_recorded_by_its_hash_unless_it_is_switched_off(place: Place, text: str, trusted: bool) -> None:
    assert recorded(place, text) is trusted


def test_no_config_and_an_unreadable_one_record_nothing(place: Place) -> None:
    assert trust.read_records(place.host()) == {}
    (place.codex_home / "config.toml").mkdir()
    assert trust.read_records(place.host()) == {}


@pytest.mark.parametrize("wanted", [None, {}])
def test_nothing_to_trust_is_never_recorded(wanted: Any) -> None:
    assert not trust.is_recorded({"x": {"trusted_hash": "y"}}, "x", wanted)


def test_every_hook_must_be_recorded() -> None:
    records = {f"{PATH}:a": {"trusted_hash": "1"}, f"{PATH}:b": {"trusted_hash": "2"}}
    assert trust.is_recorded(records, PATH, {"a": "1", "b": "2"})
    assert not trust.is_recorded(records, PATH, {"a": "1", "b": "3"})
    assert not trust.is_recorded(records, PATH, {"a": "1", "c": "2"})


# The core

TRUST = Planned("trust", "written", PATH, "not trusted yet")


@pytest.mark.parametrize(
    ("outcome", "action", "detail"),
    [
        (Outcome(0, "trusted: 2 of 2 hooks\n"), "written", "trusted: 2 of 2 hooks"),
        (Outcome(0, "\nAlready trusted: 0 of 2\nmore"), "already", "Already trusted: 0 of 2"),
        (Outcome(0, "trusted\nalready"), "written", "trusted"),
        (Outcome(0, ""), "written", ""),
        (Outcome(1, "", "no such file"), "failed", f"no such file; {trust.UNTRUSTED}"),
        (Outcome(1, "already", ""), "failed", f"already; {trust.UNTRUSTED}"),
        (MISSING, "failed", f"the core is missing: no /fake/iapeer; {trust.UNTRUSTED}"),
        (REFUSED, "skipped", "refused by the sandbox: iapeer was not named"),
    ],
)
def test_what_the_core_answers_is_told(place: Place, outcome: Outcome, action: str, detail: str) -> None:
    with transcript(Call("iapeer", ("trust-hooks", PATH), outcome)) as egress:
        done = trust.apply_trust(place.host(egress), TRUST)
    assert (done.action, done.detail, done.path) == (action, detail, PATH)


@pytest.mark.parametrize(
    ("outcome", "hooks_change", "action"),
    [
        (Outcome(0), False, "already"),
        (Outcome(0), True, "written"),
        (Outcome(1), False, "written"),
        (Outcome(1), True, "written"),
        (MISSING, False, "failed"),
        (MISSING, True, "failed"),
        (REFUSED, False, "skipped"),
        (REFUSED, True, "skipped"),
    ],
)
def test_check_mode_asks_without_writing(place: Place, outcome: Outcome, hooks_change: bool, action: str) -> None:
    with transcript(Call("iapeer", ("trust-hooks", PATH, "--check"), outcome)) as egress:
        assert trust.ask_trust(place.host(egress), TRUST, hooks_change).action == action


@pytest.mark.parametrize(
    ("hooks", "recorded_already", "action"),
    [
        ("written", False, "written"),
        ("already", False, "written"),
        ("written", True, "already"),
        ("already", True, "already"),
        ("failed", True, "failed"),
        ("failed", False, "failed"),
        ("skipped", False, "skipped"),
    ],
)
def test_trust_follows_the_hooks_it_is_about(hooks: str, recorded_already: bool, action: str) -> None:
    planned = trust.plan_trust(PATH, Planned("hooks", hooks, PATH), recorded_already)
    assert (planned.surface, planned.action) == ("trust", action)
