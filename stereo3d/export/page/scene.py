"""A reconstruction packed as a page."""

from __future__ import annotations

import math
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d import __version__
from stereo3d.export.content import About, vertex_colours
from stereo3d.export.page.mesh import page_mesh
from stereo3d.export.page.parts import Page
from stereo3d.export.page.pictures import (
    FRAME_QUALITY,
    MOST_SIDE,
    PANORAMA_QUALITY,
    TEXTURE_QUALITY,
    brightness,
    camera_record,
    palettes,
    reason_words,
    reasons_png,
    shrunk,
    webp,
)
from stereo3d.frames import RigidTransform
from stereo3d.observation import Observation
from stereo3d.pipeline import Result
from stereo3d.pipeline.places import lateral_rad, site_from_enu
from stereo3d.pipeline.surroundings import Surroundings, surroundings
from stereo3d.stereo.rover import rover_volume
from stereo3d.terrain.maps import step_from

FORMAT = 1
FRAME_SIDE, PANORAMA_COLUMNS = 1280, 6144
"""px: frames and the panorama are shown no larger."""
_LEAST_SIDE, _USUAL_FRAMES = 320, 24
_DARK = 60.0
"""Sum of three colours, DN: what is darker tells no brightness."""
ROVER_HEIGHT_M = 2.2

Tell = Callable[[float], None]


def page_of(result: Result, about: About, tell: Tell = lambda share: None) -> Page:
    """Pack ``result`` for the viewer; ``tell`` hears the share of the work done.

    Raises MissingLibraryError without meshopt or embree.
    """
    parts: dict[str, bytes] = {}
    terrain, first = result.terrain, result.pairs[0].pair.left
    with ThreadPoolExecutor(max_workers=1) as pool:
        meshing = pool.submit(page_mesh, result)
        texture = shrunk(terrain.image, MOST_SIDE)
        parts["texture.webp"] = webp(texture, TEXTURE_QUALITY)
        colours = vertex_colours(terrain)
        light = brightness(colours)
        frames = _frames(result, parts)
        tell(0.15)
        shown = colours.astype(np.float64).sum(axis=1) * light
        panorama = _panorama(result, parts, shown, lambda share: tell(0.15 + 0.5 * share))
        parts["mesh.glb"], mesh = meshing.result()
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "version": __version__,
        "name": result.name,
        "simulated": bool(result.report_values["simulated"]),
        "credit": about.get("credit", ""),
        "about": dict(about),
        "notes": [str(note) for note in result.report_values.get("notes", ())],
        "eye": result.eye_enu.tolist(),
        "lateral_rad": lateral_rad(result),
        "site_from_enu": _transform(site_from_enu(result)),
        "rover_from_enu": _transform(result.enu_from_rover.inverse()),
        "place": {"sol": first.sol, "site": first.site, "drive": first.drive, "mission": first.mission},
        "sun": _sun(result),
        "mesh": mesh,
        "texture": {
            "part": "texture.webp",
            "width": texture.shape[1],
            "height": texture.shape[0],
            "brightness": light,
        },
        "layers": _layers(result),
        "palettes": palettes(),
        "frames": frames,
        "reasons": reason_words(),
        "panorama": panorama,
        "rover": _rover(result),
        "contours": {"interval_m": _interval(result)},
    }
    tell(1.0)
    return Page(manifest, parts)


def _transform(transform: RigidTransform | None) -> dict[str, Any] | None:
    if transform is None:
        return None
    return {"rotation": transform.rotation.tolist(), "translation": transform.translation.tolist()}


def _sun(result: Result) -> dict[str, float] | None:
    known = next((o.sun_deg for o in result.observations if o.sun_deg is not None), None)
    return None if known is None else {"azimuth_deg": float(known[0]), "elevation_deg": float(known[1])}


def _frames(result: Result, parts: dict[str, bytes]) -> list[dict[str, Any]]:
    """The frames in the order of the result's, each left one with the reasons of its pixels that have no place."""
    pairs = {}
    for number, measured in enumerate(result.pairs):
        for eye in (measured.pair.left, measured.pair.right):
            pairs[eye.product_id] = number
    found = []
    side = frame_side(len(result.observations))
    for number, frame in enumerate(result.observations):
        part = f"frame-{number:02d}.webp"
        rgb = shrunk(frame.image.rgb8, side)
        parts[part] = webp(rgb, FRAME_QUALITY)
        pair = pairs.get(frame.product_id)
        record: dict[str, Any] = {
            "id": frame.product_id,
            "eye": frame.eye.value,
            "pair": pair,
            "part": part,
            "width": frame.camera.width,
            "height": frame.camera.height,
            "picture_width": rgb.shape[1],
            "picture_height": rgb.shape[0],
            "taken": frame.taken_utc or "",
            "brightness": brightness(rgb[::4, ::4].reshape(-1, 3)),
            "camera": camera_record(frame.camera.moved(result.enu_from_rover)),
        }
        if pair is not None and result.pairs[pair].pair.left.product_id == frame.product_id:
            record["reason"] = _reason(result, pair, number, frame, parts)
        found.append(record)
    return found


def frame_side(count: int) -> int:
    """px: the longer side of each of so many frames, so that the frames of a large set take no more room than those of
    a usual one."""
    return max(_LEAST_SIDE, min(FRAME_SIDE, int(FRAME_SIDE * math.sqrt(_USUAL_FRAMES / max(1, count)))))


