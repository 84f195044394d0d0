"""Damage that knows the formats: what strangers' files may hold, made from small good ones.

An input is told by the target's name, the run's seed and its number alone, so that any of them can be made again.
"""

from __future__ import annotations

import hashlib
import json
import random
import re
import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any

NUMBERS = (
    *("0", "-0", "-1", "1", "2", "3", "63", "64", "65", "255", "256", "8192", "8193", "65535", "65536", "1000000"),
    *("2147483647", "2147483648", "4294967295", "4294967296", "9223372036854775807", "18446744073709551616"),
    *("1e15", "1e16", "1e30", "3.4e38", "1e38", "1e300", "1e308", "-1e308", "1e309", "-1e400", "1e999", "1e-999"),
    *("NaN", "nan", "Infinity", "-Infinity", "inf", "0.5", ".5", "5.", "1.0000001", "0x10", "1_0", "+7", "--7", "1e"),
    *("\u0661\u0662", "\u00b2", "9" * 39, "9" * 41, "9" * 400, "9" * 4400, "0" * 50 + "1"),
)
WORDS = (
    *("", " ", "\0", "\n", "\r\n", "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x7f", "\u202e", "\ufeff", "\ud800"),
    *("a" * 256, "a" * 300, "\u00e9" * 200, "\U0001f600" * 100, "x" * 5000, "<script>alert(1)</script>", "%s%n", "UNK"),
    *("..", ".", "../secret.png", "../../etc/passwd", "/etc/hostname", "C:\\a", "a\\b", "link.png", "loop.png", "pipe"),
    *("folder", "folder/../../secret.png", "~", "a:b", "NUL", "null", "None", "true", "(1,2,3)", "(nan,nan,nan,nan)"),
    *("(0,0,0)", "(0,0,0,0)", "(1e999,0,0)", "(1,0,0,0)", "N/A", "\u00df" * 130),
)
BYTES = (b"\0", b"\xff", b"\x80", b"\x7f", b"\xff\xfe", b"\xc3\x28", b"\xed\xa0\x80", b"\xef\xbb\xbf", b"\0" * 40)
INTEGERS = (0, 1, 2, 63, 64, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 100_000)

_RARELY = 0.01
"""How often an input is made large: it takes a hundred times as long as a small one."""


def depth(rng: random.Random) -> int:
    """Of nesting.  Python gives up at 1000, and what is read below that may still be too deep to be written out."""
    if rng.random() < _RARELY:
        return 20_000
    return rng.randrange(900, 1000) if rng.random() < 0.3 else rng.choice((2, 5, 9, 30))


_DIGITS = re.compile(rb"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?")
_TIFF_TYPES = (0, 1, 2, 3, 4, 5, 9, 11, 12, 13, 16, 255)
_CHUNKS = (b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"acTL", b"fcTL", b"fdAT", b"PLTE", b"tRNS", b"gAMA", b"pHYs")

Change = Callable[[random.Random, bytes, Sequence[bytes]], bytes]


def mutated(name: str, seed: int, number: int, kind: str, seeds: Sequence[bytes], tokens: Sequence[bytes]) -> bytes:
    """Input ``number`` of a run: one of ``seeds`` with one to four changes of its kind (see :data:`CHANGES`)."""
    rng = random.Random(f"{name}/{seed}/{number}")
    data = rng.choice(seeds)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        try:
            data = rng.choice(CHANGES[kind])(rng, data, tokens)
        except (ValueError, IndexError, KeyError, struct.error, zlib.error, RecursionError):
            data = _raw(rng, data, tokens)  # an earlier change left nothing of the structure
    if rng.random() < 0.03:
        other = rng.choice(seeds)
        data = data[: rng.randrange(len(data) + 1)] + other[rng.randrange(len(other) + 1) :]
    return data


