"""What the stages depend on besides what they are given: a result that is kept is as good as the code that made it."""

from __future__ import annotations

from dataclasses import replace

from stereo3d.camera import CAHV, CAHVOR, CAHVORE, CameraModel
from stereo3d.observation import Observation

CAMERAS = {CameraModel: (CAHV, CAHVOR, CAHVORE)}
"""The classes behind the protocol, for :func:`stereo3d.store.recall`."""

_VALUES = ("errors", "frames", "image", "camera", "observation", "scene", "libraries", "pipeline", "processes", "store")
STEREO = (*_VALUES, "stereo")
"""The modules and folders that the measuring of a pair stands on."""
POINTING = (*STEREO, "pointing")
"""And those that the refinement of pointing stands on."""
TERRAIN = (*POINTING, "panorama", "terrain")
"""And those that fusion, mesh and texture stand on."""


def nameless(observation: Observation) -> Observation:
    """The observation wherever its file lies."""
    return replace(observation, path=None)
