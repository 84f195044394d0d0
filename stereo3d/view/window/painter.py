"""Draws the window from its parts: coarse and quick while something moves, whole once it rests, overlay on top."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np

from stereo3d.view.overlay import EDGE
from stereo3d.view.window.anaglyph import told_scale
from stereo3d.view.window.commands import Commands
from stereo3d.view.window.dials import dial_line
from stereo3d.view.window.moves import MODES
from stereo3d.view.window.pace import SLOWEST_S, Pace
from stereo3d.view.window.parts import Parts

REST_S = 0.25
"""A view that has not moved for so long is drawn whole."""
_NOTE_S = 4.0


class Painter:
    """Knows when to draw what."""

    def __init__(
        self, parts: Parts, commands: Callable[[], Commands], help_lines: Callable[[int], Sequence[str]]
    ) -> None:
        self._parts, self._commands, self._help_lines = parts, commands, help_lines
        self.pace = Pace(parts.ground.faces)
        self._rest_at: float | None = None
        self._note: tuple[list[str], float] = ([], 0.0)

    def begin(self) -> None:
        """Draw for the first time; where that is slow, make coarser levels of detail for views that move."""
        self.changed()
        began = time.perf_counter()
        self.changed()
        if time.perf_counter() - began > SLOWEST_S:
            self._parts.ground.thin_out()
            self.pace = Pace(self._parts.ground.faces)

    def moved(self) -> None:
        """The view has moved: draw it quickly, and whole when it rests."""
        if self._parts.frames.inside:
            self.changed()
            return
        self._parts.ground.show(self.pace.level)
        self._overlay()
        began = time.perf_counter()
        self._draw(keep=False)
        self.pace.tell(time.perf_counter() - began)
        self._rest_at = time.monotonic() + REST_S

    def changed(self) -> None:
        """What the ground looks like has changed: draw it whole."""
        self._rest_at = None
        if self._parts.frames.inside:
            places = np.array([p.xyz_enu for p in self._parts.measuring.points]).reshape(-1, 3)
            rgb = self._parts.frames.picture(self._parts.stage.size, places)
            self._overlay()
            self._parts.stage.show_picture(rgb)
            return
        self._overlay()
        self._parts.ground.show(0)
        self._draw(keep=True)

    def touched(self) -> None:
        """Only marks or the overlay have changed."""
        if self._parts.frames.inside:
            # The marks are part of the picture.
            self.changed()
            return
        self._overlay()
        if self._parts.options.eye_base_m is not None and self._rest_at is None:
            # The marks are part of the kept picture of two eyes.
            self.changed()
            return
        self._parts.stage.again()

    def say(self, *lines: str) -> None:
        """Tell the user something, in the window for some seconds and on the terminal."""
        print("\n".join(lines), flush=True)
        self._note = (list(lines), time.monotonic() + _NOTE_S)

    def tick(self) -> None:
        """Time has passed."""
        now = time.monotonic()
        if self._note[0] and now > self._note[1]:
            self._note = ([], 0.0)
            if self._rest_at is None:
                self.touched()
        if self._rest_at is not None and now > self._rest_at:
            self.changed()

    def settle(self) -> None:
        """As a picture should have it: drawn whole, without what was said last."""
        self._note = ([], 0.0)
        self._overlay()
        if self._rest_at is not None:
            self.changed()

    def _draw(self, keep: bool) -> None:
        parts = self._parts
        parts.stage.draw(parts.moves.view, parts.moves.focus_m, keep, parts.options.eye_base_m)

    def _overlay(self) -> None:
        parts, overlay, size = self._parts, self._parts.overlay, self._parts.stage.size
        inside = parts.frames.inside
        moves, options = parts.moves, parts.options
        overlay.floor = parts.around.place_strip(overlay, size, moves.view, show=not inside)
        if inside:
            for name in ("compass", "scale", "colours", "crosshair"):
                overlay.hide(name)
        else:
            overlay.compass(moves.view, size)
            overlay.scale(moves.view, moves.focus_m, size)
            overlay.colours(parts.colouring.scale, size)
            overlay.crosshair(options.crosshair, size)
        overlay.legend(parts.frames.legend if inside else [], size)
        if options.help:
            overlay.hide("status")
        else:
            overlay.status(parts.frames.status() if inside else self._status(), size)
        overlay.told([] if options.help else [*parts.measuring.lines(), *options.told])
        menu = None if options.help else self._commands().open
        overlay.menu(menu.lines() if menu else [], size)
        parts.notes.labels(overlay, moves.view, size, parts.world.shown, show=not inside)
        self._plot(size)
        overlay.note(self._note[0], size)
        overlay.middle("prompt", parts.prompt.lines(), size)
        overlay.middle("help", self._help_lines(options.help) if options.help else [], size)

    def _status(self) -> str:
        parts, moves, options = self._parts, self._parts.moves, self._parts.options
        words = [MODES[moves.mode], parts.colouring.layer, f"looking {moves.view.heading_deg:.0f}\u00b0"]
        words.append(parts.measuring.tool.title)
        if parts.world.exaggeration != 1.0 and options.dial != "heights":
            words.append(f"heights x {parts.world.exaggeration:g}")
        if options.eye_base_m is not None and options.dial != "eye base" and not moves.view.parallel:
            words.append(f"eye base {100 * options.eye_base_m:.4g} cm: {told_scale(options.eye_base_m)}")
        if options.dial:
            words.append(dial_line(parts))
        return " \u00b7 ".join([*words, "h: help"])

    def _plot(self, size: tuple[int, int]) -> None:
        overlay = self._parts.overlay
        wide, high = int(np.clip(0.53 * size[0], 300, 900)), int(np.clip(0.42 * size[1], 220, 420))
        plot = self._parts.measuring.plot((wide, high))
        if plot is None:
            overlay.hide("plot")
        else:
            overlay.picture("plot", plot, size[0] - wide - EDGE, overlay.floor + 3 * EDGE)
