# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the provider keeps beside config.env: templates, launcher, dream gate; and the host-wide guide (contract §7)."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from typing import Any

from .._doorway.problem import Problem
from .._forms.ahead import NOTHING, Ahead
from .._forms.wanted import wanted_forms
from .._host.edits import Edit, settle
from .._host.host import Host
from .._host.results import SKIPPED, Result
from .guide import plan_guide
from .launcher import ensure_no_scripts, plan_launcher
from .templates import plan_templates

TEMPLATES, LAUNCHER, GUIDE = PARTS = ("templates", "launcher", "guide")
REFRESH = "live sessions get it with: iapeer refresh --all"


def ensure(host: Host, options: Mapping[str, Any], check: bool, ahead: Ahead = NOTHING) -> Result:
    """Bring one part of the provider's files to what its version wants, or say what that would change (check).

    options: part (templates, launcher, guide); state (absent only with launcher: the hook shims go with it); templates
    (the operator's own texts by file name, which win over the version's); forms. Raises Problem where the host is not
    provisioned and the part needs it, and where a file cannot be read or written.
    """
    if options.get("state") == "absent":
        return _gone(host, options["part"], check)
    part, edits = options["part"], plan(host, options, ahead)
    changed = settle(host.files, edits, check)
    return Result(
        "written" if changed else "already" if edits else SKIPPED,
        _detail(host, part, edits, changed),
        changed=bool(changed),
        diff=[edit.diff() for edit in changed],
        data={
            "files": {edit.path: _checksum(edit) for edit in changed if edit.before != edit.after},
            "modes": [edit.path for edit in changed if edit.before == edit.after],
        },
    )


def plan(host: Host, options: Mapping[str, Any], ahead: Ahead) -> list[Edit]:
    """The files of one part as they are and as they are to be; none where the part has no place on this host."""
    forms, given = wanted_forms(host, options, ahead), options.get("templates") or {}
    if options["part"] == LAUNCHER:
        return plan_launcher(host, forms)
    return plan_guide(host, forms, given) if options["part"] == GUIDE else plan_templates(host, forms, given)


def _gone(host: Host, part: str, check: bool) -> Result:
    if part != LAUNCHER:
        raise Problem(f"state: only what belongs to the part {LAUNCHER} is ever removed, not {part}")
    return ensure_no_scripts(host, check)


def leaves(ahead: Ahead, result: Result) -> Ahead:
    """What a result in check mode leaves for the steps after it: files that are about to appear or to change."""
    files, modes = result.data.get("files", {}), result.data.get("modes", ())
    return ahead._replace(
        written=ahead.written.union(files), sums={**ahead.sums, **files}, mended=ahead.mended.union(modes)
    )


def _checksum(edit: Edit) -> str:
    return "" if edit.after is None else hashlib.sha256(edit.after).hexdigest()


def _detail(host: Host, part: str, edits: list[Edit], changed: list[Edit]) -> str:
    if not edits:
        return "no guide on this host: left so"
    if not changed:
        return f"{part} in place"
    names = ", ".join(os.path.basename(edit.path) for edit in changed)
    new_guide = any(edit.path == host.paths.guide for edit in changed)
    return f"written: {names}" + (f"; {REFRESH}" if new_guide else "")
