"""One picture of an evaluation: the image, where the errors are, how they spread, and whether sigma is right."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from stereo3d.observation import Observation
from stereo3d.stereo.score import Errors, Evaluation, range_bins
from stereo3d.stereo.truth import Truth
from stereo3d.view.plot import FAINT, INK, PANEL, SERIES, Axes, Box, Colour, Sheet, credit, ticks

_WIDTH, _HEIGHT = 1800, 1310
_MARGIN, _TOP = 70, 118
_HOLE: Colour = (122, 70, 160)
_EXTRA: Colour = (92, 150, 80)
_NORMAL: Colour = (165, 168, 172)
_LIMITS_PX = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_DIVERGING = np.array(
    [(33, 102, 172), (103, 169, 207), (209, 229, 240), (247, 247, 247), (253, 219, 199), (239, 138, 98), (178, 24, 43)],
    dtype=np.float64,
)
"""Blue over white to red, from ColorBrewer's RdBu (Brewer, Harrower et al.), readable by the colour-blind."""
_FEWEST = 50
"""Pixels below which a distribution is not drawn."""


def error_picture(
    errors: Errors, evaluation: Evaluation, reference: Truth, left: Observation, title: str, against: str
) -> Pil.Image:
    """The picture, RGB.  ``title`` names what is scored, ``against`` the reference ("truth", or the other map)."""
    sheet = Sheet(_WIDTH, _HEIGHT)
    _headline(sheet, evaluation, title, against)
    middle = _WIDTH / 2
    half = (_WIDTH - 2 * _MARGIN - 40) / 2
    scale = min(half / left.image.width, 650 / left.image.height)
    wide, high = left.image.width * scale, left.image.height * scale
    boxes = [(x - wide / 2, _TOP, x + wide / 2, _TOP + high) for x in (_MARGIN + half / 2, _WIDTH - _MARGIN - half / 2)]
    photo = _brightened(left.image.rgb8)
    limit = error_limit_px(errors)
    sheet.text(boxes[0][0], _TOP - 10, "left image", 16)
    sheet.image(_reduced(photo, scale), boxes[0])
    sheet.text(boxes[1][0], _TOP - 10, "error of disparity, px (red: too near)", 16)
    sheet.image(_reduced(error_colours(errors, reference, photo, limit), scale), boxes[1])
    _colour_bar(sheet, boxes[1], limit)
    _footprint(sheet, boxes[0], evaluation, against)

    top = _TOP + high + 128
    plots = [(_MARGIN, top, middle - 30, _HEIGHT - 92), (middle + 50, top, _WIDTH - 40, _HEIGHT - 92)]
    bins = [(label, errors.wanted & errors.measured & inside) for label, inside in range_bins(reference)]
    _histogram(sheet, plots[0], errors, bins, limit)
    if np.isfinite(errors.over_sigma).any():
        _reliability(sheet, plots[1], errors, bins, evaluation)
    else:
        _cumulative(sheet, plots[1], errors, bins, limit)
    sheet.text(_WIDTH - 40, _HEIGHT - 14, credit(left.mission), 14, FAINT, "rs")
    return sheet.finished()


def error_limit_px(errors: Errors) -> float:
    """The error at which colours end: round, some three robust sigmas, so that both noise and outliers show."""
    px = errors.px[np.isfinite(errors.px)]
    spread = 3.0 * 1.4826 * float(np.median(np.abs(px))) if px.size else 1.0
    return min((v for v in _LIMITS_PX if v >= spread), default=_LIMITS_PX[-1])


def error_colours(
    errors: Errors, reference: Truth, photo: NDArray[np.uint8], limit_px: float
) -> NDArray[np.uint8]:  # fmt: skip
    """(rows, columns, 3) uint8: signed errors from blue (too far) to red (too near), clipped at ``limit_px``.

    Ground that the map lacks and ground that only the map has get colours of their own; elsewhere the dimmed
    ``photo`` (rows, columns, 3) is seen.
    """
    out = (0.35 * photo).astype(np.uint8)
    out[errors.wanted & ~errors.measured] = _HOLE
    out[errors.measured & ~reference.ground] = _EXTRA
    scored = ~np.isnan(errors.px)
    share = np.clip(np.nan_to_num(errors.px[scored], posinf=limit_px, neginf=-limit_px) / limit_px, -1.0, 1.0)
    out[scored] = _diverging(share)
    return out


