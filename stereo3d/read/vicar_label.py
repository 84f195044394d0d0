"""The label of a VICAR file: ``LBLSIZE=n``, then NAME=value items, in the file's first n bytes (and at its end).

Layout: "The VICAR File Format", NASA/JPL MIPL.  The Python libraries that read it bring clients of cloud storage with
them; an item is a name and a text, a number or a list of them, so it is read here.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from stereo3d.errors import RecordError
from stereo3d.read.label import MAX_ITEMS, MAX_LABEL_BYTES, Label, Value

MAGIC = b"LBLSIZE="
_SIZE = re.compile(rb"LBLSIZE=\s*(\d{1,9})\s")
_ITEM = re.compile(r"\s*([A-Z][A-Z0-9_]{0,63})\s*=\s*", re.ASCII)
_ATOM = re.compile(r"'((?:[^']|'')*)'|([^\s,()']+)")
_SPACE = re.compile(r"\s*")


def label_size(start: bytes, file: Path) -> int:
    """The bytes of the label that begins with ``start``.  Raises RecordError when it is no VICAR label, or too long."""
    match = _SIZE.match(start)
    size = int(match.group(1)) if match is not None else 0
    if not len(MAGIC) < size <= MAX_LABEL_BYTES:
        raise RecordError(
            "the VICAR label has no size" if match is None else f"the VICAR label claims {size} bytes",
            file=file,
            expected=f"LBLSIZE= and at most {MAX_LABEL_BYTES}",
        )
    return size


def parse(text: str, file: Path) -> Label:
    """The items as a label: system items in the group SYSTEM, properties each in a group of its name; history is left.

    Raises RecordError for text that is not a list of NAME=value items, or has more than 10,000 of them.
    """
    groups: dict[str, dict[str, Value]] = {"SYSTEM": {}}
    group: dict[str, Value] = groups["SYSTEM"]
    text = text.split("\0", 1)[0].rstrip()
    at = 0
    for _ in range(MAX_ITEMS):
        if at >= len(text):
            return Label(file, groups)
        match = _ITEM.match(text, at)
        if match is None:
            break
        name = match.group(1)
        value, at = _value(text, match.end(), file)
        if name in ("PROPERTY", "TASK"):
            # The first property of a name is the one in force; the tasks after the properties are its history.
            key = str(value) if name == "PROPERTY" else ""
            group = {} if key in groups or name == "TASK" else groups.setdefault(key, {})
        else:
            group.setdefault(name, value)
    raise RecordError(
        f"the VICAR label is not understood at '{text[at : at + 30].strip()}'", file=file, expected="NAME=value items"
    )


def joined(first: Label, last: Label) -> Label:
    """The label of a file with a second part at its end: what the first part has goes before."""
    groups: dict[str, Mapping[str, Value]] = dict(last.groups)
    for name, items in first.groups.items():
        groups[name] = {**groups.get(name, {}), **items}
    return Label(first.file, groups)


def _value(text: str, at: int, file: Path) -> tuple[Value, int]:
    """The value that begins at ``at``, and where it ends."""
    if not text.startswith("(", at):
        return _atom(text, at, file)
    values: list[Value] = []
    at += 1
    while True:
        value, at = _atom(text, at, file)
        values.append(value)
        at = _end_of_space(text, at)
        if text.startswith(")", at):
            return tuple(values), at + 1
        if not text.startswith(",", at) or len(values) > MAX_ITEMS:
            raise RecordError(f"a list of the VICAR label does not end, at '{text[at : at + 30]}'", file=file)
        at += 1


def _atom(text: str, at: int, file: Path) -> tuple[Value, int]:
    at = _end_of_space(text, at)
    match = _ATOM.match(text, at)
    if match is None:
        raise RecordError(f"the VICAR label has no value at '{text[at : at + 30]}'", file=file)
    quoted, bare = match.groups()
    end = match.end()
    if bare is None:
        return quoted.replace("''", "'"), end
    try:
        value: Value = float(bare)
    except ValueError:
        value = bare
    return value, end


def _end_of_space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match is not None else at
