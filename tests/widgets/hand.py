"""Clicks and types in a real window, as a person does."""

import numpy as np
from qtpy.QtCore import QEvent, QPoint, QPointF, Qt
from qtpy.QtGui import QMouseEvent
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget

from napari_axonem.widgets.desk import full_name
from napari_axonem.widgets.session.session import session_of

NONE = Qt.KeyboardModifier.NoModifier
SHIFT = Qt.KeyboardModifier.ShiftModifier
CONTROL = Qt.KeyboardModifier.ControlModifier

PATIENCE_MS = 120_000


class Hand:
    def __init__(self, viewer, qtbot) -> None:
        self.viewer, self._qtbot = viewer, qtbot
        window = viewer.window._qt_window
        widgets = window.findChildren(QWidget)
        self.canvas = next(w for w in widgets if type(w).__name__ == "CanvasBackendDesktop")

    def dock(self, name: str) -> QWidget:
        return self.viewer.window.dock_widgets[full_name(name)]

    @property
    def session(self):
        return self.dock("Errors").session

    def push(self, name: str, button: QWidget) -> None:
        """Bring a dock to the front and click a button of it with the mouse."""
        self.viewer.window._wrapped_dock_widgets[full_name(name)].raise_()
        QApplication.processEvents()
        assert button.isVisible(), f"a button of {name} is not in sight"
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        self.show()

    def press(self, key, modifiers=NONE, on: QWidget | None = None) -> None:
        widget = on or self.canvas
        widget.setFocus()
        QTest.keyClick(widget, key, modifiers)
        self.show()

    def on_screen(self, position_nm) -> tuple[float, float]:
        """Return where a position is in the canvas: y and x in pixels."""
        camera, size = self.viewer.scene.camera, np.array(self.viewer.canvas.size)
        shown = list(self.viewer.dims.displayed[-2:])
        offset = np.array(position_nm)[shown] - np.array(camera.center)[-2:]
        y, x = offset * camera.zoom + size / 2
        return y, x

    def move(self, position_nm) -> None:
        """Let the cursor be at a position: real moves get lost where there is no window manager."""
        self.viewer.cursor.position = tuple(map(float, position_nm))
        self.show()

    def click(self, position_nm, modifiers=NONE) -> None:
        """Click on a position in the plane shown."""
        y, x = self.on_screen(position_nm)
        height, width = self.viewer.canvas.size
        assert 0 < y < height, "the place is not in view"
        assert 0 < x < width, "the place is not in view"
        place = QPoint(int(x), int(y))
        QTest.mouseClick(self.canvas, Qt.MouseButton.LeftButton, modifiers, place)
        self.show()

    def until(self, condition) -> None:
        self._qtbot.waitUntil(condition, timeout=PATIENCE_MS)

    def drag(self, positions_nm, during=lambda: None, modifiers=NONE) -> None:
        """Drag over positions in the plane shown; do something after each while it lasts."""
        places = [QPoint(int(x), int(y)) for y, x in map(self.on_screen, positions_nm)]
        left, moves = Qt.MouseButton.LeftButton, []

        def watch(_, event):
            yield
            while event.type == "mouse_move":
                moves.append(event.pos)
                yield

        self.viewer.mouse_drag_callbacks.append(watch)
        QTest.mousePress(self.canvas, left, modifiers, places[0])
        for number, place in enumerate(places, start=1):
            self._move(place, modifiers)
            self.until(lambda n=number: len(moves) >= n)  # napari lets moves wait for each other
            during()
        QTest.mouseRelease(self.canvas, left, modifiers, places[-1])
        self.show()
        self.viewer.mouse_drag_callbacks.remove(watch)

    def show(self) -> None:
        """Let the window draw, and its docks show what is new."""
        QApplication.processEvents()
        place = session_of(self.viewer).place
        self.until(lambda: not place.behind)
        QApplication.processEvents()

    def _move(self, place: QPoint, modifiers) -> None:
        """Move the mouse with the left button down."""
        none, left = Qt.MouseButton.NoButton, Qt.MouseButton.LeftButton
        here, there = QPointF(place), QPointF(self.canvas.mapToGlobal(place))
        event = QMouseEvent(QEvent.Type.MouseMove, here, there, none, left, modifiers)
        QApplication.sendEvent(self.canvas, event)
        self.show()
