"""How true the viewer's numbers and their sigmas are, on the bundled scene's first pair: a figure for each tool.

    python tests/benchmarks/bench_tools.py [--count N]

Places are picked at random on the frame, within pixels, and compared with the truth of the nearest pixel's centre.
error / sigma should spread by about 1.  Both places of a short distance share the doubt about vergence and the
matcher's window, so that there the spread is smaller: sigma tells more than what can go wrong.  Dip and strike are
those of the plane that rough ground lies about: their sigma holds the roughness, their error here is that of the
measurement alone.  Then how the ground, cast through each frame's own camera model, lies on the frame.
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from numpy.typing import NDArray

from stereo3d.pipeline import Reconstruction, reconstruct
from stereo3d.pipeline.places import lateral_rad
from stereo3d.read import read_scene
from stereo3d.simulate.truth_file import read_truth
from stereo3d.stereo.truth import Truth
from stereo3d.terrain.surface import Surface
from stereo3d.view.frame_view import compare, render_frame
from stereo3d.view.tools import (
    Measurement,
    angle,
    area,
    distance,
    height_above_plane,
    measure_point,
    pick,
    plane_fit,
    profile,
)

Float = NDArray[np.float64]


def picked(
    made: Reconstruction, truth: Truth, surface: Surface, count: int, rng: np.random.Generator, most_m: float = 60.0
) -> tuple[list[Measurement], Float]:
    """Places picked on the first frame, and where they truly are (n, 3), ENU, m."""
    camera, enu = made.pair.left.camera, made.enu_from_rover
    found, true = [], []
    usable = truth.ground & truth.both_eyes & ~truth.near_step & made.xyz.measured & (truth.range_m < most_m)
    rows, columns = np.nonzero(usable[4:-4, 4:-4])
    lateral = lateral_rad(made)
    for number in rng.permutation(len(rows))[:count]:
        pixel = np.array([columns[number] + 4.0, rows[number] + 4.0])
        origin, ray = camera.ray(pixel + rng.uniform(-0.5, 0.5, 2))
        hits = surface.hits(enu.apply(origin)[None], enu.rotate(ray)[None])
        if hits.face[0] < 0:
            continue
        place = surface.interpolate(hits, surface.mesh.vertices)[0]
        sigma = float(surface.interpolate(hits, surface.mesh.sigma_m)[0])
        found.append(measure_point(place, sigma, made.eye_enu, enu, lateral))
        true.append(enu.apply(truth.xyz[int(pixel[1]), int(pixel[0])]))
    return found, np.array(true)


def spread(over: Float) -> float:
    """Robust: 1.4826 times the median of the absolute values."""
    return float(1.4826 * np.median(np.abs(over)))


def _exact(places: Float) -> list[Measurement]:
    """Places without error, for the truth's own figures."""
    zero = np.zeros((3, 3))
    return [Measurement(p, p, 1.0, 0.0, np.array([0.0, 1.0, 0.0]), zero) for p in places]


def _line(name: str, errors: Float, sigmas: Float, unit: str) -> None:
    good = np.isfinite(errors) & np.isfinite(sigmas) & (sigmas > 0)
    e, s = errors[good], sigmas[good]
    print(
        f"{name:34s} {good.sum():5d}   |error| {np.median(np.abs(e)):.4f} {unit:4s} sigma {np.median(s):.4f}   "
        f"error / sigma: spread {spread(e / s):.2f}, beyond 3: {100 * (np.abs(e / s) > 3).mean():.1f} %"
    )


