# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Throwaway hosts for the tools around Ansible, and where the examples lie."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.fixtures.throwaway import Peer, ThrowawayHost
from ansible_collections.agfpd.iapeer_memory.tests.integration.conftest import Build, build, gather
from ansible_collections.agfpd.iapeer_memory.tests.integration.playbook import settle

__all__ = ["build", "gather"]
ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "docs" / "examples"
BIN = Path(sys.executable).parent


def command(words: Sequence[str | Path], **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(
        words, env={**os.environ, **environment}, stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=600, check=False,
    )  # fmt: skip


def sandboxed(host: ThrowawayHost) -> Mapping[str, str]:
    """What a program has to have in its environment to be on that host."""
    return {**host.env, "ANSIBLE_REMOTE_TEMP": str(host.home / ".ansible/tmp"), "PYTHONPATH": os.environ["PYTHONPATH"]}


@pytest.fixture
def drifted(build: Build) -> ThrowawayHost:
    """A host where all is well but one thing: a skill of alpha is gone."""
    host = build(form="v1_2", version="7.1.0", peers=[Peer("alpha")])
    settle(host)
    host.start_notifier()
    host.wait_daemon()
    skill(host).unlink()
    return host


def skill(host: ThrowawayHost) -> Path:
    """The file that is gone."""
    return host.peer("alpha") / ".claude/skills/iapeer-memory-init/SKILL.md"
