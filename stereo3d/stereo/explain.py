"""Why a pixel of the left image has XYZ or a hole: what both eyes see there and how well it matches along the row.

The correlation here is an honest second opinion, not a trace of the matcher: zero-mean normalised cross-correlation of
one window, over the whole search range, without the smoothness that the matcher asks of neighbours.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.errors import StereoError
from stereo3d.frames import Float, locked
from stereo3d.observation import Observation, StereoPair
from stereo3d.stereo.disparity import REASON_TEXT, Disparity, Reason, RectifiedPair, XyzMap
from stereo3d.stereo.match import noise_dn
from stereo3d.stereo.rectify import focal_px, principal_column, reference_points
from stereo3d.stereo.triangulate import intersect

F32 = NDArray[np.float32]

WINDOW_PX = 11
"""Side of the window that is correlated."""
PATCH_PX = 65
"""Side of the patches that are shown."""
STRIP_PX = 33
"""Rows of the strip of the right image that the window is moved along."""
_CONTRAST_PX = 9
_FLAT_DN = 0.1
_BEYOND_PX = 4
"""How far past infinity the curve goes: what a small error of the models may ask for."""
_RIVAL_PX = 3
"""A second peak nearer to the best one than this is the same one."""
_AMBIGUOUS = 0.9
"""A second peak of more than this share of the best one makes the match ambiguous."""

ADVICE: dict[Reason, str] = {
    Reason.SKY: "It lies above the skyline that was found: nothing to measure. If it is ground, the skyline is wrong "
    "here; the picture shows whether.",
    Reason.VIGNETTE: "The lens leaves too little light in this corner to trust a match. The neighbouring frame of the "
    "panorama sees this place better.",
    Reason.ROVER: "The ray meets the rover's own deck, wheels or arm; they are left out on purpose.",
    Reason.OUTSIDE_OVERLAP: "The right eye's frame does not reach this place, or it is masked there. Only another "
    "pair, with the mast turned or the rover moved, can measure it.",
    Reason.LOW_TEXTURE: "The window holds hardly more than noise, so any match would be chance. An image at full "
    "resolution, or with the Sun lower, may show texture.",
    Reason.LEFT_RIGHT: "Matched from the left and from the right, the answers differ. Beside a rock this ground is "
    "hidden from the right eye; elsewhere a repeating pattern or noise misled the matcher.",
    Reason.SPECKLE: "A few pixels matched, at a distance unlike all around them: most often a false match.",
    Reason.SATURATED: "Too much of the window is at the end of the image's scale, where shading is lost. A shorter "
    "exposure, or a product with 12 bits, may show it.",
    Reason.NOT_CONVERGED: "The two patches could not be laid on each other to a fraction of a pixel: the ground is "
    "rougher than the window, or the match is false.",
    Reason.BEYOND_RANGE: "The disparity is so small that its doubt exceeds the share of the range that is allowed. "
    "Only a longer baseline (two stops of the rover) reaches farther.",
    Reason.NO_MATCH: "The matcher found nothing in the range that it searched here. A clear peak of the curve would "
    "mean that the range was too narrow.",
    Reason.MISS_DISTANCE: "The two rays pass each other: the pixels matched are not of one point, or a camera model is "
    "off.",
}
"""What each reason means for the person who asks, and what can be done."""


@dataclass(frozen=True)
class Peak:
    """One maximum of the correlation."""

    disparity_px: float
    """Refined by a parabola."""
    zncc: float
    """-1 to 1."""
    range_m: float
    """NaN where the rays do not meet in front of the cameras."""


@dataclass(frozen=True, eq=False)
class Curve:
    """The window of the left rectified image correlated along its row of the right one."""

    disparity_px: Float
    """(n,) falling by 1: from the nearest ground searched to a little past infinity, as columns run to the right."""
    zncc: Float
    """(n,) -1 to 1; NaN outside the right image."""
    masked: NDArray[np.bool_]
    """(n,) where the right image shows no ground (sky, vignette, rover): the matcher takes no partner there."""
    range_m: Float
    """(n,) m from the left camera; NaN where the rays do not meet in front of the cameras."""
    strip: F32
    """(STRIP_PX, n) float32, DN: the right rectified image along the row, one column for each disparity."""
    peaks: tuple[Peak, ...]
    """The best and the second best where nothing is masked, at most two."""

    def __post_init__(self) -> None:
        for name in ("disparity_px", "zncc", "range_m"):
            object.__setattr__(self, name, locked(getattr(self, name)))
        object.__setattr__(self, "masked", locked(self.masked, np.bool_))
        object.__setattr__(self, "strip", locked(self.strip, np.float32))


@dataclass(frozen=True, eq=False)
class Explanation:
    """What is known about one pixel of the left raw image.  Numbers that there are none of are NaN."""

    product_id: str
    mission: str
    pixel: tuple[int, int]
    """(column, row) in the left raw image."""
    reasons: tuple[Reason, ...]
    """Empty where there is XYZ."""
    xyz: Float
    """(3,) m, ROVER_NAV."""
    range_m: float
    sigma_range_m: float
    disparity_px: float
    """What the matcher chose, in the rectified images."""
    match: Float
    """(2,) column and row in the right raw image of what the matcher chose."""
    candidate: Float
    """(2,) the same of the best correlation."""
    nearest_m: float
    """Range of the nearest ground that is searched for, m along the pixel's ray."""
    curve: Curve | None
    """None where the pixel lies outside the rectified image: nothing was searched."""
    contrast_dn: float
    """Standard deviation in a small window about the pixel, DN."""
    noise_dn: float
    """That of the image's smoothest part, DN."""
    left_patch: F32
    """(PATCH_PX, PATCH_PX) float32, DN, of the left raw image about the pixel; NaN outside the frame."""
    right_patch: F32 | None
    """The same of the right raw image about ``match``, or else about ``candidate``; None without either."""

    def __post_init__(self) -> None:
        for name in ("xyz", "match", "candidate"):
            object.__setattr__(self, name, locked(getattr(self, name)))
        for name in ("left_patch", "right_patch"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, locked(getattr(self, name), np.float32))

    @property
    def measured(self) -> bool:
        """Whether the pixel has XYZ."""
        return not self.reasons

    def lines(self) -> list[str]:
        """What a person reads: first the answer, then the evidence."""
        what = "measured" if self.measured else "no XYZ: " + "; ".join(REASON_TEXT[r] for r in self.reasons)
        lines = [f"pixel {self.pixel[0]},{self.pixel[1]}: {what}", *(ADVICE[r] for r in self.reasons)]
        if self.measured:
            f, r, d = self.xyz
            lines += [
                f"rover  forward {f:.3f}  right {r:.3f}  down {d:.3f} m",
                f"range  {self.range_m:.3f} m \u00b1 {self.sigma_range_m:.3f} m",
            ]
        if np.isfinite(self.match).all():
            x, y = self.match
            lines.append(f"match  right image {x:.2f},{y:.2f}  disparity {self.disparity_px:.2f} px")
        lines.append(self._search_line())
        if self.curve is not None and self.curve.peaks:
            lines.append(self._peak_line(self.curve.peaks))
        times = self.contrast_dn / self.noise_dn
        lines.append(f"texture  contrast {self.contrast_dn:.2f} DN  noise {self.noise_dn:.2f} DN  ({times:.1f} times)")
        return lines

    def _search_line(self) -> str:
        if self.curve is None:
            return "search  none: the two frames do not overlap here"
        most = self.curve.disparity_px[0]
        return f"search  {self.nearest_m:.2f} m (disparity {most:.0f} px) to infinity (0 px)"

    @staticmethod
    def _peak_line(peaks: tuple[Peak, ...]) -> str:
        def tell(peak: Peak) -> str:
            where = f"{peak.range_m:.2f} m" if np.isfinite(peak.range_m) else "past infinity"
            return f"{peak.zncc:.2f} at {peak.disparity_px:.1f} px ({where})"

        line = f"correlation  best {tell(peaks[0])}"
        if len(peaks) > 1:
            line += f"  next {tell(peaks[1])}"
            line += ": ambiguous" if peaks[1].zncc > _AMBIGUOUS * peaks[0].zncc > 0 else ""
        return line


