# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The v1.1 marketplace plugin and how it goes (contract §6)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._documents import json_document, toml_document
from .._doorway.egress import Binary, Outcome
from .._doorway.folders import Folder, Found
from .._doorway.problem import Problem
from .._forms.ahead import NOTHING, Ahead
from .._host.core import Peer, core_problem, peers_of, read_registry
from .._host.edits import read_json_object
from .._host.host import Host
from .._host.results import Result
from .._things.fleet_map import read_fleet
from .._things.slot import FOREIGN, V1_1, read_slot
from .claude import SETTINGS
from .lock import provision_lock
from .plan import Json

PLUGIN = "iapeer-memory@agfpd"
VERB = ("memory-plugin", "off", "--all")
VERB_TIMEOUT, CLIENT_TIMEOUT = 600, 60
UNKNOWN_VERB = re.compile(r"unknown (command|verb|subcommand|option)|unrecognized|no such command", re.IGNORECASE)
NOT_INSTALLED = re.compile(r"not found in installed plugins|not installed", re.IGNORECASE)
LOCK_SECONDS = 15
# What settings.json is to be once its client is done, kept beside it until it is: a run that ends in between loses
# nothing, and the next one puts it back.
KEPT = f"{SETTINGS}.kept-by-iapeer-memory"


class Trace(NamedTuple):
    """One place where the plugin is seen: a claude peer, or Codex's own config (personality is empty then)."""

    personality: str
    runtime: str
    cwd: str

    def record(self, action: str, detail: str = "") -> dict[str, str]:
        """The record that the module returns."""
        return {**self._asdict(), "action": action, "detail": detail}


def find_traces(host: Host, peers: Sequence[Peer]) -> list[Trace]:
    """Where the plugin is enabled or installed, as far as the host's files tell; never fails."""
    installed = _installed_projects(host)
    peers = [peer for peer in peers if "claude" in peer.runtimes and os.path.isdir(peer.cwd)]
    traces = [
        Trace(peer.personality, "claude", peer.cwd)
        for peer in peers
        if os.path.realpath(peer.cwd) in installed or _is_seen(host, peer)
    ]
    return traces + ([Trace("", "codex", host.codex_home)] if _in_codex(host) else [])


def ensure(host: Host, options: Mapping[str, Any], check: bool, ahead: Ahead = NOTHING) -> Result:
    """Sweep the plugin off the fleet of a v1.1 host, or say where it would go (check).

    options: method (core: by the core's verb; native: by the clients themselves; auto: native where the core has no
    such verb any more), peers, claude_bin, codex_bin. changed tells whether the plugin is seen anywhere. Raises Problem
    where the core is refused, missing or fails; a peer whose client fails is in the results, which are marked failed.
    """
    slot, method = read_slot(host), options.get("method") or "auto"
    if slot.form == FOREIGN:
        return _result([], "skipped", f"the slot is held by {slot.provider}: not our fleet", False)
    if slot.form != V1_1 and method != "native":
        return _result([], "absent", "nothing to do: the slot is not in the v1.1 form", False)
    peers = _wanted_peers(host, options.get("peers"), ahead)
    traces = find_traces(host, peers)
    for trace in traces:
        host.files.sandbox.check(trace.cwd)
    if method != "native":
        read_registry(host)  # a core that cannot list its peers cannot sweep them: the same words in check mode
        if check:
            return _result([trace.record("removed") for trace in traces], "removed", _where(traces), bool(traces))
        done = host.egress.run(host.core, VERB, timeout=VERB_TIMEOUT)
        if done.rc == 0:
            left = find_traces(host, peers)
            records = [trace.record("left" if trace in left else "removed") for trace in traces]
            note = f"; the core is done, but it is still seen in {_names(left)}" if left else ""
            return _result(records, "removed", _where(traces) + note, bool(traces))
        if method == "core" or done.refused or not _lacks_verb(done):
            raise core_problem(host.core.path, done)
    return _native(host, options, traces, check)


def _wanted_peers(host: Host, given: Sequence[Mapping[str, Any]] | None, ahead: Ahead) -> tuple[Peer, ...]:
    if ahead.peers is not None:
        return ahead.peers
    if given is not None:
        return peers_of([dict(entry) for entry in given])
    fleet = read_fleet(host)
    return fleet.peers if fleet.readable else peers_of(read_registry(host))


def _native(host: Host, options: Mapping[str, Any], traces: list[Trace], check: bool) -> Result:
    clients = {trace.runtime: _client(host, trace.runtime, options.get(f"{trace.runtime}_bin")) for trace in traces}
    if check:
        answers = {name: host.egress.run(client, ["--version"]) for name, client in clients.items()}
        records = [_foretold(host, trace, clients[trace.runtime], answers[trace.runtime]) for trace in traces]
    else:
        with provision_lock(host, LOCK_SECONDS):
            records = [_remove(host, trace, clients[trace.runtime]) for trace in traces]
    bad = [record for record in records if record["action"] == "failed"]
    gone = [trace for trace, record in zip(traces, records) if record["action"] == "removed"]
    result = _result(records, "failed" if bad else "removed", _where(gone), bool(gone))
    complaints = [f"{item['personality'] or 'codex'}: {item['cwd']}: {item['detail']}" for item in bad]
    return result._replace(failure="the plugin could not be removed: " + "; ".join(complaints) if bad else "")


