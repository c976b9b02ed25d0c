#!/usr/bin/python
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: host_plan
short_description: See what every step of a playbook would do on a host now
version_added: 0.2.0
description:
  - Reads a host once and says, for every step of a playbook, what it would do now. Each answer is that of the step's
    own module in check mode; later steps are planned on what earlier ones would leave.
  - Returns besides all that M(agfpd.iapeer_memory.memory_host_info) does. Changes nothing.
  - In check mode, and with C(--diff), RV(ignore:changed) tells whether any step would change something. The differences
    of all steps are shown.
extends_documentation_fragment:
  - agfpd.iapeer_memory.host
  - agfpd.iapeer_memory.host.forms
  - agfpd.iapeer_memory.host.changes
seealso:
  - name: The host contract
    description: The steps, their order and what holds them back, contract §9.
    link: https://github.com/agfpd/iapeer-memory-ansible/blob/main/docs/contract.md#9-the-steps-of-update
  - module: agfpd.iapeer_memory.memory_host_info
  - module: agfpd.iapeer_memory.report
options:
  playbook:
    description: Whose steps. Those of V(verify) are those of V(update).
    type: str
    choices: [update, verify, install, uninstall]
    default: update
  vault_path:
    description: The folder for the notes, with O(playbook=install) on a host that has no C(config.env).
    type: path
  locale:
    description: The language of vault and texts, with the same.
    type: str
  mode:
    description: V(curated) or V(lean), with the same.
    type: str
  human_name:
    description: What the agents call the human, with the same.
    type: str
  role_runtime:
    description: The runtime of role peers that are made, with O(playbook=install).
    type: str
  guide:
    description: Make the host-wide guide, with O(playbook=install) on a host that has no memory yet.
    type: bool
    default: true
  keep_binary:
    description: Leave the binary in place, with O(playbook=uninstall).
    type: bool
    default: false
  binary_src:
    description:
      - A file on the controller to be installed as the provider's binary, found as M(ansible.builtin.copy) finds
        its own.
      - In check mode it is brought to a scratch place on a host that has another one, and asked there what it wants.
    type: path
  templates_src:
    description: A folder on the controller with templates of your own, C(<locale>/*.md) or C(*.md).
    type: path
  skills_src:
    description: A folder on the controller with skills of your own, C(iapeer-memory-*/SKILL.md).
    type: path
  checksum:
    description: The SHA-256 of O(binary_src), hexadecimal. Filled in on the controller; give O(binary_src).
    type: str
  src:
    description: Where O(binary_src) is on the host. Filled in on the controller; give O(binary_src).
    type: path
  templates:
    description: The texts of O(templates_src), by language and file name.
    type: dict
  skills:
    description: The texts of O(skills_src), by name.
    type: dict
  version:
    description: The version that slot and doctrines are to carry, as text; without it what the provider's binary says.
    type: raw
  keep:
    description:
      - Write down for the next run what this one has learned, the provider's forms and what memoryd runs from. Never in
        check mode.
    type: bool
    default: false
  claude_bin:
    description:
      - Claude Code's program on the host, an absolute path, for the removal of the v1.1 plugin.
      - Without it C(claude) on E(PATH), else in C(~/.local/bin).
    type: path
  codex_bin:
    description:
      - Codex's program on the host, an absolute path, for the removal of the v1.1 plugin.
      - Without it C(codex) on E(PATH), else in C(~/.local/bin).
    type: path
  lock_timeout:
    description: Seconds to wait for the provision lock.
    type: float
    default: 15
  hung_after:
    description: Seconds after which a heartbeat is stale.
    type: float
    default: 120
  restart:
    description: When memoryd is restarted.
    type: str
    choices: [stale, always, never]
    default: stale
  wait:
    description: Seconds that the steps will wait for a new memoryd with a fresh heartbeat.
    type: float
    default: 60
  index_wait:
    description: Seconds more that they will wait for one that is alive and still indexes the vault.
    type: float
    default: 1800
  rollback:
    description: Whether the steps may take the previous binary back. Returned in RV(asked).
    type: bool
    default: true
  repair:
    description: Whether verify may mend. Returned in RV(asked).
    type: bool
    default: false
  probe:
    description: Ask memoryd's port on the loopback interface whether anybody answers.
    type: bool
    default: false
  report:
    description:
      - The options of M(agfpd.iapeer_memory.report), with which the run ends at once on a host where nothing is left
        to do.
      - Where something is, RV(next) says what comes next. Without it that is C(steps).
    type: dict
"""

EXAMPLES = r"""
- name: Look at the host
  agfpd.iapeer_memory.host_plan:
  register: look

- name: Say what update would do
  ansible.builtin.debug:
    msg: "{{ look.pending }}"

- name: See what uninstall would remove
  agfpd.iapeer_memory.host_plan:
    playbook: uninstall

- name: See what an upgrade changes
  agfpd.iapeer_memory.host_plan:
    binary_src: iapeer-memory-7.2
  check_mode: true
  diff: true
"""

RETURN = r"""
changed:
  description: Whether there are differences to be shown. The look itself changes nothing.
  returned: always
  type: bool
  sample: false
diff:
  description: What the steps would change, a file each.
  returned: with diff mode, where nothing follows that makes and shows it, in verify and in check mode
  type: list
  elements: dict
  sample: [{"before_header": "fleet.json", "after_header": "fleet.json", "before": "", "after": "{}"}]
action:
  description: What was done, in one word.
  returned: always
  type: str
  sample: looked
detail:
  description: What was found, in one line for people.
  returned: always
  type: str
  sample: "slot v1_2, 8 peers, to do: surfaces"
