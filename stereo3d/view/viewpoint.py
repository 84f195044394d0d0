"""Where a view is taken from: pure geometry that the window and the ray-cast picture share.

All positions are in the ENU frame of the stop (X east, Y north, Z up, m).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from stereo3d.frames import locked
from stereo3d.observation import Observation
from stereo3d.pipeline import Result

Float = NDArray[np.float64]

VIEWPOINTS = ("camera", "oblique", "top")
"""Names of the viewpoints that :func:`viewpoint` knows."""

UP = np.array([0.0, 0.0, 1.0])

_BEHIND_SHARE = 0.2
"""With more of the vertices behind the camera than this the ground lies around it."""


def camera_centre(result: Result) -> Float:
    """(3,) where the cameras stood, ENU, m: the left one of a pair, the middle of the left ones of several."""
    return result.eye_enu


@dataclass(frozen=True, eq=False)
class Viewpoint:
    """A pinhole or a parallel (orthographic) view."""

    name: str
    eye: Float
    """(3,) m, ENU."""
    forward: Float
    """(3,) unit, ENU."""
    up: Float
    """(3,) unit, across ``forward``."""
    half_height: float
    """Half the height of the picture: its tangent for a pinhole, metres for a parallel view."""
    parallel: bool = False

    def __post_init__(self) -> None:
        forward = np.asarray(self.forward, dtype=np.float64)
        forward = forward / np.linalg.norm(forward)
        right = np.cross(forward, self.up)
        if not np.linalg.norm(right) > 1e-6:
            raise ValueError("up lies along the direction of view")
        up = np.cross(right, forward)
        object.__setattr__(self, "eye", locked(self.eye))
        object.__setattr__(self, "forward", locked(forward))
        object.__setattr__(self, "up", locked(up / np.linalg.norm(up)))
        if not (np.isfinite(self.half_height) and self.half_height > 0):
            raise ValueError(f"half_height must be positive, got {self.half_height}")

    @property
    def right(self) -> Float:
        """(3,) unit, to the right in the picture."""
        return np.cross(self.forward, self.up)

    @property
    def heading_deg(self) -> float:
        """Compass direction of the middle of the view (of its upper edge, where it looks straight down)."""
        level = self.forward if np.hypot(*self.forward[:2]) > 1e-3 else self.up
        return float(np.degrees(np.arctan2(level[0], level[1])) % 360.0)

    def rays(self, pixels: Float, size: tuple[int, int]) -> tuple[Float, Float]:
        """Origins (..., 3), m, and directions (..., 3), not unit, of pixels (..., 2) of a picture (width, height)."""
        unit = 2.0 * self.half_height / size[1]
        x = (pixels[..., :1] - (size[0] - 1) / 2.0) * unit
        y = ((size[1] - 1) / 2.0 - pixels[..., 1:]) * unit
        across = x * self.right + y * self.up
        if self.parallel:
            return self.eye + across, np.broadcast_to(self.forward, across.shape)
        return np.broadcast_to(self.eye, across.shape), self.forward + across

    def project(self, points: ArrayLike, size: tuple[int, int]) -> Float:
        """Points (..., 3), m, to pixels (..., 2) of a picture (width, height); NaN behind the eye."""
        d = np.asarray(points, dtype=np.float64) - self.eye
        depth = np.ones(d.shape[:-1]) if self.parallel else d @ self.forward
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = np.where(depth > 0, size[1] / (2.0 * self.half_height) / depth, np.nan)
        x = (size[0] - 1) / 2.0 + (d @ self.right) * scale
        y = (size[1] - 1) / 2.0 - (d @ self.up) * scale
        return np.stack([x, y], axis=-1)


def frame_viewpoint(result: Result, frame: Observation, aspect: float, name: str = "frame") -> Viewpoint:
    """From where the frame's camera stood along the middle of the frame, upright, with the frame's field of view.

    ``aspect`` is width / height of the picture; the view is as wide and as high as the frame, or more.
    """
    enu, camera = result.enu_from_rover, frame.camera
    w, h = camera.width, camera.height
    cx, cy = (w - 1) / 2.0, (h - 1) / 2.0
    # The middle, and the middles of the four outer edges: left, right, top, bottom.
    pixels = [[cx, cy], [-0.5, cy], [w - 0.5, cy], [cx, -0.5], [cx, h - 0.5]]
    directions = enu.rotate(camera.ray(np.array(pixels))[1])
    forward = directions[0]
    up = UP if np.linalg.norm(np.cross(forward, UP)) > 1e-3 else directions[3] - directions[4]
    view = Viewpoint(name, enu.apply(camera.C), forward, up, 1.0)
    with np.errstate(invalid="ignore"):
        tangent = directions[1:] / (directions[1:] @ view.forward)[:, None]
    half_width = np.nanmax(np.abs(tangent[:2] @ view.right))
    half_height = np.nanmax(np.abs(tangent[2:] @ view.up))
    return replace(view, half_height=float(max(half_height, half_width / aspect)))


def camera_viewpoint(result: Result, aspect: float) -> Viewpoint:
    """That of the left camera of the first pair; see :func:`frame_viewpoint`."""
    return frame_viewpoint(result, result.pairs[0].pair.left, aspect, "camera")


def oblique_viewpoint(result: Result, aspect: float) -> Viewpoint:
    """From above and behind the camera, looking down over the ground: the picture that tells the relief.

    Where the ground lies around the rover, the whole of its nearer part, from further off.
    """
    camera = camera_viewpoint(result, aspect)
    away = _level(camera)
    reach = _reach(result, 50.0)
    if ((result.terrain.mesh.vertices - camera.eye) @ away < 0.0).mean() > _BEHIND_SHARE:
        middle = np.array([camera.eye[0], camera.eye[1], _ground(result)])
        eye = middle - 2.0 * reach * away + 1.6 * reach * UP
        return Viewpoint("oblique", eye, middle + 0.5 * reach * away - eye, UP, 0.5)
    eye = camera.eye - 0.3 * reach * away + 0.3 * reach * UP
    aim = camera.eye + 1.6 * reach * away
    aim[2] = _ground(result)
    view = Viewpoint("oblique", eye, aim - eye, UP, 1.0)
    # Aim at the middle of the ground that is seen, and open the view as far as it reaches, within bounds.
    vertices = result.terrain.mesh.vertices
    offset = (vertices - eye)[(vertices - eye) @ view.forward > 0.1 * reach]
    if not len(offset):
        return view
    tangent = offset @ np.stack([view.right, view.up], axis=1) / (offset @ view.forward)[:, None]
    low, high = np.percentile(tangent, [1.0, 99.0], axis=0)
    middle = (low + high) / 2.0
    half = 0.53 * max(float(high[1] - low[1]), float(high[0] - low[0]) / aspect)
    forward = view.forward + middle[0] * view.right + middle[1] * view.up
    return Viewpoint("oblique", eye, forward, UP, float(np.clip(half, 0.15, 0.55)))


def top_viewpoint(result: Result, aspect: float) -> Viewpoint:
    """Parallel, straight down, north up, over the ground out to where three quarters of the vertices lie."""
    vertices = result.terrain.mesh.vertices
    camera = camera_centre(result)
    distance = np.hypot(*(vertices[:, :2] - camera[:2]).T)
    near = vertices[distance <= np.percentile(distance, 75.0)]
    low = np.minimum(near.min(axis=0), camera)
    high = np.maximum(near.max(axis=0), camera)
    middle = (low + high) / 2.0
    half = 0.6 * max(float(high[1] - low[1]), float(high[0] - low[0]) / aspect, 1.0)
    eye = np.array([middle[0], middle[1], float(vertices[:, 2].max()) + 10.0])
    return Viewpoint("top", eye, -UP, np.array([0.0, 1.0, 0.0]), half, parallel=True)


def viewpoint(result: Result, name: str, aspect: float) -> Viewpoint:
    """One of :data:`VIEWPOINTS` by name; ``aspect`` is width / height.  Raises KeyError for another name."""
    make = {"camera": camera_viewpoint, "oblique": oblique_viewpoint, "top": top_viewpoint}[name]
    return make(result, aspect)


def _level(view: Viewpoint) -> Float:
    """(3,) unit: the direction of view without its slope."""
    level = np.array([view.forward[0], view.forward[1], 0.0])
    if np.linalg.norm(level) < 1e-3:
        level = np.array([view.up[0], view.up[1], 0.0])
    return np.asarray(level / np.linalg.norm(level))


def _reach(result: Result, percent: float) -> float:
    """m: the range within which ``percent`` of the first pair's pixels lie, kept to what a picture can show."""
    xyz = result.pairs[0].xyz
    ranges = xyz.range_m[xyz.measured]
    return float(np.clip(np.percentile(ranges, percent), 3.0, 60.0)) if ranges.size else 10.0


def _ground(result: Result) -> float:
    """m: height of the nearer half of the vertices."""
    mesh = result.terrain.mesh
    distance = np.linalg.norm(mesh.vertices - camera_centre(result), axis=1)
    return float(np.median(mesh.vertices[distance <= np.median(distance), 2]))
