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
    fails where anything failed.
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
  - module: agfpd.iapeer_memory.memory_host_info
options:
  playbook:
    description: Whose rows to make.
    type: str
    choices: [update, verify]
    required: true
  found:
    description: What M(agfpd.iapeer_memory.memory_host_info) returned.
    type: dict
    required: true
  results:
    description: The registered results by step, a list for each; by check, one for each, with O(playbook=verify).
    type: dict
    default: {}
  sources:
    description: The registered results of the look at what the controller hands over; update does not begin without it.
    type: list
    elements: dict
    default: []
  version:
    description: The version that was wanted.
    type: str
  repair:
    description: Whether verify mended.
    type: bool
    default: false
  stale_after:
    description: Seconds after which a heartbeat counts as stale.
    type: float
    default: 120
  report_dir:
    description: A folder on the controller for the report; its file is named after the host.
    type: path
"""

EXAMPLES = r"""
- name: Report what was done
  agfpd.iapeer_memory.report:
    playbook: update
    found: "{{ found }}"
    results:
      fleet: ["{{ fleet }}"]
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
report:
  description: The report's file.
  returned: where O(report_dir) is given
  type: str
  sample: /home/ada/reports/studio.json
"""
