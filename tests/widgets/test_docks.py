"""The docks: what they show, what they ask of the session, and what a newcomer does wrong."""

import gc
import subprocess
import sys
from pathlib import Path

import pytest
from napari.utils.key_bindings import coerce_keybinding
from qtpy.QtCore import Qt
from qtpy.QtWidgets import QApplication, QLabel, QMessageBox

from napari_axonem.errors import ProjectLockedError
from napari_axonem.proofreading.creation import CreateSettings, create_project
from napari_axonem.proofreading.project import Project
from napari_axonem.widgets.desk import open_desk
from napari_axonem.widgets.docks.factories import DOCKS, ErrorsDock, KeysDock
from napari_axonem.widgets.parts import recent
from napari_axonem.widgets.session.editor import Tool
from napari_axonem.widgets.session.keys import ACTIONS, HELP_KEYS
from napari_axonem.widgets.session.window import window_of

from .conftest import nm
from .hand import CONTROL, Hand

pytestmark = pytest.mark.window


def row(session, kind: str):
    return next(r for r in session.review.queue.rows if r.mistake.kind == kind)


def test_every_key_without_a_project_says_what_to_do(hand: Hand) -> None:
    said = []
    hand.session.place.said.connect(said.append)
    for action in ACTIONS:
        hand.viewer.keymap[coerce_keybinding(action.key)](hand.viewer)
    silent = {"look", "swap", "drop", "thinner", "thicker", "others", "sides", "crosshair"}
    other = {"jump": "the mouse is not over a picture"}
    assert len(said) == len(ACTIONS) - len(silent)
    texts = [notice.text for notice in said if notice.problem]
    assert len(texts) == len(said)
    told = [text for text in texts if "no project is open" not in text]
    assert len(told) == len(other)
    assert all(why in text for why, text in zip(other.values(), told, strict=True))
    assert said[-1].text in hand.dock("Proofread").view.message.text()


def test_the_desk_opens_once(hand: Hand) -> None:
    first = {name: hand.dock(name) for name in DOCKS}
    assert open_desk(hand.viewer) is hand.session
    assert {name: hand.dock(name) for name in DOCKS} == first
    assert len(hand.viewer.window.dock_widgets) == len(DOCKS)


def test_a_second_view_of_the_same_session_follows(hand: Hand, project_path: Path) -> None:
    second = ErrorsDock(hand.viewer)
    hand.viewer.window.add_dock_widget(second, name="again")
    hand.session.open_project(project_path)
    hand.session.step(1)
    hand.show()
    for dock in (second, hand.dock("Errors")):
        assert dock.session is hand.session
        assert dock.view.table.currentIndex().row() == 0
        assert "2 errors left" in dock.view.summary.text()


def test_docks_are_usable_at_300_pixels(hand: Hand, project_path: Path) -> None:
    hand.session.open_project(project_path)
    hand.session.step(1)
    for name in DOCKS:
        inner = hand.dock(name).widget()
        assert inner.minimumSizeHint().width() <= 300, f"{name} is cut off"


def test_the_table_goes_where_it_is_clicked(hand: Hand, project_path: Path, qtbot) -> None:
    session, table = hand.session, hand.dock("Errors").view.table
    session.open_project(project_path)
    place = table.visualRect(table.model().index(1, 1)).center()
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert session.review.queue.current == session.review.queue.rows[1]
    hand.show()
    hand.press(Qt.Key.Key_Up, on=table)
    hand.press(Qt.Key.Key_Return, on=table)
    assert session.review.queue.current == session.review.queue.rows[0]
    # letters typed in the table are keys of the window, and Enter takes the split shown
    session.go_to(row(session, "false_merge").key)
    hand.press(Qt.Key.Key_R, on=table)
    hand.until(lambda: session.editor.splitting.plan is not None)
    hand.press(Qt.Key.Key_Return, on=table)
    assert len(session.project.operations) == 1
    hand.press(Qt.Key.Key_Z, CONTROL, on=table)
    assert len(session.project.operations) == 2


