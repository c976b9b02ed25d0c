# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-test sanity on the checkout as it stands, committed or not.

ansible-test wants the collection in a real ansible_collections/NAMESPACE/NAME directory and skips everything, with
success, where that directory is ignored by git. So the files that git tracks, or would track, are copied into a
temporary directory outside the checkout: the tests too, which no release contains. The output is read to see that the
tests did run.

Its own environments stay in .cache/ansible-test-home. It makes them with a pip bootstrap it would download; the
stand-in put in its place needs nothing but a package index.

--brief leaves out what other tools have looked at already, and other Pythons than the one it runs on. Further
arguments go to ansible-test (for example --test pylint).
"""

from __future__ import annotations

import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
HOME = ROOT / ".cache" / "ansible-test-home"

# What must be among the tests that ran. The rest depends on what a release of ansible-test has.
EXPECTED = {
    "ansible-doc", "changelog", "compile", "empty-init", "import", "line-endings", "no-assert", "no-smart-quotes",
    "pep8", "pylint", "runtime-metadata", "shebang", "symlinks", "validate-modules", "yamllint",
}  # fmt: skip
# What --brief leaves out, and who looks at the same.
ELSEWHERE = {
    "compile": "ruff parses every file as Python 3.9 does",
    "pep8": "ruff's E and W, with the same line length or a shorter one",
    "pylint": "ruff's F, B and SIM, and mypy; the matrix runs it",
    "yamllint": "ansible-lint runs it, except on tests and changelogs; the matrix runs it on all",
    "shellcheck": "make lint runs it",
}
# What cannot be had here: the requirements of a release name an archive that is in no package index.
NOT_TO_BE_HAD = {"2.22": {"pylint"}}

# The bootstraps that the supported releases ask for. The stand-in fetches a pip once, and unpacks it into every
# environment that wants it.
GET_PIP_NAMES = ("get_pip_24_2.py", "get_pip_25_2.py")
GET_PIP = f"""\
import glob
import subprocess
import sys
import sysconfig
import zipfile

wheels = {str(HOME / "wheels")!r}
wanted = next(arg for arg in sys.argv[1:] if arg.startswith('pip=='))
pattern = wheels + '/' + wanted.replace('==', '-') + '-*.whl'
if not glob.glob(pattern):
    fetch = [{sys.executable!r}, '-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', wheels, wanted]
    subprocess.check_call(fetch)
with zipfile.ZipFile(glob.glob(pattern)[0]) as wheel:
    wheel.extractall(sysconfig.get_paths()['purelib'])
"""


def search_path() -> str:
    """PATH with this Python's tools first, and the versions behind a version manager's shims in place of the shims.

    ansible-test compiles and imports with every python3.N it finds, and fails on a shim that leads nowhere.
    """
    folders = [Path(folder) for folder in os.environ.get("PATH", os.defpath).split(os.pathsep)]
    real = [folder for folder in folders if folder.name != "shims"]
    behind = [bin_ for folder in folders if folder.name == "shims" for bin_ in folder.parent.glob("versions/*/bin")]
    return os.pathsep.join(map(str, [BIN, *real, *behind]))


def environment() -> dict[str, str]:
    """The environment of both programs: a home in the cache, and nothing of the caller's Ansible settings."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
    return {**env, "HOME": str(HOME), "ANSIBLE_HOME": str(HOME / ".ansible"), "PATH": search_path()}


def prepare_home() -> None:
    """Put the pip bootstrap where ansible-test keeps its download."""
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for name in GET_PIP_NAMES:
        (cache / name).write_text(GET_PIP, encoding="utf-8")


def copy_tracked(place: Path) -> None:
    """Copy what git tracks, or would track, into a folder."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--deduplicate", "-z"]
    names = subprocess.run(listing, cwd=ROOT, capture_output=True, check=True).stdout.decode().split("\0")
    for name in filter(None, names):
        if (ROOT / name).is_file():
            (place / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, place / name)


def run(argv: list[str], cwd: Path) -> tuple[int, str]:
    """Run a program and return its exit code and its output, which is shown while it runs."""
    with subprocess.Popen(
        argv, cwd=cwd, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    ) as process:  # fmt: skip
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            lines.append(line)
    return process.returncode, "".join(lines)


def core_series() -> str:
    """The release of ansible-core that this environment has, as 2.19."""
    return ".".join(importlib.metadata.version("ansible-core").split(".")[:2])


def main() -> int:
    """Copy, test, check that the tests ran."""
    words = sys.argv[1:]
    brief = "--brief" in words
    words = [word for word in words if word != "--brief"]
    left_out = {*NOT_TO_BE_HAD.get(core_series(), ()), *(ELSEWHERE if brief else ())}
    options = [f"--skip-test={name}" for name in sorted(left_out)]
    if brief:
        options.append(f"--python={sys.version_info.major}.{sys.version_info.minor}")
    for name in sorted(left_out):
        reason = ELSEWHERE[name] if brief and name in ELSEWHERE else "what it needs is in no package index"
        print(f"sanity: {name} is left out: {reason}")
    prepare_home()
    with tempfile.TemporaryDirectory(prefix="iapeer-memory-sanity-") as scratch:
        collection = Path(scratch) / "ansible_collections" / "agfpd" / "iapeer_memory"
        copy_tracked(collection)
        code, output = run([str(BIN / "ansible-test"), "sanity", "--color", "no", *options, *words], collection)
    ran = set(re.findall(r'^Running sanity test "([\w.-]+)"', output, re.MULTILINE))
    if code:
        return code
    missing = set() if words else EXPECTED - left_out - ran
    if missing or not ran:
        print(f"sanity: FAILED, these tests did not run: {', '.join(sorted(missing or EXPECTED))}", file=sys.stderr)
        return 1
    print(f"sanity: {len(ran)} tests passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
