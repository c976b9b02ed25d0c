# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prove from inside a container that nothing of the outside can be reached, and that the sandbox is armed.

Prints what it found and ends with exit code 1 where any of it is a way out.
"""

from __future__ import annotations

import os
import socket
import sys
import time
from collections.abc import Sequence
from typing import NamedTuple

NET = "/sys/class/net"
ROUTES, ROUTES_6 = "/proc/net/route", "/proc/net/ipv6_route"
NAMES = ("example.com", "github.com")
# Public resolvers, the address of a cloud's metadata, and what engines call or number the machine they run on.
ADDRESSES = ("1.1.1.1", "8.8.8.8", "2606:4700:4700::1111", "169.254.169.254") + (
    "host.containers.internal",
    "host.docker.internal",
    "10.88.0.1",
    "172.17.0.1",
)
PORTS = (53, 443)
AT_ONCE = 2.0  # seconds; without a route the kernel refuses in microseconds
SOCKETS = ("/var/run/docker.sock", "/run/docker.sock", "/run/podman/podman.sock", "/run/containerd/containerd.sock")


class Findings(NamedTuple):
    """What can be seen of the outside."""

    devices: Sequence[str]
    routes: Sequence[str]
    resolved: Sequence[str]
    connected: Sequence[str]
    slow: Sequence[str]
    sockets: Sequence[str]
    armed: bool


def problems(found: Findings) -> list[str]:
    """Every way out among the findings, one line each; an isolated container has none."""
    lines = []
    if list(found.devices) != ["lo"]:
        lines.append(f"network devices other than loopback: {', '.join(found.devices) or 'not even loopback'}")
    lines += [f"a route: {route}" for route in found.routes]
    lines += [f"a name was resolved: {name}" for name in found.resolved]
    lines += [f"a connection was made: {address}" for address in found.connected]
    lines += [f"a connection was not refused at once: {address}" for address in found.slow]
    lines += [f"the socket of a container engine: {path}" for path in found.sockets]
    if not found.armed:
        lines.append("the sandbox is not armed: IAPEER_TEST_SANDBOX is not 1")
    return lines


def look() -> Findings:
    """Look at everything; where there is a device that leads out, no name is asked for and nobody connected to."""
    devices = sorted({name for _number, name in socket.if_nameindex()} | set(os.listdir(NET)))
    alone = devices == ["lo"]
    tried = [(address, port, *connect(address, port)) for address in ADDRESSES for port in PORTS if alone]
    return Findings(
        devices=devices,
        routes=routes(),
        resolved=[name for name in NAMES if alone and resolves(name)],
        connected=[f"{address} port {port}" for address, port, made, _seconds in tried if made],
        slow=[f"{address} port {port}: {s:.1f} s" for address, port, _made, s in tried if s > AT_ONCE],
        sockets=[path for path in SOCKETS if os.path.exists(path)],
        armed=os.environ.get("IAPEER_TEST_SANDBOX") == "1",
    )


def routes() -> list[str]:
    """Every route but those of the loopback device."""
    with open(ROUTES, encoding="ascii") as handle:
        found = handle.read().splitlines()[1:]
    if os.path.exists(ROUTES_6):
        with open(ROUTES_6, encoding="ascii") as handle:
            found += [line for line in handle.read().splitlines() if line.split()[-1] != "lo"]
    return [" ".join(line.split()) for line in found]


def resolves(name: str) -> bool:
    try:
        return bool(socket.getaddrinfo(name, 443))
    except OSError:
        return False


def connect(address: str, port: int) -> tuple[bool, float]:
    """Whether a connection came about, and the seconds it took to know."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    began = time.monotonic()
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.settimeout(AT_ONCE * 1.5)
            probe.connect((address, port))
        made = True
    except OSError:
        made = False
    return made, time.monotonic() - began


def main() -> int:
    found = look()
    ways_out = problems(found)
    for line in ways_out:
        print(f"NOT ISOLATED: {line}")
    if not ways_out:
        print("isolated: only lo, no route, no names, every connection refused at once, the sandbox armed")
    return 1 if ways_out else 0


if __name__ == "__main__":
    sys.exit(main())
