from pathlib import Path

import pytest

from stereo3d.observation import Eye
from stereo3d.read.product_name import parse_product_name, same_product

M2020 = "NLF_0755_0733967989_005ECM_N0372562NCAM03755_01_195J"
MSL = "NRB_524534514EDR_F0562034NCAM00280M_"


def test_perseverance_name() -> None:
    name = parse_product_name(M2020)
    assert name is not None
    assert (name.mission, name.instrument, name.eye, name.variant) == ("Mars 2020", "NL", Eye.LEFT, "F")
    assert (name.sol, name.sclk_s, name.product_type, name.sample) == (755, 733967989.005, "ECM", "N")
    assert (name.site, name.drive, name.sequence, name.tile, name.downsample) == (37, 2562, "NCAM03755", 1, 2)


def test_curiosity_name() -> None:
    name = parse_product_name(MSL)
    assert name is not None
    assert (name.mission, name.instrument, name.eye, name.variant) == ("MSL", "NR", Eye.RIGHT, "B")
    assert (name.sol, name.sclk_s, name.product_type, name.sample) == (None, 524534514.0, "EDR", "F")
    assert (name.site, name.drive, name.sequence, name.tile, name.downsample) == (56, 2034, "NCAM00280", None, None)


def test_opportunity_name() -> None:
    name = parse_product_name("1N491020834ILFCNY9P0706L0M1")
    assert name is not None
    assert (name.mission, name.instrument, name.eye, name.variant) == ("MER-B", "NL", Eye.LEFT, "0")
    assert (name.sol, name.sclk_s, name.product_type, name.sequence) == (None, 491020834.0, "ILF", "P0706")
    # The label of this product counts site 195, drive 973: CN and Y9 beyond 99.
    assert (name.site, name.drive) == (195, 973)
    other = parse_product_name("1N491020834ILFCNY9P0706R0M1")
    assert other is not None
    assert (other.eye, other.shot) == (Eye.RIGHT, name.shot)
    hazcam = parse_product_name("2F126468012EDN9900P1001R0M1")
    assert hazcam is not None
    assert (hazcam.mission, hazcam.instrument, hazcam.site, hazcam.drive) == ("MER-A", "FR", 99, 0)


def test_insight_name() -> None:
    name = parse_product_name("D001L0040_600081076EDR_F0002_0010M2")
    assert name is not None
    assert (name.mission, name.instrument, name.eye, name.sol) == ("InSight", "IDC", Eye.NONE, 40)
    assert (name.sclk_s, name.product_type, name.sample, name.sequence) == (600081076.0, "EDR", "F", "0010")
    assert (name.site, name.drive) == (None, None)


@pytest.mark.parametrize("suffix", ["01", "_800", "01_1200"])
def test_version_and_browse_width_are_of_one_product(suffix: str) -> None:
    assert same_product(M2020, M2020 + suffix)
    assert not same_product(M2020, M2020.replace("_01_195J", "_04_195J") + suffix)


def test_the_shot_ignores_eye_and_processing_but_no_tile() -> None:
    def shot(name: str) -> object:
        parsed = parse_product_name(name)
        assert parsed is not None
        return parsed.shot

    left, right = (
        "NLF_0060_0672265209_237EBY_N0032046NCAM00410_00_0LLJ",
        "NRE_0060_0672265209_237ECM_N0032046NCAM00410_00_0LLJ",
    )
    assert shot(left) == shot(right)
    assert shot(MSL) == shot(MSL.replace("NR", "NL"))
    for old, new in (("_01_195J", "_04_195J"), ("NLF", "FLF"), ("0733967989", "0733967990"), ("N037", "N038")):
        assert shot(M2020) != shot(M2020.replace(old, new))


@pytest.mark.parametrize(
    "name",
    ["", "left", M2020[:-1] + "\n", M2020 + "012", M2020.lower(), "1N491020834ILFCNY9P0706L0M", "NLF_0629_pds4_label"],
)
def test_other_names_are_none(name: str) -> None:
    assert parse_product_name(name) is None


def test_letters_in_site_and_drive_are_left_open() -> None:
    name = parse_product_name(M2020.replace("N0372562", "NA01B234"))
    assert name is not None
    assert (name.site, name.drive) == (None, None)


def test_all_names_of_the_real_data(data: Path) -> None:
    import json

    records = sorted((data / "perseverance").glob("N*.json"))
    assert len(records) == 18
    for path in records:
        record, name = json.loads(path.read_text()), parse_product_name(path.stem)
        assert name is not None
        assert (name.sol, name.site, name.drive) == (record["sol"], record["site"], int(record["drive"]))
        assert name.downsample == int(record["extended"]["scaleFactor"])
        assert name.eye.name in record["camera"]["instrument"]
        # The clock of the name is that of the command, shortly before that of the exposure.
        assert 0 < float(record["extended"]["sclk"]) - name.sclk_s < 2.6
    rest = [p for p in (data / "curiosity").iterdir() if p.suffix != ".json"]
    assert len(rest) == 4
    assert all(parse_product_name(p.stem) for p in rest)
    others = list((data / "opportunity").iterdir()) + list((data / "insight").iterdir())
    assert len(others) == 7
    assert all(parse_product_name(p.stem) for p in others)
