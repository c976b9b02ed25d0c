# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host whose provider is the stand-in, and what it taught."""

from __future__ import annotations

import copy
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._doorway.egress import Outcome
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms import scratch, wanted
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.learned import Lesson, study
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._host.host import Host, open_host
from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import install_provider
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place
from ansible_collections.agfpd.iapeer_memory.tests.unit.provider_home import Home


@pytest.fixture
def old_provider() -> None:
    """Here a provider is asked."""


@pytest.fixture
def home_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Home]:
    """A host with the stand-in provider 7.1."""
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    wanted._known.clear()
    home = Home(Place(tmp_path / "host"), temporary)
    home.install("7.1.0")
    plain = scratch.run

    def run(made: scratch.Scratch, host: Host, binary: str, args: Any, *more: Any) -> Outcome:
        home.asked.append(tuple(args[:1]))
        return plain(made, host, binary, args, *more)

    monkeypatch.setattr(scratch, "run", run)
    yield home
    assert os.listdir(temporary) == []


@pytest.fixture(scope="session")
def taught(tmp_path_factory: pytest.TempPathFactory) -> tuple[Host, Lesson]:
    """A host, and what the stand-in 7.2 taught about it; for tests that change neither."""
    place = Place(tmp_path_factory.mktemp("taught"))
    install_provider(place.binary, "7.2.0")
    host = open_host({"iapeer_bin": "/fake/iapeer"}, place.environ())
    return host, study(host)


@pytest.fixture
def forms(taught: tuple[Host, Lesson]) -> dict[str, Any]:
    """The forms of the stand-in 7.2 with their holes, to be changed at will."""
    return copy.deepcopy(taught[1].forms or {})
