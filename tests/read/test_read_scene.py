"""From what the user names to exactly one pair, or one clear line."""

from collections.abc import Callable
from pathlib import Path

import PIL.Image
import pytest

from stereo3d.errors import FrameMismatchError, MissingFileError, PairError, RecordError, Stereo3dError
from stereo3d.observation import Eye
from stereo3d.read import count_pairs, find_partner, read_pairs, read_scene, reader_for

Line = Callable[[Stereo3dError], str]


def test_order_does_not_matter(pair: tuple) -> None:
    left, right = pair
    for inputs in ([left.path, right.path], [right.path, left.path], [left.path], [right.path], [left.folder]):
        scene = read_scene(inputs)
        assert len(scene.pairs) == 1
        only = scene.pairs[0]
        assert (only.left.product_id, only.right.product_id) == (left.stem, right.stem)
        assert (only.left.eye, only.right.eye) == (Eye.LEFT, Eye.RIGHT)


def test_names_of_scenes(pair: tuple) -> None:
    left, right = pair
    assert read_scene([left.path, right.path]).name == left.stem
    assert read_scene([left.folder]).name == left.folder.name


def test_simulated_is_told_by_the_records(make_raw: Callable) -> None:
    left, right = (make_raw(eye).set(mission="simulated").write() for eye in "LR")
    scene = read_scene([left.path, right.path])
    assert scene.simulated
    assert scene.observations[0].mission == "simulated"


def test_partner_by_record_when_names_say_nothing(pair: tuple) -> None:
    left, right = pair
    for raw, name in ((left, "one"), (right, "two")):
        raw.path.rename(raw.folder / f"{name}.png")
        raw.json.rename(raw.folder / f"{name}.json")
    assert read_scene([left.folder / "two.png"]).pairs[0].left.path == str(left.folder / "one.png")


def test_partner_prefers_the_same_processing(pair: tuple, make_raw: Callable) -> None:
    left, right = pair
    other = make_raw("R")
    other.stem = other.stem.replace("ECM", "EBY")
    other.set(imageid=other.stem).write()
    header = reader_for(left.path).header(left.path)
    found = find_partner(header)
    assert found is not None
    assert found.path == right.path
    right.path.unlink()
    found = find_partner(header)
    assert found is not None
    assert found.path == other.path


def test_no_partner(pair: tuple, one_line: Line) -> None:
    left, right = pair
    right.path.unlink()
    with pytest.raises(PairError) as caught:
        read_scene([left.path])
    assert "no right-eye image of its shot lies beside it" in one_line(caught.value)
    assert str(left.path) in str(caught.value)


def test_an_image_of_no_stereo_camera(make_raw: Callable) -> None:
    raw = make_raw("L")
    raw.stem = "cachecam"
    raw.set(imageid="cachecam", instrument="CACHECAM").write()
    with pytest.raises(PairError, match="not one eye of a stereo camera"):
        read_scene([raw.path])


def test_left_and_left(pair: tuple, make_raw: Callable, one_line: Line) -> None:
    left = pair[0]
    later = make_raw("L", sclk=700000500).write()
    with pytest.raises(PairError, match="left and left") as caught:
        read_scene([left.path, later.path])
    text = one_line(caught.value)
    assert str(left.path) in text
    assert str(later.path) in text


def test_the_same_image_twice(pair: tuple) -> None:
    with pytest.raises(PairError, match="both images are"):
        read_scene([pair[0].path, pair[0].path])


def test_different_shots(pair: tuple, make_raw: Callable, one_line: Line) -> None:
    later = make_raw("R", sclk=700000002).write()
    with pytest.raises(PairError, match="different shots") as caught:
        read_scene([pair[0].path, later.path])
    assert str(later.path) in one_line(caught.value)


@pytest.mark.parametrize("change", [{"site": 6}, {"drive": 1240}])
def test_different_places(pair: tuple, make_raw: Callable, change: dict, one_line: Line) -> None:
    other = make_raw("R", **change).write()
    with pytest.raises(PairError, match="different places") as caught:
        read_scene([pair[0].path, other.path])
    assert str(other.path) in one_line(caught.value)


def test_different_subframes(pair: tuple) -> None:
    left, right = pair
    right.set(subframeRect="(129,1,256,192)").write_record()
    with pytest.raises(PairError, match="subframes"):
        read_scene([left.path, right.path])


def test_different_cameras(pair: tuple) -> None:
    left, right = pair
    right.set(instrument="FRONT_HAZCAM_RIGHT_A").write_record()
    with pytest.raises(PairError, match="different cameras: NAVCAM_LEFT and FRONT_HAZCAM_RIGHT_A"):
        read_scene([left.path, right.path])
    with pytest.raises(PairError, match="no right-eye image"):
        read_scene([left.path])


def test_too_many_inputs(pair: tuple) -> None:
    left, right = pair
    for inputs in ([left.path, right.path, left.path], [left.folder, left.folder], [left.folder, left.path]):
        with pytest.raises(PairError, match=f"{len(inputs)} inputs were given"):
            read_scene(inputs)


@pytest.mark.parametrize("name", ["nope.png", "nope", "x" * 300 + ".png", "a\0b.png"])
def test_no_such_file(pair: tuple, name: str) -> None:
    with pytest.raises(MissingFileError) as caught:
        read_scene([pair[0].path, pair[0].folder / name])
    assert "no such file" in str(caught.value)
    assert str(caught.value).isprintable()


