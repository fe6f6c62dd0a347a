"""The objects selected, what is said of objects, and the sample of finished ones."""

from __future__ import annotations

import numpy as np
from psygnal import Signal

from napari_axonem.errors import EditError
from napari_axonem.geometry import Nm
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.states import ObjectState, Said
from napari_axonem.widgets.session.keyboard import by_key
from napari_axonem.widgets.session.workplace import Workplace


class Objects:
    """What a user says of objects.

    Parameters
    ----------
    place
        Viewer and project.
    """

    picked = Signal()
    """Other objects are selected, or none."""

    changed = Signal()
    """Something was said of an object, or a verdict given."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._fragments: tuple[int, ...] = ()
        self.sampling = 0
        """The object that was drawn to be checked, by the name that it had; 0 for none."""

    @property
    def segments(self) -> tuple[int, ...]:
        """The objects selected, by the names that they have now, in the order of their picks."""
        project = self._place.project
        if project is None:
            return ()
        names = (int(project.segment[fragment]) for fragment in self._fragments)
        return tuple(dict.fromkeys(name for name in names if name))

    @property
    def segment(self) -> int:
        """The object picked last; 0 for none."""
        project = self._place.project
        last = self._fragments[-1] if self._fragments else 0
        return 0 if project is None else int(project.segment[last])

    @property
    def said(self) -> Said:
        """What holds for the object picked last."""
        project = self._place.project
        return Said() if project is None else project.objects.of(self.segment)

    def start(self) -> None:
        """Begin with a project that was just opened, or with none."""
        self._fragments, self.sampling = (), 0
        self.picked.emit()
        self.changed.emit()

    def pick(self, position_nm: Nm, *, more: bool = False) -> None:
        """Select the object at a position (z, y, x) in nm; none where there is none.

        Parameters
        ----------
        more
            Keep those selected, and take the object out where it is one of them.
        """
        try:
            fragment = self._place.opened.pick(position_nm).fragment
        except EditError:  # background, or beside the volume
            fragment = 0
        if more and fragment:
            self.toggle(fragment)
        elif not more:
            self._pick(fragment)

    def toggle(self, fragment: int) -> None:
        """Select the object of a fragment too, or take it out where it is selected."""
        segment = self._place.opened.segment
        name = segment[fragment]
        kept = tuple(one for one in self._fragments if segment[one] != name)
        self._select(kept if name in self.segments else (*self._fragments, fragment))

    def front(self, segment: int) -> None:
        """Let one of the objects selected be the one picked last."""
        names = self._place.opened.segment
        own = tuple(one for one in self._fragments if names[one] == segment)
        if own and segment != self.segment:
            rest = tuple(one for one in self._fragments if names[one] != segment)
            self._select((*rest, *own))

    def drop(self) -> None:
        """Select none."""
        self._select(())

    def mark(self, state: ObjectState) -> None:
        """Give the objects selected a state; when all of them have it, take it back."""
        project, names = self._writable(), self.segments
        now = {project.objects.of(name).state for name in names}
        wanted = ObjectState.NONE if now == {state} else state
        for name in names:
            if project.objects.of(name).state != wanted:
                project.objects.say(self._own(project, name), wanted)
        self._tell(names, wanted)

    def note(self, text: str) -> None:
        """Give the object picked last a note in the place of those it has."""
        project = self._writable()
        said = project.objects.of(self.segment)
        if text.strip() != said.note:
            project.objects.say(self._fragments[-1], said.state, text)
            self._tell((self.segment,), said.state)

    def refuse_fewer_than_two(self) -> None:
        """Raise an `EditError` where there is nothing to merge."""
        if len(self.segments) < 2:
            raise EditError(
                "a merge takes two objects or more",
                where="merge",
                remedy=f"select them with the tool Look{by_key('look')}: click one, and others "
                "with Shift",
            )

    def hide(self) -> None:
        """Hide finished objects, or show them again."""
        _ = self._place.opened
        sight = self._place.sight
        sight.hiding = not sight.hiding
        self.show_hidden()
        self.changed.emit()

    def show_hidden(self) -> None:
        """Let the picture hide what is finished now, if that is wanted."""
        project, sight = self._place.project, self._place.sight
        hidden = project.objects.finished() if project is not None and sight.hiding else ()
        sight.hide(hidden)

    def draw_sample(self) -> None:
        """Go to a finished object that was drawn at random, to be checked."""
        project = self._place.opened
        self._go_to_sample(project, project.sample.next())

    def _go_to_sample(self, project: Project, segment: int) -> None:
        self._pick(segment)
        self.sampling = segment
        cells = project.state.cells
        place = int(np.flatnonzero(cells.fragment == segment)[0])
        z, y, x = project.sources.grid.to_nm(cells.point[place])
        self._place.sight.concern([segment])
        self._place.sight.look_at_place((float(z), float(y), float(x)))
        self.picked.emit()
        self.changed.emit()

    def judge(self, *, right: bool) -> None:
        """Say whether the object drawn is right."""
        project = self._writable()
        if not self.sampling:
            raise EditError("no object was drawn", where="sample", remedy="draw one first")
        project.sample.judge(self.sampling, right=right)
        self.sampling = 0
        verdict = "right" if right else "wrong"
        self._place.say(f"object {self.segment} is {verdict}")
        self.changed.emit()

    def take_back_verdict(self) -> None:
        """Forget the newest verdict, and go back to its object."""
        project = self._place.writable
        self._go_to_sample(project, project.sample.take_back())

    def _pick(self, fragment: int) -> None:
        self._select((fragment,) if fragment else ())

    def _select(self, fragments: tuple[int, ...]) -> None:
        self._fragments, self.sampling = fragments, 0
        self.picked.emit()

    def _own(self, project: Project, segment: int) -> int:
        """Return the fragment that an object was picked by."""
        return next(one for one in self._fragments if project.segment[one] == segment)

    def _tell(self, names: tuple[int, ...], state: ObjectState) -> None:
        what = f"object {names[0]} is" if len(names) == 1 else f"{len(names)} objects are"
        self._place.say(f"{what} {WORDS[state]}")
        self.show_hidden()
        self.changed.emit()

    def _writable(self) -> Project:
        """Return the open project, in which an object is picked that may be marked."""
        project = self._place.writable
        if not self.segment:
            raise nothing_picked("objects")
        return project


def nothing_picked(where: str) -> EditError:
    """Return what to raise where an object has to be picked first."""
    remedy = f"click one with the tool Look{by_key('look')}"
    return EditError("no object is picked", where=where, remedy=remedy)


WORDS = {
    ObjectState.NONE: "open",
    ObjectState.DONE: "done",
    ObjectState.LOCKED: "locked",
    ObjectState.DISCUSS: "to be discussed",
}
"""States as people say them."""
