"""Another agglomeration over the same fragments, with the user's edits kept on top."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import EditError
from napari_axonem.proofreading.record.operation import Kind, Operation
from napari_axonem.proofreading.tables.graph import BACKGROUND
from napari_axonem.proofreading.tables.state import State


def at_threshold(state: State, threshold: float) -> Operation:
    """Return what turns on the edges whose score is at least a threshold, and the others off.

    The score of an edge is that of the agglomeration's merge tree where the project has one, else
    the mean affinity. Edges that an active edit has set stay as they are, and so do edges without
    a score: those made by hand and across a gap.

    Raises
    ------
    EditError
        The threshold is out of 0 to 1, no edge has a score, or nothing would change.
    """
    if not 0 <= threshold <= 1:
        raise EditError(
            f"a threshold of {threshold:g}", where=str(Kind.THRESHOLD), remedy="choose one in 0..1"
        )
    score = scores(state)
    edges = state.graph.edges
    known = np.isfinite(score) & edges.alive
    if not known.any():
        raise EditError(
            "no contact has an affinity to compare with",
            where=str(Kind.THRESHOLD),
            remedy="create the project with --affinities",
        )
    fixed = state.edits_by_hand()
    fixed = fixed[fixed[:, 0] != BACKGROUND]
    rows = state.graph.find(fixed[:, 0], fixed[:, 1])
    known[rows[rows >= 0]] = False
    on = edges.on.whole()
    changed = np.flatnonzero(known & ((score >= threshold) != on))
    if not len(changed):
        raise EditError(
            f"nothing would change at {threshold:g}",
            where=str(Kind.THRESHOLD),
            remedy="edges that were set by hand stay as they are",
        )
    columns = edges.u[changed], edges.v[changed], ~on[changed]
    states = np.stack([column.astype(np.int64) for column in columns], axis=1)
    return Operation(Kind.THRESHOLD, edges=states, threshold=threshold)


def scores(state: State) -> npt.NDArray[np.float32]:
    """Return what a threshold is compared with, for every edge, nan where there is nothing."""
    edges = state.graph.edges
    if not len(state.score):
        return edges.affinity.whole()
    late = np.full(len(edges) - len(state.score), np.nan, np.float32)
    return np.concatenate([state.score, late])