def _diverging(share: NDArray[np.float64]) -> NDArray[np.uint8]:
    """(n, 3) uint8 of numbers (n,) from -1 to 1."""
    stops = np.linspace(-1.0, 1.0, len(_DIVERGING))
    colours = [np.interp(share, stops, _DIVERGING[:, i]) for i in range(3)]
    return np.asarray(np.stack(colours, axis=-1), dtype=np.uint8)


def _brightened(rgb: NDArray[np.uint8]) -> NDArray[np.uint8]:
    light = max(float(np.percentile(rgb, 99.0)), 1.0)
    factor = np.float32(min(max(235.0 / light, 1.0), 4.0))
    return np.asarray(np.clip(rgb * factor, 0, 255), dtype=np.uint8)


def _reduced(rgb: NDArray[np.uint8], scale: float) -> NDArray[np.uint8]:
    """Every so many pixels of a large frame: mixing the colours of errors would make up smaller ones."""
    step = max(1, int(0.5 / scale))
    return rgb[::step, ::step]


def _headline(sheet: Sheet, evaluation: Evaluation, title: str, against: str) -> None:
    score = evaluation.overall
    sheet.text(_MARGIN, 42, f"{_clean(title, 90)}: errors against {_clean(against, 50)}", 24)
    line = (
        f"{score.label}: filled {100 * score.filled:.2f} %   median |e| {score.median_px:.3f} px   "
        f"NMAD {score.nmad_px:.3f} px   bias {score.bias_px:+.4f} px   > 0.25 px {100 * score.bad_025:.2f} %   "
        f"> 0.5 px {100 * score.bad_05:.2f} %   > 1 px {100 * score.bad_1:.2f} %"
    )
    sheet.text(_MARGIN, 76, line, 17, FAINT)


def _clean(text: str, most: int) -> str:
    return "".join(c if c.isprintable() else " " for c in text)[:most]


def _colour_bar(sheet: Sheet, box: Box, limit: float) -> None:
    left, right, top = box[0], box[0] + 300.0, box[3] + 14.0
    ramp = _diverging(np.linspace(-1.0, 1.0, 301))[None]
    sheet.image(np.repeat(ramp, 2, axis=0), (left, top, right, top + 16))
    for share, anchor in ((-1.0, "la"), (0.0, "ma"), (1.0, "ra")):
        x = left + (share + 1.0) / 2.0 * (right - left)
        sheet.text(x, top + 22, f"{share * limit:+.3g}" if share else "0", 14, FAINT, anchor)
    x = right + 30
    for name, colour in (("hole: only the reference has ground", _HOLE), ("only the map has ground", _EXTRA)):
        sheet.rectangle((x, top, x + 16, top + 16), fill=colour)
        sheet.text(x + 24, top + 8, name, 14, INK, "lm")
        x += sheet.length(name, 14) + 48


def _footprint(sheet: Sheet, box: Box, evaluation: Evaluation, against: str) -> None:
    prints = evaluation.footprint
    filled = 100 * prints.map_filled, 100 * prints.reference_filled
    words = (
        f"the map fills {filled[0]:.1f} % of the image, the reference {filled[1]:.1f} %",
        f"both {_share(prints.both, prints.pixels)}   only the map {_share(prints.only_map, prints.pixels)}   "
        f"only the reference {_share(prints.only_reference, prints.pixels)}   "
        f"neither {_share(prints.neither, prints.pixels)}",
    )
    for i, text in enumerate(words):
        sheet.text(box[0], box[3] + 28 + 22 * i, text, 15, FAINT)


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %"


def _legend(sheet: Sheet, axes: Axes, rows: list[tuple[str, Colour]], heading: str) -> None:
    """Names of the lines, upper right within the axes."""
    size = 15.0
    wide = max(sheet.length(text, size) for text, _ in [*rows, (heading, INK)]) + 52
    x, y = axes.box[2] - wide, axes.box[1] + 8
    sheet.rectangle((x, y, axes.box[2] - 8, y + 26 + 22 * len(rows)), fill=(*PANEL, 225))
    sheet.text(x + 10, y + 17, heading, size, FAINT)
    for i, (text, colour) in enumerate(rows):
        middle = y + 34 + 22 * i
        sheet.line([(x + 10, middle), (x + 32, middle)], colour, 3.0)
        sheet.text(x + 40, middle, text, size, INK, "lm")


