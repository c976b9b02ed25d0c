# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host-wide guide (contract §7)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .._doorway.folders import Folder
from .._doorway.foresight import MODE, WRITE
from .._doorway.reader import MISSING
from .._forms.ahead import Ahead
from .._forms.forms import GUIDE, VAULT, Forms
from .._forms.wanted import wanted_forms
from .._host.edits import Edit, read_edit
from .._host.host import Host
from .templates import given_templates

GUIDE_FOLDER_MODE = 0o700


def plan_guide(host: Host, forms: Forms, given: Mapping[str, object]) -> list[Edit]:
    """The host-wide guide, only where it is already: its presence is the operator's consent.

    Its text is the version's own, or made from the operator's template.
    """
    found = host.files.read(host.paths.guide)
    if found is None:
        return []
    text = _text(host, forms, given)
    wanted = text.encode("utf-8", "surrogateescape") if text else found.data
    folder = os.path.dirname(host.paths.guide)
    private = Edit(folder, b"", b"", GUIDE_FOLDER_MODE, host.files.mode(folder), ("", ""))
    return [Edit(host.paths.guide, found.data, wanted), private]


def plan_first_guide(host: Host, options: Mapping[str, Any], ahead: Ahead) -> Edit | None:
    """The guide of a host that has none and is to have one (contract §13); None where there is one, or no text for one.

    options: templates (the operator's own), forms.
    """
    text = _text(host, wanted_forms(host, options, ahead), options.get("templates") or {})
    edit = read_edit(host.files, host.paths.guide, text.encode("utf-8", "surrogateescape"))
    return edit if text and edit.before is None else None


def foresee_first_guide(host: Host, edit: Edit) -> None:
    """Raise the Problem that write_first_guide would meet, in its words: it starts from the folder above."""
    folder = os.path.dirname(edit.path)
    if host.files.kind_of(os.path.dirname(folder)) == MISSING:
        host.files.foresee(edit.path)
        return
    with Folder(host.files.sandbox, os.path.dirname(folder)) as above:
        above.foresee(os.path.relpath(edit.path, above.anchor), WRITE)
        if host.files.kind_of(folder) != MISSING:
            above.foresee(os.path.basename(folder), MODE)


def write_first_guide(host: Host, edit: Edit) -> None:
    """Write it, in a folder of its own mode. Raises Problem."""
    folder = os.path.dirname(edit.path)
    with host.files.tree(os.path.dirname(folder), create=True) as tree:
        name = os.path.relpath(edit.path, tree.anchor)
        tree.write(name, edit.after or b"", folder_mode=GUIDE_FOLDER_MODE)
        tree.set_mode(os.path.dirname(name), GUIDE_FOLDER_MODE)


def _text(host: Host, forms: Forms, given: Mapping[str, object]) -> str:
    """The version's own text, or that of the operator's template; empty where there is none."""
    vault = host.require_config().vault_path
    own = given_templates(given, forms).get(GUIDE)
    return forms.guide if own is None else own.replace(VAULT, vault)
