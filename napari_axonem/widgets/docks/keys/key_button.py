"""A button that shows a key, and waits for another one when it is pressed."""

from __future__ import annotations

from qtpy.QtCore import QEvent, Qt, Signal
from qtpy.QtGui import QFocusEvent, QKeyEvent, QKeySequence
from qtpy.QtWidgets import QPushButton, QWidget

WAITING = "press a key"

NONE = "\N{EN DASH}"
"""What is shown of an action without a key."""

MODIFIERS = {
    Qt.KeyboardModifier.ControlModifier: "Ctrl",
    Qt.KeyboardModifier.ShiftModifier: "Shift",
    Qt.KeyboardModifier.AltModifier: "Alt",
    Qt.KeyboardModifier.MetaModifier: "Meta",
}

ALONE = (Qt.Key.Key_Control, Qt.Key.Key_Shift, Qt.Key.Key_Alt, Qt.Key.Key_AltGr, Qt.Key.Key_Meta)

NAMES = {
    "Return": "Enter",
    "Esc": "Escape",
    "Del": "Delete",
    "Ins": "Insert",
    "PgUp": "PageUp",
    "PgDown": "PageDown",
}
"""Names of Qt's that napari does not know."""


class KeyButton(QPushButton):
    """Shows the key of an action; pressed, it takes the next key that is typed."""

    typed = Signal(str)
    """A key was typed, as napari writes it; Escape ends the waiting and is none."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._key = ""
        self.setCheckable(True)
        self.setAutoDefault(False)
        self.setToolTip("Press it, then the key that you want")
        self.toggled.connect(self._show)

    def set_key(self, key: str) -> None:
        """Show a key as people write it; empty for none."""
        self._key = key
        self._show()

    def _show(self) -> None:
        self.setText(WAITING if self.isChecked() else self._key or NONE)
        if self.isChecked():
            self.setFocus()

    def event(self, event: QEvent | None) -> bool:
        """Keep keys that are shortcuts of the window, while one is waited for."""
        override = QEvent.Type.ShortcutOverride
        if event is not None and self.isChecked() and event.type() == override:
            event.accept()
            return True
        return bool(super().event(event))

    def focusNextPrevChild(self, forward: bool) -> bool:  # noqa: N802
        """Let Tab be a key like others while one is waited for."""
        return False if self.isChecked() else bool(super().focusNextPrevChild(forward))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        """Take the key that is waited for."""
        if not self.isChecked():
            super().keyPressEvent(event)
            return
        event.accept()
        if event.key() in ALONE:
            return
        self.setChecked(False)
        key = typed_key(event)
        if key != "Escape":
            self.typed.emit(key)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        """Wait no longer."""
        self.setChecked(False)
        super().focusOutEvent(event)


def typed_key(event: QKeyEvent) -> str:
    """Return the key of an event as napari writes it: ``Ctrl+Shift+Z``."""
    words = [word for modifier, word in MODIFIERS.items() if event.modifiers() & modifier]
    return "+".join([*words, _name(QKeySequence(event.key()).toString())])


def shortcut(sequence: QKeySequence) -> str:
    """Return a shortcut of Qt's as napari writes it; empty for none, or for several keys."""
    text = sequence.toString(QKeySequence.SequenceFormat.PortableText)
    if not text or ", " in text:
        return ""
    head, plus, key = text[:-1].rpartition("+")
    return f"{head}{plus}{_name(key + text[-1])}"


def _name(key: str) -> str:
    return NAMES.get(key, key)
