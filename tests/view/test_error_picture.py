"""Colours and limits of the picture of errors are those of the errors; whatever was measured, a picture comes out."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stereo3d.stereo.score import evaluate_errors, xyz_errors
from stereo3d.stereo.truth import map_as_truth
from stereo3d.view.error_picture import error_colours, error_limit_px, error_picture
from stereo3d.view.plot import Axes, Sheet, ticks

PHOTO = np.full((240, 320, 3), 100, np.uint8)


@pytest.fixture(scope="module")
def scored(made_up):
    """The made-up ground in the place of the truth, and the function that scores factors of its ranges."""
    pair = made_up.pair
    left, right = pair.left.camera, pair.right.camera
    truth = map_as_truth(made_up.xyz.xyz, left, right)

    def score(factor, sigma=None):
        xyz = left.C + (truth.xyz - left.C) * np.broadcast_to(factor, truth.range_m.shape)[..., None]
        return truth, xyz_errors(xyz, truth, left, right, sigma)

    return score


def test_too_near_is_red_too_far_blue_and_holes_have_their_own_colour(scored):
    factor = np.full((240, 320), 1.0)
    factor[:, :140], factor[:, 200:] = 0.8, 1.25
    factor[200:220, 150:190] = np.nan
    truth, errors = scored(factor)
    colours = error_colours(errors, truth, PHOTO, 0.5).astype(int)
    seen = errors.wanted & errors.measured
    near, far = seen & (factor == 0.8), seen & (factor == 1.25)
    assert near.sum() > 1000 < far.sum()
    assert (colours[near][:, 0] > colours[near][:, 2] + 100).all()
    assert (colours[far][:, 2] > colours[far][:, 0] + 100).all()
    assert (colours[seen & (factor == 1.0)].min(axis=1) > 240).all()
    hole = colours[errors.wanted & ~errors.measured]
    assert len(hole) >= 700
    assert len(np.unique(hole, axis=0)) == 1
    sky = colours[~truth.ground]
    np.testing.assert_array_equal(sky, np.full_like(sky, 35))  # the photograph, dimmed


def test_ground_that_only_the_map_has_is_marked(scored, made_up):
    truth, _ = scored(1.0)
    xyz = np.where(np.isnan(truth.xyz), [8.0, 0.0, -1.0], truth.xyz)
    errors = xyz_errors(xyz, truth, made_up.pair.left.camera, made_up.pair.right.camera)
    colours = error_colours(errors, truth, PHOTO, 0.5)
    assert (colours[0, 0].astype(int) != 35).any()
    np.testing.assert_array_equal(colours[~truth.ground], np.tile(colours[0, 0], ((~truth.ground).sum(), 1)))


@pytest.mark.parametrize(("spread", "limit"), [(0.01, 0.05), (0.04, 0.2), (0.2, 1.0), (100.0, 10.0)])
def test_limit_is_round_and_some_three_sigma(scored, spread, limit):
    _, errors = scored(1.0)
    noise = np.random.default_rng(1).normal(0.0, spread, errors.px.shape)
    assert error_limit_px(replace(errors, px=np.where(np.isfinite(errors.px), noise, np.nan))) == limit


@pytest.mark.parametrize("case", ["good", "sigma", "nothing", "behind"])
def test_a_picture_comes_out_whatever_was_measured(scored, made_up, case):
    noise = np.random.default_rng(1).normal(1.0, 0.01, (240, 320))
    sigma = 0.01 * scored(1.0)[0].range_m if case == "sigma" else None
    truth, errors = scored({"nothing": np.nan, "behind": -1.0}.get(case, noise), sigma)
    picture = error_picture(errors, evaluate_errors(errors, truth), truth, made_up.pair.left, "a\nb", "truth")
    pixels = np.asarray(picture)
    assert pixels.shape == (1310, 1800, 3)
    assert pixels.std() > 10


def test_axes_place_numbers_where_they_belong():
    axes = Axes((100, 50, 300, 250), (10.0, 0.0), (-1.0, 1.0))
    np.testing.assert_allclose(axes.place([10.0, 0.0, 5.0], [-1.0, 1.0, 0.0]), [[100, 250], [300, 50], [200, 150]])
    sheet = Sheet(400, 300)
    axes.curve(sheet, [10.0, 5.0, np.nan, 2.0, 0.0], [0.0, 0.0, 0.0, 0.0, 9.0], (255, 0, 0), 3.0)
    red = np.asarray(sheet.finished())[..., 0] > 200
    assert red[150, 105:195].all()  # the first stretch
    assert not red[150, 205:255].any()  # interrupted at NaN
    assert not red[:48].any()  # what leaves the box is kept at its edge
    assert red[48:60, 290:].any()


@pytest.mark.parametrize(
    ("low", "high", "about", "texts"),
    [(0.0, 1.0, 5, ["0", "0.2", "0.4", "0.6", "0.8", "1"]), (-4.5, 313.5, 6, ["0", "100", "200", "300"])],
)
def test_ticks_are_round(low, high, about, texts):
    assert [text for _, text in ticks(low, high, about)] == texts


def test_wrapped_text_fits_and_loses_no_word():
    sheet = Sheet(400, 300)
    text = "the window holds hardly more than noise, so any match would be chance"
    lines = sheet.wrapped(text, 15.0, 150.0)
    assert " ".join(lines) == text
    assert all(sheet.length(line, 15.0) <= 150.0 for line in lines)
    assert len(lines) > 2