def _density(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of ``values`` in each bin over the bin's width; those outside count in the whole but not in a bin."""
    counts, _ = np.histogram(values, edges)
    return np.asarray(counts / (len(values) * np.diff(edges)))


def _histogram(
    sheet: Sheet, box: Box, errors: Errors, bins: list[tuple[str, NDArray[np.bool_]]], limit: float
) -> None:  # fmt: skip
    edges = np.linspace(-limit, limit, 82)
    middles = (edges[1:] + edges[:-1]) / 2.0
    lines = []
    for (label, where), colour in zip(bins, SERIES, strict=True):
        values = errors.px[where]
        if values.size >= _FEWEST:
            beyond = float((np.abs(values) > limit).mean())
            text = f"{label}   beyond the plot {100 * beyond:.1f} %"
            lines.append((text, colour, _density(values, edges)))
    # All errors may lie beyond the plot.
    top = 1.08 * max((float(d.max()) for _, _, d in lines), default=0.0) or 1.0
    axes = Axes(box, (-limit, limit), (0.0, top))
    axes.frame(sheet, ticks(-limit, limit, 8), ticks(0.0, top, 5), "error, px of disparity", "density, per px", 15)
    sheet.line(axes.place([0.0, 0.0], [0.0, top]), FAINT, 1.0)
    for _, colour, density in lines:
        axes.curve(sheet, middles, density, colour, 2.5)
    _legend(sheet, axes, [(text, colour) for text, colour, _ in lines], "range")


def _reliability(
    sheet: Sheet, box: Box, errors: Errors, bins: list[tuple[str, NDArray[np.bool_]]], evaluation: Evaluation
) -> None:  # fmt: skip
    edges = np.linspace(-4.0, 4.0, 66)
    middles = (edges[1:] + edges[:-1]) / 2.0
    lines = []
    for (label, where), colour, score in zip(bins, SERIES, evaluation.by_range, strict=True):
        values = errors.over_sigma[where]
        values = values[~np.isnan(values)]
        if values.size >= _FEWEST:
            lines.append((f"{label}   spread {score.sigma_spread:.2f}", colour, _density(values, edges)))
    normal = np.exp(-(middles**2) / 2.0) / np.sqrt(2.0 * np.pi)
    top = max([float(d.max()) for _, _, d in lines] + [float(normal.max())]) * 1.08
    axes = Axes(box, (-4.0, 4.0), (0.0, top))
    label = "is sigma right?  error of range / its sigma beside the normal distribution (spread 1 = right)"
    axes.frame(sheet, ticks(-4.0, 4.0, 8), ticks(0.0, top, 5), "error / sigma", label, 15)
    axes.curve(sheet, middles, normal, _NORMAL, 5.0)
    for _, colour, density in lines:
        axes.curve(sheet, middles, density, colour, 2.5)
    _legend(sheet, axes, [("normal", _NORMAL), *((text, colour) for text, colour, _ in lines)], "range")


def _cumulative(
    sheet: Sheet, box: Box, errors: Errors, bins: list[tuple[str, NDArray[np.bool_]]], limit: float
) -> None:  # fmt: skip
    most = max(1.0, 2.0 * limit)
    steps = np.linspace(0.0, most, 200)
    axes = Axes(box, (0.0, most), (0.0, 100.0))
    label = "share of the measured pixels with a smaller error, % (no sigma was given)"
    axes.frame(sheet, ticks(0.0, most, 8), ticks(0.0, 100.0, 5), "error, px of disparity", label, 15)
    rows = []
    for (name, where), colour in zip(bins, SERIES, strict=True):
        values = np.sort(np.abs(errors.px[where]))
        if values.size >= _FEWEST:
            axes.curve(sheet, steps, 100.0 * np.searchsorted(values, steps) / values.size, colour, 2.5)
            rows.append((name, colour))
    left, top, right, bottom = box
    _legend(sheet, Axes((left, (top + bottom) / 2, right, bottom), (0, 1), (0, 1)), rows, "range")
