"""A folder as a scene: one that says so in scene.toml, or one that simply holds images with their records.

Nothing is read from outside the folder, whatever scene.toml or a symbolic link says.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from stereo3d.errors import ImageFileError, MissingFileError, RecordError, Stereo3dError
from stereo3d.observation import Eye
from stereo3d.read.protocol import Header
from stereo3d.read.readers import READERS, reader_for
from stereo3d.read.shots import SAME_CLOCK_S, rig, without_copies

BUNDLED = "jezero-floor-simulated"
_PACKAGE = Path(__file__).resolve().parents[1]

_MAX_ENTRIES = 10_000
_MAX_TOML_BYTES = 1 << 16


@dataclass(frozen=True)
class SceneFile:
    """What scene.toml says; all paths are resolved and lie inside the folder."""

    name: str
    title: str
    simulated: bool
    images: tuple[Path, ...]
    truth: Path | None
    """The true XYZ of the first pair's left image, TIFF."""
    credit: str
    sky: bool
    """False for ``sky = false``: no image shows sky."""


def bundled_scene() -> Path:
    """The folder of the bundled, simulated scene: inside an installed package, or in the clone.

    Raises MissingFileError when it is in neither place.
    """
    for folder in (_PACKAGE / "_scenes" / BUNDLED, _PACKAGE.parent / "scenes" / BUNDLED):
        if (folder / "scene.toml").is_file():
            return folder
    raise MissingFileError(
        f"the bundled scene {BUNDLED} is not installed", todo="give the left and the right image of a pair instead"
    )


def read_scene_file(folder: Path) -> SceneFile | None:
    """Parse ``folder``/scene.toml; None when there is none.

    Raises RecordError for a file that is too large, no TOML, lacks a field, or names a path outside the folder;
    MissingFileError for a file that it names but that is not there.
    """
    path = folder / "scene.toml"
    if not path.is_file():
        return None
    try:
        with path.open("rb") as file:
            data = file.read(_MAX_TOML_BYTES + 1)
    except OSError as error:
        raise RecordError(f"cannot be read: {error.strerror}", file=path) from error
    if len(data) > _MAX_TOML_BYTES:
        raise RecordError(f"has more than {_MAX_TOML_BYTES >> 10} kB", file=path, expected="a scene description")
    try:
        values = tomllib.loads(data.decode())
    except RecursionError as error:
        raise RecordError("is nested too deeply", file=path) from error
    except ValueError as error:  # also no UTF-8, and numbers of thousands of digits
        raise RecordError(f"is not TOML: {str(error)[:200]}", file=path) from error
    if values.get("format") != 1:
        raise RecordError(f"has format {str(values.get('format'))[:20]}", file=path, expected="format = 1")
    images = values.get("images")
    if not isinstance(images, list) or not 1 <= len(images) <= _MAX_ENTRIES:
        raise RecordError("names no images", file=path, expected='images = ["left.png", "right.png"]')
    return SceneFile(
        name=_text(values, "name", path, folder.resolve().name),
        title=_text(values, "title", path, ""),
        simulated=_flag(values, "simulated", path, False),
        images=tuple(_inner(folder, image, path) for image in images),
        truth=_inner(folder, values["truth"], path) if "truth" in values else None,
        credit=_text(values, "credit", path, ""),
        sky=_flag(values, "sky", path, True),
    )


def image_files(folder: Path) -> list[Path]:
    """The images of a folder in order of name: by suffix, not below it, and not through links that lead out.

    Raises MissingFileError when the folder cannot be listed, ImageFileError when it has more than 10,000 entries.
    """
    suffixes = tuple(suffix for reader in READERS for suffix in reader.suffixes)
    try:
        root = folder.resolve(strict=True)
        found = []
        with os.scandir(folder) as entries:
            for count, entry in enumerate(entries):
                if count >= _MAX_ENTRIES:
                    raise ImageFileError(
                        f"the folder has more than {_MAX_ENTRIES} entries", file=folder, todo="name the two images"
                    )
                path = folder / entry.name
                if entry.name.lower().endswith(suffixes) and path.is_file() and path.resolve().is_relative_to(root):
                    found.append(path)
    except OSError as error:
        raise MissingFileError(f"the folder cannot be listed: {error.strerror}", file=folder) from error
    return sorted(found)


