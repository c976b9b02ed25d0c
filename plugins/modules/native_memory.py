#!/usr/bin/python
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: native_memory
short_description: Switch the clients' own memory on or off
version_added: 0.2.0
description:
  - Has the core switch the memory that Claude Code and Codex bring along themselves, for all peers of a host.
  - A core that cannot is no failure, and the result is skipped.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.changes
seealso:
  - name: The host contract
    description: The first day of a host and its last, contract §13.
    link: https://github.com/agfpd/iapeer-memory-ansible/blob/main/docs/contract.md#13-install-and-uninstall
  - module: agfpd.iapeer_memory.host_setup
attributes:
  idempotent:
    description: Nobody can tell how it is, so every run has it switched.
    support: none
options:
  enabled:
    description: Whether it is to be on.
    type: bool
    required: true
"""

EXAMPLES = r"""
- name: Switch the clients' own memory off
  agfpd.iapeer_memory.native_memory:
    enabled: false

- name: Switch it on again, after the provider's is gone
  agfpd.iapeer_memory.native_memory:
    enabled: true
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
    - One of V(switched_off), V(switched_on), V(failed), V(skipped).
  returned: always
  type: str
  sample: switched_off
detail:
  description: The same in one line for people.
  returned: always
  type: str
  sample: "the clients' own memory is switched off"
diff:
  description: What changes, one entry for each thing.
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
      sample: native memory
    after_header:
      description: The same.
      type: str
      sample: native memory
    before:
      description: How it was.
      type: str
      sample: ""
    after:
      description: How it is now.
      type: str
      sample: "off\n"
kind:
  description:
    - Of what kind the problem is that stopped the work.
    - One of V(busy), V(failed), V(foreign), V(irregular), V(legacy), V(malformed), V(missing), V(outside), V(refused),
      V(unreadable).
  returned: where something on the host stopped the work
  type: str
  sample: missing
refused:
  description: That the test sandbox refused what was asked; the result is skipped then.
  returned: where it did
  type: bool
  sample: true
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import host_arguments, run

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import native_memory


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(enabled={"type": "bool", "required": True}),
        supports_check_mode=True,
    )
    run(module, native_memory.ensure)


if __name__ == "__main__":
    main()
