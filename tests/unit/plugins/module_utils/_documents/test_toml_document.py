# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of one namespace in a TOML file: read, replaced, removed."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents import toml_document, toml_scan
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents.errors import DocumentError
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents.toml_document import Raw

NAMESPACE = ("mcp_servers", "iapeer-memory")
URL = "http://127.0.0.1:8766/mcp"
TABLES = [
    (
        NAMESPACE,
        [("url", URL), ("default_tools_approval_mode", "approve"), ("bearer_token_env_var", "IAPEER_BEARER")],
    ),
    ((*NAMESPACE, "env_http_headers"), [('"X-IAPeer-Identity"', "PEER_IDENTITY")]),
]
BLOCK = """\
[mcp_servers.iapeer-memory]
url = "http://127.0.0.1:8766/mcp"
default_tools_approval_mode = "approve"
bearer_token_env_var = "IAPEER_BEARER"

[mcp_servers.iapeer-memory.env_http_headers]
"X-IAPeer-Identity" = "PEER_IDENTITY"
"""


@pytest.fixture(params=["own scanner", "tomllib"] if sys.version_info >= (3, 11) else ["own scanner"], autouse=True)
def _opinion(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test without the second opinion of tomllib, and with it where there is one."""
    if request.param == "own scanner":
        monkeypatch.setattr(toml_document, "_tomllib", None)


def read(text: str) -> dict[str, Any] | None:
    return toml_document.read(text.encode(), NAMESPACE)


def replace(text: str) -> str:
    return toml_document.replace(text.encode(), NAMESPACE, TABLES).decode()


def remove(text: str) -> str:
    return toml_document.remove(text.encode(), NAMESPACE).decode()


def refused(text: str) -> str:
    with pytest.raises(DocumentError) as refusal:
        read(text)
    return refusal.value.reason


def test_the_second_opinion_is_asked_where_there_is_one() -> None:
    assert importlib.reload(toml_document)._tomllib is (sys.modules["tomllib"] if sys.version_info >= (3, 11) else None)


# Reading


def test_nothing_of_ours_reads_as_none() -> None:
    assert read("") is None
    assert read('[mcp_servers.other]\nurl = "x"\n["mcp_servers.iapeer-memory"]\n') is None


def test_only_strings_read_as_strings() -> None:
    found = read("[mcp_servers.iapeer-memory]\na = \"true\"\nb = true\nc = [1]\nd = { e = 'f' }\ng.h = 1979-05-27\n")
    assert found == {"a": "true", "b": Raw("true"), "c": Raw("[1]"), "d": {"e": "f"}, "g": {"h": Raw("1979-05-27")}}
    assert found["b"] != "true"
    assert "true" != found["b"]  # noqa: SIM300
    assert repr(found["b"]) == "Raw('true')"
    assert {found["b"]: 1} == {Raw("true"): 1}


@pytest.mark.parametrize(
    "spelling",
    [
        'mcp_servers.iapeer-memory.url = "x"\n',
        '[mcp_servers]\niapeer-memory.url = "x"\n',
        "[mcp_servers]\n'iapeer-memory' = { url = 'x' }\n",
        '[mcp_servers.iapeer-memory]\nurl = "x"\n',
        '[mcp_servers."iapeer-memory"]\n"url"="x"',
        '\t[ "mcp_servers" . \'iapeer-memory\' ]# ours\n\turl\t=\t"x" # url\n',
        '["\\u006dcp_servers"."iapeer\\U0000002dmemory"]\nurl = """\n\\\n  x"""',
    ],
)
def test_every_spelling_is_ours(spelling: str) -> None:
    assert read(spelling) == {"url": "x"}
    kept = "# kept\n[mcp_servers]\n" if spelling.startswith("[mcp_servers]") else "# kept\n"
    assert remove("# kept\n" + spelling.rstrip("\n") + "\n") == kept


def test_tables_of_an_array_read_as_a_list() -> None:
    text = "[[mcp_servers.iapeer-memory.x]]\na = '1'\n[mcp_servers.iapeer-memory.x.y]\nb = '2'\n"
    assert read(text + "[[mcp_servers.iapeer-memory.x]]\n") == {"x": [{"a": "1", "y": {"b": "2"}}, {}]}


@pytest.mark.parametrize(
    "text",
    [
        "[[mcp_servers.iapeer-memory]]\nurl = 'x'\n",
        "[mcp_servers]\niapeer-memory = 'x'\n",
        "[mcp_servers.iapeer-memory]",
    ],
)
def test_what_is_there_but_no_table_with_keys_reads_as_empty(text: str) -> None:
    assert read(text) == {}


def test_strings_are_decoded() -> None:
    strings = {
        r'"\b\t\n\f\r\"\\\u00e9\U0001F600"': '\b\t\n\f\r"\\é😀',
        r"'C:\x'": r"C:\x",
        '""': "",
        "''": "",
        '""""""': "",
        '"""a""b"""""': 'a""b""',
        "''''a'''''": "'a''",
        '"""\r\na\r\n\\\r\n  \r\n b \\ \n"""': "a\nb ",
        '"""\\"""\\\\"""': '"""\\',
    }
    for spelling, meaning in strings.items():
        assert read(f"[mcp_servers]\niapeer-memory.x = {spelling}\n") == {"x": meaning}, spelling


def test_a_refusal_says_what_and_where() -> None:
    with pytest.raises(DocumentError) as refusal:
        read('["я"]\na = 1\n b  = é\n')
    assert str(refusal.value) == "a value is missing or malformed (line 3, column 7)"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("mcp_servers = { }", "an inline table stands where tables are to be added"),
        ("mcp_servers = 'x'", "a value stands where tables are to be added"),
        ("[[mcp_servers]]", "an array of tables stands where tables are to be added"),
        ("[[mcp_servers]]\n[mcp_servers.iapeer-memory]", "an array of tables stands where tables are to be added"),
    ],
)
def test_a_parent_that_is_no_plain_table_is_refused(text: str, reason: str) -> None:
    with pytest.raises(DocumentError) as refusal:
        replace(text)
    assert (refusal.value.reason, refusal.value.place) == (reason, "mcp_servers")


@pytest.mark.parametrize(
    "text",
    [
        *("a", "a =", "= 1", "a = 1 2", "a.b", "a. = 1", ".a = 1", "a b = 1", "é = 1", "a = b", "a = 1 # \x7f"),
        *("[a", "[]", "[a]]", "[[a]", "[[a] ]", "[ [a]]", "[a] b", "[a].b", "[a]\nb = 1 [c]"),
        *('a = "', "a = '", 'a = """', "a = '''", 'a = "\n"'),
        *("a = '\n'", 'a = """""""""', "a = '''''''''", '"""a""" = 1'),
        *(r'a = "\x"', r'a = "\u12"', r'a = "\ud800"', r'a = "\U00110000"', 'a = """\\ x"""', r'"\q" = 1', 'a = "\\'),
        *("a = 01", "a = 1.", "a = .1", "a = 1e", "a = 1__0", "a = _1"),
        *("a = 0x", "a = +0x1", "a = 1_", "a = --1", "a = True"),
        *("a = 2026-02-30", "a = 2026-13-01", "a = 0000-01-01"),
        *("a = 24:00:00", "a = 12:00", "a = 2026-01-01T12:00:00+24:00"),
        *("a = [", "a = [1", "a = [1 2]", "a = [,]", "a = [1,,2]", "a = [ # ]", "a = [1]]"),
        *("a = {", "a = {b}", "a = {b = 1", "a = {b = 1,}"),
        *("a = {b = 1\n}", "a = {,}", "a = {b = 1 c = 2}", "a = {b = 1}}"),
        *("a = {b = 1, b = 2}", "a = {b = 1, b.c = 2}", "a = {b.c = 1, b = 2}"),
        *("a = {b = {}, b.c = 1}", "a = {b = [], b.c = 1}"),
        *("a = 1\na = 2", "a = 1\n'a'.b = 2", "a.b = 1\na = 2", "a = {}\na.b = 1"),
        *("a = 1\n[a]", "a = []\n[[a]]", "a = {}\n[a.b]"),
        *("[a]\n[a]", "[a]\n['a']", "[a]\n[[a]]", "[[a]]\n[a]"),
        *("[a.b]\n[[a]]", "[a.b]\nc = 1\n[a]\nb.d = 1", "[a]\nb.c = 1\n[a.b]"),
        *("[a]\nb.c.d = 1\n[a.b.c]", "[[a.b]]\n[a]\nb.c = 1", "a.b = 1\n[a]", "a = 1\r", "a = 1\r\r\n"),
        *("# \r", "\x0b", "\x00", "\u00a0"),
    ],
)  # fmt: skip
def test_what_is_not_toml_is_refused(text: str) -> None:
    assert refused(text)


