"""A scene: observations, the pairs among them, and the frame that they share."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from stereo3d.errors import FrameMismatchError, PairError
from stereo3d.frames import Frame
from stereo3d.observation import Eye, Observation, StereoPair


@dataclass(frozen=True, eq=False)
class Scene:
    """Observations of one stop of the rover.  Images of different stops never merge silently."""

    name: str
    observations: tuple[Observation, ...]
    simulated: bool = False
    """True when the images were rendered from a made-up world."""
    truth: Path | None = None
    """The file with the true XYZ of the first pair's left image, when the scene has one."""
    notes: tuple[str, ...] = ()
    """A line for each file that was passed over when the scene was read, and for what else a user should know."""

    def __post_init__(self) -> None:
        frames = {f"{o.mission} {o.frame}" for o in self.observations}
        if len(frames) > 1:
            raise FrameMismatchError(
                f"{self.name}: images of different stops: {', '.join(sorted(frames))}",
                expected="images of one site and drive",
                todo="give the images of each stop on their own",
            )

    @property
    def frame(self) -> Frame:
        """ROVER_NAV of the stop."""
        return self.observations[0].frame

    @property
    def pairs(self) -> tuple[StereoPair, ...]:
        """All left/right pairs of one shot and one subframe, in order of time."""
        found = []
        rights = [o for o in self.observations if o.eye is Eye.RIGHT]
        for left in sorted((o for o in self.observations if o.eye is Eye.LEFT), key=lambda o: o.sclk_s):
            for right in rights:
                try:
                    found.append(StereoPair(left, right))
                except PairError:
                    continue
                break
        return tuple(found)
