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
seealso:
  - name: The host contract
    description: Where things are; the other sections say what is in them, contract §1.
    link: https://github.com/agfpd/iapeer-memory-ansible/blob/main/docs/contract.md#1-paths
  - module: agfpd.iapeer_memory.report
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
changed:
  description: Always false.
  returned: always
  type: bool
  sample: false
action:
  description: What was done, in one word.
  returned: always
  type: str
  sample: read
detail:
  description: What was found, in one line for people.
  returned: always
  type: str
  sample: slot v1_2, 8 peers, provisioned
kind:
  description:
    - Of what kind the problem is that stopped the work.
    - One of V(busy), V(failed), V(foreign), V(irregular), V(legacy), V(malformed), V(missing), V(outside), V(refused),
      V(unreadable).
  returned: where something on the host stopped the work
  type: str
  sample: unreadable
refused:
  description: That the test sandbox refused what was asked; the result is skipped then.
  returned: where it did
  type: bool
  sample: true
paths:
  description: Where things are on the host, all absolute.
  returned: success
  type: dict
  contains:
    home:
      description: The account's home.
      type: str
      sample: /home/ada
    root:
      description: The core's folder.
      type: str
      sample: /home/ada/.iapeer
    config_file:
      description: The provider's C(config.env).
      type: str
      sample: /home/ada/.iapeer/plugins/iapeer-memory/config.env
    state:
      description: The provider's state folder.
      type: str
      sample: /home/ada/.iapeer/state/iapeer-memory
    cache:
      description: The provider's cache folder.
      type: str
      sample: /home/ada/.iapeer/cache/iapeer-memory
    logs:
      description: The provider's logs.
      type: str
      sample: /home/ada/.iapeer/logs/iapeer-memory
    binary:
      description: The provider's binary.
      type: str
      sample: /home/ada/.local/bin/iapeer-memory
    slot:
      description: The memory slot.
      type: str
      sample: /home/ada/.iapeer/memory-provider.json
    guide:
      description: The host-wide guide.
      type: str
      sample: /home/ada/.iapeer/fragments/iapeer-memory.md
    config_dir:
      description: The folder of C(config.env).
      type: str
      sample: /home/ada/.iapeer/plugins/iapeer-memory
    hooks:
      description: The folder of the hook shims.
      type: str
      sample: /home/ada/.iapeer/plugins/iapeer-memory/hooks
    launcher:
      description: The script that starts memoryd.
      type: str
      sample: /home/ada/.iapeer/plugins/iapeer-memory/memoryd-launcher.sh
    dream_gate:
      description: The script that is asked before the weekly timer fires.
      type: str
      sample: /home/ada/.iapeer/plugins/iapeer-memory/dream-tick-gate.sh
    fleet:
      description: The fleet map.
      type: str
      sample: /home/ada/.iapeer/state/iapeer-memory/fleet.json
    roles:
      description: The roles manifest.
      type: str
      sample: /home/ada/.iapeer/state/iapeer-memory/roles.json
    pid:
      description: memoryd's pid file.
      type: str
      sample: /home/ada/.iapeer/state/iapeer-memory/memoryd.pid
    heartbeat:
      description: memoryd's heartbeat.
      type: str
      sample: /home/ada/.iapeer/state/iapeer-memory/memoryd.heartbeat
    templates:
      description: The templates of the host's language.
      type: str
      sample: /home/ada/.iapeer/plugins/iapeer-memory/templates/en
