# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Our entries in the hooks of a peer (contract §5)."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents.errors import DocumentError
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces.hooks import our_parts, with_hooks

POST = {"type": "command", "command": "/s/iapeer-memory.post-write.sh"}
START = {"type": "command", "command": "/s/iapeer-memory.session-start.sh"}
STALE = {"type": "command", "command": "/old/iapeer-memory.post-write.sh"}
OTHER = {"type": "command", "command": "/opt/audit.sh", "timeout": 5}
OUR_POST: dict[str, Any] = {"matcher": "Write|Edit|MultiEdit|Bash", "hooks": [POST]}
OUR_START: dict[str, Any] = {"hooks": [START]}
FOREIGN: dict[str, Any] = {"matcher": "Bash", "hooks": [OTHER]}
WANTED = {"PostToolUse": OUR_POST, "SessionStart": OUR_START}
RIGHT = {"hooks": {"PostToolUse": [OUR_POST], "SessionStart": [OUR_START]}}


ONE_IN_THE_MIDDLE = {"hooks": {"PostToolUse": [FOREIGN, OUR_POST, FOREIGN], "SessionStart": [OUR_START]}}


def hooks(**events: Any) -> dict[str, Any]:
    """A document with these events."""
    return {"hooks": events}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ({}, RIGHT),
        ({"hooks": {}}, RIGHT),
        ({"a": 1}, {"a": 1, **RIGHT}),
        (hooks(PostToolUse=[FOREIGN]), hooks(PostToolUse=[FOREIGN, OUR_POST], SessionStart=[OUR_START])),
        (hooks(PostToolUse=[OUR_POST, FOREIGN]), hooks(PostToolUse=[OUR_POST, FOREIGN], SessionStart=[OUR_START])),
        (hooks(PostToolUse=[FOREIGN, {"hooks": [STALE]}, FOREIGN]), ONE_IN_THE_MIDDLE),
        (hooks(PostToolUse=[{"hooks": [STALE]}, FOREIGN, OUR_POST, FOREIGN, OUR_POST]), ONE_IN_THE_MIDDLE),
        (hooks(PostToolUse=[FOREIGN, {"hooks": [STALE]}, FOREIGN, {"hooks": [STALE]}]), ONE_IN_THE_MIDDLE),
        (hooks(PostToolUse=[FOREIGN, {"hooks": [POST, STALE]}, FOREIGN]), ONE_IN_THE_MIDDLE),
        (hooks(PostToolUse=[{"hooks": [STALE]}]), RIGHT),
        (hooks(PostToolUse=[OUR_POST, OUR_POST]), RIGHT),
        (hooks(PostToolUse=[{**OUR_POST, "matcher": "Write"}]), RIGHT),
        (hooks(PostToolUse=[{"hooks": [POST]}]), RIGHT),
        (hooks(PostToolUse=[{**OUR_POST, "hooks": [{**POST, "timeout": 1}]}]), RIGHT),
        (
            hooks(PostToolUse=[{"matcher": "X", "hooks": [STALE, OTHER], "note": 1}]),
            hooks(PostToolUse=[{"matcher": "X", "hooks": [OTHER], "note": 1}, OUR_POST], SessionStart=[OUR_START]),
        ),
        (
            hooks(Stop=[{"hooks": [STALE]}], Other=[], PreToolUse=[FOREIGN]),
            hooks(Other=[], PreToolUse=[FOREIGN], PostToolUse=[OUR_POST], SessionStart=[OUR_START]),
        ),
        (
            hooks(PostToolUse=["text", 5, None, {"hooks": "no list"}, {"hooks": []}]),
            hooks(
                PostToolUse=["text", 5, None, {"hooks": "no list"}, {"hooks": []}, OUR_POST], SessionStart=[OUR_START]
            ),
        ),
    ],
)
def test_exactly_one_entry_of_ours_stands_where_it_stood_or_after_the_foreign_ones(before: Any, after: Any) -> None:
    kept = copy.deepcopy(before)
    assert with_hooks(before, WANTED) == after
    assert before == kept
    assert with_hooks(after, WANTED) is after


