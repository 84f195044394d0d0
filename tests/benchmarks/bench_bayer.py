"""Raw Bayer frames and flat fields: python tests/benchmarks/bench_bayer.py [--pictures FOLDER] [--skip-matching]

Prints figures and asserts none; what needs ../shared/data is skipped loudly without it.

- grid: power at the mosaic's three frequencies over that of their neighbours in the spectrum, the largest, and the
  largest amplitude there in DN.  A smoothing filter has no power there at all, nor anything near; a sharp picture of
  colour has a little, whoever made it.
- matching: sol 60, whose right eye is a raw mosaic, beside other sols: as a mosaic smoothed by the filter 1 2 1 (what
  was matched before frames were debayered) and as it is read now.  ``filled`` and ``unmatched`` are shares of what is
  no sky, dark corner or rover and inside the overlap; far ground that is beyond range counts as not filled.
- colour: frames in colour made into mosaics and debayered again, PSNR in dB of the three channels and of luminance.
  Sol 60's left eye went through the same interpolation on board, which makes it too easy; it tells method and phase.
- flat field: simulated frames against their truth; then what the real frames tell, each sol judged by the others.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import PIL.Image
from rich.console import Console
from rich.table import Table

from stereo3d.errors import CalibrationError
from stereo3d.image import Image
from stereo3d.observation import Observation
from stereo3d.panorama.plan import CanvasWish
from stereo3d.pipeline import reconstruct
from stereo3d.pipeline.panorama import PanoramaSettings, make_panorama
from stereo3d.radiometry.bayer import Phase, debayer
from stereo3d.radiometry.cells import Cells, cells_of
from stereo3d.radiometry.estimate import estimate_flat_field
from stereo3d.radiometry.flat_field import FlatField, flattened
from stereo3d.read import bundled_scene, read_frames, read_observation, read_scene
from stereo3d.read.pixels import read_image
from stereo3d.simulate.flat_frames import SIZE, flat_frames, known_flat
from stereo3d.stereo.disparity import Reason

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
PAIRS = SHARED / "perseverance"
M2020_SENSOR, MER_SENSOR = (5120, 3840), (1024, 1024)
SOLS = (340, 395, 718, 755, 903)


def grid_power(grey: np.ndarray) -> float:
    """Power at (0, 1/2), (1/2, 0), (1/2, 1/2) cycles/px over the median of the neighbours within 12 steps."""
    rows, columns = (n // 2 * 2 for n in grey.shape)
    windowed = (grey - grey.mean())[:rows, :columns] * np.outer(np.hanning(rows), np.hanning(columns))
    power = np.abs(np.fft.fft2(windowed)) ** 2
    found = []
    for r, c in ((0, columns // 2), (rows // 2, 0), (rows // 2, columns // 2)):
        near = np.roll(power, (12 - r, 12 - c), (0, 1))[:25, :25]
        peak = near[11:14, 11:14].mean()
        near = near.copy()
        near[10:15, 10:15] = np.nan
        found.append(peak / np.nanmedian(near))
    return float(max(found))


def grid_amplitude(grey: np.ndarray) -> float:
    """The largest amplitude of an alternation along rows, columns or both, DN."""
    detail = grey - cv2.GaussianBlur(grey, (0, 0), 2.0)
    down, along = (1.0 - 2.0 * (np.arange(n) % 2) for n in grey.shape)
    patterns = (down[:, None], along[None, :], np.outer(down, along))
    return float(max(abs(np.mean(detail * pattern)) for pattern in patterns))


def mosaic_of(rgb: np.ndarray) -> np.ndarray:
    """RGGB."""
    out = rgb[..., 1].copy()
    out[0::2, 0::2], out[1::2, 1::2] = rgb[0::2, 0::2, 0], rgb[1::2, 1::2, 2]
    return out


def image_of(pixels: np.ndarray) -> Image:
    return Image(pixels, np.ones(pixels.shape[:2], dtype=np.bool_))


def grid_table(console: Console) -> None:
    """Sol 60 before and after."""
    left = read_observation(next(PAIRS.glob("NLF_0060_*.png")))
    raw = read_image(next(PAIRS.glob("NRE_0060_*.png")))
    right = read_scene([Path(str(left.path))]).pairs[0].right
    table = Table("sol 60", "grid power", "amplitude DN", title="Grid in the luminance")
    for name, grey in (
        ("right, raw", raw.grey),
        ("right, filter 1 2 1 (before)", raw.luminance),
        ("right, debayered (now)", right.image.luminance),
        ("left, debayered on board", left.image.luminance),
    ):
        # The lower half: ground alone, no saturated sky.
        ground = grey[grey.shape[0] // 2 :].astype(float)
        table.add_row(name, f"{grid_power(ground):,.1f}", f"{grid_amplitude(ground):.2f}")
    console.print(table)
    console.print("; ".join(right.processing))


def matching_table(console: Console) -> None:
    table = Table("pair", "filled", "unmatched", "rows before px", "rows after px", "spread px", title="Matching")
    unmatched = np.uint16(Reason.LEFT_RIGHT | Reason.NO_MATCH | Reason.LOW_TEXTURE)
    outside = np.uint16(Reason.SKY | Reason.OUTSIDE_OVERLAP | Reason.VIGNETTE | Reason.ROVER)
    now = read_scene([next(PAIRS.glob("NLF_0060_*.png"))])
    left, right = now.observations
    as_mosaic = replace(right, image=read_image(next(PAIRS.glob("NRE_0060_*.png"))), processing=())
    runs = [("60 as a mosaic (before)", replace(now, observations=(left, as_mosaic))), ("60 (now)", now)]
    runs += [(str(sol), read_scene([next(PAIRS.glob(f"NLF_{sol:04d}_*.png"))])) for sol in SOLS]
    for name, scene in runs:
        result = reconstruct(scene)
        ground = (result.xyz.reason & outside) == 0
        residual = result.report.epipolar_residual
        table.add_row(
            name,
            f"{result.xyz.measured[ground].mean():.1%}",
            f"{((result.xyz.reason & unmatched) > 0)[ground].mean():.1%}",
            f"{residual['before']['median_px']:+.3f}",
            f"{residual['after']['median_px']:+.3f}",
            f"{residual['after']['mad_px']:.3f}",
        )
    console.print(table)


def colour_table(console: Console) -> None:
    methods: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "stereo3d": lambda m: debayer(image_of(m), Phase(0, 0)).pixels,
        "OpenCV bilinear": lambda m: cv2.cvtColor(m, cv2.COLOR_BayerRGGB2RGB),
        "OpenCV edge-aware": lambda m: cv2.cvtColor(m, cv2.COLOR_BayerRGGB2RGB_EA),
        "OpenCV VNG": lambda m: cv2.cvtColor(m, cv2.COLOR_BayerRGGB2RGB_VNG),
    }
    table = Table(
        "frame", *methods, "filter 1 2 1, luminance", title="Colour error of a mosaic, PSNR dB: RGB / luminance"
    )
    frames = [("simulated", sorted(bundled_scene().glob("*LEFT*_01.webp"))[0])]
    frames += [(f"sol {sol}", next(PAIRS.glob(f"NLF_{sol:04d}_*.png"), None)) for sol in (60, *SOLS, 1280)]
    for name, path in frames:
        if path is None:
            continue
        rgb = read_image(path).pixels
        raw = mosaic_of(rgb)
        cells = []
        for method in methods.values():
            error = (method(raw).astype(float) - rgb)[8:-8, 8:-8]
            cells.append(f"{psnr(error):.1f} / {psnr(error @ [0.25, 0.5, 0.25]):.1f}")
        smooth = image_of(raw).luminance - image_of(rgb).luminance
        table.add_row(name, *cells, f"{psnr(smooth[8:-8, 8:-8]):.1f}")
    console.print(table)


def psnr(error: np.ndarray) -> float:
    return float(10 * np.log10(255**2 / np.mean(error**2)))


def simulated_flat_table(console: Console) -> None:
    table = Table(
        "frames", "true spread", "left", "sigma told", "pattern", "pattern's sigma", title="Flat field, simulated"
    )
    truth, smooth = known_flat(1, 0.03), known_flat(1, 0.0)
    frames = flat_frames(96, 4, truth)
    cells = [cells_of(frame, SIZE) for frame in frames]
    for count in (8, 16, 32, 96):
        field = estimate_flat_field(cells[:count], "simulated", "NAVCAM_LEFT", SIZE, largest_sigma=1.0)
        bare = replace(field, pattern=None)
        left = spread_of(bare.transmission(frames[0]) / smooth)
        with_pattern = "-" if field.pattern is None else f"{spread_of(field.transmission(frames[0]) / truth):.2%} left"
        sigma = "-" if field.pattern_sigma is None else f"{field.pattern_sigma:.2%}"
        table.add_row(str(count), f"{spread_of(smooth):.1%}", f"{left:.2%}", f"{field.sigma:.2%}", with_pattern, sigma)
    console.print(table)
    console.print("spreads are standard deviations of ln T over the frame; the true pattern's is 3 %.")


def spread_of(ratio: np.ndarray) -> float:
    return float(np.log(ratio).std())


def real_flat_tables(console: Console) -> None:
    eyes = {letter: [read_observation(p) for p in sorted(PAIRS.glob(f"N{letter}[EF]_*.png"))] for letter in ("L", "R")}
    cells = {letter: [cells_of(o, M2020_SENSOR) for o in frames] for letter, frames in eyes.items()}
    for letter, frames in cells.items():
        camera = eyes[letter][0]
        try:
            estimate_flat_field(frames, camera.mission, camera.instrument, M2020_SENSOR)
        except CalibrationError as error:
            console.print(f"calibrate: {error}")
    table = Table("sol", "as delivered", "divided", title="ln(left / right) over the common ground, robust spread")
    for sol in (395, 718, 755, 903):
        scene = read_scene([next(PAIRS.glob(f"NLF_{sol:04d}_*.png"))])
        result = reconstruct(scene)
        fields = [
            forced([c for c in frames if f"_{sol:04d}_" not in c.product_id], eyes[letter][0], M2020_SENSOR)
            for letter, frames in cells.items()
        ]
        made = [flattened(o, fields) for o in scene.observations]
        row = [f"{agreement(pair, result.xyz.xyz):.2%}" for pair in (scene.observations, made)]
        table.add_row(str(sol), *row)
    console.print(table)
    frames = [read_observation(p) for p in sorted((SHARED / "opportunity").glob("1N*"))]
    field = forced([cells_of(o, MER_SENSOR) for o in frames], frames[0], MER_SENSOR)
    scene = read_frames(sorted((SHARED / "opportunity").glob("1N*")))
    table = Table(
        "Opportunity's five frames", "mean step of seams", title="Panorama, before its own balance / after it"
    )
    for name, used in (
        ("as delivered", scene),
        ("divided", replace(scene, observations=tuple(flattened(o, [field]) for o in scene.observations))),
    ):
        settings = PanoramaSettings(canvas=CanvasWish(width=4000), eye=None, stereo=False)
        (step,) = make_panorama(used, settings).report["seam_step"].values()
        table.add_row(name, f"{step['before']:.2%} / {step['after']:.2%}")
    console.print(table)
    console.print(f"of its flat field, with five frames where eight are asked for: sigma {field.sigma:.1%}")


def forced(cells: Sequence[Cells], camera: Observation, sensor: tuple[int, int]) -> FlatField:
    """The flat field of so many frames as there are, however unsure."""
    return estimate_flat_field(
        cells, camera.mission, camera.instrument, sensor, least_shots=3, largest_sigma=9.0, least_tilts_deg=0.0
    )


def agreement(pair: Sequence[Observation], xyz: np.ndarray) -> float:
    """Robust spread of ln(left / right) of the same ground, in medians of 40 x 40 px of the left image."""
    left, right = pair
    known = np.isfinite(xyz[..., 0])
    place = np.full((*known.shape, 2), -1.0, dtype=np.float32)
    place[known] = right.camera.project(xyz[known].astype(float))
    other = cv2.remap(right.image.luminance, place[..., 0], place[..., 1], cv2.INTER_LINEAR, borderValue=0)
    own = left.image.luminance
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(known & (own > 10) & (own < 245) & (other > 10) & (other < 245), np.log(own / other), np.nan)
    rows, columns = (n // 40 for n in ratio.shape)
    blocks = ratio[: rows * 40, : columns * 40].reshape(rows, 40, columns, 40).swapaxes(1, 2).reshape(-1, 1600)
    medians = [np.nanmedian(b) for b in blocks if np.isfinite(b).mean() > 0.5]
    return float(1.4826 * np.median(np.abs(medians - np.median(medians))))


def pictures(folder: Path) -> None:
    """Sol 60: both eyes side by side, and crops at full size of left, raw right, right."""
    folder.mkdir(parents=True, exist_ok=True)
    left, right = (o.image.pixels for o in read_scene([next(PAIRS.glob("NLF_0060_*.png"))]).observations)
    raw = np.repeat(read_image(next(PAIRS.glob("NRE_0060_*.png"))).pixels[..., None], 3, axis=2)
    PIL.Image.fromarray(np.concatenate([left, right], axis=1)).save(folder / "sol60_both_eyes.png")
    rows = [
        np.concatenate([eye[y : y + 420, x : x + 420] for eye in (left, raw, right)], axis=1)
        for x, y in ((150, 420), (700, 520))
    ]
    PIL.Image.fromarray(np.concatenate(rows, axis=0)).save(folder / "sol60_crops.png")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--pictures", type=Path, help="write sol 60's pictures into this folder")
    parser.add_argument("--skip-matching", action="store_true", help="leave out what takes minutes")
    args = parser.parse_args()
    console = Console(width=140)
    colour_table(console)
    simulated_flat_table(console)
    if not PAIRS.is_dir():
        console.print("SKIPPED: no real pairs in ../shared/data beside the project", style="bold red")
        return
    grid_table(console)
    if not args.skip_matching:
        matching_table(console)
        real_flat_tables(console)
    if args.pictures is not None:
        pictures(args.pictures)


if __name__ == "__main__":
    main()
