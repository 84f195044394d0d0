"""What is fuzzed: each reader with its small good files, and the check of what it gives.

``run`` reads one input.  Stereo3dError is an answer; any other exception, an answer that is not what it says (numbers
that are not finite, a path out of the folder, an error of several lines), or a warning is a finding.
"""

from __future__ import annotations

import importlib.util
import io
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import PIL.Image
import tifffile
from numpy.typing import NDArray

from stereo3d.annotation import Annotation
from stereo3d.camera import CAHV
from stereo3d.errors import Stereo3dError
from stereo3d.export.annotations import annotations_text
from stereo3d.export.panorama import FORMAT, read_panorama
from stereo3d.fetch.feed import M20, MSL, ask
from stereo3d.fetch.select import select
from stereo3d.frames import Frame, RigidTransform
from stereo3d.image import Image
from stereo3d.observation import Eye, Observation
from stereo3d.panorama.eye_path import EyePath
from stereo3d.panorama.projection import Cylindrical, Equirectangular, Perspective, Polar, Vertical
from stereo3d.read import read_observation
from stereo3d.read.annotations import read_annotations
from stereo3d.read.pixels import read_image
from stereo3d.read.product_name import parse_product_name, same_product, without_browse_width
from stereo3d.read.protocol import Header
from stereo3d.read.raw_feed import header_of_record
from stereo3d.read.records import find_record
from stereo3d.read.scene_folder import read_scene_file
from stereo3d.read.xyz_map import read_xyz_map
from stereo3d.store import Store
from stereo3d.view.bookmarks import Bookmark, along, load_bookmarks, save_bookmarks
from stereo3d.view.viewpoint import UP, Viewpoint

_TESTS = Path(__file__).resolve().parents[1]
SIDE = 64
KEY = "a" * 64


@dataclass(frozen=True)
class Target:
    """One reader."""

    kind: str
    """Which changes its inputs go through: a key of :data:`mutate.CHANGES`."""
    prepare: Callable[[Path], list[bytes]]
    """Lays what belongs beside the input into an empty folder, and gives small good inputs."""
    run: Callable[[Path, bytes], None]
    """Reads one input in that folder."""
    tokens: tuple[bytes, ...] = ()


def helper(name: str) -> ModuleType:
    """A module of the tests, by its path below tests/ without .py."""
    key = "fuzzed_" + name.replace("/", "_")
    if key not in sys.modules:
        spec = importlib.util.spec_from_file_location(key, _TESTS / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[key] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[key])
    return sys.modules[key]


def check_header(header: Header) -> None:
    """What is promised of a header whatever its file says."""
    assert header.product_id.isascii()
    for text in (header.product_id, header.instrument, header.mission, header.taken_utc or ""):
        assert text.isprintable()
        assert len(text) <= 100
    camera: Any = header.camera
    for letter in "CAHVORE":
        if hasattr(camera, letter):
            assert np.isfinite(getattr(camera, letter)).all()
    numbers = (header.sclk_s, header.mast_azimuth_deg, header.mast_elevation_deg, *(header.sun_deg or ()))
    assert all(np.isfinite(n) for n in numbers if n is not None)
    if header.site_from_rover is not None:
        assert np.isfinite(header.site_from_rover.rotation).all()
    camera.project(np.array([[5.0, 0.1, 0.2], [0.0, 0.0, 0.0]]))
    camera.ray(np.array([[1.0, 2.0]]))


def _observed(path: Path) -> None:
    seen = read_observation(path)
    assert np.isfinite(seen.image.pixels).all()
    check_header(seen)  # type: ignore[arg-type]


def _ramp(dtype: str = "u1", shape: tuple[int, ...] = (SIDE, SIDE)) -> NDArray[Any]:
    return (np.arange(np.prod(shape)).reshape(shape) % 199 + 1).astype(dtype)


def _png(pixels: NDArray[Any], form: str = "PNG", **options: Any) -> bytes:
    out = io.BytesIO()
    PIL.Image.fromarray(pixels).save(out, format=form, **options)
    return out.getvalue()


# --- the raw feed's record


def _records(folder: Path) -> list[bytes]:
    made = [helper("read/conftest")._make(folder, letter) for letter in "LR"]
    (folder / f"{made[0].stem}.png").write_bytes(_png(_ramp()))
    cahv = json.loads(json.dumps(made[0].record))
    parts = cahv["camera"]["camera_model_component_list"].split(";")
    cahv["camera"].update(camera_model_component_list=";".join(parts[:4]), camera_model_type="CAHV")
    cahvor = json.loads(json.dumps(made[0].record))
    cahvor["camera"].update(camera_model_component_list=";".join(parts[:6]), camera_model_type="CAHVOR")
    records = [made[0].record, cahv, cahvor, {"images": [made[1].record, made[0].record]}]
    return [json.dumps(r).encode() for r in records]


