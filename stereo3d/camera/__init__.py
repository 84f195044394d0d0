"""Camera models: CAHV, CAHVOR and CAHVORE behind one protocol."""

from stereo3d.camera.cahv import CAHV
from stereo3d.camera.cahvor import CAHVOR
from stereo3d.camera.cahvore import CAHVORE
from stereo3d.camera.model import CameraModel, inside, pixel_grid

__all__ = ["CAHV", "CAHVOR", "CAHVORE", "CameraModel", "inside", "pixel_grid"]
