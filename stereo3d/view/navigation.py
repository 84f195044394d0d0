"""Moving the view: pure functions from one :class:`Viewpoint` to the next.  Z is up and stays up.

``focus`` (3,) is the point of the ground (ENU, m) that an orbiting view turns about.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stereo3d.view.viewpoint import UP, Viewpoint

Float = NDArray[np.float64]

EYE_HEIGHT_M = 1.7
"""Where a walker's eyes are above the ground."""

_STEEPEST_RAD = np.radians(89.0)


def aimed(view: Viewpoint, eye: Float, azimuth_rad: float, elevation_rad: float) -> Viewpoint:
    """``view`` moved to ``eye`` and turned to a compass azimuth (from north to east) and an elevation."""
    elevation = float(np.clip(elevation_rad, -_STEEPEST_RAD, _STEEPEST_RAD))
    level = np.array([np.sin(azimuth_rad), np.cos(azimuth_rad), 0.0])
    return replace(view, eye=eye, forward=np.cos(elevation) * level + np.sin(elevation) * UP, up=UP)


def angles(view: Viewpoint) -> tuple[float, float]:
    """Compass azimuth and elevation (rad) of the direction of view."""
    return float(np.radians(view.heading_deg)), float(np.arcsin(np.clip(view.forward[2], -1.0, 1.0)))


def look(view: Viewpoint, right_rad: float, up_rad: float) -> Viewpoint:
    """Turn the head in place."""
    azimuth, elevation = angles(view)
    return aimed(view, view.eye, azimuth + right_rad, elevation + up_rad)


def orbit(view: Viewpoint, focus: Float, right_rad: float, up_rad: float) -> Viewpoint:
    """Swing the eye about ``focus``: to the right, and up over it; ``focus`` keeps its place in the picture."""
    azimuth, elevation = angles(view)
    turned = aimed(view, view.eye, azimuth - right_rad, elevation - up_rad)
    away = focus - view.eye
    eye = focus - sum(
        float(away @ old) * new
        for old, new in ((view.right, turned.right), (view.up, turned.up), (view.forward, turned.forward))
    )
    return replace(turned, eye=eye)


def nearer(view: Viewpoint, focus: Float, factor: float) -> Viewpoint:
    """Go towards ``focus`` until what lies there is ``factor`` times as large (1 cm short of it at most)."""
    if view.parallel:
        return replace(view, half_height=float(np.clip(view.half_height / factor, 0.05, 1e5)))
    away = view.eye - focus
    distance = float(np.linalg.norm(away))
    return replace(view, eye=focus + away * (max(distance / factor, 0.01) / max(distance, 1e-9)))


def pan(view: Viewpoint, focus: Float, right_px: float, up_px: float, height_px: int) -> tuple[Viewpoint, Float]:
    """Shift eye and focus so that the ground at ``focus`` follows a drag of so many pixels."""
    depth = 1.0 if view.parallel else abs(float((focus - view.eye) @ view.forward))
    unit = 2.0 * view.half_height * depth / height_px
    shift = -unit * (right_px * view.right + up_px * view.up)
    return replace(view, eye=view.eye + shift), focus + shift


def stand(view: Viewpoint, ground_height: Callable[[float, float], float]) -> Viewpoint:
    """Put the feet on the ground below the eye; where there is none, stay at the same height."""
    ground = ground_height(float(view.eye[0]), float(view.eye[1]))
    if not np.isfinite(ground):
        return view
    return replace(view, eye=np.array([view.eye[0], view.eye[1], ground + EYE_HEIGHT_M]))


def step(view: Viewpoint, ahead_m: float, right_m: float, ground_height: Callable[[float, float], float]) -> Viewpoint:
    """Walk over the ground: level distances along and across the direction of view."""
    azimuth, _ = angles(view)
    sin, cos = np.sin(azimuth), np.cos(azimuth)
    move = np.array([ahead_m * sin + right_m * cos, ahead_m * cos - right_m * sin, 0.0])
    return stand(replace(view, eye=view.eye + move), ground_height)


def fly(view: Viewpoint, ahead_m: float, right_m: float, up_m: float) -> Viewpoint:
    """Move freely: along and across the direction of view, and straight up."""
    return replace(view, eye=view.eye + ahead_m * view.forward + right_m * view.right + up_m * UP)
