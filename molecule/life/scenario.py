# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole life: the first day of a bare account, a new binary whose daemon dies, and the last day."""

from __future__ import annotations

import os
import sys

import harness
from harness import NEW, OLD, equal, expect, host
from throwaway import NAME, ROLES, Peer, diff, install_provider, stage_hard_cases, theirs


def prepare() -> None:
    """Only the core and two peers, in whose files other tools have written in layouts of their own."""
    nothing = {"provisioned": False, "roles": False, "crew": False}
    both = ("claude", "codex")
    found = harness.build(form="absent", version=OLD, peers=[Peer("alpha"), Peer("gamma", both)], **nothing)
    found.provider_bin.unlink()
    stage_hard_cases(found.peer("alpha"), found.peer("gamma"))
    harness.remember("bare")
    for folder, version in (("old", OLD), ("new", NEW)):
        install_provider(harness.KEPT / folder / NAME, version)


def converged() -> None:
    found = host()
    if harness.again():
        return
    runs(OLD)
    expect(found.vault.is_dir() and found.config_file.exists(), "vault and config.env were made")
    equal({peer["personality"] for peer in found.fleet()["peers"]}, {"alpha", "gamma", *ROLES}, "the fleet")


def runs(version: str) -> None:
    """The binary and the slot are of this version."""
    found = host()
    equal(found.provider("version").stdout.strip(), f"{NAME} {version}", "the binary")
    equal(found.slot()["version"], version, "the slot is declared, of the binary's version")


def alive() -> None:
    """The notifier starts the daemon; that of the new version will end at once."""
    found = host()
    found.start_notifier(detached=True)
    found.wait_daemon()
    harness.provider_agrees(found)
    found.knobs(only=NEW, crash=True)
    harness.remember()


def rolled_back() -> None:
    found = host()
    runs(OLD)
    found.wait_daemon()
    harness.provider_agrees(found)
    times = {str(found.slot_path.relative_to(found.base)): "registeredAt"}
    own = (found.pid_path, found.state_dir / "memoryd.ran-from.json", found.state_dir / "provider-forms.json")
    harness.same_bytes("before", times, without=tuple(str(path.relative_to(found.base)) for path in own))
    harness.remember()


def gone() -> None:
    found = host()
    left = [found.slot_path, found.launcher_path, found.gate_path, found.hooks_dir, found.provider_bin, found.pid_path]
    equal([str(path) for path in left if os.path.lexists(path)], [], "what is ours is gone")
    equal((found.daemon_pid(), found.triggers()), (None, []), "memoryd has ended, and its triggers are gone")
    expect(found.vault.is_dir() and found.config_file.exists(), "vault and config.env stay")
    before, after = ({p: e[:3] for p, e in theirs(snapshot).items()} for snapshot in harness.both("bare"))
    # The role peers of the first day are the core's by now, and their settings may be empty but not away.
    kept = {f"peers/{role}/.claude/settings.json": b"{}\n" for role in ROLES}
    equal({path: after.pop(path, ("", 0, b""))[2] for path in kept}, kept, "nothing of ours is left in the role peers")
    equal(diff(before, after), [], "every foreign byte, mode and link is as it was")
    harness.remember()


if __name__ == "__main__":
    sys.exit(harness.main(globals()))
