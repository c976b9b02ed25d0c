# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The provider's binary (contract §9): what it says of itself, and how it is replaced."""

from __future__ import annotations

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import Outcome
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things.binary import (
    Told,
    binary_version,
    told_version,
)
from ansible_collections.agfpd.iapeer_memory.tests.unit.fakes import REFUSED, Call, transcript
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place

# What it says of itself


@pytest.mark.parametrize(
    ("printed", "version"),
    [
        ("1.4.0\n", "1.4.0"),
        ("1.10\n", "1.10"),
        ("v2.0.0-rc.1 (linux)\n", "2.0.0-rc.1"),
        ("iapeer-memory 1.4.0\n", "1.4.0"),
        ("iapeer-memory 1.10.3, built today", "1.10.3"),
        ("iapeer-memory: version 1.2.3+build.5\r\n", "1.2.3+build.5"),
        ("@agfpd/iapeer-memory@0.4.17 linux-x64 node-v22.1.0", "0.4.17"),
        ("/home/ada/.local/bin/iapeer-memory version 1.4.0.", "1.4.0"),
        # Colours
        ("\x1b[32miapeer-memory\x1b[0m \x1b[1;38;5;3m0.4.17\x1b[0m\n", "0.4.17"),
        ("\x1b]0;title\x07\x1b[?25l\x9b1m0.4.17\x9b0m\x1b[?25h\n", "0.4.17"),
        # Warnings
        ("(node:1) Warning: Node 18.0.0 is old\niapeer-memory 0.4.17\n", "0.4.17"),
        ("0.4.17\niapeer-memory 0.4.18 is there: run update\n", "0.4.17"),
        # JSON
        ('{"name":"iapeer-memory","version":"0.4.17"}\n', "0.4.17"),
        ('warn: {not json} 3.1\n{\n  "version": "v1.10"\n}\n', "1.10"),
        ('{"node":{"version":"18.0.0"},"version":"1.2.3"}', "1.2.3"),
        ('"1.4.0"\n', "1.4.0"),
    ],
)
def test_a_version_is_found_among_what_is_printed_around_it(printed: str, version: str) -> None:
    assert told_version(printed) == version


@pytest.mark.parametrize(
    "printed",
    [
        "",
        "iapeer-memory\n",
        "7\n",
        "done in 0.3 s\n",
        "curl 8.5.0 (x86_64)\n",
        "127.0.0.1:8766 does not answer\n",
        "1..2",
        "1.4.0-",
        "1.4.0-rc.1..2",
        "1.4.0 -->\n",
        "0.4.17\n0.4.18\n",
        "iapeer-memory 1.0.0\niapeer-memory 2.0.0\n",
        '{"version": 1.1}',
        '{"node":{"version":"18.0.0"}}',
        '{"version": "newest"}',
        "1." + "1" * 200,
        "{" * 70000,
        '{"a":' * 20000,
    ],
)
def test_what_is_no_version_is_none(printed: str) -> None:
    assert told_version(printed) == ""


@pytest.mark.parametrize(
    ("outcome", "told"),
    [
        (Outcome(0, "iapeer-memory 1.4.0\n"), Told("1.4.0")),
        (Outcome(0, "hm\n"), Told("", "{path} tells no version: hm")),
        (Outcome(1, "1.4.0\n", "broken\n"), Told("", "{path} tells no version: broken")),
        (REFUSED, Told("", "{path} tells no version: refused by the sandbox: iapeer was not named", True)),
    ],
)
def test_the_binary_is_asked_and_its_silence_explained(place: Place, outcome: Outcome, told: Told) -> None:
    with transcript(Call("iapeer-memory", ("version",), outcome)) as egress:
        found = binary_version(place.host(egress))
    assert found == told._replace(problem=told.problem.format(path=place.binary))


def test_a_binary_that_is_not_there_is_not_asked(place: Place) -> None:
    place.binary.unlink()
    assert binary_version(place.host()) == Told("", f"no binary at {place.binary}")
