"""The history in the dock Proofread: what is listed, going back, names, places; the menu."""

from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record import echo
from napari_axonem.proofreading.record.operation import Kind
from napari_axonem.widgets.desk import open_desk
from napari_axonem.widgets.docks.proofread.history_model import CHANGE, EDIT, USER, HistoryModel
from napari_axonem.widgets.menu import TITLE
from napari_axonem.widgets.parts import wording
from napari_axonem.widgets.parts.curve import INK
from napari_axonem.widgets.session.editor import Tool
from napari_axonem.widgets.session.keys import ACTIONS

from .conftest import nm
from .hand import CONTROL, SHIFT, Hand

LEFT, RIGHT = nm(2, 14, 20), nm(2, 14, 60)
IN_2, IN_3 = nm(6, 34, 20), nm(6, 50, 20)


def texts(model: HistoryModel, column: int) -> list[str]:
    return [model.index(row, column).data() or "" for row in range(model.rowCount())]


def struck(model: HistoryModel) -> list[bool]:
    cells = [model.index(row, EDIT) for row in range(4)]
    fonts = [cell.data(Qt.ItemDataRole.FontRole) for cell in cells]
    through = [font is not None and font.strikeOut() for font in fonts]
    assert through == [cell.data(Qt.ItemDataRole.ForegroundRole) == INK for cell in cells]
    return through


def table(hand: Hand):
    return hand.dock("Proofread").view.history.table


def told(hand: Hand) -> str:
    return hand.dock("Proofread").view.message.text()


def has_keys(widget) -> bool:
    """Tell whether what is typed goes to a widget; no window is active without a desktop."""
    return widget.window().focusWidget() is widget


def place_of(hand: Hand, row: int) -> QPoint:
    return table(hand).visualRect(table(hand).model().index(row, EDIT)).center()


def click_row(hand: Hand, row: int) -> None:
    left = Qt.MouseButton.LeftButton
    QTest.mouseClick(table(hand).viewport(), left, pos=place_of(hand, row))
    QApplication.processEvents()


@pytest.fixture
def model(qapp) -> HistoryModel:
    return HistoryModel()


def test_rows_follow_the_log(model: HistoryModel, project_path: Path) -> None:
    with Project(project_path) as project:
        model.follow(project)
        assert texts(model, EDIT) == ["the beginning"]
        project.merge([LEFT, RIGHT])
        project.mark("half")
        project.isolate([IN_2])
        model.follow(project)
        assert texts(model, EDIT) == [
            "isolate 3",
            "\N{BLACK FLAG} half",
            "merge 1 + 2",
            "the beginning",
        ]
        assert [model.number(row) for row in range(4)] == [3, 2, 1, 0]
        assert set(texts(model, USER)) == {project.operations[0].user, ""}
        start, first, _, last = project.voi_at_start, *project.operations
        expected = [sum(last.voi) - sum(first.voi), None, sum(first.voi) - start.total, None]
        shown = ["" if change is None else wording.change(change) for change in expected]
        assert texts(model, CHANGE) == shown, "a mark between two edits takes no change away"


def test_only_the_rows_of_an_edit_are_new(model: HistoryModel, project_path: Path) -> None:
    inserted, reset = [], []
    model.rowsInserted.connect(lambda _, first, last: inserted.append((first, last)))
    model.modelReset.connect(lambda: reset.append(True))
    with Project(project_path) as project:
        model.follow(project)
        project.merge([LEFT, RIGHT])
        model.follow(project)
        project.undo()
        project.redo()
        model.follow(project)
        model.follow(project)
    assert inserted == [(0, 0), (0, 1)]
    assert len(reset) == 1


