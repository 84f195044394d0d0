"""What bench_peers.py compares: other matchers, used plainly, and a pair that is not ours."""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
import zipfile
from io import BytesIO
from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import Image as PilImage

from stereo3d.camera import CAHV, pixel_grid
from stereo3d.frames import Frame
from stereo3d.image import Image
from stereo3d.observation import Eye, Observation, StereoPair
from stereo3d.stereo.disparity import RectifiedPair
from stereo3d.stereo.rectify import principal_column, rectify, reference_points
from stereo3d.stereo.triangulate import intersect
from stereo3d.stereo.truth import Truth, depth_steps

NO_DATA = -9999

# Pandora runs in the Python given to it: nothing of it is imported here.
PANDORA = """
import sys, time, warnings
warnings.simplefilter("ignore")
import numpy as np, pandora, rasterio
began = time.perf_counter()
pandora.main(sys.argv[1], sys.argv[2], False)
seconds = time.perf_counter() - began
disparity, mask = (rasterio.open(f"{sys.argv[2]}/left_{n}.tif").read(1) for n in ("disparity", "validity_mask"))
# Its documentation's invalid bits: border or no data, masked, occlusion, mismatch.
disparity[(mask.astype(int) & 0b1111000011) != 0] = np.nan
np.save(f"{sys.argv[2]}/disparity.npy", -disparity)
print("seconds", seconds)
"""


def canvas(rectified: RectifiedPair) -> tuple[list[np.ndarray], list[np.ndarray], int]:
    """Both images and masks on one grid of columns counted from the axes; and the left image's first column in it."""
    offsets = [-round(principal_column(c)) for c in (rectified.left_camera, rectified.right_camera)]
    images, masks = (rectified.left, rectified.right), (rectified.left_valid, rectified.right_valid)
    first = min(offsets)
    last = max(o + i.shape[1] for o, i in zip(offsets, images, strict=True))

    def place(data: np.ndarray, offset: int) -> np.ndarray:
        return cv2.copyMakeBorder(data, 0, 0, offset - first, last - offset - data.shape[1], cv2.BORDER_CONSTANT)

    placed = [place(i, o) for i, o in zip(images, offsets, strict=True)]
    valid = [place(v.astype(np.uint8), o) > 0 for v, o in zip(masks, offsets, strict=True)]
    return placed, valid, offsets[0] - first


def opencv(rectified: RectifiedPair, low: int, high: int, mode: int) -> tuple[np.ndarray, float]:
    """Disparity of the rectified left image, NaN = none, and the seconds of matching: SGBM as its own sample sets it.

    The images are padded, which spares it the border of ``high`` columns that it would lose.
    """
    images, _, column = canvas(rectified)
    left, right = (np.clip(np.rint(i), 0, 255).astype(np.uint8) for i in images)
    count = (high - low + 15) // 16 * 16
    block = 5
    matcher = cv2.StereoSGBM.create(
        minDisparity=low,
        numDisparities=count,
        blockSize=block,
        P1=8 * block * block,
        P2=32 * block * block,
        disp12MaxDiff=1,
        preFilterCap=63,
        uniquenessRatio=10,
        speckleWindowSize=100,
        speckleRange=2,
        mode=mode,
    )
    before = max(low + count, 0)
    began = time.perf_counter()
    pads = (0, 0, before, max(-low, 0), cv2.BORDER_REPLICATE)
    fixed = matcher.compute(cv2.copyMakeBorder(left, *pads), cv2.copyMakeBorder(right, *pads))
    seconds = time.perf_counter() - began
    fixed = fixed[:, before : before + left.shape[1]]
    values = np.where(fixed < low * 16, np.nan, fixed / 16.0).astype(np.float32)
    return values[:, column : column + rectified.left.shape[1]], seconds


