"""From a site and drive to the files that a reader takes."""

from __future__ import annotations

import pytest

from stereo3d.catalog.database import reading
from stereo3d.catalog.find import find_scene
from stereo3d.catalog.place import catalogue_of
from stereo3d.catalog.query import Wish
from stereo3d.errors import MissingFileError, PairError, Stereo3dError
from stereo3d.read import read_frames, read_pairs, read_scene


@pytest.fixture
def find(mars, indexed):
    """Bring the index up to date, and find in it."""

    def find(pair=None, paired=True, **wish):
        catalogue, _ = indexed(mars)
        return find_scene([catalogue], Wish(**wish), pair, paired)

    return find


def names(taken):
    return sorted(path.name for path in taken.inputs)


def test_the_pairs_of_one_stop_out_of_a_flat_folder(mars, make_pair, make, find):
    wanted = [make_pair(drive=100, sclk=700000000 + 100 * n) for n in range(3)]
    make_pair(drive=200, sclk=700100000)
    make("L", drive=100, sclk=700000500)
    taken = find(site=5, drive=100)
    assert names(taken) == sorted(image.path.name for pair in wanted for image in pair)
    assert taken.pair is None
    assert taken.about == f"Mars 2020 site 5 drive 100, sol 400: 3 pairs of navcam in {mars}"
    assert len(read_pairs(taken.inputs).pairs) == 3
    frames = find(site=5, drive=100, paired=False)
    assert len(frames.inputs) == 7
    assert len(read_frames(frames.inputs).observations) == 7


def test_a_pair_over_two_folders(mars, make, find):
    left, right = make("L", folder=mars / "a"), make("R", folder=mars / "b")
    taken = find(drive=1234)
    assert set(taken.inputs) == {left.path, right.path}
    assert taken.about.endswith(f"1 pair of navcam in {mars}")
    assert len(read_pairs(taken.inputs).pairs) == 1


def test_images_of_a_scene_folder_are_that_folder_unless_only_some_are_asked_for(mars, make_pair, find):
    folder = mars / "scene"
    images = [*make_pair(folder=folder), *make_pair(folder=folder, sclk=700001000, sol=401)]
    listed = ", ".join(f'"{image.path.name}"' for image in reversed(images))
    (folder / "scene.toml").write_text(f'format = 1\nname = "here"\nimages = [{listed}]\n')
    taken = find(site=5, sols=(400, 401), pair="1")
    assert (taken.inputs, taken.pair) == ((folder,), "1")
    assert read_scene(taken.inputs, pair=taken.pair).pairs[0].left.sol == 401  # in the order of scene.toml
    assert names(find(site=5, sols=(400, 400))) == sorted(image.path.name for image in images[:2])


@pytest.mark.parametrize("pair", ["2", "NRF_0400_0700001000_123ECM_N0051234NCAM00400_01_195J"])
def test_one_pair_of_several(mars, make_pair, find, pair):
    make_pair(sclk=700000000)
    second = make_pair(sclk=700001000)
    make_pair(sclk=700002000)
    taken = find(pair=pair, site=5)
    assert (names(taken), taken.pair) == (sorted(image.path.name for image in second), None)


@pytest.mark.parametrize("pair", ["0", "4", "x", "9" * 400])
def test_a_pair_that_is_not_there_is_one_line(mars, make_pair, find, pair):
    make_pair()
    with pytest.raises(PairError, match="there is no pair"):
        find(pair=pair, site=5)


def test_several_sols_are_named_and_one_or_all_may_be_taken(mars, make_pair, find):
    make_pair(sol=400)
    make_pair(sol=402, sclk=700200000)
    make_pair(sol=402, sclk=700201000)
    with pytest.raises(PairError) as error:
        find(site=5, drive=1234)
    text = str(error.value)
    assert "2 sols: 400 (1 pair), 402 (2 pairs)" in text
    assert "--sol 400, or take all with --sol 400-402" in text
    assert len(find(site=5, sols=(402, 402)).inputs) == 4
    assert len(find(site=5, sols=(400, 402)).inputs) == 6


def test_several_stops_are_named(mars, make_pair, find):
    for number in range(6):
        make_pair(drive=100 + number, sclk=700000000 + 1000 * number)
    with pytest.raises(PairError) as error:
        find(site=5)
    assert "there are 6 stops with such pairs: Mars 2020 site 5 drive 100 (sol 400, navcam), " in str(error.value)
    assert "and 2 more; expected one; choose with --mission, --site, --drive or --sol" in str(error.value)


def test_of_several_cameras_the_navcam_is_taken_or_the_one_asked_for(mars, make_pair, find):
    navcam = make_pair()
    for clock in (700001000, 700002000):
        for image, eye in zip(make_pair(sclk=clock), ("LEFT", "RIGHT"), strict=True):
            image.set(instrument=f"REAR_HAZCAM_{eye}").write_record()
    taken = find(site=5)
    assert names(taken) == sorted(image.path.name for image in navcam)
    assert taken.about.endswith("; there are also frames of rear-hazcam: --camera")
    assert len(find(site=5, camera="rear-hazcam").inputs) == 4


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        ({"site": 5, "drive": 7}, "no such pair; it has Mars 2020 site 5 drive 1234 (sol 400, navcam)"),
        ({"site": 5, "drive": 1234, "sols": (9, 9)}, "no such pair; it has Mars 2020 site 5 drive 1234"),
        ({"mission": "msl"}, "no such pair; it has Mars 2020 site 5 drive 1234"),
    ],
)
def test_nothing_there_is_one_line_that_says_what_is(mars, make_pair, find, wish, words):
    make_pair()
    with pytest.raises(PairError) as error:
        find(**wish)
    assert words in str(error.value)
    assert f"stereo3d catalog {mars}" in str(error.value)


def test_no_pair_at_all_is_one_line(mars, make, find):
    make("L")
    with pytest.raises(PairError, match="the catalogue has no pair"):
        find(site=5)
    assert len(find(site=5, paired=False).inputs) == 1


def test_what_is_gone_or_became_a_link_is_one_line(tmp_path, mars, make_pair, find):
    left, right = make_pair()
    catalogue = catalogue_of(mars)
    find(site=5)
    outside = tmp_path / left.path.name
    left.path.rename(outside)
    for _ in range(2):
        with pytest.raises(MissingFileError, match="not there any more"):
            find_scene([catalogue], Wish(site=5))
        if not left.path.is_symlink():
            left.path.symlink_to(outside)
    assert right.path.exists()


def test_the_first_catalogue_that_has_it_is_taken(tmp_path, mars, make_pair, indexed):
    make_pair(folder=mars)
    other = tmp_path / "other"
    make_pair(folder=other, drive=77)
    catalogues = [indexed(mars)[0], indexed(other)[0]]
    assert find_scene(catalogues, Wish(drive=77)).inputs[0].parent == other
    with pytest.raises(Stereo3dError):
        find_scene(catalogues[:1], Wish(drive=77))
    with reading(catalogues[0].database, mars):
        assert find_scene(catalogues, Wish(drive=1234)).inputs[0].parent == mars
