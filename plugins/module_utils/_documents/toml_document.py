# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tables of one namespace in somebody else's TOML file: read, replaced, removed (contract §5).

Foreign text survives byte for byte. The layout written is: the foreign text, one blank line, our tables; a file without
a final newline stays without one. Pure: bytes in, bytes out; whatever cannot be done exactly right is a
:class:`DocumentError`.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

from .errors import DocumentError, decode
from .toml_scan import ARRAY, BLANK, COMMENT, PAIR, TABLE, Raw, Statement, insert, items, scan

__all__ = ["Raw", "meaning", "read", "remove", "replace"]

try:  # Python 3.11 and newer: a second opinion on everything read and written
    _tomllib: Any = importlib.import_module("tomllib")
except ImportError:
    _tomllib = None

Path = tuple[str, ...]
Table = tuple[Path, Sequence[tuple[str, str]]]

_EMPTY_LINES = ("\n", "\r\n")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_TO_ESCAPE = re.compile(r'["\\\x00-\x1f\x7f]')
_SHORT_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}


class _Document(NamedTuple):
    """A file taken apart: its text, its statements, and what ``tomllib`` made of it (None without ``tomllib``)."""

    text: str
    statements: list[Statement]
    parsed: dict[str, Any] | None


def read(data: bytes, namespace: Path) -> dict[str, Any] | None:
    """What stands in *namespace* as nested dicts; None when nothing does.

    Strings are decoded, inline tables are dicts, arrays of tables are lists, every other value is :class:`Raw`; a
    namespace that is no table at all reads as an empty dict. Raises :class:`DocumentError` with reason and place for a
    file that is not UTF-8 or not TOML 1.0, and for an ancestor of the namespace that is not a plain table (contract
    section 5).
    """
    return _value(_parse(data, namespace).statements, namespace)


def replace(data: bytes | None, namespace: Path, tables: Sequence[Table]) -> bytes:
    """*data* with *tables* as the only content of *namespace*, after the foreign text and one blank line.

    Each table is its path from the root and its pairs: the key as literal TOML text, the value a string or, for all
    that is none, a :class:`Raw`. ``None`` or ``b""`` is a new file. Replacing twice changes nothing more, and
    :func:`remove` restores a file that had nothing of the namespace. Raises :class:`DocumentError` as :func:`read`
    does, and when the result would not be right; ``ValueError`` for a table outside the namespace.
    """
    if not tables or any(path[: len(namespace)] != namespace for path, _pairs in tables):
        raise ValueError(f"every table must be in {'.'.join(namespace)}")
    before = _parse(data or b"", namespace)
    foreign = _foreign(before, namespace)
    eol = _eol(foreign) or _eol(before.text) or "\n"
    block = _block(tables, eol)
    if foreign.endswith("\n"):
        block = eol + block
    elif foreign:
        block = eol + eol + block[: -len(eol)]
    return _checked(before, namespace, foreign, foreign + block, _wanted(tables, namespace))


def remove(data: bytes, namespace: Path) -> bytes:
    """*data* without *namespace* and the one blank line that set it off: the mirror of :func:`replace`.

    *data* itself when nothing of the namespace is in it. Raises :class:`DocumentError` as :func:`read` does.
    """
    before = _parse(data, namespace)
    if not any(_is_ours(statement, namespace) for statement in before.statements):
        return data
    foreign = _foreign(before, namespace)
    return _checked(before, namespace, foreign, foreign, None)


def meaning(value: Any) -> Any:
    """What all spellings of a value that was read have in common: equal where TOML says the same."""
    if isinstance(value, dict):
        return {key: meaning(item) for key, item in value.items()}
    if isinstance(value, Raw) and value.startswith("["):
        value = items(value)
    if isinstance(value, list):
        return [meaning(item) for item in value]
    if isinstance(value, Raw):
        return Raw(value.lower().lstrip("+").replace("_", "").replace(" ", "t"))
    return value


def _parse(data: bytes, namespace: Path) -> _Document:
    text = decode(data)
    statements = scan(text)
    for statement in statements:
        path = statement.path
        if path and path == namespace[: len(path)] and len(path) < len(namespace) and statement.kind != TABLE:
            found = "an inline table" if isinstance(statement.value, dict) else "a value"
            found = "an array of tables" if statement.kind == ARRAY else found
            raise DocumentError(f"{found} stands where tables are to be added", ".".join(path))
    return _Document(text, statements, _second_opinion(text))


def _second_opinion(text: str) -> dict[str, Any] | None:
    """What ``tomllib`` reads, where there is one; numbers by spelling, so that NaN equals itself."""
    if _tomllib is None:
        return None
    try:
        parsed: dict[str, Any] = _tomllib.loads(text, parse_float=Raw)
    except (ValueError, RecursionError) as error:
        raise DocumentError(f"not valid TOML: {error}") from None
    return parsed


def _is_ours(statement: Statement, namespace: Path) -> bool:
    return statement.path[: len(namespace)] == namespace


def _value(statements: Sequence[Statement], namespace: Path) -> dict[str, Any] | None:
    """The value of *namespace* by the statements in it."""
    whole: dict[str, Any] = {}
    ours = [statement for statement in statements if _is_ours(statement, namespace)]
    for kind, _start, _end, path, value in ours:
        if kind == PAIR:
            insert(whole, path, value)
        elif kind == TABLE:
            insert(whole, path, _at(whole, path, {}))
        else:
            insert(whole, path, [*_at(whole, path, []), {}])
    if not ours:
        return None
    found = _at(whole, namespace, None)
    return found if isinstance(found, dict) else {}