@pytest.mark.parametrize("at_once", [True, False])
def test_what_is_undone_is_struck_out(model: HistoryModel, project_path: Path, at_once) -> None:
    with Project(project_path) as project:
        steps = (
            lambda: project.merge([LEFT, RIGHT]),
            lambda: project.isolate([IN_2]),
            project.undo,
        )
        if not at_once:
            model.follow(project)
        for step in steps:
            step()
            if not at_once:
                model.follow(project)
        model.follow(project)
        assert struck(model) == [False, True, False, False]
        project.go_to(0)
        model.follow(project)
        assert struck(model) == [False, False, True, True], "go back, undo, isolate, merge"
        project.go_to(2)
        model.follow(project)
        assert struck(model) == [False] * 4
        assert texts(model, EDIT)[:2] == ["go back: isolate 3", "go back to the beginning"]


@pytest.mark.window
def test_going_back_to_a_row_and_taking_that_back(hand: Hand, project_path: Path) -> None:
    session, view = hand.session, hand.dock("Proofread").view.history
    session.open_project(project_path)
    project = session.project
    hand.press(Qt.Key.Key_Z, SHIFT)
    assert "no operation is chosen" in told(hand)
    project.merge([LEFT, RIGHT])
    merged = project.segment.copy()
    project.delete([IN_2])
    hand.show()
    assert not view.back.isEnabled()
    click_row(hand, 1)
    assert session.past.chosen == 1
    assert view.back.isEnabled()
    hand.push("Proofread", view.back)
    assert [operation.kind for operation in project.operations][-1] == Kind.GO
    np.testing.assert_array_equal(project.segment, merged)
    assert session.past.chosen == 1, "the row stays chosen though it moved down"
    assert table(hand).selectionModel().selectedRows()[0].row() == 2
    click_row(hand, 3)
    hand.press(Qt.Key.Key_Z, SHIFT, on=table(hand))
    assert project.segment_at(LEFT) != project.segment_at(RIGHT), "the last row is the beginning"
    hand.press(Qt.Key.Key_Z, SHIFT)
    assert "no edit is active" in told(hand)


@pytest.mark.window
def test_a_point_is_named_and_gone_to(hand: Hand, project_path: Path) -> None:
    session, view = hand.session, hand.dock("Proofread").view.history
    session.open_project(project_path)
    project = session.project
    project.merge([LEFT, RIGHT])
    hand.press(Qt.Key.Key_B, SHIFT)
    assert has_keys(view.name)
    QTest.keyClicks(view.name, "half done")
    QTest.keyClick(view.name, Qt.Key.Key_Return)
    hand.show()
    assert project.operations[-1].kind == Kind.MARK
    assert project.operations[-1].name == "half done"
    assert table(hand).model().index(0, EDIT).data().endswith("half done")
    assert view.name.text() == ""
    assert not has_keys(view.name), "keys are keys again"
    project.undo()
    hand.show()
    click_row(hand, 1)
    hand.press(Qt.Key.Key_Z, SHIFT, on=table(hand))
    assert project.segment_at(LEFT) == project.segment_at(RIGHT)
    QTest.keyClick(view.name, Qt.Key.Key_Return)
    assert "needs a name" in told(hand)


@pytest.mark.window
def test_a_double_click_and_a_key_go_to_the_place(hand: Hand, project_path: Path) -> None:
    session = hand.session
    session.open_project(project_path)
    session.project.merge([LEFT, RIGHT])
    hand.show()
    hand.viewer.dims.set_point(0, nm(9, 0, 0)[0])
    click_row(hand, 0)
    assert hand.viewer.dims.point[0] == pytest.approx(nm(9, 0, 0)[0]), "a click only chooses"
    QTest.mouseDClick(table(hand).viewport(), Qt.MouseButton.LeftButton, pos=place_of(hand, 0))
    assert hand.viewer.dims.point[0] == pytest.approx(LEFT[0])
    assert hand.viewer.scene.camera.center[-1] == pytest.approx(LEFT[2])
    hand.viewer.dims.set_point(0, nm(9, 0, 0)[0])
    hand.press(Qt.Key.Key_J, on=table(hand))
    assert hand.viewer.dims.point[0] == pytest.approx(LEFT[0])
    click_row(hand, 1)
    hand.press(Qt.Key.Key_J)
    assert "no place" in told(hand)


