"""stereo3d: from calibrated pairs of Mars rover Navcam images to measured, textured 3-D ground.

The ten names below are the public interface, the same from version to version; what they return documents itself::

    import stereo3d

    scene = stereo3d.read_scene(["LEFT.png", "RIGHT.png"])  # without arguments: the bundled scene
    made = stereo3d.reconstruct(scene)
    x, y, z = made.xyz.xyz[480, 640]                        # m, ROVER_NAV, of the left image's pixel (640, 480)
    stereo3d.write_ground(made, "crater.glb")

Each is imported when it is first used: ``import stereo3d`` alone loads no library.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from stereo3d.errors import Stereo3dError
    from stereo3d.export.ground import write_ground
    from stereo3d.export.panorama import write_panorama
    from stereo3d.pipeline import Reconstruction, Settings, reconstruct, reconstruct_scene
    from stereo3d.pipeline.panorama import make_panorama
    from stereo3d.read import read_frames, read_scene

__all__ = [
    "Reconstruction",
    "Settings",
    "Stereo3dError",
    "make_panorama",
    "read_frames",
    "read_scene",
    "reconstruct",
    "reconstruct_scene",
    "write_ground",
    "write_panorama",
]

__version__ = "0.1.0"

_HOMES = {
    "Reconstruction": "stereo3d.pipeline",
    "Settings": "stereo3d.pipeline",
    "Stereo3dError": "stereo3d.errors",
    "make_panorama": "stereo3d.pipeline.panorama",
    "read_frames": "stereo3d.read",
    "read_scene": "stereo3d.read",
    "reconstruct": "stereo3d.pipeline",
    "reconstruct_scene": "stereo3d.pipeline",
    "write_ground": "stereo3d.export.ground",
    "write_panorama": "stereo3d.export.panorama",
}
"""Public name to the module that has it, as above for type checkers (a test compares the two)."""


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


if not TYPE_CHECKING:  # or a type checker would take any name for granted

    def __getattr__(name):
        """PEP 562: the public name, imported now."""
        if name not in _HOMES:
            raise AttributeError(f"module 'stereo3d' has no attribute '{name}'")
        value = getattr(import_module(_HOMES[name]), name)
        globals()[name] = value
        return value
