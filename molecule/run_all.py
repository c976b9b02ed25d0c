# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the scenarios, all or those that are named, two at a time: one line each, the whole output of one that fails.

Without a name there is one more, `integration`: what of the integration tests starts, signals and asks most, inside a
container. Always the collection is built and installed as a user gets it, the image is made, and a scenario is given a
container with a network, which must make it fail. Afterwards the containers are gone, and the account of this machine
is as it was. CONTAINER_ENGINE says podman or docker; JOBS how many run at once.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import functools
import os
import pwd
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

TOP = Path(__file__).resolve().parent.parent
SCENARIOS = sorted(path.parent.name for path in TOP.glob("molecule/*/molecule.yml"))
SHARED = TOP / "molecule" / "shared"
BIN = Path(sys.executable).parent
HOMES = TOP / ".ansible" / "molecule"
COLLECTIONS = HOMES / "collections"
LABEL = f"iapeer-memory-test={TOP}"
IMAGE = "localhost/iapeer-memory-test:1"
PATIENCE = 20  # seconds that a container engine may take to answer
LIMIT = 1200  # seconds for one scenario; half a minute where nothing else runs
# All of tests/integration takes longer than the scenarios together, and much of it is what they do already. These files
# are what they do not: the switch that forbids, looks at broken hosts, and the provider in turn with the collection.
INTEGRATION = "integration"
INSIDE = ("test_sandbox.py", "test_verify.py", "test_one_mind.py")
# What a caller has set for one of these would reach the plays.
FOREIGN = ("ANSIBLE_", "CLAUDE", "CODEX_", "IAPEER_", "MOLECULE_", "PEER_IDENTITY", "PYTHONPATH", "PYTHONHOME")
# The account, and what programs that run there write into it all the time by themselves.
LIVE = (".iapeer", ".claude", ".codex")
RESTLESS = re.compile(
    r"\.(claude/(projects|todos|shell-snapshots|statsig|debug|file-history|session-env|plans|history\.jsonl)"
    r"|codex/(sessions|log|tmp|history\.jsonl)"
    r"|iapeer/(logs|cache|run|state/iapeer-memory/memoryd\.heartbeat))(/|$)"
)
RUNNING: set[subprocess.Popen[str]] = set()
LEAK = "NOT ISOLATED: network devices other than loopback"


class Result(NamedTuple):
    """What came of one scenario."""

    name: str
    ok: bool
    seconds: float
    output: str


