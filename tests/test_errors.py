"""Messages of one clear line, and errors that are also the builtin they resemble."""

from __future__ import annotations

from pathlib import Path

import pytest

from stereo3d import errors
from stereo3d.errors import ImageFileError, RecordError, Stereo3dError


def test_the_whole_message_in_one_line() -> None:
    error = RecordError(
        "no camera model", file=Path("a") / "b.json", line=7, expected="a CAHVORE model", todo="give the full record"
    )
    assert str(error) == (
        f"{Path('a') / 'b.json'}, line 7: no camera model; expected a CAHVORE model; give the full record"
    )
    assert (error.what, error.line, error.expected) == ("no camera model", 7, "a CAHVORE model")
    assert str(ImageFileError("truncated", file="x.png")) == "x.png: truncated"
    assert str(Stereo3dError("alone")) == "alone"


@pytest.mark.parametrize("bad", ["\n", "\r", "\x1b[31m", "\x00", "\x07", "\u2028", "\u202e", "\x85", "\ud800"])
def test_names_from_strangers_cannot_break_the_line_or_the_terminal(bad: str) -> None:
    for text in (
        str(RecordError(f"odd value {bad}!", file=f"x{bad}.json", expected=f"a{bad}", todo=f"b{bad}")),
        str(Stereo3dError(bad)),
    ):
        assert len(text.splitlines()) <= 1
        assert text.isprintable()
    assert str(Stereo3dError(f"a{bad}b")).startswith("a ")


def test_letters_of_all_languages_stay() -> None:
    assert str(Stereo3dError("кратер Озеро, cratère, 火星")) == "кратер Озеро, cratère, 火星"


@pytest.mark.parametrize(
    ("name", "builtin"),
    [
        ("MissingFileError", FileNotFoundError),
        ("ImageFileError", ValueError),
        ("RecordError", ValueError),
        ("PairError", ValueError),
        ("FrameMismatchError", ValueError),
        ("StereoError", ValueError),
        ("OutputError", OSError),
        ("MissingLibraryError", ImportError),
    ],
)
def test_every_error_is_of_the_family_and_a_builtin(name: str, builtin: type[Exception]) -> None:
    kind = getattr(errors, name)
    with pytest.raises(builtin) as caught:
        raise kind("what", file="f", todo="do")
    assert isinstance(caught.value, Stereo3dError)
    assert str(caught.value) == "f: what; do"
