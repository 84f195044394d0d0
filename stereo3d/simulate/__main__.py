"""Make a simulated scene: ``python -m stereo3d.simulate -o FOLDER --seed N``."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from stereo3d.errors import Stereo3dError
from stereo3d.simulate.scene_writer import BINNING, write_ring, write_scene


def main(argv: list[str] | None = None) -> int:
    """Write one scene folder; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m stereo3d.simulate", description="Make a simulated scene folder.")
    parser.add_argument("-o", dest="folder", metavar="FOLDER", type=Path, required=True, help="where to write it")
    parser.add_argument("--seed", type=int, default=1, help="another number gives another world (default 1)")
    parser.add_argument("--samples", type=int, default=4, help="rays per pixel along a side (default 4)")
    parser.add_argument("--binning", type=int, default=BINNING, help="sensor pixels per image pixel (default 4)")
    parser.add_argument("--pair", action="store_true", help="one exact pair only, instead of six pointings all around")
    args = parser.parse_args(argv)
    if args.seed < 0 or not 1 <= args.samples <= 16 or not 1 <= args.binning <= 64:
        parser.error("--seed must be at least 0, --samples within 1 and 16, --binning within 1 and 64")
    started = time.perf_counter()
    try:
        if args.pair:
            truth = write_scene(args.folder, args.seed, args.samples, args.binning)
        else:
            truth = write_ring(args.folder, args.seed, args.samples, args.binning, _progress).truth(0)
    except Stereo3dError as error:
        print(f"stereo3d.simulate: {error}", file=sys.stderr)
        return 2
    size = sum(path.stat().st_size for path in args.folder.iterdir() if path.is_file())
    print(f"wrote {args.folder} ({size / 1e6:.1f} MB) in {time.perf_counter() - started:.0f} s")
    ground, both = truth.ground.mean(), truth.both_eyes.mean()
    print(f"{ground:.0%} of the first left image is ground, {both:.0%} is seen by both eyes")
    return 0


def _progress(what: str, share: float) -> None:
    print(f"{what}: {share:.0%}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
