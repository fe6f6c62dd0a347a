"""A proofreader who works through the list of errors, as a script.

It sees what a person sees, the list, the picture and the preview, and does what a person can do:
merge two points, split between points of two colours, go on placing points where the preview is
wrong, try once more with others, and leave an error alone when that does not help. Its hand is not
steady: points lie a few voxels off, inside of the object that is meant.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields, replace

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import EditError
from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.evaluation.tables import Cells
from napari_axonem.geometry import Box, Nm, Zyx, zyx
from napari_axonem.proofreading.plans.splitting import SplitPlan
from napari_axonem.proofreading.project import Project
from napari_axonem.proofreading.proposing import points_nm, position, scene_of
from napari_axonem.proofreading.record.operation import Operation

WORTH_TAKING = 0.5
"""Share of what a perfect cut of the pieces pointed at would gain that a good preview shows."""

WORTH_KEEPING = 0.1
"""Share of it below which a second try is not taken either."""

TRIES = 2
"""Previews of a split that are looked at before an error is left alone."""

AIMS = 20
"""How often a point that missed the object is placed again before it is placed exactly."""


@dataclass(frozen=True, slots=True)
class Repair:
    """One error and what came of repairing it."""

    mistake: Mistake
    """The error as it was listed."""

    operation: Operation | None
    """The edit; None where a split would not repair it, or a merge would shorten the run length."""

    voi_total: float
    """Total variation of information afterwards, in bits."""

    tries: int = 1
    """How many previews were looked at."""

    points: int = 0
    """How many points were placed in all."""

    cuts: int = 0
    """How many fragments were cut."""


@dataclass(slots=True)
class Hand:
    """What places points: a few voxels off where `sigma` is not 0."""

    sigma: float = 0.0
    """Standard deviation of each coordinate from the place meant, in voxels."""

    random: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def place(self, project: Project, meant: Sequence[Zyx]) -> list[Zyx]:
        """Return the voxels where points land; they stay in the fragment and true object meant."""
        if not self.sigma or not meant:
            return list(meant)
        sources = project.sources
        whole, voxels = sources.fragments.volume.box, np.array(meant, np.int64)
        around = Box(zyx(voxels.min(axis=0)), zyx(voxels.max(axis=0) + 1))
        box = around.grow(int(np.ceil(4 * self.sigma))).intersect(whole)
        seen = sources.fragments.volume.read(box).astype(np.uint64) << np.uint64(32)
        if sources.truth is not None:
            seen |= sources.truth.volume.read(box).astype(np.uint64)
        corner = np.asarray(box.start)
        return [zyx(self._landed(seen, voxel - corner) + corner) for voxel in voxels]

    def _landed(
        self, seen: npt.NDArray[np.uint64], meant: npt.NDArray[np.int64]
    ) -> npt.NDArray[np.int64]:
        for _ in range(AIMS):
            voxel = np.rint(meant + self.random.normal(0, self.sigma, 3)).astype(np.int64)
            inside = (voxel >= 0).all() and (voxel < seen.shape).all()
            if inside and seen[tuple(voxel)] == seen[tuple(meant)]:
                return voxel
        return meant


STEADY = Hand()
"""A hand that places points exactly."""


def repair(project: Project, mistake: Mistake, hand: Hand = STEADY) -> Repair:
    """Repair one error, where the list and the preview say that this helps."""
    if mistake.kind == "false_split":
        if (project.erl_gain(mistake) or 0.0) < 0:  # it would spoil more than it joins
            return _done(project, mistake, None, 0, 0)
        meant = [mistake.red[0], mistake.blue[0]]
        ends = [position(project.sources.grid, v) for v in hand.place(project, meant)]
        return _done(project, mistake, project.merge(ends), 1, len(ends))
    best: tuple[SplitPlan, float] | None = None
    red: list[Nm] = []
    blue: list[Nm] = []
    tries = 0
    while tries < TRIES and (best is None or best[1] < WORTH_TAKING):
        tries += 1  # each time with the points of those before as well
        try:
            sides = points_nm(project, mistake, lambda voxels: hand.place(project, voxels))
        except EditError:  # nothing that one could point at
            break
        for side, places in zip((red, blue), sides, strict=True):
            side += places
        preview = _preview(project, mistake, red, blue)
        if preview is not None and (best is None or preview[1] > best[1]):
            best = preview
    placed = len(red) + len(blue)
    if best is None or best[1] < WORTH_KEEPING:
        return _done(project, mistake, None, tries, placed)
    plan = best[0]
    return _done(project, mistake, project.split(plan), tries, placed, len(plan.refinements))


def _preview(
    project: Project, mistake: Mistake, red: Sequence[Nm], blue: Sequence[Nm]
) -> tuple[SplitPlan, float] | None:
    """Return the split between points, and what share of the piece's worth it would bring."""
    try:
        plan = project.plan_split(red, blue)
    except EditError:
        return None
    now, then = project.voi(), project.voi_after(plan)
    if now is None or then is None:
        return None
    worth = _worth(project, mistake, plan)
    return (plan, (now.total - then.total) / worth) if worth > 0 else None


