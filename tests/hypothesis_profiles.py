# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many examples the properties of the document editors are tried on."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

_QUICK = settings(
    max_examples=60, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
)
_PROFILES = {"fuzz": settings(_QUICK, max_examples=10_000, derandomize=False)}

PROFILE = _PROFILES.get(os.environ.get("HYPOTHESIS_PROFILE", ""), _QUICK)