@pytest.mark.parametrize(
    "text",
    [
        *("[a.b]\n[a]", "[a]\n[a.b]\n[a.c]", "[a.b.c]\n[a]\nb.d = 1"),
        *("[a]\nb.c = 1\nb.d = 1\n[a.b.e]", "[[a]]\n[a.b]\n[[a]]\n[a.b]"),
        *("a = {b.c = 1, b.d = 2}", "a = [ {}, {b = []}, [[]], ]", "[[a.b]]\n[[a.b.c]]\n[[a.b.c]]\n[[a.b]]\n[a.b.c]"),
        *("[a]#", "[a]\t# é", "\ta\t=\t1\t", "a = 1979-05-27 # x"),
        *("a = 1979-05-27t07:32:00z", "a = +1_0.0_1e-1_0", "a = +nan", "a = 0o7_7"),
    ],
)  # fmt: skip
def test_what_is_toml_is_read(text: str) -> None:
    assert read(text) is None


def test_nesting_and_long_keys_are_limited() -> None:
    def nested(levels: int) -> list[str]:
        return [
            f"a = {'[' * levels}{']' * levels}",
            f"a = {'{a=' * levels}1{'}' * levels}",
            f"{'.'.join('a' * levels)} = {{}}",
        ]

    for text in nested(128):
        assert read(text) is None
    for text in nested(129) + nested(100_000) + [f"[{'.'.join('a' * 129)}]"]:
        assert "128" in refused(text)


