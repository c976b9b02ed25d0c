# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON objects: loaded strictly, edited with as few bytes touched as possible."""

from __future__ import annotations

import copy
import json
import pickle
import sys
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents import json_document
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents.errors import DocumentError
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents.json_document import (
    Number,
    dump_like,
    is_left_of,
    load,
)

SERVER = {"type": "http", "headers": {"X": "é"}, "list": [1, {"a": None}]}


def edited(text: str, edit: Callable[[dict[str, Any]], object]) -> str:
    """*text* after *edit* was done to its value, which must load as that."""
    after = load(text.encode())
    edit(after)
    result = dump_like(text.encode(), after)
    assert load(result) == load(dump_like(None, after))
    return result.decode()


def add_server(value: dict[str, Any]) -> None:
    value.setdefault("mcpServers", {})["ours"] = SERVER


# Loading


def test_a_number_is_its_spelling() -> None:
    value = load(b'{"a": [1.0, 1.00, 1e400, 123456789012345678901234567890, -0]}')["a"]
    assert [str(number) for number in value] == ["1.0", "1.00", "1e400", "123456789012345678901234567890", "-0"]
    assert all(isinstance(number, Number) for number in value)
    assert value[0] != value[1]


def test_a_number_is_never_a_string() -> None:
    assert Number("1") != "1"
    assert "1" != Number("1")  # noqa: SIM300
    assert Number("1").__eq__("1") is not True
    assert load(b'{"a": 1}') != load(b'{"a": "1"}')
    assert repr(Number("1")) == "Number('1')"
    assert {Number("1"): 2}[Number("1")] == 2


@pytest.mark.parametrize("twin", [copy.copy, copy.deepcopy, lambda number: pickle.loads(pickle.dumps(number))])
def test_a_number_survives_copies(twin: Callable[[Number], Number]) -> None:
    assert twin(Number("1.0")) == Number("1.0")


def test_lone_surrogates_and_non_ascii_are_loaded() -> None:
    assert load(r'{"cut": "\ud83d", "я": "\u0000"}'.encode()) == {"cut": "\ud83d", "я": "\0"}


def test_a_refusal_says_what_and_where() -> None:
    with pytest.raises(DocumentError) as refusal:
        load('{\n  "é": 1,\n  "é": 2\n}'.encode())
    assert refusal.value.place == "line 3, column 3"
    assert str(refusal.value) == f"{refusal.value.reason} (line 3, column 3)"
    assert str(DocumentError("the file is empty")) == "the file is empty"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "a closing } is missing"),
        ('{"a"', "a colon is missing after a key"),
        ('{"a" 1}', "a colon is missing after a key"),
        ('{"a":', "the document ends too early"),
        ('{"a":1', "a comma or a closing } is missing"),
        ('{"a":1,', "the document ends too early"),
        ('{"a":[', "a closing ] is missing"),
        ('{"a":[1', "a comma or a closing ] is missing"),
        ('{"a', "unterminated string"),
        ('{"a\\', "unknown escape in a string"),
        ('{"a\\u12g4": 1}', "unknown escape in a string"),
        ('{,"a": 1}', "a key in double quotes is missing"),
        ("{1: 1}", "a key in double quotes is missing"),
        ('{"a": .5}', "a value is missing"),
        ('{"a": 1.}', "a comma or a closing } is missing"),
        ('{"a": tru}', "a value is missing"),
        ('{"a": +Infinity}', "NaN and Infinity are not allowed in JSON"),
        ("# a\n{}", "comments are not allowed in JSON"),
        ('{"a": 1\v}', "a comma or a closing } is missing"),
        ('{"a": 1}\0', "text after the end of the document"),
        ('{"a": \u0661}', "a value is missing"),
    ],
)
def test_malformed_json_is_refused(text: str, reason: str) -> None:
    with pytest.raises(DocumentError) as refusal:
        load(text.encode())
    assert refusal.value.reason == reason


def test_nesting_is_limited_to_128_levels() -> None:
    def nested(levels: int) -> bytes:
        return b'{"a":' * (levels - 1) + b"{}" + b"}" * (levels - 1)

    assert load(nested(128))
    assert dump_like(nested(128), {"b": 1}) == b'{"b":1}'
    for levels in (129, 100_000):
        with pytest.raises(DocumentError, match="nested deeper than 128 levels"):
            load(nested(levels))


def test_brackets_in_strings_and_side_by_side_are_no_nesting() -> None:
    assert load(b'{"a": "' + b"[" * 1000 + rb'\"[", "b": [' + b"[]," * 1000 + b"{}]}")


