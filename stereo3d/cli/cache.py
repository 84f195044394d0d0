"""``stereo3d cache``: what earlier runs kept on this machine, and away with it."""

from __future__ import annotations

import argparse

from stereo3d.catalog import place as catalogs
from stereo3d.store import Store, user_folder, user_limit
from stereo3d.store.place import FOLDER, SIZE

EXAMPLES = (
    ("stereo3d cache", "where it is, and how much each stage keeps"),
    ("stereo3d cache --clear", "remove it all"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """--clear."""
    parser.epilog = (
        f"Results are kept by the content of what they were made of; what was not used for longest goes when the cache "
        f"is full.  {FOLDER} names another folder, {SIZE} another size in GB (0 keeps nothing)."
    )
    parser.add_argument("--clear", action="store_true", help="remove all that is kept")


def run(args: argparse.Namespace) -> int:
    """Print where the cache is and how much each stage has in it, or clear it."""
    store = Store(user_folder(), user_limit())
    if args.clear:
        indexes = catalogs.files()
        size = sum(path.stat().st_size for path in indexes)
        for path in indexes:
            path.unlink(missing_ok=True)
        print(f"removed {(store.clear() + size) / 1e6:.0f} MB from {store.folder}")
        return 0
    kept = store.kept()
    print(f"{store.folder}: {sum(k.bytes for k in kept) / 1e6:.0f} MB of at most {store.limit / 1e6:.0f} MB")
    for stage in sorted({k.stage for k in kept}):
        sizes = [k.bytes for k in kept if k.stage == stage]
        print(f"  {stage:10}{len(sizes):5} {'entry' if len(sizes) == 1 else 'entries':8}{sum(sizes) / 1e6:8.0f} MB")
    indexes = [path for path in catalogs.files() if path.suffix == ".sqlite"]
    if indexes:
        megabytes = sum(path.stat().st_size for path in indexes) / 1e6
        what = "index" if len(indexes) == 1 else "indexes"
        print(f"  {'catalog':10}{len(indexes):5} {what:8}{megabytes:8.0f} MB, beside the rest")
    return 0
