"""Every edit by real mouse and keys, and the project afterwards."""

from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication

from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.operation import Kind
from napari_axonem.proofreading.states import ObjectState
from napari_axonem.widgets.picture.overlay import BLUE_SIDE, OUTLINE, RED_SIDE
from napari_axonem.widgets.session.editor import Tool
from tests.widgets.highlighted import highlighted

from .conftest import fragments, nm, truth
from .hand import CONTROL, SHIFT, Hand

pytestmark = pytest.mark.window

Z = 6
F11, F12 = nm(Z, 14, 20), nm(Z, 14, 60)
F21, F22, F31 = nm(Z, 34, 20), nm(Z, 34, 60), nm(Z, 50, 20)
ABOVE = nm(Z, 1, 20)


@pytest.fixture
def bench(hand: Hand, project_path: Path) -> Hand:
    """A hand over section 6 of the project, all of it in view."""
    hand.session.open_project(project_path)
    hand.viewer.dims.set_point(0, nm(Z, 0, 0)[0])
    hand.viewer.reset_view()
    QApplication.processEvents()
    return hand


def take_tool(hand: Hand, tool: Tool) -> None:
    """Take a tool in hand by its button."""
    hand.push("Proofread", hand.dock("Proofread").view.tools.buttons[tool])
    assert hand.session.editor.tool == tool


def objects_at(project: Project, *places) -> list[int]:
    return [project.segment_at(place) for place in places]


def focus(hand: Hand) -> np.ndarray:
    """Return the codes of what stands out."""
    return highlighted(hand.session.place.sight.layers)


def kinds(hand: Hand) -> list[Kind]:
    return [operation.kind for operation in hand.session.project.operations]


def told(hand: Hand) -> str:
    return hand.dock("Proofread").view.message.text()


def test_enter_merges_all_that_were_collected_with_shift(bench: Hand) -> None:
    project = bench.session.project
    take_tool(bench, Tool.MERGE)
    for place in (F11, F12, F21):
        bench.click(place, SHIFT)
    assert "Enter merges all 3" in bench.dock("Proofread").view.tools.hint.text()
    assert np.isin(fragments()[focus(bench) == OUTLINE], (11, 12, 21, 22, 31, 32)).all()
    bench.click(F21, SHIFT)
    assert len(bench.session.editor.merging.hits) == 2, "a second click takes it out again"
    bench.press(Qt.Key.Key_Backspace)
    assert len(bench.session.editor.merging.hits) == 1, "Backspace forgets the last"
    bench.click(F12, SHIFT)
    bench.click(F21, SHIFT)
    assert kinds(bench) == []
    bench.press(Qt.Key.Key_Return)
    assert kinds(bench) == [Kind.MERGE]
    assert len(set(objects_at(project, F11, F12, F21))) == 1
    assert not bench.session.editor.merging.hits


def test_a_click_completes_a_merge_that_shift_began(bench: Hand) -> None:
    bench.press(Qt.Key.Key_M)
    bench.click(F11, SHIFT)
    bench.click(F12, SHIFT)
    bench.click(F21)
    assert len(set(objects_at(bench.session.project, F11, F12, F21))) == 1


def test_a_branch_is_shown_and_cut_off(bench: Hand) -> None:
    project = bench.session.project
    project.merge([F11, F12])
    bench.press(Qt.Key.Key_B)
    assert bench.session.editor.tool == Tool.CUT_OFF
    bench.click(F12)
    bench.until(lambda: bench.session.editor.cutting_off.ready)
    assert set(np.unique(fragments()[focus(bench) == RED_SIDE])) == {12}
    assert set(np.unique(fragments()[focus(bench) == BLUE_SIDE])) == {11}
    assert "1 fragment would go" in bench.dock("Proofread").view.tools.hint.text()
    assert kinds(bench) == [Kind.MERGE], "it is only shown so far"
    bench.press(Qt.Key.Key_Return)
    assert kinds(bench) == [Kind.MERGE, Kind.CUT_OFF]
    one, other = objects_at(project, F11, F12)
    assert one != other


def test_nothing_hangs_on_a_single_fragment(bench: Hand) -> None:
    take_tool(bench, Tool.CUT_OFF)
    bench.click(F11)
    bench.until(lambda: bool(bench.session.editor.cutting_off.proposal.problem))
    bench.press(Qt.Key.Key_Return)
    assert "single fragment" in told(bench)
    bench.press(Qt.Key.Key_Escape)
    assert not bench.session.editor.cutting_off.begun
    assert kinds(bench) == []


