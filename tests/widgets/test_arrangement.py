"""Where the docks lie, and that a window comes back as it was left."""

from pathlib import Path

import pytest
from qtpy.QtCore import QByteArray, QSettings, QSize, Qt
from qtpy.QtWidgets import QApplication, QMainWindow, QTabBar, QWidget

from napari_axonem.widgets import desk
from napari_axonem.widgets.arrangement import LOWER, UPPER, Keeper, bring_back
from napari_axonem.widgets.desk import full_name, open_desk
from napari_axonem.widgets.parts import recent

from .hand import Hand

pytestmark = pytest.mark.window


def frame(viewer, name: str):
    return viewer.window._wrapped_dock_widgets[full_name(name)]


def bars(main: QMainWindow) -> list[QTabBar]:
    """Return the bars of tabs that can be seen."""
    inside = main.rect()
    return [b for b in main.findChildren(QTabBar) if inside.intersects(b.geometry())]


def test_every_title_can_be_read_at_the_default_width(hand: Hand) -> None:
    found = bars(hand.viewer.window._qt_window)
    texts = {tuple(bar.tabText(n) for n in range(bar.count())): bar for bar in found}
    assert set(texts) == {UPPER, LOWER}, "two stacks, and nothing left over"
    for bar in texts.values():
        for n in range(bar.count()):
            needed = bar.fontMetrics().horizontalAdvance(bar.tabText(n))
            assert bar.tabRect(n).width() >= needed
            assert bar.tabRect(n).right() <= bar.width()


def test_what_is_next_comes_to_the_front(hand: Hand, project_path: Path) -> None:
    def front() -> list[str]:
        return [n for n in (*UPPER, *LOWER) if not frame(hand.viewer, n).visibleRegion().isEmpty()]

    assert front()[0] == "Volume"
    frame(hand.viewer, "Jobs").raise_()
    hand.session.open_project(project_path)
    QApplication.processEvents()
    assert front() == ["Errors", "Proofread"]
    hand.session.close_project()
    QApplication.processEvents()
    assert front() == ["Volume", "Proofread"]


def test_the_window_comes_back_as_it_was_left(make_napari_viewer, settings) -> None:
    viewer = make_napari_viewer(show=True)
    open_desk(viewer)
    main = viewer.window._qt_window
    Keeper(main)
    main.resize(1111, 777)
    main.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, frame(viewer, "Objects"))
    frame(viewer, "Train").hide()
    QApplication.processEvents()
    viewer.close()

    again = make_napari_viewer(show=True)
    open_desk(again)
    main = again.window._qt_window
    assert bring_back(main)
    area = main.dockWidgetArea(frame(again, "Objects"))
    assert area == Qt.DockWidgetArea.LeftDockWidgetArea
    assert frame(again, "Train").isHidden()
    assert (main.width(), main.height()) == (1111, 777)
    for _ in range(20):  # docks of the menu find their places later: these keep theirs
        QApplication.processEvents()
    assert main.dockWidgetArea(frame(again, "Objects")) == area
    assert frame(again, "Volume").height() > frame(again, "Proofread").height()


def test_the_command_opens_the_window_as_it_was_left(make_napari_viewer, settings) -> None:
    viewer = make_napari_viewer(show=False)
    desk.shown_desk(viewer, (1200, 800), as_left=True)
    assert viewer.window._qt_window.width() == 1200
    viewer.window._qt_window.resize(1313, 850)
    frame(viewer, "Jobs").hide()
    QApplication.processEvents()
    viewer.close()

    again = make_napari_viewer(show=False)
    desk.shown_desk(again, (1200, 800), as_left=True)
    main = again.window._qt_window
    assert (main.width(), main.height()) == (1313, 850)
    assert frame(again, "Jobs").isHidden()
    again.close()

    picture = make_napari_viewer(show=False)
    desk.shown_desk(picture, (1200, 800))
    assert picture.window._qt_window.width() == 1200, "pictures do not depend on the user"
    assert not frame(picture, "Jobs").isHidden()


@pytest.mark.parametrize("broken", [b"", b"no layout", None, 7])
def test_a_broken_layout_is_passed_over(hand: Hand, broken) -> None:
    recent.keep_layout(QSize(1000, 800), b"")
    stored: QSettings = recent._settings()
    stored.setValue(recent.LAYOUT_KEY, QByteArray(broken) if isinstance(broken, bytes) else broken)
    main = hand.viewer.window._qt_window
    before = main.saveState()
    assert not bring_back(main)
    assert main.saveState() == before


def test_the_project_before_is_offered_and_not_opened(hand: Hand, project_path: Path) -> None:
    view = hand.dock("Volume").opening
    assert view.again.isHidden()
    hand.session.open_project(project_path)
    assert view.again.isHidden()
    hand.session.close_project()
    assert view.again.text() == "Go on with block"
    assert hand.session.project is None
    hand.push("Volume", view.again)
    hand.until(lambda: hand.session.project is not None)


def test_docks_say_what_they_need_and_get_it(hand: Hand, project_path: Path) -> None:
    for name in ("Errors", "Export", "Segment"):
        dock = hand.dock(name)
        missing = dock.view.missing
        assert missing.message.text()
        hand.push(name, missing.button)
        assert not frame(hand.viewer, "Volume").visibleRegion().isEmpty()
    hand.push("Jobs", hand.dock("Jobs").view.empty.button)
    assert not frame(hand.viewer, "Segment").visibleRegion().isEmpty()
    hand.session.open_project(project_path)
    for name in ("Errors", "Export", "Segment"):
        assert hand.dock(name).view.missing.isHidden()


def test_docks_opened_one_by_one_bring_others(make_napari_viewer, plugins) -> None:
    viewer = make_napari_viewer(show=True)
    viewer.window.add_plugin_dock_widget("napari-axonem", "Errors")
    errors = viewer.window.dock_widgets[full_name("Errors")]
    errors.view.missing.button.click()
    volume = viewer.window.dock_widgets[full_name("Volume")]
    volume.opening.tour.click()
    assert full_name(desk.TOUR) in viewer.window.dock_widgets


def test_a_dock_that_is_not_there_is_not_shown(hand: Hand) -> None:
    desk.show_dock(hand.viewer, "none of ours")


def test_docks_of_the_menu_lie_in_two_stacks(make_napari_viewer, settings, qtbot) -> None:
    """And stay where the user puts them."""
    viewer = make_napari_viewer(show=True)
    main = viewer.window._qt_window

    def beside(name: str) -> list[QWidget]:
        return main.tabifiedDockWidgets(frame(viewer, name))

    for first in ("Train", "Errors"):
        viewer.window.add_plugin_dock_widget("napari-axonem", first)
        QApplication.processEvents()
        assert beside(first) == []
    for first, then in (("Train", "Export"), ("Errors", "Volume")):
        viewer.window.add_plugin_dock_widget("napari-axonem", then)
        qtbot.waitUntil(lambda a=first, b=then: beside(a) == [frame(viewer, b)])
        front = frame(viewer, then)
        qtbot.waitUntil(lambda d=front: d.visibleRegion().boundingRect().height() > 200)
    moved = frame(viewer, "Export")
    main.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, moved)
    moved.hide()
    moved.show()
    QApplication.processEvents()
    assert main.tabifiedDockWidgets(moved) == []
