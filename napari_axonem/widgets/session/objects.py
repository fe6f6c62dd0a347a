"""The object picked, what is said of objects, and the sample of finished ones."""

from __future__ import annotations

import numpy as np
from psygnal import Signal

from napari_axonem.errors import EditError
from napari_axonem.geometry import Nm
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.states import ObjectState, Said
from napari_axonem.widgets.session.workplace import Workplace


class Objects:
    """What a user says of objects.

    Parameters
    ----------
    place
        Viewer and project.
    """

    picked = Signal()
    """Another object is picked, or none."""

    changed = Signal()
    """Something was said of an object, or a verdict given."""

    def __init__(self, place: Workplace) -> None:
        self._place = place
        self._fragment = 0
        self.sampling = 0
        """The object that was drawn to be checked, by the name that it had; 0 for none."""

    @property
    def segment(self) -> int:
        """The object picked, by the name that it has now; 0 for none."""
        project = self._place.project
        return 0 if project is None else int(project.segment[self._fragment])

    @property
    def said(self) -> Said:
        """What holds for the object picked."""
        project = self._place.project
        return Said() if project is None else project.objects.of(self.segment)

    def start(self) -> None:
        """Begin with a project that was just opened, or with none."""
        self._fragment = self.sampling = 0
        self.picked.emit()
        self.changed.emit()

    def pick(self, position_nm: Nm) -> None:
        """Pick the object at a position (z, y, x) in nm; none where there is none."""
        try:
            fragment = self._place.opened.pick(position_nm).fragment
        except EditError:  # background, or beside the volume
            fragment = 0
        self._pick(fragment)

    def drop(self) -> None:
        """Pick none."""
        self._pick(0)

    def mark(self, state: ObjectState) -> None:
        """Give the object picked a state; the same again takes it back."""
        project = self._writable()
        now = project.objects.of(self.segment).state
        wanted = ObjectState.NONE if now == state else state
        project.objects.say(self._fragment, wanted)
        self._tell()

    def note(self, text: str) -> None:
        """Give the object picked a note in the place of those it has."""
        project = self._writable()
        said = project.objects.of(self.segment)
        if text.strip() != said.note:
            project.objects.say(self._fragment, said.state, text)
            self._tell()

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
        """Say whether the object drawn is right, and draw the next."""
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
        project = self._writable_project()
        self._go_to_sample(project, project.sample.take_back())

    def _pick(self, fragment: int) -> None:
        self._fragment, self.sampling = fragment, 0
        self.picked.emit()

    def _tell(self) -> None:
        said, segment = self.said, self.segment
        word = "open" if said.state == ObjectState.NONE else WORDS[said.state]
        self._place.say(f"object {segment} is {word}")
        self.show_hidden()
        self.changed.emit()

    def _writable(self) -> Project:
        """Return the open project, in which an object is picked that may be marked."""
        project = self._writable_project()
        if not self.segment:
            raise EditError(
                "no object is picked", where="objects", remedy="click one with the tool Look (L)"
            )
        return project

    def _writable_project(self) -> Project:
        project = self._place.opened
        if not project.writable:
            raise EditError("the project is open read-only", where=project.name)
        return project


WORDS = {
    ObjectState.NONE: "open",
    ObjectState.DONE: "done",
    ObjectState.LOCKED: "locked",
    ObjectState.DISCUSS: "to be discussed",
}
"""States as people say them."""
