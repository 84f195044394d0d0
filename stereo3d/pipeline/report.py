"""What was done and how good it is, as plain values for ``report.json``."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d import __version__
from stereo3d.observation import StereoPair
from stereo3d.pipeline.settings import Settings
from stereo3d.scene import Scene
from stereo3d.stereo.disparity import REASON_TEXT, Matches, Reason, XyzMap
from stereo3d.stereo.epipolar import EpipolarCalibration
from stereo3d.terrain.texture import TexturedMesh


@dataclass(frozen=True)
class Report:
    """What was done and how good it is; ``report.json`` is this."""

    version: str
    inputs: dict[str, Any]
    """Ids of the two products, and where and when they were taken."""
    simulated: bool
    settings: dict[str, Any]
    frame: str
    """The frame of xyz.tif."""
    valid_share: float
    """Share of all pixels of the left image that have XYZ."""
    overlap_share: float
    """Share with XYZ of the pixels that are neither sky, vignette, rover nor outside the overlap."""
    reason_legend: dict[str, dict[str, Any]]
    """Name of each flag of reason.tif: its bit, its meaning, and the share of the pixels that carry it."""
    epipolar_residual: dict[str, Any]
    """Row difference of sparse matches before and after the self-calibration (median, MAD, trend, px), the turn of the
    right camera (degrees, with sigma), whether it was applied and why not, and the doubt about vergence."""
    range_percentiles_m: dict[str, float | None]
    sigma_percentiles_m: dict[str, float | None]
    matching_sigma_percentiles_px: dict[str, float | None]
    """One sigma of the disparity, px of the rectified images, over all matches."""
    triangles: int
    vertices: int
    seconds: dict[str, float]
    """Wall seconds of each stage."""
    from_cache: tuple[str, ...] = ()
    """The stages whose results an earlier run had kept: their seconds are those of reading."""
    peak_memory_mb: float | None = None
    """Peak resident memory of the process, MB; filled in by the command that writes the report."""
    notes: tuple[str, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain values for json.dump."""
        return asdict(self)


def _percentiles(values: NDArray[np.float32]) -> dict[str, float | None]:
    found = values[np.isfinite(values)]
    keys = (0, 5, 25, 50, 75, 95, 100)
    numbers = np.percentile(found, keys).tolist() if found.size else [None] * len(keys)
    return {f"p{k}": None if v is None else round(float(v), 4) for k, v in zip(keys, numbers, strict=True)}


def _inputs(pair: StereoPair) -> dict[str, Any]:
    left, right = pair.left, pair.right
    return {
        "left": left.product_id,
        "right": right.product_id,
        "mission": left.mission,
        "sol": left.sol,
        "site": left.site,
        "drive": left.drive,
        "taken_utc": left.taken_utc,
    }


def reason_legend(xyz: XyzMap) -> dict[str, dict[str, Any]]:
    """Name of each flag of ``xyz.reason``: its bit, its meaning, and the share of the pixels that carry it."""
    return {
        str(r.name): {
            "bit": int(r),
            "meaning": text,
            "share": round(float(((xyz.reason & np.uint16(r)) > 0).mean()), 5),
        }
        for r, text in REASON_TEXT.items()
    }


def overlap_share(xyz: XyzMap) -> float:
    """Share with XYZ of the pixels that are neither sky, vignette, rover nor outside the overlap."""
    no_ground = Reason.SKY | Reason.VIGNETTE | Reason.ROVER | Reason.OUTSIDE_OVERLAP
    ground = (xyz.reason & np.uint16(no_ground)) == 0
    return round(float(xyz.measured[ground].mean()), 5) if ground.any() else 0.0


def pair_report(
    scene: Scene,
    pair: StereoPair,
    settings: Settings,
    matches: Matches,
    xyz: XyzMap,
    terrain: TexturedMesh,
    calibration: EpipolarCalibration,
    seconds: dict[str, float],
) -> Report:
    notes = []
    if pair.left.site_from_rover is None:
        notes.append("The record has no attitude: the rover was taken as level and facing north.")
    notes.extend(calibration.notes())
    if scene.simulated:
        notes.append("The images are simulated, not taken on Mars.")
    return Report(
        version=__version__,
        inputs=_inputs(pair),
        simulated=scene.simulated,
        settings=asdict(settings) | {"opencv": cv2.__version__},
        frame=str(xyz.frame),
        valid_share=round(float(xyz.measured.mean()), 5),
        overlap_share=overlap_share(xyz),
        reason_legend=reason_legend(xyz),
        epipolar_residual=calibration.as_json(),
        range_percentiles_m=_percentiles(xyz.range_m),
        sigma_percentiles_m=_percentiles(xyz.sigma_range_m),
        matching_sigma_percentiles_px=_percentiles(matches.sigma_px),
        triangles=len(terrain.mesh.faces),
        vertices=len(terrain.mesh.vertices),
        seconds=seconds,
        notes=tuple(notes),
    )