def _record(folder: Path, data: bytes) -> None:
    image = next(folder.glob("*.png"))
    image.with_suffix(".json").write_bytes(data)
    header = header_of_record(find_record(image), image)
    check_header(header)
    if header.camera.width * header.camera.height < 1 << 15:
        shape = header.camera.height, header.camera.width
        header.observation(Image(np.zeros(shape, np.uint8), np.ones(shape, bool)))


# --- labels


def _labelled(folder: Path, dtype: str = "u1", bands: int = 1, name: str = "a.IMG", order: str = "BSQ") -> Any:
    made = helper("read/conftest")
    groups = {
        "": dict(made.IDENTIFICATION),
        "GEOMETRIC_CAMERA_MODEL": dict(made.MODEL),
        "ROVER_COORDINATE_SYSTEM": dict(made.ROVER),
        "INSTRUMENT_STATE_PARMS": dict(made.STATE),
        "ROVER_DERIVED_GEOMETRY_PARMS": {"INSTRUMENT_AZIMUTH": "350.5", "INSTRUMENT_ELEVATION": "0.25"},
        "SITE_DERIVED_GEOMETRY_PARMS": {"SOLAR_AZIMUTH": "3.5", "SOLAR_ELEVATION": "0.25"},
    }
    shape = (SIDE, SIDE) if bands == 1 else (SIDE, SIDE, bands)
    return made.LabelledImage(folder / name, _ramp(dtype, shape), groups, order=order)


def _mast(made: Any) -> Any:
    """The camera model in the mast's frame, as MER's labels have it."""
    made.groups["GEOMETRIC_CAMERA_MODEL"]["REFERENCE_COORD_SYSTEM_NAME"] = "'MAST_FRAME'"
    made.groups["MAST_COORDINATE_SYSTEM"] = {
        **helper("read/conftest").ROVER,
        "COORDINATE_SYSTEM_NAME": "'MAST_FRAME'",
        "REFERENCE_COORD_SYSTEM_NAME": "'ROVER_NAV_FRAME'",
    }
    return made


def _odl_files(folder: Path) -> list[bytes]:
    made = [_labelled(folder), _labelled(folder, ">f4", 3, order="BIP"), _mast(_labelled(folder, ">i2"))]
    made[2].image = {"MISSING_CONSTANT": "16#FF7FFFFB#", "LINE_PREFIX_BYTES": "4"}
    seeds = [one.pds3().read_bytes() for one in made[:2]]
    made[2].image.pop("LINE_PREFIX_BYTES")
    return [*seeds, made[2].pds3().read_bytes()]


def _odl_labels(folder: Path) -> list[bytes]:
    seeds = []
    for made in (_labelled(folder), _mast(_labelled(folder))):
        made.pds3(detached=True)
        seeds.append((folder / "a.LBL").read_bytes())
    _traps(folder)
    return seeds


def _traps(folder: Path) -> None:
    """Names in the folder that lead out of it, or nowhere."""
    secret = folder.parent / "secret.png"
    secret.write_bytes(_png(_ramp()))
    for name, to in (("link.png", secret), ("loop.png", folder / "loop.png")):
        if not (folder / name).is_symlink():
            (folder / name).symlink_to(to)
    (folder / "folder").mkdir(exist_ok=True)


def _vicar_files(folder: Path) -> list[bytes]:
    made = [_labelled(folder), _labelled(folder, "<f4", 3, order="BIL"), _mast(_labelled(folder, ">i2"))]
    made[2].groups["IMAGE_DATA"] = {"MISSING_CONSTANT": "-5.0"}
    return [one.vicar().read_bytes() for one in made]


def _xml_labels(folder: Path) -> list[bytes]:
    (folder / "a.IMG").write_bytes(b"h" * 40 + _ramp(shape=(3, SIDE, SIDE)).tobytes())
    _traps(folder)
    made = helper("read/test_pds4")
    more = "<p:Special_Constants><p:missing_constant>0.0</p:missing_constant></p:Special_Constants>"
    texts = (made.label((3, SIDE, SIDE)), made.label((SIDE, SIDE), "UnsignedMSB2", more=more))
    return [text.encode() for text in texts]


def _reads(name: str) -> Callable[[Path, bytes], None]:
    def run(folder: Path, data: bytes) -> None:
        (folder / name).write_bytes(data)
        _observed(folder / name)

    return run


