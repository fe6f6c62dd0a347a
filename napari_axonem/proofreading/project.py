"""A project: fragments, their graph, the log, and the edits on them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import numpy.typing as npt
from psygnal import Signal

from napari_axonem.errors import EditError, StorageError
from napari_axonem.geometry import Box, Nm
from napari_axonem.proofreading.keeper import Guard, Keeper
from napari_axonem.proofreading.plans.branching import plan_cut_off
from napari_axonem.proofreading.plans.detaching import deleted, isolated, made_new
from napari_axonem.proofreading.plans.merging import merged, nearest_other
from napari_axonem.proofreading.plans.painting import Brush, erased, painted
from napari_axonem.proofreading.plans.splitting import SplitPlan, plan_split
from napari_axonem.proofreading.plans.thresholding import at_threshold
from napari_axonem.proofreading.plans.turning import gone_to, redone, undone
from napari_axonem.proofreading.pointed import Pointed
from napari_axonem.proofreading.record.folder import Folder
from napari_axonem.proofreading.record.glance import marked
from napari_axonem.proofreading.record.history import History
from napari_axonem.proofreading.record.log import Log, Operations
from napari_axonem.proofreading.record.operation import Colour, Kind, Operation
from napari_axonem.proofreading.states import ObjectSample, ObjectStates
from napari_axonem.proofreading.tables.edges import Ids
from napari_axonem.proofreading.tables.graph import FragmentGraph
from napari_axonem.proofreading.tables.refinement import Finish, Refinement
from napari_axonem.proofreading.tables.sources import Sources
from napari_axonem.proofreading.tables.state import State


class Project(Pointed):
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

    written = Signal(Box)
    """Sent before that for each box of fragments, in voxels, that a cut has written."""

    def __init__(self, path: Path | str, *, writable: bool = True) -> None:
        super().__init__(Keeper(Folder(Path(path)), writable=writable))
        keeper = self.keeper
        self.objects = ObjectStates(keeper.log, lambda: keeper.state)
        """What was said of objects: done, locked, to be discussed."""
        self.sample = ObjectSample(keeper.log, lambda: keeper.state, self.objects)
        """Finished objects drawn at random, and what was found in them."""
        keeper.guards.append(self.objects.guard)

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
        self.keeper.close()

    @property
    def folder(self) -> Folder:
        """Where everything lies."""
        return self.keeper.folder

    @property
    def writable(self) -> bool:
        """Whether it may be edited; a disk that refuses the voxels of a cut ends that."""
        return self.keeper.writable

    @property
    def trouble(self) -> str:
        """What a person should know of the disk; empty where all is well."""
        return self.keeper.trouble

    @property
    def log(self) -> Log:
        """The database."""
        return self.keeper.log

    @property
    def sources(self) -> Sources:
        """The voxels."""
        return self.keeper.sources

    @property
    def state(self) -> State:
        """Graph, cells and history as they are now."""
        return self.keeper.state

    @property
    def guards(self) -> list[Guard]:
        """Asked before every edit, undo and redo, with the segments concerned; may refuse it."""
        return self.keeper.guards

    @property
    def name(self) -> str:
        """The project's name."""
        return self.keeper.name

    @property
    def graph(self) -> FragmentGraph:
        """The fragment graph as it is now."""
        return self.state.graph

    @property
    def history(self) -> History:
        """Which edits are active."""
        return self.state.history

    @property
    def operations(self) -> Operations:
        """The log, oldest first, read when it is looked at."""
        return self.keeper.operations.grow(self.state.count)

    @property
    def segment(self) -> Ids:
        """The segment of each fragment, uint32, shape (fragments + 1,)."""
        return self.graph.segment

    def exported_ids(self) -> npt.NDArray[np.uint64]:
        """Return the id that each fragment is exported with, shape (fragments + 1,).

        A segment takes the id that its name-giving fragment was imported with; a fragment
        made since takes the next free one.
        """
        exported: npt.NDArray[np.uint64] = self.state.names[self.segment]
        return exported

    def merge(self, positions_nm: Sequence[Nm], reach_nm: float = 0.0) -> Operation:
        """Join the objects at the positions (z, y, x) in nm, however many.

        Parameters
        ----------
        reach_nm
            One position is enough where this is not 0: the object there is joined to the
            nearest other one, at most so far away, across a gap too.

        Raises
        ------
        EditError
            Fewer than two positions, one without an object, or all in one object already.
        """
        picks = [self.pick(position) for position in positions_nm]
        if len(picks) == 1 and reach_nm:
            picks.append(nearest_other(self.graph, self.sources, picks[0], reach_nm))
        return self._commit(merged(self.graph, picks, self.sources.grid))

    def merge_objects(self, segments: Sequence[int]) -> Operation:
        """Join objects, such as those that are selected, wherever they touch or lie nearest.

        Raises
        ------
        EditError
            Fewer than two, or one that is not there.
        """
        picks = [self._pick_in(segment) for segment in dict.fromkeys(segments)]
        return self._commit(merged(self.graph, picks, self.sources.grid))

    def plan_split(self, *sides_nm: Iterable[Nm]) -> SplitPlan:
        """Work out a split between positions of two colours or more; nothing is changed.

        Parameters
        ----------
        sides_nm
            Positions (z, y, x) in nm of each colour, in the order of `Colour`: red, blue and so on;
            a colour may have none.

        Raises
        ------
        EditError
            See `napari_axonem.proofreading.plans.splitting.plan_split`.
        """
        if len(sides_nm) > len(Colour):
            raise EditError(
                f"{len(sides_nm)} sides", where="split", remedy=f"at most {len(Colour)} at once"
            )
        sides = zip(Colour, sides_nm, strict=False)
        picks = [self.pick(position, colour) for colour, side in sides for position in side]
        return plan_split(self.graph, picks, self.surroundings())

    def plan_cut_off(self, position_nm: Nm) -> SplitPlan:
        """Work out the branch that hangs on an object beyond a position; nothing is changed.

        `napari_axonem.proofreading.plans.branching.plan_cut_off` says what counts as the branch.

        Raises
        ------
        EditError
            The object is a single fragment.
        """
        return plan_cut_off(self.graph, self.pick(position_nm))

    def split(self, plan: SplitPlan, kind: Kind = Kind.SPLIT) -> Operation:
        """Take a planned split, or the planned cut of a branch (`Kind.CUT_OFF`).

        Raises
        ------
        EditError
            The project was edited since the plan was made.
        """
        known = self.graph.n_fragments
        members = plan.members
        if not np.array_equal(members[members <= known], self.graph.members(plan.segment)):
            raise EditError(
                "the object was edited since the split was worked out",
                where="split",
                remedy="work it out again",
            )
        operation = Operation(kind, points=plan.points, fragments=plan.fragments, edges=plan.states)
        return self._commit(operation, plan.refinements)

    def isolate(self, positions_nm: Sequence[Nm]) -> Operation:
        """Cut the fragment at each position off from everything else.

        Raises
        ------
        EditError
            Each is an object by itself already.
        """
        return self._commit(isolated(self.graph, self._picks(positions_nm)))

    def new_object(self, positions_nm: Sequence[Nm]) -> Operation:
        """Make one object of the fragments at the positions, whatever they were parts of.

        Raises
        ------
        EditError
            They are one object already.
        """
        return self._commit(made_new(self.graph, self._picks(positions_nm)))

    def delete(self, positions_nm: Sequence[Nm]) -> Operation:
        """Make background of the objects at the positions, until undo brings them back.

        Raises
        ------
        EditError
            There is no object at a position.
        """
        return self._commit(deleted(self.graph, self._picks(positions_nm)))

    def paint(self, object_nm: Nm, brush: Brush, *, over: bool = False) -> Operation:
        """Make the voxels under a brush part of the object at a position.

        Parameters
        ----------
        over
            Whether other objects lose their voxels to it; else only background is painted.

        Raises
        ------
        EditError
            The brush covers nothing that could be painted.
        """
        pick = self.pick(object_nm)
        return self._commit(*painted(self.graph, pick, brush, self.surroundings(), over=over))

    def erase(self, brush: Brush, object_nm: Nm | None = None) -> Operation:
        """Make background of the voxels under a brush.

        Parameters
        ----------
        object_nm
            A position in the object that alone loses voxels; every object does where it is None.

        Raises
        ------
        EditError
            The brush covers nothing that could be erased.
        """
        pick = None if object_nm is None else self.pick(object_nm)
        return self._commit(*erased(self.graph, pick, brush, self.surroundings()))

    def set_threshold(self, threshold: float) -> Operation:
        """Agglomerate anew at a threshold, and keep what active edits have set.

        Raises
        ------
        EditError
            No contact has a score, or nothing would change.
        """
        return self._commit(at_threshold(self.state, threshold))

    def undo(self) -> Operation:
        """Take the newest active edit back.

        Raises
        ------
        EditError
            There is none.
        """
        return self._commit(undone(self.state))

    def redo(self) -> Operation:
        """Bring the edit undone last again.

        Raises
        ------
        EditError
            There is none.
        """
        return self._commit(redone(self.state))

    def go_to(self, place: int | str) -> Operation:
        """Make the project what it was after an operation, in one step that undo can take back.

        Nothing is lost: edits since then stay in the log, and going to them brings them again.

        Parameters
        ----------
        place
            The id of an operation, 0 for the beginning, or the name of a mark.

        Raises
        ------
        EditError
            There is no such place, or the project is like that already.
        """
        number = marked(self.log, place) if isinstance(place, str) else place
        if number is None:
            raise EditError(
                f"there is no mark {place!r}", remedy="'project log' lists those there are"
            )
        return self._commit(gone_to(self.state, number))

    def mark(self, name: str) -> Operation:
        """Give the place that the log has come to a name, for `go_to`.

        Raises
        ------
        EditError
            The name is empty.
        """
        if not name.strip():
            raise EditError("a mark needs a name", where=str(Kind.MARK))
        return self._commit(Operation(Kind.MARK, name=name.strip(), parent=self.history.head))

    def _commit(
        self, edit: Operation | Finish, refinements: Sequence[Refinement] = ()
    ) -> Operation:
        """Put an edit on disk, then into the tables and the voxels, and tell about it.

        One whose voxels the disk refuses is told as well: it is done, but for them.
        """
        before = self.state.count
        try:
            done = self.keeper.commit(edit, refinements)
        except StorageError:
            if self.state.count > before:
                self._tell(self.operations[-1], refinements)
            raise
        self._tell(done, refinements)
        return done

    def _tell(self, done: Operation, refinements: Sequence[Refinement]) -> None:
        for refinement in refinements:
            self.written.emit(refinement.box)
        self.changed.emit(done)
