"""One texture for the ground of many frames: each place from the frame that shows it best, levelled and blended.

The frames of a stop are all taken from the mast, so the ground is nearly a star about it: most of the texture is one
picture over azimuth and elevation, made as a panorama is (one radiometric solution, seams where the frames agree,
multi-band blending), but on the measured surface itself: every texel is a place on a face, found in the frames by their
cameras and by rays, so nothing is doubled or smeared by parallax.  Faces that stand behind others as seen from the mast
lie in charts below that picture.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import inside
from stereo3d.errors import StereoError
from stereo3d.observation import Eye, Observation
from stereo3d.panorama.blend import MultiBand, continued
from stereo3d.panorama.layer import Layer
from stereo3d.panorama.mosaic import Tone, usual_tone
from stereo3d.panorama.radiometry import Radiometry, brightness_range, solve
from stereo3d.panorama.resample import sampled
from stereo3d.panorama.seams import choose, region, seam_steps
from stereo3d.terrain.atlas_fill import smooth_between
from stereo3d.terrain.atlas_kernels import POOR_WEIGHT, look, paint, rasterise, spread
from stereo3d.terrain.atlas_layout import Layout, lay_out
from stereo3d.terrain.atlas_views import STEP_PX, Sight, View, make_views, sight
from stereo3d.terrain.mesh import TerrainMesh
from stereo3d.terrain.texture import TexturedMesh

F32 = NDArray[np.float32]
I32 = NDArray[np.int32]
Bool = NDArray[np.bool_]

REDUCED_COLUMNS = 1500
"""Brightness and seams are settled on a picture of at most so many columns."""
OTHER_EYE = 0.02
"""What a frame of the eye that does not give the colour is worth: it fills what the other eye does not see."""
_GOOD = 2.0 * POOR_WEIGHT * OTHER_EYE
_OWN = 10.0
_BIN_PX = 32
_RIM_TEXELS = 1.5


@dataclass(frozen=True, eq=False)
class Atlas:
    """A textured ground, and how its texture was made."""

    terrain: TexturedMesh
    radiometry: Radiometry
    label: NDArray[np.int16]
    """(rows, columns) of the image: number of the frame that each texel is from; -1: continued from around."""
    seam_step_before: float
    """Mean step across the seams as delivered, as a share of the range of brightness; NaN without seams."""
    seam_step_after: float
    unseen_share: float
    """Of the texels on faces, those that no frame shows."""


def texture_ground(
    mesh: TerrainMesh,
    observations: Sequence[Observation],
    *,
    masked: Mapping[str, Bool] | None = None,
    look_for_sky: bool = True,
    radiometry: Radiometry | None = None,
    tell: Callable[[float], None] = lambda share: None,
) -> Atlas:
    """Texture a mesh in ENU with the frames of its stop (pointing refined, ROVER_NAV).

    ``masked``: by product id, (rows, columns) pixels that show the rover, as stereo found it: in such a frame they
    stand for the rover's published envelope.  ``radiometry`` of these frames if it is known, else it is solved here.
    ``tell`` is called with the share that is done.

    Raises StereoError where no frame shows any of the mesh, FrameMismatchError for frames of another stop,
    MissingLibraryError without embree.
    """
    if not len(mesh.faces) or not observations:
        raise StereoError("a texture needs ground and at least one frame")
    views = make_views(mesh, observations, masked or {}, look_for_sky)
    tell(0.2)
    eye = _colour_eye(views)
    sights = [sight(view, mesh.vertices) for view in views]
    tell(0.3)
    layout = lay_out(mesh, views, sights, [v.eye is eye for v in views])
    tell(0.45)
    weaver = _Weaver(layout, views, sights, eye)
    return weaver.atlas(radiometry, tell)


def _colour_eye(views: Sequence[View]) -> Eye:
    """The eye that gives the colour: that with the most frames in colour, of all frames, or the left one."""
    rank = {eye: (sum(v.colour for v in views if v.eye is eye), sum(v.eye is eye for v in views)) for eye in Eye}
    return max((Eye.LEFT, Eye.RIGHT, Eye.NONE), key=lambda eye: rank[eye])


class _Weaver:
    """The texels of a layout, taken from frames."""

    def __init__(self, layout: Layout, views: Sequence[View], sights: Sequence[Sight], eye: Eye) -> None:
        self._layout, self._views, self._sights, self._eye = layout, views, sights, eye
        self._channels = 3 if any(v.colour for v in views) else 1
        self._owner = self._drawn(layout.at, layout.shape, None)
        self._inside = self._owner >= 0
        spread(layout.at, layout.mesh.faces, _RIM_TEXELS, self._owner)

    def atlas(self, radiometry: Radiometry | None, tell: Callable[[float], None]) -> Atlas:
        layout, views = self._layout, self._views
        reduction = max(1, math.ceil(layout.shape[1] / REDUCED_COLUMNS))
        layers, numbers = self._small(reduction)
        if not layers:
            raise StereoError(
                "no frame shows any of the ground", todo="give the frames that the ground was measured in"
            )
        radiometry = radiometry or solve(layers)
        tell(0.6)
        shape = -(-layout.picture_rows // reduction), -(-layout.shape[1] // reduction)
        corrected = [radiometry.corrected(layer) for layer in layers]
        labels = choose(layers, corrected, shape)
        tell(0.65)
        before = seam_steps(
            layers, [la.pixels for la in layers], labels, brightness_range([la.pixels[la.valid] for la in layers])
        ).mean

        label = self._owners(labels, numbers, reduction)
        tell(0.75)
        tone = usual_tone([la for la in layers if la.eye is self._eye] or layers, radiometry)
        picture = self._woven(label, radiometry)
        tell(0.9)
        shrunk = _shrunk(picture[: layout.picture_rows], label[: layout.picture_rows] >= 0, reduction)
        after = seam_steps(layers, corrected, labels, radiometry.value_range, shrunk).mean
        unseen = float((self._inside & (label < 0)).sum() / max(int(self._inside.sum()), 1))
        self._fill(picture, label)
        image = _bytes(picture, tone, views)
        tell(1.0)
        return Atlas(TexturedMesh(layout.mesh, layout.uv, image), radiometry, label, before, after, unseen)

    def _drawn(self, at: F32, shape: tuple[int, int], chosen: Bool | None) -> I32:
        """The face of each texel (rows, columns), -1 = none."""
        owner, front = np.full(shape, -1, dtype=np.int32), np.zeros(shape, dtype=np.float32)
        mesh = self._layout.mesh
        every = np.ones(len(mesh.faces), dtype=np.bool_)
        rasterise(at, self._layout.nearness, mesh.faces, every if chosen is None else chosen, owner, front)
        return owner

    def _looked(self, k: int, owner: I32, corner: tuple[int, int], at: F32, texels_per_rad: float) -> F32:
        """(rows, columns, 3): pixel x, y of frame ``k``, and weight, of a rectangle of texels."""
        view, sight, layout = self._views[k], self._sights[k], self._layout
        out = np.empty((*owner.shape, 3), dtype=np.float32)
        worth = (1.0 if view.eye is self._eye else OTHER_EYE), (view.px_per_rad / texels_per_rad) ** 2
        look(np.ascontiguousarray(owner), corner, at, layout.mesh.faces, layout.origin, sight.pixels, sight.depth,
             sight.offset, layout.slack, view.usable, view.seen, STEP_PX, worth, layout.view, k, out)  # fmt: skip
        return out

    def _rectangles(self, k: int) -> Iterator[tuple[int, int, int, int]]:
        """(left, top, right, bottom) of texels that hold all that frame ``k`` shows of the picture."""
        layout, view, pixels = self._layout, self._views[k], self._sights[k].pixels
        shown = inside(view.camera, pixels.astype(np.float64))
        at = layout.at[shown[layout.origin]]
        at = at[at[:, 1] < layout.picture_rows]
        if not len(at):
            return
        bins = np.zeros(-(-layout.shape[1] // _BIN_PX), dtype=np.uint8)
        bins[np.clip(at[:, 0] // _BIN_PX, 0, len(bins) - 1).astype(np.int64)] = 1
        bins = cv2.dilate(bins[None], np.ones((1, 5), np.uint8))[0]
        top, bottom = max(int(at[:, 1].min()) - _BIN_PX, 0), min(int(at[:, 1].max()) + _BIN_PX, layout.picture_rows)
        runs = np.flatnonzero(np.diff(np.concatenate([[0], bins.astype(np.int8), [0]])))
        for first, end in zip(runs[::2].tolist(), runs[1::2].tolist(), strict=True):
            yield first * _BIN_PX, top, min(end * _BIN_PX, layout.shape[1]), bottom

    def _layer(self, k: int, found: F32, corner: tuple[int, int], factor: int, good: float) -> Layer:
        view = self._views[k]
        x, y, weight = (np.ascontiguousarray(found[..., c]) for c in range(3))
        valid = weight > good
        pixels = sampled(view.source, x, y, factor)
        pixels[~valid] = 0.0
        half = 0.5 * np.array([view.camera.width - 1.0, view.camera.height - 1.0])
        position = np.stack([x - half[0], y - half[1]], axis=-1) / np.hypot(*half)
        position[~valid] = 0.0
        weight = np.where(valid, np.minimum(weight, 1.0), 0.0)
        return Layer(view.name, view.eye, *corner, pixels, valid, position.astype(np.float32), weight)

    def _small(self, reduction: int) -> tuple[list[Layer], list[int]]:
        """The frames on a reduced picture, and the number of each layer's frame."""
        layout = self._layout
        at = (layout.at + np.float32(0.5)) / np.float32(reduction) - np.float32(0.5)
        shape = -(-layout.picture_rows // reduction), -(-layout.shape[1] // reduction)
        owner = self._drawn(at, shape, layout.in_picture)
        layers, numbers = [], []
        for k, view in enumerate(self._views):
            factor = max(1, round(reduction * view.px_per_rad / layout.texels_per_rad))
            for left, top, right, bottom in self._rectangles(k):
                left, top = left // reduction, top // reduction
                part = owner[top : -(-bottom // reduction), left : -(-right // reduction)]
                found = self._looked(k, part, (left, top), at, layout.texels_per_rad / reduction)
                layer = self._layer(k, found, (left, top), factor, _GOOD)
                if layer.valid.any():
                    layers.append(layer)
                    numbers.append(k)
        return layers, numbers

    def _owners(self, labels: NDArray[np.int16], numbers: Sequence[int], reduction: int) -> NDArray[np.int16]:
        """(rows, columns) the frame that each texel is taken from: that of ``labels``, or the best that shows it."""
        layout = self._layout
        label = np.full(layout.shape, -1, dtype=np.int16)
        best = np.zeros(layout.shape, dtype=np.float32)
        for k in range(len(self._views)):
            for place in self._places(k):
                left, top, right, bottom = place
                part = slice(top, bottom), slice(left, right)
                weight = self._looked(k, self._owner[part], (left, top), layout.at, layout.texels_per_rad)[..., 2]
                if top < layout.picture_rows:
                    own = np.zeros(weight.shape, dtype=bool)
                    for n in (n for n, number in enumerate(numbers) if number == k and (labels == n).any()):
                        own |= region(labels, n, (left, top, *weight.shape), reduction)
                    weight[own & (weight > _GOOD)] += _OWN
                better = weight > best[part]
                best[part][better], label[part][better] = weight[better], k
        return label

    def _places(self, k: int) -> Iterator[tuple[int, int, int, int]]:
        """All rectangles (left, top, right, bottom) that may show something of frame ``k``: picture and charts."""
        yield from self._rectangles(k)
        if k in self._layout.chart_rows:
            first, end = self._layout.chart_rows[k]
            yield 0, first, self._layout.shape[1], end

    def _woven(self, label: NDArray[np.int16], radiometry: Radiometry) -> F32:
        """The atlas (rows, columns, channels) on the frames' common scale; 0 where no frame shows anything."""
        layout = self._layout
        rows = layout.picture_rows
        blender = MultiBand((rows, layout.shape[1]), self._channels)
        out = np.zeros((*layout.shape, self._channels), dtype=np.float32)
        for k in range(len(self._views)):
            for left, top, right, bottom in self._places(k):
                part = slice(top, bottom), slice(left, right)
                own = label[part] == k
                if not own.any():
                    continue
                found = self._looked(k, self._owner[part], (left, top), layout.at, layout.texels_per_rad)
                layer = self._layer(k, found, (left, top), 1, 0.0)
                values = radiometry.corrected(layer)
                if top < rows:
                    blender.feed(values, layer.valid, own, left, top)
                else:
                    out[part][own] = values.reshape(*own.shape, -1)[own]
        for first, strip in blender.strips():
            out[first : first + len(strip)] = strip.reshape(*strip.shape[:2], -1)
        return out

    def _fill(self, picture: F32, label: NDArray[np.int16]) -> None:
        """Colour, in place, what no frame shows: faces from the faces around them, the rest from the texels around."""
        layout, rows = self._layout, self._layout.picture_rows
        known = label >= 0
        lost = (self._owner >= 0) & ~known
        if lost.any() and known.any():
            colours = self._vertex_colours(picture, known)[layout.origin]
            paint(self._owner, layout.at, layout.mesh.faces, colours, lost, picture)
        for part in (slice(0, rows), slice(rows, layout.shape[0])):
            if part.start < part.stop:
                continued(picture[part], known[part] | lost[part])

    def _vertex_colours(self, picture: F32, known: Bool) -> F32:
        """(vertices of the uncut mesh, channels): their colour where a frame shows it, elsewhere smooth between."""
        layout = self._layout
        faces, count = layout.origin[layout.mesh.faces], int(layout.origin.max()) + 1
        columns, rows = np.rint(layout.at).astype(np.int64).T
        # Beside an edge the texel of a vertex may show what stands before it.
        front = self._owner[rows, columns]
        there = layout.nearness[layout.mesh.faces[front]].max(axis=1)
        shown = known[rows, columns] & (there <= layout.nearness * (1.0 + 2.0 * layout.slack[front]))
        out = np.zeros((count, picture.shape[2]), dtype=np.float32)
        fixed = np.zeros(count, dtype=bool)
        fixed[layout.origin[shown]] = True
        out[layout.origin[shown]] = picture[rows[shown], columns[shown]]
        return smooth_between(out, fixed, faces)


def _shrunk(picture: F32, seen: Bool, factor: int) -> F32:
    """Means over ``factor`` x ``factor`` texels of what is ``seen`` of the picture (rows, columns, channels)."""
    rows, columns = seen.shape
    beyond = ((0, -rows % factor), (0, -columns % factor))
    size = -(-columns // factor), -(-rows // factor)
    share = cv2.resize(np.pad(seen.astype(np.float32), beyond), size, interpolation=cv2.INTER_AREA)
    padded = np.pad(np.where(seen[..., None], picture, np.float32(0.0)), (*beyond, (0, 0)))
    total = cv2.resize(padded, size, interpolation=cv2.INTER_AREA).reshape(*share.shape, -1)
    return np.asarray(total / np.maximum(share, 1e-6)[..., None], dtype=np.float32)


def _bytes(picture: F32, tone: Tone, views: Sequence[View]) -> NDArray[np.uint8]:
    """(rows, columns, 3) uint8 of values on the common scale."""
    dn = tone.dn(picture if picture.shape[2] == 3 else picture[..., 0])
    if any(v.source.dtype != np.uint8 for v in views):
        low, high = np.percentile(dn[::7, ::7], [0.1, 99.9])
        dn = (dn - np.float32(low)) * np.float32(255.0 / max(float(high - low), 1e-9))
    out = np.clip(np.rint(dn), 0, 255).astype(np.uint8)
    return out if out.ndim == 3 else np.repeat(out[..., None], 3, axis=2)
