"""What an affinity network is to say: targets and masks from labels.

Axes are (z, y, x). Channel c of a target belongs to an offset: its value at a voxel v says whether
v and ``v + offset`` are of one object. The offsets of the nearest neighbours are ``(-1, 0, 0)``,
``(0, -1, 0)`` and ``(0, 0, -1)``: the lower neighbours, as everywhere in this package.

References
----------
.. [1] S. C. Turaga et al., "Convolutional networks can learn to generate affinity graphs for image
   segmentation", Neural Computation 22 (2010) 511-538.
.. [2] K. Lee et al., "Superhuman accuracy on the SNEMI3D connectomics challenge",
   arXiv:1706.00120 (2017). Long-range affinities as auxiliary targets.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage

from napari_axonem.geometry import Nm, Zyx
from napari_axonem.networks.card import NEAREST

Bools = npt.NDArray[np.bool_]
Slices = tuple[slice, ...]

MISSING_PATCH = 5
"""Edge in voxels, in a section, of the smallest patch of zeros that counts as missing image."""


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """What the network is to say of a patch, and where that is known."""

    values: Bools
    """Shape (c, z, y, x): whether both ends are of one object."""

    known: Bools
    """Shape (c, z, y, x): where the loss counts."""


def is_planar(voxel_size: Nm) -> bool:
    """Whether sections are so thick that what is done to an image is done within each."""
    return voxel_size[0] > 1.5 * voxel_size[2]


def affinities(labels: npt.NDArray[Any], offsets: Sequence[Zyx], known: Bools) -> Target:
    """Return the affinities of labels.

    Parameters
    ----------
    labels
        Ids (z, y, x); 0 belongs to no object, and has affinity 0 to everything.
    offsets
        One a channel.
    known
        Shape (z, y, x): where the labels mean something.

    Returns
    -------
    The target. A channel is known where both ends of its offset lie inside and are known.
    """
    values = np.zeros((len(offsets), *labels.shape), dtype=np.bool_)
    mask = np.zeros_like(values)
    for channel, offset in enumerate(offsets):
        here, there = ends(labels.shape, offset)
        same = (labels[here] == labels[there]) & (labels[here] != 0)
        values[channel][here] = same
        mask[channel][here] = known[here] & known[there]
    return Target(values, mask)


def ends(shape: Sequence[int], offset: Sequence[int]) -> tuple[Slices, Slices]:
    """Return where both ends of an offset lie inside: the voxels, and those they look at."""
    here, there = [], []
    for n, step in zip(shape, offset, strict=True):
        reach = min(abs(step), n)
        low, high = slice(0, n - reach), slice(reach, n)
        here.append(high if step < 0 else low)
        there.append(low if step < 0 else high)
    return tuple(here), tuple(there)


def eroded(labels: npt.NDArray[Any], known: Bools, planar: bool) -> npt.NDArray[Any]:
    """Return labels that are 0 along the faces between objects, one voxel on either side.

    A network that is asked to see a membrane wherever two labels meet learns to, although
    labels often touch where the membrane is thin.

    Parameters
    ----------
    known
        A face to voxels that are not known is none.
    planar
        Only within sections.
    """
    faces = np.zeros(labels.shape, dtype=np.bool_)
    for axis in range(1 if planar else 0, 3):
        low, high = _along(axis)
        differ = (labels[low] != labels[high]) & known[low] & known[high]
        faces[low] |= differ
        faces[high] |= differ
    return np.where(faces, np.zeros((), labels.dtype), labels)


def _along(axis: int) -> tuple[Slices, Slices]:
    low = tuple(slice(0, -1) if a == axis else slice(None) for a in range(3))
    high = tuple(slice(1, None) if a == axis else slice(None) for a in range(3))
    return low, high


def missing_image(image: npt.NDArray[Any]) -> Bools:
    """Tell where the image is missing: exactly 0 over a patch of a section.

    Single dark voxels are image; `MISSING_PATCH` voxels on a side and more are not.
    """
    zero: Bools = np.asarray(image == 0)
    if not zero.any():
        return zero
    edge = [min(MISSING_PATCH, n) for n in image.shape[1:]]
    window = np.ones((1, *edge), dtype=np.bool_)
    return np.asarray(ndimage.binary_opening(zero, window), dtype=np.bool_)


def long_range(voxel_size: Nm, reaches: Sequence[float]) -> Iterator[Zyx]:
    """Yield offsets of about `reaches` nm along each axis, none twice and none nearest."""
    seen = set(NEAREST)
    for reach in reaches:
        for axis, edge in enumerate(voxel_size):
            steps = max(1, round(reach / edge))
            offset: Zyx = tuple(-steps if a == axis else 0 for a in range(3))  # type: ignore[assignment]
            if offset not in seen:
                seen.add(offset)
                yield offset
