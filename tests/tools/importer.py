# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Galaxy's own importer on a tarball: it must complete, and warn of nothing that is ours to mend."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SUCCESS = "Importer processing completed successfully"
COMPLAINT = re.compile(r"^(WARNING|ERROR|CRITICAL)\b.*", re.MULTILINE)


def main() -> int:
    """Import the tarball that the argument names; the importer's own temporary files go with a temporary folder."""
    tarball = str(Path(sys.argv[1]).resolve())
    bin_ = Path(sys.executable).parent
    with tempfile.TemporaryDirectory(prefix="iapeer-memory-importer-") as scratch:
        env = {name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")}
        env |= {"HOME": scratch, "PATH": f"{bin_}{os.pathsep}{os.environ['PATH']}"}
        command = [sys.executable, "-m", "galaxy_importer.main", tarball]
        done = subprocess.run(
            command, cwd=scratch, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, check=False,
        )  # fmt: skip
    print(done.stdout, end="")
    complaints = [match[0] for match in COMPLAINT.finditer(done.stdout)]
    if done.returncode or SUCCESS not in done.stdout or complaints:
        print(f"importer: FAILED, {len(complaints)} complaints, exit code {done.returncode}", file=sys.stderr)
        return 1
    print("importer: completed successfully, without a warning")
    return 0


if __name__ == "__main__":
    sys.exit(main())
