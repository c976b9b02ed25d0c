# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a provider wants of its peers, in short, for tests of single surfaces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.bundled import bundled
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.forms import Forms
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import open_host
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces.wanted import Wanted, from_forms


def wanted_forms(folder: str = "/shims", **other: Any) -> Forms:
    """The bundled forms with some of them replaced; folder: of the shims."""
    host = open_host({"config_file": f"{folder}/config.env"}, {"HOME": "/home/nobody"})
    host = host._replace(paths=host.paths._replace(hooks=folder))
    return bundled(host, "for a test")._replace(**other)


def wanted_surfaces(folder: str, skills: Mapping[str, str], **other: Any) -> Wanted:
    """What is wanted with these skills, and some of the other forms replaced."""
    return from_forms(wanted_forms(folder, skills=skills, **other), folder)
