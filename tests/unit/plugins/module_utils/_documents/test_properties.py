# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every document: nothing foreign is lost, edits are minimal, and a removal undoes a merge."""

from __future__ import annotations

import contextlib
import json
import math
import re
from typing import Any

import pytest
import tomlkit
from hypothesis import assume, given
from hypothesis import strategies as st

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents import json_spans, toml_document, toml_scan
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents.errors import DocumentError
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents.json_document import (
    Number,
    dump_like,
    load,
)
from ansible_collections.agfpd.iapeer_memory.tests.hypothesis_profiles import PROFILE

try:
    import tomllib
except ImportError:  # before Python 3.11
    tomllib = None  # type: ignore[assignment]

pytestmark = pytest.mark.property

# JSON

TEXTS = st.text(st.characters(blacklist_categories=["Cs"]), max_size=6)
KEYS = st.one_of(st.sampled_from(["a", "b", "hooks", "mcpServers", "я"]), TEXTS)
SCALARS = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), TEXTS)
VALUES = st.recursive(
    SCALARS,
    lambda below: st.one_of(st.lists(below, max_size=4), st.dictionaries(KEYS, below, max_size=4)),
    max_leaves=12,
)
OBJECTS = st.dictionaries(KEYS, VALUES, max_size=5)
SPACES = st.sampled_from(["", "", " ", "  ", "\n", "\n  ", "\r\n\t", " \n\n    "])
INDENTS = st.sampled_from([2, 4, "\t"])


@st.composite
def edits(draw: st.DrawFn, value: Any) -> Any:
    """A value near *value*: members and items dropped, changed, moved and added."""
    if isinstance(value, dict) and draw(st.integers(0, 9)):
        kept = {key: draw(edits(item)) if draw(st.booleans()) else item for key, item in value.items()}
        for key in draw(st.sets(st.sampled_from(sorted(kept)), max_size=2)) if kept else ():
            del kept[key]
        return {**kept, **draw(st.dictionaries(KEYS, VALUES, max_size=2))}
    if isinstance(value, list) and draw(st.integers(0, 9)):
        kept_items = [draw(edits(item)) if draw(st.booleans()) else item for item in value if draw(st.integers(0, 3))]
        for item in draw(st.lists(VALUES, max_size=2)):
            kept_items.insert(draw(st.integers(0, len(kept_items))), item)
        return kept_items
    return draw(VALUES)


@st.composite
def spelled(draw: st.DrawFn, value: Any) -> str:
    """*value* as JSON by a careless hand: whitespace anywhere but in an empty container."""
    if isinstance(value, dict):
        rows = [
            draw(SPACES)
            + json.dumps(key, ensure_ascii=draw(st.booleans()))
            + draw(SPACES)
            + ":"
            + draw(SPACES)
            + draw(spelled(item))
            + draw(SPACES)
            for key, item in value.items()
        ]
        return "{" + ",".join(rows) + "}"
    if isinstance(value, list):
        return "[" + ",".join(draw(SPACES) + draw(spelled(item)) + draw(SPACES) for item in value) + "]"
    return json.dumps(value, ensure_ascii=draw(st.booleans()))


def python(value: Any) -> Any:
    """A loaded value as ``json.loads`` gives it."""
    if isinstance(value, dict):
        return {key: python(item) for key, item in value.items()}
    if isinstance(value, list):
        return [python(item) for item in value]
    return json.loads(value) if isinstance(value, Number) else value


def pretty(value: Any, indent: Any) -> bytes:
    return (json.dumps(value, indent=indent, ensure_ascii=False) + "\n").encode()


