"""What the image says of a contact: whether a membrane runs along it.

A membrane is dark. Across a face of two voxels that has one, the image is darker at the face than
some way off on both sides; within a neurite it is not. This dip in brightness, in units of the
image's standard deviation, needs no training and does not change with exposure. It is offered as
if it were affinities, so that the pass that tabulates contacts averages it over each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_axonem.geometry import Box, Zyx, blocks
from napari_axonem.progress import Progress, silent, tracked
from napari_axonem.volumes.volume import Volume

SMOOTHING_NM = 8.0
"""Standard deviation of the smoothing that comes first, along axes with voxels that small."""

LEAST_SMOOTHING = 0.4
"""In voxels: along axes where it would be less, the image is not smoothed."""

REACH_NM = 40.0
"""How far off a face, along its normal, the brightness of both sides is taken."""

STEP = 32.0
"""Levels of a byte for one standard deviation; a dip of ±4 of them fits."""

ZERO = 128.0


@dataclass(frozen=True, slots=True, eq=False)
class GreyLevels:
    """Brightness of an image, and of each segment in it."""

    spread: float
    """Standard deviation of all voxels, at least a tiny number."""

    mean: npt.NDArray[np.float64]
    """Mean brightness of each segment id, shape (largest id + 1,); 0 where there is no voxel."""


def grey_levels(
    image: Volume, segments: Volume, block_shape: Zyx, progress: Progress = silent
) -> GreyLevels:
    """Return the brightness of an image and of each segment, in one pass.

    Parameters
    ----------
    image, segments
        Volumes (z, y, x) of one shape; ids are dense: the table has a row for each up to the
        largest.
    """
    total, square = 0.0, 0.0
    sums, counts = np.zeros(1), np.zeros(1)
    pieces = list(blocks(segments.box, block_shape))
    for piece in tracked(pieces, progress, "measuring the brightness of segments"):
        values = image.read(piece).astype(np.float64).ravel()
        label = segments.read(piece).ravel().astype(np.int64)
        total += values.sum()
        square += np.square(values).sum()
        sums = _added(sums, np.bincount(label, weights=values))
        counts = _added(counts, np.bincount(label).astype(np.float64))
    voxels = max(1.0, counts.sum())
    spread = np.sqrt(max(0.0, square / voxels - (total / voxels) ** 2))
    return GreyLevels(max(float(spread), 1e-6), sums / np.maximum(counts, 1))


@dataclass(frozen=True, slots=True, eq=False)
class Contrast:
    """The dip in brightness at each face, in the form of affinities (3, z, y, x) of uint8.

    Channel c of a voxel is about the face to its neighbour one lower along axis c.
    """

    image: Volume
    spread: float

    @property
    def shape(self) -> tuple[int, ...]:
        """Extent (3, z, y, x)."""
        return (3, *self.image.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of a value."""
        return np.dtype(np.uint8)

    def __getitem__(self, key: Any) -> npt.NDArray[np.uint8]:  # noqa: ANN401
        axis = int(key[0])
        box = Box(
            (key[1].start, key[2].start, key[3].start), (key[1].stop, key[2].stop, key[3].stop)
        )
        sizes = self.image.grid.voxel_size
        sigma = [s if (s := SMOOTHING_NM / size) > LEAST_SMOOTHING else 0.0 for size in sizes]
        reach = max(1, round(REACH_NM / sizes[axis]))
        halo = [int(4 * s + 0.5) for s in sigma]  # as far as gaussian_filter looks
        halo[axis] += reach + 1
        wide = box.grow(halo).intersect(self.image.box)
        smooth = ndimage.gaussian_filter(
            self.image.read(wide).astype(np.float32), sigma, mode="nearest"
        )
        place = np.arange(box.start[axis], box.stop[axis]) - wide.start[axis]
        other = box.relative_to(wide.start).slices
        inner = smooth[tuple(slice(None) if a == axis else other[a] for a in range(3))]

        def along(offset: int) -> npt.NDArray[np.float32]:
            last = inner.shape[axis] - 1
            taken: npt.NDArray[np.float32] = np.take(
                inner, np.clip(place + offset, 0, last), axis=axis
            )
            return taken

        beside = np.minimum(along(reach), along(-1 - reach))
        dip = (beside - np.minimum(along(0), along(-1))) / self.spread
        levels: npt.NDArray[np.uint8] = np.clip(ZERO + STEP * dip, 0, 255).astype(np.uint8)
        return levels


def dips(affinity: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
    """Return mean dips in standard deviations of the image from means over `Contrast`.

    Parameters
    ----------
    affinity
        As the table of contacts has them, 0 to 1; nan where two segments have no face in common.
    """
    return (affinity.astype(np.float64) * 255 - ZERO) / STEP


def _added(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    longer = np.zeros(max(len(one), len(other)))
    longer[: len(one)] += one
    longer[: len(other)] += other
    return longer