def explain(
    pair: StereoPair,
    rectified: RectifiedPair,
    disparity: Disparity,
    xyz: XyzMap,
    pixel: tuple[int, int],
    min_range_m: float = 1.0,
) -> Explanation:
    """Explain ``pixel`` (column, row) of the left raw image; the values are those of one reconstruction.

    Raises StereoError for a pixel outside the image.
    """
    require_inside(pair.left, pixel)
    column, row = pixel
    reason = int(xyz.reason[row, column])
    point = np.asarray(xyz.xyz[row, column], dtype=np.float64)
    ray = pair.left.camera.ray(np.array([float(column), float(row)]))
    at = rectified.left_camera.project(reference_points(*ray))
    curve, chosen = None, float("nan")
    match, candidate = np.full(2, np.nan), np.full(2, np.nan)
    nearest = float("nan")
    if _inside(rectified.left, at):
        most = focal_px(rectified.left_camera) * _baseline_m(rectified) / min_range_m
        steps = np.arange(int(np.ceil(most)), -_BEYOND_PX - 1, -1, dtype=np.float64)
        curve = _curve(pair, rectified, ray, at, steps)
        nearest = float(curve.range_m[0])
        chosen = _chosen(rectified, disparity, at, point)
        best = curve.peaks[0].disparity_px if curve.peaks else float("nan")
        _, (match, candidate) = _along(pair, rectified, ray, at, np.array([chosen, best]))
    shown = match if np.isfinite(match).all() else candidate
    contrast, noise = _texture(pair.left, rectified, pixel, at)
    return Explanation(
        product_id=pair.left.product_id,
        mission=pair.left.mission,
        pixel=(column, row),
        reasons=tuple(r for r in Reason if reason & r),
        xyz=point,
        range_m=float(xyz.range_m[row, column]),
        sigma_range_m=float(xyz.sigma_range_m[row, column]),
        disparity_px=chosen,
        match=match,
        candidate=candidate,
        nearest_m=nearest,
        curve=curve,
        contrast_dn=contrast,
        noise_dn=noise,
        left_patch=_patch(pair.left, np.array([float(column), float(row)])),
        right_patch=_patch(pair.right, shown) if np.isfinite(shown).all() else None,
    )


