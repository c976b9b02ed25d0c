#!/usr/bin/python
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: role_doctrines
short_description: Render the doctrines of the role peers
version_added: 0.1.0
description:
  - Renders the template of every role in the roles manifest to C(.iapeer/IAPEER.md) in the folder of its peer.
  - A missing template fails that role; the others render, and the module fails at the end. So does a doctrine that
    somebody wrote by hand, which has no marker of the provider's and stays as it is.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.forms
  - agfpd.iapeer_memory.host.changes
seealso:
  - name: The host contract
    description: How a doctrine is made, contract §7.
    link: https://github.com/agfpd/iapeer-memory-ansible/blob/main/docs/contract.md#7-scripts-triggers-guide-doctrines
  - module: agfpd.iapeer_memory.provider_files
options:
  version:
    description:
      - The version that the doctrines carry in their first line. Without it what the installed binary says.
      - It has to be text, quoted where it looks like a number.
    type: raw
  vault_path:
    description: What C({{VAULT_PATH}}) is replaced by. Without it the vault of C(config.env).
    type: path
"""

EXAMPLES = r"""
- name: Render the doctrines of the installed version
  agfpd.iapeer_memory.role_doctrines:

- name: Render them as those of a version
  agfpd.iapeer_memory.role_doctrines:
    version: "1.10.0"
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
    - One of V(written), V(already), V(failed), V(skipped).
  returned: always
  type: str
  sample: written
detail:
  description: The same in one line for people.
  returned: always
  type: str
  sample: "v1.4.0: index written, scriber already, dreamweaver already"
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
      sample: /home/ada/peers/index/.iapeer/IAPEER.md
    after_header:
      description: The same.
      type: str
      sample: /home/ada/peers/index/.iapeer/IAPEER.md
    before:
      description: How it was. Values of others are masked.
      type: str
      sample: "<!-- iapeer-memory doctrine v1.3.0 -->\n"
    after:
      description: How it is now.
      type: str
      sample: "<!-- iapeer-memory doctrine v1.4.0 -->\n"
kind:
  description:
    - Of what kind the problem is that stopped the work.
    - One of V(busy), V(failed), V(foreign), V(irregular), V(legacy), V(malformed), V(missing), V(outside), V(refused),
      V(unreadable).
  returned: where something on the host stopped the work
  type: str
  sample: malformed
refused:
  description: That the test sandbox refused what was asked; the result is skipped then.
  returned: where it did
  type: bool
  sample: true
results:
  description: One record for every role.
  returned: success, and where a role failed
  type: list
  elements: dict
  contains:
    role:
      description: The role.
      type: str
      sample: index
    action:
      description: V(written), V(already), V(failed) or V(skipped).
      type: str
      sample: written
    target:
      description: The doctrine's file.
      type: str
      sample: /home/ada/peers/index/.iapeer/IAPEER.md
    detail:
      description: In what it differed, or why it failed.
      type: str
      sample: "marker: v1.3.0, wanted v1.4.0"
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import FORMS, host_arguments, run

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import doctrines


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(
            version={"type": "raw"},
            forms=FORMS,
            vault_path={"type": "path"},
        ),
        supports_check_mode=True,
    )
    run(module, doctrines.ensure)


if __name__ == "__main__":
    main()
