# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forms as the installed provider writes them: learned from one run of its own update (contract §12)."""

from __future__ import annotations

import os
from typing import Any, NamedTuple

from .._documents import toml_document
from .._documents.json_spans import check_depth
from .._documents.json_values import plain
from .._doorway.problem import Problem
from .._host.config import LOCALES
from .._host.host import Host
from .._host.paths import NAME
from .._host.versions import told_version
from . import scratch
from .bundled import bundled
from .forms import LEARNED, PERSONALITY, Forms, Json, place
from .scratch import NO_GUIDE, Scratch
from .shape import COUNT_LIMIT, TRIGGERS, check_shape, check_version, filled, hollow, leaves, require

UPDATE = ("update", "--skip-binary", "--iapeer-bin")
SETTINGS = {"claude": ".claude/settings.json", "codex": ".codex/hooks.json"}
RECEIVERS = {"watcher": "watcher", "dream": "timer"}


WORDS_LIMIT = 300  # characters of a reason
UPDATE_LIMIT, VERSION_LIMIT = 60.0, 30.0  # seconds


class Lesson(NamedTuple):
    """What one run taught. forms: with holes for the places of the host; None where there is nothing to believe.

    version: what the binary says of itself. why: where the forms are from, or why there are none. lasting: the same
    run would end in the same way again.
    """

    forms: Json | None
    version: str
    why: str
    lasting: bool = True


def learn(host: Host, binary: str | None = None) -> Forms:
    """The forms of this host, learned from its provider, else the bundled ones, with the reason. Never fails.

    binary: the path of another program on this host that is about to become the provider's; nothing installed is
    touched, and what it writes names the path that it will have.
    """
    return forms_of(host, study(host, binary))


def forms_of(host: Host, lesson: Lesson) -> Forms:
    """What a lesson amounts to on a host."""
    if lesson.forms is None:
        return bundled(host, lesson.why)._replace(version=lesson.version)
    return Forms(LEARNED, lesson.why, lesson.version, **filled(lesson.forms, host))


def study(host: Host, binary: str | None = None) -> Lesson:
    """Run a provider's update in a scratch and look at what it wrote. Never fails."""
    if host.config.locale not in LOCALES or not 0 < host.config.mcp_port <= 65535:
        return Lesson(None, "", f"not provisioned: {host.config.problem}", lasting=False)
    try:
        with scratch.scratch_host(host, scratch.settings_of(host.config)) as made:
            return _studied(made, host, binary or host.paths.binary)
    except Problem as problem:
        return Lesson(None, "", f"no scratch to run it in: {problem}", lasting=False)


def one_line(words: str) -> str:
    """A reason as it may stand in a row of a report, whatever a binary had a hand in it."""
    return (words if words.isprintable() else ascii(words)[1:-1])[:WORDS_LIMIT]


def _studied(made: Scratch, host: Host, binary: str) -> Lesson:
    done = scratch.run(made, host, binary, [*UPDATE, made.core], UPDATE_LIMIT)
    if done.refused:
        return Lesson(None, "", done.err, lasting=False)
    if done.rc != 0:
        why = one_line(f"{' '.join(UPDATE[:2])} in a scratch: {done.account}")
        # What could not be started, or was ended by somebody, may do better another time.
        return Lesson(None, _told_version(made, host, binary), why, lasting=0 < done.rc < 126)
    try:
        forms, version = _collected(made, host)
        check_version(version)
        check_shape(forms, host)
    except Problem as problem:
        return Lesson(None, _told_version(made, host, binary), _disbelief(made, problem))
    return Lesson(forms, version, f"learned from v{version}")


def _disbelief(made: Scratch, problem: Problem) -> str:
    return one_line(f"not believed: {problem}".replace(made.root, "scratch"))


def _told_version(made: Scratch, host: Host, binary: str) -> str:
    """The version that a binary tells by itself; empty where it tells none."""
    done = scratch.run(made, host, binary, ["version"], VERSION_LIMIT)
    return told_version(done.out) if done.rc == 0 else ""


