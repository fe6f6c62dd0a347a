"""What ties a session to a window: threads, keys, notifications, and its end."""

from __future__ import annotations

from collections.abc import Callable
from weakref import ref

from napari.utils.notifications import show_error
from qtpy.compat import isalive
from qtpy.QtCore import QEvent, QObject, QTimer
from qtpy.QtWidgets import QMainWindow, QWidget

from napari_axonem.widgets.docks.keys.control import KeysControl
from napari_axonem.widgets.docks.keys.view import KeysDialog
from napari_axonem.widgets.parts.beside import Action, Beside
from napari_axonem.widgets.session import keys
from napari_axonem.widgets.session.keyboard import keyboard
from napari_axonem.widgets.session.session import Session
from napari_axonem.widgets.session.workplace import Notice

PLUGIN = "napari-axonem"
"""The name of the plugin in its manifest."""


class Background(Beside):
    """Works in threads, and does things later."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._waiting: list[Action] = []
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._do_waiting)
        self._is_held = False
        self._has_drawn = False

    def hold(self) -> None:
        """Do nothing more until `go_on`: the window may be closing, its widgets going."""
        self._is_held = True

    def go_on(self) -> None:
        """Do what waits again."""
        self._is_held = False
        if self._waiting:
            self._timer.start(0)

    def later(self, action: Action) -> None:
        """Do something when the window has been drawn, in a turn of its own."""
        self._waiting.append(action)
        self._timer.start(0)

    def _do_waiting(self) -> None:
        if self._is_held:
            return
        if not self._has_drawn:  # it has, just before, in this very turn: let input come first
            self._has_drawn = True
            self._timer.start(0)
            return
        self._has_drawn = False
        action = self._waiting.pop(0)
        if self._waiting:
            self._timer.start(0)
        self._session.attempt(action)


class Closing(QObject):
    """Does something when a window is told to close, and after it was; it may have refused.

    Parameters
    ----------
    then
        What to do after it.
    first
        What to do before it, if anything.
    """

    def __init__(self, then: Action, first: Action | None = None) -> None:
        super().__init__()
        self._first = first
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(then)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802
        """Wait for the end of what the window does."""
        if event is not None and event.type() == QEvent.Type.Close:
            if self._first is not None:
                self._first()
            self._timer.start(0)
        return False


class Window:
    """The window of a session.

    Parameters
    ----------
    session
        A session whose viewer has a window.
    """

    def __init__(self, session: Session) -> None:
        self.session = session
        self.background = Background(session)
        session.place.compute = self.background.compute
        session.place.later = self.background.later
        self._help: KeysDialog | None = None
        self._help_control: KeysControl | None = None
        self._closing: Closing | None = None
        self._main: ref[QMainWindow] | None = None
        self.show_dock: Callable[[str], object] = self._add_dock
        """Brings the dock of a name to the front."""
        session.place.said.connect(self._tell)
        session.wanted.connect(self._bring)
        session.project_changed.connect(self._bind)
        session.sides.began.connect(self._bind)
        keyboard().changed.connect(self._bind)
        self._bind()

    def belong_to(self, window: QWidget) -> None:
        """End the session when this window is closed."""
        if self._main is None and isinstance(window, QMainWindow):
            self._main = ref(window)  # a strong one would keep the window from being freed
            self._closing = Closing(self._end_if_closed, first=self.background.hold)
            window.installEventFilter(self._closing)

    def _end_if_closed(self) -> None:
        main = None if self._main is None else self._main()
        if main is None or not isalive(main) or not main.isVisible():
            self.session.release()
        else:
            self.background.go_on()

    def show_help(self) -> None:
        """Show all keys, or hide them."""
        if self._help is None:
            self._help = KeysDialog(None if self._main is None else self._main())
            viewer = self.session.place.viewer
            self._help_control = KeysControl(keyboard(), self._help.view, viewer)
        self._help.setVisible(not self._help.isVisible())

    def _bring(self, what: str) -> None:
        """Show the dock that is wanted; other wishes are those of one dock, in small letters."""
        if what[:1].isupper():
            self.show_dock(what)

    def _add_dock(self, name: str) -> None:
        """Show a dock as napari's menu does: the docks were opened one by one."""
        window = getattr(self.session.place.viewer, "window", None)
        if window is not None:
            frame, _ = window.add_plugin_dock_widget(PLUGIN, name)
            frame.show()
            frame.raise_()

    def _bind(self) -> None:
        place = self.session.place
        shown = (place.viewer, *place.sight.all_layers, *self.session.sides.keymaps)
        keys.bind(self.session, shown, self.show_help, keyboard().keys)

    @staticmethod
    def _tell(notice: Notice) -> None:
        if notice.problem:
            show_error(notice.text)


def window_of(session: Session) -> Window:
    """Return what ties a session to its window, tied now if it was not."""
    if not isinstance(session.window, Window):
        session.window = Window(session)
    return session.window
