"""Paths as a caller may give them: one or several, as text or as Path."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

PathLike = str | os.PathLike[str]
Inputs = PathLike | Sequence[PathLike]
"""A path, or any number of them."""


def listed(inputs: Inputs) -> list[Path]:
    """The paths in order; a text is one path, not its letters."""
    if isinstance(inputs, (str, os.PathLike)):
        return [Path(inputs)]
    return [Path(path) for path in inputs]