def require_inside(observation: Observation, pixel: tuple[int, int]) -> None:
    """Raise StereoError when the image has no such pixel (column, row)."""
    width, height = observation.image.width, observation.image.height
    if not (0 <= pixel[0] < width and 0 <= pixel[1] < height):
        raise StereoError(
            f"the {observation.eye.value} image has no pixel {pixel[0]},{pixel[1]}",
            file=observation.path,
            expected=f"column 0 to {width - 1}, row 0 to {height - 1}",
        )


def _baseline_m(rectified: RectifiedPair) -> float:
    return float(np.linalg.norm(rectified.right_camera.C - rectified.left_camera.C))


def _shift(rectified: RectifiedPair) -> float:
    return principal_column(rectified.left_camera) - principal_column(rectified.right_camera)


def _inside(image: F32, at: Float) -> bool:
    """Whether the rectified pixel ``at`` (2,) lies in the image; False for NaN."""
    return bool(-0.5 <= at[0] < image.shape[1] - 0.5 and -0.5 <= at[1] < image.shape[0] - 0.5)


def _nearest(at: Float) -> tuple[int, int]:
    """(row, column)."""
    return int(np.rint(at[1])), int(np.rint(at[0]))


def _chosen(rectified: RectifiedPair, disparity: Disparity, at: Float, point: Float) -> float:
    """The disparity behind the pixel's XYZ; where there is none, that of the nearest rectified pixel, or NaN."""
    if np.isfinite(point).all():
        return float(at[0] - rectified.right_camera.project(point)[0] - _shift(rectified))
    return float(disparity.values[_nearest(at)])


def _along(
    pair: StereoPair, rectified: RectifiedPair, ray: tuple[Float, Float], at: Float, disparities: Float
) -> tuple[Float, Float]:
    """Range (n,), m, and pixel (n, 2) in the right raw image that each disparity (n,) means for the left ``ray``."""
    x = at[0] - disparities - _shift(rectified)
    partner = np.stack([x, np.broadcast_to(at[1], x.shape)], axis=-1)
    pixels = pair.right.camera.project(reference_points(*rectified.right_camera.ray(partner)))
    points, _ = intersect(ray[0], ray[1], *pair.right.camera.ray(pixels))
    return np.linalg.norm(points - pair.left.camera.C, axis=-1), pixels


