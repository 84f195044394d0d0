"""What the commands do: each a few words to the parts, then to the painter."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from stereo3d.errors import Stereo3dError
from stereo3d.terrain.surface import Surface
from stereo3d.view.window.anaglyph import PERSON_EYES_M
from stereo3d.view.window.dials import DIALS, set_exaggeration
from stereo3d.view.window.hand import Hand
from stereo3d.view.window.painter import Painter
from stereo3d.view.window.parts import Parts
from stereo3d.view.window.pictures import save_view, save_window
from stereo3d.view.window.world import Box

_FOLDER = Path()
"""Files are written into the current folder."""
_BOX_M = 10.0
_ROOM_M = 0.5
"""A box between two places reaches so much further."""


class Actions:
    """The verbs of the keymap."""

    def __init__(self, parts: Parts, painter: Painter, hand: Hand, quit: Callable[[], None]) -> None:
        self._parts, self._painter, self._hand, self.quit = parts, painter, hand, quit

    # views

    def home(self) -> None:
        """The rover's camera."""
        self._parts.frames.leave()
        self._parts.moves.go_to("camera")
        self._painter.changed()

    def mode(self, mode: str) -> None:
        """Orbit, walk, fly or map."""
        self._parts.frames.leave()
        self._parts.moves.set_mode(mode)
        self._painter.changed()

    # measuring

    def take(self, name: str) -> None:
        """Take a tool in hand."""
        self._parts.measuring.take(name)
        self._parts.options.told = []
        tool = self._parts.measuring.tool
        self._painter.say(f"{tool.title}: {tool.hint}")
        self._painter.touched()

    def pick_middle(self) -> None:
        """Measure under the crosshair."""
        self._hand.pick_middle()

    def take_back(self) -> None:
        """The last place was none."""
        self._parts.measuring.take_back()
        self._painter.touched()

    def clear(self) -> None:
        """Nothing is measured."""
        self._parts.measuring.clear()
        self._parts.options.told = []
        self._painter.touched()

    def explain(self) -> None:
        """Why a hole."""
        self._hand.explain(*self._hand.pointer)

    def save_profile(self) -> None:
        """Write the profile's plot and table."""
        self._saved(lambda: self._parts.measuring.save_profile(_FOLDER), "no profile: take the tool, pick both ends")

    # layers and values

    def layer(self, name: str) -> None:
        """Colour the ground."""
        self._parts.colouring.show(name)
        options = self._parts.options
        if name == "hillshade":
            options.dial = "sun height"
        elif options.dial == "sun height":
            options.dial = ""
        self._painter.changed()

    def dial(self, name: str) -> None:
        """Take a value in hand."""
        self._parts.options.dial = name
        self._painter.touched()

    def turn(self, step: int) -> None:
        """Change the value in hand."""
        name = self._parts.options.dial
        if name:
            DIALS[name].turn(self._parts, step)
            self._painter.changed()

    def comma(self, step: int) -> None:
        """The next frame, or the sun's direction."""
        if self._parts.frames.inside or self._parts.colouring.layer != "hillshade":
            self._parts.frames.step(step, self._parts.moves.view)
        else:
            self._parts.colouring.move_sun(15.0 * step, 0.0)
        self._painter.changed()

    # what stands on the ground, and how it is shown

    def thing(self, name: str) -> None:
        """Show or hide a thing."""
        at = self._parts.measuring.points[-1].xyz_enu if self._parts.measuring.points else None
        if name == "person" and at is None:
            hit = self._parts.world.pick(self._parts.moves.view.eye, self._parts.moves.view.forward)
            at = hit.xyz_enu if hit else None
        self._parts.things.toggle(name, at)
        if name == "contours":
            self._parts.options.dial = "contours"
        self._painter.changed()

    def dome(self) -> None:
        """The panorama around."""
        self._parts.around.toggle_dome()
        self._painter.changed()

    def strip(self) -> None:
        """The panorama along the lower edge."""
        self._parts.around.toggle_strip()
        self._painter.touched()

    def anaglyph(self) -> None:
        """Red-cyan on or off."""
        options = self._parts.options
        options.eye_base_m = PERSON_EYES_M if options.eye_base_m is None else None
        options.dial = "eye base" if options.eye_base_m is not None else ""
        self._painter.changed()

    def exaggerate(self) -> None:
        """Twice as high, or as high as it is."""
        set_exaggeration(self._parts, 2.0 if self._parts.world.exaggeration == 1.0 else 1.0)
        self._parts.options.dial = "heights"
        self._painter.changed()

    def clip(self) -> None:
        """Show only a box of the ground, or all of it."""
        parts = self._parts
        if parts.world.box is not None:
            parts.world.box = None
        else:
            places = [p.xyz_enu for p in parts.measuring.points[-2:]]
            low, high = _box(np.array(places), parts.world.true(parts.moves.focus), parts.world.surface)
            parts.world.box = Box(low, high)
            parts.options.dial = "clip box"
        parts.ground.clip(parts.world.box)
        self._painter.changed()

    def wireframe(self) -> None:
        """Edges only."""
        self._parts.options.wireframe = not self._parts.options.wireframe
        self._parts.ground.wireframe(self._parts.options.wireframe)
        self._painter.changed()

    def crosshair(self) -> None:
        """The place that Enter picks."""
        self._parts.options.crosshair = not self._parts.options.crosshair
        self._painter.touched()

    # frames

    def enter_frame(self) -> None:
        """Stand where the camera stood."""
        self._parts.frames.enter(self._parts.moves.view)
        self._painter.changed()

    def leave_frame(self) -> None:
        """Look on from the frame's camera."""
        size = self._parts.stage.size
        camera = self._parts.frames.viewpoint(size[0] / size[1])
        self._parts.frames.leave()
        if camera is not None:
            self._parts.moves.stand_at_camera(camera)
        self._painter.changed()

    def frame_shows(self, what: str) -> None:
        """The frame, the mesh, their difference, or both side by side."""
        self._parts.frames.show(what, self._parts.moves.view)
        self._painter.changed()

    def blink(self) -> None:
        """Frame and mesh in turn."""
        if self._parts.frames.inside:
            self._parts.frames.blink()
            self._painter.changed()

    def wipe(self, step: int) -> None:
        """Move the border between frame and mesh."""
        if self._parts.frames.inside:
            self._parts.frames.wipe(step)
            self._painter.changed()

    # bookmarks and the film

    def set_bookmark(self) -> None:
        """Here."""
        parts = self._parts
        name = f"view {len(parts.shelf.bookmarks) + 1}"
        parts.shelf.add(parts.moves.bookmark(name, parts.colouring.layer))
        self._painter.say(f"bookmark {len(parts.shelf.bookmarks)} is set")
        self._painter.touched()

    def visit(self, by: int) -> None:
        """The next or the previous one."""
        found = self._parts.shelf.step(by)
        if found is None:
            self._painter.say("no bookmark is set")
            self._painter.touched()
            return
        self._parts.frames.leave()
        self._parts.moves.visit(found)
        self._parts.colouring.show(found.layer)
        self._painter.say(f"bookmark: {found.name}")
        self._painter.changed()

    def drop_bookmark(self) -> None:
        """Take away the one visited last."""
        gone = self._parts.shelf.drop()
        self._painter.say(f"dropped: {gone.name}" if gone else "no bookmark is set")
        self._painter.touched()

    def save_bookmarks(self) -> None:
        """To the file."""
        self._saved(lambda: [self._parts.shelf.save(_FOLDER)] if self._parts.shelf.bookmarks else [], "none is set")

    def film(self) -> None:
        """Fly along the bookmarks."""
        self._tried(lambda: self._painter.say(self._parts.film.start(self._parts, _FOLDER)))

    # annotations

    def keep(self) -> None:
        """Keep what is measured."""
        parts = self._parts
        if not parts.notes.can_keep(parts.measuring):
            self._painter.say("nothing is measured yet")
            self._painter.touched()
            return
        parts.prompt.ask("name of the annotation", self._kept)
        self._painter.touched()

    def _kept(self, name: str) -> None:
        self._parts.notes.keep(self._parts.measuring, name)
        self._painter.say(f"kept: {self._parts.notes.annotations[-1].name}")

    def text(self) -> None:
        """Text at the last place."""
        parts = self._parts
        if not parts.measuring.points:
            self._painter.say("pick a place for the text first")
        else:
            place = parts.measuring.points[-1]
            parts.prompt.ask("text", lambda text: parts.notes.text(place, text))
        self._painter.touched()

    def drop_note(self) -> None:
        """Take the last annotation away."""
        gone = self._parts.notes.drop()
        self._painter.say(f"dropped: {gone}" if gone else "there is no annotation")
        self._painter.touched()

    def save_notes(self) -> None:
        """As GeoJSON."""
        self._saved(lambda: self._parts.notes.save(_FOLDER), "there is no annotation")

    def export_notes(self) -> None:
        """As CSV."""
        self._saved(lambda: self._parts.notes.export(_FOLDER), "there is no annotation")

    # pictures, and the rest

    def save_picture(self) -> None:
        """With scale, north, caption and credit."""
        self._painter.settle()
        self._saved(lambda: [save_view(self._parts, _FOLDER)], "")

    def save_window(self) -> None:
        """As the window is, with all panels."""
        self._painter.settle()
        self._saved(lambda: [save_window(self._parts, _FOLDER)], "")

    def help(self) -> None:
        """The keys, then what is in the menus, then neither."""
        self._parts.options.help = (self._parts.options.help + 1) % 3
        self._painter.touched()

    def escape(self) -> None:
        """Step back: from the film, the help, a frame, the places."""
        parts = self._parts
        if parts.film.rolling:
            parts.film.stop()
            self._painter.say("the film is left off")
        elif parts.options.help:
            parts.options.help = 0
        elif parts.frames.inside:
            self.leave_frame()
            return
        else:
            self.clear()
        self._painter.touched()

    def _saved(self, write: Callable[[], list[Path]], none: str) -> None:
        """Write files, and say which; or why not."""

        def attempt() -> None:
            paths = write()
            self._painter.say(*([f"saved {path}" for path in paths] or [none]))

        self._tried(attempt)

    def _tried(self, attempt: Callable[[], None]) -> None:
        try:
            attempt()
        except Stereo3dError as error:
            self._painter.say(str(error))
        self._painter.touched()


def _box(places: np.ndarray, focus: np.ndarray, surface: Surface) -> tuple[np.ndarray, np.ndarray]:
    """Two corners, m, ENU: around places (n, 3) if there are two, else about the focus (3,); as high as the ground."""
    if len(places) == 2:
        low, high = places.min(axis=0) - _ROOM_M, places.max(axis=0) + _ROOM_M
    else:
        low, high = focus - 0.5 * _BOX_M, focus + 0.5 * _BOX_M
    heights = surface.mesh.vertices[:, 2]
    return np.array([*low[:2], heights.min() - 1.0]), np.array([*high[:2], heights.max() + 1.0])
