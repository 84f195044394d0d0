"""The one-file page: everything inside, nothing from elsewhere, and no text of a record that becomes a tag."""

from __future__ import annotations

import base64
import hashlib
import html.parser
import json
import re
from dataclasses import replace

import pytest

from stereo3d.errors import OutputError
from stereo3d.export.page.html import one_file
from stereo3d.export.page.parts import Page, replaced_once, viewer
from stereo3d.export.terrain import check_target, write_terrain

EVIL = "</script><script>alert(1)</script><!-- <script> & \u2028\u2029 \" ' \x1b[31m"


class Elements(html.parser.HTMLParser):
    """All elements with their attributes and text, as a browser's parser takes them apart."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None], str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes), ""))

    def handle_endtag(self, tag):
        self.found.append((f"/{tag}", {}, ""))

    def handle_data(self, data):
        if self.found:
            tag, attributes, text = self.found[-1]
            self.found[-1] = (tag, attributes, text + data)

    def of(self, tag):
        return [(attributes, text) for name, attributes, text in self.found if name == tag]


@pytest.fixture(scope="module")
def written(page, made_up, tmp_path_factory):
    path = tmp_path_factory.mktemp("page") / "crater.html"
    assert write_terrain(made_up.terrain, path, page=page) == [path]
    assert [p.name for p in path.parent.iterdir()] == ["crater.html"]
    return path.read_text(encoding="utf-8")


def test_all_parts_are_inside_and_whole(written, page):
    scripts = {a.get("id"): (a, text) for a, text in Elements(written).of("script")}
    assert json.loads(scripts["scene"][1]) == json.loads(page.scene_json)
    assert scripts["scene"][0]["type"] == "application/json"
    for name, data in page.parts.items():
        attributes, text = scripts[f"part:{name}"]
        assert attributes["type"] == "application/octet-stream;base64"
        assert base64.b64decode(text, validate=True) == data
    assert "three" in scripts["licenses"][1]
    assert scripts["licenses"][0]["type"] == "text/plain"


def test_it_runs_and_loads_nothing_but_itself(written):
    elements = Elements(written)
    running = [(a, text) for a, text in elements.of("script") if a.get("type") is None]
    assert len(running) == 1
    assert all("src" not in a for a, _ in elements.of("script"))
    assert [a for a, _ in elements.of("link") if a.get("rel") != "icon"] == []
    (policy,) = [a["content"] for a, _ in elements.of("meta") if a.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"

    def digest(text):
        return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"

    assert rules["script-src"] == f"{digest(running[0][1])} 'wasm-unsafe-eval'"
    ((_, style),) = elements.of("style")
    assert rules["style-src"] == digest(style)
    assert rules["connect-src"] == "'none'"
    # The policy stands before all that it is about.
    assert written.index("Content-Security-Policy") < written.index("<style>") < written.index("<script")
    assert not [a for _, attributes, _ in elements.found for a in attributes if a.startswith("on")]


def test_text_of_records_stays_text(page):
    manifest = {**page.manifest, "name": EVIL, "about": {"credit": EVIL}, "notes": [EVIL]}
    text = "".join(one_file(Page(manifest, {"mesh.glb": b"x"}), viewer()))
    elements = Elements(text)
    assert len([1 for a, _ in elements.of("script") if a.get("type") is None]) == 1
    (scene,) = [t for a, t in elements.of("script") if a.get("id") == "scene"]
    assert not set(scene) & set("<>&\u2028\u2029")
    assert json.loads(scene)["notes"] == [EVIL]
    assert [t for _, t in elements.of("title")] == [f"{EVIL} \u00b7 stereo3d"]


def test_a_viewer_that_would_end_its_own_element_is_refused(page):
    for broken in (
        replace(viewer(), script="a = '</SCRIPT >'"),
        replace(viewer(), style="/* </style> */"),
        replace(viewer(), licenses="<!-- x"),
    ):
        with pytest.raises(ValueError, match="cannot stand in a page"):
            "".join(one_file(page, broken))
    with pytest.raises(ValueError, match="not 2 times"):
        replaced_once("a b a", "a", "c")


def test_ground_alone_is_no_page(made_up, tmp_path):
    with pytest.raises(OutputError, match="shows a reconstruction"):
        write_terrain(made_up.terrain, tmp_path / "new" / "crater.html")
    assert list(tmp_path.iterdir()) == []


def test_the_suffix_is_checked_before_the_work(tmp_path):
    check_target(tmp_path / "a.HTML")
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OutputError, match="cameras are written beside a GLB"):
        check_target(tmp_path / "a.html", cameras=True)


def test_no_address_of_another_host_is_loaded():
    """The viewer's files hold addresses in texts (licences, namespaces), none in a place that loads."""
    files = viewer()
    assert re.findall(r"(?:src|href)=[\"']?(?:https?:)?//", files.index) == []
    assert re.findall(r"url\(\s*[\"']?(?:https?:)?//", files.style) == []
    assert "@import" not in files.style
