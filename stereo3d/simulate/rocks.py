"""Rocks: sizes as counted on Mars, shapes as convex bodies with facets and roughness, partly buried."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stereo3d.simulate.ground import Ground, vertex_normals
from stereo3d.simulate.noise import Float, GradientNoise

SHAPES = 28
_LARGEST_M = 3.0


def covered_share(diameter_m: Float | float, k: float) -> Float:
    """Share of the ground that rocks of at least ``diameter_m`` cover, where all rocks together cover ``k``.

    Golombek & Rapp 1997, "Size-frequency distributions of rocks on Mars and Earth analog sites", eq. 1:
    F(D) = k exp(-q D), q = 1.79 + 0.152 / k, D in m.
    """
    return k * np.exp(-(1.79 + 0.152 / k) * np.asarray(diameter_m, dtype=np.float64))


def _size_table(k: float) -> tuple[Float, Float]:
    """Diameters (n,), ascending, m, and the number of rocks per m2 at least as large: -dF / (pi D^2 / 4) summed."""
    edges = np.geomspace(0.004, _LARGEST_M, 600)
    middle = np.sqrt(edges[1:] * edges[:-1])
    number = -np.diff(covered_share(edges, k)) / (np.pi / 4.0 * middle**2)
    return edges, np.append(np.cumsum(number[::-1])[::-1], 0.0)


def rocks_per_m2(diameter_m: float, k: float) -> float:
    """Number of rocks of at least ``diameter_m`` on a square metre."""
    edges, number = _size_table(k)
    return float(np.interp(diameter_m, edges, number))


def draw_diameters(rng: np.random.Generator, count: int, smallest_m: float, k: float) -> Float:
    """``count`` diameters (m) of at least ``smallest_m`` from the size-frequency distribution."""
    edges, number = _size_table(k)
    wanted = rng.random(count) * np.interp(smallest_m, edges, number)
    return np.interp(wanted, number[::-1], edges[::-1])


@dataclass(frozen=True, eq=False)
class RockField:
    """Where rocks lie and how large they are."""

    centre: Float
    """(n, 2) north, east, m."""
    diameter_m: Float
    """(n,) m, mean of length and width as seen from above."""


def scatter_rocks(
    rng: np.random.Generator,
    centre: Float,
    azimuth_rad: float,
    half_width_rad: float,
    pixel_rad: float,
    far_m: float,
    k: float,
) -> RockField:
    """Rocks over a wedge about ``centre`` (2,), out to ``far_m``: all that span about two pixels or more.

    Their density varies from place to place by a factor of a few about the distribution's own.
    """
    noise = GradientNoise.from_seed(rng)
    edges = np.geomspace(0.9, far_m, 60)
    places, sizes = [], []
    for near, far in itertools.pairwise(edges):
        smallest = float(np.clip(2.0 * pixel_rad * near, 0.008, 0.9 * _LARGEST_M))
        area = half_width_rad * (far**2 - near**2)
        most = 3.0
        count = int(rng.poisson(most * area * rocks_per_m2(smallest, k)))
        r = np.sqrt(rng.uniform(near**2, far**2, count))
        azimuth = azimuth_rad + rng.uniform(-half_width_rad, half_width_rad, count)
        place = centre + np.stack([r * np.cos(azimuth), r * np.sin(azimuth)], axis=1)
        # exp(a n - a^2 / 2) of a normal n has the mean one.
        patchy = 0.4 * noise(place / 1.5) + 0.45 * noise(place / 11.0 + 50.0)
        crowd = np.exp(patchy - (0.4**2 + 0.45**2) / 2.0)
        kept = rng.random(count) * most < crowd
        places.append(place[kept])
        sizes.append(draw_diameters(rng, count, smallest, k)[kept])
    return RockField(np.concatenate(places), np.concatenate(sizes))


def rock_shape(rng: np.random.Generator, directions: Float) -> Float:
    """Surface (n, 3) of one rock of mean horizontal radius 1, in the given unit directions (n, 3).

    A softened intersection of half spaces, sharp for broken rock and round for worn, with bumps of three sizes.
    """
    normals = rng.normal(size=(int(rng.integers(9, 17)), 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    distance = rng.uniform(0.62, 1.0, len(normals))
    sharpness = float(np.exp(rng.uniform(np.log(7.0), np.log(60.0))))
    reach = np.maximum(directions @ normals.T, 0.0) / distance
    radius = (np.sum(reach**sharpness, axis=1) + 0.72**sharpness) ** (-1.0 / sharpness)
    noise, rough = GradientNoise.from_seed(rng), float(rng.uniform(0.5, 1.4))
    for frequency, weight in ((1.6, 0.05), (4.0, 0.025), (10.0, 0.012), (24.0, 0.006)):
        radius = radius * (1.0 + rough * weight * noise(directions * frequency + 100.0))
    surface = directions * radius[:, None]
    return np.asarray(surface / np.sqrt(np.mean(np.sum(surface[:, :2] ** 2, axis=1)) * 1.5))


@dataclass(frozen=True, eq=False)
class RockMesh:
    """All rocks as one mesh."""

    vertices: Float
    """(n, 3) LOCAL_LEVEL, m."""
    normals: Float
    """(n, 3) unit, outward."""
    faces: NDArray[np.int32]
    """(m, 3) indices of vertices."""
    rock: NDArray[np.int32]
    """(m,) which rock each triangle belongs to."""


def build_rocks(rng: np.random.Generator, field: RockField, ground: Ground, eye: Float, pixel_rad: float) -> RockMesh:
    """The mesh of a rock field, each rock as fine as a camera at ``eye`` (2,) north, east can tell."""
    from trimesh.creation import icosphere

    n = len(field.diameter_m)
    which = rng.integers(0, SHAPES, n)
    yaw = rng.uniform(0.0, 2.0 * np.pi, n)
    tilt = rng.normal(0.0, 0.25, (n, 2))
    stretch = np.exp(rng.normal(0.0, 0.13, n))
    flatness = np.clip(rng.normal(0.68, 0.15, n), 0.35, 1.05)
    sunk = rng.uniform(-0.55, 0.25, n)
    seeds = rng.integers(0, 2**63, SHAPES)

    radius = field.diameter_m / 2.0
    scale = np.stack([radius * stretch, radius / stretch, radius * flatness], axis=1)
    distance = np.linalg.norm(field.centre - eye, axis=1)
    across_px = field.diameter_m / np.maximum(distance, 1.0) / pixel_rad
    # Triangles of about two pixels: half of 20 * 4^level of them face the camera.
    level = np.clip(np.ceil(np.log(0.35 * across_px**2 / 20.0 + 1.0) / np.log(4.0)), 1, 5).astype(int)
    base = -ground.height(field.centre[:, 0], field.centre[:, 1])
    rotation = _rotations(yaw, tilt)

    vertices, normals, faces, rock = [], [], [], []
    count = 0
    for shape in range(SHAPES):
        for fineness in range(1, 6):
            chosen = np.flatnonzero((which == shape) & (level == fineness))
            if not chosen.size:
                continue
            ball = icosphere(subdivisions=fineness)
            body = rock_shape(np.random.default_rng(seeds[shape]), np.asarray(ball.vertices, dtype=np.float64))
            outward = vertex_normals(body, np.asarray(ball.faces, dtype=np.int32))
            placed = np.einsum("kij,kvj->kvi", rotation[chosen], body * scale[chosen, None, :])
            placed[..., :2] += field.centre[chosen, None, :]
            placed[..., 2] += (base[chosen] + sunk[chosen] * scale[chosen, 2])[:, None]
            turned = np.einsum("kij,kvj->kvi", rotation[chosen], outward / scale[chosen, None, :])
            turned /= np.linalg.norm(turned, axis=2, keepdims=True)
            offset = count + len(body) * np.arange(chosen.size)
            vertices.append(placed.reshape(-1, 3))
            normals.append(turned.reshape(-1, 3))
            faces.append((np.asarray(ball.faces)[None] + offset[:, None, None]).reshape(-1, 3))
            rock.append(np.repeat(chosen, len(ball.faces)))
            count += chosen.size * len(body)
    return RockMesh(
        np.concatenate(vertices),
        np.concatenate(normals),
        np.concatenate(faces).astype(np.int32),
        np.concatenate(rock).astype(np.int32),
    )


def _rotations(yaw: Float, tilt: Float) -> Float:
    """(n, 3, 3): a small tilt about X and Y, then a turn about Z (rad)."""
    (cx, sx), (cy, sy), (cz, sz) = ((np.cos(a), np.sin(a)) for a in (tilt[:, 0], tilt[:, 1], yaw))
    zero, one = np.zeros_like(cx), np.ones_like(cx)
    rx = np.stack([one, zero, zero, zero, cx, -sx, zero, sx, cx], axis=-1).reshape(-1, 3, 3)
    ry = np.stack([cy, zero, sy, zero, one, zero, -sy, zero, cy], axis=-1).reshape(-1, 3, 3)
    rz = np.stack([cz, -sz, zero, sz, cz, zero, zero, zero, one], axis=-1).reshape(-1, 3, 3)
    return np.asarray(rz @ ry @ rx)
