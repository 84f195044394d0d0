"""Sparse matches: against the truth of the bundled scene, through a Bayer mosaic, and at larger sizes."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from stereo3d.read import read_scene
from stereo3d.simulate.scene_writer import navcam_pair
from stereo3d.simulate.truth_file import read_truth
from stereo3d.stereo.epipolar import row_angles
from stereo3d.stereo.masks import known_reasons
from stereo3d.stereo.sparse import Matches, binomial, find_matches


@pytest.fixture(scope="module")
def bundled():
    """The bundled pair, its truth, and where its images may be matched."""
    scene = read_scene([])
    pair = scene.pairs[0]
    usable = [known_reasons(o) == 0 for o in (pair.left, pair.right)]
    return pair, read_truth(scene.truth, pair.left.camera), usable


def found_in(pair, usable, left=None, right=None):
    """Matches of the pair's images, or of others in their place."""
    left = pair.left.image.luminance if left is None else left
    right = pair.right.image.luminance if right is None else right
    return find_matches(left, right, pair.left.camera, pair.right.camera, *usable)


def errors(pair, truth, matches):
    """(n, 2), px: partner found minus partner true, of matches whose left pixel both eyes see."""
    column, row = matches.left.astype(int).T
    seen = truth.both_eyes[row, column]
    assert np.array_equal(matches.left, np.rint(matches.left))
    return matches.right[seen] - pair.right.camera.project(truth.xyz[row, column][seen])


def test_matches_are_true_to_hundredths_of_a_pixel(bundled):
    pair, truth, usable = bundled
    m = found_in(pair, usable)
    assert len(m) > 2000
    e = errors(pair, truth, m)
    assert len(e) > 0.97 * len(m)
    assert np.abs(np.median(e[:, 1])) < 0.01
    assert np.median(np.abs(e[:, 1])) < 0.04
    assert (np.abs(e) > 1).any(axis=1).mean() < 0.02
    assert (m.right != np.rint(m.right)).all(axis=1).mean() > 0.99
    # Spread over the ground, not gathered on it: every eighth of the frame's lower half holds some.
    cells = np.floor(m.left / 160).astype(int)
    low = cells[m.left[:, 1] > 480]
    assert len(np.unique(low, axis=0)) == 8 * 3
    for at, mask in ((m.left, usable[0]), (np.rint(m.right), usable[1])):
        assert mask[at[:, 1].astype(int), at[:, 0].astype(int)].mean() > 0.99


def test_a_bayer_mosaic_is_matched_without_a_shift(bundled):
    """The right eye as a raw mosaic whose colours differ by a third: as exact in the rows as the grey image."""
    pair, truth, usable = bundled
    mosaic = pair.right.image.luminance.copy()
    mosaic[0::2, 0::2] *= 1.3
    mosaic[1::2, 1::2] *= 0.6
    e = errors(pair, truth, found_in(pair, usable, right=mosaic))
    assert len(e) > 2000
    assert np.abs(np.median(e[:, 1])) < 0.01
    assert np.median(np.abs(e[:, 1])) < 0.04


@pytest.mark.parametrize(("gain", "gamma"), [(0.5, 1.0), (2.0, 1.6), (1.0, 0.6)])
def test_another_stretch_does_not_matter(bundled, gain, gamma):
    pair, truth, usable = bundled
    right = (gain * 255 * (pair.right.image.luminance / 255) ** gamma).astype(np.float32)
    e = errors(pair, truth, found_in(pair, usable, right=right))
    assert len(e) > 1500
    assert np.abs(np.median(e[:, 1])) < 0.015


def test_larger_images_are_refined_to_their_own_pixels(bundled):
    """Twice the size in each direction: more levels, and the same few hundredths, now of the smaller pixel."""
    pair, _, usable = bundled
    left_camera, right_camera = navcam_pair(2)
    big = [
        cv2.resize(o.image.luminance, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC) for o in (pair.left, pair.right)
    ]
    masks = [cv2.resize(u.astype(np.uint8), None, fx=2, fy=2, interpolation=cv2.INTER_NEAREST) > 0 for u in usable]
    m = find_matches(*big, left_camera, right_camera, *masks)
    assert len(m) > 1500
    rows = row_angles(left_camera, right_camera, m) / (2 * 0.33e-3)
    assert abs(np.median(rows)) < 0.02
    assert np.median(np.abs(rows)) < 0.1


def test_empty_images_have_no_matches(bundled):
    pair, _, usable = bundled
    flat = np.full_like(pair.left.image.luminance, 80)
    assert len(found_in(pair, usable, left=flat)) == 0
    assert len(found_in(pair, usable, left=flat, right=flat)) == 0
    assert len(found_in(pair, [np.zeros_like(u) for u in usable])) == 0


def test_two_images_of_different_ground_have_next_to_no_matches(bundled):
    pair, _, usable = bundled
    other = np.ascontiguousarray(pair.right.image.luminance[:, ::-1])
    m = found_in(pair, usable, right=other)
    assert len(m) < 12


def test_the_filter_removes_a_mosaic_and_moves_nothing():
    board = (np.indices((20, 30)).sum(axis=0) % 2).astype(np.float32)
    assert np.ptp(binomial(board)) < 1e-6
    stripes = np.tile(np.array([0.0, 1.0], dtype=np.float32), (20, 15))
    assert np.ptp(binomial(stripes)) < 1e-6
    slope = np.arange(30, dtype=np.float32)[None].repeat(20, 0)
    np.testing.assert_allclose(binomial(slope)[1:-1, 1:-1], slope[1:-1, 1:-1], atol=1e-5)


def test_matches_must_be_as_many_in_both():
    with pytest.raises(ValueError, match="two"):
        Matches(np.zeros((3, 2)), np.zeros((4, 2)))
