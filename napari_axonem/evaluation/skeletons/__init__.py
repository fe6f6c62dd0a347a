"""Skeletons of the truth: make them, read and write them, look up the segments below them.

`Skeletons` holds the skeletons of many objects as flat arrays in nm. `read_skeletons` and
`write_skeletons` know em_erl graphs, HDF5, SWC and Neuroglancer precomputed. `lookup` reads the
segment under each node block by block; from that, `napari_axonem.evaluation.erl` scores.
"""

from napari_axonem.evaluation.skeletons.files import (
    check_destination,
    read_skeletons,
    write_skeletons,
)
from napari_axonem.evaluation.skeletons.lookup import (
    MaskedVoxels,
    NodeSegments,
    lookup,
    masked_voxels,
)
from napari_axonem.evaluation.skeletons.making import skeletonize
from napari_axonem.evaluation.skeletons.skeletons import Skeletons, Tree, from_trees, trees

__all__ = [
    "MaskedVoxels",
    "NodeSegments",
    "Skeletons",
    "Tree",
    "check_destination",
    "from_trees",
    "lookup",
    "masked_voxels",
    "read_skeletons",
    "skeletonize",
    "trees",
    "write_skeletons",
]
