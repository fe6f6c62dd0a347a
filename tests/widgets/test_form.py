"""The form for the voxel size, by the keys."""

import pytest
from qtpy.QtCore import Qt
from qtpy.QtTest import QTest

from napari_axonem.widgets.opening.voxel_size_form import Given, Question, VoxelSizeForm

pytestmark = pytest.mark.window

QUESTION = Question("a.tif", "folder/a.tif", "TIFF: 24 voxels", "It is not stated.")


@pytest.fixture
def form(qtbot):
    form = VoxelSizeForm(QUESTION)
    qtbot.addWidget(form)
    form.show()
    return form


def type_in(form: VoxelSizeForm, text: str) -> None:
    QTest.keyClicks(form.focusWidget(), text)


def press(form: VoxelSizeForm, key: Qt.Key) -> None:
    QTest.keyClick(form.focusWidget(), key)


def test_tab_goes_from_field_to_field(form: VoxelSizeForm) -> None:
    order = []
    for _ in range(9):
        order.append(form.focusWidget())
        press(form, Qt.Key.Key_Tab)
    cancel = form.focusWidget()
    last = [form.for_all, form.accept_button]
    assert order == [*form.size.fields, form.unit, *form.origin.fields, *last]
    assert "Cancel" in cancel.text()


def test_enter_takes_nm_and_origin(form: VoxelSizeForm) -> None:
    for text in ("30", "8", "8.25"):
        type_in(form, text)
        press(form, Qt.Key.Key_Tab)
    press(form, Qt.Key.Key_Tab)
    for text in ("-100", "0", "5e3"):
        type_in(form, text)
        press(form, Qt.Key.Key_Tab)
    press(form, Qt.Key.Key_Return)
    assert form.given == Given((30, 8, 8.25), (-100, 0, 5000))


def test_three_numbers_pasted_at_once_in_micrometres(form: VoxelSizeForm) -> None:
    type_in(form, "0.03 x 0.008 x 0.008")
    form.unit.setCurrentText("µm")
    press(form, Qt.Key.Key_Return)
    assert form.given is not None
    assert form.given.voxel_size == pytest.approx((30, 8, 8))
    assert form.given.origin is None


@pytest.mark.parametrize(
    ("typed", "said", "at"),
    [
        (("", "", ""), "are needed", 0),
        (("30", "", "8"), "y is missing", 1),
        (("30", "8", "eight"), "'eight'", 2),
        (("0", "8", "8"), "more than 0", 0),
        (("30", "-8", "8"), "more than 0", 1),
        (("30", "8", "inf"), "no number", 2),
        (("30", "8,5", "8"), "'8,5'", 1),
    ],
)
def test_what_is_wrong_is_said_in_the_form(form: VoxelSizeForm, typed, said: str, at: int) -> None:
    for field, text in zip(form.size.fields, typed, strict=True):
        QTest.keyClicks(field, text)
    press(form, Qt.Key.Key_Return)
    assert form.isVisible()
    assert form.given is None
    assert said in form.message.text()
    assert form.focusWidget() is form.size.fields[at]
    QTest.keyClicks(form.size.fields[at], "1")
    assert not form.message.isVisible()


def test_escape_gives_nothing(form: VoxelSizeForm) -> None:
    type_in(form, "30, 8, 8")
    press(form, Qt.Key.Key_Escape)
    assert not form.isVisible()
    assert form.given is None


def test_the_last_answer_is_offered_and_not_taken(qtbot) -> None:
    form = VoxelSizeForm(QUESTION, last=Given((40, 4, 4)))
    qtbot.addWidget(form)
    form.show()
    assert [field.placeholderText() for field in form.size.fields] == ["40", "4", "4"]
    press(form, Qt.Key.Key_Return)
    assert form.given is None
    qtbot.mouseClick(form.again, Qt.MouseButton.LeftButton)
    press(form, Qt.Key.Key_Return)
    assert form.given == Given((40, 4, 4))


def test_the_answer_for_the_same_file_is_there_again(qtbot) -> None:
    form = VoxelSizeForm(QUESTION, before=Given((30, 8, 8), (1, 2, 3)), last=Given((40, 4, 4)))
    qtbot.addWidget(form)
    form.show()
    assert not form.again.isVisible()
    press(form, Qt.Key.Key_Return)
    assert form.given == Given((30, 8, 8), (1, 2, 3))
