# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The v1.1 marketplace plugin and how it goes (contract §6)."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from .._documents import toml_document
from .._documents.shown import shown
from .._doorway.egress import Binary, Outcome
from .._doorway.folders import Folder
from .._doorway.problem import Problem
from .._doorway.spelling import spell
from .._forms.ahead import NOTHING, Ahead
from .._host.core import Peer, core_problem, given_peers, peers_of, read_registry
from .._host.edits import read_json_object
from .._host.host import Host
from .._host.options import require_absolute
from .._host.results import Result
from .._things.fleet_map import read_fleet
from .._things.slot import V1_1, read_slot
from .claude import SETTINGS
from .lock import foresee_lock, lock_timeout, provision_lock
from .plan import why_unseen
from .plugin_settings import CLIENT_SECONDS, KEPT, PLUGIN, Settings, keep, mentions, put_back, read_settings

CLIENTS = ("claude_bin", "codex_bin")
VERB = ("memory-plugin", "off", "--all")
VERB_TIMEOUT = 600
UNKNOWN_VERB = re.compile(r"unknown (command|verb|subcommand|option)|unrecognized|no such command", re.IGNORECASE)
NOT_INSTALLED = re.compile(r"not found in installed plugins|not installed", re.IGNORECASE)
ASKED = "the plugin is seen nowhere; the core was asked all the same"
REMOVED, FAILED, LEFT = "removed", "failed", "left"
Place = tuple[int, int]


class Trace(NamedTuple):
    """One place where the plugin is seen: a claude peer, or Codex's own config (personality is empty then).

    unseen: why it cannot be told whether it is there, empty where it can.
    """

    personality: str
    runtime: str
    cwd: str
    unseen: str = ""

    @property
    def name(self) -> str:
        """Where it is, for people."""
        return shown(self.personality or self.runtime)

    def record(self, action: str, detail: str = "") -> dict[str, str]:
        """The record that the module returns."""
        head = {"personality": shown(self.personality), "runtime": self.runtime, "cwd": shown(self.cwd)}
        return {**head, "action": action, "detail": shown(detail)}


def find_traces(host: Host, peers: Sequence[Peer]) -> list[Trace]:
    """Where the plugin is enabled or installed, as far as the host's files tell, and where they do not; never fails."""
    installed, traces = _installed_projects(host)
    for peer in peers:
        if "claude" in peer.runtimes:
            traces += _in_peer(host, peer, installed)
    return traces + _in_codex(host)


def ensure(host: Host, options: Mapping[str, Any], check: bool, ahead: Ahead = NOTHING) -> Result:
    """Take the plugin off the fleet of a host, or say where it would go (check).

    options: method (core: by the core's verb, which works on a v1.1 slot alone; native: by the clients themselves;
    auto: by the verb on a v1.1 slot and natively where the core has no such verb any more or the slot is another),
    peers, claude_bin, codex_bin, lock_timeout (seconds). changed tells whether the plugin is seen anywhere. Raises
    Problem where the core is refused, missing or fails; a peer whose client fails is in the results, which are marked
    failed.
    """
    # Whatever becomes of them: an option that is wrong is refused before anything is looked at.
    lock_timeout(options)
    require_absolute(options, *CLIENTS)
    slot, method = read_slot(host), options.get("method") or "auto"
    if slot.barred:
        return Result("skipped", f"{shown(slot.barred)}: not our fleet", data={"results": []})
    if slot.form != V1_1 and method == "core":
        return Result("absent", "nothing to do: the slot is not in the v1.1 form", data={"results": []})
    traces = find_traces(host, _wanted_peers(host, options.get("peers"), ahead, slot.form == V1_1))
    for trace in traces:
        host.files.sandbox.check(trace.cwd)
    if method == "native":
        return _native(host, options, traces, check)  # also where there is none: it clears what a killed run left
    if slot.form != V1_1:
        return _native(host, options, traces, check) if traces else _nowhere()
    read_registry(host)  # a core that cannot list its peers cannot sweep them: the same words in check mode
    if check:
        return _result(traces, [_unseen(trace) or trace.record(REMOVED) for trace in traces], ASKED)
    done = host.egress.run(host.core, VERB, timeout=VERB_TIMEOUT)
    if done.rc == 0:
        return _after_the_core(host, traces)
    if method == "core" or done.refused or not _lacks_verb(done):
        raise core_problem(host.core.path, done)
    return _native(host, options, traces, check)


