"""A proofreader's whole round in the real window, with mouse and keys only; and how long it blocks.

    xvfb-run -a -s "-screen 0 1600x1200x24" python benchmarks/desk_round.py FOLDER [--errors 30]

On FIB-25 (``fib25/training2.h5`` in ``AXONEM_DATA``, default ``../shared/data``): segments the
image with the shipped model in the dock *Segment*, goes through the errors of the result (repaired,
marked or skipped as a person would), takes edits back and brings them again, marks an object,
switches what is shown, goes to neighbours and to 3-D, closes the project, opens it again, goes on,
and exports. A picture of every step goes to FOLDER.

Meanwhile a timer of one millisecond runs in the window's event loop: the longest time between two
of its ticks during an action, and until the loop is idle again, is for how long the window
was blocked. Printed for each kind of action: median and worst.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import h5py
import napari
from places import DATA, ROOT
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QLineEdit

sys.path.insert(0, str(ROOT))

from napari_axonem.widgets.desk import open_desk
from tests.widgets.hand import CONTROL, SHIFT, Hand
from tests.widgets.watchdog import Watchdog

BLOCK = DATA / "fib25" / "training2.h5"
AT_MOST_S = 3600.0
GAIN_WORTH_A_SPLIT = 0.3
"""Of the gain that an error promises, so much must be shown by a preview to be taken."""


class Patience:
    """Waits while the window goes on; what a `Hand` asks of a test's fixture."""

    @staticmethod
    def waitUntil(condition: Callable[[], bool], timeout: int) -> None:  # noqa: N802
        """Return when the condition holds."""
        end = time.monotonic() + AT_MOST_S
        while not condition():
            if time.monotonic() > end:
                raise TimeoutError("waited for an hour")
            QApplication.processEvents()
            time.sleep(0.002)


