"""Which key does what: all commands and menus of the window.  The help overlay is made of this."""

from __future__ import annotations

from stereo3d.view.layers import LAYERS
from stereo3d.view.tools import TOOLS
from stereo3d.view.window.actions import Actions
from stereo3d.view.window.anaglyph import told_scale
from stereo3d.view.window.commands import Choice, Command, Commands, Menu
from stereo3d.view.window.measuring import KEYS
from stereo3d.view.window.parts import Parts

ALSO = (
    ("mouse", "left drag", "turn (walk, fly: look around; map: shift)"),
    ("mouse", "right drag", "shift"),
    ("mouse", "wheel", "nearer, farther"),
    ("mouse", "left click", "pick a place, also on the strip and in a frame"),
    ("move", "arrows", "turn or shift; walk and fly: go"),
    ("move", "W A S D", "walk and fly: go; with Shift faster"),
    ("move", "PgUp PgDn", "nearer, farther; fly: up, down"),
)
"""What is no command, for the help."""


def make_commands(parts: Parts, act: Actions) -> Commands:
    """All keys of a window."""
    views = [
        Command("0", "views", "the rover's camera", act.home),
        Command("o", "views", "orbit", lambda: act.mode("orbit")),
        Command("t", "views", "map, north up", lambda: act.mode("top")),
        Command("shift-w", "views", "walk at eye height, 1.7 m", lambda: act.mode("walk")),
        Command("shift-f", "views", "fly", lambda: act.mode("fly")),
    ]
    tools = [Command(KEYS[n], "measure", t.title, lambda n=n: act.take(n)) for n, t in TOOLS.items()]  # type: ignore[misc]
    picks = [
        Command("return", "measure", "pick what is under the crosshair", act.pick_middle),
        Command("backspace", "measure", "take the last place back", act.take_back),
        Command("delete", "measure", "clear", act.clear),
        Command("e", "measure", "explain: why a hole, how well it matches", act.explain),
    ]
    layers = [Command(str(n), "layers", name, lambda name=name: act.layer(name))  # type: ignore[misc]
              for n, name in enumerate(LAYERS, start=1)]  # fmt: skip
    rest = [
        Command("plus", "values", "the value in hand up", lambda: act.turn(1)),
        Command("minus", "values", "down", lambda: act.turn(-1)),
        Command("comma", "values", "frame before; hillshade: turn the sun", lambda: act.comma(-1)),
        Command("period", "values", "next frame; hillshade: turn the sun", lambda: act.comma(1)),
        Command("space", "in a frame", "blink frame and mesh", act.blink),
        Command("bracketleft", "in a frame", "wipe to the left", lambda: act.wipe(-1)),
        Command("bracketright", "in a frame", "wipe to the right", lambda: act.wipe(1)),
        Command("s", "more", "save a picture", act.save_picture),
        Command("h", "more", "this help", act.help),
        Command("question", "more", "this help", act.help),
        Command("escape", "more", "close, leave the frame, clear", act.escape),
        Command("q", "more", "quit", act.quit),
    ]
    return Commands([*views, *tools, *picks, *layers, *rest], _menus(parts, act))


def _menus(parts: Parts, act: Actions) -> list[Menu]:
    def on(name: str, state: bool) -> str:
        return f"{'on' if state else 'off':<4}  {name}"

    def thing(key: str, name: str, text: str) -> Choice:
        return Choice(key, lambda: on(text, parts.things.shown(name)), lambda: act.thing(name), stays=True)

    options = parts.options
    tools = tuple(Choice(KEYS[n], lambda t=t: t.title, lambda n=n: act.take(n)) for n, t in TOOLS.items())  # type: ignore[misc]
    layers = tuple(
        Choice(str(n), lambda name=name: name, lambda name=name: act.layer(name), stays=True)  # type: ignore[misc]
        for n, name in enumerate(LAYERS, start=1)
    )
    return [
        Menu("m", "measure", (*tools, Choice("s", lambda: "save the profile (PNG and CSV)", act.save_profile))),
        Menu("c", "layers (colours)", (*layers,
             thing("l", "contours", "contour lines"),
             Choice("i", lambda: f"contour interval  {parts.things.interval_m:g} m", lambda: act.dial("contours")),
             Choice("u", lambda: "sun: + - height, , . direction", lambda: act.dial("sun height")))),
        Menu("v", "view", (
            thing("r", "rings", "rings, m from the camera"),
            thing("g", "grid", "metre grid"),
            thing("p", "person", "a person, 1.8 m, at the last place"),
            thing("o", "rover", "the rover's outline"),
            Choice("d", lambda: on("panorama around", parts.around.dome), act.dome, stays=True),
            Choice("s", lambda: on("panorama strip", parts.around.strip), act.strip, stays=True),
            Choice("a", lambda: _eyes(parts), act.anaglyph, stays=True),
            Choice("z", lambda: f"heights  x {parts.world.exaggeration:g}", act.exaggerate, stays=True),
            Choice("b", lambda: on("clip box (two places, or the middle)", parts.world.box is not None),
                   act.clip, stays=True),
            Choice("w", lambda: on("edges of the triangles", options.wireframe), act.wireframe, stays=True),
            Choice("c", lambda: on("crosshair", options.crosshair), act.crosshair, stays=True),
        )),
        Menu("f", "frames: stand where the camera stood", (
            Choice("f", lambda: "the frame that shows what is in the middle", act.enter_frame),
            Choice("comma", lambda: "the frame before", lambda: act.comma(-1)),
            Choice("period", lambda: "the next frame", lambda: act.comma(1)),
            Choice("1", lambda: "the frame itself", lambda: act.frame_shows("frame")),
            Choice("2", lambda: "the mesh through the frame's camera", lambda: act.frame_shows("mesh")),
            Choice("3", lambda: "residual: frame minus mesh", lambda: act.frame_shows("residual")),
            Choice("4", lambda: "wipe: frame left, mesh right", lambda: act.frame_shows("wipe")),
            Choice("5", lambda: "why there are holes", lambda: act.frame_shows("holes")),
            Choice("x", lambda: "leave, and look on from there", act.leave_frame),
        )),
        Menu("b", "bookmarks", (
            Choice("a", lambda: "set one here", act.set_bookmark),
            Choice("n", lambda: f"next  ({len(parts.shelf.bookmarks)} set)", lambda: act.visit(1), stays=True),
            Choice("p", lambda: "previous", lambda: act.visit(-1), stays=True),
            Choice("d", lambda: "drop this one", act.drop_bookmark, stays=True),
            Choice("s", lambda: "save as JSON", act.save_bookmarks),
            Choice("f", lambda: "fly along them, to an MP4", act.film),
        )),
        Menu("x", "annotations", (
            Choice("k", lambda: "keep what is measured", act.keep),
            Choice("t", lambda: "text at the last place", act.text),
            Choice("d", lambda: "drop the last one", act.drop_note),
            Choice("s", lambda: f"save as GeoJSON  ({len(parts.notes.annotations)} kept)", act.save_notes),
            Choice("c", lambda: "export as CSV", act.export_notes),
        )),
        Menu("u", "pictures", (
            Choice("s", lambda: "save a picture with scale, north and caption", act.save_picture),
            Choice("w", lambda: "save the window as it is", act.save_window),
            Choice("f", lambda: "fly along the bookmarks, to an MP4", act.film),
        )),
    ]  # fmt: skip


def _eyes(parts: Parts) -> str:
    base = parts.options.eye_base_m
    return "red-cyan  off" if base is None else f"red-cyan  {100 * base:.4g} cm: {told_scale(base)}"
