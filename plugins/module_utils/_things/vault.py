# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The vault of a new host (contract §13). One that holds anything of its owner's is taken as it is."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import NamedTuple

from .._doorway.folders import Folder
from .._doorway.foresight import MAKE_FOLDER, WRITE
from .._doorway.problem import Problem
from .._doorway.reader import MISSING
from .._forms.first_day import InitForms
from .._host.host import Host


class VaultPlan(NamedTuple):
    """The vault's path, and what it lacks, by its path below it: a folder (None) or the text of a file.

    A missing vault lacks itself first: the empty path.
    """

    path: str
    missing: tuple[tuple[str, str | None], ...] = ()

    def make(self, host: Host) -> None:
        """Make what it lacks. Raises Problem."""
        if not self.missing:
            return
        with host.files.tree(self.path, create=True) as tree:
            for name, text in self.missing:
                if text is not None:
                    tree.write(name, text.encode())
                elif name:
                    tree.make_folder(name)

    def foresee(self, host: Host) -> None:
        """Raise the Problem that making it would meet; nothing where it would go well."""
        for name, text in self.missing[:1]:  # the others are in it, or beside it
            host.files.foresee(os.path.join(self.path, name).rstrip(os.sep), MAKE_FOLDER if text is None else WRITE)

    def diffs(self) -> Iterator[dict[str, str]]:
        """What is shown of it."""
        if self.missing:
            names = [name + (os.sep if text is None else "") for name, text in self.missing if name]
            after = "".join(f"{name}\n" for name in names) or "a folder\n"
            yield {"before_header": self.path, "after_header": self.path, "before": "", "after": after}


def plan_vault(host: Host, path: str, init: InitForms) -> VaultPlan:
    """What a vault lacks of what the provider's init makes: nothing where it holds anything else.

    Raises Problem where something that is no folder has the path, and where that cannot be seen.
    """
    wanted = [*((name, None) for name in init.folders), *init.files.items()]
    if host.files.kind_of(path, follow=False) == MISSING:
        return VaultPlan(path, (("", None), *wanted))
    with Folder(host.files.sandbox, path) as folder:
        there = _things(folder, init)
    if there is None:
        return VaultPlan(path)
    return VaultPlan(path, tuple(item for item in wanted if item[0] not in there))


def _things(folder: Folder, init: InitForms) -> set[str] | None:
    """What of the provider's own is in it; None where anything else is."""
    found = set()
    try:
        for above in ("", *init.folders):
            for leaf in folder.names(above):
                name = f"{above}/{leaf}" if above else leaf
                if name not in init.folders and not _is_text(folder, name, init.files.get(name)):
                    return None
                found.add(name)
    except Problem:
        return None
    return found


def _is_text(folder: Folder, name: str, text: str | None) -> bool:
    found = folder.read(name)
    return text is not None and found is not None and found.data == text.encode()
