"""From the numbers of a file to those of the scene: companding undone where the record says so, mosaics in colour."""

from __future__ import annotations

from stereo3d.image import Image
from stereo3d.radiometry.bayer import DEBAYERED, debayer, find_phase
from stereo3d.radiometry.companding import decompanded


def developed(
    image: Image, mission: str, companding: str | None, subframe: tuple[int, int, int, int] | None, scale_factor: int
) -> tuple[Image, tuple[str, ...]]:
    """The image as everything after reading takes it, and notes of what was done to it, for people to read.

    ``companding``: the mode of pixels that the record says to be companded; ``subframe`` and ``scale_factor`` as in
    :class:`stereo3d.observation.Observation`.  A grey or colour image with linear numbers comes back as it is.
    """
    notes: list[str] = []
    if companding is not None:
        image, note = decompanded(image, mission, companding)
        notes.append(note)
    if image.is_mosaic:
        phase = find_phase(image, mission, subframe, scale_factor)
        image = debayer(image, phase)
        notes.append(f"{DEBAYERED} here from a raw mosaic, {phase.pattern}")
    return image, tuple(notes)
