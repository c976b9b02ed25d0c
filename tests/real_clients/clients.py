# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The real codex and claude command lines, driven on a throwaway host: offline, without a login, under a time limit."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import ThrowawayHost

PACKAGES = {"codex": "@openai/codex", "claude": "@anthropic-ai/claude-code"}
PINNED: dict[str, str] = json.loads((Path(__file__).parent / "package.json").read_bytes())["dependencies"]
LIMIT = 60.0
CLAMPED = "clamping "  # a hook's timeout that codex shortens, which is no fault of the file
# Whatever is not on the loopback ends at a port that nobody serves: a client that reaches out fails, it does not hang.
NOWHERE = "http://127.0.0.1:9"
OFFLINE = {
    "HTTP_PROXY": NOWHERE,
    "HTTPS_PROXY": NOWHERE,
    "ALL_PROXY": NOWHERE,
    "NO_PROXY": "127.0.0.1,localhost",
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "DISABLE_AUTOUPDATER": "1",
    "CI": "1",
}


class ClientError(Exception):
    """A client that is missing, is not the pinned one, or does not answer in time."""


class Answer(NamedTuple):
    """What one call of a client came to."""

    rc: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The lines of a JSON stream."""
        return [json.loads(line) for line in self.out.splitlines() if line.strip()]


def find(name: str) -> str:
    """The client on PATH, where `make real-clients` puts it; ClientError where there is none."""
    found = shutil.which(name)
    if found is None:
        raise ClientError(f"{name} is not on PATH: `make real-clients` installs {PACKAGES[name]} {pinned(name)}")
    return found


def pinned(name: str) -> str:
    return PINNED[PACKAGES[name]]


def environment(host: ThrowawayHost, **extra: str) -> dict[str, str]:
    """The whole environment of a client on this host; only PATH and the place for temporary files are inherited."""
    return {**host.env, **OFFLINE, **extra}


def run(host: ThrowawayHost, name: str, *arguments: str | Path, cwd: Path, **env: str) -> Answer:
    """Call a client in this folder, without input; ClientError when it takes longer than LIMIT seconds."""
    command = [find(name), *map(str, arguments)]
    with _started(command, cwd, environment(host, **env), stdin=subprocess.DEVNULL) as child:
        try:
            out, err = child.communicate(timeout=LIMIT)
        except subprocess.TimeoutExpired:
            raise ClientError(f"no end after {LIMIT:g} s: {' '.join(command)} (in {cwd})") from None
    return Answer(child.returncode, out, err)


@contextlib.contextmanager
def _started(command: list[str], cwd: Path, env: dict[str, str], **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process with a group of its own, none of which outlives the block (a client starts helpers)."""
    child = subprocess.Popen(
        command,
        cwd=cwd,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
        **options,
    )
    try:
        yield child
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


class AppServer:
    """codex's own server in a peer's folder: one JSON message a line, notifications passed over."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self.child = child
        self.number = 0
        self.lines: queue.Queue[str | None] = queue.Queue()
        self.complaints: list[str] = []
        for target in (self._read, self._listen):
            threading.Thread(target=target, daemon=True).start()
        self.request("initialize", {"clientInfo": {"name": "acceptance", "title": None, "version": "1"}})
        self._send({"method": "initialized"})

    def _read(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def _listen(self) -> None:
        assert self.child.stderr is not None
        self.complaints.extend(self.child.stderr)

    def _send(self, message: dict[str, Any]) -> None:
        assert self.child.stdin is not None
        self.child.stdin.write(json.dumps(message) + "\n")
        self.child.stdin.flush()

    def request(self, method: str, params: dict[str, Any]) -> Any:
        """The result of one call; ClientError for an error, a silent server or one that ended."""
        self.number += 1
        self._send({"id": self.number, "method": method, "params": params})
        until = time.monotonic() + LIMIT
        while True:
            try:
                line = self.lines.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                raise ClientError(f"codex app-server: no answer to {method} after {LIMIT:g} s") from None
            if line is None:
                said = "".join(self.complaints[-20:])
                raise ClientError(f"codex app-server ended before it answered {method}: {said}")
            message = json.loads(line)
            if message.get("id") == self.number and "method" not in message:
                if "error" in message:
                    raise ClientError(f"codex app-server: {method}: {message['error']}")
                return message["result"]


@contextlib.contextmanager
def app_server(host: ThrowawayHost, cwd: Path, **env: str) -> Iterator[AppServer]:
    """A running codex app-server, ended with the block."""
    command = [find("codex"), "app-server"]
    with _started(command, cwd, environment(host, **env), stdin=subprocess.PIPE) as child:
        yield AppServer(child)


def codex_hooks(host: ThrowawayHost, cwd: Path) -> dict[str, dict[str, Any]]:
    """What codex says of every hook it sees from this folder, by key; ClientError where it complains of a file."""
    with app_server(host, cwd) as server:
        (answer,) = server.request("hooks/list", {"cwds": [str(cwd)]})["data"]
    complaints = [text for text in answer["warnings"] if not text.startswith(CLAMPED)] + answer["errors"]
    if complaints:
        raise ClientError(f"codex complains: {complaints}")
    return {hook["key"]: hook for hook in answer["hooks"]}
