"""The table of keys."""

from collections import Counter

import pytest
from napari.components import ViewerModel
from napari.utils.key_bindings import KeymapHandler, coerce_keybinding
from qtpy.QtCore import Qt

from napari_axonem.widgets.session.editor import Tool
from napari_axonem.widgets.session.keys import ACTIONS, BY_ID, HELP_KEYS, bind
from napari_axonem.widgets.session.session import Session

from .conftest import nm
from .hand import Hand


def test_every_action_has_a_key_of_its_own() -> None:
    keys = [coerce_keybinding(key) for key in (*(a.key for a in ACTIONS), *HELP_KEYS)]
    assert max(Counter(keys).values()) == 1
    assert len(BY_ID) == len(ACTIONS)
    assert all(action.title and action.shown_key for action in ACTIONS)


def test_keys_are_written_as_people_write_them() -> None:
    assert BY_ID["redo"].shown_key == "Ctrl+Shift+Z"
    assert BY_ID["drop"].shown_key == "Esc"


def test_no_key_of_napari_that_is_needed_all_the_time_is_taken() -> None:
    kept = {"Space", "V", "Left", "Right", "Up", "Down", "Control-R", "Control-Y", "Control-E"}
    ours = {coerce_keybinding(action.key) for action in ACTIONS}
    assert not ours & {coerce_keybinding(key) for key in kept}


@pytest.mark.parametrize("layer", ["segmentation", "overlay", "places", "points", "image"])
def test_our_keys_win_whatever_layer_is_selected(session: Session, layer: str) -> None:
    done = []
    viewer = session.place.viewer
    session.attempt = lambda action, *arguments: done.append(action)  # type: ignore[method-assign]
    bind(session, [viewer, *session.place.sight.all_layers], lambda: done.append("help"))
    handler = KeymapHandler()
    handler.keymap_providers = [viewer.layers[layer], viewer]
    for action in ACTIONS:
        handler.press_key(action.key)
    assert done == [action.run for action in ACTIONS]
    handler.press_key("F1")
    assert done[-1] == "help"


@pytest.mark.window
def test_keys_reach_us_with_a_labels_layer_selected(hand: Hand, project_path) -> None:
    session = hand.session
    session.open_project(project_path)
    for name, key, tool in (
        ("segmentation", Qt.Key.Key_M, Tool.MERGE),
        ("points", Qt.Key.Key_S, Tool.SPLIT),
        ("image", Qt.Key.Key_L, Tool.LOOK),
    ):
        hand.viewer.layers.selection.active = hand.viewer.layers[name]
        hand.press(key)
        assert session.editor.tool == tool
    hand.viewer.layers.selection.active = hand.viewer.layers["points"]
    hand.press(Qt.Key.Key_S)
    session.editor.click(nm(6, 34, 20))
    hand.press(Qt.Key.Key_Backspace)
    assert session.editor.splitting.points == []
    hand.press(Qt.Key.Key_T)
    assert hand.dock("Errors").view.truth.isChecked()
    hand.press(Qt.Key.Key_I)
    assert not hand.dock("Errors").view.isolate.isChecked()


@pytest.mark.window
def test_letters_typed_in_a_field_are_no_keys(hand: Hand, project_path, qtbot) -> None:
    hand.session.open_project(project_path)
    hand.session.step(1)
    field = hand.dock("Export").view.destination
    field.clear()
    field.setFocus()
    qtbot.keyClicks(field, "dkm.h5")
    assert field.text() == "dkm.h5"
    assert hand.session.project.log.error_states() == {}
    assert hand.session.editor.tool == Tool.LOOK


def test_binding_again_replaces_without_a_warning() -> None:
    viewer = ViewerModel()
    session = Session(viewer)
    for _ in range(2):
        bind(session, [viewer], lambda: None)
    assert len(viewer.keymap) == len(ACTIONS) + len(HELP_KEYS)
