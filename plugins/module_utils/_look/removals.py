# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The steps of uninstall, each with the work of its own thing (contract §13). Nothing is computed here.

What is ours is known by its names, so nobody is asked for forms.
"""

from __future__ import annotations

from collections.abc import Mapping

from .._forms.ahead import Ahead
from .._forms.forms import BUNDLED
from .._host.host import Host
from .._host.results import SKIPPED, Result
from .._surfaces import legacy_plugin, peers
from .._things import binary, memoryd, provider_files, slot, triggers
from .step import Options, Step, given, nothing

RESTORE = "the clients' own memory stays off; to restore it: iapeer native-memory on --all"


def _binary(host: Host, options: Options, check: bool, ahead: Ahead) -> Result:
    if options.get("keep_binary"):
        return Result(SKIPPED, "kept, as asked for")
    return binary.remove(host, check)


def _memoryd(host: Host, options: Options, check: bool, ahead: Ahead) -> Result:
    return memoryd.end(host, check)


def _native_memory(host: Host, options: Options, check: bool, ahead: Ahead) -> Result:
    """Only said: what it was before, nobody has written down."""
    return Result(SKIPPED, RESTORE)


REMOVALS: Mapping[str, Step] = {
    "surfaces": Step(peers.ensure, given("lock_timeout", state="absent", forms=BUNDLED), nothing),
    "plugin-off": Step(legacy_plugin.ensure, given("claude_bin", "codex_bin", "lock_timeout", method="auto"), nothing),
    "slot": Step(slot.ensure, given(state="absent"), nothing),
    "triggers": Step(triggers.ensure, given(state="absent", standard=True, forms=BUNDLED), nothing),
    "memoryd": Step(_memoryd, given(), nothing),
    "launcher": Step(provider_files.ensure, given(part="launcher", state="absent"), nothing),
    "binary": Step(_binary, given("keep_binary"), nothing),
    "native-memory": Step(_native_memory, given(), nothing),
}
