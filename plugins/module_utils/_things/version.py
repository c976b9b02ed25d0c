# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which version slot and doctrines carry: what was asked for, else what the provider's binary says (contract §3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from .._doorway.problem import Problem
from .._forms.ahead import NOTHING, Ahead
from .._forms.wanted import wanted_forms
from .._host.host import Host
from .binary import binary_version

VERSION = re.compile(r"[0-9]+(?:\.[0-9]+)*(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")


def wanted_version(host: Host, options: Mapping[str, Any], ahead: Ahead = NOTHING) -> str:
    """The version asked for (option version), else that of the binary that is or is about to be there; else empty.

    Raises Problem for one that is no version.
    """
    given = options.get("version")
    named = "" if given is None else str(given).strip()
    if given is not None and not named:
        raise Problem("version is empty: name the version, or leave it out for what the binary says")
    if named and not VERSION.fullmatch(named):
        raise Problem(f"version must be digits, dots and what semver allows, not {named!r}")
    return named or ahead.version or wanted_forms(host, options, ahead).version or binary_version(host)[0]


def require_version(host: Host, options: Mapping[str, Any], ahead: Ahead = NOTHING) -> str:
    """The same; raises Problem where there is none."""
    version = wanted_version(host, options, ahead)
    if not version:
        raise Problem(f"the version is not known, name it: {binary_version(host)[1]}")
    return version
