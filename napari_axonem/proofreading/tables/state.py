"""The state of a project in memory: what the tables at creation and the log amount to."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import EditError
from napari_axonem.evaluation.scores import Voi
from napari_axonem.evaluation.standing import Runs, Standing
from napari_axonem.evaluation.tables import Cells, CellTable
from napari_axonem.geometry import Grid
from napari_axonem.proofreading.record.glance import edges_of_edits
from napari_axonem.proofreading.record.history import History
from napari_axonem.proofreading.record.log import Log
from napari_axonem.proofreading.record.operation import (
    EdgeStates,
    Kind,
    Made,
    Operation,
    no_edges,
    no_made,
)
from napari_axonem.proofreading.tables.celltable import CellBook
from napari_axonem.proofreading.tables.edges import Edges
from napari_axonem.proofreading.tables.followed import FollowedSkeletons
from napari_axonem.proofreading.tables.graph import BACKGROUND, FragmentGraph
from napari_axonem.proofreading.tables.refinement import Carried, Refinement, refine, translated
from napari_axonem.proofreading.tables.snapshots import Snapshot
from napari_axonem.proofreading.tables.stored import Tables


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
    snapshot
        What the log amounts to up to some operation, so that only later ones are replayed.
    until
        The last operation that counts; all where it is None.
    """

    def __init__(
        self,
        tables: Tables,
        log: Log,
        grid: Grid,
        snapshot: Snapshot | None = None,
        until: int | None = None,
    ) -> None:
        self.fragment_ids = tables.fragment_ids
        """The id that each fragment was imported with, shape (imported fragments + 1,)."""
        self.truth_ids = tables.truth_ids
        """The id that each true object was imported with, shape (objects + 1,)."""
        self.score = tables.score
        """What a threshold is compared with, for each contact at creation; may be empty."""
        self.history = History() if snapshot is None else History.of_columns(snapshot.history)
        """Which edits are active."""
        self.carried: list[Carried] = [] if snapshot is None else _carried_of(snapshot)
        """What is remembered of each refinement, oldest first."""
        self.graph = _begun(tables) if snapshot is None else _restored(tables, snapshot)
        """The fragment graph as it is now."""
        self.count = 0 if snapshot is None else snapshot.operation
        """The newest operation that is in here."""
        self.replayed = 0
        """Work that the operations since the snapshot are: see `work_of`."""
        self.followed: FollowedSkeletons | None = None
        """Skeletons, where there are any."""
        self._log, self._grid = log, grid
        self._book = CellBook(tables.cells)
        self._standing: Standing | None = None
        self._runs: Runs | None = None
        for carried in self.carried:
            self._book.refine(self._fetch(carried.number))
        self._replay(until)

    @property
    def table(self) -> CellTable:
        """Cells and contacts as they are now."""
        return self._book.table

    @property
    def cells(self) -> Cells:
        """Cells as they are now; the same object until a fragment is cut."""
        return self._book.cells

    @property
    def standing(self) -> Standing:
        """Scores and mistakes as they are now, for a project with truth."""
        self.catch_up()
        if self._standing is None:
            self._standing = Standing(self.table, self.graph.segment, self._grid)
        return self._standing

    @property
    def runs(self) -> Runs | None:
        """Run lengths along skeletons as they are now, where there are skeletons."""
        self.catch_up()
        if self._runs is None and self.followed is not None:
            self._runs = self.followed.runs(self.graph.segment)
        return self._runs

    @property
    def names(self) -> npt.NDArray[np.uint64]:
        """The id of each fragment for people, shape (fragments + 1,).

        That it was imported with; a fragment made since has the next free one.
        """
        imported = self.fragment_ids
        made = np.arange(1, len(self.graph.segment) - len(imported) + 1, dtype=np.uint64)
        ids: npt.NDArray[np.uint64] = np.concatenate([imported, imported.max(initial=0) + made])
        return ids

    @property
    def has_truth(self) -> bool:
        """Whether any voxel has a truth."""
        return len(self.truth_ids) > 1

    def voi(self) -> Voi | None:
        """Return the variation of information from the truth, or None without truth."""
        return self.standing.voi() if self.has_truth else None

    def erl(self) -> float | None:
        """Return the expected run length in nm, or None without skeletons."""
        runs = self.runs
        return None if runs is None else runs.erl()

    def catch_up(self) -> None:
        """Let scores follow the edits since they were last asked for."""
        moved = self.graph.take_moved()
        for follower in (self._standing, self._runs):
            if follower is not None:
                follower.follow(self.graph.segment, moved)

    def follow(self, skeletons: FollowedSkeletons | None) -> None:
        """Let the run lengths along some skeletons follow the edits.

        Parameters
        ----------
        skeletons
            Skeletons with the fragments under their nodes as they are now.
        """
        self.followed, self._runs = skeletons, None

    def refine(self, refinement: Refinement) -> Edges:
        """Put a refinement into the tables; return the edges of its parts."""
        self.catch_up()
        self._book.refine(lambda: refinement)
        edges = refine(self.graph, refinement)
        if self._standing is not None:
            self._standing.refine(self.table, refinement.parts, self.graph.segment)
        if self.followed is not None:
            self.followed, self._runs = self.followed.refined(refinement), None
        return edges

    def remember_refinement(self, operation: int, refinement: Refinement, edges: Edges) -> None:
        """Remember how edges are carried over a refinement that is in the log."""
        pairs = frozenset(zip(edges.u.tolist(), edges.v.tolist(), strict=True))
        self.carried.append(
            Carried(operation, len(self.carried) + 1, refinement.parent, refinement.child, pairs)
        )

    def apply(self, operation: Operation) -> Operation:
        """Switch the edges of an operation; return it with what that changed.

        Raises
        ------
        EditError
            Everything has its state already.
        """
        ends = np.zeros(0, np.int64)
        if len(operation.edges) <= MOST_NAMED:
            ends = np.setdiff1d(operation.edges[:, :2], [BACKGROUND])
        before = np.unique(self.graph.segment[ends])
        changed = self.graph.apply(operation.edges, operation.made)
        if len(changed) == 0 and operation.kind != Kind.GO:
            raise EditError("nothing would change", where=str(operation.kind))
        return replace(
            operation,
            parent=self.history.head,
            edges=changed,
            segments_before=tuple(before.tolist()),
            segments_after=tuple(np.unique(self.graph.segment[ends]).tolist()),
        )

    def operation(self, number: int) -> Operation:
        """Return an operation of the log by its id.

        Raises
        ------
        EditError
            There is none with that id.
        """
        found = self._log.operations(number - 1, number) if 0 < number <= self.count else []
        if not found:
            raise EditError(
                f"there is no operation {number}", remedy="'project log' lists those there are"
            )
        return found[0]

    def refinements(self) -> list[Refinement]:
        """Return the cuts inside fragments, oldest first, read from the log."""
        stored = self._log.refinements(0, self.count)
        return [Refinement.from_bytes(one.content) for one in stored]

    def edits_by_hand(self) -> EdgeStates:
        """Return what the active edits but thresholds have set, named as it is now.

        An edge is there as often as it was set.
        """
        active = set(self.history.active())
        refined = iter([*self.carried, None])
        following, rows = next(refined), no_edges()
        stretch: list[EdgeStates] = []
        for number, states in edges_of_edits(self._log):
            while following is not None and following.operation <= number:
                rows = translated(np.concatenate([rows, *stretch]), following)
                stretch.clear()
                following = next(refined)
            if number in active:
                stretch.append(states)
        rows = np.concatenate([rows, *stretch])
        while following is not None:
            rows, following = translated(rows, following), next(refined)
        return rows

    def remember(self, operation: Operation) -> None:
        """Follow an operation that is in the log and was applied."""
        self.count = operation.id
        self.history.record(operation)

    def snapshot(self, digest: bytes) -> Snapshot:
        """Return everything that the log has changed; `digest` is that of the newest operation."""
        graph, edges = self.graph, self.graph.edges
        made = len(self.fragment_ids)
        pairs = [(n, u, v) for n, c in enumerate(self.carried) for u, v in sorted(c.pairs)]
        return Snapshot(
            operation=self.count,
            digest=digest,
            segment=graph.segment,
            deleted=np.flatnonzero(graph.deleted).astype(np.uint32),
            rank=graph.rank[made:],
            on=edges.on.first,
            late=edges.late,
            buried=np.flatnonzero(~edges.alive),
            history=self.history.columns(),
            carried=np.array(
                [(c.operation, c.number, c.parent, c.child) for c in self.carried], np.int64
            ).reshape(-1, 4),
            pairs=np.array(pairs, np.int64).reshape(-1, 3),
        )

    def _fetch(self, number: int) -> Callable[[], Refinement]:
        return lambda: Refinement.from_bytes(self._log.refinement(number).content)

    def _replay(self, until: int | None) -> None:
        """Apply what the log has since the snapshot, in stretches up to the next refinement."""
        stored = self._log.refinements(self.count, until)
        stretch: list[EdgeStates] = []
        made: list[Made] = []
        for operation in self._log.operations(self.count, until):
            self.replayed += work_of(operation)
            while stored and stored[0].operation == operation.id:
                self.graph.apply(latest(stretch), _all_made(made))
                stretch.clear()
                made.clear()  # edges that a cut hands over must not be made again
                refinement = Refinement.from_bytes(stored.pop(0).content)
                self.remember_refinement(operation.id, refinement, self.refine(refinement))
            stretch.append(operation.edges)
            made.append(operation.made)
            self.remember(operation)
        self.graph.apply(latest(stretch), _all_made(made))
        self.graph.take_moved()


