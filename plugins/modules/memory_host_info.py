#!/usr/bin/python
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: memory_host_info
short_description: Read everything that is known of an iapeer-memory host
version_added: 0.1.0
description:
  - Reads paths, configuration, slot, fleet map, daemon, roles and binary of one host, and changes nothing.
  - What cannot be read is told apart, missing from unreadable from malformed, and is never an error.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.reads
options:
  probe:
    description: Ask memoryd's port on the loopback interface whether anybody answers.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Look at the host
  agfpd.iapeer_memory.memory_host_info:
  register: memory

- name: Stop where the host is not provisioned
  ansible.builtin.assert:
    that: memory.config.ok
    fail_msg: "{{ memory.config.problem }}"
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode, in one word.
  returned: always
  type: str
  sample: read
detail:
  description: The same in one line for people.
  returned: always
  type: str

paths:
  description: Where things are on the host, all absolute.
  returned: always
  type: dict
config:
  description: What C(config.env) and the environment amount to.
  returned: always
  type: dict
  contains:
    ok:
      description: Whether the host is provisioned.
      type: bool
    problem:
      description: Why it is not; empty where it is.
      type: str
    vault_path:
      description: The vault.
      type: str
    locale:
      description: V(en) or V(ru).
      type: str
    mcp_port:
      description: memoryd's port.
      type: int
    mode:
      description: V(lean) or V(curated).
      type: str
    proactive:
      description: The roles that act without being asked.
      type: list
      elements: str
    event_target:
      description: Who gets memoryd's events; empty where nobody does.
      type: str
    dream:
      description: Whether the weekly timer is wanted.
      type: bool
    dream_cron:
      description: Its schedule.
      type: str
slot:
  description: The memory slot.
  returned: always
  type: dict
  contains:
    form:
      description: One of V(absent), V(malformed), V(v1_1), V(v1_2), V(foreign).
      type: str
    provider:
      description: Who holds it.
      type: str
    version:
      description: The declared version.
      type: str
    problem:
      description: Why it counts as malformed.
      type: str
fleet:
  description: The fleet map; C(readable), C(count), C(problem).
  returned: always
  type: dict
memoryd:
  description: The daemon; C(pid), C(running), C(problem), C(heartbeat_age) in seconds, C(watch), C(listening).
  returned: always
  type: dict
roles:
  description: The roles of the manifest; empty without one.
  returned: always
  type: list
  elements: dict
roles_problem:
  description: Why the manifest cannot be read; V(missing) where there is none.
  returned: always
  type: str
binary:
  description: The provider's binary; C(present), C(version), C(problem), C(refused).
  returned: always
  type: dict
sandboxed:
  description: Whether the test sandbox is armed.
  returned: always
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look import info
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import host_arguments, run


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(
            probe={"type": "bool", "default": False},
        ),
        supports_check_mode=True,
    )
    run(module, info.gather)


if __name__ == "__main__":
    main()
