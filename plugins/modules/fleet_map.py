#!/usr/bin/python
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: fleet_map
short_description: Write the fleet map of a host from the registry of the core
version_added: 0.1.0
description:
  - Asks the core for its peers and writes C(fleet.json), which sweeps and memoryd read.
  - The map is rewritten only where the peers changed. Whatever goes wrong, the old map stays.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.changes
seealso:
  - name: The host contract
    description: The map's format and where it comes from, contract §4.
    link: https://github.com/agfpd/iapeer-memory-ansible/blob/main/docs/contract.md#4-the-fleet-map
  - module: agfpd.iapeer_memory.peer_surfaces
  - module: agfpd.iapeer_memory.memory_host_info
options:
  allow_empty:
    description: Let an empty registry replace a map that names peers.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Write down who is in the fleet
  agfpd.iapeer_memory.fleet_map:
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
  sample: "8 peers, 1 new or changed, 0 gone or changed"
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
      sample: /home/ada/.iapeer/state/iapeer-memory/fleet.json
    after_header:
      description: The same.
      type: str
      sample: /home/ada/.iapeer/state/iapeer-memory/fleet.json
    before:
      description: How it was. Values of others are masked.
      type: str
      sample: ""
    after:
      description: How it is now.
      type: str
      sample: "ada /home/ada/peers/ada claude\n"
kind:
  description:
    - Of what kind the problem is that stopped the work.
    - One of V(busy), V(failed), V(foreign), V(irregular), V(legacy), V(malformed), V(missing), V(outside), V(refused),
      V(unreadable).
  returned: where something on the host stopped the work
  type: str
  sample: failed
refused:
  description: That the test sandbox refused what was asked; the result is skipped then.
  returned: where it did
  type: bool
  sample: true
peers:
  description: The peers of the registry.
  returned: success
  type: list
  elements: dict
  contains:
    personality:
      description: The peer's name.
      type: str
      sample: ada
    cwd:
      description: Its folder.
      type: str
      sample: /home/ada/peers/ada
    runtimes:
      description: Its runtimes.
      type: list
      elements: str
      sample: [claude, codex]
count:
  description: How many there are.
  returned: success
  type: int
  sample: 8
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import host_arguments, run

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import fleet_map


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(
            allow_empty={"type": "bool", "default": False},
        ),
        supports_check_mode=True,
    )
    run(module, fleet_map.ensure)


if __name__ == "__main__":
    main()
