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
  - agfpd.iapeer_memory.host.forms
  - agfpd.iapeer_memory.host.changes
seealso:
  - name: The host contract
    description: The slot's forms, key by key, contract §3.
    link: https://github.com/agfpd/iapeer-memory-ansible/blob/main/docs/contract.md#3-the-memory-slot
  - module: agfpd.iapeer_memory.legacy_plugin_off
options:
  state:
    description: Whether the slot is to declare us.
    type: str
    choices: [present, absent]
    default: present
  version:
    description:
      - The version to declare. Without it what the installed binary says.
      - It has to be text, quoted where it looks like a number.
    type: raw
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
changed:
  description: Whether anything was changed, or would be in check mode.
  returned: always
  type: bool
  sample: true
action:
  description:
    - What was done, or would be done in check mode, in one word.
    - One of V(declared), V(redeclared), V(migrated), V(already), V(removed), V(absent), V(failed), V(skipped).
  returned: always
  type: str
  sample: redeclared
detail:
  description: The same in one line for people.
  returned: always
  type: str
  sample: "redeclared v1.4.0 (differed in version)"
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
      sample: /home/ada/.iapeer/memory-provider.json
    after_header:
      description: The same.
      type: str
      sample: /home/ada/.iapeer/memory-provider.json
    before:
      description: How it was. Values of others are masked.
      type: str
      sample: "version: 1.3.0\n"
    after:
      description: How it is now.
      type: str
      sample: "version: 1.4.0\n"
kind:
  description:
    - Of what kind the problem is that stopped the work.
    - One of V(busy), V(failed), V(foreign), V(irregular), V(legacy), V(malformed), V(missing), V(outside), V(refused),
      V(unreadable).
  returned: where something on the host stopped the work
  type: str
  sample: foreign
refused:
  description: That the test sandbox refused what was asked; the result is skipped then.
  returned: where it did
  type: bool
  sample: true
slot:
  description: The declaration as it is after the run; empty where there is none.
  returned: success
  type: dict
  contains:
    provider:
      description: Always V(iapeer-memory).
      type: str
      sample: iapeer-memory
    package:
      description: The provider's package.
      type: str
      sample: '@agfpd/iapeer-memory'
    version:
      description: The declared version.
      type: str
      sample: 1.4.0
    registeredAt:
      description: When it was declared.
      type: str
      sample: '2026-01-31T12:00:00.000Z'
    heartbeat:
      description: The heartbeat file.
      type: str
      sample: /home/ada/.iapeer/state/iapeer-memory/memoryd.heartbeat
    provision:
      description: How the core connects a new peer; C(command) and C(args).
      type: dict
      sample:
        command: /home/ada/.local/bin/iapeer-memory
        args:
          [provision-peer, --cwd, '{cwd}', --runtime, '{runtime}', --personality, '{personality}', --occasion,
           '{occasion}']
    unprovision:
      description: How the core disconnects one; C(command) and C(args).
      type: dict
      sample:
        command: /home/ada/.local/bin/iapeer-memory
        args: [unprovision-peer, --cwd, '{cwd}', --runtime, '{runtime}', --occasion, '{occasion}']
form_before:
  description: One of V(absent), V(malformed), V(v1_1), V(v1_2).
  returned: success
  type: str
  sample: v1_1
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import FORMS, host_arguments, run

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import slot


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(
            state={"choices": ["present", "absent"], "default": "present"},
            version={"type": "raw"},
            forms=FORMS,
            migrate={"type": "bool", "default": False},
        ),
        supports_check_mode=True,
    )
    run(module, slot.ensure)


if __name__ == "__main__":
    main()
