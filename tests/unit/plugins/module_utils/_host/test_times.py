# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How times are spelled."""

from __future__ import annotations

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.times import iso_milliseconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (1768465800.0004, "2026-01-15T08:30:00.000Z"),
        (1768465800.9996, "2026-01-15T08:30:00.999Z"),
        (1768465800.25, "2026-01-15T08:30:00.250Z"),
    ],
)
def test_seconds_become_utc_with_milliseconds_and_z(seconds: float, text: str) -> None:
    assert iso_milliseconds(seconds) == text