def test_another_key_order_is_no_drift() -> None:
    value = hooks(SessionStart=[OUR_START], PostToolUse=[dict(reversed(list(OUR_POST.items())))])
    assert with_hooks(value, WANTED) is value


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (RIGHT, {}),
        ({"a": 1, **RIGHT}, {"a": 1}),
        (hooks(PostToolUse=[FOREIGN, OUR_POST], SessionStart=[OUR_START]), hooks(PostToolUse=[FOREIGN])),
        (hooks(PostToolUse=[{"hooks": [STALE, OTHER]}]), hooks(PostToolUse=[{"hooks": [OTHER]}])),
        (hooks(Stop=[], PostToolUse=[OUR_POST]), hooks(Stop=[])),
        (hooks(Stop=[{"hooks": [STALE]}]), {}),
    ],
)
def test_removal_takes_ours_and_what_is_empty_only_for_it(before: Any, after: Any) -> None:
    assert with_hooks(before, {}) == after


@pytest.mark.parametrize("value", [{}, {"hooks": {}}, hooks(Stop=[]), hooks(Stop=[FOREIGN, {"hooks": []}]), {"a": 1}])
def test_removal_leaves_a_document_without_ours_alone(value: Any) -> None:
    assert with_hooks(value, {}) is value


@pytest.mark.parametrize(
    "command",
    [
        "timeout 5 /s/iapeer-memory.post-write.sh",
        "/opt/log.sh /s/iapeer-memory.post-write.sh",
        "/s/iapeer-memory.post-write.sh || true",
        "true # /s/iapeer-memory.post-write.sh",
        "/opt/first.sh; /s/iapeer-memory.post-write.sh",
    ],
)
def test_a_command_that_only_mentions_a_shim_is_foreign_and_stays(command: str) -> None:
    mention = {"matcher": "Bash", "hooks": [{"type": "command", "command": command}]}
    value = hooks(PostToolUse=[mention], SessionStart=[mention])
    assert with_hooks(value, {}) is value
    assert with_hooks(value, WANTED) == hooks(PostToolUse=[mention, OUR_POST], SessionStart=[mention, OUR_START])
    assert our_parts(value) == [[], []]


def test_a_command_that_this_host_would_write_is_ours_by_its_very_words() -> None:
    command = "/a b/iapeer-memory.post-write.sh"
    value = hooks(PostToolUse=[{"hooks": [{"type": "command", "command": command}]}])
    assert with_hooks(value, {}, frozenset({command})) == {}
    assert with_hooks(value, {}) is value


@pytest.mark.parametrize("value", [[], "text", 5, None, True])
@pytest.mark.parametrize("wanted", [WANTED, {}])
def test_hooks_that_are_no_object_are_refused(value: Any, wanted: Any) -> None:
    with pytest.raises(DocumentError) as error:
        with_hooks({"hooks": value}, wanted)
    assert str(error.value) == "not an object (hooks)"


@pytest.mark.parametrize("value", [{}, "text", 5, None, OUR_POST])
@pytest.mark.parametrize("event", ["PostToolUse", "Stop", "Unheard"])
@pytest.mark.parametrize("wanted", [WANTED, {}])
def test_an_event_that_is_no_list_is_refused(value: Any, event: str, wanted: Any) -> None:
    with pytest.raises(DocumentError) as error:
        with_hooks({"hooks": {event: value}}, wanted)
    assert str(error.value) == f"not a list (hooks.{event})"


def test_ours_are_entries_that_hold_nothing_else_and_single_handlers_of_others() -> None:
    mixed = {"matcher": "X", "hooks": [STALE, OTHER]}
    value = hooks(PostToolUse=[OUR_POST, FOREIGN, mixed, "text"], Stop="text")
    assert [part for part in our_parts(value) if part] == [OUR_POST, [STALE]]


@pytest.mark.parametrize("value", [{}, {"hooks": []}, {"hooks": None}])
def test_a_document_without_hooks_has_nothing_of_ours(value: Any) -> None:
    assert our_parts(value) == []
