"""Values as a tree of JSON beside their arrays, and back.

What comes back is led by the type that the caller expects, never by the file: only that class and those in its fields
are made, through their own constructors, which check shapes.  Everything else is a ValueError.
"""

from __future__ import annotations

import types
import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Choices = Mapping[Any, tuple[type, ...]]
"""For a protocol in the place of a type, the classes that may stand for it."""

_PLAIN: dict[Any, tuple[type, ...]] = {bool: (bool,), int: (int,), str: (str,), float: (float, int)}


def encode(value: Any, arrays: list[Array]) -> Any:
    """The tree of ``value``; its arrays are added to ``arrays`` and stand in the tree as {"array": number}.

    Takes dataclasses, enums, tuples, lists, mappings, slices (start and stop), arrays, numbers, strings and None.
    Raises TypeError for anything else.
    """
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {"array": len(arrays) - 1}
    if isinstance(value, np.generic):
        return encode(value.item(), arrays)
    if isinstance(value, Enum):
        return encode(value.value, arrays)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, slice):
        return [encode(value.start, arrays), encode(value.stop, arrays)]
    if isinstance(value, (tuple, list)):
        return [encode(one, arrays) for one in value]
    if isinstance(value, Mapping):
        return [[encode(k, arrays), encode(v, arrays)] for k, v in value.items()]
    if is_dataclass(value) and not isinstance(value, type):
        parts = {f.name: encode(getattr(value, f.name), arrays) for f in fields(value)}
        return {"class": type(value).__name__, "fields": parts}
    raise TypeError(f"a {type(value).__name__} cannot be stored")


def decode(kind: Any, tree: Any, arrays: Sequence[Array], choices: Choices) -> Any:
    """The value of type ``kind`` (a type, or an annotation as the fields of dataclasses have it) that ``tree`` tells.

    Raises ValueError when the tree tells of something else; and what the constructors raise.
    """
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (types.UnionType, typing.Union):
        if tree is None and type(None) in arguments:
            return None
        (kind,) = (a for a in arguments if a is not type(None))
        return decode(kind, tree, arrays, choices)
    if origin is np.ndarray:
        return _array(arguments[1], tree, arrays)
    if origin is tuple:
        return _tuple(arguments, tree, arrays, choices)
    if origin is not None and issubclass(origin, Mapping):
        key, value = arguments
        _require(isinstance(tree, list) and all(isinstance(p, list) and len(p) == 2 for p in tree), kind)
        return {decode(key, k, arrays, choices): decode(value, v, arrays, choices) for k, v in tree}
    if kind in _PLAIN:
        _require(isinstance(tree, _PLAIN[kind]) and isinstance(tree, bool) == (kind is bool), kind)
        return kind(tree)
    if kind is slice:
        _require(isinstance(tree, list) and len(tree) == 2 and all(type(v) is int for v in tree), kind)
        return slice(*tree)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(tree)
    return _object(kind, tree, arrays, choices)


def _array(dtype: Any, tree: Any, arrays: Sequence[Array]) -> Array:
    _require(isinstance(tree, dict) and set(tree) == {"array"} and type(tree["array"]) is int, "array")
    number = tree["array"]
    _require(0 <= number < len(arrays), "array")
    found: Array = arrays[number]
    _require(np.issubdtype(found.dtype, typing.get_args(dtype)[0]), f"{dtype}, not {found.dtype}")
    return found


def _tuple(arguments: tuple[Any, ...], tree: Any, arrays: Sequence[Array], choices: Choices) -> tuple[Any, ...]:
    _require(isinstance(tree, list), "tuple")
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        arguments = (arguments[0],) * len(tree)
    _require(len(arguments) == len(tree), f"tuple of {len(arguments)}")
    return tuple(decode(a, t, arrays, choices) for a, t in zip(arguments, tree, strict=True))


def _object(kind: Any, tree: Any, arrays: Sequence[Array], choices: Choices) -> Any:
    _require(isinstance(tree, dict) and set(tree) == {"class", "fields"} and isinstance(tree["fields"], dict), kind)
    made = next((c for c in choices.get(kind, (kind,)) if c.__name__ == tree["class"]), None)
    _require(made is not None and is_dataclass(made), kind)
    assert made is not None
    hints = typing.get_type_hints(made)
    names = [f.name for f in fields(made)]
    _require(set(names) == set(tree["fields"]), kind)
    return made(**{name: decode(hints[name], tree["fields"][name], arrays, choices) for name in names})


def _require(ok: bool, what: Any) -> None:
    if not ok:
        raise ValueError(f"the entry does not hold what it should: {what}")
