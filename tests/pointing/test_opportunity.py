"""Five real frames of one panorama, one eye only."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

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
        assert overlap.after_px < 0.3


def test_the_gap_stays_a_gap(frames: tuple[Observation, ...], pointing: Pointing) -> None:
    assert [round(o.mast_azimuth_deg or 0.0) for o in frames] == [-19, 15, 85, 124, 164]
    assert [f.group for f in pointing.frames] == [0, 0, 1, 1, 1]
    assert "2 groups" in pointing.notes[0]
    # Each group is held by its own telemetry.
    for group in (0, 1):
        pans = [f.pan_deg for f in pointing.frames if f.group == group]
        assert np.mean(pans) == pytest.approx(0.0, abs=0.01)
