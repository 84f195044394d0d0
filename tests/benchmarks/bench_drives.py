"""Stops of one simulated drive, told wrong: where they come to stand, what sigma says of it, and how they meet.

    python tests/benchmarks/bench_drives.py --cache FOLDER [--seeds 5 7 9] [--binning 8] [--open3d PYTHON]

Stops of three pairs each look at each other over ``--distance`` metres of one floor; the second is told 0.2 m (each
axis), 0.4 degrees of heading and 0.1 of tilt wrong.  Truth is where the second ground truly lies in that of the first:
the pointing that is left over after its refinement turns a whole ground and is part of what the alignment finds.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation

from stereo3d.frames import ENU_FROM_NED, RigidTransform
from stereo3d.pipeline import DrivesReconstruction, reconstruct_stops
from stereo3d.scene import Scene
from stereo3d.simulate.stops import Parking, Stop, simulate_stops
from stereo3d.store import Store

NAMES = ("tilt E deg", "tilt N deg", "heading deg", "east m", "north m", "up m")
UNITS = np.array([180 / np.pi] * 3 + [1.0] * 3)


def stops_of(seed: int, binning: int, distance_m: float, sun_turn_deg: float) -> tuple[Stop, ...]:
    bearing = np.radians(70.0)
    first = Parking(0.0, 0.0, 69.08, (10.0, 70.0, 130.0))
    second = Parking(distance_m * np.cos(bearing), distance_m * np.sin(bearing), 160.0, (190.0, 250.0, 310.0))
    return simulate_stops(seed, (first, second), binning=binning, samples=2, sun_turn_deg=sun_turn_deg)


def true_ground(made: DrivesReconstruction, stops: tuple[Stop, ...]) -> np.ndarray:
    """(6,) the correction (turn, rad; shift, m) that puts the second ground where it lies in the first."""
    site_from_enu = []
    for result, stop in zip(made.stops, stops, strict=True):
        turns, shifts = [], []
        for frame, true in zip(result.observations, stop.true_cameras, strict=True):
            used, real = (np.linalg.qr(np.stack([c.A, c.H, c.V], axis=1)) for c in (frame.camera, true))
            turn = (real[0] * np.sign(np.diag(real[1]))) @ (used[0] * np.sign(np.diag(used[1]))).T
            turns.append(Rotation.from_matrix(turn).as_rotvec())
            shifts.append(true.C - turn @ frame.camera.C)
        rover = stop.true_pose.source
        turn = Rotation.from_rotvec(np.mean(turns, axis=0)).as_matrix()
        whole = RigidTransform(rover, rover, turn, np.mean(shifts, axis=0))
        site_from_enu.append(stop.true_pose @ whole @ result.enu_from_rover.inverse())
    true = site_from_enu[0].inverse() @ site_from_enu[1]
    told = [stop.observations[0].site_from_rover.translation for stop in stops]
    offset = ENU_FROM_NED @ (told[1] - told[0])
    return np.concatenate([Rotation.from_matrix(true.rotation).as_rotvec(), true.translation - offset])


def found_ground(made: DrivesReconstruction, stops: tuple[Stop, ...]) -> np.ndarray:
    moved = made.placement.moved[1]
    told = [stop.observations[0].site_from_rover.translation for stop in stops]
    offset = ENU_FROM_NED @ (told[1] - told[0])
    return np.concatenate([Rotation.from_matrix(moved.rotation).as_rotvec(), moved.translation - offset])


ICP = """
import sys, numpy as np, open3d as o3d
data = np.load(sys.argv[1])
clouds = []
for k in "01":
    cloud = o3d.geometry.PointCloud(o3d.utility.Vector3dVector(data["p" + k]))
    cloud.normals = o3d.utility.Vector3dVector(data["n" + k])
    clouds.append(cloud)
