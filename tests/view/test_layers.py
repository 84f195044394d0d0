"""Layers and colour maps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from stereo3d.view.layers import KIND_COLOURS, ColourMap, brightness, colour_map, displayed, round_length, vertex_kind
from stereo3d.view.viewpoint import camera_centre

GREYS = np.repeat(np.arange(256, dtype=np.uint8)[:, None], 3, axis=1)


def test_linear_colours_by_hand():
    colours = ColourMap("x (m)", np.zeros(1, np.float32), (1.0, 3.0), False, GREYS)
    assert colours.colours(np.array([0.0, 1.0, 2.0, 3.0, 9.0], np.float32))[:, 0].tolist() == [0, 0, 128, 255, 255]


def test_logarithmic_colours_by_hand():
    colours = ColourMap("x (m)", np.zeros(1, np.float32), (0.01, 1.0), True, GREYS)
    assert colours.colours(np.array([0.0, 0.01, 0.1, 1.0], np.float32))[:, 0].tolist() == [0, 0, 128, 255]


def test_ticks_are_round_and_inside():
    linear = ColourMap("x", np.zeros(1, np.float32), (-0.33, 1.1), False, GREYS).ticks()
    np.testing.assert_allclose(linear, [-0.2, 0.0, 0.2, 0.4, 0.6, 0.8, 1.0], atol=1e-12)
    logarithmic = ColourMap("x", np.zeros(1, np.float32), (0.004, 0.3), True, GREYS).ticks()
    np.testing.assert_allclose(logarithmic, [0.005, 0.01, 0.02, 0.05, 0.1, 0.2])


@pytest.mark.parametrize(("about", "length"), [(0.99, 0.5), (1.0, 1.0), (4.9, 2.0), (73.0, 50.0), (0.021, 0.02)])
def test_round_length(about, length):
    assert round_length(about) == pytest.approx(length)


def test_values_are_what_the_names_say(made_up):
    mesh = made_up.terrain.mesh
    reach = np.linalg.norm(mesh.vertices - camera_centre(made_up), axis=1)
    np.testing.assert_allclose(colour_map(made_up, "range").values, reach, rtol=1e-6)
    np.testing.assert_allclose(colour_map(made_up, "elevation").values, mesh.vertices[:, 2], atol=1e-6)
    sigma = colour_map(made_up, "sigma")
    np.testing.assert_array_equal(sigma.values, mesh.sigma_m)
    assert sigma.logarithmic
    assert 0 < sigma.limits[0] < np.median(mesh.sigma_m) < sigma.limits[1]


def test_dark_photograph_is_brightened_for_display(made_up):
    terrain = made_up.terrain
    dark = replace(terrain, image=(terrain.image * 0.6).astype(np.uint8))
    assert brightness(terrain) == pytest.approx(1.0, abs=0.05)
    assert brightness(dark) == pytest.approx(235.0 / (0.6 * 255.0), rel=0.01)
    np.testing.assert_allclose(displayed(dark).mean(), dark.image.mean() * 235.0 / 153.0, rtol=0.01)
    black = replace(terrain, image=np.zeros_like(terrain.image))
    assert brightness(black) == 2.0


def test_slope_is_that_of_the_normals(made_up):
    mesh = made_up.terrain.mesh
    tilted = np.tile([0.0, np.sin(0.3), np.cos(0.3)], (len(mesh.vertices), 1)).astype(np.float32)
    found = colour_map(replace(made_up, terrain=replace(made_up.terrain, mesh=replace(mesh, normals=tilted))), "slope")
    np.testing.assert_allclose(found.values, np.degrees(0.3), rtol=1e-4)
    assert found.limits[0] == 0.0


def test_named_values_have_a_colour_and_a_word_each(made_up):
    mesh = made_up.terrain.mesh
    kind = np.zeros(len(mesh.faces), np.uint8)
    kind[:100], kind[100:150] = 1, 2
    changed = replace(made_up, terrain=replace(made_up.terrain, mesh=replace(mesh, kind=kind)))
    found = colour_map(changed, "kind")
    assert found.words[0] == "measured"
    assert found.ticks() == [0.0, 1.0, 2.0]
    np.testing.assert_array_equal(found.of_faces, kind)
    np.testing.assert_array_equal(found.colours(np.array([0.0, 1.2, 2.0], np.float32)), KIND_COLOURS)
    worst = vertex_kind(changed.terrain.mesh)
    assert (worst[mesh.faces[100:150]] == 2).all()
    assert (worst[mesh.faces[:100]] >= 1).all()
    assert (worst == 0).sum() > 0.9 * len(worst)


def test_ground_of_one_pair_is_seen_by_one_pair(made_up):
    found = colour_map(made_up, "seen")
    assert found.words == ("no pair", "one pair")
    assert (found.values == 1.0).mean() > 0.98
