# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options of modules, looked at before anything is touched."""

from __future__ import annotations

import os

from .._doorway.problem import Problem


def absolute(option: str, path: str) -> str:
    """The path that an option holds, normalised; raises Problem unless it is absolute."""
    try:
        usable = os.path.isabs(path) and b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        usable = False
    if not usable:
        raise Problem(f"{option} must be an absolute path, not {path!r}")
    return os.path.normpath(path)


def given_text(option: str, name: str, text: object) -> str:
    """One of the texts that an option gives by name; raises Problem where it is none."""
    try:
        if isinstance(text, str) and text.encode("utf-8", "surrogateescape") is not None:
            return text
    except UnicodeEncodeError:
        pass
    raise Problem(f"{option}: {name} must be text")
