# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""JSON objects loaded strictly and changed with as few bytes touched as possible (contract §5).

Pure: bytes in, bytes out. Everything that cannot be done exactly right is a :class:`DocumentError`.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .errors import DocumentError, decode, line_column
from .json_spans import LIMIT, Node, check_depth, scan, skip_space
from .json_values import SURROGATE, Number, frozen, is_left_of

__all__ = ["Number", "dump_like", "is_left_of", "load", "plain"]

_INDENT = re.compile(r"[ \t]*")


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("duplicate key")
    return members


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_members, parse_float=Number, parse_int=Number, parse_constant=_constant)


def load(data: bytes) -> dict[str, Any]:
    """The JSON object in *data*, its numbers as :class:`Number`.

    Raises :class:`DocumentError` with reason and place for everything contract §5 calls "not what it should be":
    not UTF-8, a byte order mark, not strictly JSON, duplicate keys, nesting beyond 128 levels, no object at the top.
    """
    text = decode(data)
    check_depth(text)
    try:
        value = _DECODER.decode(text)
    except ValueError as error:
        scan(text)  # explains what is wrong, and where
        raise DocumentError(str(error)) from None
    if not isinstance(value, dict):
        raise DocumentError("the top level is not an object", line_column(text, len(text) - len(text.lstrip())))
    return value


def dump_like(data: bytes | None, after: Mapping[str, Any]) -> bytes:
    """*data* changed as little as possible so that it says *after*; ``None`` is a new file.

    Members and items that stay the same keep their bytes, new members go last, and indentation, line ends, spacing and
    the final newline are as found (contract §5). Raises :class:`DocumentError` when *data* is refused by
    :func:`load` or the result would not load as exactly *after*; ``TypeError`` when *after* is not JSON at all.
    """
    wanted = plain(after)
    if data is None:
        return _checked(_write(wanted, _Style(), "", True) + "\n", wanted)
    if load(data) == wanted:
        return data
    text = decode(data)
    root = scan(text)
    edited = _Editor(text, root).edit(root, wanted, "", True)
    return _checked(text[: root.start] + edited + text[root.end :], wanted)


def _checked(text: str, wanted: dict[str, Any]) -> bytes:
    """The bytes of *text*, which must load as *wanted*."""
    data = text.encode("utf-8")
    try:
        same = load(data) == wanted
    except DocumentError as error:
        raise DocumentError(f"the edited document would be refused: {error.reason}", error.place) from None
    if not same:
        raise DocumentError("the edited document would not say what is wanted")
    return data


def plain(value: Any, depth: int = 1) -> Any:
    """*value* as :func:`load` would return it: plain dicts and lists, numbers by spelling; *depth* is its own level.

    Raises :class:`DocumentError` for what JSON cannot say or what nests too deep, ``TypeError`` for what is not JSON.
    """
    if value is None or isinstance(value, (str, bool)):
        return value
    if isinstance(value, (int, float)):
        spelling = json.dumps(value)
        if not spelling.lstrip("-")[0].isdigit():
            raise DocumentError("NaN and Infinity are not allowed in JSON")
        return Number(spelling)
    if depth > LIMIT:
        raise DocumentError(f"nested deeper than {LIMIT} levels")
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("the keys of a JSON object are strings")
        return {key: plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item, depth + 1) for item in value]
    raise TypeError(f"{type(value).__name__} has no place in JSON")


class _Style(NamedTuple):
    """How a document is laid out; the defaults are those of a new file."""

    eol: str = "\n"
    unit: str = "  "
    colon: str = ": "
    comma: str = ", "  # between parts on one line
    object_pad: str = ""  # inside the braces of an object on one line
    array_pad: str = ""


def _write(value: Any, style: _Style, indent: str, wide: bool) -> str:
    """New text for *value* on a line indented by *indent*: a part a line when *wide*, else all on one line."""
    inner = indent + style.unit
    if isinstance(value, dict):
        brackets, pad = "{}", style.object_pad
        rows = [_quote(key) + style.colon + _write(item, style, inner, wide) for key, item in value.items()]
    elif isinstance(value, list):
        brackets, pad = "[]", style.array_pad
        rows = [_write(item, style, inner, wide) for item in value]
    elif isinstance(value, Number):
        return str(value)
    else:
        return _quote(value) if isinstance(value, str) else json.dumps(value)
    if not rows:
        return brackets
    if not wide:
        return brackets[0] + pad + style.comma.join(rows) + pad + brackets[1]
    lead = style.eol + inner
    return brackets[0] + lead + ("," + lead).join(rows) + style.eol + indent + brackets[1]


def _quote(text: str) -> str:
    """*text* as a readable JSON string; only what UTF-8 cannot carry is escaped."""
    return SURROGATE.sub(lambda match: f"\\u{ord(match.group()):04x}", json.dumps(text, ensure_ascii=False))


class _Slot(NamedTuple):
    """One part of a container as it is to be: from an old part (edited or not), or new."""

    old: int | None
    key: str | None
    value: Any


