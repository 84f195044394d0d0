"""What explain says of a pixel is what is there: on a made-up plane of known disparity, and on the simulated floor."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.camera import CAHV, pixel_grid
from stereo3d.errors import StereoError
from stereo3d.frames import Frame
from stereo3d.image import Image
from stereo3d.observation import Eye, Observation, StereoPair
from stereo3d.stereo.disparity import Disparity, Reason, RectifiedPair, XyzMap
from stereo3d.stereo.explain import ADVICE, PATCH_PX, STRIP_PX, Explanation, explain, sparkline

ROVER = Frame.rover(1, 1)
WIDTH, HEIGHT, FOCAL, BASELINE = 240, 160, 200.0, 0.4
TRUE_PX = 23.4
"""Disparity of the wall."""


def _camera(right_m: float) -> CAHV:
    a, h, v = np.eye(3)
    centre = np.array([0.0, right_m, -2.0])
    return CAHV(ROVER, WIDTH, HEIGHT, centre, a, FOCAL * h + 120 * a, FOCAL * v + 80 * a)


def _wall(periods: np.ndarray, seed: int = 3):
    """DN of a wall at columns x, rows y of the left image: sine waves of ``periods`` px in random directions."""
    rng = np.random.default_rng(seed)
    angle, phase = rng.uniform(0, np.pi, len(periods)), rng.uniform(0, 2 * np.pi, len(periods))

    def paint(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        along = x[..., None] * np.cos(angle) + y[..., None] * np.sin(angle)
        return 120 + 60 * np.sin(2 * np.pi * along / periods + phase).mean(axis=-1)

    return paint


class Made:
    """A pair that sees a wall across the view, and measurements that say nothing (NO_MATCH) unless told otherwise."""

    def __init__(self, paint, right_usable: np.ndarray | None = None) -> None:
        grid = pixel_grid(WIDTH, HEIGHT)
        cameras = [_camera(-BASELINE / 2), _camera(BASELINE / 2)]
        pictures = [paint(grid[..., 0] + shift, grid[..., 1]).astype(np.float32) for shift in (0.0, TRUE_PX)]
        usable = [np.ones((HEIGHT, WIDTH), bool), np.ones((HEIGHT, WIDTH), bool)]
        if right_usable is not None:
            usable[1] = right_usable
        self.pair = StereoPair(
            *(
                Observation(f"MADE_UP_{e.value}", "simulated", "", e, Image(p, np.ones(p.shape, bool)), c, 1, 1, 1, 0.0)
                for e, p, c in zip((Eye.LEFT, Eye.RIGHT), pictures, cameras, strict=True)
            )
        )
        self.rectified = RectifiedPair(*pictures, *usable, *cameras)
        self.reason = np.full((HEIGHT, WIDTH), int(Reason.NO_MATCH), np.uint16)
        self.disparity = np.full((HEIGHT, WIDTH), np.nan, np.float32)
        self.xyz = np.full((HEIGHT, WIDTH, 3), np.nan, np.float32)

    def explain(self, pixel: tuple[int, int], min_range_m: float = 1.0) -> Explanation:
        range_m = np.linalg.norm(self.xyz - self.pair.left.camera.C, axis=-1)
        xyz = XyzMap(ROVER, self.xyz, range_m, 0.01 * range_m, 0.0 * range_m, self.reason)
        return explain(self.pair, self.rectified, Disparity(self.disparity, self.reason), xyz, pixel, min_range_m)


@pytest.fixture(scope="module")
def wall() -> Made:
    return Made(_wall(np.geomspace(4, 90, 40)))


def _true_point(pixel: tuple[int, int]) -> np.ndarray:
    depth = FOCAL * BASELINE / TRUE_PX
    camera = _camera(-BASELINE / 2)
    _, ray = camera.ray(np.array(pixel, float))
    return camera.C + ray * depth / ray[0]


def test_best_peak_is_the_true_disparity_range_and_place(wall: Made) -> None:
    result = wall.explain((150, 70))
    assert result.reasons == (Reason.NO_MATCH,)
    assert not result.measured
    assert result.curve is not None
    best, second = result.curve.peaks
    assert best.disparity_px == pytest.approx(TRUE_PX, abs=0.15)
    assert best.zncc > 0.97
    assert second.zncc < 0.8
    reach = float(np.linalg.norm(_true_point((150, 70)) - _camera(-BASELINE / 2).C))
    assert best.range_m == pytest.approx(reach, rel=0.01)
    np.testing.assert_allclose(result.candidate, [150 - TRUE_PX, 70], atol=0.15)
    assert np.isnan(result.match).all()
    assert np.isnan(result.disparity_px)
    assert "no match found" in result.lines()[0]
    assert any("clear peak" in line for line in result.lines())


def test_curve_covers_the_search_range_and_its_ranges_are_exact(wall: Made) -> None:
    curve = wall.explain((200, 70), min_range_m=2.0).curve
    assert curve is not None
    assert curve.disparity_px[0] == np.ceil(FOCAL * BASELINE / 2.0)
    assert curve.disparity_px[-1] < 0
    np.testing.assert_array_equal(np.diff(curve.disparity_px), -1.0)
    _, ray = _camera(0).ray(np.array([200.0, 70.0]))
    ahead = curve.disparity_px > 0
    np.testing.assert_allclose(curve.range_m[ahead], FOCAL * BASELINE / curve.disparity_px[ahead] / ray[0], rtol=1e-9)
    assert np.isnan(curve.range_m[~ahead]).all()
    # Column of the strip and disparity go together: the strip is the right row, x = 200 - disparity.
    x = (200 - curve.disparity_px).astype(int)
    assert curve.strip.shape == (STRIP_PX, len(curve.disparity_px))
    np.testing.assert_allclose(curve.strip[STRIP_PX // 2], wall.rectified.right[70, x], atol=1e-3)


def test_chosen_disparity_and_match_follow_from_what_was_measured() -> None:
    made = Made(_wall(np.geomspace(4, 90, 40)))
    made.xyz[70, 150] = _true_point((150, 70))
    made.reason[70, 150] = 0
    made.disparity[60, 150], made.reason[60, 150] = 5.0, int(Reason.BEYOND_RANGE)
    result = made.explain((150, 70))
    assert result.measured
    assert result.disparity_px == pytest.approx(TRUE_PX, abs=1e-3)
    np.testing.assert_allclose(result.match, [150 - TRUE_PX, 70], atol=1e-3)
    assert result.sigma_range_m == pytest.approx(0.01 * result.range_m)
    text = "\n".join(result.lines())
    assert f"{result.range_m:.3f} m \u00b1 {result.sigma_range_m:.3f} m" in text
    assert "measured" in result.lines()[0]
    assert "right image 126.60,70.00" in text
    # Both patches show the same place of the wall.
    assert result.right_patch is not None
    middle = slice(20, 45)
    assert np.abs(result.left_patch[middle, middle] - result.right_patch[middle, middle]).max() < 3.0
    # Rejected after matching: no XYZ, but what was chosen is told.
    far = made.explain((150, 60))
    assert far.reasons == (Reason.BEYOND_RANGE,)
    np.testing.assert_allclose(far.match, [145.0, 60.0], atol=1e-6)


def test_masked_places_and_places_outside_are_no_peaks() -> None:
    usable = np.ones((HEIGHT, WIDTH), bool)
    usable[:, 120:135] = False
    result = Made(_wall(np.geomspace(4, 90, 40)), usable).explain((150, 70))
    assert result.curve is not None
    x = 150 - result.curve.disparity_px
    np.testing.assert_array_equal(result.curve.masked, (x >= 120) & (x < 135))
    assert all(not 120 <= 150 - p.disparity_px < 135 for p in result.curve.peaks)
    assert np.nanmax(result.curve.zncc) > 0.95  # the curve itself still shows it
    edge = Made(_wall(np.geomspace(4, 90, 40))).explain((20, 70))
    assert edge.curve is not None
    np.testing.assert_array_equal(np.isnan(edge.curve.zncc), edge.curve.disparity_px > 20)


def test_repeating_pattern_is_called_ambiguous_and_a_flat_one_has_no_peak(wall: Made) -> None:
    def stripes(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        return 120 + 40 * np.sin(2 * np.pi * x / 13.0) + 0 * y

    assert any("ambiguous" in line for line in Made(stripes).explain((150, 70)).lines())
    assert not any("ambiguous" in line for line in wall.explain((150, 70)).lines())
    flat = Made(lambda x, y: 120 + 0 * x).explain((150, 70))
    assert flat.curve is not None
    assert flat.curve.peaks == ()
    assert flat.right_patch is None
    assert flat.contrast_dn == 0.0
    assert flat.noise_dn > 0


def test_patch_at_the_frames_corner_is_nan_outside(wall: Made) -> None:
    patch = wall.explain((0, HEIGHT - 1)).left_patch
    half = PATCH_PX // 2
    assert np.isnan(patch[:, :half]).all()
    assert np.isnan(patch[half + 1 :]).all()
    np.testing.assert_allclose(patch[: half + 1, half:], wall.rectified.left[-half - 1 :, : half + 1], atol=1e-3)


@pytest.mark.parametrize("pixel", [(-1, 5), (5, -1), (WIDTH, 5), (5, HEIGHT)])
def test_pixel_outside_the_image_is_refused(wall: Made, pixel: tuple[int, int]) -> None:
    with pytest.raises(StereoError, match="no pixel") as caught:
        wall.explain(pixel)
    assert "column 0 to 239, row 0 to 159" in str(caught.value)


def test_every_reason_has_its_advice() -> None:
    assert set(ADVICE) == set(Reason)


def test_sparkline_marks_the_best(wall: Made) -> None:
    curve = wall.explain((150, 70)).curve
    assert curve is not None
    for width in (20, 72, 1000):
        text, mark = sparkline(curve, width)
        assert len(text) == min(width, len(curve.zncc))
        assert text[len(mark) - 1] == max(text.replace(".", " "))
        assert mark.strip() == "^"


def test_on_the_floor_the_explanation_agrees_with_the_maps_and_the_truth(floor) -> None:
    made, truth = floor.result, floor.truth
    good = made.xyz.measured & truth.both_eyes & ~truth.near_step & (truth.range_m < 15)
    rows, columns = np.nonzero(good)
    chosen = np.random.default_rng(2).choice(len(rows), 40, replace=False)
    off, away = [], []
    for row, column in zip(rows[chosen], columns[chosen], strict=True):
        result = explain(made.pair, made.rectified, made.disparity, made.xyz, (int(column), int(row)))
        assert result.range_m == made.xyz.range_m[row, column]
        assert result.curve is not None
        off.append(result.curve.peaks[0].range_m / truth.range_m[row, column] - 1)
        away.append(np.linalg.norm(result.match - made.pair.right.camera.project(truth.xyz[row, column])))
    # A peak past infinity, which has no range, is a wrong one.
    assert np.median(np.nan_to_num(np.abs(off), nan=np.inf)) < 0.02
    assert np.median(away) < 0.4
    sky = np.argwhere(made.xyz.reason == int(Reason.SKY))[0]
    assert explain(
        made.pair, made.rectified, made.disparity, made.xyz, (int(sky[1]), int(sky[0]))
    ).reasons == (Reason.SKY,)  # fmt: skip