def test_a_click_detaches_a_fragment_from_all_others(bench: Hand) -> None:
    project = bench.session.project
    bench.press(Qt.Key.Key_S, SHIFT)
    assert bench.session.editor.tool == Tool.DETACH
    bench.click(F21)
    assert kinds(bench) == [Kind.ISOLATE]
    alone = project.segment_at(F21)
    np.testing.assert_array_equal(np.flatnonzero(project.segment == alone), [3])
    bench.click(F11)
    assert kinds(bench) == [Kind.ISOLATE]
    assert "by itself already" in told(bench)
    assert not bench.session.editor.detaching.hits, "what was refused is not collected"


def test_fragments_collected_with_shift_become_a_new_object(bench: Hand) -> None:
    project = bench.session.project
    take_tool(bench, Tool.DETACH)
    bench.click(F12, SHIFT)
    bench.click(F22, SHIFT)
    outlined = fragments()[focus(bench) == OUTLINE]
    assert set(np.unique(outlined)) == {12, 22}, "single fragments stand out, not objects"
    bench.press(Qt.Key.Key_Return)
    assert kinds(bench) == [Kind.NEW]
    assert project.segment_at(F12) == project.segment_at(F22)
    assert len(set(objects_at(project, F11, F12, F21))) == 3


def test_a_second_click_deletes_what_the_first_outlined(bench: Hand) -> None:
    project = bench.session.project
    bench.press(Qt.Key.Key_Delete)
    assert bench.session.editor.tool == Tool.DELETE
    bench.click(F21)
    np.testing.assert_array_equal(focus(bench) == OUTLINE, truth() >= 2)
    bench.click(F11)
    np.testing.assert_array_equal(focus(bench) == OUTLINE, fragments() == 11)
    assert kinds(bench) == [], "a click on another object only shows that one"
    bench.click(F11)
    assert kinds(bench) == [Kind.DELETE]
    assert project.segment_at(F11) == 0
    bench.press(Qt.Key.Key_Z, CONTROL)
    assert project.segment_at(F11) != 0
    bench.click(F12)
    bench.press(Qt.Key.Key_Return)
    assert objects_at(project, F12) == [0]


def test_a_stroke_grows_the_object_that_was_pressed(bench: Hand) -> None:
    project, painting = bench.session.project, bench.session.editor.painting
    bench.press(Qt.Key.Key_P)
    bench.click(F11)
    mine = project.segment_at(F11)
    assert painting.segment == mine
    assert kinds(bench) == [], "a click only says which object grows"
    assert project.segment_at(ABOVE) == 0
    seen = []
    bench.drag([nm(Z, 1, 10), nm(Z, 1, 15), ABOVE], lambda: seen.append(focus(bench) == OUTLINE))
    assert kinds(bench) == [Kind.PAINT]
    assert objects_at(project, ABOVE, nm(Z, 1, 10), F11) == [mine] * 3
    assert seen[1].sum() < seen[-1].sum(), "the stroke is shown while it is drawn"
    assert not seen[-1][truth() > 0].any(), "and only where it changes something"
    volume = project.sources.fragments.volume
    painted = project.segment[volume.read(volume.box)] == mine
    np.testing.assert_array_equal(painted & (truth() == 0), seen[-1])
    assert painting.segment == mine, "the next stroke grows the same object"
    bench.press(Qt.Key.Key_Z, CONTROL)
    assert project.segment_at(ABOVE) == 0


def test_one_drag_from_an_object_paints_at_once(bench: Hand) -> None:
    project = bench.session.project
    take_tool(bench, Tool.PAINT)
    centre = bench.viewer.scene.camera.center
    bench.drag([nm(Z, 5, 20), ABOVE])
    assert project.segment_at(ABOVE) == project.segment_at(F11)
    assert bench.viewer.scene.camera.center == centre, "a drag draws, and moves nothing"
    bench.drag([F11, F21], modifiers=CONTROL)
    assert bench.viewer.scene.camera.center != centre, "but with Ctrl"
    assert kinds(bench) == [Kind.PAINT]
    bench.press(Qt.Key.Key_L)
    assert bench.viewer.scene.camera.mouse_pan
    assert bench.viewer.cursor.style == "standard"


def test_painting_leaves_other_objects_alone_unless_it_shall_not(bench: Hand) -> None:
    project, view = bench.session.project, bench.dock("Proofread").view
    take_tool(bench, Tool.PAINT)
    bench.click(F11)
    other = nm(Z, 34, 10)
    bench.drag([other, nm(Z, 34, 12)])
    assert kinds(bench) == []
    assert "no background to paint" in told(bench)
    assert not (focus(bench) == OUTLINE)[truth() == 0].any(), "the stroke is gone"
    bench.push("Proofread", view.tools.brush.others)
    bench.drag([other, nm(Z, 34, 20)])
    assert kinds(bench) == [Kind.PAINT]
    assert project.segment_at(other) == project.segment_at(F11)


