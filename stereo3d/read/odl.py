"""The ODL label of a PDS3 file, attached to the image or detached.

Grammar: "Planetary Data System Standards Reference", chapter 12 (Object Description Language).  A small reader of its
own: of the Python libraries one runs for ever on some damaged labels, and another brings clients of cloud storage.
Every token is found once, from left to right, so the time grows with the label's length only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from stereo3d.errors import RecordError
from stereo3d.read.label import MAX_ITEMS, MAX_LABEL_BYTES, Label, Value

_END = re.compile(rb"(?:^|[\r\n])[ \t]*END[ \t]*(?=[\r\n\0]|$)")
_TOKEN = re.compile(
    r"""\s+|/\*.*?(?:\*/|\Z)                   # space; a comment, which the label's end ends too
    |(?P<text>"[^"]*"|'[^']*')
    |<(?P<unit>[^<>\n]{0,40})>
    |(?P<based>[+-]?\d{1,2}\#[+-]?[0-9A-Fa-f]{1,64}\#)
    |(?P<word>[^\s"'<>(){},=]+)
    |(?P<mark>[(){},=])""",
    re.VERBOSE | re.DOTALL | re.ASCII,
)
_NUMBER = re.compile(r"[+-]?(?:\d{1,40}(?:\.\d{0,40})?|\.\d{1,40})(?:[eE][+-]?\d{1,3})?", re.ASCII)
_MAX_DEPTH = 8

_Token = tuple[str, str, int]
"""Kind (text, unit, based, word, mark, end), content, and place in the label."""


def starts_label(start: bytes) -> bool:
    """Whether a file's first bytes are those of an ODL label."""
    return start.lstrip().startswith((b"PDS_VERSION_ID", b"ODL_VERSION_ID", b"CCSD3Z"))


def read_odl(path: Path) -> Label:
    """The label at the start of a file, up to its END; keywords outside of groups are in IDENTIFICATION.

    Of two groups of one name the first is kept; a group inside of another one is beside it.  Raises RecordError when
    the label has no END within 256 kB, or is no ODL; the error names the line.
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
    return _Parser(data[: end.start()].decode("latin-1"), path).label()


class _Parser:
    """Statements NAME = VALUE, one after the other, in groups."""

    def __init__(self, text: str, file: Path) -> None:
        self._text, self._file = text, file
        self._tokens = self._split()
        self._next = next(self._tokens)

    def label(self) -> Label:
        groups: dict[str, dict[str, Value]] = {"IDENTIFICATION": {}}
        open_groups: list[tuple[str, dict[str, Value]]] = [("IDENTIFICATION", groups["IDENTIFICATION"])]
        for _ in range(MAX_ITEMS):
            kind, name, _ = self._take()
            name = name.upper()
            if kind == "end":
                return Label(self._file, groups)
            if kind != "word":
                raise self._error("a keyword was expected")
            if name in ("END_GROUP", "END_OBJECT"):
                if self._next[1] == "=":
                    self._take()
                    self._take()
                if len(open_groups) == 1:
                    raise self._error(f"{name} ends nothing")
                open_groups.pop()
                continue
            if self._take()[:2] != ("mark", "="):
                # The first line of a label in a transfer format (CCSD3ZF0000100000001NJPL3IF0PDSX00000001).
                if name.startswith("CCSD3Z"):
                    continue
                raise self._error(f"'=' was expected after {name[:40]}")
            value, unit = self._value(0)
            if name in ("GROUP", "OBJECT", "BEGIN_GROUP", "BEGIN_OBJECT"):
                if len(open_groups) > _MAX_DEPTH:
                    raise self._error("groups are nested too deeply")
                key = str(value).upper()[:100]
                # Statements of a second group of a name are read, and go nowhere.
                open_groups.append((key, {} if key in groups else groups.setdefault(key, {})))
                continue
            group = open_groups[-1][1]
            group.setdefault(name, value)
            if unit:
                group.setdefault(f"{name}__UNIT", unit)
        raise self._error(f"more than {MAX_ITEMS} statements")

    def _value(self, depth: int) -> tuple[Value, str]:
        """The next value, and its unit ("" when it has none)."""
        kind, content, _ = self._take()
        value: Value
        unit = ""
        if kind == "mark" and content in "({":
            if depth >= _MAX_DEPTH:
                raise self._error("lists are nested too deeply")
            closing = ")" if content == "(" else "}"
            values: list[Value] = []
            while self._next[:2] != ("mark", closing):
                part, part_unit = self._value(depth + 1)
                values.append(part)
                unit = unit or part_unit
                if self._next[:2] == ("mark", ","):
                    self._take()
                elif self._next[:2] != ("mark", closing):
                    raise self._error("a list does not end")
            self._take()
            value = tuple(values)
        elif kind == "text":
            value = re.sub(r"\s*\n\s*", " ", content[1:-1])
        elif kind == "based":
            value = self._based(content)
        elif kind == "word":
            value = float(content) if _NUMBER.fullmatch(content) else content
        else:
            raise self._error("a value was expected")
        if self._next[0] == "unit":
            unit = self._take()[1].strip()
        return value, unit

    def _based(self, content: str) -> Value:
        """A whole number in another base, 16#FF7FFFFB#."""
        sign = -1.0 if content.startswith("-") else 1.0
        base, digits, _ = content.lstrip("+-").split("#")
        try:
            return sign * float(int(digits, int(base)))
        except ValueError:
            raise self._error(f"'{content}' is no number") from None

    def _take(self) -> _Token:
        """The next token; the one after it is looked at in advance."""
        token = self._next
        if token[0] != "end":
            self._next = next(self._tokens)
        return token

    def _split(self) -> Iterator[_Token]:
        at = 0
        while at < len(self._text):
            match = _TOKEN.match(self._text, at)
            if match is None:
                self._next = ("bad", "", at)
                raise self._error("this is no ODL")
            if match.lastgroup is not None:
                yield match.lastgroup, match.group(match.lastgroup), at
            at = match.end()
        yield "end", "", at

    def _error(self, what: str) -> RecordError:
        line = self._text.count("\n", 0, self._next[2]) + 1
        return RecordError(f"the label is not understood: {what}", file=self._file, line=line, expected="a PDS3 label")
