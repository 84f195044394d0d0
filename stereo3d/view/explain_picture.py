"""The picture of an explanation: what both eyes see at a pixel, and the correlation along the search range."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from stereo3d.stereo.disparity import REASON_TEXT
from stereo3d.stereo.explain import PATCH_PX, STRIP_PX, WINDOW_PX, Curve, Explanation
from stereo3d.view.plot import ACCENT, BAD, FAINT, GOOD, GRID, INK, PANEL, Axes, Sheet, credit, ticks

_WIDTH, _HEIGHT = 1280, 960
_SIDE = 325
"""Of a patch, px of the picture."""
_LEFT, _TOP = 64, 118
_RANGES_M = (1.0, 1.5, 2.0, 3.0, 5.0, 10.0, 20.0, 50.0)
_MASKED = (120, 60, 60, 70)
_DIM = (110, 100, 102)


def explain_picture(explanation: Explanation) -> Pil.Image:
    """Patches, text, strip and curve on one sheet, RGB."""
    sheet = Sheet(_WIDTH, _HEIGHT)
    x, y = explanation.pixel
    product = "".join(c if c.isprintable() else " " for c in explanation.product_id)[:70]
    sheet.text(_LEFT, 36, f"pixel {x}, {y} of {product}", 22)
    answer = "measured" if explanation.measured else "no XYZ: " + "; ".join(REASON_TEXT[r] for r in explanation.reasons)
    answer = sheet.wrapped(answer, 19, _WIDTH - 2 * _LEFT)[0]
    sheet.text(_LEFT, 68, answer, 19, GOOD if explanation.measured else BAD)
    sheet.text(_WIDTH - 40, _HEIGHT - 14, credit(explanation.mission), 13, FAINT, "rs")
    _patches(sheet, explanation)
    _words(sheet, explanation)
    if explanation.curve is None:
        sheet.text(_WIDTH / 2, 680, "the two frames do not overlap here: nothing was searched", 19, FAINT, "mm")
    else:
        _strip_and_curve(sheet, explanation, explanation.curve)
    return sheet.finished()


def _grey(patch: NDArray[np.float32], limits: tuple[float, float] | None = None) -> NDArray[np.uint8]:
    """(rows, columns, 3) uint8, stretched over ``limits`` or the patch's own; NaN is the panel's colour."""
    known = np.isfinite(patch)
    low, high = limits or _limits(patch)
    share = np.clip((np.where(known, patch, low) - low) / (high - low), 0.0, 1.0)
    grey = np.repeat((share * 255.0).astype(np.uint8)[..., None], 3, axis=2)
    grey[~known] = PANEL
    return grey


def _limits(patch: NDArray[np.float32]) -> tuple[float, float]:
    """Darkest and lightest DN shown; at least 4 DN apart, so that noise is not blown up to texture."""
    known = patch[np.isfinite(patch)]
    low, high = (float(v) for v in np.percentile(known, [1.0, 99.0])) if known.size else (0.0, 1.0)
    spread = max(high - low, 4.0)
    return (low + high - spread) / 2.0, (low + high + spread) / 2.0


def _patches(sheet: Sheet, explanation: Explanation) -> None:
    chosen = bool(np.isfinite(explanation.match).all())
    place = explanation.match if chosen else explanation.candidate
    right = f"right eye, {place[0]:.1f}, {place[1]:.1f}: " + ("the match" if chosen else "the best correlation")
    names = (f"left eye, {explanation.pixel[0]}, {explanation.pixel[1]}", right)
    for i, (name, patch) in enumerate(zip(names, (explanation.left_patch, explanation.right_patch), strict=True)):
        left = _LEFT + i * (_SIDE + 26)
        box = (left, _TOP, left + _SIDE, _TOP + _SIDE)
        if patch is None:
            sheet.rectangle(box, fill=PANEL)
            sheet.text(left + _SIDE / 2, _TOP + _SIDE / 2, "no place in the right image", 16, FAINT, "mm")
            continue
        sheet.text(left, _TOP - 9, name, 15)
        sheet.image(_grey(patch), box, smooth=False)
        half, middle = WINDOW_PX / 2 * _SIDE / PATCH_PX, _SIDE / 2
        colour = GOOD if chosen else ACCENT
        sheet.rectangle(
            (left + middle - half, _TOP + middle - half, left + middle + half, _TOP + middle + half),
            outline=colour,
            width=2.0,
        )
    note = f"{PATCH_PX} x {PATCH_PX} px of each raw image, each with its own stretch; box: the {WINDOW_PX} px window"
    sheet.text(_LEFT, _TOP + _SIDE + 20, note, 13, FAINT)


def _words(sheet: Sheet, explanation: Explanation) -> None:
    left = _LEFT + 2 * (_SIDE + 26) + 8
    room, y, end = _WIDTH - 40 - left, _TOP + 4.0, _TOP + _SIDE - 70.0
    size = 15.0
    while size > 10.0 and len(_wrapped(sheet, explanation, size, room)) * 1.35 * size > end - y:
        size -= 0.5
    for text, colour in _wrapped(sheet, explanation, size, room):
        sheet.text(left, y + size, text, size, colour)
        y += 1.35 * size
    # Contrast beside noise: how much there is to match, on one logarithmic scale of 0.1 to 100 DN.
    axes = Axes((left + 74, end + 26, left + room, end + 70), (-1.0, 2.0), (0.0, 2.0))
    sheet.rectangle(axes.box, fill=PANEL)
    for value, text in ((-1.0, "0.1"), (0.0, "1"), (1.0, "10"), (2.0, "100 DN")):
        tick = float(axes.place(value, 0.0)[0])
        sheet.line([(tick, axes.box[1]), (tick, axes.box[3])], GRID, 1.0)
        sheet.text(tick, axes.box[3] + 5, text, 12, FAINT, "ra" if value == 2.0 else "ma")
    for row, (name, value, colour) in enumerate(
        (("noise", explanation.noise_dn, FAINT), ("contrast", explanation.contrast_dn, ACCENT))
    ):
        reach = float(np.clip(np.log10(max(value, 1e-3)), -1.0, 2.0))
        (a, b), (c, d) = axes.place([-1.0, reach], [row + 0.8, row + 0.2])
        sheet.rectangle((float(a), float(b), float(c), float(d)), fill=colour)
        sheet.text(left, (b + d) / 2, name, 13, INK, "lm")


def _wrapped(
    sheet: Sheet, explanation: Explanation, size: float, room: float
) -> list[tuple[str, tuple[int, int, int]]]:
    out = []
    advice = len(explanation.reasons)
    # The first line is the picture's headline.
    for i, line in enumerate(explanation.lines()[1:]):
        colour = INK if i < advice or explanation.measured else FAINT
        out += [(text, colour) for text in sheet.wrapped(line, size, room)]
        if i == advice - 1:
            out.append(("", INK))
    return out


def _strip_and_curve(sheet: Sheet, explanation: Explanation, curve: Curve) -> None:
    span = (float(curve.disparity_px[0]) + 0.5, float(curve.disparity_px[-1]) - 0.5)
    right, top = _WIDTH - 40, _TOP + _SIDE + 62
    high = float(np.clip(STRIP_PX * (right - _LEFT) / len(curve.disparity_px), 30.0, 90.0))
    rows = round(len(curve.disparity_px) * high / (right - _LEFT))
    middle = STRIP_PX // 2
    rows = min(max(rows // 2, 2), middle)
    strip = curve.strip[middle - rows : middle + rows + 1]
    sheet.text(_LEFT, top - 9, "right eye along the row: each column belongs to the disparity below it", 15)
    sheet.image(_grey(strip), (_LEFT, top, right, top + high))
    low = min(-0.2, float(np.nanmin(curve.zncc))) if np.isfinite(curve.zncc).any() else -0.2
    axes = Axes((_LEFT, top + high + 34, right, _HEIGHT - 96), span, (max(low, -1.0), 1.02))
    y_label = f"correlation (ZNCC) of the {WINDOW_PX} px window"
    axes.frame(sheet, ticks(span[1], span[0], 9), ticks(axes.y[0], 1.0, 4), "", y_label)
    bottom = axes.box[3]
    sheet.text(_LEFT - 26, bottom + 6, "px", 14, FAINT, "ra")
    _masked(sheet, axes, curve)
    _range_ticks(sheet, axes, curve)
    axes.curve(sheet, curve.disparity_px, np.where(curve.masked, curve.zncc, np.nan), _DIM, 1.5)
    axes.curve(sheet, curve.disparity_px, np.where(curve.masked, np.nan, curve.zncc), INK, 2.0)
    for peak, colour in zip(curve.peaks, (ACCENT, FAINT), strict=False):
        x, y = (float(v) for v in axes.place(peak.disparity_px, peak.zncc))
        sheet.dot(x, y, 5.0, colour)
        sheet.dot(x, top + high + 5, 3.0, colour)
    if np.isfinite(explanation.disparity_px):
        x = float(axes.place(explanation.disparity_px, 0.0)[0])
        for y0, y1 in ((top, top + high), (axes.box[1], bottom)):
            sheet.line([(x, y0), (x, y1)], (*GOOD, 170), 2.0)
    _legend(sheet, explanation, curve, axes.box[1] - 9)


def _masked(sheet: Sheet, axes: Axes, curve: Curve) -> None:
    """Shade where no partner is taken."""
    bad = curve.masked | ~np.isfinite(curve.zncc)
    ends = np.flatnonzero(np.diff(np.concatenate([[0], bad.astype(np.int8), [0]])))
    for a, b in zip(ends[::2], ends[1::2], strict=True):
        x0 = float(axes.place(curve.disparity_px[a] + 0.5, 0.0)[0])
        x1 = float(axes.place(curve.disparity_px[b - 1] - 0.5, 0.0)[0])
        sheet.rectangle((x0, axes.box[1], x1, axes.box[3]), fill=_MASKED)
        text = "no ground in the right image here: masked, or outside its frame"
        room = sheet.length(text, 13) + 20
        if x1 - x0 > room:
            x, y = (x0 + x1) / 2, axes.box[3] - 18
            sheet.rectangle((x - room / 2, y - 11, x + room / 2, y + 11), fill=PANEL)
            sheet.text(x, y, text, 13, FAINT, "mm")


def _range_ticks(sheet: Sheet, axes: Axes, curve: Curve) -> None:
    """Round ranges below the disparities that mean them, and infinity."""
    known = np.isfinite(curve.range_m) & (curve.disparity_px > 0.2)
    marks = [(0.0, "inf")]
    if known.any():
        d, r = curve.disparity_px[known], curve.range_m[known]
        marks += [(float(np.interp(m, r, d)), f"{m:g} m") for m in _RANGES_M if r[0] <= m <= r[-1]]
    taken: list[float] = []
    y = axes.box[3] + 34
    for value, text in marks:
        x = float(axes.place(value, 0.0)[0])
        # Neither over another one nor over the name of the row.
        if x > axes.box[0] + 24 and all(abs(x - other) > 46 for other in taken):
            sheet.line([(x, y), (x, y + 7)], ACCENT, 1.5)
            sheet.text(x, y + 10, text, 14, INK, "ma")
            taken.append(x)
    sheet.text(axes.box[0] - 9, y + 10, "range", 14, INK, "ra")


def _legend(sheet: Sheet, explanation: Explanation, curve: Curve, y: float) -> None:
    parts = []
    if np.isfinite(explanation.disparity_px):
        parts.append((f"chosen {explanation.disparity_px:.1f} px", GOOD))
    for name, peak, colour in zip(("best", "next"), curve.peaks, (ACCENT, FAINT), strict=False):
        where = f", {peak.range_m:.2f} m" if np.isfinite(peak.range_m) else ""
        parts.append((f"{name} {peak.zncc:.2f} at {peak.disparity_px:.1f} px{where}", colour))
    x = float(_WIDTH - 40)
    for text, colour in reversed(parts):
        sheet.text(x, y, text, 14, colour, "rs")
        x -= sheet.length(text, 14) + 16
        sheet.dot(x + 6, y - 5, 4.0, colour)
        x -= 12
