"""Values that + and - change: which one is in hand is chosen in a menu, or by what was switched on last."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from stereo3d.view.window.anaglyph import PERSON_EYES_M, next_base, told_scale
from stereo3d.view.window.parts import Parts

HEIGHTS = (0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)
"""How many times higher things can be shown."""


@dataclass(frozen=True)
class Dial:
    """One value."""

    name: str
    told: Callable[[Parts], str]
    turn: Callable[[Parts, int], None]
    """By one step up (+1) or down (-1)."""


def set_exaggeration(parts: Parts, times: float) -> None:
    """Show everything ``times`` as high as it is; the eye stays where it is among it."""
    before = parts.world.exaggeration
    parts.world.exaggeration = parts.stage.exaggeration = times
    parts.moves.stretched(times / before)
    parts.ground.clip(parts.world.box)


def _exaggerate(parts: Parts, step: int) -> None:
    at = int(np.argmin(np.abs(np.array(HEIGHTS) - parts.world.exaggeration)))
    set_exaggeration(parts, HEIGHTS[int(np.clip(at + step, 0, len(HEIGHTS) - 1))])


def _resize(parts: Parts, step: int) -> None:
    if parts.world.box is not None:
        parts.world.box = parts.world.box.grown(1.25**step)
        parts.ground.clip(parts.world.box)


def _eyes(parts: Parts, step: int) -> None:
    parts.options.eye_base_m = next_base(parts.options.eye_base_m or PERSON_EYES_M, step)


def _told_eyes(base_m: float) -> str:
    return f"eye base {100 * base_m:.4g} cm: {told_scale(base_m)}"


def _box_width(parts: Parts) -> str:
    box = parts.world.box
    return "clip box off" if box is None else f"clip box {box.high[0] - box.low[0]:.1f} m wide"


DIALS = {
    dial.name: dial
    for dial in (
        Dial("heights", lambda p: f"heights x {p.world.exaggeration:g}", _exaggerate),
        Dial("contours", lambda p: f"contours every {p.things.interval_m:g} m", lambda p, s: p.things.next_interval(s)),
        Dial("clip box", _box_width, _resize),
        Dial("eye base", lambda p: _told_eyes(p.options.eye_base_m or PERSON_EYES_M), _eyes),
        Dial("sun height", lambda p: f"sun {p.colouring.sun.elevation_deg:.0f}\u00b0 high  ( , . turn it)",
             lambda p, s: p.colouring.move_sun(0.0, 5.0 * s)),
    )
}  # fmt: skip


def dial_line(parts: Parts) -> str:
    """What the dial in hand is at."""
    dial = DIALS[parts.options.dial]
    return f"[+ -] {dial.told(parts)}"
