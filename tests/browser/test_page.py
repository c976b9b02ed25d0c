# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The page of a fleet in a real browser: what is to be seen, and what can be done by mouse, keyboard and thumb."""

from __future__ import annotations

import time

import pytest
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.report import Report, Row
from ansible_collections.agfpd.iapeer_memory.tests.browser.conftest import Screen
from ansible_collections.agfpd.iapeer_memory.tests.browser.fleets import (
    STEPS,
    SURFACES,
    ago,
    large,
    sample,
    unreachable,
    updated,
    verified,
    whole,
)

HOSTILE = "<img src=x onerror=document.title='owned'>\u202eevil\u2028</script><script>document.title='owned'</script>"
FEW = [
    updated("ada", slot=("changed", "declared for version 0.4.17")),
    updated("bob"),
    updated("cyd", surfaces=("fail", SURFACES), slot=("fail", "v1.1 kept: see surfaces")),
]


def press(screen: Screen, *keys: str) -> None:
    ActionChains(screen.driver).send_keys(*keys).perform()


def focused(screen: Screen) -> str:
    """What has the focus, as a reader of screens would say it."""
    return str(screen.driver.switch_to.active_element.accessible_name)


def test_three_hosts_are_told_with_their_steps_worst_first(screen: Screen) -> None:
    screen.show(whole(FEW))
    assert screen.hosts() == ["cyd", "ada", "bob"]
    assert [cell.text for cell in screen.all("thead th.step")] == list(STEPS)
    assert screen.one("h1").text == "iapeer-memory update"
    assert screen.driver.title == "1 failed, 1 changed, 1 clean – iapeer-memory update"
    row = screen.all("tbody tr")[0]
    assert row.find_element("css selector", ".state").text == "failed"
    assert row.find_element("css selector", ".reason").text == f"surfaces: {SURFACES}"
    assert row.find_element("css selector", ".version").text == "0.4.17"
    assert row.find_element("css selector", ".age").text == "3 min ago"
    words = screen.ask("return [...arguments[0].querySelectorAll('td > button')].map(b => b.textContent)", row)
    assert words[5:8] == ["✓ ok", "✕ failed", "✓ ok"]
    assert screen.errors() == []


def test_it_is_a_table_for_those_who_cannot_see_it(screen: Screen) -> None:
    screen.show(whole(FEW))
    assert screen.one("table").aria_role == "table"
    assert "worst first" in screen.one("caption").get_property("textContent")
    assert {cell.get_attribute("scope") for cell in screen.all("thead th")} == {"col"}
    assert [cell.get_attribute("scope") for cell in screen.all("tbody th")] == ["row"] * 3
    failed = screen.one("tbody button.fail")
    assert (failed.aria_role, failed.accessible_name) == ("button", "✕ failed")
    assert screen.one("input").accessible_name == "Find in hosts, steps and reasons"
    assert screen.one(".found").get_attribute("aria-live") == "polite"
    assert screen.one("html").get_attribute("lang") == "en"


def test_without_scripts_the_table_is_all_there(screen: Screen) -> None:
    screen.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        when = ago(minutes=3)
        screen.show(whole(FEW, times=dict.fromkeys(("ada", "bob", "cyd"), when)))
        assert [cell.text for cell in screen.all("tbody th button")] == ["cyd", "ada", "bob"]
        assert [cell.text for cell in screen.all("tbody .age")] == [when] * 3
        assert not screen.one(".bar").is_displayed()
    finally:
        screen.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_hosts_are_filtered_by_state_and_text(screen: Screen) -> None:
    reports, batches = sample()
    screen.show(whole(reports, batches))
    buttons = {button.text.rpartition(" ")[0]: button for button in screen.all(".states button")}
    assert list(buttons) == ["all", "unreachable", "failed", "changed", "clean", "not begun"]
    assert buttons["all"].text == "all 40"

    def pressed() -> list[str]:
        return [name for name, button in buttons.items() if button.get_attribute("aria-pressed") == "true"]

    assert pressed() == ["all"]
    buttons["failed"].click()
    assert (screen.hosts(), pressed()) == (["db-4", "web-7"], ["failed"])
    assert screen.one(".found").text == "2 of 40 hosts"
    buttons["unreachable"].click()
    assert (screen.hosts(), pressed()) == (["lab-3", "db-4", "web-7"], ["unreachable", "failed"])
    screen.one("input").send_keys("slot held")
    assert screen.hosts() == ["db-4"]
    screen.one("input").send_keys(" nowhere")
    assert screen.hosts() == []
    screen.one(".nothing button").click()
    assert (len(screen.hosts()), pressed(), focused(screen)) == (40, ["all"], "Find in hosts, steps and reasons")
    buttons["clean"].click()
    buttons["clean"].click()
    assert pressed() == ["all"]


