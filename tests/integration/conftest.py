# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Throwaway hosts that end with the test, and the playbooks run on them.

Runs are dear: where several tests look at one run over many hosts, that run is a fixture of their module.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Callable

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.fixtures import throwaway
from ansible_collections.agfpd.iapeer_memory.tests.integration.playbook import Fleet

Build = Callable[..., throwaway.ThrowawayHost]
Gather = Callable[..., Fleet]
LONGEST = ("test_drifts", "test_gates", "test_fleet", "test_update", "test_verify", "test_binary")
# Files of many short tests that share nothing.
LOOSE = ("test_sandbox.py",)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """All tests of a file by one worker, so that the fixtures of a module are made once; but for loose ones."""
    from xdist.scheduler import LoadFileScheduling

    class Scheduling(LoadFileScheduling):
        def _split_scope(self, nodeid: str) -> str:
            file: str = super()._split_scope(nodeid)
            return nodeid if file.endswith(LOOSE) else file

    config.option.loadscopereorder = False  # the order is ours
    return Scheduling(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The files with the longest runs first: one that came last would keep a single worker busy."""
    order = {name: number for number, name in enumerate(LONGEST)}
    items.sort(key=lambda item: order.get(item.path.stem, len(order)))


@contextlib.contextmanager
def builder(folder: Path) -> Iterator[Build]:
    """A builder of hosts; whatever they started is gone at the end."""
    hosts: list[throwaway.ThrowawayHost] = []

    def make(**options: Any) -> throwaway.ThrowawayHost:
        hosts.append(throwaway.build_host(folder / f"host-{len(hosts)}", **options))
        return hosts[-1]

    try:
        yield make
    finally:
        for host in hosts:
            host.stop()
    assert [host.processes() for host in hosts if host.processes()] == []


def gatherer(folder: Path) -> Gather:
    """Puts hosts into one inventory, by name; a single one is called host."""

    def make(*alone: throwaway.ThrowawayHost, **hosts: throwaway.ThrowawayHost) -> Fleet:
        folder.mkdir(exist_ok=True)
        return Fleet(folder, {**dict(zip(["host"], alone)), **hosts})

    return make


@pytest.fixture
def build(tmp_path: Path) -> Iterator[Build]:
    """A builder of hosts that end with the test."""
    with builder(tmp_path) as make:
        yield make


@pytest.fixture
def gather(tmp_path: Path) -> Gather:
    """Puts hosts into one inventory."""
    return gatherer(tmp_path / "controller")


@pytest.fixture(scope="module")
def build_shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Build]:
    """A builder of hosts that end with the module."""
    with builder(tmp_path_factory.mktemp("hosts")) as make:
        yield make


@pytest.fixture(scope="module")
def gather_shared(tmp_path_factory: pytest.TempPathFactory) -> Gather:
    """Puts hosts into one inventory that lasts for the module."""
    return gatherer(tmp_path_factory.mktemp("controller"))