registration = o3d.pipelines.registration
estimate = registration.TransformationEstimationPointToPlane(registration.TukeyLoss(k=0.05))
found = registration.registration_icp(clouds[1], clouds[0], 0.15, np.eye(4), estimate)
print(*found.transformation.ravel())
"""


def icp(made: DrivesReconstruction, python: str) -> np.ndarray:
    """What open3d's point-to-plane ICP would add to the placement: turn (deg) and shift (m) at the middle of the
    overlap.  ``python`` is an interpreter that has open3d."""
    meshes = [s.terrain.mesh.moved(m) for s, m in zip(made.stops, made.placement.moved, strict=True)]
    eyes = [m.apply(s.eye_enu) for s, m in zip(made.stops, made.placement.moved, strict=True)]
    middle = np.mean(eyes, axis=0)
    data = {}
    for k, mesh in enumerate(meshes):
        near = np.all([np.linalg.norm(mesh.vertices - eye, axis=1) < 12.0 for eye in eyes], axis=0)
        data[f"p{k}"], data[f"n{k}"] = mesh.vertices[near] - middle, mesh.normals[near].astype(np.float64)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "clouds.npz"
        np.savez(file, **data)
        done = subprocess.run([python, "-c", ICP, str(file)], capture_output=True, text=True, check=True)
    matrix = np.array(done.stdout.split()[-16:], dtype=float).reshape(4, 4)
    return np.concatenate([Rotation.from_matrix(matrix[:3, :3]).as_rotvec(degrees=True), matrix[:3, 3]])


def tell(made: DrivesReconstruction, stops: tuple[Stop, ...], open3d: str | None) -> np.ndarray:
    """Print how the second stop was placed; (6,) what is left over sigma."""
    true, found = true_ground(made, stops), found_ground(made, stops)
    sigma = np.sqrt(np.diag(made.placement.covariance[1]))
    seconds = made.report_values["seconds"]
    print(f"  aligned {made.placement.aligned[1]}; placing {seconds['placing the stops']:.1f} s, "
          f"joining {seconds['joining the stops']:.1f} s")  # fmt: skip
    print(f"  {'':12}{'told wrong by':>14}{'left':>10}{'sigma':>10}{'left/sigma':>12}")
    for k, name in enumerate(NAMES):
        unit, left = UNITS[k], found[k] - true[k]
        print(f"  {name:12}{true[k] * unit:14.3f}{left * unit:10.3f}{sigma[k] * unit:10.3f}{left / sigma[k]:12.2f}")
    for fit in made.placement.overlaps:
        print(f"  overlap of {fit.places} places: {fit.before_mm:.0f} -> {fit.after_mm:.0f} mm, "
              f"noise {fit.expected_mm:.0f}; border step {made.joined.step_mm[0]:.1f} -> "
              f"{made.joined.step_mm[1]:.1f} mm; gains {made.joined.gains[1]}")  # fmt: skip
    for note in made.placement.notes:
        print(f"  {note}")
    if open3d:
        turn = icp(made, open3d)
        print(f"  open3d's ICP would turn by {np.round(turn[:3], 3)} deg and shift by {np.round(turn[3:], 4)} m")
    print(flush=True)
    return (found - true) / sigma


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True, help="where measured stops are kept")
    parser.add_argument("--seeds", type=int, nargs="+", default=[5, 7, 9])
    parser.add_argument("--binning", type=int, default=8)
    parser.add_argument("--distance", type=float, default=10.0)
    parser.add_argument("--sun-turn", type=float, default=0.0, help="degrees that the Sun moves between the stops")
    parser.add_argument("--open3d", metavar="PYTHON", help="an interpreter that has open3d: its ICP beside ours")
    args = parser.parse_args()
    store = Store(args.cache, 8 << 30)
    ratios = []
    for seed in args.seeds:
        stops = stops_of(seed, args.binning, args.distance, args.sun_turn)
        scenes = [Scene(f"stop {k + 1}", s.observations, simulated=True) for k, s in enumerate(stops)]
        began = time.perf_counter()
        made = reconstruct_stops(scenes, store=store)
        total = time.perf_counter() - began
        print(f"seed {seed}: {total:.1f} s")
        ratios.append(tell(made, stops, args.open3d))
    store.close()
    rms = np.sqrt(np.mean(np.square(ratios), axis=0))
    print("left/sigma, rms over seeds: " + ", ".join(f"{n} {v:.2f}" for n, v in zip(NAMES, rms, strict=True)))


if __name__ == "__main__":
    main()
