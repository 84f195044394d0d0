"""The interactive window: composes its parts, shows them, and returns when it is closed."""

from __future__ import annotations

import signal
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from stereo3d.pipeline import Result
from stereo3d.view.events import bind
from stereo3d.view.overlay import Overlay
from stereo3d.view.window.actions import Actions
from stereo3d.view.window.around import Around
from stereo3d.view.window.colouring import Colouring
from stereo3d.view.window.film import Film
from stereo3d.view.window.frames import Frames
from stereo3d.view.window.ground import Ground
from stereo3d.view.window.hand import Hand
from stereo3d.view.window.keymap import ALSO, make_commands
from stereo3d.view.window.marks import Marks
from stereo3d.view.window.measuring import Measuring
from stereo3d.view.window.moves import Moves
from stereo3d.view.window.notes import Notes
from stereo3d.view.window.painter import Painter
from stereo3d.view.window.parts import Options, Parts
from stereo3d.view.window.prompt import Prompt
from stereo3d.view.window.shelf import Shelf
from stereo3d.view.window.stage import Stage
from stereo3d.view.window.things import Things
from stereo3d.view.window.world import World

_TICK_MS = 40


class Window:
    """A window on one reconstruction; :meth:`run` shows it and returns when it is closed."""

    def __init__(
        self,
        result: Result,
        size: tuple[int, int] = (1280, 960),
        start: str = "camera",
        layer: str = "image",
        off_screen: bool = False,
        annotations: Path | None = None,
        bookmarks: Path | None = None,
    ) -> None:
        """``start`` is one of VIEWPOINTS, ``layer`` one of LAYERS; the files are loaded, and saved to, if they are
        given.  Raises MissingLibraryError without pyvista, RecordError for a bad file."""
        shelf = Shelf(bookmarks)
        world = World(result)
        stage = Stage(size, off_screen, f"stereo3d \u2014 {result.name[:80]}")
        ground = Ground(stage, result.terrain, world.eye)
        marks = Marks(stage)
        self.parts = Parts(
            world=world,
            stage=stage,
            ground=ground,
            overlay=Overlay(stage.top),
            moves=Moves(world, lambda: stage.size[0] / stage.size[1], start),
            colouring=Colouring(world, ground),
            marks=marks,
            measuring=Measuring(world, marks),
            things=Things(stage, world),
            frames=Frames(world),
            around=Around(stage, world, marks),
            shelf=shelf,
            notes=Notes(world, marks, annotations),
            film=Film(),
            prompt=Prompt(),
            options=Options(),
        )
        self.painter = Painter(self.parts, lambda: self.commands, lambda page: self.commands.help(ALSO, page))
        self.hand = Hand(self.parts, self.painter, lambda: self.commands, self.close)
        self.actions = Actions(self.parts, self.painter, self.hand, self.close)
        self.commands = make_commands(self.parts, self.actions)
        self.parts.colouring.show(layer)
        self.painter.begin()

    def picture(self) -> NDArray[np.uint8]:
        """(height, width, 3) uint8 RGB: what the window shows."""
        return self.parts.stage.pixels()

    def run(self) -> None:
        """Show the window until it is closed.  Ctrl-C closes it and raises KeyboardInterrupt."""
        plotter = self.parts.stage.plotter
        plotter.show(interactive=False, auto_close=False)
        interactor = plotter.iren.interactor
        bind(self.hand, plotter)
        self.painter.changed()
        print("h in the window shows the keys", flush=True)
        interrupted: list[int] = []

        def interrupt(number: int, _frame: object) -> None:
            # VTK ends the process at an exception in a callback: only take note here.
            interrupted.append(number)
            interactor.TerminateApp()

        before = {s: signal.signal(s, interrupt) for s in (signal.SIGINT, signal.SIGTERM)}
        try:
            # The timer also lets Python see signals while VTK waits for events.
            interactor.CreateRepeatingTimer(_TICK_MS)
            interactor.Start()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            self.parts.stage.close()
        if interrupted:
            raise KeyboardInterrupt

    def close(self) -> None:
        """Leave :meth:`run`."""
        self.parts.stage.plotter.iren.interactor.TerminateApp()
