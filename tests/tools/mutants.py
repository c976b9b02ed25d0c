# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Do the unit tests of a file notice when it says something else? Mutants of module_utils, each against those tests.

First the known ones (known_mutants.py): each has to die. Then a seeded sample of all others; what survives is printed,
to be judged: many a survivor means the same as the code. That is no failure; a file whose tests fail as it is, a known
one that survives, and an anchor that is not in its file just once are.

Everything happens in copies of the checkout; where the system allows it, in a process namespace too: a mutant may
signal and remove what it should not. SEED=N repeats a sample (without it, one is drawn and said), COUNT=N sets its size
(40; 0: the known ones alone), JOBS=N how many run at once, ONLY=TEXT leaves out files without the text in their path.

Of one's own, because the libraries mutate one package in place with one command of tests for all of it; here each file
has tests of its own, below another root.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue
from typing import NamedTuple

from known_mutants import KNOWN, Known
from mutator import is_python, mutants_of

TOP = Path(__file__).resolve().parents[2]
UTILS, TESTS = "plugins/module_utils", "tests/unit/plugins/module_utils"
LINK = ".tree/ansible_collections/agfpd/iapeer_memory"
TEXTS = "_forms/content/"  # texts for people and agents, no code
# Where the tests of a file are besides those under its own name.
ELSEWHERE = {
    "_documents/errors": ("_documents/test_json_document", "_documents/test_toml_document"),
    "_documents/json_spans": ("_documents/test_json_document",),
    "_documents/json_values": ("_documents/test_json_document", "_surfaces/test_legacy_plugin"),
    "_documents/literal": ("_documents/test_json_document", "_documents/test_toml_document"),
    "_documents/toml_scan": ("_documents/test_toml_document",),
    "_doorway/attributes": ("_doorway/test_foresight",),
    "_doorway/drafts": ("_doorway/test_files",),
    "_doorway/folders": ("_doorway/test_files",),
    "_doorway/handles": ("_doorway/test_folders", "_doorway/test_files"),
    "_doorway/problem": ("_doorway/test_reader", "_doorway/test_files"),
    "_doorway/processes": ("_doorway/test_egress",),
    "_doorway/spelling": ("_doorway/test_reader", "_doorway/test_folders", "_doorway/test_sandbox"),
    "_forms/ahead": ("_look/test_look", "_things/test_binary"),
    "_forms/bundled": ("_forms/test_content", "_things/test_provider_files", "_things/test_slot"),
    "_forms/forms": ("_forms/test_learned",),
    "_forms/scratch": ("_forms/test_learned", "_forms/test_first_day"),
    "_host/config": ("_host/test_host",),
    "_host/core": ("_things/test_fleet_map", "_things/test_triggers"),
    "_host/paths": ("_host/test_host",),
    "_host/results": ("test_door", "_things/test_slot"),
    "_host/roles": ("_things/test_doctrines", "_things/test_wake_policy"),
    "_host/versions": ("_things/test_binary",),
    "_look/arrivals": ("_look/test_look", "_things/test_setup"),
    "_look/plan": ("_look/test_look",),
    "_look/removals": ("_look/test_leaving",),
    "_look/step": ("_look/test_look", "_look/test_leaving"),
    "_look/steps": ("_look/test_look",),
    "_surfaces/peers": ("_surfaces/test_sweep",),
    "_surfaces/plan": ("_surfaces/test_claude", "_surfaces/test_codex"),
    "_surfaces/plugin_settings": ("_surfaces/test_legacy_plugin",),
    "_surfaces/seats": ("_surfaces/test_sweep",),
    "_things/binary": ("_look/test_leaving",),
    "_things/comeback": ("_things/test_memoryd",),
    "_things/crew": ("_things/test_setup",),
    "_things/daemon": ("_things/test_memoryd",),
    "_things/guide": ("_things/test_provider_files", "_things/test_setup"),
    "_things/launcher": ("_things/test_provider_files", "test_unseen"),
    "_things/native_memory": ("_things/test_setup",),
    "_things/provider_files": ("_look/test_leaving",),
    "_things/ran_from": ("_things/test_memoryd",),
    "_things/templates": ("_things/test_provider_files",),
    "_things/trigger_plan": ("_things/test_triggers",),
    "_things/vault": ("_things/test_setup", "test_unseen"),
    "_things/version": ("_things/test_slot", "_things/test_doctrines"),
    "_things/verdicts": ("_things/test_memoryd",),
}
SPARE_SECONDS = 30
RUNNING: set[subprocess.Popen[bytes]] = set()
MEMORY_BYTES = 4 << 30  # what a mutant may take
# Two shells, so that the tests are neither its first process nor that one's child.
NAMESPACE = (
    *("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "setsid"),
    *("sh", "-c", '"$@"; exit $?', "sh"),
)


class Candidate(NamedTuple):
    """A mutant to be tried: its file below module_utils, the whole text before and with it, what is changed.

    known: it has to die.
    """

    name: str
    before: bytes
    source: bytes
    what: str
    known: bool


def tests_of(name: str) -> list[str]:
    """The test files of a file of module_utils, as paths in the checkout."""
    floor, leaf = os.path.split(name)
    own = f"{TESTS}/{os.path.join(floor, f'test_{leaf}')}"
    others = [f"{TESTS}/{test}.py" for test in ELSEWHERE.get(name.removesuffix(".py"), ())]
    return [*([own] if (TOP / own).is_file() else []), *others]


def subjects() -> list[str]:
    """The files that are mutated, below module_utils."""
    paths = sorted(path for path in (TOP / UTILS).rglob("*.py") if path.stat().st_size)
    names = [path.relative_to(TOP / UTILS).as_posix() for path in paths]
    return [name for name in names if not name.startswith(TEXTS)]


def read(name: str) -> bytes:
    return (TOP / UTILS / name).read_bytes()


def known_candidate(known: Known) -> Candidate:
    """A known mutant. Raises ValueError where its anchor is not in its file just once, or what comes out is no code."""
    source, old = read(known.file), known.old.encode()
    if source.count(old) != 1:
        raise ValueError(f"{known.file}: {known.says}: its anchor is there {source.count(old)} times: {known.old!r}")
    mutated = source.replace(old, known.new.encode())
    if not is_python(mutated):
        raise ValueError(f"{known.file}: {known.says}: no Python: {known.new!r}")
    return Candidate(known.file, source, mutated, known.says, True)


def sample(names: list[str], seed: int, count: int) -> list[Candidate]:
    """So many of all mutants of the files, always the same for a seed."""
    sources = {name: read(name) for name in names}
    pool = [(name, mutant) for name, source in sources.items() for mutant in mutants_of(source)]
    random.Random(seed).shuffle(pool)
    found: list[Candidate] = []
    for name, mutant in pool:
        if len(found) == count:
            break
        mutated = mutant.of(sources[name])
        if is_python(mutated):
            found.append(Candidate(name, sources[name], mutated, mutant.what, False))
    return found


def told(candidate: Candidate) -> str:
    """The lines that a mutant changes."""
    before, after = (text.decode().splitlines() for text in (candidate.before, candidate.source))
    lines = list(difflib.unified_diff(before, after, n=0, lineterm=""))[2:]
    first = lines[0].split()[1].lstrip("-").partition(",")[0]
    changed = "\n".join(f"    {line}" for line in lines[1:] if not line.startswith("@@"))
    return f"{UTILS}/{candidate.name}:{first}: {candidate.what}\n{changed}"


class Bench:
    """A copy of the checkout in which mutants are tried, one after the other; pristine: one that nobody touches."""

    def __init__(self, base: Path, pristine: Path, namespace: bool) -> None:
        self._top, self._temp, self._pristine, self._namespace = base / "copy", base / "tmp", pristine, namespace
        self._temp.mkdir(mode=0o1777, parents=True)
        base.chmod(0o755)  # tests become somebody else
        self._names = [path.relative_to(pristine) for path in pristine.rglob("*") if path.is_file()]
        for name in self._names:
            bring(pristine, self._top, name)
        link = self._top / LINK
        link.parent.mkdir(parents=True)
        link.symlink_to("../../..")
        self._clock = time.time()

    def run(self, name: str, source: bytes, limit: float) -> tuple[int | None, float, str]:
        """The tests of a file with another text: pytest's exit code (None: not done in time), the seconds, the output.

        limit in seconds.
        """
        path = self._top / UTILS / name
        path.write_bytes(source)
        self._clock += 2
        os.utime(path, (self._clock,) * 2)  # what was compiled of it before is not taken for it
        words = [sys.executable, "-m", "pytest", "-x", "-q", *tests_of(name)]
        began = time.monotonic()
        try:
            code, output = self._pytest(words, limit)
        finally:
            self._heal()
        return code, time.monotonic() - began, output

    def _pytest(self, words: list[str], limit: float) -> tuple[int | None, str]:
        bounds = f'ulimit -v {MEMORY_BYTES >> 10}; "$@"; exit $?'
        argv = [*(NAMESPACE if self._namespace else ()), "sh", "-c", bounds, "sh", *words]
        env = {**os.environ, "TMPDIR": str(self._temp), "HOME": str(self._temp)}
        with tempfile.TemporaryFile() as output:
            process = subprocess.Popen(
                argv, cwd=self._top, env=env, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                start_new_session=True,
            )  # fmt: skip
            RUNNING.add(process)
            try:
                code: int | None = process.wait(limit)
            except subprocess.TimeoutExpired:
                code = None
            finally:
                RUNNING.discard(process)
                if process.poll() is None:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
            output.seek(0)
            return code, output.read().decode("utf-8", "replace")

    def _heal(self) -> None:
        """Undo whatever happened to the copy."""
        for name in self._names:
            with contextlib.suppress(OSError):
                if looks(self._top / name) == looks(self._pristine / name):
                    continue
            bring(self._pristine, self._top, name)
        for left in self._temp.iterdir():
            shutil.rmtree(left, ignore_errors=True)


def looks(path: Path) -> tuple[int, int, int]:
    status = path.lstat()
    return (status.st_size, status.st_mtime_ns, status.st_mode)


def bring(source: Path, target: Path, name: Path) -> None:
    """Copy a file with its times from one folder into another."""
    (target / name).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(source / name, target / name)


def checkout(folder: Path) -> Path:
    """A copy of this checkout as it is now: it may be worked on meanwhile."""
    words = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"]
    listed = subprocess.run(words, cwd=TOP, capture_output=True, check=True).stdout.decode().split("\0")
    for name in [name for name in listed if name and (TOP / name).is_file()]:
        bring(TOP, folder, Path(name))
    return folder


class Trial:
    """The run of all candidates over some benches, and what came of it."""

    def __init__(self, benches: list[Bench]) -> None:
        self._free: SimpleQueue[Bench] = SimpleQueue()
        for bench in benches:
            self._free.put(bench)
        self.limits: dict[str, float] = {}
        self.broken: list[str] = []
        self.survivors: list[Candidate] = []
        self.late = 0

    def _run(self, name: str, source: bytes, limit: float) -> tuple[int | None, float, str]:
        bench = self._free.get()
        try:
            return bench.run(name, source, limit)
        finally:
            self._free.put(bench)

    def measure(self, name: str, source: bytes) -> None:
        """How long the tests of a file take as it is; they have to pass."""
        code, seconds, output = self._run(name, source, 600)
        self.limits[name] = SPARE_SECONDS + 3 * seconds
        if code != 0:
            self.broken.append(name)
            print(f"{output}\nmutants: the tests of {name} FAIL as it is (exit code {code})", flush=True)

    def attempt(self, candidate: Candidate) -> None:
        """Whether the tests notice."""
        code, _seconds, output = self._run(candidate.name, candidate.source, self.limits[candidate.name])
        print("." if code else "!", end="", flush=True)
        if code == 0:
            self.survivors.append(candidate)
            print(f"\nSURVIVED {told(candidate)}", flush=True)
        elif code is None:
            self.late += 1
        elif code not in (1, 2, 3):  # failed, could not be imported, crashed pytest itself
            self.broken.append(candidate.name)
            print(f"{output}\nmutants: exit code {code} of the tests of {told(candidate)}", flush=True)


def works(*words: str) -> bool:
    """Whether a command can be run and succeeds."""
    try:
        return subprocess.run([*words, "true"], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def stop(number: int, _frame: object) -> None:
    """End what runs, then ourselves: whoever stops us does not reach the sessions of the tests."""
    for process in list(RUNNING):
        os.killpg(process.pid, signal.SIGKILL)
    sys.exit(128 + number)


def main() -> int:
    """Try the known ones and the sample; tell what survived."""
    seed = int(os.environ.get("SEED") or random.randrange(10**6))
    count, jobs = int(os.environ.get("COUNT") or 40), int(os.environ.get("JOBS") or 2)
    only = os.environ.get("ONLY", "")
    names = [name for name in subjects() if only in name]
    candidates = [known_candidate(known) for known in KNOWN if only in known.file] + sample(names, seed, count)
    print(f"mutants: {len(candidates)} to be tried, SEED={seed}", flush=True)
    namespace, sources = works(*NAMESPACE), {item.name: item.before for item in candidates}
    with tempfile.TemporaryDirectory(prefix="iapeer-memory-mutants-") as base, ThreadPoolExecutor(jobs) as pool:
        os.chmod(base, 0o755)
        pristine = checkout(Path(base, "pristine"))
        trial = Trial([Bench(Path(base, str(number)), pristine, namespace) for number in range(jobs)])
        try:
            list(pool.map(trial.measure, sources.keys(), sources.values()))
            print(f"mutants: the tests of {len(trial.limits) - len(trial.broken)} files pass as they are", flush=True)
            list(pool.map(trial.attempt, [item for item in candidates if item.name not in trial.broken]))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    spared = [item for item in trial.survivors if item.known]
    drawn = len(trial.survivors) - len(spared)
    print(
        f"mutants: {len(candidates)} tried, {trial.late} of them stopped by the time limit; of the sample "
        f"(SEED={seed}) {drawn} survived, of the {sum(item.known for item in candidates)} known ones {len(spared)}"
    )
    return 1 if spared or trial.broken else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    sys.exit(main())
