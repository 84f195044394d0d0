"""The table of readers, and the two functions that find the one for a file."""

from __future__ import annotations

from pathlib import Path

from stereo3d.errors import ImageFileError
from stereo3d.observation import Observation
from stereo3d.read.pds3 import Pds3Reader
from stereo3d.read.pds4 import Pds4Reader
from stereo3d.read.protocol import Reader
from stereo3d.read.raw_feed import RawFeedReader
from stereo3d.read.vicar import VicarReader

READERS: tuple[Reader, ...] = (RawFeedReader(), VicarReader(), Pds3Reader(), Pds4Reader())
"""Asked in this order; a reader of another source is one more entry."""


def reader_for(path: Path) -> Reader:
    """The first reader that accepts the file.  Raises MissingFileError, or ImageFileError when none does."""
    for reader in READERS:
        if reader.accepts(path):
            return reader
    suffix = path.suffix.lower()
    if suffix == ".json":
        what, todo = "is a record, not an image", "give the image; its record is found beside it, or with --metadata"
    elif suffix in (".img", ".vic"):
        what, todo = "has no VICAR or PDS3 label at its start", "put its label (.LBL, .xml) of the same name beside it"
    else:
        what, todo = "is no image of a format that is readable", None
    expected = "PNG or JPEG of the raw feed, VICAR or PDS3 (.IMG, .VIC, .LBL), or a PDS4 label (.xml)"
    raise ImageFileError(what, file=path, expected=expected, todo=todo)


def read_observation(path: Path, metadata: Path | None = None) -> Observation:
    """Read one image with its camera.  ``metadata`` is a file that holds its record, if that is not beside it.

    Raises MissingFileError, ImageFileError or RecordError.
    """
    return reader_for(path).read(path, () if metadata is None else (metadata,))
