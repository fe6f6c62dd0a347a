"""The state of a project in memory: what the tables at creation and the log amount to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import EditError
from napari_axonem.evaluation.parts import voi_of
from napari_axonem.evaluation.replacement import replaced
from napari_axonem.evaluation.scores import Voi
from napari_axonem.evaluation.standing import Runs, Standing
from napari_axonem.geometry import Grid
from napari_axonem.proofreading.edges import Edges
from napari_axonem.proofreading.folder import Tables
from napari_axonem.proofreading.followed import FollowedSkeletons
from napari_axonem.proofreading.graph import FragmentGraph
from napari_axonem.proofreading.history import History
from napari_axonem.proofreading.log import Log
from napari_axonem.proofreading.operation import EdgeStates, Kind, Operation, no_edges
from napari_axonem.proofreading.refinement import Refinement, refine, translated


class State:
    """Graph, cells and history, as the log says.

    Parameters
    ----------
    tables
        The tables at creation. Their arrays are taken over and changed.
    log
        The operations and refinements since.
    grid
        Voxel size and origin in nm.
    """

    def __init__(self, tables: Tables, log: Log, grid: Grid) -> None:
        self.table = tables.cells
        """Cells and contacts as they are now."""
        self.graph = FragmentGraph(tables.edges, tables.rank(), tables.segment)
        """The fragment graph as it is now."""
        self.fragment_ids = tables.fragment_ids
        """The id that each fragment was imported with, shape (imported fragments + 1,)."""
        self.truth_ids = tables.truth_ids
        """The id that each true object was imported with, shape (objects + 1,)."""
        self.voi_at_start: Voi | None = None
        """The score before the first edit; None without truth."""
        if len(tables.truth_ids) > 1:
            self.voi_at_start = voi_of(tables.cells, tables.segment)
        self.history = History()
        """Which edits are active."""
        self.operations: dict[int, Operation] = {}
        """The log by id, oldest first."""
        self.refined: list[tuple[int, Refinement, Edges]] = []
        """Operation, refinement and the edges it gave, oldest first."""
        self._grid = grid
        self.followed: FollowedSkeletons | None = None
        """Skeletons, where there are any."""
        self._standing: Standing | None = None
        self._runs: Runs | None = None
        self._replay(log)

    @property
    def standing(self) -> Standing:
        """Scores and mistakes as they are now, for a project with truth."""
        self._catch_up()
        if self._standing is None:
            self._standing = Standing(self.table, self.graph.segment, self._grid)
        return self._standing

    @property
    def runs(self) -> Runs | None:
        """Run lengths along skeletons as they are now, where there are skeletons."""
        self._catch_up()
        if self._runs is None and self.followed is not None:
            self._runs = self.followed.runs(self.graph.segment)
        return self._runs

    def _catch_up(self) -> None:
        """Let scores follow the edits since they were last asked for."""
        moved = self.graph.take_moved()
        for follower in (self._standing, self._runs):
            if follower is not None:
                follower.follow(self.graph.segment, moved)

    def follow(self, skeletons: FollowedSkeletons | None) -> None:
        """Let the run lengths along some skeletons follow the edits."""
        self.followed, self._runs = skeletons, None

    def refine(self, refinement: Refinement) -> Edges:
        """Put a refinement into the tables; return the edges of its parts."""
        self._catch_up()
        self.table = replaced(self.table, refinement.table, refinement.parts)
        edges = refine(self.graph, refinement)
        if self._standing is not None:
            self._standing.refine(self.table, refinement.parts, self.graph.segment)
        if self.followed is not None:
            self.followed, self._runs = self.followed.refined(refinement), None
        return edges

    def apply(self, operation: Operation) -> Operation:
        """Switch the edges of an operation; return it with what that changed.

        Raises
        ------
        EditError
            Every edge has its state already.
        """
        ends = np.unique(operation.edges[:, :2])
        before = np.unique(self.graph.segment[ends])
        changed = self.graph.apply(operation.edges, self._places(operation))
        if len(changed) == 0:
            raise EditError("nothing would change", where=str(operation.kind))
        return replace(
            operation,
            parent=self.history.head,
            edges=self.graph.states(changed),
            segments_before=tuple(before.tolist()),
            segments_after=tuple(np.unique(self.graph.segment[ends]).tolist()),
        )

    def remember(self, operation: Operation) -> None:
        """Follow an operation that is in the log and was applied."""
        self.operations[operation.id] = operation
        self.history.record(operation)

    def turned(self, kind: Kind) -> Operation:
        """Return the undo or redo that is next, not yet applied.

        Raises
        ------
        EditError
            There is nothing to undo or redo.
        """
        undoing = kind == Kind.UNDO
        target_id = self.history.undo_target() if undoing else self.history.redo_target()
        target = self.operations[target_id]
        states = target.edges.copy()
        for operation_id, refinement, edges in self.refined:
            if operation_id > target_id:
                states = translated(states, refinement, edges)
        if undoing:
            states[:, 2] = 1 - states[:, 2]
        return Operation(
            kind,
            target=target_id,
            points=target.points,
            fragments=target.fragments,
            edges=states,
        )

    def _places(self, operation: Operation) -> dict[int, npt.NDArray[np.int64]]:
        """Return the voxel at which the user pointed to each fragment."""
        pointed = zip(operation.fragments, operation.points, strict=True)
        return {f: self._grid.to_voxel(point.position_nm) for f, point in pointed}

    def _replay(self, log: Log) -> None:
        """Apply the log: edge states in stretches, each up to the next refinement."""
        stored = log.refinements()
        stretch: list[EdgeStates] = []
        places: dict[int, npt.NDArray[np.int64]] = {}
        for operation in log.operations():
            while stored and stored[0].operation == operation.id:
                self.graph.apply(latest(stretch), places)
                stretch.clear()
                refinement = Refinement.from_bytes(stored.pop(0).content)
                self.refined.append((operation.id, refinement, self.refine(refinement)))
            stretch.append(operation.edges)
            places |= self._places(operation)
            self.remember(operation)
        self.graph.apply(latest(stretch), places)


def latest(stretch: Sequence[EdgeStates]) -> EdgeStates:
    """Return the last state of every edge in a sequence of edge states."""
    if not stretch:
        return no_edges()
    rows = np.concatenate(stretch)[::-1]
    _, first = np.unique(rows[:, :2], axis=0, return_index=True)
    states: EdgeStates = rows[first]
    return states
