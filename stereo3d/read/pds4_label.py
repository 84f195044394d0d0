"""A PDS4 label (XML) in the keywords of the older labels, so that one mapping reads all of them.

Classes and attributes: the PDS4 dictionaries for geometry (geom), imaging (img) and surface missions (msn).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from stereo3d.errors import RecordError
from stereo3d.read.label import Label, Value

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MAX_XML_BYTES = 2 << 20
"""Labels of the rovers' images have 80 kB."""
_VECTORS = {
    "C": "Vector_Center",
    "A": "Vector_Axis",
    "H": "Vector_Horizontal",
    "V": "Vector_Vertical",
    "O": "Vector_Optical",
    "R": "Radial_Terms",
    "E": "Entrance_Terms",
}
_HOSTS = {"mars2020": "M2020", "msl": "MSL", "insight": "NSYT", "mer1": "MER1", "mer2": "MER2"}


def parse(path: Path) -> Element:
    """The root of the label.  Raises RecordError for what is too large, no XML, has entities, or is of no image."""
    import defusedxml.ElementTree
    from defusedxml import DefusedXmlException

    try:
        with path.open("rb") as file:
            data = file.read(MAX_XML_BYTES + 1)
    except OSError as error:
        raise RecordError(f"cannot be read: {error.strerror or error}", file=path) from error
    if len(data) > MAX_XML_BYTES:
        raise RecordError(f"the label has more than {MAX_XML_BYTES >> 20} MB", file=path, expected="a PDS4 label")
    try:
        root: Element = defusedxml.ElementTree.fromstring(data, forbid_dtd=True)
    except DefusedXmlException as error:
        raise RecordError("declares a document type or entities", file=path, expected="a PDS4 label") from error
    except Exception as error:  # the parser's own errors, and those of codecs
        line = getattr(error, "position", (None,))[0]
        raise RecordError(f"is not XML: {str(error)[:80]}", file=path, line=line, expected="a PDS4 label") from error
    if root.tag.rpartition("}")[2] != "Product_Observational":
        raise RecordError("is no label of an image", file=path, expected="Product_Observational")
    return root


def child(element: Element | None, *names: str) -> Element | None:
    """The first descendant by the path of local names, each a child of the one before."""
    for name in names:
        if element is None:
            return None
        element = next((e for e in element if isinstance(e.tag, str) and e.tag.rpartition("}")[2] == name), None)
    return element


def text_of(element: Element | None, *names: str) -> str | None:
    """The text of the descendant by the path of local names; None when it is missing or empty."""
    found = child(element, *names)
    text = (found.text or "").strip()[:500] if found is not None else ""
    return text or None


def translated(root: Element, path: Path) -> Label:
    """The label in the keywords of the older labels: camera model, frames, pointing, place, time, subframe."""
    observation = child(root, "Observation_Area")
    discipline = child(observation, "Discipline_Area")
    # The first state is that of the telemetry; a second one is the state before the rover corrected itself.
    lander = child(discipline, "Geometry", "Geometry_Lander")
    imaging = next(iter(_all(discipline, "Imaging")), None)
    groups: dict[str, dict[str, Value]] = {"IDENTIFICATION": _identification(root, lander)}
    _put(groups, "IMAGE", "FIRST_LINE", text_of(imaging, "Subframe", "first_line"))
    _put(groups, "IMAGE", "FIRST_LINE_SAMPLE", text_of(imaging, "Subframe", "first_sample"))
    for side in ("width", "height"):
        text = text_of(imaging, "Downsampling", "Pixel_Averaging_Dimensions", f"{side}_pixels")
        _put(groups, "INSTRUMENT_STATE_PARMS", f"PIXEL_AVERAGING_{side.upper()}", text)
    companding = child(imaging, "Sampling", "Companding")
    _put(groups, "IMAGE", "SAMPLE_BIT_MODE_ID", text_of(companding, "processing_algorithm"))
    _put(groups, "IMAGE", "COMPANDING_STATE", text_of(companding, "companding_state"))
    derived = next((e.text for e in _all(discipline, "derived_image_type_name") if e.text), None)
    _put(groups, "DERIVED_IMAGE_PARMS", "DERIVED_IMAGE_TYPE", derived)
    _camera(groups, child(lander, "Camera_Model_Parameters"))
    for definition in _all(lander, "Coordinate_Space_Definition"):
        _frame(groups, definition)
    for geometry in _all(lander, "Derived_Geometry"):
        if (_reference(geometry) or "").startswith(("ROVER", "LANDER")):
            for key in ("instrument_azimuth", "instrument_elevation"):
                _angle(groups, "ROVER_DERIVED_GEOMETRY_PARMS", geometry, key)
        elif (_reference(geometry) or "").startswith("SITE"):
            for key in ("solar_azimuth", "solar_elevation"):
                _angle(groups, "SITE_DERIVED_GEOMETRY_PARMS", geometry, key)
    return Label(path, {name: group for name, group in groups.items() if group})


