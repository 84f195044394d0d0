"""An observation (one image with its camera and pose) and the left/right pair of one shot."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from stereo3d.camera import CameraModel
from stereo3d.errors import FrameMismatchError, ImageFileError, PairError
from stereo3d.frames import Frame, RigidTransform
from stereo3d.image import Image


class Eye(Enum):
    """Which camera of a stereo rig took the image."""

    LEFT = "left"
    RIGHT = "right"
    NONE = "none"
    """Not one of a stereo rig."""


def credit_of(mission: str) -> str:
    """Whom to credit for images of ``mission``, as every product says it."""
    return "simulated by stereo3d: a made-up world, not Mars" if mission == "simulated" else "images: NASA/JPL-Caltech"


@dataclass(frozen=True, eq=False)
class Observation:
    """One image as delivered, with the camera model of exactly these pixels, in ROVER_NAV."""

    product_id: str
    mission: str
    """"Mars 2020", "MSL", ..., or "simulated"."""
    instrument: str
    """As the record names it, for example NAVCAM_LEFT."""
    eye: Eye
    image: Image
    camera: CameraModel
    sol: int
    site: int
    drive: int
    sclk_s: float
    """Spacecraft clock at the exposure, s; the eyes of one shot share it to within a second."""
    site_from_rover: RigidTransform | None = None
    """The rover's pose (attitude and position, m) in the SITE frame; None when the record has no attitude."""
    mast_azimuth_deg: float | None = None
    mast_elevation_deg: float | None = None
    subframe: tuple[int, int, int, int] | None = None
    """(first column, first row, width, height) on the full sensor, px, counted from 1 as in the record."""
    scale_factor: int = 1
    """Sensor pixels per image pixel, along a side."""
    taken_utc: str | None = None
    path: str | None = None
    """The file that it was read from, for messages."""
    sun_deg: tuple[float, float] | None = None
    """Azimuth of the Sun, clockwise from north, and its elevation over the level horizon, as the record says or as
    follows from the time; None: not known."""
    processing: tuple[str, ...] = ()
    """What was done to the delivered pixels, in order, for people to read: decompanded, debayered, flat-fielded."""

    def __post_init__(self) -> None:
        if (self.camera.width, self.camera.height) != (self.image.width, self.image.height):
            raise ImageFileError(
                f"the image has {self.image.width} x {self.image.height} px, its camera model is of "
                f"{self.camera.width} x {self.camera.height} px",
                file=self.path,
                expected="the same size",
                todo="give the full-size image that the record describes",
            )
        if self.camera.frame != self.frame:
            raise FrameMismatchError(f"the camera is in {self.camera.frame}, the rover in {self.frame}", file=self.path)

    @property
    def frame(self) -> Frame:
        """ROVER_NAV of this stop."""
        return Frame.rover(self.site, self.drive)

    @property
    def level_from_rover(self) -> RigidTransform:
        """ROVER_NAV to LOCAL_LEVEL (X north, Y east, Z down, same origin).

        Without an attitude in the record the rover is taken as level and facing north.
        """
        level = Frame.local_level(self.site, self.drive)
        if self.site_from_rover is None:
            return RigidTransform(level, self.frame)
        return RigidTransform(level, self.frame, self.site_from_rover.rotation)


@dataclass(frozen=True, eq=False)
class StereoPair:
    """The left and the right image of one shot.  Use :func:`make_pair` when the order is not known."""

    left: Observation
    right: Observation

    def __post_init__(self) -> None:
        left, right = self.left, self.right
        files = " and ".join(o.path or o.product_id for o in (left, right))
        if left.eye is not Eye.LEFT or right.eye is not Eye.RIGHT:
            found = f"{left.eye.value} and {right.eye.value}"
            raise PairError(
                f"the images are {found}",
                file=files,
                expected="one of the left eye and one of the right eye of the same camera",
                todo="give the other eye's image of the same shot",
            )
        if (left.mission, left.site, left.drive) != (right.mission, right.site, right.drive):
            raise PairError(
                f"the images were taken at different places: {left.mission} site {left.site} drive {left.drive}, "
                f"{right.mission} site {right.site} drive {right.drive}",
                file=files,
                expected="two images of one shot",
            )
        if abs(left.sclk_s - right.sclk_s) > 1.5 or left.subframe != right.subframe:
            what = "clocks" if abs(left.sclk_s - right.sclk_s) > 1.5 else "subframes"
            a, b = (left.sclk_s, right.sclk_s) if what == "clocks" else (left.subframe, right.subframe)
            raise PairError(
                f"the images are of different shots: their {what} are {a} and {b}",
                file=files,
                expected="the left and right image of the same shot",
            )

    @property
    def frame(self) -> Frame:
        """ROVER_NAV of the stop."""
        return self.left.frame

    @property
    def name(self) -> str:
        """The left image's product id."""
        return self.left.product_id


def make_pair(first: Observation, second: Observation) -> StereoPair:
    """The pair of two observations in any order.  Raises PairError when they are not of one shot."""
    if first.eye is Eye.RIGHT and second.eye is Eye.LEFT:
        first, second = second, first
    return StereoPair(first, second)
