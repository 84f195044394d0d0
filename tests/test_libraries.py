"""A missing library gives one line that names what brings it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from stereo3d.errors import MissingLibraryError
from stereo3d.libraries import DEBIAN_PACKAGES, LINKED_TO, import_library, require_system_libraries


@pytest.fixture
def fake_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Make an importable module of the given source text."""

    def make(name: str, source: str) -> str:
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.syspath_prepend(str(tmp_path))
        monkeypatch.delitem(sys.modules, name, raising=False)
        return name

    return make


def loader_error(soname: str, kind: str = "ImportError") -> str:
    return f"raise {kind}('{soname}: cannot open shared object file: No such file or directory')\n"


def test_a_present_module_is_returned() -> None:
    assert import_library("json").loads("[1]") == [1]
    assert import_library("xml.dom").__name__ == "xml.dom"


@pytest.mark.parametrize("kind", ["ImportError", "OSError"])
@pytest.mark.parametrize(("soname", "package"), sorted(DEBIAN_PACKAGES.items()))
def test_a_missing_system_library_names_its_debian_package(fake_module, soname: str, package: str, kind: str) -> None:
    name = fake_module("needs_system_library", loader_error(soname, kind))
    with pytest.raises(MissingLibraryError) as caught:
        import_library(name)
    line = str(caught.value)
    assert soname in line
    assert name in line
    assert line.endswith(f"sudo apt install {package}")
    assert "\n" not in line


def test_all_missing_libraries_of_open3d_are_named_at_once(fake_module, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stereo3d.libraries._loads", lambda soname: soname == "libX11.so.6")
    name = fake_module("open3d", loader_error("libEGL.so.1"))
    with pytest.raises(MissingLibraryError) as caught:
        import_library(name)
    assert str(caught.value).endswith("sudo apt install libegl1 libgl1 libusb-1.0-0")
    assert set(LINKED_TO["open3d"]) <= set(DEBIAN_PACKAGES)


def test_an_unknown_system_library_says_how_to_find_its_package(fake_module) -> None:
    name = fake_module("needs_odd_library", loader_error("libodd-2.so.7"))
    with pytest.raises(MissingLibraryError, match=r"apt-file search libodd-2\.so\.7$"):
        import_library(name)


def test_a_missing_module_names_the_pip_command(fake_module, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(MissingLibraryError, match=r"pip install no_such_module_of_stereo3d$"):
        import_library("no_such_module_of_stereo3d")
    monkeypatch.setitem(sys.modules, "cv2", None)  # what Python itself uses to say: not installed
    with pytest.raises(MissingLibraryError, match=r"pip install opencv-python-headless$"):
        import_library("cv2")
    name = fake_module("wants_another", "import no_such_module_of_stereo3d.part\n")
    with pytest.raises(MissingLibraryError, match=r"no_such_module_of_stereo3d.* \(wanted by wants_another\)"):
        import_library(name)


@pytest.mark.parametrize("source", ["raise ImportError('numpy is too old')\n", "raise OSError('disk on fire')\n"])
def test_other_failures_are_not_disguised(fake_module, source: str) -> None:
    name = fake_module("fails_otherwise", source)
    with pytest.raises((ImportError, OSError)) as caught:
        import_library(name)
    assert not isinstance(caught.value, MissingLibraryError)


def test_require_system_libraries() -> None:
    require_system_libraries("libc.so.6", wanted_by="a test")
    with pytest.raises(MissingLibraryError, match=r"a test cannot run: .*: libnone\.so\.1, libnone\.so\.2;"):
        require_system_libraries("libc.so.6", "libnone.so.1", "libnone.so.2", wanted_by="a test")