def test_a_click_shows_reason_file_and_what_to_do(screen: Screen) -> None:
    screen.show(whole(FEW))
    screen.all("tbody tr")[0].find_element("css selector", "button.fail").click()
    panel = screen.one(".panel")
    assert panel.is_displayed()
    assert panel.aria_role == "dialog"
    assert panel.accessible_name == "cyd failed"
    marked = screen.one(".panel .marked")
    assert marked.find_element("css selector", ".step").text == "surfaces"
    assert marked.find_element("css selector", ".detail").text == SURFACES
    assert "run the same command again" in marked.find_element("css selector", ".advice").text
    assert screen.one(".panel .facts a").text == "cyd.json"
    assert len(screen.all(".panel .rows li")) == len(STEPS)
    screen.one(".close").click()
    assert not panel.is_displayed()
    screen.all("tbody th button")[1].click()
    assert panel.accessible_name == "ada changed"
    assert screen.all(".panel .marked") == []


def test_everything_can_be_done_by_keyboard(screen: Screen) -> None:
    screen.show(whole(FEW))
    press(screen, Keys.TAB)
    assert focused(screen) == "all 3"
    press(screen, *[Keys.TAB] * 4)
    assert focused(screen) == "Find in hosts, steps and reasons"
    press(screen, Keys.TAB)
    assert focused(screen) == "Hosts and their steps"
    press(screen, Keys.TAB)
    assert focused(screen) == "cyd"
    press(screen, Keys.ARROW_DOWN)
    assert focused(screen) == "ada"
    press(screen, *[Keys.ARROW_RIGHT] * 9)
    assert focused(screen) == "● changed"
    outline = screen.ask("return getComputedStyle(document.activeElement).outlineStyle")
    assert outline == "solid"
    press(screen, Keys.ENTER)
    assert focused(screen) == "ada changed"
    assert screen.one(".panel .marked .step").text == "slot"
    press(screen, Keys.TAB)
    assert focused(screen) == "Close"
    press(screen, Keys.ESCAPE)
    assert not screen.one(".panel").is_displayed()
    assert focused(screen) == "● changed"
    press(screen, Keys.END)
    assert focused(screen) == "3 min ago"
    press(screen, Keys.HOME, Keys.PAGE_DOWN)
    assert focused(screen) == "bob"
    press(screen, Keys.ARROW_DOWN, Keys.ARROW_LEFT)
    assert focused(screen) == "bob"
    press(screen, Keys.TAB)
    assert "bob" not in focused(screen)
    press(screen, "/")
    assert focused(screen) == "Find in hosts, steps and reasons"


def test_what_a_host_says_is_text_and_nothing_else(screen: Screen) -> None:
    evil = Report(HOSTILE, "update", HOSTILE, False, (Row(HOSTILE, "fail", HOSTILE), Row("slot", "ok", HOSTILE)))
    screen.show(whole([evil]))
    seen = screen.hosts()[0]
    assert seen == HOSTILE.replace("\u202e", "\\u202e").replace("\u2028", "\\u2028")
    screen.one("tbody td > button").click()
    assert screen.one(".panel .marked .detail").text == seen
    assert screen.one(".panel .facts a").text == "%3Cimg%20" + screen.one(".panel .facts a").text[9:]
    assert screen.ask("return document.images.length + document.scripts.length") == 2
    assert "owned" not in screen.driver.title
    assert screen.errors() == []


def test_nobody_is_asked_for_anything(screen: Screen) -> None:
    screen.show(whole(FEW))
    screen.all("tbody th button")[0].click()
    outcome = screen.driver.execute_async_script(
        "const done = arguments[0]; fetch('/other').then(() => done('fetched'), () => done('refused'))"
    )
    assert outcome == "refused"
    screen.ask("const i = new Image(); i.src = '/image.png'; document.body.append(i)")
    time.sleep(0.3)
    assert [line.split('"')[1] for line in screen.asked] == ["GET /index.html HTTP/1.1"]
    ours = [address for address in screen.requests() if not address.startswith("data:")]
    assert set(ours) <= {f"{screen.address}/index.html"} | {f"{screen.address}/other", f"{screen.address}/image.png"}


