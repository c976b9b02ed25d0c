#!/usr/bin/python
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: role_descriptions
short_description: Describe the role peers in the registry
version_added: 0.2.0
description:
  - Gives every role peer of the roles manifest a description, through the core, where the registry has none.
  - The text is that of the role's template. What is described already stays as it is.
  - A role that the registry does not know fails; the others follow, and the module fails at the end.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.changes
  - agfpd.iapeer_memory.host.forms
seealso:
  - name: The host contract
    description: What the registry says of role peers, contract §7.
    link: https://github.com/agfpd/iapeer-memory-ansible/blob/main/docs/contract.md#7-scripts-triggers-guide-doctrines
  - module: agfpd.iapeer_memory.role_doctrines
  - module: agfpd.iapeer_memory.wake_policy
"""

EXAMPLES = r"""
- name: Describe the role peers
  agfpd.iapeer_memory.role_descriptions:
"""

RETURN = r"""
changed:
  description: Whether anything was changed, or would be in check mode.
  returned: always
  type: bool
  sample: true
action:
  description:
    - What was done, or would be done in check mode, in one word.
    - One of V(described), V(already), V(failed), V(skipped).
  returned: always
  type: str
  sample: described
detail:
  description: The same in one line for people.
  returned: always
  type: str
  sample: index described, scriber already, dreamweaver already
diff:
  description: What changes, one entry for each role.
  returned: with C(--diff)
  type: list
  elements: dict
  contains:
    prepared:
      description: How many lines come and go in each file; this alone is left of it on a screen, without C(-v).
      type: str
      sample: "/home/ada/.iapeer/memory-provider.json: +2 -1 lines\n"
    before_header:
      description: What it is about.
      type: str
      sample: index in the registry
    after_header:
      description: The same.
      type: str
      sample: index in the registry
    before:
      description: Empty.
      type: str
      sample: ""
    after:
      description: How it is now.
      type: str
      sample: "description: Keeps the canon of the shared memory coherent.\n"
kind:
  description:
    - Of what kind the problem is that stopped the work.
    - One of V(busy), V(failed), V(foreign), V(irregular), V(legacy), V(malformed), V(missing), V(outside), V(refused),
      V(unreadable).
  returned: where something on the host stopped the work
  type: str
  sample: malformed
refused:
  description: That the test sandbox refused what was asked; the result is skipped then.
  returned: where it did
  type: bool
  sample: true
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
      description: What it is described with, empty where that was there already, or why it failed.
      type: str
      sample: Keeps the canon of the shared memory coherent.
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import FORMS, host_arguments, run

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import role_descriptions


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(forms=FORMS),
        supports_check_mode=True,
    )
    run(module, role_descriptions.ensure)


if __name__ == "__main__":
    main()
