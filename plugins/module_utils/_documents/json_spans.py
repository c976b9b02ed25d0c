# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON read with the place of everything in it, for edits that leave the rest alone.

This is the slow, exact reader: a document is edited by it, and what the fast one (``json_document.load``) refuses is
explained by it. Both accept the same documents.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple, NoReturn

from .errors import DocumentError, line_column
from .json_values import Number

LIMIT = 128  # levels of nesting; far beyond any real settings file, far below Python's own recursion limit

_SPACE = re.compile(r"[ \t\r\n]*")
_SCALAR = re.compile(r"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false|null")
_STRING_BODY = re.compile(r'"[^"\\\x00-\x1f]*(?:\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})[^"\\\x00-\x1f]*)*')
_BRACKET = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"?|[\[\]{}]', re.DOTALL)
_WORDS = {"true": True, "false": False, "null": None}
_MISTAKES = (
    (re.compile(r"//|/\*|#"), "comments are not allowed in JSON"),
    (re.compile(r"[+-]?(?:NaN|Infinity)"), "NaN and Infinity are not allowed in JSON"),
    (re.compile(r"'"), "JSON strings stand in double quotes"),
)


class Part(NamedTuple):
    """One member of an object or one item of an array (then without key and colon)."""

    key: str | None
    start: int
    colon: str  # from the end of the key to the value, whitespace included
    node: Node


class Node(NamedTuple):
    """One value: its place in the text, what it means, and its parts when it is a container."""

    start: int
    end: int
    value: Any
    parts: tuple[Part, ...] = ()

    def walk(self) -> Iterator[Node]:
        """This node and all below it, in the order of the text."""
        waiting = [self]
        while waiting:
            node = waiting.pop()
            yield node
            waiting.extend(part.node for part in reversed(node.parts))


def check_depth(text: str) -> None:
    """Raise :class:`DocumentError` when *text* nests deeper than :data:`LIMIT`; counts only when it could."""
    if text.count("[") + text.count("{") <= LIMIT:
        return
    depth = 0
    for match in _BRACKET.finditer(text):
        if match.group() in "[{":
            depth += 1
            if depth > LIMIT:
                raise _too_deep(text, match.start())
        elif match.group() in "]}":
            depth -= 1


def outline(text: str) -> str:
    """The same JSON with null for all that its outermost object or array holds in objects and arrays; however deep."""
    kept, depth, start = list[str](), 0, 0
    for match in _BRACKET.finditer(text):
        if match.group() in "[{":
            depth += 1
            if depth == 2:
                kept.append(text[start : match.start()] + "null")
        elif match.group() in "]}":
            start = match.end() if depth == 2 else start
            depth -= 1
    return "".join([*kept, text[start:] if depth < 2 else ""])


def scan(text: str) -> Node:
    """The whole document as a tree of places.

    Raises :class:`DocumentError` with the line and column of the first thing that is not JSON, of a duplicate key, or
    of nesting beyond :data:`LIMIT`.
    """
    check_depth(text)
    scanner = _Scanner(text)
    start = skip_space(text, 0)
    if start == len(text):
        raise DocumentError("the file is empty")
    node = scanner.value(start)
    end = skip_space(text, node.end)
    if end < len(text):
        scanner.fail("text after the end of the document", end)
    return node


def skip_space(text: str, offset: int) -> int:
    """The place of the first character from *offset* on that is no whitespace of JSON."""
    match = _SPACE.match(text, offset)
    return match.end() if match else offset


def _too_deep(text: str, offset: int) -> DocumentError:
    return DocumentError(f"nested deeper than {LIMIT} levels", line_column(text, offset))


class _Scanner:
    """A recursive descent over *text*; ``check_depth`` bounds its recursion."""

    def __init__(self, text: str) -> None:
        self.text = text

    def fail(self, reason: str, offset: int) -> NoReturn:
        for pattern, better in _MISTAKES:
            if pattern.match(self.text, offset):
                reason = better
        raise DocumentError(reason, line_column(self.text, offset))

    def value(self, offset: int) -> Node:
        opening = self.text[offset : offset + 1]
        if opening == "{":
            return self._object(offset)
        if opening == "[":
            return self._array(offset)
        if opening == '"':
            end = self._string_end(offset)
            return Node(offset, end, json.loads(self.text[offset:end]))
        match = _SCALAR.match(self.text, offset)
        if not match:
            self.fail("a value is missing" if opening else "the document ends too early", offset)
        literal = match.group()
        return Node(offset, match.end(), _WORDS[literal] if literal in _WORDS else Number(literal))

    def _string_end(self, offset: int) -> int:
        match = _STRING_BODY.match(self.text, offset)
        end = match.end() if match else offset
        follower = self.text[end : end + 1]
        if follower == '"':
            return end + 1
        if follower == "\\":
            self.fail("unknown escape in a string", end)
        self.fail("unterminated string" if follower in ("", "\r", "\n") else "control character in a string", end)

    def _object(self, offset: int) -> Node:
        parts: list[Part] = []
        members: dict[str, Any] = {}
        position = self._first(offset, "}")
        while self.text[position] != "}":
            if self.text[position] != '"':
                self.fail("a key in double quotes is missing", position)
            key_end = self._string_end(position)
            key: str = json.loads(self.text[position:key_end])
            if key in members:
                self.fail(f"duplicate key {json.dumps(key)}", position)
            colon = skip_space(self.text, key_end)
            if self.text[colon : colon + 1] != ":":
                self.fail("a colon is missing after a key", colon)
            node = self.value(skip_space(self.text, colon + 1))
            parts.append(Part(key, position, self.text[key_end : node.start], node))
            members[key] = node.value
            position = self._next(node.end, "}")
        return Node(offset, position + 1, members, tuple(parts))

    def _array(self, offset: int) -> Node:
        parts: list[Part] = []
        position = self._first(offset, "]")
        while self.text[position] != "]":
            node = self.value(position)
            parts.append(Part(None, position, "", node))
            position = self._next(node.end, "]")
        return Node(offset, position + 1, [part.node.value for part in parts], tuple(parts))

    def _first(self, offset: int, closing: str) -> int:
        """The place of the first part of a container, or of its closing bracket."""
        position = skip_space(self.text, offset + 1)
        if position == len(self.text):
            self.fail(f"a closing {closing} is missing", position)
        return position

    def _next(self, offset: int, closing: str) -> int:
        """The place of the next part after the comma, or of the closing bracket."""
        position = skip_space(self.text, offset)
        follower = self.text[position : position + 1]
        if follower == closing:
            return position
        if follower != ",":
            self.fail(f"a comma or a closing {closing} is missing", position)
        position = skip_space(self.text, position + 1)
        if self.text[position : position + 1] == closing:
            self.fail("a trailing comma is not allowed in JSON", position)
        if position == len(self.text):
            self.fail("the document ends too early", position)
        return position