config:
  description: What C(config.env) and the environment amount to.
  returned: success
  type: dict
  contains:
    ok:
      description: Whether the host is provisioned.
      type: bool
      sample: true
    unread:
      description:
        - Why nobody can tell where the state dir and the binary are.
        - Modules that change something fail with it.
      returned: where C(config.env) cannot be read, and neither options nor the environment say where both are
      type: str
      sample: "/home/ada/.iapeer/plugins/iapeer-memory/config.env: is not UTF-8 from byte 40 on"
    problem:
      description: Why it is not; empty where it is.
      type: str
      sample: ""
    vault_path:
      description: The vault.
      type: str
      sample: /home/ada/memory
    locale:
      description: V(en) or V(ru).
      type: str
      sample: en
    mcp_port:
      description: memoryd's port.
      type: int
      sample: 8766
    mode:
      description: V(lean) or V(curated).
      type: str
      sample: curated
    proactive:
      description: The roles that act without being asked.
      type: list
      elements: str
      sample: [index, scriber]
    event_target:
      description: Who gets memoryd's events; empty where nobody does.
      type: str
      sample: scriber
    dream:
      description: Whether the weekly timer is wanted.
      type: bool
      sample: true
    dream_cron:
      description: Its schedule.
      type: str
      sample: 0 4 * * 1
slot:
  description: The memory slot.
  returned: success
  type: dict
  contains:
    form:
      description: One of V(absent), V(malformed), V(v1_1), V(v1_2), V(foreign).
      type: str
      sample: v1_2
    provider:
      description: Who holds it; empty where nobody does.
      type: str
      sample: iapeer-memory
    version:
      description: The declared version.
      type: str
      sample: 1.4.0
    problem:
      description: Why it counts as malformed; else empty.
      type: str
      sample: ""
fleet:
  description: The fleet map.
  returned: success
  type: dict
  contains:
    readable:
      description: Whether it is there and what it should be.
      type: bool
      sample: true
    count:
      description: How many peers it names.
      type: int
      sample: 8
    problem:
      description: Why it cannot be read; else empty.
      type: str
      sample: ""
memoryd:
  description: The daemon.
  returned: success
  type: dict
  contains:
    pid:
      description: What the pid file says, and that of a daemon that runs without it; null where there is neither.
      type: int
      sample: 4711
    running:
      description: Whether that process lives and is memoryd.
      type: bool
      sample: true
    problem:
      description: Why the pid file is stale or cannot be read, and that the daemon runs without it; else empty.
      type: str
      sample: ""
    heartbeat_age:
      description: Seconds since the last heartbeat; null without one.
      type: float
      sample: 12.4
    watch:
      description: V(on), V(off), or empty where the heartbeat does not say.
      type: str
      sample: "on"
    heartbeat_problem:
      description: Why the heartbeat cannot be read; else empty.
      type: str
      sample: ""
    complaint:
      description: What is wrong with the heartbeat; empty where it is fresh and says nothing bad.
      type: str
      sample: heartbeat is 300 s old
    listening:
      description: Whether something answered on its port; null where O(probe) is false.
      type: bool
      sample: true
roles:
  description: The roles of the manifest; empty without one.
  returned: success
  type: list
  elements: dict
  contains:
    role:
      description: The role.
      type: str
      sample: index
    cwd:
      description: The folder of its peer.
      type: str
      sample: /home/ada/peers/index
    template:
      description: Its doctrine's template.
      type: str
      sample: /home/ada/.iapeer/plugins/iapeer-memory/templates/en/index.md
roles_problem:
  description: Why the manifest cannot be read, V(missing) where there is none; else empty.
  returned: success
  type: str
  sample: ""
binary:
  description: The provider's binary.
  returned: success
  type: dict
  contains:
    present:
      description: Whether it is there.
      type: bool
      sample: true
    version:
      description: What it says its version is.
      type: str
      sample: 1.4.0
    problem:
      description: Why it says none; else empty.
      type: str
      sample: ""
    refused:
      description: Whether the test sandbox kept it from being asked.
      type: bool
      sample: false
sandboxed:
  description: Whether the test sandbox is armed.
  returned: success
  type: bool
  sample: false
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import host_arguments, run

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look import info


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(
            probe={"type": "bool", "default": False},
        ),
        supports_check_mode=True,
    )
    run(module, info.gather, only_looks=True)


if __name__ == "__main__":
    main()
