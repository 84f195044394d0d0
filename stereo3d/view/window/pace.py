"""Which level of detail a moving view is drawn with: the finest that this machine shows quickly enough."""

from __future__ import annotations

from collections.abc import Sequence

SLOWEST_S = 0.08
"""A picture of a moving view should take no longer."""

_SPARE = 0.75
"""A finer level is tried when it should take no more than this share of that."""
_NEWEST = 0.4


class Pace:
    """Chooses by the times that the last pictures took."""

    def __init__(self, faces: Sequence[int], start_below: int = 100_000) -> None:
        """``faces`` of each level, finest first; begins with the first that has no more than ``start_below``."""
        self._faces = list(faces)
        small = [n for n, count in enumerate(faces) if count <= start_below]
        self.level = small[0] if small else len(faces) - 1
        self._seconds: float | None = None

    def tell(self, seconds: float) -> None:
        """A picture at :attr:`level` took so long."""
        mean = seconds if self._seconds is None else self._seconds + _NEWEST * (seconds - self._seconds)
        self._seconds = mean
        if mean > SLOWEST_S and self.level + 1 < len(self._faces):
            self._go(self.level + 1)
        elif self.level > 0:
            finer = mean * self._faces[self.level - 1] / max(self._faces[self.level], 1)
            if finer < _SPARE * SLOWEST_S:
                self._go(self.level - 1)

    def _go(self, level: int) -> None:
        self.level, self._seconds = level, None
