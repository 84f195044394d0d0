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


IDENTIFICATION = {
    "INSTRUMENT_HOST_ID": "'MSL'",
    "INSTRUMENT_ID": "'NAV_LEFT_B'",
    "PLANET_DAY_NUMBER": "123",
    "PRODUCT_ID": "'NLB_400000000EDR_F0050006NCAM00100M1'",
    "ROVER_MOTION_COUNTER": "(5,6,7)",
    "ROVER_MOTION_COUNTER_NAME": "('SITE','DRIVE','POSE')",
    "SPACECRAFT_CLOCK_START_COUNT": "'400000000.250'",
    "START_TIME": "'2012-12-10T01:02:03.456'",
}
MODEL = {
    "MODEL_TYPE": "'CAHVOR'",
    "MODEL_COMPONENT_ID": "('C','A','H','V','O','R')",
    "MODEL_COMPONENT_1": "(0.8,0.3,-1.8)",
    "MODEL_COMPONENT_2": "(1.0,0.0,0.0)",
    "MODEL_COMPONENT_3": f"({(WIDTH - 1) / 2},100.0,0.0)",
    "MODEL_COMPONENT_4": f"({(HEIGHT - 1) / 2},0.0,100.0)",
    "MODEL_COMPONENT_5": "(1.0,0.0,0.0)",
    "MODEL_COMPONENT_6": "(0.0,0.01,-0.002)",
    "REFERENCE_COORD_SYSTEM_NAME": "'ROVER_NAV_FRAME'",
    "REFERENCE_COORD_SYSTEM_INDEX": "(5,6,7)",
}
ROVER = {
    "COORDINATE_SYSTEM_NAME": "'ROVER_NAV_FRAME'",
    "ORIGIN_OFFSET_VECTOR": "(10.0,20.0,-3.0)",
    "ORIGIN_ROTATION_QUATERNION": "(0.5,0.5,0.5,0.5)",
    "REFERENCE_COORD_SYSTEM_NAME": "'SITE_FRAME'",
    "REFERENCE_COORD_SYSTEM_INDEX": "5",
}
STATE = {"PIXEL_AVERAGING_WIDTH": "2", "PIXEL_AVERAGING_HEIGHT": "2"}


