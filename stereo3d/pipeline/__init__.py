"""The main jobs as pure functions: a scene in, measured ground out.  No files, no window."""

from stereo3d.pipeline.drives import DrivesReconstruction, reconstruct_stops
from stereo3d.pipeline.ground import Ground, measure_ground
from stereo3d.pipeline.pair import MeasuredPair, Reconstruction, enu_from_rover, measure_pair, reconstruct
from stereo3d.pipeline.report import Report
from stereo3d.pipeline.result import Result
from stereo3d.pipeline.settings import Settings
from stereo3d.pipeline.stages import Progress
from stereo3d.pipeline.whole import GroundReconstruction, reconstruct_scene

__all__ = [
    "DrivesReconstruction",
    "Ground",
    "GroundReconstruction",
    "MeasuredPair",
    "Progress",
    "Reconstruction",
    "Report",
    "Result",
    "Settings",
    "enu_from_rover",
    "measure_ground",
    "measure_pair",
    "reconstruct",
    "reconstruct_scene",
    "reconstruct_stops",
]
