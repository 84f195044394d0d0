"""Frames a second of the window: python tests/benchmarks/bench_window.py [--cache FOLDER] [--size 1280x720]

Prints figures and asserts none.  The bundled scene's six pairs as one ground (kept in --cache), drawn off the screen by
the same stage that the window draws with, at each level of detail, in each mode, while the view turns a degree a
picture; then as a person has it: the window chooses the level while drags move the view.  A picture counts from the
move to the pixels being there.  What OpenGL draws with is printed: without a graphics card it is Mesa's llvmpipe.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from stereo3d.pipeline import GroundReconstruction, reconstruct_scene
from stereo3d.read.inputs import read_pairs
from stereo3d.store import Store
from stereo3d.view.window import Window

MODES = ("orbit", "walk", "fly", "top", "red-cyan")


def six_pairs(cache: Path | None) -> GroundReconstruction:
    """The bundled scene's ground; what its stages give is kept in the cache."""
    store = None if cache is None else Store(cache, 8_000_000_000)
    try:
        return reconstruct_scene(read_pairs([], [], None, True), store=store)
    finally:
        if store is not None:
            store.close()


def enter(window: Window, mode: str) -> None:
    """Begin a mode from the rover's camera."""
    window.parts.options.eye_base_m = 0.065 if mode == "red-cyan" else None
    window.parts.moves.go_to("camera")
    if mode in ("walk", "fly", "top"):
        window.parts.moves.set_mode(mode)


def per_second(window: Window, level: int, seconds: float) -> float:
    """Pictures a second at one level of detail."""
    parts = window.parts
    parts.ground.show(level)
    count, began = -2, time.perf_counter()
    while count < 4 or time.perf_counter() - began < seconds:
        if count == 0:
            began = time.perf_counter()
        parts.moves.drag("left", 3, 0, parts.stage.size[1])
        parts.stage.draw(parts.moves.view, parts.moves.focus_m, False, parts.options.eye_base_m)
        parts.stage.window.WaitForCompletion()
        count += 1
    return count / (time.perf_counter() - began)


def as_moved(window: Window, seconds: float) -> tuple[float, float, list[int]]:
    """Pictures a second, 10th percentile of that, and faces of the levels that the window chose itself."""
    parts, times, faces = window.parts, [], set()
    began = time.perf_counter()
    while len(times) < 10 or time.perf_counter() - began < seconds:
        start = time.perf_counter()
        faces.add(parts.ground.faces[window.painter.pace.level])
        parts.moves.drag("left", 3, 0, parts.stage.size[1])
        window.painter.moved()
        times.append(time.perf_counter() - start)
    settled = np.array(times[len(times) // 3 :])
    return 1.0 / float(settled.mean()), 1.0 / float(np.percentile(settled, 90)), sorted(faces, reverse=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, help="folder that keeps the ground")
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each figure")
    args = parser.parse_args()
    width, height = (int(side) for side in args.size.split("x"))
    made = six_pairs(args.cache)
    began = time.perf_counter()
    window = Window(made, (width, height), off_screen=True)
    opened = time.perf_counter() - began
    if len(window.parts.ground.faces) == 1:
        window.parts.ground.thin_out()
    console = Console(width=110)
    words = window.parts.stage.window.ReportCapabilities().splitlines()
    console.print(*(w for w in words if "renderer string" in w or "version string" in w), sep="\n")
    console.print(f"{width} x {height} px; the window was there after {opened:.1f} s, levels of detail included")
    faces = window.parts.ground.faces
    table = Table("mode", *(f"{count:,} triangles" for count in faces), "as moved", "slowest tenth", "its triangles")
    for mode in MODES:
        enter(window, mode)
        rates = [per_second(window, level, args.seconds) for level in range(len(faces))]
        enter(window, mode)
        mean, slow, used = as_moved(window, 2 * args.seconds)
        table.add_row(
            mode, *(f"{r:.1f}" for r in rates), f"{mean:.1f}", f"{slow:.1f}", ", ".join(f"{n:,}" for n in used)
        )
    console.print(table)
    enter(window, "orbit")
    window.painter.changed()
    began, count = time.perf_counter(), 0
    while time.perf_counter() - began < args.seconds:
        window.parts.overlay.note([f"pointer {count}"], window.parts.stage.size)
        window.painter.touched()
        count += 1
    console.print(f"pointer, marks and panels over a still view: {count / (time.perf_counter() - began):.0f} a second")


if __name__ == "__main__":
    main()
