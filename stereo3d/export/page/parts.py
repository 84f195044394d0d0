"""A page as values: the manifest and the parts of one scene, and the viewer's own files."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

WEB = Path(__file__).with_name("web")
SCRIPT, STYLE, LICENSES = "stereo3d.js", "style.css", "LICENSES.txt"


@dataclass(frozen=True)
class Page:
    """What the viewer shows."""

    manifest: Mapping[str, Any]
    """Plain values, finite numbers only; all places in ENU (X east, Y north, Z up), m."""
    parts: Mapping[str, bytes]
    """By the names that the manifest tells."""

    @property
    def scene_json(self) -> bytes:
        """The manifest as UTF-8."""
        return json.dumps(self.manifest, allow_nan=False, separators=(",", ":"), ensure_ascii=False).encode()

    @property
    def title(self) -> str:
        """Of the browser's window, as HTML."""
        return html.escape(f"{self.manifest['name']} \u00b7 stereo3d")


@dataclass(frozen=True)
class Viewer:
    """The viewer's own files, as text."""

    index: str
    """index.html with a place for the title, the style and the script, each once."""
    style: str
    script: str
    licenses: str
    """Of all that is in ``script``."""

    def index_of(self, page: Page) -> str:
        """The index with the title of a page."""
        return replaced_once(self.index, "<title>stereo3d</title>", f"<title>{page.title}</title>")


@cache
def viewer() -> Viewer:
    """What is shipped beside this module."""
    files = (WEB / "index.html", WEB / STYLE, WEB / "dist" / SCRIPT, WEB / "dist" / LICENSES)
    return Viewer(*(file.read_text(encoding="utf-8") for file in files))


def replaced_once(text: str, old: str, new: str) -> str:
    """``text`` with ``new`` in the place of ``old``.  Raises ValueError unless it is there exactly once."""
    if text.count(old) != 1:
        raise ValueError(f"{old!r} must be in the page once, not {text.count(old)} times")
    return text.replace(old, new)