# --- scene.toml, names, pixels


def _scenes(folder: Path) -> list[bytes]:
    _traps(folder)
    for name in ("left.png", "right.png", "truth.tif"):
        (folder / name).write_bytes(b"")
    first = (
        'format = 1\nname = "some-scene"\ntitle = "A place"\nsimulated = true\nsky = false\ncredit = "me"\n'
        'images = ["left.png", "right.png"]\ntruth = "truth.tif"\n'
    )
    return [first.encode(), b'format = 1\nimages = ["left.png"]\n']


def _scene(folder: Path, data: bytes) -> None:
    (folder / "scene.toml").write_bytes(data)
    found = read_scene_file(folder)
    assert found is not None
    root = folder.resolve()
    for path in (*found.images, *([found.truth] if found.truth else [])):
        assert path.resolve().is_relative_to(root)
    for text in (found.name, found.title, found.credit):
        assert text.isprintable()


def _names(folder: Path) -> list[bytes]:
    return [
        b"NLF_0400_0700000000_123ECM_N0051234NCAM00400_01_195J01_800",
        b"NLB_400000000EDR_F0050006NCAM00100M1",
        b"1N128278513EFF0000P1500L0M1",
        b"D000M0123_607456789EDR_F0103_0020M1",
    ]


def _name(folder: Path, data: bytes) -> None:
    text = data.decode("utf-8", "surrogateescape")
    found = parse_product_name(text)
    assert found is None or found.stem.isprintable()
    assert same_product(text, text) or found is not None
    without_browse_width(text)


def _pictures(folder: Path) -> list[bytes]:
    grey, colour = _ramp(), _ramp(shape=(SIDE, SIDE, 3))
    palette = PIL.Image.fromarray(colour).convert("P", palette=PIL.Image.Palette.ADAPTIVE, colors=8)
    out = io.BytesIO()
    palette.save(out, "PNG")
    pngs = [_png(grey), _png(colour), _png(_ramp("u2")), _png(_ramp(shape=(SIDE, SIDE, 4))), out.getvalue()]
    jpegs = [_png(grey, "JPEG", quality=30), _png(colour, "JPEG", quality=30, progressive=True)]
    return [*pngs, *jpegs, _png(colour, "WEBP", quality=20), _png(colour, "WEBP", lossless=True)]


def _picture(folder: Path, data: bytes) -> None:
    (folder / "a").write_bytes(data)
    image = read_image(folder / "a")
    assert 64 <= min(image.width, image.height) <= max(image.width, image.height) <= 8192


# --- maps of XYZ

_CAMERA = CAHV(Frame.rover(5, 6), SIDE, SIDE, C=[0, 0, -2], A=[1, 0, 0], H=[31.5, 50, 0], V=[31.5, 0, 50])


def _seen() -> Observation:
    """The left image of a stop that knows where it stands."""
    pose = RigidTransform.from_quaternion(Frame.site(5), Frame.rover(5, 6), (0.5, 0.5, 0.5, 0.5), (10.0, 20.0, -3.0))
    image = Image(_ramp(), np.ones((SIDE, SIDE), bool))
    return Observation("a", "MSL", "NAV_LEFT_B", Eye.LEFT, image, _CAMERA, 1, 5, 6, 4e8, pose)


_LEFT = _seen()


def _maps(folder: Path) -> list[bytes]:
    seeds = []
    xyz = np.linspace(1, 9, SIDE * SIDE * 3, dtype=np.float32).reshape(SIDE, SIDE, 3)
    for options in ({}, {"compression": "zlib"}, {"tile": (64, 64), "compression": "zlib"}, {"tile": (64, 64)}):
        tifffile.imwrite(folder / "a.tif", xyz, photometric="minisblack", planarconfig="contig", **options)
        seeds.append((folder / "a.tif").read_bytes())
    tifffile.imwrite(folder / "a.tif", np.moveaxis(xyz, -1, 0), photometric="minisblack")
    seeds.append((folder / "a.tif").read_bytes())
    for frame, index in (("SITE_FRAME", "5"), ("ROVER_NAV_FRAME", "(5,6,7)"), ("LOCAL_LEVEL_FRAME", "(5,6)")):
        made = _labelled(folder, ">f4", 3)
        made.groups["DERIVED_IMAGE_PARMS"] = {
            "DERIVED_IMAGE_TYPE": "'XYZ_MAP'",
            "REFERENCE_COORD_SYSTEM_NAME": f"'{frame}'",
            "REFERENCE_COORD_SYSTEM_INDEX": index,
        }
        seeds.append((made.vicar() if frame != "SITE_FRAME" else made.pds3()).read_bytes())
    (folder / "a.IMG").unlink()
    return seeds


