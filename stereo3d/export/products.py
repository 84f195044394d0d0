"""Every product of a reconstruction, in one folder."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np

from stereo3d.export.cloud import Cloud, cloud_of, cloud_of_ground, together, write_cloud
from stereo3d.export.rasters import write_raster
from stereo3d.export.terrain import about_pair, write_terrain
from stereo3d.observation import credit_of
from stereo3d.pipeline import DrivesReconstruction, GroundReconstruction, MeasuredPair, Result
from stereo3d.terrain.join import brightened

REPORT = "report.json"
PREVIEW = "preview.png"
RASTERS = ("xyz.tif", "sigma_range.tif", "reason.tif", "disparity.tif")
"""Of one pair, in the pixel grid of its left raw image; disparity.tif in that of the rectified left image."""
GROUND = ("cloud.ply", "mesh.glb", PREVIEW, REPORT)
PRODUCTS = (*RASTERS, *GROUND)
"""The names that other programs rely on, of one pair."""
RUN_STATISTICS = ("seconds", "peak_memory_mb", "from_cache")
"""Keys of report.json that another run of the same inputs would tell otherwise."""
MOST_PAIRS = 300
"""More are not read (:data:`stereo3d.read.frames.MAX_FRAMES`)."""


def pair_folder(number: int) -> str:
    """The name of the folder with the rasters of one of several pairs, counted from 1."""
    return f"pair-{number:02d}"


OURS = frozenset(PRODUCTS) | {f"{pair_folder(n)}/{name}" for n in range(1, MOST_PAIRS + 1) for name in RASTERS}
"""All that a run may leave in its folder, as :func:`stereo3d.export.atomic.atomic_folder` takes it."""


def product_names(result: Result) -> tuple[str, ...]:
    """What :func:`write_products` and :func:`write_report` write of ``result``; of several pairs a folder each, with
    ``RASTERS``, beside the ``GROUND``."""
    count = len(result.pairs)
    return PRODUCTS if count == 1 else (*(pair_folder(n) for n in range(1, count + 1)), *GROUND)


def about_result(result: Result) -> dict[str, str]:
    """What an exported file says of its origin: of one pair its product, of several how many and between which."""
    about = about_pair(result.pairs[0].pair)
    if len(result.pairs) > 1:
        first, last = (result.pairs[k].pair.left.product_id for k in (0, -1))
        about["product"] = f"{len(result.pairs)} pairs, {first} to {last}"
    if isinstance(result, DrivesReconstruction):
        told = result.report_values["stops"]
        drives = ", ".join(str(stop["drive"]) for stop in told)
        north, east, down = told[0]["told_m"]
        about["place"] = f"{len(told)} stops of site {told[0]['site']}, drives {drives}, from sol {told[0]['sol']} on"
        about["frame"] = (
            "ENU: X east, Y north, Z up, m; origin at the rover of the first stop, which lies in SITE at "
            f"{north:.6g} north, {east:.6g} east, {down:.6g} down"
        )
    return about


def result_cloud(result: Result) -> Cloud:
    """All that was measured, in ENU: the points of one pair, or each place of several once.

    Of several stops each place is from the one that saw it best; sigma includes that of the placement.
    """
    if isinstance(result, DrivesReconstruction):
        return together([_of_stop(result, k) for k in range(len(result.stops))])
    if len(result.pairs) > 1 and isinstance(result, GroundReconstruction) and result.ground.fused is not None:
        return cloud_of_ground(result.ground.fused, result.terrain)
    only = result.pairs[0]
    return cloud_of(only.xyz, only.pair.left.image, result.enu_from_rover)


def _of_stop(result: DrivesReconstruction, stop: int) -> Cloud:
    own = result_cloud(result.stops[stop])
    points = result.placement.moved[stop].apply(own.xyz)
    best = result.seen_best(points, stop)
    sigma = np.hypot(own.sigma_m[best], result.placement_sigma(points[best], stop))
    rgb = brightened(own.rgb[best], result.joined.gains[stop])
    return Cloud(result.terrain.mesh.frame, points[best], rgb, sigma, own.count[best])


def write_products(result: Result, folder: Path, preview: Callable[[Path], object]) -> None:
    """Write all of :func:`product_names` but the report into an existing folder, ``preview`` drawing the picture (the
    viewer's work).

    The caller makes it all or nothing, see :func:`stereo3d.export.atomic.atomic_folder`.
    """
    jobs: list[Callable[[], object]] = [
        lambda: preview(folder / PREVIEW),
        lambda: write_cloud(result_cloud(result), folder / "cloud.ply", about_result(result)),
        lambda: write_terrain(result.terrain, folder / "mesh.glb", about_result(result)),
    ]
    for number, measured in enumerate(result.pairs, start=1):
        place = folder if len(result.pairs) == 1 else folder / pair_folder(number)
        place.mkdir(exist_ok=True)
        jobs += _rasters(measured, place)
    pool = ThreadPoolExecutor(max_workers=2)
    try:
        for job in [pool.submit(j) for j in jobs]:
            job.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _rasters(measured: MeasuredPair, folder: Path) -> list[Callable[[], object]]:
    """What writes each of ``RASTERS``."""
    xyz, disparity = measured.xyz, measured.disparity.values
    credit = credit_of(measured.pair.left.mission)
    sigma = "one sigma of the range from the left camera, metres"
    return [
        lambda: write_raster(folder / "xyz.tif", xyz.xyz, f"X, Y, Z in metres, frame {xyz.frame}; NaN = none", credit),
        lambda: write_raster(folder / "sigma_range.tif", xyz.sigma_range_m, sigma, credit),
        lambda: write_raster(
            folder / "disparity.tif", disparity, "disparity of the rectified left image, pixels", credit
        ),
        lambda: write_raster(folder / "reason.tif", xyz.reason, f"flags: why a pixel has no XYZ; see {REPORT}", credit),
    ]


def write_report(result: Result, folder: Path, seconds: dict[str, float] | None) -> None:
    """Write report.json; ``seconds`` are stages that only the caller knows, added to the reconstruction's own.

    With None, what differs from run to run (``RUN_STATISTICS``) is left out: the same inputs, settings and program then
    give the same bytes.
    """
    content = dict(result.report_values)
    if seconds is None:
        content = {key: value for key, value in content.items() if key not in RUN_STATISTICS}
    else:
        content["seconds"] = {**content["seconds"], **{k: round(v, 4) for k, v in seconds.items()}}
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