def same(one: Any, other: Any) -> bool:
    """Equal as JSON, where true is not 1 and 1 is not 1.0."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


@PROFILE
@given(OBJECTS, st.data())
def test_json_is_read_as_by_the_standard_library(value: dict[str, Any], data: st.DataObject) -> None:
    text = data.draw(spelled(value))
    assert same(python(load(text.encode())), value)
    assert json_spans.scan(text).value == load(text.encode())


JSON_SOUP = st.lists(
    st.sampled_from(
        [*"{}[]:,\"\\ \n\t/'#-+.eE019u", "{", "}", '"a"', '"b"', '"\\u0061"', '"\\ud800"', "true", "null", "NaN"]
        + ["Infinity", "1.0", "1e9", '"a":', '{"a":', "}}", "]}", "\x00", "\x7f", "é", "\u2028", "\ufeff", "//", "\r"]
    ),
    max_size=12,
).map("".join)


@PROFILE
@given(st.one_of(JSON_SOUP, JSON_SOUP.map(lambda soup: '{"a":' + soup + "}"), st.text(max_size=8)))
def test_both_readers_of_json_accept_the_same(text: str) -> None:
    assume(not text.startswith("\ufeff"))
    data = text.encode("utf-8", "surrogatepass")
    try:
        fast: Any = load(data)
    except DocumentError:
        fast = None
    try:
        slow = json_spans.scan(text).value
    except DocumentError:
        slow = None
    if isinstance(slow, dict) or fast is not None:
        assert fast == slow
        assert same(python(fast), json.loads(text))


@PROFILE
@given(OBJECTS, st.sampled_from([1, 2, 2000]), st.data())
def test_the_outline_of_json_is_its_top(value: dict[str, Any], deep: int, data: st.DataObject) -> None:
    top = {key: None if isinstance(item, (dict, list)) else item for key, item in value.items()}
    text = data.draw(spelled(value)).replace("{", '{"deep": ' + "[" * deep + "]" * deep + ("," if value else ""), 1)
    assert same(json.loads(json_spans.outline(text)), {"deep": None, **top})


@PROFILE
@given(st.binary(max_size=40))
def test_json_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(DocumentError):
        assert isinstance(load(data), dict)


@PROFILE
@given(OBJECTS, INDENTS, st.data())
def test_json_formatted_by_a_tool_stays_so(before: dict[str, Any], indent: Any, data: st.DataObject) -> None:
    assume(before or indent == 2)
    after = data.draw(edits(before).filter(lambda value: isinstance(value, dict)))
    result = dump_like(pretty(before, indent), after)
    assert same(json.loads(result), after)
    assert result == pretty(json.loads(result), indent)
    kept = [key for key in before if key in after]
    assert list(json.loads(result)) == kept + [key for key in after if key not in before]


@PROFILE
@given(OBJECTS, st.data())
def test_json_of_any_spelling_is_edited_right(before: dict[str, Any], data: st.DataObject) -> None:
    text = data.draw(SPACES) + data.draw(spelled(before)) + data.draw(SPACES)
    after = data.draw(edits(before).filter(lambda value: isinstance(value, dict)))
    result = dump_like(text.encode(), after)
    assert same(json.loads(result), after)
    assert dump_like(result, after) is result
    assert result.endswith(b"\n") == text.endswith("\n")
    old = {part.key: part for part in json_spans.scan(text).parts}
    for part in json_spans.scan(result.decode()).parts:
        if part.key in old and same(before[part.key], after[part.key]):
            was = old[part.key]
            assert result.decode()[part.start : part.node.end] == text[was.start : was.node.end]


@PROFILE
@given(OBJECTS, OBJECTS, st.data())
def test_json_members_added_and_removed_leave_no_trace(
    before: dict[str, Any], more: dict[str, Any], data: st.DataObject
) -> None:
    text = data.draw(SPACES) + data.draw(spelled(before)) + data.draw(SPACES)
    added = dump_like(text.encode(), {**more, **before})
    assert dump_like(added, load(text.encode())) == text.encode()


@PROFILE
@given(OBJECTS, VALUES, st.data())
def test_json_of_one_changed_value_only_that_changes(before: dict[str, Any], new: Any, data: st.DataObject) -> None:
    text = data.draw(SPACES) + data.draw(spelled(before)) + data.draw(SPACES)
    after = load(text.encode())
    node, place, key = json_spans.scan(text), after, None
    container: Any = None
    while node.parts:
        index = data.draw(st.integers(0, len(node.parts) - 1))
        key = node.parts[index].key if node.parts[index].key is not None else index
        container, node = place, node.parts[index].node
        place = container[key]
    assume(container is not None and not (isinstance(new, (dict, list)) and isinstance(place, (dict, list))))
    container[key] = new
    assume(isinstance(container, dict))  # an item that becomes equal to its neighbour may be aligned otherwise
    result = dump_like(text.encode(), after).decode()
    assert result.startswith(text[: node.start])
    assert result.endswith(text[node.end :])


@PROFILE
@given(st.lists(st.sampled_from(["stays", "changed", "dropped", "put before"])), st.integers(0, 3))
def test_json_items_that_stay_keep_their_bytes(fates: list[str], added: int) -> None:
    old = [f'{{"at" :{" " * place}{place}}}' for place in range(len(fates))]
    new = [f'{{"at": "added {place}"}}' for place in range(added)]
    pieces = []
    for place, fate in enumerate(fates):
        pieces += ['{"at": "new"}'] if fate == "put before" else []
        changed = f'{{"at" :{" " * place}"changed"}}'
        pieces += {"dropped": [], "changed": [changed]}.get(fate, [old[place]])
    kept = [piece for place, piece in enumerate(old) if fates[place] in ("stays", "put before")]
    text, after = f'{{"a": [{", ".join(old)}]}}'.encode(), load(f'{{"a": [{", ".join(pieces + new)}]}}'.encode())
    result = dump_like(text, after).decode()
    assert [piece for piece in re.findall(r"{[^{}]*}", result) if piece in old] == kept
    if not {"dropped", "put before"} & set(fates):
        assert re.findall(r"{[^{}]*}", result)[: len(old)] == pieces


# TOML

NAMESPACE = ("mcp_servers", "iapeer-memory")
TABLES = (
    (NAMESPACE, (("url", "http://127.0.0.1:8766/mcp"), ("bearer_token_env_var", "IAPEER_BEARER"))),
    ((*NAMESPACE, "env_http_headers"), (('"X-IAPeer-Identity"', "PEER_IDENTITY"),)),
)
WANTED = {
    "url": "http://127.0.0.1:8766/mcp",
    "bearer_token_env_var": "IAPEER_BEARER",
    "env_http_headers": {"X-IAPeer-Identity": "PEER_IDENTITY"},
}
OUR_LINES = [
    "[mcp_servers.iapeer-memory]",
    "[mcp_servers.iapeer-memory.env_http_headers]",
    "mcp_servers.iapeer-memory.a = 1",
]
FILLERS = st.lists(st.sampled_from(["", "", "# note", "  ", "\t# [mcp_servers.iapeer-memory]", "#"]), max_size=3)
LINE_VALUES = st.one_of(
    st.sampled_from(
        [
            '"x"',
            "'y'",
            "1",
            "-0.5e3",
            "true",
            "nan",
            "0xff",
            "1979-05-27 07:32:00Z",
            "07:32:00",
            "[]",
            "{}",
            '"\\u00e9\\""',
        ]
        + [
            "[1, [2, 'a]'], {b = \"}\"}]",
            "[ # [x]\n  1,\n\n  2, # y\n]",
            '{ a = 1, b.c = "[d]", b.d = [{}] }',
            '"""x"""""',
        ]
        + [f'"""\n{line}\n"""' for line in OUR_LINES]
        + [f"'''\n\n{line}'''" for line in OUR_LINES]
        + [f"[\n'''{line}''',\n# {line}\n]" for line in OUR_LINES]
    ),
    st.text(st.characters(blacklist_categories=["Cs", "Cc"]), max_size=5)
    .map(json.dumps)
    .filter(lambda s: "\\ud" not in s),
)
TRAILS = st.sampled_from(["", "", "  ", " # mcp_servers", "\t#"])
FOREIGN_HEADERS = [
    "[t{}]",
    "[ t{} . 'u' ]",
    '["t{}".x]',
    "[[t{}]]",
    "[mcp_servers.s{}]",
    '[mcp_servers . "iapeer-memory {}"]',
]
FOREIGN_HEADERS += ["[x.mcp_servers.iapeer-memory.t{}]", "  [mcp_servers_{}.iapeer-memory]"]
OUR_TABLES = ["[mcp_servers.iapeer-memory]", '[ mcp_servers . "iapeer-memory" ]', "['mcp_servers'.iapeer-memory.t]"]
OUR_TABLES += [
    "[[mcp_servers.iapeer-memory.list]]",
    '  ["mcp\\u005fservers".iapeer-memory]',
    "[mcp_servers.iapeer-memory.env_http_headers]",
]


@st.composite
def pairs_of_toml(draw: st.DrawFn, keys: list[str]) -> list[str]:
    """Lines of keys with values, comments and blank lines among them."""
    lines = draw(FILLERS)
    for key in draw(st.lists(st.sampled_from(keys), unique=True, max_size=3)):
        lines += [f"{key}{draw(st.sampled_from([' = ', '=']))}{draw(LINE_VALUES)}{draw(TRAILS)}", *draw(FILLERS)]
    return lines


@st.composite
def documents(draw: st.DrawFn, *, ours: bool) -> str:
    """A valid TOML file; with *ours*, some tables and dotted keys of our namespace stand in it."""
    keys = ["a", '"b c"', "d.e", "'d'.f", '"я"', "  g"]
    lines = draw(pairs_of_toml([*keys, "mcp_servers.other.url", *(["mcp_servers.iapeer-memory.k"] if ours else [])]))
    headers = [
        header.format(number)
        for number, header in enumerate(draw(st.lists(st.sampled_from(FOREIGN_HEADERS), max_size=4)))
    ]
    if draw(st.booleans()):
        headers.append("[mcp_servers]")
    if ours:
        headers += draw(st.lists(st.sampled_from(OUR_TABLES), min_size=1, max_size=3, unique=True))
    for header in draw(st.permutations(headers)):
        inside = ["iapeer-memory.x", '"iapeer-memory".y', "iapeer-memory"] if ours and header == "[mcp_servers]" else []
        lines += [header + draw(TRAILS), *draw(pairs_of_toml([*keys, *inside]))]
    text = draw(st.sampled_from(["\n", "\n", "\r\n"])).join("\n".join(lines).split("\n"))
    return text + draw(st.sampled_from(["", "", "\n", "\n", "\n\n", "\n\n\n", "\r\n", "  "]))


def valid(text: str) -> list[toml_scan.Statement]:
    """The statements of *text*; an example that is not valid is given up."""
    try:
        return toml_scan.scan(text)
    except DocumentError:
        assume(False)
        raise


@PROFILE
@given(documents(ours=False))
def test_toml_merged_and_removed_leaves_no_trace(text: str) -> None:
    valid(text)
    data = text.encode()
    assert toml_document.read(data, NAMESPACE) is None
    assert toml_document.remove(data, NAMESPACE) == data
    result = toml_document.replace(data, NAMESPACE, TABLES)
    assert result.startswith(data)
    assert result.endswith(b"\n") == (data.endswith(b"\n") or not data)
    assert toml_document.read(result, NAMESPACE) == WANTED
    assert toml_document.replace(result, NAMESPACE, TABLES) == result
    assert toml_document.remove(result, NAMESPACE) == data


@PROFILE
@given(documents(ours=False))
def test_toml_merged_is_what_other_parsers_read(text: str) -> None:
    valid(text)
    result = toml_document.replace(text.encode(), NAMESPACE, TABLES).decode()
    assert tomlkit.parse(result).unwrap()["mcp_servers"]["iapeer-memory"] == WANTED
    if tomllib:
        parsed = tomllib.loads(result, parse_float=str)
        assert parsed["mcp_servers"].pop("iapeer-memory") == WANTED
        original = tomllib.loads(text, parse_float=str)
        assert parsed == {"mcp_servers": {}, **original}


@PROFILE
@given(documents(ours=True))
def test_toml_of_ours_is_replaced_wherever_it_stands(text: str) -> None:
    statements = valid(text)
    data = text.encode()
    ours = [statement for statement in statements if statement.path[:2] == NAMESPACE]
    foreign = [text[s.start : s.end] for s in statements if s.path and s.path[:2] != NAMESPACE]
    removed = toml_document.remove(data, NAMESPACE)
    left = [text for text in valid(removed.decode()) if text.path]
    assert [removed.decode()[s.start : s.end].rstrip() for s in left] == [line.rstrip() for line in foreign]
    assert toml_document.read(removed, NAMESPACE) is None
    result = toml_document.replace(data, NAMESPACE, TABLES)
    assert toml_document.read(result, NAMESPACE) == WANTED
    assert toml_document.replace(result, NAMESPACE, TABLES) == result
    assert toml_document.remove(result, NAMESPACE) == removed
    assert (toml_document.read(data, NAMESPACE) is not None) == bool(ours)
    # Of the comments only those between the keys of a table of ours go.
    last = [index for index, s in enumerate(statements) if s.path and s.path[:2] == NAMESPACE]
    inside = {index for one, other in zip(last, last[1:]) for index in range(one, other)}
    for index, statement in enumerate(statements):
        if statement.kind == toml_scan.COMMENT and index not in inside:
            assert text[statement.start : statement.end].rstrip("\r\n") in removed.decode()


SOUP_PARTS = [
    "a",
    "b",
    "a.b",
    '"a"',
    "'b'",
    "[a]",
    "[[a]]",
    "[a.b]",
    "[a.b.c]",
    "[[a.b]]",
    "[b]",
    " = ",
    "=",
    "\n",
    "\n",
    "\n",
]
SOUP_PARTS += [
    " ",
    ".",
    ",",
    "1",
    "01",
    "1.5",
    "1_0",
    "1e3",
    "+1",
    "-inf",
    "nan",
    "true",
    "0x1f",
    "0b2",
    '"',
    '"""',
    "'",
    "'''",
]
SOUP_PARTS += [
    "\\",
    "\\n",
    "\\u0041",
    "\\ud800",
    "\\U00110000",
    "\\ \n ",
    "{",
    "}",
    "[",
    "]",
    "#",
    "# c",
    "\t",
    "\r\n",
    "\r",
]
SOUP_PARTS += [
    "1979-05-27",
    "T07:32:00",
    " 07:32:00",
    "07:32:00",
    ".5",
    "Z",
    "+00:00",
    "2026-02-30",
    "\x00",
    "\x7f",
    "é",
    "\u2028",
]
SOUP_PARTS += [
    "a = 1\n",
    "b = 'x'\n",
    "a.b = 1\n",
    "b = {a = 1}\n",
    "a = [{b = 1}]\n",
    "{a.b = 1, a.c = 2}",
    "[1, 2]",
    '"""x""""',
]
TOML_SOUP = st.one_of(
    st.lists(st.sampled_from(SOUP_PARTS), max_size=12).map("".join),
    st.lists(st.sampled_from(SOUP_PARTS), min_size=1, max_size=6).map(lambda parts: "a = " + "".join(parts)),
    st.lists(
        st.sampled_from(
            [part + "\n" for part in SOUP_PARTS if part[0] == "["] + [f"{key} = 1\n" for key in SOUP_PARTS[:5]]
        ),
        max_size=8,
    ).map("".join),
)


