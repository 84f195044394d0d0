"""From what a user names (images, folders, nothing) to a scene with one pair, or with all pairs of a stop."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from stereo3d.errors import MissingFileError, PairError
from stereo3d.observation import Eye, make_pair
from stereo3d.radiometry.bayer import alike
from stereo3d.read.frames import read_frames
from stereo3d.read.paths import Inputs, listed
from stereo3d.read.product_name import parse_product_name, same_product
from stereo3d.read.protocol import Header
from stereo3d.read.readers import reader_for
from stereo3d.read.scene_folder import (
    bundled_scene,
    headers_of,
    image_files,
    partners,
    read_scene_file,
    same_camera,
)
from stereo3d.read.shot_pixels import both_eyes, parts_of, read_header, read_part
from stereo3d.read.shots import Shot, shots_of
from stereo3d.scene import Scene


def read_scene(inputs: Inputs = (), metadata: Inputs = (), pair: str | int | None = None) -> Scene:
    """The scene that the inputs name; it holds exactly one pair.

    ``inputs``, a path or a list of some: the two images of a pair in any order; one of them, when the other lies in the
    same folder; a folder that holds one pair, also in tiles; nothing, for the bundled scene.  ``metadata``: files with
    the records of images that have none beside them.  ``pair`` chooses one of several: its number, from 1, in the order
    of scene.toml or of time, or the product id of one of its images.  Without it a folder with a scene.toml gives its
    first pair, and another one must hold no more than one.  The truth of a described scene is that of its first pair.

    Raises MissingFileError, ImageFileError, RecordError or PairError, each one clear line.
    """
    paths, metadata = listed(inputs) or [bundled_scene()], listed(metadata)
    for path in paths:
        if not os.path.lexists(path):
            raise MissingFileError("no such file or folder", file=path, todo="check the path")
    if len(paths) > 2 or (len(paths) == 2 and any(os.path.isdir(path) for path in paths)):
        raise PairError(
            f"{len(paths)} inputs were given, {sum(os.path.isdir(path) for path in paths)} of them folders",
            expected="the two images of one pair, or one folder that holds a pair",
        )
    if len(paths) == 1 and os.path.isdir(paths[0]):
        return _folder_scene(paths[0], metadata, pair)
    headers = [reader_for(path).header(path, metadata) for path in paths]
    if len(headers) == 1:
        headers.append(_partner_or_raise(headers[0], metadata))
    only = Shot(tuple(sorted(headers, key=lambda header: header.eye is Eye.RIGHT)))
    if pair is not None:
        _chosen([only], pair, paths[0])
    return _pair_scene(headers[0], headers[1], metadata)


def read_pairs(
    inputs: Sequence[Path], metadata: Sequence[Path] = (), pair: str | int | None = None, whole: bool = False
) -> Scene:
    """The scene that the inputs name, with one pair or, where they name several and none is chosen, with all.

    One or two images, and any inputs with ``pair``, are what :func:`read_scene` takes them for; a folder that holds
    one pair too.  A folder with several pairs, several folders, and more than two images are a set of frames as of
    :func:`stereo3d.read.frames.read_frames`, which must hold a pair.  No input is the first pair of the bundled scene,
    or all of them when ``whole``.

    Raises MissingFileError, ImageFileError, RecordError, PairError or FrameMismatchError, each one clear line.
    """
    paths = [Path(path) for path in inputs] or ([bundled_scene()] if whole else [])
    folders = [path for path in paths if os.path.isdir(path)]
    if pair is not None or (len(paths) <= 2 and not folders):
        return read_scene(paths, metadata, pair)
    if len(paths) == 1 and count_pairs(paths[0], metadata) < 2:
        return read_scene(paths, metadata)
    scene = read_frames(paths, metadata)
    if not scene.pairs:
        raise PairError(
            f"the {len(scene.observations)} frames hold no pair",
            file=paths[0],
            expected="the left and the right image of one shot",
        )
    return scene


def count_pairs(folder: Path, metadata: Sequence[Path] = ()) -> int:
    """How many pairs a folder holds, from the records alone.  Raises what :func:`read_scene` does where it has none."""
    described = read_scene_file(folder)
    images = described.images if described is not None else image_files(folder)
    return len(_pairs(folder, images, metadata, in_order=False))


def find_partner(header: Header, metadata: Sequence[Path] = ()) -> Header | None:
    """The other eye's image of the same shot in the image's own folder, if it is there.

    Files with product names are told apart by them; only those that may be the partner are opened.
    """
    if header.path is None or header.eye is Eye.NONE:
        return None
    own = parse_product_name(header.path.stem)
    candidates = []
    for path in image_files(header.path.parent):
        other = parse_product_name(path.stem)
        if path.name != header.path.name and (own is None or other is None or other.shot == own.shot):
            candidates.append(path)
    found = partners(header, headers_of(candidates, metadata)[0])
    return found[0] if found else None


def _folder_scene(folder: Path, metadata: Sequence[Path], pair: str | int | None) -> Scene:
    described = read_scene_file(folder)
    images = described.images if described is not None else image_files(folder)
    pairs = _pairs(folder, images, metadata, in_order=described is not None)
    if pair is None and len(pairs) > 1 and described is None:
        names = [" + ".join(_name(part.of(eye)) for eye in (Eye.LEFT, Eye.RIGHT)) for part in pairs[:3]]
        more = f" and {len(pairs) - 3} more" if len(pairs) > 3 else ""
        raise PairError(
            f"the folder holds {len(pairs)} pairs: {', '.join(names)}{more}",
            file=folder,
            expected="one",
            todo=f"choose one with --pair (1 to {len(pairs)}, or a product id), or name the two images of one",
        )
    index = 0 if pair is None else _chosen(pairs, pair, folder)
    observations, notes = read_part(pairs[index], metadata)
    if len(observations) != 2:
        raise PairError("the tiles of the pair cannot be put together: " + "; ".join(notes), file=folder)
    found = make_pair(*observations)
    simulated = found.left.mission == "simulated"
    scene = Scene(folder.resolve().name or found.name, (found.left, found.right), simulated, notes=tuple(notes))
    if described is None:
        return scene
    name = described.name if index == 0 else f"{described.name}-{index + 1}"
    truth = described.truth if index == 0 else None
    simulated = described.simulated or simulated
    return replace(scene, name=name, simulated=simulated, truth=truth, sky=described.sky)


def _pairs(folder: Path, images: Sequence[Path], metadata: Sequence[Path], in_order: bool) -> list[Shot[Header]]:
    """The pairs of a folder, each one part of a shot with both eyes: by time, or in the order of ``images``.

    Raises PairError when there is none (it says what there is); the one complaint when the images cannot be read for
    the same single reason.
    """
    if not images:
        raise PairError("the folder holds no images", file=folder, expected="a left and a right image")
    headers, complaints = headers_of(images, metadata)
    shots, _ = shots_of(headers)
    pairs = [pair for shot in shots for part in parts_of(shot) for pair in both_eyes(part)]
    if in_order:
        place = {path: index for index, path in enumerate(images)}
        pairs.sort(key=lambda pair: min(place.get(f.path, len(place)) for f in pair.frames if f.path is not None))
    if pairs:
        return pairs
    if complaints and len(headers) < 2:
        raise complaints[0]
    lefts, rights = (sum(header.eye is eye for header in headers) for eye in (Eye.LEFT, Eye.RIGHT))
    raise PairError(
        f"the folder holds no pair: {lefts} left and {rights} right images, no two of them of one shot",
        file=folder,
        expected="the left and the right image of one shot",
    )


def _chosen(pairs: Sequence[Shot[Header]], pair: str | int, file: Path) -> int:
    """The index of the pair that the user chose by number or product id.  Raises PairError when there is none."""
    text = str(pair).strip()
    if text.isdecimal() and len(text) < 6 and 1 <= int(text) <= len(pairs):
        return int(text) - 1
    for index, part in enumerate(pairs):
        if any(same_product(text, frame.product_id) for frame in part.frames):
            return index
    raise PairError(
        f"there is no pair {text[:100]} among {len(pairs)}",
        file=file,
        expected=f"a number from 1 to {len(pairs)}, or the product id of one of a pair's images",
        todo=f"the first one is {pairs[0].frames[0].product_id}",
    )


def _name(frames: Sequence[Header]) -> str:
    name = frames[0].path.name if frames[0].path is not None else frames[0].product_id
    return name if len(frames) == 1 else f"{name} ({len(frames)} tiles)"


def _pair_scene(first: Header, second: Header, metadata: Sequence[Path]) -> Scene:
    files = f"{first.path} and {second.path}"
    if first.product_id == second.product_id:
        raise PairError(
            f"both images are {first.product_id}",
            file=files,
            expected="the left and the right image of one shot, each with its own record",
        )
    if not same_camera(first, second):
        raise PairError(
            f"the images are of different cameras: {first.instrument} and {second.instrument}",
            file=files,
            expected="the two eyes of one camera",
        )
    # The headers are compared by make_pair, which needs the pixels; those of both are small beside what follows.
    observations = alike([read_header(header, metadata) for header in (first, second)])
    pair = make_pair(*observations)
    return Scene(pair.name, (pair.left, pair.right), simulated=pair.left.mission == "simulated")


def _partner_or_raise(header: Header, metadata: Sequence[Path]) -> Header:
    found = find_partner(header, metadata)
    if found is None:
        other = {Eye.LEFT: "right", Eye.RIGHT: "left"}.get(header.eye)
        raise PairError(
            f"one image was given, and no {other}-eye image of its shot lies beside it"
            if other is not None
            else f"{header.instrument} is not one eye of a stereo camera",
            file=header.path,
            expected="a left and a right image of one shot",
            todo="give the other eye's image too",
        )
    return found
