# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The outside as tests see it: a transcript of expected calls, and the stand-in core without processes."""

from __future__ import annotations

import contextlib
import io
import json
import os
import signal
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Callable, NamedTuple
from unittest import mock

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import (
    Binary,
    Clock,
    Egress,
    Outcome,
    Process,
    Verdict,
)
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.sandbox import Sandbox
from ansible_collections.agfpd.iapeer_memory.tests.fixtures import core as stand_in

PLUGIN = "iapeer-memory@agfpd"
# What Claude Code knows of hooks; the rest goes when it rewrites a settings file.
KNOWN_EVENTS = ("PostToolUse", "PreToolUse", "SessionStart", "Stop")
MISSING = Outcome(127, "", "no such program", missing=True)
REFUSED = Outcome(127, "", "refused by the sandbox: iapeer was not named", refused=True)


class Call(NamedTuple):
    """One expected call: the program's name and its arguments, what it answers, and what else happens then."""

    name: str
    args: tuple[str, ...]
    outcome: Outcome = Outcome(0)
    cwd: str | None = None
    effect: Callable[[], None] | None = None


def call(name: str, *args: str, out: str = "", rc: int = 0, err: str = "", **more: Any) -> Call:
    """An expected call in short."""
    return Call(name, args, Outcome(rc, out, err), **more)


class Transcript(Egress):
    """Answers an ordered list of expected calls; another call, a missing one and another order fail the test."""

    def __init__(self, *calls: Call) -> None:
        super().__init__(Sandbox({}))
        self.left = list(calls)

    def run(self, binary: Binary, args: Sequence[str], cwd: str | None = None, *bounds: Any, **more: Any) -> Outcome:
        """Answer the next expected call."""
        asked = (os.path.basename(binary.path), tuple(args), cwd)
        assert self.left, f"unexpected call: {asked}"
        expected = self.left.pop(0)
        assert asked == (expected.name, expected.args, expected.cwd)
        if expected.effect is not None:
            expected.effect()
        return expected.outcome

    def find(self, name: str, *fallbacks: str) -> str | None:
        """Every program is somewhere."""
        return f"/fake/{name}"

    def done(self) -> None:
        """Fail where an expected call did not come."""
        assert not self.left, f"calls that did not come: {self.left}"


@contextlib.contextmanager
def transcript(*calls: Call) -> Iterator[Transcript]:
    """A transcript that must be played to its end."""
    egress = Transcript(*calls)
    yield egress
    egress.done()


class StillClock(Clock):
    """A clock that stands still at a moment, and moves only while somebody sleeps."""

    def __init__(self, moment: float) -> None:
        self.moment = moment

    def now(self) -> float:
        """The moment."""
        return self.moment

    def monotonic(self) -> float:
        """The moment too."""
        return self.moment

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self.moment += seconds


class StandIn(Egress):
    """The stand-in core in this very process, clients that edit the files the real ones edit, and a table of processes.

    home: the home of the host. Programs outside `present` are missing. A process that is ended comes back under the
    next pid, with pid file and fresh heartbeat in the state folder, as under a notifier.
    """

    def __init__(self, home: Path, root: Path, state: Path, present: Sequence[str] = ("iapeer",)) -> None:
        super().__init__(Sandbox({}))
        self.home, self.root, self.state = home, root, state
        self.present = tuple(present)
        self.table: dict[int, Process] = {}
        self.calls: list[tuple[str, ...]] = []
        self.clock = Clock()
        self._lock = threading.Lock()

    def find(self, name: str, *fallbacks: str) -> str | None:
        """Where a program is."""
        return f"/fake/{name}" if name in self.present else None

    def run(self, binary: Binary, args: Sequence[str], cwd: str | None = None, *bounds: Any, **more: Any) -> Outcome:
        """Play the program that is called."""
        name = os.path.basename(binary.path)
        with self._lock:
            self.calls.append((name, *args))
            if name not in self.present:
                return MISSING
            if name == "iapeer":
                return self._core(list(args))
            if list(args) == ["--version"]:
                return Outcome(0, "1.0.0\n")
            return self._claude(Path(cwd or ".")) if name == "claude" else self._codex()

    def process(self, pid: int) -> Process | None:
        """A process of the table."""
        return self.table.get(pid)

    def alive(self, pid: int) -> bool:
        """Whether it is in the table, or this one."""
        return pid in self.table or pid == os.getpid()

    def signal(self, pid: int, number: int, verdict: Verdict) -> str | None:
        """End a process of the table, and have the notifier start the next one."""
        found = self.table.get(pid)
        reason = f"no process {pid}" if found is None else verdict(found)
        if found is None or reason is not None:
            return reason
        assert number in (signal.SIGTERM, signal.SIGKILL)
        del self.table[pid]
        beat = self.state / "memoryd.heartbeat"
        beat.write_text("beat watch=on\n")
        now = self.clock.now() + 0.01
        os.utime(beat, (now, now))
        self.table[pid + 1] = found._replace(pid=pid + 1, started=now)
        (self.state / "memoryd.pid").write_text(f"{pid + 1}\n")
        return None

    def _core(self, argv: list[str]) -> Outcome:
        out, err = io.StringIO(), io.StringIO()
        environ = {"HOME": str(self.home), "IAPEER_ROOT": str(self.root), "CODEX_HOME": str(self.home / ".codex")}
        with mock.patch.dict(os.environ, environ), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            rc = stand_in.main(argv)
        return Outcome(rc, out.getvalue(), err.getvalue())

    def _claude(self, cwd: Path) -> Outcome:
        """Uninstall as Claude Code does, which rewrites the settings and drops what it does not know."""
        listed = self.home / ".claude" / "plugins" / "installed_plugins.json"
        plugins = json.loads(listed.read_text()) if listed.exists() else {"plugins": {}}
        rows = plugins["plugins"].get(PLUGIN, [])
        left = [row for row in rows if os.path.realpath(row["projectPath"]) != os.path.realpath(cwd)]
        if len(left) == len(rows):
            return Outcome(1, "", f'Plugin "{PLUGIN}" not found in installed plugins')
        plugins["plugins"][PLUGIN] = left
        listed.write_text(json.dumps(plugins))
        path = cwd / ".claude" / "settings.json"
        if path.exists():
            path.write_text(json.dumps(rewritten(json.loads(path.read_text())), indent=2))
        return Outcome(0, "Successfully uninstalled")

    def _codex(self) -> Outcome:
        with mock.patch.dict(os.environ, {"CODEX_HOME": str(self.home / ".codex")}):
            stand_in.plugin_off_codex(PLUGIN)
        return Outcome(0, f"Removed plugin {PLUGIN}")


def rewritten(settings: Mapping[str, Any]) -> dict[str, Any]:
    """A settings file as Claude Code leaves it after an uninstall."""
    value = dict(sorted(settings.items()))
    value["enabledPlugins"] = {key: on for key, on in value.get("enabledPlugins", {}).items() if key != PLUGIN}
    if isinstance(value.get("hooks"), dict):
        value["hooks"] = {event: item for event, item in value["hooks"].items() if event in KNOWN_EVENTS}
    return value
