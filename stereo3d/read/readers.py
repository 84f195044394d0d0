"""The table of readers, and the two functions that find the one for a file."""

from __future__ import annotations

from pathlib import Path

from stereo3d.errors import ImageFileError
from stereo3d.observation import Observation
from stereo3d.read.protocol import Reader
from stereo3d.read.raw_feed import RawFeedReader

READERS: tuple[Reader, ...] = (RawFeedReader(),)
"""Asked in this order; a reader of another source is one more entry."""

_NOT_YET = {
    ".img": "PDS3 and VICAR images (.IMG)",
    ".vic": "VICAR images (.VIC)",
    ".xml": "PDS4 labels (.xml)",
    ".lbl": "PDS3 labels (.LBL)",
}


def reader_for(path: Path) -> Reader:
    """The first reader that accepts the file.  Raises MissingFileError, or ImageFileError when none does."""
    for reader in READERS:
        if reader.accepts(path):
            return reader
    suffix = path.suffix.lower()
    if suffix == ".json":
        what, todo = "is a record, not an image", "give the image; its record is found beside it, or with --metadata"
    elif suffix in _NOT_YET:
        what, todo = f"{_NOT_YET[suffix]} are not readable yet", "give the raw feed's PNG or JPEG of this product"
    else:
        what, todo = "is no image of a format that is readable", None
    raise ImageFileError(what, file=path, expected="PNG or JPEG images of the raw feed with JSON records", todo=todo)


def read_observation(path: Path, metadata: Path | None = None) -> Observation:
    """Read one image with its camera.  ``metadata`` is a file that holds its record, if that is not beside it.

    Raises MissingFileError, ImageFileError or RecordError.
    """
    return reader_for(path).read(path, () if metadata is None else (metadata,))
