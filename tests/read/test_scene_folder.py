"""scene.toml: the bundled format, and what a hostile one may not do."""

from collections.abc import Callable
from pathlib import Path

import pytest

from stereo3d.errors import MissingFileError, RecordError, Stereo3dError
from stereo3d.read import bundled_scene, read_scene, scene_folder
from stereo3d.read.scene_folder import image_files, read_scene_file


@pytest.fixture
def folder(pair: tuple) -> Path:
    left, right = pair
    (left.folder / "truth.tif").write_bytes(b"II*\0")
    write(left.folder, f'images = ["{left.path.name}", "{right.path.name}"]\ntruth = "truth.tif"')
    return left.folder


def write(folder: Path, more: str, form: str = "1") -> None:
    head = f'format = {form}\nname = "a-scene"\ntitle = "A scene"\ncredit = "the author"\n'
    (folder / "scene.toml").write_text(head + more)


def test_all_fields(folder: Path, pair: tuple) -> None:
    described = read_scene_file(folder)
    assert described is not None
    assert (described.name, described.title, described.credit) == ("a-scene", "A scene", "the author")
    assert described.images == (pair[0].path, pair[1].path)
    assert (described.truth, described.simulated, described.sky) == (folder / "truth.tif", False, True)


def test_scene_from_the_file(folder: Path, pair: tuple, make_raw: Callable) -> None:
    # A second pair in the folder, which scene.toml does not name, is no part of the scene.
    make_raw("L", sclk=700009000).write()
    make_raw("R", sclk=700009000).write()
    write(folder, f'simulated = true\nimages = ["{pair[1].path.name}", "{pair[0].path.name}"]\ntruth = "truth.tif"')
    scene = read_scene([folder])
    assert (scene.name, scene.simulated, scene.truth) == ("a-scene", True, folder / "truth.tif")
    assert len(scene.pairs) == 1
    assert scene.pairs[0].left.product_id == pair[0].stem


def test_a_scene_may_say_that_it_has_no_sky(folder: Path, pair: tuple) -> None:
    assert read_scene([folder]).sky
    write(folder, f'sky = false\nimages = ["{pair[0].path.name}", "{pair[1].path.name}"]')
    assert not read_scene([folder]).sky


def test_no_scene_file(tmp_path: Path) -> None:
    assert read_scene_file(tmp_path) is None


@pytest.mark.parametrize(
    "name",
    [
        "/etc/hostname",
        "../outside.png",
        "sub/../../outside.png",
        "sub/../own.png",
        "C:\\\\x.png",
        "..\\\\x.png",
        "C:x.png",
        "link.png",
    ],
)
@pytest.mark.parametrize("key", ["images", "truth"])
def test_no_path_leads_out(tmp_path: Path, name: str, key: str, one_line: Callable[[Stereo3dError], str]) -> None:
    outside, inside = tmp_path / "outside.png", tmp_path / "scene"
    outside.write_bytes(b"secret")
    (inside / "sub").mkdir(parents=True)
    (inside / "own.png").write_bytes(b"")
    (inside / "link.png").symlink_to(outside)
    write(inside, f'images = ["{name}"]' if key == "images" else f'images = ["own.png"]\ntruth = "{name}"')
    with pytest.raises(RecordError, match="outside the scene's folder") as caught:
        read_scene([inside])
    assert "scene.toml" in one_line(caught.value)


def test_a_plain_folder_does_not_follow_links_out(pair: tuple, tmp_path: Path) -> None:
    inside = tmp_path / "scene"
    inside.mkdir()
    (inside / "out.png").symlink_to(pair[0].path)
    (inside / "own.png").write_bytes(pair[0].path.read_bytes())
    (inside / "in.png").symlink_to(inside / "own.png")
    (inside / "folder.png").mkdir()
    assert [path.name for path in image_files(inside)] == ["in.png", "own.png"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("format = 2", "has format 2; expected format = 1"),
        ("", "has format None"),
        ("format = 1", "names no images"),
        ("format = 1\nimages = []", "names no images"),
        ('format = 1\nimages = "a.png"', "names no images"),
        ("format = 1\nimages = [3]", "something else than a name"),
        ('format = 1\nimages = [""]', "something else than a name"),
        ('format = 1\nimages = ["a\\u001b.png"]', "something else than a name"),
        ('format = 1\nsimulated = "yes"\nimages = ["a.png"]', "simulated is not a truth value"),
        ('format = 1\nsky = 0\nimages = ["a.png"]', "sky is not a truth value"),
        ('format = 1\nname = 3\nimages = ["a.png"]', "name is not a line of text"),
        ('format = 1\ntitle = "a\\nb"\nimages = ["a.png"]', "title is not a line of text"),
        ("format = [", "is not TOML"),
        ("x = " + "[" * 5000, "is nested too deeply"),
        ("#" * 70_000, "more than 64 kB"),
    ],
)
def test_bad_scene_files(tmp_path: Path, content: str, says: str, one_line: Callable[[Stereo3dError], str]) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "scene.toml").write_text(content)
    with pytest.raises(RecordError) as caught:
        read_scene([tmp_path])
    assert says in one_line(caught.value)


def test_a_name_that_leads_nowhere(tmp_path: Path) -> None:
    write(tmp_path, 'images = ["a.png"]')
    with pytest.raises(MissingFileError, match=r"although scene\.toml names it"):
        read_scene([tmp_path])


def test_too_many_entries(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for count in range(4):
        (tmp_path / f"{count}.png").write_bytes(b"")
    monkeypatch.setattr(scene_folder, "_MAX_ENTRIES", 4)
    assert len(image_files(tmp_path)) == 4
    monkeypatch.setattr(scene_folder, "_MAX_ENTRIES", 3)
    with pytest.raises(Stereo3dError, match="more than 3 entries"):
        image_files(tmp_path)


def test_bundled_scene_in_package_then_in_clone(
    tmp_path: Path, pair: tuple, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "top" / "stereo3d"
    monkeypatch.setattr(scene_folder, "_PACKAGE", package)
    with pytest.raises(MissingFileError, match="jezero-floor-simulated is not installed"):
        read_scene([])
    for place in (package.parent / "scenes", package / "_scenes"):
        inside = place / "jezero-floor-simulated"
        inside.mkdir(parents=True)
        for file in folder.iterdir():
            if file.is_file():
                (inside / file.name).write_bytes(file.read_bytes())
        assert bundled_scene() == inside
        assert read_scene([]).truth == inside / "truth.tif"


def test_the_bundled_scene_is_here_and_says_that_it_is_simulated() -> None:
    scene = read_scene([])
    assert scene.simulated
    assert scene.truth is not None
    assert scene.truth.is_file()
    assert all(o.mission == "simulated" for o in scene.observations)
    assert len(scene.pairs) == 1
