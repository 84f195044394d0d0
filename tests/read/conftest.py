"""Files of a small synthetic pair in the raw feed's form, and the real data."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import PIL.Image
import pytest

from stereo3d.errors import Stereo3dError

WIDTH, HEIGHT = 128, 96


@dataclass
class RawImage:
    """An image file and its record, to be bent by a test and written."""

    folder: Path
    stem: str
    record: dict = field(default_factory=dict)
    suffix: str = ".png"
    pixels: np.ndarray | None = None

    @property
    def path(self) -> Path:
        return self.folder / (self.stem + self.suffix)

    @property
    def json(self) -> Path:
        return self.folder / (self.stem + ".json")

    def write(self) -> "RawImage":
        if self.pixels is None:
            rng = np.random.default_rng(sum(self.stem.encode()))
            self.pixels = rng.integers(1, 255, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        PIL.Image.fromarray(self.pixels).save(self.path)
        return self.write_record()

    def write_record(self) -> "RawImage":
        self.json.write_text(json.dumps(self.record))
        return self

    def set(self, **changes: object) -> "RawImage":
        """Change fields of the record, in whatever group they are; None removes them."""
        for key, value in changes.items():
            group = next((g for g in (self.record["camera"], self.record["extended"]) if key in g), self.record)
            if value is None:
                group.pop(key, None)
            else:
                group[key] = value
        return self


def _text(*numbers: float) -> str:
    return "(" + ",".join(f"{n:g}" for n in numbers) + ")"


def _make(folder: Path, letter: str, sclk: int = 700000000, site: int = 5, drive: int = 1234) -> RawImage:
    stem = f"N{letter}F_0400_{sclk:010d}_123ECM_N{site:03d}{drive:04d}NCAM00400_01_195J"
    y = -0.2 if letter == "L" else 0.2
    components = [
        _text(0.9, y, -1.9),
        _text(1, 0, 0),
        _text((WIDTH - 1) / 2, 100, 0),
        _text((HEIGHT - 1) / 2, 0, 100),
        _text(1, 0, 0),
        _text(1e-6, 0.05, -0.017),
        _text(0, 0, 0),
        "2.0",
        "0.0",
    ]
    record = {
        "imageid": stem,
        "sol": 400,
        "site": site,
        "drive": str(drive),
        "attitude": "(1,0,0,0)",
        "date_taken_utc": "2022-04-05T01:02:03.456",
        "sample_type": "Full",
        "camera": {
            "instrument": "NAVCAM_LEFT" if letter == "L" else "NAVCAM_RIGHT",
            "camera_model_type": "CAHVORE",
            "camera_model_component_list": ";".join(components),
            "filter_name": "UNK",
        },
        "extended": {
            "sclk": f"{sclk + 1}.5",
            "dimension": _text(WIDTH, HEIGHT),
            "subframeRect": _text(1, 1, 2 * WIDTH, 2 * HEIGHT),
            "scaleFactor": "2",
            "mastAz": "0.5",
            "mastEl": "UNK",
            "xyz": "(10,20,-3)",
        },
    }
    return RawImage(folder, stem, record)


@pytest.fixture
def make_raw(tmp_path: Path) -> Callable[..., RawImage]:
    """``make_raw("L" or "R", folder=tmp_path, sclk=..., site=..., drive=...)``: an image that is not written yet."""

    def make(letter: str = "L", folder: Path = tmp_path, **changes: int) -> RawImage:
        return _make(folder, letter, **changes)

    return make


@pytest.fixture
def pair(make_raw: Callable[..., RawImage]) -> tuple[RawImage, RawImage]:
    """A written pair, 128 x 96 px, in the test's own folder."""
    return make_raw("L").write(), make_raw("R").write()


@pytest.fixture
def one_line() -> Callable[[Stereo3dError], str]:
    """Check that an error is one printable line of bearable length, and give it."""

    def check(error: Stereo3dError) -> str:
        text = str(error)
        assert text.isprintable()
        assert len(text) < 600
        return text

    return check


@pytest.fixture(scope="session")
def data() -> Path:
    """The real data beside the project; the test is skipped where it is absent."""
    folder = Path(__file__).resolve().parents[3] / "shared" / "data"
    if not (folder / "perseverance").is_dir():
        pytest.skip("the real data is not here: ../shared/data/perseverance is absent")
    return folder
