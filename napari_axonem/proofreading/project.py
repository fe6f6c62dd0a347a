"""A project: fragments, their graph, the log, and the edits on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from napari_axonem.errors import AxonemError, EditError, ProjectError, StorageError
from napari_axonem.evaluation.mistakes import Mistake
from napari_axonem.evaluation.replacement import replaced_cells
from napari_axonem.evaluation.scores import Voi
from napari_axonem.evaluation.skeletons.skeletons import Skeletons
from napari_axonem.evaluation.standing import USUAL, USUAL_RUNS, Choice, RunSettings, Standing
from napari_axonem.geometry import Nm
from napari_axonem.progress import Progress, silent
from napari_axonem.proofreading.edges import Ids
from napari_axonem.proofreading.folder import Folder, Tables
from napari_axonem.proofreading.followed import FollowedSkeletons
from napari_axonem.proofreading.fragmentcut import Surroundings
from napari_axonem.proofreading.graph import FragmentGraph
from napari_axonem.proofreading.history import History
from napari_axonem.proofreading.lock import WriterLock
from napari_axonem.proofreading.log import Log
from napari_axonem.proofreading.merging import plan_merge
from napari_axonem.proofreading.operation import Colour, Kind, Operation, Point
from napari_axonem.proofreading.refinement import Refinement
from napari_axonem.proofreading.sources import Sources
from napari_axonem.proofreading.splitting import Pick, SplitPlan, plan_split
from napari_axonem.proofreading.state import State
from napari_axonem.proofreading.states import ObjectSample, ObjectStates

REACH_NM = 60.0
"""How far from a click on background a fragment may lie to be taken for the one meant."""


class Project:
    """An open project.

    Parameters
    ----------
    path
        The project's folder, ``NAME.axonem``.
    writable
        Whether it may be edited. Only one process at a time can.

    Raises
    ------
    ProjectError
        There is no project, or it is of a newer version of the program.
    ProjectLockedError
        Another process has it open for writing.
    StorageError
        Its database is damaged or the disk refuses.
    """

    changed = Signal(Operation)
    """Sent after an operation is on disk and the segments have followed."""

    def __init__(self, path: Path | str, *, writable: bool = True) -> None:
        self.folder = Folder(Path(path))
        if not self.folder.database.is_file():
            raise ProjectError(
                "this is no project", where=path, remedy="make one with `project create`"
            )
        self.writable = writable
        self._lock = WriterLock(self.folder.root) if writable else None
        try:
            self.log = Log(self.folder.database, writable=writable)
            self.sources = Sources.open(self.folder, self.log.settings(), writable=writable)
            self.state = self._loaded()
            self._write_pending_voxels()
            self.objects = ObjectStates(self.log, lambda: self.state)
            self.sample = ObjectSample(self.log, lambda: self.state, self.objects)
        except BaseException:
            self._release()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the project; every confirmed operation is on disk already."""
        self.log.close()
        self._release()

    @property
    def name(self) -> str:
        """The project's name."""
        return self.folder.root.stem

    @property
    def graph(self) -> FragmentGraph:
        """The fragment graph as it is now."""
        return self.state.graph

    @property
    def history(self) -> History:
        """Which edits are active."""
        return self.state.history

    @property
    def operations(self) -> list[Operation]:
        """The log, oldest first."""
        return list(self.state.operations.values())

    @property
    def segment(self) -> Ids:
        """The segment of each fragment, uint32, shape (fragments + 1,)."""
        return self.graph.segment

    @property
    def has_truth(self) -> bool:
        """Whether ground truth was given that labels any voxel."""
        return len(self.state.truth_ids) > 1

    @property
    def voi_at_start(self) -> Voi | None:
        """The variation of information before the first edit, or None without truth."""
        return self.state.voi_at_start

    def pick(self, position_nm: Nm, colour: Colour | None = None) -> Pick:
        """Return the fragment at a position, or next to it when it is background.

        Raises
        ------
        EditError
            The position is outside of the volume or far from any fragment.
        """
        voxel, fragment = self.sources.nearest_fragment(position_nm, REACH_NM)
        return Pick(Point(position_nm, colour), fragment, voxel)

    def segment_at(self, position_nm: Nm) -> int:
        """Return the segment at a position (z, y, x) in nm; 0 for background or outside."""
        return int(self.segment[self.sources.fragment_at(position_nm)])

    @property
    def standing(self) -> Standing:
        """Scores and mistakes, which follow each edit.

        Raises
        ------
        ProjectError
            The project has no truth.
        """
        if not self.has_truth:
            raise ProjectError(
                "it has no ground truth", where=self.name, remedy="create it with --truth"
            )
        return self.state.standing

    def voi(self) -> Voi | None:
        """Return the variation of information from the truth, or None without truth."""
        return self.standing.voi() if self.has_truth else None

    def mistakes(self, choice: Choice = USUAL, limit: int | None = None) -> list[Mistake]:
        """Return the false splits and false merges against the truth, worst first.

        Parameters
        ----------
        choice
            Which ones.
        limit
            At most so many.

        Raises
        ------
        ProjectError
            The project has no truth.
        """
        return self.standing.mistakes(choice, limit)

    def follow_skeletons(
        self,
        skeletons: Skeletons,
        settings: RunSettings = USUAL_RUNS,
        progress: Progress = silent,
    ) -> None:
        """Score the run length along skeletons of the truth from now on (`erl`).

        Raises
        ------
        VolumeError
            The fragments cannot be read.
        """
        volume, truth_ids = self.sources.fragments.volume, self.state.truth_ids
        self.state.follow(FollowedSkeletons.on(volume, skeletons, truth_ids, settings, progress))

    def erl(self) -> float | None:
        """Return the expected run length in nm, or None without skeletons."""
        runs = self.state.runs
        return None if runs is None else runs.erl()

    def erl_gain(self, mistake: Mistake) -> float | None:
        """Return by how many nm the repair of one mistake alone would raise `erl`."""
        runs, followed = self.state.runs, self.state.followed
        if runs is None or followed is None:
            return None
        return followed.erl_after(runs, mistake) - runs.erl()

    def exported_ids(self) -> npt.NDArray[np.uint64]:
        """Return the id that each fragment is exported with, shape (fragments + 1,).

        A segment takes the id that its name-giving fragment was imported with; a fragment
        made since takes the next free one.
        """
        imported = self.state.fragment_ids
        made = np.arange(1, len(self.segment) - len(imported) + 1, dtype=np.uint64)
        ids = np.concatenate([imported, imported.max(initial=0) + made])
        exported: npt.NDArray[np.uint64] = ids[self.segment]
        return exported

    def merge(self, positions_nm: Sequence[Nm]) -> Operation:
        """Join the segments at the positions (z, y, x) in nm.

        Raises
        ------
        EditError
            Fewer than two positions, one without an object, or all in one segment already.
        """
        picks = [self.pick(position) for position in positions_nm]
        fragments = tuple(pick.fragment for pick in picks)
        states = plan_merge(
            self.graph, fragments, np.asarray(positions_nm, dtype=float), self.sources.grid
        )
        points = tuple(pick.point for pick in picks)
        return self._commit(Operation(Kind.MERGE, points=points, fragments=fragments, edges=states))

    def plan_split(self, red_nm: Iterable[Nm], blue_nm: Iterable[Nm]) -> SplitPlan:
        """Work out a split between positions of two colours; nothing is changed.

        Raises
        ------
        EditError
            See `napari_axonem.proofreading.splitting.plan_split`.
        """
        picks = [self.pick(position, Colour.RED) for position in red_nm]
        picks += [self.pick(position, Colour.BLUE) for position in blue_nm]
        surroundings = Surroundings(
            self.sources.fragments.volume,
            None if self.sources.truth is None else self.sources.truth.volume,
            self.sources.image,
            self.sources.affinities,
            self.state.table.cells,
        )
        return plan_split(self.graph, picks, surroundings)

    def voi_after(self, plan: SplitPlan) -> Voi | None:
        """Return the variation of information that a planned split would give."""
        if not self.has_truth:
            return None
        standing, fragments = self.standing, np.array(list(plan.components), np.int64)
        cells = standing.cells_of(fragments[fragments < len(self.segment)])
        for refinement in plan.refinements:
            cells = replaced_cells(cells, refinement.table, refinement.parts)
        unused = len(self.segment) + len(plan.refinements)
        component = np.array([plan.components[f] for f in cells.fragment.tolist()], np.int64)
        return standing.voi_after(cells, plan.segment, unused + component)

    def split(self, plan: SplitPlan) -> Operation:
        """Take a planned split.

        Raises
        ------
        EditError
            The project was edited since the plan was made.
        """
        known = self.graph.n_fragments
        members = np.sort(np.concatenate([plan.red, plan.blue]))
        if not np.array_equal(members[members <= known], self.graph.members(plan.segment)):
            raise EditError(
                "the object was edited since the split was worked out",
                where="split",
                remedy="work it out again",
            )
        operation = Operation(
            Kind.SPLIT, points=plan.points, fragments=plan.fragments, edges=plan.states
        )
        return self._commit(operation, plan.refinements)

    def undo(self) -> Operation:
        """Take the newest active edit back.

        Raises
        ------
        EditError
            There is none.
        """
        return self._commit(self.state.turned(Kind.UNDO))

    def redo(self) -> Operation:
        """Bring the edit undone last again.

        Raises
        ------
        EditError
            There is none.
        """
        return self._commit(self.state.turned(Kind.REDO))

    def _commit(self, operation: Operation, refinements: Sequence[Refinement] = ()) -> Operation:
        """Put an operation on disk, then into the tables and the voxels, and tell about it."""
        if not self.writable:
            raise EditError("the project is open read-only", where=self.name)
        self.objects.refuse_locked(operation.concerned, where=str(operation.kind))
        try:
            fresh = [(refinement, self.state.refine(refinement)) for refinement in refinements]
            applied = self.state.apply(operation)
            voi = self.voi()
            done = self.log.append(
                replace(applied, voi=None if voi is None else (voi.split, voi.merge)),
                [refinement.to_bytes() for refinement in refinements],
            )
        except BaseException:
            followed = self.state.followed
            self.state = self._loaded()
            if followed is not None:  # the log says what its nodes lie on
                self.follow_skeletons(followed.skeletons, followed.settings)
            raise
        self.state.refined += [(done.id, refinement, edges) for refinement, edges in fresh]
        self.state.remember(done)
        self._write_voxels(done.id, refinements)
        self.changed.emit(done)
        return done

    def _loaded(self) -> State:
        return State(Tables.load(self.folder.tables), self.log, self.sources.grid)

    def _write_pending_voxels(self) -> None:
        """Write the voxels of refinements that a crash may have kept from the disk."""
        if not self.writable:
            return
        pending = [r.operation for r in self.log.refinements() if not r.written]
        # Later ones too, in order: they may have cut what the first pending one made.
        for operation, refinement, _ in self.state.refined if pending else ():
            if operation >= pending[0]:
                self._write_voxels(operation, [refinement])

    def _write_voxels(self, operation: int, refinements: Sequence[Refinement]) -> None:
        """Write what the log holds already; a failure here loses nothing, but ends editing."""
        try:
            for refinement in refinements:
                self.sources.write_child(refinement)
            if refinements:
                self.log.mark_written(operation)
        except (AxonemError, OSError) as error:
            self.writable = False
            raise StorageError(
                f"the cut is in the log but its voxels could not be written ({error})",
                where=self.name,
                remedy="free some disk space and open the project again; nothing is lost",
            ) from error

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()
