"""What is written over a picture: scale, north, colour scale, caption.  Everything measured from the view itself."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil
from PIL import ImageDraw, ImageFont

from stereo3d.pipeline import Result
from stereo3d.view.layers import ColourMap, brightness, round_length
from stereo3d.view.plot import credit
from stereo3d.view.raycast import Picture
from stereo3d.view.viewpoint import Viewpoint, camera_centre, camera_viewpoint

RINGS_M = (2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0, 500.0)
"""Distances from the camera that perspective pictures are lined with: the only scale that is true all over them."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_WHITE = (255, 255, 255, 235)
_DARK = (0, 0, 0, 150)
_CONTOUR, _CONTOUR_ON_GROUND = (255, 240, 200), (70, 190, 255)
"""RGB over a layer of colours; over the photograph or a hillshade, where rings are white already."""


def rings(
    rgb: NDArray[np.uint8], ground: NDArray[np.float32], camera: NDArray[np.float64]
) -> list[tuple[float, int, int]]:
    """Draw the rings of :data:`RINGS_M` (m from ``camera``, level) into ``rgb`` (height, width, 3).

    ``ground`` (height, width, 3) is the place of each pixel, ENU.  Returns (metres, column, row) of a label for each.
    """
    distance = _smooth(np.hypot(ground[..., 0] - camera[0], ground[..., 1] - camera[1]))
    down, right = np.gradient(distance)
    slope = np.hypot(down, right)
    line_px = max(1.0, rgb.shape[0] / 900.0)
    labels = []
    for metres in RINGS_M:
        with np.errstate(invalid="ignore", divide="ignore"):
            # Beside a step in depth, or on far ground of a few pixels, a line would be a smear.
            clean = (np.abs(distance - metres) < 0.05 * metres) & (slope < 0.05 * metres) & (slope > 0)
            share = np.where(clean, np.clip(line_px - np.abs(distance - metres) / slope + 0.5, 0.0, 1.0), 0.0)
        rows, columns = np.nonzero(share)
        if len(rows) < rgb.shape[1] // 20:
            continue
        weight = (0.45 * share[rows, columns])[:, None]
        rgb[rows, columns] = (rgb[rows, columns] * (1 - weight) + 255.0 * weight).astype(np.uint8)
        nearest = int(np.argmin(np.abs(columns - 0.5 * rgb.shape[1])))
        labels.append((metres, int(columns[nearest]), int(rows[nearest])))
    return labels


_INDEX_EVERY = 5


def contours(
    rgb: NDArray[np.uint8], ground: NDArray[np.float32], interval_m: float, colour: tuple[int, int, int]
) -> None:  # fmt: skip
    """Draw lines of one height, ``interval_m`` apart, into ``rgb`` (height, width, 3); every fifth is stronger.

    ``ground`` as for :func:`rings`.  Where lines would lie closer than some 4 px, as on ground far off, they fade out.
    """
    height = _smooth(ground[..., 2])
    down, right = np.gradient(height)
    slope = np.hypot(down, right)
    line_px = max(1.0, rgb.shape[0] / 900.0)
    for every, strength, wide in ((1, 0.55, 0.5), (_INDEX_EVERY, 0.9, 0.8)):
        step = interval_m * every
        with np.errstate(invalid="ignore", divide="ignore"):
            off = np.abs(height - step * np.round(height / step)) / slope
            fade = np.clip((step / slope - 3.0) / 4.0, 0.0, 1.0)
            share = np.clip(wide * line_px - off + 0.5, 0.0, 1.0) * np.where(np.isfinite(fade), fade, 0.0)
        rows, columns = np.nonzero(np.nan_to_num(share) > 0.0)
        weight = (strength * share[rows, columns])[:, None]
        rgb[rows, columns] = (rgb[rows, columns] * (1 - weight) + np.array(colour) * weight).astype(np.uint8)