def _collected(made: Scratch, host: Host) -> tuple[Json, Any]:
    """The forms with holes, not yet looked at, and the version that the slot declares. Raises Problem."""
    slot = _json(made, made.name(made.paths.slot))
    version = slot.pop("version", None)
    slot.pop("registeredAt", None)
    placed = {**_entries(made), "guide": _guide(made), "triggers": _messages(made), "slot": slot}
    forms = {**hollow(placed, made.paths, made.vault), **_documents(made, host.config.locale)}
    for field, value in forms.items():
        traces = [leaf for leaf in leaves(value) if isinstance(leaf, str) and (made.root in leaf or made.token in leaf)]
        require(not traces, f"{field}: holds a path or a name of the scratch")
    return forms, version


def _documents(made: Scratch, locale: str) -> Json:
    """What is the same on every host, and the scripts that name the binary."""
    paths = made.paths
    shims = _below(made, made.name(paths.hooks))
    templates = _below(made, made.name(paths.templates(locale)))
    gate = made.name(paths.dream_gate)
    beside = made.tree.names(os.path.dirname(gate))
    return {
        "shims": {name: scratch.read(made, path, executable=True) for name, path in shims},
        "skills": _skills(made, f"{made.cwd(made.token)}/.claude/skills"),
        "launcher": scratch.read(made, made.name(paths.launcher), executable=True),
        "gate": scratch.read(made, gate, executable=True) if os.path.basename(gate) in beside else "",
        "templates": {name: scratch.read(made, path) for name, path in templates if name.endswith(".md")},
    }


def _guide(made: Scratch) -> str:
    text = scratch.read(made, made.name(made.paths.guide))
    return "" if text == NO_GUIDE else text


def _below(made: Scratch, folder: str) -> list[tuple[str, str]]:
    """The names in a folder, and their paths."""
    names = made.tree.names(folder)
    require(len(names) <= COUNT_LIMIT, f"{os.path.basename(folder)}: too many")
    return [(name, f"{folder}/{name}") for name in names]


def _skills(made: Scratch, folder: str) -> dict[str, str]:
    found = {}
    for name, path in _below(made, folder):
        require(made.tree.names(path) == ["SKILL.md"], f"skills: {name} is not just a SKILL.md")
        found[name] = scratch.read(made, f"{path}/SKILL.md")
    return found


def _entries(made: Scratch) -> Json:
    """Our entries in the files of the peer of the scratch, where there is nobody else."""
    seat = made.cwd(made.token)
    server = _part(_json(made, f"{seat}/.mcp.json"), "mcpServers").get(NAME)
    config = scratch.read(made, f"{seat}/.codex/config.toml").encode()
    return {
        "hooks": {client: _hooks(_json(made, f"{seat}/{path}"), client) for client, path in SETTINGS.items()},
        "mcp": place(server, {made.token: PERSONALITY}),
        "toml": toml_document.read(config, ("mcp_servers", NAME)),
    }


def _hooks(settings: Json, client: str) -> Json:
    found = {}
    for event, entries in _part(settings, "hooks").items():
        require(isinstance(entries, list) and len(entries) == 1, f"hooks of {client}: {event} has not just one entry")
        found[event] = entries[0]
    return found


def _messages(made: Scratch) -> Json:
    """The registrations that the provider sent; removals and what we do not know are left out."""
    found: Json = {}
    for words in scratch.calls(made):
        if words[:1] != ("send",) or "--message" not in words[2:-1]:
            continue
        message = _parsed(words[words.index("--message", 2) + 1], "a message")
        kind = next((kind for kind, identity in TRIGGERS.items() if identity == message.get("id")), "")
        if not kind or "cmd" in message:
            continue
        require(words[1] == RECEIVERS[kind], f"triggers: {kind} is sent to {words[1]}")
        require(found.get(kind, message) == message, f"triggers: {kind} is sent in two ways")
        found[kind] = message
    return found


def _json(made: Scratch, name: str) -> Json:
    return _parsed(scratch.read(made, name), os.path.basename(name))


def _parsed(text: str, what: str) -> Json:
    try:
        check_depth(text)
        value = plain(text)
    except (ValueError, Problem) as error:
        raise Problem(f"{what} is not JSON: {error}", kind="malformed") from error
    return _part({what: value}, what)


def _part(value: Json, key: str) -> Json:
    part = value.get(key)
    require(isinstance(part, dict), f"{key} is no object")
    return part  # type: ignore[return-value]
