"""The made-up ground of the view tests, packed as a page."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from stereo3d.export.page.scene import page_of
from stereo3d.export.products import about_result


@pytest.fixture(scope="session")
def made_up():
    """The reconstruction, exact to rounding."""
    path = Path(__file__).parents[2] / "view" / "conftest.py"
    spec = importlib.util.spec_from_file_location("made_up_ground", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    report = SimpleNamespace(as_json=lambda: {"simulated": True, "notes": ["<b>made up</b>"]})
    return replace(module.make_reconstruction(), report=report)


@pytest.fixture(scope="session")
def page(made_up):
    """Its page."""
    return page_of(made_up, about_result(made_up))
