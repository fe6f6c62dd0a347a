"""What keeps a project: its files, open, and the one way in which an edit gets into them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import groupby
from operator import attrgetter

import numpy as np

from napari_axonem.errors import AxonemError, EditError, StorageError
from napari_axonem.evaluation.skeletons import Skeletons, read_skeletons
from napari_axonem.evaluation.standing import USUAL_RUNS, RunSettings
from napari_axonem.progress import Progress, silent
from napari_axonem.proofreading.record import highest
from napari_axonem.proofreading.record.backups import Backups, require_database
from napari_axonem.proofreading.record.echo import Echo, require_newest
from napari_axonem.proofreading.record.folder import Folder
from napari_axonem.proofreading.record.lock import WriterLock
from napari_axonem.proofreading.record.log import Log, Operations
from napari_axonem.proofreading.record.operation import Kind, Operation
from napari_axonem.proofreading.tables.edges import Ids
from napari_axonem.proofreading.tables.followed import FollowedSkeletons
from napari_axonem.proofreading.tables.graph import BACKGROUND
from napari_axonem.proofreading.tables.refinement import Finish, Refinement
from napari_axonem.proofreading.tables.snapshots import newest
from napari_axonem.proofreading.tables.sources import Sources
from napari_axonem.proofreading.tables.state import State, nodes_now, work_of
from napari_axonem.proofreading.tables.stored import Tables, warm

Guard = Callable[[Operation, Ids], None]
"""Is given an edit that is about to be done and the segments that it concerns; raises
`EditError` to refuse it."""

SNAPSHOT_EVERY = 2000
"""Operations, as `work_of` counts them, after which a snapshot is made, so that opening replays no
more than these."""

WORTH_A_SNAPSHOT = 200
"""Operations since the last one for which closing makes another."""


class Keeper:
    """An open project, as far as disk and memory have to agree.

    Parameters
    ----------
    folder
        The project.
    writable
        Whether it may be edited. Only one process at a time can.

    Raises
    ------
    ProjectError, ProjectLockedError, StorageError
        See `napari_axonem.proofreading.project.Project`.
    """

    def __init__(self, folder: Folder, *, writable: bool) -> None:
        require_database(folder)
        self.folder = folder
        self.writable = writable
        self.guards: list[Guard] = []
        self._lock = WriterLock(folder.root) if writable else None
        self._backups: Backups | None = None
        with ExitStack() as unless_opened:
            unless_opened.callback(self._release)
            echo = Echo(folder.backups) if writable else None
            self.log = Log(folder.database, writable=writable, echo=echo)
            unless_opened.callback(self.log.close)
            self.operations = Operations(self.log)
            self.settings = self.log.settings()
            self.sources = Sources.open(folder, self.settings, writable=writable)
            self._skeletons = read_skeletons(folder.skeletons) if _has_skeletons(folder) else None
            self._runs = USUAL_RUNS
            self.state = self._loaded()
            self._unsnapped = self.state.replayed
            if writable:
                highest.require_known(folder, self.state.graph.n_fragments)
                require_newest(folder.backups, self.log.mark())
            self._write_pending_voxels()
            if echo is not None:
                warm(folder.tables)
                self._backups = Backups(folder, self.state.count, echo, self.log.mark())
                self._keep_copies()
            unless_opened.pop_all()

    @property
    def name(self) -> str:
        """The project's name."""
        return self.folder.root.stem

    @property
    def trouble(self) -> str:
        """What a person should know of the disk; empty where all is well."""
        if self._backups is None or not self._backups.are_behind:
            return ""
        return f"it is safe, but the disk refuses its second record in {self.folder.backups}"

    def close(self) -> None:
        """Let go of everything; every confirmed operation is on disk already."""
        try:
            if self._backups is not None:
                if self._unsnapped >= WORTH_A_SNAPSHOT:
                    self._make_snapshot()
                self._backups.close(self.state.count)
                self._backups = None
        finally:
            self.log.close()
            self._release()

    def commit(self, edit: Operation | Finish, refinements: Sequence[Refinement]) -> Operation:
        """Put an operation on disk, into the tables and into the voxels.

        Parameters
        ----------
        edit
            The operation, or what gives it once the refinements are in the tables.

        Raises
        ------
        EditError
            The project is read-only, a guard refuses, or nothing would change.
        StorageError
            The disk refuses. Where it refuses the log, memory is as it was before. Where it refuses
            the voxels of a cut, the operation is in the log and in memory, and editing ends.
        """
        if not self.writable:
            raise EditError("the project is open read-only", where=self.name)
        changing = bool(refinements)
        try:
            fresh = [(refinement, self.state.refine(refinement)) for refinement in refinements]
            operation = edit if isinstance(edit, Operation) else edit(self.state.graph)
            self._ask_guards(operation)
            changing = True
            applied = self._applied(operation)
            done = self.log.append(applied, [refinement.to_bytes() for refinement in refinements])
            for refinement, edges in fresh:
                self.state.remember_refinement(done.id, refinement, edges)
            self.state.remember(done)
            self._unsnapped += work_of(done)
        except BaseException:
            if changing:
                self._load_anew()
            raise
        self._write_voxels(done.id, refinements)
        self._keep_copies(cut=bool(refinements))
        return done

    def follow(
        self, skeletons: Skeletons, settings: RunSettings, progress: Progress = silent
    ) -> None:
        """Score the run length along skeletons from now on, looked up where the voxels are now."""
        volume, truth_ids = self.sources.fragments.volume, self.state.truth_ids
        self.state.follow(FollowedSkeletons.on(volume, skeletons, truth_ids, settings, progress))

    def _ask_guards(self, operation: Operation) -> None:
        """Let whoever guards objects refuse an edit, before anything of it is done."""
        if not self.guards:
            return
        ends = np.unique(operation.edges[:, :2])
        concerned = np.setdiff1d(self.state.graph.segment[ends], [BACKGROUND]).astype(np.uint32)
        for guard in self.guards:
            guard(operation, concerned)

    def _applied(self, operation: Operation) -> Operation:
        """Apply an operation, and return it with what that changed and the scores."""
        if operation.kind == Kind.MARK:
            return operation
        applied = self.state.apply(operation)
        voi = self.state.voi()
        scores = None if voi is None else (voi.split, voi.merge)
        return replace(applied, voi=scores, erl_nm=self.state.erl())

    def _keep_copies(self, *, cut: bool = False) -> None:
        """Make a snapshot and a backup, where it is time to; a failure is none of an edit."""
        if self._unsnapped >= SNAPSHOT_EVERY:
            self._make_snapshot()
        if self._backups is not None:
            self._backups.follow(self.state.count, cut=cut)

    def _make_snapshot(self) -> None:
        if not self.writable:  # what is in memory may not be what the log says
            return
        with suppress(StorageError):
            _, digest = self.log.last()
            self.state.snapshot(digest).save(self.folder.snapshots)
        self._unsnapped = 0

    def _load_anew(self) -> None:
        """Forget what is in memory and not in the log; a log that cannot be read ends editing."""
        followed = self.state.followed
        try:
            self.state = self._loaded()
            self._write_pending_voxels()  # of an operation that was stopped once it was in the log
        except BaseException:
            self.writable = False  # nothing may be built on what the log does not know
            raise
        if followed is not None:
            self.follow(followed.skeletons, followed.settings)

    def _loaded(self) -> State:
        tables = Tables.load(self.folder.tables)
        snapshot = newest(self.folder.snapshots, self.log)
        state = State(tables, self.log, self.sources.grid, snapshot)
        if self._skeletons is not None:
            followed = FollowedSkeletons.known(
                self._skeletons,
                tables.node_fragment,
                state.truth_ids,
                self.sources.grid,
                self._runs,
            )
            state.follow(nodes_now(followed, state.carried, self.log))
        return state

    def _write_pending_voxels(self) -> None:
        """Write the voxels of refinements that a crash may have kept from the disk."""
        pending = self.log.unwritten() if self.writable else []
        # Later ones too, in order: they may have cut what the first pending one made.
        again = self.log.refinements(pending[0].operation - 1) if pending else ()
        for operation, stored in groupby(again, key=attrgetter("operation")):
            self._write_voxels(operation, [Refinement.from_bytes(one.content) for one in stored])

    def _write_voxels(self, operation: int, refinements: Sequence[Refinement]) -> None:
        """Write what the log holds already; a failure here loses nothing, but ends editing.

        Parameters
        ----------
        refinements
            All those of the operation, as they count as written together.
        """
        try:
            if refinements:
                # before the voxels have it: see `highest`
                highest.note(self.folder, max(one.child for one in refinements))
                self.sources.write_children(refinements)
                self.log.mark_written(operation)
        except (AxonemError, OSError) as error:
            self.writable = False
            raise StorageError(
                f"the cut is in the log but its voxels could not be written ({error})",
                where=self.name,
                remedy="free some disk space and open the project again; nothing is lost",
            ) from error
        except BaseException:  # a later cut would be worked out on voxels that are not there
            self.writable = False
            raise

    def _release(self) -> None:
        if self._lock is not None:
            self._lock.release()


def _has_skeletons(folder: Folder) -> bool:
    return folder.skeletons.is_file()
