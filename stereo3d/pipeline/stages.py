"""Progress of a long job: the name of each stage, the share of the work done, the time that each took."""

from __future__ import annotations

import time
from collections.abc import Callable

Progress = Callable[[str, float], None]
"""Called with the name of the stage that begins and the share of the work done so far (0 to 1)."""


class Stages:
    """Tells progress and keeps the time of each stage."""

    def __init__(self, progress: Progress | None) -> None:
        self._progress = progress
        self._name: str | None = None
        self._began = 0.0
        self.seconds: dict[str, float] = {}

    def begin(self, name: str, share: float) -> None:
        now = time.perf_counter()
        if self._name is not None:
            self.seconds[self._name] = round(self.seconds.get(self._name, 0.0) + now - self._began, 4)
        self._name, self._began = name, now
        self.tell(share)

    def tell(self, share: float) -> None:
        if self._progress is not None and self._name is not None:
            self._progress(self._name, share)
