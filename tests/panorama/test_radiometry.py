"""The radiometric solution on frames cut out of a known picture, each seen with a gain, an offset and a vignetting."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace

import cv2
import numpy as np
import pytest

from stereo3d.observation import Eye
from stereo3d.panorama.layer import Layer
from stereo3d.panorama.radiometry import Radiometry, brightness_range, solve

ROWS, WIDE, STEP, FRAMES = 180, 240, 130, 5
EYES = (Eye.LEFT, Eye.RIGHT)
TRANSMISSION = {Eye.LEFT: (0.04, 0.0, -0.45, 0.05, -0.05), Eye.RIGHT: (-0.04, 0.0, -0.3, -0.1, 0.05)}


def ground(seed: int = 3, columns: int = STEP * (FRAMES - 1) + WIDE) -> np.ndarray:
    """(rows, columns, 3): rough ground below a sky whose brightness goes around with the azimuth."""
    rng = np.random.default_rng(seed)
    out = np.zeros((ROWS, columns), dtype=np.float32)
    for size in (2.0, 6.0, 20.0):
        noise = cv2.GaussianBlur(rng.normal(size=out.shape).astype(np.float32), (0, 0), size)
        out += noise / noise.std() * (3.0 + 0.3 * size)
    y, x = np.arange(ROWS)[:, None] / ROWS, np.arange(columns)[None] / columns
    sky = 170.0 - 100.0 * y + 30.0 * np.sin(2 * np.pi * x)
    return (np.where(y < 0.3, sky, 90.0 + out)[..., None] * [1.1, 1.0, 0.8]).astype(np.float32)


@dataclass(frozen=True)
class Seen:
    """Layers, and what they were made with."""

    layers: list[Layer]
    gain: np.ndarray
    offset: np.ndarray
    """(frames, eyes): DN = (picture V - offset) / gain."""


def cut(picture: np.ndarray, seed: int = 5, noise: float = 1.0, gamma: float = 0.0, spread: float = 0.2) -> Seen:
    """Both eyes' frames of the picture, at steps of STEP columns; ``gamma`` is the spread of an exponent about 1."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:ROWS, :WIDE]
    picture = picture if picture.ndim == 3 else picture[..., None]
    middle = 0.5 * np.array([WIDE - 1, ROWS - 1])
    position = ((np.stack([x, y], axis=-1) - middle) / np.hypot(*middle)).astype(np.float32)
    radius = np.hypot(position[..., 0], position[..., 1])
    powers = [position[..., 0], position[..., 1], radius**2, radius**4, radius**6]
    weight = (np.minimum(x, WIDE - 1 - x) / (WIDE / 2)).astype(np.float32)
    valid = radius < 0.97
    gain, offset = 1.2 * np.exp(rng.normal(size=(FRAMES, 2)) * spread), rng.normal(size=(FRAMES, 2)) * 40 * spread
    layers = []
    for frame in range(FRAMES):
        for number, eye in enumerate(EYES):
            column = frame * STEP
            transmission = np.exp(sum(c * p for c, p in zip(TRANSMISSION[eye], powers, strict=True)))
            seen = picture[:, column : column + WIDE] * (transmission if spread else np.ones_like(radius))[..., None]
            seen = 200.0 * (np.maximum(seen, 0) / 200.0) ** (1 + gamma * rng.uniform(-1, 1))
            dn = (seen - offset[frame, number]) / gain[frame, number] + noise * rng.normal(size=seen.shape)
            pixels = np.where(valid[..., None], np.clip(np.rint(dn), 0, 255), 0).astype(np.float32)
            pixels = pixels if picture.shape[2] == 3 else pixels[..., 0]
            layers.append(Layer(f"{frame}{eye.name}", eye, column, 0, pixels, valid, position, weight))
    return Seen(layers, gain, offset)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    return ground()


@pytest.fixture(scope="module")
def grey(picture: np.ndarray) -> np.ndarray:
    return picture[..., 1]


@pytest.fixture(scope="module")
def seen(picture: np.ndarray) -> Seen:
    return cut(picture)


@pytest.fixture(scope="module")
def solution(seen: Seen) -> Radiometry:
    return solve(seen.layers)


