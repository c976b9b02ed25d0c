# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of install: those of a first day, and then those of update (contract §13)."""

from __future__ import annotations

from collections.abc import Mapping

from .._forms.ahead import Ahead
from .._host.host import Host
from .._host.results import SKIPPED, Result
from .._things import native_memory, setup
from .._things.slot import read_slot
from .step import Options, Step, Work, given, nothing
from .steps import STEPS

# What is done for every role, or every peer, and so for those that are made first.
FOR_NEWBORN = {
    "doctrines": "written",
    "wake-policy": "written",
    "fleet": "written",
    "surfaces": "written",
    "triggers": "registered",
}


def _setup(host: Host, options: Options, check: bool, ahead: Ahead) -> Result:
    return setup.ensure(host, options, check, ahead)


def _set_up(ahead: Ahead, result: Result, host: Host) -> Ahead:
    return setup.leaves(ahead, result)


def _native_memory(host: Host, options: Options, check: bool, ahead: Ahead) -> Result:
    if not read_slot(host).empty:
        return Result(SKIPPED, "left as it is: this host has had its first day")
    return native_memory.ensure(host, {"enabled": False}, check, ahead)


def _guide(host: Host, options: Options, check: bool, ahead: Ahead) -> Result:
    if host.paths.guide in ahead.written:
        return Result("already", "guide in place")
    return STEPS["guide"].work(host, options, check, ahead)


def _with_newborn(work: Work, action: str) -> Work:
    """The same work, where the core makes peers first: in which folders, it alone can tell."""

    def planned(host: Host, options: Options, check: bool, ahead: Ahead) -> Result:
        result = work(host, options, check, ahead)
        if not ahead.newborn or result.failed:
            return result
        later = f"for {', '.join(ahead.newborn)}, once the core has made them"
        if result.changed:
            return result._replace(detail=f"{result.detail}; and {later}")
        return result._replace(action=action, detail=later, changed=True)

    return planned


ARRIVALS: Mapping[str, Step] = {
    **STEPS,
    **{
        name: STEPS[name]._replace(work=_with_newborn(STEPS[name].work, action)) for name, action in FOR_NEWBORN.items()
    },
    "setup": Step(
        _setup,
        given(
            *("forms", "checksum", "src", "day", "vault_path", "locale", "mode", "human_name", "role_runtime", "guide"),
            "templates",
        ),
        _set_up,
    ),
    "native-memory": Step(_native_memory, given(), nothing),
    "guide": STEPS["guide"]._replace(work=_guide),
}
