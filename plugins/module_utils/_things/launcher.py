# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The scripts that the notifier runs (contract §7)."""

from __future__ import annotations

import os

from .._doorway.folders import Folder
from .._doorway.foresight import REMOVE_FOLDER
from .._doorway.reader import FOLDER
from .._forms.forms import Forms
from .._forms.scripts import EXECUTABLE
from .._host.edits import Edit, read_edit, settle
from .._host.host import Host
from .._host.paths import NAME
from .._host.results import Result


def plan_launcher(host: Host, forms: Forms) -> list[Edit]:
    """The launcher, and the gate of the weekly timer where the provider has one: whether it is wanted is its own."""
    texts = {host.paths.launcher: forms.launcher, host.paths.dream_gate: forms.gate}
    return [
        read_edit(host.files, path, text.encode("utf-8", "surrogateescape"), EXECUTABLE)
        for path, text in texts.items()
        if text
    ]


def ensure_no_scripts(host: Host, check: bool) -> Result:
    """Remove launcher, gate and every hook shim of ours with their folder, or say what would go (check; contract §13).

    The folder stays where it is a link, or something else is in it. Raises Problem where one cannot be looked at or
    removed.
    """
    names, folder = _names(host), host.paths.hooks
    shims = [os.path.join(folder, name) for name in names if name.startswith(f"{NAME}.") and name.endswith(".sh")]
    edits = [read_edit(host.files, path, None) for path in (host.paths.launcher, host.paths.dream_gate, *shims)]
    gone = settle(host.files, edits, check)
    swept = len(shims) == len(names) and host.files.kind_of(folder, follow=False) == FOLDER
    if swept:
        with host.files.tree(host.paths.config_dir) as tree:
            name = os.path.basename(folder)
            tree.foresee(name, REMOVE_FOLDER) if check else tree.remove_folder(name)
    told = [os.path.basename(edit.path) for edit in gone] + (["the folder of the shims"] if swept else [])
    diff = [edit.diff() for edit in gone]
    if swept:
        diff.append({"before_header": folder, "after_header": folder, "before": "a folder of ours\n", "after": ""})
    return Result(
        "removed" if told else "absent",
        f"removed: {', '.join(told)}" if told else "none of the scripts is there",
        changed=bool(told),
        diff=diff,
        data={"files": {edit.path: "" for edit in gone}, "modes": []},
    )


def _names(host: Host) -> list[str]:
    """What is in the folder of the shims; nothing where there is none."""
    if host.files.kind_of(host.paths.hooks) != FOLDER:
        return []
    with Folder(host.files.sandbox, host.paths.hooks) as folder:
        return folder.names("")
