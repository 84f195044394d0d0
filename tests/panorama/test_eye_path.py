"""The circle of each eye is found from the cameras of the frames."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.observation import Eye
from stereo3d.panorama.eye_path import azimuth_of, fit_eye_paths
from stereo3d.scene import Scene


def test_the_circles_pass_through_the_cameras(painted_pairs: Scene) -> None:
    paths = fit_eye_paths(painted_pairs.observations)
    assert set(paths) == {Eye.LEFT, Eye.RIGHT}
    for o in painted_pairs.observations:
        place = o.level_from_rover.apply(o.camera.C)
        assert np.abs(paths[o.eye].at(azimuth_of(o)) - place).max() < 0.004
    baseline = paths[Eye.RIGHT].at(0.3) - paths[Eye.LEFT].at(0.3)
    assert np.linalg.norm(baseline) == pytest.approx(0.424, abs=0.004)
    # Across the look, to its right.
    assert baseline[:2] / 0.424 == pytest.approx([-np.sin(0.3), np.cos(0.3)], abs=0.02)


def test_a_frame_that_was_left_out_lies_on_the_circle_of_the_others(painted_ring: Scene) -> None:
    path = fit_eye_paths(painted_ring.observations[:4])[Eye.LEFT]
    for o in painted_ring.observations[4:]:
        assert np.abs(path.at(azimuth_of(o)) - o.level_from_rover.apply(o.camera.C)).max() < 0.01


def test_one_frame_is_enough_and_lies_on_its_circle(painted_ring: Scene) -> None:
    o = painted_ring.observations[2]
    path = fit_eye_paths([o])[Eye.LEFT]
    assert np.abs(path.at(azimuth_of(o)) - o.level_from_rover.apply(o.camera.C)).max() < 0.002
    assert path.forward_m == pytest.approx(0.13, abs=0.03)
    assert path.right_m == pytest.approx(-0.212, abs=0.03)


def test_no_frame_has_no_path() -> None:
    with pytest.raises(ValueError, match="at least one frame"):
        fit_eye_paths([])
