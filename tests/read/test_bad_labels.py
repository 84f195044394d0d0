"""Hostile PDS3 and VICAR files: absurd sizes, endless labels, paths that lead out, and random damage."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stereo3d.errors import ImageFileError, MissingFileError, RecordError, Stereo3dError
from stereo3d.read import read_observation

Line = Callable[[Stereo3dError], str]


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ({"LINES": "1000000000", "LINE_SAMPLES": "1000000000"}, "1000000000 x 1000000000 px"),
        ({"LINES": "8192", "LINE_SAMPLES": "8192"}, "bytes, by its label"),
        ({"LINES": "-5"}, "LINES is -5"),
        ({"LINES": "10"}, "128 x 10 px"),
        ({"BANDS": "2"}, "2 bands"),
        ({"BANDS": "100000000"}, "100000000 bands"),
        ({"SAMPLE_BITS": "12"}, "of 12 bits"),
        ({"SAMPLE_TYPE": "VAX_REAL", "SAMPLE_BITS": "32"}, "pixels of type VAX_REAL"),
        ({"SAMPLE_TYPE": "CHARACTER"}, "pixels of type CHARACTER"),
        ({"ENCODING_TYPE": '"HUFFMAN"'}, "compressed as HUFFMAN"),
        ({"BAND_STORAGE_TYPE": "ODD"}, "stored as 'ODD'"),
        ({"LINE_PREFIX_BYTES": "1000000000"}, "absurd"),
        ({"^IMAGE": "99999999999"}, "absurd"),
        ({"^IMAGE": "99999"}, "bytes, by its label"),
        ({"^IMAGE": "0"}, "IMAGE is '0"),
        ({"^IMAGE": "nowhere"}, "no such file"),
        ({"^IMAGE": '("a","b","c")'}, "IMAGE is|no such file"),
        ({"^IMAGE": '("../b.IMG",1)'}, "names '../b.IMG'"),
        ({"^IMAGE": '"/etc/hostname"'}, "names '/etc/hostname'"),
        ({"^IMAGE": '"..\\\\b.IMG"'}, "which is no file beside it"),
        ({"^IMAGE": '".."'}, "which is no file beside it"),
        ({"MISSING_CONSTANT": "(((1)))"}, "finite number"),
    ],
)
def test_bad_pds3(make_labelled: Callable, items: dict, words: str, one_line: Line) -> None:
    made = make_labelled()
    made.image = items
    with pytest.raises((RecordError, ImageFileError, MissingFileError), match=words) as caught:
        read_observation(made.pds3())
    one_line(caught.value)


@pytest.mark.parametrize(
    ("items", "words"),
    [
        ({"NL": "1000000000", "NS": "1000000000", "RECSIZE": "2000000000"}, "px"),
        ({"NL": "8192"}, "bytes, by its label"),
        ({"NS": "0", "RECSIZE": "0"}, "0 x 96 px"),
        ({"NB": "-1"}, "NB is -1"),
        ({"NLB": "1000000000"}, "bytes, by its label"),
        ({"NBB": "1000000000"}, "absurd|records have"),
        ({"RECSIZE": "17"}, "records have 17 bytes"),
        ({"FORMAT": "'COMP'"}, "pixels of format COMP"),
        ({"FORMAT": "'REAL'", "REALFMT": "'VAX'"}, "byte orders HIGH and VAX"),
        ({"INTFMT": "'ODD'"}, "byte orders ODD"),
        ({"COMPRESS": "'BASIC2'"}, "compressed as BASIC2"),
        ({"ORG": "'XYZ'"}, "stored as 'XYZ'"),
        ({"NL": "(1,2"}, "does not end|not understood|no value"),
        ({"NL": "'unended"}, "no value|not understood|NL is"),
        ({"NL": "1e400"}, "finite number"),
    ],
)
def test_bad_vicar(make_labelled: Callable, items: dict, words: str, one_line: Line) -> None:
    made = make_labelled()
    made.image = items
    with pytest.raises((RecordError, ImageFileError), match=words) as caught:
        read_observation(made.vicar())
    one_line(caught.value)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"MODEL_TYPE": None}, "no camera model"),
        ({"MODEL_TYPE": "'FISHEYE'"}, "FISHEYE has the components"),
        ({"MODEL_COMPONENT_ID": "('C','A','H','V')"}, "has the components C,A,H,V"),
        ({"MODEL_COMPONENT_3": None}, "MODEL_COMPONENT_3 is missing"),
        ({"MODEL_COMPONENT_3": "(1.0,2.0)"}, "has 2 values"),
        ({"MODEL_COMPONENT_3": "(1e30,2.0,3.0)"}, "missing or absurd"),
        ({"MODEL_COMPONENT_2": "(2.0,0.0,0.0)"}, "a vector of length 1"),
        ({"MODEL_COMPONENT_3": "(0.0,0.0,0.0)"}, "not usable"),
        ({"MODEL_COMPONENT_3": "('a','b','c')"}, "finite number"),
    ],
)
def test_bad_models(make_labelled: Callable, change: dict, words: str, one_line: Line) -> None:
    made = make_labelled()
    for key, value in change.items():
        if value is None:
            del made.groups["GEOMETRIC_CAMERA_MODEL"][key]
        else:
            made.groups["GEOMETRIC_CAMERA_MODEL"][key] = value
    for path in (made.pds3(), made.vicar()):
        with pytest.raises(RecordError, match=words) as caught:
            read_observation(path)
        one_line(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        b"PDS_VERSION_ID = PDS3\n" + b"A = 1\n" * 1_000_000,
        b"PDS_VERSION_ID = PDS3\n" + b"A = 1\n" * 20_000 + b"END\n",
        b"PDS_VERSION_ID = PDS3\nA = " + b"(" * 50_000 + b"\nEND\n",
        b"PDS_VERSION_ID = PDS3\n" + b"GROUP = IMAGE\n" * 4_000 + b"END\n",
        b"PDS_VERSION_ID = PDS3\nA = '" + b"x" * 100_000 + b"\nEND\n",
        b"PDS_VERSION_ID = PDS3\n" + b"/* " * 80_000 + b"\nEND\n",
        b"PDS_VERSION_ID = PDS3\n" + b"< " * 100_000 + b"\nEND\n",
        b"PDS_VERSION_ID = PDS3\n/* " + b"x" * 100_000 + b"\nEND\n",
        b"PDS_VERSION_ID = PDS3\n" + b"\xff\x00\x80" * 1000 + b"\nEND\n",
        b"PDS_VERSION_ID = PDS3\n^IMAGE = 1\nEND\n",
        b"PDS_VERSION_ID = PDS3\nEND\n",
        b"LBLSIZE=99999999 FORMAT='BYTE'",
        b"LBLSIZE=x",
        b"LBLSIZE=",
        b"LBLSIZE=20000  " + b"A=" * 9_000,
        b"LBLSIZE=20000  " + b"A=(" * 6_000,
        b"LBLSIZE=200000  " + b"A=1 " * 49_000,
        b"LBLSIZE=0        ",
    ],
)
def test_endless_and_broken_labels(tmp_path: Path, text: bytes, one_line: Line) -> None:
    path = tmp_path / "a.IMG"
    path.write_bytes(text)
    with pytest.raises((RecordError, ImageFileError)) as caught:
        read_observation(path)
    one_line(caught.value)


def test_a_label_that_points_to_itself(make_labelled: Callable, one_line: Line) -> None:
    made = make_labelled()
    path = made.pds3(detached=True).with_suffix(".LBL")
    path.write_text(path.read_text().replace('"a.IMG"', '"a.LBL"'))
    with pytest.raises(ImageFileError, match="by its label") as caught:
        read_observation(path)
    one_line(caught.value)


def test_links_out_of_the_folder_are_refused(make_labelled: Callable, tmp_path: Path) -> None:
    made = make_labelled()
    made.path = tmp_path / "in" / "a.IMG"
    made.path.parent.mkdir()
    path = made.pds3(detached=True)
    path.rename(tmp_path / "b.IMG")
    path.symlink_to(tmp_path / "b.IMG")
    with pytest.raises(RecordError, match="a link out of its folder"):
        read_observation(path.with_suffix(".LBL"))


def test_a_pipe_is_no_image(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.IMG")
    with pytest.raises(ImageFileError, match="not a regular file"):
        read_observation(tmp_path / "a.IMG")


@pytest.fixture
def originals(make_labelled: Callable) -> list[bytes]:
    """A small VICAR and a small PDS3 file."""
    return [
        make_labelled("u1", name="o.IMG").vicar().read_bytes(),
        make_labelled("u1", name="o.IMG").pds3().read_bytes(),
    ]


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    which=st.integers(0, 1),
    edits=st.lists(st.tuples(st.integers(0, 3000), st.binary(min_size=1, max_size=6)), min_size=1, max_size=5),
    length=st.integers(0, 16000),
)
def test_random_damage(tmp_path: Path, originals: list, which: int, edits: list, length: int) -> None:
    """A damaged file is read or refused, never anything else."""
    damaged = bytearray(originals[which])
    for place, new in edits:
        damaged[place : place + len(new)] = new
    path = tmp_path / "damaged.IMG"
    path.write_bytes(bytes(damaged[: len(damaged) - length // 8 * (length % 2)]))
    with contextlib.suppress(Stereo3dError):
        assert np.isfinite(read_observation(path).image.pixels).all()