def _reason(
    result: Result, pair: int, number: int, frame: Observation, parts: dict[str, bytes]
) -> dict[str, Any]:  # fmt: skip
    scale = max(1, math.ceil(frame.camera.width / frame_side(len(result.observations))))
    part = f"reason-{number:02d}.png"
    parts[part] = reasons_png(result.pairs[pair].xyz.reason, scale)
    return {"part": part, "scale": scale}


def _panorama(
    result: Result, parts: dict[str, bytes], shown: NDArray[np.float64], tell: Tell
) -> dict[str, Any] | None:  # fmt: skip
    """The left frames all around, as they look from the eye; clear where nothing was seen.

    ``shown`` (n,): the sum of the colours in which the vertices of the ground are displayed.
    """
    found = surroundings(result, PANORAMA_COLUMNS, tell)
    if found is None:
        return None
    alpha = np.where(found.seen, np.uint8(255), np.uint8(0))
    parts["panorama.webp"] = webp(np.dstack([found.pixels, alpha]), PANORAMA_QUALITY)
    return {
        "part": "panorama.webp",
        "width": alpha.shape[1],
        "height": alpha.shape[0],
        "azimuth_left_deg": found.azimuth_left_deg,
        "elevation_top_deg": found.elevation_top_deg,
        "deg_per_px": found.deg_per_px,
        "brightness": _matching(result, found, shown),
    }


def _matching(result: Result, picture: Surroundings, shown: NDArray[np.float64]) -> float:
    """The factor by which the panorama is displayed as bright as the ground that it shows."""
    column, row = picture.place(result.terrain.mesh.vertices - result.eye_enu)
    inside = (column >= 0) & (column < picture.seen.shape[1]) & (row >= 0) & (row < picture.seen.shape[0])
    inside[inside] = picture.seen[row[inside], column[inside]]
    there = picture.pixels[row[inside], column[inside]].astype(np.float64).sum(axis=1)
    clear = (there > _DARK) & (shown[inside] > _DARK)
    # What stands behind other ground shows another place: few do, and they are as often too bright as too dark.
    return round(float(np.median(shown[inside][clear] / there[clear])), 4) if clear.any() else 1.0


def _layers(result: Result) -> dict[str, dict[str, Any]]:
    """Title, unit, limits (of nearly all vertices; of the nearer 85 % for the elevation) and palette of each layer."""
    mesh = result.terrain.mesh
    reach = np.linalg.norm(mesh.vertices - result.eye_enu, axis=1)
    near = reach <= np.percentile(reach, 85.0)
    slope = np.degrees(np.arccos(np.clip(mesh.normals[:, 2], -1.0, 1.0)))

    def layer(
        title: str, unit: str, values: NDArray[np.floating], palette: str, logarithmic: bool = False
    ) -> dict[str, Any]:
        low, high = (float(v) for v in np.percentile(values, [2.0, 98.0]))
        if logarithmic:
            low = max(low, 1e-6)
            high = max(high, low * 1.5)
        elif high - low < 0.1:
            low, high = (low + high) / 2 - 0.05, (low + high) / 2 + 0.05
        limits = [float(f"{low:.4g}"), float(f"{high:.4g}")]
        return {"title": title, "unit": unit, "limits": limits, "logarithmic": logarithmic, "palette": palette}

    layers = {
        "elevation": layer("elevation above the rover's ground", "m", mesh.vertices[near, 2], "viridis"),
        "slope": layer("slope", "deg", slope[near], "inferno"),
        "range": layer("range from the camera", "m", reach, "cividis", True),
        "sigma": layer("sigma of the range", "m", mesh.sigma_m, "plasma", True),
        "seen": layer("pairs that measured it", "", np.ones(1), "viridis"),
    }
    layers["slope"]["limits"] = [0.0, min(layers["slope"]["limits"][1], 45.0)]
    layers["seen"]["limits"] = [0, max(2, min(4, len(result.pairs)))]
    return layers


def _rover(result: Result) -> dict[str, Any] | None:
    """Outline of the rover on the ground (n, 2), m, and its height; None for one whose size is not known."""
    volume = rover_volume(result.pairs[0].pair.left.mission)
    if volume is None:
        return None
    corners = np.array([[x, y] for low, high in zip(volume.low, volume.high, strict=True)
                        for x in (low[0], high[0]) for y in (low[1], high[1])])  # fmt: skip
    hull = cv2.convexHull(corners.astype(np.float32))[:, 0].astype(np.float64)
    enu = result.enu_from_rover.apply(np.concatenate([hull, np.zeros((len(hull), 1))], axis=1))
    return {"footprint": np.round(enu[:, :2], 4).tolist(), "height_m": ROVER_HEIGHT_M}


def _interval(result: Result) -> float:
    """A step of 1-2-5, m, that gives some fifteen contour lines over the nearer ground."""
    mesh = result.terrain.mesh
    reach = np.linalg.norm(mesh.vertices - result.eye_enu, axis=1)
    low, high = np.percentile(mesh.vertices[reach <= np.percentile(reach, 85.0), 2], [2.0, 98.0])
    return step_from(max(float(high - low) / 15.0, 0.005))
