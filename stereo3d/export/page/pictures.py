"""The pictures of the page: WebP for what is seen, PNG for what is counted, tables of colours."""

from __future__ import annotations

import base64
import io
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from stereo3d.stereo.disparity import REASON_TEXT, Reason

TEXTURE_QUALITY, FRAME_QUALITY, PANORAMA_QUALITY = 92, 85, 88
MOST_SIDE = 8192
"""px: what graphics cards of phones take."""
PALETTES = {
    "viridis": cv2.COLORMAP_VIRIDIS,
    "cividis": cv2.COLORMAP_CIVIDIS,
    "plasma": cv2.COLORMAP_PLASMA,
    "inferno": cv2.COLORMAP_INFERNO,
}
REASONS: tuple[Reason, ...] = tuple(sorted(REASON_TEXT))
"""What a pixel of several reasons tells is the first of them: a cause (sky, the rover) comes before a symptom."""


def webp(pixels: NDArray[np.uint8], quality: int) -> bytes:
    """(rows, columns, 3 or 4) uint8 as WebP; the fourth channel is how much it hides."""
    out = io.BytesIO()
    Pil.fromarray(pixels).save(out, "WEBP", quality=quality, method=4)
    return out.getvalue()


def shrunk(pixels: NDArray[np.uint8], most: int) -> NDArray[np.uint8]:
    """The picture, or the means of it, so that no side has more than ``most`` px."""
    rows, columns = pixels.shape[:2]
    share = most / max(rows, columns)
    if share >= 1.0:
        return pixels
    size = max(1, round(columns * share)), max(1, round(rows * share))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def reasons_png(reason: NDArray[np.uint16], scale: int) -> bytes:
    """An 8-bit grey PNG: for each ``scale`` x ``scale`` pixels the number of the reason in the middle, 0 = measured."""
    part = reason[scale // 2 :: scale, scale // 2 :: scale]
    index = np.zeros(part.shape, dtype=np.uint8)
    for number, each in reversed(list(enumerate(REASONS, start=1))):
        index[(part & np.uint16(each)) > 0] = number
    out = io.BytesIO()
    Pil.fromarray(index).save(out, "PNG", optimize=True)
    return out.getvalue()


def reason_words() -> list[str]:
    """What the numbers of :func:`reasons_png` mean."""
    return ["measured", *(REASON_TEXT[each] for each in REASONS)]


def palettes() -> dict[str, str]:
    """Each palette as base64 of 256 x 3 bytes."""
    steps = np.arange(256, dtype=np.uint8)[:, None]
    tables = {name: cv2.applyColorMap(steps, number)[:, 0, ::-1] for name, number in PALETTES.items()}
    return {name: base64.b64encode(np.ascontiguousarray(table).tobytes()).decode() for name, table in tables.items()}


def brightness(light: NDArray[np.uint8]) -> float:
    """The factor (1 to 2) that brings the lightest of colours (n, 3) to nearly full brightness, for display only."""
    top = float(np.percentile(light.max(axis=1), 99.0)) if len(light) else 255.0
    return round(float(np.clip(235.0 / max(top, 1.0), 1.0, 2.0)), 4)


def camera_record(camera: Any) -> dict[str, Any]:
    """A camera model as plain values, under the names of its vectors."""
    record: dict[str, Any] = {"model": type(camera).__name__}
    for name in "CAHVORE":
        if hasattr(camera, name):
            record[name] = [float(v) for v in getattr(camera, name)]
    if "E" in record:
        record |= {"pupil_type": int(camera.pupil_type), "linearity": float(camera.linearity)}
    return record