@pytest.mark.window
def test_the_menu_of_a_row(hand: Hand, project_path: Path) -> None:
    session, view = hand.session, hand.dock("Proofread").view.history
    session.open_project(project_path)
    session.project.merge([LEFT, RIGHT])
    hand.show()
    newest, beginning = view.menu_at(place_of(hand, 0)), view.menu_at(place_of(hand, 1))
    assert session.past.chosen == 0, "the menu chooses its row"
    name = [menu.actions()[-1] for menu in (newest, beginning)]
    assert [action.isEnabled() for action in name] == [True, False]
    beginning.actions()[0].trigger()
    assert session.project.operations[-1].kind == Kind.GO
    assert session.project.segment_at(LEFT) != session.project.segment_at(RIGHT)
    name[0].trigger()
    assert has_keys(view.name)
    assert view.menu_at(QPoint(5, 5000)) is None


@pytest.mark.window
def test_a_project_for_reading_is_not_gone_back_in(hand: Hand, project_path: Path) -> None:
    session, view = hand.session, hand.dock("Proofread").view.history
    with Project(project_path) as project:
        project.merge([LEFT, RIGHT])
    session.open_project(project_path, writable=False)
    click_row(hand, 1)
    assert not view.back.isEnabled()
    assert not view.name.isEnabled()
    hand.press(Qt.Key.Key_Z, SHIFT)
    assert "read-only" in told(hand)
    session.close_project()
    assert table(hand).model().rowCount() == 0
    assert session.past.chosen is None


@pytest.mark.window
def test_users_have_a_column_where_there_is_room(hand: Hand) -> None:
    for width, hidden in ((280, True), (360, False)):
        table(hand).setFixedWidth(width)
        QApplication.processEvents()
        assert table(hand).isColumnHidden(USER) == hidden


@pytest.mark.window
def test_the_menu_has_everything_that_has_a_key(hand: Hand, project_path: Path) -> None:
    bar = hand.viewer.window._qt_window.menuBar()
    names = [action.text().replace("&", "") for action in bar.actions()]
    assert names.index(TITLE) == names.index("Help") - 1
    menu = bar.actions()[names.index(TITLE)].menu()
    entries = {
        entry.text(): entry
        for group in menu.actions()
        for entry in (group.menu().actions() if group.menu() else [group])
    }
    for action in ACTIONS:
        assert f"{action.title}\t{action.shown_key}" in entries
        assert entries[f"{action.title}\t{action.shown_key}"].shortcut().isEmpty(), "keys stay ours"
    hand.session.open_project(project_path)
    entries["Paint: drag from an object\tP"].trigger()
    assert hand.session.editor.tool == Tool.PAINT
    hand.session.project.merge([LEFT, RIGHT])
    hand.press(Qt.Key.Key_Z, CONTROL)
    assert len(hand.session.project.operations) == 2, "a key is done once"
    open_desk(hand.viewer)
    assert len(bar.actions()) == len(names), "the menu is there once"


@pytest.mark.window
def test_the_threshold_is_asked_for_by_key(hand: Hand, project_path: Path) -> None:
    hand.session.open_project(project_path)
    hand.press(Qt.Key.Key_T, SHIFT)
    assert "no contact of this project has a score" in told(hand)


@pytest.mark.window
def test_an_edit_without_a_second_record_says_so(
    hand: Hand, project_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("No space left on device")

    hand.session.open_project(project_path)
    hand.session.project.merge([LEFT, RIGHT])
    assert "it is safe" not in told(hand)
    monkeypatch.setattr(echo, "_write", refuse)
    hand.press(Qt.Key.Key_Z, CONTROL)
    assert "undo" in told(hand)
    assert "it is safe, but the disk refuses its second record" in told(hand)
    assert hand.session.project.segment_at(LEFT) != hand.session.project.segment_at(RIGHT)
