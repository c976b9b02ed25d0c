#!/usr/bin/python
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: peer_surfaces
short_description: Connect the sessions of all peers of a host to its memory
version_added: 0.1.0
description:
  - Writes, or takes out, our hooks, MCP server and skills in the folder of every Claude Code and Codex peer, and has
    the core trust the Codex hooks. All peers in one run, under the provision lock.
  - Only what is ours is touched. A file that is not what it should be fails that surface of that peer and is left as it
    is; the others get theirs, and the module fails at the end.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.changes
  - agfpd.iapeer_memory.host.peers
  - agfpd.iapeer_memory.host.forms
seealso:
  - name: The host contract
    description: Every file of every peer, byte by byte, contract §5.
    link: https://github.com/agfpd/iapeer-memory-ansible/blob/main/docs/contract.md#5-surfaces
  - module: agfpd.iapeer_memory.fleet_map
  - module: agfpd.iapeer_memory.legacy_plugin_off
options:
  state:
    description: Whether our surfaces are to be there.
    type: str
    choices: [present, absent]
    default: present
  port:
    description: memoryd's port, from 1 to 65535. Without it that of the provider.
    type: int
  reference_dir:
    description:
      - A folder on the target that holds C(iapeer-memory-*/SKILL.md), to be used instead of the provider's skills.
      - Mutually exclusive with O(skills).
    type: path
  skills:
    description:
      - The skills as text, by name, to be used instead of the provider's.
      - Mutually exclusive with O(reference_dir).
    type: dict
  surfaces:
    description: Which surfaces to look at. Without it all of them; an empty list, which names none, is refused.
    type: list
    elements: str
    choices: [hooks, mcp, skills, trust]
  lock_timeout:
    description: How many seconds to wait for the provision lock.
    type: float
    default: 15
  all_results:
    description: Return a record also for what is simply in place.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Connect every peer of the fleet map
  agfpd.iapeer_memory.peer_surfaces:

- name: See what has drifted
  agfpd.iapeer_memory.peer_surfaces:
  check_mode: true
  register: drift
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
    - One of V(written), V(already), V(removed), V(absent), V(failed), V(skipped).
  returned: always
  type: str
  sample: written
detail:
  description: The same in one line for people.
  returned: always
  type: str
  sample: "16 peer-runtimes, 2 written, 1 peers skipped"
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
      sample: /home/ada/peers/ada/.mcp.json
    after_header:
      description: The same.
      type: str
      sample: /home/ada/peers/ada/.mcp.json
    before:
      description: How it was. Values of others are masked.
      type: str
      sample: "url: http://127.0.0.1:1/mcp\n"
    after:
      description: How it is now.
      type: str
      sample: "url: http://127.0.0.1:8766/mcp\n"
kind:
  description:
    - Of what kind the problem is that stopped the work.
    - One of V(busy), V(failed), V(foreign), V(irregular), V(legacy), V(malformed), V(missing), V(outside), V(refused),
      V(unreadable).
  returned: where something on the host stopped the work
  type: str
  sample: busy
refused:
  description: That the test sandbox refused what was asked; the result is skipped then.
  returned: where it did
  type: bool
  sample: true
results:
  description: One record for every peer-runtime that was not simply in place, or for all of them with
    O(all_results=true).
  returned: success, and where a surface failed
  type: list
  elements: dict
  contains:
    personality:
      description: The peer's name.
      type: str
      sample: ada
    runtime:
      description: V(claude) or V(codex).
      type: str
      sample: claude
    cwd:
      description: The peer's folder.
      type: str
      sample: /home/ada/peers/ada
    ok:
      description: Whether no surface failed.
      type: bool
      sample: true
    outcomes:
      description: One record for every surface.
      type: list
      elements: dict
      contains:
        surface:
          description: V(hooks), V(mcp), V(skills) or V(trust).
          type: str
          sample: mcp
        action:
          description: V(written), V(already), V(removed), V(absent), V(failed) or V(skipped).
          type: str
          sample: written
        path:
          description: The file it is about.
          type: str
          sample: /home/ada/peers/ada/.mcp.json
        detail:
          description: Why, where there is something to say.
          type: str
          sample: ""
skipped_peers:
  description: Peers without a session runtime or without a folder.
  returned: success, and where a surface failed
  type: list
  elements: dict
  contains:
    personality:
      description: The peer's name.
      type: str
      sample: telegram
    reason:
      description: Why it was left out.
      type: str
      sample: no session runtime
in_place:
  description: How many peer-runtimes needed nothing.
  returned: success, and where a surface failed
  type: int
  sample: 14
total:
  description: How many peer-runtimes there are.
  returned: success, and where a surface failed
  type: int
  sample: 16
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import FORMS, PEERS, host_arguments, run

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._surfaces import peers


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(
            state={"choices": ["present", "absent"], "default": "present"},
            peers=PEERS,
            port={"type": "int"},
            reference_dir={"type": "path"},
            skills={"type": "dict"},
            surfaces={"type": "list", "elements": "str", "choices": ["hooks", "mcp", "skills", "trust"]},
            lock_timeout={"type": "float", "default": 15},
            forms=FORMS,
            all_results={"type": "bool", "default": False},
        ),
        mutually_exclusive=[("reference_dir", "skills")],
        supports_check_mode=True,
    )
    run(module, peers.ensure)


if __name__ == "__main__":
    main()