def _at(table: Any, path: Path, missing: Any) -> Any:
    """The value at *path* below *table*, through the last table of arrays; *missing* when there is none."""
    for part in path:
        if isinstance(table, list):
            table = table[-1]
        if part not in table:
            return missing
        table = table[part]
    return table


def _foreign(document: _Document, namespace: Path) -> str:
    """The text without our statements and what goes with them; without a final newline where the file has none."""
    kept = zip(document.statements, _cut(document, namespace))
    foreign = "".join(document.text[statement.start : statement.end] for statement, gone in kept if not gone)
    if document.statements and _is_ours(document.statements[-1], namespace) and not document.text.endswith("\n"):
        return re.sub(r"\r?\n\Z", "", foreign)
    return foreign


def _cut(document: _Document, namespace: Path) -> list[bool]:
    """Which statements go: ours, and with them some of the comments and blank lines above each.

    Those are all between the keys of one table of ours, blank lines alone between two of our tables, and the one blank
    line that sets a table of ours off. All other comments and blank lines are the operator's.
    """
    cut = [_is_ours(statement, namespace) for statement in document.statements]
    last, in_our_table = -1, False
    for index, statement in enumerate(document.statements):
        if statement.kind in (BLANK, COMMENT):
            continue
        above = range(last + 1, index)
        if statement.kind != PAIR:
            in_our_table = cut[index]
            above = _spacing(document, above, last >= 0 and cut[last])
        if in_our_table:
            for line in above:
                cut[line] = True
        last = index
    return cut


def _spacing(document: _Document, above: range, follows_ours: bool) -> range:
    """Of the lines *above* a table of ours, those that only set it off from what it follows."""
    lines = [document.statements[index] for index in above]
    if follows_ours and all(line.kind == BLANK for line in lines):
        return above
    nearest = [document.text[line.start : line.end] for line in lines[-1:]]
    return above[-1:] if all(line in _EMPTY_LINES for line in nearest) else above[:0]


def _eol(text: str) -> str:
    """The line end of the first line that has one."""
    match = re.search(r"\r?\n", text)
    return match.group() if match else ""


def _block(tables: Sequence[Table], eol: str) -> str:
    """Our tables in canonical spelling, a blank line between them."""
    blocks = []
    for path, pairs in tables:
        header = ".".join(part if _BARE_KEY.fullmatch(part) else _quote(part) for part in path)
        lines = [f"[{header}]", *(f"{key} = {_literal(value)}" for key, value in pairs)]
        blocks.append("".join(line + eol for line in lines))
    return eol.join(blocks)


def _literal(value: str) -> str:
    return value if isinstance(value, Raw) else _quote(value)


def _quote(value: str) -> str:
    """*value* as a TOML basic string on one line."""

    def escape(match: re.Match[str]) -> str:
        return _SHORT_ESCAPES.get(match.group()) or f"\\u{ord(match.group()):04X}"

    return f'"{_TO_ESCAPE.sub(escape, value)}"'


def _wanted(tables: Sequence[Table], namespace: Path) -> dict[str, Any]:
    """What :func:`read` is to find once *tables* are written."""
    whole: dict[str, Any] = {}
    for path, pairs in tables:
        insert(whole, path, _at(whole, path, {}))
        for key, value in pairs:
            insert(whole, path + scan(f"{key} = 0")[0].path, value)
    wanted: dict[str, Any] = _at(whole, namespace, {})
    return wanted


def _checked(before: _Document, namespace: Path, foreign: str, text: str, wanted: dict[str, Any] | None) -> bytes:
    """The bytes of *text*, which must be valid, hold *foreign* untouched, and say *wanted* in our namespace."""
    try:
        data = text.encode("utf-8")
        after = _parse(data, namespace)
        right = _others(before, namespace) == _others(after, namespace) and _foreign(after, namespace) == foreign
        right = right and _value(after.statements, namespace) == wanted
        if before.parsed is not None and after.parsed is not None:
            right = right and _at(after.parsed, namespace, None) == _meaning(wanted)
            right = right and _without(before.parsed, namespace) == _without(after.parsed, namespace)
    except DocumentError as error:
        raise DocumentError(f"the edited document would be refused: {error.reason}", error.place) from None
    except (UnicodeEncodeError, RecursionError) as error:
        raise DocumentError(f"the edited document could not be checked: {error}") from None
    if not right:
        raise DocumentError("the edited document would not say what is wanted")
    return data


def _meaning(value: Any) -> Any:
    """*value* as ``tomllib`` would read it."""
    if isinstance(value, dict):
        return {key: _meaning(item) for key, item in value.items()}
    if isinstance(value, Raw):
        return (_second_opinion(f"value = {value}\n") or {})["value"]
    return value


def _others(document: _Document, namespace: Path) -> list[tuple[str, Path, Any]]:
    """What the foreign statements say, comments aside."""
    return [(s.kind, s.path, s.value) for s in document.statements if s.path and not _is_ours(s, namespace)]


def _without(parsed: dict[str, Any], namespace: Path) -> dict[str, Any]:
    """*parsed* without *namespace* and without the tables that are empty for it."""
    head, rest = namespace[0], namespace[1:]
    others = {key: value for key, value in parsed.items() if key != head}
    left = _without(parsed[head], rest) if rest and head in parsed else {}
    return {**others, head: left} if left else others
