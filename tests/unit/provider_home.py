# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose provider is the stand-in, and what becomes of what it writes."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Callable
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

    def host(self, **options: str) -> Host:
        return open_host({"iapeer_bin": "/fake/iapeer", **options}, self.place.environ())

    def tampered(self, tamper: Tamper) -> Lesson:
        """What is learned where somebody changes what the provider wrote before it is read."""
        plain = scratch.run

        def run(made: scratch.Scratch, host: Host, binary: str, args: Any, *more: Any) -> Outcome:
            done = plain(made, host, binary, args, *more)
            if args[0] != "version":
                tamper(made)
            return done

        with mock.patch.object(scratch, "run", run):
            return study(self.host())
