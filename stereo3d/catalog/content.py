"""What the files of a group are: frames by their headers, products of this program, or a problem.  No pixel is read."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stereo3d.catalog.scan import IMAGES
from stereo3d.errors import MissingFileError, RecordError, Stereo3dError
from stereo3d.read.product_name import parse_product_name, without_browse_width
from stereo3d.read.protocol import Header
from stereo3d.read.readers import reader_for
from stereo3d.read.records import Fields, load_records
from stereo3d.read.scene_folder import read_scene_file

SCENE = "scene.toml"
_KINDS = {"report.json": "reconstruction", "map.json": "map"}
_OWN_PICTURES = {"preview.png": "report.json", "hillshade.png": "map.json"}
"""Pictures that this program writes beside a file of its own."""
_PANORAMA = "stereo3d panorama "
_MAX_GLB_JSON = 16 << 20
_PLACE = re.compile(r"sol (\d{1,6}), site (\d{1,6}), drive (\d{1,6})", re.ASCII)


@dataclass(frozen=True)
class Product:
    """Something that this program made of frames."""

    name: str
    kind: str
    """"reconstruction", "map", "panorama" or "mesh"."""
    mission: str
    sol: int
    site: int
    drive: int
    made_of: int
    """Pairs (of a panorama: frames); 0 where that is not told."""


@dataclass(frozen=True)
class Problem:
    """A file that is not understood, and why."""

    name: str
    reason: str


@dataclass(frozen=True)
class Found:
    """What a group of files is."""

    frames: tuple[Header, ...] = ()
    products: tuple[Product, ...] = ()
    problems: tuple[Problem, ...] = ()
    loose: bool = False
    """Whether files of other names have a say in this: it is read again whenever the folder changes."""


def groups_of(names: Sequence[str]) -> dict[str, list[str]]:
    """The files of a folder by what they are of: those of one product together; all together in a scene folder."""
    if SCENE in names:
        return {SCENE: list(names)}
    groups: dict[str, list[str]] = {}
    for name in names:
        stem = without_browse_width(name.rpartition(".")[0])
        groups.setdefault(ascii(stem), []).append(name)
    return groups


def read_group(folder: Path, names: Sequence[str]) -> Found:
    """What the files ``names`` of one group of ``folder`` are.  Whatever is wrong with them is a problem, no error."""
    problems: list[Problem] = []
    wanted = set(names)
    if SCENE in names:
        try:
            described = read_scene_file(folder)
        except (Stereo3dError, OSError) as error:
            problems.append(Problem(SCENE, _reason(error)))
        else:
            inside = {path.name for path in described.images if path.parent == folder} if described else set()
            wanted = inside | {name for name in names if not name.lower().endswith(IMAGES)}
    headers, unread, missing = _headers(folder, [n for n in names if n in wanted and n.lower().endswith(IMAGES)])
    products, more = _products(folder, names, {header.record for header in headers})
    problems += more
    pictures = {Path(product.name).stem for product in products}
    for name, reason in unread.items():
        own = _OWN_PICTURES.get(name)
        if Path(name).stem not in pictures and not (own is not None and (folder / own).exists()):
            problems.append(Problem(name, reason))
    files = {folder / name for name in names}
    spread = any(path not in files for header in headers for path in (header.record, header.path) if path is not None)
    loose = spread or (bool(problems) and (missing or len(names) == 1))
    return Found(tuple(headers), tuple(products), tuple(problems), loose)


def camera_name(rig: str) -> str:
    """A rig (see :func:`stereo3d.read.shots.rig`) as a person asks for it: "navcam", "front-hazcam", "rear-hazcam", or
    its own words in small letters."""
    words = rig.lower().split()
    first = words[0] if words else ""
    if first in ("n", "nav", "navcam"):
        return "navcam"
    if first in ("fhaz", "f") or words[:2] == ["front", "hazcam"]:
        return "front-hazcam"
    if first in ("rhaz", "r") or words[:2] == ["rear", "hazcam"]:
        return "rear-hazcam"
    return "-".join(words)


def _headers(folder: Path, images: Sequence[str]) -> tuple[list[Header], dict[str, str], bool]:
    """The headers of images, each image once; the reasons why others have none; whether a file is missing."""
    headers: dict[Path, Header] = {}
    unread: dict[str, str] = {}
    missing = False
    for name in images:
        path = folder / name
        try:
            header = reader_for(path).header(path)
            if header.path is None:
                raise RecordError("is a label without its image", expected="the image beside it")
            headers.setdefault(header.path, header)
        except Exception as error:  # whatever one file makes a reader say, the others are indexed
            unread[name] = _reason(error)
            missing = missing or isinstance(error, MissingFileError)
    return list(headers.values()), unread, missing


def _products(folder: Path, names: Sequence[str], records: set[Path]) -> tuple[list[Product], list[Problem]]:
    """What this program made, and what is wrong with such files; ``records`` are known to be something else."""
    products: list[Product] = []
    problems: list[Problem] = []
    images = {Path(name).stem for name in names if name.lower().endswith(IMAGES)}
    for name in names:
        path = folder / name
        try:
            if name.lower().endswith(".glb"):
                # Beside a report it is a part of that reconstruction.
                product = None if name == "mesh.glb" and (folder / "report.json").exists() else _glb(path)
            elif name.lower().endswith(".json") and path not in records:
                product = _described(path)
            else:
                continue
        except Exception as error:  # as in _headers
            if path.stem not in images:  # else it is said of the image
                problems.append(Problem(name, _reason(error)))
            continue
        products += [product] if product is not None else []
    return products, problems


def _reason(error: Exception) -> str:
    """The error in a line, without the path of the file, which stands beside it."""
    if isinstance(error, Stereo3dError):
        return str(Stereo3dError(error.what, line=error.line, expected=error.expected))[:500]
    text = str(getattr(error, "strerror", None) or error) or type(error).__name__
    return "".join(c if c.isprintable() else " " for c in text)[:500]


def _described(path: Path) -> Product | None:
    """The product that a JSON file tells of; None for other JSON.

    Raises RecordError for a record without its image, and for a product's file that is not understood.
    """
    try:
        fields = load_records(path)[0]
    except RecordError:
        if path.name in _KINDS or parse_product_name(path.stem) is not None:
            raise
        return None  # JSON of somebody else
    if str(fields.values.get("format", "")).startswith(_PANORAMA):
        return _product(path, "panorama", fields, fields.values.get("frames"))
    inputs = fields.values.get("inputs")
    if path.name in _KINDS and isinstance(inputs, dict):
        return _product(path, _KINDS[path.name], Fields(path, inputs), inputs.get("pairs", [inputs]))
    if fields.text("imageid") is not None:
        raise RecordError("is a record without its image", file=path)
    return None


def _glb(path: Path) -> Product | None:
    """The mesh in a GLB of this program; None for a GLB of others.  Only its JSON chunk is read."""
    with path.open("rb") as file:
        head = file.read(20)
        if len(head) < 20 or head[:4] != b"glTF" or head[16:20] != b"JSON":
            return None
        (size,) = struct.unpack("<I", head[12:16])
        if size > _MAX_GLB_JSON:
            return None
        data = file.read(size)
    try:
        asset = json.loads(data)["asset"]
        extras = asset["extras"]
        place = _PLACE.fullmatch(extras["place"])
        mission = extras["mission"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    if place is None or not isinstance(mission, str):
        return None
    sol, site, drive = (int(text) for text in place.groups())
    return Product(path.name, "mesh", _line(mission), sol, site, drive, 0)


def _product(path: Path, kind: str, fields: Fields, made_of: object) -> Product:
    numbers = [fields.integer(key) for key in ("sol", "site", "drive")]
    mission = fields.text("mission")
    if mission is None or any(number is None or not 0 <= number < 1_000_000 for number in numbers):
        raise RecordError("does not say of which place it is", file=path, expected="mission, sol, site and drive")
    sol, site, drive = (number or 0 for number in numbers)
    return Product(path.name, kind, _line(mission), sol, site, drive, len(made_of) if isinstance(made_of, list) else 0)


def _line(text: str) -> str:
    return "".join(c for c in text if c.isprintable())[:40]
