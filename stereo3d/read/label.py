"""What labels of all kinds become first: groups of keywords with plain values, read with errors that name the file.

The keywords are those of the rovers' PDS3 and VICAR labels, which name them alike; a PDS4 label is translated.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from stereo3d.errors import RecordError

Value: TypeAlias = "str | float | tuple[Value, ...]"
"""A text, a number (whole ones too), or a list of values."""

MAX_LABEL_BYTES = 256 << 10
"""Labels of the rovers' images have 20 to 90 kB."""
MAX_ITEMS = 10_000
_UNKNOWN = ("", "UNK", "UNKNOWN", "NULL", "NONE", "N/A")


@dataclass(frozen=True)
class Label:
    """The keywords of a label by group; those before any group are in the group ``IDENTIFICATION``.

    A value's unit is in the keyword with ``__UNIT`` at its end.  A keyword that is missing, or that says that it is
    not known, reads as None; the readers raise RecordError for a value that is there but not understood.
    """

    file: Path
    groups: Mapping[str, Mapping[str, Value]]

    def get(self, key: str, *groups: str) -> Value | None:
        """The first known value of ``key`` in the named groups, or else in IDENTIFICATION."""
        for group in groups or ("IDENTIFICATION",):
            value = self.groups.get(group, {}).get(key)
            if value is not None and value != () and not (isinstance(value, str) and value.strip().upper() in _UNKNOWN):
                return value
        return None

    def text(self, key: str, *groups: str) -> str | None:
        """One value as text; numbers are written out."""
        value = self.get(key, *groups)
        if isinstance(value, float):
            return f"{value:.15g}"
        return value.strip()[:500] if isinstance(value, str) else None

    def texts(self, key: str, *groups: str) -> tuple[str, ...]:
        """A list of texts; () when there is none."""
        value = self.get(key, *groups)
        parts = value if isinstance(value, tuple) else () if value is None else (value,)
        return tuple(f"{p:.15g}" if isinstance(p, float) else str(p).strip()[:500] for p in parts)

    def number(self, key: str, *groups: str) -> float | None:
        """One finite number."""
        value = self.get(key, *groups)
        return None if value is None else self._finite(value, key)

    def integer(self, key: str, *groups: str) -> int | None:
        """One whole number."""
        value = self.number(key, *groups)
        if value is not None and value != int(value):
            raise RecordError(f"{key} is {value:g}", file=self.file, expected="a whole number")
        return None if value is None else int(value)

    def numbers(self, count: int, key: str, *groups: str) -> tuple[float, ...] | None:
        """``count`` finite numbers; any number of them, and one alone, for ``count`` 0."""
        value = self.get(key, *groups)
        if value is None:
            return None
        parts = value if isinstance(value, tuple) else (value,)
        if count and len(parts) != count:
            raise RecordError(f"{key} has {len(parts)} values", file=self.file, expected=f"{count} numbers")
        return tuple(self._finite(part, key) for part in parts)

    def degrees(self, key: str, *groups: str) -> float | None:
        """An angle in degrees, between -180 and 180; one in radians says so by its unit."""
        value = self.number(key, *groups)
        if value is None:
            return None
        unit = self.text(f"{key}__UNIT", *groups) or "deg"
        value = math.degrees(value) if unit.lower().startswith("rad") else value
        return round((value + 180.0) % 360.0 - 180.0, 9) if abs(value) > 180.0 else value

    def _finite(self, value: Value, key: str) -> float:
        if isinstance(value, str):
            try:
                value = float(value) if len(value) <= 40 else math.nan
            except ValueError:
                value = math.nan
        if isinstance(value, tuple) or not abs(value) <= 1e38:
            raise RecordError(f"{key} is '{str(value)[:40]}'", file=self.file, expected="a finite number")
        return value
