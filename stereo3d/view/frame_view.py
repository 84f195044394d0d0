"""Where a rover's camera stood: what a frame should show by the measured ground, beside what it does show.

The ground is cast along the frame's own rays, by its exact camera model, so that the two pictures lie on each other to
a fraction of a pixel, however the lens bends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import pixel_grid
from stereo3d.errors import PairError
from stereo3d.frames import locked
from stereo3d.observation import Eye, Observation
from stereo3d.pipeline import Result
from stereo3d.stereo.disparity import REASON_TEXT, Reason, XyzMap
from stereo3d.terrain.sampling import sample_texture
from stereo3d.terrain.surface import Surface

Float = NDArray[np.float64]
Picture8 = NDArray[np.uint8]

COMPARISONS = ("frame", "mesh", "blink", "wipe", "residual", "reasons")
"""What can be shown of a frame."""

NOTHING = (22, 25, 30)
"""RGB where the ground has nothing."""
REASON_COLOURS: dict[Reason, tuple[int, int, int]] = {
    Reason.SKY: (120, 170, 220),
    Reason.VIGNETTE: (90, 60, 110),
    Reason.ROVER: (230, 159, 0),
    Reason.OUTSIDE_OVERLAP: (0, 114, 178),
    Reason.LOW_TEXTURE: (240, 228, 66),
    Reason.LEFT_RIGHT: (213, 94, 0),
    Reason.SPECKLE: (204, 121, 167),
    Reason.BEYOND_RANGE: (0, 158, 115),
    Reason.NO_MATCH: (200, 40, 60),
    Reason.MISS_DISTANCE: (255, 255, 255),
    Reason.SATURATED: (255, 180, 190),
    Reason.NOT_CONVERGED: (150, 90, 30),
}
"""RGB of each reason of a hole; of several the first one is shown, a cause before its consequences."""
_BAND_ROWS = 256
_LEAST_PX = 500
_FITTED_PX = 60_000
_BROAD_PX, _FADE_PX = 12.0, 10.0
_LEAST_SHARE = 0.02
_TILE_PX, _LEAST_PEAK = 96, 0.08
SPAN_DN = 40.0
"""DN of a residual that has the full colour."""
_BLUE, _WHITE, _RED = (33, 102, 172), (247, 247, 247), (178, 24, 43)


@dataclass(frozen=True, eq=False)
class FramePicture:
    """What a frame should show."""

    rgb: Picture8
    """(rows, columns, 3) uint8, as the texture has it; ``NOTHING`` where there is no ground."""
    ground: NDArray[np.float32]
    """(rows, columns, 3) float32, m, ENU: the place of each pixel; NaN where there is none."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "rgb", locked(self.rgb, np.uint8))
        object.__setattr__(self, "ground", locked(self.ground, np.float32))

    @property
    def seen(self) -> NDArray[np.bool_]:
        """(rows, columns): where there is ground."""
        return np.isfinite(self.ground[..., 0])


@dataclass(frozen=True, eq=False)
class Comparison:
    """A frame against what the ground makes of it: frame = factor mesh + offset, brightness in DN of 8 bits."""

    gain: float
    """The factor in the middle of the frame."""
    falloff: tuple[float, float]
    """The lens lets less light through beside the middle, which the texture is freed of: the factor is gain (1 + a r^2
    + b r^4), r = 1 in the corners."""
    offset: float
    correlation: float
    """Of the frame's brightness with the fitted mesh's, over the ground that both show."""
    rms_dn: float
    shift_px: tuple[float, float]
    """How far (right, down) the mesh's picture must go to lie on the frame; NaN where too little can be compared."""
    local_shift_px: float
    """The median length of the shifts of parts of the frame."""
    residual: NDArray[np.float32]
    """(rows, columns) float32, DN: frame less the fitted mesh; NaN where there is nothing to compare."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "residual", locked(self.residual, np.float32))

    def factor(self) -> NDArray[np.float32]:
        """(rows, columns) float32: what the mesh's brightness is multiplied by."""
        square = _radius2(*self.residual.shape)
        return np.asarray(self.gain * (1.0 + square * (self.falloff[0] + square * self.falloff[1])), dtype=np.float32)

    def lines(self) -> list[str]:
        """What a person reads."""
        x, y = self.shift_px
        return [
            f"frame and mesh: shift {x:+.2f}, {y:+.2f} px as a whole, {self.local_shift_px:.2f} px in parts (median)",
            f"correlation {self.correlation:.3f}, residual {self.rms_dn:.1f} DN rms after gain {self.gain:.2f}, "
            f"offset {self.offset:+.0f} DN and the lens's fall-off",
        ]


def frame_number(observations: Sequence[Observation], text: str) -> int:
    """The index in ``observations`` of a frame that is named by its number from 1 or its product id.

    Raises PairError when there is no such frame.
    """
    names = [o.product_id for o in observations]
    if text in names:
        return names.index(text)
    if text.isascii() and text.isdecimal() and len(text) < 6 and 1 <= int(text) <= len(names):
        return int(text) - 1
    raise PairError(
        f"there is no frame '{text}'"[:120],
        expected=f"a number from 1 to {len(names)}, or a product id such as {names[0]}",
    )


