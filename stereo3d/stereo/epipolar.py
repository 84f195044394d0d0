"""How well the camera models agree with the pictures: the row difference of matches after rectification."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from stereo3d.stereo.disparity import RectifiedPair
from stereo3d.stereo.match import contrast_normalised
from stereo3d.stereo.rectify import focal_px, principal_column

_MAX_ROWS_APART = 3.0
_FEATURES = 3000
_LONG_SIDE_PX = 1300


@dataclass(frozen=True)
class EpipolarResidual:
    """Row difference, left minus right, of sparse matches between the rectified images."""

    matches: int
    median_px: float
    mad_px: float
    """Median absolute deviation from the median, px."""


def epipolar_residual(pair: RectifiedPair) -> EpipolarResidual:
    """Measure with SIFT features (Lowe 2004) matched both ways; NaN px with fewer than 12 matches.

    Only matches within 3 rows and with a disparity that ground can have are counted; both limits are far wider than
    what calibrated pairs show.
    """
    longest = max(pair.left.shape[0], pair.left.shape[1], pair.right.shape[1])
    scale = min(1.0, _LONG_SIDE_PX / longest)
    sift = cv2.SIFT.create(_FEATURES)
    found = []
    for image, valid in ((pair.left, pair.left_valid), (pair.right, pair.right_valid)):
        # Features at the mask's edge would be features of the mask.
        mask = cv2.erode(valid.astype(np.uint8), np.ones((15, 15), np.uint8))
        even = contrast_normalised(image, valid)
        if scale < 1.0:
            even = cv2.resize(even, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            mask = cv2.resize(mask, even.shape[::-1], interpolation=cv2.INTER_NEAREST)
        keys, descriptors = sift.detectAndCompute(even, mask)
        if descriptors is None:
            return EpipolarResidual(0, float("nan"), float("nan"))
        # Key points count from pixel centres, as we do; reduced pixels hold several.
        found.append(((np.array([k.pt for k in keys]) + 0.5) / scale - 0.5, descriptors))
    (left, left_descriptors), (right, right_descriptors) = found
    pairs = cv2.BFMatcher(cv2.NORM_L2, crossCheck=True).match(left_descriptors, right_descriptors)
    a, b = left[[m.queryIdx for m in pairs]], right[[m.trainIdx for m in pairs]]
    shift = principal_column(pair.left_camera) - principal_column(pair.right_camera)
    disparity = a[:, 0] - b[:, 0] - shift
    rows = a[:, 1] - b[:, 1]
    most = focal_px(pair.left_camera) * float(np.linalg.norm(pair.right_camera.C - pair.left_camera.C))
    rows = rows[(np.abs(rows) < _MAX_ROWS_APART) & (disparity > -3.0) & (disparity < most)]
    if rows.size < 12:
        return EpipolarResidual(int(rows.size), float("nan"), float("nan"))
    median = float(np.median(rows))
    return EpipolarResidual(int(rows.size), round(median, 4), round(float(np.median(np.abs(rows - median))), 4))
