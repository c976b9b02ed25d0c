# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""JSON values as they are compared: numbers by their spelling, and what is left of a value."""

from __future__ import annotations

import json
import math
import re
from typing import Any, NoReturn

from .literal import Literal

SURROGATE = re.compile("[\ud800-\udfff]")  # half of a character, which no text is


class Number(Literal):
    """A JSON number by its literal spelling: ``1.0`` is not ``1.00``, and no digit of a big one is lost.

    ``json.dumps`` would write it as a string: write documents with ``json_document.dump_like``.
    """

    __slots__ = ()


def plain(text: str) -> Any:
    """The value of a JSON text, its numbers as Python counts. Raises ValueError for what is none: NaN is not JSON."""
    return json.loads(text, parse_constant=_refuse)


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def frozen(value: Any) -> Any:
    """A key that is equal for equal values."""
    if isinstance(value, dict):
        return frozenset((key, frozen(item)) for key, item in value.items())
    return tuple(map(frozen, value)) if isinstance(value, list) else value


def is_left_of(after: Any, before: Any) -> bool:
    """True where after is what is left of before when something is dropped from it; what is empty counts as dropped.

    Numbers are those of a client that reads and writes them, however they are spelled.
    """
    if after in ({}, []):
        return True
    if isinstance(after, dict) and isinstance(before, dict):
        return all(is_left_of(value, before.get(key)) for key, value in after.items())
    if isinstance(after, list) and isinstance(before, list):
        rest = iter(before)
        return all(any(is_left_of(item, other) for other in rest) for item in after)
    if isinstance(before, Number):
        if math.isinf(float(before)):  # JavaScript writes null then
            return after is None or bool(after == before)
        return isinstance(after, Number) and float(after) == float(before)
    return bool(after == before)