def _smooth(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """``values`` averaged over some 2 px, so that a line along them does not fray; NaN where there is none."""
    seen = np.isfinite(values)
    weight = cv2.GaussianBlur(seen.astype(np.float32), (0, 0), 1.5)
    total = cv2.GaussianBlur(np.where(seen, values, 0.0).astype(np.float32), (0, 0), 1.5)
    return np.where(seen, total / np.maximum(weight, 1e-6), np.nan).astype(np.float32)


def annotate(
    picture: Picture,
    view: Viewpoint,
    result: Result,
    layer: str,
    colours: ColourMap | None,
    contours_m: float | None = None,
) -> Pil.Image:
    """The finished picture: caption and credit, north arrow, and a scale; with contour lines every ``contours_m``.

    A parallel view gets a scale bar, which is exact all over it; a perspective one, where no bar could be, gets
    rings on the ground at round distances from the camera.
    """
    rgb = picture.rgb.copy()
    height, width = rgb.shape[:2]
    if contours_m is not None:
        plain = colours is None or colours.bare
        contours(rgb, picture.ground, contours_m, _CONTOUR_ON_GROUND if plain else _CONTOUR)
    labels = [] if view.parallel else rings(rgb, picture.ground, camera_centre(result))
    image = Pil.fromarray(rgb)
    pen = ImageDraw.Draw(image, "RGBA")
    unit = max(10.0, min(height, width) / 50.0)
    font, small = ImageFont.load_default(unit), ImageFont.load_default(0.8 * unit)
    strip = int(2.1 * unit)
    low = height - strip - 1.2 * unit
    for metres, x, y in labels:
        # A label needs room above the next one, and its place on the ground rather than on the caption.
        if y < low and not any(other > metres and abs(y - oy) < 1.3 * unit for other, _, oy in labels):
            outlined(pen, (x, y), f"{metres:g} m", small, "mm")
    if view.parallel:
        mark = view.project(camera_centre(result), (width, height))
        towards = camera_viewpoint(result, 1.0) if len(result.pairs) == 1 else None
        camera_mark(pen, (float(mark[0]), float(mark[1])), towards, unit, small)
        scale_bar(pen, 2.0 * view.half_height / height, (1.2 * unit, low), 0.22 * width, unit, font)
    if colours:
        length = min(height - strip - 9.5 * unit, 18.0 * unit)
        colour_bar(pen, colours, (1.4 * unit, 4.5 * unit), length, unit, font, small)
    north(pen, view, (width - 3.8 * unit, 3.4 * unit), 2.0 * unit, font)

    pen.rectangle([0, height - strip, width, height], fill=(10, 12, 15, 215))
    left, credit = caption(result, view, layer, contours_m)
    room = width - 2 * unit
    text_font = font
    size = unit
    while text_font.getlength(left) + text_font.getlength(credit) + unit > room and size > 5.0:
        size *= 0.93
        text_font = ImageFont.load_default(size)
    middle = height - strip / 2
    pen.text((unit, middle), left, fill=_WHITE, font=text_font, anchor="lm")
    pen.text((width - unit, middle), credit, fill=(255, 255, 255, 190), font=text_font, anchor="rm")
    return image


def caption(result: Result, view: Viewpoint, layer: str, contours_m: float | None = None) -> tuple[str, str]:
    """What the picture shows, and whom to thank."""
    left = result.pairs[0].pair.left
    scale = "parallel, north up" if view.parallel else "rings: metres from the camera, level"
    product = "".join(c if c.isprintable() else " " for c in result.name)[:80]
    factor = brightness(result.terrain) if layer == "image" else 1.0
    what = layer if factor < 1.05 else f"{layer} (brightness x {factor:.1f})"
    if contours_m is not None:
        what += f", contours every {contours_m:g} m"
    text = f"{product}  \u00b7  sol {left.sol}  \u00b7  {what}, {view.name} view  \u00b7  {scale}"
    return text, credit(left.mission)


def outlined(
    pen: ImageDraw.ImageDraw, place: tuple[float, float], text: str, font: Font, anchor: str
) -> None:  # fmt: skip
    """White text with a dark rim, readable on any ground."""
    pen.text(place, text, fill=_WHITE, font=font, anchor=anchor, stroke_width=2, stroke_fill=_DARK)


def scale_bar(
    pen: ImageDraw.ImageDraw, metres_per_px: float, place: tuple[float, float], room_px: float, unit: float, font: Font,
    note: str = "",
) -> None:  # fmt: skip
    """A bar of a round length, no longer than ``room_px``, from ``place`` (its lower left corner) to the right."""
    length = round_length(room_px * metres_per_px)
    x, y = place
    end = x + length / metres_per_px
    bar = 0.35 * unit
    pen.rectangle([x - 3, y - bar - 3, end + 3, y + 3], fill=_DARK)
    for i in range(4):
        a, b = (x + (end - x) * k / 4 for k in (i, i + 1))
        pen.rectangle([a, y - bar, b, y], fill=_WHITE if i % 2 == 0 else (70, 70, 70, 255))
    outlined(pen, (x, y - bar - 0.4 * unit), "0", font, "ls")
    outlined(pen, (end, y - bar - 0.4 * unit), f"{length:g} m{note}", font, "ms" if not note else "ls")


def colour_bar(
    pen: ImageDraw.ImageDraw, colours: ColourMap, place: tuple[float, float], length: float, unit: float, font: Font,
    small: Font,
) -> None:  # fmt: skip
    """A vertical bar with round values beside it; ``place`` is its upper left corner, the title stands above.

    Named values get a patch each, with their names.
    """
    if colours.words:
        _legend(pen, colours, place, unit, font, small)
        return
    (x, top), wide, bottom = place, 0.9 * unit, place[1] + length
    low, high = colours.limits
    steps = np.linspace(1.0, 0.0, max(2, int(bottom - top)))
    values = low * (high / low) ** steps if colours.logarithmic else low + (high - low) * steps
    pen.rectangle([x - 2, top - 2, x + wide + 2, bottom + 2], fill=_DARK)
    for i, colour in enumerate(colours.colours(values.astype(np.float32))):
        pen.line([x, top + i, x + wide, top + i], fill=tuple(int(c) for c in colour))
    for tick in colours.ticks():
        share = np.log(tick / low) / np.log(high / low) if colours.logarithmic else (tick - low) / (high - low)
        y = bottom + share * (top - bottom)
        pen.line([x + wide, y, x + wide + 0.3 * unit, y], fill=_WHITE, width=2)
        outlined(pen, (x + wide + 0.5 * unit, y), f"{tick:.4g}", small, "lm")
    outlined(pen, (x, top - 0.7 * unit), colours.title, font, "ls")


def _legend(
    pen: ImageDraw.ImageDraw, colours: ColourMap, place: tuple[float, float], unit: float, font: Font, small: Font
) -> None:  # fmt: skip
    x, top = place
    for number, word in enumerate(colours.words):
        y = top + 1.6 * unit * number
        pen.rectangle([x - 2, y - 2, x + 1.2 * unit + 2, y + unit + 2], fill=_DARK)
        pen.rectangle([x, y, x + 1.2 * unit, y + unit], fill=tuple(int(c) for c in colours.table[number]))
        outlined(pen, (x + 1.8 * unit, y + 0.5 * unit), word, small, "lm")
    outlined(pen, (x, top - 0.7 * unit), colours.title, font, "ls")


def north(
    pen: ImageDraw.ImageDraw, view: Viewpoint, place: tuple[float, float], radius: float,
    font: Font,
) -> None:  # fmt: skip
    """A level compass needle as this view sees it; seen from the side it is tipped up to stay readable."""
    turn = np.radians(view.heading_deg)
    squash = max(0.45, abs(float(view.forward[2])))

    def at(bearing_rad: float, length: float) -> tuple[float, float]:
        x, y = np.sin(bearing_rad - turn) * length, np.cos(bearing_rad - turn) * length * squash
        return place[0] + radius * float(x), place[1] - radius * float(y)

    pen.ellipse(
        [place[0] - radius, place[1] - radius * squash, place[0] + radius, place[1] + radius * squash],
        outline=(255, 255, 255, 120), fill=(0, 0, 0, 70), width=2,
    )  # fmt: skip
    tip, tail, east, west = at(0.0, 0.95), at(np.pi, 0.95), at(np.pi / 2, 0.22), at(-np.pi / 2, 0.22)
    pen.polygon([tip, east, west], fill=(226, 74, 51, 255))
    pen.polygon([tail, east, west], fill=(235, 235, 235, 255))
    outlined(pen, at(0.0, 1.35), "N", font, "mm")


def camera_mark(
    pen: ImageDraw.ImageDraw, place: tuple[float, float], camera: Viewpoint | None, unit: float, font: Font
) -> None:  # fmt: skip
    """On a map: where the camera stood and which way it looked, if it was one way."""
    x, y = place
    if camera is not None:
        turn = np.radians(camera.heading_deg)
        sides = [(x + 2.2 * unit * np.sin(turn + a), y - 2.2 * unit * np.cos(turn + a)) for a in (-0.6, 0.6)]
        pen.polygon([place, *((float(a), float(b)) for a, b in sides)], fill=(255, 255, 255, 90))
    pen.ellipse([x - 0.35 * unit, y - 0.35 * unit, x + 0.35 * unit, y + 0.35 * unit], fill=(226, 74, 51, 255))
    outlined(pen, (x, y + 0.6 * unit), "camera", font, "ma")
