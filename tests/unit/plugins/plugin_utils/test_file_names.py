# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The names of the reports' files: no two hosts share one."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.file_names import file_names, other_name


@pytest.mark.parametrize(
    "host", ["ada", "lab.example.net", "ada@lab:22", "DB01", "web_1", "сервер", "10.0.0.1", "index", "x" * 180]
)
def test_a_plain_name_stays(host: str) -> None:
    assert file_names([host, "another"])[host] == f"{host}.json"


@pytest.mark.parametrize(
    ("host", "name"),
    [
        ("web/1", "web%2F1.json"),
        ("..", "%2E..json"),
        ("../evil", "%2E.%2Fevil.json"),
        (".hidden", "%2Ehidden.json"),
        ("-rf", "%2Drf.json"),
        ("a b", "a%20b.json"),
        ("100%", "100%25.json"),
        ("fleet", "%66leet.json"),
        ("Fleet", "%46leet.json"),
        ("a\nb", "a%0Ab.json"),
        ("half\udcff", "half%ED%B3%BF.json"),
        ("", ".json"),
    ],
)
def test_any_other_name_is_spelled(host: str, name: str) -> None:
    assert file_names([host])[host] == name


def test_names_that_a_file_system_may_take_for_each_other_are_told_apart() -> None:
    assert file_names(["web", "Web", "WEB", "other"]) == {
        "web": "web.json",
        "Web": "%57eb.json",
        "WEB": "%57%45%42.json",
        "other": "other.json",
    }
    composed, apart = "\u00fc", "u\u0308"
    assert file_names([composed, apart]) == {composed: "%C3%BC.json", apart: "u%CC%88.json"}
    assert len(set(file_names(["straße", "strasse", "STRASSE"]).values())) == 3


def test_a_long_name_is_cut_and_still_nobody_elses() -> None:
    names = file_names(["x" * 181, "x" * 182, "x" * 181 + "/", "ж" * 100])
    assert all(len(name.encode()) <= 185 for name in names.values())
    assert len(set(names.values())) == 4


def test_a_report_under_the_name_that_it_had_before_is_found() -> None:
    assert other_name("Web", "%57eb.json") == "Web.json"
    assert other_name("Web", "Web.json") == "%57eb.json"
    assert other_name("web", "web.json") is None
    assert other_name("web/1", "web%2F1.json") is None


@pytest.mark.property
@given(
    st.lists(
        st.text(st.characters(codec=None), max_size=8) | st.sampled_from(["web", "Web", "%57eb", "fleet"]), unique=True
    )
)
def test_no_two_hosts_share_a_file_and_none_leaves_the_folder(hosts: list[str]) -> None:
    names = list(file_names(hosts).values())
    folded = {unicodedata.normalize("NFKC", name.casefold()) for name in names}
    assert len(folded) == len(hosts)
    assert not any("/" in name or "\0" in name or (name.startswith(".") and name != ".json") for name in names)
    assert "fleet.json" not in folded
