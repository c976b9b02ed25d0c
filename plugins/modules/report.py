#!/usr/bin/python
# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation of the action plugin of the same name, which runs on the controller."""

from __future__ import annotations

DOCUMENTATION = r"""
module: report
short_description: End a run on one host with its table
version_added: 0.1.0
description:
  - Turns the registered results of a run into one row a step or check, prints them, writes the report for machines, and
    fails where anything failed. A host that could not be reached is reported too, and is unreachable then.
  - The table is printed where something is not as it should be or has changed, where at most three hosts take part, and
    with C(-v); never where the standard output is for programs (a callback such as C(json)).
  - Nothing of what a host says reaches the terminal raw; what cannot be seen is spelled as an escape.
  - Runs on the controller; the host is not touched.
author:
  - the agfpd.iapeer_memory contributors (@agfpd)
attributes:
  check_mode:
    description: Reports in check mode too.
    support: full
  diff_mode:
    description: There is nothing to show a difference of.
    support: none
seealso:
  - name: The host contract
    description: The checks, and the steps before them, contract §10.
    link: https://github.com/agfpd/iapeer-memory-ansible/blob/main/docs/contract.md#10-the-checks-of-verify
  - module: agfpd.iapeer_memory.host_plan
options:
  playbook:
    description: Whose rows to make.
    type: str
    choices: [update, verify, install, uninstall]
    required: true
  look:
    description: What M(agfpd.iapeer_memory.host_plan) returned. A host that was not looked at is one that failed.
    version_added: 0.2.0
    type: dict
    default: {}
  done:
    description: The registered results of the tasks that followed the look, by step.
    version_added: 0.2.0
    type: dict
    default: {}
  repair:
    description: Without effect since 0.2.0, taken so that tasks which give it still work. O(done) says what was mended.
    type: bool
    default: false
  stale_after:
    description: Seconds after which a heartbeat counts as stale.
    type: float
    default: 120
  report_dir:
    description:
      - A folder on the controller for the report; its file is named after the host. A relative path is below the folder
        in which Ansible was started.
      - Beside it C(fleet.json) tells every host of the run, with its state, first reason and batch, and C(index.html)
        the same for people. Hosts whose turn has not come have a report that says so.
      - The last host of a batch prints a line that says how far the run is.
    type: path
  unreachable_fails:
    description: >-
      Whether a host that could not be reached counts as failed. Ansible's C(max_fail_percentage) counts failed hosts
      only, so this is what lets an unreachable one stop the batches after it.
    version_added: 0.2.0
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Report what was done
  agfpd.iapeer_memory.report:
    playbook: update
    look: "{{ look }}"
    done:
      fleet: "{{ fleet }}"
    report_dir: reports
"""

RETURN = r"""
changed:
  description: Always false.
  returned: always
  type: bool
  sample: false
summary:
  description: The status of every row, on one line.
  returned: always
  type: str
  sample: binary=ok fleet=changed
steps:
  description: The rows.
  returned: always
  type: list
  elements: dict
  contains:
    name:
      description: The step or check.
      type: str
      sample: fleet
    status:
      description: One of ok, changed, skip, fail, repaired and unreachable.
      type: str
      sample: changed
    detail:
      description: A line for people.
      type: str
      sample: 3 peers written
state:
  description: How the host is, one of unreachable, failed, drifted, changed and clean.
  returned: always
  type: str
  sample: changed
report:
  description: The report's file.
  returned: where O(report_dir) is given
  type: str
  sample: /home/ada/reports/studio.json
"""
