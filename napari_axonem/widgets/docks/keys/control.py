"""Knows the keyboard and the view of the keys."""

from __future__ import annotations

from napari.components import ViewerModel
from qtpy.QtWidgets import QMainWindow, QWidget

from napari_axonem.widgets.docks.keys.clashes import clash
from napari_axonem.widgets.docks.keys.view import KeysView
from napari_axonem.widgets.parts.connections import Connections
from napari_axonem.widgets.session.keyboard import Keyboard
from napari_axonem.widgets.session.keys import BY_ID


class KeysControl:
    """Keeps the view like the keyboard, and gives keys to actions.

    Parameters
    ----------
    board, view
        What is brought together.
    viewer
        Whose own keys are not taken without asking.
    """

    def __init__(self, board: Keyboard, view: KeysView, viewer: ViewerModel) -> None:
        self._board, self._view, self._viewer = board, view, viewer
        view.wanted.connect(self.give)
        view.reset.connect(self.reset)
        Connections(view).connect(board.changed, self.show)
        self.show()

    def show(self) -> None:
        """Show the keys as they are now."""
        self._view.set_keys(self._board.all_shown, self._board.given)

    def give(self, name: str, key: str) -> None:
        """Give an action a key; where it is not free, say so and ask."""
        found = clash(name, key, self._board, self._viewer, _main(self._view))
        if found is None:
            self._board.give(name, key)
        elif found.final:
            self._view.say(name, found.text)
        else:
            self._view.say(name, found.text, lambda: self._board.give(name, key))

    def reset(self, name: str) -> None:
        """Give an action the key of the table again; all of them without a name."""
        if not name:
            self._board.reset_all()
            return
        holder = self._board.holder(BY_ID[name].key)
        if holder is None or holder.id == name:
            self._board.reset(name)
        else:
            self.give(name, BY_ID[name].key)


def _main(widget: QWidget) -> QMainWindow | None:
    """Return napari's window that a widget is in, or whose dialog it is in."""
    above: QWidget | None = widget
    while above is not None and not isinstance(above, QMainWindow):
        above = above.parentWidget()
    return above
