"""Annotations to GeoJSON and CSV and back; hostile files."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stereo3d.annotation import Annotation
from stereo3d.errors import FrameMismatchError, MissingFileError, OutputError, RecordError, Stereo3dError
from stereo3d.export.annotations import annotations_csv, annotations_text, write_annotations
from stereo3d.frames import Frame
from stereo3d.pipeline.places import site_from_enu
from stereo3d.read.annotations import MAX_FEATURES, MAX_LETTERS, read_annotations

FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(scope="module")
def stop(ring_result):
    return ring_result


@pytest.fixture(scope="module")
def some(stop):
    frame = stop.terrain.mesh.frame
    rng = np.random.default_rng(3)

    def one(kind, count, **more):
        return Annotation(kind, frame, rng.uniform(-20, 20, (count, 3)), rng.uniform(0, 0.1, count), **more)

    return [
        one(
            "point", 1, name="rock \u2460", note="two\nlines", colour="#102030", measure={"range_m": 5.25, "seen": "2"}
        ),
        one("line", 4, name="=cmd()"),
        one("area", 5, measure={"area_m2": 3.5, "flat": True}),
        one("text", 1, name="<b>here</b>"),
    ]


def without_place(stop):
    """The same ground, of records that tell no attitude."""
    ground = stop.ground
    frames = tuple(replace(o, site_from_rover=None) for o in ground.observations)
    return replace(stop, ground=replace(ground, observations=frames))


@pytest.mark.parametrize("known", [True, False])
def test_round_trip(stop, some, tmp_path, known):
    result = stop if known else without_place(stop)
    path = write_annotations(tmp_path / "a.geojson", some, result)
    content = json.loads(path.read_text(encoding="utf-8"))
    assert content["stereo3d"]["frame"] == ("SITE" if known else "ENU")
    back = read_annotations(path, result)
    assert [b.kind for b in back] == ["point", "line", "area", "text"]
    for a, b in zip(some, back, strict=True):
        np.testing.assert_allclose(b.points, a.points, atol=2e-4)
        np.testing.assert_allclose(b.sigma_m, a.sigma_m, atol=1e-5)
        assert (b.name, b.note, b.colour, dict(b.measure)) == (a.name, a.note, a.colour, dict(a.measure))
        assert b.frame == a.frame


def test_coordinates_are_those_of_the_site(stop, some, tmp_path):
    content = json.loads(annotations_text(some, stop))
    there = site_from_enu(stop).apply(some[0].points[0])
    np.testing.assert_allclose(content["features"][0]["geometry"]["coordinates"], there, atol=1e-4)
    ring = content["features"][2]["geometry"]["coordinates"]
    assert len(ring[0]) == 6
    assert ring[0][0] == ring[0][-1]
    unknown = Annotation("point", some[0].frame, np.zeros((1, 3)), np.array([np.nan]))
    assert json.loads(annotations_text([unknown], stop))["features"][0]["properties"]["sigma_m"] == [None]


def test_another_stop_of_the_site_is_placed_through_it(stop, some, tmp_path):
    path = write_annotations(tmp_path / "a.geojson", some, stop)
    content = json.loads(path.read_text(encoding="utf-8"))
    content["stereo3d"]["drive"] = 999
    path.write_text(json.dumps(content), encoding="utf-8")
    np.testing.assert_allclose(read_annotations(path, stop)[0].points, some[0].points, atol=2e-4)
    content["stereo3d"]["frame"] = "ENU"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(FrameMismatchError, match=r"another stop \(drive 999"):
        read_annotations(path, stop)
    for key, value in (("site", 77), ("mission", "MSL")):
        path.write_text(json.dumps(content | {"stereo3d": content["stereo3d"] | {key: value}}), encoding="utf-8")
        with pytest.raises(FrameMismatchError, match=f"of {key}"):
            read_annotations(path, stop)
    content["stereo3d"]["frame"] = "SITE"
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(FrameMismatchError, match="not known"):
        read_annotations(path, without_place(stop))


def test_csv_is_safe_for_spreadsheets(stop, some):
    rows = list(csv.DictReader(io.StringIO(annotations_csv(some, stop))))
    assert len(rows) == 1 + 4 + 5 + 1
    assert rows[0]["name"] == "rock \u2460"
    assert rows[0]["note"] == "two\nlines"
    assert {r["name"] for r in rows[1:5]} == {"'=cmd()"}
    assert [r["vertex"] for r in rows[1:5]] == ["1", "2", "3", "4"]
    np.testing.assert_allclose([float(rows[2][k]) for k in ("east_m", "north_m", "up_m")], some[1].points[1], atol=1e-4)
    site = site_from_enu(stop).apply(some[1].points[1])
    keys = ("site_x_north_m", "site_y_east_m", "site_z_down_m")
    np.testing.assert_allclose([float(rows[2][k]) for k in keys], site, atol=1e-4)
    unknown = csv.DictReader(io.StringIO(annotations_csv(some, without_place(stop))))
    assert {row["site_x_north_m"] for row in unknown} == {""}


def test_what_cannot_be_written(stop, some, tmp_path):
    with pytest.raises(OutputError, match="expected one of"):
        write_annotations(tmp_path / "a.kml", some, stop)
    stranger = Annotation("point", Frame.enu(1, 999), np.zeros((1, 3)), np.zeros(1))
    with pytest.raises(FrameMismatchError):
        write_annotations(tmp_path / "a.geojson", [stranger], stop)
    assert list(tmp_path.iterdir()) == []


def damaged(content, *path, value):
    """A copy of plain values with one of them changed."""
    copy = json.loads(json.dumps(content))
    at = copy
    for key in path[:-1]:
        at = at[key]
    at[path[-1]] = value
    return copy


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("type",), "Feature", "no GeoJSON FeatureCollection"),
        (("features",), {}, "no list of features"),
        (("features",), [None] * (MAX_FEATURES + 1), "10001 features"),
        (("stereo3d",), None, "says nothing of its frame"),
        (("stereo3d", "format"), 2, "says nothing of its frame"),
        (("stereo3d", "frame"), "MARS", "frame 'MARS'"),
        (("features", 1), 5, "feature 2: this is no Feature"),
        (("features", 1, "geometry"), None, "feature 2: the geometry is None"),
        (("features", 1, "geometry", "type"), "MultiPoint", "feature 2: the geometry is 'MultiPoint'"),
        (("features", 1, "geometry", "type"), [1], "feature 2: the geometry"),
        (("features", 1, "properties", "kind"), "area", "feature 2: the kind 'area' is none of a LineString"),
        (("features", 1, "properties", "kind"), ["line"], "feature 2: the kind"),
        (("features", 1, "geometry", "coordinates"), [[1, 2, 3]], "feature 2: a LineString of 1 places"),
        (("features", 1, "geometry", "coordinates", 2), [1, 2], "feature 2, place 3: this is no place"),
        (("features", 1, "geometry", "coordinates", 2, 0), 1e7, "feature 2, place 3: 10000000.0 is no coordinate"),
        (("features", 1, "geometry", "coordinates", 2, 0), True, "feature 2, place 3: True is no coordinate"),
        (("features", 1, "geometry", "coordinates", 2, 0), "1", "feature 2, place 3: '1' is no coordinate"),
        (("features", 2, "geometry", "coordinates", 0, 0), [0, 0, 0], "feature 3: the ring does not end"),
        (("features", 2, "geometry", "coordinates"), [[], []], "feature 3: a polygon has one ring"),
        (("features", 0, "geometry", "coordinates"), [[1]] * 100_001, "feature 1, place 1"),
        (("features", 1, "geometry", "coordinates"), [[1, 2, 3]] * 100_002, "more than 100000 places"),
    ],
)
def test_each_flaw_is_told_in_one_line_with_its_place(stop, some, tmp_path, path, value, message):
    file = tmp_path / "a.geojson"
    file.write_text(json.dumps(damaged(json.loads(annotations_text(some, stop)), *path, value=value)))
    with pytest.raises((RecordError, FrameMismatchError)) as caught:
        read_annotations(file, stop)
    assert message in str(caught.value)
    assert str(file) in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


def test_files_that_are_no_json(stop, tmp_path):
    file = tmp_path / "a.geojson"
    with pytest.raises(MissingFileError):
        read_annotations(file, stop)
    for content in (b"", b"\xff\xfe\x00", b"[" * 100_000, b"{}", b'{"a": NaN}', b"1" * 5000):
        file.write_bytes(content)
        with pytest.raises(RecordError):
            read_annotations(file, stop)
    file.write_bytes(b" " * 10_000_001)
    with pytest.raises(RecordError, match="too large"):
        read_annotations(file, stop)


def test_properties_that_are_odd_are_passed_over(stop, some, tmp_path):
    content = json.loads(annotations_text(some[:1], stop))
    content["features"][0]["properties"] = {
        "name": "x" * 5000, "note": ["no"], "colour": "red; --", "sigma_m": [-1, 2],
        "measure": {"ok_m": 1, "no": None, "__proto__": 1, "long": "y" * 5000, "big": 10**400, "n": {"a": 1}},
        "unknown": 1,
    }  # fmt: skip
    file = tmp_path / "a.geojson"
    file.write_text(json.dumps(content).replace("yyyy", "\\ud800\\u001b[31m", 1), encoding="utf-8")
    found = read_annotations(file, stop)[0]
    assert len(found.name) == MAX_LETTERS
    assert found.note == ""
    assert found.colour == "#f0b35a"
    assert np.isnan(found.sigma_m).all()
    assert set(found.measure) == {"ok_m", "long"}
    assert "\x1b" not in found.measure["long"]
    write_annotations(tmp_path / "b.geojson", [found], stop)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
PATHS = st.sampled_from([
    ("features",), ("features", 0), ("features", 1, "geometry"), ("features", 1, "geometry", "coordinates"),
    ("features", 1, "geometry", "coordinates", 1), ("features", 1, "geometry", "coordinates", 1, 2),
    ("features", 1, "geometry", "type"), ("features", 2, "geometry", "coordinates"), ("features", 2, "properties"),
    ("features", 2, "properties", "kind"), ("features", 2, "properties", "sigma_m"),
    ("features", 2, "properties", "measure"), ("features", 2, "properties", "colour"), ("stereo3d",),
    ("stereo3d", "site"), ("stereo3d", "drive"), ("stereo3d", "frame"), ("stereo3d", "mission"), ("type",),
])  # fmt: skip


def read_or_refused(file, stop):
    """What is read; None where it is refused in one line."""
    try:
        return read_annotations(file, stop)
    except Stereo3dError as error:
        message = str(error)
    assert message.startswith(str(file))
    assert "\n" not in message
    return None


@FUZZ
@given(path=PATHS, value=JSON)
def test_any_value_anywhere_is_read_or_refused(stop, some, tmp_path, path, value):
    file = tmp_path / "a.geojson"
    file.write_text(json.dumps(damaged(json.loads(annotations_text(some, stop)), *path, value=value)))
    found = read_or_refused(file, stop)
    if found is not None:
        assert all(np.isfinite(a.points).all() for a in found)
        write_annotations(tmp_path / "again.geojson", found, stop)
        assert len(read_annotations(tmp_path / "again.geojson", stop)) == len(found)


@FUZZ
@given(data=st.binary(max_size=200), at=st.integers(0, 2000))
def test_any_bytes_are_read_or_refused(stop, some, tmp_path, data, at):
    text = annotations_text(some, stop).encode()
    file = tmp_path / "a.geojson"
    file.write_bytes(text[:at] + data + text[at + len(data) :])
    read_or_refused(file, stop)
