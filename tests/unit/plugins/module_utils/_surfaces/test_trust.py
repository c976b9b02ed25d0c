# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trust of Codex hooks: read from its records, asked of the core (contract §5)."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents import toml_document
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import Outcome
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.problem import Problem
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.edits import Edit
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

ONE = document(Stop=[{"hooks": [PLAIN]}])
((KEY, HASHED),) = (trust.identities(ONE) or {}).items()


def recorded(place: Place, text: str, data: bytes = ONE) -> bool:
    """Whether a hooks.json is trusted, with this text as Codex's config."""
    place.write(place.codex_home / "config.toml", text)
    return trust.Records(place.host()).trust(PATH, data)


TABLE = f'[hooks.state."{PATH}:{KEY}"]\ntrusted_hash = "{HASHED}"\n'


@pytest.mark.parametrize(
    ("text", "trusted"),
    [
        (TABLE, True),
        ("[hooks.state]\n" + TABLE, True),
        (TABLE + "enabled = true\n", True),
        (TABLE + "enabled = false\n", False),
        (TABLE + 'enabled = "true"\n', False),
        (TABLE.replace(HASHED, HASHED[:-1]), False),
        (TABLE.replace("stop:0:0", "stop:0:1"), False),
        (TABLE.replace("trusted_hash", "other"), False),
        (f'[hooks.state]\n"{PATH}:{KEY}" = "text"\n', False),
        (f'[hooks.state]\n"{PATH}:{KEY}" = {{ trusted_hash = "{HASHED}" }}\n', True),
        ("", False),
        ("hooks = 5\n", False),
        ("[hooks]\nstate = 5\n", False),
        ("= broken", False),
    ],
)
def test_a_hook_is_recorded_by_its_hash_unless_it_is_switched_off(place: Place, text: str, trusted: bool) -> None:
    assert recorded(place, text) is trusted


def test_no_config_and_an_unreadable_one_record_nothing(place: Place) -> None:
    assert not trust.Records(place.host()).trust(PATH, ONE)
    (place.codex_home / "config.toml").mkdir()
    assert not trust.Records(place.host()).trust(PATH, ONE)


@pytest.mark.parametrize("data", [b"{", b'{"hooks": {}}', b'{"hooks": {"Stop": []}}'])
def test_nothing_to_trust_is_never_recorded(place: Place, data: bytes) -> None:
    assert not recorded(place, TABLE, data)


def test_every_hook_must_be_recorded(place: Place) -> None:
    assert not recorded(place, TABLE, document(Stop=[{"hooks": [PLAIN, PLAIN]}]))
    second = TABLE.replace("stop:0:0", "stop:0:1")
    assert recorded(place, TABLE + second, document(Stop=[{"hooks": [PLAIN, PLAIN]}]))


@given(
    st.lists(
        st.sampled_from(
            [
                *(TABLE, TABLE.replace("stop", "start"), f"[hooks.state]\n{TABLE}", "[hooks]\n", "[features]\n"),
                *("enabled = true\n", "enabled = false\n", f'trusted_hash = "{HASHED}"\n', 'trusted_hash = "x"\n'),
                *("  enabled = false\n", "# enabled = false\n", "enabled = false # off\n", 'note = "x"\n', "\n"),
                *('text = """\n', f"'''\n{TABLE}'''\n", "list = [\n]\n", TABLE.replace("\n", "\r\n")),
                f'[hooks.state]\n"{PATH}:{KEY}" = {{ trusted_hash = "{HASHED}" }}\n',
            ]
        ),
        max_size=6,
    )
)
def test_what_the_quick_reader_trusts_the_careful_one_trusts(parts: list[str]) -> None:
    text = "".join(parts)
    try:
        careful = toml_document.read(text.encode(), ("hooks", "state")) or {}
    except Problem:
        return  # Codex does not start with such a config
    for key, record in trust.plain_records(text.encode()).items():
        if record.get("enabled", trust.ON) == trust.ON and "trusted_hash" in record:
            known = careful[key]
            assert (known["trusted_hash"], known.get("enabled", trust.ON)) == (record["trusted_hash"], trust.ON)


def test_records_in_their_usual_spelling_are_read_quickly(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trust.toml_document, "read", lambda *_: pytest.fail("the careful reader was asked"))
    assert recorded(place, 'model = "x"\n\n[hooks.state]\n\n' + TABLE + "\n[features]\nhooks = true\n")


# The core

