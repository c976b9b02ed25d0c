#!/usr/bin/python
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_setup
short_description: Give a host what it needs on its first day
version_added: 0.2.0
description:
  - Makes the vault, the host-wide guide, C(config.env), the role peers and their manifest, as the provider's C(init)
    would, which shows it by a run in a private folder.
  - What is there already is taken as it is. A vault that holds anything gets nothing, C(config.env) is written once and
    never again, a role that the manifest names is left alone.
  - A peer that has the name of a role and a doctrine of its own is somebody else's. That role fails, and nothing of the
    peer is touched; the other roles get theirs.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.forms
  - agfpd.iapeer_memory.host.changes
seealso:
  - name: The host contract
    description: The first day of a host, contract §13.
    link: https://github.com/agfpd/iapeer-memory-ansible/blob/main/docs/contract.md#13-install-and-uninstall
  - module: agfpd.iapeer_memory.native_memory
  - module: agfpd.iapeer_memory.role_doctrines
  - module: agfpd.iapeer_memory.fleet_map
options:
  vault_path:
    description: The folder for the notes. Required where there is no C(config.env).
    type: path
  locale:
    description: The language of vault and texts, V(en) or V(ru). Without it V(en).
    type: str
  mode:
    description: V(curated) or V(lean). Without it V(curated).
    type: str
  human_name:
    description: What the agents call the human.
    type: str
  role_runtime:
    description: The runtime of the role peers that are made. Without it the core chooses.
    type: str
  guide:
    description: Make the host-wide guide, where no memory is declared on the host yet.
    type: bool
    default: true
  templates:
    description: Texts of your own by file name; only C(guide.md) counts.
    type: dict
"""

EXAMPLES = r"""
- name: Set the host up
  agfpd.iapeer_memory.host_setup:
    vault_path: ~/memory
    locale: en
    mode: curated
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
    - One of V(set_up), V(already), V(failed), V(skipped).
  returned: always
  type: str
  sample: set_up
detail:
  description: The same in one line for people.
  returned: always
  type: str
  sample: "vault made, config.env written, index created, manifest written"
diff:
  description: What changes, one entry for each thing.
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
      sample: /home/ada/memory
    after_header:
      description: The same.
      type: str
      sample: /home/ada/memory
    before:
      description: How it was.
      type: str
      sample: ""
    after:
      description: How it is now.
      type: str
      sample: "Inbox/\nArchive/\n"
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
results:
  description: What was made, or would be, in order.
  returned: success, and where a role failed
  type: list
  elements: dict
  contains:
    thing:
      description: V(vault), V(guide), V(config.env), V(manifest), or a role.
      type: str
      sample: index
    action:
      description: V(made), V(written), V(created), or V(failed).
      type: str
      sample: created
    detail:
      description: Where it is, or why it failed.
      type: str
      sample: /home/ada/.iapeer/peers/index
newborn:
  description: The roles whose peers were made, or would be.
  returned: success, and where a role failed
  type: list
  elements: str
  sample: [index, scriber, dreamweaver]
roles:
  description: What the manifest says now of the roles that are not in RV(newborn); null where it stays as it is.
  returned: success, and where a role failed
  type: list
  elements: dict
  contains:
    role:
      description: The role.
      type: str
      sample: index
    peerCwd:
      description: The folder of its peer.
      type: str
      sample: /home/ada/index
    template:
      description: The text that its doctrine is made from.
      type: str
      sample: /home/ada/.iapeer/plugins/iapeer-memory/templates/en/index.md
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import FORMS, host_arguments, run

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import setup


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(
            vault_path={"type": "path"},
            **{name: {"type": "str"} for name in ("locale", "mode", "human_name", "role_runtime")},
            guide={"type": "bool", "default": True},
            templates={"type": "dict"},
            forms=FORMS,
        ),
        supports_check_mode=True,
    )
    run(module, setup.ensure)


if __name__ == "__main__":
    main()
