"""What the threads that decode have to say, brought to the window: pieces that came, problems."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from threading import Lock
from typing import TypeVar

import napari
from napari.layers import Layer
from napari.utils.notifications import show_warning
from qtpy.QtCore import QObject, QTimer, Signal, Slot
from qtpy.QtWidgets import QApplication

from napari_axonem.errors import AxonemError
from napari_axonem.widgets.picture.lazy import LazyLevel

REDRAW_MS = 150
"""Pieces that come one by one are drawn together, after so many milliseconds."""

TELL_MS = 400
"""Problems are collected for so long, so that a hundred damaged chunks make one notice."""

Tell = Callable[[str], None]

Layers = Callable[[], Iterable[Layer]]
"""Returns the layers that there are now."""

T = TypeVar("T")

_others: list[Layers] = []
"""Those that are not in the viewer itself."""


class Post(QObject):
    """Takes messages in any thread, and acts on them in that of the window.

    Parameters
    ----------
    tell
        Shows a text to the user.
    """

    _came = Signal()
    _failed = Signal()

    def __init__(self, tell: Tell = show_warning) -> None:
        super().__init__()
        self._tell = tell
        self._sources: deque[object] = deque()
        self._problems: deque[AxonemError] = deque()
        self._redraw, self._notice = _timer(self, self._draw), _timer(self, self._say)
        self._came.connect(self._draw_soon)
        self._failed.connect(self._say_soon)
        application = QApplication.instance()
        if application is not None:  # this may be the thread of a reader
            self.moveToThread(application.thread())

    def came(self, source: object) -> None:
        """Have the layers drawn again that show something made of `source`; from any thread."""
        self._sources.append(source)
        _emit(self._came)

    def failed(self, error: AxonemError) -> None:
        """Have the user told that something cannot be read; from any thread."""
        self._problems.append(error)
        _emit(self._failed)

    @property
    def will_draw(self) -> bool:
        """Whether something is still to be drawn."""
        return bool(self._sources)

    @Slot()
    def _draw_soon(self) -> None:
        if not any(getattr(source, "waits", False) for source in list(self._sources)):
            self._redraw.start(0)  # that was the last piece
        elif not self._redraw.isActive():
            self._redraw.start(REDRAW_MS)

    @Slot()
    def _say_soon(self) -> None:
        if self._problems and not self._notice.isActive():
            self._notice.start(TELL_MS)

    @Slot()
    def _draw(self) -> None:
        sources = _emptied(self._sources)
        viewer = napari.current_viewer()
        layers = [] if viewer is None else list(viewer.layers)
        for layer in (*layers, *(one for others in list(_others) for one in others())):
            if layer.visible and any(s in made_of(layer) for s in sources):
                layer.refresh(extent=False)

    @Slot()
    def _say(self) -> None:
        problems = _emptied(self._problems)
        if problems:
            self._tell(notice(problems))


def notice(problems: list[AxonemError]) -> str:
    """Return one text for several problems: the first in full, and how many more there are."""
    first, more = str(problems[0]), len(problems) - 1
    others = f" (and {more:,} more such {'place' if more == 1 else 'places'})" if more else ""
    return f"{first}{others}. What cannot be read is shown as background."


def made_of(layer: Layer) -> tuple[object, ...]:
    """Return what the voxels of a layer are made of; nothing for a layer that is not ours."""
    data = getattr(layer, "data", None)
    first = data[0] if getattr(layer, "multiscale", False) and data is not None else data
    return first.sources if isinstance(first, LazyLevel) else ()


def draw_too(layers: Layers) -> Callable[[], None]:
    """Have other layers drawn again too, besides those of the viewer in front.

    Returns
    -------
    A function that ends it.
    """
    _others.append(layers)
    return lambda: _others.remove(layers)


def has_window() -> bool:
    """Tell whether there is a window that can draw again what comes late."""
    return QApplication.instance() is not None and napari.current_viewer() is not None


_posts: list[Post] = []
_making = Lock()


def post() -> Post:
    """Return the one that all volumes tell."""
    with _making:
        if not _posts:
            _posts.append(Post())
    return _posts[0]


def _emit(signal: Signal) -> None:
    try:
        signal.emit()
    except RuntimeError:  # the program ends
        return


def _emptied(queue: deque[T]) -> list[T]:
    """Take all that is in a queue; threads may go on filling it."""
    return [queue.popleft() for _ in range(len(queue))]


def _timer(parent: QObject, then: Callable[[], None]) -> QTimer:
    timer = QTimer(parent)
    timer.setSingleShot(True)
    timer.timeout.connect(then)
    return timer
