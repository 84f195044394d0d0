"""The feed on this machine, and connections to it that wait for nothing."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from stereo3d.fetch.web import Web, connected


@pytest.fixture(scope="session")
def simulated() -> ModuleType:
    """The module tests/fetch/server.py."""
    spec = importlib.util.spec_from_file_location("raw_feed_server", Path(__file__).with_name("server.py"))
    module = importlib.util.module_from_spec(spec)
    import sys

    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def server(simulated, monkeypatch) -> Iterator[object]:
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with simulated.serving() as feed:
        yield feed


@pytest.fixture
def slept() -> list[float]:
    """The waits between attempts, s, none of which was waited for."""
    return []


@pytest.fixture
def web(simulated, server, slept) -> Iterator[Web]:
    with connected((server.base,), simulated.impatient(slept)) as web:
        yield web