def test_sorting_and_filtering_rule_the_next_error(hand: Hand, project_path: Path) -> None:
    session, view = hand.session, hand.dock("Errors").view
    session.open_project(project_path)
    best_first = [r.key for r in session.review.queue.rows][::-1]
    view.table.sortByColumn(2, Qt.SortOrder.AscendingOrder)
    assert [r.key for r in session.review.queue.listed] == best_first
    session.step(1)
    assert session.review.queue.current.key == best_first[0]
    view.kind.setCurrentIndex(view.kind.findData("false_merge"))
    assert [r.mistake.kind for r in session.review.queue.listed] == ["false_merge"]
    hand.show()
    assert view.table.model().rowCount() == 1
    view.kind.setCurrentIndex(0)
    session.go_to(best_first[0])
    hand.press(Qt.Key.Key_D)
    assert view.table.model().rowCount() == 1
    assert "1 done" in view.summary.text()
    view.hide_done.setChecked(False)
    hand.show()
    assert view.table.model().rowCount() == 2


def test_tools_and_repair_by_buttons(hand: Hand, project_path: Path) -> None:
    session, view = hand.session, hand.dock("Proofread").view
    view.tools.buttons[Tool.SPLIT].click()
    assert view.tools.buttons[Tool.LOOK].isChecked(), "a tool that was refused does not look chosen"
    session.open_project(project_path)
    assert not view.repair.isEnabled()
    session.go_to(row(session, "false_merge").key)
    hand.show()
    view.repair.click()
    hand.show()
    assert view.tools.buttons[Tool.SPLIT].isChecked()
    hand.until(lambda: not session.editor.busy)
    hand.show()
    assert "VOI" in view.tools.hint.text()
    assert view.tools.take.isEnabled()
    view.tools.take.click()
    hand.show()
    assert view.undo.text().startswith("Undo split")
    assert view.history.table.model().rowCount() == 2
    view.undo.click()
    hand.show()
    assert view.history.table.model().rowCount() == 3
    assert view.redo.isEnabled()
    assert not view.undo.isEnabled()
    view.tools.buttons[Tool.MERGE].click()
    hand.show()
    assert "two objects" in view.tools.hint.text()
    session.editor.click(nm(6, 14, 20))
    hand.show()
    assert "now click" in view.tools.hint.text()
    view.tools.drop.click()
    assert not session.editor.merging.hits


def test_the_help_shows_every_key(hand: Hand) -> None:
    window = window_of(hand.session)
    hand.press(Qt.Key.Key_H)
    help_ = window._help
    assert help_.isVisible()
    hand.press(Qt.Key.Key_F1)
    assert not help_.isVisible()
    dock = KeysDock(hand.viewer)
    texts = [label.text() for label in dock.findChildren(QLabel)]
    for action in ACTIONS:
        assert dock.view.keys[action.id].text() == action.shown_key
        assert action.title in texts
    assert " or ".join(HELP_KEYS) in texts


def test_a_wrong_path_is_told_in_the_dock(hand: Hand, tmp_path: Path) -> None:
    volume = hand.dock("Volume")
    volume.opening.path.setEditText(str(tmp_path / "none.axonem"))
    volume.opening.open.click()
    hand.until(lambda: "no project" in volume.work.message.text())
    volume.form.create.click()
    assert volume.work.message.text()
    assert not volume.control.child.running


def test_a_project_is_made_from_files_and_opened(hand: Hand, volumes: Path, tmp_path: Path) -> None:
    volume = hand.dock("Volume")
    volume.form.added.emit([str(volumes)])
    wish = volume.form.wish()
    names = {role: location.rpartition(":")[2] for role, location in wish.roles.items()}
    assert names == {
        "image": "raw",
        "fragments": "watershed",
        "segmentation": "seg",
        "truth": "gt",
    }
    assert wish.voxel_size == "30, 8, 8"
    made = tmp_path / "made.axonem"
    volume.form.destination.setText(str(made))
    volume.form.create.click()
    assert not volume.form.create.isEnabled()
    hand.until(lambda: len(hand.session.review.queue.rows) == 2)
    hand.until(lambda: recent.projects()[:1] == [str(made)])
    assert hand.session.project.folder.root == made
    assert volume.form.create.isEnabled()


def test_making_a_project_can_be_stopped(hand: Hand, volumes: Path, tmp_path: Path) -> None:
    volume = hand.dock("Volume")
    volume.opening.phantom.click()
    hand.until(lambda: volume.work.bar.maximum() > 0)
    volume.work.stop.click()
    hand.until(lambda: not volume.control.child.running)
    assert "stopped" in volume.work.message.text()
    assert hand.session.project is None
    assert volume.opening.phantom.isEnabled()


