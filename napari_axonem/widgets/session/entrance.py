"""Opening and closing a project: at once, or in turns that leave the window free."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari_axonem.errors import AxonemError, EditError
from napari_axonem.proofreading.project import Project
from napari_axonem.widgets.picture.disagreement import Disagreement
from napari_axonem.widgets.picture.garbage import examine_all, set_aside
from napari_axonem.widgets.picture.layers import disagreement_of
from napari_axonem.widgets.session.findings import look_up
from napari_axonem.widgets.session.turns import Steps, Turns
from napari_axonem.widgets.session.workplace import Workplace

Known = tuple[Project, Disagreement]
"""An open project, and what in it disagrees with the truth."""

Refused = Callable[[AxonemError | OSError], None]
"""Is told why something cannot be opened."""


class Entrance:
    """Lets projects in and out of a workplace.

    Parameters
    ----------
    place
        Viewer and project.
    enter, leave
        Called when a project is in its place, and when it is taken out of it.
    begin
        Lets all parts of the session begin with the project that is there now, or with none.
    """

    def __init__(
        self,
        place: Workplace,
        enter: Callable[[Project], None],
        leave: Callable[[Project], None],
        begin: Callable[[], Steps],
    ) -> None:
        self._place, self._enter, self._leave, self._begin = place, enter, leave, begin
        self._turns = Turns(place)
        self._reading = self._over = False

    def open(self, path: Path | str, *, writable: bool = True) -> None:
        """Open a project and show it; the one before is closed.

        Raises
        ------
        EditError
            One is being opened already.
        """
        self._refuse_while_reading()
        self._turns.finish()
        if self._is_open(path):
            self.close()
        self._turns.at_once(self._coming(Project(path, writable=writable)))

    def open_soon(self, path: Path | str, refused: Refused, *, writable: bool = True) -> None:
        """Open a project whose tables are read beside the window and whose layers come in turns.

        Parameters
        ----------
        refused
            Called with what `open` would have raised.

        Raises
        ------
        EditError
            One is being opened already.
        """
        self._refuse_while_reading()
        self._turns.finish()
        self._reading = True
        set_aside()  # else so many new objects have all there are gone through, in some turn
        self._place.say(f"opening {Path(path).stem}")
        found: list[Known | AxonemError | OSError] = []

        def done() -> None:
            self._reading = False
            result = found[0] if found else AxonemError("the project could not be opened")
            if isinstance(result, AxonemError | OSError):
                refused(result)
            elif self._over:
                result[0].close()
            else:
                steps = self._coming(*result)
                next(steps)  # from here on, whatever ends them closes the project
                self._turns.begin(steps)

        def read() -> None:
            self._place.compute(lambda: found.append(_read(path, writable=writable)), done)

        if self._is_open(path):
            self._turns.begin(self._going_before(read))
        else:
            read()

    def _refuse_while_reading(self) -> None:
        if self._reading:
            raise EditError("a project is being opened", remedy="wait a moment")

    def close(self) -> None:
        """Close the project, if one is open."""
        self._turns.at_once(self._going())

    def close_soon(self) -> None:
        """Close the project, whose layers go in turns."""
        self._turns.begin(self._going())

    def release(self) -> None:
        """Close what is on its way in or out: the window is gone."""
        self._over = True
        self._turns.drop()
        examine_all()

    def _is_open(self, path: Path | str) -> bool:
        """Tell whether the open project is this one, which has to go before it is read anew."""
        project = self._place.project
        return project is not None and project.folder.root.resolve() == Path(path).resolve()

    def _going_before(self, read: Callable[[], None]) -> Steps:
        """Close the open project, and begin to read when it is gone."""
        try:
            yield from self._going()
        except BaseException:  # GeneratorExit too: the window is gone
            self._reading = False
            raise
        read()

    def _coming(self, project: Project, disagreement: Disagreement | None = None) -> Steps:
        place = self._place
        try:
            yield
            yield from self._going()
            yield from place.sight.opening(project, disagreement)
            yield
        except BaseException:  # GeneratorExit too: the window is gone
            project.close()
            raise
        place.project = project
        self._enter(project)
        yield from self._begin()
        set_aside()
        how = "" if project.writable else " for reading only"
        place.say("; ".join([f"opened {project.name}{how}", *project.sources.problems]))

    def _going(self) -> Steps:
        place, project = self._place, self._place.project
        if project is None:
            return
        place.project = None
        self._leave(project)
        try:
            yield
            yield from place.sight.closing()
            yield from self._begin()
        finally:  # when no part of the window asks it for anything any more
            project.close()


def _read(path: Path | str, *, writable: bool) -> Known | AxonemError | OSError:
    """Open a project, and have worked out what will be asked of it first; in a thread."""
    try:
        project = Project(path, writable=writable)
        try:
            look_up(project)
            return project, disagreement_of(project)
        except BaseException:
            project.close()
            raise
    except (AxonemError, OSError) as error:
        return error
