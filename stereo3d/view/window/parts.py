"""The parts that a window is composed of, in one value that its painter, its hand and its keys share."""

from __future__ import annotations

from dataclasses import dataclass, field

from stereo3d.view.overlay import Overlay
from stereo3d.view.window.around import Around
from stereo3d.view.window.colouring import Colouring
from stereo3d.view.window.film import Film
from stereo3d.view.window.frames import Frames
from stereo3d.view.window.ground import Ground
from stereo3d.view.window.marks import Marks
from stereo3d.view.window.measuring import Measuring
from stereo3d.view.window.moves import Moves
from stereo3d.view.window.notes import Notes
from stereo3d.view.window.prompt import Prompt
from stereo3d.view.window.shelf import Shelf
from stereo3d.view.window.stage import Stage
from stereo3d.view.window.things import Things
from stereo3d.view.window.world import World


@dataclass
class Options:
    """What is switched on and off, and values that keys change."""

    help: int = 0
    """Page of the help that is shown; 0: none."""
    crosshair: bool = False
    wireframe: bool = False
    eye_base_m: float | None = None
    """Of the red-cyan picture; None: a plain one."""
    dial: str = ""
    """Which value the keys + and - change; a name of :data:`stereo3d.view.window.dials.DIALS`."""
    told: list[str] = field(default_factory=list)
    """What was explained last."""


@dataclass(frozen=True, eq=False)
class Parts:
    """Everything of a window but its events."""

    world: World
    stage: Stage
    ground: Ground
    overlay: Overlay
    moves: Moves
    colouring: Colouring
    marks: Marks
    measuring: Measuring
    things: Things
    frames: Frames
    around: Around
    shelf: Shelf
    notes: Notes
    film: Film
    prompt: Prompt
    options: Options
