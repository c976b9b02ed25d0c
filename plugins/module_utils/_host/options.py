# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of modules, looked at before anything is touched."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Mapping

from .._doorway.problem import Problem
from .._doorway.spelling import spell

# Digits and dots, and what semver allows after them.
VERSION = r"[0-9]+(?:\.[0-9]+)*(?:-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
LONGEST_VERSION = 100


def absolute(option: str, path: str) -> str:
    """The path that an option holds, normalised; raises Problem unless it is absolute, and for what no path can be."""
    try:
        usable = b"\0" not in spell(path)
    except UnicodeEncodeError:
        usable = False
    if not usable:
        raise Problem(f"{option} is no valid text: {path!r}")
    if not os.path.isabs(path):
        raise Problem(f"{option} must be an absolute path, not {path!r}")
    return os.path.normpath(path)


def require_absolute(options: Mapping[str, object], *names: str) -> None:
    """Raise Problem for one of these options that is given and holds no absolute path."""
    for name in names:
        if options.get(name):
            absolute(name, str(options[name]))


def seconds(option: str, value: object, least: float = 0) -> float:
    """The seconds that an option holds, as a number or its text; raises Problem below least, and for what is none."""
    try:
        number = float(value) if isinstance(value, (int, float, str)) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not (math.isfinite(number) and number >= least):
        raise Problem(f"{option} must be a number of seconds from {least:g} on, not {value!r}")
    return number


def given_version(option: str, value: object) -> str:
    """The version that an option holds, empty where it is not given.

    Raises Problem for what is no version, and for a number, which may have lost a zero at its end.
    """
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        raise Problem(f"{option} must be text, not the number {value!r}: quote it, or 1.10 becomes 1.1")
    text = value.strip()
    if len(text) > LONGEST_VERSION or not re.fullmatch(VERSION, text):
        raise Problem(f"{option} must be a version such as 1.4.0, not {text[:LONGEST_VERSION]!r}")
    return text


def given_text(option: str, name: str, text: object) -> str:
    """One of the texts that an option gives by name; raises Problem where it is none."""
    try:
        if isinstance(text, str) and text.encode("utf-8", "surrogateescape") is not None:
            return text
    except UnicodeEncodeError:
        pass
    raise Problem(f"{option}: {name} must be text")
