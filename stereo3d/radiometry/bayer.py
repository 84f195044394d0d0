"""Raw Bayer mosaics to colour: which of the four phases it is, interpolation, and channels alike in both eyes.

The interpolation is that of Malvar, He & Cutler 2004 (High-quality linear interpolation for demosaicing of
Bayer-patterned color images, ICASSP): linear, symmetric about each pixel, so that nothing moves, and the one that the
rovers themselves run (the labels of Perseverance's and InSight's frames name it), so that a frame debayered here is as
sharp as its partner that was debayered on board.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from stereo3d.image import Image
from stereo3d.observation import Observation

F32 = NDArray[np.float32]

DEBAYERED = "debayered"
"""How the note begins that an observation of a mosaic carries in ``processing``."""
_RGGB_MISSIONS = ("Mars 2020", "InSight", "simulated")
"""Missions whose labels give their colour cameras' pattern: red at the sensor's first pixel, green beside it."""
_SATURATED_SHARE = 0.98
"""Of the largest DN that the numbers can hold; what is brighter may be clipped, and differences to it tell nothing."""
_CLEAR_RATIO = 0.5
"""The greens' difference over that of red and blue: clearly smaller.  The colours of grey ground are all alike."""
_LEAST_COLOUR = 0.005
"""Difference of red and blue, of the largest DN, from which on it tells anything."""
_MAX_GAIN = 2.0
"""Of a channel, to be like the other eye's: more than differing stretches explain."""

# Malvar et al. 2004, figure 2, times 8.  Each is the mean of the wanted colour's neighbours plus a part of the
# Laplacian of the colour that is there.
_GREEN = np.array(
    [[0, 0, -1, 0, 0], [0, 0, 2, 0, 0], [-1, 2, 4, 2, -1], [0, 0, 2, 0, 0], [0, 0, -1, 0, 0]], dtype=np.float32
)
_IN_ROW = np.array(
    [[0, 0, 0.5, 0, 0], [0, -1, 0, -1, 0], [-1, 4, 5, 4, -1], [0, -1, 0, -1, 0], [0, 0, 0.5, 0, 0]], dtype=np.float32
)
_ACROSS = np.array(
    [[0, 0, -1.5, 0, 0], [0, 2, 0, 2, 0], [-1.5, 0, 6, 0, -1.5], [0, 2, 0, 2, 0], [0, 0, -1.5, 0, 0]],
    dtype=np.float32,
)
# The same without the Laplacian: bilinear.
_PLAIN_GREEN = np.array([[0, 2, 0], [2, 0, 2], [0, 2, 0]], dtype=np.float32)
_PLAIN_IN_ROW = np.array([[0, 0, 0], [4, 0, 4], [0, 0, 0]], dtype=np.float32)
_PLAIN_ACROSS = np.array([[2, 0, 2], [0, 0, 0], [2, 0, 2]], dtype=np.float32)


@dataclass(frozen=True)
class Phase:
    """Where the red pixels of a mosaic are: rows ``row`` + 2 i, columns ``column`` + 2 j; blue is one off in both."""

    row: int
    column: int

    @property
    def pattern(self) -> str:
        """RGGB, GRBG, GBRG or BGGR: the colours of the first two pixels of the first two rows."""
        letters = {(0, 0): "RGGB", (0, 1): "GRBG", (1, 0): "GBRG", (1, 1): "BGGR"}
        return letters[self.row, self.column]


def find_phase(
    image: Image, mission: str = "", subframe: tuple[int, int, int, int] | None = None, scale_factor: int = 1
) -> Phase:
    """The phase of a mosaic.  ``subframe``: (first column, first row, width, height) on the sensor, counted from 1.

    The pixels tell on which diagonal the greens are: there the medians of both sites are alike.  Which of the two
    others is red follows from the record: the sensor's pattern, moved by an odd start of the subframe.  Where there is
    none, or where the pixels contradict it (a downsampled frame whose pattern began anew), the brighter one is red: so
    it is of everything on Mars but the sky near the Sun.
    """
    told = None
    if mission in _RGGB_MISSIONS and scale_factor == 1:
        column, row = (0, 0) if subframe is None else ((subframe[0] - 1) % 2, (subframe[1] - 1) % 2)
        told = Phase(row, column)
    rows, columns = image.height // 2 * 2, image.width // 2 * 2
    data, valid = image.pixels[:rows, :columns].astype(np.float32), image.valid[:rows, :columns]
    top = _limit(image)
    site = {(i, j): data[i::2, j::2] for i in (0, 1) for j in (0, 1)}
    good = np.ones(site[0, 0].shape, dtype=bool)
    for (i, j), values in site.items():
        good &= valid[i::2, j::2] & (values < _SATURATED_SHARE * top) & (values > 0)
    if good.sum() < 64:
        return told or Phase(0, 0)
    # The scene's own slopes and texture have no sign of their own, and cancel.
    falling = float(abs(np.median((site[0, 0] - site[1, 1])[good])))
    rising = float(abs(np.median((site[0, 1] - site[1, 0])[good])))
    if max(falling, rising) < _LEAST_COLOUR * top or min(falling, rising) > _CLEAR_RATIO * max(falling, rising):
        return told or Phase(0, 0)
    choice = (Phase(0, 0), Phase(1, 1)) if rising < falling else (Phase(0, 1), Phase(1, 0))
    if told in choice:
        return told
    return max(choice, key=lambda phase: float(np.median(site[phase.row, phase.column][good])))


