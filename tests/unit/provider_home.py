# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose provider is the stand-in, and what becomes of what it writes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable, Optional
from unittest import mock

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import Outcome
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms import scratch
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.learned import Lesson, study
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import Host, open_host
from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import install_provider
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place

Tamper = Callable[[scratch.Scratch], object]


class Home:
    """A host with a real provider. Temporary files go to a folder of their own, which must be empty in the end."""

    def __init__(self, place: Place, temporary: Path) -> None:
        self.place = place
        self.temporary = temporary
        self.asked: list[tuple[str, ...]] = []

    def install(self, version: str, flavour: str = "") -> None:
        install_provider(self.place.binary, version, flavour=flavour)

    def script(self, text: str) -> None:
        """A provider that is a few lines of sh."""
        self.place.write(self.place.binary, f"#!/bin/sh\n{text}", 0o755)

    def environ(self) -> dict[str, str]:
        return self.place.environ(TMPDIR=str(self.temporary))

    def host(self, **options: str) -> Host:
        return open_host({"iapeer_bin": "/fake/iapeer", **options}, self.environ())

    def tampered(self, tamper: Tamper) -> Lesson:
        """What is learned where somebody changes what the provider wrote before it is read."""
        with self.tampering(tamper):
            return study(self.host())

    @contextlib.contextmanager
    def tampering(self, tamper: Tamper) -> Iterator[None]:
        """The provider runs once for all; what it wrote is put there again, and then changed."""
        plain, key = scratch.run, (self.place.binary.read_bytes(), self.host().config._replace(vault_path=""))

        def run(made: scratch.Scratch, there: Host, binary: str, args: Any, *more: Any) -> Outcome:
            if args[0] == "version":
                return Outcome(0, "iapeer-memory 7.1.0\n")
            if (args[0], key) not in RUNS:
                assert plain(made, there, binary, args, *more).rc == 0
                RUNS[args[0], key] = recorded(made)
            else:
                replay(made, RUNS[args[0], key])
            tamper(made)
            return Outcome(0)

        with mock.patch.object(scratch, "run", run):
            yield


# What a run left: path below the root to mode and bytes (None: a folder); words stand for what differs each time.
Recording = dict[str, tuple[int, Optional[bytes]]]
RUNS: dict[object, Recording] = {}


def words(made: scratch.Scratch) -> dict[str, str]:
    return {made.root: "\0ROOT\0", made.token: "\0TOKEN\0", made.paths.binary: "\0BINARY\0"}


def recorded(made: scratch.Scratch) -> Recording:
    found = {}
    for path in sorted(Path(made.root).rglob("*")):
        name, data = str(path.relative_to(made.root)), path.read_bytes() if path.is_file() else None
        for text, word in words(made).items():
            name, data = name.replace(text, word), data and data.replace(text.encode(), word.encode())
        found[name] = (path.stat().st_mode, data)
    return found


def replay(made: scratch.Scratch, recording: Recording) -> None:
    for name, (mode, data) in recording.items():
        for text, word in words(made).items():
            name, data = name.replace(word, text), data and data.replace(word.encode(), text.encode())
        path = Path(made.root, name)
        if data is None:
            path.mkdir(exist_ok=True)
        else:
            path.write_bytes(data)
        path.chmod(mode)
