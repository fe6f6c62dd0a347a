"""Keys that the user gives to actions."""

import pytest
from napari.components import ViewerModel
from napari.utils.key_bindings import KeymapHandler, coerce_keybinding
from qtpy.QtCore import Qt
from qtpy.QtGui import QAction
from qtpy.QtWidgets import QApplication

from napari_axonem.errors import SettingsError
from napari_axonem.widgets.docks.factories import KeysDock
from napari_axonem.widgets.docks.keys.clashes import clash
from napari_axonem.widgets.docks.keys.key_button import NONE, WAITING
from napari_axonem.widgets.menu import TITLE
from napari_axonem.widgets.parts import recent
from napari_axonem.widgets.session import keyboard as keyboard_module
from napari_axonem.widgets.session.editor import Tool
from napari_axonem.widgets.session.keyboard import Keyboard, keyboard
from napari_axonem.widgets.session.keys import ACTIONS, BY_ID, bind
from napari_axonem.widgets.session.session import Session
from napari_axonem.widgets.session.window import window_of

from .hand import CONTROL, SHIFT, Hand


@pytest.fixture
def board() -> Keyboard:
    return Keyboard()


def test_nothing_given_is_the_table(board: Keyboard) -> None:
    assert board.given == {}
    assert board.keys == {action.id: action.key for action in ACTIONS}
    assert board.tips == {action.id: f"{action.title} ({action.shown_key})" for action in ACTIONS}


def test_a_key_is_given_and_taken_from_the_one_that_had_it(board: Keyboard) -> None:
    board.give("merge", "F5")
    assert board.shown("merge") == "F5"
    assert board.tip("merge") == f"{BY_ID['merge'].title} (F5)"
    board.give("split", "M")
    assert board.given == {"merge": "F5", "split": "M"}
    board.give("look", "F5")
    assert board.key("merge") == ""
    assert board.tip("merge") == BY_ID["merge"].title
    assert board.holder("F5") is BY_ID["look"]


def test_an_own_key_again_is_not_kept_as_given(board: Keyboard) -> None:
    board.give("redo", "F5")
    board.give("redo", "Ctrl+Shift+Z")
    assert board.given == {}


def test_the_table_comes_back(board: Keyboard) -> None:
    board.give("merge", "S")  # takes it from Split
    board.reset("split")
    assert board.key("split") == "S"
    assert board.key("merge") == ""
    board.reset_all()
    assert board.given == {}


@pytest.mark.parametrize("key", ["Shift", "Tab", "Ctrl", "Shift-1", "nonsense", "A B", "H", "F1"])
def test_a_key_that_cannot_be_had_is_refused(board: Keyboard, key: str) -> None:
    with pytest.raises(SettingsError):
        board.give("merge", key)
    assert board.given == {}


def test_what_was_kept_and_does_not_fit_is_passed_over() -> None:
    kept = {"merge": "F5", "gone": "F6", "split": "Shift", "look": "N", "undo": ""}
    board = Keyboard(kept)
    assert board.given == {"merge": "F5", "undo": ""}, "N stays the next error's"


def test_the_keys_are_kept_between_starts(settings: None) -> None:
    board = Keyboard(recent.given_keys(), recent.keep_given_keys)
    board.give("fainter", "Ctrl+F5")
    board.give("merge", ",")
    board.give("stronger", "")
    again = Keyboard(recent.given_keys())
    assert again.given == {"fainter": "Ctrl+F5", "merge": ",", "stronger": ""}
    board.reset_all()
    assert recent.given_keys() == {}


def test_the_keyboard_of_all_windows_is_the_one_kept(settings: None, monkeypatch) -> None:
    monkeypatch.setattr(keyboard_module, "_keyboards", [])
    recent.keep_given_keys({"merge": "F5"})
    assert keyboard().shown("merge") == "F5"
    assert keyboard() is keyboard()


def test_a_key_does_only_what_it_was_given_to(session: Session) -> None:
    viewer, board = session.place.viewer, Keyboard()
    layers = [viewer, *session.place.sight.all_layers]
    bind(session, layers, lambda: None, board.keys)
    board.give("merge", "F5")
    board.give("split", "")
    bind(session, layers, lambda: None, board.keys)
    handler = KeymapHandler()
    handler.keymap_providers = [viewer.layers["segmentation"], viewer]
    handler.press_key("F5")
    assert session.editor.tool == Tool.MERGE
    session.editor.set_tool(Tool.LOOK)
    for key in ("S", "M"):
        assert coerce_keybinding(key) not in viewer.keymap
        assert coerce_keybinding(key) not in viewer.layers["segmentation"].keymap