def _wanted_peers(
    host: Host, given: Sequence[Mapping[str, Any]] | None, ahead: Ahead, legacy: bool
) -> tuple[Peer, ...]:
    """The peers to look at; legacy: without a map the registry is asked, because none of them may be stranded."""
    if ahead.peers is not None:
        return ahead.peers
    if given is not None:
        return given_peers(given)
    fleet = read_fleet(host)
    return fleet.peers if fleet.readable or not legacy else peers_of(read_registry(host))


def _nowhere() -> Result:
    return Result("absent", "nothing to do: the plugin is seen nowhere", data={"results": []})


def _after_the_core(host: Host, traces: list[Trace]) -> Result:
    """What became of the traces once the core has done its work; what it left is told."""
    peers = tuple(Peer(trace.personality, trace.cwd, ("claude",)) for trace in traces if trace.personality)
    left = {trace[:3] for trace in find_traces(host, peers)}
    records = [_unseen(trace) or trace.record(LEFT if trace[:3] in left else REMOVED) for trace in traces]
    names = ", ".join(trace.name for trace, record in zip(traces, records) if record["action"] == LEFT)
    note = f"; the core is done, but it is still seen in {names}" if names else ""
    return _result(traces, records, ASKED, note)


def _unseen(trace: Trace) -> dict[str, str] | None:
    """The failed record of a place that cannot be looked at; None for any other."""
    return trace.record(FAILED, trace.unseen) if trace.unseen else None


def _native(host: Host, options: Mapping[str, Any], traces: list[Trace], check: bool) -> Result:
    runtimes = dict.fromkeys(trace.runtime for trace in traces if not trace.unseen)
    clients = {name: _client(host, name, options.get(f"{name}_bin")) for name in runtimes}
    if check:
        if traces:
            foresee_lock(host)
        answers = {name: host.egress.run(client, ["--version"]) for name, client in clients.items()}
        records = [
            _unseen(trace) or _foretold(host, trace, clients[trace.runtime], answers[trace.runtime]) for trace in traces
        ]
        return _result(traces, records)
    records = []
    with provision_lock(host, lock_timeout(options)) as lock:
        for trace in traces:
            lock.keep_young()
            records.append(_unseen(trace) or _remove(host, trace, clients[trace.runtime]))
    return _result(traces, records)


def _client(host: Host, name: str, named: str | None) -> Binary:
    fallback = os.path.join(host.paths.home, ".local", "bin", name)
    return Binary(named, named=True) if named else Binary(host.egress.find(name, fallback) or name)


def _remove(host: Host, trace: Trace, client: Binary) -> dict[str, str]:
    try:
        if trace.runtime == "codex":
            done = host.egress.run(client, ["plugin", "remove", PLUGIN], timeout=CLIENT_SECONDS)
        else:
            done = _uninstall(host, trace, client)
    except Problem as problem:
        return trace.record(FAILED, str(problem))
    if done.refused:
        raise Problem(done.err, kind="refused")
    return trace.record(REMOVED) if _is_gone(done) else trace.record(FAILED, f"{client.path}: {done.complaint}")


def _foretold(host: Host, trace: Trace, client: Binary, answer: Outcome) -> dict[str, str]:
    """The record that _remove would come to, as far as it can be told without acting; answer: the client's version."""
    if answer.refused:
        raise Problem(answer.err, kind="refused")
    try:
        if trace.runtime == "claude":
            with Folder(host.files.sandbox, trace.cwd) as folder:
                _settings(host, folder)
    except Problem as problem:
        return trace.record(FAILED, str(problem))
    return trace.record(FAILED, f"{client.path}: {answer.complaint}") if answer.missing else trace.record(REMOVED)


def _settings(host: Host, folder: Folder) -> Settings:
    """The settings before the client runs; raises Problem where they are none, or where they could not be put back."""
    settings = read_settings(host.files, folder)
    if settings.wanted is not None:
        folder.foresee(KEPT)
        folder.foresee(SETTINGS)
    return settings


