"""Many frames of one stop of the rover: what becomes of copies, strays, mixtures, and several pairs."""

from collections.abc import Callable
from pathlib import Path

import PIL.Image
import pytest

from stereo3d.errors import (
    FrameMismatchError,
    ImageFileError,
    MissingFileError,
    PairError,
    RecordError,
    Stereo3dError,
)
from stereo3d.observation import Eye
from stereo3d.read import frames, read_frames, read_scene

Line = Callable[[Stereo3dError], str]


@pytest.fixture
def ring(make_raw: Callable) -> list:
    """Three shots of both eyes, written: left and right of each, by time."""
    return [make_raw(eye, sclk=clock).write() for clock in (700000000, 700000100, 700000200) for eye in "LR"]


def ids(scene) -> list[str]:
    return [o.product_id for o in scene.observations]


def test_a_folder_files_and_one_eye(ring: list) -> None:
    folder = ring[0].folder
    scene = read_frames([folder])
    assert ids(scene) == [raw.stem for raw in ring]
    assert (len(scene.pairs), scene.name, scene.notes) == (3, folder.name, ())
    lefts = read_frames([raw.path for raw in ring[::2]][::-1])
    assert [o.eye for o in lefts.observations] == [Eye.LEFT] * 3
    assert ids(lefts) == [raw.stem for raw in ring[::2]]
    assert ids(read_frames([ring[4].path, folder, ring[0].path])) == ids(scene)


def test_the_bundled_scene() -> None:
    scene = read_frames([])
    assert scene.simulated
    assert len(scene.pairs) >= 1
    assert scene.truth is None


def test_copies_and_strays_are_left_out_with_a_note(ring: list, make_raw: Callable) -> None:
    folder = ring[0].folder
    PIL.Image.open(ring[0].path).save(folder / f"{ring[0].stem}.jpg")
    PIL.Image.open(ring[1].path).resize((100, 75)).save(folder / f"{ring[1].stem}_800.jpg")
    PIL.Image.new("RGB", (200, 200), "red").save(folder / "screenshot.png")
    hazcam = make_raw("L", sclk=700000300)
    hazcam.stem = hazcam.stem.replace("NL", "FL")
    hazcam.set(imageid=hazcam.stem, instrument="FRONT_HAZCAM_LEFT_A").write()
    scene = read_frames([folder])
    assert ids(scene) == [raw.stem for raw in ring]
    assert all(Path(str(o.path)).suffix == ".png" for o in scene.observations)
    assert len(scene.notes) == 4
    for words in ("the same product as", "100 x 75 px", "screenshot.png", "FRONT_HAZCAM_LEFT_A"):
        assert sum(words in note for note in scene.notes) == 1


def test_of_two_products_of_a_frame_the_usual_one_is_used(ring: list, make_raw: Callable) -> None:
    other = make_raw("L")
    other.stem = other.stem.replace("ECM", "RAD")
    other.set(imageid=other.stem).write()
    scene = read_frames([ring[0].folder])
    assert ids(scene) == [raw.stem for raw in ring]
    assert any(other.path.name in note for note in scene.notes)
    # With one shot of each, neither is the usual one, and the calibrated product goes before the raw one.
    assert ids(read_frames([ring[0].path, other.path])) == [other.stem]


def test_of_two_scales_the_finer_is_used_when_it_is_complete(ring: list, make_raw: Callable) -> None:
    coarse = make_raw("L")
    coarse.stem = coarse.stem.replace("_01_1", "_01_2")
    coarse.set(imageid=coarse.stem, scaleFactor="4", subframeRect="(1,1,512,384)").write()
    assert ids(read_frames([ring[0].path, coarse.path])) == [coarse.stem]
    coarse.set(subframeRect="(1,1,256,192)").write_record()
    assert ids(read_frames([ring[0].path, coarse.path])) == [ring[0].stem]


@pytest.mark.parametrize(("change", "words"), [({"site": 6}, "site 6 drive 1234"), ({"drive": 1}, "site 5 drive 1:")])
def test_different_stops(ring: list, make_raw: Callable, change: dict, words: str, one_line: Line) -> None:
    other = make_raw("L", sclk=700000500, **change).write()
    with pytest.raises(FrameMismatchError, match="2 stops") as caught:
        read_frames([ring[0].folder])
    text = one_line(caught.value)
    assert words in text
    assert other.path.name in text
    assert ring[0].path.name in text
    assert "and 3 more" in text


def test_many_stops_are_one_line(make_raw: Callable, one_line: Line) -> None:
    for drive in range(100, 112):
        made = make_raw("L", sclk=700000000 + drive, drive=drive).write()
    with pytest.raises(FrameMismatchError, match="12 stops") as caught:
        read_frames([made.folder])
    assert "and 8 more" in one_line(caught.value)


