"""The dock Objects by mouse and keys: several objects, their neighbours, three dimensions."""

from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_axonem.proofreading.record.operation import Kind
from napari_axonem.proofreading.states import ObjectState

from .conftest import nm
from .hand import SHIFT, Hand

pytestmark = pytest.mark.window

LEFT_OF_1, RIGHT_OF_1, IN_2 = nm(6, 14, 20), nm(6, 14, 60), nm(6, 34, 20)


@pytest.fixture
def opened(hand: Hand, project_path: Path) -> Hand:
    """The project open, all of section 6 in view."""
    hand.session.open_project(project_path)
    hand.viewer.reset_view()
    hand.viewer.dims.set_point(0, nm(6, 0, 0)[0])
    hand.push("Objects", hand.dock("Objects").view.hide_done)
    hand.press(Qt.Key.Key_I, SHIFT)
    return hand


def cell(table, row: int, column: int) -> str:
    return table.objects.data(table.objects.index(row, column))


def centre_of(table, row: int):
    return table.visualRect(table.objects.index(row, 0)).center()


def test_a_note_brings_its_dock_forward(opened: Hand) -> None:
    note = opened.dock("Objects").view.note
    errors = opened.dock("Errors").view
    opened.push("Errors", errors.filters.more)
    assert note.visibleRegion().isEmpty()
    opened.press(Qt.Key.Key_Q, SHIFT)
    assert "no object is picked" in opened.dock("Proofread").view.message.text()
    assert note.visibleRegion().isEmpty()
    opened.click(LEFT_OF_1)
    opened.press(Qt.Key.Key_Q, SHIFT)
    opened.until(lambda: not note.visibleRegion().isEmpty())
    assert note.window().focusWidget() is note


def test_several_objects_by_clicks_with_shift(opened: Hand) -> None:
    session, view = opened.session, opened.dock("Objects").view
    at = session.project.segment_at
    names = [at(place) for place in (LEFT_OF_1, RIGHT_OF_1, IN_2)]
    opened.click(LEFT_OF_1)
    opened.click(RIGHT_OF_1, SHIFT)
    opened.click(IN_2, SHIFT)
    assert [row.segment for row in view.selected.objects.rows] == names
    assert [cell(view.selected, 0, column) for column in (1, 2)] == ["9,600", "open"]
    opened.press(Qt.Key.Key_A)
    assert [cell(view.selected, row, 2) for row in range(3)] == ["done"] * 3
    opened.click(IN_2, SHIFT)
    assert len(view.selected.objects.rows) == 2
    opened.push("Objects", view.states[ObjectState.DONE])
    assert [cell(view.selected, row, 2) for row in range(2)] == ["open"] * 2

    # only these, by key and by button
    layer = session.place.sight.layers.segmentation
    opened.press(Qt.Key.Key_I)
    assert view.isolate.isChecked()
    assert set(np.unique(np.asarray(layer.data))) == {0, *names[:2]}
    opened.push("Objects", view.isolate)
    assert not view.isolate.isChecked()
    assert set(np.unique(np.asarray(layer.data))) == {0, *names}

    # a row of the list is brought to the front; then both are merged
    QTest.mouseClick(
        view.selected.viewport(), Qt.MouseButton.LeftButton, pos=centre_of(view.selected, 0)
    )
    assert session.objects.segment == names[0]
    opened.press(Qt.Key.Key_M, SHIFT)
    assert session.project.operations[-1].kind == Kind.MERGE
    assert at(LEFT_OF_1) == at(RIGHT_OF_1) != at(IN_2)
    opened.until(lambda: len(view.selected.objects.rows) == 1)
    assert not view.merge.isEnabled()


