"""Volumes: open any format lazily, make pyramids, write.

A *volume* (`Volume`) is a pyramid of arrays (z, y, x) on a grid in nm. `open_volume` makes one
from any location, `describe` says what is there without reading voxels. `Pyramid` is the form
that is written and changed in place: OME-Zarr with all its levels. `write_volume` writes a
volume to a file or a store, all of it or nothing.

A format is one module of `napari_axonem.volumes.formats`, registered in its `registry`; which
one reads a file is decided by the file's content.
"""

from napari_axonem.volumes.affinities import open_affinities
from napari_axonem.volumes.checksum import Checksum, voxel_checksum
from napari_axonem.volumes.chunking import block_shape, natural_block, natural_chunk
from napari_axonem.volumes.contents import list_volumes
from napari_axonem.volumes.dense import densified
from napari_axonem.volumes.labels import require_labels
from napari_axonem.volumes.opening import VolumeInfo, describe, open_volume
from napari_axonem.volumes.pyramid import Pyramid
from napari_axonem.volumes.reduction import Kind, level_factors, reduce_block, reduced_shape
from napari_axonem.volumes.roles import guess_roles
from napari_axonem.volumes.salvage import read_what_can_be_read
from napari_axonem.volumes.volume import LazyArray, Volume
from napari_axonem.volumes.writing import Written, write_volume

__all__ = [
    "Checksum",
    "Kind",
    "LazyArray",
    "Pyramid",
    "Volume",
    "VolumeInfo",
    "Written",
    "block_shape",
    "densified",
    "describe",
    "guess_roles",
    "level_factors",
    "list_volumes",
    "natural_block",
    "natural_chunk",
    "open_affinities",
    "open_volume",
    "read_what_can_be_read",
    "reduce_block",
    "reduced_shape",
    "require_labels",
    "voxel_checksum",
    "write_volume",
]
