"""Prints what the web page costs: its size, how soon it opens in a browser, and how fast it draws in software.

    python tests/benchmarks/bench_page.py [--pairs 6] [--keep FILE.html]

Measures all pairs of the bundled scene (or with --pairs 1 the first one), packs them, writes the one file, and opens it
in headless Chromium with software drawing.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import tempfile
import time
from pathlib import Path

from stereo3d.export.page.html import one_file
from stereo3d.export.page.parts import viewer
from stereo3d.export.page.scene import page_of
from stereo3d.export.products import about_result, peak_memory_mb
from stereo3d.pipeline import reconstruct_scene
from stereo3d.read import read_pairs

ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
ORBIT = """async (seconds) => {
  const viewer = window.stereo3d.viewer, first = viewer.viewState(), gl = viewer.canvas.getContext('webgl2');
  const times = [];
  const start = performance.now();
  let last = start;
  while (performance.now() - start < 1000 * seconds) {
    const turn = (performance.now() - start) / 1000 * 12;
    viewer.setView({...first, azimuth_deg: first.azimuth_deg + turn});
    viewer.moving?.();
    viewer.render();
    gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));  // waits until it is drawn
    await new Promise((done) => requestAnimationFrame(done));
    times.push(performance.now() - last);
    last = performance.now();
  }
  viewer.setView(first);
  return times;
}"""


def main() -> None:
    """Print one line for each figure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, choices=(1, 6), default=6)
    parser.add_argument("--size", default="1280x720")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write the page here; if it is there, only open it")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = args.keep or Path(folder) / "page.html"
        if not path.exists():
            _make(path, args.pairs)
        print(f"one file: {path.stat().st_size / 1e6:.1f} MB")
        _open(path, tuple(int(n) for n in args.size.split("x")), args.runs)


def _make(path: Path, pairs: int) -> None:
    scene = read_pairs([], [], None, pairs == 6)
    started = time.perf_counter()
    result = reconstruct_scene(scene)
    measured = time.perf_counter()
    page = page_of(result, about_result(result))
    packed = time.perf_counter()
    path.write_text("".join(one_file(page, viewer())), encoding="utf-8")
    print(f"{len(result.pairs)} pairs: measured in {measured - started:.1f} s, packed in {packed - measured:.1f} s, "
          f"written in {time.perf_counter() - packed:.1f} s; peak memory {peak_memory_mb()} MB")  # fmt: skip
    mesh = page.manifest["mesh"]
    levels = ", ".join(f"{n:,} (off by {e:.1f} mm)" for n, e in zip(mesh["faces"], mesh["error_mm"], strict=True))
    print(f"mesh: {len(mesh['chunks'])} chunks; triangles by level {levels}")
    kinds = {"mesh": "mesh", "texture": "texture", "frame": "frames", "reason": "reasons", "panorama": "panorama"}
    for prefix, name in kinds.items():
        total = sum(len(data) for part, data in page.parts.items() if part.startswith(prefix))
        print(f"  {name}: {total / 1e6:.2f} MB")
    print(f"  manifest: {len(page.scene_json) / 1e6:.2f} MB, viewer: {len(viewer().script) / 1e6:.2f} MB")


def _open(path: Path, size: tuple[int, ...], runs: int) -> None:
    from playwright.sync_api import sync_playwright

    chromium = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if chromium is None:
        print("no chromium: the page was not opened")
        return
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=chromium, args=ARGUMENTS)
        seconds, rates = [], []
        for _ in range(runs):
            context = browser.new_context(viewport={"width": size[0], "height": size[1]})
            page = context.new_page()
            started = time.perf_counter()
            page.goto(path.resolve().as_uri())
            page.evaluate("window.stereo3d.ready.then(() => null)")
            seconds.append(time.perf_counter() - started)
            times = page.evaluate(ORBIT, 3.0)
            rates.append(1000.0 * len(times) / sum(times))
            context.close()
        browser.close()
    print(
        f"opens (until ready) in {statistics.median(seconds):.2f} s, the median of {runs}; slowest {max(seconds):.2f} s"
    )
    print(f"orbits at {statistics.median(rates):.1f} frames a second, {size[0]} x {size[1]} px, drawn in software")


if __name__ == "__main__":
    main()
