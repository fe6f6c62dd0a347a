"""What two segmentations of the same voxels agree on.

References
----------
.. [1] M. Januszewski et al., Nature Methods 15 (2018) 605-610: oversegmentation consensus of two
   floods with opposite orders of seeds.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from napari_axonem.errors import MismatchError
from napari_axonem.evaluation.overlaps import count_overlaps

Labels = npt.NDArray[np.uint32]


def consensus(first: Labels, second: Labels, min_size: int) -> Labels:
    """Part the objects of one segmentation wherever another one disagrees [1]_.

    Two voxels are in one object where they are in both segmentations. What is background in
    `second` alone is one more part of an object of `first`; what is background in `first` stays so.

    Parameters
    ----------
    first, second
        Labels of equal shape, 0 is background.
    min_size
        Parts of fewer voxels become background.

    Returns
    -------
    Labels 1, 2, 3 … in the order of (id in `first`, id in `second`).

    Raises
    ------
    MismatchError
        The shapes differ.
    """
    if first.shape != second.shape:
        raise MismatchError(f"shapes {first.shape} and {second.shape} differ", where="consensus")
    table = count_overlaps(first, second)
    kept = (table.segment > 0) & (table.voxels >= max(1, min_size))
    names = np.zeros(len(table), np.uint32)
    names[kept] = np.arange(1, int(kept.sum()) + 1, dtype=np.uint32)
    # ids fit into 32 bits, so that a pair of them is one key; rows are sorted by it
    keys = (table.segment << np.uint64(32)) | table.truth
    pair = (first.astype(np.uint64) << np.uint64(32)) | second
    parted: Labels = names[np.searchsorted(keys, pair)]
    return parted
