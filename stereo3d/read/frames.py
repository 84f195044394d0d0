"""From what a user names (frames, folders, scenes) to a scene of many observations of one stop of the rover."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from stereo3d.errors import FrameMismatchError, ImageFileError, MissingFileError, PairError, RecordError, Stereo3dError
from stereo3d.read.paths import Inputs, listed
from stereo3d.read.protocol import Header
from stereo3d.read.readers import reader_for
from stereo3d.read.scene_folder import SceneFile, bundled_scene, image_files, read_scene_file
from stereo3d.read.shot_pixels import parts_of, read_part
from stereo3d.read.shots import Shot, rig, shots_of, without_copies
from stereo3d.scene import Scene

MAX_FRAMES = 600
"""A full circle of whole-sensor frames: ten pointings, two eyes, 16 tiles each, and as many previews again."""
MAX_MEGAPIXELS = 600
"""All frames together: they are held in memory, 1.8 GB in colour."""


def read_frames(inputs: Inputs = (), metadata: Inputs = ()) -> Scene:
    """All frames that the inputs name, of one stop of the rover, as one scene; its observations are in order of time.

    ``inputs``, a path or a list of some: any number of images, folders of images and scene folders; nothing is the
    bundled scene.  Copies of a product, thumbnails, other cameras' frames, and files of a folder that are no frame are
    left out, each with a line in the scene's ``notes``; tiles of one shot and eye are assembled.  ``metadata`` as of
    :func:`read_scene`.

    Raises, each one clear line: MissingFileError; what a reader raises for a file that was named, or for a folder in
    which nothing is readable; RecordError for a frame without attitude among others that have one;
    FrameMismatchError for several missions or several stops; ImageFileError for more frames than memory holds.
    """
    paths, metadata = listed(inputs) or [bundled_scene()], listed(metadata)
    headers, notes, described = _headers(paths, metadata)
    headers, more = without_copies(headers)
    notes += more
    headers = _one_camera(headers, notes)
    _check_stop(headers)
    return _scene(headers, notes, described if len(paths) == 1 else [], _folder_name(paths), metadata)


def read_stops(inputs: Sequence[Path], metadata: Sequence[Path] = ()) -> tuple[Scene, ...]:
    """As :func:`read_frames`, but the frames may be of several stops: a scene for each, in the order in which the
    inputs name them.  What a scene.toml says holds for the stops of its folder; notes on files are the first one's.

    Raises what :func:`read_frames` does, but for several stops; PairError for a stop without a pair.
    """
    paths = [Path(path) for path in inputs] or [bundled_scene()]
    headers, notes, described = _headers(paths, metadata)
    named = headers
    headers, more = without_copies(headers)
    notes += more
    headers = _one_camera(headers, notes)
    stops: dict[tuple[str, int, int], list[Header]] = {_stop(header): [] for header in named}
    for header in headers:
        stops[_stop(header)].append(header)
    _check_memory([shot for group in stops.values() for shot in shots_of(group)[0]], paths[0])
    scenes = []
    for (_, site, drive), group in stops.items():
        if not group:
            continue
        folders = {header.path.parent for header in group if header.path is not None}
        own = [scene for scene in described if {image.parent for image in scene.images} == folders]
        name = f"site {site} drive {drive}"
        scene = _scene(group, notes, own, name, metadata)
        if not scene.pairs:
            raise PairError(
                f"the {len(scene.observations)} frames of {name} hold no pair",
                file=group[0].path,
                expected="the left and the right image of one shot",
            )
        scenes.append(scene)
        notes = []
    return tuple(scenes)


def _stop(header: Header) -> tuple[str, int, int]:
    return header.mission, header.site, header.drive


def _scene(
    headers: list[Header],
    notes: list[str],
    described: Sequence[SceneFile],
    name: str,
    metadata: Sequence[Path],
) -> Scene:
    """The scene of the frames of one stop, with their pixels; without a ``name``, that of the first product."""
    notes = list(notes)
    _check_poses(headers)
    shots, more = shots_of(headers)
    notes += more
    _check_memory(shots, headers[0].path or Path(headers[0].product_id))
    observations = []
    for part in (part for shot in shots for part in parts_of(shot)):
        found, more = read_part(part, metadata)
        observations += found
        notes += more
    simulated = all(o.mission == "simulated" for o in observations)
    name, sky = name or observations[0].product_id, True
    if len(described) == 1:
        name, sky = described[0].name, described[0].sky
        simulated = simulated or described[0].simulated
    return Scene(name, tuple(observations), simulated=simulated, notes=tuple(notes), sky=sky)


def _headers(paths: Sequence[Path], metadata: Sequence[Path]) -> tuple[list[Header], list[str], list[SceneFile]]:
    """The headers of all files, notes on those that were passed over, and the scene files."""
    headers: list[Header] = []
    complaints: list[Stereo3dError] = []
    scenes = []
    for path in paths:
        if not os.path.lexists(path):
            raise MissingFileError("no such file or folder", file=path, todo="check the path")
        if not os.path.isdir(path):
            headers.append(_with_image(reader_for(path).header(path, metadata), path))
            continue
        described = read_scene_file(path)
        scenes.append(described)
        images = described.images if described is not None else image_files(path)
        if not images:
            raise MissingFileError("the folder holds no images", file=path, expected="frames of one stop of the rover")
        for image in images:
            try:
                headers.append(_with_image(reader_for(image).header(image, metadata), image))
            except Stereo3dError as error:
                if described is not None:  # a scene that names a file means it
                    raise
                complaints.append(error)
            if len(headers) > MAX_FRAMES:
                break
    if len(headers) > MAX_FRAMES:
        raise ImageFileError(
            f"more than {MAX_FRAMES} frames were given",
            file=paths[0],
            expected="the frames of one stop of the rover",
            todo="give fewer of them",
        )
    if not headers:
        raise complaints[0]
    notes = [f"left out: {error}" for error in complaints]
    return headers, notes, [scene for scene in scenes if scene is not None]


def _with_image(header: Header, path: Path) -> Header:
    if header.path is None:
        raise RecordError("is a label without its image", file=path, expected="the image beside it")
    return header


def _one_camera(headers: list[Header], notes: list[str]) -> list[Header]:
    """The frames of the camera that took the most of them."""
    counts = Counter((header.mission, rig(header)) for header in headers)
    if len({mission for mission, _ in counts}) > 1:
        return headers  # which of two missions is meant is not ours to say
    most = counts.most_common(1)[0][0]
    kept = [header for header in headers if (header.mission, rig(header)) == most]
    for header in headers:
        if (header.mission, rig(header)) != most:
            notes.append(f"{_file(header)}: left out, it is of {header.instrument} and most frames are not")
    return kept


def _check_stop(headers: Sequence[Header]) -> None:
    """Raise FrameMismatchError unless all headers are of one mission, site and drive."""
    for what, key, expected in (
        ("missions", lambda h: h.mission, "frames of one rover"),
        ("stops of the rover", lambda h: f"site {h.site} drive {h.drive}", "frames of one site and drive"),
    ):
        groups: dict[str, list[Header]] = {}
        for header in headers:
            groups.setdefault(key(header), []).append(header)
        if len(groups) > 1:
            count = 3 if len(groups) == 2 else 1
            some = [f"{name}: {_listed(group, count)}" for name, group in list(groups.items())[:4]]
            more = f"; and {len(groups) - 4} more" if len(groups) > 4 else ""
            raise FrameMismatchError(
                f"the frames are of {len(groups)} {what}: {'; '.join(some)}{more}",
                expected=expected,
                todo="give the frames of one of them"
                + (
                    ""
                    if what == "missions"
                    else ", or place stops side by side with --across-drives (view, export, map)"
                ),
            )


def _check_poses(headers: Sequence[Header]) -> None:
    """Raise RecordError when some frames have an attitude and others none."""
    without = [header for header in headers if header.site_from_rover is None]
    if without and len(without) < len(headers):
        raise RecordError(
            f"the record of {_listed(without)} has no attitude of the rover, those of the other frames have one",
            file=without[0].record,
            expected='the field "attitude"',
            todo="leave the frame out, or give its full record with --metadata",
        )


def _check_memory(shots: Sequence[Shot[Header]], path: Path) -> None:
    total = sum(f.camera.width * f.camera.height for shot in shots for f in shot.frames) / 1e6
    if total > MAX_MEGAPIXELS:
        raise ImageFileError(
            f"the frames have {total:.0f} million pixels in all",
            file=path,
            expected=f"at most {MAX_MEGAPIXELS} million",
            todo="give fewer frames, or those of a smaller scale",
        )


def _listed(headers: Sequence[Header], count: int = 3) -> str:
    more = f" and {len(headers) - count} more" if len(headers) > count else ""
    return ", ".join(_file(header) for header in headers[:count]) + more


def _file(header: Header) -> str:
    return header.path.name if header.path is not None else header.product_id


def _folder_name(paths: Sequence[Path]) -> str:
    """That of the one folder that was named; empty where there are several, or images."""
    return paths[0].resolve().name if len(paths) == 1 and os.path.isdir(paths[0]) else ""
