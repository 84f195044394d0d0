"""The interactive window: the textured ground in pyvista, our own ways to move, layers, and points to measure."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from stereo3d.errors import OutputError
from stereo3d.libraries import import_library
from stereo3d.pipeline import Result
from stereo3d.terrain.surface import Surface
from stereo3d.view import navigation
from stereo3d.view.annotate import RINGS_M
from stereo3d.view.events import bind
from stereo3d.view.layers import LAYERS, ColourMap, colour_map, displayed, photo_at_vertices, shade
from stereo3d.view.overlay import Overlay, ring_lines
from stereo3d.view.probe import explain_ray
from stereo3d.view.raycast import BACKGROUND
from stereo3d.view.tools import Measurement, distance, pick
from stereo3d.view.viewpoint import Viewpoint, camera_centre, viewpoint

Float = NDArray[np.float64]

_TICK_MS = 40
_WALK_M_S, _TURN_RAD_S = 1.6, 0.9
_CLICK_PX = 4
"""A press that moves less than this before its release is a click."""

_WALKING = {
    "w": (1, 0, 0), "s": (-1, 0, 0), "a": (0, -1, 0), "d": (0, 1, 0),
    "up": (1, 0, 0), "down": (-1, 0, 0), "left": (0, 0, -1), "right": (0, 0, 1),
}  # fmt: skip
"""Key to (ahead, to the right, turn to the right)."""


class Window:
    """A window on one reconstruction; :meth:`run` shows it and returns when it is closed."""

    def __init__(
        self,
        result: Result,
        size: tuple[int, int] = (1280, 960),
        start: str = "camera",
        layer: str = "image",
        off_screen: bool = False,
    ) -> None:
        """``start`` is one of VIEWPOINTS, ``layer`` one of LAYERS.  Raises MissingLibraryError without pyvista."""
        pv = import_library("pyvista")
        self._pv = pv
        self._made = result
        self._surface = Surface(result.terrain.mesh)
        self._maps: dict[str, ColourMap] = {}
        self.layer = layer
        self.points: list[Measurement] = []
        self._told: list[str] = []
        self._marks: list[Any] = []
        self.mode = "orbit"
        self._held: set[str] = set()
        self._fast = False
        self._press: tuple[str, int, int] | None = None
        self._last = (0, 0)
        self._moved = False
        self._help = False
        self._ticked = time.monotonic()

        title = f"stereo3d \u2014 {result.name[:80]}"
        self._plotter = pv.Plotter(window_size=list(size), off_screen=off_screen, title=title)
        self._plotter.render_window.SetMultiSamples(0)
        top, bottom = ([c / 255.0 for c in colour] for colour in BACKGROUND)
        self._plotter.set_background(bottom, top=top)
        self._add_ground()
        self._front = self._front_renderer()
        self._overlay = Overlay(self._front)
        self._rings_on = False
        self._start(start)
        self._set_layer(layer)

    def _add_ground(self) -> None:
        pv, terrain = self._pv, self._made.terrain
        faces = np.concatenate([np.full((len(terrain.mesh.faces), 1), 3), terrain.mesh.faces], axis=1)
        ground = pv.PolyData(np.asarray(terrain.mesh.vertices, dtype=np.float32), faces.astype(np.int64).ravel())
        ground.active_texture_coordinates = np.asarray(terrain.uv)
        self._ground = ground
        self._texture = pv.Texture(displayed(terrain))
        self._texture.interpolate = True
        # The photograph carries the Sun's own light; a second one would be made up.
        self._actor = self._plotter.add_mesh(
            ground, texture=self._texture, lighting=False, show_scalar_bar=False, name="ground"
        )

    def _front_renderer(self) -> Any:
        """A second layer with the same camera: what is in it is hidden by no ground."""
        front = import_library("vtkmodules.vtkRenderingCore").vtkRenderer()
        front.SetLayer(1)
        front.InteractiveOff()
        front.SetActiveCamera(self._plotter.renderer.GetActiveCamera())
        self._plotter.render_window.SetNumberOfLayers(2)
        self._plotter.render_window.AddRenderer(front)
        return front

    def _set_layer(self, layer: str) -> None:
        self.layer = layer
        mapper = self._actor.GetMapper()
        if layer == "image":
            self._actor.SetTexture(self._texture)
            mapper.ScalarVisibilityOff()
        else:
            if layer not in self._maps:
                self._maps[layer] = colour_map(self._made, layer)
                self._ground.point_data[layer] = self._vertex_colours(self._maps[layer])
            self._actor.SetTexture(None)
            mapper.SetScalarModeToUsePointFieldData()
            mapper.SetColorModeToDirectScalars()
            mapper.SelectColorArray(layer)
            mapper.ScalarVisibilityOn()
        self._refresh()

    def _vertex_colours(self, colours: ColourMap) -> NDArray[np.uint8]:
        """(n, 3) uint8: the layer's colours dimmed by the photograph, as in picture files."""
        dim = shade(photo_at_vertices(self._made.terrain))
        return (colours.colours(colours.values) * dim[:, None]).astype(np.uint8)

    def _toggle_rings(self) -> None:
        self._rings_on = not self._rings_on
        if not self._rings_on:
            self._plotter.remove_actor("rings", render=False)
            return
        lines = ring_lines(self._ground, camera_centre(self._made), RINGS_M)
        if lines.n_points:
            self._plotter.add_mesh(
                lines, color="white", opacity=0.6, line_width=1.5, lighting=False, name="rings",
                show_scalar_bar=False, render=False, reset_camera=False,
            )  # fmt: skip

    def _show_points(self) -> None:
        for actor in self._marks:
            self._front.RemoveActor(actor)
        self._marks = []
        for number, point in enumerate(self.points):
            ball = self._pv.Sphere(radius=0.006 * point.range_m, center=point.xyz_enu)
            self._mark(ball, ("#ff5a36", "#36c5ff")[number])
        if len(self.points) == 2:
            self._mark(self._pv.Line(self.points[0].xyz_enu, self.points[1].xyz_enu), "#ffe14d")

    def _mark(self, shape: Any, colour: str) -> None:
        actor = self._pv.Actor(mapper=self._pv.DataSetMapper(shape))
        actor.mapper.scalar_visibility = False
        actor.prop.color, actor.prop.lighting, actor.prop.line_width = colour, False, 3
        self._front.AddActor(actor)
        self._marks.append(actor)

    def _point_lines(self) -> list[str]:
        lines = []
        for number, point in enumerate(self.points, start=1):
            lines += [f"point {number}", *point.lines()]
        if len(self.points) == 2:
            lines += distance(*self.points).lines()
        return lines + self._told

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) of the window, px."""
        width, height = self._plotter.render_window.GetSize()
        return max(1, int(width)), max(1, int(height))

    def _refresh(self) -> None:
        """Bring VTK's camera and the overlay in line with the state, and render."""
        view, camera, size = self.view, self._plotter.camera, self.size
        depth = max(0.1, float((self._focus - view.eye) @ view.forward))
        camera.position = tuple(view.eye)
        camera.focal_point = tuple(view.eye + depth * view.forward)
        camera.up = tuple(view.up)
        camera.parallel_projection = view.parallel
        if view.parallel:
            camera.parallel_scale = view.half_height
        else:
            camera.view_angle = float(np.degrees(2.0 * np.arctan(view.half_height)))
        self._plotter.renderer.ResetCameraClippingRange()
        self._overlay.compass(view, size)
        self._overlay.scale(view, depth, size)
        self._overlay.colours(None if self.layer == "image" else self._maps[self.layer], size)
        way = {"orbit": "orbit", "walk": "walk", "top": "map"}[self.mode]
        self._overlay.status(f"{way}   {self.layer}   looking {view.heading_deg:.0f}\u00b0   h: help", size)
        self._overlay.points(self._point_lines())
        self._overlay.help(self._help, size)
        self._plotter.render()

    def _start(self, name: str) -> None:
        size = self.size
        self.view: Viewpoint = viewpoint(self._made, name, size[0] / size[1])
        self.mode = "top" if name == "top" else "orbit"
        self._focus: Float = self._middle_of_view()

    def _middle_of_view(self) -> Float:
        """(3,) the ground in the middle of the picture; 10 m ahead where there is none."""
        hit = pick(self._made, self._surface, self.view.eye, self.view.forward)
        return hit.xyz_enu if hit else self.view.eye + 10.0 * self.view.forward

    def _ground_height(self, east_m: float, north_m: float) -> float:
        # From a little above the eye, so that a walker under an overhang stays there.
        return self._surface.ground_height(east_m, north_m, float(self.view.eye[2]) + 0.5)

    def _set_mode(self, mode: str) -> None:
        if mode == "top":
            self._start("top")
        else:
            if self.view.parallel:
                self._start("camera")
            self.mode = mode
            if mode == "walk":
                self.view = navigation.stand(self.view, self._surface.ground_height)
            self._focus = self._middle_of_view()

    def press(self, button: str, x: int, y: int) -> None:
        """A mouse button (left, middle, right) goes down; px from the window's lower left corner."""
        self._press, self._last, self._moved = (button, x, y), (x, y), False

    def move(self, x: int, y: int) -> None:
        """The mouse moves."""
        if self._press is None:
            return
        button, x0, y0 = self._press
        if not self._moved and max(abs(x - x0), abs(y - y0)) < _CLICK_PX:
            return
        self._moved = True
        dx, dy = x - self._last[0], y - self._last[1]
        self._last = (x, y)
        height = self.size[1]
        angle = 2.0 * self.view.half_height / height
        if self.mode == "top" or button != "left":
            self.view, self._focus = navigation.pan(self.view, self._focus, dx, dy, height)
        elif self.mode == "walk":
            self.view = navigation.look(self.view, -dx * angle, -dy * angle)
        else:
            self.view = navigation.orbit(self.view, self._focus, -dx * np.pi / height, -dy * np.pi / height)
        self._refresh()

    def release(self, button: str, x: int, y: int) -> None:
        """A mouse button goes up; without a drag in between the left one picks."""
        if self._press and self._press[0] == button:
            clicked = button == "left" and not self._moved
            self._press = None
            if clicked:
                self.pick(x, y)

    def wheel(self, clicks: int) -> None:
        """Nearer for positive clicks, farther for negative."""
        if self.mode == "walk":
            self.view = navigation.step(self.view, 0.5 * clicks, 0.0, self._ground_height)
        else:
            self.view = navigation.nearer(self.view, self._focus, 1.15**clicks)
        self._refresh()

    def pick(self, x: int, y: int) -> None:
        """Measure the ground below (x, y); a third point begins anew."""
        point = pick(self._made, self._surface, *self._ray(x, y))
        if point is None:
            print("no measured ground there", flush=True)
            self.explain(x, y)
            return
        self._told = []
        self.points = [*self.points, point] if len(self.points) < 2 else [point]
        print(f"point {len(self.points)}: " + "; ".join(point.lines()), flush=True)
        if len(self.points) == 2:
            print("; ".join(distance(*self.points).lines()), flush=True)
        self._show_points()
        self._refresh()

    def _ray(self, x: int, y: int) -> tuple[Float, Float]:
        """Origin and direction, ENU, of the ray through (x, y)."""
        width, height = self.size
        return self.view.rays(np.array([float(x), float(height - 1 - y)]), (width, height))

    def explain(self, x: int, y: int) -> None:
        """Tell what is known about the left image's pixel below (x, y): why it is a hole, or how well it matches."""
        self._told = explain_ray(self._made, self._surface, *self._ray(x, y))
        print("\n".join(self._told), flush=True)
        self._refresh()

    def key(self, name: str, x: int = 0, y: int = 0, fast: bool = False) -> None:
        """A key goes down, the pointer being at (x, y); ``fast`` with Shift."""
        key = name.lower().removeprefix("kp_")
        self._fast = fast
        if self.mode == "walk" and key in _WALKING:
            if not self._held:
                self._ticked = time.monotonic()
            self._held.add(key)
            return
        if key in ("q", "escape"):
            self.close()
            return
        if key in ("p", "e"):
            (self.pick if key == "p" else self.explain)(x, y)
            return
        if key in ("1", "2", "3", "4"):
            self._set_layer(LAYERS[int(key) - 1])
        elif key == "l":
            self._set_layer(LAYERS[(LAYERS.index(self.layer) + 1) % len(LAYERS)])
        elif key in ("s", "x"):
            self.save()
        elif key in ("o", "w", "t"):
            self._set_mode({"o": "orbit", "w": "walk", "t": "top"}[key])
        elif key == "r":
            self._start("camera")
        elif key == "g":
            self._toggle_rings()
        elif key == "c":
            self.points, self._told = [], []
            self._show_points()
        elif key in ("h", "question", "f1"):
            self._help = not self._help
        else:
            return
        self._refresh()

    def key_up(self, name: str) -> None:
        """A key goes up."""
        self._held.discard(name.lower().removeprefix("kp_"))

    def tick(self) -> None:
        """Walk on while keys are held: by the time that has passed, however slow the pictures come."""
        now = time.monotonic()
        seconds, self._ticked = min(now - self._ticked, 0.25), now
        if self.mode != "walk" or not self._held:
            return
        ahead, aside, turn = (sum(_WALKING[k][i] for k in self._held) for i in range(3))
        pace = seconds * (3.0 if self._fast else 1.0)
        self.view = navigation.look(self.view, turn * _TURN_RAD_S * pace, 0.0)
        self.view = navigation.step(self.view, ahead * _WALK_M_S * pace, aside * _WALK_M_S * pace, self._ground_height)
        self._refresh()

    def picture(self) -> NDArray[np.uint8]:
        """(height, width, 3) uint8 RGB: what the window shows."""
        return np.asarray(self._plotter.screenshot(None, return_img=True), dtype=np.uint8)

    def save(self) -> None:
        """Save what the window shows under the next free number in the current folder."""
        image = Pil.fromarray(self.picture())
        for number in range(1, 10000):
            path = Path(f"stereo3d-view-{number:03d}.png")
            try:
                with path.open("xb") as file:
                    image.save(file, format="PNG")
            except FileExistsError:
                continue
            except OSError as error:
                print(OutputError(f"the picture cannot be written: {error.strerror or error}", file=path), flush=True)
                return
            print(f"saved {path}", flush=True)
            return

    def run(self) -> None:
        """Show the window until it is closed.  Ctrl-C closes it and raises KeyboardInterrupt."""
        self._plotter.show(interactive=False, auto_close=False)
        interactor = self._plotter.iren.interactor
        bind(self, self._plotter)
        self._refresh()
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
            self._plotter.close()
        if interrupted:
            raise KeyboardInterrupt

    def let_go(self) -> None:
        """The pointer leaves the window: keys that go up now are not told."""
        self._held.clear()

    def redraw(self) -> None:
        """The window has changed its size."""
        self._refresh()

    def close(self) -> None:
        """Leave :meth:`run`."""
        self._plotter.iren.interactor.TerminateApp()
