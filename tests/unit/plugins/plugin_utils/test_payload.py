# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The garbage collector is left alone while a module is put together, and comes back."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.plugin_utils.payload import uncollected


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