def distances(found: list[Measurement], true: Float, pairs: NDArray[np.int64]) -> tuple[Float, Float]:
    """Errors and sigmas (n,) of the distances between places of index ``pairs`` (n, 2)."""
    values = [distance(found[a], found[b]) for a, b in pairs]
    exact = np.linalg.norm(true[pairs[:, 0]] - true[pairs[:, 1]], axis=1)
    return np.array([v.value for v in values]) - exact, np.array([v.sigma for v in values])


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=4000, help="places to pick")
    args = parser.parse_args()
    scene = read_scene([])
    made = reconstruct(scene)
    truth = read_truth(scene.truth, made.pair.left.camera)
    surface = Surface(made.terrain.mesh)
    rng = np.random.default_rng(1)
    found, true = picked(made, truth, surface, args.count, rng)
    print(f"lateral sigma {1e3 * lateral_rad(made):.3f} mrad; {len(found)} places")

    ranges = np.array([m.range_m for m in found])
    along = np.array([(m.xyz_enu - t) @ m.ray for m, t in zip(found, true, strict=True)])
    _line("range of a place", along, np.array([m.sigma_m for m in found]), "m")
    up = np.array([m.xyz_enu[2] - t[2] for m, t in zip(found, true, strict=True)])
    _line("height of a place", up, np.array([m.sigma_enu[2] for m in found]), "m")
    pairs = rng.integers(0, len(found), (args.count, 2))
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    _line("distance of any two places", *distances(found, true, pairs), "m")
    gap = np.linalg.norm(true[pairs[:, 0]] - true[pairs[:, 1]], axis=1)
    for low, high in ((0.0, 3.0), (3.0, 10.0), (10.0, 100.0)):
        part = pairs[(gap >= low) & (gap < high) & (ranges[pairs].max(axis=1) < 30.0)]
        if len(part) > 50:
            _line(f"distance from {low:g} to {high:g} m", *distances(found, true, part), "m")
    order = np.argsort(true[:, 0] + 0.01 * true[:, 1])
    close = np.stack([order[:-1], order[1:]], axis=1)
    close = close[np.linalg.norm(true[close[:, 0]] - true[close[:, 1]], axis=1) < 0.5]
    _line("distance under 0.5 m", *distances(found, true, close), "m")

    threes = rng.integers(0, len(found), (1000, 4))
    threes = threes[[len(set(t)) == 4 for t in threes]]
    near = threes[(ranges[threes] < 15.0).all(axis=1)]
    for name, tool, unit, size in (
        ("angle of three places", angle, "deg", 3), ("area of three places", lambda *p: area(p), "m2", 3),
        ("height above a plane", height_above_plane, "m", 4),
    ):  # fmt: skip
        values = [tool(*(found[k] for k in t[:size])) for t in near]
        exact = [tool(*_exact(true[t[:size]])).value for t in near]
        _line(name, np.array([v.value for v in values]) - np.array(exact), np.array([v.sigma for v in values]), unit)
    _planes(made, truth, surface, rng)
    _profiles(made, truth, surface, rng)
    for frame in made.observations:
        print(f"{frame.product_id}: {'; '.join(compare(frame, render_frame(made, surface, frame)).lines())}")
    began = time.perf_counter()
    middle = made.pair.left.camera.ray(np.array([640.0, 700.0]))
    for _ in range(20):
        pick(made, surface, made.enu_from_rover.apply(middle[0]), made.enu_from_rover.rotate(middle[1]))
    print(f"a pick takes {50 * (time.perf_counter() - began):.1f} ms")


def _planes(made: Reconstruction, truth: Truth, surface: Surface, rng: np.random.Generator) -> None:
    """Dip of the ground in windows of the frame, of samples one matching window apart, against that of the truth."""
    camera, enu, lateral = made.pair.left.camera, made.enu_from_rover, lateral_rad(made)
    errors, sigmas, strikes, strike_sigmas = [], [], [], []
    for _ in range(600):
        x, y = rng.integers(80, camera.width - 80), rng.integers(camera.height // 2, camera.height - 80)
        grid = np.stack(np.meshgrid(np.arange(-60, 61, 15) + x, np.arange(-60, 61, 15) + y), axis=-1).reshape(-1, 2)
        at = grid[:, 1], grid[:, 0]
        if not (truth.both_eyes[at] & made.xyz.measured[at] & (truth.range_m[at] < 20.0)).all():
            continue
        origins, rays = camera.ray(grid.astype(float))
        hits = surface.hits(enu.apply(origins), enu.rotate(rays))
        if (hits.face < 0).any():
            continue
        places = surface.interpolate(hits, surface.mesh.vertices)
        sigma = surface.interpolate(hits, surface.mesh.sigma_m)
        fit = plane_fit([
            measure_point(p, float(s), made.eye_enu, enu, lateral) for p, s in zip(places, sigma, strict=True)
        ])  # fmt: skip
        true = plane_fit([
            measure_point(p, float(s), made.eye_enu, enu, lateral)
            for p, s in zip(enu.apply(truth.xyz[at]), sigma, strict=True)
        ])  # fmt: skip
        errors.append(fit.dip_deg - true.dip_deg)
        sigmas.append(fit.dip_sigma_deg)
        strikes.append((fit.strike_deg - true.strike_deg + 180.0) % 360.0 - 180.0)
        strike_sigmas.append(fit.strike_sigma_deg)
    _line("dip of 9 x 9 places", np.array(errors), np.array(sigmas), "deg")
    _line("strike of 9 x 9 places", np.array(strikes), np.array(strike_sigmas), "deg")


def _profiles(made: Reconstruction, truth: Truth, surface: Surface, rng: np.random.Generator) -> None:
    """Heights of profiles against the true points that lie nearest to them, within 1 cm."""
    from scipy.spatial import cKDTree

    known = truth.ground & truth.both_eyes & (truth.range_m < 20.0)
    places = made.enu_from_rover.apply(truth.xyz[known])
    tree = cKDTree(places[:, :2])
    errors, sigmas = [], []
    for _ in range(60):
        a, b = places[rng.integers(0, len(places), 2)]
        found = profile(made, surface, a, b, 200)
        gap, nearest = tree.query(found.places[:, :2])
        good = np.isfinite(found.up_m) & (gap < 0.01)
        errors += (found.up_m[good] - places[nearest[good], 2]).tolist()
        sigmas += found.sigma_m[good].tolist()
    _line("height of a profile's places", np.array(errors), np.array(sigmas), "m")


if __name__ == "__main__":
    main()
