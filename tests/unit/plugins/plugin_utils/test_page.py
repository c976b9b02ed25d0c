# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a fleet as text; what it does in a browser is tested in one (tests/browser)."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import re
from typing import Any

from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.page import family, page
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.report import Report, Row
from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.runs import Batch, Run, Told, fleet

HOSTILE = "<img src=x onerror=alert(1)>\u202e</script><script>alert(2)</script>\u2028{{ 7 * 7 }}&amp;\"'\x1b[2J"


def made(**reports: Report) -> str:
    """The page of a fleet of one batch."""
    hosts = list(reports)
    run = Run(
        "r1", next(iter(reports.values())).playbook, False, "2026-01-02T03:04:05Z", 0.0, hosts, [Batch(hosts, hosts)]
    )
    told = {host: Told(report, "2026-01-02T03:05:00Z", True) for host, report in reports.items()}
    return page(fleet(run, told, {host: f"{host}.json" for host in hosts}, "2026-01-02T03:06:00Z"), reports)


def report(host: str, *rows: Row, playbook: str = "update") -> Report:
    return Report(host, playbook, "1.2.0", False, rows)


class Outline(html.parser.HTMLParser):
    """The elements of a page and its texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data.strip())


def embedded(text: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_the_worst_host_is_the_first_and_hosts_alike_are_in_natural_order() -> None:
    ok, bad = Row("slot", "ok", ""), Row("slot", "fail", "it broke")
    reports = {"web-10": report("web-10", ok), "web-2": report("web-2", ok), "zed": report("zed", bad)}
    text = made(**reports)
    assert re.findall(r"<button type=\"button\" tabindex=\"-1\"><bdi>(.*?)</bdi>", text) == ["zed", "web-2", "web-10"]
    assert "slot: it broke" in text


def test_the_columns_are_the_steps_of_all_hosts_and_the_rows_of_a_family_share_one() -> None:
    text = made(
        ada=report(
            "ada", Row("config", "ok", ""), Row("peer-surfaces[a:claude]", "fail", ""), Row("dream-timer", "ok", "")
        ),
        bob=report("bob", Row("config", "ok", ""), Row("memory-slot", "ok", ""), Row("peer-surfaces", "ok", "")),
        cyd=report("cyd", Row("report", "fail", "not begun")),
    )
    columns = re.findall(r'<th scope="col" class="step"><span title=".*?">(.*?)</span>', text)
    assert columns == ["config", "memory-slot", "peer-surfaces", "dream-timer"]
    assert [family(name) for name in ("doctrine[index]", "role-doctrines", "slot")] == ["doctrine", "doctrine", "slot"]


def test_nothing_of_a_host_becomes_a_part_of_the_page() -> None:
    rows = [Row(HOSTILE, "fail", HOSTILE), Row("slot", "ok", HOSTILE)]
    text = made(**{HOSTILE: Report(HOSTILE, "update", HOSTILE, False, tuple(rows))})
    outline = Outline(text)
    plain = Outline(made(ada=report("ada", Row("a", "fail", "x"), Row("slot", "ok", "x"))))
    assert [tag for tag, _attributes in outline.tags] == [tag for tag, _attributes in plain.tags]
    assert not any(name.startswith("on") for _tag, attributes in outline.tags for name in attributes)
    assert not any(character in text for character in "\u202e\u2028\x1b")
    assert "49" not in re.sub(r"sha256-\S+|<style>.*?</style>|<script>.*?</script>", "", text, flags=re.DOTALL)
    assert embedded(text)["hosts"][0][0][3].startswith("<img src=x onerror=alert(1)>\\u202e</script><script>")


def test_a_browser_is_told_to_ask_nobody_for_anything_and_to_run_only_our_script() -> None:
    text = made(ada=report("ada", Row("slot", "ok", "")))
    policy = next(
        a["content"] or "" for tag, a in Outline(text).tags if a.get("http-equiv") == "Content-Security-Policy"
    )
    parts = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    for kind, element in (("script-src", "script"), ("style-src", "style")):
        found = re.search(f"<{element}>(.*?)</{element}>", text, re.DOTALL)
        assert found
        assert parts[kind] == f"'sha256-{base64.b64encode(hashlib.sha256(found[1].encode()).digest()).decode()}'"
    assert parts["default-src"] == "'none'"
    addresses = [a.get("src") or a.get("href") for _tag, a in Outline(text).tags if a.get("src") or a.get("href")]
    assert addresses == ["data:,", "ada.json"]


def test_a_reports_file_is_linked_by_its_real_name() -> None:
    run = Run("r1", "update", False, "T", 0.0, ["web/1"])
    told = {"web/1": Told(report("web/1", Row("slot", "ok", "")), "T", True)}
    text = page(fleet(run, told, {"web/1": "web%2F1.json"}, "T"), {"web/1": told["web/1"].report})
    assert 'href="web%252F1.json"' in text


def test_a_click_shows_reason_and_what_to_do() -> None:
    data = embedded(
        made(ada=report("ada", Row("slot", "ok", "in place"), Row("surfaces", "fail", "/a/.mcp.json: not JSON")))
    )
    (_name, _family, status, detail, advice) = data["hosts"][0][1]
    assert (status, detail) == ("fail", "/a/.mcp.json: not JSON")
    assert "run the same command again" in data["advices"][advice]
    assert data["advices"][data["hosts"][0][0][4]] == ""