TRUST = Planned("trust", "written", PATH, "not trusted yet")
TIMED_OUT = Outcome(124, "", "iapeer gave no answer within 60 s")
HOOKS = Planned("hooks", "already", PATH)
CHANGING = HOOKS._replace(action="written", edits=(("hooks.json", Edit(PATH, None, b"{}")),))


@pytest.mark.parametrize(
    ("outcome", "action", "detail"),
    [
        (Outcome(0, "trusted: 2 of 2 hooks\n"), "written", "trusted: 2 of 2 hooks"),
        (Outcome(0, "\nAlready trusted: 0 of 2\nmore"), "already", ""),
        (Outcome(0, "trusted\nalready"), "written", "trusted"),
        (Outcome(0, ""), "written", ""),
        (Outcome(1, "", "no such file"), "failed", f"no such file; {trust.UNTRUSTED}"),
        (Outcome(1, "already", ""), "failed", f"already; {trust.UNTRUSTED}"),
        (TIMED_OUT, "failed", f"iapeer gave no answer within 60 s; {trust.UNTRUSTED}"),
        (MISSING, "failed", f"the core is missing: no /fake/iapeer; {trust.UNTRUSTED}"),
        (REFUSED, "skipped", "refused by the sandbox: iapeer was not named"),
    ],
)
@pytest.mark.parametrize("hooks", [None, HOOKS, CHANGING])
def test_what_the_core_answers_is_told(
    place: Place, outcome: Outcome, action: str, detail: str, hooks: Planned | None
) -> None:
    with transcript(Call("iapeer", ("trust-hooks", PATH), outcome)) as egress:
        done = trust.Core(place.host(egress), check=False).settle(TRUST, hooks)
    assert (done.action, done.detail, done.path) == (action, detail, PATH)


@pytest.mark.parametrize(
    ("outcome", "hooks", "action"),
    [
        (Outcome(0), HOOKS, "already"),
        (Outcome(0), None, "already"),
        (Outcome(0), CHANGING, "written"),
        (Outcome(1), HOOKS, "written"),
        (Outcome(1), CHANGING, "written"),
        (MISSING, HOOKS, "failed"),
        (MISSING, CHANGING, "failed"),
        (REFUSED, HOOKS, "skipped"),
        (REFUSED, CHANGING, "skipped"),
    ],
)
def test_check_mode_asks_without_writing(place: Place, outcome: Outcome, hooks: Planned | None, action: str) -> None:
    with transcript(Call("iapeer", ("trust-hooks", PATH, "--check"), outcome)) as egress:
        assert trust.Core(place.host(egress), check=True).settle(TRUST, hooks).action == action


@pytest.mark.parametrize("check", [True, False])
@pytest.mark.parametrize("action", ["failed", "skipped"])
def test_hooks_that_are_not_in_place_are_not_asked_for(place: Place, action: str, check: bool) -> None:
    done = trust.Core(place.host(), check).settle(TRUST, HOOKS._replace(action=action))
    assert (done.action, done.detail) == (action, "not asked for: hooks.json is not in place")


def test_check_mode_asks_once_whether_there_is_a_core_for_hooks_that_are_about_to_change(place: Place) -> None:
    with transcript(Call("iapeer", ("trust-hooks", PATH, "--check"), Outcome(1))) as egress:
        core = trust.Core(place.host(egress), check=True)
        assert [core.settle(TRUST, CHANGING).action for _n in range(5)] == ["written"] * 5


@pytest.mark.parametrize("check", [True, False])
def test_a_core_that_does_not_answer_is_asked_no_more(place: Place, check: bool) -> None:
    more = ("--check",) if check else ()
    with transcript(Call("iapeer", ("trust-hooks", PATH, *more), TIMED_OUT)) as egress:
        core = trust.Core(place.host(egress), check)
        done = [core.settle(TRUST, HOOKS) for _n in range(3)]
    assert {item.action for item in done} == {"written" if check else "failed"}


@pytest.mark.parametrize(
    ("outcome", "agrees"),
    [(Outcome(0), True), (Outcome(1), False), (Outcome(2), False), (MISSING, True), (REFUSED, True), (TIMED_OUT, True)],
)
def test_only_an_answer_denies_a_record(place: Place, outcome: Outcome, agrees: bool) -> None:
    with transcript(Call("iapeer", ("trust-hooks", PATH, "--check"), outcome)) as egress:
        assert trust.Core(place.host(egress), check=False).agrees(PATH) is agrees
