# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Read a user's own templates or skills on the controller, or find a binary there."""

from __future__ import annotations

DOCUMENTATION = r"""
name: own_texts
short_description: Read templates or skills of your own on the controller, or find a binary there
version_added: 0.1.0
description:
  - Returns the texts of a folder as one dictionary, in the form that M(agfpd.iapeer_memory.provider_files) and
    M(agfpd.iapeer_memory.peer_surfaces) take.
author:
  - the agfpd.iapeer_memory contributors (@agfpd)
options:
  _terms:
    description:
      - The folder, one; the file with O(kind=binary).
      - A relative path is looked for in C(files/) of the role and beside the playbook, then in the current folder.
    required: true
    type: list
    elements: path
  kind:
    description:
      - V(templates) reads C(<locale>/*.md), or C(*.md) where there is no folder of that name.
      - V(skills) reads C(iapeer-memory-*/SKILL.md).
      - V(binary) reads nothing and tells where the file is.
    type: str
    choices: [templates, skills, binary]
    required: true
  locale:
    description: The language whose templates are read.
    type: str
    choices: [en, ru]
    default: en
"""

EXAMPLES = r"""
- name: Replace the templates
  agfpd.iapeer_memory.provider_files:
    part: templates
    templates: "{{ lookup('agfpd.iapeer_memory.own_texts', 'texts', kind='templates', locale='ru') }}"
"""

RETURN = r"""
_raw:
  description:
    - One dictionary; file name to text for templates, skill name to text for skills, file name to path for
      a binary.
  type: list
  elements: dict
"""

from pathlib import Path
from typing import Any

from ansible.errors import AnsibleLookupError
from ansible.plugins.lookup import LookupBase


class LookupModule(LookupBase):
    """The lookup (see DOCUMENTATION)."""

    def run(self, terms: list[str], variables: Any = None, **kwargs: Any) -> list[dict[str, str]]:
        """Read the folder; fails with its name where it holds nothing of the kind."""
        self.set_options(var_options=variables, direct=kwargs)
        given = Path(terms[0]).expanduser()
        folder = Path(self.find_file_in_search_path(variables, "files", str(given), ignore_missing=True) or given)
        kind = self.get_option("kind")
        if kind == "binary":
            files = {folder.name: folder} if folder.is_file() else {}
        elif kind == "skills":
            files = {path.parent.name: path for path in sorted(folder.glob("iapeer-memory-*/SKILL.md"))}
        else:
            below = folder / self.get_option("locale")
            files = {path.name: path for path in sorted((below if below.is_dir() else folder).glob("*.md"))}
        if not files:
            raise AnsibleLookupError(f"{folder} " + ("is no file" if kind == "binary" else f"holds no {kind}"))
        if kind == "binary":
            return [{name: str(path.absolute()) for name, path in files.items()}]
        try:
            return [{name: path.read_text(encoding="utf-8") for name, path in files.items()}]
        except (OSError, UnicodeDecodeError) as error:
            raise AnsibleLookupError(f"{folder}: {error}") from error