def test_dotted_keys_inside_count_as_levels() -> None:
    assert read(f"a = {{ {'.'.join('b' * 127)} = {{}} }}") is None
    assert "128" in refused(f"a = {{ {'.'.join('b' * 128)} = {{}} }}")


@pytest.mark.parametrize("text", ['a = """\r"""', "a = '''x\r'''", "a = [\r1]"])
def test_a_carriage_return_alone_is_refused(text: str) -> None:
    assert refused(text) == "carriage return without a line feed"


def test_a_failure_of_the_second_opinion_is_a_refusal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Opinion:
        @staticmethod
        def loads(text: str, parse_float: type) -> dict[str, Any]:
            raise RecursionError("too deep")

    monkeypatch.setattr(toml_document, "_tomllib", Opinion)
    assert refused("a = 1") == "not valid TOML: too deep"


# Writing


@pytest.mark.parametrize("data", [None, b""])
def test_a_new_file_is_our_tables(data: bytes | None) -> None:
    assert toml_document.replace(data, NAMESPACE, TABLES).decode() == BLOCK


def test_our_tables_follow_the_foreign_text_and_one_blank_line() -> None:
    assert replace("a = 1\n") == "a = 1\n\n" + BLOCK
    assert replace("a = 1\n\n") == "a = 1\n\n\n" + BLOCK
    assert replace("a = 1") == "a = 1\n\n" + BLOCK[:-1]
    assert replace("a = 1\r\nb = 2") == ("a = 1\nb = 2\n\n" + BLOCK[:-1]).replace("\n", "\r\n")


def test_line_ends_are_those_of_the_foreign_text() -> None:
    ours = "[mcp_servers.iapeer-memory]\nurl = 'x'\n"
    assert replace(ours + "[b]\r\n") == "[b]\r\n\r\n" + BLOCK.replace("\n", "\r\n")
    assert replace("a = 1\r\n[mcp_servers.iapeer-memory]") == ("a = 1\n\n" + BLOCK[:-1]).replace("\n", "\r\n")
    assert replace(ours.replace("\n", "\r\n")) == BLOCK.replace("\n", "\r\n")


