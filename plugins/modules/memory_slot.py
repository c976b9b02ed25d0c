#!/usr/bin/python
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: memory_slot
short_description: Declare iapeer-memory in the memory slot of a host
version_added: 0.1.0
description:
  - Writes C(memory-provider.json) in the v1.2 form, or takes our declaration away.
  - A slot that another provider holds is never touched, and a v1.1 slot only with O(migrate=true).
  - Declaring what is declared already writes nothing and keeps the time of registration.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.changes
options:
  state:
    description: Whether the slot is to declare us.
    type: str
    choices: [present, absent]
    default: present
  version:
    description: The version to declare. Required with O(state=present).
    type: str
  migrate:
    description: Rewrite a v1.1 slot. Without it such a slot is refused, because the plugin is derived from it.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Declare version 1.4.0
  agfpd.iapeer_memory.memory_slot:
    version: 1.4.0

- name: Migrate a v1.1 slot, once the surfaces are in place and the plugin is off
  agfpd.iapeer_memory.memory_slot:
    version: 1.4.0
    migrate: true
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode, in one word.
  returned: always
  type: str
  sample: redeclared
detail:
  description: The same in one line for people.
  returned: always
  type: str

slot:
  description: The declaration as it is after the run; empty where there is none.
  returned: success
  type: dict
form_before:
  description: One of V(absent), V(malformed), V(v1_1), V(v1_2).
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import slot
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import host_arguments, run


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(
            state={"choices": ["present", "absent"], "default": "present"},
            version={"type": "str"},
            migrate={"type": "bool", "default": False},
        ),
        required_if=[("state", "present", ["version"])],
        supports_check_mode=True,
    )
    run(module, slot.ensure)


if __name__ == "__main__":
    main()
