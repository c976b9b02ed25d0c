#!/usr/bin/python
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: notifier_trigger
short_description: Register a trigger with the notifier of a host
version_added: 0.1.0
description:
  - Sends the registration through the core, as the peer that owns the trigger, and looks at that peer's profile until
    it is there. A message that was delivered is not yet a trigger that is registered.
  - Without a registrant on the host it is skipped.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.changes
options:
  state:
    description: Whether the trigger is to be there.
    type: str
    choices: [present, absent]
    default: present
  kind:
    description: V(event) goes to the watcher, V(time) to the timer.
    type: str
    choices: [event, time]
    required: true
  id:
    description: The trigger's id. The same id replaces.
    type: str
    required: true
  script:
    description: The script that an event trigger runs. Required with O(kind=event) and O(state=present).
    type: path
  target:
    description: The peer that gets the messages. Required with O(state=present).
    type: str
  when:
    description: The schedule of a timer, in cron's spelling. Required with O(kind=time) and O(state=present).
    type: str
  text:
    description: The message that a timer sends. Required with O(kind=time) and O(state=present).
    type: str
  check:
    description: The script that is asked before a timer fires.
    type: path
  registrant:
    description: The peer that owns the trigger.
    type: str
    default: index
  wait:
    description: How many seconds to wait to see it in the profile; 0 does not wait.
    type: float
    default: 10
"""

EXAMPLES = r"""
- name: Have the notifier start memoryd
  agfpd.iapeer_memory.notifier_trigger:
    kind: event
    id: iapeer-memory-memoryd
    script: "{{ memory.paths.launcher }}"
    target: scriber

- name: Take an old timer away
  agfpd.iapeer_memory.notifier_trigger:
    kind: time
    id: iapeer-memory-inbox-sweep
    state: absent
"""

RETURN = r"""
action:
  description: What was done, or would be done in check mode, in one word.
  returned: always
  type: str
  sample: registered
detail:
  description: The same in one line for people.
  returned: always
  type: str

trigger:
  description: The trigger as the profile has it after the run; empty where there is none.
  returned: success
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import triggers
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import host_arguments, run


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(
            state={"choices": ["present", "absent"], "default": "present"},
            kind={"choices": ["event", "time"], "required": True},
            id={"type": "str", "required": True},
            script={"type": "path"},
            target={"type": "str"},
            when={"type": "str"},
            text={"type": "str"},
            check={"type": "path"},
            registrant={"type": "str", "default": "index"},
            wait={"type": "float", "default": 10},
        ),
        supports_check_mode=True,
    )
    run(module, triggers.ensure)


if __name__ == "__main__":
    main()