def _raw(rng: random.Random, data: bytes, tokens: Sequence[bytes]) -> bytes:
    """Bytes changed, cut, doubled, put in."""
    at = rng.randrange(len(data) + 1)
    if rng.random() < 0.3:
        at = min(at, rng.randrange(64))  # heads hold sizes
    end = min(len(data), at + rng.choice((1, 1, 2, 4, 8, 30, 200)))
    what = rng.randrange(9)
    if what == 0 and at < len(data):
        return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]
    if what == 1:
        return data[:at] + rng.randbytes(end - at) + data[end:]
    if what == 2:
        return data[:at] + data[end:]
    if what == 3:
        return data[:at]
    if what == 4:
        return data[:at] + data[at:end] * (2000 if rng.random() < _RARELY else rng.choice((2, 3, 20))) + data[end:]
    if what == 5:
        return data[:at] + rng.choice(BYTES) + data[at:]
    if what == 6:
        form = rng.choice((">H", "<H", ">I", "<I"))
        new = struct.pack(form, rng.choice(INTEGERS) & (0xFFFF if form[1] == "H" else 0xFFFFFFFF))
        return data[:at] + new + data[at + len(new) :]
    return data[:at] + rng.choice(tokens or BYTES) + data[end if what == 7 else at :]


def _number(rng: random.Random, data: bytes, tokens: Sequence[bytes]) -> bytes:
    """A number becomes another one."""
    found = list(_DIGITS.finditer(data[:20_000]))
    match = rng.choice(found)
    return data[: match.start()] + rng.choice(NUMBERS).encode() + data[match.end() :]


def _line(rng: random.Random, data: bytes, tokens: Sequence[bytes]) -> bytes:
    """A line of a label is lost, doubled, moved, or has another value."""
    separator = b"\n" if data.count(b"\n") > 3 else b"  "
    lines = data.split(separator)
    at = rng.randrange(min(len(lines), 200))
    what = rng.randrange(6)
    if what == 0:
        del lines[at]
    elif what == 1:
        lines.insert(rng.randrange(len(lines)), lines[at])
    elif what == 2:
        lines[at : at + 1] = [lines[at]] * (11_000 if rng.random() < _RARELY else rng.choice((2, 20)))
    else:
        key, equals, _ = lines[at].partition(b"=")
        lines[at] = key + equals + _value(rng, tokens)
    return separator.join(lines)


def _value(rng: random.Random, tokens: Sequence[bytes]) -> bytes:
    """A value as labels write it."""
    what = rng.randrange(7)
    if what == 0:
        return rng.choice(tokens or BYTES)
    if what == 1:
        quote = rng.choice((b'"', b"'", b""))
        return quote + rng.choice(WORDS).encode("utf-8", "surrogatepass") + quote
    if what == 2:
        return b"(" + b",".join(rng.choice(NUMBERS).encode() for _ in range(rng.choice((1, 2, 3, 4, 5)))) + b")"
    if what == 3:
        open_, close = rng.choice(((b"(", b")"), (b"{", b"}"), (b"[", b"]")))
        levels = depth(rng)
        return open_ * levels + b"1" + close * (levels if rng.random() < 0.7 else 0)
    return rng.choice(NUMBERS).encode()


def any_json(rng: random.Random) -> Any:
    """A value of any kind; "deep N" stands for N nested lists (see :func:`_dumped`)."""
    what = rng.randrange(9)
    if what == 0:
        return rng.choice((None, True, False, [], {}, "", [[]], {"": None}, [None] * 4))
    if what == 1:
        return rng.choice(WORDS)
    if what == 2:
        return f"@deep {depth(rng)}@"
    if what == 3:
        return [any_json(rng) for _ in range(rng.randrange(5))] if rng.random() < 0.5 else [0.0, 0.0, 0.0]
    if what == 4:
        return rng.choice((0, 1, -1, 2**31, 2**63, 10**400, 1e308, -1e308, 1e-320, float("nan"), float("inf")))
    if what == 5:
        return "(" + ",".join(rng.choice(NUMBERS) for _ in range(rng.choice((2, 3, 4)))) + ")"
    if what == 6:
        return rng.choice(NUMBERS)
    return f"@{rng.choice(NUMBERS)}@"


def _dumped(value: Any) -> bytes:
    """JSON, in which strings between @ become bare numbers or deep lists."""
    text = json.dumps(value)

    def bare(match: re.Match[str]) -> str:
        found = match[1]
        if found.startswith("deep "):
            return "[" * int(found[5:]) + "]" * int(found[5:])
        return found

    return re.sub(r'"@([^"\\@]{1,6000})@"', bare, text).encode()


