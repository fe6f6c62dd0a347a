"""Knows the session and the dock Objects."""

from __future__ import annotations

from napari_axonem.proofreading.states import Estimate, ObjectState, Said
from napari_axonem.widgets.docks.objects.neighbours_control import NeighboursControl
from napari_axonem.widgets.docks.objects.table import ObjectRow
from napari_axonem.widgets.docks.objects.view import ObjectsView
from napari_axonem.widgets.parts import wording
from napari_axonem.widgets.parts.colours import hexadecimal
from napari_axonem.widgets.parts.connections import Connections
from napari_axonem.widgets.parts.frames import bring_forward
from napari_axonem.widgets.session.keyboard import by_key
from napari_axonem.widgets.session.keys import BY_ID
from napari_axonem.widgets.session.objects import WORDS, nothing_picked
from napari_axonem.widgets.session.session import Session


class ObjectsControl:
    """Keeps the view like the session, and does what the user asks for.

    Parameters
    ----------
    session, view
        What is brought together.
    """

    def __init__(self, session: Session, view: ObjectsView) -> None:
        self._session, self._view = session, view
        view.asked.connect(lambda action: session.attempt(BY_ID[action].run, session))
        view.asked.connect(self.show)  # what was refused must not look done
        view.noted.connect(self._note)
        connections = Connections(view, soon=session.place.soon)
        connections.follow(self.show_object, session.objects.picked, session.viewed)
        connections.follow(self.show, session.objects.changed)
        connections.follow(self._show_space, session.space.switched)
        connections.connect(session.project_changed, self.show)
        connections.connect(session.wanted, self._write_note)
        connections.connect(session.space.progressed, self._view.space.progress.tell)
        view.asked.connect(self._show_space)
        view.selected.chosen.connect(lambda name: session.attempt(session.objects.front, name))
        self.neighbours = NeighboursControl(session, view.neighbours)
        self.show()

    def show(self) -> None:
        """Show everything as it is now."""
        self.show_object()
        self._view.set_hiding(self._session.place.sight.hiding)
        self._show_progress()
        self._show_sample()
        self._show_space()

    def _show_space(self) -> None:
        space = self._session.space
        self._view.space.set_switches(space=space.on, lines=space.with_skeletons)

    def show_object(self) -> None:
        """Show the objects selected, and what is said of the one picked last."""
        self._show_selected()
        segment, said = self._session.objects.segment, self._session.objects.said
        about = f"Click an object with the tool Look{by_key('look')}."
        if self._session.project is None:
            about = "No project is open."
        elif segment:
            voxels = self._session.place.opened.objects.voxels(segment)
            about = _about(segment, voxels, said)
        self._view.set_object(about, said.state, said.note, picked=bool(segment))

    def _show_selected(self) -> None:
        project, sight = self._session.project, self._session.place.sight
        names = self._session.objects.segments
        sizes = [] if project is None else project.objects.sizes(names).tolist()
        rows = [
            ObjectRow(
                name,
                hexadecimal(sight.colour_of(name)),
                (wording.size(size), WORDS[project.objects.of(name).state]),
            )
            for name, size in zip(names, sizes, strict=True)
            if project is not None
        ]
        self._view.set_selected(rows, self._session.objects.segment, isolated=sight.isolates)

    def _show_progress(self) -> None:
        project = self._session.project
        if project is None:
            self._view.set_progress((0.0, 0.0, None), ("", "", ""))
            return
        found = project.objects.coverage()
        shares = found.shares()
        run = ""
        if shares[2] is not None:
            run = f"{shares[2]:.1%} of {wording.length(found.run_nm or 0)}"
        texts = (
            f"{found.finished_objects:,} of {found.objects:,}",
            f"{shares[1]:.1%} of {wording.size(found.voxels)}",
            run,
        )
        self._view.set_progress(shares, texts)

    def _show_sample(self) -> None:
        project, drawn = self._session.project, self._session.objects.sampling
        estimate = None if project is None else project.sample.estimate()
        text = _said_of(estimate)
        if drawn:
            more = f" {text}" if estimate is not None else ""
            text = f"Object {drawn} was drawn. Is it right?{more}"
        self._view.set_sample(text, drawn=bool(drawn), any_verdict=estimate is not None)

    def _note(self, text: str) -> None:
        objects = self._session.objects
        if objects.segment and text.strip() != objects.said.note:
            self._session.attempt(objects.note, text)
            self.show_object()

    def _write_note(self, what: str) -> None:
        """Bring the note forward; `EditError` where no object is picked."""
        if what == "note":
            if not self._session.objects.segment:
                raise nothing_picked("note")
            bring_forward(self._view.note)
            self._view.write_note()


def _about(segment: int, voxels: int, said: Said) -> str:
    text = f"Object {segment}, {wording.size(voxels)} voxels: {WORDS[said.state]}"
    if said.state == ObjectState.NONE:
        return text
    return f"{text}, by {said.user} on {said.time[:10]}"


def _said_of(estimate: Estimate | None) -> str:
    """Say what a sample tells of the rest."""
    if estimate is None:
        return "Draw finished objects at random and check them."
    found = (
        f"Wrong: {estimate.wrong:,} of {estimate.checked:,} checked, {estimate.rate:.0%} "
        f"(95 %: {estimate.low:.0%} to {estimate.high:.0%})."
    )
    if not estimate.unchecked:
        return f"{found} All finished objects were checked."
    low, high = (share * estimate.unchecked for share in (estimate.low, estimate.high))
    return (
        f"{found} Of the {estimate.unchecked:,} that nobody checked, that is {low:.0f} to "
        f"{high:.0f}."
    )
