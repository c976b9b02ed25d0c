# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Options and attributes that several modules share, documented once."""

from __future__ import annotations


class ModuleDocFragment:
    """Doc fragments of the collection."""

    DOCUMENTATION = r"""
options:
  iapeer_root:
    description:
      - The core's folder on the target.
      - Without it E(IAPEER_ROOT) counts, else C(~/.iapeer).
    type: path
  config_file:
    description:
      - The provider's C(config.env). It is read; only M(agfpd.iapeer_memory.host_setup) writes it, where there is none.
      - Without it E(IAPEER_MEMORY_CONFIG_FILE) counts, else C(plugins/iapeer-memory/config.env) below the core's
        folder.
    type: path
  state_dir:
    description:
      - The provider's state folder.
      - Without it C(IAPEER_MEMORY_STATE_DIR) counts, from the environment or C(config.env), else
        C(state/iapeer-memory) below the core's folder.
    type: path
  binary_path:
    description:
      - The provider's binary. Giving it I(names) it, which lets it run while the test sandbox is armed.
      - Without it C(IAPEER_MEMORY_BINARY_PATH) counts, from the environment or C(config.env), else
        C(~/.local/bin/iapeer-memory).
    type: path
  iapeer_bin:
    description:
      - The core's binary. Giving it I(names) it, which lets it run while the test sandbox is armed.
      - Without it C(iapeer) on E(PATH) is taken, else C(~/.local/bin/iapeer).
    type: path
requirements:
  - Python 3.9 or newer on the target, nothing besides its standard library
notes:
  - Run it as the account that owns the host, without become.
  - While E(IAPEER_TEST_SANDBOX=1) or E(IAPEER_MEMORY_SUPPRESS_IAP_SEND=1) is in the environment, programs that were not
    named and files of the live account are refused, and the result is skipped.
author:
  - the agfpd.iapeer_memory contributors (@agfpd)
"""

    CHANGES = r"""
attributes:
  check_mode:
    description: Says what a real run would do, with the same changed, action and diff.
    support: full
  diff_mode:
    description: Says how many lines of each file change, and with C(-v) which. Values that are not ours are masked.
    support: full
  idempotent:
    description: A second run changes nothing.
    support: full
"""

    READS = r"""
attributes:
  check_mode:
    description: Nothing is ever changed, so check mode makes no difference.
    support: full
  diff_mode:
    description: There is nothing to show a difference of.
    support: none
  idempotent:
    description: Nothing is ever changed.
    support: full
"""

    PEERS = r"""
options:
  peers:
    description: The peers to look at. Without it those of the fleet map on disk.
    type: list
    elements: dict
    suboptions:
      personality:
        description: The peer's name.
        type: str
        required: true
      cwd:
        description: Its folder, an absolute path.
        type: str
        required: true
      runtimes:
        description: Its runtimes. Only V(claude) and V(codex) have surfaces.
        type: list
        elements: str
        default: []
"""

    FORMS = r"""
options:
  forms:
    description:
      - Where the wanted texts come from, which are those that the installed provider writes.
      - V(auto) learns them from it and takes the bundled ones where that cannot be done; V(bundled) asks nobody.
    version_added: 0.2.0
    type: str
    choices: [auto, bundled]
    default: auto
"""
