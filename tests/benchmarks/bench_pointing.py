"""True against recovered pointing: python tests/benchmarks/bench_pointing.py [SHARED_DATA] [--seeds 1 2 3]

Prints figures and asserts none.  Simulated rings of six pointings with both eyes (--binning 4 is 1280 x 960) whose
telemetry is wrong by 0.12 degrees: errors of pan and tilt against the mean of the ring, and of the ring as a whole,
each with the sigma told for it; residuals of the ties, px; processor seconds.  An arc of three shots shows what a
circle that closes hides; "bent": the right eye is bent against its model, which must not change the mast's angles.
Then Opportunity's five frames: residuals of their overlaps with the ties' own ranges, and as a mosaic would show them
on the plane of the wheels and on the plane that fits the ties of the overlap best.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from stereo3d.camera import inside
from stereo3d.frames import RigidTransform
from stereo3d.observation import Eye, Observation
from stereo3d.pointing import Pointing, refine_pointing
from stereo3d.pointing.shots import find_shots, prior_sigma_deg, rotation_vector, shot_of
from stereo3d.pointing.ties import find_ties, joined
from stereo3d.pointing.views import predicted, prepared
from stereo3d.read.frames import read_frames
from stereo3d.simulate.ring import AZIMUTHS_DEG, Ring, simulate_ring

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
ARC_DEG = (-44.0, 8.0, 60.0)
BEND_DEG = (0.02, -0.03, 0.02)


def bent(observation: Observation) -> Observation:
    """A right eye with another pitch, vergence and roll than its image was taken with; a left one as it is."""
    if observation.eye is not Eye.RIGHT:
        return observation
    camera = observation.camera
    ahead = camera.A / np.linalg.norm(camera.A)
    across = np.cross([0.0, 0.0, 1.0], ahead)
    across /= np.linalg.norm(across)
    pitch, vergence, roll = np.radians(BEND_DEG)
    turn = rotation_vector(pitch * across + vergence * np.cross(ahead, across) + roll * ahead)
    shift = camera.C - turn @ camera.C
    return replace(observation, camera=camera.moved(RigidTransform(camera.frame, camera.frame, turn, shift)))


def row(name: str, ring: Ring, pointing: Pointing, seconds: float) -> tuple[str, np.ndarray]:
    """One line of the table, and error / sigma (shots, 2) of the relative pointing."""
    shots = pointing.frames[::2]
    error = np.array([[f.pan_deg, f.tilt_deg] for f in shots]) - (ring.true_joints_deg - ring.told_joints_deg)
    relative = error - error.mean(axis=0)
    sigma = np.array([[f.pan_relative_sigma_deg, f.tilt_relative_sigma_deg] for f in shots])
    whole = np.array([[f.pan_sigma_deg, f.tilt_sigma_deg] for f in shots]).mean(axis=0)
    largest, mean = np.abs(relative).max(axis=0), error.mean(axis=0)
    return (
        f"{name:14} {largest[0]:.4f} {largest[1]:.4f}   {sigma[:, 0].mean():.4f} {sigma[:, 1].mean():.4f}   "
        f"{mean[0]:+.4f} {mean[1]:+.4f}   {whole[0]:.4f} {whole[1]:.4f}   "
        f"{pointing.before_px:5.2f} -> {pointing.after_px:.3f}   {sum(o.ties for o in pointing.overlaps):6} "
        f"{seconds:6.1f}  {'all' if all(f.applied for f in shots) else 'REFUSED: ' + '; '.join(pointing.notes)}"
    ), relative / sigma


def rings(seeds: Sequence[int], binning: int, samples: int) -> None:
    """Full rings, an arc, and a bent rig."""
    print("relative: largest error (pan, tilt), sigma   whole: error, sigma (degrees)   residual px   ties   cpu s")
    scaled: list[np.ndarray] = []
    for seed in seeds:
        for name, azimuths in (("ring", AZIMUTHS_DEG), ("arc", ARC_DEG)):
            ring = simulate_ring(seed, binning=binning, samples=samples, azimuths_deg=azimuths)
            for what in ("", " bent")[: 2 if name == "ring" else 1]:
                frames = [bent(o) for o in ring.observations] if what else ring.observations
                began = time.process_time()
                pointing = refine_pointing(frames)
                line, ratio = row(f"{name} {seed}{what}", ring, pointing, time.process_time() - began)
                print(line, flush=True)
                scaled += [ratio] if not what else []
                if what:
                    found = " ".join(
                        f"{v:+.4f} ±{s:.4f}" for v, s in zip(pointing.rig_deg, pointing.rig_sigma_deg, strict=True)
                    )
                    print(f"               bent by {BEND_DEG}, found (the other way round) {found}")
    both = np.concatenate(scaled)
    print(f"error / sigma of the relative pointing: rms {np.sqrt((both**2).mean(axis=0)).round(2)} (pan, tilt)")


def on_a_plane(frames: Sequence[Observation], fitted: Pointing | None) -> dict[tuple[int, int], float]:
    """For each pair of shots the median distance, px, of ties from where a plane would have them.

    The plane of the wheels, or with ``fitted`` the plane z = a + b x + c y that its points fit best.
    """
    shots, views = find_shots(frames), [prepared(o) for o in frames]
    prior = float(np.radians(prior_sigma_deg(frames[0])))
    ties = joined([find_ties(views, shots, i, prior) for i in range(len(views))])
    of, off = shot_of(shots), np.empty(len(ties.track))
    pairs = np.stack([ties.reference[ties.track], ties.target], axis=1)
    for a, b in np.unique(pairs, axis=0):
        rows = (pairs == (a, b)).all(axis=1)
        pixels, rho = ties.pixel[ties.track[rows]], ties.plane[ties.track[rows]]
        if fitted is not None:
            seen = views[a].camera.project(fitted.points)
            near = fitted.points[
                inside(views[a].camera, seen) & inside(views[b].camera, views[b].camera.project(fitted.points))
            ]
            design = np.column_stack([np.ones(len(near)), near[:, :2]]) / np.linalg.norm(near, axis=1)[:, None] ** 2
            z, x, y = np.linalg.lstsq(design, near[:, 2] / np.linalg.norm(near, axis=1) ** 2, rcond=None)[0]
            origins, directions = views[a].camera.ray(pixels)
            normal = np.array([-x, -y, 1.0])
            rho = np.maximum(directions @ normal / (z - origins @ normal), 0.0)
        at = predicted(views[a].camera, views[b].camera, pixels, rho)
        off[rows] = np.linalg.norm(at - ties.seen[rows], axis=1)
    names = np.sort(of[pairs], axis=1)
    return {
        (int(a), int(b)): float(np.median(off[(names == (a, b)).all(axis=1)]))
        for a, b in np.unique(names, axis=0)
        if a != b
    }


def opportunity(shared: Path) -> None:
    """The overlaps of five real frames of one eye."""
    frames = read_frames(sorted((shared / "opportunity").glob("1N*.IMG"))).observations
    began = time.process_time()
    pointing = refine_pointing(frames)
    seconds = time.process_time() - began
    turned = pointing.applied(frames)
    before, after, fitted = on_a_plane(frames, None), on_a_plane(turned, None), on_a_plane(turned, pointing)
    print("\nOpportunity, sol 4087: azimuth, group, pan and tilt added (degrees), sigma whole and relative")
    for o, f in zip(frames, pointing.frames, strict=True):
        print(
            f"{o.mast_azimuth_deg:7.1f} {f.group:3} {f.pan_deg:+.3f} {f.tilt_deg:+.3f}   {f.pan_sigma_deg:.3f} "
            f"{f.tilt_sigma_deg:.3f}   {f.pan_relative_sigma_deg:.4f} {f.tilt_relative_sigma_deg:.4f} {f.why_not}"
        )
    print(
        "overlap: ties, residual px with their ranges; on the plane of the wheels, then on the plane that fits the ties"
    )
    shot = {f.product_id: f.shot for f in pointing.frames}
    for overlap in pointing.overlaps:
        pair = (shot[overlap.first], shot[overlap.second])
        print(
            f"{overlap.first} {overlap.second} {overlap.ties:5} {overlap.before_px:6.2f} -> {overlap.after_px:.2f}   "
            f"{before[pair]:6.2f} -> {after[pair]:.2f} -> {fitted[pair]:.2f}"
        )
    print(*pointing.notes, f"{seconds:.1f} s of processor time", sep="\n")


def main() -> None:
    """The whole benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", nargs="?", type=Path, default=SHARED)
    parser.add_argument("--seeds", type=int, nargs="*", default=[1, 2, 3])
    parser.add_argument("--binning", type=int, default=4)
    parser.add_argument("--samples", type=int, default=2)
    options = parser.parse_args()
    if options.seeds:
        rings(options.seeds, options.binning, options.samples)
    if (options.shared / "opportunity").is_dir():
        opportunity(options.shared)
    else:
        print(f"no {options.shared / 'opportunity'}: Opportunity left out")


if __name__ == "__main__":
    main()
