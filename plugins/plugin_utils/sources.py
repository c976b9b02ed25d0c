# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the controller hands over to a host: a binary and texts of the operator's own, found as copy finds its files."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ansible.errors import AnsibleActionFail, AnsibleFileNotFound

BLOCK = 1 << 20
SKILLS, TEMPLATES = "iapeer-memory-*/SKILL.md", "*.md"
SEARCHED = "looked for in files/ of the role and beside the playbook, then in the current folder"


def find(action: Any, option: str, name: str) -> str:
    """The absolute path of a file or folder; raises AnsibleActionFail, naming the option, where there is none."""
    given = os.path.expanduser(name)
    if not given:
        raise AnsibleActionFail(f"{option}: no file on the controller is named")
    try:
        return os.path.abspath(str(action._find_needle("files", given)))
    except AnsibleFileNotFound:
        path = os.path.abspath(given)
    if not os.path.exists(path):
        raise AnsibleActionFail(f"{option}: no such file on the controller: {name!r} ({SEARCHED})")
    return path


def checksum(option: str, path: str) -> str:
    """The SHA-256 of a file, hexadecimal."""
    if not os.path.isfile(path):
        raise AnsibleActionFail(f"{option}: {path} on the controller is no file")
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def read_skills(option: str, folder: str) -> dict[str, str]:
    """The skills below a folder, by name."""
    return {path.parent.name: text for path, text in _read(option, folder, SKILLS)}


def read_templates(option: str, folder: str) -> dict[str, dict[str, str]]:
    """The templates of a folder by language and file name; under an empty one those beside the languages."""
    found: dict[str, dict[str, str]] = {}
    for pattern in (TEMPLATES, f"??/{TEMPLATES}"):
        for path, text in _read(option, folder, pattern, needed=False):
            found.setdefault("" if pattern == TEMPLATES else path.parent.name, {})[path.name] = text
    if not found:
        raise AnsibleActionFail(f"{option}: {folder} on the controller holds no {TEMPLATES}")
    return found


def templates_for(option: str, templates: Mapping[str, Mapping[str, str]], locale: str) -> Mapping[str, str]:
    """Those of one language."""
    chosen = templates.get(locale) or templates.get("")
    if not chosen:
        raise AnsibleActionFail(f"{option}: no templates for the language {locale!r} of this host")
    return chosen


def _read(option: str, folder: str, pattern: str, needed: bool = True) -> list[tuple[Path, str]]:
    try:
        found = [(path, path.read_text(encoding="utf-8")) for path in sorted(Path(folder).glob(pattern))]
    except (OSError, UnicodeDecodeError) as error:
        raise AnsibleActionFail(f"{option}: {folder}: {error}") from None
    if needed and not found:
        raise AnsibleActionFail(f"{option}: {folder} on the controller holds no {pattern}")
    return found
