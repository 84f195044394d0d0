"""A frame beside the measured ground, as a picture in a file: with a caption, what the colours mean, and figures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from PIL import Image as Pil
from PIL import ImageDraw, ImageFont

from stereo3d.errors import OutputError, PairError
from stereo3d.export.atomic import atomic_files
from stereo3d.export.credit import signed
from stereo3d.observation import Observation, credit_of
from stereo3d.pipeline import Result
from stereo3d.terrain.surface import Surface
from stereo3d.view.annotate import outlined
from stereo3d.view.frame_view import (
    COMPARISONS,
    NOTHING,
    REASON_COLOURS,
    SPAN_DN,
    Comparison,
    Picture8,
    compare,
    matched,
    measured_in,
    reason_words,
    reasons_picture,
    render_frame,
    residual_picture,
    wiped,
)
from stereo3d.view.plot import credit
from stereo3d.view.screenshot import check_picture_path, save_picture

_BLINK_MS = 700
_PATCH = 1.4
Legend = list[tuple[tuple[int, int, int], str]]


def check_frame_picture(path: Path, what: str) -> None:
    """Raise OutputError when the picture could not be written there; call it before long work starts."""
    check_picture_path(path)
    if what == "blink" and path.suffix.lower() != ".png":
        raise OutputError("only a PNG can blink", file=path, expected=".png (an animated one, which browsers play)")


def write_frame_picture(
    result: Result, index: int, path: Path, what: str = "wipe", size: tuple[int, int] | None = None
) -> tuple[Path, Comparison]:
    """Write what ``what`` (one of COMPARISONS) shows of frame ``index`` of ``result.observations``.

    frame: the real one; mesh: the measured ground through its camera model; wipe: left half real, right half mesh;
    blink: both in turn (an animated PNG); residual: their difference; reasons: holes and why.  The picture is of the
    frame's own size, or as large as fits into ``size`` (width, height), with a caption below.  The file appears whole
    or not at all.  Raises OutputError, PairError for the reasons of a frame that nothing was measured in.
    """
    check_frame_picture(path, what)
    if what not in COMPARISONS:
        raise KeyError(what)
    frame = result.observations[index]
    rendered = render_frame(result, Surface(result.terrain.mesh), frame)
    found = compare(frame, rendered)
    real, mesh = frame.image.rgb8, matched(rendered, found)
    legend: Legend = []
    if what == "reasons":
        xyz = measured_in(result, frame)
        if xyz is None:
            raise PairError(
                f"holes are known of left frames only, not of {frame.product_id}",
                todo="name the left frame of its pair",
            )
        shown, reasons = reasons_picture(xyz, real)
        legend = [(REASON_COLOURS[r], w) for (r, _), w in zip(reasons, reason_words(reasons), strict=True)]
    elif what == "residual":
        shown = residual_picture(found)
        legend = [
            ((178, 24, 43), f"frame {SPAN_DN:.0f} DN brighter than the mesh"),
            ((247, 247, 247), "equal"),
            ((33, 102, 172), f"frame {SPAN_DN:.0f} DN darker"),
            (NOTHING, "no ground measured"),
        ]
    else:
        shown = {"frame": real, "mesh": mesh, "blink": real, "wipe": wiped(real, mesh, 0.5)}[what]
    first = _page(shown, frame, what if what != "blink" else "frame", found, legend, size)
    if what != "blink":
        save_picture(first, path, credit_of(frame.mission))
        return path, found
    second = _page(mesh, frame, "mesh", found, legend, size)
    with atomic_files(path) as folder:
        first.save(
            folder / path.name, format="PNG", save_all=True, append_images=[second], duration=_BLINK_MS, loop=0,
            compress_level=1, **signed(credit_of(frame.mission), "PNG"),
        )  # fmt: skip
    return path, found


_TITLES = {
    "frame": "the frame itself",
    "mesh": "the measured ground through the frame's camera model",
    "wipe": "left: the frame; right: the measured ground through its camera model",
    "residual": "the frame less the measured ground",
    "reasons": "holes, and why",
}


def _page(
    rgb: Picture8, frame: Observation, what: str, found: Comparison, legend: Legend, size: tuple[int, int] | None
) -> Pil.Image:
    rows, columns = rgb.shape[:2]
    unit = max(11.0, min(rows, columns) / 55.0)
    if size is not None:
        share = min(size[0] / columns, max(size[1] - 4.6 * unit, 32.0) / rows)
        new = max(1, round(columns * share)), max(1, round(rows * share))
        rgb = np.asarray(
            cv2.resize(rgb, new, interpolation=cv2.INTER_AREA if share < 1 else cv2.INTER_LINEAR), np.uint8
        )
        rows, columns = rgb.shape[:2]
        unit = max(11.0, min(rows, columns) / 55.0)
    strip = int(4.4 * unit)
    page = Pil.new("RGB", (columns, rows + strip), (10, 12, 15))
    page.paste(Pil.fromarray(rgb), (0, 0))
    pen = ImageDraw.Draw(page, "RGBA")
    small = ImageFont.load_default(0.85 * unit)
    for number, (colour, word) in enumerate(legend):
        y = unit * (0.8 + _PATCH * number)
        pen.rectangle([0.8 * unit - 1, y - 1, 2.0 * unit + 1, y + unit + 1], fill=(0, 0, 0, 160))
        pen.rectangle([0.8 * unit, y, 2.0 * unit, y + unit], fill=colour)
        outlined(pen, (2.5 * unit, y + 0.5 * unit), word, small, "lm")
    product = "".join(c if c.isprintable() else " " for c in frame.product_id)[:60]
    lines = [f"{product}  \u00b7  sol {frame.sol}  \u00b7  {_TITLES[what]}", *found.lines()]
    if not np.isfinite(found.correlation):
        lines[1:] = ["too little measured ground in this frame to compare"]
    for number, text in enumerate(lines[:3]):
        _fitting(pen, text, (unit, rows + unit * (0.8 + 1.35 * number)), columns - 2 * unit, unit, number == 0)
    right = ImageFont.load_default(0.8 * unit)
    pen.text((columns - unit, rows + strip - 0.7 * unit), credit(frame.mission), (255, 255, 255, 170), right, "rm")
    return page


def _fitting(
    pen: ImageDraw.ImageDraw, text: str, place: tuple[float, float], room: float, unit: float, strong: bool
) -> None:  # fmt: skip
    """One line, smaller where it would be too long."""
    size = unit if strong else 0.85 * unit
    while ImageFont.load_default(size).getlength(text) > room and size > 5.0:
        size *= 0.93
    pen.text(place, text, (255, 255, 255, 235 if strong else 190), ImageFont.load_default(size), "lm")
