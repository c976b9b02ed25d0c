# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""TOML 1.0 read line by line with the place of every statement, for edits that leave the rest alone.

Accepts what ``tomllib`` accepts and refuses what it refuses, on every Python: most hosts have no ``tomllib``.
"""

from __future__ import annotations

import datetime
import re
from typing import Any, NamedTuple, NoReturn

from .errors import DocumentError, line_column
from .literal import Literal

LIMIT = 128  # levels of nesting and parts of a key; far beyond any real file, far below Python's recursion limit

BLANK, COMMENT, TABLE, ARRAY, PAIR = "blank", "comment", "table", "array of tables", "pair"

_CONTROL = r"\x00-\x08\x0a-\x1f\x7f"  # control characters but the tab: in no comment and no string on one line
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_COMMENT = rf"#[^{_CONTROL}]*"
_LINE_END = re.compile(rf"[ \t]*(?:{_COMMENT})?(\r?\n|\Z)")
_FILLER = re.compile(rf"(?:[ \t\r\n]|{_COMMENT})*")
_BASIC = re.compile(rf'"([^"\\{_CONTROL}]*(?:\\.[^"\\{_CONTROL}]*)*)"')
_LITERAL = re.compile(rf"'([^'{_CONTROL}]*)'")
_LONG = r"\x00-\x08\x0b\x0c\x0e-\x1f\x7f"  # the same, line ends aside
_LONG_BASIC = re.compile(rf'"""([^"\\{_LONG}]*(?:(?:\\[^{_LONG}]|"(?!""))[^"\\{_LONG}]*)*"""(?:"{{0,2}}))')
_LONG_LITERAL = re.compile(rf"'''([^'{_LONG}]*(?:'(?!'')[^'{_LONG}]*)*'''(?:'{{0,2}}))")
_ESCAPE = re.compile(r"\\(?:([ \t]*\n[ \t\n]*)|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.))", re.DOTALL)
_ESCAPES = {"b": "\b", "t": "\t", "n": "\n", "f": "\f", "r": "\r", '"': '"', "\\": "\\"}
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](?:\.[0-9]+)?"
_DATE = re.compile(
    rf"([0-9]{{4}})-([0-9]{{2}})-([0-9]{{2}})(?:[Tt ]{_TIME}(?:[Zz]|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])?)?"
)
_DIGITS = r"[0-9](?:_?[0-9])*"
_OTHER = re.compile(
    rf"{_TIME}|true|false|[+-]?(?:inf|nan)"
    r"|0x[0-9A-Fa-f](?:_?[0-9A-Fa-f])*|0o[0-7](?:_?[0-7])*|0b[01](?:_?[01])*"
    rf"|[+-]?(?:0|[1-9](?:_?[0-9])*)(?:\.{_DIGITS})?(?:[eE][+-]?{_DIGITS})?"
)


class Raw(Literal):
    """The literal text of a value that is no string and no inline table."""

    __slots__ = ()


class Statement(NamedTuple):
    """Whole lines of the text: a header, a key with its value, a comment or a blank line."""

    kind: str
    start: int
    end: int
    path: tuple[str, ...] = ()  # from the root; of a key inside an array of tables, without the index
    value: Any = None  # a str, a dict (inline table) or a Raw


def scan(text: str) -> list[Statement]:
    """The statements of *text*; joined, they are the whole text.

    Raises :class:`DocumentError` with the line and column of the first thing that is not TOML 1.0, duplicate keys and
    tables included, and of arrays, inline tables or keys beyond :data:`LIMIT`.
    """
    return _Scanner(text).statements()


class _Table:
    """What is known of one key while reading: which keys are below it, and whether a header may still open it."""

    def __init__(self, kind: str) -> None:
        self.kind = kind  # TABLE, ARRAY, or PAIR for a value
        self.closed = False  # defined by a header, or by dotted keys of an earlier section
        self.below: dict[str, _Table] = {}


class _Tables:
    """TOML's rules of what may be defined once: raises ValueError with the reason."""

    def __init__(self) -> None:
        self._current = self._root = _Table(TABLE)
        self._dotted: list[_Table] = []  # tables the dotted keys of this section made

    def header(self, kind: str, path: tuple[str, ...]) -> None:
        for table in self._dotted:
            table.closed = True
        self._dotted = []
        table = self._root
        for part in path[:-1]:
            table = table.below.setdefault(part, _Table(TABLE))
            if table.kind == PAIR:
                raise ValueError(f'"{part}" is a value, not a table')
        known = table.below.get(path[-1])
        if known and (known.kind != kind or (kind == TABLE and known.closed)):
            raise ValueError("the table is defined twice")
        self._current = table.below[path[-1]] = known if known and kind == TABLE else _Table(kind)
        self._current.closed = True

    def pair(self, key: tuple[str, ...]) -> None:
        table = self._current
        for part in key[:-1]:
            table = table.below.setdefault(part, _Table(TABLE))
            if table.kind == PAIR or table.closed:
                raise ValueError(f'"{part}" cannot be extended by a dotted key here')
            self._dotted.append(table)
        if key[-1] in table.below:
            raise ValueError("duplicate key")
        table.below[key[-1]] = _Table(PAIR)


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text

    def fail(self, reason: str, offset: int) -> NoReturn:
        raise DocumentError(reason, line_column(self.text, offset))

    def at(self, offset: int) -> str:
        return self.text[offset : offset + 1]

    def skip(self, pattern: re.Pattern[str], offset: int) -> int:
        match = pattern.match(self.text, offset)
        return match.end() if match else offset

    def statements(self) -> list[Statement]:
        stray = re.search(r"\r(?!\n)", self.text)
        if stray:
            self.fail("carriage return without a line feed", stray.start())
        tables, found = _Tables(), []
        header: tuple[str, ...] = ()
        path: tuple[str, ...]
        start = 0
        while start < len(self.text):
            offset = self.skip(_SPACE, start)
            path, value = (), None
            try:
                if self.at(offset) in ("", "\r", "\n", "#"):
                    kind, after = COMMENT if self.at(offset) == "#" else BLANK, offset
                elif self.at(offset) == "[":
                    kind, path, after = self._header(offset)
                    tables.header(kind, path)
                    header = path
                else:
                    key, value, after = self._pair(offset, 1)
                    tables.pair(key)
                    kind, path = PAIR, header + key
            except DocumentError:
                raise
            except ValueError as error:
                self.fail(str(error), offset)
            end = self._line_end(after)
            found.append(Statement(kind, start, end, path, value))
            start = end
        return found

    def _line_end(self, offset: int) -> int:
        match = _LINE_END.match(self.text, offset)
        if match:
            return match.end()
        offset = self.skip(_SPACE, offset)
        self.fail("control character in a comment" if self.at(offset) == "#" else "unexpected text on the line", offset)

    def _header(self, offset: int) -> tuple[str, tuple[str, ...], int]:
        width = 2 if self.text.startswith("[[", offset) else 1
        path, end = self._key(offset + width)
        if not self.text.startswith("]" * width, end):
            self.fail(f"a table header without its {']' * width}", end)
        return (ARRAY if width == 2 else TABLE), path, end + width

    def _pair(self, offset: int, depth: int) -> tuple[tuple[str, ...], Any, int]:
        key, end = self._key(offset)
        if self.at(end) != "=":
            self.fail("an equals sign is missing after a key", end)
        value, end = self._value(self.skip(_SPACE, end + 1), depth + len(key) - 1)
        return key, value, end

    def _key(self, offset: int) -> tuple[tuple[str, ...], int]:
        """A key, its parts unquoted, and the place after it and the space behind it."""
        parts: list[str] = []
        while True:
            offset = self.skip(_SPACE, offset)
            quoted = _BASIC.match(self.text, offset)
            match = quoted or _LITERAL.match(self.text, offset) or _BARE.match(self.text, offset)
            if not match:
                self.fail("a key is missing or not closed", offset)
            parts.append(self._unescape(match.group(1), offset) if quoted else match.group().strip("'"))
            if len(parts) > LIMIT:
                self.fail(f"a key of more than {LIMIT} parts", offset)
            offset = self.skip(_SPACE, match.end())
            if self.at(offset) != ".":
                return tuple(parts), offset
            offset += 1

    def _value(self, offset: int, depth: int) -> tuple[Any, int]:
        first = self.at(offset)
        if first in ('"', "'"):
            return self._string(offset, first)
        if first in ("[", "{") and depth > LIMIT:
            self.fail(f"nested deeper than {LIMIT} levels", offset)
        if first == "[":
            _items, end = self.array(offset, depth)
            return Raw(self.text[offset:end]), end
        if first == "{":
            return self._inline(offset, depth)
        match = _DATE.match(self.text, offset)
        if match:
            try:
                datetime.date(*map(int, match.groups()))
            except ValueError:
                self.fail("a date that does not exist", offset)
        else:
            match = _OTHER.match(self.text, offset)
        if not match:
            self.fail("a value is missing or malformed", offset)
        return Raw(match.group()), match.end()

    def _string(self, offset: int, quote: str) -> tuple[str, int]:
        basic = quote == '"'
        if self.text.startswith(quote * 3, offset):
            match = (_LONG_BASIC if basic else _LONG_LITERAL).match(self.text, offset)
            content = match.group(1)[:-3].replace("\r\n", "\n") if match else ""
            content = content[1:] if content.startswith("\n") else content
        else:
            match = (_BASIC if basic else _LITERAL).match(self.text, offset)
            content = match.group(1) if match else ""
        if not match:
            self.fail("a string that is not closed, or with a control character in it", offset)
        return self._unescape(content, offset) if basic else content, match.end()

    def _unescape(self, content: str, offset: int) -> str:
        def meaning(match: re.Match[str]) -> str:
            continued, short, long, letter = match.groups()
            if continued:
                return ""
            code = int(short or long or "0", 16)
            if (letter and letter not in _ESCAPES) or code > 0x10FFFF or 0xD800 <= code <= 0xDFFF:
                self.fail("unknown escape in a string", offset)
            return _ESCAPES[letter] if letter else chr(code)

        return _ESCAPE.sub(meaning, content) if "\\" in content else content

    def array(self, offset: int, depth: int) -> tuple[list[Any], int]:
        found = []
        offset = self.skip(_FILLER, offset + 1)
        while self.at(offset) != "]":
            item, offset = self._value(offset, depth + 1)
            found.append(item)
            offset = self.skip(_FILLER, offset)
            if self.at(offset) == ",":
                offset = self.skip(_FILLER, offset + 1)
            elif self.at(offset) != "]":
                self.fail("a comma or the closing ] of an array is missing", offset)
        return found, offset + 1

    def _inline(self, offset: int, depth: int) -> tuple[dict[str, Any], int]:
        table: dict[str, Any] = {}
        tables = _Tables()
        offset = self.skip(_SPACE, offset + 1)
        if self.at(offset) == "}":
            return table, offset + 1
        while True:
            key, value, end = self._pair(offset, depth + 1)
            try:
                tables.pair(key)
            except ValueError as error:
                self.fail(str(error), offset)
            insert(table, key, value)
            offset = self.skip(_SPACE, end)
            if self.at(offset) == "}":
                return table, offset + 1
            if self.at(offset) != ",":
                self.fail("a comma or the closing } of an inline table is missing", offset)
            offset = self.skip(_SPACE, offset + 1)


def items(array: Raw) -> list[Any]:
    """The values in an array."""
    return _Scanner(array).array(0, 1)[0]


def insert(table: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    """Put *value* at *path* below *table*, in the last table of every array of tables on the way."""
    for part in path[:-1]:
        below: dict[str, Any] | list[dict[str, Any]] = table.setdefault(part, {})
        table = below[-1] if isinstance(below, list) else below
    table[path[-1]] = value
