#!/usr/bin/env python3
"""Make the pictures of the README from the bundled scene, each by the command that its caption names.

    .venv/bin/python .readme/make.py [NAME...]        without names: all of them, in two or three minutes

Each command is run as a user would run it, by the stereo3d of this Python, in a folder of its own; it is written into
the picture's metadata.  The page is opened in Debian's chromium (the extra "test" brings playwright, which drives it).
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import ExifTags, Image

HERE = Path(__file__).resolve().parent
MOST_BYTES = 2_500_000
"""Of all pictures together: every clone carries them."""
QUALITY = 85
"""Of the JPEG: the program's own 93 is for looking closely."""

PICTURES = {
    "jezero-floor.jpg": "stereo3d view --screenshot jezero-floor.jpg --size 1280x800",
    "jezero-panorama.jpg": "stereo3d panorama -o jezero-panorama.jpg --width 1600",
    "jezero-page.jpg": "stereo3d export --all -o crater.html",
    "jezero-shadows.jpg": "stereo3d view --screenshot jezero-shadows.jpg --size 1280x800 --viewpoint oblique "
    "--layer hillshade --sun 315,20 --contours",
    "jezero-sigma.jpg": "stereo3d view --all --screenshot jezero-sigma.jpg --size 1280x800 --viewpoint top "
    "--layer sigma",
    "jezero-anaglyph.jpg": "stereo3d panorama -o jezero-anaglyph.jpg --eye anaglyph --projection perspective "
    "--azimuth 85 --elevation -17 --fov 60 --width 1280",
}
"""Picture to the command that makes it; the page is then opened and photographed."""


def main(names: list[str]) -> int:
    """Make the pictures of these names, or all; 2 when one has no command."""
    unknown = [name for name in names if name not in PICTURES]
    if unknown:
        print(f"no picture is called {unknown[0]}; expected some of {', '.join(PICTURES)}", file=sys.stderr)
        return 2
    for name in names or PICTURES:
        with tempfile.TemporaryDirectory() as folder:
            make(name, Path(folder))
    total = sum(path.stat().st_size for path in HERE.glob("*.jpg"))
    print(f"{total / 1e6:.2f} MB in all")
    return 0 if total < MOST_BYTES else 1


def make(name: str, folder: Path) -> None:
    """Run the command of a picture in ``folder``, and put the picture beside this file."""
    command = PICTURES[name]
    print(command, flush=True)
    words = shlex.split(command)
    subprocess.run([sys.executable, "-m", *words], cwd=folder, check=True)
    picture = folder / name
    if not picture.exists():
        photograph(folder / words[-1], picture)
    with Image.open(picture) as image:
        exif = image.getexif()
        exif[ExifTags.Base.ImageDescription] = command
        image.save(folder / "described.jpg", quality=QUALITY, optimize=True, progressive=True, exif=exif)
    shutil.move(folder / "described.jpg", HERE / name)


def photograph(page: Path, picture: Path) -> None:
    """Open a page of the viewer in a browser without a window, and write what it shows."""
    from playwright.sync_api import sync_playwright

    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        raise SystemExit("there is no chromium (apt-get install chromium)")
    arguments = ["--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=browser, args=arguments)
        shown = running.new_page(viewport={"width": 1280, "height": 800})
        shown.goto(page.as_uri())
        shown.evaluate("window.stereo3d.ready.then(() => null)")
        shown.wait_for_timeout(1500)  # until the picture is drawn in full
        shown.screenshot(path=picture, type="jpeg", quality=95)
        running.close()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
