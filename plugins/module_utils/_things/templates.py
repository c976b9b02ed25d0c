# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The texts that doctrines and guide are made from (contract §7)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from .._doorway.problem import Problem
from .._forms.ahead import Ahead
from .._forms.forms import GUIDE, Forms
from .._host.config import ROLES
from .._host.edits import Edit, read_edit
from .._host.host import Host
from .._host.options import given_text
from .._host.results import Result

FRONTMATTER = re.compile(r"---[^\S\n]*\n(?:(.*?)\n)??---[^\S\n]*(?:\n|\Z)", re.DOTALL)
NAMES = (*(f"{role}.md" for role in ROLES), GUIDE)


def parted(template: str) -> tuple[str, str]:
    """What stands between --- at the head of a template, empty where there is none, and the text after it."""
    head = FRONTMATTER.match(template)
    return (head[1] or "", template[head.end() :]) if head else ("", template)


def given_templates(given: Mapping[str, object], forms: Forms) -> dict[str, str]:
    """The operator's own texts by file name; raises Problem for a name that is no template's, and for no text."""
    known = dict.fromkeys((*NAMES, *forms.templates))
    for name in given:
        if name not in known:
            raise Problem(f"templates: {name!r} is none of {', '.join(known)}")
    return {name: given_text("templates", name, text) for name, text in given.items()}


def plan_templates(host: Host, forms: Forms, given: Mapping[str, object]) -> list[Edit]:
    """The templates of the host's language: the version's own replace what is there, the operator's win over both."""
    folder = host.paths.templates(host.require_config().locale)
    texts = {**forms.templates, **given_templates(given, forms)}
    return [
        read_edit(host.files, os.path.join(folder, name), text.encode("utf-8", "surrogateescape"))
        for name, text in texts.items()
    ]


def leaves(ahead: Ahead, result: Result) -> Ahead:
    """What the templates of a result in check mode leave for the steps after them."""
    texts = {os.path.basename(entry["after_header"]): entry["after"] for entry in result.diff}
    return ahead._replace(templates={**ahead.templates, **texts})