def test_neighbours_by_mouse_and_keys(opened: Hand) -> None:
    session, view = opened.session, opened.dock("Objects").view
    at = session.project.segment_at
    right, lower = at(RIGHT_OF_1), at(IN_2)
    assert not view.neighbours.isVisibleTo(view)
    opened.click(LEFT_OF_1)
    table = view.neighbours.table
    assert [row.segment for row in table.objects.rows] == [lower, right]
    assert cell(table, 0, 1) == "480", "faces, where voxels are no cubes"
    assert table.isColumnHidden(2), "no affinity is known"
    assert not view.neighbours.join.isEnabled()

    # the mouse over a row outlines it, and no more when it leaves
    opened.dock("Objects").ensureWidgetVisible(table)
    QTest.mouseMove(table.viewport(), centre_of(table, 1))
    opened.until(lambda: session.neighbours.standing_out == (right,))
    QTest.mouseMove(opened.canvas)
    table.hovered.emit(0)  # what leaving does; no window system is asked to move the mouse
    assert session.neighbours.standing_out == ()

    # a click goes to the contact
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=centre_of(table, 0))
    assert session.neighbours.at == lower
    y = opened.viewer.scene.camera.center[1]
    assert y == pytest.approx(24 * 8.0), "between the slabs"
    opened.press(Qt.Key.Key_Down, on=table)
    assert session.neighbours.at == right

    # keys
    opened.press(Qt.Key.Key_Left, SHIFT)
    assert session.neighbours.at == lower
    opened.press(Qt.Key.Key_Right, SHIFT)
    assert session.neighbours.at == right
    assert table.currentIndex().row() == 1
    opened.press(Qt.Key.Key_L, SHIFT)
    assert set(session.objects.segments) == {right, at(LEFT_OF_1)}
    opened.press(Qt.Key.Key_L, SHIFT)
    opened.press(Qt.Key.Key_J, SHIFT)
    assert at(LEFT_OF_1) == at(RIGHT_OF_1)
    opened.until(lambda: [row.segment for row in table.objects.rows] == [lower])
    assert opened.session.project.operations[-1].kind == Kind.MERGE


def test_the_status_bar_names_what_is_under_the_mouse(opened: Hand) -> None:
    viewer, session = opened.viewer, opened.session
    viewer.mouse_over_canvas = True  # else napari is silent
    name = session.project.segment_at(IN_2)

    def says(text: str) -> bool:
        viewer.update_status_from_cursor()  # in a running program a thread does
        return text in viewer.status["coordinates"]

    for layer in ("image", "segmentation", "places"):
        viewer.layers.selection.active = viewer.layers[layer]
        opened.move(IN_2)
        opened.until(lambda: says(f"object {name}, 31 k voxels; truth 2"))
        opened.move(nm(6, 1, 1))
        opened.until(lambda: says("background"))


def test_what_is_under_the_mouse_is_put_in_the_middle(opened: Hand) -> None:
    opened.viewer.mouse_over_canvas = True
    zoom = opened.viewer.scene.camera.zoom
    wanted = pytest.approx(RIGHT_OF_1[1:], abs=2 / zoom)
    opened.move(RIGHT_OF_1)
    opened.press(Qt.Key.Key_C, SHIFT)
    assert opened.viewer.scene.camera.center[1:] == wanted
    assert opened.viewer.scene.camera.zoom == zoom
    bar = opened.viewer.canvas.overlays.scale_bar
    assert bar.visible


def test_three_dimensions_by_key_and_button(opened: Hand) -> None:
    session, view = opened.session, opened.dock("Objects").view
    said = []
    session.space.progressed.connect(said.append)
    opened.press(Qt.Key.Key_3)
    assert "nothing to show" in opened.dock("Proofread").view.message.text()
    opened.click(LEFT_OF_1)
    opened.click(IN_2, SHIFT)
    opened.press(Qt.Key.Key_3)
    assert view.space.space.isChecked()
    opened.until(lambda: said[-1] == "" and "solids" in opened.viewer.layers)
    name = session.project.segment_at(LEFT_OF_1)
    assert f"Making the surface of object {name}, 9,600 voxels (1 of 2)" in said
    picture = opened.viewer.screenshot(canvas_only=True, flash=False)[..., :3]
    assert (picture.max(axis=-1) > 60).mean() > 0.02, "the solids are in view"
    opened.press(Qt.Key.Key_K, SHIFT)
    assert view.space.lines.isChecked()
    opened.until(lambda: "centre lines" in opened.viewer.layers)
    opened.press(Qt.Key.Key_Escape)
    opened.push("Objects", view.space.space)
    assert opened.viewer.dims.ndisplay == 2
    assert not view.space.space.isChecked()
    assert "solids" not in opened.viewer.layers
    opened.click(RIGHT_OF_1)
    assert session.objects.segment == session.project.segment_at(RIGHT_OF_1)


def test_the_dock_fits_300_pixels_with_everything_shown(opened: Hand) -> None:
    view = opened.dock("Objects").view
    opened.click(LEFT_OF_1)
    opened.click(IN_2, SHIFT)
    view.neighbours.set_measure(area=True, affinity=True)
    assert view.minimumSizeHint().width() <= 300
