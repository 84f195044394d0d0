"""Cost against size: seconds and memory from a pair in memory to XYZ over four sizes, up to a whole sensor.

    python tests/benchmarks/bench_scale.py [COLUMNS ...]        (640 1280 2560 5120)

The pair is the bundled scene, reduced or enlarged (with fresh noise): the work is that of a real frame of that size,
the ground is not sharper, so no accuracy is told.  Each size runs in a process of its own.  The last column sets the
time beside what memory bandwidth alone would allow: every input pixel read once, every product written once.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from stereo3d.camera import CAHVORE
from stereo3d.image import Image
from stereo3d.observation import Observation
from stereo3d.pipeline import reconstruct
from stereo3d.read import read_scene
from stereo3d.scene import Scene
from stereo3d.stereo.levels import enlarged, reduced

BYTES_PER_PIXEL = 2 * 3 + 3 * 4 + 3 * 4 + 2
"""Both colour images in; XYZ, range, sigma, gap and reason out."""


def enlarged_eye(o: Observation, factor: int) -> Observation:
    """The observation with ``factor`` times the pixels along each side, and noise of 1 DN."""
    c = o.camera
    assert isinstance(c, CAHVORE)
    camera = enlarged(c, factor)
    pixels = cv2.resize(np.asarray(o.image.pixels), None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(1).normal(0, 1, pixels.shape[:2]).astype(np.float32)
    pixels = np.clip(pixels + noise[..., None], 0, 255).astype(np.uint8)
    return replace(o, camera=camera, image=Image(pixels, np.ones(pixels.shape[:2], dtype=bool)))


def measure(columns: int) -> None:
    """Run one size and print its figures as JSON."""
    pair = read_scene([]).pairs[0]
    width = pair.left.camera.width
    if columns < width:
        small = reduced(pair, width // columns)
        eyes = small.left, small.right
    elif columns > width:
        eyes = enlarged_eye(pair.left, columns // width), enlarged_eye(pair.right, columns // width)
    else:
        eyes = pair.left, pair.right
    reconstruct(Scene("warm", (pair.left, pair.right)))  # compiles, if it must
    began = time.perf_counter()
    result = reconstruct(Scene("size", eyes))
    seconds = time.perf_counter() - began
    stages = result.report.seconds
    to_xyz = seconds - stages["meshing"] - stages["reporting"]
    from stereo3d.export.products import peak_memory_mb

    pixels = eyes[0].camera.width * eyes[0].camera.height
    print(json.dumps({"pixels": pixels, "seconds": to_xyz, "memory": peak_memory_mb(), "stages": stages}))


def bandwidth() -> float:
    """Bytes per second that a copy of a large array moves (read and written), best of five."""
    source = np.ones(1 << 27, dtype=np.uint8)
    target = np.empty_like(source)
    best = np.inf
    for _ in range(5):
        began = time.perf_counter()
        np.copyto(target, source)
        best = min(best, time.perf_counter() - began)
    return 2 * source.size / best


def main() -> None:
    """Print the table."""
    if sys.argv[1:2] == ["--one"]:
        measure(int(sys.argv[2]))
        return
    table = Table(title="From images in memory to XYZ")
    for name in ("columns", "Mpx", "seconds", "s per Mpx", "peak MB", "refining s", "x bandwidth bound"):
        table.add_column(name, justify="right")
    rate = bandwidth()
    for columns in [int(a) for a in sys.argv[1:]] or (640, 1280, 2560, 5120):
        out = subprocess.run(
            [sys.executable, __file__, "--one", str(columns)], capture_output=True, text=True, check=True
        ).stdout
        found = json.loads(out.splitlines()[-1])
        mpx = found["pixels"] / 1e6
        bound = found["pixels"] * BYTES_PER_PIXEL / rate
        table.add_row(
            str(columns),
            f"{mpx:.1f}",
            f"{found['seconds']:.1f}",
            f"{found['seconds'] / mpx:.1f}",
            f"{found['memory']:.0f}",
            f"{found['stages']['refining']:.1f}",
            f"{found['seconds'] / bound:.0f}",
        )
    console = Console(width=120)
    console.print(table)
    console.print(f"memory bandwidth measured: {rate / 1e9:.1f} GB/s of copying")


if __name__ == "__main__":
    main()