def departure(solution: Radiometry, layers: list[Layer], picture: np.ndarray) -> np.ndarray:
    """What is left of the corrected layers when the one scale and lift that are free are fitted, DN of the picture."""
    made, true = [], []
    for layer in layers:
        smooth = cv2.blur(solution.corrected(layer), (9, 9))
        inside = cv2.erode(layer.valid.astype(np.uint8), np.ones((9, 9))) > 0
        there = cv2.blur(picture[:, layer.column : layer.column + layer.width], (9, 9))
        made.append(smooth[inside])
        true.append(there[inside])
    values, truth = np.concatenate(made), np.concatenate(true)
    scale, lift = np.polyfit(truth.ravel(), values.ravel(), 1)
    return (values - lift) / scale - truth


def test_gains_are_recovered_within_their_sigma(seen: Seen, solution: Radiometry) -> None:
    found = np.array([f.gain for f in solution.frames]).reshape(FRAMES, 2, 3)
    sigma = np.array([f.gain_sigma for f in solution.frames]).reshape(FRAMES, 2, 3) / found
    error = np.log(found / seen.gain[..., None])
    error -= error.mean(axis=(0, 1))
    assert np.sqrt(np.mean((error / sigma) ** 2)) < 1.5
    assert np.abs(error).max() < 0.01
    assert sigma.max() < 0.01


def test_the_whole_picture_comes_out_and_its_sky_keeps_its_gradient(
    seen: Seen, solution: Radiometry, picture: np.ndarray
) -> None:
    left = departure(solution, seen.layers, picture)
    assert np.sqrt(np.mean(left**2)) < 0.003 * brightness_range([picture])


def test_each_eye_gets_its_own_vignetting(seen: Seen, solution: Radiometry) -> None:
    layer = seen.layers[0]
    x, y = layer.position[..., 0], layer.position[..., 1]
    square = x * x + y * y
    powers = np.stack([x, y, square, square**2, square**3], axis=-1)
    for eye in EYES:
        # What the eyes differ by is told by each shot; a slope that both share is not.
        error = (powers @ (solution.vignetting[eye] - TRANSMISSION[eye]))[layer.valid]
        assert np.abs(error).max() < 0.015


def test_differences_are_told_before_and_after(solution: Radiometry) -> None:
    assert solution.before > 0.08
    assert solution.after < 0.01
    told = json.loads(json.dumps(solution.as_json()))
    assert told["mean_difference"]["after"] == pytest.approx(solution.after, abs=1e-5)
    assert len(told["frames"]) == 2 * FRAMES
    # Five shots; each with itself, and with each of its neighbours (a frame reaches over one and less than two steps).
    assert len(told["overlaps"]) == FRAMES + 4 * (FRAMES - 1)


def test_frames_that_agree_are_left_as_they_are(grey: np.ndarray) -> None:
    same = cut(grey, spread=0.0)
    solution = solve(same.layers)
    for layer in same.layers:
        change = solution.corrected(layer)[layer.valid] - layer.pixels[layer.valid]
        assert np.abs(change).mean() < 0.5
        assert np.abs(change).max() < 3.0


def test_stray_light_that_grows_down_one_frame_is_taken_off_it(grey: np.ndarray) -> None:
    seen = cut(grey)
    y = np.linspace(-15.0, 15.0, ROWS, dtype=np.float32)[:, None]
    layers = [
        replace(layer, pixels=np.where(layer.valid, layer.pixels + y, 0)) if layer.name == "2LEFT" else layer
        for layer in seen.layers
    ]
    solution = solve(layers)
    tilts = {f.name: f.tilt for f in solution.frames}
    assert min(tilts, key=lambda name: tilts[name]) == "2LEFT"
    assert sum(tilts.values()) == pytest.approx(0.0, abs=0.1)
    left = departure(solution, layers, grey)
    assert np.sqrt(np.mean(left**2)) < 0.012 * brightness_range([grey])


def test_the_gains_multiply_to_one(solution: Radiometry) -> None:
    assert np.prod([f.gain for f in solution.frames], axis=0) == pytest.approx(1.0, abs=1e-3)


