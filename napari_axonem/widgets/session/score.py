"""How the score moved from the start of a project to now."""

from __future__ import annotations

from dataclasses import dataclass

from napari_axonem.evaluation.scores import Voi
from napari_axonem.proofreading.project import Project


@dataclass(frozen=True, slots=True)
class Track:
    """Scores over the operations of a project with truth."""

    start: Voi
    """The score at creation."""

    after: tuple[tuple[int, Voi], ...]
    """Operation and the score after it, oldest first."""

    @property
    def now(self) -> Voi:
        """The newest score."""
        return self.after[-1][1] if self.after else self.start

    @property
    def totals(self) -> list[float]:
        """The total at the start and after each operation, in bits."""
        return [self.start.total, *(voi.total for _, voi in self.after)]


def track(project: Project, start: Voi | None) -> Track | None:
    """Return how the score moved; None where it is not known, without truth."""
    if start is None:
        return None
    after = tuple((op.id, Voi(*op.voi)) for op in project.operations if op.voi is not None)
    return Track(start, after)
