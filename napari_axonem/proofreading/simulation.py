"""A proofreader who works through the list of errors, as a script.

It sees what a person sees, the list and the preview, and does what a person can do: merge two
points, split between points of two colours, look at the preview before taking it, and leave an
error alone when the preview shows that the cut runs elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from napari_axonem.errors import EditError
from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.geometry import Nm
from napari_axonem.proofreading.operation import Operation
from napari_axonem.proofreading.project import Project

WORTH_TAKING = 0.5
"""Share of the gain listed for a false merge that the preview of its split must show."""


@dataclass(frozen=True, slots=True)
class Repair:
    """One error and what came of repairing it."""

    mistake: Mistake
    """The error as it was listed."""

    operation: Operation | None
    """The edit, or None when the preview showed that the split would not repair it."""

    voi_total: float
    """Total variation of information afterwards, in bits."""


def points_nm(project: Project, mistake: Mistake) -> tuple[list[Nm], list[Nm]]:
    """Return the positions (z, y, x) in nm on either side that a user would click."""
    grid = project.sources.grid
    sides = []
    for voxels in (mistake.red, mistake.blue):
        centres = [grid.to_nm(voxel) for voxel in voxels]
        sides.append([(float(z), float(y), float(x)) for z, y, x in centres])
    return sides[0], sides[1]


def repair(project: Project, mistake: Mistake) -> Operation | None:
    """Repair one error; a split is taken only when its preview shows that it helps.

    Returns
    -------
    The edit, or None when it was not taken.
    """
    red, blue = points_nm(project, mistake)
    if mistake.kind == "false_split":
        return project.merge([red[0], blue[0]])
    try:
        plan = project.plan_split(red, blue)
    except EditError:
        return None
    now, then = project.voi(), project.voi_after(plan)
    if now is None or then is None or now.total - then.total < WORTH_TAKING * mistake.gain_voi:
        return None
    return project.split(plan)


def repair_all(
    project: Project,
    limit: int | None = None,
    watch: Callable[[Repair], None] | None = None,
) -> list[Repair]:
    """Repair errors from the top of the list, which is made anew after every edit.

    Parameters
    ----------
    limit
        Number of edits at which to stop; None for all.
    watch
        Called after each.

    Returns
    -------
    What was done, in order; errors that were looked at and left included.
    """
    done: list[Repair] = []
    left: set[tuple[object, ...]] = set()
    edits = 0
    while limit is None or edits < limit:
        todo = next((m for m in project.mistakes() if _identity(m) not in left), None)
        if todo is None:
            break
        operation = repair(project, todo)
        if operation is None:
            left.add(_identity(todo))
        else:
            edits += 1
        now = project.voi()
        done.append(Repair(todo, operation, 0.0 if now is None else now.total))
        if watch is not None:
            watch(done[-1])
    return done


def _identity(mistake: Mistake) -> tuple[object, ...]:
    """Return what tells an error from others as long as its segments stay."""
    return mistake.kind, mistake.segments, mistake.truth