def test_mixed_line_ends_of_others_stay() -> None:
    text = 'a = """\r\nx\n"""\n\n# y\r\n'
    assert replace(text) == text + "\r\n" + BLOCK.replace("\n", "\r\n")
    assert remove(replace(text)) == text


def test_values_and_tables_are_quoted_where_needed() -> None:
    tables = [(("a", "b c", "я"), [("k", 'q"\\\n\t\r\x00\x7fé😀'), ("'l.m'.n", "")])]
    result = toml_document.replace(b"", ("a", "b c"), tables)
    assert result.decode() == '[a."b c"."я"]\nk = "q\\"\\\\\\n\\t\\r\\u0000\\u007Fé😀"\n\'l.m\'.n = ""\n'
    assert toml_document.read(result, ("a",)) == {"b c": {"я": {"k": 'q"\\\n\t\r\x00\x7fé😀', "l.m": {"n": ""}}}}


def test_a_table_outside_the_namespace_is_a_mistake_of_the_caller() -> None:
    for tables in ([], [(("mcp_servers", "other"), [])], [(("mcp_servers",), [])]):
        with pytest.raises(ValueError, match=r"every table must be in mcp_servers\.iapeer-memory"):
            toml_document.replace(b"", NAMESPACE, tables)


@pytest.mark.parametrize(
    "tables",
    [
        [(NAMESPACE, [("a", "1"), ("'a'", "2")])],
        [(NAMESPACE, []), (NAMESPACE, [])],
        [(NAMESPACE, [("a", "\ud800")])],
        [(NAMESPACE, [("a b", "1")])],
        [(NAMESPACE, [("a = 1\nb", "1")])],
    ],
)
def test_tables_that_are_not_right_are_not_written(tables: list[Any]) -> None:
    with pytest.raises(DocumentError):
        toml_document.replace(b"a = 1\n", NAMESPACE, tables)