def test_shift_picks_another_object_to_grow(bench: Hand) -> None:
    project, painting = bench.session.project, bench.session.editor.painting
    bench.press(Qt.Key.Key_P)
    bench.click(F11)
    bench.click(F21, SHIFT)
    assert painting.segment == project.segment_at(F21)
    bench.press(Qt.Key.Key_Escape)
    assert painting.segment == 0


def test_erasing_takes_from_one_object_or_from_all(bench: Hand) -> None:
    project, view = bench.session.project, bench.dock("Proofread").view
    bench.press(Qt.Key.Key_E)
    seen = []
    across = [nm(Z, 22, 20), nm(Z, 25, 20)]  # slab 2 begins at y = 24
    bench.drag(across, lambda: seen.append(np.unique(truth()[focus(bench) == RED_SIDE])))
    assert seen[-1].tolist() == [1]
    assert kinds(bench) == [Kind.ERASE]
    assert objects_at(project, *across) == [0, project.segment_at(F21)]
    bench.press(Qt.Key.Key_P, SHIFT)
    assert view.tools.brush.others.isChecked()
    bench.drag(across)
    assert objects_at(project, *across) == [0, 0]
    view.tools.brush.radius.setValue(8)
    bench.drag([ABOVE, nm(Z, 1, 25)])
    assert len(kinds(bench)) == 2
    assert "nothing to erase" in told(bench)


def test_the_brush_by_keys_and_by_the_box(bench: Hand) -> None:
    handle, box = bench.session.editor.handle, bench.dock("Proofread").view.tools.brush
    take_tool(bench, Tool.PAINT)
    assert bench.viewer.cursor.size == 2 * handle.radius_nm
    bench.press(Qt.Key.Key_BracketRight)
    assert box.radius.value() == handle.radius_nm == 62
    for _ in range(2):
        bench.press(Qt.Key.Key_BracketLeft)
    assert handle.radius_nm == 40
    box.radius.setFocus()
    box.radius.selectAll()
    QTest.keyClicks(box.radius, "120")
    QTest.keyClick(box.radius, Qt.Key.Key_Return)
    assert box.window().focusWidget() is not box.radius, "keys are keys again"
    assert "opened" in told(bench), "Enter in a field takes no edit"
    assert handle.radius_nm == 120
    assert bench.viewer.cursor.size == 240
    assert bench.viewer.cursor.style == "circle"
    bench.viewer.layers.selection.active = bench.viewer.layers["segmentation"]
    assert bench.viewer.cursor.style == "circle", "another layer leaves the brush the cursor"


@pytest.mark.parametrize("tool", [tool for tool in Tool if tool != Tool.LOOK])
def test_a_locked_object_is_refused_in_words(bench: Hand, tool: Tool) -> None:
    session = bench.session
    for place in (F11, F21):
        session.objects.pick(place)
        session.objects.mark(ObjectState.LOCKED)
    take_tool(bench, tool)
    bench.drag([F11, nm(Z, 14, 24)])
    bench.click(F21)
    assert kinds(bench) == []
    assert "locked" in told(bench)
    assert "unlock it" in told(bench)
    assert not session.editor.in_hand.begun


@pytest.mark.parametrize("tool", [tool for tool in Tool if tool != Tool.LOOK])
def test_a_project_for_reading_takes_no_edit(bench: Hand, project_path: Path, tool: Tool) -> None:
    session = bench.session
    session.open_project(project_path, writable=False)
    take_tool(bench, tool)
    if tool == Tool.SPLIT:
        bench.click(F21)
        bench.click(F31, SHIFT)
    elif tool in (Tool.PAINT, Tool.ERASE):
        bench.drag([F21, nm(Z, 34, 40)])
    else:
        bench.click(F21)
    bench.until(lambda: not session.editor.busy)
    if tool == Tool.MERGE:
        bench.click(F11)
    elif tool in (Tool.SPLIT, Tool.CUT_OFF, Tool.DELETE):
        bench.press(Qt.Key.Key_Return)
    assert "read-only" in told(bench)
    assert kinds(bench) == []


def test_the_dock_fits_with_every_tool(bench: Hand) -> None:
    dock = bench.dock("Proofread")
    for tool in Tool:
        take_tool(bench, tool)
        bench.click(F21)
        bench.until(lambda: not bench.session.editor.busy)
        assert dock.widget().minimumSizeHint().width() <= 300, f"{tool} is cut off"


def test_a_stroke_is_dropped_with_escape(bench: Hand) -> None:
    bench.press(Qt.Key.Key_P)
    bench.drag([F11, ABOVE], lambda: bench.press(Qt.Key.Key_Escape))
    assert kinds(bench) == []
    assert not (focus(bench) > 0).any()
