# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The texts that doctrines and guide are made from (contract §7)."""

from __future__ import annotations

import os
from collections.abc import Mapping

from .._doorway.problem import Problem
from .._forms.bundled import TEMPLATES
from .._host.edits import Edit, read_edit
from .._host.host import Host
from .._host.options import given_text


def plan_templates(host: Host, given: Mapping[str, str]) -> list[Edit]:
    """The templates of the host's language: given ones replace what is there, bundled ones fill gaps."""
    locale = host.require_config().locale
    folder = host.paths.templates(locale)
    for name in given:
        if name not in TEMPLATES[locale]:
            raise Problem(f"templates: {name!r} is none of {', '.join(TEMPLATES[locale])}")
        given_text("templates", name, given[name])
    edits = []
    for name, text in {**TEMPLATES[locale], **given}.items():
        edit = read_edit(host.files, os.path.join(folder, name), text.encode("utf-8", "surrogateescape"))
        keep = edit.before is not None and name not in given
        edits.append(edit._replace(after=edit.before) if keep else edit)
    return edits
