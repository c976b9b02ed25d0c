# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Times as the host's files spell them."""

from __future__ import annotations

import datetime

NOW = "(the time of writing)"  # in what check mode shows


def iso_milliseconds(seconds: float) -> str:
    """Seconds since the epoch as ISO 8601 in UTC with milliseconds and Z."""
    moment = datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
