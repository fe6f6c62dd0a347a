"""The graph of fragments with its merge tree, as it is kept on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from napari_axonem.agglomeration import MergeTree
from napari_axonem.errors import VolumeError
from napari_axonem.segmentation.fragments.basins import Int64
from napari_axonem.volumes.disk import DAMAGES, guarded

Ids = npt.NDArray[np.uint32]


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """Fragments, their contacts, and at which score they join; an edge is a row."""

    u: Ids
    """Lower fragment, uint32, shape (m,); sorted by (u, v)."""

    v: Ids
    """Upper fragment, uint32, shape (m,)."""

    area: Int64
    """Common voxel faces, int64, shape (m,)."""

    affinity: npt.NDArray[np.float32]
    """Mean affinity over them, float32, shape (m,)."""

    voxels: Int64
    """Voxels of each fragment, int64, shape (fragments + 1,); 0 for the background."""

    tree: MergeTree

    def segments_at(self, threshold: float, dust: int = 0) -> Ids:
        """Return the segment of each fragment, uint32, shape (fragments + 1,).

        Parameters
        ----------
        threshold
            Of the mean affinity, 0 to 1.
        dust
            Segments of fewer voxels are background.
        """
        segments = self.tree.segments_at(threshold)
        if dust:
            size = np.bincount(segments, weights=self.voxels, minlength=len(segments))
            segments = np.where(size[segments] < dust, np.uint32(0), segments)
        return segments


def save_graph(path: Path, graph: Graph) -> None:
    """Write a graph (npz, no pickles).

    Columns ``u``, ``v`` and ``score`` are what `project create --scores` reads: a score is nan
    where two fragments never come into one segment.

    Raises
    ------
    StorageError
        The disk cannot be written.
    """
    tree = graph.tree
    columns = {
        **{name: getattr(graph, name) for name in ("u", "v", "area", "affinity", "voxels")},
        "score": np.where(tree.edge_score < 0, np.nan, tree.edge_score),
        "merge_u": tree.u,
        "merge_v": tree.v,
        "merge_score": tree.score,
    }
    temporary = path.with_name(f".{path.name}.partial")
    with guarded(path):
        with temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, **columns)
        temporary.replace(path)


def load_graph(path: Path) -> Graph:
    """Read a graph.

    Raises
    ------
    VolumeError
        The file is missing or damaged.
    """
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            columns = {name: stored[name] for name in stored.files}
        score = columns["score"]
        tree = MergeTree(
            len(columns["voxels"]) - 1,
            columns["merge_u"],
            columns["merge_v"],
            columns["merge_score"],
            np.where(np.isnan(score), -1.0, score),
        )
        u, v, area = (columns[name] for name in ("u", "v", "area"))
        return Graph(u, v, area, columns["affinity"], columns["voxels"], tree)
    except DAMAGES as error:
        raise VolumeError(
            f"the graph of fragments cannot be read ({error})",
            where=path,
            remedy="make it with 'napari-axonem segment'",
        ) from error
