"""The feed on this machine, and connections to it that wait for nothing."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from stereo3d.fetch.web import Web, connected


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