def _client(host: Host, name: str, named: str | None) -> Binary:
    fallback = os.path.join(host.paths.home, ".local", "bin", name)
    return Binary(named, named=True) if named else Binary(host.egress.find(name, fallback) or name)


def _remove(host: Host, trace: Trace, client: Binary) -> dict[str, str]:
    try:
        if trace.runtime == "codex":
            done = host.egress.run(client, ["plugin", "remove", PLUGIN], timeout=CLIENT_TIMEOUT)
        else:
            done = _uninstall(host, trace, client)
    except Problem as problem:
        return trace.record("failed", str(problem))
    if done.refused:
        raise Problem(done.err, kind="refused")
    if done.rc != 0 and not NOT_INSTALLED.search(done.err + done.out):
        return trace.record("failed", f"{client.path}: {done.complaint}")
    return trace.record("removed")


def _foretold(host: Host, trace: Trace, client: Binary, answer: Outcome) -> dict[str, str]:
    """The record that _remove would come to, as far as it can be told without acting; answer: the client's version."""
    if answer.refused:
        raise Problem(answer.err, kind="refused")
    try:
        if trace.runtime == "claude":
            with Folder(host.files.sandbox, trace.cwd) as folder:
                _settings(folder)
    except Problem as problem:
        return trace.record("failed", str(problem))
    return trace.record("failed", f"{client.path}: {answer.complaint}") if answer.missing else trace.record("removed")


def _settings(folder: Folder) -> tuple[Found | None, Found | None]:
    """The settings of a peer as they are, and as they are to be without the plugin: as a run before this kept them."""
    found, kept = folder.read(SETTINGS), folder.read(KEPT)
    if found is None or kept is not None:
        return found, kept
    return found, Found(json_document.dump_like(found.data, _less_plugin(found.data)), found.mode)


def _uninstall(host: Host, trace: Trace, client: Binary) -> Outcome:
    """Let Claude Code uninstall it; what it rewrote of settings.json is put back, less the plugin's own key.

    The client drops hook events and keys that it does not know when it rewrites that file.
    """
    with host.files.tree(trace.cwd) as tree:
        found, wanted = _settings(tree)
        if wanted is not None:
            tree.write(KEPT, wanted.data, wanted.mode)
        args = ["plugin", "uninstall", PLUGIN, "--scope", "project"]
        done = host.egress.run(client, args, cwd=trace.cwd, timeout=CLIENT_TIMEOUT)
        now = tree.read(SETTINGS)
        gone = done.rc == 0 or NOT_INSTALLED.search(done.err + done.out) is not None
        if gone and wanted is not None and now != wanted:
            tree.replace(SETTINGS, None if now is None else now.data, wanted.data, wanted.mode)
        if gone or now == found:  # else a client that failed half-way: the next run makes it good
            tree.remove(KEPT)
        return done


def _less_plugin(data: bytes) -> Json:
    value = json_document.load(data)
    plugins = value.get("enabledPlugins")
    if not isinstance(plugins, dict) or PLUGIN not in plugins:
        return value
    left = {key: item for key, item in plugins.items() if key != PLUGIN}
    return {**value, "enabledPlugins": left}


def _is_seen(host: Host, peer: Peer) -> bool:
    """True where the settings of a peer name the plugin, or a run that took it out of them did not come to its end."""
    try:
        with Folder(host.files.sandbox, peer.cwd) as folder:
            found, kept = folder.read(SETTINGS), folder.read(KEPT)
        plugins = {} if found is None else json_document.load(found.data).get("enabledPlugins")
    except Problem:
        return False
    return kept is not None or (isinstance(plugins, dict) and PLUGIN in plugins)


def _installed_projects(host: Host) -> set[str]:
    """The folders for which Claude Code's own list says that the plugin is installed."""
    path = os.path.join(host.paths.home, ".claude", "plugins", "installed_plugins.json")
    try:
        plugins = (read_json_object(host.files, path) or {}).get("plugins")
    except Problem:
        return set()
    entries = plugins.get(PLUGIN) if isinstance(plugins, dict) else None
    rows = [row for row in entries if isinstance(row, dict)] if isinstance(entries, list) else []
    return {os.path.realpath(row["projectPath"]) for row in rows if isinstance(row.get("projectPath"), str)}


def _in_codex(host: Host) -> bool:
    try:
        found = host.files.read(os.path.join(host.codex_home, "config.toml"))
        return found is not None and toml_document.read(found.data, ("plugins", PLUGIN)) is not None
    except Problem:
        return False


def _lacks_verb(done: Outcome) -> bool:
    return UNKNOWN_VERB.search(done.err + done.out) is not None


def _where(traces: list[Trace]) -> str:
    return f"removed from {_names(traces)}" if traces else "the plugin is seen nowhere; the core was asked all the same"


def _names(traces: list[Trace]) -> str:
    return ", ".join(trace.personality or "codex" for trace in traces)


def _result(records: list[dict[str, str]], action: str, detail: str, changed: bool) -> Result:
    text = "".join(f"{item['personality'] or 'codex'}: {PLUGIN}\n" for item in records if item["action"] == "removed")
    diff = [{"before_header": "plugin", "after_header": "plugin", "before": text, "after": ""}] if changed else []
    return Result(action, detail, changed, diff=diff, data={"results": records})
