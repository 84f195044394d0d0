"""Where the Sun stood over a lander, from the time alone: for records that do not say.

Source: Allison and McEwen 2000, "A post-Pathfinder evaluation of areocentric solar coordinates with improved timing
recipes for Mars seasonal/diurnal climate studies", Planet. Space Sci. 48, 215-235, with the constants of Mars24.
"""

from __future__ import annotations

import math
from datetime import UTC, datetime

LANDING_SITES = {
    "Mars 2020": (18.4446, 77.4509),
    "MSL": (-4.5895, 137.4417),
    "MER-A": (-14.5684, 175.4726),
    "MER-B": (-1.9462, 354.4734),
    "InSight": (4.5024, 135.6234),
}
"""Mission to planetocentric latitude and east longitude, degrees.  A rover that has driven 45 km is 0.8 degrees off."""
_FLATTENING = 1.0 / 169.8944
_LEAP_S = (("2017-01-01", 37), ("2015-07-01", 36), ("2012-07-01", 35), ("2009-01-01", 34), ("2006-01-01", 33))
_PERTURBERS = (
    (0.0071, 2.2353, 49.409),
    (0.0057, 2.7543, 168.173),
    (0.0039, 1.1177, 191.837),
    (0.0037, 15.7866, 21.736),
    (0.0021, 2.1354, 15.704),
    (0.0020, 2.4694, 95.528),
    (0.0018, 32.8493, 49.095),
)
"""Amplitude, deg; period, years; phase, deg."""


def sun_over(mission: str, taken_utc: str) -> tuple[float, float] | None:
    """Azimuth (clockwise from north) and elevation of the Sun, degrees; None for another mission or no time.

    ``taken_utc`` is in ISO form.  As good as the lander's place: half a degree or so.
    """
    place = LANDING_SITES.get(mission)
    try:
        time = datetime.fromisoformat(taken_utc).replace(tzinfo=UTC)
    except ValueError:
        return None
    if place is None:
        return None
    leap = next((s for day, s in _LEAP_S if taken_utc >= day), 32)
    days = (time - datetime(2000, 1, 1, 12, tzinfo=UTC)).total_seconds() / 86400.0 + (leap + 32.184) / 86400.0
    declination, mean_time_h, equation = _season(days)
    latitude = math.atan(math.tan(math.radians(place[0])) / (1.0 - _FLATTENING) ** 2)
    hour = math.radians(15.0 * mean_time_h + equation + place[1] - 180.0)
    east = -math.cos(declination) * math.sin(hour)
    north = math.cos(latitude) * math.sin(declination) - math.sin(latitude) * math.cos(declination) * math.cos(hour)
    up = math.sin(latitude) * math.sin(declination) + math.cos(latitude) * math.cos(declination) * math.cos(hour)
    return math.degrees(math.atan2(east, north)) % 360.0, math.degrees(math.asin(max(-1.0, min(1.0, up))))


def _season(days: float) -> tuple[float, float, float]:
    """Declination of the Sun, rad; mean solar time at longitude 0, h; equation of time, deg; ``days`` since J2000."""
    anomaly = math.radians((19.3871 + 0.52402073 * days) % 360.0)
    mean_sun = 270.3871 + 0.524038496 * days
    centre = (10.691 + 3.0e-7 * days) * math.sin(anomaly)
    for k, amplitude in ((2, 0.623), (3, 0.050), (4, 0.005), (5, 0.0005)):
        centre += amplitude * math.sin(k * anomaly)
    for amplitude, period, phase in _PERTURBERS:
        centre += amplitude * math.cos(math.radians(0.985626 * days / period + phase))
    longitude = math.radians(mean_sun + centre)
    equation = -centre
    for k, amplitude in ((2, 2.861), (4, -0.071), (6, 0.002)):
        equation += amplitude * math.sin(k * longitude)
    declination = math.asin(0.42565 * math.sin(longitude)) + math.radians(0.25) * math.sin(longitude)
    mean_time_h = 24.0 * (((days - 4.5) / 1.0274912517 + 44796.0 - 0.0009626) % 1.0)
    return declination, mean_time_h, equation