def _uninstall(host: Host, trace: Trace, client: Binary) -> Outcome:
    """Let Claude Code uninstall it; its settings come out as they were, less the plugin's own key."""
    with host.files.tree(trace.cwd) as tree:
        settings = _settings(host, tree)
        keep(tree, settings)
        args = ["plugin", "uninstall", PLUGIN, "--scope", "project"]
        done = host.egress.run(client, args, cwd=trace.cwd, timeout=CLIENT_SECONDS)
        put_back(tree, settings, _is_gone(done))
        return done


def _is_gone(done: Outcome) -> bool:
    return done.rc == 0 or NOT_INSTALLED.search(done.err + done.out) is not None


def _in_peer(host: Host, peer: Peer, installed: set[Place]) -> list[Trace]:
    """The trace in the folder of a claude peer; none where there is no such folder."""
    trace = Trace(peer.personality, "claude", peer.cwd)
    try:
        with Folder(host.files.sandbox, peer.cwd) as folder:
            return [trace] if _place(folder.status()) in installed or mentions(folder) else []
    except Problem as problem:
        unseen = why_unseen(host.files, peer.cwd, problem)
        return [] if unseen is None else [trace._replace(unseen=str(unseen))]


def _installed_projects(host: Host) -> tuple[set[Place], list[Trace]]:
    """The folders that Claude Code's own list has with the plugin installed; a trace where it cannot be read."""
    path = os.path.join(host.paths.home, ".claude", "plugins", "installed_plugins.json")
    try:
        plugins = (read_json_object(host.files, path) or {}).get("plugins")
    except Problem as problem:
        unseen = [] if problem.kind == "malformed" else [Trace("", "claude", path, str(problem))]
        return set(), unseen
    entries = plugins.get(PLUGIN) if isinstance(plugins, dict) else None
    rows = [row for row in entries if isinstance(row, dict)] if isinstance(entries, list) else []
    places = set()
    # Not asked of the sandbox, which hides a live one: that has to be found, and is refused by name.
    for project in (row.get("projectPath") for row in rows):
        if isinstance(project, str):
            with contextlib.suppress(OSError, ValueError):  # a peer in there cannot be looked at either
                places.add(_place(os.stat(spell(project))))
    return places, []


def _place(status: os.stat_result) -> Place:
    """A folder whatever its spelling: by links, in other letters' case, in another normal form."""
    return status.st_dev, status.st_ino


def _in_codex(host: Host) -> list[Trace]:
    """The trace in Codex's own config: our plugin of our own marketplace, and no other."""
    trace = Trace("", "codex", host.codex_home)
    found = None
    try:
        found = host.files.read(os.path.join(host.codex_home, "config.toml"))
        if found is None or toml_document.read(found.data, ("plugins", PLUGIN)) is None:
            return []
    except Problem as problem:
        told = found is not None and PLUGIN.encode() not in found.data  # not TOML, but nothing of ours in it either
        return [] if told else [trace._replace(unseen=str(problem))]
    return [trace]


def _lacks_verb(done: Outcome) -> bool:
    return UNKNOWN_VERB.search(done.err + done.out) is not None


def _result(
    traces: list[Trace], records: list[dict[str, str]], nothing: str = "removed nowhere", note: str = ""
) -> Result:
    """What became of the traces; nothing: what to say where there is none."""
    outcomes = list(zip(traces, records))
    gone = [trace.name for trace, record in outcomes if record["action"] != FAILED]
    bad = [
        f"{trace.name}: {record['cwd']}: {record['detail']}" for trace, record in outcomes if record["action"] == FAILED
    ]
    text = "".join(f"{trace.name}: {PLUGIN}\n" for trace, record in outcomes if record["action"] == REMOVED)
    diff = [{"before_header": "plugin", "after_header": "plugin", "before": text, "after": ""}] if gone else []
    return Result(
        FAILED if bad else REMOVED,
        (f"removed from {', '.join(gone)}" if gone else nothing) + note,
        bool(gone),
        "the plugin could not be removed: " + "; ".join(bad) if bad else "",
        diff=diff,
        data={"results": records},
    )