def test_nothing_half_right_is_returned(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "a = 1\n[mcp_servers.iapeer-memory]\nurl = 'x'\n"
    with monkeypatch.context() as patch:
        patch.setattr(toml_document, "_block", lambda tables, eol: BLOCK.replace("8766", "8767"))
        with pytest.raises(DocumentError, match="would not say what is wanted"):
            replace(text)
    with monkeypatch.context() as patch:
        patch.setattr(toml_document, "_block", lambda tables, eol: BLOCK + "[b\n")
        with pytest.raises(DocumentError, match="would be refused: a table header"):
            replace(text)
    cut = toml_document._cut
    with monkeypatch.context() as patch:
        patch.setattr(toml_document, "_cut", lambda *given: [True, *cut(*given)[1:]])
        with pytest.raises(DocumentError, match="would not say what is wanted"):
            remove(text)
        with pytest.raises(DocumentError, match="would not say what is wanted"):
            replace(text)


def test_text_of_others_that_would_be_new_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(toml_document, "_block", lambda tables, eol: "# new\n" + BLOCK)
    with pytest.raises(DocumentError, match="would not say what is wanted"):
        replace("a = 1\n")


@pytest.mark.parametrize(
    "opinion",
    [
        lambda text: {},
        lambda text: {"length": len(text), "mcp_servers": {"iapeer-memory": toml_document._wanted(TABLES, NAMESPACE)}},
    ],
)
def test_the_second_opinion_counts(monkeypatch: pytest.MonkeyPatch, opinion: Callable[[str], dict[str, Any]]) -> None:
    class Opinion:
        @staticmethod
        def loads(text: str, parse_float: type) -> dict[str, Any]:
            return opinion(text)

    monkeypatch.setattr(toml_document, "_tomllib", Opinion)
    with pytest.raises(DocumentError, match="would not say what is wanted"):
        replace("a = 1\n")


# Removing


def test_removing_nothing_returns_the_very_bytes() -> None:
    data = b"a = 1\n\n\n"
    assert toml_document.remove(data, NAMESPACE) is data


def test_only_an_empty_line_of_those_above_is_removed() -> None:
    ours = "[mcp_servers.iapeer-memory]\nurl = 'x'\n"
    assert remove("a = 1\n  \n" + ours) == "a = 1\n  \n"
    assert remove("a = 1\n\n\n" + ours) == "a = 1\n\n"
    assert remove("a = 1\n\n# ours\n" + ours) == "a = 1\n\n# ours\n"


def test_blank_lines_between_two_tables_of_ours_go_with_them_in_the_first_line_too() -> None:
    head, sub = "[mcp_servers.iapeer-memory]\n", "[mcp_servers.iapeer-memory.env_http_headers]\n"
    for blank in ("\n", "\n\n", "\n\n\n"):
        assert remove(head + blank + sub) == ""
        assert remove(f"a = 1\n\n{head}{blank}{sub}") == "a = 1\n"
        assert replace(head + blank + sub) == BLOCK


def test_removing_everything_leaves_nothing() -> None:
    assert remove(BLOCK) == remove(BLOCK[:-1]) == ""


def test_an_empty_parent_of_the_users_stays() -> None:
    assert remove("[mcp_servers]\niapeer-memory = {}\n") == "[mcp_servers]\n"
    assert remove("[mcp_servers]\n\n" + BLOCK) == "[mcp_servers]\n"


def test_comments_above_stay_and_comments_inside_go() -> None:
    ours = "[mcp_servers.iapeer-memory] # header\n# inside\nurl = 'x' # behind\n\n# inside\n\ny = 1\n"
    assert remove("# above\n" + ours + "# below\n\n[b]\n") == "# above\n# below\n\n[b]\n"


def test_lines_are_never_glued_together() -> None:
    assert remove("a = 1\nmcp_servers.iapeer-memory.a = 1\nb = 2") == "a = 1\nb = 2"
    assert remove("a = 1\r\n[mcp_servers.iapeer-memory]") == "a = 1"
    assert remove("[mcp_servers.iapeer-memory]\n# end") == "# end"


def test_our_name_in_other_places_is_not_ours() -> None:
    text = (
        "[a.mcp_servers.iapeer-memory]\nx = 1\n[[b]]\nmcp_servers.iapeer-memory.y = 1\n[mcp_servers.iapeer-memory-2]\n"
    )
    assert remove(text) == text
    assert replace(text) == text + "\n" + BLOCK


def test_statements_are_the_whole_text() -> None:
    text = "\n# a\n[b] # c\r\nd = [\n1]\n\n[[e]]\n f.g = '''\n'''  # h"
    statements = toml_scan.scan(text)
    assert "".join(text[statement.start : statement.end] for statement in statements) == text
    assert [(statement.kind, statement.path) for statement in statements] == [
        ("blank", ()),
        ("comment", ()),
        ("table", ("b",)),
        ("pair", ("b", "d")),
        ("blank", ()),
        ("array of tables", ("e",)),
        ("pair", ("e", "f", "g")),
    ]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ('["a b", "c"]', "[ 'a b',\n  \"c\", # why\n]", True),
        ('["a b"]', '["ab"]', False),
        ("[[1, 2], []]", "[[1,2],[],]", True),
        ('[{a = "x", b = [1]}]', "[{ b=[ 1 ], a='x' }]", True),
        ("[1]", '["1"]', False),
        ("1000", "+1_000", True),
        ("1e3", "1E3", True),
        ("1979-05-27T07:32:00Z", "1979-05-27 07:32:00z", True),
        ('"true"', "true", False),
        ('"A b_c"', '"a b_c"', False),
        ("{}", "[]", False),
    ],
)
def test_a_value_means_the_same_however_it_is_spelled(one: str, other: str, same: bool) -> None:
    texts = [f"[{'.'.join(NAMESPACE)}]\nx = {value}\n".encode() for value in (one, other)]
    found = [toml_document.read(text, NAMESPACE) for text in texts]
    assert (toml_document.meaning(found[0]) == toml_document.meaning(found[1])) is same
