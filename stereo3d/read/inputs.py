"""From what a user names (two images, one of them, a folder, nothing) to a scene with exactly one pair."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from stereo3d.errors import MissingFileError, PairError
from stereo3d.observation import Eye, make_pair
from stereo3d.read.product_name import parse_product_name
from stereo3d.read.protocol import Header
from stereo3d.read.readers import reader_for
from stereo3d.read.scene_folder import (
    bundled_scene,
    headers_of,
    image_files,
    partners,
    read_scene_file,
    same_camera,
    the_pair,
)
from stereo3d.scene import Scene


def read_scene(inputs: Sequence[Path], metadata: Sequence[Path] = ()) -> Scene:
    """The scene that the inputs name; it holds exactly one pair.

    ``inputs``: the two images of a pair in any order; one of them, when the other lies in the same folder; a folder
    that holds one pair; nothing, for the bundled scene.  ``metadata``: files with the records of images that have
    none beside them.  Raises MissingFileError, ImageFileError, RecordError or PairError, each one clear line.
    """
    paths = [Path(path) for path in inputs] or [bundled_scene()]
    for path in paths:
        if not os.path.lexists(path):
            raise MissingFileError("no such file or folder", file=path, todo="check the path")
    if len(paths) > 2 or (len(paths) == 2 and any(os.path.isdir(path) for path in paths)):
        raise PairError(
            f"{len(paths)} inputs were given, {sum(os.path.isdir(path) for path in paths)} of them folders",
            expected="the two images of one pair, or one folder that holds a pair",
        )
    if len(paths) == 1 and os.path.isdir(paths[0]):
        return _folder_scene(paths[0], metadata)
    headers = [reader_for(path).header(path, metadata) for path in paths]
    if len(headers) == 1:
        headers.append(_partner_or_raise(headers[0], metadata))
    return _pair_scene(headers[0], headers[1], metadata)


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


def _folder_scene(folder: Path, metadata: Sequence[Path]) -> Scene:
    described = read_scene_file(folder)
    images = described.images if described is not None else image_files(folder)
    left, right = (reader_for(path).header(path, metadata) for path in the_pair(folder, images, metadata))
    scene = _pair_scene(left, right, metadata)
    if described is None:
        return replace(scene, name=folder.resolve().name or scene.name)
    simulated = described.simulated or scene.simulated
    return replace(scene, name=described.name, simulated=simulated, truth=described.truth, sky=described.sky)


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
    observations = []
    for header in (first, second):
        assert header.path is not None
        observations.append(reader_for(header.path).read(header.path, metadata))
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
