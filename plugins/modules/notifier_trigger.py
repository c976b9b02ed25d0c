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
  - The script or check that a trigger names has to be there and executable, because the notifier silently takes no
    other.
  - Without a registrant on the host it is skipped.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.changes
  - agfpd.iapeer_memory.host.forms
seealso:
  - name: The host contract
    description: The triggers and the messages that register them, contract §7.
    link: https://github.com/agfpd/iapeer-memory-ansible/blob/main/docs/contract.md#7-scripts-triggers-guide-doctrines
  - module: agfpd.iapeer_memory.memoryd_restart
  - module: agfpd.iapeer_memory.provider_files
options:
  state:
    description: Whether the trigger is to be there. With O(standard=true), V(absent) takes all of them away.
    type: str
    choices: [present, absent]
    default: present
  standard:
    description:
      - All triggers of a host at once, as the installed provider registers them. The watcher that starts memoryd, the
        weekly timer where it is wanted, and no longer the old sweep's.
      - Excludes the options of a single trigger.
    version_added: 0.2.0
    type: bool
  kind:
    description:
      - V(event) goes to the watcher, V(time) to the timer. Required without O(standard=true).
      - An option of the other kind is refused.
    type: str
    choices: [event, time]
  id:
    description: The trigger's id. The same id replaces. Required without O(standard=true).
    type: str
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
- name: Register what the installed provider registers
  agfpd.iapeer_memory.notifier_trigger:
    standard: true

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
changed:
  description: Whether anything was changed, or would be in check mode.
  returned: always
  type: bool
  sample: true
action:
  description:
    - What was done, or would be done in check mode, in one word.
    - One of V(registered), V(unregistered), V(already), V(absent), V(failed), V(skipped).
  returned: always
  type: str
  sample: registered
detail:
  description: The same in one line for people.
  returned: always
  type: str
  sample: "registered iapeer-memory-memoryd to scriber (was not registered)"
diff:
  description: How the trigger changes.
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
      sample: iapeer-memory-memoryd
    after_header:
      description: The same.
      type: str
      sample: iapeer-memory-memoryd
    before:
      description: How it was. Values of others are masked.
      type: str
      sample: ""
    after:
      description: How it is now.
      type: str
      sample: "target: scriber\n"
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
trigger:
  description:
    - The trigger as the profile has it after the run; empty where there is none.
    - It may have further keys, which are the notifier's.
  returned: success, with a single trigger
  type: dict
  contains:
    role:
      description: V(event) or V(time).
      type: str
      sample: event
    id:
      description: Its id.
      type: str
      sample: iapeer-memory-memoryd
    owner:
      description: The peer that owns it.
      type: str
      sample: index
    target:
      description: The peer that gets the messages.
      type: str
      sample: scriber
    script:
      description: What an event trigger runs.
      type: str
      sample: /home/ada/.iapeer/plugins/iapeer-memory/memoryd-launcher.sh
    check:
      description: What is asked before a timer fires.
      type: str
      sample: /home/ada/.iapeer/plugins/iapeer-memory/dream-tick-gate.sh
triggers:
  description: One record for every trigger.
  returned: with O(standard=true), unless an option was wrong
  type: list
  elements: dict
  contains:
    name:
      description: V(watcher), V(dream) or V(old-sweep).
      type: str
      sample: watcher
    id:
      description: Its id.
      type: str
      sample: iapeer-memory-memoryd
    action:
      description: V(registered), V(unregistered), V(already), V(absent), V(failed) or V(skipped).
      type: str
      sample: registered
    detail:
      description: The same in one line for people.
      type: str
      sample: registered iapeer-memory-memoryd to scriber (was not registered)
    changed:
      description: Whether a message was sent, or would be.
      type: bool
      sample: true
    trigger:
      description: The trigger as the profile has it after the run; empty where there is none.
      type: dict
      sample: {"role": "event", "id": "iapeer-memory-memoryd", "owner": "index", "target": "scriber"}
    missing:
      description: The path of the script or check that it names, where that is not in place on the disk; else empty.
      type: str
      sample: ""
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import FORMS, host_arguments, run

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import triggers


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(
            state={"choices": ["present", "absent"], "default": "present"},
            standard={"type": "bool"},
            kind={"choices": ["event", "time"]},
            id={"type": "str"},
            script={"type": "path"},
            target={"type": "str"},
            when={"type": "str"},
            text={"type": "str"},
            check={"type": "path"},
            registrant={"type": "str", "default": "index"},
            wait={"type": "float", "default": 10},
            forms=FORMS,
        ),
        # What else a single trigger needs depends on state and kind together, which no rule here can say: triggers.py.
        required_one_of=[("standard", "id")],
        required_by={"id": "kind"},
        mutually_exclusive=[("standard", name) for name in ("kind", "id", "script", "target", "when", "text", "check")],
        supports_check_mode=True,
    )
    run(module, triggers.ensure)


if __name__ == "__main__":
    main()
