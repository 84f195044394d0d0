"""How the help of every command ends, and what --version says; imports nothing heavy, so that both answer at once."""

from __future__ import annotations

import argparse
import sys
import textwrap
from collections.abc import Sequence

Examples = Sequence[tuple[str, str]]
"""Pairs of a command line, as typed, and what it does."""

EXIT_CODES = (
    "Exit code 0: done; 2: wrong arguments, or input that cannot be used, told in one line on stderr, and nothing is "
    "written; 130: interrupted with Ctrl-C."
)

_LIBRARIES = ("numpy", "numba", "opencv-python-headless", "trimesh", "pyvista", "rasterio")
"""Those whose versions a report of a fault needs."""


def epilog(examples: Examples, notes: str | None = None) -> str:
    """The end of a help: notes of the command's own, exit codes, examples.  :class:`Formatter` wraps it."""
    lines = [f"  {command}\n      {what}" for command, what in examples]
    return "\n\n".join([*([notes] if notes else []), EXIT_CODES, "\n".join(["Examples:", *lines])])


class Formatter(argparse.HelpFormatter):
    """Wraps paragraphs, and leaves a paragraph that has indented lines as it is, so that commands can be copied."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        filled = []
        for paragraph in text.split("\n\n"):
            if "\n " in paragraph:
                filled.append(textwrap.indent(paragraph, indent))
            else:
                filled.append(super()._fill_text(paragraph, width, indent))
        return "\n\n".join(filled)


class Version(argparse.Action):
    """--version: one line of this program, Python and the main libraries, looked up only when it is asked for."""

    def __init__(self, option_strings: Sequence[str], dest: str) -> None:
        super().__init__(
            option_strings, argparse.SUPPRESS, nargs=0, default=argparse.SUPPRESS, help="say the versions, and exit"
        )

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        """Print the line and end the program."""
        print(version_line())
        parser.exit()


def version_line() -> str:
    """ "stereo3d 0.1.0 (Python 3.11.2, numpy 2.4.1, ...)"; a library that is not installed is left out."""
    from importlib.metadata import PackageNotFoundError, version

    from stereo3d import __version__

    found = [f"Python {sys.version.split()[0]}"]
    for name in _LIBRARIES:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return f"stereo3d {__version__} ({', '.join(found)})"
