# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The garbage collector is left alone while a module is put together, and comes back."""

from __future__ import annotations

import gc
import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from ansible.plugins.action import ActionBase

from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.payload import uncollected

PLUGINS = Path(__file__).resolve().parents[4] / "plugins"
# The one that runs no module.
WITHOUT_MODULE = {"report"}


@pytest.fixture(autouse=True)
def collecting() -> Iterator[None]:
    """As Python begins, whatever a test leaves."""
    gc.enable()
    yield
    gc.enable()


@uncollected()
def collects() -> bool:
    return gc.isenabled()


def test_it_rests_for_as_long() -> None:
    assert collects() is False
    assert gc.isenabled() is True


def test_it_comes_back_after_a_failure() -> None:
    with pytest.raises(OSError, match="gone"), uncollected():
        raise OSError("gone")
    assert gc.isenabled() is True


def test_who_had_none_gets_none() -> None:
    gc.disable()
    assert collects() is False
    assert gc.isenabled() is False


class Reached(Exception):
    """Ansible's part of an action, with whether the collector was at work."""


@pytest.mark.parametrize("name", sorted({path.stem for path in PLUGINS.glob("action/*.py")} - WITHOUT_MODULE))
def test_every_action_that_hands_a_module_over_does_so(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def reached(*_arguments: Any) -> None:
        raise Reached(gc.isenabled())

    monkeypatch.setattr(ActionBase, "run", reached)
    kind = importlib.import_module(f"ansible_collections.agfpd.iapeer_memory.plugins.action.{name}").ActionModule
    with pytest.raises(Reached) as found:
        object.__new__(kind).run(None, {})
    assert found.value.args == (False,)
