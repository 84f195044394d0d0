"""The Sun's place from the time, against what the labels of four missions say."""

from __future__ import annotations

from itertools import pairwise

import pytest

from stereo3d.read import reader_for
from stereo3d.read.sun import sun_over

LABELS = {
    "opportunity/1N491020834ILFCNY9P0706L0M1.IMG": (281.32, 39.9652),
    "opportunity/1F483288473EFFCMUFP1214L0M1.IMG": (213.273, 78.5822),
    "insight/D001L0040_600081076EDR_F0002_0010M2.VIC": (196.117, 68.6209),
    "curiosity/NLB_540789543EDR_F0610924NCAM00207M1.IMG": (253.99, 34.3386),
    "perseverance/NLF_0629_pds4_label.xml": (199.087, 63.6787),
}
"""Azimuth and elevation typed from the labels (MER's count elevations downwards)."""


@pytest.mark.parametrize("name", LABELS)
def test_label_and_time_agree(shared_data, name):
    path = shared_data / name
    header = reader_for(path).header(path)
    azimuth, elevation = LABELS[name]
    assert header.sun_deg == pytest.approx((azimuth, elevation))
    # The labels know where the rover stands; the landing site is up to 45 km away.
    assert sun_over(header.mission, header.taken_utc) == pytest.approx((azimuth, elevation), abs=0.4)


def test_record_of_the_feed_gets_its_sun_from_the_time(shared_data):
    path = shared_data / "perseverance" / "NLF_0718_0730679543_043ECM_N0342098NCAM03717_01_195J.png"
    header = reader_for(path).header(path)
    assert header.sun_deg == sun_over("Mars 2020", header.taken_utc)
    assert header.sun_deg[1] > 10.0


@pytest.mark.parametrize(("mission", "utc"), [("simulated", "2022-11-27T01:08:36"), ("MSL", "2022-13-27T01:08:36")])
def test_no_place_or_no_time_is_no_sun(mission, utc):
    assert sun_over(mission, utc) is None


def test_sun_goes_round_once_a_sol():
    """East in the morning, highest in the north or south at noon, west in the evening."""
    hours = [sun_over("Mars 2020", f"2022-11-27T{hour:02d}:00:00") for hour in range(24)]
    up = [(azimuth, elevation) for azimuth, elevation in hours if elevation > 0]
    assert 10 <= len(up) <= 14
    rising = [azimuth for (azimuth, e), (_, later) in pairwise(hours) if 0 < e < later]
    setting = [azimuth for (azimuth, e), (_, later) in pairwise(hours) if e > later > 0]
    assert all(azimuth < 190 for azimuth in rising)
    assert all(azimuth > 170 for azimuth in setting)
