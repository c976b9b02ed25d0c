# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which version slot and doctrines carry: what was asked for, else what the provider's binary says (contract §3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._doorway.problem import Problem
from .._forms.ahead import NOTHING, Ahead
from .._forms.wanted import wanted_forms
from .._host.host import Host
from .._host.options import given_version
from .binary import binary_version


def wanted_version(host: Host, options: Mapping[str, Any], ahead: Ahead = NOTHING) -> str:
    """The version asked for (option version), else what the binary says that is or is about to be there.

    Raises Problem for what is no version, and where none is known, kind refused where the sandbox is the reason.
    """
    version = given_version("version", options.get("version")) or ahead.version
    version = version or wanted_forms(host, options, ahead).version
    if version:
        return version
    told = binary_version(host)
    if not told.version:
        raise Problem(told.problem, kind="refused" if told.refused else "failed")
    return told.version
