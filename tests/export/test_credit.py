"""Credit in the files themselves, read back by other programs' code: a caption is cut off, metadata stay."""

from __future__ import annotations

import importlib
import zipfile

import numpy as np
import pytest
import tifffile
import trimesh
from PIL import ExifTags
from PIL import Image as Pil

from stereo3d import __version__
from stereo3d.export.cloud import Cloud, write_cloud
from stereo3d.export.credit import SOFTWARE, signed
from stereo3d.export.panorama import WRITERS
from stereo3d.export.products import write_products
from stereo3d.export.rasters import write_raster
from stereo3d.export.terrain import about_pair, write_printable, write_terrain
from stereo3d.observation import credit_of
from stereo3d.view.screenshot import render_picture

CREDIT = "images: NASA/JPL-Caltech"
ABOUT = {"product": "NLF_1", "credit": CREDIT}


def credit_in(path):
    """What Pillow reads of a picture: (software, credit)."""
    with Pil.open(path) as image:
        if image.format == "PNG":
            return image.text["Software"], image.text["Copyright"]
        exif = image.getexif()
        return exif[ExifTags.Base.Software], exif[ExifTags.Base.Copyright]


def test_credit_is_nasas_unless_the_world_is_made_up():
    assert {credit_of(mission) for mission in ("Mars 2020", "MSL", "MER-B", "InSight")} == {CREDIT}
    assert "simulated" in credit_of("simulated")
    assert "NASA" not in credit_of("simulated")
    assert f"stereo3d {__version__}" == SOFTWARE


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_picture(tmp_path, kind):
    path = tmp_path / f"a.{kind.lower()}"
    Pil.new("RGB", (8, 8)).save(path, **signed(CREDIT, kind))
    assert credit_in(path) == (SOFTWARE, CREDIT)


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif"])
@pytest.mark.parametrize("xmp", [None, "<x:xmpmeta/>"])
def test_panorama(tmp_path, suffix, xmp):
    path = tmp_path / f"a{suffix}"
    seen = np.ones((16, 32), dtype=bool)
    WRITERS[suffix](path, np.full((16, 32), 99, np.uint8), seen, xmp, CREDIT)
    if suffix == ".tif":
        with tifffile.TiffFile(path) as file:
            tags = file.pages[0].tags
            assert (tags["Software"].value, tags["Copyright"].value) == (SOFTWARE, CREDIT)
            assert (700 in tags) == (xmp is not None)
    else:
        assert credit_in(path) == (SOFTWARE, CREDIT)
        assert (b"xmpmeta" in path.read_bytes()) == (xmp is not None)


def test_ply_says_it_in_comments_and_still_loads(textured, tmp_path):
    path = tmp_path / "a.ply"
    write_terrain(textured, path, ABOUT)
    header = path.read_bytes().partition(b"end_header\n")[0].decode("ascii")
    assert (
        f"\ncomment stereo3d {__version__}\ncomment product: NLF_1\ncomment credit: {CREDIT}\nelement vertex" in header
    )
    assert len(trimesh.load(path, process=False).faces) == len(textured.mesh.faces)


def test_a_line_break_in_a_name_makes_no_line_of_a_header(textured, tmp_path):
    path = tmp_path / "a.ply"
    write_terrain(textured, path, {"product": "x\nelement vertex 7", "credit": "caf\u00e9"})
    header = path.read_bytes().partition(b"end_header\n")[0].decode("ascii")
    assert "comment product: x element vertex 7\n" in header
    assert "comment credit: caf?\n" in header
    assert len(trimesh.load(path, process=False).faces) == len(textured.mesh.faces)


def test_cloud_says_it_in_comments(tmp_path, textured):
    n = 5
    cloud = Cloud(
        textured.mesh.frame, np.zeros((n, 3)), np.zeros((n, 3), np.uint8), np.ones(n, np.float32), np.ones(n, np.uint8)
    )
    write_cloud(cloud, tmp_path / "a.ply", ABOUT)
    header = (tmp_path / "a.ply").read_bytes().partition(b"end_header\n")[0].decode("ascii")
    assert f"\ncomment credit: {CREDIT}\n" in header
    assert len(trimesh.load(tmp_path / "a.ply").vertices) == n


@pytest.mark.parametrize("solid", [False, True])
def test_stl_says_it_in_its_header(textured, tmp_path, solid):
    path = tmp_path / "a.stl"
    write_printable(textured, path, about=ABOUT) if solid else write_terrain(textured, path, ABOUT)
    assert path.read_bytes()[:80].rstrip() == f"stereo3d {__version__}; {CREDIT}".encode()
    assert len(trimesh.load(path, process=False).faces) > 0


def test_obj_says_it_in_a_comment(textured, tmp_path):
    write_terrain(textured, tmp_path / "a.obj", ABOUT)
    assert f"\n# credit: {CREDIT}\n" in (tmp_path / "a.obj").read_text()[:500]


@pytest.mark.parametrize("suffix", [".usd", ".usdz"])
def test_texture_of_usd_says_it_too(textured, tmp_path, suffix):
    pytest.importorskip("pxr", reason="usd-core is not installed: USD not checked")
    path = tmp_path / f"a{suffix}"
    write_terrain(textured, path, ABOUT)
    if suffix == ".usdz":
        with zipfile.ZipFile(path) as archive:
            name = next(name for name in archive.namelist() if name.endswith(".png"))
            (tmp_path / "a_texture.png").write_bytes(archive.read(name))
    assert credit_in(tmp_path / "a_texture.png") == (SOFTWARE, CREDIT)


def test_laz_says_it_in_the_text_area_description(textured, tmp_path):
    laspy = pytest.importorskip("laspy", reason="laspy is not installed: LAS not checked")
    write_terrain(textured, tmp_path / "a.laz", ABOUT)
    (text,) = (v for v in laspy.read(tmp_path / "a.laz").vlrs if (v.user_id, v.record_id) == ("LASF_Spec", 3))
    assert text.record_data_bytes() == f"product: NLF_1\ncredit: {CREDIT}".encode()


def test_raster(tmp_path):
    write_raster(tmp_path / "a.tif", np.zeros((4, 4), np.float32), "zero", CREDIT)
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        assert file.pages[0].tags["Copyright"].value == CREDIT


def test_every_product_of_a_set_that_can_says_it(ring_result, tmp_path):
    """Of a simulated world: no file claims that it is Mars."""
    own = credit_of("simulated")
    write_products(ring_result, tmp_path, lambda path: render_picture(ring_result, path, (320, 200)))
    assert about_pair(ring_result.pairs[0].pair)["credit"] == own
    assert credit_in(tmp_path / "preview.png")[1] == own
    for name in ("cloud.ply", "mesh.glb"):
        assert own.encode() in (tmp_path / name).read_bytes(), name
    rasters = sorted(tmp_path.rglob("*.tif"))
    assert len(rasters) == 4 * len(ring_result.pairs)
    for path in rasters:
        with tifffile.TiffFile(path) as file:
            assert file.pages[0].tags["Copyright"].value == own


def test_formats_are_all_thought_of():
    """A new format must say where its credit goes: here, or in the test of its own."""
    formats = importlib.import_module("stereo3d.export.terrain").FORMATS
    assert set(formats) == {".glb", ".obj", ".ply", ".stl", ".usd", ".usdz", ".las", ".laz", ".blend", ".html"}
