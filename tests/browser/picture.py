# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Take the picture of a fleet's page that the README shows: python picture.py FILE [WIDTH HEIGHT SCHEME HOSTS]."""

from __future__ import annotations

import base64
import sys
import tempfile
from pathlib import Path

from ansible_collections.agfpd.iapeer_memory.tests.browser.conftest import chromium
from ansible_collections.agfpd.iapeer_memory.tests.browser.fleets import large, sample, whole


def main(target: str, width: str = "1280", height: str = "760", scheme: str = "light", hosts: str = "") -> None:
    """Show a made up fleet, open what is behind its most telling cell, and keep what is to be seen."""
    reports, batches = (large(int(hosts)), []) if hosts else sample()
    driver = chromium()
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "index.html")
            path.write_text(whole(reports, batches), encoding="utf-8")
            size = {"width": int(width), "height": int(height), "deviceScaleFactor": 1, "mobile": int(width) < 600}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            features = [{"name": "prefers-color-scheme", "value": scheme}]
            driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})
            driver.get(path.as_uri())
            if not hosts:
                driver.execute_script("document.querySelectorAll('tbody td > button.fail')[1].click()")
            shot = driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        Path(target).write_bytes(base64.b64decode(shot["data"]))
    finally:
        driver.quit()


if __name__ == "__main__":
    main(*sys.argv[1:])