def _map(folder: Path, data: bytes) -> None:
    (folder / "a.tif").write_bytes(data)
    found = read_xyz_map(folder / "a.tif", _LEFT)
    assert found.shape == (SIDE, SIDE, 3)
    assert found.dtype == np.float32


# --- what the window and the page save

_STOP: Any = SimpleNamespace(
    observations=(_LEFT,),
    enu_from_rover=RigidTransform(Frame.enu(5, 6), Frame.rover(5, 6)),
    terrain=SimpleNamespace(mesh=SimpleNamespace(frame=Frame.enu(5, 6))),
)


def _geojson(folder: Path) -> list[bytes]:
    def one(kind: str, count: int, **more: Any) -> Annotation:
        points = np.arange(3.0 * count).reshape(count, 3) ** 1.5
        return Annotation(kind, Frame.enu(5, 6), points, np.full(count, 0.1), **more)  # type: ignore[arg-type]

    some = [
        one("point", 1, name="rock", note="two\nlines", colour="#102030", measure={"range_m": 5.25, "seen": "2"}),
        one("line", 3),
        one("area", 4, measure={"area_m2": 3.5, "flat": True}),
        one("text", 1, name="here"),
    ]
    site = annotations_text(some, _STOP)
    return [site.encode(), json.dumps({**json.loads(site), "stereo3d": _ENU}).encode()]


_ENU = {"format": 1, "mission": "MSL", "site": 5, "drive": 6, "frame": "ENU"}


def _annotations(folder: Path, data: bytes) -> None:
    (folder / "a.geojson").write_bytes(data)
    for one in read_annotations(folder / "a.geojson", _STOP):
        assert np.isfinite(one.points).all()
        assert one.name.encode() is not None
        assert "\x1b" not in one.name + one.note


def _saved(folder: Path) -> list[bytes]:
    free = Viewpoint("free", np.zeros(3), np.array([0.0, 1.0, 0.0]), UP, 0.6)
    top = Viewpoint("top", np.array([1.0, 2.0, 30.0]), -UP, np.array([0.0, 1.0, 0.0]), 7.5, parallel=True)
    marks = [Bookmark(m, m, free, np.ones(3), "slope") for m in ("walk", "orbit")] + [Bookmark("m", "top", top, UP)]
    return [save_bookmarks(folder / "b.json", marks).read_bytes()]


def _bookmarks(folder: Path, data: bytes) -> None:
    (folder / "b.json").write_bytes(data)
    marks = load_bookmarks(folder / "b.json")
    for mark in marks:
        assert mark.name.isprintable()
        assert np.isfinite(mark.view.eye).all()
        assert np.isfinite(mark.view.forward).all()
    if sum(not mark.view.parallel for mark in marks) > 1:
        assert np.isfinite(along(marks[:50], 0.3).eye).all()


def _panoramas(folder: Path) -> list[bytes]:
    frame, path = Frame.local_level(1, 2), EyePath(np.array([0.8, 0.5, -2.0]), 0.13, -0.21)
    projections = (
        Equirectangular(frame, 720, 200, path, 10.0, 2.0, 59.5),
        Cylindrical(frame, 72, 40, path, 10.0, 2.0, 19.5),
        Perspective(frame, 72, 40, path, 10.0, 2.0, 50.0),
        Polar(frame, 72, 72, path, 40.0),
        Vertical(frame, 72, 40, path, 0.5, 1.0, 2.0),
    )
    return [
        json.dumps({"format": FORMAT, "picture": "a.png", "projection": p.as_json(), "right_projection": r}).encode()
        for p, r in zip(projections, (None, projections[0].as_json(), None, None, None), strict=True)
    ]


def _panorama(folder: Path, data: bytes) -> None:
    (folder / "a.json").write_bytes(data)
    found = read_panorama(folder / "a.json")
    assert Path(found.picture).name == found.picture
    assert found.picture.isprintable()
    found.projection.rays(np.array([[1.0, 2.0]]))


# --- the store, and what a feed answers


@dataclass(frozen=True, eq=False)
class _Value:
    name: str
    numbers: NDArray[np.float64]
    counts: NDArray[np.uint8]
    places: tuple[float, ...]
    camera: CAHV

    def __post_init__(self) -> None:
        if self.numbers.ndim != 2:
            raise ValueError("numbers must have two axes")