def test_a_gamma_of_each_frame_leaves_less_than_one_percent(grey: np.ndarray) -> None:
    seen = cut(grey, gamma=0.04)
    assert solve(seen.layers).after < 0.01


def test_rocks_that_stand_elsewhere_do_not_change_the_gains(grey: np.ndarray) -> None:
    seen = cut(grey)
    clean = solve(seen.layers)
    rng = np.random.default_rng(1)
    spoilt = []
    for layer in seen.layers:
        pixels = layer.pixels.copy()
        for _ in range(10):
            row, column = rng.integers(60, ROWS - 25), rng.integers(0, WIDE - 25)
            pixels[row : row + 22, column : column + 22] = rng.choice([20.0, 160.0])
        spoilt.append(replace(layer, pixels=pixels))
    ratio = [np.log(b.gain / a.gain) for a, b in zip(clean.frames, solve(spoilt).frames, strict=True)]
    assert np.abs(np.array(ratio) - np.mean(ratio, axis=0)).max() < 0.03


def test_clipped_pixels_do_not_pull(grey: np.ndarray) -> None:
    seen = cut(grey)
    clipped = [replace(layer, pixels=np.minimum(layer.pixels, 110.0)) for layer in seen.layers]
    found = np.array([f.gain[0] for f in solve(clipped).frames]).reshape(FRAMES, 2)
    error = np.log(found / seen.gain)
    assert np.abs(error - error.mean()).max() < 0.01


def test_a_frame_alone_is_left_as_delivered_with_the_reason(seen: Seen) -> None:
    apart = replace(seen.layers[-1], name="apart", column=5000)
    solution = solve([*seen.layers[:4], apart])
    assert solution.notes == ("apart: overlaps no other frame",)
    alone = solution.frames[-1]
    assert np.isnan(alone.gain_sigma).all()
    single = solve([apart])
    assert np.isnan(single.after)
    assert single.as_json()["frames"][0]["gain_sigma"] == [None, None, None]
    assert single.corrected(apart)[apart.valid] == pytest.approx(apart.pixels[apart.valid], abs=1e-3)


def test_sixteen_bits_in_grey_give_what_eight_bits_give(seen: Seen) -> None:
    flat = [replace(layer, pixels=layer.pixels[..., 1]) for layer in seen.layers]
    deep = [replace(layer, pixels=layer.pixels[..., 1] * 200.0) for layer in seen.layers]
    low, high = solve(flat), solve(deep)
    assert high.corrected(deep[3]) == pytest.approx(200.0 * low.corrected(flat[3]), rel=1e-3, abs=2.0)
    assert low.corrected(flat[3]).shape == flat[3].valid.shape


def test_grey_frames_among_colour_are_given_the_colour(seen: Seen) -> None:
    mixed = [replace(a, pixels=a.pixels[..., 1]) if k == 4 else a for k, a in enumerate(seen.layers)]
    solution = solve(mixed)
    assert solution.corrected(mixed[4]).shape == (ROWS, WIDE, 3)
    inside = mixed[4].valid & mixed[5].valid
    off = (solution.corrected(mixed[4]) - solution.corrected(mixed[5]))[inside]
    assert np.abs(off.mean(axis=0)).max() < 2.0


def test_two_parts_of_one_frame_share_its_correction(seen: Seen) -> None:
    first = seen.layers[2]
    half = WIDE // 2

    def part(columns: slice) -> Layer:
        planes = {k: getattr(first, k)[:, columns] for k in ("pixels", "valid", "position", "weight")}
        return replace(first, column=first.column + columns.start, **planes)

    parts = [part(slice(0, half)), part(slice(half, WIDE))]
    solution = solve([*seen.layers[:2], *parts, *seen.layers[3:]])
    assert len(solution.frames) == len(seen.layers)
    whole = np.concatenate([solution.corrected(p) for p in parts], axis=1)
    assert np.array_equal(whole, solution.corrected(first))


def test_strangers_are_refused(seen: Seen, solution: Radiometry) -> None:
    with pytest.raises(ValueError, match="at least one layer"):
        solve([])
    with pytest.raises(KeyError, match="stranger"):
        solution.corrected(replace(seen.layers[0], name="stranger"))
