"""A real browser on the real page: of the bundled scene's first pair, served and as one file."""

from __future__ import annotations

import contextlib
import functools
import io
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pil

from stereo3d.export.page.parts import Page

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = [
    "--no-sandbox", "--disable-gpu", "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-first-run",
]  # fmt: skip
SIZE = (960, 640)
QUIET = "GL Driver Message"
"""What software drawing says of its own speed when a picture is read back."""


@pytest.fixture(scope="session")
def browser():
    """Debian's Chromium, without a window; tests are skipped, and counted loudly, where it is missing."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        pytest.skip("NOT CHECKED IN A BROWSER: playwright is not installed")
    path = next((found for name in BROWSERS if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip("NOT CHECKED IN A BROWSER: there is no chromium (apt-get install chromium)")
    with sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield made
        made.close()


@pytest.fixture(scope="session")
def stop() -> Any:
    """The bundled scene's first pair as read, with what a Result tells of its place."""
    from stereo3d.pipeline import enu_from_rover
    from stereo3d.read import read_scene

    pair = read_scene([], [], None).pairs[0]
    enu = enu_from_rover(pair.left)
    ground = SimpleNamespace(mesh=SimpleNamespace(frame=enu.to))
    return SimpleNamespace(pair=pair, observations=(pair.left, pair.right), enu_from_rover=enu, terrain=ground)


@pytest.fixture(scope="session")
def scene_page(tmp_path_factory) -> Page:
    """The page of that pair; of several processes that run tests one measures it."""
    folder = tmp_path_factory.getbasetemp()
    folder = (folder.parent if os.environ.get("PYTEST_XDIST_WORKER") else folder) / "scene-page"
    try:
        folder.mkdir()
    except FileExistsError:
        started = time.monotonic()
        while not (folder / "done").exists():
            assert time.monotonic() - started < 250.0, "the page is not made"
            time.sleep(0.2)
        manifest = json.loads((folder / "scene.json").read_text(encoding="utf-8"))
        return Page(manifest, {p.name: p.read_bytes() for p in sorted((folder / "part").iterdir())})
    from stereo3d.export.page.scene import page_of
    from stereo3d.export.products import about_result
    from stereo3d.pipeline import reconstruct
    from stereo3d.read import read_scene

    made = reconstruct(read_scene([], [], None))
    page = page_of(made, about_result(made))
    (folder / "part").mkdir()
    for name, data in page.parts.items():
        (folder / "part" / name).write_bytes(data)
    (folder / "scene.json").write_bytes(page.scene_json)
    (folder / "done").touch()
    return page


@pytest.fixture(scope="session")
def served(scene_page) -> Iterator[str]:
    """The address of the page."""
    from stereo3d.view.serve import PageServer

    with PageServer() as server:
        server.serve(scene_page)
        yield server.url


@pytest.fixture(scope="session")
def one_file(scene_page, tmp_path_factory) -> str:
    """The address of the page as one file."""
    from stereo3d.export.page.html import one_file as written
    from stereo3d.export.page.parts import viewer

    path = tmp_path_factory.mktemp("page") / "crater.html"
    path.write_text("".join(written(scene_page, viewer())), encoding="utf-8")
    return path.as_uri()


@dataclass
class Opened:
    """A page in the browser, and what it asked for and said."""

    page: Any
    requests: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    """Errors and warnings of the console, uncaught exceptions, requests that failed."""

    def js(self, code: str, argument: Any = None) -> Any:
        """The value of an expression or function, in which ``viewer`` is the viewer."""
        return self.page.evaluate(
            f"(argument) => {{ const viewer = window.stereo3d.viewer; return ({code}); }}", argument
        )

    def settle(self) -> None:
        """Wait until the movement is over and the picture is drawn in full."""
        self.page.evaluate(
            "new Promise((done) => { setTimeout(() => { window.stereo3d.viewer.render();"
            " requestAnimationFrame(() => requestAnimationFrame(done)); }, 450); })"
        )

    def picture(self, selector: str = "#view") -> np.ndarray:
        """(rows, columns, 3) uint8: what a person sees of an element."""
        shot = self.page.locator(selector).screenshot()
        return np.asarray(Pil.open(io.BytesIO(shot)).convert("RGB"))

    def box(self, selector: str = "#view") -> dict[str, float]:
        """Of an element: x, y, width, height, px of the window."""
        return self.page.locator(selector).bounding_box()

    def words(self, testid: str) -> str:
        """The text of an element by its data-testid."""
        return self.page.get_by_test_id(testid).first.inner_text()


@contextlib.contextmanager
def _opening(browser: Any, address: str, ready: bool = True, **context: Any) -> Iterator[Opened]:
    """The page at an address, ready to be used."""
    options = {"viewport": {"width": SIZE[0], "height": SIZE[1]}, "accept_downloads": True, **context}
    session = browser.new_context(**options)
    try:
        page = session.new_page()
        opened = Opened(page)
        page.on("request", lambda request: opened.requests.append(request.url))
        page.on("requestfailed", lambda request: opened.said.append(f"failed: {request.url} {request.failure}"))
        page.on("pageerror", lambda error: opened.said.append(f"uncaught: {error}"))
        page.on(
            "console",
            lambda message: (
                opened.said.append(f"{message.type}: {message.text}")
                if message.type in ("error", "warning") and QUIET not in message.text
                else None
            ),
        )
        page.goto(address)
        if ready:
            page.evaluate("window.stereo3d.ready.then(() => null)")
        yield opened
    finally:
        session.close()


@pytest.fixture(scope="session")
def opening(browser) -> Callable[..., contextlib.AbstractContextManager[Opened]]:
    """Opens an address: a context manager that gives :class:`Opened`."""
    return functools.partial(_opening, browser)


@pytest.fixture(scope="module")
def opened(opening, served) -> Iterator[Opened]:
    """The served page, kept open over the tests of a module."""
    with opening(served) as made:
        made.first = made.js("viewer.viewState()")
        yield made


@pytest.fixture
def fresh(opened) -> Opened:
    """The same page as it was at first."""
    opened.page.keyboard.press("Escape")
    opened.js("(viewer.layer = 'image', viewer.setView(argument, {seconds: 0}))", opened.first)
    opened.settle()
    return opened


@pytest.fixture(scope="session")
def kept(tmp_path_factory) -> Path:
    """A folder for the pictures that tests take."""
    return tmp_path_factory.mktemp("pictures")
