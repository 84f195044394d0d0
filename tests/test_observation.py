"""One image with its camera and pose, and what makes two of them a pair."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from stereo3d.camera import CAHV
from stereo3d.errors import FrameMismatchError, ImageFileError, PairError
from stereo3d.frames import Frame, RigidTransform
from stereo3d.image import Image
from stereo3d.observation import Eye, Observation, StereoPair, make_pair


def _observation(**changes: Any) -> Observation:
    site, drive = changes.get("site", 37), changes.get("drive", 2562)
    made: dict[str, Any] = {
        "product_id": "NLF_TEST",
        "mission": "Mars 2020",
        "instrument": "NAVCAM_LEFT",
        "eye": Eye.LEFT,
        "image": Image(np.zeros((48, 64), dtype=np.uint8), np.ones((48, 64), dtype=bool)),
        "camera": CAHV(
            Frame.rover(site, drive),
            64,
            48,
            np.zeros(3),
            np.array([1.0, 0.0, 0.0]),
            np.array([32.0, 50.0, 0.0]),
            np.array([24.0, 0.0, 50.0]),
        ),
        "sol": 755,
        "site": site,
        "drive": drive,
        "sclk_s": 733967990.571,
        "subframe": (1, 1, 64, 48),
        "path": "left.png",
    }
    return Observation(**{**made, **changes})


def _right(**changes: Any) -> Observation:
    return _observation(
        **{"product_id": "NRF_TEST", "instrument": "NAVCAM_RIGHT", "eye": Eye.RIGHT, "path": "right.png", **changes}
    )


def test_an_image_of_another_size_than_its_model_is_refused() -> None:
    small = Image(np.zeros((24, 32), dtype=np.uint8), np.ones((24, 32), dtype=bool))
    with pytest.raises(ImageFileError, match=r"left.png: the image has 32 x 24 px, .* 64 x 48 px"):
        _observation(image=small)


def test_a_camera_of_another_stop_is_refused() -> None:
    with pytest.raises(FrameMismatchError, match=r"ROVER_NAV\(37, 2562\), the rover in ROVER_NAV\(37, 1\)"):
        _observation(camera=_observation().camera, drive=1)


def test_level_frame_turns_with_the_attitude_about_the_rovers_own_origin() -> None:
    rover, level = Frame.rover(37, 2562), Frame.local_level(37, 2562)
    east = RigidTransform.from_quaternion(Frame.site(37), rover, (0.5**0.5, 0.0, 0.0, 0.5**0.5), (10.0, 20.0, 30.0))
    turned = _observation(site_from_rover=east).level_from_rover
    assert (turned.to, turned.source) == (level, rover)
    np.testing.assert_allclose(turned.apply([1.0, 0.0, 0.0]), [0.0, 1.0, 0.0], atol=1e-15)
    unknown = _observation().level_from_rover
    assert (unknown.to, unknown.source) == (level, rover)
    np.testing.assert_array_equal(unknown.apply([1.0, 2.0, 3.0]), [1.0, 2.0, 3.0])


def test_a_pair_in_any_order() -> None:
    left, right = _observation(), _right(sclk_s=733967990.9)
    for pair in (make_pair(left, right), make_pair(right, left)):
        assert pair.left is left
        assert pair.right is right
        assert pair.frame == Frame.rover(37, 2562)
        assert pair.name == "NLF_TEST"
    with pytest.raises(PairError, match="the images are right and left"):
        StereoPair(right, left)


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (_observation(), _observation(), "the images are left and left"),
        (_right(), _right(), "the images are right and right"),
        (_observation(eye=Eye.NONE), _right(), "the images are (none and right|right and none)"),
        (_observation(), _right(eye=Eye.NONE), "the images are (left and none|none and left)"),
        (_observation(), _right(sclk_s=733967993.0), "different shots: their clocks are 733967990.571 and 733967993.0"),
        (_observation(), _right(subframe=(65, 1, 64, 48)), "different shots: their subframes"),
        (_observation(), _right(site=38), "different places: Mars 2020 site 37 drive 2562, Mars 2020 site 38"),
        (_observation(), _right(drive=2564), "different places"),
        (_observation(), _right(mission="MSL"), "different places: Mars 2020 .*, MSL "),
    ],
)
def test_what_is_no_pair_is_refused_with_the_reason(first: Observation, second: Observation, message: str) -> None:
    for a, b in ((first, second), (second, first)):
        with pytest.raises(PairError, match=message) as caught:
            make_pair(a, b)
        assert "left.png" in str(caught.value) or "right.png" in str(caught.value)
        assert len(str(caught.value).splitlines()) == 1


def test_observations_are_values() -> None:
    observation = _observation()
    with pytest.raises(AttributeError):
        observation.sol = 3  # type: ignore[misc]
    assert replace(observation, sol=3).sol == 3
    assert observation.sol == 755
