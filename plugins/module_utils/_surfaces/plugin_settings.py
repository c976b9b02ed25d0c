# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The settings of a Claude Code peer while its own client takes the v1.1 plugin out of them (contract §6).

The client drops hook events and keys that it does not know when it rewrites that file. So what the file is to be
without the plugin is kept beside it until the client is done: a run that ends in between loses nothing, and the next
one puts it back. Only over what the client left: what its owner wrote since is his.
"""

from __future__ import annotations

from typing import NamedTuple

from .._documents.json_document import dump_like, is_left_of, load
from .._doorway.files import Files, Tree
from .._doorway.folders import Folder, Found
from .._doorway.problem import Problem
from .claude import SETTINGS
from .hooks import with_hooks
from .plan import Json

PLUGIN = "iapeer-memory@agfpd"
KEPT = f"{SETTINGS}.kept-by-iapeer-memory"
# The longest that a client may take. What was written before the copy was made, or later than that after it, is not its
# work: a file that was put back has its old time.
CLIENT_SECONDS = 60
SLACK_SECONDS = 5
UNTOLD = (
    "it is neither what it was nor what the client leaves of it, so somebody wrote it since. Left as it is, and so is "
    f"{KEPT}, which holds what it was without the plugin: take over what is missing, remove that copy, then run again"
)


class Settings(NamedTuple):
    """A settings file as it is and as it is to be without the plugin; kept: a run before this one did not end."""

    found: Found | None
    wanted: Found | None
    kept: bool = False


def mentions(folder: Folder) -> bool:
    """True where the settings of a peer name the plugin, or a run that took it out of them did not come to its end.

    Settings that are not JSON name it where its name stands in them. Raises Problem for what cannot be read.
    """
    found, kept = folder.read(SETTINGS), folder.read(KEPT)
    if kept is not None or found is None:
        return kept is not None
    try:
        plugins = load(found.data).get("enabledPlugins")
    except Problem:
        return PLUGIN.encode() in found.data
    return isinstance(plugins, dict) and PLUGIN in plugins


def read_settings(files: Files, folder: Folder) -> Settings:
    """The settings of a peer before the client runs.

    Our own hooks may have come and gone since a copy was kept: such settings are complete. Raises Problem for what is
    no settings file, and where it cannot be told whether its owner wrote it since.
    """
    found, kept = folder.read(SETTINGS), folder.read(KEPT)
    now = {} if found is None else _load(folder, SETTINGS, found)
    if kept is None:
        return Settings(found, None if found is None else _without_plugin(found))
    if found is not None:
        if found.data == kept.data or _without_plugin(found).data == kept.data:
            return Settings(found, kept, True)
        before, after = _load(folder, KEPT, kept), _less_plugin(now)
        if after != before and _foreign(after) == _foreign(before):
            return Settings(found, _without_plugin(found)._replace(mode=kept.mode), True)
        written, made = (files.modified(folder.path(name)) for name in (SETTINGS, KEPT))
        if is_left_of(after, before) and made <= written <= made + CLIENT_SECONDS + SLACK_SECONDS:
            return Settings(found, kept, True)
        if after == before:
            return Settings(found, _without_plugin(found), True)
    raise Problem(UNTOLD, folder.path(SETTINGS))


def interrupted(files: Files, folder: Folder) -> bytes | None:
    """What the settings of a peer were before a client left them half-done; what is to be written there starts from it.

    None where no client did, and where that cannot be told.
    """
    try:
        found, wanted, kept = read_settings(files, folder)
    except Problem:  # whoever takes the plugin off says so
        return None
    if not kept or found is None or wanted is None or wanted.data == _without_plugin(found).data:
        return None
    return wanted.data


def keep(tree: Tree, settings: Settings) -> None:
    """Keep beside the file what it is to be, before the client runs; what is kept already keeps its time."""
    if settings.wanted is not None and tree.read(KEPT) != settings.wanted:
        tree.write(KEPT, settings.wanted.data, settings.wanted.mode)


def put_back(tree: Tree, settings: Settings, gone: bool) -> None:
    """Once the client is done, make the file what it is to be; gone: the plugin is.

    A client that failed half-way leaves the copy for the next run. Raises Problem where somebody else wrote meanwhile.
    """
    found, wanted = settings.found, settings.wanted
    now = tree.read(SETTINGS)
    if gone and wanted is not None and now != wanted:
        if now is None or not (found and is_left_of(_load(tree, SETTINGS, now), load(found.data))):
            raise Problem(UNTOLD, tree.path(SETTINGS))
        tree.replace(SETTINGS, now.data, wanted.data, wanted.mode)
    if gone or (now == found and not settings.kept):
        tree.remove(KEPT)


def _load(folder: Folder, name: str, found: Found) -> Json:
    """The document in a file; raises Problem that names the file for what is none."""
    try:
        return load(found.data)
    except Problem as problem:
        raise Problem(str(problem), folder.path(name), problem.kind) from problem


def _without_plugin(found: Found) -> Found:
    return Found(dump_like(found.data, _less_plugin(load(found.data))), found.mode)


def _less_plugin(value: Json) -> Json:
    plugins = value.get("enabledPlugins")
    if not isinstance(plugins, dict) or PLUGIN not in plugins:
        return value
    left = {key: item for key, item in plugins.items() if key != PLUGIN}
    return {**value, "enabledPlugins": left}


def _foreign(value: Json) -> Json:
    """The document without our hooks; as it is where its hooks are none."""
    try:
        return with_hooks(value, {})
    except Problem:
        return value
