#!/usr/bin/python
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: provider_binary
short_description: Install the binary of the provider
version_added: 0.1.0
description:
  - Installs a file of the controller as the provider's binary, in one step, with the mode 0755.
  - The file travels only where the host does not have it already.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.changes
options:
  src:
    description: The file on the controller.
    type: path
  checksum:
    description: Filled in by the action plugin.
    type: str
"""

EXAMPLES = r"""
- name: Install the binary
  agfpd.iapeer_memory.provider_binary:
    src: files/iapeer-memory
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode, in one word.
  returned: always
  type: str
  sample: replaced
detail:
  description: The same in one line for people.
  returned: always
  type: str

needed:
  description: Whether the host had another file, or none.
  returned: success
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import binary
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import host_arguments, run


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(
            src={"type": "path"},
            checksum={"type": "str"},
        ),
        supports_check_mode=True,
    )
    run(module, binary.ensure)


if __name__ == "__main__":
    main()