def _entries(folder: Path) -> list[bytes]:
    numbers = np.arange(24.0).reshape(4, 6)
    numbers[1:] = np.nan
    store = Store(folder, 1 << 20)
    store.put("pair", KEY, _Value("a", numbers, np.arange(3, dtype=np.uint8), (1.0, 2.5), _CAMERA))
    return [(folder / f"pair-{KEY}.s3d").read_bytes()]


def _entry(folder: Path, data: bytes) -> None:
    path = folder / f"pair-{KEY}.s3d"
    path.write_bytes(data)
    found = Store(folder, 1 << 20).get("pair", KEY, _Value, {})
    if found is None:
        assert not path.exists()
        return
    assert found.numbers.ndim == 2
    assert np.isfinite(found.camera.C).all()


def _answers(folder: Path) -> list[bytes]:
    pages = []
    for feed in (M20, MSL):
        records = []
        for letter in "LR":
            record = helper("read/conftest")._make(folder, letter).record
            record["image_files"] = {"full_res": f"https://mars.nasa.gov/a/{record['imageid']}.png"}
            record["https_url"] = record["image_files"]["full_res"]
            if feed is MSL:
                record.update(record.pop("extended"), is_thumbnail=False, instrument=f"NAV_{letter}EFT_B")
            records.append(record)
        pages.append({feed.list_name: records, "total_results": "2", "more": False, "error_message": ""})
    return [json.dumps(page).encode() for page in pages]


def _answer(folder: Path, data: bytes) -> None:
    web: Any = SimpleNamespace(get=lambda url, most: data)
    feed = MSL if b'"items"' in data else M20
    found = select(ask(web, feed, (0, 500), "navcam"), feed, (0, 500), "navcam")
    for error in found.complaints:
        one_line(error)
    for stop in found.stops:
        for image in stop.images:
            assert Path(image.name).name == image.name
            assert image.url.lower().startswith("https://mars.nasa.gov/")  # a host has no case
            json.loads(image.record, parse_constant=int)
            check_header(image.header)


def one_line(error: Stereo3dError) -> None:
    """An error's text is one line that a terminal may be given."""
    text = str(error)
    assert text.isprintable(), text
    assert len(text) < 2000, len(text)


_LABEL_WORDS = (b"END\r\n", b"GROUP = A\r\n", b"END_GROUP\r\n", b"/*", b"*/", b'"', b"'", b"<m>", b"16#FF#", b"99#1#")
_XML = (
    b'<!DOCTYPE a [<!ENTITY b "c"><!ENTITY d "&b;&b;">]>',
    b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]>',
    b"<!-- -->",
    b"<?pi a?>",
    b"<![CDATA[a]]>",
    b"&b;",
    b"&#0;",
    b"&#x1F600;",
    b'<?xml version="1.0" encoding="utf-16"?>',
    b'<?xml version="1.0" encoding="cp037"?>',
)
_TOML = (
    b"[a]\n",
    b"[[a]]\n",
    b"a.b.c = 1\n",
    b'"""',
    b"'''",
    b"{a = 1}",
    b"1979-05-27T07:32:00Z",
    b"\\u0000",
    b"\\UFFFFFFFF",
)

TARGETS: dict[str, Target] = {
    "record": Target("json", _records, _record),
    "pds3": Target("label", _odl_files, _reads("a.IMG"), _LABEL_WORDS),
    "pds3_label": Target("label", _odl_labels, _reads("a.LBL"), _LABEL_WORDS),
    "vicar": Target("vicar", _vicar_files, _reads("a.IMG"), (b"PROPERTY='A'  ", b"TASK='B'  ", b"EOL=1  ", b"NLB=9  ")),
    "pds4": Target("xml", _xml_labels, _reads("a.xml"), _XML),
    "scene": Target("toml", _scenes, _scene, _TOML),
    "name": Target("bytes", _names, _name, (b"_", b"_800", b"\xd9\xa1", b"#", b"N", b"0", b"EDR", b"\n")),
    "pixels": Target(
        "image", _pictures, _picture, (b"IEND", b"\xff\xd8", b"\xff\xd9", b"VP8X", b"VP8L", b"RIFF", b"ANMF")
    ),
    "xyz_map": Target("map", _maps, _map, (b"II*\0", b"MM\0*", b"II+\0", b'{"shape": [1]}', b"EOL=1  ")),
    "annotations": Target("json", _geojson, _annotations),
    "bookmarks": Target("json", _saved, _bookmarks),
    "panorama": Target("json", _panoramas, _panorama),
    "store": Target("entry", _entries, _entry),
    "feed": Target("json", _answers, _answer),
}