def answer(name: str) -> str:
    """Empty where the engine answers, else why it does not: a client without its service is no engine."""
    if not shutil.which(name):
        return f"{name} is not installed"
    try:
        done = subprocess.run(
            [name, "info"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=PATIENCE, check=False
        )
    except subprocess.TimeoutExpired:
        return f"{name} does not answer within {PATIENCE} s: is its service running?"
    lines = (done.stderr or done.stdout).strip().splitlines() or [f"exit code {done.returncode}"]
    return "" if done.returncode == 0 else f"{name} is installed and does not answer: {lines[-1]}"


@functools.cache
def engine() -> str:
    """The command of a container engine that answers, podman where both do; exits where there is none.

    With MOLECULE_REQUIRED=1 that is a failure, else the scenarios are skipped.
    """
    named = os.environ.get("CONTAINER_ENGINE")
    reasons = {name: answer(name) for name in ([named] if named else ("podman", "docker"))}
    found = next((name for name, reason in reasons.items() if not reason), None)
    if found is not None:
        return found
    required = os.environ.get("MOLECULE_REQUIRED") == "1"
    print(
        f"molecule: {'FAILED' if required else 'SKIPPED'}, no container engine: {'; '.join(reasons.values())}\n"
        "molecule: install podman (it needs no service) or start docker's; CONTAINER_ENGINE=podman|docker names one."
    )
    sys.exit(1 if required else 0)


def environment(scenario: str) -> dict[str, str]:
    """What molecule gets: a home of its own in the checkout, and nothing of the caller's settings."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(FOREIGN)}
    return {
        **env,
        "PATH": os.pathsep.join([str(BIN), env.get("PATH", os.defpath)]),
        "ANSIBLE_HOME": str(HOMES / scenario),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "XDG_CACHE_HOME": str(TOP / ".cache"),
        "CONTAINER_ENGINE": engine(),
        "NO_COLOR": "1",
        "PYTHONUNBUFFERED": "1",
    }


def run(argv: list[str], env: dict[str, str], limit: float = LIMIT) -> tuple[int, str]:
    """Exit code and output of a program, which is ended with all it started when it takes too long (seconds)."""
    with subprocess.Popen(
        [str(BIN / argv[0]), *argv[1:]],
        cwd=TOP,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as process:
        RUNNING.add(process)
        try:
            output, _none = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            end(process)
            output, _none = process.communicate()
            return 124, f"{output}\nended after {limit:g} s"
        finally:
            RUNNING.discard(process)
    return process.returncode, output


def end(process: subprocess.Popen[str]) -> None:
    """End a program and its process group: asked to first, because Ansible's workers have sessions of their own."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(process.pid, number)
            process.wait(5)


def scenario(name: str) -> Result:
    """The whole sequence of one scenario."""
    began = time.monotonic()
    code, output = run(["molecule", "test", "--scenario-name", name], environment(name))
    return Result(name, code == 0, time.monotonic() - began, output)


def with_a_network() -> Result:
    """The proof of the isolation can fail: a scenario whose container has the network of this machine must not run."""
    began = time.monotonic()
    env = {**environment("with_a_network"), "IAPEER_TEST_NETWORK": "host"}
    code, output = run(["molecule", "create", "--scenario-name", SCENARIOS[0]], env)  # and prepare
    _code, after = run(["molecule", "destroy", "--scenario-name", SCENARIOS[0]], env)
    stopped = code != 0 and LEAK in output and "Take the step" not in output
    return Result("(refused with a network)", stopped, time.monotonic() - began, output + after)


def integration() -> Result:
    """Some of the integration tests without a network, where the machine has no account and nothing can be written.

    Of this machine there is the checkout and the Python that runs this, both to be read only.
    """
    began = time.monotonic()
    env = environment(INTEGRATION)
    container = [shutil.which(engine()) or engine(), "run", "--rm", "--network", "none", "--stop-signal", "KILL"]
    container += ["--env-file", str(SHARED / "login.env"), "--label", LABEL, "--security-opt", "label=disable"]
    if run([*container, IMAGE, "true"], env)[0] != 0:
        env["CONTAINERS_CONF"] = str(SHARED / "containers.conf")
    container += [f"--volume={place}:{place}:ro" for place in read_only()]
    cache = TOP / ".cache"
    cache.mkdir(exist_ok=True)  # without which nothing can be mounted there
    container.append(f"--volume={cache}")  # one of its own, empty
    # The shell stays, because somebody has to take the exit codes of what the tests leave behind.
    script = 'python3 molecule/shared/inside/isolation.py && "$@"; exit $?'
    tests = [f"tests/integration/{name}" for name in INSIDE]
    pytest = [sys.executable, "-B", "-m", "pytest", "-q", "-n", "0", *tests]
    code, output = run([*container, "--workdir", str(TOP), IMAGE, "sh", "-c", script, "sh", *pytest], env)
    return Result(INTEGRATION, code == 0, time.monotonic() - began, output)


def read_only() -> list[Path]:
    """What the tests need of this machine, without what lies in another of these folders."""
    places = {TOP, Path(sys.prefix), Path(sys.base_prefix)}
    return sorted(place for place in places if not places.intersection(place.parents))


def account() -> dict[str, tuple[int, int, int]]:
    """Kind, size and time in ns of every path of the live account that the collection could write to.

    A checkout that lies in there is left out.
    """
    found = {}
    home = Path(pwd.getpwuid(os.getuid()).pw_dir).resolve()
    for folder, folders, files in (entry for name in LIVE for entry in os.walk(home / name)):
        here = Path(folder)
        folders[:] = [name for name in folders if here / name != TOP and not restless(home, here / name)]
        for path in [here, *(here / name for name in files + folders)]:
            with contextlib.suppress(FileNotFoundError):
                info = path.lstat()
                if not restless(home, path):
                    # The time of a folder tells only of its direct entries, and those are listed themselves.
                    changed = 0 if path.is_dir() and not path.is_symlink() else info.st_mtime_ns
                    found[str(path)] = (info.st_mode, 0 if changed == 0 else info.st_size, changed)
    return found


def restless(home: Path, path: Path) -> bool:
    return bool(RESTLESS.match(str(path.relative_to(home))))


@contextlib.contextmanager
def unchanged_account() -> Iterator[list[str]]:
    """Yields a list that afterwards holds the paths of the account that are not as they were."""
    changes: list[str] = []
    before = account()
    yield changes
    after = account()
    changes += sorted(path for path in before.keys() | after.keys() if before.get(path) != after.get(path))


def remove_containers() -> None:
    """Remove what is left of this checkout's containers, after a run that was broken off too."""
    listing = subprocess.run(
        [engine(), "ps", "--all", "--quiet", "--filter", f"label={LABEL}"], capture_output=True, text=True, check=False
    )
    for name in listing.stdout.split():
        subprocess.run([engine(), "rm", "--force", "--volumes", name], capture_output=True, check=False)


def setup() -> None:
    """Install the collection from what a build of it holds, and make the image; exits where that fails."""
    shutil.rmtree(HOMES, ignore_errors=True)
    env = environment("setup")
    galaxy = ["ansible-galaxy", "collection", "install", "--force", "--no-deps", str(TOP), "-p", str(COLLECTIONS)]
    image = ["python", str(TOP / "molecule" / "shared" / "make_image.py"), engine(), IMAGE]
    for argv in (galaxy, image):
        code, output = run(argv, env)
        if code:
            sys.exit(f"molecule: {' '.join(argv)} failed:\n{output}")


def report(result: Result) -> None:
    """One line, and the output of a failure."""
    print(f"molecule: {'ok    ' if result.ok else 'FAILED'} {result.name:26} {result.seconds:6.1f} s", flush=True)
    if not result.ok:
        print(result.output, flush=True)


def run_all(names: list[str]) -> list[Result]:
    """The results in the order in which they came."""
    results = []
    jobs = int(os.environ.get("JOBS") or 2)
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        # The longest first.
        work = [pool.submit(integration)] if INTEGRATION in names else []
        work += [pool.submit(scenario, name) for name in names if name != INTEGRATION]
        work += [pool.submit(with_a_network)]
        try:
            for done in concurrent.futures.as_completed(work):
                results.append(done.result())
                report(results[-1])
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in list(RUNNING):
                end(process)
            raise
    return results


def main() -> int:
    known = [*SCENARIOS, INTEGRATION]
    names = sys.argv[1:] or known
    unknown = set(names) - set(known)
    if unknown or not SCENARIOS:
        sys.exit(f"molecule: no scenario {', '.join(sorted(unknown))}; there are: {', '.join(known)}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    engine()
    began = time.monotonic()
    try:
        with unchanged_account() as changes:
            setup()
            results = run_all(names)
    finally:
        remove_containers()
    for path in changes:
        print(f"molecule: FAILED, this machine's account was changed: {path}")
    failed = [result.name for result in results if not result.ok]
    if failed or changes or len(results) <= len(names):
        print(f"molecule: FAILED: {', '.join(failed) or 'see above'}")
        return 1
    print(f"molecule: {len(names)} scenarios passed in {time.monotonic() - began:.0f} s; the account is as it was")
    return 0


if __name__ == "__main__":
    sys.exit(main())
