# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What was learned from a provider, kept for the next run (contract §12): one file, safe to delete."""

from __future__ import annotations

import json
import os
import stat
from typing import Any

from .._documents.toml_document import Raw
from .._doorway.problem import Problem
from .._doorway.spelling import real, spell
from .._host.edits import pretty_json
from .._host.host import Host
from .forms import Json
from .learned import UPDATE, Lesson, one_line
from .scratch import CORE_TEXT
from .shape import check_shape, check_version, require

FILE = "provider-forms.json"
FORMAT = 1  # of the file and of what is read in a scratch: with another number nothing that is kept is believed
PRIVATE = 0o600
SIZE_LIMIT = 4 << 20  # bytes
LITERAL = "\0toml\0"  # the key of a TOML value that is no string


def memory_path(host: Host) -> str:
    """Where it is kept."""
    return os.path.join(host.paths.state, FILE)


def key_of(host: Host) -> Json | None:
    """Everything that the forms of this host depend on but its paths; None where there is no binary.

    Raises Problem where that cannot be seen.
    """
    status = host.files.status(host.paths.binary)
    if status is None:
        return None
    place = real(host.paths.binary)
    config = host.config
    return {
        "format": FORMAT,
        "recipe": [*UPDATE, CORE_TEXT],
        "binary": {
            "path": host.paths.binary,
            "real": place,
            "dev": status.st_dev,
            "ino": status.st_ino,
            "size": status.st_size,
            "mtime_ns": status.st_mtime_ns,
            "ctime_ns": status.st_ctime_ns,
        },
        "config": {
            "locale": config.locale,
            "mode": config.mode,
            "proactive": list(config.proactive),
            "mcp_port": config.mcp_port,
            "dream_cron": config.dream_cron,
        },
    }


def recall(host: Host, key: Json) -> Lesson | None:
    """What is kept under exactly this key; None where there is nothing, or nothing to believe. Never fails."""
    try:
        text = _read(host)
        if text is None:
            return None
        kept = json.loads(text, object_hook=_with_literals)
        require(isinstance(kept, dict) and set(kept) == {"key", "forms", "version", "why"}, "no memory of forms")
        require(_same(kept["key"], key), "of another binary, or of other settings")
        lesson = Lesson(kept["forms"], kept["version"], kept["why"])
        require(isinstance(lesson.why, str) and lesson.why == one_line(lesson.why) != "", "no reason")
        if lesson.forms is not None or lesson.version != "":
            check_version(lesson.version)
        if lesson.forms is not None:
            check_shape(lesson.forms, host)
        return lesson
    except (Problem, ValueError, RecursionError):
        return None


def keep(host: Host, key: Json, lesson: Lesson) -> str:
    """Keep a lesson for the next run; returns why that could not be done, empty where it was."""
    value = {"key": key, "forms": lesson.forms, "version": lesson.version, "why": lesson.why}
    try:
        data = pretty_json(_without_literals(value))
        with host.files.tree(host.paths.state) as tree:
            require(not tree.is_link(FILE), "a link stands in its place")
            tree.write(FILE, data, PRIVATE)
    except Problem as problem:
        return str(problem)
    return ""


def _read(host: Host) -> str | None:
    """The file's text, where it is one that nobody but its owner could have written. Raises Problem, ValueError."""
    path = memory_path(host)
    try:
        status = os.lstat(spell(path))
        # As root, the folder's owner is who the files in it belong to.
        owner = os.geteuid() or os.stat(spell(host.paths.state)).st_uid
    except (OSError, ValueError):
        return None
    private = stat.S_ISREG(status.st_mode) and not status.st_mode & 0o022
    require(private and status.st_uid == owner and status.st_size <= SIZE_LIMIT, "not to be believed")
    found = host.files.read(path, SIZE_LIMIT)
    return None if found is None else found.data.decode("utf-8")


def _same(one: Any, other: Any) -> bool:
    """Whether two values are spelled alike: 1 is not true, and not 1.0."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def _with_literals(found: Json) -> Any:
    literal = found.get(LITERAL)
    return Raw(literal) if len(found) == 1 and isinstance(literal, str) else found


def _without_literals(value: Any) -> Any:
    if isinstance(value, Raw):
        return {LITERAL: str.__str__(value)}
    if isinstance(value, dict):
        return {key: _without_literals(item) for key, item in value.items()}
    return [_without_literals(item) for item in value] if isinstance(value, list) else value
