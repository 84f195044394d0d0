"""One HTML file that holds everything: the viewer, the scene, its parts and the licences.  It loads nothing."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator
from pathlib import Path

from stereo3d.errors import OutputError
from stereo3d.export.content import Content
from stereo3d.export.page.parts import SCRIPT, STYLE, Page, Viewer, replaced_once, viewer

_UNSAFE = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})


def write_html(content: Content, path: Path) -> None:
    """The page of a reconstruction.  Raises OutputError for content without one: bare ground has no frames."""
    if content.page is None:
        raise OutputError("a page shows a reconstruction, not ground alone", file=path, todo="pack it with page_of")
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(one_file(content.page, viewer()))


def one_file(page: Page, files: Viewer) -> Iterator[str]:
    """The text of the file, piece by piece.

    Its policy allows nothing but its own script and style, known by their hashes, and pictures and workers that they
    make themselves.  Manifest and parts lie in script elements of no script's type: data that the browser keeps as it
    is.  In the manifest ``<``, ``>``, ``&`` and the line separators of Unicode are escaped as JSON allows, so that no
    text of a record ends the element.
    """
    for name, text in (("script", files.script), ("style", files.style), ("script", files.licenses)):
        # What ends an element early would be code of this project, so it is no error of the user's.
        if f"</{name}" in text.lower() or "<!--" in text:
            raise ValueError(f"the viewer's {name} cannot stand in a page as it is")
    policy = content_policy(_hash(files.script), _hash(files.style), "'none'")
    text = files.index_of(page)
    head = f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">'
    text = replaced_once(text, '<meta charset="utf-8">', head)
    text = replaced_once(text, f'<link rel="stylesheet" href="{STYLE}">', f"<style>{files.style}</style>")
    before, after = text.split(f'<script src="{SCRIPT}"></script>')
    yield before
    manifest = page.scene_json.decode().translate(_UNSAFE)
    yield f'<script type="application/json" id="scene">{manifest}</script>\n'
    for name, data in page.parts.items():
        yield f'<script type="application/octet-stream;base64" id="part:{name}">'
        yield base64.b64encode(data).decode()
        yield "</script>\n"
    yield f'<script type="text/plain" id="licenses">{files.licenses}</script>\n'
    yield f"<script>{files.script}</script>"
    yield after


def content_policy(script: str, style: str, connect: str) -> str:
    """A Content-Security-Policy; ``script``, ``style`` and ``connect`` are the sources allowed."""
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {script} 'wasm-unsafe-eval'",
            f"style-src {style}",
            "img-src 'self' blob: data:",
            f"connect-src {connect}",
            "worker-src blob:",
            "media-src blob:",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