playbook:
  description: Whose steps these are.
  returned: success
  type: str
  sample: update
steps:
  description: For every step, by its name, what its own module says in check mode, without long lists.
  returned: success
  type: dict
  contains:
    binary:
      description: The first of the steps; the others have the same values, and those of their modules.
      type: dict
      contains:
        changed:
          description: Whether the step would change something.
          type: bool
          sample: false
        failed:
          description: Present where the step would fail.
          type: bool
          sample: true
        action:
          description: What would be done, in one word.
          type: str
          sample: already
        detail:
          description: The same in one line for people.
          type: str
          sample: /home/ada/.local/bin/iapeer-memory is version 7.1
        msg:
          description: Why the step would fail.
          type: str
          sample: "no binary at /home/ada/.local/bin/iapeer-memory"
        held:
          description: Present where an earlier step, or the host's state, holds this one back.
          type: bool
          sample: true
pending:
  description: The steps that would change something or fail, and those after them that depend on one.
  returned: success
  type: list
  elements: str
  sample: [surfaces, plugin-off]
version:
  description: The version that is wanted; empty where it is not known.
  returned: success
  type: str
  sample: "7.1"
paths:
  description: Where things are, as M(agfpd.iapeer_memory.memory_host_info) returns it; so are the next ones.
  returned: success
  type: dict
  sample: {"slot": "/home/ada/.iapeer/memory-provider.json"}
config:
  description:
    - What C(config.env) amounts to; with O(playbook=install) what it will amount to, where setup is about to make it,
      and then with C(foreseen) true.
  returned: success
  type: dict
  sample: {"ok": true, "problem": "", "locale": "en", "mcp_port": 8766}
slot:
  description: The memory slot as it is.
  returned: success
  type: dict
  sample: {"form": "v1_2", "provider": "iapeer-memory", "version": "7.1", "problem": ""}
fleet:
  description: The fleet map as it is.
  returned: success
  type: dict
  sample: {"readable": true, "count": 8, "problem": ""}
memoryd:
  description: The daemon as it is.
  returned: success
  type: dict
  sample: {"pid": 4711, "running": true, "heartbeat_age": 12.5, "watch": "on"}
roles:
  description: The roles of the manifest.
  returned: success
  type: list
  elements: dict
  sample: [{"role": "index", "cwd": "/home/ada/index", "template": "index.md"}]
roles_problem:
  description: Why the manifest of the roles cannot be used; empty where it can.
  returned: success
  type: str
  sample: missing
binary:
  description: The provider's binary as it is.
  returned: success
  type: dict
  sample: {"present": true, "version": "7.1", "problem": "", "refused": false}
sandboxed:
  description: Whether the test sandbox is armed.
  returned: success
  type: bool
  sample: false
own:
  description: The texts that were read on the controller, for the tasks after this one.
  returned: success
  type: dict
  contains:
    templates:
      description: Those of this host's language, by file name.
      type: dict
      sample: {"index.md": "..."}
    skills:
      description: By name.
      type: dict
      sample: {"iapeer-memory-init": "..."}
asked:
  description: What was asked for, or is the default of it, for the tasks after this one.
  returned: always
  type: dict
  contains:
    repair:
      description: Whether verify may mend.
      type: bool
      sample: false
    rollback:
      description: Whether the previous binary may be taken back.
      type: bool
      sample: true
    hung_after:
      description: Seconds after which a heartbeat counts as stale.
      type: float
      sample: 120
next:
  description: What comes next, C(steps) or C(leave) where one is to run, C(report), or C(finished) where all is told.
  returned: always
  type: str
  sample: finished
stopped:
  description: Why there is no look.
  returned: where the controller's part or the module failed
  type: str
  sample: "binary_src: no such file on the controller: 'iapeer-memory-7.2'"
state:
  description: How the host is, one of unreachable, failed, drifted, changed and clean.
  returned: where the run was reported
  type: str
  sample: clean
summary:
  description: The status of every row of the report, on one line.
  returned: where the run was reported
  type: str
  sample: binary=ok fleet=ok
rows:
  description: The rows of the report.
  returned: where the run was reported
  type: list
  elements: dict
  sample: [{"name": "fleet", "status": "ok", "detail": "8 peers"}]
"""

from ansible.module_utils.basic import AnsibleModule

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils.door import FORMS, host_arguments, run

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._look import look


def main() -> None:
    """Run the module (see DOCUMENTATION)."""
    module = AnsibleModule(
        argument_spec=host_arguments(
            playbook={"choices": ["update", "verify", "install", "uninstall"], "default": "update"},
            **{name: {"type": "str"} for name in ("locale", "mode", "human_name", "role_runtime")},
            **{name: {"type": "bool", "default": False} for name in ("keep", "keep_binary", "probe", "repair")},
            **{name: {"type": "bool", "default": True} for name in ("guide", "rollback")},
            **{name: {"type": "path"} for name in ("binary_src", "templates_src", "skills_src", "src", "vault_path")},
            **{name: {"type": "path"} for name in ("claude_bin", "codex_bin")},
            **{name: {"type": "dict"} for name in ("templates", "skills", "report")},
            checksum={"type": "str"},
            version={"type": "raw"},
            forms=FORMS,
            lock_timeout={"type": "float", "default": 15},
            hung_after={"type": "float", "default": 120},
            restart={"choices": ["stale", "always", "never"], "default": "stale"},
            wait={"type": "float", "default": 60},
            index_wait={"type": "float", "default": 1800},
        ),
        supports_check_mode=True,
    )
    run(module, look.look, only_looks=True)


if __name__ == "__main__":
    main()
