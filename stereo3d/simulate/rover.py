"""The rover's own body in a simulated world: boxes, wheels and the mast, in view behind the cameras.

All of it but the mast lies within the published envelope (``calib/m2020_rover_volume.json``), so that what hides the
envelope hides the body.  The mast and a fixed head stand where no camera on the mast ever looks; they cast shadows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from stereo3d.frames import RigidTransform
from stereo3d.simulate.noise import Float, Float32
from stereo3d.simulate.rocks import RockField

_WHITE, _GREY, _DARK, _BLACK, _GOLD = range(5)
PAINT: Float32 = np.array(
    [[0.44, 0.47, 0.35], [0.27, 0.29, 0.22], [0.15, 0.16, 0.12], [0.05, 0.05, 0.04], [0.36, 0.31, 0.15]],
    dtype=np.float32,
)
"""(paints, 3) albedo as this camera sees it: white, grey, dark and black paint, golden foil."""

_PAN_AXIS = (0.80477, 0.55945)
_WHEEL_RADIUS_M, _WHEEL_X = 0.26, (1.02, -0.05, -1.12)

# (low, high) in ROVER_NAV, m, and the paint.
_BOXES: tuple[tuple[tuple[float, float, float], tuple[float, float, float], int], ...] = (
    ((-1.63, -0.73, -1.02), (1.29, 0.54, -0.47), _GOLD),
    ((-1.64, -0.74, -1.03), (1.30, 0.55, -1.01), _WHITE),
    # On the deck: covers, boxes, cable ducts, calibration targets.
    ((0.15, -0.62, -1.06), (0.75, -0.22, -1.03), _GREY),
    ((0.22, -0.55, -1.068), (0.45, -0.30, -1.06), _WHITE),
    ((0.85, -0.55, -1.055), (1.18, -0.10, -1.03), _WHITE),
    ((0.95, -0.45, -1.066), (1.05, -0.35, -1.055), _BLACK),
    ((-0.55, -0.68, -1.05), (-0.05, -0.35, -1.03), _WHITE),
    ((-0.45, 0.10, -1.066), (0.10, 0.48, -1.03), _GREY),
    ((-0.38, 0.17, -1.068), (-0.15, 0.40, -1.066), _DARK),
    ((-0.20, -0.16, -1.06), (0.02, 0.02, -1.03), _BLACK),
    ((-1.10, -0.60, -1.06), (-0.70, -0.15, -1.03), _GREY),
    ((-1.05, 0.05, -1.05), (-0.65, 0.45, -1.03), _WHITE),
    ((-1.00, 0.12, -1.066), (-0.85, 0.27, -1.05), _DARK),
    ((-1.60, -0.05, -1.045), (0.80, -0.01, -1.03), _DARK),
    ((-0.62, -0.72, -1.045), (-0.59, 0.53, -1.03), _DARK),
    ((0.12, 0.20, -1.045), (0.70, 0.235, -1.03), _DARK),
    ((0.30, 0.30, -1.055), (0.48, 0.44, -1.03), _GOLD),
    # The power source: a core with fins across.
    ((-1.93, -0.34, -1.36), (-1.27, 0.34, -0.62), _WHITE),
    *(((-1.97, -0.47 + 0.13 * k, -1.385), (-1.23, -0.445 + 0.13 * k, -0.50), _GREY) for k in (0, 1, 6, 7)),
    *(((-1.97, -0.47 + 0.13 * k, -1.395), (-1.23, -0.445 + 0.13 * k, -1.35), _GREY) for k in range(2, 6)),
    ((-1.98, -0.30, -1.25), (-1.92, 0.30, -0.70), _DARK),
    # In front: tubes, the stowed arm and its turret.
    ((1.21, -0.29, -1.08), (1.46, -0.17, -0.96), _GREY),
    ((1.21, 0.46, -1.08), (1.45, 0.54, -0.96), _GREY),
    ((1.16, 0.41, -1.18), (1.29, 0.55, -0.96), _DARK),
    ((1.12, -1.28, -1.10), (1.60, -0.98, -0.82), _GREY),
    ((1.16, -1.05, -1.18), (1.50, -0.75, -0.82), _DARK),
    ((1.13, -0.80, -1.13), (1.55, -0.52, -0.82), _WHITE),
    ((1.52, -0.95, -1.02), (1.61, -0.60, -0.90), _BLACK),
    ((1.12, -0.50, -1.12), (1.30, -0.22, -0.95), _WHITE),
    # The suspension: bars and legs on both sides.
    ((-0.70, -1.05, -0.78), (1.10, -0.93, -0.66), _GREY),
    ((-1.20, -1.05, -0.66), (0.10, -0.93, -0.56), _GREY),
    ((-0.70, 0.93, -0.53), (1.10, 1.05, -0.43), _GREY),
    ((-1.20, 0.93, -0.45), (0.10, 1.05, -0.36), _GREY),
    *(((x - 0.05, -1.03, -0.70), (x + 0.05, -0.95, -0.25), _GREY) for x in _WHEEL_X),
    *(((x - 0.05, 0.95, -0.50), (x + 0.05, 1.03, -0.25), _GREY) for x in _WHEEL_X),
)


@dataclass(frozen=True, eq=False)
class RoverMesh:
    """The rover as triangles with flat faces."""

    vertices: Float
    """(n, 3) m, three of its own for each triangle."""
    normals: Float
    """(n, 3) unit, outward."""
    faces: NDArray[np.int32]
    """(m, 3)."""
    paint: NDArray[np.int32]
    """(m,) row of :data:`PAINT`."""


def rover_mesh(to_from_rover: RigidTransform) -> RoverMesh:
    """The rover where ``to_from_rover`` puts its ROVER_NAV."""
    from trimesh.creation import box, cylinder, icosphere

    parts = [(box(bounds=(low, high)), paint) for low, high, paint in _BOXES]
    for x in _WHEEL_X:
        for y in (-1.33, 0.93):
            # Wheels of 0.4 m stand on the ground; a disk closes each rim a little inside.
            ends = ([x, y, -_WHEEL_RADIUS_M], [x, y + 0.4, -_WHEEL_RADIUS_M])
            parts.append((cylinder(_WHEEL_RADIUS_M, segment=ends, sections=36), _DARK))
    x, y = _PAN_AXIS
    parts.append((cylinder(0.05, segment=([x, y, -1.02], [x, y, -1.8]), sections=24), _WHITE))
    head = icosphere(subdivisions=2, radius=0.12)
    head.apply_translation((x, y, -1.92))
    parts.append((head, _WHITE))

    corners = np.concatenate([np.asarray(mesh.triangles, dtype=np.float64).reshape(-1, 3) for mesh, _ in parts])
    normals = np.concatenate([np.repeat(np.asarray(mesh.face_normals), 3, axis=0) for mesh, _ in parts])
    return RoverMesh(
        to_from_rover.apply(corners),
        to_from_rover.rotate(normals),
        np.arange(len(corners), dtype=np.int32).reshape(-1, 3),
        np.concatenate([np.full(len(mesh.faces), paint, dtype=np.int32) for mesh, paint in parts]),
    )


def beside_rover(field: RockField, to_from_rover: RigidTransform) -> RockField:
    """The rocks that a parked rover leaves room for: none under its wheels, none under its belly that would touch it.

    Rocks are placed north, east in the frame that ``to_from_rover`` leads to.
    """
    level = np.column_stack([field.centre, np.zeros(len(field.centre))])
    x, y, _ = to_from_rover.inverse().rotate(level).T
    reach = field.diameter_m
    wheels = (np.abs(np.abs(y) - 1.13) < 0.2 + reach) & (x > -1.4 - reach) & (x < 1.3 + reach)
    belly = (np.abs(y) < 1.3 + reach) & (x > -2.0 - reach) & (x < 1.7 + reach) & (field.diameter_m > 0.25)
    kept = ~(wheels | belly)
    return RockField(field.centre[kept], field.diameter_m[kept])
