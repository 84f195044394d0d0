"""How long is waited for a server, and which addresses are asked at all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from stereo3d.fetch.web import Patience, asked_wait_s, refuse_address


def test_waits_double_with_jitter_up_to_a_bound():
    low, high = (Patience(dice=lambda share=share: share) for share in (0.0, 1.0))
    assert [low.wait_s(n, 0.0) for n in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]
    assert [high.wait_s(n, 0.0) for n in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert low.wait_s(0, 20.0) == 20.0
    assert high.wait_s(0, 20.0) == 21.0
    now = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
    assert asked_wait_s("Wed, 04 Mar 2026 05:06:19 GMT", now) == 12.0
    assert asked_wait_s("Wed, 04 Mar 2026 05:06:19 GMT", now + timedelta(hours=1)) == 0.0
    assert [asked_wait_s(text, now) for text in ("12", "", "-3", "1e9", "Wed", "9" * 20)] == [12.0, 0, 0, 0, 0, 0]


@pytest.mark.parametrize("url", ["https://mars.nasa.gov/a", "https://MARS.NASA.GOV/a?b=c|d"])
def test_addresses_of_the_host_are_asked(url):
    refuse_address(url, ("https://mars.nasa.gov",))
