# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Make the test image, unless there is one. `python make_image.py ENGINE IMAGE`.

On Debian and Ubuntu the image is made of files of packages that this machine has: no registry, no network, seconds.
Elsewhere, or with PULL_IMAGE set to its name, a public image with Python is pulled.
"""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tarfile
import tempfile

PULL = "docker.io/library/python:3.12-slim"
WANT = """
    base-files base-passwd bash ca-certificates coreutils dash debianutils diffutils findutils grep gzip hostname
    libc-bin login mawk ncurses-bin passwd procps python3 sed tar util-linux
"""
DEPENDS = "depends --recurse --installed --no-recommends --no-suggests --no-conflicts --no-breaks --no-replaces"
SKIP = re.compile(r"/(usr/share/(doc|man|locale|info|lintian|bug|zoneinfo)|var/lib/dpkg)(/|$)")
EXTRA = """
    /bin /sbin /lib /lib64 /usr/bin/awk /usr/bin/which /bin/sh /etc/ld.so.cache /etc/nsswitch.conf
    /etc/ssl/certs/ca-certificates.crt
"""


def out(*argv: str) -> str:
    """What a command prints; nothing where it fails."""
    done = subprocess.run(argv, check=False, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return done.stdout


def packages() -> list[str]:
    """The installed ones of WANT and of what they depend on."""
    depends = out("apt-cache", *DEPENDS.split(), "--no-enhances", *WANT.split()).splitlines()
    names = sorted({line for line in depends if re.match("[a-z0-9]", line)} | set(WANT.split()))
    status = out("dpkg-query", "-W", "-f", "${db:Status-Abbrev} ${binary:Package}\n", *names)
    return [line.split()[1] for line in status.splitlines() if line.startswith("ii")]


def paths() -> list[str]:
    """The files of the packages, where a merged /usr has them, and the alternatives they go through."""
    found: dict[str, None] = {}
    for listed in [*EXTRA.split(), *out("dpkg-query", "-L", *packages()).split("\n")]:
        if not listed.startswith("/") or listed == "/." or SKIP.match(listed) or not os.path.lexists(listed):
            continue
        path = os.path.join(os.path.realpath(os.path.dirname(listed)), os.path.basename(listed))
        found[path] = None
        while os.path.islink(path):  # /usr/bin/awk -> /etc/alternatives/awk -> mawk
            path = os.path.normpath(os.path.join(os.path.dirname(path), os.readlink(path)))
            if not path.startswith("/etc/alternatives/"):
                break
            found[path] = None
    return list(found)


def accounts(tar: tarfile.TarFile) -> None:
    """The accounts of a fresh system, not those of this machine."""
    for name in ("passwd", "group"):
        with open(f"/usr/share/base-passwd/{name}.master", "rb") as handle:
            data = handle.read().replace(b"root:*:", b"root:x:")
        info = tarfile.TarInfo(f"etc/{name}")
        info.size, info.mode = len(data), 0o644
        tar.addfile(info, io.BytesIO(data))


def make(engine: str, image: str) -> int:
    """Import an image of this machine's packages."""
    with tempfile.TemporaryFile() as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            for path in paths():
                tar.add(path, arcname=path.lstrip("/"), recursive=False)
            accounts(tar)
        file.seek(0)
        return subprocess.run([engine, "import", "-", image], stdin=file, check=False).returncode


def main() -> int:
    engine, image = sys.argv[1:3]
    inspect = [engine, "image", "inspect", image]
    if subprocess.run(inspect, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0:
        return 0
    print("made", image, flush=True)
    pull = os.environ.get("PULL_IMAGE")
    if not pull and os.path.exists("/usr/bin/dpkg-query") and os.path.exists("/usr/bin/python3"):
        return make(engine, image)
    subprocess.run([engine, "pull", pull or PULL], check=True)
    return subprocess.run([engine, "tag", pull or PULL, image], check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