class Round:
    """One proofreader."""

    def __init__(self, folder: Path, errors: int) -> None:
        self.folder, self.errors = folder, errors
        self.viewer = napari.Viewer(title="napari-axonem", show=True)
        self.viewer.window.resize(1600, 1000)
        open_desk(self.viewer)
        self.hand, self.dog = Hand(self.viewer, Patience()), Watchdog()
        self.done: dict[str, int] = defaultdict(int)
        self._pictures = 0

    def run(self) -> None:
        """Do everything."""
        self.picture("window")
        self.segment()
        self.go_through(self.errors)
        self.change_mind()
        self.mark_object()
        self.look_around()
        self.close_and_open()
        self.go_through(3)
        self.export()

    def segment(self) -> None:
        """Segment the block with the shipped model; the result opens by itself."""
        if self.project_path.exists():
            self.open_project()
            return
        view = self.hand.dock("Segment").view
        with self.dog.watching("other"):
            self.type(view.image.lineEdit(), f"{self.image}:raw")
            view.imaged.emit(f"{self.image}:raw")
            self.type(view.destination, str(self.project_path))
            self.type(view.more.editors["truth"], f"{BLOCK}:gt")
            self.hand.push("Segment", view.start)
        self.picture("segmenting")
        with self.dog.watching("result opens"):
            self.hand.until(lambda: self.hand.session.project is not None)
        self.picture("segmented")

    def go_through(self, count: int) -> None:
        """Go through errors: repair what can be repaired, mark the rest."""
        session = self.hand.session
        for at in range(count):
            with self.dog.watching("jump"):
                self.hand.press(Qt.Key.Key_N)
            current = session.review.queue.current
            if current is None:
                return
            mistake = current.mistake
            if at in (0, count - 1):
                self.picture("error")
            if mistake.kind == "false_split":
                with self.dog.watching("merge"):
                    self.hand.press(Qt.Key.Key_R)
                self.done["merged"] += 1
                continue
            before = session.project.voi().total
            with self.dog.watching("preview of a split"):
                self.hand.press(Qt.Key.Key_R)
                self.hand.until(lambda: not session.editor.busy)
            plan, expected = session.editor.splitting.plan, None
            if plan is not None:
                expected = session.editor.splitting.proposal.expected
            if expected and before - expected.total > GAIN_WORTH_A_SPLIT * mistake.gain_voi:
                if not self.done["split"]:
                    self.picture("preview")
                with self.dog.watching("split"):
                    self.hand.press(Qt.Key.Key_Return)
                self.done["split"] += 1
            else:
                with self.dog.watching("drop"):
                    self.hand.press(Qt.Key.Key_Escape)
                with self.dog.watching("mark"):
                    self.hand.press(Qt.Key.Key_K)
                self.done["skipped"] += 1
        self.picture("gone-through")

    def change_mind(self) -> None:
        """Take three edits back and bring them again."""
        before = self.hand.session.project.segment.copy()
        for _ in range(3):
            with self.dog.watching("undo"):
                self.hand.press(Qt.Key.Key_Z, CONTROL)
        self.picture("undone")
        for _ in range(3):
            with self.dog.watching("redo"):
                self.hand.press(Qt.Key.Key_Z, CONTROL | SHIFT)
        if (self.hand.session.project.segment != before).any():
            raise AssertionError("what was undone and done again is not the same")

    def mark_object(self) -> None:
        """Pick the object of the current error, and mark it as done."""
        session = self.hand.session
        with self.dog.watching("jump"):
            self.hand.press(Qt.Key.Key_N)
        current = session.review.queue.current
        self.hand.press(Qt.Key.Key_L)
        with self.dog.watching("pick"):
            self.hand.click(current.mistake.position_nm)
        with self.dog.watching("mark"):
            self.hand.press(Qt.Key.Key_A)
        self.picture("marked")

    def look_around(self) -> None:
        """Switch what is shown, go to neighbours of the object picked, and to 3-D and back."""
        for key in (Qt.Key.Key_T, Qt.Key.Key_O, Qt.Key.Key_I, Qt.Key.Key_C):
            for _ in range(2):
                with self.dog.watching("what is shown"):
                    self.hand.press(key)
        for key in (Qt.Key.Key_Right, Qt.Key.Key_Right, Qt.Key.Key_Left):
            with self.dog.watching("neighbour"):
                self.hand.press(key, SHIFT)
        space = self.hand.dock("Objects").view.space
        for visit in ("first", "again"):
            with self.dog.watching(f"3-D, {visit}"):
                self.hand.press(Qt.Key.Key_3)
                self.hand.until(lambda: not space.progress.isVisibleTo(space))
            self.picture("space")
            with self.dog.watching("back from 3-D"):
                self.hand.press(Qt.Key.Key_3)

    def close_and_open(self) -> None:
        """Close the project and open it again: everything is as it was."""
        session = self.hand.session
        segment, operations = session.project.segment.copy(), len(session.project.operations)
        volume = self.hand.dock("Volume")
        with self.dog.watching("close"):
            self.hand.push("Volume", volume.opening.close_)
        if session.project is not None:
            raise AssertionError("the project is still open")
        self.open_project()
        again = session.project
        if len(again.operations) != operations or (again.segment != segment).any():
            raise AssertionError("something was lost between closing and opening")
        self.picture("opened-again")

    def open_project(self) -> None:
        """Open the project by its path."""
        volume = self.hand.dock("Volume")
        with self.dog.watching("open"):
            self.type(volume.opening.path.lineEdit(), str(self.project_path))
            self.hand.push("Volume", volume.opening.open)
            self.hand.until(lambda: self.hand.session.project is not None)

    def export(self) -> None:
        """Write the corrected labels."""
        export, destination = self.hand.dock("Export"), self.folder / "corrected.h5"
        destination.unlink(missing_ok=True)
        with self.dog.watching("export"):
            export.view.set_destination(str(destination))
            self.hand.push("Export", export.view.export)
            self.hand.until(lambda: not export.control.child.running)
        with h5py.File(destination) as file:
            print(f"exported {file['labels'].shape} {file['labels'].dtype}")
        self.picture("exported")

    def report(self, seconds: float) -> None:
        """Print what was done, and for how long the window was blocked."""
        print(json.dumps({**self.done, "minutes": round(seconds / 60, 2)}))
        project = self.hand.session.project
        print(f"VOI {project.voi_at_start.total:.3f} -> {project.voi().total:.3f}")
        print("| action | times | blocked, ms: median | worst |\n|---|---|---|---|")
        for what, blocked in self.dog.blocked.items():
            middle, worst = 1000 * statistics.median(blocked), 1000 * max(blocked)
            print(f"| {what} | {len(blocked)} | {middle:.0f} | {worst:.0f} |")

    @property
    def project_path(self) -> Path:
        """The project that is worked on."""
        return self.folder / "round.axonem"

    @property
    def image(self) -> Path:
        """The image alone, so that nothing but the model makes segments."""
        path = self.folder / "image.h5"
        if not path.exists():
            with h5py.File(BLOCK) as source, h5py.File(path, "w") as file:
                file["raw"] = source["raw"][:]
                file["raw"].attrs["voxel_size_nm"] = (10.0, 10.0, 10.0)
        return path

    def type(self, field: QLineEdit, text: str) -> None:
        """Type into a field, over what is there."""
        field.setFocus()
        field.selectAll()
        QTest.keyClicks(field, text)

    def picture(self, name: str) -> None:
        """Keep a picture of the window."""
        self._pictures += 1
        path = self.folder / f"{self._pictures:02d}-{name}.png"
        self.viewer.window.screenshot(str(path), canvas_only=False, flash=False)


def main() -> None:
    """Play the round and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--errors", type=int, default=30)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    os.environ["NAPARI_AXONEM_JOBS"] = str(given.folder / "jobs")
    played = Round(given.folder.resolve(), given.errors)
    start = time.monotonic()
    played.run()
    played.report(time.monotonic() - start)
    played.viewer.close()


if __name__ == "__main__":
    main()
