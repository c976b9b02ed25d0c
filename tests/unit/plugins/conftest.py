# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A small host for each test, whose provider is too old to show its forms."""

from __future__ import annotations

from pathlib import Path

import pytest

from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms import wanted
from ansible_collections.agfpd.iapeer_memory.plugins.module_utils._forms.learned import Lesson
from ansible_collections.agfpd.iapeer_memory.tests.unit.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A provisioned host with a binary and nothing else."""
    return Place(tmp_path)


@pytest.fixture(autouse=True)
def old_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test asks a provider for its forms but those of the forms themselves."""
    monkeypatch.setattr(wanted, "study", lambda host: Lesson(None, "", "too old to be asked", lasting=False))
