"""What is no ground: sky by its smoothness, dark corners, the rover."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from stereo3d.image import Image
from stereo3d.read import read_observation
from stereo3d.stereo.disparity import Reason
from stereo3d.stereo.masks import elevation_deg, known_reasons, rover, sky, vignette

SKYLINES = json.loads((Path(__file__).resolve().parents[1] / "skylines.json").read_text(encoding="utf-8"))


def _with_pixels(observation, pixels):
    return replace(observation, image=Image(pixels, np.ones(pixels.shape[:2], dtype=bool)))


def test_the_simulated_sky_is_found(floor):
    found = (floor.known & np.uint16(Reason.SKY)) > 0
    true = ~floor.truth.ground
    dark = (floor.known & np.uint16(Reason.VIGNETTE)) > 0
    assert true.sum() > 1000
    assert (found | dark)[true].mean() > 0.97
    assert found[~true].mean() < 0.005


def _drawn(floor, sky_dn, ground_dn, line):
    """A smooth sky above ``line`` (a row for each column) and textured ground below, by noise of 1 DN."""
    rng = np.random.default_rng(7)
    rows, columns = floor.known.shape
    ground = cv2.GaussianBlur(rng.normal(size=(rows, columns)).astype(np.float32), (0, 0), 1.5)
    image = ground_dn + 12 * ground / ground.std()
    above = np.arange(rows)[:, None] < line[None, :]
    image[above] = np.broadcast_to(np.linspace(sky_dn - 15, sky_dn, rows)[:, None], above.shape)[above]
    image += rng.normal(0, 0.7, image.shape)
    return _with_pixels(floor.pair.left, np.clip(np.rint(image), 1, 255).astype(np.uint8)), above


@pytest.mark.parametrize(("sky_dn", "ground_dn", "most"), [(180, 90, 0.002), (120, 122, 0.03), (70, 120, 0.03)])
def test_sky_brighter_as_bright_and_darker_than_the_ground(floor, sky_dn, ground_dn, most):
    columns = floor.known.shape[1]
    line = 60 + 15 * np.sin(np.arange(columns) / 40.0)
    observation, above = _drawn(floor, sky_dn, ground_dn, line)
    found = sky(observation, np.zeros(above.shape, dtype=bool))
    assert found[above].mean() > 0.9
    # Without an edge to hold on to, the line may sink by a few rows of the reduced image.
    assert found[~above].mean() < most


def test_a_white_first_row_is_no_skyline(floor):
    """Curiosity's frames begin with one; beside a faint skyline it is the stronger edge."""
    observation, above = _drawn(floor, 100, 104, np.full(floor.known.shape[1], 80.0))
    pixels = observation.image.pixels.copy()
    pixels[0] = 255
    pixels[1] += 25
    found = sky(_with_pixels(observation, pixels), np.zeros(above.shape, dtype=bool))
    assert found[above].mean() > 0.9


