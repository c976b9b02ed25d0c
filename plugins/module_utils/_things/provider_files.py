# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the provider keeps beside config.env: templates, launcher, dream gate; and the host-wide guide (contract §7)."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from .._doorway.sandbox import Problem
from .._forms.content import doctrines_en, doctrines_ru
from .._forms.scripts import EXECUTABLE, dream_gate, launcher
from .._host.edits import Edit, apply, read_edit
from .._host.host import Host, given_text
from .doctrines import PLACEHOLDER

BUNDLED = {"en": doctrines_en.TEMPLATES, "ru": doctrines_ru.TEMPLATES}
GUIDE_TEMPLATE = "guide.md"
GUIDE_FOLDER_MODE = 0o700


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


def plan_templates(host: Host, given: Mapping[str, str]) -> list[Edit]:
    """The templates of the host's language: given ones replace what is there, bundled ones fill gaps."""
    locale = host.require_config().locale
    folder = host.paths.templates(locale)
    for name in given:
        if name not in BUNDLED[locale]:
            raise Problem(f"templates: {name!r} is none of {', '.join(BUNDLED[locale])}")
        given_text("templates", name, given[name])
    edits = []
    for name, text in {**BUNDLED[locale], **given}.items():
        edit = read_edit(host.files, os.path.join(folder, name), text.encode("utf-8", "surrogateescape"))
        keep = edit.before is not None and name not in given
        edits.append(edit._replace(after=edit.before) if keep else edit)
    return edits


def plan_launcher(host: Host, _given: Mapping[str, str]) -> list[Edit]:
    """The launcher and, where the weekly timer is wanted, its gate."""
    scripts = {host.paths.launcher: launcher(host.paths.binary)}
    if host.config.dream:
        scripts[host.paths.dream_gate] = dream_gate(host.paths.binary)
    return [read_edit(host.files, path, data, EXECUTABLE) for path, data in scripts.items()]


def plan_guide(host: Host, given: Mapping[str, str]) -> list[Edit]:
    """The host-wide guide, only where it is already: its presence is the operator's consent.

    Its template is the given one, for check mode where a step before this one has not written it, else the host's.
    """
    found = host.files.read(host.paths.guide)
    if found is None:
        return []
    config = host.require_config()
    template = host.files.read(os.path.join(host.paths.templates(config.locale), GUIDE_TEMPLATE))
    text = BUNDLED[config.locale][GUIDE_TEMPLATE].encode() if template is None else template.data
    if GUIDE_TEMPLATE in given:
        text = given_text("templates", GUIDE_TEMPLATE, given[GUIDE_TEMPLATE]).encode("utf-8", "surrogateescape")
    wanted = text.replace(PLACEHOLDER.encode(), os.fsencode(config.vault_path))
    folder = os.path.dirname(host.paths.guide)
    private = Edit(folder, b"", b"", GUIDE_FOLDER_MODE, host.files.mode(folder), ("", ""))
    return [Edit(host.paths.guide, found.data, wanted), private]


def _quiet_detail(part: str, edits: list[Edit]) -> str:
    if not edits:
        return "no guide on this host: left so"
    return f"{part} in place"