def test_clashes_are_told(board: Keyboard, session: Session, monkeypatch) -> None:
    def reset_everything(_: object) -> None:
        """Reset everything."""

    monkeypatch.setitem(ViewerModel.class_keymap, coerce_keybinding("F9"), reset_everything)
    viewer = session.place.viewer
    assert clash("merge", "F5", board, viewer, None) is None
    assert clash("merge", "M", board, viewer, None) is None, "its own"
    ours = clash("merge", "S", board, viewer, None)
    assert BY_ID["split"].title in ours.text
    assert not ours.final
    theirs = clash("merge", "F9", board, viewer, None)
    assert "Reset everything" in theirs.text
    assert not theirs.final
    assert clash("merge", "Shift", board, viewer, None).final


@pytest.mark.window
def test_a_key_is_changed_in_the_help(hand: Hand, project_path) -> None:
    session = hand.session
    session.open_project(project_path)
    hand.press(Qt.Key.Key_H)
    view = window_of(session)._help.view
    button = view.keys["merge"]
    button.click()
    assert button.text() == WAITING
    hand.press(Qt.Key.Key_Escape, on=button)
    assert button.text() == "M", "Escape leaves it"
    button.click()
    hand.press(Qt.Key.Key_G, CONTROL | SHIFT, on=button)
    assert button.text() == "Ctrl+Shift+G"
    assert view.backs["merge"].isVisible()
    hand.press(Qt.Key.Key_M)
    assert session.editor.tool == Tool.LOOK
    hand.press(Qt.Key.Key_G, CONTROL | SHIFT)
    assert session.editor.tool == Tool.MERGE
    merge = hand.dock("Proofread").view.tools.buttons[Tool.MERGE]
    assert "(Ctrl+Shift+G)" in merge.toolTip()
    view.backs["merge"].click()
    assert button.text() == "M"
    assert "(M)" in merge.toolTip()


@pytest.mark.window
def test_a_key_of_another_action_is_taken_when_it_is_confirmed(hand: Hand) -> None:
    dock = KeysDock(hand.viewer)
    view = dock.view
    dock.show()
    for answer, split in (("leave", "S"), ("take", NONE)):
        view.keys["merge"].click()
        hand.press(Qt.Key.Key_S, on=view.keys["merge"])
        assert BY_ID["split"].title in view.answer.message.text()
        getattr(view.answer, answer).click()
        assert view.keys["split"].text() == split
    assert view.keys["merge"].text() == "S"
    view.backs["split"].click()
    view.answer.take.click()
    assert (view.keys["merge"].text(), view.keys["split"].text()) == (NONE, "S")
    view.all_back.click()
    assert keyboard().given == {}
    assert not view.all_back.isEnabled()
    dock.close()


@pytest.mark.window
def test_a_shortcut_of_a_menu_is_refused(hand: Hand) -> None:
    window = hand.viewer.window._qt_window
    action = QAction("Do it", window)
    action.setShortcut("Ctrl+F7")
    window.addAction(action)
    hand.press(Qt.Key.Key_H)
    view = window_of(hand.session)._help.view
    view.keys["merge"].click()
    hand.press(Qt.Key.Key_F7, CONTROL, on=view.keys["merge"])
    assert "Do it" in view.answer.message.text()
    assert not view.answer.take.isVisible()
    assert view.keys["merge"].text() == "M"


@pytest.mark.window
def test_the_menu_says_the_key_that_there_is(hand: Hand) -> None:
    keyboard().give("undo", "F5")
    bar = hand.viewer.window._qt_window.menuBar()
    menu = next(a.menu() for a in bar.actions() if a.text() == TITLE)
    menu.aboutToShow.emit()
    entries = [e.text() for group in menu.actions() if group.menu() for e in group.menu().actions()]
    assert f"{BY_ID['undo'].title}\tF5" in entries
    QApplication.processEvents()