def by_own_scanner(text: str) -> Any:
    """The whole document by the statements of our scanner, other values read by tomllib; None when refused."""
    try:
        statements = toml_scan.scan(text)
    except DocumentError:
        return None
    return toml_document._value([s._replace(path=("", *s.path)) for s in statements if s.path], ("",)) or {}


def plain(value: Any) -> Any:
    """Own values as tomllib gives them; NaN, which is not equal to itself, as text."""
    if isinstance(value, toml_scan.Raw):
        value = tomllib.loads(f"x = {value}")["x"]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    return "nan" if isinstance(value, float) and math.isnan(value) else value


@pytest.mark.skipif(tomllib is None, reason="this Python has no tomllib")
@PROFILE
@given(st.one_of(TOML_SOUP, documents(ours=True), documents(ours=False)))
def test_own_scanner_reads_as_tomllib(text: str) -> None:
    try:
        expected: Any = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        expected = None
    own = by_own_scanner(text)
    assert (own is None) == (expected is None), expected
    assert plain(own) == plain(expected)


@PROFILE
@given(st.one_of(st.binary(max_size=40), TOML_SOUP.map(str.encode)))
def test_toml_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(DocumentError):
        read = toml_document.read(data, NAMESPACE)
        assert read is None or isinstance(read, dict)
        toml_document.remove(toml_document.replace(data, NAMESPACE, TABLES), NAMESPACE)


@PROFILE
@given(documents(ours=True))
def test_the_statements_of_toml_are_the_whole_text(text: str) -> None:
    assert "".join(text[statement.start : statement.end] for statement in valid(text)) == text
