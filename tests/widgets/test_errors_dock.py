"""The docks Errors and Objects in the real window, by mouse and keys."""

from pathlib import Path

import pytest
from qtpy.QtCore import Qt, QTimer
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QStyle

from napari_axonem.proofreading.creation import CreateSettings, create_project
from napari_axonem.proofreading.states import ObjectState
from napari_axonem.widgets.docks.errors.skeletons_dialog import SkeletonsDialog
from napari_axonem.widgets.docks.errors.table import ERL_COLUMN, SCORE_COLUMN, VOI_COLUMN
from napari_axonem.widgets.docks.factories import DOCKS
from napari_axonem.widgets.session.editor import Tool
from napari_axonem.widgets.session.queue import Rank

from .conftest import nm
from .hand import SHIFT, Hand
from .test_errors_session import keep_suggestions, skeletons

pytestmark = pytest.mark.window
_ = skeletons  # a fixture


def show_slab_1(hand: Hand) -> None:
    """Let a click in the picture hit slab 1."""
    hand.viewer.dims.set_point(0, nm(6, 0, 0)[0])
    hand.viewer.scene.camera.center = nm(6, 14, 20)


def test_errors_are_flagged_bounded_and_ranked(
    hand: Hand, project_path: Path, skeletons: Path
) -> None:
    session, view = hand.session, hand.dock("Errors").view
    session.open_project(project_path)
    hand.press(Qt.Key.Key_N)
    hand.press(Qt.Key.Key_F)
    assert "1 flagged" in view.summary.text()
    assert view.table.model().rowCount() == 2, "what is flagged stays in sight"
    hand.press(Qt.Key.Key_D, SHIFT)
    assert "flagged" not in view.summary.text()

    # a part of the volume: by key, and taken back in the form
    show_slab_1(hand)
    hand.viewer.scene.camera.center = nm(6, 14, 40)
    hand.viewer.scene.camera.zoom = hand.viewer.canvas.size[0] / (20 * 8.0)
    hand.press(Qt.Key.Key_W)
    assert view.table.model().rowCount() == 1
    assert "in the region" in view.summary.text()
    hand.push("Errors", view.filters.more)
    assert view.filters.region.currentData() == "depth"
    view.filters.region.setFocus()
    QTest.keyClick(view.filters.region, Qt.Key.Key_Home)
    view.filters.region.activated.emit(0)  # what a click in its list does
    hand.show()
    assert view.table.model().rowCount() == 2
    view.filters.voxels.setValue(10_000_000)
    hand.show()
    assert view.table.model().rowCount() == 0
    view.filters.voxels.setValue(100)

    # run lengths
    assert view.table.isColumnHidden(ERL_COLUMN)
    assert not view.filters.axons.isEnabled()

    def choose() -> None:
        dialog = QApplication.activeModalWidget()
        assert isinstance(dialog, SkeletonsDialog)
        dialog.path.setText(str(skeletons))
        dialog.threshold.setValue(2)
        dialog.accept()

    QTimer.singleShot(200, choose)
    hand.push("Errors", view.skeletons)
    hand.until(lambda: all(row.gain_erl is not None for row in session.review.queue.rows))
    hand.show()
    assert not view.table.isColumnHidden(ERL_COLUMN)
    hand.press(Qt.Key.Key_R, SHIFT)
    assert session.review.findings.rank == Rank.ERL
    assert view.order.currentData() == Rank.ERL
    score = hand.dock("Proofread").view.score
    assert score.runs.isVisibleTo(score)
    assert "merge threshold 2" in score.runs.toolTip()


def test_suggestions_are_listed_and_accepted(hand: Hand, project_path: Path) -> None:
    session, view = hand.session, hand.dock("Errors").view
    keep_suggestions(project_path)
    session.open_project(project_path)
    hand.press(Qt.Key.Key_E, SHIFT)
    assert "2 suggestions left" in view.summary.text()
    assert view.table.isColumnHidden(VOI_COLUMN)
    assert not view.table.isColumnHidden(SCORE_COLUMN)
    hand.press(Qt.Key.Key_N)
    assert "no membrane" in view.reason.text()
    hand.press(Qt.Key.Key_N)
    assert "&lt;side&gt;" in view.reason.text()
    hand.press(Qt.Key.Key_N, SHIFT)
    hand.press(Qt.Key.Key_R)
    assert len(session.project.operations) == 1
    hand.until(lambda: view.table.model().rowCount() == 1)
    view.source.setCurrentIndex(0)
    view.source.activated.emit(0)  # what a click in its list does
    hand.show()
    assert "1 error left" in view.summary.text()


