#!/usr/bin/python
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: provider_files
short_description: Write the files that the provider keeps beside its configuration
version_added: 0.1.0
description:
  - The templates of the host's language, the scripts that the notifier runs, or the host-wide guide.
  - With O(state=absent) the scripts go, and the hook shims with them.
  - All of them become what the installed provider writes, but for texts that are given, which win. The guide is
    rewritten only where there is one.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.forms
  - agfpd.iapeer_memory.host.changes
seealso:
  - name: The host contract
    description: What these files are for, contract §7.
    link: https://github.com/agfpd/iapeer-memory-ansible/blob/main/docs/contract.md#7-scripts-triggers-guide-doctrines
  - module: agfpd.iapeer_memory.role_doctrines
  - module: agfpd.iapeer_memory.notifier_trigger
options:
  part:
    description: Which part.
    type: str
    choices: [templates, launcher, guide]
    required: true
  state:
    description: Whether the files are to be there. Only what belongs to O(part=launcher) is ever removed.
    version_added: 0.2.0
    type: str
    choices: [present, absent]
    default: present
  templates:
    description:
      - Texts of your own by file name, which win over those of the provider's version.
      - With O(part=guide) only C(guide.md) counts, and is the text that the guide is made from.
    type: dict
"""

EXAMPLES = r"""
- name: Bring the templates to the provider's version
  agfpd.iapeer_memory.provider_files:
    part: templates

- name: Write the scripts that the notifier runs
  agfpd.iapeer_memory.provider_files:
    part: launcher

- name: Remove the scripts, once nothing names them
  agfpd.iapeer_memory.provider_files:
    part: launcher
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
    - One of V(written), V(already), V(removed), V(absent), V(failed), V(skipped).
  returned: always
  type: str
  sample: written
detail:
  description: The same in one line for people.
  returned: always
  type: str
  sample: "written: index.md, guide.md"
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
      sample: /home/ada/.iapeer/plugins/iapeer-memory/templates/en/index.md
    after_header:
      description: The same.
      type: str
      sample: /home/ada/.iapeer/plugins/iapeer-memory/templates/en/index.md
    before:
      description: How it was. Values of others are masked.
      type: str
      sample: ""
    after:
      description: How it is now.
      type: str
      sample: "# index\n"
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
files:
  description:
    - The paths of the files that were written or removed, or would be, each with the SHA-256 of its new text.
    - That is empty for a file that goes.
  returned: success
  type: dict
  sample:
    /home/ada/.iapeer/fragments/iapeer-memory.md: 6a3f7c0e5d0f6b7a4c1e2d3b4a59687766554433221100ffeeddccbbaa998877
modes:
  description: The paths of files and folders whose permission bits alone were set, or would be.
  returned: success
  type: list
  elements: str
  sample: [/home/ada/.iapeer/plugins/iapeer-memory/dream-tick-gate.sh]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import FORMS, host_arguments, run

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._things import provider_files


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(
            part={"choices": [*provider_files.PARTS], "required": True},
            state={"choices": ["present", "absent"], "default": "present"},
            templates={"type": "dict"},
            forms=FORMS,
        ),
        supports_check_mode=True,
    )
    run(module, provider_files.ensure)


if __name__ == "__main__":
    main()
