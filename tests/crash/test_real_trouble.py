# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Trouble that is real, not injected: a disk that is full or read-only, a limit on the size of files, folders that are
gone, and kills at any time of a run that uses all its threads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from ansible_collections.agfpd.iapeer_memory.tests.crash import scenarios as at
from ansible_collections.agfpd.iapeer_memory.tests.crash.conftest import Record, Settle
from ansible_collections.agfpd.iapeer_memory.tests.crash.harness import Broken, Nursery, Ran, Violations, Walk
from ansible_collections.agfpd.iapeer_memory.tests.crash.snapshots import (
    BALLAST,
    CODEX,
    Snapshot,
    restore,
    take,
    torn,
    unequal,
)
from ansible_collections.agfpd.iapeer_memory.tests.crash.syscalls import Point

LIMITS = (0, 1, 25, 26, 63, 64, 100, 200, 300, 400, 500, 600, 700, 800, 1000, 1250, 1500, 2000, 3000, 4000)
PAGE = 4096
DISK = "size=2m,mode=755"
MOST = 200
KILLS = 40
MOUNTS_REFUSED = (
    "nothing can be mounted here: a full disk was tried as a limit on the size of files, a read-only one not"
)


def first_sweep(nursery: Nursery, place: Path) -> Walk:
    """The walk of a first sweep, its points not looked for."""
    host = at.fresh(place)
    walk = Walk(nursery, host, at.sweep(host), take(str(host.base)))
    walk.set_out(traced=False)
    return walk


def own(now: Snapshot) -> Snapshot:
    """Without what the stand-in core leaves where its own writing fails."""
    return {path: entry for path, entry in now.items() if not (path.startswith(CODEX) and path.endswith(".tmp"))}


def settled(walk: Walk, ran: Ran) -> Violations:
    """What must hold after a run in trouble; the core writes no file whole, so its own is looked at only in the end."""
    core_file = walk.before[CODEX]
    now = {**own(take(walk.seen)), CODEX: core_file}
    problems = torn(now, walk.before, walk.after, killed=False)
    if not ran.clear:
        problems.append(f"no clear end: {ran.shown()}")
    elif ran.ok:
        problems += unequal({**now, CODEX: walk.after[CODEX]}, walk.after)
    elif str(walk.host.base) not in ran.result["msg"]:
        problems.append(f"no file is named: {ran.shown()}")
    return problems


def mended(walk: Walk) -> Violations:
    for name in list(take(walk.seen)):
        if name.startswith(CODEX) and name.endswith(".tmp"):
            os.unlink(os.path.join(walk.seen, name))
    return walk.mended()


def test_no_file_can_grow_beyond_a_limit(quiet: Nursery, place: Path, settle: Settle) -> None:
    """The kernel cuts a write short and fails the next one, as a full disk does, wherever the limit falls."""
    walk = first_sweep(quiet, place)
    for limit in LIMITS:
        with walk.prepared():
            ran = quiet.run(walk.host, walk.step, file_size=limit)
        walk.count("(write)", "size limit", f"no file beyond {limit} bytes", settled(walk, ran) + mended(walk))
    settle(walk)


def test_killed_at_any_time_with_all_threads(quiet: Nursery, place: Path, settle: Settle) -> None:
    walk = first_sweep(quiet, place)
    with walk.prepared():
        seconds = quiet.run(walk.host, walk.step, threads=True).seconds
    for number in range(KILLS):
        after = seconds * number / KILLS
        with walk.prepared():
            ran = quiet.run(walk.host, walk.step, threads=True, kill_after=after)
        problems = [] if ran.rc == -9 or ran.ok else [f"neither killed nor done: {ran.shown()}"]
        problems += torn(take(walk.seen), walk.before, walk.after, killed=True) + walk.mended()
        walk.count("(any)", "timed kill", f"killed after {after * 1000:.1f} ms", problems)
    settle(walk)