def test_folder_with_several_pairs(pair: tuple, make_raw: Callable) -> None:
    for clock in range(700001000, 700005000, 1000):
        make_raw("L", sclk=clock).write()
        make_raw("R", sclk=clock).write()
    with pytest.raises(PairError) as caught:
        read_scene([pair[0].folder])
    text = str(caught.value)
    assert "holds 5 pairs" in text
    assert f"{pair[0].path.name} + {pair[1].path.name}" in text
    assert "and 2 more" in text
    assert text.count(".png") == 6


def test_folder_with_left_images_only(pair: tuple, make_raw: Callable) -> None:
    pair[1].path.unlink()
    make_raw("L", sclk=700000900).write()
    with pytest.raises(PairError, match="2 left and 0 right images"):
        read_scene([pair[0].folder])


@pytest.mark.parametrize("change", [{"sclk": "700000500.0"}, {"subframeRect": "(129,1,256,192)"}])
def test_folder_without_two_images_of_one_shot(pair: tuple, change: dict) -> None:
    pair[1].set(**change).write_record()
    with pytest.raises(PairError, match="1 left and 1 right images, no two of them of one shot"):
        read_scene([pair[0].folder])


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(PairError, match="holds no images"):
        read_scene([tmp_path])


def test_folder_passes_over_what_is_no_part_of_the_pair(pair: tuple) -> None:
    """A picture without a record, a reduced copy, a second format, a stray file: the pair is still the pair."""
    left, right = pair
    PIL.Image.open(left.path).resize((100, 75)).save(left.folder / f"{left.stem}_800.jpg")
    PIL.Image.open(left.path).save(left.folder / f"{left.stem}.jpg")
    PIL.Image.new("RGB", (200, 200), "red").save(left.folder / "screenshot.png")
    (left.folder / "notes.txt").write_text("notes")
    only = read_scene([left.folder]).pairs[0]
    assert (only.left.path, only.right.path) == (str(left.path), str(right.path))


def test_folder_of_images_without_records(pair: tuple) -> None:
    for raw in pair:
        raw.json.unlink()
    with pytest.raises(RecordError, match="no record with its camera model"):
        read_scene([pair[0].folder])


def test_real_folder_with_many_pairs(data: Path) -> None:
    with pytest.raises(PairError, match="holds 8 pairs"):
        read_scene([data / "perseverance"])


def test_real_images_of_different_sites(data: Path) -> None:
    left = next((data / "perseverance").glob("NLF_0755*.png"))
    right = next((data / "perseverance").glob("NRF_0718*.png"))
    with pytest.raises(PairError, match="site 37 drive 2562, Mars 2020 site 34 drive 2098"):
        read_scene([left, right])


def test_real_tiles_of_one_frame_do_not_pair(data: Path) -> None:
    left = next((data / "perseverance").glob("NLF_1110*_01_195J.png"))
    right = next((data / "perseverance").glob("NRF_1110*_04_195J.png"))
    with pytest.raises(PairError, match="subframes"):
        read_scene([left, right])


def test_real_curiosity_jpegs_without_records(data: Path) -> None:
    with pytest.raises(RecordError, match="no record with its camera model"):
        read_scene(sorted((data / "curiosity").glob("*.jpeg")))


def test_a_folder_with_several_pairs_is_a_set(pair: tuple, make_raw: Callable) -> None:
    left, _ = pair
    for eye in "LR":
        make_raw(eye, sclk=700000100).write()
    whole = read_pairs([left.folder])
    assert len(whole.pairs) == 2
    assert count_pairs(left.folder) == 2
    second = read_pairs([left.folder], pair=2)
    assert [p.name for p in second.pairs] == [whole.pairs[1].name]
    images = sorted(left.folder.glob("*.png"))
    assert len(read_pairs(images).pairs) == 2
    assert len(read_pairs(images[:1]).pairs) == 1


def test_one_pair_is_read_as_one_pair(pair: tuple) -> None:
    left, _ = pair
    for inputs in ([left.path], [left.folder]):
        one, other = read_pairs(inputs), read_scene(inputs)
        assert (one.name, [o.product_id for o in one.observations]) == (
            other.name,
            [o.product_id for o in other.observations],
        )
    bundled = read_pairs([])
    assert len(bundled.pairs) == 1
    assert bundled.truth is not None
    assert len(read_pairs([], whole=True).pairs) == 6


def test_a_set_of_two_stops_is_refused(pair: tuple, make_raw: Callable, one_line: Line) -> None:
    left, _ = pair
    for eye in "LR":
        make_raw(eye, sclk=700000100, drive=1300).write()
    with pytest.raises(FrameMismatchError) as raised:
        read_pairs([left.folder])
    assert "site 5 drive 1234" in one_line(raised.value)
    assert "site 5 drive 1300" in one_line(raised.value)


def test_a_set_without_a_pair_is_refused(make_raw: Callable, one_line: Line) -> None:
    paths = [make_raw("L", sclk=700000000 + 100 * k).write().path for k in range(3)]
    with pytest.raises(PairError) as raised:
        read_pairs(paths)
    assert "the 3 frames hold no pair" in one_line(raised.value)
