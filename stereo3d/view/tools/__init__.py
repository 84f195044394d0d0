"""Measuring tools, each number with its sigma: pure functions, no window.

All take places of the ground (:class:`Measurement`, or anything with ``xyz_enu`` and ``covariance``) and take the
errors of different places as independent.  What neighbours share (the doubt about vergence, the matcher's window) makes
the true error of a short distance smaller than the sigma told.
"""

from stereo3d.view.tools.areas import Area, area
from stereo3d.view.tools.ground import ground_within
from stereo3d.view.tools.lines import Angle, Distance, Polyline, angle, distance, polyline_length
from stereo3d.view.tools.planes import Height, PlaneFit, height_above_plane, plane_fit
from stereo3d.view.tools.point import Measurement, Sightline, azimuth_elevation, measure_point, pick
from stereo3d.view.tools.profile import Profile, profile, profile_csv, profile_picture
from stereo3d.view.tools.propagate import Place, propagate
from stereo3d.view.tools.table import TOOLS, Tool

__all__ = [
    "TOOLS",
    "Angle",
    "Area",
    "Distance",
    "Height",
    "Measurement",
    "Place",
    "PlaneFit",
    "Polyline",
    "Profile",
    "Sightline",
    "Tool",
    "angle",
    "area",
    "azimuth_elevation",
    "distance",
    "ground_within",
    "height_above_plane",
    "measure_point",
    "pick",
    "plane_fit",
    "polyline_length",
    "profile",
    "profile_csv",
    "profile_picture",
    "propagate",
]
