"""The window where nothing is installed that only networks need."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.window

OPEN = """
import sys
for name in ("torch", "waterz", "tensorboardX"):
    sys.modules[name] = None
from pathlib import Path
from napari_axonem.widgets.desk import picture_desk
picture_desk(Path(sys.argv[1]), Path(sys.argv[2]))
"""


def test_the_window_opens_without_torch(project_path: Path, tmp_path: Path) -> None:
    picture = tmp_path / "desk.png"
    done = subprocess.run(
        [sys.executable, "-c", OPEN, str(project_path), str(picture)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert picture.stat().st_size > 0
