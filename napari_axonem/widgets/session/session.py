"""One session a viewer: its project, the error looked at, the tool in hand, what is shown.

Everything a user can do is a method of a session or of its parts; docks, keys, mouse and
scripts call the same ones. Methods raise the package's errors; `Session.attempt` turns them
into a notice. There is no Qt here: a session also works on a viewer without a window.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from weakref import WeakValueDictionary

from napari.components import ViewerModel
from psygnal import EmitLoopError, Signal

from napari_axonem.errors import AxonemError, EditError
from napari_axonem.geometry import Nm
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.operation import Operation
from napari_axonem.widgets.parts import wording
from napari_axonem.widgets.session.editor import Editor
from napari_axonem.widgets.session.entrance import Entrance, Refused
from napari_axonem.widgets.session.following import Following
from napari_axonem.widgets.session.mouse import Mouse
from napari_axonem.widgets.session.neighbourhood import Neighbourhood
from napari_axonem.widgets.session.objects import Objects
from napari_axonem.widgets.session.past import Past
from napari_axonem.widgets.session.review import Review
from napari_axonem.widgets.session.score import RunRecord, ScoreRecord, Track
from napari_axonem.widgets.session.sides import Sides
from napari_axonem.widgets.session.space import Space
from napari_axonem.widgets.session.turns import Steps
from napari_axonem.widgets.session.underneath import Underneath
from napari_axonem.widgets.session.workplace import Notice, Workplace


class Session:
    """What is done in one viewer.

    Parameters
    ----------
    viewer
        The viewer, with or without a window.
    """

    project_changed = Signal()
    """A project was opened or closed."""

    edited = Signal()
    """Segments, score and history changed."""

    ended = Signal()
    """The window is gone."""

    viewed = Signal()
    """What is shown was switched: isolation, truth, overlays."""

    wanted = Signal(str)
    """The user wants something of a dock: ``"skeletons"`` to be chosen, a ``"note"`` written; or,
    with a capital, the dock of that name itself: ``"Volume"``."""

    exported = Signal(str)
    """Something was written of the project: where to."""

    def __init__(self, viewer: ViewerModel) -> None:
        self.place: Workplace = Workplace(viewer)
        self.review: Review = Review(self.place, self._leave_error)
        self.editor: Editor = Editor(self.place)
        self.objects: Objects = Objects(self.place)
        self.past: Past = Past(self.place, self.editor.settled)
        self._scores = ScoreRecord(self.place)
        self.neighbours: Neighbourhood = Neighbourhood(
            self.place, self.objects, self.editor.settled
        )
        self.space: Space = Space(self.place, self._concerned, self._aim)
        self._underneath = Underneath(lambda: self.place.sight.layers)
        self.sides: Sides = Sides(
            self.place,
            self.wanted.emit,
            lambda place_nm, other: self.mouse.click(place_nm, other),
            self._underneath.text,
            self._error_nm,
        )
        self.mouse: Mouse = Mouse(
            self.place, self.editor, self.objects, self.space, self.sides, self.attempt
        )
        self.runs = RunRecord(self.place, self.edited.emit)
        self.following = Following(self.place, self._follow_runs)
        self._entrance = Entrance(self.place, self._enter, self._leave, self._begin)
        self.window: object = None
        """What ties it to a window, if it has one (`napari_axonem.widgets.session.window`)."""
        self.review.pointed.connect(self._draw)
        self.editor.drafted.connect(self._draw)
        self.objects.picked.connect(self._draw)
        self.objects.changed.connect(lambda: self._underneath.follow(self.project))
        self.neighbours.pointed.connect(self._draw)

    @property
    def project(self) -> Project | None:
        """The open project."""
        return self.place.project

    @property
    def track(self) -> Track | None:
        """How the score moved; None without a project or without truth."""
        return self._scores.track()

    def open_project(self, path: Path | str, *, writable: bool = True) -> None:
        """Open a project and show it; the one before is closed.

        Raises
        ------
        ProjectLockedError
            It is open for writing elsewhere; with `writable` False it can be looked at.
        AxonemError
            It cannot be opened.
        """
        self._entrance.open(path, writable=writable)

    def open_soon(self, path: Path | str, refused: Refused, *, writable: bool = True) -> None:
        """Open a project and leave the window free meanwhile; `project_changed` tells when it is.

        Parameters
        ----------
        refused
            Called with what `open_project` would have raised.

        Raises
        ------
        EditError
            One is being opened already.
        """
        self._entrance.open_soon(path, refused, writable=writable)

    def close_project(self) -> None:
        """Close the project, if one is open; every edit is on disk already."""
        self._entrance.close()

    def close_soon(self) -> None:
        """Close the project and leave the window free meanwhile."""
        self._entrance.close_soon()

    def end(self) -> None:
        """Close the project and stop listening to the viewer."""
        self.mouse.end()
        self.close_project()
        self._entrance.release()
        self.sides.end()

    def release(self) -> None:
        """Let go of the project when the window is gone; nothing is drawn any more."""
        self.mouse.end()
        self.sides.release()
        self.ended.emit()
        self.editor.abandon()
        place, review, objects = self.place, self.review, self.objects
        mine = [self.project_changed, self.edited, self.viewed, self.ended]
        mine += [self.wanted, self.exported]
        theirs = (place.said, review.listed, review.pointed, review.sought, self.editor.drafted)
        seen = (self.neighbours.pointed, self.space.progressed, self.space.switched)
        beside = (self.sides.switched, self.sides.began, self.sides.unwanted)
        told = (objects.picked, objects.changed, self.past.chosen_changed)
        for signal in (*mine, *theirs, *seen, *beside, *told):
            signal.disconnect()
        project, self.place.project = self.project, None
        if project is not None:
            project.changed.disconnect(self._follow)
            project.close()
        self._entrance.release()

    def go_to(self, error: int | str) -> None:
        """Look at an error, given by its place in the list shown (from 0) or by its key."""
        self.review.go_to(error)

    def step(self, by: int) -> None:
        """Go that many errors down the list; a negative number goes up."""
        self.review.step(by)

    def repair(self) -> None:
        """Repair the current error: a false split at once, a false merge as a preview first.

        The preview is taken with `Editor.take`.
        """
        row = self.review.needed()
        if not self.review.queue.current_is_listed:
            raise EditError("this error is repaired already", remedy="go on to the next")
        self.place.opened.objects.refuse_locked(row.mistake.segments, where="repair")
        self.editor.repair(row.mistake)

    def merge_selected(self) -> None:
        """Join the objects selected."""
        _ = self.place.opened
        self.objects.refuse_fewer_than_two()
        self.editor.settled().merge_objects(self.objects.segments)

    def shuffle_colours(self) -> None:
        """Give all objects other colours; the one picked then looks unlike those it touches."""
        found = self.neighbours.found
        others = [] if found is None else found.segment.tolist()
        self.view(lambda: self.place.sight.shuffle_colours(self.objects.segment, others))

    def view(self, switch: Callable[[], None]) -> None:
        """Switch something about what is shown: a method of `Sight`."""
        _ = self.place.opened
        switch()
        self.space.follow()
        self.viewed.emit()

    def want(self, what: str) -> None:
        """Ask a dock for something (`wanted`)."""
        _ = self.place.opened
        self.wanted.emit(what)

    def attempt(self, action: Callable[..., object], *arguments: object) -> bool:
        """Do something; what goes wrong becomes a notice. Return whether it went well."""
        try:
            action(*arguments)
        except (AxonemError, OSError) as error:
            self.place.said.emit(Notice(str(error), problem=True))
            return False
        except EmitLoopError as error:  # a listener failed; what it was told of is done
            if not isinstance(error.__cause__, AxonemError | OSError):
                raise
            self.place.said.emit(Notice(str(error.__cause__), problem=True))
            return False
        return True

    def _leave_error(self) -> None:
        """Drop what was begun at an error, and select none: another one is gone to."""
        self.editor.drop()
        self.objects.drop()

    def _enter(self, project: Project) -> None:
        """Follow a project that is in its place now."""
        project.changed.connect(self._follow)
        for layer in self.place.sight.all_layers:
            self._underneath.watch(layer)

    def _leave(self, project: Project) -> None:
        """Follow a project no more; it is taken away."""
        project.changed.disconnect(self._follow)
        self.space.start()  # layers must be back from three dimensions before they go
        self.editor.drop()

    def _begin(self) -> Steps:
        """Begin with a project that was just opened, or with none."""
        self.space.start()
        self.past.start()
        yield
        self._scores.start()
        yield
        self.runs.start()
        yield
        self.review.start()
        yield
        self.objects.start()
        self.neighbours.start()
        yield
        self.sides.start()
        yield
        self.project_changed.emit()

    def _follow_runs(self) -> None:
        """Take run lengths in: the project follows skeletons now."""
        self.runs.start(own=False)
        self.review.follow_runs()
        self.objects.changed.emit()
        self.edited.emit()

    def _follow(self, operation: Operation) -> None:
        """Show what an operation changed; it is on disk already."""
        sight = self.place.sight
        change = self._scores.add(operation)  # first: it must miss none, whatever else fails
        with sight.moving():
            sight.follow(operation.segments_before, operation.segments_after)
            self.objects.show_hidden()
            self.editor.settle()
            self._draw()
        changed = (*operation.segments_before, *operation.segments_after)
        self.review.outdate(changed)
        self.runs.add(operation)
        self.edited.emit()
        self.place.later(self.objects.changed.emit)
        score = "" if change is None else f": VOI {wording.change(change)} bits"
        said = wording.operation(operation, self.place.opened.operations) + score
        trouble = self.place.opened.trouble
        self.place.said.emit(
            Notice(f"{said}; {trouble}" if trouble else said, problem=trouble != "")
        )

    def _draw(self) -> None:
        """Let stand out what is most worth seeing now."""
        sight, shown, queue = self.place.sight, self.editor.shown, self.review.queue
        sight.select(self.objects.segments)
        self.mouse.show_brush()
        if shown.stands_out:
            sight.draw(shown.objects, shown.plan, shown.fragments)
        elif self.objects.segment:
            sight.draw([*self.objects.segments, *self.neighbours.standing_out])
        elif queue.current is not None and queue.current_is_listed:
            sight.draw(queue.current.mistake.segments)
        else:
            sight.draw()
        self.space.follow()

    def _concerned(self) -> tuple[int, ...]:
        """Return the objects that are shown in three dimensions."""
        project, current = self.project, self.review.queue.current
        if project is None:
            return ()
        found = (*self.objects.segments, self.neighbours.at)
        about = () if current is None else tuple(current.mistake.segments)
        about = about and (self.place.sight.concerned or about)
        if set(self.objects.segments) <= set(about):  # one of them may be the one picked
            found = (*found, *about)
        return tuple(dict.fromkeys(s for s in found if s and project.segment[s] == s))

    def _error_nm(self) -> Nm | None:
        """Return the place of the error looked at."""
        current = self.review.queue.current
        return None if current is None else current.mistake.position_nm

    def _aim(self) -> bool:
        """Look at the current error, unless objects are selected."""
        current = self.review.queue.current
        if self.objects.segment or current is None:
            return False
        self.place.sight.look(current.mistake)
        return True


_SESSIONS: WeakValueDictionary[int, Session] = WeakValueDictionary()


def session_of(viewer: ViewerModel) -> Session:
    """Return the session of a viewer, begun now if there was none.

    A viewer keeps its session alive, by the callbacks of the mouse, and goes with it.
    """
    real = getattr(viewer, "__wrapped__", viewer)  # plugins are handed a proxy
    session = _SESSIONS.get(id(real))
    if session is None or session.place.viewer is not real:
        session = Session(real)
        _SESSIONS[id(real)] = session
    return session
