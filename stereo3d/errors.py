"""The error family of stereo3d.

Every error is a :class:`Stereo3dError` and also the builtin that it resembles, so that callers may catch
either.  A message is one line: what is wrong, in which file, what was expected, what to do next.
"""

from __future__ import annotations

from pathlib import Path


class Stereo3dError(Exception):
    """Base of all errors that stereo3d raises on purpose.

    ``what`` says what is wrong; ``file`` (and ``line``, for a label) where; ``expected`` what would have been
    right; ``todo`` what the user can do next.  ``str(error)`` is all of it in one line.
    """

    def __init__(
        self,
        what: str,
        *,
        file: str | Path | None = None,
        line: int | None = None,
        expected: str | None = None,
        todo: str | None = None,
    ) -> None:
        self.what = what
        self.file = str(file) if file is not None else None
        self.line = line
        self.expected = expected
        self.todo = todo
        super().__init__(what)

    def __str__(self) -> str:
        text = self.what
        if self.file is not None:
            where = self.file if self.line is None else f"{self.file}, line {self.line}"
            text = f"{where}: {text}"
        if self.expected:
            text += f"; expected {self.expected}"
        if self.todo:
            text += f"; {self.todo}"
        # Names and values from strangers' files may hold line breaks or terminal escapes.
        return "".join(c if c.isprintable() else " " for c in text)


class MissingFileError(Stereo3dError, FileNotFoundError):
    """A file or folder that the caller named does not exist."""


class ImageFileError(Stereo3dError, ValueError):
    """An image file cannot be decoded, or is not of an acceptable size or kind."""


class RecordError(Stereo3dError, ValueError):
    """A metadata record is missing, is not readable, or lacks what is needed."""


class PairError(Stereo3dError, ValueError):
    """The observations given do not form a left/right pair of one shot."""


class FrameMismatchError(Stereo3dError, ValueError):
    """Quantities of different coordinate frames were about to be mixed."""


class StereoError(Stereo3dError, ValueError):
    """A pair is well formed, but nothing can be measured from it."""


class PanoramaError(Stereo3dError, ValueError):
    """The frames given do not make the panorama that was asked for."""


class CalibrationError(Stereo3dError, ValueError):
    """The frames given do not determine a calibration, or a calibration file cannot be used."""


class OutputError(Stereo3dError, OSError):
    """A result cannot be written where the caller asked for it."""


class FeedError(Stereo3dError, ConnectionError):
    """A public feed cannot be reached, refuses, or answers what cannot be used."""


class MissingLibraryError(Stereo3dError, ImportError):
    """A library, or a system library below it, is not installed."""
