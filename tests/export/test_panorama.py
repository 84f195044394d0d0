"""The files of a panorama: picture, mask, JSON, photosphere metadata; all or nothing."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Pil

from stereo3d.errors import MissingFileError, OutputError, RecordError
from stereo3d.export.panorama import panorama_files, read_panorama, write_panorama
from stereo3d.export.photosphere import photosphere
from stereo3d.frames import Frame
from stereo3d.panorama.eye_path import EyePath
from stereo3d.panorama.projection import Cylindrical, Equirectangular, Perspective, Polar, Projection, Vertical
from stereo3d.pipeline.panorama import Panorama

FRAME = Frame.local_level(1, 2)
PATH = EyePath(np.array([0.8, 0.5, -2.0]), 0.13, -0.21)
SPHERE = Equirectangular(FRAME, 720, 200, PATH, 10.0, 2.0, 59.5)


def panorama(projection: Projection = SPHERE, dtype: type = np.uint8, colour: bool = True) -> Panorama:
    rng = np.random.default_rng(2)
    top = 255 if dtype is np.uint8 else 4095
    size = (projection.height, projection.width, 3) if colour else (projection.height, projection.width)
    pixels = rng.integers(1, top, size).astype(dtype)
    seen = np.ones(pixels.shape[:2], dtype=bool)
    seen[:20], seen[:, :30] = False, False
    pixels[~seen] = 0
    report = {"name": "made up", "frames": [], "seconds": {"mosaicking": 1.25}, "seam": float("nan"), "notes": []}
    return Panorama("made up", pixels, seen, projection, None, report)


def packet_of(path: Path) -> dict[str, str]:
    """The GPano properties in a picture's XMP, read by Pillow or tifffile."""
    if path.suffix == ".tif":
        with tifffile.TiffFile(path) as file:
            text = bytes(file.pages[0].tags[700].value).decode()
    else:
        with Pil.open(path) as image:
            found = image.info["XML:com.adobe.xmp" if path.suffix == ".png" else "xmp"]
            text = found if isinstance(found, str) else found.decode()
    return dict(re.findall(r'GPano:(\w+)="([^"]*)"', text))


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
@pytest.mark.parametrize("colour", [True, False])
def test_pictures_come_back(suffix: str, colour: bool, tmp_path: Path) -> None:
    made = panorama(colour=colour)
    path = tmp_path / f"pano{suffix}"
    assert write_panorama(made, path) == [path, tmp_path / "pano.json"]
    assert {p.name for p in tmp_path.iterdir()} == {"pano.json", path.name}
    back = tifffile.imread(path) if suffix == ".tif" else np.asarray(Pil.open(path))
    if suffix == ".jpg":
        assert back.shape == made.pixels.shape
        assert np.abs(back[:16].astype(int)).max() < 12  # black where unseen, but for the coding
        return
    planes = back.reshape(*made.seen.shape, -1)
    np.testing.assert_array_equal(planes[..., -1] == 255, made.seen)
    np.testing.assert_array_equal(planes[..., :-1].reshape(made.pixels.shape), made.pixels)


def test_sixteen_bits_are_kept_in_tiff_and_stretched_elsewhere(tmp_path: Path) -> None:
    made = panorama(dtype=np.uint16, colour=False)
    write_panorama(made, tmp_path / "a.tif")
    write_panorama(made, tmp_path / "b.png")
    kept = tifffile.imread(tmp_path / "a.tif")
    assert kept.dtype == np.uint16
    np.testing.assert_array_equal(kept[..., 0], made.pixels)
    stretched = np.asarray(Pil.open(tmp_path / "b.png"))
    assert (stretched[..., 0].min(), stretched[..., 0].max()) == (0, 255)
    low, high = json.loads((tmp_path / "b.json").read_text())["stretch_dn"]
    expected = np.clip((made.pixels[made.seen] - low) * 255.0 / (high - low), 1, 255)
    assert np.abs(stretched[made.seen][:, 0] - expected).max() <= 0.51


