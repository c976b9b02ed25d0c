#!/usr/bin/python
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: memoryd_restart
short_description: Restart memoryd and see it come back
version_added: 0.1.0
description:
  - Ends the process that the pid file names, after making sure that it is memoryd, and waits until the notifier has
    started a new one with a fresh heartbeat.
  - Not running means nothing to do. A process that is not memoryd is never signalled; its pid file is removed.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.changes
options:
  newer_than:
    description: Restart only where the process is older than the newest of these files.
    type: list
    elements: path
  hung_after:
    description:
      - Restart only where the daemon hangs, which is where its heartbeat is missing, says C(watch=off) or is older than
        this many seconds.
      - With O(newer_than) as well, either is enough. With neither, it is restarted in any case.
    type: float
  wait:
    description: How many seconds to wait for a new pid and a fresh heartbeat; 0 does not wait.
    type: float
    default: 60
"""

EXAMPLES = r"""
- name: Restart memoryd if its binary is newer than the process
  agfpd.iapeer_memory.memoryd_restart:
    newer_than:
      - "{{ memory.paths.binary }}"

- name: End a hung daemon
  agfpd.iapeer_memory.memoryd_restart:
    hung_after: 120
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode, in one word.
  returned: always
  type: str
  sample: restarted
detail:
  description: The same in one line for people.
  returned: always
  type: str

old_pid:
  description: The process that was running.
  returned: success
  type: int
new_pid:
  description: The process that came up instead.
  returned: success
  type: int
signal:
  description: The last signal that was needed, V(TERM) or V(KILL).
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import memoryd
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import host_arguments, run


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(
            newer_than={"type": "list", "elements": "path"},
            hung_after={"type": "float"},
            wait={"type": "float", "default": 60},
        ),
        supports_check_mode=True,
    )
    run(module, memoryd.ensure)


if __name__ == "__main__":
    main()