def tree_changed(rng: random.Random, value: Any) -> Any:
    """A part of parsed JSON replaced, lost, doubled, or put elsewhere."""
    path: list[tuple[Any, Any]] = []
    here = value
    while isinstance(here, (dict, list)) and here and (not path or rng.random() < 0.8):
        key = rng.choice(list(here)) if isinstance(here, dict) else rng.randrange(len(here))
        path.append((here, key))
        here = here[key]
    if not path or rng.random() < 0.02:
        return any_json(rng)
    parent, key = path[-1]
    what = rng.randrange(6)
    if what == 0:
        del parent[key]
    elif what == 1 and isinstance(parent, list):
        parent[key : key + 1] = [parent[key]] * rng.choice((2, 3, 10))
    elif what == 1:
        parent[rng.choice(WORDS)] = parent[key]
    elif what == 2:
        parent[key] = rng.choice(([here], {"a": here}, str(here), [here, here, here]))
    elif what == 3:
        other, place = rng.choice(path)
        parent[key] = other[place] if other is not parent else any_json(rng)
    else:
        parent[key] = any_json(rng)
    return value


def _json(rng: random.Random, data: bytes, tokens: Sequence[bytes]) -> bytes:
    return _dumped(tree_changed(rng, json.loads(data)))


def _json_text(rng: random.Random, data: bytes, tokens: Sequence[bytes]) -> bytes:
    """A key told twice, and other things that a parsed tree cannot hold."""
    at = rng.randrange(len(data))
    colon = data.find(b":", at)
    if colon < 0:
        return _raw(rng, data, tokens)
    end = min((p for p in (data.find(c, colon) for c in (b",", b"}", b"]")) if p >= 0), default=len(data))
    return data[: colon + 1] + _dumped(any_json(rng)) + data[end:]


_ELEMENT = re.compile(rb"<([A-Za-z:_0-9]+)[^<>]*>([^<>]*)</\1>")


def _element(rng: random.Random, data: bytes, tokens: Sequence[bytes]) -> bytes:
    """An element of XML is lost, doubled, or holds something else."""
    match = rng.choice(list(_ELEMENT.finditer(data)))
    what = rng.randrange(6)
    if what == 0:
        return data[: match.start()] + data[match.end() :]
    if what == 1:
        return (
            data[: match.start()]
            + match.group() * (1000 if rng.random() < _RARELY else rng.choice((2, 3, 10)))
            + data[match.end() :]
        )
    if what == 2:
        tag, levels = match[1], depth(rng)
        inner = b"<" + tag + b">"
        return data[: match.start()] + inner * levels + (b"</" + tag + b">") * levels + data[match.end() :]
    new = rng.choice(NUMBERS) if what < 5 else rng.choice(WORDS).replace("<", "&lt;")
    return data[: match.start(2)] + new.encode("utf-8", "surrogatepass") + data[match.end(2) :]


def _vicar(rng: random.Random, data: bytes, tokens: Sequence[bytes]) -> bytes:
    """A change within the label, whose size stays true."""
    match = re.match(rb"LBLSIZE=\s*(\d{1,6})", data)
    if match is None:
        return _raw(rng, data, tokens)
    size = int(match[1])
    text = rng.choice((_line, _line, _number, _raw))(rng, data[match.end() : size].rstrip(b"\0"), tokens)
    start = f"LBLSIZE={max(size, len(text) + 30):<14}".encode()
    return (start + text).ljust(max(size, len(text) + 30), b"\0") + data[size:]


def _toml(rng: random.Random, data: bytes, tokens: Sequence[bytes]) -> bytes:
    """A key of a scene's file gets another value that is TOML; seldom the first one, the format."""
    lines = data.split(b"\n")
    at = rng.randrange(0 if rng.random() < 0.1 else 1, len(lines) - 1)
    names = ("left.png", "right.png", *WORDS)
    texts = [json.dumps(rng.choice(names), ensure_ascii=rng.random() < 0.3) for _ in range(rng.choice((1, 1, 2, 3)))]
    value = rng.choice((texts[0], f"[{', '.join(texts)}]", rng.choice(NUMBERS), "true", "{a = 1}", "[[]]", "07:32:00"))
    lines[at] = lines[at].partition(b"=")[0] + b"= " + value.encode("utf-8", "surrogatepass")
    return b"\n".join(lines)


