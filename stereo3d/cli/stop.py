"""--site, --drive and the like in place of INPUT: the scene is found in a catalogue."""

from __future__ import annotations

import argparse

from stereo3d.catalog.query import Wish
from stereo3d.errors import Stereo3dError


def wish_of(args: argparse.Namespace) -> Wish:
    """What the place arguments ask for."""
    return Wish(args.mission, args.sol, args.site, args.drive, args.camera)


def take_stop(args: argparse.Namespace, paired: bool = True) -> None:
    """Where a stop is asked for, make the scene that was taken there the inputs, and print what it is.

    Raises Stereo3dError when there are inputs too, and what :func:`stereo3d.catalog.find.find_scene` and
    :func:`stereo3d.catalog.place.asked` raise.
    """
    wish = wish_of(args)
    if wish == Wish() and args.catalog is None:
        return
    if args.inputs:
        raise Stereo3dError(
            "--site, --drive, --sol, --mission, --camera and --catalog choose a scene of a catalogue",
            expected="no INPUT beside them",
            todo="leave out the one or the other; --catalog DIR names the catalogued folder",
        )
    from stereo3d.catalog.find import find_scene
    from stereo3d.catalog.place import asked

    taken = find_scene(asked(args.catalog), wish, getattr(args, "pair", None), paired)
    args.inputs = list(taken.inputs)
    if paired:
        args.pair = taken.pair
    print("".join(c if c.isprintable() else " " for c in taken.about), flush=True)
