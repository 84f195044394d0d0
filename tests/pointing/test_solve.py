"""The least-squares problem on ties that are made from known geometry."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from stereo3d.camera import CameraModel
from stereo3d.frames import RigidTransform
from stereo3d.pointing.shots import rotation_vector
from stereo3d.pointing.solve import Solution, solve

PRIOR = float(np.radians(0.12))


def errors_deg(made, solution: Solution) -> np.ndarray:
    """(shots, 2): found minus true, the mean of the pan taken out as only the telemetry holds it."""
    error = np.degrees(solution.angles) - made.true_deg
    error[:, 0] -= error[:, 0].mean()
    return error


def test_exact_ties_give_the_exact_pointing(geometry: Callable) -> None:
    made = geometry(1, noise_px=0.0)
    solution = solve(made.views, made.shots, made.ties, PRIOR)
    assert np.abs(errors_deg(made, solution)).max() < 1e-3
    assert np.percentile(solution.before_px, 90) > 1.0
    assert np.percentile(solution.after_px, 90) < 2e-3


def test_a_sixth_of_wrong_ties_does_no_harm(geometry: Callable) -> None:
    clean, spoilt = geometry(2), geometry(2, wrong=0.17)
    found = [solve(g.views, g.shots, g.ties, PRIOR) for g in (clean, spoilt)]
    assert np.abs(errors_deg(spoilt, found[1])).max() < 0.004
    assert found[1].sigma_px == pytest.approx(found[0].sigma_px, rel=0.3)


def test_sigma_is_the_size_of_the_errors(geometry: Callable) -> None:
    scaled = []
    for seed in range(12):
        made = geometry(seed, points=40, noise_px=0.3)
        solution = solve(made.views, made.shots, made.ties, PRIOR)
        count = len(made.shots)
        against = np.eye(count) - 1.0 / count
        for k in range(2):
            part = solution.covariance[k::2, k::2]
            error = against @ (np.degrees(solution.angles) - made.true_deg)[:, k]
            scaled.append(error / np.degrees(np.sqrt(np.diag(against @ part @ against.T))))
    assert 0.7 < np.sqrt(np.mean(np.square(scaled))) < 1.35


def relative_sigma(solution: Solution) -> float:
    """Geometric mean of the sigma of the angles against the mean of all shots."""
    count = len(solution.angles)
    against = np.eye(count) - 1.0 / count
    parts = (solution.covariance[k::2, k::2] for k in range(2))
    variances = np.concatenate([np.diag(against @ part @ against.T) for part in parts])
    return float(np.exp(0.5 * np.log(variances).mean()))


def test_ties_that_err_alike_do_not_make_the_pointing_surer(geometry: Callable) -> None:
    made = geometry(6, points=40, noise_px=0.3)
    ties, copies = made.ties, 9
    repeated = replace(
        ties,
        **{
            name: np.concatenate([getattr(ties, name)] * copies)
            for name in ("reference", "pixel", "inverse_range", "plane", "target", "seen")
        },
        track=np.concatenate([ties.track + k * len(ties.reference) for k in range(copies)]),
    )
    once, often = (solve(made.views, made.shots, t, PRIOR, common_px=0.0) for t in (ties, repeated))
    # Taken as independent, nine times the ties would leave a third.
    assert 0.45 < relative_sigma(often) / relative_sigma(once) < 1.3


def test_sigma_grows_with_the_noise(geometry: Callable) -> None:
    quiet, loud = (
        relative_sigma(solve(g.views, g.shots, g.ties, PRIOR, common_px=0.0))
        for g in (geometry(7, noise_px=0.05), geometry(7, noise_px=0.4))
    )
    assert 5.0 < loud / quiet < 12.0


def test_the_pan_of_the_whole_is_only_as_good_as_the_telemetry(geometry: Callable) -> None:
    made = geometry(3)
    solution = solve(made.views, made.shots, made.ties, PRIOR)
    sigma = np.sqrt(np.diag(solution.covariance)).reshape(-1, 2)
    np.testing.assert_allclose(sigma[:, 0], PRIOR / np.sqrt(3.0), rtol=0.05)
    np.testing.assert_allclose(solution.angles[:, 0].mean(), 0.0, atol=0.05 * PRIOR)


def test_one_eye_does_with_what_is_known_of_the_ground(geometry: Callable) -> None:
    made = geometry(4, eyes=("NAVL",))
    solution = solve(made.views, made.shots, made.ties, PRIOR)
    assert np.abs(errors_deg(made, solution)).max() < 0.02
    assert np.isnan(solution.rig).all()


def test_a_bent_rig_stays_out_of_the_masts_angles(geometry: Callable) -> None:
    bend_deg = np.array([0.02, -0.03, 0.025])

    def bent(camera: CameraModel) -> CameraModel:
        ahead = camera.A / np.linalg.norm(camera.A)
        across = np.cross([0.0, 0.0, 1.0], ahead)
        across /= np.linalg.norm(across)
        pitch, vergence, roll = np.radians(bend_deg)
        turn = rotation_vector(pitch * across + vergence * np.cross(ahead, across) + roll * ahead)
        return camera.moved(RigidTransform(camera.frame, camera.frame, turn, camera.C - turn @ camera.C))

    made = geometry(5, bend=bent)
    solution = solve(made.views, made.shots, made.ties, PRIOR)
    assert np.abs(errors_deg(made, solution)).max() < 0.004
    np.testing.assert_allclose(np.degrees(solution.rig), bend_deg, atol=0.006)