def test_a_failed_child_says_why(hand: Hand, project_path: Path, tmp_path: Path) -> None:
    hand.session.open_project(project_path)
    export = hand.dock("Export")
    taken = tmp_path / "taken.h5"
    taken.write_text("something else")
    export.view.set_destination(str(taken))
    export.view.export.click()
    assert not export.view.export.isEnabled()
    hand.until(lambda: not export.control.child.running)
    assert "taken.h5" in export.view.work.message.text()
    assert taken.read_text() == "something else"
    assert export.view.export.isEnabled()


@pytest.fixture
def held_elsewhere(project_path: Path):
    """A project that another process has open for writing."""
    code = (
        "import sys; from napari_axonem.proofreading.project import Project\n"
        "with Project(sys.argv[1]): print('open', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(project_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout.readline() == b"open\n"
        yield project_path
        holder.stdin.close()


@pytest.mark.parametrize("agreed", [True, False])
def test_a_project_open_elsewhere(hand: Hand, held_elsewhere: Path, monkeypatch, agreed) -> None:
    asked = []

    def question(_, __, text: str):
        asked.append(text)
        return QMessageBox.StandardButton.Yes if agreed else QMessageBox.StandardButton.No

    monkeypatch.setattr(QMessageBox, "question", question)
    hand.dock("Volume").control.open(str(held_elsewhere))
    hand.until(lambda: len(asked) == 1)
    assert "process" in asked[0]
    if agreed:
        hand.until(lambda: len(hand.session.review.queue.rows) == 2)
        assert not hand.session.project.writable
        hand.press(Qt.Key.Key_N)
        hand.press(Qt.Key.Key_D)
        assert "read-only" in hand.dock("Proofread").view.message.text()
    else:
        assert hand.session.project is None


def test_closing_the_window_lets_others_write(make_napari_viewer, qtbot, settings, project_path):
    viewer = make_napari_viewer(show=True)
    session = open_desk(viewer)
    session.open_project(project_path)
    session.go_to(row(session, "false_split").key)
    session.repair()
    session.go_to(row(session, "false_merge").key)
    session.repair()  # works on a preview while the window closes
    viewer.close()
    qtbot.waitUntil(lambda: session.project is None)
    with Project(project_path) as project:
        assert len(project.operations) == 1
    again = make_napari_viewer(show=True)
    session = open_desk(again)
    session.open_project(project_path)
    assert len(session.project.operations) == 1


def test_a_window_closed_while_a_project_comes_lets_others_write(
    make_napari_viewer, qtbot, settings, project_path
):
    viewer = make_napari_viewer(show=True)
    session = open_desk(viewer)
    session.open_soon(project_path, pytest.fail)
    qtbot.waitUntil(lambda: bool(viewer.layers))  # the first of its layers

    def is_free() -> bool:
        try:
            Project(project_path).close()
        except ProjectLockedError:
            return False
        return True

    assert not is_free()
    viewer.close()
    qtbot.waitUntil(is_free)


def test_a_project_without_truth_says_so(hand: Hand, volumes: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.axonem"
    create_project(bare, CreateSettings(fragments=f"{volumes}:watershed"))
    hand.session.open_project(bare)
    assert "no ground truth" in hand.dock("Errors").view.summary.text()
    hand.press(Qt.Key.Key_N)
    assert "no ground truth" in hand.dock("Proofread").view.message.text()
    hand.press(Qt.Key.Key_T)
    facts = hand.dock("Volume").facts
    assert facts.isVisibleTo(hand.dock("Volume"))


def test_a_dock_that_was_closed_can_be_opened_again(hand: Hand, project_path: Path) -> None:
    session, window = hand.session, hand.viewer.window
    session.open_project(project_path)
    for name in DOCKS:
        window.remove_dock_widget(hand.dock(name))
    QApplication.processEvents()
    gc.collect()
    session.go_to(row(session, "false_split").key)
    session.repair()
    assert open_desk(hand.viewer) is session
    assert hand.dock("Proofread").view.history.table.model().rowCount() == 2
    hand.press(Qt.Key.Key_Z, CONTROL)
    assert hand.dock("Proofread").view.history.table.model().rowCount() == 3


def test_work_in_progress_ends_with_its_dock(hand: Hand) -> None:
    child = hand.dock("Volume").control.child
    hand.dock("Volume").opening.phantom.click()
    hand.until(lambda: hand.dock("Volume").work.bar.maximum() > 0)
    hand.viewer.window.remove_dock_widget(hand.dock("Volume"))
    QApplication.processEvents()
    gc.collect()
    hand.until(lambda: not child.running)
