"""What all tests share: where real data lies, and what happens without a display."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("AXONEM_DATA", ROOT.parent / "shared" / "data"))

# A busy machine is no failure, and what passed once passes again.
settings.register_profile("the same", deadline=None, derandomize=True)
settings.load_profile("the same")

WINDOW_FIXTURES = {"qapp", "qtbot", "make_napari_viewer", "make_napari_viewer_proxy"}


def has_display() -> bool:
    """Whether a window with OpenGL can be shown; Qt's platform "offscreen" has no OpenGL."""
    if os.environ.get("QT_QPA_PLATFORM") in ("offscreen", "minimal"):
        return False
    has_server = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    return has_server or sys.platform != "linux"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark tests that open a window; without a display skip them, where Qt would abort."""
    reason = "no display: python3 resources/start.py test brings a virtual one"
    skip = None if has_display() else pytest.mark.skip(reason=reason)
    for item in items:
        if WINDOW_FIXTURES.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("window")
        if skip and item.get_closest_marker("window"):
            item.add_marker(skip)


@pytest.hookimpl(optionalhook=True)  # of pytest-xdist
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    """Run the tests of a file in one process, and all windows in one.

    Two windows would take the keyboard from each other. (Groups marked on tests, which would do the
    same, have no effect with pytest 9.2 and pytest-xdist 3.8.)
    """
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return "windows" if "tests/widgets/" in nodeid else nodeid.split("::", 1)[0]

    return ByFile(config, log)


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    """Let torch, where a test has loaded it, add up in one order: equal is bitwise equal."""
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)


@pytest.fixture(scope="session")
def gpu() -> Iterator[str]:
    """A CUDA device that rounds as little, and adds up in as fixed an order, as it can."""
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    with torch.backends.cudnn.flags(deterministic=True, allow_tf32=False):
        yield "cuda:0"


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
