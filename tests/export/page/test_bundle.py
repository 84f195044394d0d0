"""The bundle that is shipped is that of the sources beside it, without Node."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path

from stereo3d.export.page.parts import LICENSES, SCRIPT, STYLE, WEB


def sources(web: Path) -> list[str]:
    """As build.mjs finds them: paths with "/" in the order of their letters."""
    found = [p.relative_to(web).as_posix() for p in (web / "src").rglob("*") if p.suffix in (".js", ".css")]
    return sorted([*found, "build.mjs", "package-lock.json", "package.json"])


def digest(web: Path) -> str:
    whole = hashlib.sha256()
    for path in sources(web):
        data = (web / path).read_bytes()
        whole.update(f"{path}\n{len(data)}\n".encode() + data)
    return whole.hexdigest()


def test_the_bundle_is_that_of_its_sources():
    wanted = digest(WEB)
    for file in (WEB / "dist" / SCRIPT, WEB / STYLE):
        head = file.read_text(encoding="utf-8")[:400]
        (told,) = re.findall(r"sources sha256 ([0-9a-f]{64})", head)
        assert told == wanted, f"{file.name} is stale: npm ci && npm run build in {WEB.name}/"


def test_its_licences_name_what_it_is_made_of():
    pinned = json.loads((WEB / "package.json").read_text())["dependencies"]
    text = (WEB / "dist" / LICENSES).read_text(encoding="utf-8")
    told = dict(re.findall(r"^([@\w/.-]+) (\d+\.\d+\.\d+) \([\w. -]+\): its source is", text, re.MULTILINE))
    assert set(pinned) <= set(told)
    assert {name: told[name] for name in pinned} == pinned
    assert text.count("Permission is hereby granted") >= 3


def test_the_lock_names_no_registry():
    """A clone takes packages from whatever registry its npm is set to; the lock pins them by their hashes."""
    lock = json.loads((WEB / "package-lock.json").read_text())
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert packages
    assert [name for name, entry in packages.items() if "resolved" in entry] == []
    assert [name for name, entry in packages.items() if not entry.get("integrity", "").startswith("sha512-")] == []
