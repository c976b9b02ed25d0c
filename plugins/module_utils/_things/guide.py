# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host-wide guide (contract §7)."""

from __future__ import annotations

import os
from collections.abc import Mapping

from .._forms.bundled import PLACEHOLDER
from .._forms.forms import Forms
from .._host.edits import Edit
from .._host.host import Host
from .templates import GUIDE, given_templates

GUIDE_FOLDER_MODE = 0o700


def plan_guide(host: Host, forms: Forms, given: Mapping[str, object]) -> list[Edit]:
    """The host-wide guide, only where it is already: its presence is the operator's consent.

    Its text is the version's own, or made from the operator's template.
    """
    found = host.files.read(host.paths.guide)
    if found is None:
        return []
    vault = host.require_config().vault_path
    own = given_templates(given, forms).get(GUIDE)
    text = forms.guide if own is None else own.replace(PLACEHOLDER, vault)
    wanted = text.encode("utf-8", "surrogateescape") if text else found.data
    folder = os.path.dirname(host.paths.guide)
    private = Edit(folder, b"", b"", GUIDE_FOLDER_MODE, host.files.mode(folder), ("", ""))
    return [Edit(host.paths.guide, found.data, wanted), private]
