"""Scenes: observations of one stop, and the pairs among them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from stereo3d.camera import CAHV
from stereo3d.errors import FrameMismatchError
from stereo3d.frames import Frame
from stereo3d.image import Image
from stereo3d.observation import Eye, Observation
from stereo3d.scene import Scene


def _observation(eye: Eye, sclk_s: float, site: int = 37, drive: int = 2562, **changes: Any) -> Observation:
    x, y, z = np.eye(3)
    return Observation(
        **{
            "product_id": f"{eye.value}-{sclk_s}",
            "mission": "Mars 2020",
            "instrument": "NAVCAM",
            "eye": eye,
            "image": Image(np.zeros((4, 4), dtype=np.uint8), np.ones((4, 4), dtype=bool)),
            "camera": CAHV(Frame.rover(site, drive), 4, 4, np.zeros(3), x, 2 * x + 5 * y, 2 * x + 5 * z),
            "sol": 755,
            "site": site,
            "drive": drive,
            "sclk_s": sclk_s,
            **changes,
        }
    )


def test_pairs_are_found_among_any_order_and_come_in_order_of_time() -> None:
    one_left, one_right = _observation(Eye.LEFT, 100.0), _observation(Eye.RIGHT, 100.4)
    two_left, two_right = _observation(Eye.LEFT, 50.0), _observation(Eye.RIGHT, 50.0)
    alone, other = _observation(Eye.LEFT, 300.0), _observation(Eye.NONE, 100.0)
    scene = Scene("s", (one_right, alone, one_left, other, two_right, two_left))
    found = [(p.left, p.right) for p in scene.pairs]
    assert found == [(two_left, two_right), (one_left, one_right)]
    assert scene.frame == Frame.rover(37, 2562)


def test_tiles_of_one_shot_pair_by_their_subframes() -> None:
    a, b = (1, 1, 4, 4), (5, 1, 4, 4)
    observations = tuple(_observation(eye, 10.0, subframe=f) for eye, f in ((Eye.LEFT, a), (Eye.RIGHT, b)))
    assert Scene("s", observations).pairs == ()
    four = (*observations, _observation(Eye.LEFT, 10.0, subframe=b), _observation(Eye.RIGHT, 10.0, subframe=a))
    pairs = Scene("s", four).pairs
    assert [(p.left.subframe, p.right.subframe) for p in pairs] == [(a, a), (b, b)]


@pytest.mark.parametrize("other", [{"site": 38}, {"drive": 2563}, {"mission": "MSL"}])
def test_images_of_different_stops_never_merge(other: dict[str, Any]) -> None:
    with pytest.raises(FrameMismatchError, match=r"s: images of different stops: .*ROVER_NAV\(37, 2562\)"):
        Scene("s", (_observation(Eye.LEFT, 1.0), _observation(Eye.RIGHT, 1.0, **other)))
