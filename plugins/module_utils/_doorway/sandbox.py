# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one decision of contract §11: is the sandbox armed, and which paths may then be touched."""

from __future__ import annotations

import os
import pwd
import unicodedata
from collections.abc import Mapping

from .problem import Problem
from .spelling import native, normal, real

SWITCHES = ("IAPEER_TEST_SANDBOX", "IAPEER_MEMORY_SUPPRESS_IAP_SEND")
LIVE = (".iapeer", ".claude", ".codex", os.path.join("Library", "Mobile Documents"))
HARNESS = {".iapeer", ".claude", ".codex"}
TEMPORARY = ("/tmp", "/var/tmp", "/private/tmp", "/private/var/folders")
ROOT_PREFIX = "IAPEER_MEMORY_"
CONFIG_VARIABLE, BINARY_VARIABLE = "IAPEER_MEMORY_CONFIG_FILE", "IAPEER_MEMORY_BINARY_PATH"
PREVIOUS = ".previous"  # what is kept of a binary that was replaced stands beside it
TEMPORARY_VARIABLES = ("TMPDIR", "TEMP", "TMP")


class Sandbox:
    """Whether this run is fenced in, decided once from the environment (contract §11).

    environ: the process environment. real_home: the account's home from the user database; looked up when not given.
    temporary: the temp dirs, in the order in which one is looked for.
    """

    def __init__(self, environ: Mapping[str, str], real_home: str | None = None) -> None:
        self.armed = any(environ.get(name) == "1" for name in SWITCHES)
        named = [environ.get(name, "") for name in TEMPORARY_VARIABLES]
        self.temporary = (*filter(os.path.isabs, named), *TEMPORARY)
        home = _account_home(environ) if real_home is None else real_home
        self._live = tuple({os.path.join(base, name) for base in (normal(home), real(home)) for name in LIVE})
        self._roots = _sandbox_roots(environ, self.temporary) if self.armed else ()

    def refuses(self, path: str) -> str | None:
        """Why path (absolute) must not be changed; None where it may be.

        While armed nothing may be but what really lies below a sandbox root, and of the live account not even that.
        """
        if not self.armed:
            return None
        reason = self._hidden(path)
        if reason is None and not self._is_open(path):
            return "refused by the sandbox: outside the sandbox roots"
        return reason

    def check(self, path: str) -> None:
        """Raise a refused Problem where path must not be changed."""
        reason = self.refuses(path)
        if reason is not None:
            raise Problem(reason, path, kind="refused")

    def hides(self, path: str) -> bool:
        """True where a read of path counts as absent: it belongs to the live account, or looks as if it did."""
        return self.armed and self._hidden(path) is not None

    def _hidden(self, path: str) -> str | None:
        for spelling in _spellings(path):
            folded = _folded(spelling)
            live = next((root for root in self._live if _under(folded, _folded(root))), None)
            if live is not None:
                return f"refused by the sandbox: under the live {live}"
            crossed = HARNESS.intersection(folded.split(os.sep))
            if crossed and not any(_under(spelling, root) for root in self._roots):
                return f"refused by the sandbox: crosses {sorted(crossed)[0]} outside the sandbox roots"
        return None

    def _is_open(self, path: str) -> bool:
        try:
            place = real(path)
        except ValueError:  # no path at all: nothing that can be reached
            place = normal(path)
        return any(_under(place, root) for root in self._roots)


def _account_home(environ: Mapping[str, str]) -> str:
    """The account's home from the user database, whatever $HOME says; $HOME where the account is not in there."""
    try:
        return native(pwd.getpwuid(os.getuid()).pw_dir)
    except KeyError:
        return environ.get("HOME") or os.sep


def _spellings(path: str) -> set[str]:
    try:
        return {normal(path), real(path)}
    except ValueError:  # no path at all (a NUL byte): nothing that can be reached
        return {normal(path)}


def _folded(path: str) -> str:
    """A path as it is for a file system that tells neither .Claude from .claude nor one normal form from another."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", path).casefold())


def _under(path: str, root: str) -> bool:
    return path == root or path.startswith(root.rstrip(os.sep) + os.sep)


def _sandbox_roots(environ: Mapping[str, str], temporary: tuple[str, ...]) -> tuple[str, ...]:
    """The temp dirs, and every place that IAPEER_ROOT or an IAPEER_MEMORY_* variable names."""
    named = {name: value for name, value in environ.items() if os.path.isabs(value)}
    roots = [value for name, value in named.items() if name == "IAPEER_ROOT" or name.startswith(ROOT_PREFIX)]
    if CONFIG_VARIABLE in named:
        roots.append(os.path.dirname(named[CONFIG_VARIABLE]))
    if BINARY_VARIABLE in named:
        roots.append(named[BINARY_VARIABLE] + PREVIOUS)
    return tuple({spelling for root in (*roots, *temporary) for spelling in _spellings(root)} - {os.sep})