def test_suggestions_are_looked_for_beside_the_window(hand: Hand, volumes: Path, tmp_path) -> None:
    bare = tmp_path / "bare.axonem"
    create_project(bare, CreateSettings(image=f"{volumes}:raw", fragments=f"{volumes}:watershed"))
    dock = hand.dock("Errors")
    hand.session.open_project(bare)
    assert "can be looked for" in dock.view.summary.text()
    assert not dock.view.source.isVisibleTo(dock.view)
    hand.push("Errors", dock.view.suggest)
    assert dock.control.seeking.child.running
    assert not dock.view.suggest.isEnabled()
    hand.press(Qt.Key.Key_F, SHIFT)
    assert "being looked for" in hand.dock("Proofread").view.message.text()
    hand.until(lambda: not dock.control.seeking.child.running)
    assert hand.session.review.findings.sought
    hand.show()
    assert "left" in dock.view.summary.text()
    assert dock.view.suggest.isEnabled()


def test_objects_are_marked_by_keys_and_buttons(hand: Hand, project_path: Path) -> None:
    session, view = hand.session, hand.dock("Objects").view
    session.open_project(project_path)
    hand.viewer.reset_view()
    show_slab_1(hand)
    hand.press(Qt.Key.Key_L)
    hand.click(nm(6, 14, 20))
    segment = session.project.segment_at(nm(6, 14, 20))
    assert f"Object {segment}" in view.about.text()
    hand.press(Qt.Key.Key_A)
    assert view.states[ObjectState.DONE].isChecked()
    assert view.bars[0].text().startswith("1 of 3")
    hand.push("Objects", view.states[ObjectState.LOCKED])
    assert "locked" in view.about.text()
    hand.press(Qt.Key.Key_M)
    hand.click(nm(6, 14, 20))
    assert "unlock" in hand.dock("Proofread").view.message.text()
    assert session.editor.tool == Tool.MERGE
    assert not session.editor.merging.hits
    hand.press(Qt.Key.Key_L)
    hand.press(Qt.Key.Key_Q, SHIFT)
    QTest.keyClicks(view.note, "bouton")
    QTest.keyClick(view.note, Qt.Key.Key_Return)
    assert session.project.objects.of(segment).note == "bouton"
    assert session.editor.tool == Tool.LOOK, "letters of a note are no keys"
    hand.push("Objects", view.hide_done)
    assert session.place.sight.hiding
    hand.press(Qt.Key.Key_I, SHIFT)
    assert not view.hide_done.isChecked()

    # the sample
    hand.press(Qt.Key.Key_U)
    assert f"Object {segment} was drawn" in view.estimate.text()
    hand.press(Qt.Key.Key_Y)
    assert "0 of 1 checked" in view.estimate.text()
    hand.push("Objects", view.unjudge)
    assert session.project.sample.estimate() is None

    # a restart
    session.open_project(project_path)
    assert view.bars[0].text().startswith("1 of 3")
    session.objects.pick(nm(6, 14, 20))
    hand.show()
    assert view.note.text() == "bouton"
    assert "locked" in view.about.text()
    hand.press(Qt.Key.Key_A, SHIFT)
    assert session.project.objects.of(segment).state == ObjectState.NONE


def test_no_dock_is_wider_than_300_pixels(hand: Hand, project_path: Path, skeletons: Path) -> None:
    session = hand.session
    session.open_project(project_path)
    session.step(1)
    view = hand.dock("Errors").view
    view.filters.more.setChecked(True)
    view.set_runs(known=True, rank=Rank.ERL, suggesting=False)
    bar = QApplication.style().pixelMetric(QStyle.PixelMetric.PM_ScrollBarExtent)
    for name in DOCKS:
        width = hand.dock(name).widget().minimumSizeHint().width()
        assert width + bar <= 300, f"{name} is cut off"


def test_what_is_left_of_an_error_down_the_list_takes_nobody_there(
    hand: Hand, project_path: Path
) -> None:
    session, queue = hand.session, hand.session.review.queue
    session.open_project(project_path)
    hand.press(Qt.Key.Key_N)
    worst, other = (row.mistake for row in queue.rows)
    assert queue.current.mistake is worst
    grid = session.project.sources.grid
    queue.load([other, worst], {}, grid)  # an edit has left something of it
    session.review.listed.emit()
    hand.show()
    assert hand.dock("Errors").view.table.currentIndex().row() == 1
    assert queue.step(1).mistake is other, "what took its place, and not what follows it now"
