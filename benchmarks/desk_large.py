"""The window at the size of AxonEM: for how long it blocks while one looks, jumps and edits.

    xvfb-run -a -s "-screen 0 1600x1200x24" python benchmarks/desk_large.py FOLDER
        [--window 1600 1000]

FOLDER holds what `edits_data.py` makes: a project of a gigavoxel and 2.4 million fragments
(40×32×32 nm). The image of 750×4096×4096 voxels (40×8×8 nm, the size of AxonEM's mouse volume)
comes into being there at the first run (`viewer_data`, 15 GB). Image and project are opened in the
real window; then, with mouse and keys only: steps through the sections, jumps to errors, merges,
fragments detached by a click, and all of that taken back. Printed as `desk_round` does, by kind of
action: for how long the event loop stood still at most. The project is left as it was, but for its
log.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

from desk_round import DATA, Round
from qtpy.QtCore import Qt
from viewer_data import make
from viewer_open import drop_from_cache

from tests.widgets.hand import CONTROL, SHIFT

STEPS, ERRORS = 30, 12


class LargeRound(Round):
    """Somebody who works on a whole volume."""

    def run(self) -> None:
        """Do everything."""
        self.open_image()
        self.open_project()
        self.picture("opened")
        self.step()
        for _ in range(ERRORS):
            self.repair_and_detach()
        self.picture("repaired")
        self.take_back()

    @property
    def project_path(self) -> Path:
        """The project of `edits_data.py`."""
        return self.folder / "edits.axonem"

    def open_image(self) -> None:
        """Open the image as *File > Open* does."""
        store = self.folder / "axonem.zarr"
        with self.dog.watching("open the image"):
            self.viewer.open(str(store), plugin="napari-axonem")
            self.hand.until(lambda: len(self.viewer.layers) > 0)

    def step(self) -> None:
        """Go through sections with the arrow keys."""
        for number in range(2 * STEPS):
            with self.dog.watching("step"):
                self.hand.press(Qt.Key.Key_Right if number < STEPS else Qt.Key.Key_Left)

    def repair_and_detach(self) -> None:
        """Jump to an error, merge it, and detach the fragment at its place."""
        with self.dog.watching("jump"):
            self.hand.press(Qt.Key.Key_N)
        place = self.hand.session.review.queue.current.mistake.position_nm
        with self.dog.watching("merge"):
            self.hand.press(Qt.Key.Key_R)
        self.done["merged"] += 1
        self.hand.press(Qt.Key.Key_S, SHIFT)
        before = len(self.hand.session.project.operations)
        with self.dog.watching("detach"):
            self.hand.click(place)
        self.done["detached"] += len(self.hand.session.project.operations) - before
        self.hand.press(Qt.Key.Key_Escape)

    def take_back(self) -> None:
        """Undo every edit."""
        for _ in range(self.done["merged"] + self.done["detached"]):
            with self.dog.watching("undo"):
                self.hand.press(Qt.Key.Key_Z, CONTROL)


def main() -> None:
    """Make what is missing, play the round and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--window", type=int, nargs=2, default=(1600, 1000), help="width, height")
    given = parser.parse_args()
    folder = given.folder.resolve()
    store = make(folder / "axonem.zarr", DATA / "fib25" / "training2.h5")
    drop_from_cache(store)
    os.environ["NAPARI_AXONEM_JOBS"] = str(folder / "jobs")
    start = time.monotonic()
    played = LargeRound(folder, ERRORS)
    played.viewer.window.resize(*given.window)
    print("canvas", played.viewer.canvas.size, "pixels", flush=True)
    played.run()
    played.report(time.monotonic() - start)
    played.viewer.close()


if __name__ == "__main__":
    main()
