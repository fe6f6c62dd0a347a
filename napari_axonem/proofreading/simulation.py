"""A proofreader who works through the list of errors, as a script.

It sees what a person sees, the list and the preview, and does what a person can do: merge two
points, split between points of two colours, look at the preview before taking it, and leave an
error alone when the preview shows that the cut runs elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import edt
import numpy as np

from napari_axonem.errors import EditError
from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.evaluation.suggestions import Suggestion
from napari_axonem.geometry import Box, Grid, Nm, Zyx, zyx
from napari_axonem.proofreading.operation import Operation
from napari_axonem.proofreading.project import Project

WORTH_TAKING = 0.5
"""Share of the gain listed for a false merge that the preview of its split must show."""


BESIDE_NM = 100.0
"""How far from the place shown a user puts a point on either side of it."""


@dataclass(frozen=True, slots=True)
class Repair:
    """One error and what came of repairing it."""

    mistake: Mistake
    """The error as it was listed."""

    operation: Operation | None
    """The edit, or None when the preview showed that the split would not repair it."""

    voi_total: float
    """Total variation of information afterwards, in bits."""


def points_nm(project: Project, mistake: Mistake | Suggestion) -> tuple[list[Nm], list[Nm]]:
    """Return the positions (z, y, x) in nm on either side that a user would click.

    They are those of the list; where a cut has to go through a fragment, a user adds a point on
    either side of the place shown, well inside of each true object.
    """
    red, blue = list(mistake.red), list(mistake.blue)
    at = project.sources.fragment_at
    grid = project.sources.grid
    if isinstance(mistake, Mistake) and mistake.kind == "false_merge":
        hit = [{at(position(grid, voxel)) for voxel in side} for side in (red, blue)]
        for fragment in hit[0] & hit[1]:
            for side, truth in zip((red, blue), mistake.truth, strict=True):
                side += _beside(project, mistake, fragment, truth)
    return [position(grid, v) for v in red], [position(grid, v) for v in blue]


def position(grid: Grid, voxel: Zyx) -> Nm:
    """Return the centre of a voxel in nm."""
    z, y, x = grid.to_nm(voxel)
    return float(z), float(y), float(x)


def _beside(project: Project, mistake: Mistake, fragment: int, truth: int) -> list[Zyx]:
    """Return the voxel of a true object in a fragment that lies deepest, near the contact."""
    sources = project.sources
    if sources.truth is None:
        return []
    size = np.asarray(sources.grid.voxel_size)
    at = sources.grid.to_voxel(mistake.position_nm)
    box = Box(zyx(at), zyx(at + 1)).grow(zyx(BESIDE_NM // size))
    box = box.intersect(sources.fragments.volume.box)
    inside = sources.fragments.volume.read(box) == fragment
    inside &= sources.truth.volume.read(box) == truth
    if not inside.any():
        return []
    depth = edt.edt(inside, anisotropy=tuple(size), black_border=True)
    deepest = np.unravel_index(int(depth.argmax()), depth.shape)
    return [zyx(np.add(deepest, box.start))]


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
