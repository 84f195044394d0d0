"""What in a raw image is not ground: the sky, the lens's dark corners, the rover's own body."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import pixel_grid
from stereo3d.observation import Observation
from stereo3d.stereo.disparity import Reason, flag
from stereo3d.stereo.match import noise_dn
from stereo3d.stereo.rover import rover_volume

F32 = NDArray[np.float32]
Bool = NDArray[np.bool_]

_REDUCTION = 4
_LOWEST_SKY_DEG = -3.0
"""A skyline may lie below the horizon by the curvature and slope of a crest, not by more."""
_EDGE_GAIN = 4.0
_JUMP = 24
_NEARLY = 0.6
_MOSAIC_NOISE = 6.0
"""White noise through the filter that a mosaic's luminance has passed is six times what its second difference tells:
0.375 of what it was against (3/8) / 6 = 0.0625."""


def known_reasons(observation: Observation, look_for_sky: bool = True) -> NDArray[np.uint16]:
    """(rows, columns) uint16, flags of :class:`Reason`: what can be told from one image to be no ground.

    Without ``look_for_sky`` nothing is taken for sky.
    """
    reason = np.zeros(observation.image.valid.shape, dtype=np.uint16)
    dark = vignette(observation)
    flag(reason, dark, Reason.VIGNETTE)
    body = rover(observation)
    flag(reason, body, Reason.ROVER)
    if look_for_sky:
        flag(reason, sky(observation, dark | body), Reason.SKY)
    return reason


def rover(observation: Observation) -> Bool:
    """(rows, columns) bool: pixels whose rays meet the rover's envelope (see :mod:`stereo3d.stereo.rover`)."""
    shape = observation.image.valid.shape
    volume = rover_volume(observation.mission)
    if volume is None:
        return np.zeros(shape, dtype=bool)
    camera = observation.camera
    coarse = pixel_grid(camera.width, camera.height)[_REDUCTION // 2 :: _REDUCTION, _REDUCTION // 2 :: _REDUCTION]
    hit = volume.hit(*camera.ray(coarse)).astype(np.uint8)
    full: Bool = cv2.resize(hit, shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    return full


def vignette(observation: Observation) -> Bool:
    """(rows, columns) bool: pixels without data, and corners that the lens leaves black.

    A corner is dark when its smoothed luminance is under a sixth of the frame's median and it hangs together with the
    frame's own corner; shadows do not.
    """
    luminance = observation.image.luminance
    smooth = cv2.GaussianBlur(luminance, (0, 0), 3.0)
    dark = (smooth < float(np.median(luminance)) / 6.0).astype(np.uint8)
    _, labels = cv2.connectedComponents(dark, connectivity=8)
    corners = [labels[y, x] for y in (0, -1) for x in (0, -1) if dark[y, x]]
    found = np.isin(labels, corners) if corners else np.zeros(dark.shape, dtype=bool)
    # The fall-off beside the black is steep: what little it shows differs between the eyes.
    grown: Bool = cv2.dilate(found.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (13, 13))) > 0
    return grown | ~observation.image.valid


def elevation_deg(observation: Observation, step: int = 1) -> F32:
    """Elevation above the level horizon of every ``step``-th pixel, degrees, (rows / step, columns / step) float32."""
    camera = observation.camera
    grid = pixel_grid(camera.width, camera.height)[step // 2 :: step, step // 2 :: step]
    down = observation.level_from_rover.rotate(camera.ray(grid)[1])[..., 2]
    return np.degrees(np.arcsin(np.clip(-down, -1.0, 1.0))).astype(np.float32)


def sky(observation: Observation, masked: Bool) -> Bool:
    """(rows, columns) bool: the sky, found as what lies above the best skyline.

    A skyline is a path of one row for each column.  It is paid for by texture above it (sky is smooth to the noise;
    brightness does not count, as dusty sky is as bright as ground), gains a little by an edge, and stays smooth; the
    cheapest path is found by dynamic programming at a quarter of the resolution, then set to the strongest edge nearby.
    ``masked``: (rows, columns) bool, pixels to leave out of account.
    """
    luminance = observation.image.luminance
    size = tuple(max(n // _REDUCTION, 1) for n in luminance.shape[::-1])
    small = cv2.resize(luminance, size, interpolation=cv2.INTER_AREA)
    skip = cv2.resize(masked.astype(np.uint8), size, interpolation=cv2.INTER_AREA) > 0
    skip = cv2.dilate(skip.astype(np.uint8), np.ones((5, 5), np.uint8)) > 0
    noise = noise_dn(luminance, ~masked)
    if observation.image.is_mosaic:
        noise *= _MOSAIC_NOISE
    # Demosaicking and compression correlate neighbours: the noise of 4 x 4 means is hardly below that of the
    # second difference.
    noise = float(np.clip(noise, 0.2, 0.6))
    texture = _sky_texture(small, noise)
    drop = _drop(small, 2) / noise
    drop[skip] = 0.0
    # The frame's own first row can be an edge (white in Curiosity's images); it is in the differences of these rows.
    drop[:2] = 0.0
    # The little gained for each row of sky takes the path down to the edge through rows that cost nothing.
    step = texture - 0.02
    unsure = skip | _dark_corners(small)
    step[unsure] = 0.0
    if observation.site_from_rover is not None:
        elevation = elevation_deg(observation, _REDUCTION)[: small.shape[0], : small.shape[1]]
        step[elevation < _LOWEST_SKY_DEG] += 2.0
    cost = np.zeros((small.shape[0] + 1, small.shape[1]), dtype=np.float32)
    np.cumsum(step, axis=0, out=cost[1:])
    cost[1:] -= _EDGE_GAIN * np.clip(drop / 12.0, 0.0, 1.0)
    return _refined(luminance, _believed(_cheapest_path(cost), unsure))


def _believed(path: NDArray[np.int64], unsure: Bool) -> NDArray[np.int64]:
    """The path without those pieces of sky (columns in a row) of which next to nothing lies where it can be told."""
    above = np.arange(unsure.shape[0])[:, None] < path[None, :]
    sure = (above & ~unsure).sum(axis=0)
    out = path.copy()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (path > 0).astype(np.int8), [0]])))
    for start, end in zip(edges[::2], edges[1::2], strict=True):
        if sure[start:end].sum() * 5 < path[start:end].sum():
            out[start:end] = 0
    return out