def render_frame(result: Result, surface: Surface, frame: Observation) -> FramePicture:
    """The textured ground (``surface`` is its mesh) along the rays of all pixels of ``frame``."""
    terrain, camera, enu = result.terrain, frame.camera, result.enu_from_rover
    rgb = np.empty((camera.height, camera.width, 3), dtype=np.uint8)
    rgb[:] = NOTHING
    ground = np.full((camera.height, camera.width, 3), np.nan, dtype=np.float32)
    values = np.concatenate([terrain.mesh.vertices, terrain.uv], axis=1).astype(np.float64)
    grid = pixel_grid(camera.width, camera.height)
    for top in range(0, camera.height, _BAND_ROWS):
        band = slice(top, top + _BAND_ROWS)
        origins, rays = camera.ray(grid[band].reshape(-1, 2))
        there = np.isfinite(rays).all(axis=1)
        found = np.full((len(rays), 5), np.nan)
        hits = surface.hits(enu.apply(origins[there]), enu.rotate(rays[there]))
        found[there] = surface.interpolate(hits, values)
        on = np.isfinite(found[:, 0])
        part = rgb[band].reshape(-1, 3)
        part[on] = sample_texture(terrain.image, found[on, 3:].astype(np.float32))
        rgb[band] = part.reshape(rgb[band].shape)
        ground[band] = found[:, :3].reshape(ground[band].shape)
    return FramePicture(rgb, ground)


def compare(frame: Observation, rendered: FramePicture) -> Comparison:
    """How well the mesh's picture fits the frame, over the ground that both show: brightness, shift, residual.

    Brightness is fitted by least squares in which what differs by much (a moved shadow, noise) counts little.
    """
    usable = rendered.seen & frame.image.valid
    real, made = grey8(frame.image.rgb8), grey8(rendered.rgb)
    nan = float("nan")
    if usable.sum() < _LEAST_PX:
        return Comparison(nan, (0.0, 0.0), nan, nan, nan, (nan, nan), nan, np.full(real.shape, np.nan, np.float32))
    square = _radius2(*real.shape)
    gain, falloff, offset = _fitted(made[usable], real[usable], square[usable])
    fitted = gain * (1.0 + square * (falloff[0] + square * falloff[1])) * made + offset
    residual = np.where(usable, real - fitted, np.nan).astype(np.float32)
    correlation = float(np.corrcoef(fitted[usable], real[usable])[0, 1])
    rms = float(np.sqrt(np.mean(residual[usable].astype(np.float64) ** 2)))
    a, b = _texture(fitted.astype(np.float32), usable), _texture(real, usable)
    return Comparison(gain, falloff, offset, correlation, rms, _shift(a, b), _local_shift(a, b), residual)


def _radius2(rows: int, columns: int) -> NDArray[np.float32]:
    """(rows, columns) float32: the distance from the middle squared, 1 in the corners."""
    y = (np.arange(rows) - (rows - 1) / 2.0)[:, None]
    x = np.arange(columns) - (columns - 1) / 2.0
    return np.asarray((x * x + y * y) / max(float((x * x).max() + (y * y).max()), 1.0), dtype=np.float32)


