"""What a batch costs: ``python tests/benchmarks/bench_batch.py``, and from that what 100,000 pairs would cost.

Runs ``stereo3d batch`` on the bundled scene's six pairs of 1280 x 960 with one worker of one thread (as each core of a
cluster would), then again, when everything is kept.  The table for N workers is arithmetic on these figures, not a
measurement: it takes the workers to be like this machine and the file system to keep up.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from stereo3d.cluster.page import duration
from stereo3d.cluster.plan import find_jobs
from stereo3d.read import bundled_scene

PAIRS = 100_000
WORKERS = (1, 8, 64, 512)


def batch(inputs: list[Path], out: Path) -> float:
    """Run it; returns its seconds."""
    started = time.perf_counter()
    command = [sys.executable, "-m", "stereo3d", "batch", *map(str, inputs), "-o", str(out)]
    subprocess.run([*command, "--workers", "1", "--threads", "1"], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def main() -> None:
    """Print what was measured, and the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("inputs", nargs="*", type=Path, help="other pairs than the bundled scene's")
    args = parser.parse_args()
    inputs = args.inputs or [bundled_scene()]
    settings = {"whole": False, "sky": True, "faces": None, "fill": False}
    find_jobs(inputs, settings, Path("no-such-folder"))  # the libraries are loaded now
    started = time.process_time()
    jobs = find_jobs(inputs, settings, Path("no-such-folder")).jobs
    plan_s = (time.process_time() - started) / len(jobs)
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        batch(inputs, out)
        with (out / "batch.csv").open(newline="", encoding="utf-8") as file:
            rows = [row for row in csv.DictReader(file) if row["state"] == "done"]
        kept_s = batch(inputs, out) / len(rows)
    columns = ("processor_seconds", "seconds", "megabytes", "peak_megabytes")
    values = np.array([[float(row[name]) for name in columns] for row in rows])
    processor_s, wall_s, megabytes, peak = np.median(values, axis=0)
    print(f"{len(rows)} pairs, one worker of one thread; medians")
    print(f"processor seconds per pair   {processor_s:8.1f}   (wall {wall_s:.1f} s on this machine as it was)")
    print(f"megabytes of products        {megabytes:8.1f}")
    print(f"peak megabytes               {peak:8.0f}   (largest {values[:, 3].max():.0f})")
    print(f"milliseconds to plan a pair  {1e3 * plan_s:8.1f}   (one process, before the work begins)")
    print(f"seconds to find a pair kept  {kept_s:8.2f}   (with the start of the program)")
    print(f"\n{PAIRS:,} pairs: {PAIRS * megabytes / 1e6:.1f} TB of products, planned in {duration(PAIRS * plan_s)}")
    print("workers   time        memory     written")
    for count in WORKERS:
        seconds = PAIRS * processor_s / count + PAIRS * plan_s
        written = PAIRS * megabytes / seconds
        print(f"{count:7d}   {duration(seconds):10s}  {count * peak / 1e3:6.0f} GB  {written:6.1f} MB/s")


if __name__ == "__main__":
    main()
