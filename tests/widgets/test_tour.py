"""The tour: steps are ticked when they were really done, and not before."""

from pathlib import Path

import pytest
from qtpy.QtCore import Qt

from napari_axonem.widgets.desk import TOUR, full_name
from napari_axonem.widgets.session.session import Session
from napari_axonem.widgets.session.tour import STEPS, Tour

from .hand import CONTROL, Hand


def test_a_tour_that_ended_watches_no_more(session: Session) -> None:
    tour = Tour(session)
    assert tour.done == {"open"}
    tour.end()
    session.step(1)
    assert tour.done == {"open"}


def test_edits_from_before_do_not_count(session: Session) -> None:
    session.go_to(next(r.key for r in session.review.queue.rows if r.mistake.kind == "false_split"))
    session.repair()
    tour = Tour(session)
    assert tour.done == {"open"}
    session.editor.undo()
    assert "undo" in tour.done
    assert "merge" not in tour.done


@pytest.mark.window
def test_the_tour_from_the_button_to_the_end(hand: Hand, project_path: Path) -> None:
    session, volume = hand.session, hand.dock("Volume")
    hand.push("Volume", volume.opening.tour)
    dock = hand.viewer.window.dock_widgets[full_name(TOUR)]
    tour, view = dock.control.tour, dock.view
    assert tour.current is STEPS[0]
    assert "Try the phantom" in view.how.text()
    session.open_project(project_path)
    assert tour.current.id == "go"
    hand.press(Qt.Key.Key_N)
    assert tour.current.id == "split"
    errors = hand.dock("Errors").view
    errors.kind.setCurrentIndex(errors.kind.findData("false_merge"))
    hand.press(Qt.Key.Key_N)
    hand.press(Qt.Key.Key_R)
    hand.until(lambda: session.editor.splitting.plan is not None)
    assert tour.current.id == "split", "a preview is no repair"
    hand.press(Qt.Key.Key_Return)
    assert tour.current.id == "merge"
    errors.kind.setCurrentIndex(errors.kind.findData("false_split"))
    hand.press(Qt.Key.Key_N)
    hand.press(Qt.Key.Key_R)
    assert tour.current.id == "undo"
    hand.press(Qt.Key.Key_Z, CONTROL)
    assert tour.current.id == "export"
    export = hand.dock("Export")
    hand.push("Export", export.view.export)
    hand.until(lambda: tour.current is None)
    assert "That is all" in view.how.text()
    hand.push("Volume", volume.opening.tour)
    again = hand.viewer.window.dock_widgets[full_name(TOUR)]
    assert again.control.tour.done == {"open"}, "it begins anew"