def test_mixed_missions(ring: list, make_raw: Callable, one_line: Line) -> None:
    other = make_raw("L", sclk=700000500).set(mission="msl").write()
    with pytest.raises(FrameMismatchError, match=r"2 missions: Mars 2020: .*; MSL: ") as caught:
        read_frames([ring[0].folder])
    assert other.path.name in one_line(caught.value)


def test_a_frame_without_attitude_among_others(ring: list, one_line: Line) -> None:
    ring[3].set(attitude=None).write_record()
    with pytest.raises(RecordError, match="has no attitude") as caught:
        read_frames([ring[0].folder])
    assert ring[3].path.name in one_line(caught.value)
    for raw in ring:
        raw.set(attitude=None).write_record()
    assert len(read_frames([ring[0].folder]).observations) == 6


def test_a_named_frame_without_model_or_record(ring: list) -> None:
    ring[2].set(camera_model_component_list=None).write_record()
    with pytest.raises(RecordError, match="no camera model"):
        read_frames([raw.path for raw in ring])
    scene = read_frames([ring[0].folder])
    assert ring[2].stem not in ids(scene)
    assert any("no camera model" in note for note in scene.notes)


def test_nothing_readable(tmp_path: Path, ring: list) -> None:
    for raw in ring:
        raw.json.unlink()
    with pytest.raises(RecordError, match="no record with its camera model"):
        read_frames([tmp_path])
    (tmp_path / "empty").mkdir()
    with pytest.raises(MissingFileError, match="holds no images"):
        read_frames([tmp_path / "empty"])
    with pytest.raises(MissingFileError, match="no such file or folder"):
        read_frames([tmp_path / "nope"])


def test_too_many_frames(ring: list, monkeypatch: pytest.MonkeyPatch, one_line: Line) -> None:
    monkeypatch.setattr(frames, "MAX_FRAMES", 4)
    for inputs in ([ring[0].folder], [raw.path for raw in ring]):
        with pytest.raises(ImageFileError, match="more than 4 frames") as caught:
            read_frames(inputs)
        one_line(caught.value)
    monkeypatch.setattr(frames, "MAX_FRAMES", 6)
    monkeypatch.setattr(frames, "MAX_MEGAPIXELS", 0.05)
    with pytest.raises(ImageFileError, match="million pixels in all"):
        read_frames([ring[0].folder])


def test_a_pair_is_chosen_by_number_or_product(ring: list) -> None:
    folder = ring[0].folder
    with pytest.raises(PairError, match=r"holds 3 pairs.*--pair"):
        read_scene([folder])
    assert read_scene([folder], pair=2).pairs[0].left.product_id == ring[2].stem
    assert read_scene([folder], pair="3").pairs[0].left.product_id == ring[4].stem
    assert read_scene([folder], pair=ring[5].stem).pairs[0].right.product_id == ring[5].stem
    assert read_scene([folder], pair=ring[1].stem).pairs[0].left.product_id == ring[0].stem
    assert len(read_scene([folder], pair=1).observations) == 2


@pytest.mark.parametrize("pair", [0, 4, "-1", "x", "", "9" * 50, "²"])
def test_a_pair_that_is_not_there(ring: list, pair: object, one_line: Line) -> None:
    with pytest.raises(PairError, match="there is no pair") as caught:
        read_scene([ring[0].folder], pair=pair)
    assert "from 1 to 3" in one_line(caught.value)
    with pytest.raises(PairError, match="there is no pair"):
        read_scene([ring[0].path, ring[1].path], pair=pair)


def test_a_described_scene_gives_its_first_pair_and_its_truth(ring: list) -> None:
    folder = ring[0].folder
    (folder / "truth.tif").write_bytes(b"II*\0")
    order = [ring[2], ring[3], ring[0], ring[1], ring[4], ring[5]]
    names = ", ".join(f'"{raw.path.name}"' for raw in order)
    (folder / "scene.toml").write_text(f'format = 1\nname = "six"\nimages = [{names}]\ntruth = "truth.tif"\n')
    first = read_scene([folder])
    assert (first.name, first.truth) == ("six", folder / "truth.tif")
    assert first.pairs[0].left.product_id == ring[2].stem
    second = read_scene([folder], pair=2)
    assert (second.name, second.truth) == ("six-2", None)
    assert second.pairs[0].left.product_id == ring[0].stem
    assert read_scene([folder], pair=ring[2].stem).truth == folder / "truth.tif"
    everything = read_frames([folder])
    assert (everything.name, everything.truth, len(everything.pairs)) == ("six", None, 3)
