# Copyright: (c) 2026, the agfpd.iapeer_memory contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Draw what bench.py measured: cost against peers, hosts and fleets. python plot.py FOLDER, where its figures are."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("svg")
matplotlib.rcParams["svg.hashsalt"] = "bench"  # the same picture from the same figures
from matplotlib import pyplot  # noqa: E402

Curve = tuple[str, list[float], list[float]]


def main() -> int:
    """Draw what there are figures of."""
    folder = Path(sys.argv[1])
    fleets = json.loads((folder / "fleets.json").read_text(encoding="utf-8"))["fleets"]
    draw_fleets(folder / "fleets.svg", fleets)
    if (folder / "bench.json").exists():
        found = json.loads((folder / "bench.json").read_text(encoding="utf-8"))
        draw(folder / "bench-hosts.svg", "hosts", host_curves(found))
        draw(folder / "bench-peers.svg", "peers, both runtimes", peer_curves(found))
    return 0


def host_curves(found: dict[str, Any]) -> list[Curve]:
    """Whole runs against the number of hosts."""
    points = found["hosts"]
    curves: list[Curve] = []
    for name, title in (("pings", "eight pings"), ("verify", "verify"), ("update", "update")):
        measured = [(point["hosts"], point[name]["wall"]) for point in points]
        curves.append((title, [count for count, _wall in measured], [wall for _count, wall in measured]))
    return curves


def peer_curves(found: dict[str, Any]) -> list[Curve]:
    """Sweeps against the number of peers, the converged ones without what is taken off."""
    counts = [sweep["peers"] for sweep in found["sweeps"]]
    return [
        ("first sweep", counts, [sweep["first"]["wall"] for sweep in found["sweeps"]]),
        ("floor of a first sweep", counts, [sweep["writing"]["wall"] for sweep in found["sweeps"]]),
        ("converged sweep", counts, [sweep["sweep"]["spent"] for sweep in found["sweeps"]]),
        ("floor", counts, [sweep["floor"]["spent"] for sweep in found["sweeps"]]),
    ]


def draw(path: Path, what: str, curves: list[Curve]) -> None:
    """One picture, both axes logarithmic: what grows in proportion is a straight line."""
    figure, axes = pyplot.subplots(figsize=(7, 4.2))
    for title, counts, seconds in curves:
        axes.plot(counts, seconds, marker="o", label=title)
    axes.set(xscale="log", yscale="log", xlabel=what, ylabel="seconds")
    axes.grid(True, which="both", linewidth=0.3)
    axes.legend()
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    pyplot.close(figure)


def draw_fleets(path: Path, fleets: list[dict[str, Any]]) -> None:
    """Seconds and the controller's memory side by side: what grows in proportion is a straight line."""
    figure, sides = pyplot.subplots(ncols=2, figsize=(9, 3.6))
    counts = [fleet["hosts"] for fleet in fleets]
    for axes, key, unit, what in zip(sides, ("wall", "memory"), (1, 1e6), ("seconds", "memory of the controller, MB")):
        for name, title in (("ping", "a ping each"), ("update", "update, with reports")):
            axes.plot(counts, [fleet[name][key] / unit for fleet in fleets], marker="o", label=title)
        axes.set(xlabel="hosts", ylabel=what, xlim=(0, None), ylim=(0, None))
        axes.grid(True, linewidth=0.3)
        axes.legend()
    figure.savefig(path, metadata={"Date": None}, bbox_inches="tight")
    pyplot.close(figure)


if __name__ == "__main__":
    sys.exit(main())