def _identification(root: Element, lander: Element | None) -> dict[str, Value]:
    found: dict[str, Value] = {}

    def first(*names: str) -> str:
        return next((e.text.strip()[:500] for name in names for e in _all(root, name) if e.text), "")

    alias = child(root, "Identification_Area", "Alias_List", "Alias")
    lid = text_of(root, "Identification_Area", "logical_identifier") or ""
    found["PRODUCT_ID"] = text_of(alias, "alternate_id") or lid.rpartition(":")[2].upper()
    references = [e.text or "" for e in _all(root, "lid_reference")]
    host = next((text.rpartition(".")[2] for text in references if ":instrument_host:" in text), "")
    found["INSTRUMENT_HOST_ID"] = _HOSTS.get(host.lower(), host)
    found["INSTRUMENT_ID"] = first("ops_instrument_key")
    found["PLANET_DAY_NUMBER"] = first("start_sol_number", "sol_number")
    found["SPACECRAFT_CLOCK_START_COUNT"] = first("spacecraft_clock_start", "spacecraft_clock_start_count")
    found["START_TIME"] = first("start_date_time")
    counter = child(lander, "Motion_Counter")
    names, values = [], []
    for index in _all(counter, "Motion_Counter_Index"):
        names.append(text_of(index, "index_id") or "")
        values.append(text_of(index, "index_value_number") or "")
    found["ROVER_MOTION_COUNTER_NAME"], found["ROVER_MOTION_COUNTER"] = tuple(names), tuple(values)
    return found


def _camera(groups: dict[str, dict[str, Value]], parameters: Element | None) -> None:
    """The camera model, as MODEL_COMPONENT_1 to _9."""
    kind = text_of(parameters, "model_type")
    model = child(parameters, f"{kind}_Model") if kind else None
    if kind is None or model is None:
        return
    group: dict[str, Value] = {"MODEL_TYPE": kind}
    letters = [letter for letter in kind.upper() if letter in _VECTORS]
    for index, letter in enumerate(letters, start=1):
        group[f"MODEL_COMPONENT_{index}"] = _texts(child(model, _VECTORS[letter]))
    if kind.upper() == "CAHVORE":
        group["MODEL_COMPONENT_8"] = text_of(model, "cahvore_model_type") or ""
        group["MODEL_COMPONENT_9"] = text_of(model, "cahvore_model_parameter") or ""
        letters += ["T", "P"]
    group["MODEL_COMPONENT_ID"] = tuple(letters)
    reference = child(parameters, "Coordinate_Space_Reference")
    group["REFERENCE_COORD_SYSTEM_NAME"] = _reference(parameters) or ""
    group["REFERENCE_COORD_SYSTEM_INDEX"] = tuple(
        text_of(index, "index_value_number") or "" for index in _all(reference, "Coordinate_Space_Index")
    )
    groups["GEOMETRIC_CAMERA_MODEL"] = group


def _frame(groups: dict[str, dict[str, Value]], definition: Element) -> None:
    """One coordinate system, in a group of its name; of two solutions the first."""
    name = text_of(definition, "Coordinate_Space_Present", "Coordinate_Space_Indexed", "coordinate_space_frame_type")
    quaternion = [
        text_of(definition, "Quaternion_Plus_Direction", f"q{part}") for part in ("cos", "sin1", "sin2", "sin3")
    ]
    if name is None or None in quaternion:
        return
    direction = text_of(definition, "Quaternion_Plus_Direction", "rotation_direction") or "Forward"
    if direction not in ("Forward", "Present to Reference"):
        return
    group = groups.setdefault(name.upper().removesuffix("_FRAME") + "_COORDINATE_SYSTEM", {})
    group.setdefault("COORDINATE_SYSTEM_NAME", name)
    group.setdefault("ORIGIN_ROTATION_QUATERNION", tuple(q or "" for q in quaternion))
    group.setdefault("ORIGIN_OFFSET_VECTOR", _texts(child(definition, "Vector_Origin_Offset")))
    group.setdefault("REFERENCE_COORD_SYSTEM_NAME", _reference(definition) or "")


def _reference(element: Element | None) -> str | None:
    """The name of the frame to which a part of the label refers, by type or by a local identifier (SITE_FRAME_30)."""
    reference = child(element, "Coordinate_Space_Reference")
    name = text_of(reference, "Coordinate_Space_Indexed", "coordinate_space_frame_type")
    if name is None:
        name = text_of(reference, "Local_Internal_Reference", "local_identifier_reference")
        match = re.match(r"[A-Za-z_]+?_FRAME", name or "", re.ASCII)
        name = match.group() if match is not None else None
    return name.upper() if name is not None else None


def _angle(groups: dict[str, dict[str, Value]], name: str, geometry: Element, key: str) -> None:
    element = child(geometry, key)
    if element is not None:
        group = groups.setdefault(name, {})
        group.setdefault(key.upper(), (element.text or "").strip())
        group.setdefault(f"{key.upper()}__UNIT", str(element.get("unit") or "deg")[:10])


def _put(groups: dict[str, dict[str, Value]], group: str, key: str, text: str | None) -> None:
    if text is not None:
        groups.setdefault(group, {})[key] = text.strip()[:500]


def _texts(element: Element | None) -> tuple[Value, ...]:
    """The texts of an element's children, as the vector that they are."""
    return tuple((e.text or "").strip()[:500] for e in element) if element is not None else ()


def _all(element: Element | None, name: str) -> list[Element]:
    """All descendants of a local name."""
    if element is None:
        return []
    return [e for e in element.iter() if isinstance(e.tag, str) and e.tag.rpartition("}")[2] == name]
