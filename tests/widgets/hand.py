"""Clicks and types in a real window, as a person does."""

import numpy as np
from qtpy.QtCore import QPoint, Qt
from qtpy.QtTest import QTest
from qtpy.QtWidgets import QApplication, QWidget

from napari_axonem.widgets.desk import full_name

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
        QApplication.processEvents()

    def press(self, key, modifiers=NONE, on: QWidget | None = None) -> None:
        widget = on or self.canvas
        widget.setFocus()
        QTest.keyClick(widget, key, modifiers)
        QApplication.processEvents()

    def on_screen(self, position_nm) -> tuple[float, float]:
        """Return where a position is in the canvas: y and x in pixels."""
        camera, size = self.viewer.scene.camera, np.array(self.viewer.canvas.size)
        shown = list(self.viewer.dims.displayed[-2:])
        offset = np.array(position_nm)[shown] - np.array(camera.center)[-2:]
        y, x = offset * camera.zoom + size / 2
        return y, x

    def move(self, position_nm) -> None:
        """Move the mouse to a position in the plane shown."""
        y, x = self.on_screen(position_nm)
        QTest.mouseMove(self.canvas, QPoint(int(x), int(y)))
        QApplication.processEvents()

    def click(self, position_nm, modifiers=NONE) -> None:
        """Click on a position in the plane shown."""
        y, x = self.on_screen(position_nm)
        height, width = self.viewer.canvas.size
        assert 0 < y < height, "the place is not in view"
        assert 0 < x < width, "the place is not in view"
        place = QPoint(int(x), int(y))
        QTest.mouseClick(self.canvas, Qt.MouseButton.LeftButton, modifiers, place)
        QApplication.processEvents()

    def until(self, condition) -> None:
        self._qtbot.waitUntil(condition, timeout=PATIENCE_MS)
