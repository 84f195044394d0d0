"""The hand: what the mouse and the keys do to the parts of a window.  An :class:`stereo3d.view.events.Handler`."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from stereo3d.view.overlay import crosshair_at
from stereo3d.view.probe import explain_ray
from stereo3d.view.tools import Measurement
from stereo3d.view.window.commands import Commands, key_name
from stereo3d.view.window.painter import Painter
from stereo3d.view.window.parts import Parts

Float = NDArray[np.float64]

_CLICK_PX = 4
"""A press that moves less than this before its release is a click."""


class Hand:
    """Mouse, keys and timer."""

    def __init__(self, parts: Parts, painter: Painter, commands: Callable[[], Commands], leave: Callable[[], None]):
        self._parts, self._painter, self._commands, self._leave = parts, painter, commands, leave
        self._press: tuple[str, int, int] | None = None
        self._last = (0, 0)
        self._moved = False
        self.pointer = (0, 0)

    def press(self, button: str, x: int, y: int) -> None:
        """A mouse button (left, middle, right) goes down; px from the window's lower left corner."""
        self._press, self._last, self._moved = (button, x, y), (x, y), False

    def move(self, x: int, y: int) -> None:
        """The mouse moves."""
        self.pointer = (x, y)
        parts = self._parts
        if self._press is None:
            self._hover(x, y)
            return
        button, x0, y0 = self._press
        if not self._moved and max(abs(x - x0), abs(y - y0)) < _CLICK_PX:
            return
        self._moved = True
        dx, dy = x - self._last[0], y - self._last[1]
        self._last = (x, y)
        if parts.frames.inside:
            parts.frames.drag(x / parts.stage.size[0])
            self._painter.changed()
            return
        if parts.around.on_strip(x0, y0):
            return
        parts.moves.drag(button, dx, dy, parts.stage.size[1])
        self._painter.moved()

    def release(self, button: str, x: int, y: int) -> None:
        """A mouse button goes up; without a drag in between the left one picks."""
        if self._press and self._press[0] == button:
            clicked = button == "left" and not self._moved
            self._press = None
            if clicked:
                self.pick(x, y)

    def wheel(self, clicks: int) -> None:
        """Nearer for positive clicks, farther for negative."""
        if not self._parts.frames.inside:
            self._parts.moves.wheel(clicks)
            self._painter.moved()

    def _hover(self, x: int, y: int) -> None:
        """Show the place under the pointer in the panorama's strip, and the other way round."""
        if self._parts.around.hover(self._ray(x, y), (x, y)):
            self._painter.touched()

    def pick(self, x: int, y: int) -> None:
        """Measure the ground below (x, y)."""
        point = self.place(x, y)
        if point is None:
            print("no measured ground there", flush=True)
            self.explain(x, y)
            return
        self._parts.options.told = []
        self._parts.measuring.add(point)
        self._painter.touched()

    def pick_middle(self) -> None:
        """Measure the ground below the crosshair, which is shown from now on."""
        self._parts.options.crosshair = True
        self.pick(*crosshair_at(self._parts.stage.size))

    def place(self, x: int, y: int) -> Measurement | None:
        """The ground below (x, y), whatever is shown there; None for none."""
        origin, direction = self._ray(x, y)
        if not np.isfinite(direction).all():
            return None
        return self._parts.world.pick(origin, direction)

    def _ray(self, x: int, y: int) -> tuple[Float, Float]:
        """Origin and direction, as shown, of the ray through (x, y): of the strip, of a frame, or of the view."""
        parts = self._parts
        width, height = parts.stage.size
        special = parts.around.ray(x, y) or parts.frames.ray(x, y, (width, height))
        if special is not None:
            origin, direction = special
            return parts.world.shown(origin), parts.world.shown(direction)
        return parts.moves.view.rays(np.array([float(x), float(height - 1 - y)]), (width, height))

    def explain(self, x: int, y: int) -> None:
        """Tell what is known about the left image's pixel below (x, y): why it is a hole, or how well it matches."""
        parts = self._parts
        origin, direction = (parts.world.true(v) for v in self._ray(x, y))
        if np.isfinite(direction).all():
            parts.options.told = explain_ray(parts.world.result, parts.world.surface, origin, direction)
        else:
            parts.options.told = ["outside of the frame"]
        print("\n".join(parts.options.told), flush=True)
        self._painter.touched()

    def key(self, name: str, x: int, y: int, shift: bool, character: str) -> None:
        """A key goes down, the pointer being at (x, y)."""
        parts = self._parts
        self.pointer = (x, y)
        key = key_name(name, shift)
        if parts.prompt.asking:
            parts.prompt.press(key, character)
            self._painter.touched()
            return
        parts.moves.fast = shift
        plain = key.removeprefix("shift-")
        if not parts.frames.inside and self._commands().open is None:
            walking = parts.moves.mode in ("walk", "fly") and plain in ("w", "a", "s", "d") and key != "shift-w"
            if (walking or len(plain) > 1) and parts.moves.hold(plain):
                return
            if parts.moves.nudge(plain):
                self._painter.moved()
                return
        self._commands().press(key)

    def key_up(self, name: str) -> None:
        """A key goes up."""
        self._parts.moves.let_go(key_name(name, False))

    def let_go(self) -> None:
        """The pointer leaves the window: keys that go up now are not told."""
        self._parts.moves.let_go()

    def tick(self) -> None:
        """The timer."""
        parts = self._parts
        if parts.film.rolling:
            parts.film.shoot(self._painter)
        elif parts.moves.tick():
            self._painter.moved()
        elif parts.frames.tick():
            self._painter.changed()
        else:
            self._painter.tick()

    def redraw(self) -> None:
        """The window has changed its size."""
        self._painter.changed()

    def close(self) -> None:
        """Leave the window."""
        self._leave()
