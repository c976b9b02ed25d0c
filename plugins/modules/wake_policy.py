#!/usr/bin/python
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: wake_policy
short_description: Have the role peers woken fresh
version_added: 0.2.0
description:
  - Sets C(wake_policy) to C(ephemeral) in the profile of every role peer of the roles manifest.
  - The profile belongs to the core, and the notifier writes it too. One key changes, the rest of it stays byte for
    byte.
  - A peer without a profile fails its role; the others follow, and the module fails at the end.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.changes
seealso:
  - name: The host contract
    description: How role peers are woken, contract §7.
    link: https://github.com/agfpd/iapeer-memory-ansible/blob/main/docs/contract.md#7-scripts-triggers-guide-doctrines
  - module: agfpd.iapeer_memory.role_doctrines
  - module: agfpd.iapeer_memory.role_descriptions
"""

EXAMPLES = r"""
- name: Have the role peers woken fresh
  agfpd.iapeer_memory.wake_policy:
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
    - One of V(written), V(already), V(failed), V(skipped).
  returned: always
  type: str
  sample: written
detail:
  description: The same in one line for people.
  returned: always
  type: str
  sample: "ephemeral: index written, scriber already, dreamweaver already"
diff:
  description: What changes, one entry for each file.
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
      sample: /home/ada/peers/index/.iapeer/peer-profile.json
    after_header:
      description: The same.
      type: str
      sample: /home/ada/peers/index/.iapeer/peer-profile.json
    before:
      description: How it was. The rest of the file is not shown.
      type: str
      sample: "wake_policy: 'persistent'\n"
    after:
      description: How it is now.
      type: str
      sample: "wake_policy: ephemeral\n"
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
      description: V(written), V(already), V(failed) or V(skipped).
      type: str
      sample: written
    target:
      description: The profile.
      type: str
      sample: /home/ada/peers/index/.iapeer/peer-profile.json
    detail:
      description: How it was, or why it failed.
      type: str
      sample: "was 'persistent'"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import host_arguments, run

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import wake_policy


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(),
        supports_check_mode=True,
    )
    run(module, wake_policy.ensure)


if __name__ == "__main__":
    main()