class _Editor:
    """Rewrites parts of one scanned document."""

    def __init__(self, text: str, root: Node) -> None:
        self.text = text
        self.style = self._find_style(root)

    def edit(self, node: Node, after: Any, indent: str, wide: bool) -> str:
        """The text of *node* saying *after*; *indent* is that of its line, *wide* the layout around it."""
        own = self.text[node.start : node.end]
        if node.value == after:
            return own
        if isinstance(node.value, dict) and isinstance(after, dict):
            slots = _member_slots(node, after)
        elif isinstance(node.value, list) and isinstance(after, list):
            slots = _item_slots(node.value, after)
        else:
            return _write(after, self.style, indent, wide)
        if not slots:
            return own[0] + own[-1]
        if not node.parts:
            return _write(after, self.style, indent, wide)
        return own[0] + self._join(node, slots) + own[-1]

    def _join(self, node: Node, slots: Sequence[_Slot]) -> str:
        """Everything between the brackets: the outer edges keep their whitespace, whatever stands there now."""
        leads, trails = self._gaps(node)
        wide = "\n" in self.text[node.start : node.end]
        new_lead = self._new_lead(leads)
        rows = []
        for place, slot in enumerate(slots):
            lead = new_lead if not slot.old else leads[slot.old]
            trail = "" if slot.old is None or slot.old == len(trails) - 1 else trails[slot.old]
            if place == 0:
                lead = leads[0]
            if place == len(slots) - 1:
                trail = trails[-1]
            if slot.old is None:
                indent = lead.rpartition("\n")[2] if "\n" in lead else self._indent(node.start)
                key = "" if slot.key is None else _quote(slot.key) + self.style.colon
                body = key + _write(slot.value, self.style, indent, wide)
            else:
                part = node.parts[slot.old]
                key = self.text[part.start : part.node.start]
                body = key + self.edit(part.node, slot.value, self._indent(part.node.start), wide)
            rows.append(lead + body + trail)
        return ",".join(rows)

    def _gaps(self, node: Node) -> tuple[list[str], list[str]]:
        """The whitespace before and after each part, up to the brackets and commas."""
        leads, trails = [], []
        position = node.start + 1
        for part in node.parts:
            leads.append(self.text[position : part.start])
            position = skip_space(self.text, part.node.end)
            trails.append(self.text[part.node.end : position])
            position += 1
        return leads, trails

    def _new_lead(self, leads: Sequence[str]) -> str:
        """The whitespace before a new part that is not the first: as before its last neighbour."""
        if "\n" in leads[-1]:
            return self.style.eol + leads[-1].rpartition("\n")[2]
        return leads[-1] if len(leads) > 1 else self.style.comma[1:]

    def _indent(self, offset: int) -> str:
        """The indentation of the line *offset* is on."""
        match = _INDENT.match(self.text, self.text.rfind("\n", 0, offset) + 1, offset)
        return match.group() if match else ""

    def _find_style(self, root: Node) -> _Style:
        """The layout of the document, each trait from the first place that shows it."""
        seen: dict[str, str] = {}
        flat = False
        for node in root.walk():
            if not node.parts:
                continue
            leads, _trails = self._gaps(node)
            if node.parts[0].key is not None and "\n" not in node.parts[0].colon:
                seen.setdefault("colon", node.parts[0].colon)
            if "\n" in leads[0]:
                base, inner = self._indent(node.start), leads[0].rpartition("\n")[2]
                flat = flat or inner == base
                if inner.startswith(base) and inner != base:
                    seen.setdefault("unit", inner[len(base) :])
            elif "\n" not in self.text[node.start : node.end]:
                seen.setdefault("object_pad" if isinstance(node.value, dict) else "array_pad", leads[0])
                if len(leads) > 1:
                    seen.setdefault("comma", "," + leads[1])
        if flat:
            seen.setdefault("unit", "")
        if seen.get("colon") == ":":
            seen.setdefault("comma", ",")
        return _Style(eol="\r\n" if re.match(r"[^\n]*\r\n", self.text) else "\n", **seen)


def _member_slots(node: Node, after: Mapping[str, Any]) -> list[_Slot]:
    """The members that stay, in their order, then the new ones."""
    kept = [
        _Slot(index, part.key, after[part.key])
        for index, part in enumerate(node.parts)
        if part.key is not None and part.key in after
    ]
    return kept + [_Slot(None, key, value) for key, value in after.items() if key not in node.value]


def _origin(value: Any, following: Any, before: Sequence[Any], row: range) -> int | None:
    """Which of a row of old items that stay nowhere a new one comes from; following: the new one after it, if any."""
    for n in row:
        mine, others = is_left_of(value, before[n]), bool(following) and is_left_of(following, before[n])
        if mine and (n == row[0] or not others):
            return n
        if others:
            return row[0] if n > row[0] else None
    return row[0]


def _item_slots(before: Sequence[Any], after: Sequence[Any]) -> list[_Slot]:
    """The items wanted, each with the old one that it is, or that it was changed from where that stood.

    Where old ones that stay nowhere stand in a row, a new one is what is left of one of them, or replaces the first;
    what the next new one is left of, it leaves to that.
    """
    old_keys, keys = [frozen(value) for value in before], [frozen(value) for value in after]
    there, wanted = Counter(old_keys), Counter(keys)  # from here on
    slots = []
    old = stop = 0  # those from old to stop stay nowhere
    for key, value, coming in zip(keys, after, [*zip(keys, after), (None, None)][1:]):
        while stop < len(before) and not wanted[old_keys[stop]]:
            stop += 1
        place: int | None = stop if stop < len(before) and old_keys[stop] == key else None
        if old < stop and there[key] < wanted[key]:
            following = coming[1] if there[coming[0]] < wanted[coming[0]] else None
            place = _origin(value, following, before, range(old, stop))
        slots.append(_Slot(place, None, value))
        wanted[key] -= 1
        if place is not None:
            there.subtract(old_keys[old : place + 1])
            old = place + 1
            stop = max(stop, old)
    return slots