def test_the_folder_that_the_module_runs_in_is_gone(quiet: Nursery, place: Path, settle: Settle) -> None:
    walk = first_sweep(quiet, place)
    lost = place / "lost"
    lost.mkdir()
    with walk.prepared():
        ran = quiet.run(walk.host, walk.step, cwd=str(lost))
    problems = [] if ran.ok and not lost.exists() else [ran.shown()]
    walk.count("(start)", "cwd removed", "in a folder that is gone", problems + unequal(take(walk.seen), walk.after))
    settle(walk)


@pytest.fixture
def disk(place: Path) -> Iterator[Walk | None]:
    """A first sweep on a small disk in memory; None where nobody may mount one.

    It is mounted for the nursery alone and looked at through that, so that nothing can be left mounted.
    """
    try:
        nursery = Nursery(place / "strace.log", apart=True)
    except Broken:
        yield None
        return
    try:
        host = at.fresh(place)
        before = take(str(host.base))
        mounted = nursery.ask(command=["mount", "-t", "tmpfs", "-o", DISK, "none", str(host.base)])
        walk = Walk(nursery, host, at.sweep(host), before, f"/proc/{nursery.pid}/root{host.base}")
        if mounted["rc"] == 0:
            restore(walk.seen, before)
            walk.set_out(traced=False)
        yield walk if mounted["rc"] == 0 else None
    finally:
        nursery.close()


def test_a_full_disk(disk: Walk | None, settle: Settle, record_property: Record) -> None:
    """With no page left, with one, and so on, until the sweep needs no more."""
    if disk is None:
        record_property("note", MOUNTS_REFUSED)
        return
    done = False
    for pages in range(MOST):
        with disk.prepared():
            fill(disk, pages)
            ran = disk.nursery.run(disk.host, disk.step)
        done = ran.ok
        os.unlink(os.path.join(disk.seen, BALLAST))
        disk.count("(any)", "full disk", f"with {pages} pages left", settled(disk, ran) + mended(disk))
        if done:
            break
    assert done, "the disk was never large enough"
    settle(disk)


def fill(walk: Walk, pages: int) -> None:
    """Leave so many pages on the disk."""
    free = os.statvfs(walk.seen).f_bavail - pages
    with open(os.path.join(walk.seen, BALLAST), "wb") as handle:
        handle.write(bytes(PAGE * free))


def test_a_disk_without_room_for_names(disk: Walk | None, settle: Settle, record_property: Record) -> None:
    """With no file left to be made, with one, and so on, until the sweep needs no more."""
    if disk is None:
        record_property("note", MOUNTS_REFUSED)
        return
    done = False
    for files in range(MOST):
        with disk.prepared():
            status = os.statvfs(disk.seen)
            remount(disk, f"nr_inodes={status.f_files - status.f_ffree + files}")
            ran = disk.nursery.run(disk.host, disk.step)
        done = ran.ok
        remount(disk, "nr_inodes=100000")
        disk.count("(any)", "no inode left", f"with room for {files} files", settled(disk, ran) + mended(disk))
        if done:
            break
    assert done, "the disk was never large enough"
    settle(disk)


def test_a_read_only_disk(disk: Walk | None, settle: Settle, record_property: Record) -> None:
    """All of the host, or one peer's folder only: then the other one gets its surfaces."""
    if disk is None:
        record_property("note", MOUNTS_REFUSED)
        return
    for folder in (disk.host.base, *(disk.host.peer(peer.personality) for peer in at.PEERS)):
        restore(disk.seen, disk.before)
        command(disk, "mount", "--bind", str(folder), str(folder))
        command(disk, "mount", "-o", "remount,bind,ro", str(folder))
        ran = disk.nursery.run(disk.host, disk.step)
        command(disk, "umount", str(folder))
        point = Point("(any)", 0, (f"{folder}/.claude/settings.json",))
        problems = settled(disk, ran) + ([f"succeeded on a read-only {folder}"] if ran.ok else [])
        problems += disk.others(take(disk.seen), point) + mended(disk)
        disk.count("(any)", "read-only", f"read-only {folder}", problems)
    settle(disk)


def command(walk: Walk, *words: str) -> None:
    done = walk.nursery.ask(command=words)
    assert done["rc"] == 0, done


def remount(walk: Walk, options: str) -> None:
    command(walk, "mount", "-o", f"remount,{options}", str(walk.host.base))
