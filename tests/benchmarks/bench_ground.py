"""One ground from all pairs against the truth: python tests/benchmarks/bench_ground.py [--binning 8]

Prints figures and asserts none.  First the cost of 1, 2, 4 and 6 pairs of the bundled scene, 1280 x 960, to a textured
mesh, each in a process of its own with nothing from the cache (--costs: that only).

Then a simulated ring of six pairs (--binning 4 is 1280 x 960; kept in --cache) with the told pointing, which is wrong
by 0.12 degrees.  Distances are from points on the mesh, spread evenly over its area, to the true surface: the shortest
of ten rays (along the normal, the axes, and the line of sight), so they are upper bounds.  --open3d PYTHON: an
interpreter that has open3d; its Poisson and TSDF surfaces are made of the same maps, and its ICP checks the overlaps.
"""

from __future__ import annotations

import argparse
import json
import pickle
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from rich.console import Console
from rich.table import Table

from stereo3d.camera import pixel_grid
from stereo3d.frames import ENU_FROM_NED
from stereo3d.pipeline import Ground, enu_from_rover, measure_ground, reconstruct_scene
from stereo3d.read import read_frames
from stereo3d.scene import Scene
from stereo3d.simulate.ring import Ring, simulate_ring
from stereo3d.simulate.surface import ROVER, MeshSurface
from stereo3d.stereo.disparity import Reason
from stereo3d.stereo.triangulate import pixel_angle_rad
from stereo3d.terrain.align import NEAR_M, surface_normals
from stereo3d.terrain.detail import decimated

Hit = Callable[[np.ndarray, np.ndarray], np.ndarray]
RANGES_M = ((0, 5), (5, 15), (0, 15), (15, 30))
FALSE = "further from the true surface than 5 cm and 1 % of the range, nearer than 20 m"
COVERED_M = 0.1
STRIP = "further from what lies in the same direction than 1 px of disparity: sheets across depth steps, by area"
STRIPS_M = ((0, 6), (6, 12), (12, 20), (20, 30))
SLIVER = 50.0
ICP_RANGES_M = ((0, 3), (3, 5), (5, 10))


def ring_of(seed: int, binning: int, cache: Path | None) -> Ring:
    """The simulated ring, from the cache when it is there."""
    path = None if cache is None else cache / f"ring-{seed}-{binning}.pickle"
    if path is not None and path.is_file():
        return pickle.loads(path.read_bytes())  # our own file of an earlier run
    ring = simulate_ring(seed, binning=binning, samples=2)
    if path is not None:
        surface = ring.world.surface
        bare = MeshSurface(surface.vertices, surface.normals, surface.faces, surface.body)  # without embree's handles
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(replace(ring, world=replace(ring.world, surface=bare))))
    return ring


def true_hit(ring: Ring) -> Hit:
    """Distance along rays in ENU to the true surface."""
    return lambda p, u: ring.world.surface.intersect(p @ ENU_FROM_NED, u @ ENU_FROM_NED).distance_m


def mesh_hit(vertices: np.ndarray, faces: np.ndarray) -> Hit:
    """Distance along rays in ENU to a mesh."""
    surface = MeshSurface(vertices, np.ones_like(vertices), faces, np.zeros(len(faces), dtype=np.int32))
    return lambda p, u: surface.intersect(p, u).distance_m


def distance(hit: Hit, points: np.ndarray, normals: np.ndarray, eye: np.ndarray) -> np.ndarray:
    """The shortest way from points to a surface along ten directions."""
    sight = points - eye
    sight /= np.linalg.norm(sight, axis=1, keepdims=True)
    axes = [np.broadcast_to(axis, points.shape) for axis in np.eye(3)]
    out = np.full(len(points), np.inf)
    for direction in (normals, sight, *axes):
        for sign in (1.0, -1.0):
            out = np.minimum(out, hit(points, np.ascontiguousarray(sign * direction)))
    return out


