"""Every product of a reconstruction, in one folder."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from stereo3d.export.cloud import write_cloud
from stereo3d.export.rasters import write_raster
from stereo3d.export.terrain import about_pair, write_terrain
from stereo3d.pipeline import Reconstruction

REPORT = "report.json"
PREVIEW = "preview.png"
PRODUCTS = (
    "xyz.tif",
    "sigma_range.tif",
    "reason.tif",
    "disparity.tif",
    "cloud.ply",
    "mesh.glb",
    PREVIEW,
    REPORT,
)
"""The names that other programs rely on."""


def write_products(result: Reconstruction, folder: Path, preview: Callable[[Path], object]) -> None:
    """Write all of ``PRODUCTS`` into an existing folder, ``preview`` drawing the picture (the viewer's work).

    Rasters are in the pixel grid of the left raw image, except disparity.tif (the rectified left image's).  The caller
    makes it all or nothing, see :func:`stereo3d.export.atomic.atomic_folder`.
    """
    xyz, frame = result.xyz, result.xyz.frame
    left = result.pair.left
    jobs: list[Callable[[], object]] = [
        lambda: preview(folder / PREVIEW),
        lambda: write_raster(folder / "xyz.tif", xyz.xyz, f"X, Y, Z in metres, frame {frame}; NaN = none"),
        lambda: write_cloud(xyz, left.image, result.enu_from_rover, folder / "cloud.ply"),
        lambda: write_terrain(result.terrain, folder / "mesh.glb", about_pair(result.pair)),
        lambda: write_raster(
            folder / "sigma_range.tif", xyz.sigma_range_m, "one sigma of the range from the left camera, metres"
        ),
        lambda: write_raster(
            folder / "disparity.tif", result.disparity.values, "disparity of the rectified left image, pixels"
        ),
        lambda: write_raster(folder / "reason.tif", xyz.reason, f"flags: why a pixel has no XYZ; see {REPORT}"),
    ]
    pool = ThreadPoolExecutor(max_workers=2)
    try:
        for job in [pool.submit(j) for j in jobs]:
            job.result()
    finally:
        pool.shutdown(cancel_futures=True)


def write_report(result: Reconstruction, folder: Path, seconds: dict[str, float]) -> None:
    """Write report.json; ``seconds`` are stages that only the caller knows, added to the reconstruction's own."""
    content = result.report.as_json()
    content["seconds"] = {**result.report.seconds, **{k: round(v, 4) for k, v in seconds.items()}}
    content["peak_memory_mb"] = peak_memory_mb()
    text = json.dumps(plain_values(content), indent=2, allow_nan=False)
    (folder / REPORT).write_text(text + "\n", encoding="utf-8")


def peak_memory_mb() -> float | None:
    """The largest resident memory that this process ever held, MB; None where the system does not tell."""
    try:
        import resource
    except ImportError:
        return None
    unit = 1.0 if sys.platform == "darwin" else 1024.0
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6, 1)


def plain_values(value: Any) -> Any:
    """JSON has no NaN: what is not finite becomes null."""
    if isinstance(value, dict):
        return {str(k): plain_values(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain_values(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
