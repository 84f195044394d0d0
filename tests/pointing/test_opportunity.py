"""Five real frames of one panorama, one eye only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from stereo3d.camera import inside
from stereo3d.observation import Observation
from stereo3d.pointing import Pointing, refine_pointing
from stereo3d.read.frames import read_frames


@pytest.fixture(scope="module")
def frames(shared_data: Path) -> tuple[Observation, ...]:
    return read_frames(sorted((shared_data / "opportunity").glob("1N*P0706*.IMG"))).observations


@pytest.fixture(scope="module")
def pointing(frames: tuple[Observation, ...]) -> Pointing:
    return refine_pointing(frames)


def test_overlaps_fit_to_a_fraction_of_a_pixel(pointing: Pointing) -> None:
    assert len(pointing.overlaps) == 3
    for overlap in pointing.overlaps:
        assert overlap.ties >= 100
        assert overlap.before_px > 1.2
        # Ground taken for a plane that is only rough leaves 0.2 px in the first overlap.
        assert overlap.after_px < 0.15


def test_the_tied_ground_carries_a_mosaic(frames: tuple[Observation, ...], pointing: Pointing) -> None:
    """On the plane that fits the points of an overlap frames meet to less than a pixel; on that of the wheels not."""
    first, second = (o.camera for o in pointing.applied(frames)[2:4])
    points = pointing.points
    points = points[inside(first, first.project(points)) & inside(second, second.project(points))]
    weight = 1.0 / np.linalg.norm(points - first.C, axis=1)[:, None] ** 2
    design = np.column_stack([np.ones(len(points)), points[:, :2]])
    level, x, y = np.linalg.lstsq(design * weight, points[:, 2] * weight[:, 0], rcond=None)[0]
    rays = points - first.C
    for normal, height, low, high in (
        (np.array([-x, -y, 1.0]), level, 0.0, 0.5),
        (np.array([0.0, 0.0, 1.0]), 0.0, 2.0, 50.0),
    ):
        share = (height - first.C @ normal) / (rays @ normal)
        off = np.linalg.norm(second.project(first.C + share[:, None] * rays) - second.project(points), axis=1)
        assert low < np.median(off) < high


def test_the_gap_stays_a_gap(frames: tuple[Observation, ...], pointing: Pointing) -> None:
    assert [round(o.mast_azimuth_deg or 0.0) for o in frames] == [-19, 15, 85, 124, 164]
    assert [f.group for f in pointing.frames] == [0, 0, 1, 1, 1]
    assert "2 groups" in pointing.notes[0]
    # Each group is held by its own telemetry.
    for group in (0, 1):
        pans = [f.pan_deg for f in pointing.frames if f.group == group]
        assert np.mean(pans) == pytest.approx(0.0, abs=0.01)
