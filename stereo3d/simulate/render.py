"""Rays out of a camera model into a world: radiance of an image, and the truth of a pair."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CameraModel, inside, pixel_grid
from stereo3d.errors import FrameMismatchError
from stereo3d.frames import RigidTransform
from stereo3d.simulate.noise import Float, Float32
from stereo3d.simulate.shading import reflected
from stereo3d.simulate.surface import ROVER, Hits
from stereo3d.simulate.world import World, pixel_angle
from stereo3d.stereo.truth import Truth, depth_steps

_ROWS_PER_CHUNK_PX = 1 << 15


def _check(world: World, camera: CameraModel) -> None:
    if camera.frame != world.frame:
        raise FrameMismatchError(f"the camera is in {camera.frame}, the world in {world.frame}")


def render(world: World, camera: CameraModel, samples: int = 3, seed: int = 0) -> Float32:
    """Radiance (rows, columns, 3) float32 of what ``camera`` (in the world's frame) sees.

    Each pixel gathers ``samples`` x ``samples`` rays, one at a random place in each cell of the pixel's square: the
    pixel's own box is the sensor's part of the blur.  The same seed gives the same image.
    """
    _check(world, camera)
    per_chunk = max(1, _ROWS_PER_CHUNK_PX // camera.width)
    starts = list(range(0, camera.height, per_chunk))
    grid = pixel_grid(camera.width, camera.height)
    # The texture fades from 2.5 pixels per wave to none at 1: shorter waves would average out, and only add noise.
    angle = 0.5 * pixel_angle(camera)

    def chunk(start: int) -> Float32:
        rng = np.random.default_rng([seed, start, 7])
        pixels = grid[start : start + per_chunk]
        total = np.zeros((pixels.shape[0] * pixels.shape[1], 3), dtype=np.float32)
        for row in range(samples):
            for column in range(samples):
                cell = (np.array([column, row]) + rng.random(pixels.shape)) / samples - 0.5
                total += _radiance(world, camera, (pixels + cell).reshape(-1, 2), angle)
        return np.asarray(total / np.float32(samples**2), dtype=np.float32).reshape(*pixels.shape[:2], 3)

    with ThreadPoolExecutor(2) as pool:
        return np.concatenate(list(pool.map(chunk, starts)))


def _radiance(world: World, camera: CameraModel, pixels: Float, angle_rad: float) -> Float32:
    origins, directions = camera.ray(pixels)
    out = np.zeros((len(pixels), 3), dtype=np.float32)
    mapped = np.isfinite(directions[:, 0])
    origins, directions = origins[mapped], directions[mapped]
    hits = world.surface.intersect(origins, directions)
    seen = np.isfinite(hits.distance_m)
    colour = np.empty((len(origins), 3), dtype=np.float32)
    colour[~seen] = world.light.sky(directions[~seen])
    if seen.any():
        ray, distance, normal = directions[seen], hits.distance_m[seen], hits.normal[seen]
        points = origins[seen] + ray * distance[:, None]
        # Just off the surface, so that float32 rounding does not let a point shade itself.
        lifted = points + normal * (1e-4 + 2e-4 * distance)[:, None]
        lit = normal @ world.light.sun > 0
        shadowed = ~lit
        shadowed[lit] = world.surface.blocked(lifted[lit], np.broadcast_to(world.light.sun, (int(lit.sum()), 3)), 1e4)
        slant = np.sqrt(np.clip(-np.einsum("ij,ij->i", normal, ray), 0.01, 1.0))
        shaded = reflected(
            world.material, world.light, points, normal, hits.body[seen], ray, distance * angle_rad / slant, shadowed
        )
        colour[seen] = world.light.haze(shaded, ray, distance)
    out[mapped] = colour
    return out


def true_geometry(world: World, left: CameraModel, right: CameraModel, rover_from_level: RigidTransform) -> Truth:
    """The truth of the left image's pixel centres; cameras in the world's frame, the result in ROVER_NAV.

    The rover's own body is no ground: it has no range, as the sky has none.
    A pixel counts as seen by both eyes when its point projects inside the right image and nothing stands before it
    there (nearer by more than 1 mm and 1e-4 of its range).
    """
    _check(world, left)
    _check(world, right)
    shape = (left.height, left.width)
    pixels = pixel_grid(left.width, left.height).reshape(-1, 2)
    range_m = np.full(len(pixels), np.nan)
    xyz = np.full((len(pixels), 3), np.nan)
    both = np.zeros(len(pixels), dtype=bool)
    for start in range(0, len(pixels), _ROWS_PER_CHUNK_PX):
        part = slice(start, start + _ROWS_PER_CHUNK_PX)
        origins, directions = left.ray(pixels[part])
        mapped = np.isfinite(directions[:, 0])
        hits: Hits = world.surface.intersect(origins[mapped], directions[mapped])
        distance = np.full(len(origins), np.nan)
        ground = np.isfinite(hits.distance_m) & (hits.body > ROVER)
        distance[mapped] = np.where(ground, hits.distance_m, np.nan)
        points = origins + directions * distance[:, None]
        range_m[part], xyz[part] = distance, points
        both[part] = _seen_from(world, right, points)
    shaped = range_m.reshape(shape)
    return Truth(
        frame=rover_from_level.to,
        range_m=shaped,
        xyz=rover_from_level.apply(xyz).reshape(*shape, 3),
        both_eyes=both.reshape(shape),
        near_step=depth_steps(shaped, left, right),
    )


def _seen_from(world: World, camera: CameraModel, points: Float) -> NDArray[np.bool_]:
    """(n,) which points (n, 3), NaN allowed, the camera sees."""
    pixels = camera.project(points)
    seen = inside(camera, pixels)
    origins, _ = camera.ray(pixels[seen])
    to = points[seen] - origins
    distance = np.linalg.norm(to, axis=1)
    limit = distance - np.maximum(1e-3, 1e-4 * distance)
    seen[seen] = ~world.surface.blocked(origins, to / distance[:, None], limit)
    return seen