def test_unclosed_quotes_do_not_hide_nesting() -> None:
    with pytest.raises(DocumentError):
        load(b'{"a": ' + b"[" * 1000 + b'"')


# New files


def test_a_new_file_has_two_spaces_and_a_final_newline() -> None:
    assert dump_like(None, {"я": [], "b": {"c": [1, True]}}).decode() == (
        '{\n  "я": [],\n  "b": {\n    "c": [\n      1,\n      true\n    ]\n  }\n}\n'
    )
    assert dump_like(None, {}) == b"{}\n"


def test_numbers_keep_their_spelling_in_new_text() -> None:
    assert dump_like(None, {"a": [Number("1e400"), 2, 1.5, -0.0]}) == (
        b'{\n  "a": [\n    1e400,\n    2,\n    1.5,\n    -0.0\n  ]\n}\n'
    )


def test_lone_surrogates_are_escaped_in_new_text() -> None:
    assert dump_like(None, {"a\udc00": "\ud83d"}) == b'{\n  "a\\udc00": "\\ud83d"\n}\n'


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_what_is_no_json_number_is_not_written(value: float) -> None:
    with pytest.raises(DocumentError, match="NaN and Infinity"):
        dump_like(None, {"a": value})


@pytest.mark.parametrize("value", [b"bytes", {1: 2}, {"a", "b"}, object()])
def test_what_is_not_json_at_all_is_a_mistake_of_the_caller(value: object) -> None:
    with pytest.raises(TypeError):
        dump_like(None, {"a": value})


def test_what_json_cannot_say_is_not_written() -> None:
    with pytest.raises(DocumentError, match="would not say what is wanted"):
        dump_like(b"{}", {"a": "\ud83d\ude00"})  # escaped side by side, the two halves read as one character
    with pytest.raises(DocumentError, match="would be refused"):
        dump_like(b"{}", {"a": Number("one")})


def test_too_deep_a_value_is_not_written() -> None:
    value: Any = 1
    for _level in range(sys.getrecursionlimit()):
        value = [value]
    with pytest.raises(DocumentError, match="nested deeper than 128 levels"):
        dump_like(b"{}", {"a": value})


def test_tuples_and_other_mappings_are_written(monkeypatch: pytest.MonkeyPatch) -> None:
    from types import MappingProxyType

    assert dump_like(b"{}\n", MappingProxyType({"a": (1, 2)})) == b'{\n  "a": [\n    1,\n    2\n  ]\n}\n'


def test_nothing_half_right_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_document, "_write", lambda *_layout: "1")
    with pytest.raises(DocumentError, match="would not say what is wanted"):
        dump_like(b'{"a": 0}', {"a": 2})
    monkeypatch.setattr(json_document, "_write", lambda *_layout: "}")
    with pytest.raises(DocumentError, match="would be refused"):
        dump_like(b'{"a": 0}', {"a": 2})


# Edits


def test_nothing_to_change_returns_the_very_bytes() -> None:
    data = b'{ "b":[1.0 ],\r\n"a" : "\\u0041"}'
    assert dump_like(data, {"a": "A", "b": [Number("1.0")]}) is data
    assert dump_like(data, {"a": "A", "b": [1.0]}) is data


def test_true_is_not_one() -> None:
    assert dump_like(b'{"a": 1}', {"a": True}) == b'{"a": true}'
    assert dump_like(b'{"a": true}', {"a": 1}) == b'{"a": 1}'


@pytest.mark.parametrize("text", [b"", b"[]", b'{"a":}'])
def test_what_is_refused_is_not_edited(text: bytes) -> None:
    with pytest.raises(DocumentError):
        dump_like(text, {"a": 1})


def test_a_line_stays_a_line() -> None:
    assert edited('{"a": 1, "mcpServers": {}}', add_server) == (
        '{"a": 1, "mcpServers": {"ours": {"type": "http", "headers": {"X": "é"}, "list": [1, {"a": null}]}}}'
    )
    assert edited('{"a":1}\n', add_server) == (
        '{"a":1,"mcpServers":{"ours":{"type":"http","headers":{"X":"é"},"list":[1,{"a":null}]}}}\n'
    )
    assert edited('{ "a": [1, 2], "b": { "c": [] } }', add_server) == (
        '{ "a": [1, 2], "b": { "c": [] }, "mcpServers": { "ours": { "type": "http", "headers": { "X": "é" },'
        ' "list": [1, { "a": null }] } } }'
    )