def headers_of(images: Sequence[Path], metadata: Sequence[Path] = ()) -> tuple[list[Header], list[Stereo3dError]]:
    """The headers of those images that have one, and the complaints about the others.

    Of two files of one product (a PNG and a JPEG) one is taken, as :func:`stereo3d.read.shots.without_copies` says.
    """
    headers: list[Header] = []
    complaints: list[Stereo3dError] = []
    for image in images:
        try:
            header = reader_for(image).header(image, metadata)
        except Stereo3dError as error:
            complaints.append(error)
            continue
        if header.path is not None:
            headers.append(header)
        else:
            complaints.append(RecordError("is a label without its image", file=image, expected="the image beside it"))
    kept, _ = without_copies(headers)
    return sorted(kept, key=lambda header: (header.sclk_s, header.product_id)), complaints


def same_camera(first: Header, second: Header) -> bool:
    """Whether two headers are of one stereo rig, for example both of the Navcam, whatever the eye."""
    return rig(first) == rig(second)


def partners(header: Header, others: Sequence[Header]) -> list[Header]:
    """Those of ``others`` that show the same shot and subframe with the other eye, the most alike first."""
    wanted = {Eye.LEFT: Eye.RIGHT, Eye.RIGHT: Eye.LEFT}.get(header.eye)
    found = [
        other
        for other in others
        if other.eye is wanted
        and same_camera(header, other)
        and (other.frame, other.mission, other.subframe) == (header.frame, header.mission, header.subframe)
        and abs(other.sclk_s - header.sclk_s) <= SAME_CLOCK_S
    ]
    return sorted(found, key=lambda other: (other.scale_factor != header.scale_factor, -_alike(header, other)))


def _alike(first: Header, second: Header) -> int:
    """In how many places two product ids have the same character: EBY goes with EBY before ECM."""
    return sum(a == b for a, b in zip(first.product_id, second.product_id, strict=False))


def _flag(values: dict[str, object], key: str, path: Path, default: bool) -> bool:
    value = values.get(key, default)
    if not isinstance(value, bool):
        raise RecordError(f"{key} is not a truth value", file=path, expected=f"{key} = true or false")
    return value


def _text(values: dict[str, object], key: str, path: Path, default: str) -> str:
    value = values.get(key, default)
    if not isinstance(value, str) or len(value) > 500 or not value.isprintable():
        raise RecordError(f"{key} is not a line of text", file=path, expected=f'{key} = "..."')
    return value


def _inner(folder: Path, name: object, path: Path) -> Path:
    """The file ``name`` of the folder.  Raises RecordError when it is not inside, MissingFileError without it."""
    if not isinstance(name, str) or not name or len(name) > 255 or not name.isprintable():
        raise RecordError("names a file by something else than a name", file=path, expected='"left.png"')
    posix, windows = PurePosixPath(name), PureWindowsPath(name)
    outside = posix.is_absolute() or windows.anchor or "\\" in name or ".." in posix.parts
    inner = folder / posix
    try:
        outside = outside or not inner.resolve().is_relative_to(folder.resolve())
        there = not outside and inner.is_file()
    except (OSError, RuntimeError) as error:  # a name that is too long, a link to itself
        raise RecordError(f"names '{name[:100]}', which cannot be looked up", file=path, expected="a file") from error
    if outside:
        raise RecordError(f"names '{name}', which is outside the scene's folder", file=path, expected="a file in it")
    if not there:
        raise MissingFileError(f"no such file, although {path.name} names it", file=inner)
    return inner
