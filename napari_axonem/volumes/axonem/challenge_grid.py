"""A segmentation seen on the lattice of the challenge, 32 nm in y and x."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import MismatchError
from napari_axonem.geometry import Box, Zyx, blocks, zyx
from napari_axonem.volumes.axonem.release import ReleaseVolume
from napari_axonem.volumes.chunking import natural_block
from napari_axonem.volumes.reduction import reduce_block, reduced_shape
from napari_axonem.volumes.volume import Volume
from napari_axonem.wording import number_words

Reduction: TypeAlias = Literal["majority", "sample"]
"""How several voxels become one: by the most frequent id, or by the first voxel's."""

_CLOSE = 1e-4
"""Relative difference of voxel sizes that is taken for rounding: 0.4 voxels over the volume."""

_ON_LATTICE = 1e-2
"""How far from a voxel's corner, in voxels, an origin may lie by rounding."""


@dataclass(frozen=True, slots=True)
class OnChallengeGrid:
    """A label volume on the lattice of the challenge; nothing is read before `read`.

    The challenge's server looks up the segment of a skeleton node at the voxel
    ``floor(position / 32 nm)``. So a voxel of the lattice answers for nodes anywhere in its
    window of 4×4 fine voxels, and the id to put there is the one that most of those nodes would
    have found in the segmentation itself: the most frequent id of the window (``majority``; of
    equally frequent ones, never 0). Taking the first voxel of each window (``sample``) answers
    from a corner, up to 24 nm from the node; it is right only for nodes that lie on corners, as
    those of skeletons made on a truth that was itself sampled in this way. Both agree but for
    windows on the edge of an object.
    """

    segmentation: Volume
    """Ids; an unsigned type."""

    release: ReleaseVolume
    """The volume that is segmented."""

    factor: Zyx
    """Voxels (z, y, x) of the segmentation that make one of the lattice."""

    start: Zyx
    """First voxel of the segmentation, in voxels of its size, within the whole volume."""

    reduction: Reduction

    @property
    def shape(self) -> Zyx:
        """Extent (z, y, x) of the lattice."""
        return self.release.challenge_shape

    @property
    def covered(self) -> Box:
        """The voxels of the lattice that the segmentation reaches; the others are 0."""
        z, y, x = (a // f for a, f in zip(self.start, self.factor, strict=True))
        stop = reduced_shape(self._fine.stop, self.factor)
        return Box((z, y, x), stop).intersect(Box.of_shape(self.shape))

    @property
    def left_out(self) -> int:
        """How many voxels of the segmentation lie outside of the volume."""
        z, y, x = (n * f for n, f in zip(self.shape, self.factor, strict=True))
        return self._fine.size - self._fine.intersect(Box.of_shape((z, y, x))).size

    @property
    def _fine(self) -> Box:
        return self.segmentation.box.shift(self.start)

    def read(self, box: Box) -> npt.NDArray[Any]:
        """Return the ids (z, y, x) in `box`, a box of the lattice.

        As much of the segmentation is read at once as `natural_block` says, whatever the box.
        """
        found = np.zeros(box.shape, self.segmentation.dtype)
        near = natural_block(self.segmentation)
        z, y, x = (max(1, n // f) for n, f in zip(near, self.factor, strict=True))
        for piece in blocks(box.intersect(self.covered), (z, y, x)):
            found[piece.relative_to(box.start).slices] = self._reduced(piece)
        return found

    def _reduced(self, piece: Box) -> npt.NDArray[Any]:
        start, stop = np.multiply(piece.start, self.factor), np.multiply(piece.stop, self.factor)
        window = Box(zyx(start), zyx(stop))
        there = window.intersect(self._fine)
        fine = self.segmentation.read(there.relative_to(self.start))
        if there != window:  # at the faces of a segmentation that begins or ends in a window
            whole = np.zeros(window.shape, fine.dtype)
            whole[there.relative_to(window.start).slices] = fine
            fine = whole
        if self.reduction == "sample":
            z, y, x = self.factor
            return fine[::z, ::y, ::x]
        return reduce_block(fine, self.factor, "labels")


def on_challenge_grid(
    segmentation: Volume, release: ReleaseVolume, reduction: Reduction = "majority"
) -> OnChallengeGrid:
    """Place a segmentation on the lattice of the challenge.

    Parameters
    ----------
    segmentation
        Ids of an unsigned type, of the whole volume or of a part that its origin places; voxels
        as large as those of the lattice, or a whole number of times smaller along each axis.

    Raises
    ------
    MismatchError
        Its voxels do not fit the lattice, or it lies elsewhere.
    """
    target, size = release.challenge_grid.voxel_size, segmentation.grid.voxel_size
    ratios = [t / s for t, s in zip(target, size, strict=True)]
    z, y, x = (max(1, round(r)) for r in ratios)
    if not all(math.isclose(r, f, rel_tol=_CLOSE) for r, f in zip(ratios, (z, y, x), strict=True)):
        raise MismatchError(
            f"voxels of {_nm(size)} nm do not fit those of the {release.key} challenge, "
            f"{_nm(target)} nm, a whole number of times",
            where=segmentation.location,
            remedy=f"give it at {_nm(release.voxel_size)} or {_nm(target)} nm; if the file is "
            f"wrong about its voxels, pass --{release.key}-voxel-size",
        )
    exact = [o * r / t for o, r, t in zip(segmentation.grid.origin, (z, y, x), target, strict=True)]
    start = zyx(np.rint(exact))
    if max(abs(a - b) for a, b in zip(exact, start, strict=True)) > _ON_LATTICE:
        raise MismatchError(
            f"its origin {_nm(segmentation.grid.origin)} nm is between voxels of {_nm(size)} nm",
            where=segmentation.location,
            remedy=f"pass --{release.key}-origin with a corner of a voxel of the whole volume",
        )
    placed = OnChallengeGrid(segmentation, release, (z, y, x), start, reduction)
    if not placed.covered.size:
        raise MismatchError(
            f"it lies outside of the {release.key} volume, from voxel {start} on",
            where=segmentation.location,
            remedy=f"pass its place as --{release.key}-origin Z,Y,X in nm",
        )
    return placed


def stated_by_shape(shape: Zyx, release: ReleaseVolume) -> Zyx | None:
    """Return by how much voxels are larger than the volume's where only the shape is known.

    A segmentation of the whole volume at full size, or of the whole lattice, can be nothing
    else; any other shape tells nothing.
    """
    known: dict[Zyx, Zyx] = {release.shape: (1, 1, 1), release.challenge_shape: (1, 4, 4)}
    return known.get(shape)


def _nm(values: Sequence[float]) -> str:
    return number_words(values, " x ")