def pandora(rectified: RectifiedPair, low: int, high: int, python: Path) -> tuple[np.ndarray, float]:
    """Disparity of the rectified left image by CNES's pandora, run by the interpreter ``python`` that has it.

    Census 5 x 5, SGM (plugin libsgm), winner takes all, vfit, median filter, cross-checking: its documented chain.
    """
    images, masks, column = canvas(rectified)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name, image, mask in zip(("left", "right"), images, masks, strict=True):
            tifffile.imwrite(folder / f"{name}.tif", np.where(mask, image, np.float32(NO_DATA)))
        config = {
            "input": {
                "left": {"img": str(folder / "left.tif"), "nodata": NO_DATA, "disp": [-high, -low]},
                "right": {"img": str(folder / "right.tif"), "nodata": NO_DATA},
            },
            "pipeline": {
                "matching_cost": {"matching_cost_method": "census", "window_size": 5, "subpix": 1},
                "optimization": {"optimization_method": "sgm"},
                "disparity": {"disparity_method": "wta", "invalid_disparity": "NaN"},
                "refinement": {"refinement_method": "vfit"},
                "filter": {"filter_method": "median"},
                "validation": {"validation_method": "cross_checking_accurate"},
            },
        }
        (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
        run = [str(python), "-c", PANDORA, str(folder / "config.json"), str(folder / "out")]
        done = subprocess.run(run, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"pandora failed: {done.stderr.strip().splitlines()[-1:]}")
        values = np.load(folder / "out" / "disparity.npy")
        return values[:, column : column + rectified.left.shape[1]].astype(np.float32), float(done.stdout.split()[-1])


def triangulated(pair: StereoPair, rectified: RectifiedPair, values: np.ndarray) -> np.ndarray:
    """XYZ (rows, columns, 3), m, of the left raw grid: by exact rays; no mask, no limit of range."""
    left, right = pair.left.camera, pair.right.camera
    origins, directions = left.ray(pixel_grid(left.width, left.height))
    at = rectified.left_camera.project(reference_points(origins, directions))
    x, y = (np.nan_to_num(at[..., i], nan=-1e4).astype(np.float32) for i in (0, 1))
    border = {"borderMode": cv2.BORDER_CONSTANT, "borderValue": np.nan}
    nearest, linear = (cv2.remap(values, x, y, k, **border) for k in (cv2.INTER_NEAREST, cv2.INTER_LINEAR))
    d = np.where(np.abs(linear - nearest) < 1.0, linear, nearest)
    found = np.isfinite(d) & (d > 0)
    shift = principal_column(rectified.left_camera) - principal_column(rectified.right_camera)
    partner = np.stack([at[found][:, 0] - d[found] - shift, at[found][:, 1]], axis=1)
    rays = right.ray(right.project(reference_points(*rectified.right_camera.ray(partner))))
    xyz = np.full((*d.shape, 3), np.nan)
    xyz[found] = intersect(origins[found], directions[found], *rays)[0]
    return xyz


def rectified_plainly(pair: StereoPair) -> RectifiedPair:
    """Rectified with no mask at all."""
    return rectify(pair, *(np.ones(o.image.valid.shape, dtype=bool) for o in (pair.left, pair.right)))


def motorcycle(wheel: Path) -> tuple[StereoPair, Truth]:
    """Middlebury 2014's Motorcycle at a quarter of its size, read from the wheel of scikit-image 0.19.

    Scharstein et al. 2014, "High-resolution stereo datasets with subpixel-accurate ground truth": focal length 3979.911
    px, baseline 193.001 mm, axes at (1244.772, 1019.507) and (1369.115, 1019.507) px of the full size.  The cameras
    stand 1.2 m above the ground plane of a level rover that looks ahead; there is no attitude and no sky.
    """
    with zipfile.ZipFile(wheel) as archive:
        raw = {n: archive.read(f"skimage/data/motorcycle_{n}") for n in ("left.png", "right.png", "disp.npz")}
    with np.load(BytesIO(raw["disp.npz"]), allow_pickle=False) as arrays:
        disparity = arrays[arrays.files[0]].astype(np.float64)
    focal, baseline, row = 3979.911 / 4, 0.193001, 1019.507 / 4
    forward, right, down = np.eye(3)
    frame = Frame.rover(0, 0)
    eyes = []
    for eye, column, aside in ((Eye.LEFT, 1244.772 / 4, 0.0), (Eye.RIGHT, 1369.115 / 4, baseline)):
        pixels = np.asarray(PilImage.open(BytesIO(raw[f"{eye.value}.png"])).convert("RGB"))
        rows, columns = pixels.shape[:2]
        camera = CAHV(
            frame,
            columns,
            rows,
            C=np.array([0.0, aside, -1.2]),
            A=forward,
            H=focal * right + column * forward,
            V=focal * down + row * forward,
        )
        image = Image(pixels, np.ones((rows, columns), dtype=bool))
        eyes.append(Observation(f"motorcycle {eye.value}", "Middlebury", "bench", eye, image, camera, 0, 0, 0, 0.0))
    pair = StereoPair(*eyes)
    return pair, _truth(pair, disparity, doffs=(1369.115 - 1244.772) / 4)


def _truth(pair: StereoPair, disparity: np.ndarray, doffs: float) -> Truth:
    """From the disparity map of the left image, infinite where unknown; hidden points are told by a second look."""
    left = pair.left.camera
    rows, columns = disparity.shape
    known = np.isfinite(disparity)
    focal = float(np.linalg.norm(np.cross(left.A, left.H)))
    baseline = float(np.linalg.norm(pair.right.camera.C - left.C))
    depth = np.where(known, focal * baseline / (np.where(known, disparity, 0.0) + doffs), np.nan)
    origins, directions = left.ray(pixel_grid(columns, rows))
    range_m = depth / (directions @ left.A)
    # The nearest surface seen in each column of the right image.
    x = np.arange(columns) - np.where(known, disparity, 1e6)
    at = np.rint(x).astype(np.int64)
    inside = (at >= 0) & (at < columns) & known
    seen = np.full((rows, columns), -np.inf)
    r, c = np.nonzero(inside)
    np.maximum.at(seen, (r, at[r, c]), disparity[r, c])
    both = inside.copy()
    both[r, c] = disparity[r, c] > seen[r, at[r, c]] - 1.0
    steps = depth_steps(range_m, left, pair.right.camera)
    return Truth(left.frame, range_m, origins + directions * range_m[..., None], both, steps)