def on_mesh(vertices: np.ndarray, faces: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points spread evenly over the area, and the normals there."""
    rng = np.random.default_rng(1)
    a, b, c = (vertices[faces[:, k]] for k in range(3))
    across = np.cross(b - a, c - a)
    area = np.linalg.norm(across, axis=1)
    face = rng.choice(len(faces), count, p=area / area.sum())
    u, v = rng.random((2, count, 1))
    u, v = np.where(u + v > 1, 1 - u, u), np.where(u + v > 1, 1 - v, v)
    points: np.ndarray = a[face] + u * (b - a)[face] + v * (c - a)[face]
    return points, across[face] / area[face, None]


def score(vertices: np.ndarray, faces: np.ndarray, ring: Ring, eye: np.ndarray) -> list[str]:
    """Cells of the table: median / 95 % of the distance, mm, by range; share of false surface."""
    far = np.linalg.norm(vertices[faces].mean(axis=1) - eye, axis=1)
    cells = []
    for low, high in (*RANGES_M, (0, 20)):
        here = faces[(far >= low) & (far < high)]
        if not len(here):
            cells.append("-")
            continue
        points, normals = on_mesh(vertices, here, 40_000)
        off = distance(true_hit(ring), points, normals, eye)
        if (low, high) == (0, 20):
            limit = 0.05 + 0.01 * np.linalg.norm(points - eye, axis=1)
            cells.append(f"{(off > limit).mean():.3%}")
        else:
            cells.append(f"{1e3 * np.median(off):.1f} / {1e3 * np.percentile(off, 95):.0f}")
    return cells


def strips(vertices: np.ndarray, faces: np.ndarray, ring: Ring, eye: np.ndarray) -> list[str]:
    """Shares of the area of sheets across depth steps, by range; share of slivers (longest side over height)."""
    surface = ring.world.surface
    here = surface.body > ROVER
    ground = MeshSurface(surface.vertices, surface.normals, surface.faces[here], surface.body[here])
    cameras = [camera.C for camera in ring.true_cameras[:2]]
    scale = float(np.linalg.norm(cameras[0] - cameras[1])) / pixel_angle_rad(ring.true_cameras[0])
    corners = vertices[faces]
    far = np.linalg.norm(corners.mean(axis=1) - eye, axis=1)
    cells = []
    for low, high in STRIPS_M:
        chosen = faces[(far >= low) & (far < high)]
        if not len(chosen):
            cells.append("-")
            continue
        points, _ = on_mesh(vertices, chosen, 40_000)
        range_m = np.linalg.norm(points - eye, axis=1)
        sight = (points - eye) / range_m[:, None]
        starts = np.broadcast_to(eye, points.shape)
        true = ground.intersect(starts @ ENU_FROM_NED, sight @ ENU_FROM_NED).distance_m
        cells.append(f"{(np.abs(1.0 / range_m - 1.0 / true) * scale > 1.0).mean():.2%}")
    side = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    across = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
    cells.append(f"{(side**2 > SLIVER * across).mean():.2%}")
    return cells


def completeness(hit: Hit, ground: Ground, ring: Ring, step: int) -> tuple[float, float, float]:
    """Shares nearer than 20 m that lie within 10 cm of the mesh: of what both eyes of a pair see; of that less what is
    masked as the rover's body; of what a pair measured."""
    to_enu = enu_from_rover(ring.observations[0])
    ok: list[np.ndarray] = []
    kinds: list[np.ndarray] = []
    for shot, pair in enumerate(ground.pairs):
        truth = ring.truth(shot)
        chosen = np.zeros(truth.range_m.shape, dtype=bool)
        chosen[::step, ::step] = True
        chosen &= truth.both_eyes & (truth.range_m < 20.0)
        points = to_enu.apply(truth.xyz[chosen])
        eye = to_enu.apply(ring.true_cameras[2 * shot].C)
        up = np.broadcast_to([0.0, 0.0, 1.0], points.shape)
        ok.append(distance(hit, points, up, eye) < COVERED_M)
        reason = pair.xyz.reason[chosen]
        body = (reason & np.uint16(Reason.ROVER | Reason.OUTSIDE_OVERLAP)) > 0
        kinds.append(np.stack([np.ones_like(body), ~body, reason == 0]))
    covered, kind = np.concatenate(ok), np.concatenate(kinds, axis=1)
    return tuple(float(covered[k].mean()) for k in kind)


def child(arguments: argparse.Namespace) -> None:
    """So many pairs of the bundled scene become a textured mesh; print seconds, processor seconds and peak memory."""
    scene = read_frames([])
    scene = replace(scene, observations=scene.observations[: 2 * arguments.pairs])
    before, began, clock = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.perf_counter(), time.process_time()
    made = reconstruct_scene(scene)
    figures = {
        "seconds": time.perf_counter() - began,
        "processor": time.process_time() - clock,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3,
        "before_mb": before / 1e3,
        "faces": len(made.terrain.mesh.faces),
        "stages": made.report_values["seconds"],
    }
    print(json.dumps(figures))


def for_open3d(ground: Ground, work: Path) -> None:
    """Clouds with normals, and depth images of pinhole cameras, in ENU about the middle of the eyes."""
    assert ground.fused is not None
    to_enu, origin = enu_from_rover(ground.observations[0]), ground.fused.grid.centre
    clouds: dict[str, np.ndarray] = {"count": np.array(len(ground.pairs))}
    depths: dict[str, np.ndarray] = {"count": np.array(len(ground.pairs))}
    clouds["overlaps"] = np.array([(m.first, m.second) for m in ground.misfits if m.turn_deg is not None])
    for k, pair in enumerate(ground.pairs):
        camera, xyz = pair.pair.left.camera, pair.xyz
        normals = surface_normals(xyz.xyz)
        toward = np.einsum("ijk,ijk->ij", normals, xyz.xyz - camera.C.astype(np.float32))
        normals *= -np.sign(toward)[..., None]
        whole = xyz.measured & np.isfinite(normals[..., 0]) & (xyz.range_m < 30.0)
        for prefix, chosen in (("", whole), ("near_", whole & (xyz.range_m < NEAR_M))):
            clouds[f"{prefix}p{k}"] = to_enu.apply(xyz.xyz[chosen]) - origin
            clouds[f"{prefix}n{k}"] = to_enu.rotate(normals[chosen])
        rows, columns = xyz.reason.shape
        axis = camera.A / np.linalg.norm(camera.A)
        right = np.cross([0.0, 0.0, 1.0], axis)
        right /= np.linalg.norm(right)
        basis = np.stack([right, np.cross(axis, right), axis])  # camera (right, down, ahead) from ROVER_NAV
        focal = 0.62 * columns
        flat = (pixel_grid(columns, rows) - [(columns - 1) / 2, (rows - 1) / 2]) / focal
        rays = np.concatenate([flat, np.ones((rows, columns, 1))], axis=-1) @ basis
        at = camera.project(camera.C + rays).astype(np.float32)
        ahead = ((xyz.xyz - camera.C) @ axis).astype(np.float32)
        depth = cv2.remap(np.nan_to_num(ahead), at[..., 0], at[..., 1], cv2.INTER_NEAREST)
        matrix = np.eye(4)
        matrix[:3, :3] = basis @ to_enu.rotation.T
        matrix[:3, 3] = -matrix[:3, :3] @ (to_enu.apply(camera.C) - origin)
        depths |= {f"depth{k}": depth, f"camera_from_enu{k}": matrix}
        depths[f"pinhole{k}"] = np.array([focal, (columns - 1) / 2, (rows - 1) / 2])
    np.savez(work / "clouds.npz", **clouds)
    np.savez(work / "depths.npz", **depths)


def moved_mm(turn_deg: np.ndarray, shift_m: np.ndarray, points: np.ndarray) -> float:
    """The median height by which a small motion lifts points, mm, without its sign."""
    return float(np.median(np.abs((np.cross(np.radians(turn_deg), points) + shift_m)[:, 2])) * 1e3)


def compare_icp(ground: Ground, motions: list, work: Path) -> str:
    """How far ours and open3d's motion of each overlap would move its near ground up or down."""
    clouds = np.load(work / "clouds.npz")
    out = []
    for misfit, motion in zip([m for m in ground.misfits if m.turn_deg is not None], motions, strict=True):
        assert misfit.turn_deg is not None
        assert misfit.shift_mm is not None
        points = clouds[f"near_p{misfit.second}"][::20]
        range_m = np.linalg.norm(points, axis=1)
        matrix = np.array(motion)
        turn = np.degrees(cv2.Rodrigues(matrix[:3, :3])[0].ravel())
        cells = []
        for low, high in ICP_RANGES_M:
            here = points[(range_m >= low) & (range_m < high)]
            if len(here):
                ours = moved_mm(np.array(misfit.turn_deg), np.array(misfit.shift_mm) / 1e3, here)
                cells.append(f"{low}-{high} m {ours:.2f} / {moved_mm(turn, matrix[:3, 3], here):.2f}")
        out.append(f"{misfit.first}-{misfit.second}: " + ", ".join(cells))
    return "near ground would be lifted by (ours / open3d's point-to-plane ICP), mm:\n" + "\n".join(out)


def overlaps(ground: Ground) -> Table:
    """What is left over the overlaps, across the surface, by range."""
    table = Table(title="left over the overlaps: median, spread (expected), mm")
    bounds = sorted({(r.from_m, r.to_m) for misfit in ground.misfits for r in misfit.ranges})
    for name in ("pairs", *(f"{low:.0f}-{high:.0f} m" for low, high in bounds)):
        table.add_column(name, justify="right")
    for misfit in ground.misfits:
        at = {(r.from_m, r.to_m): f"{r.median_mm:+.1f}, {r.spread_mm:.1f} ({r.expected_mm:.1f})" for r in misfit.ranges}
        table.add_row(f"{misfit.first}-{misfit.second}", *(at.get(bound, "-") for bound in bounds))
    return table


def print_costs(console: Console) -> None:
    """What 1, 2, 4 and 6 pairs cost."""
    costs = Table(title="cost, from images in memory to a textured mesh")
    for name in ("pairs", "seconds", "processor s", "more a pair", "peak MB (inputs before)", "faces", "stages, s"):
        costs.add_column(name, justify="right")
    last = (0, 0.0)
    for pairs in (1, 2, 4, 6):
        command = [sys.executable, __file__, "--pairs", str(pairs)]
        f = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        stages = ", ".join(f"{name} {seconds:.1f}" for name, seconds in f["stages"].items())
        costs.add_row(
            str(pairs),
            f"{f['seconds']:.1f}",
            f"{f['processor']:.1f}",
            f"{(f['processor'] - last[1]) / (pairs - last[0]):.1f}",
            f"{f['peak_mb']:.0f} ({f['before_mb']:.0f})",
            f"{f['faces']:,}",
            stages,
        )
        last = (pairs, f["processor"])
    console.print(costs)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--binning", type=int, default=8)
    parser.add_argument("--cache", type=Path, default=Path(tempfile.gettempdir()) / "stereo3d-bench")
    parser.add_argument("--open3d", help="an interpreter that has open3d")
    parser.add_argument("--costs", action="store_true", help="only the cost of the bundled scene's pairs")
    parser.add_argument("--no-cost", action="store_true", help="leave out the table of costs")
    parser.add_argument("--pairs", type=int, help="only time so many of them, in this process")
    arguments = parser.parse_args()
    if arguments.pairs:
        child(arguments)
        return
    console = Console(width=150)
    if not arguments.no_cost:
        print_costs(console)
    if arguments.costs:
        return
    ring = ring_of(arguments.seed, arguments.binning, arguments.cache)
    ground = measure_ground(Scene("ring", ring.observations, simulated=True))
    assert ground.fused is not None
    eye = ground.fused.grid.centre
    table = Table(title=f"distance to truth, median / 95 %, mm; false: {FALSE}")
    for name in (
        "surface",
        *(f"{low}-{high} m" for low, high in RANGES_M),
        "false",
        "seen",
        "no rover",
        "measured",
        "s",
    ):
        table.add_column(name, justify="right")
    sheets = Table(title=STRIP)
    for name in ("surface", *(f"{low}-{high} m" for low, high in STRIPS_M), f"slivers over {SLIVER:.0f}"):
        sheets.add_column(name, justify="right")
    step = 3 if arguments.binning >= 8 else 6

    def row(name: str, vertices: np.ndarray, faces: np.ndarray, seconds: float) -> None:
        cells = score(vertices, faces, ring, eye)
        shares = completeness(mesh_hit(vertices, faces), ground, ring, step)
        table.add_row(name, *cells, *(f"{share:.2%}" for share in shares), f"{seconds:.1f}")
        sheets.add_row(name, *strips(vertices, faces, ring, eye))

    times = ground.report["seconds"]
    row("stereo3d", ground.mesh.vertices, ground.mesh.faces, times["fusing"] + times["meshing"])
    for most in (200_000, 50_000):
        began = time.perf_counter()
        detail = decimated(ground.mesh, eye, most)
        row(f"{most:,} faces", detail.mesh.vertices, detail.mesh.faces, time.perf_counter() - began)
    if arguments.open3d:
        with tempfile.TemporaryDirectory() as temporary:
            work = Path(temporary)
            for_open3d(ground, work)
            script = Path(__file__).with_name("ground_open3d.py")
            voxel, depth = ("0.02", "11") if arguments.binning < 8 else ("0.03", "10")
            command = [arguments.open3d, str(script), str(work), voxel, depth]
            done = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip().splitlines()[-1]
            peers = json.loads(done)
            for name in ("poisson", "tsdf"):
                made = np.load(work / f"{name}.npz")
                vertices, faces = made["vertices"] + eye, made["faces"].astype(np.int32)
                row(f"open3d {name}, {len(faces):,} faces", vertices, faces, peers["seconds"][name])
            console.print(compare_icp(ground, peers["icp"], work))
    console.print(table)
    console.print(sheets)
    console.print(overlaps(ground))
    console.print("seen, no rover, measured: covered within 10 cm, nearer than 20 m, of what both eyes of a pair see;")
    console.print("of that less what the mask of the rover's body takes; of what a pair measured.")


if __name__ == "__main__":
    main()
