"""The ODL label of a PDS3 file, attached to the image or detached, read with pvl."""

from __future__ import annotations

import datetime
import importlib
import re
import warnings
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any

from stereo3d.errors import RecordError
from stereo3d.read.label import MAX_ITEMS, MAX_LABEL_BYTES, Label, Value

_END = re.compile(rb"(?:^|[\r\n])[ \t]*END[ \t]*(?=[\r\n\0]|$)")
_BLOCK = re.compile(r"[ \t]*(END_)?(GROUP|OBJECT)[ \t]*=[ \t]*([A-Z0-9_]+)[ \t]*$", re.ASCII)
_USED = re.compile(
    r"COORDINATE_SYSTEM$|^GEOMETRIC_CAMERA_MODEL|DERIVED_GEOMETRY_PARMS$|^INSTRUMENT_STATE_PARMS$|"
    r"^IMAGE_REQUEST_PARMS$|^DERIVED_IMAGE_PARMS$|^IMAGE(_DATA)?$|^(IMAGE_)?IDENTIFICATION|^FILE$|^UNCOMPRESSED_FILE$"
)
_MAX_DEPTH = 8
_MAX_STATEMENTS = 5000


def starts_label(start: bytes) -> bool:
    """Whether a file's first bytes are those of an ODL label."""
    return start.lstrip().startswith((b"PDS_VERSION_ID", b"ODL_VERSION_ID", b"CCSD3Z"))


def read_odl(path: Path) -> Label:
    """The label at the start of a file, up to its END; keywords outside of groups are in IDENTIFICATION.

    Raises RecordError when the label has no END within 256 kB, or is no ODL.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_LABEL_BYTES)
    except OSError as error:
        raise RecordError(f"cannot be read: {error.strerror or error}", file=path) from error
    end = _END.search(data)
    if end is None:
        raise RecordError(
            f"the label has no END in its first {MAX_LABEL_BYTES >> 10} kB", file=path, expected="a PDS3 label"
        )
    text = data[: end.end()].decode("latin-1")
    if text.count("=") > _MAX_STATEMENTS:
        raise RecordError(f"the label has more than {_MAX_STATEMENTS} statements", file=path, expected="a PDS3 label")
    depth = deepest = 0
    for bracket in re.findall(r"[({)}]", text):
        depth += 1 if bracket in "({" else -1
        deepest = max(deepest, depth)
    if deepest > 4 * _MAX_DEPTH:
        raise RecordError("the label's lists are nested too deeply", file=path, expected="a PDS3 label")
    try:
        groups = _parsed(_wanted(text))
    except RecursionError as error:
        raise RecordError("the label is nested too deeply", file=path, expected="a PDS3 label") from error
    except Exception as error:  # the parser raises various errors on damaged labels, each with the whole label in it
        line = getattr(error, "lineno", None)
        reason = str(getattr(error, "msg", "") or type(error).__name__)[:100]
        raise RecordError(
            f"the label is not understood: {reason}",
            file=path,
            line=line if isinstance(line, int) else None,
            expected="a PDS3 label",
        ) from error
    return Label(path, groups)


def _wanted(text: str) -> str:
    """The label without the groups that are of no use here, most of it: pvl reads some 40 kB in a second."""
    kept = []
    skipped: str | None = None
    for line in text.splitlines():
        match = _BLOCK.match(line)
        if skipped is not None:
            if match is not None and match.group(1) and match.group(3) == skipped:
                skipped = None
        elif match is not None and not match.group(1) and not _USED.search(match.group(3)):
            skipped = match.group(3)
        else:
            kept.append(line)
    return "\n".join(kept) if skipped is None else text


@lru_cache(maxsize=64)
def _parsed(text: str) -> Mapping[str, Mapping[str, Value]]:
    """The groups of a label's text, kept because an image's label is asked for more than once and takes its time."""
    groups: dict[str, dict[str, Value]] = {"IDENTIFICATION": {}}
    _collect(_pvl().loads(text), groups, "IDENTIFICATION", 0)
    return groups


def _pvl() -> ModuleType:
    with warnings.catch_warnings():  # about a class that it means to rename, and libraries that it can do without
        warnings.simplefilter("ignore")
        return importlib.import_module("pvl")


def _collect(block: Any, groups: dict[str, dict[str, Value]], name: str, depth: int) -> None:
    """Lay the keywords of a block into the group of its name; of two blocks of one name the first is kept."""
    for key, value in block.items():
        key = str(key).upper()
        if isinstance(value, Mapping):
            if key not in groups and depth < _MAX_DEPTH and len(groups) < MAX_ITEMS:
                groups[key] = {}
                _collect(value, groups, key, depth + 1)
            continue
        plain, unit = _plain(value, 0)
        groups[name].setdefault(key, plain)
        if unit:
            groups[name].setdefault(f"{key}__UNIT", unit)


def _plain(value: Any, depth: int) -> tuple[Value, str]:
    """A value of pvl's as one of ours, and its unit ("" when it has none)."""
    if depth > _MAX_DEPTH:
        return "", ""
    if hasattr(value, "value") and hasattr(value, "units"):
        return _plain(value.value, depth + 1)[0], str(value.units)
    if isinstance(value, bool):
        return str(value).upper(), ""
    if isinstance(value, (int, float)):
        return (float(value) if abs(value) < 1e300 else str(value)[:40]), ""
    if isinstance(value, (list, tuple, set, frozenset)):
        parts = [_plain(part, depth + 1) for part in value]
        return tuple(part for part, _ in parts), next((unit for _, unit in parts if unit), "")
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="auto" if value.microsecond % 1000 else "milliseconds"), ""
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat(), ""
    return "" if value is None else str(value), ""
