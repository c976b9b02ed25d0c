#!/usr/bin/python
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: provider_binary
short_description: Install the binary of the provider, or remove it
version_added: 0.1.0
description:
  - Installs a file of the controller as the provider's binary, in one step, with the mode 0755.
  - The file travels only where the host does not have it already.
  - A new binary is asked for its version before it takes the name, in a private folder of the run. Where it tells none,
    the module fails and the old one stays.
  - The one that it replaces is kept beside it, with C(.previous) at the end of its name. Where it cannot be kept, the
    module fails and nothing is touched.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.changes
seealso:
  - name: The host contract
    description: When a new binary takes the place of the old one, contract §9.
    link: https://github.com/agfpd/iapeer-memory-ansible/blob/main/docs/contract.md#9-the-steps-of-update
  - module: agfpd.iapeer_memory.memoryd_restart
options:
  state:
    description:
      - V(absent) removes the binary, and the one that it replaced, which is kept beside it.
      - V(previous) gives the latter its name again, if it tells its version.
    version_added: 0.2.0
    type: str
    choices: [present, absent, previous]
    default: present
  src:
    description:
      - The file on the controller. Required with O(state=present).
      - A relative path is looked for in C(files/) of the role and beside the playbook, then in the current folder.
    type: path
  checksum:
    description: Filled in by the action plugin.
    type: str
"""

EXAMPLES = r"""
- name: Install the binary
  agfpd.iapeer_memory.provider_binary:
    src: iapeer-memory

- name: Remove it
  agfpd.iapeer_memory.provider_binary:
    state: absent
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
    - One of V(installed), V(replaced), V(mended) (its permission bits alone were wrong), V(already),
      V(removed), V(absent), V(taken_back), V(failed), V(skipped).
  returned: always
  type: str
  sample: replaced
detail:
  description: The same in one line for people.
  returned: always
  type: str
  sample: /home/ada/.local/bin/iapeer-memory replaced
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
      sample: /home/ada/.local/bin/iapeer-memory
    after_header:
      description: The same.
      type: str
      sample: /home/ada/.local/bin/iapeer-memory
    before:
      description: How it was. Values of others are masked.
      type: str
      sample: "sha256 0d5f... mode 0755\n"
    after:
      description: How it is now.
      type: str
      sample: "sha256 9a1c... mode 0755\n"
kind:
  description:
    - Of what kind the problem is that stopped the work.
    - One of V(busy), V(failed), V(foreign), V(irregular), V(legacy), V(malformed), V(missing), V(outside), V(refused),
      V(unreadable).
  returned: where something on the host stopped the work
  type: str
  sample: irregular
refused:
  description: That the test sandbox refused what was asked; the result is skipped then.
  returned: where it did
  type: bool
  sample: true
needed:
  description: Whether the host had another file, or none.
  returned: success
  type: bool
  sample: true
version:
  description:
    - The version that the new binary tells, or with O(state=previous) the one that is back.
    - Empty where none was asked, as of a new one in check mode.
  returned: success
  type: str
  sample: 1.4.0
previous:
  description: Where the replaced binary is kept, or would be; empty where none is replaced.
  returned: success
  type: str
  sample: /home/ada/.local/bin/iapeer-memory.previous
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import host_arguments, run

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import binary


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(
            state={"choices": ["present", "absent", "previous"], "default": "present"},
            src={"type": "path"},
            checksum={"type": "str"},
        ),
        supports_check_mode=True,
    )
    run(module, binary.ensure)


if __name__ == "__main__":
    main()
