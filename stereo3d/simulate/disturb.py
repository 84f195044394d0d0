"""What the feed and the lens do to brightness: the changes that a matcher must not care about."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from stereo3d.image import Image
from stereo3d.observation import Observation, StereoPair
from stereo3d.stereo.match import noise_dn

F32 = NDArray[np.float32]
Change = Callable[[F32, np.random.Generator], F32]
"""DN 0 to 255, (rows, columns[, 3]), and a source of noise -> DN, rounded and clipped afterwards."""


def _gamma(power: float) -> Change:
    return lambda dn, rng: np.asarray(255.0 * (dn / 255.0) ** power, dtype=np.float32)


def _gain(factor: float) -> Change:
    return lambda dn, rng: dn * np.float32(factor)


def _vignetting(dn: F32, rng: np.random.Generator) -> F32:
    """Half the light lost in one corner of the frame, none in the opposite one."""
    rows, columns = dn.shape[:2]
    y, x = np.linspace(0, 1, rows, dtype=np.float32)[:, None], np.linspace(0, 1, columns, dtype=np.float32)
    kept = np.asarray(1.0 - 0.25 * (x * x + y * y), dtype=np.float32)
    return dn * (kept if dn.ndim == 2 else kept[..., None])


def _jpeg(quality: int) -> Change:
    def coded(dn: F32, rng: np.random.Generator) -> F32:
        import PIL.Image

        file = io.BytesIO()
        PIL.Image.fromarray(np.clip(np.rint(dn), 0, 255).astype(np.uint8)).save(file, format="JPEG", quality=quality)
        return np.asarray(PIL.Image.open(file), dtype=np.float32)

    return coded


def _twice_the_noise(dn: F32, rng: np.random.Generator) -> F32:
    """White noise is added, sqrt(3) times that of the image, so that the sum has twice its standard deviation."""
    grey = dn if dn.ndim == 2 else dn.mean(axis=2, dtype=np.float32)
    sigma = np.sqrt(3.0) * noise_dn(grey, np.ones(grey.shape, dtype=bool))
    noise = rng.normal(0.0, sigma, grey.shape).astype(np.float32)
    return dn + (noise if dn.ndim == 2 else noise[..., None])


DISTURBANCES: dict[str, tuple[Change, bool]] = {
    "gamma 0.6": (_gamma(0.6), False),
    "gamma 1.6": (_gamma(1.6), False),
    "gain 0.5": (_gain(0.5), False),
    "gain 2": (_gain(2.0), False),
    "vignetting": (_vignetting, False),
    "JPEG 80": (_jpeg(80), True),
    "noise x 2": (_twice_the_noise, True),
}
"""Each change by its name, and whether it befalls both eyes or the right one only.  Gain 2 clips what is bright."""


def disturbed(pair: StereoPair, name: str, seed: int = 0) -> StereoPair:
    """The pair with the change ``name`` of :data:`DISTURBANCES` in its 8-bit images.  KeyError for an unknown name."""
    change, both = DISTURBANCES[name]
    rng = np.random.default_rng([seed, 31])

    def seen(observation: Observation) -> Observation:
        image = observation.image
        dn = change(image.rgb8.astype(np.float32) if image.pixels.ndim == 3 else image.pixels.astype(np.float32), rng)
        return replace(observation, image=Image(np.clip(np.rint(dn), 0, 255).astype(np.uint8), image.valid))

    return StereoPair(seen(pair.left) if both else pair.left, seen(pair.right))
