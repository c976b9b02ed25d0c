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
  - Asks the core for its peers and writes C(fleet_map.json), which sweeps and memoryd read.
  - The map is rewritten only where the peers changed. Whatever goes wrong, the old map stays.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.changes
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
action:
  description: What was done, or would be done in check mode, in one word.
  returned: always
  type: str
  sample: written
detail:
  description: The same in one line for people.
  returned: always
  type: str

peers:
  description: The peers of the registry; each has C(personality), C(cwd) and C(runtimes).
  returned: success
  type: list
  elements: dict
count:
  description: How many there are.
  returned: success
  type: int
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import fleet_map
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import host_arguments, run


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
