"""Real pairs unlike the others: Curiosity's, of JPEGs and another rig, and sol 60's, one eye a Bayer mosaic."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest

from stereo3d.camera import CAHVOR
from stereo3d.frames import Frame
from stereo3d.image import Image
from stereo3d.observation import Eye, Observation, StereoPair
from stereo3d.pipeline import reconstruct
from stereo3d.radiometry.bayer import was_mosaic
from stereo3d.read import read_scene
from stereo3d.scene import Scene
from stereo3d.stereo.disparity import Reason
from stereo3d.stereo.masks import known_reasons


def _sky(observation):
    return (known_reasons(observation) & np.uint16(Reason.SKY)) > 0


@pytest.fixture(scope="module")
def curiosity(shared_data):
    """The pair of sol 1435; the frame of its rig, the mast head's, stands in for ROVER_NAV."""
    folder = shared_data / "curiosity"
    eyes = []
    cameras = json.loads((folder / "rig_sol1435.json").read_text(encoding="utf-8"))["cameras"]
    for eye, c in zip((Eye.LEFT, Eye.RIGHT), cameras, strict=True):
        pixels = cv2.imread(str(folder / f"{c['imageid']}.jpeg"), cv2.IMREAD_GRAYSCALE)
        vectors = [np.array(c[k]) for k in "CAHVOR"]
        camera = CAHVOR(Frame.rover(56, 2034), c["width"], c["height"], *vectors)
        image = Image(pixels, np.ones(pixels.shape, dtype=bool))
        eyes.append(Observation(c["imageid"], "MSL", "NAVCAM", eye, image, camera, 1435, 56, 2034, 0.0))
    return StereoPair(*eyes)


# Read off by eye, (column, row) of the left image.
CURIOSITY_SKYLINE = [
    (0, 707), (100, 665), (200, 625), (243, 600), (250, 560), (262, 530), (300, 472), (320, 468), (360, 474),
    (400, 486), (500, 495), (560, 485), (650, 467), (740, 434), (855, 423), (940, 447), (1023, 462),
]  # fmt: skip


def test_the_skies_of_curiositys_eyes_are_found_alike(curiosity):
    left, right = _sky(curiosity.left), _sky(curiosity.right)
    rows, columns = left.shape
    line = np.interp(np.arange(columns), *np.array(CURIOSITY_SKYLINE, dtype=float).T)
    row = np.arange(rows)[:, None]
    assert left[row > line + 12].mean() < 0.002
    assert left[row < line - 12].mean() > 0.995
    # The hill is 30 m away: its skyline moves by about 15 columns.
    assert abs(left.mean() - right.mean()) < 0.01
    assert (left[:, 15:] == right[:, :-15]).mean() > 0.98


def test_curiositys_hill_is_measured(curiosity):
    """Its rig is of other sols, so vergence is in doubt by 13 % of the range at 30 m: sigma says so, XYZ is there."""
    result = reconstruct(Scene("sol 1435", (curiosity.left, curiosity.right)))
    hill = result.xyz.measured & (np.abs(result.xyz.range_m - 30) < 2)
    assert np.median(result.xyz.sigma_range_m[hill] / result.xyz.range_m[hill]) > 0.05
    assert result.report.overlap_share > 0.95
    assert abs(result.report.epipolar_residual["after"]["median_px"]) < 0.05
    # Foreground at 14 m, foot of the cliff at 25 m, crest behind it.
    at = [
        np.nanmedian(result.xyz.range_m[r - 8 : r + 9, c - 8 : c + 9]) for r, c in ((980, 500), (640, 480), (450, 850))
    ]
    assert 10 < at[0] < at[1] < at[2] < 60


def test_a_bayer_mosaic_matches_its_debayered_partner(shared_data):
    scene = read_scene([next((shared_data / "perseverance").glob("NLF_0060_*.png"))])
    pair = scene.pairs[0]
    assert was_mosaic(pair.right)
    assert not was_mosaic(pair.left)
    left, right = _sky(pair.left), _sky(pair.right)
    assert 0.17 < left.mean() < 0.23
    assert abs(left.mean() - right.mean()) < 0.03
    result = reconstruct(scene)
    ground = (result.xyz.reason & np.uint16(Reason.SKY | Reason.OUTSIDE_OVERLAP)) == 0
    # Matched as it is, the mosaic itself is the noise that hides the texture of a quarter of the ground; smoothed until
    # it shows none it is unlike its partner, and 4.8 % stay unmatched.
    unmatched = np.uint16(Reason.LEFT_RIGHT | Reason.NO_MATCH | Reason.LOW_TEXTURE)
    assert ((result.xyz.reason & unmatched) > 0)[ground].mean() < 0.035
