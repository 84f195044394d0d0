"""Bad records, through the API and through the command line: one clear line, exit code 2."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from stereo3d.cli.main import main
from stereo3d.errors import MissingFileError, RecordError, Stereo3dError
from stereo3d.read import read_observation
from stereo3d.read import records as records_module

MODEL = "camera_model_component_list"


def component(index: int, value: str) -> Callable[[object], None]:
    def change(raw) -> None:  # type: ignore[no-untyped-def]
        parts = raw.record["camera"][MODEL].split(";")
        parts[index] = value
        raw.set(**{MODEL: ";".join(parts)}).write_record()

    return change


def fields(**changes: object) -> Callable[[object], None]:
    return lambda raw: raw.set(**changes).write_record()


def text(content: str | bytes) -> Callable[[object], None]:
    data = content.encode() if isinstance(content, str) else content
    return lambda raw: raw.json.write_bytes(data)


BAD: dict[str, tuple[Callable[[object], None], str]] = {
    "no record": (lambda raw: raw.json.unlink(), "no record with its camera model"),
    "no model": (fields(**{MODEL: None}), "the record holds no camera model"),
    "model unknown": (fields(**{MODEL: "UNK"}), "the record holds no camera model"),
    "empty": (text(""), "is not JSON"),
    "not JSON": (text("<html>"), "line 1: is not JSON"),
    "not UTF-8": (text(b'{"a": "\xff\xfe"}'), "not UTF-8"),
    "a number": (text("7"), "holds no record"),
    "a string": (text('"record"'), "holds no record"),
    "a list of numbers": (text("[1, 2]"), "holds no record"),
    "no images": (text('{"images": []}'), "holds no record"),
    "deep lists": (text("[" * 200_000), "nested too deeply"),
    "deep objects": (text('{"a":' * 200_000), "nested too deeply"),
    "a number of absurd length": (text('{"a": ' + "9" * 5000 + "}"), "absurd length"),
    "NaN in the model": (component(0, "(nan,0,0)"), "component C of the camera model is 'nan'"),
    "infinity in the model": (component(2, "(1,inf,0)"), "component H of the camera model is 'inf'"),
    "overflow in the model": (component(3, "(1,1e999,0)"), "component V of the camera model"),
    "huge number in the model": (component(3, "(1,1e7,0)"), "component V of the camera model"),
    "underscored number": (component(3, "(1_0,1,0)"), "component V of the camera model"),
    "expression in the model": (component(1, "(1,0,__import__('os'))"), "component A of the camera model"),
    "two numbers": (component(1, "(1,0)"), "component A of the camera model is '(1,0)'; expected (3 numbers)"),
    "no unit axis": (component(1, "(0.5,0,0)"), "a vector of length 1"),
    "a flat model": (component(2, "(63,0,0)"), "the camera model is not usable"),
    "pupil type 2.5": (component(7, "2.5"), "pupil type must be 1, 2 or 3"),
    "pupil type 4": (component(7, "4.0"), "pupil type must be 1, 2 or 3"),
    "linearity 2": (component(8, "2.0"), "linearity must be within"),
    "five components": (fields(**{MODEL: "(0,0,0);(1,0,0);(0,0,0);(0,0,0);(0,0,0)"}), "has 5 components"),
    "type and components differ": (fields(camera_model_type="CAHV"), "CAHV has 9 components"),
    "a list as model": (fields(**{MODEL: [1, 2]}), "the record holds no camera model"),
    "attitude not unit": (fields(attitude="(0,0,0,0)"), "not a unit quaternion"),
    "attitude NaN": (fields(attitude="(nan,0,0,1)"), "attitude is 'nan'"),
    "attitude short": (fields(attitude="(1,0,0)"), "attitude is '(1,0,0)'"),
    "no size": (fields(dimension=None, subframeRect=None), "does not say how large"),
    "negative size": (fields(dimension="(-1,96)"), "dimension is '(-1,96)'"),
    "huge size": (fields(dimension="(100000,100000)"), "size is (100000, 100000)"),
    "fractional size": (fields(dimension="(128.5,96)"), "dimension is '(128.5,96)'"),
    "scale zero": (fields(scaleFactor="0"), "scale factor is 0"),
    "site text": (fields(site="abc"), "site is 'abc'"),
    "sol fraction": (fields(sol=1.5), "sol is 1.5"),
    "sol overflows": (fields(sol="1e999"), "sol is '1e999'"),
    "clock overflows": (fields(sclk="1e999"), "sclk is '1e999'"),
    "clock text": (fields(sclk="soon"), "sclk is 'soon'"),
    "image id is a path": (fields(imageid="../../x"), "the image id is '../../x'"),
    "image id with escapes": (fields(imageid="a\x1b[2Jb"), "the image id is 'a [2Jb'"),
    "instrument with line break": (fields(instrument="NAV\nCAM"), "the instrument is 'NAV CAM'"),
    "another image's record": (
        fields(imageid="NLF_0401_0700000000_123ECM_N0051234NCAM00400_01_195J"),
        "is the record of another image",
    ),
    "thumbnail": (fields(sample_type="Thumbnail"), "thumbnail"),
}


@pytest.mark.parametrize("kind", BAD)
def test_the_library_and_the_command(
    kind: str, pair: tuple, one_line: Callable[[Stereo3dError], str], capfd: pytest.CaptureFixture[str]
) -> None:
    ruin, says = BAD[kind]
    ruin(pair[0])
    with pytest.raises(RecordError) as caught:
        read_observation(pair[0].path)
    assert says in one_line(caught.value)
    assert pair[0].stem in str(caught.value)
    assert main(["info", str(pair[0].path)]) == 2
    out, err = capfd.readouterr()
    assert (out, err) == ("", f"stereo3d: {caught.value}\n")
    assert err.count("\n") == 1


def test_unknown_fields_are_none(pair: tuple) -> None:
    left = pair[0]
    left.set(attitude="UNK", xyz=None, mastAz=None, subframeRect="UNK", date_taken_utc="2022; rm -rf")
    left.write_record()
    seen = read_observation(left.path)
    assert seen.site_from_rover is None
    assert (seen.mast_azimuth_deg, seen.mast_elevation_deg, seen.subframe, seen.taken_utc) == (None, None, None, None)


def test_the_product_name_fills_in(pair: tuple) -> None:
    left = pair[0].set(sol=None, site="UNK", drive=None, sclk=None, instrument=None).write_record()
    seen = read_observation(left.path)
    assert (seen.sol, seen.site, seen.drive, seen.sclk_s) == (400, 5, 1234, 700000000.123)
    assert (seen.instrument, seen.eye.value) == ("NL", "left")


@pytest.mark.parametrize("shape", ["record", "list", "images", "items"])
def test_metadata_files(pair: tuple, tmp_path: Path, shape: str) -> None:
    left, right = pair
    both = [right.record, left.record]
    feed = tmp_path / "feed.json"
    content = {"record": left.record, "list": both, "images": {"images": both}, "items": {"items": both}}[shape]
    feed.write_text("\ufeff" + json.dumps(content), encoding="utf-8")
    left.json.unlink()
    seen = read_observation(left.path, feed)
    assert seen.product_id == left.stem
    assert seen.eye.value == "left"


def test_metadata_that_is_of_another_image(pair: tuple) -> None:
    left, right = pair
    left.json.unlink()
    with pytest.raises(RecordError, match="none of the records given is of this image"):
        read_observation(left.path, right.json)
    with pytest.raises(MissingFileError, match="no such file"):
        read_observation(left.path, left.json)


def test_a_single_record_for_an_image_of_any_name(pair: tuple, tmp_path: Path) -> None:
    left = pair[0]
    renamed = left.path.rename(tmp_path / "my image.png")
    assert read_observation(renamed, left.json).product_id == left.stem
    left.json.rename(tmp_path / "my image.json")
    assert read_observation(renamed).product_id == left.stem


@pytest.mark.parametrize("name", ["{}01.png", "{}_1200.png", "{}01_800.png"])
def test_versions_and_browse_copies_find_the_record(pair: tuple, tmp_path: Path, name: str) -> None:
    left = pair[0]
    copy = left.path.rename(tmp_path / name.format(left.stem))
    assert read_observation(copy).product_id == left.stem


def test_a_record_that_is_too_large(pair: tuple, monkeypatch: pytest.MonkeyPatch) -> None:
    size = pair[0].json.stat().st_size
    monkeypatch.setattr(records_module, "MAX_JSON_BYTES", size)
    assert read_observation(pair[0].path).sol == 400
    monkeypatch.setattr(records_module, "MAX_JSON_BYTES", size - 1)
    with pytest.raises(RecordError, match="has more than"):
        read_observation(pair[0].path)


def test_a_pipe_is_no_record(pair: tuple) -> None:
    import os

    feed = pair[0].folder / "pipe.json"
    os.mkfifo(feed)
    with pytest.raises(RecordError, match="not a regular file"):
        read_observation(pair[0].path, feed)
