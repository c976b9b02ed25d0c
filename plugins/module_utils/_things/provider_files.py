# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the provider keeps beside config.env: templates, launcher, dream gate; and the host-wide guide (contract §7)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .._host.edits import Edit, apply
from .._host.host import Host
from .guide import plan_guide
from .launcher import plan_launcher
from .templates import plan_templates


def ensure(host: Host, options: Mapping[str, Any], check: bool) -> dict[str, Any]:
    """Bring one part of the provider's files to what it must be, or say what that would change (check).

    options: part (templates, launcher, guide); templates (file name to text: these replace what is there; without
    them only what is missing is filled, out of the bundled texts). Raises Problem where the host is not provisioned
    and the part needs it, and where a file cannot be read or written.
    """
    plans = {"templates": plan_templates, "launcher": plan_launcher, "guide": plan_guide}
    edits = plans[options["part"]](host, options.get("templates") or {})
    changed = [edit for edit in edits if edit.changed]
    for edit in changed:
        host.files.sandbox.check(edit.path)
    if not check:
        for edit in changed:
            apply(host.files, edit)
    names = ", ".join(os.path.basename(edit.path) for edit in changed)
    return {
        "changed": bool(changed),
        "action": "written" if changed else "already" if edits else "skipped",
        "detail": f"written: {names}" if changed else _quiet_detail(options["part"], edits),
        "pending": {os.path.basename(e.path): (e.after or b"").decode("utf-8", "replace") for e in changed if check},
        "diff": [edit.diff() for edit in changed],
    }


def _quiet_detail(part: str, edits: list[Edit]) -> str:
    if not edits:
        return "no guide on this host: left so"
    return f"{part} in place"
