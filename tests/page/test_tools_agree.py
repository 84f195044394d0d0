"""The page's tools and the Python package's give the same numbers, sigmas too, for random places."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields, is_dataclass

import numpy as np
import pytest

from stereo3d.view import tools
from stereo3d.view.tools.propagate import place_covariance

EYE = np.array([1.1, -0.2, 1.9])
LATERAL_RAD = 3.9e-4


@dataclass(frozen=True, eq=False)
class At:
    """A place as the Python tools take it."""

    xyz_enu: np.ndarray
    covariance: np.ndarray
    eye_enu: np.ndarray

    @property
    def for_page(self):
        """The same as the page takes it."""
        return {"enu": self.xyz_enu.tolist(), "cov": self.covariance.tolist()}


def places(rng, count, spread):
    """Places about a random one, some metres to a hundred away, with honest errors."""
    middle = rng.uniform([-40, -40, -2], [40, 40, 3])
    points = middle + rng.normal(0.0, spread, (count, 3)) * [1.0, 1.0, 0.4]
    sigma = 5e-5 * np.linalg.norm(points - EYE, axis=1) ** 2
    covariances = place_covariance(points, EYE, sigma, LATERAL_RAD)
    return [At(p, c, EYE) for p, c in zip(points, covariances, strict=True)]


def camel(name):
    return re.sub(r"_([a-z0-9])", lambda m: m[1].upper(), name)


def numbers(result):
    """The numbers of a Python result by the names that the page has for them."""
    assert is_dataclass(result)
    found = {f.name: getattr(result, f.name) for f in fields(result)}
    out = {}
    for name, value in found.items():
        if isinstance(value, np.ndarray):
            out[camel(name)] = value.tolist()
        elif isinstance(value, int | float):
            out[camel(name)] = float(value)
    return out


CALLS = {
    "distance": (2, lambda p: tools.distance(*p), "tools.distance(...p)"),
    "polyline": (5, tools.polyline_length, "tools.polylineLength(p)"),
    "ring": (5, lambda p: tools.polyline_length(p, closed=True), "tools.polylineLength(p, true)"),
    "height": (4, lambda p: tools.height_above_plane(*p), "tools.heightAbovePlane(...p)"),
    "area": (6, tools.area, "tools.area(p)"),
    "angle": (3, lambda p: tools.angle(*p), "tools.angle(...p)"),
    "plane": (40, tools.plane_fit, "tools.planeFit(p)"),
}


@pytest.mark.parametrize("name", list(CALLS))
def test_the_same_numbers(opened, name):
    count, python, javascript = CALLS[name]
    rng = np.random.default_rng(sum(map(ord, name)))
    cases = [places(rng, count, spread) for spread in (0.05, 0.5, 5.0) for _ in range(15)]
    there = opened.js(
        f"(() => {{ const tools = window.stereo3d.tools; return argument.map((p) => {javascript}); }})()",
        [[p.for_page for p in case] for case in cases],
    )
    for case, found in zip(cases, there, strict=True):
        wanted = numbers(python(case))
        assert set(wanted) <= set(found)
        for key, value in wanted.items():
            assert np.allclose(found[key], value, rtol=1e-6, atol=1e-9), (name, key)
        if "sigma" in wanted:
            assert 0.0 < wanted["sigma"] < np.inf


def test_the_same_directions_and_covariances(opened):
    rng = np.random.default_rng(11)
    some = places(rng, 60, 10.0)
    there = opened.js(
        "argument.places.map((p) => window.stereo3d.tools.azimuthElevation(p, argument.eye))",
        {"places": [p.for_page for p in some], "eye": EYE.tolist()},
    )
    for place, found in zip(some, there, strict=True):
        wanted = numbers(tools.azimuth_elevation(place))
        assert set(wanted) <= set(found)
        for key, value in wanted.items():
            assert np.isclose(found[key], value, rtol=1e-6, atol=1e-9), key
    sigmas = rng.uniform(0.001, 2.0, len(some))
    found = opened.js(
        "argument.map(([p, s]) => window.stereo3d.tools.covariance(p, s, viewer.manifest.eye, 0.0004))",
        [[p.xyz_enu.tolist(), s] for p, s in zip(some, sigmas.tolist(), strict=True)],
    )
    eye = opened.js("viewer.manifest.eye")
    wanted = place_covariance(np.array([p.xyz_enu for p in some]), eye, sigmas, 0.0004)
    assert np.allclose(found, wanted, rtol=1e-9, atol=1e-15)


def test_places_that_make_no_number_make_none_in_both(opened):
    one = places(np.random.default_rng(2), 1, 1.0)[0]
    line = [At(one.xyz_enu + k * np.eye(3)[0], one.covariance, EYE) for k in range(5)]
    found = opened.js(
        "(([p, line]) => { const t = window.stereo3d.tools; return ["
        "t.angle(p, p, p).value, t.heightAbovePlane(line[0], line[1], line[2], line[3]).value, t.planeFit(line).dipDeg,"
        "t.distance(p, p).sigma].map((v) => Number.isNaN(v) ? 'NaN' : v); })(argument)",
        [one.for_page, [p.for_page for p in line]],
    )
    assert found[:3] == ["NaN"] * 3
    assert np.isnan([tools.angle(one, one, one).value, tools.height_above_plane(*line[:4]).value,
                     tools.plane_fit(line).dip_deg]).all()  # fmt: skip
    assert found[3] == pytest.approx(tools.distance(one, one).sigma, rel=1e-6)
