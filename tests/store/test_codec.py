"""Values become trees and arrays, and come back the same; a tree that tells of something else is refused."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np
import pytest
from numpy.typing import NDArray

from stereo3d.store.codec import decode, encode


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Shape(Protocol):
    """What Ball and Cube are."""


@dataclass(frozen=True)
class Ball:
    radius: float


@dataclass(frozen=True)
class Cube:
    side: int


@dataclass(frozen=True)
class Box:
    name: str
    values: NDArray[np.float32]
    full: bool
    sizes: tuple[int, ...]
    colour: Colour
    where: slice
    inside: Shape | None
    weights: Mapping[Colour, NDArray[np.float64]]
    pairs: tuple[tuple[float, str], ...]

    def __post_init__(self) -> None:
        if self.values.ndim != 2:
            raise ValueError("values must have two axes")


CHOICES = {Shape: (Ball, Cube)}


@pytest.fixture
def box():
    values = np.arange(6, dtype=np.float32).reshape(2, 3)
    weights = {Colour.BLUE: np.array([1.0, np.nan])}
    return Box("a", values, np.bool_(True), (1, 2), Colour.RED, slice(3, 5), Ball(np.float64(0.1)), weights,
               ((float("nan"), "n"), (np.inf, "i")))  # fmt: skip


@pytest.fixture
def told(box):
    arrays: list[np.ndarray] = []
    return encode(box, arrays), arrays


def test_all_kinds_of_values_come_back(box, told):
    again = decode(Box, *told, CHOICES)
    assert (again.name, again.full, again.sizes, again.colour) == ("a", True, (1, 2), Colour.RED)
    assert (again.where, again.inside) == (slice(3, 5), Ball(0.1))
    assert again.values is box.values
    np.testing.assert_array_equal(again.weights[Colour.BLUE], [1.0, np.nan])
    assert repr(again.pairs) == "((nan, 'n'), (inf, 'i'))"
    assert type(again.full) is bool


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("name", 3),
        ("full", 1),
        ("sizes", [1, True]),
        ("sizes", [1, "2"]),
        ("colour", "green"),
        ("where", [1]),
        ("where", [1, None]),
        ("values", {"array": 7}),
        ("values", {"array": -1}),
        ("values", {"array": True}),
        ("values", 5),
        ("values", {"array": 1}),  # the weights: another dtype, one axis
        ("inside", {"class": "Box", "fields": {}}),
        ("inside", {"class": "Ball", "fields": {}}),
        ("inside", {"class": "Ball", "fields": {"radius": 1.0, "more": 1}}),
        ("inside", {"class": "Cube", "fields": {"side": 1.5}}),
        ("weights", {"red": 1}),
        ("weights", [["red"]]),
        ("pairs", [[1.0]]),
        ("pairs", {"class": "Ball", "fields": {"radius": 1.0}}),
    ],
)
def test_a_tree_that_tells_of_something_else_is_refused(told, field, wrong):
    tree, arrays = copy.deepcopy(told[0]), told[1]
    assert field in tree["fields"]
    tree["fields"][field] = wrong
    with pytest.raises(ValueError):
        decode(Box, tree, arrays, CHOICES)


@pytest.mark.parametrize("tree", [None, [], "Box", {"class": "Ball", "fields": {"radius": 1.0}}, {"class": "Box"}])
def test_another_class_than_the_one_asked_for_is_refused(tree):
    with pytest.raises(ValueError, match="does not hold"):
        decode(Box, tree, [], CHOICES)


def test_what_has_no_place_in_json_is_refused_on_the_way_in():
    for value in (object(), {1, 2}, Box, b"bytes", 1j):
        with pytest.raises(TypeError, match="cannot be stored"):
            encode((1, value), [])
