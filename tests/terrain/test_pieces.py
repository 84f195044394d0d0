"""Which cells of a map are believed: no threads across a shadow, no shreds at the far rim."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.terrain.pieces import FAR_NARROW, FAR_SHARE, USUAL_RAD, sound_cells
from stereo3d.terrain.steps import Steps, find_steps

SIGMA = 1e-4


def cells(rho, sigma=SIGMA, least=100, pixel_rad=USUAL_RAD):
    none = Steps(np.zeros((len(rho), rho.shape[1] - 1), bool), np.zeros((len(rho) - 1, rho.shape[1]), bool))
    noise = np.where(np.isnan(rho), np.nan, sigma).astype(np.float32)
    return sound_cells(rho, noise, none, least, pixel_rad)


def sheet(rho=0.1, shape=(60, 120)):
    return np.full(shape, rho, dtype=np.float32)


@pytest.mark.parametrize(("width", "stays"), [(2, False), (4, False), (6, True)])
def test_a_thread_between_two_holes_is_cut(width, stays):
    """``width`` pixels more than the cells between them."""
    rho = sheet()
    rho[20:40, 40:80] = np.nan
    rho[20:40, 60 : 60 + width] = 0.1
    kept = cells(rho)
    assert kept[22:37, 60 : 60 + width - 1].all() == stays
    assert kept[22:37, 60 : 60 + width - 1].any() == stays
    # What is wide stays as it was measured, to the last cell.
    assert kept[:19].all()
    assert kept[40:].all()
    assert kept[:, :39].all()


def test_the_far_rim_has_no_shreds_and_the_near_one_stays():
    usual = SIGMA / FAR_SHARE
    for rho, stays in ((2.0 * usual, True), (0.5 * usual, False)):
        ground = np.full((60, 120), np.nan, dtype=np.float32)
        ground[30:] = rho
        ground[10:30, 50 : 50 + FAR_NARROW[1] // 2] = rho
        kept = cells(ground)
        assert kept[30:].all()
        assert kept[12:29, 52 : 48 + FAR_NARROW[1] // 2].any() == stays
    # A hole in the far ground makes nothing narrow.
    ground = sheet(0.5 * usual)
    ground[30:40, 20:100:12] = np.nan
    assert cells(ground)[30:39, 22:30].all()


def test_of_coarse_pixels_fewer_are_asked_for():
    ground = np.full((60, 120), np.nan, dtype=np.float32)
    ground[30:] = 0.5 * SIGMA / FAR_SHARE
    ground[10:30, 50 : 50 + FAR_NARROW[1] // 2] = ground[30, 0]
    shred = slice(12, 29), slice(52, 48 + FAR_NARROW[1] // 2)
    for times, stays in ((0.25, False), (1.0, False), (4.0, True)):
        assert cells(ground, pixel_rad=times * USUAL_RAD)[shred].any() == stays
    piece = np.full((60, 120), np.nan, dtype=np.float32)
    piece[10:25, 20:70] = ground[30, 0]
    assert cells(piece, pixel_rad=4.0 * USUAL_RAD).any()


def test_a_far_piece_alone_must_be_large():
    for rho, stays in ((2.0 * SIGMA / FAR_SHARE, True), (0.5 * SIGMA / FAR_SHARE, False)):
        piece = np.full((60, 120), np.nan, dtype=np.float32)
        piece[10:25, 20:70] = rho
        assert cells(piece).any() == stays


def steps_of(profile, columns=40, px=SIGMA):
    rho = np.repeat(np.asarray(profile, np.float32)[:, None], columns, axis=1)
    return find_steps(rho, np.full(rho.shape, 6.0 * px, np.float32), 1e-3, np.deg2rad(8.0))


def test_the_face_of_a_rock_between_slopes_is_no_step():
    """Its range hardly changes while that of the ground before and behind does."""
    slope = 3e-4
    rise = np.concatenate([np.full(20, slope), np.full(5, 0.05 * slope), np.full(20, slope)])
    found = steps_of(0.05 + np.cumsum(rise))
    assert not found.along_columns.any()
    assert not found.along_rows.any()


def test_a_step_smeared_over_five_pixels_is_cut():
    """No edge of it alone is above the tolerance by itself, nor are three."""
    smear = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9.0
    rise = np.full(45, 1e-4)
    rise[20:25] += 8.0 * SIGMA * smear
    found = steps_of(0.05 + np.cumsum(rise))
    assert found.along_columns[19:24].any(axis=0).all()
    assert not found.along_columns[:17].any()
    assert not found.along_columns[27:].any()


def test_a_step_is_followed_to_where_it_ends():
    """Along the silhouette the jump falls from twice the tolerance to none; it is cut down to about two thirds."""
    tolerance = 6.0 * SIGMA
    share = np.linspace(2.0, 0.0, 81)
    rho = 0.05 + np.where(np.arange(40)[:, None] >= 20, share * tolerance, 0.0).astype(np.float32)
    found = find_steps(rho.astype(np.float32), np.full(rho.shape, tolerance, np.float32), 1e-3, np.deg2rad(8.0))
    cut = found.along_columns[19]
    assert cut[share > 0.75].all()
    assert not cut[share < 0.65].any()
