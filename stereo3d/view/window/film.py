"""A fly-through along the bookmarks, shot picture by picture while the window stays alive, encoded beside it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from stereo3d.errors import OutputError, Stereo3dError
from stereo3d.view.flythrough import flight_views, write_video
from stereo3d.view.viewpoint import Viewpoint
from stereo3d.view.window.files import free_path

if TYPE_CHECKING:
    from stereo3d.view.window.painter import Painter
    from stereo3d.view.window.parts import Parts

RGB = NDArray[np.uint8]

SECONDS_A_LEG = 4.0
FPS = 25
_WAITING = 3
"""Pictures that may wait for the encoder."""


class _LeftOffError(Exception):
    """The film is left off."""


class Film:
    """Not rolling until it is started; then one picture a tick."""

    def __init__(self) -> None:
        self._parts: Parts | None = None
        self._views: list[tuple[Viewpoint, str]] = []
        self._next = 0
        self._path = Path()
        self._pictures: queue.Queue[RGB | None] = queue.Queue(_WAITING)
        self._thread: threading.Thread | None = None
        self._failure: Stereo3dError | None = None
        self._left = False

    @property
    def rolling(self) -> bool:
        """Whether pictures are being shot."""
        return self._parts is not None

    def start(self, parts: Parts, folder: Path) -> str:
        """Begin; what a person reads.  Raises OutputError where there is nothing to fly along."""
        stops = [b for b in parts.shelf.bookmarks if not b.view.parallel]
        if len(stops) < 2:
            raise OutputError("a film needs two bookmarks that are no maps", todo="b, then a sets one")
        self._path = free_path(folder, "stereo3d-flight", (".mp4",))
        self._views = list(flight_views(stops, round(SECONDS_A_LEG * FPS * (len(stops) - 1)) + 1))
        self._next, self._left, self._failure = 0, False, None
        width, height = (side // 2 * 2 for side in parts.stage.size)
        self._pictures = queue.Queue(_WAITING)
        self._thread = threading.Thread(target=self._encode, args=((width, height),), daemon=True)
        self._thread.start()
        self._parts = parts
        return f"filming {len(self._views)} pictures along {len(stops)} bookmarks; Esc leaves off"

    def shoot(self, painter: Painter) -> None:
        """One more picture; the last one closes the file."""
        parts = self._parts
        if parts is None:
            return
        if self._failure is not None or self._next >= len(self._views):
            self._close(None)
            painter.say(str(self._failure) if self._failure else f"saved {self._path}")
            painter.changed()
            return
        view, layer = self._views[self._next]
        if layer != parts.colouring.layer:
            parts.colouring.show(layer)
        parts.moves.view = replace(view, eye=parts.world.shown(view.eye))
        parts.moves.look_at_middle()
        parts.ground.show(0)
        rgb = parts.stage.bare(parts.moves.view, parts.moves.focus_m, parts.options.eye_base_m)
        height, width = (side // 2 * 2 for side in rgb.shape[:2])
        self._pictures.put(np.ascontiguousarray(rgb[:height, :width]))
        self._next += 1
        parts.overlay.note([f"film: {self._next} of {len(self._views)}   Esc leaves off"], parts.stage.size)
        parts.stage.show_picture(rgb)

    def stop(self) -> None:
        """Leave off; nothing is kept."""
        if self.rolling:
            self._left = True
            self._close(None)

    def _close(self, last: RGB | None) -> None:
        self._parts = None
        if self._thread is not None and self._thread.is_alive():
            self._pictures.put(last)
            self._thread.join()
        self._thread = None

    def _encode(self, size: tuple[int, int]) -> None:
        try:
            write_video(self._path, self._shot(), size, FPS)
        except _LeftOffError:
            pass
        except Stereo3dError as error:
            self._failure = error
            # What still comes is thrown away, so that the window does not wait.
            while self._pictures.get() is not None:
                pass

    def _shot(self) -> Iterator[RGB]:
        while (picture := self._pictures.get()) is not None:
            yield picture
        if self._left:
            raise _LeftOffError
