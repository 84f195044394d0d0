"""Many pairs in one process: does its memory grow?  ``python tests/benchmarks/bench_soak.py --count 200``

Simulated pairs of a few worlds, in turn, each measured and written as ``stereo3d batch`` does it in a child process.
Compares the resident memory between tasks after a warm-up with that at the end; exits with 1 when it grew by more than
``--most`` per cent.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import numpy as np
import psutil

from stereo3d.cli.batch_work import make_products
from stereo3d.cluster.child import done, share_arenas
from stereo3d.cluster.plan import find_jobs
from stereo3d.simulate.scene_writer import write_scene

SETTINGS = {"whole": False, "sky": True, "faces": None, "fill": False}
WORLDS = 5
WARM_UP = 20
"""Tasks before the memory is taken for the first time: libraries load and allocators fill up."""


def soak(folder: Path, count: int, binning: int) -> list[float]:
    """The resident memory, MB, after each of ``count`` pairs."""
    for seed in range(WORLDS):
        write_scene(folder / "in" / f"world{seed}", seed + 1, samples=1, binning=binning)
    jobs = find_jobs([folder / "in"], SETTINGS, folder / "out").jobs
    process = psutil.Process()
    found = []
    for number in range(count):
        job = jobs[number % len(jobs)]
        order = {"job": asdict(job), "folder": str(folder / "out"), "token": "soak", "key": str(number)}
        answer = done(make_products, order)
        assert not answer, answer
        found.append(process.memory_info().rss / 1e6)
        if number % max(1, count // 20) == 0:
            print(f"after {number + 1:4d} pairs: {found[-1]:7.1f} MB", flush=True)
    return found


def growth(megabytes: list[float]) -> tuple[float, float]:
    """The memory after the warm-up and at the end, MB: medians over whole turns of the worlds."""
    window = max(WORLDS, min(20, (len(megabytes) - WARM_UP) // 3) // WORLDS * WORLDS)
    return float(np.median(megabytes[WARM_UP : WARM_UP + window])), float(np.median(megabytes[-window:]))


def main() -> int:
    """Print the memory and its growth; 1 when that is too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--binning", type=int, default=16, help="sensor pixels per image pixel (16: 320 x 240)")
    parser.add_argument("--most", type=float, default=5.0, help="per cent")
    args = parser.parse_args()
    started = time.perf_counter()
    share_arenas()
    with tempfile.TemporaryDirectory() as folder:
        found = soak(Path(folder), args.count, args.binning)
    first, last = growth(found)
    grown = 100.0 * (last / first - 1.0)
    print(f"{first:.1f} MB after the warm-up, {last:.1f} MB at the end: {grown:+.2f} %")
    print(f"{args.count} pairs in {time.perf_counter() - started:.0f} s, {os.cpu_count()} cores")
    return int(grown > args.most)


if __name__ == "__main__":
    sys.exit(main())