def debayer(image: Image, phase: Phase) -> Image:
    """The mosaic as RGB of the same type; what was measured stays as it is, the other two colours are interpolated.

    Where a pixel that is clipped stands within the filters' reach they would invent colour: there it is the mean of
    the neighbours alone.  Pixels beside one without data have none either.
    """
    import cv2

    raw = np.ascontiguousarray(image.pixels, dtype=np.float32)
    top = _limit(image)

    def filtered(kernel: NDArray[np.float32]) -> F32:
        # Mirrored about the last pixel, so that a row's colours go on by turns beyond the border.
        return np.asarray(cv2.filter2D(raw, -1, kernel / np.float32(8), borderType=cv2.BORDER_REFLECT_101), np.float32)

    clipped = (raw >= _SATURATED_SHARE * top).astype(np.uint8)
    plain = cv2.dilate(clipped, np.ones((5, 5), dtype=np.uint8)) > 0
    green, in_row, in_column, across = (
        np.where(plain, filtered(coarse), filtered(fine))
        for fine, coarse in (
            (_GREEN, _PLAIN_GREEN),
            (_IN_ROW, _PLAIN_IN_ROW),
            (_IN_ROW.T, _PLAIN_IN_ROW.T),
            (_ACROSS, _PLAIN_ACROSS),
        )
    )
    rgb = np.repeat(raw[..., None], 3, axis=2)
    r, c = phase.row, phase.column
    red, blue = (slice(r, None, 2), slice(c, None, 2)), (slice(1 - r, None, 2), slice(1 - c, None, 2))
    beside_red, beside_blue = (red[0], blue[1]), (blue[0], red[1])
    for here, other in ((red, 2), (blue, 0)):
        rgb[(*here, 1)] = green[here]
        rgb[(*here, other)] = across[here]
    for here, along in ((beside_red, 0), (beside_blue, 2)):
        rgb[(*here, along)] = in_row[here]
        rgb[(*here, 2 - along)] = in_column[here]
    np.clip(rgb, 0.0, top, out=rgb)
    kind = image.pixels.dtype
    valid = cv2.erode(image.valid.astype(np.uint8), np.ones((3, 3), dtype=np.uint8)) > 0
    return Image((np.rint(rgb) if kind.kind == "u" else rgb).astype(kind), valid)


def balanced(observation: Observation, reference: Observation) -> Observation:
    """A debayered frame with its channels scaled to those of the other eye's colour frame of the same shot.

    Both eyes see the same ground; the ratio of the channels' medians, over what is neither clipped nor dark in each,
    is the gain.  A gain beyond 1/2 to 2 is no stretch's: the frame then stays as it is, and the note says so.
    """
    both = [_usable(o.image) for o in (observation, reference)]
    if any(values.shape[0] < 1000 for values in both):
        return observation
    own, other = (np.median(values, axis=0) for values in both)
    gain = other / np.maximum(own, 1e-6)
    text = ", ".join(f"{g:.3f}" for g in gain)
    if gain.max() > _MAX_GAIN or gain.min() < 1 / _MAX_GAIN:
        note = f"colours not balanced: gains of {text} to be like {reference.product_id}"
        return replace(observation, processing=(*observation.processing, note))
    image = observation.image
    kind = image.pixels.dtype
    pixels = image.pixels.astype(np.float32)
    # What is clipped in all channels stays white: scaled it would look like a measured colour.
    top = _limit(image)
    white = pixels.min(axis=2, keepdims=True) >= _SATURATED_SHARE * top
    scaled = np.where(white, pixels, np.clip(pixels * gain.astype(np.float32), 0.0, top))
    made = Image((np.rint(scaled) if kind.kind == "u" else scaled).astype(kind), image.valid)
    note = f"red, green, blue times {text}, to be like {reference.product_id}"
    return replace(observation, image=made, processing=(*observation.processing, note))


def alike(observations: list[Observation]) -> list[Observation]:
    """The frames of one shot, debayered ones balanced to the first frame that came in colour."""
    models = [o for o in observations if o.image.pixels.ndim == 3 and not was_mosaic(o)]
    if not models:
        return observations
    return [balanced(o, models[0]) if was_mosaic(o) else o for o in observations]


def was_mosaic(observation: Observation) -> bool:
    """Whether the frame was delivered as a raw Bayer mosaic."""
    return any(note.startswith(DEBAYERED) for note in observation.processing)


def _limit(image: Image) -> float:
    """The largest DN that a pixel can have: of 8, 12 or 16 bits, or the largest there is."""
    largest = float(image.pixels.max())
    if image.pixels.dtype == np.uint8:
        return 255.0
    return largest if image.pixels.dtype.kind == "f" else 4095.0 if largest <= 4095 else 65535.0


def _usable(image: Image) -> F32:
    """(n, 3) every fourth pixel of every fourth row, neither clipped nor dark in any channel, DN."""
    pixels, valid = image.pixels[::4, ::4].astype(np.float32), image.valid[::4, ::4]
    top = _limit(image)
    good = valid & (pixels.max(axis=2) < _SATURATED_SHARE * top) & (pixels.min(axis=2) > 0.05 * top)
    return np.asarray(pixels[good], dtype=np.float32)
