# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a diff may show of a file that also holds other people's values."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._documents.masking import literals, mask_json


def spelled(value: Any) -> str:
    """As the editors spell it."""
    return json.dumps(value, ensure_ascii=False)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"a": "secret"}', '{"a": "***"}'),
        ('{"a" : "secret"}', '{"a" : "***"}'),
        ('{"a":"x","b":["y",1,-2.5e+7,true,null]}', '{"a":"***","b":["***","***","***",true,null]}'),
        ('{"quo\\"ted": "se\\"cret"}', '{"quo\\"ted": "***"}'),
        ('{"a": "b: \\"c\\": d"}', '{"a": "***"}'),
        ('{"a": "ours"}', '{"a": "ours"}'),
        ('{"a": "привет"}', '{"a": "***"}'),
        ("{}", "{}"),
    ],
)
def test_values_are_masked_and_keys_stay(text: str, masked: str) -> None:
    assert mask_json(text.encode(), {'"ours"'}) == masked


def test_no_file_shows_nothing() -> None:
    assert mask_json(None, set()) == ""


def test_the_layout_stays_so_that_a_diff_has_the_lines_of_the_file() -> None:
    text = '{\n\t"a": "x",\r\n\t"b": 12345\n}'
    assert mask_json(text.encode(), set()) == '{\n\t"a": "***",\r\n\t"b": "***"\n}'


def test_only_what_we_write_ourselves_counts_as_ours() -> None:
    entry = {
        "type": "http",
        "url": "u",
        "headers": {"X-IAPeer-Identity": "i", "Authorization": "Bearer secret"},
        "hooks": [{"command": "c", "statusMessage": "secret"}, "secret"],
        "matcher": 7,
    }
    assert literals(entry, spelled) == {'"http"', '"u"', '"i"', '"c"'}


@pytest.mark.parametrize("value", ["text", 1, None, [], {}, ["text"]])
def test_a_value_without_keys_of_ours_tells_nothing(value: Any) -> None:
    assert literals(value, spelled) == set()


def test_what_is_too_large_is_not_shown_and_not_searched() -> None:
    data = b'{"token": "secret"' + b" " * (1 << 20) + b"}"
    assert mask_json(data, set()) == f"({len(data)} bytes, too large to be shown; sha256 {sha256(data).hexdigest()})\n"
    assert "secret" not in mask_json(data, {'"secret"'})
