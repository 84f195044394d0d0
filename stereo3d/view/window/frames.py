"""Stand where the camera stood: a real frame, the mesh through its own camera model, and what differs between them."""

from __future__ import annotations

import time

import cv2
import numpy as np
from numpy.typing import NDArray

from stereo3d.camera import inside
from stereo3d.observation import Eye, Observation
from stereo3d.view.frame_view import (
    REASON_COLOURS,
    Comparison,
    compare,
    matched,
    measured_in,
    reason_words,
    reasons_picture,
    render_frame,
    residual_picture,
    wiped,
)
from stereo3d.view.layers import brightness
from stereo3d.view.raycast import BACKGROUND
from stereo3d.view.viewpoint import Viewpoint, frame_viewpoint
from stereo3d.view.window.world import World

Float = NDArray[np.float64]
RGB = NDArray[np.uint8]

SHOWS = ("frame", "mesh", "residual", "wipe", "holes")
"""What is shown of a frame."""

_BLINK_S = 0.6
_WIPE_STEP = 0.05
_DOT = (255, 90, 54)


class Frames:
    """Which frame is stood in, if any, and what of it is shown."""

    def __init__(self, world: World) -> None:
        self._world = world
        frames = world.result.observations
        self._order = sorted(range(len(frames)), key=lambda k: (frames[k].eye is not Eye.LEFT, k))
        self._at: int | None = None
        self._shows = "frame"
        self._share = 0.5
        self._blinks_at: float | None = None
        self._drawn: dict[int, tuple[RGB, Comparison]] = {}
        self._factor = brightness(world.result.terrain)
        self._reasons: list[tuple[tuple[int, int, int], str]] = []

    @property
    def inside(self) -> bool:
        """Whether a frame is stood in."""
        return self._at is not None

    def enter(self, view: Viewpoint) -> None:
        """Stand in the frame that shows best what is in the middle of the view, or looks most nearly as it does."""
        hit = self._world.pick(view.eye, view.forward)
        if hit is not None and hit.shown is not None:
            self._at = self._order.index(hit.shown.index)
            return
        towards = self._world.result.enu_from_rover.inverse().rotate(view.forward)
        axes = [self._world.result.observations[k].camera.A for k in self._order]
        self._at = int(np.argmax([float(axis @ towards) / float(np.linalg.norm(axis)) for axis in axes]))

    def leave(self) -> None:
        """Look freely again."""
        self._at, self._blinks_at = None, None

    def step(self, by: int, view: Viewpoint) -> None:
        """The next frame, left eyes first, round and round; enters one when none is stood in."""
        if self._at is None:
            self.enter(view)
        else:
            self._at = (self._at + by) % len(self._order)

    def show(self, what: str, view: Viewpoint) -> None:
        """One of :data:`SHOWS`; enters a frame when none is stood in."""
        if self._at is None:
            self.enter(view)
        self._shows, self._blinks_at = what, None

    def blink(self) -> None:
        """Begin to show frame and mesh in turn, or stop it."""
        self._shows = "frame" if self._shows not in ("frame", "mesh") else self._shows
        self._blinks_at = time.monotonic() + _BLINK_S if self._blinks_at is None else None

    def tick(self) -> bool:
        """Whether it is time to draw the other of the two that blink."""
        if not self.inside or self._blinks_at is None or time.monotonic() < self._blinks_at:
            return False
        self._shows = "mesh" if self._shows == "frame" else "frame"
        self._blinks_at = time.monotonic() + _BLINK_S
        return True

    def wipe(self, steps: int) -> None:
        """Move the border between frame (left) and mesh (right)."""
        self._shows, self._blinks_at = "wipe", None
        self._share = float(np.clip(self._share + _WIPE_STEP * steps, 0.0, 1.0))

    def drag(self, share: float) -> None:
        """Put the border at ``share`` of the window's width."""
        self._shows, self._blinks_at = "wipe", None
        self._share = float(np.clip(share, 0.0, 1.0))

    def viewpoint(self, aspect: float) -> Viewpoint | None:
        """Where the frame's camera stood and looked, as a pinhole."""
        return None if self._at is None else frame_viewpoint(self._world.result, self._frame, aspect)

    @property
    def _number(self) -> int:
        assert self._at is not None
        return self._order[self._at]

    @property
    def _frame(self) -> Observation:
        return self._world.result.observations[self._number]

    def _mesh(self) -> tuple[RGB, Comparison]:
        """The mesh through this frame's camera, as bright as the frame, and how the two compare; drawn once."""
        if self._number not in self._drawn:
            drawn = render_frame(self._world.result, self._world.surface, self._frame)
            comparison = compare(self._frame, drawn)
            self._drawn[self._number] = matched(drawn, comparison), comparison
        return self._drawn[self._number]

    def picture(self, size: tuple[int, int], points: Float) -> RGB:
        """(height, width, 3): what is shown, as large as the window of ``size`` allows, with places (n, 3), m, ENU."""
        frame = self._frame.image.rgb8
        if self._shows == "frame":
            rgb = self._lightened(frame)
        elif self._shows == "residual":
            rgb = residual_picture(self._mesh()[1])
        elif self._shows == "holes":
            rgb = self._holes(frame)
        else:
            mesh = self._lightened(self._mesh()[0])
            rgb = mesh if self._shows == "mesh" else wiped(self._lightened(frame), mesh, self._share)
        scale, left, top = self._fit(size)
        width, height = round(rgb.shape[1] * scale), round(rgb.shape[0] * scale)
        how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
        out = np.empty((size[1], size[0], 3), dtype=np.uint8)
        out[:] = BACKGROUND[0]
        small = cv2.resize(np.ascontiguousarray(rgb), (width, height), interpolation=how)
        out[top : top + height, left : left + width] = small
        camera = self._frame.camera
        for pixel in camera.project(self._world.result.enu_from_rover.inverse().apply(points)):
            if inside(camera, pixel):
                x, y = (pixel + 0.5) * scale + np.array([left, top])
                cv2.circle(out, (round(float(x)), round(float(y))), 5, _DOT, -1, cv2.LINE_AA)
        return out

    def _holes(self, frame: RGB) -> RGB:
        """The frame with the reason of each hole; a right frame, in whose grid nothing is measured, as it is."""
        xyz = measured_in(self._world.result, self._frame)
        self._reasons = []
        if xyz is None:
            return self._lightened(frame)
        rgb, found = reasons_picture(xyz, frame)
        words = reason_words(found)
        self._reasons = [(REASON_COLOURS[reason], word) for (reason, _), word in zip(found, words, strict=True)]
        return rgb

    @property
    def legend(self) -> list[tuple[tuple[int, int, int], str]]:
        """The colours of the reasons, when holes are shown."""
        return self._reasons if self._shows == "holes" else []

    def _lightened(self, rgb: RGB) -> RGB:
        """As bright as the ground is shown."""
        return np.asarray(np.clip(rgb * np.float32(self._factor) + 0.5, 0, 255), dtype=np.uint8)

    def _fit(self, size: tuple[int, int]) -> tuple[float, int, int]:
        """Scale, left and top of the frame in the window."""
        camera = self._frame.camera
        scale = min(size[0] / camera.width, size[1] / camera.height)
        return (
            scale,
            max(0, int(size[0] - camera.width * scale) // 2),
            max(0, int(size[1] - camera.height * scale) // 2),
        )

    def ray(self, x: int, y: int, size: tuple[int, int]) -> tuple[Float, Float] | None:
        """Origin and direction, ENU, of the frame's pixel at (x, y) from the window's lower left corner; NaN beside the
        frame; None where no frame is stood in."""
        if self._at is None:
            return None
        scale, left, top = self._fit(size)
        pixel = (np.array([x - left, size[1] - 1 - y - top], dtype=np.float64) + 0.5) / scale - 0.5
        camera, enu = self._frame.camera, self._world.result.enu_from_rover
        if not inside(camera, pixel, -0.5):
            return np.full(3, np.nan), np.full(3, np.nan)
        origin, direction = camera.ray(pixel)
        return enu.apply(origin), enu.rotate(direction)

    def status(self) -> str:
        """What a person reads."""
        assert self._at is not None
        words = [f"frame {self._at + 1} of {len(self._order)}", self._frame.product_id[:60], self._shows]
        if self._blinks_at is not None:
            words.append("blinking")
        if self._number in self._drawn:
            found = self._drawn[self._number][1]
            words.append(f"correlation {found.correlation:.3f}")
            words.append(f"shift {found.shift_px[0]:+.2f}, {found.shift_px[1]:+.2f} px")
        keys = ", . next", "Space blink", "[ ] wipe", "f more", "Esc leave"
        return " \u00b7 ".join([*words, *keys])
