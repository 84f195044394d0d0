"""What an annotation may be."""

from __future__ import annotations

import numpy as np
import pytest

from stereo3d.annotation import Annotation
from stereo3d.errors import FrameMismatchError
from stereo3d.frames import Frame, RigidTransform

ENU = Frame.enu(1, 2)


def make(kind="point", count=1, **more):
    return Annotation(kind, ENU, np.ones((count, 3)), np.zeros(count), **more)


@pytest.mark.parametrize(("kind", "count"), [("point", 2), ("text", 0), ("line", 1), ("area", 2), ("circle", 1)])
def test_what_is_no_annotation(kind, count):
    with pytest.raises(ValueError):
        make(kind, count)


def test_values_are_checked():
    for colour in ("red", "#12345", "#1234567", "#ABCDEF", "#12345g"):
        with pytest.raises(ValueError, match="rrggbb"):
            make(colour=colour)
    with pytest.raises(ValueError, match="finite"):
        Annotation("point", ENU, np.array([[0.0, np.nan, 0.0]]), np.zeros(1))
    with pytest.raises(ValueError, match=r"\(n, 3\)"):
        Annotation("line", ENU, np.zeros((3, 3)), np.zeros(2))


def test_values_are_locked_and_moved_between_frames():
    found = make("line", 2, measure={"length_m": 1.0})
    with pytest.raises(ValueError):
        found.points[0, 0] = 5.0
    with pytest.raises(TypeError):
        found.measure["x"] = 1
    up = RigidTransform(Frame.site(1), ENU, np.eye(3), np.array([0.0, 0.0, 5.0]))
    np.testing.assert_array_equal(found.points_in(up), [[1, 1, 6], [1, 1, 6]])
    with pytest.raises(FrameMismatchError):
        found.points_in(RigidTransform(Frame.site(1), Frame.enu(1, 3)))