def test_the_sky_beside_a_cliff_is_found(floor):
    columns = floor.known.shape[1]
    line = np.where(np.arange(columns) < columns // 2, 66.0, 20.0)
    observation, above = _drawn(floor, 180, 90, line)
    found = sky(observation, np.zeros(above.shape, dtype=bool))
    beside = np.s_[28:60, columns // 2 - 18 : columns // 2 - 5]
    assert above[beside].all()
    assert found[beside].mean() > 0.8
    assert found[~above].mean() < 0.01


def test_the_skyline_is_the_first_edge_not_a_darker_layer_below(floor):
    """A crest: from the sky to an even layer of 6 rows by 24 DN, and by 32 DN to what lies below."""
    observation, above = _drawn(floor, 150, 90, np.full(floor.known.shape[1], 64.0))
    pixels = observation.image.pixels.copy()
    sky_dn = pixels[63].astype(np.int16)
    pixels[64:70] = sky_dn - 24
    pixels[70:80] = sky_dn - 56
    found = sky(_with_pixels(observation, pixels), np.zeros(above.shape, dtype=bool))
    assert found[64:70].mean() < 0.1
    assert found[:62].mean() > 0.95


def test_the_sky_of_a_noisy_bayer_mosaic_is_found(floor):
    observation, above = _drawn(floor, 160, 110, np.full(floor.known.shape[1], 90.0))
    rng = np.random.default_rng(9)
    mosaic = observation.image.pixels + rng.normal(0, 2.0, above.shape)
    mosaic[0::2, 0::2] *= 1.3
    mosaic[1::2, 1::2] *= 0.6
    mosaic = _with_pixels(observation, np.clip(np.rint(mosaic), 1, 255).astype(np.uint8))
    assert mosaic.image.is_mosaic
    found = sky(mosaic, np.zeros(above.shape, dtype=bool))
    assert found[above].mean() > 0.85
    assert found[~above].mean() < 0.01


def test_ground_alone_has_no_sky(floor):
    observation, above = _drawn(floor, 100, 100, np.zeros(floor.known.shape[1]))
    assert sky(observation, np.zeros(above.shape, dtype=bool)).mean() < 0.01


def test_smooth_ground_below_the_horizon_is_not_sky(floor):
    """A frame without any texture: only what looks above the horizon can be sky."""
    rng = np.random.default_rng(8)
    flat = np.clip(rng.normal(120, 1, floor.known.shape), 0, 255).astype(np.uint8)
    found = sky(_with_pixels(floor.pair.left, flat), np.zeros(flat.shape, dtype=bool))
    low = elevation_deg(floor.pair.left) < -8
    assert not found[low].any()


def test_a_frame_that_looks_below_the_horizon_has_no_sky(floor):
    """The same picture with a sky in it, taken by a rover that is said to lean forward by 40 degrees."""
    observation, above = _drawn(floor, 180, 90, np.full(floor.known.shape[1], 60.0))
    nothing = np.zeros(above.shape, dtype=bool)
    assert sky(observation, nothing)[above].mean() > 0.9
    pose, lean = observation.site_from_rover, np.radians(40.0)
    rotation = np.array([[np.cos(lean), 0, -np.sin(lean)], [0, 1, 0], [np.sin(lean), 0, np.cos(lean)]])
    down = replace(observation, site_from_rover=replace(pose, rotation=rotation))
    assert np.nanmax(elevation_deg(down)) < -10
    assert not sky(down, nothing).any()


def test_where_there_is_no_sky_none_is_looked_for(floor):
    observation, above = _drawn(floor, 180, 90, np.full(floor.known.shape[1], 60.0))
    assert ((known_reasons(observation)[above] & np.uint16(Reason.SKY)) > 0).mean() > 0.9
    assert not (known_reasons(observation, look_for_sky=False) & np.uint16(Reason.SKY)).any()


def test_elevation_agrees_with_the_level_rays(floor):
    found = elevation_deg(floor.pair.left)
    camera = floor.pair.left.camera
    pixel = np.array([100.0, 250.0])
    direction = floor.pair.left.level_from_rover.rotate(camera.ray(pixel)[1])
    assert found[250, 100] == pytest.approx(np.degrees(np.arcsin(-direction[2])), abs=1e-3)


def test_dark_corners_are_vignette_and_shadows_are_not(floor):
    pixels = np.full(floor.known.shape, 120, dtype=np.uint8)
    pixels[:30, :40] = 2
    pixels[200:240, 200:260] = 2
    found = vignette(_with_pixels(floor.pair.left, pixels))
    assert found[5:25, 5:35].all()
    assert not found[205:235, 205:255].any()
    assert found.mean() < 0.03


def test_missing_data_are_masked(floor):
    valid = np.ones(floor.known.shape, dtype=bool)
    valid[100:120, 50:80] = False
    observation = replace(floor.pair.left, image=Image(floor.pair.left.image.pixels, valid))
    assert (known_reasons(observation)[100:120, 50:80] & np.uint16(Reason.VIGNETTE)).all()


def test_mars_2020_and_the_simulation_have_a_rover_and_curiosity_has_none_here(floor):
    assert not rover(replace(floor.pair.left, mission="MSL")).any()
    simulated = rover(floor.pair.left)
    assert np.array_equal(simulated, rover(replace(floor.pair.left, mission="Mars 2020")))
    assert simulated[-40:].mean() > simulated[:150].mean()


@pytest.mark.parametrize("sol", [340, 395, 718, 755, 903, 1280])
def test_real_skies_are_found(shared_data, sol):
    """Against skylines read off by eye: the sky is masked, the ground is not."""
    path = next((shared_data / "perseverance").glob(f"NLF_{sol:04d}_*.png"))
    reasons = known_reasons(read_observation(path))
    rows, columns = reasons.shape
    line = np.interp(np.arange(columns), *np.array(SKYLINES[str(sol)], dtype=float).T)
    row = np.arange(rows)[:, None]
    found = (reasons & np.uint16(Reason.SKY)) > 0
    assert found[row > line + 4].mean() < 0.002
    above = row < line - 4
    if above.sum() > 5000:
        assert (reasons[above] != 0).mean() > 0.99


def test_the_rover_in_view_is_masked_and_only_there(shared_data):
    """Sol 1280 sees the arm, tubes and deck below; sol 755 looks over them."""
    folder = shared_data / "perseverance"
    seen = rover(read_observation(next(folder.glob("NLF_1280_*.png"))))
    for column, row in [(30, 900), (770, 900), (420, 950), (205, 830), (20, 720)]:
        assert seen[row, column], (column, row)
    for column, row in [(640, 700), (1000, 930), (380, 650), (850, 800)]:
        assert not seen[row, column], (column, row)
    assert rover(read_observation(next(folder.glob("NLF_0755_*.png")))).mean() < 0.001
