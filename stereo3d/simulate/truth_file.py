"""truth.tif: the true range of each pixel of a left image, compact, and back again.

Page 1 is uint32 (rows, columns): the inverse of the range along the pixel's ray, in units of 4e-6 per m, 0 = sky or the
rover itself.
Inverse range is disparity but for a factor, so the rounding is the same everywhere: at most 2e-6 per m, or 0.0007 px
of a 1280 x 960 Navcam pair, 5e-6 m at 1.6 m and 2 mm at 30 m.  Page 2 is uint8 flags: 1 ground, 2 seen by both eyes,
4 within 5 px of a depth step.  XYZ follows from the left camera's model.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import CameraModel, pixel_grid
from stereo3d.errors import ImageFileError, MissingFileError
from stereo3d.stereo.truth import Truth

UNIT_PER_M = 4e-6
"""Step of the inverse range, 1/m."""
_GROUND, _BOTH, _STEP = 1, 2, 4
_MAX_BYTES = 1 << 30


def write_truth(path: Path, truth: Truth) -> None:
    """Write truth.tif."""
    import tifffile

    flags = (_GROUND * truth.ground + _BOTH * truth.both_eyes + _STEP * truth.near_step).astype(np.uint8)
    # A fixed description and no date: the same truth gives the same bytes.
    options = {"compression": "zlib", "compressionargs": {"level": 9}, "metadata": None, "software": False}
    inverse = np.rint(1.0 / UNIT_PER_M / np.where(truth.ground, truth.range_m, np.inf)).astype(np.uint32)
    with tifffile.TiffWriter(path) as file:
        what = f"1 / range in {UNIT_PER_M:g} per m, 0 = sky or rover"
        file.write(inverse, description=what, predictor=2, **options)
        file.write(flags, description="1 ground, 2 seen by both eyes, 4 near a depth step", **options)


def read_truth(path: Path, camera: CameraModel) -> Truth:
    """The truth of the left image that ``camera`` (in ROVER_NAV) belongs to.

    Raises MissingFileError, or ImageFileError for a file that is no truth of an image of this size.
    """
    import tifffile

    expected = f"uint32 inverse range and uint8 flags of {camera.width} x {camera.height} px"
    if not path.is_file():
        raise MissingFileError("no such file", file=path, todo="check the path of the truth")
    if path.stat().st_size > _MAX_BYTES:
        raise ImageFileError("is too large for a truth file", file=path, expected=expected)
    try:
        with tifffile.TiffFile(path) as file:
            pages = [file.pages[k] for k in range(min(2, len(file.pages)))]
            found = [(page.shape, np.dtype(page.dtype)) for page in pages]
            shape = (camera.height, camera.width)
            if found != [(shape, np.dtype(np.uint32)), (shape, np.dtype(np.uint8))]:
                raise ImageFileError("is not the truth of this image", file=path, expected=expected)
            inverse: NDArray[np.uint32] = pages[0].asarray()
            flags: NDArray[np.uint8] = pages[1].asarray()
    except ImageFileError:
        raise
    except Exception as error:  # whatever a broken TIFF makes the decoder raise
        raise ImageFileError(f"cannot be read as TIFF: {error}", file=path, expected=expected) from error
    ground = (flags & _GROUND) > 0
    if not np.array_equal(ground, inverse > 0):
        raise ImageFileError("holds ranges and flags that contradict each other", file=path, expected=expected)
    range_m = 1.0 / UNIT_PER_M / np.where(ground, inverse, np.nan)
    origins, directions = camera.ray(pixel_grid(camera.width, camera.height))
    return Truth(
        frame=camera.frame,
        range_m=range_m,
        xyz=origins + directions * range_m[..., None],
        both_eyes=(flags & _BOTH) > 0,
        near_step=(flags & _STEP) > 0,
    )
