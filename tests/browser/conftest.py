# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real browser without a screen, and a server for the pages that writes down what is asked of it."""

from __future__ import annotations

import functools
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

# Headless, and silent: without these a Chromium asks its maker for news.
SWITCHES = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-dev-shm-usage"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions"),
    *("--force-color-profile=srgb", "--hide-scrollbars"),
)


class Screen:
    """A browser window with a page in it."""

    def __init__(self, driver: webdriver.Chrome, folder: Path, address: str, asked: list[str]) -> None:
        self.driver = driver
        self.folder = folder
        self.address = address
        self.asked = asked

    def show(self, text: str, width: int = 1280, height: int = 800) -> None:
        """Load a page in a window of that size."""
        (self.folder / "index.html").write_text(text, encoding="utf-8")
        self.driver.set_window_size(width, height)
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600},
        )
        self.driver.get(f"{self.address}/index.html")

    def scheme(self, name: str) -> None:
        """Light or dark, as the system would say."""
        features = [{"name": "prefers-color-scheme", "value": name}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def one(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def ask(self, script: str, *arguments: Any) -> Any:
        """What a piece of script returns."""
        return self.driver.execute_script(script, *arguments)

    def hosts(self) -> list[str]:
        """The hosts to be seen, from top to bottom."""
        names: list[str] = self.ask(
            "return [...document.querySelectorAll('tbody tr:not([hidden]) th bdi:first-child')]"
            ".filter(e => e.closest('button') && e.offsetParent).map(e => e.textContent)"
        )
        return names

    def errors(self) -> list[str]:
        """What the browser complained of."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"]

    def requests(self) -> list[str]:
        """The addresses that the browser asked for since this was last called."""
        messages = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        return [m["params"]["request"]["url"] for m in messages if m["method"] == "Network.requestWillBeSent"]


def chromium() -> webdriver.Chrome:
    """A browser that was just started."""
    driver, browser = shutil.which("chromedriver"), shutil.which("chromium")
    if not driver or not browser:
        pytest.exit("chromium and chromedriver are needed (Debian: chromium, chromium-driver)", 1)
    options = Options()
    options.binary_location = browser
    for switch in SWITCHES:
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    return webdriver.Chrome(options, Service(driver))


class Handler(http.server.SimpleHTTPRequestHandler):
    """Serves a folder and writes down what was asked for."""

    def __init__(self, *arguments: Any, asked: list[str], **named: Any) -> None:
        self.asked = asked
        super().__init__(*arguments, **named)

    def end_headers(self) -> None:
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def log_message(self, form: str, *arguments: Any) -> None:
        self.asked.append(form % arguments)


@pytest.fixture(scope="session")
def window(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Screen]:
    """A browser and a server for the whole session."""
    folder = tmp_path_factory.mktemp("pages")
    asked: list[str] = []
    handler = functools.partial(Handler, asked=asked, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    driver = chromium()
    try:
        yield Screen(driver, folder, f"http://127.0.0.1:{server.server_port}", asked)
    finally:
        driver.quit()
        server.shutdown()
        server.server_close()


@pytest.fixture
def screen(window: Screen) -> Screen:
    """The window, with nothing left of what another test asked or changed."""
    window.scheme("light")
    window.driver.get("about:blank")
    window.errors()
    window.requests()
    window.asked.clear()
    return window
