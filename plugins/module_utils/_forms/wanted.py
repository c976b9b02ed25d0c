# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which forms are wanted on a host: learned from its provider where that can be done, else bundled (contract §12)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._host.host import Host
from .ahead import NOTHING, Ahead
from .bundled import bundled
from .forms import Forms

AUTO = "auto"


def wanted_forms(host: Host, options: Mapping[str, Any], ahead: Ahead = NOTHING, keep: bool = False) -> Forms:
    """The forms of a host; options: forms (auto, bundled). Those of a binary that is about to come count first."""
    return ahead.forms or bundled(host, "nothing is learned yet")
