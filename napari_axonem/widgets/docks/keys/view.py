"""All keys in one place: what they do, and how they are given to something else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from qtpy.QtCore import Qt, Signal
from qtpy.QtWidgets import (
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from napari_axonem.widgets.docks.keys.key_button import KeyButton
from napari_axonem.widgets.parts.message import Message
from napari_axonem.widgets.session.keys import ACTIONS, HELP_KEYS, Action

HOW = "To change a key, press it here and then the one that you want. Esc leaves it."

NOTE = (
    "Keys work in the picture and in the docks, while one of the layers of the project is "
    "selected; other layers may take some for themselves. All of napari's own keys are under "
    "Preferences, Shortcuts."
)


class Answer(QWidget):
    """Says why a key is not free, below the action that it was meant for."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.message = Message()
        self.take, self.leave = QPushButton("Take it"), QPushButton("Leave it")
        self._then: Callable[[], object] = lambda: None
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 4)
        row.addWidget(self.message, 1)
        for button in (self.take, self.leave):
            button.setAutoDefault(False)
            row.addWidget(button)
        self.take.clicked.connect(self._take)
        self.leave.clicked.connect(self.hide)
        self.hide()

    def say(self, text: str, then: Callable[[], object] | None) -> None:
        """Show a text; with `then`, it can be done all the same."""
        self._then = then or (lambda: None)
        self.message.tell(text, problem=True)
        for button in (self.take, self.leave):
            button.setVisible(then is not None)
        self.show()

    def _take(self) -> None:
        self.hide()
        self._then()


class KeysView(QWidget):
    """Lists keys by the dock they belong to, and emits what the user wants."""

    wanted = Signal(str, str)
    """An action, by its id, shall have a key."""

    reset = Signal(str)
    """An action, by its id, shall have the key of the table again; empty for all."""

    def __init__(self, actions: Sequence[Action] = ACTIONS, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.keys: dict[str, KeyButton] = {}
        self.backs: dict[str, QToolButton] = {}
        self.answer = Answer(self)
        self.all_back = QPushButton("Give all keys back")
        self.all_back.setAutoDefault(False)
        self.all_back.clicked.connect(lambda: self.reset.emit(""))
        self._grid = grid = QGridLayout(self)
        self._rows: dict[str, int] = {}
        grid.setColumnStretch(1, 1)
        grid.addWidget(_text(HOW), 0, 0, 1, 3)
        row = 1
        for group in dict.fromkeys(action.group for action in actions):
            grid.addWidget(QLabel(f"<b>{group}</b>"), row, 0, 1, 3)
            row += 1
            for action in (a for a in actions if a.group == group):
                self._add(row, action)
                row += 2  # the second is for the answer
        help_keys = QLabel(" or ".join(HELP_KEYS))
        help_keys.setAlignment(Qt.AlignmentFlag.AlignCenter)
        grid.addWidget(help_keys, row, 0)
        grid.addWidget(_text("Show these keys"), row, 1, 1, 2)
        grid.addWidget(_text(NOTE), row + 1, 0, 1, 3)
        grid.addWidget(self.all_back, row + 2, 0, 1, 3)
        grid.setRowStretch(row + 3, 1)

    def set_keys(self, shown: Mapping[str, str], given: Mapping[str, str]) -> None:
        """Show the keys as people write them, and which of them the user gave."""
        self.answer.hide()
        for name, button in self.keys.items():
            button.set_key(shown[name])
            self.backs[name].setVisible(name in given)
        self.all_back.setEnabled(bool(given))

    def say(self, name: str, text: str, then: Callable[[], object] | None = None) -> None:
        """Say why the key wanted for an action is not free; with `then`, offer to take it."""
        self._grid.addWidget(self.answer, self._rows[name] + 1, 0, 1, 3)
        self.answer.say(text, then)

    def _add(self, row: int, action: Action) -> None:
        key, back = KeyButton(), QToolButton()
        key.typed.connect(lambda typed, name=action.id: self.wanted.emit(name, typed))
        back.setText("\N{ANTICLOCKWISE OPEN CIRCLE ARROW}")
        back.setToolTip(f"Give it its own key again: {action.shown_key}")
        back.clicked.connect(lambda _=False, name=action.id: self.reset.emit(name))
        back.hide()
        self.keys[action.id], self.backs[action.id] = key, back
        self._rows[action.id] = row
        self._grid.addWidget(key, row, 0)
        self._grid.addWidget(_text(action.title), row, 1)
        self._grid.addWidget(back, row, 2)


class KeysDialog(QDialog):
    """The same as a window of its own."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keys of napari-axonem")
        self.view = KeysView()
        area = QScrollArea()
        area.setWidgetResizable(True)
        area.setWidget(self.view)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(area)
        self.resize(480, 720)


def _text(words: str) -> QLabel:
    label = QLabel(words)
    label.setWordWrap(True)
    return label