def test_large_tiffs_are_tiled(tmp_path: Path) -> None:
    write_panorama(panorama(replace(SPHERE, width=700)), tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        page = file.pages[0]
        assert page.is_tiled
        assert (page.tilewidth, page.tilelength) == (512, 512)
        assert page.compression != 1
        assert page.extrasamples == (2,)  # unassociated alpha


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg"])
def test_photosphere_metadata_are_read_back(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"sphere{suffix}"
    write_panorama(panorama(), path)
    found = packet_of(path)
    assert found["ProjectionType"] == "equirectangular"
    assert (found["FullPanoWidthPixels"], found["FullPanoHeightPixels"]) == ("720", "360")
    assert (found["CroppedAreaImageWidthPixels"], found["CroppedAreaImageHeightPixels"]) == ("720", "200")
    assert (found["CroppedAreaLeftPixels"], found["CroppedAreaTopPixels"]) == ("0", "120")
    assert float(found["PoseHeadingDegrees"]) == 190.0


def test_a_viewer_of_the_photosphere_finds_the_right_directions() -> None:
    """GPano: column of the full sphere (x + left) is at heading - 180 + 360 (x + left) / full width."""
    part = replace(SPHERE, width=300)
    values = photosphere(part)
    assert values is not None
    pixel = np.array([120.0, 40.0])
    direction = part.rays(pixel)[1]
    azimuth = float(values["PoseHeadingDegrees"]) - 180.0 + 360.0 * 120.5 / values["FullPanoWidthPixels"]
    elevation = 90.0 - 180.0 * (40.5 + values["CroppedAreaTopPixels"]) / values["FullPanoHeightPixels"]
    assert np.degrees(np.arctan2(direction[1], direction[0])) == pytest.approx(azimuth, abs=1e-6)
    assert -np.degrees(np.arcsin(direction[2])) == pytest.approx(elevation, abs=1e-6)
    assert photosphere(Cylindrical(FRAME, 720, 200, PATH, 10.0, 2.0, 59.5)) is None


def test_the_json_gives_the_mapping_back(tmp_path: Path) -> None:
    made = replace(panorama(), right_projection=replace(SPHERE, path=replace(PATH, right_m=0.21)))
    write_panorama(made, tmp_path / "pano.png", mask=tmp_path / "mask.png")
    for name in ("pano.json", "pano.png"):
        file = read_panorama(tmp_path / name)
        assert file.picture == "pano.png"
        pixels = np.random.default_rng(0).uniform(0, 150, (50, 2))
        for told, back in ((made.projection, file.projection), (made.right_projection, file.right_projection)):
            assert back is not None
            for a, b in zip(told.rays(pixels), back.rays(pixels), strict=True):
                np.testing.assert_array_equal(a, b)
    report = file.report
    assert report["seam"] is None  # JSON has no NaN
    assert report["seconds"]["mosaicking"] == 1.25
    assert report["seconds"]["writing"] > 0
    assert report["mask"] == "mask.png"
    np.testing.assert_array_equal(np.asarray(Pil.open(tmp_path / "mask.png")) == 255, made.seen)


@pytest.mark.parametrize(
    "projection",
    [
        SPHERE,
        Cylindrical(FRAME, 720, 260, PATH, 10.0, 2.0, 59.5),
        Polar(FRAME, 400, 400, PATH, 2.0),
        Perspective(FRAME, 400, 300, PATH, 30.0, -10.0, 350.0),
        Vertical(FRAME, 400, 400, PATH, 0.05, 0.0, 0.0),
    ],
    ids=lambda p: p.kind,
)
def test_the_grid_is_drawn_and_the_rest_stays(projection: Projection, tmp_path: Path) -> None:
    made = panorama(projection, colour=False)
    flat = replace(made, pixels=np.where(made.seen, 100, 0).astype(np.uint8))
    write_panorama(flat, tmp_path / "grid.png", grid=True)
    picture = np.asarray(Pil.open(tmp_path / "grid.png"))
    changed = (picture[..., :3] != flat.pixels[..., None]).any(axis=2)
    assert 0.005 < changed.mean() < 0.25
    assert (picture[changed][:, 3] == 255).all()
    assert picture.max() == 255  # labels
    if isinstance(projection, Equirectangular):
        horizon = changed[59:61].mean(axis=1)
        assert horizon.max() > 0.9


def test_nothing_is_left_where_it_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="suffix"):
        write_panorama(panorama(), tmp_path / "pano.gif")
    with pytest.raises(OutputError, match="suffix"):
        write_panorama(panorama(), tmp_path / "pano.png", mask=tmp_path / "mask.jpg")
    with pytest.raises(OutputError, match="replace the picture"):
        write_panorama(panorama(), tmp_path / "pano.png", mask=tmp_path / "pano.png")

    def interrupted() -> None:
        with panorama_files(tmp_path / "pano.png", tmp_path / "m.png") as writer:
            writer.write(panorama())
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_panorama_is_a_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "pano.json"
    with pytest.raises(MissingFileError):
        read_panorama(path)
    for text, why in (
        ("{", "no JSON"),
        ("[1]", "does not describe"),
        ("[" * 100_000, "no JSON"),
        ('{"format": "stereo3d panorama 1"}', "picture"),
        ('{"format": "stereo3d panorama 1", "picture": "../../etc/x.png"}', "picture"),
        ('{"format": "stereo3d panorama 1", "picture": ".."}', "picture"),
        ('{"format": "stereo3d panorama 1", "picture": ""}', "picture"),
        ('{"format": "stereo3d panorama 1", "picture": "a\\u001b[31m.png"}', "picture"),
        ('{"format": "stereo3d panorama 1", "picture": "x.png"}', r"pano\.json: this .* projection"),
    ):
        path.write_text(text)
        with pytest.raises(RecordError, match=why):
            read_panorama(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(RecordError, match="not a regular file"):
        read_panorama(path)
