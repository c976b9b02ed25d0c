# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The memory that the clients bring along themselves, of the whole fleet (contract §13)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._forms.ahead import NOTHING, Ahead
from .._host.core import core_problem
from .._host.host import Host
from .._host.results import SKIPPED, Result

SWITCH_TIMEOUT = 600  # seconds, for every peer of the host


def ensure(host: Host, options: Mapping[str, Any], check: bool, ahead: Ahead = NOTHING) -> Result:
    """Have the core switch it on or off for all peers, or say that it would (check); nobody can tell how it is.

    options: enabled. A core that cannot is no failure: the memory of the provider works beside it.
    """
    word = "on" if options["enabled"] else "off"
    if not check:
        done = host.egress.run(host.core, ["native-memory", word, "--all"], timeout=SWITCH_TIMEOUT)
        if done.rc != 0:
            reason = f"the clients' own memory could not be switched {word}: {core_problem(host.core.path, done)}"
            return Result(SKIPPED, reason, refused=done.refused)
    diff = {"before_header": "native memory", "after_header": "native memory", "before": "", "after": f"{word}\n"}
    return Result(f"switched_{word}", f"the clients' own memory is switched {word}", changed=True, diff=[diff])
