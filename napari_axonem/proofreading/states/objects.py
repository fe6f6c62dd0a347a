"""The states of the objects of an open project as they are now.

Segments get other names by edits, so what is said is kept with the fragment pointed at. After an
edit:

- *done* is said of a whole. An object that gained or lost anything is open again (whoever joined
  it to something has to say again that it is done), until that edit is undone.
- *locked* objects take no edit at all, no undo and no redo either, until they are unlocked.
- *to be discussed* and notes stay with the place that was pointed at: after a split with its side,
  after a merge with the whole.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable

import numpy as np

from napari_axonem.errors import EditError
from napari_axonem.proofreading.record.log import Log
from napari_axonem.proofreading.record.operation import Operation
from napari_axonem.proofreading.states.coverage import Coverage, coverage_of
from napari_axonem.proofreading.states.extent import Extents, Index
from napari_axonem.proofreading.states.statement import ORDER, ObjectState, Said, Statement
from napari_axonem.proofreading.states.store import StateStore
from napari_axonem.proofreading.tables.edges import Ids
from napari_axonem.proofreading.tables.state import State

UNLOCK = "unlock it in the dock Objects, or with `mark PROJECT Z,Y,X --state none`"

OPEN = Said()
"""What holds for an object of which nothing was said."""


class ObjectStates:
    """What was said of objects.

    Parameters
    ----------
    log
        The project's database.
    state
        Returns the state of the project now.
    """

    def __init__(self, log: Log, state: Callable[[], State]) -> None:
        self._state = state
        self._store = StateStore(log)
        self._statements = self._store.statements()
        self._extents = Extents()
        self._known: tuple[object, ...] = ()
        self._said: dict[int, Said] = {}

    def of(self, segment: int) -> Said:
        """Return what holds for a segment."""
        return self.all().get(segment, OPEN)

    def all(self) -> dict[int, Said]:
        """Return what holds for each segment of which something does."""
        state = self._state()
        known = (state, state.count, self._statements)
        if len(known) != len(self._known) or any(
            a is not b and a != b for a, b in zip(known, self._known, strict=True)
        ):
            self._said, self._known = self._looked_up(), known
        return self._said

    def finished(self) -> frozenset[int]:
        """Return the segments that are done or locked."""
        return frozenset(segment for segment, said in self.all().items() if said.finished)

    def voxels(self, segment: int) -> int:
        """Return the number of voxels of a segment."""
        return int(self.sizes([segment])[0])

    def sizes(self, segments: Iterable[int]) -> Index:
        """Return the voxels of each of some segments, in their order, int64, shape (n,)."""
        state, wanted = self._state(), np.fromiter(segments, np.int64)
        names, place = np.unique(wanted, return_inverse=True)
        fragments = state.graph.members(*names.tolist())
        own = np.searchsorted(names, state.graph.segment[fragments])
        voxels = self._extents.voxels(state)[fragments]
        sizes = np.zeros(len(names), np.int64)
        np.add.at(sizes, own, voxels)
        found: Index = sizes[place]
        return found

    def fragment_voxels(self) -> Index:
        """Return the voxels of each fragment, int64, shape (fragments + 1,)."""
        return self._extents.voxels(self._state())

    def coverage(self) -> Coverage:
        """Return how much of the volume is finished."""
        state = self._state()
        return coverage_of(state, self.finished(), self._extents.voxels(state))

    def say(self, fragment: int, state: ObjectState, note: str | None = None) -> Said:
        """Say something of the object that holds a fragment; it is on disk when this returns.

        Parameters
        ----------
        note
            Takes the place of the notes there are; None leaves them.

        Raises
        ------
        EditError
            The fragment is background.
        """
        segment = int(self._state().graph.segment[fragment])
        if not segment:
            raise EditError("there is no object to mark", where="mark", remedy="point at one")
        here = [s for s in self._statements if self._segment_of(s) == segment]
        (extent,) = self._extent_of([segment]).values()
        over = [s for s in here if s.state != ObjectState.DONE or s.extent == extent]
        kept = _joined(s.note for s in here) if note is None else note.strip()
        added = [Statement(fragment, state, kept, extent)]
        if state == ObjectState.NONE and not kept:
            added = []
        # a statement that an undo may bring back stays, but its note is with the new one now
        bared = [s.id for s in here if s not in over and s.note]
        self._store.exchange([s.id for s in over], bared, added)
        self._statements = self._store.statements()
        return self.of(segment)

    def guard(self, operation: Operation, segments: Ids) -> None:
        """Refuse an operation on locked objects.

        Parameters
        ----------
        segments
            The segments that it concerns.

        Raises
        ------
        EditError
            One of them is locked.
        """
        concerned = operation.concerned | set(segments.tolist())
        self.refuse_locked(concerned, where=str(operation.kind))

    def refuse_locked(self, fragments: Iterable[int], where: str) -> None:
        """Raise an error where one of the fragments is part of a locked object.

        Raises
        ------
        EditError
            With who locked it, when, and how to unlock it.
        """
        segment = self._state().graph.segment
        locked = {self._segment_of(s): s for s in self._statements if s.state == ObjectState.LOCKED}
        if not locked:
            return
        for fragment in fragments:
            found = locked.get(int(segment[fragment])) if fragment < len(segment) else None
            if found is not None:
                raise EditError(
                    f"object {int(segment[fragment])} was locked by {found.user} on "
                    f"{found.time[:10]}",
                    where=where,
                    remedy=UNLOCK,
                )

    def _segment_of(self, statement: Statement) -> int:
        return int(self._state().graph.segment[statement.fragment])

    def _extent_of(self, segments: Iterable[int]) -> dict[int, int]:
        names: Index = np.unique(np.fromiter(segments, np.int64))
        extents = self._extents.of(self._state(), names)
        return dict(zip(names.tolist(), extents.tolist(), strict=True))

    def _looked_up(self) -> dict[int, Said]:
        by_segment: dict[int, list[Statement]] = defaultdict(list)
        for statement in self._statements:
            by_segment[self._segment_of(statement)].append(statement)
        by_segment.pop(0, None)
        done = (
            s for s, said in by_segment.items() if any(x.state == ObjectState.DONE for x in said)
        )
        extent = self._extent_of(done)
        found = {
            segment: _holding(said, extent.get(segment, 0)) for segment, said in by_segment.items()
        }
        return {segment: said for segment, said in found.items() if said != OPEN}


def _holding(said: list[Statement], extent: int) -> Said:
    """Return what holds of what was said of one object."""
    valid = [s for s in said if s.state != ObjectState.DONE or s.extent == extent]
    first = min(valid, key=lambda s: (ORDER.index(s.state), -s.id), default=None)
    note = _joined(s.note for s in said)
    if first is None or first.state == ObjectState.NONE:
        return Said(note=note)
    return Said(first.state, note, first.time, first.user)


def _joined(notes: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(note for note in notes if note))
