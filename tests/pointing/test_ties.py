"""Tie points against the true cameras and the true ground of a simulated ring."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.pointing.shots import find_shots, shot_of
from stereo3d.pointing.ties import Ties, find_ties, joined, some
from stereo3d.pointing.views import View, prepared
from stereo3d.simulate.ring import Ring


@pytest.fixture(scope="module")
def views(ring: Ring) -> list[View]:
    return [prepared(o) for o in ring.observations]


@pytest.fixture(scope="module")
def ties(ring: Ring, views: list[View]) -> Ties:
    shots = find_shots(ring.observations)
    return joined([find_ties(views, shots, i, float(np.radians(0.12))) for i in range(len(views))])


def test_ties_are_where_the_true_ground_is_seen(ring: Ring, ties: Ties) -> None:
    xyz = np.empty((len(ties.reference), 3))
    for r in np.unique(ties.reference):
        rows = ties.reference == r
        origins, directions = ring.true_cameras[r].ray(ties.pixel[rows])
        range_m, _ = ring.cast(origins, directions)
        xyz[rows] = origins + range_m[:, None] * directions
    assert np.isfinite(xyz).all(), "a tie on the sky"
    off = np.empty(len(ties.track))
    for t in np.unique(ties.target):
        rows = ties.target == t
        off[rows] = np.linalg.norm(ring.true_cameras[t].project(xyz[ties.track[rows]]) - ties.seen[rows], axis=1)
    assert np.median(off) < 0.25
    assert (off > 2.0).mean() < 0.1


def test_no_ties_on_the_rover_or_the_sky(ring: Ring, ties: Ties) -> None:
    for frame in range(len(ring.observations)):
        body = ring.sees_rover(frame)
        for pixel in ties.pixel[ties.reference == frame].astype(int):
            assert not body[pixel[1], pixel[0]]


def test_ties_join_neighbours_with_both_eyes_all_over_the_overlap(ring: Ring, ties: Ties) -> None:
    of = shot_of(find_shots(ring.observations))
    pairs = set(zip(ties.reference[ties.track].tolist(), ties.target.tolist(), strict=True))
    # Shot 0 has frames 0 and 1, shot 1 has 2 and 3: left to left, left to right, right to left, right to right.
    assert {(0, 2), (0, 3), (3, 0), (3, 1), (0, 1), (3, 2)} <= pairs
    assert not {(a, b) for a, b in pairs if of[a] == of[b] and (a - b) % 2 == 0}, "a frame tied to itself"
    rows = ties.pixel[(ties.reference == 0)][:, 1] / ring.observations[0].camera.height
    assert len(np.unique((rows * 6).astype(int))) >= 4
    # Every track is seen by another shot.
    cross = of[ties.reference][ties.track] != of[ties.target]
    assert set(ties.track[cross].tolist()) == set(range(len(ties.reference)))


def test_dropping_ties_drops_the_tracks_they_held(ring: Ring, ties: Ties) -> None:
    of = shot_of(find_shots(ring.observations))
    kept = some(ties, (of[ties.target] != 2) & (of[ties.reference][ties.track] != 2), of)
    assert 0 < len(kept.reference) < len(ties.reference)
    assert 2 not in of[kept.target]
    assert 2 not in of[kept.reference]
    np.testing.assert_array_equal(np.unique(kept.track), np.arange(len(kept.reference)))
    for field in ("reference", "plane", "inverse_range"):
        assert len(getattr(kept, field)) == len(kept.reference)
