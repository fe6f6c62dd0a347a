"""What all tests share: where real data lies."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("AXONEM_DATA", ROOT.parent / "shared" / "data"))


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