def _curve(pair: StereoPair, rectified: RectifiedPair, ray: tuple[Float, Float], at: Float, steps: Float) -> Curve:
    window = cv2.getRectSubPix(rectified.left, (WINDOW_PX, WINDOW_PX), (float(at[0]), float(at[1])))
    first = at[0] - steps[0] - _shift(rectified)
    half, around = WINDOW_PX // 2, STRIP_PX // 2
    x = (first - half + np.arange(len(steps) + 2 * half)).astype(np.float32)
    y = (at[1] - around + np.arange(STRIP_PX)).astype(np.float32)
    columns, rows = np.meshgrid(x, y)
    strip = cv2.remap(rectified.right, columns, rows, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    band = strip[around - half : around + half + 1]
    windows = np.lib.stride_tricks.sliding_window_view(band, WINDOW_PX, axis=1)
    zncc = _zncc(window.astype(np.float64), np.moveaxis(windows, 1, 0).astype(np.float64))
    centre = np.rint(x[half : half + len(steps)]).astype(np.int64)
    line = rectified.right_valid[_nearest(at)[0]]
    zncc = np.where((centre >= 0) & (centre < len(line)), zncc, np.nan)
    masked = ~line[np.clip(centre, 0, len(line) - 1)]
    range_m, _ = _along(pair, rectified, ray, at, steps)
    peaks = _peaks(steps, np.where(masked, np.nan, zncc))
    ranges, _ = _along(pair, rectified, ray, at, np.array([d for d, _ in peaks]))
    named = tuple(Peak(d, z, float(r)) for (d, z), r in zip(peaks, ranges, strict=True))
    return Curve(steps, zncc, masked, range_m, strip[:, half : half + len(steps)], named)


def _zncc(window: Float, others: Float) -> Float:
    """Zero-mean normalised cross-correlation of (w, w) with (n, w, w): (n,); NaN where either varies by < 0.1 DN."""
    a = window - window.mean()
    b = others - others.mean(axis=(1, 2), keepdims=True)
    var_a, var_b = np.mean(a * a), np.mean(b * b, axis=(1, 2))
    with np.errstate(divide="ignore", invalid="ignore"):
        zncc = np.mean(a * b, axis=(1, 2)) / np.sqrt(var_a * var_b)
    return np.where((var_a > _FLAT_DN**2) & (var_b > _FLAT_DN**2), zncc, np.nan)


def _peaks(steps: Float, zncc: Float) -> list[tuple[float, float]]:
    """(disparity, correlation) of the best maximum and of the best other one, refined by parabolas."""
    value = np.nan_to_num(zncc, nan=-2.0)
    padded = np.concatenate([[-2.0], value, [-2.0]])
    tops = np.flatnonzero((value > -2.0) & (value >= padded[:-2]) & (value >= padded[2:]))
    tops = tops[np.argsort(-value[tops], kind="stable")]
    found: list[int] = []
    for top in tops:
        if all(abs(top - other) >= _RIVAL_PX for other in found):
            found.append(int(top))
        if len(found) == 2:
            break
    out = []
    for i in found:
        before, here, after = padded[i], padded[i + 1], padded[i + 2]
        bend = before - 2.0 * here + after
        refine = before > -2.0 and after > -2.0 and bend < 0
        offset = float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if refine else 0.0
        # The disparity falls as the index rises.
        out.append((float(steps[i]) - offset, float(here - 0.25 * (before - after) * offset)))
    return out


def _texture(left: Observation, rectified: RectifiedPair, pixel: tuple[int, int], at: Float) -> tuple[float, float]:
    """Contrast about the pixel and noise of the image, DN: of the rectified one where it reaches, else the raw one."""
    if _inside(rectified.left, at):
        image, valid, (row, column) = rectified.left, rectified.left_valid, _nearest(at)
    else:
        image, valid, (row, column) = left.image.luminance, left.image.valid, (pixel[1], pixel[0])
    reach = _CONTRAST_PX // 2
    window = image[max(row - reach, 0) : row + reach + 1, max(column - reach, 0) : column + reach + 1]
    return float(window.std(dtype=np.float64)), noise_dn(image, valid)


def _patch(observation: Observation, at: Float) -> F32:
    """(PATCH_PX, PATCH_PX) of the raw image, the pixel (2,) at its middle exactly; NaN outside the frame."""
    offsets = np.arange(PATCH_PX) - PATCH_PX // 2
    x, y = np.meshgrid((at[0] + offsets).astype(np.float32), (at[1] + offsets).astype(np.float32))
    image = observation.image.luminance
    patch: F32 = cv2.remap(image, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    outside = (x < -0.5) | (y < -0.5) | (x > image.shape[1] - 0.5) | (y > image.shape[0] - 0.5)
    patch[outside] = np.nan
    return patch


def sparkline(curve: Curve, width: int = 72) -> list[str]:
    """The curve as two lines of text: blocks as high as the correlation (0 to 1), and ``^`` below the best.

    Each character stands for several disparities and shows their highest correlation; ``.`` = nothing there.
    """
    searched = np.where(curve.masked, np.nan, curve.zncc)
    edges = np.linspace(0, len(curve.zncc), min(width, len(curve.zncc)) + 1).astype(int)
    highest = [
        max((float(v) for v in searched[a:b] if np.isfinite(v)), default=float("nan"))
        for a, b in itertools.pairwise(edges)
    ]
    blocks = "\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
    text = "".join("." if np.isnan(v) else blocks[int(np.clip(v, 0.0, 0.999) * 8)] for v in highest)
    if not curve.peaks:
        return [text]
    index = int(np.argmin(np.abs(curve.disparity_px - curve.peaks[0].disparity_px)))
    return [text, " " * int(np.searchsorted(edges, index, side="right") - 1) + "^"]