def png_chunk(kind: bytes, data: bytes) -> bytes:
    """A chunk of a PNG with its true length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _png(rng: random.Random, data: bytes, tokens: Sequence[bytes]) -> bytes:
    """A chunk changed under a right checksum."""
    if not data.startswith(b"\x89PNG\r\n\x1a\n"):
        return _raw(rng, data, tokens)
    chunks, at = [], 8
    while at + 12 <= len(data):
        length = struct.unpack(">I", data[at : at + 4])[0]
        chunks.append((data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    which = rng.randrange(len(chunks))
    kind, body = chunks[which]
    what = rng.randrange(6)
    if what == 0:
        del chunks[which]
    elif what == 1:
        chunks.insert(rng.randrange(len(chunks) + 1), chunks[which])
    elif what == 2:
        bomb = zlib.compress(bytes(3_000_000 if rng.random() < _RARELY else rng.choice((10, 1000))))
        inside = rng.choice(
            (b"a\0" + bomb, b"a\0\0" + bomb, b"a\0\1\0\0\0" + bomb, rng.randbytes(20), b"Exif\0\0II*\0")
        )
        chunks.insert(rng.choice((1, len(chunks) - 1)), (rng.choice(_CHUNKS), inside))
    elif what == 3 and kind == b"IDAT":
        chunks[which] = kind, zlib.compress(_raw(rng, zlib.decompress(body), tokens)[:100_000])
    elif what == 4 and kind == b"IHDR":
        side = struct.pack(">I", rng.choice(INTEGERS))
        body = rng.choice((side + body[4:], body[:4] + side + body[8:], body[:8] + rng.randbytes(5)))
        chunks[which] = kind, body
    else:
        chunks[which] = kind, _raw(rng, body, tokens)
    return data[:8] + b"".join(png_chunk(*chunk) for chunk in chunks)


def _tiff(rng: random.Random, data: bytes, tokens: Sequence[bytes]) -> bytes:
    """A tag of the first directory changed; directories that lead back to themselves."""
    if data[:4] != b"II*\0":
        return _raw(rng, data, tokens)
    start = struct.unpack("<I", data[4:8])[0]
    count = struct.unpack("<H", data[start : start + 2])[0]
    out = bytearray(data)
    at = start + 2 + 12 * rng.randrange(count)
    what = rng.randrange(6)
    if what == 0:
        struct.pack_into("<I", out, start + 2 + 12 * count, rng.choice((start, 0, 8, len(data) - 2, 0xFFFFFFFF)))
    elif what == 1:
        struct.pack_into("<H", out, at + 2, rng.choice(_TIFF_TYPES))
    elif what == 2:
        struct.pack_into("<I", out, at + 4, rng.choice(INTEGERS))
    elif what == 3:
        struct.pack_into("<H", out, at, rng.choice((256, 257, 258, 259, 262, 273, 277, 278, 279, 317, 322, 323, 339)))
    else:
        struct.pack_into("<I", out, at + 8, rng.choice((*INTEGERS, start, len(data), 8, 5, 32773, 34712)))
    return bytes(out)


def _entry(rng: random.Random, data: bytes, tokens: Sequence[bytes]) -> bytes:
    """An entry of the store whose header or arrays lie, under a right checksum."""
    start = data.index(b"\n") + 9
    length = int.from_bytes(data[start - 8 : start], "little")
    text, rest = data[start : start + length], data[start + length : -32]
    if rng.random() < 0.8:
        text = rng.choice((_json, _json, _json_text))(rng, text, tokens)
    else:
        rest = _raw(rng, rest, tokens)
    size = len(text) if rng.random() < 0.95 else rng.choice(INTEGERS)
    body = data[: start - 8] + size.to_bytes(8, "little") + text + rest
    return body + hashlib.sha256(body).digest()


CHANGES: dict[str, tuple[Change, ...]] = {
    "bytes": (_raw,),
    "json": (_json, _json, _json, _json, _json_text, _number, _raw),
    "label": (_line, _line, _number, _raw),
    "toml": (_toml, _toml, _toml, _toml, _line, _raw),
    "xml": (_element, _element, _element, _number, _raw),
    "vicar": (_vicar, _vicar, _vicar, _raw),
    "image": (_png, _png, _raw),
    "map": (_tiff, _tiff, _vicar, _raw),
    "entry": (_entry, _entry, _entry, _raw),
}
"""By kind of file: the changes that are drawn from, more often those that stand more often."""
