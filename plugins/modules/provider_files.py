#!/usr/bin/python
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: provider_files
short_description: Write the files that the provider keeps beside its configuration
version_added: 0.1.0
description:
  - The templates of the host's language, the scripts that the notifier runs, or the host-wide guide.
  - Templates that are there already stay, unless texts are given to replace them. The guide is rewritten only where
    there is one.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.changes
options:
  part:
    description: Which part.
    type: str
    choices: [templates, launcher, guide]
    required: true
  templates:
    description:
      - Texts by file name, to replace what is there. Without it the bundled texts fill what is missing.
      - With O(part=guide) only C(guide.md) counts, and is the text that the guide is made from.
    type: dict
"""

EXAMPLES = r"""
- name: Fill in missing templates
  agfpd.iapeer_memory.provider_files:
    part: templates

- name: Write the scripts that the notifier runs
  agfpd.iapeer_memory.provider_files:
    part: launcher
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode, in one word.
  returned: always
  type: str
  sample: written
detail:
  description: The same in one line for people.
  returned: always
  type: str

pending:
  description: In check mode the texts that would be written, by file name, for the steps that would read them.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import provider_files
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import host_arguments, run


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(
            part={"choices": ["templates", "launcher", "guide"], "required": True},
            templates={"type": "dict"},
        ),
        supports_check_mode=True,
    )
    run(module, provider_files.ensure)


if __name__ == "__main__":
    main()
