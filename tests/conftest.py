# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every test gets: a throwaway home and an environment in which nothing points at the real host."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from pathlib import Path

import pytest
from hypothesis import configuration

ROOT = Path(__file__).resolve().parent.parent
TREE = ROOT / ".tree"
MAC_LIKE = ROOT / "tests" / "mac_like"
# Whatever a developer or an agent has set for one of these would lead a test to a real host or change what it sees.
FOREIGN = ("ANSIBLE_", "CLAUDE", "CODEX_", "IAPEER_", "PEER_IDENTITY", "XDG_")

configuration.set_hypothesis_home_dir(ROOT / ".cache" / "hypothesis")

_scratch: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    """Set up the environment before a test module is imported; the home of each test comes on top."""
    if not (TREE / "ansible_collections" / "agfpd" / "iapeer_memory").is_dir():
        raise pytest.UsageError(".tree is missing: run `make venv` first")
    like_a_mac = os.environ.get("IAPEER_TEST_LIKE_A_MAC") == "1"
    for name in [name for name in os.environ if name.startswith(FOREIGN)]:
        del os.environ[name]
    if not os.path.isdir(os.environ.get("TMPDIR", "/tmp")):
        del os.environ["TMPDIR"]
    scratch = tempfile.mkdtemp(prefix="iapeer-memory-tests-")
    _scratch.append(scratch)
    os.environ.update(
        HOME=os.path.join(scratch, "home"),
        ANSIBLE_HOME=os.path.join(scratch, "ansible"),
        ANSIBLE_LOCAL_TEMP=os.path.join(scratch, "ansible", "tmp"),
        ANSIBLE_REMOTE_TEMP=os.path.join(scratch, "ansible", "remote"),
        ANSIBLE_COLLECTIONS_PATH=str(TREE),
        ANSIBLE_NOCOLOR="1",
        # The other side may be another Python (the matrix does that).
        ANSIBLE_PYTHON_INTERPRETER=os.environ.get("TARGET_PYTHON") or sys.executable,
        PYTHONPATH=str(TREE),
        # The programs of this environment first: the interpreter under test, not a version manager's shim.
        PATH=os.pathsep.join([os.path.dirname(sys.executable), os.environ.get("PATH", os.defpath)]),
    )
    if like_a_mac:
        become_a_mac()
    os.mkdir(os.environ["HOME"])
    # Imported here: without .tree it cannot be.
    from ansible_collections.agfpd.iapeer_memory.tests.guard import Guard

    guard = Guard()
    guard.install()
    config.pluginmanager.register(guard, "guard")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave out what only Linux has, elsewhere and where it is taken away."""
    if os.environ.get("IAPEER_TEST_LIKE_A_MAC") == "1" or not sys.platform.startswith("linux"):
        for item in items:
            if item.get_closest_marker("linux"):
                item.add_marker(pytest.mark.skip(reason="only Linux has that"))


def become_a_mac() -> None:
    """Take away what only Linux has, from the code under test here and in every Python that the tests start."""
    from ansible_collections.agfpd.iapeer_memory.tests.mac_like import sitecustomize

    sitecustomize.install()
    os.environ.update(
        IAPEER_TEST_LIKE_A_MAC="1",
        PYTHONPATH=os.pathsep.join([os.environ["PYTHONPATH"], str(MAC_LIKE)]),
        PATH=os.pathsep.join([str(MAC_LIKE / "bin"), os.environ["PATH"]]),
    )


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what pytest_configure made."""
    for path in _scratch:
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture(autouse=True)
def home(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The throwaway home directory of this test, empty at its start; $HOME names it."""
    path = tmp_path_factory.mktemp("home").resolve()
    monkeypatch.setenv("HOME", str(path))
    return path
