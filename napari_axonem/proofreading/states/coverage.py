"""How much of a volume is finished: objects, voxels and run length."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import numpy as np

from napari_axonem.proofreading.states.extent import Index
from napari_axonem.proofreading.tables.graph import BACKGROUND
from napari_axonem.proofreading.tables.state import State


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
    graph = state.graph
    chosen = np.array(sorted(set(finished) - {BACKGROUND}), np.int64)
    found = Coverage(
        objects=graph.count_segments(),
        finished_objects=len(chosen),
        voxels=int(voxels[1:].sum() - voxels[graph.deleted].sum()),
        finished_voxels=int(voxels[graph.members(*chosen.tolist())].sum()),
    )
    if state.followed is None:
        return found
    skeletons = state.followed.skeletons
    ends = graph.segment[state.followed.fragment][skeletons.edges]
    inside = (ends[:, 0] == ends[:, 1]) & np.isin(ends[:, 0], chosen)
    lengths = skeletons.edge_lengths.astype(np.float64)
    return Coverage(
        found.objects,
        found.finished_objects,
        found.voxels,
        found.finished_voxels,
        float(lengths.sum()),
        float(lengths[inside].sum()),
    )