def test_a_thousand_hosts_are_there_at_once_and_filtered_as_one_types(screen: Screen) -> None:
    screen.show(whole(large(1000)))
    ready = screen.ask("return performance.getEntriesByType('navigation')[0].domContentLoadedEventEnd")
    assert len(screen.hosts()) == 1000
    assert ready < 8000
    took = screen.ask(
        "const i = document.querySelector('input'), began = performance.now(); i.value = 'node-07';"
        "i.dispatchEvent(new Event('input')); document.body.offsetHeight; return performance.now() - began"
    )
    assert len(screen.hosts()) == 100
    assert took < 2000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_on_a_phone_only_the_table_scrolls_sideways(screen: Screen, scheme: str) -> None:
    reports, batches = sample()
    screen.scheme(scheme)
    screen.show(whole(reports, batches), 390, 844)
    assert screen.ask("return document.documentElement.scrollWidth") <= 390
    assert screen.ask("const s = document.querySelector('.scroll'); return s.scrollWidth > s.clientWidth") is True
    screen.ask("document.querySelector('.scroll').scrollLeft = 300")
    assert screen.ask("return document.querySelector('tbody th').getBoundingClientRect().left") < 20
    screen.all("tbody th button")[0].click()
    box = screen.ask(
        "const b = document.querySelector('.panel').getBoundingClientRect(); return [b.left, b.right, b.bottom]"
    )
    assert box == [0, 390, 844]
    assert screen.ask("return document.documentElement.scrollWidth") <= 390


TEXTS = (
    *("h1", "h1 span", ".meta span", ".states button", ".states b", ".find input", ".legend li", ".sign"),
    *("thead th", "th.name button", ".reason", "td.state span", "td > button", ".version", ".number", "time"),
    *("h2", "h2 span", ".facts span", ".rows .step", ".rows .word", ".rows .detail", ".rows .advice"),
)
CONTRAST = """
function channels(text) { return text.match(/[\\d.]+/g).map(Number); }
function light([r, g, b]) {
  const [x, y, z] = [r, g, b].map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4);
  return 0.2126 * x + 0.7152 * y + 0.0722 * z;
}
function ground(element) {
  for (let e = element; e; e = e.parentElement) {
    const found = channels(getComputedStyle(e).backgroundColor);
    if (found.length < 4 || found[3] === 1) return found;
  }
}
return [...document.querySelectorAll(arguments[0])].filter(e => e.offsetParent).map(e => {
  const [a, b] = [light(channels(getComputedStyle(e).color)), light(ground(e))];
  return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.textContent.trim().slice(0, 20), e.className];
});
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_text_stands_out_from_its_ground(screen: Screen, scheme: str) -> None:
    reports, batches = sample()
    screen.scheme(scheme)
    reports[0] = updated("lab-1", check_mode=True, slot=("repaired", ""), fleet=("changed", ""))
    screen.show(whole(reports, batches, {"lab-1": ago(days=2)}))
    screen.all(".states button")[2].click()
    screen.all(".states button")[0].click()
    screen.all("tbody th button")[0].click()
    found = screen.ask(CONTRAST, ", ".join(TEXTS))
    assert len(found) > 300
    assert [entry for entry in found if entry[0] < 4.5] == []


def test_the_page_of_verify_speaks_of_checks_and_folds_the_peers(screen: Screen) -> None:
    drifted = [Row(f"peer-surfaces[{peer}:claude]", "fail", f"{peer}: hooks has drifted") for peer in ("alice", "bob")]
    screen.show(whole([verified("ada", *drifted), verified("cyd")]))
    assert [cell.text for cell in screen.all("thead th.step")][3] == "peer-surfaces"
    cell = screen.one("tbody button.fail")
    assert cell.get_property("textContent") == "✕2 failed"
    cell.click()
    assert [item.text for item in screen.all(".panel .marked .step")] == [row.name for row in drifted]
    assert "iapeer_memory_repair=true" in screen.one(".panel .marked .advice").text


def test_an_old_report_and_a_host_out_of_reach_are_plain_to_see(screen: Screen) -> None:
    screen.show(whole([updated("ada"), unreachable("far")], times={"ada": ago(days=2, minutes=1)}))
    assert screen.hosts() == ["far", "ada"]
    assert [cell.text for cell in screen.all("tbody .age")] == ["3 min ago", "2 d ago"]
    assert "old" in screen.all("tbody time")[1].get_attribute("class")
    assert screen.one(".reason").text.startswith("ssh: connect to host")