def _worth(project: Project, mistake: Mistake, plan: SplitPlan) -> float:
    """Return by how much VOI would fall, in bits, if the cut were where the truth has it.

    Of an object that lies in a fragment in many pieces, most of them thin layers, a split takes
    those off that one can point at. That gains less than their share of the voxels, because the
    object is in two segments from then on.
    """
    now = project.voi()
    if not plan.refinements or now is None:
        return mistake.gain_voi
    at, grid = project.sources.fragment_at, project.sources.grid
    cut = {one.parent for one in plan.refinements}
    cells = project.standing.cells_of(np.unique([at(position(grid, v)) for v in mistake.red]))
    rows = np.flatnonzero(cells.truth == mistake.truth[0])
    voxels = cells.voxels[rows].copy()
    for row, fragment in enumerate(cells.fragment[rows].tolist()):
        if fragment in cut:
            scene = scene_of(project, mistake, fragment, mistake.position_nm)
            voxels[row] = 0 if scene is None else int(scene.wanted.sum())
    pieces = Cells(*(getattr(cells, f.name)[rows] for f in fields(Cells)))
    unused = np.full(len(rows), len(project.segment))
    then = project.standing.voi_after(replace(pieces, voxels=voxels), plan.segment, unused)
    return now.total - then.total


def _done(
    project: Project,
    mistake: Mistake,
    operation: Operation | None,
    tries: int,
    points: int,
    cuts: int = 0,
) -> Repair:
    now = project.voi()
    return Repair(mistake, operation, 0.0 if now is None else now.total, tries, points, cuts)


def repair_all(
    project: Project,
    limit: int | None = None,
    watch: Callable[[Repair], None] | None = None,
    hand: Hand = STEADY,
    until: Callable[[], bool] = lambda: False,
) -> list[Repair]:
    """Repair errors from the top of the list, which is made anew after every edit.

    An error that was looked at and left is not looked at again as long as its segments stay.

    Parameters
    ----------
    limit
        Number of edits at which to stop; None for all.
    watch
        Called after each.
    hand
        What places the points.
    until
        Asked before each error; stops where it says True.

    Returns
    -------
    What was done, in order; errors that were looked at and left included.
    """
    done: list[Repair] = []
    left: set[tuple[object, ...]] = set()
    edits = 0
    while (limit is None or edits < limit) and not until():
        listed = project.mistakes(limit=len(left) + 1)
        todo = next((m for m in listed if _identity(m) not in left), None)
        if todo is None:
            break
        one = repair(project, todo, hand)
        if one.operation is None:
            left.add(_identity(todo))
        else:
            edits += 1
        done.append(one)
        if watch is not None:
            watch(one)
    return done


def _identity(mistake: Mistake) -> tuple[object, ...]:
    """Return what tells an error from others as long as its segments stay."""
    return mistake.kind, mistake.segments, mistake.truth, mistake.size_voxels