@dataclass
class LabelledImage:
    """An image with a label of the archives, to be bent by a test and written as PDS3 or VICAR."""

    path: Path
    pixels: np.ndarray
    """(rows, columns) or (rows, columns, 3), in the byte order of the file."""
    groups: dict[str, dict[str, str]]
    """Keywords by group, values as VICAR writes them; "" are those before any group."""
    image: dict[str, str] = field(default_factory=dict)
    """Further or other items of the image's description."""
    order: str = "BSQ"

    def data(self) -> bytes:
        """The pixels in the file's order."""
        bands = self.pixels.reshape(*self.pixels.shape[:2], -1)
        return bands.transpose({"BSQ": (2, 0, 1), "BIL": (0, 2, 1), "BIP": (0, 1, 2)}[self.order]).tobytes()

    def vicar(self) -> Path:
        rows, columns = self.pixels.shape[:2]
        bands = self.pixels.size // (rows * columns)
        kind = self.pixels.dtype
        formats = {"u1": "BYTE", "i2": "HALF", "i4": "FULL", "f4": "REAL", "f8": "DOUB"}
        record = (bands if self.order == "BIP" else columns) * kind.itemsize
        big = kind.newbyteorder(">") == kind
        items = {
            "FORMAT": f"'{formats[kind.str[1:]]}'",
            "RECSIZE": str(record),
            "ORG": f"'{self.order}'",
            "NL": str(rows),
            "NS": str(columns),
            "NB": str(bands),
            "NBB": "0",
            "NLB": "0",
            "INTFMT": "'HIGH'" if big else "'LOW'",
            "REALFMT": "'IEEE'" if big else "'RIEEE'",
            "COMPRESS": "'NONE'",
            **self.image,
        }
        text = "  ".join(f"{key}={value}" for key, value in items.items())
        for name, group in self.groups.items():
            text += f"  PROPERTY='{name or 'IDENTIFICATION'}'  "
            text += "  ".join(f"{key}={value}" for key, value in group.items())
        text += "  TASK='LABEL'  USER='nobody''s'  DAT_TIM='Fri Jul 24 18:31:28 2015'"
        size = -(-(len(text) + 32) // record) * record
        self.path.write_bytes(f"LBLSIZE={size:<14}  {text}".encode().ljust(size, b"\0") + self.data())
        return self.path

    def pds3(self, detached: bool = False) -> Path:
        """The image with its label at its start, or beside it as .LBL; returns the image's path."""
        rows, columns = self.pixels.shape[:2]
        kind = self.pixels.dtype
        real = kind.kind == "f"
        word = "IEEE_REAL" if real else {"u": "MSB_UNSIGNED_INTEGER", "i": "MSB_INTEGER"}[kind.kind]
        if kind.newbyteorder(">") != kind:
            word = "PC_REAL" if real else word.replace("MSB", "LSB")
        storage = {"BSQ": "BAND_SEQUENTIAL", "BIL": "LINE_INTERLEAVED", "BIP": "SAMPLE_INTERLEAVED"}
        items = {
            "LINES": str(rows),
            "LINE_SAMPLES": str(columns),
            "SAMPLE_TYPE": word,
            "SAMPLE_BITS": str(8 * kind.itemsize),
            "BANDS": str(self.pixels.size // (rows * columns)),
            "BAND_STORAGE_TYPE": storage[self.order],
            "FIRST_LINE": "1",
            "FIRST_LINE_SAMPLE": "1",
            **self.image,
        }
        pointer = items.pop("^IMAGE", f'"{self.path.name}"' if detached else "{record}")
        lines = ["PDS_VERSION_ID = PDS3", "RECORD_TYPE = FIXED_LENGTH", "RECORD_BYTES = 512", f"^IMAGE = {pointer}"]
        for name, group in {**self.groups, "IMAGE": {**self.groups.get("IMAGE", {}), **items}}.items():
            kind_of = "OBJECT" if name == "IMAGE" else "GROUP"
            lines += [f"{kind_of} = {name}"] if name else []
            lines += [f"  {key} = {value}".replace("'", '"') for key, value in group.items()]
            lines += [f"END_{kind_of} = {name}"] if name else []
        text = "\r\n".join([*lines, "END", ""])
        if detached:
            self.path.with_suffix(".LBL").write_text(text, newline="")
            self.path.write_bytes(self.data())
            return self.path
        records = -(-(len(text) + 10) // 512)
        label = text.replace("{record}", str(records + 1)).encode().ljust(512 * records)
        self.path.write_bytes(label + self.data())
        return self.path


@pytest.fixture
def make_labelled(tmp_path: Path) -> Callable[..., LabelledImage]:
    """``make_labelled(dtype=">i2", bands=1, name="a.IMG", order="BSQ")``: not written yet; values from 1 to 200."""

    def make(dtype: str = ">i2", bands: int = 1, name: str = "a.IMG", order: str = "BSQ") -> LabelledImage:
        rng = np.random.default_rng(7)
        shape = (HEIGHT, WIDTH) if bands == 1 else (HEIGHT, WIDTH, bands)
        groups = {
            "": dict(IDENTIFICATION),
            "GEOMETRIC_CAMERA_MODEL": dict(MODEL),
            "ROVER_COORDINATE_SYSTEM": dict(ROVER),
            "INSTRUMENT_STATE_PARMS": dict(STATE),
            "ROVER_DERIVED_GEOMETRY_PARMS": {"INSTRUMENT_AZIMUTH": "350.5", "INSTRUMENT_ELEVATION": "0.25"},
        }
        return LabelledImage(tmp_path / name, rng.integers(1, 200, shape).astype(dtype), groups, order=order)

    return make
