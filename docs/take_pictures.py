"""Take the pictures of the documentation anew, from the real window.

    xvfb-run -a -s "-screen 0 1600x1200x24" python docs/take_pictures.py [FIB25.h5]

The phantom shows how to begin and how a false merge is split; FIB-25 (``fib25/training2.h5`` in
``AXONEM_DATA``, default ``../shared/data``) the rest.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import napari
from napari.viewer import Viewer
from qtpy.QtWidgets import QApplication

from napari_axonem.cli.demo import DemoSettings, prepare
from napari_axonem.progress import silent
from napari_axonem.proofreading.creation import CreateSettings, create_project
from napari_axonem.widgets.desk import PICTURE, settle, show_worst, shown_desk
from napari_axonem.widgets.docks.keys.view import KeysDialog
from napari_axonem.widgets.session.keys import BY_ID
from napari_axonem.widgets.session.session import Session
from napari_axonem.widgets.session.window import window_of

ROOT = Path(__file__).resolve().parents[1]
DATA = Path(os.environ.get("AXONEM_DATA", ROOT.parent / "shared" / "data"))
PICTURES = Path(__file__).parent / "pictures"
AT_MOST_S = 120.0


class Photographer:
    """A window, and pictures of it."""

    def __init__(self) -> None:
        self.viewer: Viewer = napari.Viewer(title="napari-axonem", show=False)
        self.session: Session = shown_desk(self.viewer, PICTURE)
        self._making = ""
        self.session.space.progressed.connect(self._make)
        settle()

    def do(self, *actions: str) -> None:
        """Do what the keys of these actions do."""
        for action in actions:
            BY_ID[action].run(self.session)
            settle()

    @property
    def is_still(self) -> bool:
        """Whether nothing is being made beside the window."""
        return not self._making and not self.session.editor.busy

    def _make(self, what: str) -> None:
        self._making = what

    def until(self, condition: Callable[[], bool]) -> None:
        """Wait for the window."""
        end = time.monotonic() + AT_MOST_S
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("the window is not ready")
            settle()

    def take_keys(self, action: str, key: str) -> None:
        """Take a picture of the list of keys, while an action is to have a key of another."""
        window_of(self.session).show_help()
        dialog = next(one for one in QApplication.topLevelWidgets() if isinstance(one, KeysDialog))
        dialog.view.wanted.emit(action, key)
        settle()
        dialog.grab().save(str(PICTURES / "keys.png"))
        window_of(self.session).show_help()

    def take(self, name: str) -> None:
        """Take a picture."""
        for _ in range(5):
            settle()
        path = PICTURES / f"{name}.png"
        self.viewer.window.screenshot(str(path), canvas_only=False, flash=False)


def phantom(camera: Photographer, folder: Path) -> None:
    """Show the first error of the phantom, and how it is split."""
    project = prepare(DemoSettings(folder=str(folder / "phantom")), silent)
    show_worst(camera.session, project)
    camera.take("start")
    camera.take_keys("merge", "S")
    camera.do("repair")
    camera.until(lambda: camera.is_still)
    camera.take("split")
    camera.do("drop")
    camera.session.close_project()


def fib25(camera: Photographer, folder: Path, block: Path) -> None:
    """Show real data: a false split, several objects, three dimensions."""
    parts = {"image": "raw", "fragments": "watershed", "truth": "gt"}
    files = {role: f"{block}:{name}" for role, name in parts.items()}
    project = folder / "fib25.axonem"
    create_project(project, CreateSettings(**files, voxel_size=(10.0, 10.0, 10.0)))
    show_worst(camera.session, project)
    for _ in range(6):
        camera.do("repair", "next")
    camera.take("errors")
    camera.do("sides")
    camera.take("sides")
    camera.do("sides", "space")
    camera.until(lambda: camera.is_still)
    camera.take("space")
    camera.do("space")


def main() -> None:
    """Take all pictures."""
    block = Path(sys.argv[1]) if len(sys.argv) > 1 else DATA / "fib25" / "training2.h5"
    with tempfile.TemporaryDirectory() as folder:
        camera = Photographer()
        phantom(camera, Path(folder))
        if block.exists():
            fib25(camera, Path(folder), block)
        camera.session.close_project()
        camera.viewer.close()


if __name__ == "__main__":
    main()