MOST_NAMED = 100_000
"""An operation on more fragments than these, such as a threshold, does not name its segments."""


EDGES_AS_ONE = 20
"""Edges that take as long to be replayed as what comes with any operation."""


def work_of(operation: Operation) -> int:
    """Return how much replaying an operation is, as a number of small ones."""
    return 1 + len(operation.edges) // EDGES_AS_ONE


def latest(stretch: Sequence[EdgeStates]) -> EdgeStates:
    """Return the last state of every edge in a sequence of edge states."""
    if not stretch:
        return no_edges()
    rows = np.concatenate(stretch)[::-1]
    key = (rows[:, 0] << 32) | rows[:, 1]
    _, first = np.unique(key, return_index=True)
    states: EdgeStates = rows[first]
    return states


def _all_made(made: Sequence[Made]) -> Made:
    return np.concatenate([no_made(), *made])


def _begun(tables: Tables) -> FragmentGraph:
    """Return the graph as it was at creation."""
    graph = FragmentGraph(_switchable(tables.edges), tables.rank, tables.segment, tables.incidence)
    graph.add_edges(tables.strays)
    return graph


def _restored(tables: Tables, snapshot: Snapshot) -> FragmentGraph:
    """Return the graph as it was when a snapshot was made."""
    deleted = np.zeros(len(snapshot.segment), np.bool_)
    deleted[snapshot.deleted] = True
    graph = FragmentGraph(
        replace(tables.edges, on=snapshot.on),
        np.concatenate([tables.rank, snapshot.rank]),
        snapshot.segment,
        tables.incidence,
        deleted,
    )
    graph.add_edges(snapshot.late)
    graph.bury(snapshot.buried)
    return graph


def _switchable(edges: Edges) -> Edges:
    """Return edges whose states lie in memory, and not in a file."""
    return replace(edges, on=np.array(edges.on))


def _carried_of(snapshot: Snapshot) -> list[Carried]:
    pairs: list[list[tuple[int, int]]] = [[] for _ in snapshot.carried]
    for place, u, v in snapshot.pairs.tolist():
        pairs[place].append((u, v))
    return [
        Carried(operation, number, parent, child, frozenset(found))
        for (operation, number, parent, child), found in zip(
            snapshot.carried.tolist(), pairs, strict=True
        )
    ]


def nodes_now(
    followed: FollowedSkeletons, carried: Sequence[Carried], log: Log
) -> FollowedSkeletons:
    """Return skeletons whose nodes were looked up at creation as the log has cut since."""
    for one in carried:
        if (followed.fragment == one.parent).any():
            content = log.refinement(one.number).content
            followed = followed.refined(Refinement.from_bytes(content))
    return followed
