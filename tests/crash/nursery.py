# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One warm process that runs every module in a fork of its own, under strace where a request asks for it.

A request is a line of JSON on standard input, its answer a line on standard output (see `Nursery` in harness.py). The
fork waits until strace is attached, so that nothing of the interpreter's start is among the counted system calls.
"""

from __future__ import annotations

import contextlib
import ctypes
import gc
import importlib
import json
import os
import resource
import select
import shutil
import signal
import subprocess
import sys
import threading
import time
import traceback
from typing import Any, Callable

from ansible.module_utils import basic

MODULES = (
    "fleet_map",
    "legacy_plugin_off",
    "memory_slot",
    "memoryd_restart",
    "notifier_trigger",
    "peer_surfaces",
    "provider_binary",
    "provider_files",
    "role_doctrines",
)
PACKAGE = "ansible_collections.agfpd.iapeer_memory.plugins"
PR_SET_CHILD_SUBREAPER, PR_SET_PTRACER = 36, 0x59616D61
ANYBODY = ctypes.c_ulong(-1)
READY = b"."
STOPPED = b"--- stopped by SIGSTOP ---"

Request = dict[str, Any]


class InOrder:
    """In the place of a thread pool: all in the one thread that is traced, always in the same order."""

    def __init__(self, max_workers: int) -> None:
        """Whatever the number, there is one."""

    def __enter__(self) -> InOrder:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing was started."""

    def submit(self, work: Callable[[], None]) -> None:
        """Nothing either: what nobody else takes, the one who asked does."""


def prctl(option: int, value: Any) -> None:
    ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


def run_module(request: Request) -> None:
    """What the fork does: the module's main, with its arguments where Ansible puts them."""
    arguments = {"ANSIBLE_MODULE_ARGS": request["args"]}
    basic._ANSIBLE_ARGS = json.dumps(arguments).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    if not request["threads"]:
        vars(importlib.import_module(f"{PACKAGE}.module_utils._surfaces.sweep")).update(ThreadPoolExecutor=InOrder)
    if request["file_size"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["file_size"], resource.RLIM_INFINITY))
    importlib.import_module(f"{PACKAGE}.modules.{request['module']}").main()


def become_module(request: Request, gate: int) -> None:
    """Never returns: leaves with the module's exit code, or with 70 and a traceback."""
    code = 70
    try:
        os.environ.clear()
        os.environ.update(request["env"])
        os.chdir(request["cwd"])
        if request["lose_cwd"]:
            os.rmdir(request["cwd"])
        prctl(PR_SET_PTRACER, ANYBODY)
        os.write(1, READY)
        os.read(gate, 1)
        run_module(request)
    except SystemExit as end:
        code = int(end.code or 0)
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(BaseException):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def fork_module(request: Request) -> tuple[int, int, dict[int, bytearray]]:
    """The fork's pid, the gate that a byte opens, and the pipes of its output."""
    gate, opener = os.pipe()
    out, out_end = os.pipe()
    err, err_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        with open(os.devnull) as nothing:
            os.dup2(nothing.fileno(), 0)
        os.dup2(out_end, 1)
        os.dup2(err_end, 2)
        os.closerange(3, gate)
        os.closerange(gate + 1, 64)
        become_module(request, gate)
    for handle in (gate, out_end, err_end):
        os.close(handle)
    os.read(out, len(READY))
    return pid, opener, {out: bytearray(), err: bytearray()}


def attach(pid: int, request: Request) -> subprocess.Popen[bytes]:
    """strace on the fork, attached for sure."""
    command = ["strace", "-y", "-s", "4096", "-o", request["log"], *request["strace"], "-p", str(pid)]
    tracer = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert tracer.stderr is not None
    said = tracer.stderr.readline()
    if b"attached" not in said:
        raise RuntimeError("strace cannot attach: " + said.decode() + tracer.stderr.read().decode())
    threading.Thread(target=tracer.stderr.read, daemon=True).start()
    return tracer


def interfere(pid: int, request: Request, began: float) -> bool:
    """The one thing that happens to the fork from outside, once its time has come; True when that is done."""
    if request["kill_after"] is not None and time.monotonic() - began >= request["kill_after"]:
        os.kill(pid, signal.SIGKILL)
        return True
    if request["at_stop"]:
        with contextlib.suppress(FileNotFoundError), open(request["log"], "rb") as log:
            if STOPPED in log.read():
                path, moved = request["at_stop"]
                os.rename(path, moved) if moved else shutil.rmtree(path)
                os.kill(pid, signal.SIGCONT)
                return True
    return False


def follow(pid: int, pipes: dict[int, bytearray], request: Request) -> bool:
    """Read what the fork prints until it ends; True where it had to be killed for taking too long."""
    began = time.monotonic()
    done = request["kill_after"] is None and not request["at_stop"]
    open_pipes = set(pipes)
    while open_pipes:
        for handle in select.select(list(open_pipes), [], [], 0.5 if done else 0.001)[0]:
            data = os.read(handle, 65536)
            pipes[handle] += data
            if not data:
                open_pipes.discard(handle)
                os.close(handle)
        done = done or interfere(pid, request, began)
        if time.monotonic() - began > request["timeout"]:
            os.kill(pid, signal.SIGKILL)
            return True
    return False


def await_orphans() -> None:
    """What the module started goes on when the module is killed: wait until that is over, too."""
    limit = time.monotonic() + 10
    while time.monotonic() < limit:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                time.sleep(0.002)
        except ChildProcessError:
            return
    raise RuntimeError("a process that the module started does not end")


def serve(request: Request) -> dict[str, Any]:
    if "command" in request:
        done = subprocess.run(request["command"], capture_output=True, text=True, check=False)
        return {"rc": done.returncode, "out": done.stdout, "err": done.stderr}
    pid, opener, pipes = fork_module(request)
    try:
        tracer = attach(pid, request) if request["strace"] is not None else None
    except RuntimeError:
        os.kill(pid, signal.SIGKILL)
        raise
    began = time.monotonic()
    os.write(opener, b"!")
    os.close(opener)
    late = follow(pid, pipes, request)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    seconds = time.monotonic() - began
    if tracer is not None:
        tracer.wait()
    await_orphans()
    out, err = (bytes(data).decode("utf-8", "replace") for data in pipes.values())
    return {"rc": code, "out": out, "err": err, "seconds": seconds, "late": late}


def main() -> None:
    prctl(PR_SET_CHILD_SUBREAPER, ctypes.c_ulong(1))
    for name in MODULES:
        importlib.import_module(f"{PACKAGE}.modules.{name}")
    gc.collect()
    gc.freeze()
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    answers.write(f"{os.getpid()}\n")
    answers.flush()
    for line in sys.stdin:
        try:
            answer = serve(json.loads(line))
        except Exception:
            answer = {"broken": traceback.format_exc()}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


if __name__ == "__main__":
    main()
