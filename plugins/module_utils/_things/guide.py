# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The host-wide guide (contract §7)."""

from __future__ import annotations

import os
from collections.abc import Mapping

from .._forms.bundled import TEMPLATES
from .._host.edits import Edit
from .._host.host import Host
from .._host.options import given_text
from .doctrines import PLACEHOLDER

GUIDE_TEMPLATE = "guide.md"
GUIDE_FOLDER_MODE = 0o700


def plan_guide(host: Host, given: Mapping[str, str]) -> list[Edit]:
    """The host-wide guide, only where it is already: its presence is the operator's consent.

    Its template is the given one, for check mode where a step before this one has not written it, else the host's.
    """
    found = host.files.read(host.paths.guide)
    if found is None:
        return []
    config = host.require_config()
    template = host.files.read(os.path.join(host.paths.templates(config.locale), GUIDE_TEMPLATE))
    text = TEMPLATES[config.locale][GUIDE_TEMPLATE].encode() if template is None else template.data
    if GUIDE_TEMPLATE in given:
        text = given_text("templates", GUIDE_TEMPLATE, given[GUIDE_TEMPLATE]).encode("utf-8", "surrogateescape")
    wanted = text.replace(PLACEHOLDER.encode(), os.fsencode(config.vault_path))
    folder = os.path.dirname(host.paths.guide)
    private = Edit(folder, b"", b"", GUIDE_FOLDER_MODE, host.files.mode(folder), ("", ""))
    return [Edit(host.paths.guide, found.data, wanted), private]
