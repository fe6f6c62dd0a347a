"""What the voxels of one training block say: ids, labels outside of it, missing tiles."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import fastremap
import numpy as np
import numpy.typing as npt

from napari_axonem.errors import VolumeError
from napari_axonem.geometry import Box, Grid, Zyx, blocks
from napari_axonem.volumes.axonem.release import Layout
from napari_axonem.volumes.axonem.stored import common_block
from napari_axonem.volumes.lazy import Level


@dataclass(slots=True)
class Tally:
    """What was counted in the voxels of a block, piece by piece."""

    layout: Layout

    ids: set[int] = field(default_factory=set)
    """Ids in the annotated block, without 0."""

    labelled: int = 0
    """Voxels with an id in the annotated block."""

    outside: int = 0
    """Voxels with an id outside of the annotated block."""

    outside_box: Box | None = None
    """The pieces of the file that those lie in."""

    negative: bool = False
    """Whether an id is below 0."""

    missing: npt.NDArray[np.int64] = field(init=False)
    """Labelled voxels where the image is exactly 0, for each section of the annotated block."""

    def __post_init__(self) -> None:
        self.missing = np.zeros(self.layout.block[0], np.int64)

    def add(self, box: Box, labels: npt.NDArray[Any], image: npt.NDArray[Any] | None) -> None:
        """Take in a piece of both files: voxels (z, y, x) of `box`."""
        has_id = labels != 0
        total = int(np.count_nonzero(has_id))
        if not total:
            return
        inner = box.intersect(self.layout.inner)
        part = inner.relative_to(box.start).slices
        inside = int(np.count_nonzero(has_id[part])) if inner.size else 0
        self.labelled += inside
        if total > inside:
            self.outside += total - inside
            self.outside_box = box if self.outside_box is None else self.outside_box.union(box)
        if labels.dtype.kind == "i":
            self.negative |= bool(labels.min() < 0)
        if inside:
            self.ids.update(fastremap.unique(np.ascontiguousarray(labels[part])).tolist())
            self.ids.discard(0)
            if image is not None:
                self._count_missing(inner, (image[part] == 0) & has_id[part])

    def _count_missing(self, inner: Box, missing: npt.NDArray[np.bool_]) -> None:
        first = inner.start[0] - self.layout.padding[0]
        counts = np.count_nonzero(missing, axis=(1, 2))
        self.missing[first : first + len(counts)] += counts


def tally(labels: Level, image: Level | None, grid: Grid, layout: Layout) -> tuple[Tally, str]:
    """Read both files of a block from end to end, piece by piece.

    Parameters
    ----------
    labels, image
        Arrays of the layout's shape; no image where that cannot be used.

    Returns
    -------
    What was counted, and why reading had to end early; empty where it did not.
    """
    found = Tally(layout)
    levels = [labels] if image is None else [labels, image]
    shape: Zyx = common_block(levels, grid)
    try:
        for box in blocks(Box.of_shape(layout.shape), shape):
            grey = None if image is None else np.asarray(image[box.slices])
            found.add(box, np.asarray(labels[box.slices]), grey)
    except VolumeError as error:
        return found, str(error)
    return found, ""
