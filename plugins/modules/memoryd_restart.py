#!/usr/bin/python
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: memoryd_restart
short_description: Restart memoryd and see it come back, or end it
version_added: 0.1.0
description:
  - Ends the process that the pid file names, after making sure that it is memoryd, and waits until the notifier has
    started a new one that has written a heartbeat.
  - Not running, or still indexing the vault, means nothing to do. A process that is not memoryd is never signalled; its
    pid file is removed.
  - What the daemon runs from is written down by real runs in C(memoryd.ran-from.json) in the state folder, so that
    bytes are compared and not time stamps. That file is safe to delete.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.changes
seealso:
  - name: The host contract
    description: What the daemon leaves on disk, and the verified kill, contract §8.
    link: https://github.com/agfpd/iapeer-memory-ansible/blob/main/docs/contract.md#8-memoryd
  - module: agfpd.iapeer_memory.notifier_trigger
attributes:
  idempotent:
    description: With O(newer_than) or O(hung_after) a second run changes nothing. With neither, every run restarts it.
    support: partial
options:
  state:
    description:
      - V(ended) ends it for good and waits for nobody; O(newer_than) and O(hung_after) are refused with it. The
        notifier starts it again as long as it has a trigger for it.
      - V(running) is V(restarted), and where none runs the one that the notifier starts is waited for.
    version_added: 0.2.0
    type: str
    choices: [restarted, running, ended]
    default: restarted
  newer_than:
    description:
      - Restart only where the bytes of one of these files changed since the process was started. Absolute paths.
    type: list
    elements: path
  hung_after:
    description:
      - Restart only where the daemon hangs, which is where its heartbeat is older than this many seconds (at least 1),
        still missing after them, from the future, or says C(watch=off). The last two are worth one restart; where it
        did not help, the daemon is left alone until what it runs from changes.
      - With O(newer_than) as well, either is enough. With neither, it is restarted in any case.
    type: float
  wait:
    description: How many seconds to wait for a new process and its heartbeat; 0 does not wait.
    type: float
    default: 60
  index_wait:
    description:
      - How many seconds more to wait while the new process is alive and not yet up. Its start indexes the whole vault,
        which takes minutes where that is big.
    version_added: 0.2.0
    type: float
    default: 1800
"""

EXAMPLES = r"""
- name: Restart memoryd if its binary changed since it was started
  agfpd.iapeer_memory.memoryd_restart:
    newer_than:
      - "{{ memory.paths.binary }}"

- name: End a hung daemon
  agfpd.iapeer_memory.memoryd_restart:
    hung_after: 120

- name: End it, after its trigger was unregistered
  agfpd.iapeer_memory.memoryd_restart:
    state: ended
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
    - One of V(restarted), V(came_up), V(ended), V(already), V(pid_file_removed), V(starting), V(not_running),
      V(failed), V(skipped).
  returned: always
  type: str
  sample: restarted
detail:
  description: The same in one line for people.
  returned: always
  type: str
  sample: "asked for; pid 4711 ended, pid 4799 came up with a fresh heartbeat"
diff:
  description: Which process goes, and why.
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
      sample: memoryd
    after_header:
      description: The same.
      type: str
      sample: memoryd
    before:
      description: The process.
      type: str
      sample: "memoryd pid 4711\n"
    after:
      description: What becomes of it, and why.
      type: str
      sample: "restarted: asked for\n"
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
old_pid:
  description: The process that was running; null where none was.
  returned: success, and where it did not come back
  type: int
  sample: 4711
new_pid:
  description: The process that came up instead; null where there is none, and where it was not waited for.
  returned: success, and where it did not come back
  type: int
  sample: 4799
signal:
  description: The last signal that was needed, V(TERM) or V(KILL); null where none was.
  returned: success, and where it did not come back
  type: str
  sample: TERM
state:
  description:
    - What became of the daemon after its restart, V(back), V(indexing) (alive and not yet up), V(hung) (up and not
      beating), V(flapping) (it keeps being restarted) or V(dead).
    - Empty where it was not restarted, and where it was not waited for.
  returned: success, and where it did not come back
  type: str
  sample: back
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import host_arguments, run

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import memoryd


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(
            state={"choices": ["restarted", "running", "ended"], "default": "restarted"},
            newer_than={"type": "list", "elements": "path"},
            hung_after={"type": "float"},
            wait={"type": "float", "default": 60},
            index_wait={"type": "float", "default": 1800},
        ),
        supports_check_mode=True,
    )
    run(module, memoryd.ensure)


if __name__ == "__main__":
    main()