def _dark_corners(small: F32) -> Bool:
    """Discs about those corners of the frame towards which the lens falls off: there the fall-off itself is texture."""
    rows, columns = small.shape
    y, x = np.mgrid[:rows, :columns]
    radius = 0.2 * float(np.hypot(rows, columns))
    out = np.zeros(small.shape, dtype=bool)
    for cy in (0, rows - 1):
        for cx in (0, columns - 1):
            distance = np.hypot(y - cy, x - cx)
            inner, outer = small[distance < 0.2 * radius], small[(distance > 0.8 * radius) & (distance < radius)]
            if float(inner.mean()) < 0.85 * float(outer.mean()):
                out |= distance < radius
    return out


def _sky_texture(small: F32, noise: float) -> F32:
    """What the reduced image holds beyond ``noise`` (DN), 0 to 3, just above each of its pixels."""
    rest = small - cv2.GaussianBlur(small, (0, 0), 1.5)
    rest[:, :4] = rest[:, 4:5]
    rest[:, -4:] = rest[:, -5:-4]
    rest[:4] = rest[4]
    # The window ends three rows above its pixel, so that a skyline does not pay for its own blurred edge.
    power = cv2.blur(rest * rest, (7, 7))
    # Nor for that of a cliff: of the windows that end three columns to its left and to its right the smoother counts.
    beside = np.pad(power, ((0, 0), (6, 6)), mode="edge")
    rms = np.sqrt(np.minimum(beside[:, :-12], beside[:, 12:]))
    rms = np.concatenate([np.repeat(rms[:1], 6, axis=0), rms[:-6]])
    return np.clip(rms / noise - 1.8, 0.0, 3.0).astype(np.float32)


def _drop(image: F32, reach: int) -> F32:
    """Mean of the ``reach`` rows ending at each pixel minus that of the rows below it; DN, (rows, columns)."""
    kernel = np.zeros((2 * reach + 1, 3), dtype=np.float32)
    kernel[1 : reach + 1] = 1.0
    kernel[reach + 1 :] = -1.0
    out: F32 = cv2.filter2D(image, -1, kernel / (3.0 * reach), borderType=cv2.BORDER_REPLICATE)
    return out


def _cheapest_path(cost: F32, penalty: float = 1.0) -> NDArray[np.int64]:
    """For each column the number of sky rows, 0 to rows: least cost plus ``penalty`` for each row jumped."""
    count, columns = cost.shape
    total = cost[:, 0].copy()
    came_from = np.zeros(cost.shape, dtype=np.int64)
    rows = np.arange(count)
    for column in range(1, columns):
        best, source = total.copy(), rows.copy()
        for jump in range(1, _JUMP + 1):
            for moved, target in ((slice(None, -jump), slice(jump, None)), (slice(jump, None), slice(None, -jump))):
                candidate = total[moved] + penalty * jump
                better = candidate < best[target]
                best[target] = np.where(better, candidate, best[target])
                source[target] = np.where(better, rows[moved], source[target])
        came_from[:, column] = source
        total = best + cost[:, column]
    path = np.empty(columns, dtype=np.int64)
    path[-1] = int(np.argmin(total))
    for column in range(columns - 1, 0, -1):
        path[column - 1] = came_from[path[column], column]
    return path


def _refined(luminance: F32, path: NDArray[np.int64]) -> Bool:
    """The path at full resolution, moved to the strongest edge within two reduced rows; as a mask of what is above."""
    rows, columns = luminance.shape
    centres = (np.arange(path.size) + 0.5) * _REDUCTION - 0.5
    rough = np.interp(np.arange(columns), centres, path * float(_REDUCTION))
    strength = np.abs(_drop(luminance, 3))
    reach = 2 * _REDUCTION
    offsets = np.arange(-reach, reach + 1)
    candidates = np.clip(np.rint(rough).astype(np.int64)[None, :] + offsets[:, None], 0, rows - 1)
    found = np.take_along_axis(strength, candidates, axis=0)
    # The sky is smooth down to the skyline: of edges that are nearly as strong the first one from above is it.
    best = np.argmax(found >= _NEARLY * found.max(axis=0), axis=0)
    line = np.take_along_axis(candidates, best[None], axis=0)[0] + 1
    line = cv2.medianBlur(line.astype(np.float32)[None, :], 5)[0]
    line[rough < _REDUCTION / 2] = 0
    line[rough > rows - _REDUCTION / 2] = rows
    above: Bool = np.arange(rows)[:, None] < line[None, :]
    return above
