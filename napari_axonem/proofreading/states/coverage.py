"""How much of a volume is finished: objects, voxels and run length."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from napari_axonem.proofreading.state import State
from napari_axonem.proofreading.states.extent import Index


@dataclass(frozen=True, slots=True)
class Coverage:
    """What is finished of what there is."""

    objects: int
    """Objects in all."""

    finished_objects: int
    """Objects that are done or locked."""

    voxels: int
    """Voxels of all objects, background left out."""

    finished_voxels: int
    """Voxels of finished objects."""

    run_nm: float | None = None
    """Length of all skeletons in nm; None without skeletons."""

    finished_run_nm: float | None = None
    """Length of skeleton edges with both nodes in one finished object, in nm."""

    def shares(self) -> tuple[float, float, float | None]:
        """Return the finished shares of objects, voxels and run length, 0 to 1."""
        run = None
        if self.run_nm is not None and self.finished_run_nm is not None:
            run = self.finished_run_nm / self.run_nm if self.run_nm else 0.0
        return (
            self.finished_objects / max(1, self.objects),
            self.finished_voxels / max(1, self.voxels),
            run,
        )


def coverage_of(state: State, finished: Collection[int], voxels: Index) -> Coverage:
    """Return how much of a project is finished.

    Parameters
    ----------
    finished
        The segments that are.
    voxels
        Voxels of each fragment, int64, shape (fragments + 1,).
    """
    segment = state.graph.segment
    chosen = np.zeros(int(segment.max(initial=0)) + 1, np.bool_)
    chosen[np.fromiter(finished, np.int64)] = True
    chosen[0] = False
    mine = chosen[segment]
    # a segment is named after one of its fragments
    objects = np.count_nonzero(segment[1:] == np.arange(1, len(segment)))
    found = Coverage(
        objects=int(objects),
        finished_objects=int(chosen.sum()),
        voxels=int(voxels[segment > 0].sum()),
        finished_voxels=int(voxels[mine].sum()),
    )
    if state.followed is None:
        return found
    skeletons = state.followed.skeletons
    ends = segment[state.followed.fragment][skeletons.edges]
    inside = (ends[:, 0] == ends[:, 1]) & chosen[ends[:, 0]]
    lengths = skeletons.edge_lengths.astype(np.float64)
    return Coverage(
        found.objects,
        found.finished_objects,
        found.voxels,
        found.finished_voxels,
        float(lengths.sum()),
        float(lengths[inside].sum()),
    )
