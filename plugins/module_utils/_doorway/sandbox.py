# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one decision of contract §11: is the sandbox armed, and which paths may then be touched."""

from __future__ import annotations

import os
import pwd
from collections.abc import Mapping

from .problem import Problem

SWITCHES = ("IAPEER_TEST_SANDBOX", "IAPEER_MEMORY_SUPPRESS_IAP_SEND")
LIVE = (".iapeer", ".claude", ".codex", os.path.join("Library", "Mobile Documents"))
HARNESS = {".iapeer", ".claude", ".codex"}
TEMPORARY = ("/tmp", "/var/tmp", "/private/tmp", "/private/var/folders")  # compared, never used
ROOT_PREFIX = "IAPEER_MEMORY_"
CONFIG_VARIABLE = "IAPEER_MEMORY_CONFIG_FILE"
TEMPORARY_VARIABLES = ("TMPDIR", "TEMP", "TMP")


class Sandbox:
    """Whether this run is fenced in, decided once from the environment (contract §11).

    environ: the process environment. real_home: the account's home from the user database; looked up when not given.
    """

    def __init__(self, environ: Mapping[str, str], real_home: str | None = None) -> None:
        self.armed = any(environ.get(name) == "1" for name in SWITCHES)
        home = _account_home(environ) if real_home is None else real_home
        self._live = tuple({os.path.join(base, name) for base in (home, os.path.realpath(home)) for name in LIVE})
        self._roots = _sandbox_roots(environ) if self.armed else ()

    def refuses(self, path: str) -> str | None:
        """Why path (absolute) must not be touched, as it is spelled and as it resolves; None where it may be."""
        if not self.armed:
            return None
        for spelling in _spellings(path):
            # A file system that does not tell .Claude from .claude leads to the same place by either spelling.
            folded = spelling.casefold()
            live = next((root for root in self._live if _under(folded, root.casefold())), None)
            if live is not None:
                return f"refused by the sandbox: under the live {live}"
            crossed = HARNESS.intersection(folded.split(os.sep))
            if crossed and not any(_under(spelling, root) for root in self._roots):
                return f"refused by the sandbox: crosses {sorted(crossed)[0]} outside the sandbox roots"
        return None

    def check(self, path: str) -> None:
        """Raise a refused Problem where path must not be touched."""
        reason = self.refuses(path)
        if reason is not None:
            raise Problem(reason, path, kind="refused")

    def hides(self, path: str) -> bool:
        """True where a read of path counts as absent, because path belongs to the live account."""
        return self.armed and self.refuses(path) is not None


def _account_home(environ: Mapping[str, str]) -> str:
    """The account's home from the user database, whatever $HOME says; $HOME where the account is not in there."""
    try:
        return pwd.getpwuid(os.getuid()).pw_dir
    except KeyError:
        return environ.get("HOME") or os.sep


def _spellings(path: str) -> set[str]:
    try:
        return {os.path.normpath(path), os.path.realpath(path)}
    except ValueError:  # no path at all (a NUL byte): nothing that can be reached
        return {os.path.normpath(path)}


def _under(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def _sandbox_roots(environ: Mapping[str, str]) -> tuple[str, ...]:
    """The temp dirs, and every directory that IAPEER_ROOT or an IAPEER_MEMORY_* variable names."""
    named = {name: value for name, value in environ.items() if os.path.isabs(value)}
    roots = [value for name, value in named.items() if name == "IAPEER_ROOT" or name.startswith(ROOT_PREFIX)]
    if CONFIG_VARIABLE in named:
        roots.append(os.path.dirname(named[CONFIG_VARIABLE]))
    roots += [*TEMPORARY, *(named[name] for name in TEMPORARY_VARIABLES if name in named)]
    return tuple({spelling for root in roots for spelling in _spellings(root)} - {os.sep})
