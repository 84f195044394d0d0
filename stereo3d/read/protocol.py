"""What every reader offers: an image's header (all but the pixels), and the whole observation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from stereo3d.camera import CameraModel
from stereo3d.frames import Frame, RigidTransform
from stereo3d.image import Image
from stereo3d.observation import Eye, Observation
from stereo3d.read.develop import developed


@dataclass(frozen=True, eq=False)
class Header:
    """An observation without its pixels; the fields are those of :class:`stereo3d.observation.Observation`."""

    product_id: str
    """Letters, digits, "_", "-" and "." only, at most 100 of them: safe as a part of a file name."""
    mission: str
    instrument: str
    eye: Eye
    camera: CameraModel
    sol: int
    site: int
    drive: int
    sclk_s: float
    site_from_rover: RigidTransform | None
    mast_azimuth_deg: float | None
    mast_elevation_deg: float | None
    subframe: tuple[int, int, int, int] | None
    scale_factor: int
    taken_utc: str | None
    record: Path
    """The file that holds the metadata: the record, the label, or the image itself where the label is inside."""
    path: Path | None
    """The image file; None for a record without its image."""
    sun_deg: tuple[float, float] | None = None
    companding: str | None = None
    """How the pixels are companded to 8 bits, where the record says that they are: LUT0, MSB_BIT11, ..."""

    @property
    def frame(self) -> Frame:
        """ROVER_NAV of this stop."""
        return Frame.rover(self.site, self.drive)

    @property
    def width(self) -> int:
        """Of the image, px."""
        return self.camera.width

    @property
    def height(self) -> int:
        """Of the image, px."""
        return self.camera.height

    def observation(self, image: Image) -> Observation:
        """The observation of an image file's pixels, made linear and in colour as :mod:`stereo3d.read.develop` says.

        Raises ImageFileError when their size is not the camera model's.
        """
        image, processing = developed(image, self.mission, self.companding, self.subframe, self.scale_factor)
        return Observation(
            product_id=self.product_id,
            mission=self.mission,
            instrument=self.instrument,
            eye=self.eye,
            image=image,
            camera=self.camera,
            sol=self.sol,
            site=self.site,
            drive=self.drive,
            sclk_s=self.sclk_s,
            site_from_rover=self.site_from_rover,
            mast_azimuth_deg=self.mast_azimuth_deg,
            mast_elevation_deg=self.mast_elevation_deg,
            subframe=self.subframe,
            scale_factor=self.scale_factor,
            taken_utc=self.taken_utc,
            path=str(self.path) if self.path is not None else None,
            sun_deg=self.sun_deg,
            processing=processing,
        )


class Reader(Protocol):
    """Files of one source.  A reader keeps nothing between calls."""

    suffixes: tuple[str, ...]
    """Suffixes of the image files, lower case, with the dot; used to look through a folder."""

    def accepts(self, path: Path) -> bool:
        """Whether the file is of this source, by its suffix or its first bytes.  Raises MissingFileError."""
        ...

    def header(self, path: Path, metadata: Sequence[Path] = ()) -> Header:
        """All but the pixels, which are not decoded.  ``metadata`` are files that may hold the image's record.

        Raises MissingFileError, RecordError, or ImageFileError (also when the image's size is not the record's).
        """
        ...

    def read(self, path: Path, metadata: Sequence[Path] = ()) -> Observation:
        """The observation.  Raises what :meth:`header` raises, and ImageFileError for damaged pixels."""
        ...
