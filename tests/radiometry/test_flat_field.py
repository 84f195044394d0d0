"""The flat field against a known one, its refusals, its use, and its file."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from stereo3d.errors import CalibrationError, MissingFileError
from stereo3d.export.calibration import write_flat_field
from stereo3d.image import Image
from stereo3d.observation import Observation
from stereo3d.radiometry.cells import GRID, Cells
from stereo3d.radiometry.estimate import LEAST_SHOTS, estimate_flat_field
from stereo3d.radiometry.flat_field import DELIVERED, FlatField, flattened
from stereo3d.read.calibration import calibrated, read_flat_fields
from stereo3d.scene import Scene
from stereo3d.simulate.flat_frames import SIZE, known_flat


def estimated(cells: list[Cells]) -> FlatField:
    return estimate_flat_field(cells, "simulated", "NAVCAM_LEFT", SIZE)


@pytest.fixture(scope="module")
def field(cells: list[Cells]) -> FlatField:
    return estimated(cells)


def log_error(field: FlatField, frame: Observation, truth: np.ndarray) -> np.ndarray:
    error = np.log(field.transmission(frame) / truth)
    return error - np.median(error)


def test_the_smooth_fall_off_is_found_within_its_sigma(field: FlatField, frames: list[Observation]) -> None:
    smooth = known_flat(1, 0.0)
    assert smooth.min() < 0.45  # there is something to find
    error = log_error(replace(field, pattern=None), frames[0], smooth)
    assert error.std() < 0.012
    assert error.std() < 3 * field.sigma
    assert field.sigma < 0.012


def test_the_fixed_pattern_is_found(field: FlatField, frames: list[Observation], flat: np.ndarray) -> None:
    assert field.pattern is not None
    assert field.pattern_sigma is not None
    with_pattern = log_error(field, frames[0], flat).std()
    assert with_pattern < 0.75 * log_error(replace(field, pattern=None), frames[0], flat).std()
    assert with_pattern < 1.5 * np.hypot(field.sigma, field.pattern_sigma)


def test_without_a_pattern_none_is_claimed(cells: list[Cells], flat: np.ndarray) -> None:
    rows, columns = np.divmod(np.arange(GRID[0] * GRID[1]), GRID[1])
    ratio = np.log(flat / known_flat(1, 0.0)).reshape(GRID[0], 5, GRID[1], 5).mean(axis=(1, 3))[rows, columns]
    even = [replace(c, value=c.value - ratio[c.index]) for c in cells]
    assert estimated(even).pattern is None


def test_an_even_camera_is_found_even(cells: list[Cells], flat: np.ndarray) -> None:
    rows, columns = np.divmod(np.arange(GRID[0] * GRID[1]), GRID[1])
    own = np.log(flat.reshape(GRID[0], 5, GRID[1], 5).mean(axis=(1, 3)))[rows, columns]
    found = estimated([replace(c, value=c.value - own[c.index]) for c in cells])
    x, y = np.meshgrid(np.arange(SIZE[0]), np.arange(SIZE[1]))
    assert np.abs(found.at(x.astype(float), y.astype(float)) - 1).max() < 6 * max(found.sigma, 0.005)


def test_too_few_pointings_are_refused_and_told(cells: list[Cells]) -> None:
    with pytest.raises(CalibrationError, match=r"7 usable pointings .* expected at least 8 pointings"):
        estimated(cells[: LEAST_SHOTS - 1])
    same = [replace(c, shot=(1, 1, 1)) for c in cells]  # tiles of one shot are one scene
    with pytest.raises(CalibrationError, match="1 usable pointings"):
        estimated(same)


def test_an_unsure_result_is_refused_and_says_how_many_are_needed(cells: list[Cells]) -> None:
    rng = np.random.default_rng(0)
    wild = []
    for c in cells[:9]:
        r, k = np.divmod(c.index, GRID[1])
        bowl = ((r / GRID[0] - 0.5) ** 2 + (k / GRID[1] - 0.5) ** 2) * rng.normal(0, 2)
        wild.append(replace(c, value=c.value + bowl))
    with pytest.raises(CalibrationError, match=r"unsure by .*%; expected at most 2%; about \d+ such pointings"):
        estimated(wild)


def test_frames_that_all_look_alike_are_refused(cells: list[Cells]) -> None:
    alike = [replace(c, elevation_deg=-20.0 - i / 10) for i, c in enumerate(cells)]
    with pytest.raises(CalibrationError, match=r"within 2.9 degrees.*; expected elevations that differ by 10 degrees"):
        estimated(alike)
    assert estimated([replace(c, elevation_deg=None) for c in cells[:12]]).provenance.shots == 12


def test_the_elevation_is_that_of_the_axis(cells: list[Cells]) -> None:
    found = [c.elevation_deg for c in cells if c.elevation_deg is not None]
    assert len(found) == 30
    assert -50 <= min(found) < -40
    assert -10 < max(found) <= -2


def test_numbers_of_two_kinds_are_refused(cells: list[Cells]) -> None:
    with pytest.raises(CalibrationError, match="different kinds: 8 bits as delivered and linear"):
        estimated([*cells[:8], replace(cells[8], domain=DELIVERED)])


def test_sky_and_clipped_pixels_are_left_out(frames: list[Observation], cells: list[Cells]) -> None:
    """A frame over the horizon gives the cells below it; one that is clipped gives none."""
    share = [c.index.size / (GRID[0] * GRID[1]) for c in cells]
    assert min(share) < 0.6
    assert max(share) > 0.98
    from stereo3d.radiometry.cells import cells_of

    frame = frames[0]
    white = replace(frame, image=Image(np.full_like(frame.image.pixels, 4095), frame.image.valid))
    assert cells_of(white, SIZE).index.size == 0


def test_the_flattened_frame_is_even(field: FlatField, frames: list[Observation], flat: np.ndarray) -> None:
    frame = frames[0]
    even = replace(frame, image=Image((2000 * flat).astype(np.uint16), frame.image.valid))
    made = flattened(even, [field])
    before, after = (np.log(o.image.pixels.astype(float)).std() for o in (even, made))
    assert after < 0.12 * before
    assert made.image.pixels.dtype == np.uint16
    assert made.processing[-1].startswith("divided by the flat field of 30 frames")


def test_subframes_and_scales_take_their_own_part(field: FlatField, frames: list[Observation]) -> None:
    frame = frames[0]
    whole = field.transmission(frame)
    camera = frame.camera.crop(100, 60, 120, 90)
    pixels = frame.image.pixels[60:150, 100:220]
    part = replace(
        frame, camera=camera, subframe=(101, 61, 120, 90), image=Image(pixels, np.ones(pixels.shape, dtype=bool))
    )
    np.testing.assert_allclose(field.transmission(part), whole[60:150, 100:220], rtol=1e-6)
    half = replace(
        frame, camera=frame.camera.crop(0, 0, 160, 120), scale_factor=2,
        image=Image(frame.image.pixels[::2, ::2], np.ones((120, 160), dtype=bool)),
    )  # fmt: skip
    binned = whole.reshape(120, 2, 160, 2).mean(axis=(1, 3))
    np.testing.assert_allclose(field.transmission(half), binned, rtol=5e-3)


def test_beyond_its_reach_the_rim_goes_on(field: FlatField) -> None:
    near = replace(field, reach=0.5, pattern=None)
    x = np.array([field.centre_px[0] + 0.5 * field.half_diagonal_px, field.centre_px[0] + 9 * field.half_diagonal_px])
    inner, outer = near.at(x, np.full(2, field.centre_px[1]))
    assert inner == pytest.approx(outer)


def test_another_camera_is_left_alone_and_told(field: FlatField, frames: list[Observation]) -> None:
    other = replace(frames[0], instrument="NAVCAM_RIGHT")
    assert flattened(other, [field]) is other
    byte = replace(frames[0], image=Image((frames[0].image.pixels // 16).astype(np.uint8), frames[0].image.valid))
    assert flattened(byte, [field]) is byte  # numbers of another kind
    scene = Scene("s", (replace(frames[0], product_id="A"), replace(other, product_id="B")))
    made = calibrated(scene, [field])
    assert made.notes == ("B: no flat field of NAVCAM_RIGHT was given",)
    with pytest.raises(CalibrationError, match="the images are of NAVCAM_RIGHT"):
        calibrated(Scene("s", (other,)), [field])
    assert calibrated(scene, []) is scene


def test_the_file_holds_all_and_is_the_same_each_time(field: FlatField, tmp_path: Path) -> None:
    one, two = tmp_path / "one.json", tmp_path / "two.json"
    write_flat_field(field, one)
    write_flat_field(field, two)
    assert one.read_bytes() == two.read_bytes()
    (back,) = read_flat_fields([one])
    x, y = np.meshgrid(np.arange(0.0, 320, 7), np.arange(0.0, 240, 7))
    np.testing.assert_array_equal(back.at(x, y), field.at(x, y))
    assert back.provenance == field.provenance
    assert (back.sigma, back.pattern_sigma) == (field.sigma, field.pattern_sigma)
    assert len(back.provenance.products) == 30
    assert back.provenance.first_utc == "2030-01-01T00:00:00"
    two.unlink()
    assert len(read_flat_fields([tmp_path])) == 1
    with pytest.raises(CalibrationError, match="two flat fields of NAVCAM_LEFT"):
        read_flat_fields([one, one])


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("kind", "mast", "is no flat field"),
        ("format", 2, "is no flat field"),
        ("coefficients", [1, 2], "coefficients is '.1, 2.'; expected 5 numbers"),
        ("coefficients", [0, 0, 1e9, 0, 0], "coefficients is"),
        ("reach", float("nan"), "reach is 'nan'"),
        ("sensor_px", [10**400, 3], "sensor_px is"),
        ("domain", "gamma", "domain is 'gamma'"),
        ("pattern", [[0.0, 1.0], [0.0]], "the pattern is no grid"),
        ("pattern", [[0.0] * 600] * 2, "the pattern is no grid"),
        ("provenance", None, "tells no provenance"),
        ("mission", "a\x1b[0m", "mission is"),
    ],
)
def test_bad_files_are_one_line(field: FlatField, tmp_path: Path, key: str, value: object, message: str) -> None:
    path = tmp_path / "f.json"
    write_flat_field(field, path)
    path.write_text(json.dumps(json.loads(path.read_text()) | {key: value}))
    with pytest.raises(CalibrationError, match=message) as caught:
        read_flat_fields([path])
    assert str(path) in str(caught.value)
    assert str(caught.value).isprintable()


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        read_flat_fields([tmp_path / "none.json"])
    for name, data in (("a.json", b"{"), ("b.json", b"[1]"), ("c.json", b"\xff\xfe"), ("d.json", b"[" * 100_000)):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(CalibrationError):
            read_flat_fields([tmp_path / name])
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(CalibrationError, match="holds no flat field"):
        read_flat_fields([empty])
