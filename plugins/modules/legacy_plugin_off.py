#!/usr/bin/python
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: legacy_plugin_off
short_description: Sweep the v1.1 marketplace plugin off the fleet
version_added: 0.1.0
description:
  - Removes the plugin C(iapeer-memory@agfpd) from every peer. On a host whose slot is in the v1.1 form, run it while
    that slot is still there, and only once the direct surfaces are in place; on any other of ours it takes off what a
    newer provider left behind.
  - C(changed) tells whether the plugin was seen anywhere. On a v1.1 host the core is asked either way.
  - What a client drops of a C(settings.json) is put back, but never over what somebody wrote since.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.changes
  - agfpd.iapeer_memory.host.peers
seealso:
  - name: The host contract
    description: What the plugin is and how it goes, contract §6.
    link: https://github.com/agfpd/iapeer-memory-ansible/blob/main/docs/contract.md#6-the-plugin-of-v11
  - module: agfpd.iapeer_memory.peer_surfaces
  - module: agfpd.iapeer_memory.memory_slot
options:
  method:
    description:
      - V(core) has the core's verb do it, which works on a v1.1 slot alone, V(native) the clients themselves.
      - V(auto) takes the core's verb, and the clients where the core no longer has it or the slot is another of ours.
    type: str
    choices: [auto, core, native]
    default: auto
  claude_bin:
    description: The C(claude) binary, an absolute path. Without it the one on E(PATH), else C(~/.local/bin/claude).
    type: path
  codex_bin:
    description: The C(codex) binary, an absolute path. Without it the one on E(PATH), else C(~/.local/bin/codex).
    type: path
  lock_timeout:
    description: Seconds to wait for the provision lock, where the clients remove the plugin.
    version_added: 0.2.0
    type: float
    default: 15
"""

EXAMPLES = r"""
- name: Take the plugin off, while the slot still tells what it is
  agfpd.iapeer_memory.legacy_plugin_off:
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
    - One of V(removed), V(absent), V(failed), V(skipped).
  returned: always
  type: str
  sample: removed
detail:
  description: The same in one line for people.
  returned: always
  type: str
  sample: removed from ada
diff:
  description: The peers that the plugin goes from.
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
      sample: plugin
    after_header:
      description: The same.
      type: str
      sample: plugin
    before:
      description: How it was. Values of others are masked.
      type: str
      sample: "ada: iapeer-memory@agfpd\n"
    after:
      description: How it is now.
      type: str
      sample: ""
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
results:
  description: Where the plugin was seen.
  returned: success, and where a client failed
  type: list
  elements: dict
  contains:
    personality:
      description: The peer's name; empty for the account's Codex, and for a list of Claude Code that cannot be read.
      type: str
      sample: ada
    runtime:
      description: V(claude) or V(codex).
      type: str
      sample: claude
    cwd:
      description: The peer's folder, that of the account's Codex, or the path of the list.
      type: str
      sample: /home/ada/peers/ada
    action:
      description: V(removed), V(left) or V(failed).
      type: str
      sample: removed
    detail:
      description: Why it failed; else empty.
      type: str
      sample: ""
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import PEERS, host_arguments, run

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces import legacy_plugin


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(
            method={"choices": ["auto", "core", "native"], "default": "auto"},
            peers=PEERS,
            claude_bin={"type": "path"},
            codex_bin={"type": "path"},
            lock_timeout={"type": "float", "default": 15},
        ),
        supports_check_mode=True,
    )
    run(module, legacy_plugin.ensure)


if __name__ == "__main__":
    main()
