"""What the parts of a session share: the viewer, the open project, what is shown of it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from napari.components import ViewerModel
from psygnal import Signal

from napari_axonem.errors import EditError
from napari_axonem.proofreading.project import Project
from napari_axonem.widgets.picture.sight import Sight


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user is told."""

    text: str
    """One line."""

    problem: bool = False
    """Whether something was not done."""


class AtOnce:
    """Does things now, one after the other: in the place of an event loop where there is none."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_busy = False

    def __call__(self, action: Callable[[], None]) -> None:
        """Do it now, or else when what is being done now is done."""
        self._waiting.append(action)
        if self._is_busy:
            return
        self._is_busy = True
        try:
            while self._waiting:
                self._waiting.popleft()()
        finally:
            self._waiting.clear()
            self._is_busy = False


def in_line(work: Callable[[], None], done: Callable[[], None]) -> None:
    """Do the work now: what takes the place of a thread where there is no event loop."""
    work()
    done()


class Workplace:
    """One viewer with at most one open project.

    Parameters
    ----------
    viewer
        The viewer, with or without a window.
    """

    said = Signal(Notice)
    """The user is told something."""

    def __init__(self, viewer: ViewerModel) -> None:
        self.viewer = viewer
        self.sight = Sight(viewer)
        self.project: Project | None = None
        """The open project."""
        self.later: Callable[[Callable[[], None]], None] = AtOnce()
        """Does something once the window has been drawn."""
        self.compute: Callable[[Callable[[], None], Callable[[], None]], None] = in_line
        """Does the first thing beside the window, then the second in its thread."""
        self._soon: dict[Callable[[], None], None] = {}
        self.sight.soon = self.soon

    @property
    def opened(self) -> Project:
        """The open project.

        Raises
        ------
        EditError
            There is none.
        """
        if self.project is None:
            raise EditError("no project is open", remedy="open one in the dock Volume")
        return self.project

    @property
    def writable(self) -> Project:
        """The open project.

        Raises
        ------
        EditError
            There is none, or it is open for reading only.
        """
        project = self.opened
        if not project.writable:
            raise EditError("the project is open read-only", where=project.name)
        return project

    @property
    def behind(self) -> bool:
        """Whether something was asked for by `soon` and is not done."""
        return bool(self._soon)

    def soon(self, action: Callable[[], None]) -> None:
        """Do something once, `later`, with all else that is asked for until then."""
        waits = bool(self._soon)
        self._soon[action] = None
        if not waits:
            self.later(self._do_soon)

    def _do_soon(self) -> None:
        try:
            while self._soon:
                action = next(iter(self._soon))
                del self._soon[action]
                action()
        finally:
            if self._soon:  # something went wrong, which is told; the others come after it
                self.later(self._do_soon)

    def say(self, text: str) -> None:
        """Tell the user what was done."""
        self.said.emit(Notice(text))
