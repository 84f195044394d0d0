"""Pointing good enough for one terrain: the mast's angles corrected so that the frames of one stop fit each other."""

from stereo3d.pointing.refine import refine_pointing
from stereo3d.pointing.result import FramePointing, OverlapResidual, Pointing

__all__ = ["FramePointing", "OverlapResidual", "Pointing", "refine_pointing"]