def test_an_inner_line_stays_a_line() -> None:
    before = '{\n  "a": {"b": {}},\n  "c": [1, 2,\n    3]\n}\n'
    assert edited(before, lambda value: value["a"]["b"].update(x=1)) == before.replace('{"b": {}}', '{"b": {"x": 1}}')
    assert edited(before, lambda value: value["c"].append([4])) == before.replace("3]", "3,\n    [\n      4\n    ]]")


def test_an_empty_container_opens_as_its_surroundings_do() -> None:
    assert edited('{\n\t"a": [ ]\n}', lambda value: value["a"].append({"b": 1})) == (
        '{\n\t"a": [\n\t\t{\n\t\t\t"b": 1\n\t\t}\n\t]\n}'
    )
    assert edited('{"a": []}', lambda value: value["a"].append(1)) == '{"a": [1]}'
    assert edited(" {\n } ", lambda value: value.update(a=1)) == ' {\n  "a": 1\n} '


def test_a_bracket_on_the_line_of_its_item_is_followed() -> None:
    before = '{\n  "a": [{\n    "b":1\n  }]\n}\n'
    assert edited(before, lambda value: value["a"].append({"c": 2})) == before.replace("}]", '}, {\n    "c": 2\n  }]')


def test_odd_spacing_of_what_stays_stays() -> None:
    before = '\n{"a"  :1 ,\n\n\n   "b" :[ 1,2 , 3 ]\n,"c":{ }\n  , "d"  : {"x" : {}  } }  \n\n'
    assert edited(before, lambda value: value["d"].update(y=1)) == before.replace("{}  }", '{},"y"  :1  }')
    assert edited(before, lambda value: value["b"].remove(Number("2"))) == before.replace("1,2 , 3", "1, 3")
    assert edited(before, lambda value: value.pop("a")) == before.replace('"a"  :1 ,\n\n\n   ', "")
    assert edited(before, lambda value: value.pop("c")) == before.replace(',"c":{ }\n  ', "")
    assert edited(before, lambda value: value.pop("d")) == before.replace('\n  , "d"  : {"x" : {}  } }', " }")


def test_crlf_is_kept_in_new_lines() -> None:
    before = '{\n    "a": 1,\n\n    "b": {}\n}'.replace("\n", "\r\n")
    assert edited(before, lambda value: value["b"].update(c=[1])) == (
        before.replace("{}", '{\n        "c": [\n            1\n        ]\n    }'.replace("\n", "\r\n"))
    ).replace("\r\r", "\r")


def test_items_are_aligned() -> None:
    before = '{"a": [ {"k":1},  {"k":2},   {"k":3} ]}'
    assert edited(before, lambda value: value["a"].pop(0)) == '{"a": [ {"k":2},   {"k":3} ]}'
    assert edited(before, lambda value: value["a"].pop(1)) == '{"a": [ {"k":1},   {"k":3} ]}'
    assert edited(before, lambda value: value["a"].pop()) == '{"a": [ {"k":1},  {"k":2} ]}'
    assert edited(before, lambda value: value["a"].clear()) == '{"a": []}'
    assert edited(before, lambda value: value["a"].insert(0, 0)) == '{"a": [ 0,   {"k":1},  {"k":2},   {"k":3} ]}'
    assert edited(before, lambda value: value["a"].insert(1, 0)) == '{"a": [ {"k":1},   0,  {"k":2},   {"k":3} ]}'
    assert edited(before, lambda value: value["a"].append(0)) == '{"a": [ {"k":1},  {"k":2},   {"k":3},   0 ]}'


def test_a_changed_item_is_edited_in_place() -> None:
    before = '{"hooks": [ {"x":1},  {"ours":[ 1 ],"command":  "old"},   5 ]}'

    def move(value: dict[str, Any]) -> None:
        value["hooks"][1]["command"] = "new"
        value["hooks"][2] = "five"

    assert edited(before, move) == before.replace("old", "new").replace("5 ]", '"five" ]')


def test_an_item_changes_its_kind() -> None:
    assert edited('{"a": [1, {"b": 2}]}', lambda value: value.update(a=[[1], 3])) == '{"a": [[1], 3]}'
    assert edited('{"a": [{}, [], 1]}', lambda value: value.update(a=[[2]])) == '{"a": [[2]]}'


