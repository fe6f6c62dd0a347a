"""The tour: the main job in a handful of steps, each ticked when the user has really done it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from psygnal import Signal

from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.record.operation import Kind
from napari_axonem.widgets.session.session import Session


@dataclass(frozen=True, slots=True)
class Step:
    """One step."""

    id: str
    title: str
    """What is to be done."""

    how: str
    """With which buttons and keys; a key is an action in braces: ``{next}``."""


STEPS = (
    Step("open", "Open the phantom", "Press <b>Try the phantom</b> in the dock Volume and wait."),
    Step(
        "go",
        "Go to the worst error",
        "Press <b>{next}</b>, or click the first row of the dock Errors. The white line is the "
        "object; what is wrong with it is coloured.",
    ),
    Step(
        "split",
        "Repair a false merge",
        "Go to one (cyan), press <b>{repair}</b>, look at the red and the blue side, then "
        "<b>{take}</b>.",
    ),
    Step(
        "merge",
        "Repair a false split",
        "Choose <b>False splits</b> above the list, press <b>{next}</b>, then <b>{repair}</b>: it "
        "is joined at once.",
    ),
    Step("undo", "Take an edit back", "Press <b>{undo}</b>. Every edit can be undone, always."),
    Step(
        "export",
        "Export the labels",
        "In the dock Export, below, press <b>Export</b>. The file is checked after it is written.",
    ),
)
"""In the order in which they are told; they may be done in any."""


class Tour:
    """What of the tour is done.

    Parameters
    ----------
    session
        What the steps are done in; a project that is open counts as opened.
    """

    changed = Signal()
    """A step was done."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.done: frozenset[str] = frozenset()
        """Ids of the steps that were done."""
        self._project: Project | None = None
        self._seen = 0
        session.project_changed.connect(self._open)
        session.review.pointed.connect(self._point)
        session.edited.connect(self._edit)
        session.exported.connect(self._export)
        self._open()

    @property
    def current(self) -> Step | None:
        """The first step that is still to be done; None at the end."""
        return next((step for step in STEPS if step.id not in self.done), None)

    def end(self) -> None:
        """Watch no more."""
        session = self._session
        slots: tuple[tuple[object, Callable[..., None]], ...] = (
            (session.project_changed, self._open),
            (session.review.pointed, self._point),
            (session.edited, self._edit),
            (session.exported, self._export),
        )
        for signal, slot in slots:
            signal.disconnect(slot, missing_ok=True)  # type: ignore[attr-defined]

    def _open(self) -> None:
        self._project = self._session.project
        if self._project is not None:
            self._seen = len(self._project.operations)
            self._tick("open")

    def _point(self) -> None:
        if self._session.review.queue.current is not None:
            self._tick("go")

    def _edit(self) -> None:
        """Tick what the operations since the last time were."""
        if self._project is None:
            return
        new = self._project.operations[self._seen :]
        self._seen += len(new)
        kinds = {Kind.SPLIT: "split", Kind.MERGE: "merge", Kind.UNDO: "undo"}
        for operation in new:
            if operation.kind in kinds:
                self._tick(kinds[operation.kind])

    def _export(self, destination: str) -> None:
        del destination
        self._tick("export")

    def _tick(self, step: str) -> None:
        if step not in self.done:
            self.done |= {step}
            self.changed.emit()
