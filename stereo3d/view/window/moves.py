"""Where the viewer is and how he moves: orbit, walk, fly, map.  Holds the view; knows neither VTK nor keys' meanings
beyond those that move."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stereo3d.view import navigation
from stereo3d.view.bookmarks import Bookmark
from stereo3d.view.viewpoint import UP, Viewpoint, viewpoint
from stereo3d.view.window.world import World

Float = NDArray[np.float64]

MODES = {"orbit": "orbit", "walk": "walk", "fly": "fly", "top": "map"}
"""Name of each mode to the word that a person reads."""

HOLD = {
    "w": (1, 0, 0, 0), "s": (-1, 0, 0, 0), "a": (0, -1, 0, 0), "d": (0, 1, 0, 0),
    "up": (1, 0, 0, 0), "down": (-1, 0, 0, 0), "left": (0, 0, 0, -1), "right": (0, 0, 0, 1),
    "prior": (0, 0, 1, 0), "next": (0, 0, -1, 0),
}  # fmt: skip
"""Key held while walking or flying to (ahead, to the right, upwards, turn to the right)."""

_WALK_M_S, _TURN_RAD_S = 1.6, 0.9
_FASTER = 3.0
_LONGEST_TICK_S = 0.25
_NUDGE_RAD = np.radians(5.0)
_PERSON_FOV_RAD = np.radians(60.0)


class Moves:
    """The view, what it turns about, and the mode."""

    def __init__(self, world: World, aspect: Callable[[], float], start: str) -> None:
        """``start`` is one of VIEWPOINTS; ``aspect`` tells width / height of the window."""
        self._world, self._aspect = world, aspect
        self._held: set[str] = set()
        self.fast = False
        self._ticked = time.monotonic()
        self.mode = "orbit"
        self.view: Viewpoint
        self.focus: Float
        self.go_to(start)

    def go_to(self, name: str) -> None:
        """One of VIEWPOINTS."""
        view = viewpoint(self._world.result, name, self._aspect())
        self._place("top" if name == "top" else "orbit", replace(view, eye=self._world.shown(view.eye)))

    def _place(self, mode: str, view: Viewpoint) -> None:
        self.mode, self.view = mode, view
        self._held.clear()
        self.look_at_middle()

    def look_at_middle(self) -> None:
        """Turn about the ground in the middle of the picture; 10 m ahead where there is none."""
        hit = self._world.pick(self.view.eye, self.view.forward)
        self.focus = self._world.shown(hit.xyz_enu) if hit else self.view.eye + 10.0 * self.view.forward

    @property
    def focus_m(self) -> float:
        """How far ahead of the eye the focus lies, m."""
        return max(0.1, float((self.focus - self.view.eye) @ self.view.forward))

    def set_mode(self, mode: str) -> None:
        """Go on in another mode of :data:`MODES`, at the same place where that can be."""
        if mode == "top":
            self.go_to("top")
            return
        if self.view.parallel:
            self._leave_map(mode)
        if mode == "walk":
            self.view = navigation.stand(self.view, self._world.ground_height)
        self._place(mode, self.view)

    def _leave_map(self, mode: str) -> None:
        """From the map down to the ground in its middle, or to a view of it from the south."""
        half = float(np.tan(_PERSON_FOV_RAD / 2.0))
        middle = self.view.eye.copy()
        ground = self._world.ground_height(float(middle[0]), float(middle[1]))
        middle[2] = ground if np.isfinite(ground) else self._world.shown(self._world.eye)[2] - navigation.EYE_HEIGHT_M
        if mode == "walk":
            eye, forward = middle + navigation.EYE_HEIGHT_M * UP, np.array([0.0, 1.0, -0.15])
        else:
            forward = np.array([0.0, 1.0, -0.8])
            forward /= np.linalg.norm(forward)
            eye = middle - forward * self.view.half_height / half
        self.view = Viewpoint("free", eye, forward, UP, half)

    def stand_at_camera(self, camera: Viewpoint) -> None:
        """Look from a frame's camera, in true heights or as they are shown."""
        self._place("orbit", replace(camera, eye=self._world.shown(camera.eye)))

    def stretched(self, factor: float) -> None:
        """All shown heights have become ``factor`` times as large."""
        scale = np.array([1.0, 1.0, factor])
        self.view = replace(self.view, eye=self.view.eye * scale)
        self.focus = self.focus * scale

    def drag(self, button: str, right_px: int, up_px: int, height_px: int) -> None:
        """The mouse is dragged with a button held."""
        if self.mode == "top" or button != "left":
            self.view, self.focus = navigation.pan(self.view, self.focus, right_px, up_px, height_px)
        elif self.mode in ("walk", "fly"):
            unit = 2.0 * self.view.half_height / height_px
            self.view = navigation.look(self.view, -right_px * unit, -up_px * unit)
        else:
            unit = np.pi / height_px
            self.view = navigation.orbit(self.view, self.focus, -right_px * unit, -up_px * unit)

    def wheel(self, clicks: int) -> None:
        """Nearer for positive clicks, farther for negative."""
        if self.mode == "walk":
            self.view = navigation.step(self.view, 0.5 * clicks, 0.0, self._walkers_ground)
        elif self.mode == "fly":
            self.view = navigation.fly(self.view, 0.3 * self._speed() * clicks, 0.0, 0.0)
        else:
            self.view = navigation.nearer(self.view, self.focus, 1.15**clicks)

    def nudge(self, key: str) -> bool:
        """A key that turns (orbit) or shifts (map) the view by a step; whether it was one."""
        if key in ("prior", "next"):
            self.wheel(1 if key == "prior" else -1)
            return True
        if key not in ("left", "right", "up", "down"):
            return False
        right, up = {"left": (-1, 0), "right": (1, 0), "up": (0, 1), "down": (0, -1)}[key]
        if self.mode == "top":
            self.view, self.focus = navigation.pan(self.view, self.focus, -right * 60, -up * 60, 1000)
        else:
            self.view = navigation.orbit(self.view, self.focus, right * _NUDGE_RAD, up * _NUDGE_RAD)
        return True

    def hold(self, key: str) -> bool:
        """A key goes down; whether it is one that walks or flies."""
        if self.mode not in ("walk", "fly") or key not in HOLD:
            return False
        if not self._held:
            self._ticked = time.monotonic()
        self._held.add(key)
        return True

    def let_go(self, key: str | None = None) -> None:
        """A key goes up; None: all of them."""
        if key is None:
            self._held.clear()
        self._held.discard(key or "")

    def tick(self) -> bool:
        """Go on while keys are held, by the time that has passed, however slow the pictures come; whether it moved."""
        now = time.monotonic()
        seconds, self._ticked = min(now - self._ticked, _LONGEST_TICK_S), now
        if not self._held or self.mode not in ("walk", "fly"):
            return False
        ahead, aside, up, turn = (sum(HOLD[k][i] for k in self._held) for i in range(4))
        pace = seconds * (_FASTER if self.fast else 1.0)
        self.view = navigation.look(self.view, turn * _TURN_RAD_S * pace, 0.0)
        way = pace * self._speed()
        if self.mode == "walk":
            self.view = navigation.step(self.view, ahead * way, aside * way, self._walkers_ground)
        else:
            self.view = navigation.fly(self.view, ahead * way, aside * way, up * way)
        return True

    def _speed(self) -> float:
        """m/s: a walker's; flying is quicker higher up."""
        if self.mode == "walk":
            return _WALK_M_S
        ground = self._world.ground_height(float(self.view.eye[0]), float(self.view.eye[1]), float(self.view.eye[2]))
        high = float(self.view.eye[2]) - ground if np.isfinite(ground) else 2.0
        return float(np.clip(high, 1.5, 100.0))

    def _walkers_ground(self, east_m: float, north_m: float) -> float:
        # From a little above the eye, so that a walker under an overhang stays there.
        return self._world.ground_height(east_m, north_m, float(self.view.eye[2]) + 0.5)

    def bookmark(self, name: str, layer: str) -> Bookmark:
        """The view as it is now, in true heights."""
        view = replace(self.view, eye=self._world.true(self.view.eye))
        return Bookmark(name, self.mode, view, self._world.true(self.focus), layer)

    def visit(self, bookmark: Bookmark) -> None:
        """Go to a bookmark."""
        view = replace(bookmark.view, eye=self._world.shown(bookmark.view.eye))
        self._place(bookmark.mode, view)
        self.focus = self._world.shown(bookmark.focus)
