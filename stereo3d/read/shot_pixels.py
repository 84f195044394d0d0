"""The observations of a shot: its frames read, and tiles put together."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from stereo3d.errors import ImageFileError
from stereo3d.observation import Eye, Observation
from stereo3d.radiometry.bayer import alike
from stereo3d.read.protocol import Header
from stereo3d.read.readers import reader_for
from stereo3d.read.shots import F, Shot
from stereo3d.read.tiles import assemble, bounding, touching


def parts_of(shot: Shot[F]) -> list[Shot[F]]:
    """The shot in parts, each of the frames (of both eyes) whose subframes hang together."""
    known = [frame for frame in shot.frames if frame.subframe is not None]
    parts = [[known[i] for i in group] for group in touching([f.subframe for f in known if f.subframe is not None])]
    unknown = [frame for frame in shot.frames if frame.subframe is None]
    return [Shot(tuple(part)) for part in parts + ([unknown] if unknown else [])]


def both_eyes(part: Shot[F]) -> list[Shot[F]]:
    """The part as one left/right pair, or nothing; a part without subframes as the pair of its first frames.

    Only tiles that both eyes delivered count, so that both images are of the same place.
    """
    left, right = part.of(Eye.LEFT), part.of(Eye.RIGHT)
    shared = {frame.subframe for frame in left} & {frame.subframe for frame in right}
    left, right = (tuple(f for f in frames if f.subframe in shared) for frames in (left, right))
    if None in shared:
        left, right = left[:1], right[:1]
    return [Shot((*left, *right))] if left and right else []


def read_part(part: Shot[Header], metadata: Sequence[Path] = ()) -> tuple[list[Observation], list[str]]:
    """The observations of one part, one for each eye, both on the same canvas; and notes.

    Tiles that do not fit together stay apart, with a note that says why.  Raises what the readers raise.
    """
    boxes = [frame.subframe for frame in part.frames if frame.subframe is not None]
    done: list[Observation] = []
    for eye in Eye:
        frames = [read_header(frame, metadata) for frame in part.of(eye)]
        if len(boxes) < len(part.frames) or len(set(boxes)) == 1:
            done += frames
        elif frames:
            try:
                done.append(assemble(frames, bounding(boxes)))
            except ImageFileError as error:
                apart = [read_header(frame, metadata) for frame in part.frames]
                return apart, [f"left as they are: {error}"]
    return alike(done), []


def read_header(header: Header, metadata: Sequence[Path] = ()) -> Observation:
    """The observation of a header that was read before."""
    assert header.path is not None
    return reader_for(header.path).read(header.path, metadata)