def _fitted(
    made: NDArray[np.float32], real: NDArray[np.float32], square: NDArray[np.float32]
) -> tuple[float, tuple[float, float], float]:
    """Gain, fall-off and offset of pixels (n,)."""
    thin = max(1, len(made) // _FITTED_PX)
    m, r, s = (v[::thin].astype(np.float64) for v in (made, real, square))
    design = np.stack([m, m * s, m * s * s, np.ones_like(m)], axis=1)
    weight = np.ones(len(m))
    found = np.array([1.0, 0.0, 0.0, 0.0])
    for _ in range(6):
        found = np.linalg.lstsq(design * weight[:, None], r * weight, rcond=None)[0]
        off = np.abs(r - design @ found)
        weight = 1.0 / np.sqrt(np.maximum(off, 1.4826 * np.median(off) + 0.5))
    gain = float(found[0]) if abs(found[0]) > 1e-6 else 1e-6
    return gain, (float(found[1] / gain), float(found[2] / gain)), float(found[3])


def _texture(picture: NDArray[np.float32], usable: NDArray[np.bool_]) -> NDArray[np.float32]:
    """``picture`` less its broad shading, fading out towards what cannot be compared: no outline is left to lock to."""
    known = usable.astype(np.float32)
    share = np.maximum(cv2.GaussianBlur(known, (0, 0), _BROAD_PX), np.float32(1e-3))
    broad = cv2.GaussianBlur(np.where(usable, picture, np.float32(0.0)), (0, 0), _BROAD_PX) / share
    inside = cv2.distanceTransform(np.pad(usable, 1).astype(np.uint8), cv2.DIST_L2, 3)[1:-1, 1:-1]
    fade = np.clip((inside - 2.0) / _FADE_PX, 0.0, 1.0)
    return np.asarray((picture - broad) * fade * fade * (3.0 - 2.0 * fade), dtype=np.float32)


def _shift(made: NDArray[np.float32], real: NDArray[np.float32]) -> tuple[float, float]:
    """(right, down) px by which ``made`` must move to lie on ``real``, by phase correlation (Kuglin and Hines 1975)."""
    if (made != 0).mean() < _LEAST_SHARE:
        return float("nan"), float("nan")
    window = cv2.createHanningWindow((real.shape[1], real.shape[0]), cv2.CV_32F)
    (x, y), _ = cv2.phaseCorrelate(made, real, window)
    return float(x), float(y)


def _local_shift(made: NDArray[np.float32], real: NDArray[np.float32]) -> float:
    """The median length of the shifts of squares that have texture enough; NaN without any."""
    window = cv2.createHanningWindow((_TILE_PX, _TILE_PX), cv2.CV_32F)
    lengths = []
    for top in range(0, real.shape[0] - _TILE_PX + 1, _TILE_PX // 2):
        for left in range(0, real.shape[1] - _TILE_PX + 1, _TILE_PX // 2):
            part = slice(top, top + _TILE_PX), slice(left, left + _TILE_PX)
            if (made[part] != 0).mean() < 0.7:
                continue
            (x, y), peak = cv2.phaseCorrelate(
                np.ascontiguousarray(made[part]), np.ascontiguousarray(real[part]), window
            )
            if peak > _LEAST_PEAK:
                lengths.append(np.hypot(x, y))
    return float(np.median(lengths)) if lengths else float("nan")


def grey8(rgb: Picture8) -> NDArray[np.float32]:
    """(rows, columns) float32, DN: brightness of a picture (rows, columns, 3)."""
    return np.asarray(rgb @ np.array([0.25, 0.5, 0.25], dtype=np.float32), dtype=np.float32)


def matched(rendered: FramePicture, comparison: Comparison) -> Picture8:
    """(rows, columns, 3) the mesh's picture in the brightness of the frame; nothing stays nothing."""
    if not np.isfinite(comparison.gain):
        return rendered.rgb
    bright = comparison.factor()[..., None] * rendered.rgb + comparison.offset
    out: Picture8 = np.clip(bright + 0.5, 0, 255).astype(np.uint8)
    out[~rendered.seen] = NOTHING
    return out


def wiped(frame_rgb: Picture8, mesh_rgb: Picture8, share: float) -> Picture8:
    """(rows, columns, 3) the frame on the left ``share`` (0 to 1), the mesh on the right, a line between."""
    columns = frame_rgb.shape[1]
    edge = round(float(np.clip(share, 0.0, 1.0)) * columns)
    out = mesh_rgb.copy()
    out[:, :edge] = frame_rgb[:, :edge]
    if 0 < edge < columns:
        out[:, max(0, edge - 1) : edge + 1] = 255
    return out


def residual_picture(comparison: Comparison, span_dn: float = SPAN_DN) -> Picture8:
    """(rows, columns, 3) red where the frame is brighter than the mesh, blue where darker; full at ``span_dn`` DN."""
    share = np.clip(np.nan_to_num(comparison.residual) / span_dn, -1.0, 1.0)[..., None]
    blue, white, red = (np.array(c, dtype=np.float32) for c in (_BLUE, _WHITE, _RED))
    out = np.where(share < 0, white + share * (white - blue), white + share * (red - white))
    out[np.isnan(comparison.residual)] = NOTHING
    return np.asarray(np.clip(out + 0.5, 0, 255), dtype=np.uint8)


def reasons_picture(xyz: XyzMap, frame_rgb: Picture8) -> tuple[Picture8, list[tuple[Reason, float]]]:
    """(rows, columns, 3) the left frame with its holes in the colours of their reasons, and the reasons that occur with
    their share of all pixels, most frequent first."""
    out = (0.6 * frame_rgb).astype(np.uint8)
    found = []
    left = xyz.reason.copy()
    for reason, colour in REASON_COLOURS.items():
        here = (left & np.uint16(reason)) > 0
        left[here] = 0
        if here.any():
            out[here] = (0.25 * frame_rgb[here] + 0.75 * np.array(colour)).astype(np.uint8)
            found.append((reason, float(here.mean())))
    return out, sorted(found, key=lambda f: -f[1])


def measured_in(result: Result, frame: Observation) -> XyzMap | None:
    """What was measured in the pixels of a left frame; None for a right one, or one of no pair."""
    if frame.eye is not Eye.LEFT:
        return None
    return next((m.xyz for m in result.pairs if m.pair.left.product_id == frame.product_id), None)


def reason_words(found: list[tuple[Reason, float]]) -> list[str]:
    """A line for each reason."""
    return [f"{100 * share:.1f} %  {REASON_TEXT[reason]}" for reason, share in found]
