"""Measuring in the window: which tool is in hand, the places picked so far, and what it makes of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pil

from stereo3d.export.credit import signed
from stereo3d.observation import credit_of
from stereo3d.view import tools
from stereo3d.view.tools import TOOLS, Measurement
from stereo3d.view.tools.table import Found, Tool
from stereo3d.view.window.files import free_path, write_whole
from stereo3d.view.window.marks import Marks
from stereo3d.view.window.world import World

Float = NDArray[np.float64]
Lines = list[str]

KEYS = {
    "point": "p", "distance": "l", "polyline": "k", "height": "i", "area": "r", "angle": "g", "plane": "n",
    "profile": "j",
}  # fmt: skip
"""Key of each tool: those of the web page."""


class Measuring:
    """The tool in hand, with its places."""

    def __init__(self, world: World, marks: Marks) -> None:
        self._world, self._marks = world, marks
        self.name = "distance"
        self.points: list[Measurement] = []
        self.found: Found | None = None
        self._plot: tuple[tuple[int, int], Pil.Image] | None = None

    @property
    def tool(self) -> Tool:
        """The tool in hand."""
        return TOOLS[self.name]

    def take(self, name: str) -> None:
        """Take a tool of TOOLS in hand; places begin anew."""
        self.name = name
        self.clear()

    def add(self, point: Measurement) -> None:
        """A place was picked."""
        if self.tool.most is not None and len(self.points) >= self.tool.most:
            self.points = []
        self.points.append(point)
        print(f"point {len(self.points)}: " + "; ".join(point.lines()), flush=True)
        self._measure()
        if self.found is not None and self.found is not point:
            print("; ".join(self.found.lines()), flush=True)

    def take_back(self) -> None:
        """The last place was none."""
        if self.points:
            self.points.pop()
            self._measure()

    def clear(self) -> None:
        """Begin anew."""
        self.points = []
        self._measure()

    def _measure(self) -> None:
        self.found, self._plot = None, None
        if len(self.points) >= self.tool.least:
            self.found = self.tool.measure(self._world.result, self._world.surface, self.points)
        self._draw()

    def _draw(self) -> None:
        self._marks.clear("tool")
        places = np.array([p.xyz_enu for p in self.points]).reshape(-1, 3)
        if self.name == "height" and len(places) == 4:
            self._marks.line("tool", places[:3], closed=True)
        elif self.name == "plane" and len(places) == 2:
            self._marks.line("tool", self._circle(places), closed=True)
        elif self.tool.shape == "area":
            self._marks.line("tool", places, closed=True)
        elif isinstance(self.found, tools.Profile):
            self._marks.line("tool", self.found.places[np.isfinite(self.found.up_m)])
        else:
            self._marks.line("tool", places)
        self._marks.dots("tool", places)

    def _circle(self, places: Float) -> Float:
        """(n, 3) around the first place, through the second one, on the ground where there is some."""
        radius = float(np.hypot(*(places[1] - places[0])[:2]))
        turns = np.linspace(0.0, 2.0 * np.pi, 48, endpoint=False)
        out = []
        for turn in turns:
            east, north = places[0, 0] + radius * np.cos(turn), places[0, 1] + radius * np.sin(turn)
            on = self._world.place(float(east), float(north))
            out.append(on if on is not None else [east, north, places[0, 2]])
        return np.array(out)

    @property
    def _mission(self) -> str:
        return self._world.result.observations[0].mission

    def plot(self, size: tuple[int, int]) -> Pil.Image | None:
        """The profile's plot, (width, height) px, when there is one."""
        if not isinstance(self.found, tools.Profile):
            return None
        if self._plot is None or self._plot[0] != size:
            self._plot = size, tools.profile_picture(self.found, self._mission, size)
        return self._plot[1]

    def save_profile(self, folder: Path) -> list[Path]:
        """Write plot (.png) and table (.csv) under the next free number; none without a profile.

        Raises OutputError where they cannot be written.
        """
        if not isinstance(self.found, tools.Profile):
            return []
        plot = tools.profile_picture(self.found, self._mission)
        picture = free_path(folder, "stereo3d-profile", (".png", ".csv"))
        table = picture.with_suffix(".csv")
        text = tools.profile_csv(self.found)
        sign = signed(credit_of(self._mission), "PNG")
        write_whole(picture, lambda path: plot.save(path, format="PNG", **sign))
        write_whole(table, lambda path: path.write_text(text, encoding="utf-8"))
        return [picture, table]

    def lines(self) -> Lines:
        """What a person reads: the newest place in full, and what the tool makes of all."""
        if not self.points:
            return []
        short = [
            f"point {n}  range {p.range_m:.3f} m \u00b1 {p.sigma_m:.3f} m"
            for n, p in enumerate(self.points[:-1], start=1)
        ][-6:]
        newest = [f"point {len(self.points)}", *self.points[-1].lines()]
        missing = self.tool.least - len(self.points)
        wanted = [f"{self.tool.title}: {self.tool.hint}"] if missing > 0 else []
        told = self.found.lines() if self.found is not None and self.name != "point" else []
        return [*short, *newest, *told, *wanted]

    def numbers(self) -> dict[str, float | bool | str]:
        """What the tool makes of the places, as plain values for a file."""
        out: dict[str, float | bool | str] = {"tool": self.tool.title}
        for name in ("value", "sigma", "unit"):
            value = getattr(self.found, name, None)
            if isinstance(value, str) or (isinstance(value, float) and np.isfinite(value)):
                out[name] = value
        return out

    def marked(self) -> tuple[Float, Float]:
        """Places (n, 3), m, ENU, that stand for what is measured, and their sigmas (n,), m: NaN on a circle's rim."""
        places = np.array([p.xyz_enu for p in self.points]).reshape(-1, 3)
        if self.name == "plane" and len(places) == 2:
            rim = self._circle(places)
            return rim, np.full(len(rim), np.nan)
        return places, np.array([p.sigma_m for p in self.points])
