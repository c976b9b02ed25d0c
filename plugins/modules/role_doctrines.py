#!/usr/bin/python
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: role_doctrines
short_description: Render the doctrines of the role peers
version_added: 0.1.0
description:
  - Renders the template of every role in the roles manifest to C(.iapeer/IAPEER.md) in the folder of its peer.
  - A missing template fails that role; the others render, and the module fails at the end.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.changes
options:
  version:
    description: The version that the doctrines carry in their first line.
    type: str
    required: true
  vault_path:
    description: What C({{VAULT_PATH}}) is replaced by. Without it the vault of C(config.env).
    type: path
  templates:
    description:
      - Texts of templates that are about to be written, by file name. For check mode, where a step before this one has
        not written them; they count before what is on disk.
    type: dict
"""

EXAMPLES = r"""
- name: Render the doctrines
  agfpd.iapeer_memory.role_doctrines:
    version: 1.4.0
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

results:
  description: One record for every role.
  returned: success, and where a role failed
  type: list
  elements: dict
  contains:
    role:
      description: The role.
      type: str
    action:
      description: V(written), V(already), V(failed) or V(skipped).
      type: str
    target:
      description: The doctrine's file.
      type: str
    detail:
      description: In what it differed, or why it failed.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import doctrines
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import host_arguments, run


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(
            version={"type": "str", "required": True},
            vault_path={"type": "path"},
            templates={"type": "dict"},
        ),
        supports_check_mode=True,
    )
    run(module, doctrines.ensure)


if __name__ == "__main__":
    main()
