"""What all tests share: where real data lies, and what happens without a display."""

import os
import sys
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("AXONEM_DATA", ROOT.parent / "shared" / "data"))

settings.register_profile("no clock", deadline=None)  # a busy machine is no failure
settings.load_profile("no clock")

WINDOW_FIXTURES = {"qapp", "qtbot", "make_napari_viewer", "make_napari_viewer_proxy"}


def has_display() -> bool:
    """Whether a window with OpenGL can be shown; Qt's platform "offscreen" has no OpenGL."""
    if os.environ.get("QT_QPA_PLATFORM") in ("offscreen", "minimal"):
        return False
    has_server = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return has_server or sys.platform != "linux"


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that open a window; without a display skip them, where Qt would abort.

    Where tests run in several processes, those of a file run in one, and all windows in one: two
    would take the keyboard from each other.
    """
    reason = "no display: python3 resources/start.py test brings a virtual one"
    skip = None if has_display() else pytest.mark.skip(reason=reason)
    for item in items:
        if WINDOW_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("window")
        is_window = item.get_closest_marker("window") is not None
        item.add_marker(pytest.mark.xdist_group("windows" if is_window else item.path.stem))
        if skip and item.get_closest_marker("window"):
            item.add_marker(skip)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Let torch, where a test has loaded it, add up in one order: equal is bitwise equal."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """Folder with real data; the test is skipped where it is missing."""
    if not DATA.is_dir():
        pytest.skip(f"no real data at {DATA} (set AXONEM_DATA to a folder that has it)")
    return DATA


@pytest.fixture(scope="session")
def fib25(data_dir: Path) -> Path:
    """The FIB-25 block with image, truth, supervoxels and a segmentation."""
    path = data_dir / "fib25" / "training2.h5"
    if not path.is_file():
        pytest.skip(f"no {path.name} below {path.parent}")
    return path
