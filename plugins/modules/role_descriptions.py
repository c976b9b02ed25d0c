#!/usr/bin/python
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: role_descriptions
short_description: Describe the role peers in the registry
version_added: 0.1.0
description:
  - Gives every role peer of the roles manifest a description, through the core, where the registry has none.
  - The text is that of the role's template. What is described already stays as it is.
  - A role that the registry does not know fails; the others follow, and the module fails at the end.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.changes
  - agfpd.iapeer_memory.host.forms
"""

EXAMPLES = r"""
- name: Describe the role peers
  agfpd.iapeer_memory.role_descriptions:
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode, in one word.
  returned: always
  type: str
  sample: described
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
      sample: index
    action:
      description: V(described), V(already), V(failed) or V(skipped).
      type: str
      sample: described
    detail:
      description: What it is described with now, or why it failed.
      type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import role_descriptions
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import FORMS, host_arguments, run


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(forms=FORMS),
        supports_check_mode=True,
    )
    run(module, role_descriptions.ensure)


if __name__ == "__main__":
    main()
