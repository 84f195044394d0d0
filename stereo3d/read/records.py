"""JSON records of unknown origin: load them within bounds, find an image's own, read their fields."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from stereo3d.errors import MissingFileError, RecordError
from stereo3d.read.neighbours import is_file
from stereo3d.read.product_name import parse_product_name, same_product, without_browse_width

MAX_JSON_BYTES = 16 << 20
"""A page of 100 raw-feed records has 0.25 MB; parsed JSON may take 25 times its size in memory."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
_UNKNOWN = ("", "UNK", "UNKNOWN", "NULL", "NONE", "N/A")


@dataclass(frozen=True)
class Fields:
    """The fields of one record, nested groups laid flat.  A field that is missing, null or "UNK" reads as None.

    The readers raise RecordError, naming the file and the field, for a value that is there but not understood.
    """

    file: Path
    values: Mapping[str, object]

    def text(self, *names: str) -> str | None:
        """The first of the named fields that is known, as text; numbers are written out."""
        for name in names:
            value = self.values.get(name)
            if isinstance(value, bool) or not isinstance(value, (str, int, float)):
                continue
            # A field of a record has at most a few hundred characters; the rest is not ours to carry around.
            text = str(value)[:2000].strip()
            if text.upper() not in _UNKNOWN:
                return text
        return None

    def number(self, *names: str) -> float | None:
        """One finite number."""
        text = self.text(*names)
        return None if text is None else self.parsed(text, names[0])

    def integer(self, *names: str) -> int | None:
        """One whole number."""
        value = self.number(*names)
        if value is not None and value != int(value):
            raise RecordError(f"{names[0]} is {value:g}", file=self.file, expected="a whole number")
        return None if value is None else int(value)

    def tuple_of(self, count: int, *names: str) -> tuple[float, ...] | None:
        """``count`` finite numbers, written "(a,b,...)"."""
        text = self.text(*names)
        return None if text is None else self.parsed_tuple(text, count, names[0])

    def parsed(self, text: str, name: str) -> float:
        """The number that ``text`` is."""
        if len(text) > 40 or not _NUMBER.fullmatch(text) or abs(float(text)) > 1e15:
            raise RecordError(f"{name} is '{text[:40]}'", file=self.file, expected="a finite number")
        return float(text)

    def parsed_tuple(self, text: str, count: int, name: str) -> tuple[float, ...]:
        """The ``count`` numbers of "(a,b,...)"."""
        parts = text[1:-1].split(",") if text.startswith("(") and text.endswith(")") else []
        if len(parts) != count:
            raise RecordError(f"{name} is '{text[:60]}'", file=self.file, expected=f"({count} numbers)")
        return tuple(self.parsed(part.strip(), name) for part in parts)


def load_records(path: Path) -> tuple[Fields, ...]:
    """The records of a JSON file: one record, a list of them, or a feed's response with "images" or "items".

    Raises MissingFileError, or RecordError for what is too large, no JSON, or holds no records.
    """
    try:
        if not path.is_file():
            if path.exists():
                raise RecordError("is not a regular file", file=path, expected="a JSON record")
            raise MissingFileError("no such file", file=path, todo="check the path of the record")
        with path.open("rb") as file:
            data = file.read(MAX_JSON_BYTES + 1)
    except OSError as error:
        if isinstance(error, MissingFileError):
            raise
        raise RecordError(f"cannot be read: {error.strerror or error}", file=path) from error
    if len(data) > MAX_JSON_BYTES:
        raise RecordError(
            f"the record has more than {MAX_JSON_BYTES >> 20} MB", file=path, expected="a record of the raw feed"
        )
    try:
        value: object = json.loads(data.decode("utf-8-sig"))
    except RecursionError as error:
        raise RecordError("is nested too deeply", file=path, expected="a record of the raw feed") from error
    except json.JSONDecodeError as error:
        raise RecordError(f"is not JSON: {error.msg}", file=path, line=error.lineno) from error
    except ValueError as error:
        raise RecordError("is not JSON: not UTF-8 text, or a number of absurd length", file=path) from error
    if isinstance(value, dict):
        many = next((value[key] for key in ("images", "items") if isinstance(value.get(key), list)), [value])
    else:
        many = value if isinstance(value, list) else []
    records = tuple(Fields(path, flattened(one)) for one in many if isinstance(one, dict))
    if not records:
        raise RecordError("holds no record", file=path, expected='an object, a list, or a response with "images"')
    return records


def find_record(image: Path, metadata: Sequence[Path] = ()) -> Fields:
    """The record of an image: in the metadata files, by image id or file name, else beside the image.

    A single record that is given for an image whose own name says nothing is taken too.  Raises RecordError when
    there is none, or when a record of that file name is of another product.
    """
    stem = without_browse_width(image.stem)
    given = [record for path in metadata for record in load_records(path)]
    for record in given:
        if same_product(record.text("imageid") or "", stem):
            return record
    named = [record for record in given if record.file.stem in (image.stem, stem)]
    if len(given) == 1 and parse_product_name(stem) is None:
        named = given
    if not named:
        for path in _beside(image, stem):
            records = load_records(path)
            named = [r for r in records if same_product(r.text("imageid") or "", stem)] or list(records)
            break
    if not named:
        raise RecordError(
            "no record with its camera model was found",
            file=image,
            expected=f"the raw feed's JSON record beside it as {stem[:80]}.json" if not given else None,
            todo="give the record with --metadata FILE" if not given else "none of the records given is of this image",
        )
    if len(named) > 1:
        raise RecordError(f"holds {len(named)} records, none of image id {stem[:80]}", file=named[0].file)
    own, name = named[0].text("imageid") or "", stem
    if parse_product_name(own) and parse_product_name(name) and not same_product(own, name):
        raise RecordError(f"is the record of another image, {own}", file=named[0].file, expected=f"that of {name}")
    return named[0]


def _beside(image: Path, stem: str) -> list[Path]:
    """The record files that may belong to an image of this name, the most likely first."""
    name = parse_product_name(stem)
    stems = dict.fromkeys([image.stem, stem] + ([name.stem] if name is not None else []))
    paths = [image.with_name(s + suffix) for s in stems for suffix in (".json", ".JSON")]
    return [path for path in paths if is_file(path)]


def flattened(record: Mapping[str, object]) -> dict[str, object]:
    """The record with the groups "camera" and "extended" of the feed laid into its own level."""
    flat = dict(record)
    for group in ("extended", "camera"):
        nested = record.get(group)
        if isinstance(nested, dict):
            flat.update(nested)
    return flat