def test_what_stays_is_not_taken_for_what_becomes_its_equal() -> None:
    before = '{"a": [{"x":1, "ours": 2},  {"x" :1},  {"y":1,   "ours": 2}]}'

    def without_ours(value: dict[str, Any]) -> None:
        del value["a"][0]["ours"], value["a"][2]["ours"]

    assert edited(before, without_ours) == '{"a": [{"x":1},  {"x" :1},  {"y":1}]}'


def test_a_changed_item_is_what_is_left_of_its_own_not_of_what_is_dropped_before_it() -> None:
    ours, theirs = '{"hooks": [{"ours": 1}]}', '{"m" :"B",   "n": "caf\\u00e9", "hooks":[ {"t":5.0,"x":"\\/opt"}'
    before = f'{{"a": [\n  {ours},\n  {theirs}, {{"ours": 2}} ]}}\n]}}\n'

    def without_ours(value: dict[str, Any]) -> None:
        del value["a"][0], value["a"][0]["hooks"][1]

    assert edited(before, without_ours) == f'{{"a": [\n  {theirs} ]}}\n]}}\n'


def test_a_new_item_does_not_take_the_text_of_what_is_left_after_it() -> None:
    theirs = '{ "t": 5,   "x":"caf\\u00e9\\/log"}'
    before = f'{{"a": [\n  {{"m": "B", "h": [{{"x": "old"}}]}},\n  {{"m": "B", "h": [{theirs}, {{"x": "new"}}]}}\n]}}\n'

    def with_ours_first(value: dict[str, Any]) -> None:
        value["a"][0] = {"m": "B", "h": [{"x": "new"}]}
        del value["a"][1]["h"][1]

    expected = f'{{"a": [\n  {{"m": "B", "h": [{{"x": "new"}}]}},\n  {{"m": "B", "h": [{theirs}]}}\n]}}\n'
    assert edited(before, with_ours_first) == expected


def test_a_new_item_before_what_is_left_of_the_only_one_is_written_anew() -> None:
    theirs = '{"t" :5, "x" :"caf\\u00e9\\/log"}'

    def with_another_first(value: dict[str, Any]) -> None:
        del value["a"][0]["ours"]
        value["a"].insert(0, {"new": 1})

    before = f'{{"a": [{theirs[:-1]}, "ours": 1}}]}}'
    assert edited(before, with_another_first) == f'{{"a": [{{"new": 1}}, {theirs}]}}'


def test_lists_of_any_length_cost_little() -> None:
    """As many steps for each item, however many there are."""
    before = {"a": [{"at": place, "ours": 1} for place in range(20_000)]}
    after = {"a": [{"at": place} for place in range(1, 20_000)]}
    assert json.loads(dump_like(json.dumps(before).encode(), after)) == after


# What is left


@pytest.mark.parametrize(
    ("after", "before", "left"),
    [
        ({}, {"a": 1}, True),
        ({"a": 1}, {"a": 1, "b": 2}, True),
        ({"a": 1, "c": {}}, {"a": 1}, True),
        ({"a": 2}, {"a": 1}, False),
        ({"b": 1}, {"a": 1}, False),
        ({"a": {"x": 1}}, {"a": {"x": 1, "y": 2}}, True),
        ({"a": {"x": 1, "z": 2}}, {"a": {"x": 1, "y": 2}}, False),
        ({"a": [1, 3]}, {"a": [1, 2, 3]}, True),
        ({"a": [3, 1]}, {"a": [1, 2, 3]}, False),
        ({"a": [1, 1]}, {"a": [1, 2]}, False),
        ({"a": [{"x": 1}]}, {"a": [{"y": 1}, {"x": 1, "y": 2}]}, True),
        ({"a": None}, {}, True),
        ({"a": 0}, {}, False),
        ({"a": []}, {"a": {"x": 1}}, True),
    ],
)
def test_what_is_left_when_something_is_dropped(after: Any, before: Any, left: bool) -> None:
    assert is_left_of(after, before) is left


@pytest.mark.parametrize(
    ("after", "before", "left"),
    [
        ("100", "1e2", True),
        ("1", "1.0", True),
        ("0", "-0.0", True),
        ("12345678901234567000", "12345678901234567890", True),
        ("null", "1e999", True),
        ("1e999", "1e999", True),
        ("1e998", "1e999", False),
        ("null", "1e3", False),
        ("true", "1", False),
        ('"1"', "1", False),
        ("2", "1", False),
    ],
)
def test_a_number_that_the_client_spells_in_its_own_way_is_the_same(after: str, before: str, left: bool) -> None:
    values = [load(f'{{"a": {text}}}'.encode()) for text in (after, before)]
    assert is_left_of(*values) is left
